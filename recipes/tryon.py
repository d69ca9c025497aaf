"""Recipe: the bundled try-on network, which puts a garment on a person, from random numbers.

    python -m recipes.tryon --out runs/tryon --bend-minutes 25 --minutes 36

It learns from plain street photos (`tryon_views.py`): first to bend garments into place, by how alike they then are
to the photo; then to draw the rest with a conditional GAN, whose judge has a hinge loss (Lim and Ye 2017) and whose
drawing also has to agree with the photo in colors, in features of the bundled encoder, and in what the judge goes by
(feature matching, Wang et al. 2018).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.images.prepare import Preprocess
from catalens.learning.networks.export import LICENSE, OPSET, export_onnx, score_rows, sha256, write_card
from catalens.learning.networks.loop import CHECKPOINT, Run, sampled_batches, train
from catalens.learning.networks.pretrained import network_of
from catalens.models.card import Card, Score, read_card
from catalens.models.zoo import DEFAULT_ENCODER, DEFAULT_TRYON, find_card
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.segment import parser as load_parser
from catalens.tasks.tryon import TryOn
from catalens.tasks.tryon.body import VIEW
from catalens.tasks.tryon.composing import ANSWERED, CLASSES, GAIN, PLANES, network_input
from recipes.laid_out import Person
from recipes.parts import HELD_OUT
from recipes.recipe import Given, RecipeParser, as_command, progress_of
from recipes.tryon_networks import Judge, TryOnNetwork, composed, sampled
from recipes.tryon_protocol import identity_preserved, paired, scores_of, unpaired
from recipes.tryon_views import UNSAID, View, draw_batch, people

BATCH = 4
FRESH = 1
"""Views of a batch that are new; the others were seen before: to draw one costs as much as to learn from it."""
KEPT = 1200
"""Views that are kept to be seen again."""
BEND_RATE, DRAW_RATE, JUDGE_RATE = 1.5e-3, 7e-4, 2e-4
WEIGHTS: Mapping[str, float] = {
    "colors": 1.0, "coarse": 1.0, "cover": 1.0, "smooth": 0.06,
    "picture": 2.0, "features": 0.6, "classes": 0.5, "real": 0.06, "matching": 0.3, "gain": 0.02,
}  # fmt: skip
STAGES = (4, 9)
"""Layers of the encoder's trunk after which features are compared: at a quarter and an eighth of the view."""
DATA = (
    "Clothing Co-Parsing photos but each fifth, masks, and where there are none the bundled parser's labels "
    "(Apache-2.0); joints by MoveNet single pose Lightning (Apache-2.0)"
)


@dataclass(frozen=True)
class Batch:
    """x (n, 19, H, W); photo (n, 3, H, W) in -2..2; known (n, 1, H, W) 0 or 1; classes (n, H, W): float16 and uint8."""

    x: NDArray[np.float16]
    photo: NDArray[np.float16]
    known: NDArray[np.uint8]
    classes: NDArray[np.uint8]


class Drawer:
    """Draws batches: some views new, the others from those drawn before, so that the network need not wait."""

    def __init__(self, persons: Sequence[Person]) -> None:
        self._persons = persons
        self._kept: list[Batch] = []

    def draw(self, rng: np.random.Generator) -> Batch:
        fresh = BATCH if len(self._kept) < 4 * BATCH else FRESH
        new = [batch_of([view]) for view in draw_batch(self._persons, fresh, rng)]
        old = [self._kept[int(rng.integers(len(self._kept)))] for _ in range(BATCH - fresh)]
        for one in new:
            if len(self._kept) < KEPT:
                self._kept.append(one)
            else:
                self._kept[int(rng.integers(KEPT))] = one
        return joined([*new, *old])


def batch_of(views: Sequence[View]) -> Batch:
    """Views as the network takes them."""
    x = np.stack([network_input(view.person, *view.garment) for view in views]).astype(np.float16)
    photo = np.stack([(view.target.astype(np.float32) - 127.5) / 63.75 for view in views]).transpose(0, 3, 1, 2)
    known = np.stack([view.person.known for view in views])[:, None].astype(np.uint8)
    return Batch(x, photo.astype(np.float16), known, np.stack([view.classes for view in views]))


def joined(batches: Sequence[Batch]) -> Batch:
    """Several as one."""
    return Batch(
        *(np.concatenate([getattr(one, name) for one in batches]) for name in ("x", "photo", "known", "classes"))
    )


def tensors_of(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x, photo, known, classes on the device, as float32 and int64."""
    x, photo = (torch.from_numpy(one).to(device).float() for one in (batch.x, batch.photo))
    known, classes = torch.from_numpy(batch.known).to(device).float(), torch.from_numpy(batch.classes).to(device).long()
    return x.contiguous(memory_format=torch.channels_last), photo, known, classes


def bend_losses(network: TryOnNetwork, device: torch.device, batch: Batch) -> dict[str, Tensor]:
    """How unlike the bent garment is to that on the photo: colors, coarse colors, cover; and how uneven the flow is."""
    x, photo, _, classes = tensors_of(batch, device)
    flow = network.bend(x[:, :4], x[:, 4:])
    return bent_losses(flow, sampled(x[:, :4], flow), photo, classes)


def bent_losses(flow: Tensor, bent: Tensor, photo: Tensor, classes: Tensor) -> dict[str, Tensor]:
    """Of a flow (N, 2, H, W) and the garment bent by it (N, 4, H, W)."""
    there, said = (classes == 0).float()[:, None], (classes != UNSAID).float()[:, None]
    wanted = torch.cat([photo * there, there], 1)
    off = (bent - wanted).abs() * said
    coarse = (F.avg_pool2d(bent * said, 6) - F.avg_pool2d(wanted * said, 6)).abs()
    area = there.mean().clamp(min=0.01)
    small = flow[:, :, 2::4, 2::4]
    uneven = small.diff(n=2, dim=2).abs().mean() + small.diff(n=2, dim=3).abs().mean()
    return {
        "colors": off[:, :3].mean() / area, "coarse": coarse[:, :3].mean() / area,
        "cover": off[:, 3:].mean() / area, "smooth": uneven,
    }  # fmt: skip


class Lesson:
    """The second part: all of it, the drawing against its judge, which has an optimiser of its own.

    The judge begins anew when a run is resumed; it catches up in a few hundred steps.
    """

    def __init__(self, network: TryOnNetwork, device: torch.device) -> None:
        self._network, self._device = network, device
        self.judge = Judge().to(device)
        self._optimizer = torch.optim.Adam(self.judge.parameters(), JUDGE_RATE, betas=(0.0, 0.99))
        self._trunk = (
            network_of(find_card(DEFAULT_ENCODER, task="embed")).trunk.to(device).requires_grad_(requires_grad=False)
        )
        self.share = 0.0
        """Of the time that is over: the judge is heard only when there is something to judge."""

    def told(self, share: float) -> None:
        self.share = share

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        x, photo, known, classes = tensors_of(batch, self._device)
        flow = self._network.bend(x[:, :4], x[:, 4:])
        bent = sampled(x[:, :4], flow)
        places = torch.cat([flow, self._network.draw(bent.detach(), x[:, 4:])], 1)
        picture, _, _ = composed(places, x, photo, known)
        region, said = x[:, 7:8], (classes != UNSAID).float()[:, None]
        # What nobody can know (another garment below this one) is as on the photo.
        picture = said * picture + (1 - said) * photo
        area = region.mean().clamp(min=0.01)
        losses = bent_losses(flow, bent, photo, classes) | {
            "picture": ((picture - photo).abs() * region).mean() / area,
            "features": self._unlike(picture, photo) / area,
            "classes": F.cross_entropy(places[:, CLASSES], classes, ignore_index=UNSAID),
            "gain": places[:, GAIN].abs().mean(),
        }
        if self.share > 0.12:
            losses |= self._judged(picture, photo, region)
        return losses

    def _judged(self, picture: Tensor, photo: Tensor, region: Tensor) -> dict[str, Tensor]:
        real, fake = torch.cat([photo, region], 1), torch.cat([picture.detach(), region], 1)
        said_real, said_fake = self.judge(real)[0], self.judge(fake)[0]
        wrong = F.relu(1 - said_real).mean() + F.relu(1 + said_fake).mean()
        self._optimizer.zero_grad()
        wrong.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self.judge.requires_grad_(requires_grad=False)
        with torch.no_grad():
            _, wanted = self.judge(real)
        said, found = self.judge(torch.cat([picture, region], 1))
        self.judge.requires_grad_(requires_grad=True)
        matching = torch.stack([(a - b).abs().mean() for a, b in zip(found, wanted, strict=True)]).mean()
        return {"real": -said.mean(), "matching": matching}

    def _unlike(self, picture: Tensor, photo: Tensor) -> Tensor:
        total, start = picture.new_zeros(()), 0
        for end in STAGES:
            picture = self._trunk[start:end](picture)
            with torch.no_grad():
                photo = self._trunk[start:end](photo)
            total = total + (picture - photo).abs().mean()
            start = end
        return total


def export(network: nn.Module, folder: Path, *, training: Mapping[str, str], scores: Sequence[Score] = ()) -> Path:
    """Write `network.onnx` and `card.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "network.onnx"
    axes = {"views": {0: "n"}, "places": {0: "n"}}
    export_onnx(network, (torch.zeros(2, PLANES, *VIEW),), weights, inputs=["views"], outputs=["places"], axes=axes)
    parameters = sum(p.numel() for p in network.parameters())
    return write_card(
        Card(
            DEFAULT_TRYON, "tryon", weights, sha256(weights), Preprocess(size=VIEW), ANSWERED, LICENSE, parameters,
            OPSET, "float32", training, tuple(scores), classes=("garment", "drawn", "kept"),
        )
    )  # fmt: skip


def held_out_scores(folder: Path, kept: Sequence[Person]) -> tuple[Score, ...]:
    """Figures of an exported network on people that it never learned from, by both protocols."""
    model, encoder = TryOn(read_card(folder)), load_encoder()
    figures = scores_of(list(paired(model, kept)), encoder)
    figures["garment identity, unpaired, AUC"] = identity_preserved(list(unpaired(model, kept)), encoder, load_parser())
    return score_rows(figures)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("tryon", __doc__)
    parser.add_shared("--out")
    parser.add_argument("--bend-minutes", type=float, default=25.0, help="time for learning to bend garments")
    parser.add_argument("--minutes", type=float, default=36.0, help="time for learning to draw the rest")
    parser.add_shared("--seed", "--device", "--threads")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in --out")
    parser.add_shared("--data", "--teachers")
    given = parser.read(arguments)
    with progress_of("reading photos") as progress:
        persons = people(given.data, teachers=given.teachers, cache=given.out / "cache", progress=progress)
    learned, kept = ([one for one in persons if (one.number % HELD_OUT == 0) == held] for held in (False, True))
    shared = {one.number for one in learned} & {one.number for one in kept}
    sys.stderr.write(f"{len(learned)} photos to learn from, {len(kept)} held out, {len(shared)} in both\n")
    network, device = TryOnNetwork().to(given.device), torch.device(given.device)
    drawer = Drawer(learned)
    bend: Run[Batch] = Run(network, lambda batch: bend_losses(network, device, batch), weights=WEIGHTS)
    _train(bend, drawer, given.out / "bend", given, minutes=given.bend_minutes, rate=BEND_RATE)
    network.load_state_dict(bend.average.network.state_dict())
    lesson = Lesson(network, device)
    draw: Run[Batch] = Run(network, lesson.losses, weights=WEIGHTS)
    _train(draw, drawer, given.out / "draw", given, minutes=given.minutes, rate=DRAW_RATE, lesson=lesson)
    shipped = draw.average.network.to("cpu")
    training = {
        "data": DATA,
        "start": "random numbers",
        **given.training(
            f"{bend.seconds / 60:.0f} minutes for bending ({bend.step * BATCH} views), "
            f"{draw.seconds / 60:.0f} for drawing ({draw.step * BATCH} views) on {given.device}, "
            f"{given.threads} threads"
        ),
        "held out": f"each fifth of the street photos: {len(kept)}",
    }
    export(shipped, given.out, training=training)
    scores = held_out_scores(given.out, kept)
    for one in scores:
        sys.stderr.write(f"held out: {one.name} {one.value:.4f} [{one.low:.4f}, {one.high:.4f}] n={one.n}\n")
    export(shipped, given.out, training=training, scores=scores)


def _train(
    run: Run[Batch], drawer: Drawer, out: Path, given: Given, *, minutes: float, rate: float,
    lesson: Lesson | None = None,
) -> None:  # fmt: skip
    if given.resume and (out / CHECKPOINT).is_file():
        run.load(out / CHECKPOINT)
    batches = sampled_batches(drawer.draw, seed=given.seed + run.step)
    train(run, batches, out=out, minutes=minutes, rate=rate, at=lesson.told if lesson is not None else lambda _: None)


if __name__ == "__main__":
    sys.exit(main())
