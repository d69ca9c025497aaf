"""Recipe: the bundled image encoder, from random numbers.

    python -m catalens.training.encoder --out runs/encoder --minutes 66

A small residual network learns from photos that may be learned from (`photos.py`): to predict a teacher's features of
many views, to tell categories and products apart, to know two views of a photo as the same. The schedule runs by the
clock, so that it always ends annealed; it goes on from its last checkpoint with --resume. CPU and GPU alike.
"""

from __future__ import annotations

import argparse
import json
import math
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, get_args

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from catalens import settings
from catalens.errors import CatalensError, NotFoundError
from catalens.models.card import Precision
from catalens.training import teacher
from catalens.training.curves import draw_curves
from catalens.training.export import export_encoder
from catalens.training.heldout import held_out, score_held_out
from catalens.training.network import DIM, Average, EncoderNetwork
from catalens.training.objectives import WEIGHTS, Objectives, Targets, sampling_weights, targets_of
from catalens.training.photos import SIDE, Photo, squared, training_photos
from catalens.training.views import student_view, view_boxes
from catalens.types import FloatArray, ImageArray

BATCH = 96
"""Views to a step: two of each of 48 photos."""
WHOLE = 0.4
"""Chance that the first of the two views is the whole photo, as it is asked with later."""
PEAK_RATE, WARM_UP = 2e-3, 0.05
SIZES = ((0.75, 128), (1.0, 160))
"""Until this share of the time, views of this side in pixels."""
CHECKPOINT_EVERY_S = 60.0


@dataclass(frozen=True)
class Lesson:
    """All that training reads: squared photos, their views, what the teacher says of these, the targets."""

    squares: ImageArray
    owners: np.ndarray[tuple[int], np.dtype[np.int64]]
    boxes: FloatArray
    features: np.ndarray[tuple[int, int], np.dtype[np.float16]]
    targets: Targets
    chances: np.ndarray[tuple[int], np.dtype[np.float64]]
    """(N,) of each photo to be drawn; 0 for those held out."""
    photos: list[Photo]
    held: np.ndarray[tuple[int], np.dtype[np.bool_]]


Batch = tuple[ImageArray, Tensor, Tensor]
"""(2n, S, S, 3) views, (2n, 1280) the teacher's features, (2n,) the photos."""


def lesson(*, data: Path, teachers: Path, cache: Path, seed: int, hold_out: float = 0.0) -> Lesson:
    """Read the photos, choose the views and ask the teacher about them (once: the answers are kept in `cache`).

    A share `hold_out` of the labelled photos is never drawn: choices are made on those.
    """
    photos = training_photos(data)
    with _bar() as bar:
        task = bar.add_task("reading photos", total=None)

        def update(done: int, total: int | None, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        squares, inner = squared(photos, progress=update)
        owners, boxes = view_boxes(inner, np.array([photo.is_shop_picture for photo in photos]), side=SIDE, seed=seed)
        features = teacher.centered_features(squares, owners, boxes, teachers=teachers, cache=cache, progress=update)
    held = held_out(photos, hold_out, seed=seed)
    chances = np.where(held, 0.0, sampling_weights(photos))
    return Lesson(squares, owners, boxes, features, targets_of(photos), chances / chances.sum(), photos, held)


def batches(lesson: Lesson, *, size: list[int], seed: int) -> Iterator[Batch]:
    """Draw batches for ever, made in a thread of its own; `size[0]` is the side of the views and may change."""
    ready: queue.Queue[Batch] = queue.Queue(6)
    first = np.searchsorted(lesson.owners, np.arange(len(lesson.squares)))
    count = np.bincount(lesson.owners)

    def draw(rng: np.random.Generator) -> Batch:
        photos = rng.choice(len(lesson.squares), BATCH // 2, replace=False, p=lesson.chances)
        second = first[photos] + rng.integers(0, count[photos])
        other = np.where(rng.random(len(photos)) < WHOLE, first[photos], first[photos] + rng.integers(0, count[photos]))
        views = np.stack([other, second], axis=1).ravel()
        pixels = np.stack(
            [
                student_view(lesson.squares[lesson.owners[view]], lesson.boxes[view], size=size[0], rng=rng)
                for view in views
            ]
        )
        return pixels, torch.from_numpy(lesson.features[views].astype(np.float32)), torch.from_numpy(photos.repeat(2))

    def work() -> None:
        rng = np.random.default_rng(seed)
        while True:
            ready.put(draw(rng))

    threading.Thread(target=work, daemon=True).start()
    while True:
        yield ready.get()


@dataclass
class Run:
    """A training run: networks, optimiser, how far it is. All of it is in a checkpoint."""

    network: EncoderNetwork
    objectives: Objectives
    average: Average
    optimizer: torch.optim.Optimizer
    device: torch.device
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def start(cls, lesson: Lesson, *, seed: int, device: str) -> Run:
        torch.manual_seed(seed)
        network = EncoderNetwork().to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        objectives = Objectives(lesson.targets, dim=DIM, teacher_dim=teacher.DIM).to(device)
        weights = [*network.parameters(), *objectives.parameters()]
        optimizer = torch.optim.AdamW(weights, lr=PEAK_RATE, weight_decay=0.05)
        average = Average(network)
        average.network.to(device)
        return cls(network, objectives, average, optimizer, torch.device(device))

    def save(self, path: Path) -> None:
        """Write a checkpoint beside the old one, then put it in its place."""
        state = {
            "network": self.network.state_dict(),
            "objectives": self.objectives.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        if not path.is_file():
            raise NotFoundError(f"no checkpoint at {path}", cure="start without --resume")
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.objectives.load_state_dict(state["objectives"])
        self.average.network.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]

    def learn(self, batch: Batch, targets: Targets, *, rate: float) -> dict[str, float]:
        """One step; returns the losses."""
        pixels, features, photos = batch
        x = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float().sub_(127.5).div_(63.75)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16):
            vectors = self.network(x)
        losses: dict[str, Tensor] = self.objectives(vectors.float(), features.to(self.device), targets.of(photos))
        total = torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
        self.optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for g in self.optimizer.param_groups for p in g["params"]], 2.0)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.network, step=self.step)
        return {name: float(loss.detach()) for name, loss in losses.items()}


def rate_at(share: float) -> float:
    """Learning rate after this share (0..1) of the time: a short warm-up, then half a cosine down to nothing."""
    falling = 0.5 * (1 + math.cos(math.pi * max(0.0, (share - WARM_UP) / (1 - WARM_UP))))
    return PEAK_RATE * min(1.0, share / WARM_UP) * falling + 1e-6


def train(lesson: Lesson, run: Run, *, out: Path, minutes: float, seed: int) -> None:
    """Train until the minutes are over, those of earlier runs counted in; checkpoints and curves go to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    size = [SIZES[0][1]]
    drawn = batches(lesson, size=size, seed=seed + run.step)
    smooth: dict[str, float] = {}
    started, saved = time.perf_counter() - run.seconds, run.seconds
    with _bar() as bar, (out / "log.jsonl").open("a", encoding="utf-8") as log:
        task = bar.add_task("training", total=minutes * 60)
        while (seconds := time.perf_counter() - started) < minutes * 60:
            share = seconds / (minutes * 60)
            size[0] = next(side for until, side in SIZES if share <= until)
            losses = run.learn(next(drawn), lesson.targets, rate=rate_at(share))
            smooth = {name: 0.98 * smooth.get(name, loss) + 0.02 * loss for name, loss in losses.items()}
            bar.update(task, completed=seconds, description=" ".join(f"{n} {v:.3f}" for n, v in smooth.items()))
            if seconds - saved > CHECKPOINT_EVERY_S:
                run.seconds = saved = seconds
                _keep(run, out, log, smooth)
        if smooth:
            run.seconds = time.perf_counter() - started
            _keep(run, out, log, smooth)
    draw_curves(out / "log.jsonl", out / "curves.png")


def _keep(run: Run, out: Path, log: TextIO, losses: dict[str, float]) -> None:
    """Write a checkpoint and a line of the log."""
    run.save(out / "checkpoint.pt")
    log.write(json.dumps({"step": run.step, "seconds": round(run.seconds), **losses}) + "\n")
    log.flush()


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the recipe from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m catalens.training.encoder", description=(__doc__ or "").split(":")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, curves, card and weights")
    parser.add_argument("--minutes", type=float, default=66.0, help="time for training, that of earlier runs included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=settings.threads())
    parser.add_argument("--hold-out", type=float, default=0.0, help="share of the photos kept aside to make choices on")
    parser.add_argument("--precision", choices=get_args(Precision), default="int8", help="of the weights that ship")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--data", type=Path, default=settings.data_folder())
    parser.add_argument("--teachers", type=Path, default=settings.teacher_folder())
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(1)
    try:
        taught = lesson(
            data=given.data,
            teachers=given.teachers,
            cache=given.out / "cache",
            seed=given.seed,
            hold_out=given.hold_out,
        )
        run = Run.start(taught, seed=given.seed, device=given.device)
        if given.resume:
            run.load(given.out / "checkpoint.pt")
        train(taught, run, out=given.out, minutes=given.minutes, seed=given.seed)
        for task, score in score_held_out(run.average.network, taught.squares, taught.photos, taught.held).items():
            sys.stderr.write(f"held out: {task} 1-NN {score}\n")
        export_encoder(
            run.average.network,
            given.out,
            photos=taught.squares,
            precision=given.precision,
            training={
                "command": f"python -m catalens.training.encoder --minutes {given.minutes:g} --seed {given.seed}",
                "seed": str(given.seed),
                "cost": f"{run.seconds / 60:.0f} minutes on {given.device}, {given.threads} threads, "
                f"{run.step * BATCH} views",
            },
        )
    except CatalensError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
