"""Recipe: the bundled encoder of pictures and words, from random numbers.

    python -m catalens.training.encoder --out runs/encoder --minutes 66

A small residual network for pictures and a smaller one for words learn together from photos that may be learned from
(`photos.py`), products cut out of them, rendered and dyed ones (`lesson.py`): to predict a teacher's features and the
colors of many views, to tell categories and products apart, to know a product again, and which words are true of it.
The schedule runs by the clock, so that it always ends annealed; it goes on from its last checkpoint with --resume. CPU
and GPU alike.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from catalens.models.card import Precision
from catalens.models.text import text_batch
from catalens.training import teacher
from catalens.training.export import export_encoder
from catalens.training.facts import caption, known_words, truths
from catalens.training.heldout import score_held_out
from catalens.training.lesson import Lesson, lesson
from catalens.training.loop import CHECKPOINT, Run, drawn, side_at, train
from catalens.training.network import KIND_DIM, LOOK_DIM, EncoderNetwork, TextNetwork
from catalens.training.objectives import WEIGHTS, Objectives, targets_of
from catalens.training.pyramid import normalized
from catalens.training.recipe import RecipeParser, as_command, progress_of
from catalens.training.views import student_view
from catalens.types import FloatArray, ImageArray, IntArray

BATCH = 128
"""Views to a step: two of each of 64 products."""
WHOLE = 0.4
"""Chance that the first of the two views is the whole photo, as it is asked with later."""
SIBLING = 0.7
"""Chance that the second view is of any picture of the product, where there are several, rather than of the same."""
RATE = 2e-3
SIZES = ((0.35, 112), (0.78, 128), (1.0, 160))
"""Until this share of the time, views of this side in pixels."""
COLOR_DIM = 256


@dataclass(frozen=True)
class Batch:
    """What one step learns from: 2n views, rows 2i and 2i + 1 of one product, and n captions."""

    pixels: ImageArray
    """(2n, S, S, 3)."""
    rows: Tensor
    """(2n,) the pictures that they are views of."""
    features: FloatArray
    """(2n, 1280) what the teacher says of the views; zeros where it was not asked."""
    colors: FloatArray
    """(2n, 256) their color histograms."""
    grams: IntArray
    weights: FloatArray
    """(n, L) both: the captions, as the text network takes them."""
    truth: FloatArray
    """(n, 2n) which captions are true of which views."""


class Drawer:
    """Draws batches from a lesson."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._first = np.searchsorted(lesson.owners, np.arange(len(lesson.squares)))
        self._count = np.bincount(lesson.owners)
        self._drawable = lesson.chances > 0
        _, products = np.unique([photo.product for photo in lesson.photos], return_inverse=True)
        members: list[list[int]] = [[] for _ in range(int(products.max()) + 1)]
        for row, product in enumerate(products.tolist()):
            if lesson.chances[row] > 0:
                members[product].append(row)
        self._siblings = [np.array(members[product]) for product in products.tolist()]

    def draw(self, rng: np.random.Generator, *, size: int) -> Batch:
        """Views of products, each in two pictures where there are more, and a caption for each."""
        lesson = self._lesson
        chosen = rng.choice(len(lesson.squares), BATCH // 2, replace=False, p=lesson.chances)
        rows = np.stack([chosen, [self._partner(row, rng) for row in chosen.tolist()]], axis=1).ravel()
        views = self._first[rows] + rng.integers(0, self._count[rows])
        views[::2] = np.where(rng.random(len(chosen)) < WHOLE, self._first[chosen], views[::2])
        pixels = np.stack(
            [
                student_view(lesson.squares[row], lesson.boxes[view], size=size, rng=rng)
                for row, view in zip(rows.tolist(), views.tolist(), strict=True)
            ]
        )
        facts = [lesson.photos[row].facts for row in rows.tolist()]
        captions = [caption(one, rng) for one in facts[::2] if one]
        grams, weights = text_batch([one.text for one in captions])
        features = lesson.features[views].astype(np.float32)
        return Batch(
            pixels, torch.from_numpy(rows), features, view_colors(pixels), grams, weights, truths(captions, facts)
        )

    def _partner(self, row: int, rng: np.random.Generator) -> int:
        siblings = self._siblings[row]
        return int(rng.choice(siblings)) if len(siblings) > 1 and rng.random() < SIBLING else row


def view_colors(pixels: ImageArray) -> FloatArray:
    """(N, S, S, 3) views -> (N, 256) Lab histograms of their middles, where the product is: square roots, unit length.

    The bins of `features.color`, counted for all views at once.
    """
    edge = int(pixels.shape[1] * 0.15)
    middles = np.ascontiguousarray(pixels[:, edge:-edge:3, edge:-edge:3])
    lab = cv2.cvtColor(middles.reshape(-1, 1, 3), cv2.COLOR_RGB2LAB).reshape(len(pixels), -1, 3)
    bins = (lab[..., 0] // 64).astype(np.int64) * 64 + (lab[..., 1] // 32) * 8 + lab[..., 2] // 32
    bins += np.arange(len(pixels))[:, None] * COLOR_DIM
    counts = np.bincount(bins.ravel(), minlength=len(pixels) * COLOR_DIM).reshape(len(pixels), COLOR_DIM)
    return np.asarray(np.sqrt(counts / counts.sum(1, keepdims=True)), np.float32)


class Learner:
    """The two towers in training, the heads that teach them, and the losses of a batch."""

    def __init__(self, lesson: Lesson, *, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self._device = torch.device(device)
        self.towers = nn.ModuleDict({"pictures": EncoderNetwork(), "words": TextNetwork()}).to(device)
        self.towers["pictures"].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._targets = targets_of(lesson.photos).to(self._device)
        self.objectives = Objectives(
            self._targets, dim=KIND_DIM, look_dim=LOOK_DIM, teacher_dim=teacher.DIM, color_dim=COLOR_DIM
        ).to(device)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Losses by name, as `Objectives` says them."""
        with torch.autocast(self._device.type, torch.bfloat16):
            places, looks = self.towers["pictures"].parts(normalized(self._on(batch.pixels)))  # type: ignore[operator]
        words = self.towers["words"](self._on(batch.grams), self._on(batch.weights))
        losses: dict[str, Tensor] = self.objectives(
            places.mean((2, 3)).float(),
            looks.float(),
            words,
            features=self._on(batch.features),
            colors=self._on(batch.colors),
            truth=self._on(batch.truth),
            targets=self._targets.of(batch.rows.to(self._device)),
        )
        return losses

    def run(self) -> Run[Batch]:
        """A run of the loop."""
        return Run(self.towers, self.losses, heads=self.objectives, weights=WEIGHTS)

    def _on(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def averaged(run: Run[Batch]) -> tuple[EncoderNetwork, TextNetwork]:
    """The averaged towers: what ships."""
    towers = cast(nn.ModuleDict, run.average.network)
    return cast(EncoderNetwork, towers["pictures"]), cast(TextNetwork, towers["words"])


def teach(lesson: Lesson, run: Run[Batch], *, out: Path, minutes: float, rate: float, seed: int) -> None:
    """Train with views that grow with time; as `loop.train`."""
    drawer, side = Drawer(lesson), [SIZES[0][1]]

    def grow(share: float) -> None:
        side[0] = side_at(share, SIZES)

    ready = drawn(lambda rng: drawer.draw(rng, size=side[0]), seed=seed + run.step)
    train(run, ready, out=out, minutes=minutes, rate=rate, at=grow)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("encoder", __doc__)
    parser.add_shared("--out", "--minutes", "--seed", "--device", "--threads")
    parser.add_argument("--hold-out", type=float, default=0.0, help="share of the photos kept aside to make choices on")
    parser.add_argument("--precision", choices=get_args(Precision), default="int8", help="of the weights that ship")
    parser.add_shared("--resume")
    parser.add_argument("--start", type=Path, help="folder of an earlier run, whose networks to begin with")
    parser.add_shared("--rate", "--data", "--teachers")
    parser.set_defaults(minutes=66.0, rate=RATE)
    given = parser.read(arguments)
    with progress_of("reading photos") as progress:
        taught = lesson(
            data=given.data,
            teachers=given.teachers,
            cache=given.out / "cache",
            seed=given.seed,
            hold_out=given.hold_out,
            progress=progress,
        )
    history = "random numbers"
    run = Learner(taught, seed=given.seed, device=given.device).run()
    if given.start is not None:
        run.inherit(given.start / CHECKPOINT)
        history = f"networks of an earlier run ({given.start}), which began with random numbers"
    if given.resume:
        run.load(given.out / CHECKPOINT)
    teach(taught, run, out=given.out, minutes=given.minutes, rate=given.rate, seed=given.seed)
    pictures, words = averaged(run)
    for name, score in score_held_out(pictures, taught.squares, taught.photos, taught.held).items():
        sys.stderr.write(f"held out: {name} 1-NN {score}\n")
    export_encoder(
        pictures,
        words,
        given.out,
        known=known_words([photo.facts for photo in taught.photos]),
        photos=taught.squares,
        precision=given.precision,
        training={"start": history, **given.training(given.cost(run.seconds, views=run.step * BATCH))},
    )


if __name__ == "__main__":
    sys.exit(main())
