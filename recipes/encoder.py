"""Recipe: the bundled encoder of pictures and words, from random numbers.

    python -m recipes.encoder --out runs/encoder --minutes 66

A small residual network for pictures learns from photos that may be learned from (`photos.py`), products cut out of
them, people dressed anew, rendered and dyed products (`sampler.py`): to predict what two teachers say of the very same
views and of blends of them, and the colors; to tell categories and products apart, to know a product again among its
like, and which words are true of it. At the end the directions of what it tells are chosen; words are then learned once
more, by `words.py`.
The schedule runs by the clock, so that it always ends annealed; it goes on from its last checkpoint with --resume. CPU
and GPU alike: views are made, teachers asked and lessons learned where --device says. A GPU has room for more at once:

    python -m recipes.encoder --out runs/encoder --device cuda --products 192 --rate 3e-3 --minutes 13
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from catalens.learning.networks.encoder import COLOR_DIM, KIND_DIM, LOOK_DIM, WIDTHS, EncoderNetwork
from catalens.learning.networks.export import PREPROCESS
from catalens.learning.networks.loop import CHECKPOINT, Run, half_precision, prefetched, read_checkpoint, train
from catalens.learning.networks.pretrained import network_of
from catalens.models.card import Precision
from catalens.models.zoo import find_card
from recipes import teacher
from recipes.heldout import score_held_out
from recipes.lesson import Lesson
from recipes.objectives import WEIGHTS, Objectives, targets_of
from recipes.packed import add_lesson, lesson_of
from recipes.plans import Plan, Planner, plans
from recipes.recipe import Given, RecipeParser, as_command, size_at
from recipes.towers import TextNetwork, export_towers, prepared
from recipes.unfolding import unfolded
from recipes.views import Chance, Squares, blended, random_boxes, resized, views, whole_boxes

PRODUCTS, BLENDS = 48, 2 / 3
"""In a step: products, of each of which there are two views; and for each product, blends of those."""
MEANS, COUNTED, TOLD = 512, 1024, 4096
"""Views over which the teachers' means are taken; pictures that the directions of counted colors, and of kinds, are
chosen on."""
CPU = torch.device("cpu")
TIMES, KEPT = 3, 32
"""How often a batch is learned from; how many wait to be learned from again."""
RATE = 2e-3
SIZES = ((0.3, 112), (0.65, 128), (0.85, 160), (1.0, 192))
"""Until this share of the time, views of this side in pixels; a network that has learned already gets the last."""
GPU_SIZES = ((0.3, 128), (1.0, 192))
"""The same on a GPU, where the teachers take most of the time, whatever the network sees."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from: 2n views, rows 2i and 2i + 1 of one product, b blends of them, and m captions."""

    pixels: Tensor
    """(2n + b, 3, S, S) normalised, the blends last."""
    rows: Tensor
    """(2n,) the pictures that they are views of."""
    features: Tensor
    """(2n + b, 2560) what the teachers say of them."""
    grams: Tensor
    weights: Tensor
    """(m, L) both: the captions, as the text network takes them."""
    truth: Tensor
    """(m, 2n) which captions are true of which views."""


class Drawer:
    """Draws the views that a plan asks for, and asks the teachers about them.

    Args:
        squares: of the lesson.
    """

    def __init__(self, squares: Squares, ask: teacher.Ask, *, seed: int) -> None:
        self._squares, self._ask = squares, ask
        self._chance = Chance(seed, device=squares.device)

    @torch.no_grad()
    def draw(self, plan: Plan, *, size: int) -> Batch:
        """The batch of a plan, its views of this side in pixels."""
        rows, whole, grams, weights, truth = map(
            self._there, (plan.rows, plan.whole, plan.grams, plan.weights, plan.truth)
        )
        seen = some_views(self._squares, rows, whole, self._chance)
        everything = torch.cat([seen, blended(seen, round(len(rows) / 2 * BLENDS), self._chance)])
        pixels = resized(everything, size).sub(127.5).div(63.75)  # as `export.PREPROCESS` does it
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        return Batch(pixels, rows, self._ask(everything), grams, weights, truth)

    def _there(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(self._squares.device, non_blocking=True)


def some_views(squares: Squares, rows: Tensor, whole: Tensor, chance: Chance) -> Tensor:
    """(N, 3, 224, 224) views of pictures; of the whole of some."""
    sides = squares.sides[rows]
    boxes = torch.where(whole[:, None], whole_boxes(sides), random_boxes(squares.inner[rows], sides, chance))
    return views(squares, rows, boxes, chance, size=teacher.INPUT)


class Learner:
    """The two towers in training, the heads that teach them, and the losses of a batch."""

    def __init__(self, lesson: Lesson, *, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self._device = torch.device(device)
        pictures = EncoderNetwork()
        if pictures.counted is not None:
            count = min(COUNTED, int((lesson.chances > 0).sum()))
            some = np.random.default_rng(seed).choice(len(lesson.squares), count, replace=False, p=lesson.chances)
            pictures.counted.fit(torch.cat([*prepared([lesson.squares[row] for row in some], device=CPU)]))
        self.towers = nn.ModuleDict({"pictures": pictures, "words": TextNetwork()}).to(device)
        self.towers["pictures"].to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._targets = targets_of(lesson.photos).to(self._device)
        self.objectives = Objectives(
            self._targets,
            width=WIDTHS[-1],
            dim=KIND_DIM,
            look_dim=LOOK_DIM,
            teacher_dim=teacher.DIM,
            color_dim=COLOR_DIM,
        ).to(device)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Losses by name, as `Objectives` says them."""
        with half_precision(self._device):
            seen, looks, counted = self.towers["pictures"].learned(batch.pixels)  # type: ignore[operator]
        losses: dict[str, Tensor] = self.objectives(
            seen.float(),
            looks.float(),
            counted,
            self.towers["words"](batch.grams, batch.weights),
            features=batch.features,
            truth=batch.truth,
            targets=self._targets.of(batch.rows),
        )
        return losses

    def run(self) -> Run[Batch]:
        """A run of the loop."""
        return Run(self.towers, self.losses, heads=self.objectives, weights=WEIGHTS)


def finish(run: Run[Batch], lesson: Lesson, *, seed: int) -> EncoderNetwork:
    """The averaged network for pictures, what ships: with the directions in which it tells what they are."""
    pictures, _ = _pair(run.average.network)
    pictures.eval()
    count = min(TOLD, int((lesson.chances > 0).sum()))
    some = np.random.default_rng(seed).choice(len(lesson.squares), count, replace=False, p=lesson.chances)
    device = next(pictures.parameters()).device
    pictures.fit(prepared([lesson.squares[row] for row in some], device=device))
    return pictures


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
    planned: Iterator[Plan], drawer: Drawer, run: Run[Batch], *, out: Path, minutes: float, rate: float,
    sizes: Sequence[tuple[float, int]],
) -> None:  # fmt: skip
    """Train with views that grow with time, as `sizes` says; else as `loop.train`."""
    side = [sizes[0][1]]

    def grow(share: float) -> None:
        side[0] = size_at(share, sizes)

    batches: Iterator[Batch] = (drawer.draw(plan, size=side[0]) for plan in planned)
    if run.device.type == "cuda":
        batches = beside(batches, run.device)
    train(run, again(batches, seed=run.step), out=out, minutes=minutes, rate=rate, at=grow)


def beside(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """Batches that a GPU makes while it learns from others: by a thread of their own, in a stream of its own."""
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))  # what they are made of may still be on its way

    def made() -> Iterator[Batch]:
        with torch.cuda.stream(stream):  # of the thread that asks
            for batch in batches:
                stream.synchronize()
                yield batch

    for batch in prefetched(made()):
        for tensor in vars(batch).values():  # or its memory would be taken for the next while it is still learned from
            tensor.record_stream(torch.cuda.current_stream(device))
        yield batch


def again(batches: Iterator[Batch], *, seed: int) -> Iterator[Batch]:
    """Each batch some times, at once and later, then mirrored or not, of which teachers say the same: to ask them takes
    longer than to learn what they said (data echoing, Choi et al. 2019).
    """
    rng = np.random.default_rng(seed)
    kept: list[Batch] = []
    for batch in batches:
        yield batch
        kept += [batch] * (TIMES - 1)
        while len(kept) > KEPT:
            chosen = kept.pop(int(rng.integers(len(kept))))
            yield replace(chosen, pixels=chosen.pixels.flip(3)) if rng.random() < 0.5 else chosen


def begin(run: Run[Batch], start: Path | None, seen: Tensor) -> str:
    """Give a run its first weights; returns where they are from, as a card says it.

    Args:
        start: folder of a run, or an encoder by its name; seen: (N, 3, S, S) 0..255 views, some hundred.

    Raises:
        NotFoundError: there is no such run, and no encoder of that name.
    """
    if start is None:
        return "random numbers"
    if (start / CHECKPOINT).is_file():
        run.inherit(start / CHECKPOINT)
        return f"networks of an earlier run ({start}), which began with random numbers"
    card = find_card(str(start), task="embed")
    pictures = seen.round().byte().permute(0, 2, 3, 1).cpu().numpy()
    network = unfolded(network_of(card), PREPROCESS, pictures)
    run.take({f"pictures.{name}": tensor for name, tensor in network.state_dict().items()})
    return f"pictures: {card.name}@{card.sha256[:12]}, which began with random numbers; words: random numbers"


def _learned(given: Given, taught: Lesson) -> tuple[Run[Batch], str]:
    """The run, at its end; and where its first weights were from."""
    device = torch.device(given.device)
    torch.backends.cudnn.benchmark = True  # a GPU tries which way is quickest: shapes stay the same for minutes
    squares = Squares(taught.squares, taught.inner, device=device)
    rng = np.random.default_rng([given.seed, 13])
    some = torch.from_numpy(rng.choice(len(taught.squares), MEANS, p=taught.chances)).to(device)
    seen = some_views(squares, some, torch.rand(MEANS, device=device) < 0.5, Chance(given.seed, device=device))
    ask = teacher.Teachers(given.teachers, seen, threads=given.threads)
    run = Learner(taught, seed=given.seed, device=given.device).run()
    history = begin(run, given.start, seen)
    if given.resume:
        run.load(given.out / CHECKPOINT)
    seed = given.seed + run.step
    planner = Planner(taught.photos, taught.chances, products=given.products)
    # On a processor, other processes would fight with the training for its cores.
    planned = plans(planner, seed=seed, processes=0 if device.type == "cpu" else given.threads)
    sizes = SIZES if device.type == "cpu" else GPU_SIZES
    drawer = Drawer(squares, ask, seed=seed)
    teach(planned, drawer, run, out=given.out, minutes=given.minutes, rate=given.rate,
          sizes=sizes if given.start is None else sizes[-1:])  # fmt: skip
    return run, history


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("encoder", __doc__)
    parser.add_shared("--out", "--minutes", "--seed", "--device", "--threads")
    parser.add_argument("--hold-out", type=float, default=0.0, help="share of the photos kept aside to make choices on")
    add_lesson(parser)
    parser.add_argument("--products", type=int, default=PRODUCTS, help="in a step, a multiple of 8; 192 on a GPU")
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
    taught = lesson_of(given, cache=given.out / "cache", hold_out=given.hold_out)
    run, history = _learned(given, taught)
    pictures = finish(run, taught, seed=given.seed)
    run.save(given.out / CHECKPOINT)
    for name, score in score_held_out(pictures, taught.squares, taught.photos, taught.held).items():
        sys.stderr.write(f"held out: {name} 1-NN {score}\n")
    export_towers(
        pictures.cpu(),
        None,
        given.out,
        photos=taught.squares,
        precision=given.precision,
        training={
            "start": history,
            **given.training(given.cost(run.seconds, views=round(run.step * given.products * (2 + BLENDS) / TIMES))),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
