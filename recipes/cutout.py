"""Recipe: the bundled cut-out network, which says how much of each place the product covers.

    python -m recipes.cutout --out runs/cutout --start runs/parser --minutes 60

Products, garments and people are laid on backgrounds that they were not photographed on (`scenes.py`), so that their
alpha is known; a quarter of the views are street photos as they are, with their masks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.images.prepare import Preprocess
from catalens.learning.networks.encoder import inherit
from catalens.learning.networks.export import export_dense, score_rows
from catalens.learning.networks.loop import CHECKPOINT, Run, half_precision, read_checkpoint, sampled_batches, train
from catalens.learning.networks.pyramid import DenseNetwork, normalized
from catalens.learning.regions.segmenter import Parsed
from catalens.types import FloatArray, ImageArray
from recipes.matting_scores import boundary_f, iou, mean_error, s_measure
from recipes.objects import Thing, goods, people, rendered
from recipes.parts import masked_photos
from recipes.recipe import RecipeParser, as_command, progress_of, say_held_out
from recipes.scenes import PLAIN, backgrounds, compose, drawn_things

VIEW = 256
"""Side of the views that are learned from, in pixels."""
NAME = "catalens-matte-s"
PREPROCESS = Preprocess(size=(288, 288), fit="letterbox")
BATCH, RATE = 12, 1.5e-3
RENDERED = 1000
SHARES = {"person": 0.2, "garment": 0.2, "grocery": 0.2, "rendered": 0.4}
REAL = 0.25
"""Share of the views that are street photos as they are."""
EDGE = 3.0
"""How much more a place counts where the alpha changes."""
TESTED = 200
DATA = (
    "Clothing Co-Parsing, masks of four fifths of the masked photos (Apache-2.0); GroceryStoreDataset shop pictures, "
    "and photos as backgrounds (MIT); clothing-dataset-small train, corners of photos as backgrounds (CC0); "
    "rendered products of our own"
)


@dataclass(frozen=True)
class Batch:
    """Views: (n, S, S, 3) uint8; (n, S/2, S/2) float32, how much of each place is covered."""

    pixels: ImageArray
    alpha: FloatArray


class Drawer:
    """Draws batches of composed pictures and of street photos."""

    def __init__(self, things: Sequence[Thing], grounds: Sequence[ImageArray], photos: Sequence[Parsed]) -> None:
        self._things, self.grounds, self._photos = things, grounds, photos
        self._chances = chances_of(things)

    def draw(self, rng: np.random.Generator) -> Batch:
        views = [self._street(rng) if rng.random() < REAL else self._composed(rng) for _ in range(BATCH)]
        halves = [cv2.resize(alpha, (VIEW // 2, VIEW // 2), interpolation=cv2.INTER_AREA) for _, alpha in views]
        return Batch(np.stack([pixels for pixels, _ in views]), np.stack(halves).astype(np.float32))

    def _composed(self, rng: np.random.Generator) -> tuple[ImageArray, FloatArray]:
        ground = None if rng.random() < PLAIN else self.grounds[int(rng.integers(len(self.grounds)))]
        scene = compose(drawn_things(self._things, self._chances, rng), ground, size=VIEW, rng=rng)
        return scene.image, scene.alpha

    def _street(self, rng: np.random.Generator) -> tuple[ImageArray, FloatArray]:
        photo = self._photos[int(rng.integers(len(self._photos)))]
        height, width = photo.labels.shape
        side = int(rng.uniform(0.45, 1.0) * height)
        left = int(rng.integers(min(0, width - side), max(0, width - side) + 1))
        top = int(rng.integers(0, height - side + 1))
        matrix = np.array([[1.0, 0, -left], [0, 1.0, -top]]) * (VIEW / side)
        if rng.random() < 0.5:
            matrix[0] = [-matrix[0, 0], 0, VIEW - matrix[0, 2]]
        pixels = cv2.warpAffine(photo.image, matrix, (VIEW, VIEW), flags=cv2.INTER_AREA, borderValue=(255, 255, 255))
        person = (photo.labels > 0).astype(np.float32)
        return np.asarray(pixels, np.uint8), np.asarray(cv2.warpAffine(person, matrix, (VIEW, VIEW)), np.float32)


def chances_of(things: Sequence[Thing]) -> NDArray[np.float64]:
    """(N,) chance of each thing to be drawn: each source its share."""
    sources = np.array([thing.source for thing in things])
    chances = np.zeros(len(things))
    for source, share in SHARES.items():
        chances[sources == source] = share / max(int((sources == source).sum()), 1)
    return np.asarray(chances / chances.sum(), np.float64)


def losses_of(network: DenseNetwork, device: torch.device, batch: Batch) -> dict[str, Tensor]:
    """Cross-entropy, more at edges; and one less the overlap of each picture (soft IoU), which small things need."""
    x = normalized(torch.from_numpy(batch.pixels).to(device)).contiguous(memory_format=torch.channels_last)
    wanted = torch.from_numpy(batch.alpha).to(device)[:, None]
    with half_precision(device):
        places = network(x)
    logits = places.float()
    changes = F.max_pool2d(wanted, 7, 1, 3) + F.max_pool2d(-wanted, 7, 1, 3)
    weight = 1 + EDGE * changes
    cross = (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight).sum() / weight.sum()
    found = logits.sigmoid()
    both, either = (found * wanted).sum((1, 2, 3)), (found + wanted - found * wanted).sum((1, 2, 3))
    return {"cross": cross, "overlap": 0.3 * (1 - both / either.clamp(min=1)).mean()}


def composed_pictures(
    things: Sequence[Thing], grounds: Sequence[ImageArray], *, count: int = TESTED, seed: int = 99
) -> list[tuple[ImageArray, FloatArray]]:
    """Composed pictures of things and on backgrounds that were never learned from, always the same."""
    rng = np.random.default_rng(seed)
    chances = chances_of(things)
    found = []
    for _ in range(count):
        ground = None if rng.random() < PLAIN else grounds[int(rng.integers(len(grounds)))]
        scene = compose(drawn_things(things, chances, rng), ground, size=VIEW, rng=rng)
        found.append((scene.image, scene.alpha))
    return found


def score(network: torch.nn.Module, pictures: Sequence[tuple[ImageArray, FloatArray]]) -> dict[str, Estimate]:
    """Figures of the network's own answers, before edges are followed."""
    network.eval()
    rows = []
    for image, wanted in pictures:
        x, _ = PREPROCESS.apply(image)
        with torch.no_grad():
            found = torch.sigmoid(network(torch.from_numpy(x)[None]))[0, 0].numpy()
        found = np.asarray(cv2.resize(found, wanted.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
        rows.append([measure(wanted, found) for measure in (s_measure, iou, mean_error, boundary_f)])
    names = ("S-measure, composed", "IoU, composed", "mean error, composed", "boundary F, composed")
    return {name: bootstrap_mean(column) for name, column in zip(names, np.array(rows).T, strict=True)}


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("cutout", __doc__)
    parser.add_shared("--out", "--minutes")
    parser.add_argument("--start", type=Path, help="folder of a parser's run, whose network to begin with")
    parser.add_shared("--rate", "--seed", "--device", "--threads", "--resume", "--data")
    parser.set_defaults(minutes=60.0, rate=RATE)
    given = parser.read(arguments)
    with progress_of("reading photos") as progress:
        photos = masked_photos(given.data, held_out=False)
        unseen = masked_photos(given.data, held_out=True)
        drawn_products = rendered(RENDERED, seed=7, cache=given.out / "cache", progress=progress)
    other = [*goods(given.data), *drawn_products]
    things = [*people(photos), *(thing for thing in other if not thing.is_held_out)]
    kept = [*people(unseen), *(thing for thing in other if thing.is_held_out)]
    drawer = Drawer(things, backgrounds(given.data, photos, seed=given.seed), photos)
    network = DenseNetwork(1, fine=True).to(given.device)
    start = "random numbers"
    if given.start is not None:
        inherit(network, read_checkpoint(given.start / CHECKPOINT)["average"])
        start = "the bundled parser, which began with random numbers"
    device = torch.device(given.device)
    run: Run[Batch] = Run(network, lambda batch: losses_of(network, device, batch))
    if given.resume:
        run.load(given.out / CHECKPOINT)
    train(
        run,
        sampled_batches(drawer.draw, seed=given.seed + run.step),
        out=given.out,
        minutes=given.minutes,
        rate=given.rate,
    )
    shipped = run.average.network.to("cpu")
    grounds = backgrounds(given.data, unseen, seed=given.seed + 1, table="validation.csv")
    scores = score(shipped, composed_pictures(kept, grounds))
    say_held_out(scores)
    export_dense(
        shipped, given.out, name=NAME, task="matte", classes=(), preprocess=PREPROCESS,
        photos=[image for image, _ in composed_pictures(things, drawer.grounds, count=256, seed=5)],
        scores=score_rows(scores),
        training={
            "data": DATA,
            "start": start,
            **given.training(given.cost(run.seconds, views=run.step * BATCH)),
            "held out": "a fifth of the things of each source, backgrounds from validation photos",
        },
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
