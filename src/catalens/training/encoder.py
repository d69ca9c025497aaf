"""Recipe: the bundled encoder of pictures and words, from random numbers.

    python -m catalens.training.encoder --out runs/encoder --minutes 66

A small residual network for pictures and a smaller one for words learn together from photos that may be learned from
(`photos.py`), products cut out of them, people dressed anew, rendered and dyed products (`lesson.py`): to predict what
two teachers say of the very same views and of blends of them, and the colors; to tell categories and products apart, to
know a product again among its like, and which words are true of it.
The schedule runs by the clock, so that it always ends annealed; it goes on from its last checkpoint with --resume. CPU
and GPU alike.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from catalens.features.color import LAB_BINS
from catalens.models.card import Precision
from catalens.models.text import text_batch
from catalens.models.zoo import find_card
from catalens.training import teacher
from catalens.training.export import PREPROCESS, export_encoder
from catalens.training.facts import caption, known_words, truths
from catalens.training.heldout import score_held_out
from catalens.training.lesson import Lesson, lesson
from catalens.training.loop import CHECKPOINT, Run, drawn, half_precision, read_checkpoint, size_at, train
from catalens.training.network import KIND_DIM, LOOK_DIM, EncoderNetwork, TextNetwork
from catalens.training.objectives import WEIGHTS, Objectives, targets_of
from catalens.training.photos import Photo
from catalens.training.pretrained import network_of, unfolded
from catalens.training.pyramid import normalized
from catalens.training.recipe import RecipeParser, as_command, progress_of
from catalens.training.views import blended, random_box, view
from catalens.types import FloatArray, ImageArray, IntArray

PRODUCTS, BLENDS = 48, 32
"""In a step: products, of each of which there are two views, and blends of those."""
BATCH = 2 * PRODUCTS + BLENDS
ALIKE, GROUPS = 4, 6
"""Products of one kind that are drawn together, and how often: told from its like, a product is known by more than its
kind. The others come as they may."""
MEANS, COUNTED = 512, 1024
"""Views over which the teachers' means are taken; pictures that the directions of counted colors are chosen on."""
WHOLE = 0.4
"""Chance that the first of the two views is the whole photo, as it is asked with later."""
SIBLING = 0.7
"""Chance that the second view is of any picture of the product, where there are several, rather than of the same."""
RATE = 2e-3
SIZES = ((0.3, 112), (0.65, 128), (0.85, 160), (1.0, 192))
"""Until this share of the time, views of this side in pixels; a network that has learned already gets the last."""
HISTOGRAM = math.prod(LAB_BINS)


@dataclass(frozen=True)
class Batch:
    """What one step learns from: 2n views, rows 2i and 2i + 1 of one product, b blends of them, and n captions."""

    pixels: ImageArray
    """(2n + b, S, S, 3), the blends last."""
    rows: Tensor
    """(2n,) the pictures that they are views of."""
    features: FloatArray
    """(2n + b, 2560) what the teachers say of them."""
    colors: FloatArray
    """(2n, 256) color histograms."""
    grams: IntArray
    weights: FloatArray
    """(n, L) both: the captions, as the text network takes them."""
    truth: FloatArray
    """(n, 2n) which captions are true of which views."""


class Drawer:
    """Draws batches from a lesson, and asks the teachers about them."""

    def __init__(self, lesson: Lesson, ask: teacher.Ask) -> None:
        self._lesson, self._ask = lesson, ask
        self._siblings = _members([photo.product for photo in lesson.photos], lesson.chances)
        self._like = _members([kind_of(photo) for photo in lesson.photos], lesson.chances)

    def draw(self, rng: np.random.Generator, *, size: int) -> Batch:
        """Views of products, each in two pictures where there are more, and a caption for each."""
        lesson = self._lesson
        chosen = self._products(rng)
        rows = np.stack([chosen, [self._partner(row, rng) for row in chosen.tolist()]], axis=1).ravel()
        views = np.stack([some_view(lesson, row, rng, whole=place % 2 == 0) for place, row in enumerate(rows.tolist())])
        everything = np.concatenate([views, blended(views, BLENDS, rng)])
        pixels = np.stack([cv2.resize(view, (size, size), interpolation=cv2.INTER_AREA) for view in everything])
        facts = [lesson.photos[row].facts for row in rows.tolist()]
        captions = [caption(one, rng) for one in facts[::2] if one]
        grams, weights = text_batch([one.text for one in captions])
        return Batch(
            np.asarray(pixels, np.uint8),
            torch.from_numpy(rows),
            self._ask(everything),
            view_colors(pixels[: len(rows)]),
            grams,
            weights,
            truths(captions, facts),
        )

    def _products(self, rng: np.random.Generator) -> IntArray:
        """Rows of the lesson: some groups of the like, and others."""
        chances = self._lesson.chances
        chosen = rng.choice(len(chances), PRODUCTS - (ALIKE - 1) * GROUPS, replace=False, p=chances)
        like = [rng.choice(self._like[row], ALIKE - 1) for row in chosen[:GROUPS].tolist()]
        return np.asarray(np.concatenate([chosen, *like]), np.int64)

    def _partner(self, row: int, rng: np.random.Generator) -> int:
        siblings = self._siblings[row]
        return int(rng.choice(siblings)) if len(siblings) > 1 and rng.random() < SIBLING else row


def kind_of(photo: Photo) -> str:
    """What a photo has in common with its like: groceries and people in the street are of one kind each."""
    return photo.task if photo.task in {"grocery", "street", "retail"} else f"{photo.task} {photo.label}"


def _members(names: Sequence[str], chances: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Of each row the rows of the same name that may be drawn."""
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if chances[row] > 0:
            found.setdefault(name, []).append(row)
    arrays = {name: np.array(rows, np.int64) for name, rows in found.items()}
    return [arrays.get(name, np.zeros(0, np.int64)) for name in names]


def some_view(lesson: Lesson, row: int, rng: np.random.Generator, *, whole: bool) -> ImageArray:
    """(224, 224, 3) a view of a picture; of the whole of it now and then, where that may be."""
    square = lesson.squares[row]
    box = np.array([0, 0, len(square)], np.float32)
    if not whole or rng.random() >= WHOLE:
        box = random_box(lesson.inner[row], len(square), rng)
    return view(square, box, size=teacher.INPUT, rng=rng)


def view_colors(pixels: ImageArray) -> FloatArray:
    """(N, S, S, 3) views -> (N, 256) Lab histograms of their middles, where the product is: square roots, unit length.

    The bins of `features.color`, counted for all views at once.
    """
    edge = int(pixels.shape[1] * 0.15)
    middles = np.ascontiguousarray(pixels[:, edge:-edge:3, edge:-edge:3])
    lab = cv2.cvtColor(middles.reshape(-1, 1, 3), cv2.COLOR_RGB2LAB).reshape(len(pixels), -1, 3)
    bins = (lab[..., 0] // 64).astype(np.int64) * 64 + (lab[..., 1] // 32) * 8 + lab[..., 2] // 32
    bins += np.arange(len(pixels))[:, None] * HISTOGRAM
    counts = np.bincount(bins.ravel(), minlength=len(pixels) * HISTOGRAM).reshape(len(pixels), HISTOGRAM)
    return np.asarray(np.sqrt(counts / counts.sum(1, keepdims=True)), np.float32)


class Learner:
    """The two towers in training, the heads that teach them, and the losses of a batch."""

    def __init__(self, lesson: Lesson, *, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self._device = torch.device(device)
        pictures = EncoderNetwork()
        if pictures.counted is not None:
            count = min(COUNTED, int((lesson.chances > 0).sum()))
            some = np.random.default_rng(seed).choice(len(lesson.squares), count, replace=False, p=lesson.chances)
            pictures.counted.fit(torch.from_numpy(np.stack([PREPROCESS.apply(lesson.squares[row])[0] for row in some])))
        self.towers = nn.ModuleDict({"pictures": pictures, "words": TextNetwork()}).to(device)
        self.towers["pictures"].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._targets = targets_of(lesson.photos).to(self._device)
        self.objectives = Objectives(
            self._targets, dim=KIND_DIM, look_dim=LOOK_DIM, teacher_dim=teacher.DIM, color_dim=HISTOGRAM
        ).to(device)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Losses by name, as `Objectives` says them."""
        with half_precision(self._device):
            places, looks, counted = self.towers["pictures"].parts(normalized(self._on(batch.pixels)))  # type: ignore[operator]
        words = self.towers["words"](self._on(batch.grams), self._on(batch.weights))
        losses: dict[str, Tensor] = self.objectives(
            places.mean((2, 3)).float(),
            looks.float(),
            counted,
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
    return _pair(run.average.network)


def towers_of(run: Path) -> tuple[EncoderNetwork, TextNetwork]:
    """The averaged towers of an earlier run, by its folder.

    Raises:
        NotFoundError: there is no such run.
    """
    towers = nn.ModuleDict({"pictures": EncoderNetwork(), "words": TextNetwork()})
    towers.load_state_dict(read_checkpoint(run / CHECKPOINT)["average"])
    return _pair(towers)


def _pair(towers: nn.Module) -> tuple[EncoderNetwork, TextNetwork]:
    return cast(EncoderNetwork, towers.get_submodule("pictures")), cast(TextNetwork, towers.get_submodule("words"))


def teach(
    lesson: Lesson, ask: teacher.Ask, run: Run[Batch], *, out: Path, minutes: float, rate: float, seed: int,
    sizes: Sequence[tuple[float, int]],
) -> None:  # fmt: skip
    """Train with views that grow with time, as `sizes` says; else as `loop.train`."""
    drawer, side = Drawer(lesson, ask), [sizes[0][1]]

    def grow(share: float) -> None:
        side[0] = size_at(share, sizes)

    # On a processor the teachers and the training would fight for its cores.
    beside = run.device.type != "cpu"
    ready = drawn(lambda rng: drawer.draw(rng, size=side[0]), seed=seed + run.step, beside=beside)
    train(run, ready, out=out, minutes=minutes, rate=rate, at=grow)


def begin(run: Run[Batch], start: Path | None, views: ImageArray) -> str:
    """Give a run its first weights; returns where they are from, as a card says it.

    Raises:
        NotFoundError: there is no such run, and no encoder of that name.
    """
    if start is None:
        return "random numbers"
    if (start / CHECKPOINT).is_file():
        run.inherit(start / CHECKPOINT)
        return f"networks of an earlier run ({start}), which began with random numbers"
    card = find_card(str(start), task="embed")
    network = unfolded(network_of(card), PREPROCESS, views)
    run.take({f"pictures.{name}": tensor for name, tensor in network.state_dict().items()})
    return f"pictures: {card.name}@{card.sha256[:12]}, which began with random numbers; words: random numbers"


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("encoder", __doc__)
    parser.add_shared("--out", "--minutes", "--seed", "--device", "--threads")
    parser.add_argument("--hold-out", type=float, default=0.0, help="share of the photos kept aside to make choices on")
    parser.add_argument("--rendered", type=int, default=5000, help="products that are rendered")
    parser.add_argument("--precision", choices=get_args(Precision), default="int8", help="of the weights that ship")
    parser.add_shared("--resume")
    parser.add_argument(
        "--start",
        type=Path,
        help="what to begin with: folder of an earlier run, or an encoder by its name; to be said again with --resume",
    )
    parser.add_shared("--rate", "--data", "--teachers")
    parser.set_defaults(minutes=66.0, rate=RATE)
    given = parser.read(arguments)
    with progress_of("reading photos") as progress:
        taught = lesson(
            data=given.data,
            cache=given.out / "cache",
            seed=given.seed,
            rendered=given.rendered,
            hold_out=given.hold_out,
            progress=progress,
        )
    rng = np.random.default_rng([given.seed, 13])
    some = rng.choice(len(taught.squares), MEANS, p=taught.chances)
    views = np.stack([some_view(taught, row, rng, whole=True) for row in some.tolist()])
    ask = teacher.Teachers(given.teachers, views, threads=given.threads)
    run = Learner(taught, seed=given.seed, device=given.device).run()
    history = begin(run, given.start, views)
    if given.resume:
        run.load(given.out / CHECKPOINT)
    sizes = SIZES if given.start is None else SIZES[-1:]
    teach(taught, ask, run, out=given.out, minutes=given.minutes, rate=given.rate, seed=given.seed, sizes=sizes)
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
