"""A residual network under a million weights on Fashion-MNIST (He et al. 2016).

    python -m recipes.textbook.residual --out runs/fashion --minutes 124

Its pictures are flipped, shifted, and a square of many is hidden (DeVries and Taylor 2017). They begin small, since
small ones are learned from quickly, and end at their own size. What is measured is the average of the weights over
time, asked about each picture and its mirror image. 10,000 of the 60,000 training pictures are held out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.evaluation.intervals import bootstrap_mean
from catalens.learning.networks.encoder import Residual
from catalens.learning.networks.loop import CHECKPOINT, Run, read_checkpoint, train
from catalens.types import FloatArray, IntArray
from recipes.recipe import RecipeParser, as_command, size_at
from recipes.textbook.two_convolutions import split

WIDTHS, BLOCKS = (32, 64, 128), (1, 2, 2)
"""Of the stages at 28, 14 and 7 pixels: 0.8 million weights."""
BATCH, RATE, SMOOTHING = 128, 4e-3, 0.05
SIZES = ((0.4, 20), (0.65, 24), (1.0, 28))
"""Until this share of the time, pictures of this side in pixels."""
SHIFT, HIDDEN = 2, 8
"""Pixels that a picture is shifted by, at most; side of the square that is hidden in half of them."""
MEAN, STD = 0.286, 0.353
"""Of the training pictures' pixels, in 0..1."""


def residual_network(widths: Sequence[int] = WIDTHS, blocks: Sequence[int] = BLOCKS) -> nn.Module:
    """(N, 1, 28, 28) normalised -> (N, 10) scores."""
    layers: list[nn.Module] = [nn.Conv2d(1, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
        if stage:
            layers += [nn.Conv2d(widths[stage - 1], width, 2, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [Residual(width) for _ in range(count)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))


@dataclass(frozen=True)
class Batch:
    """x (n, 1, S, S) normalised; y (n,) labels."""

    x: Tensor
    y: Tensor


class Drawer:
    """Batches for ever, each picture once before any comes again, as large as `side` says."""

    def __init__(self, x: FloatArray, y: IntArray, *, seed: int) -> None:
        self._x, self._y, self._rng = x, y, np.random.default_rng(seed)
        self.side = SIZES[0][1]

    def grow(self, share: float) -> None:
        """Take the side that belongs to this share of the time."""
        self.side = size_at(share, SIZES)

    def batches(self) -> Iterator[Batch]:
        while True:
            for rows in np.array_split(self._rng.permutation(len(self._x)), max(1, len(self._x) // BATCH)):
                x = torch.from_numpy(varied(self._x[rows], self._rng))[:, None]
                if self.side != x.shape[-1]:
                    x = F.interpolate(x, self.side, mode="bilinear", antialias=True)
                yield Batch((x - MEAN) / STD, torch.from_numpy(self._y[rows]))


def varied(pictures: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(N, S, S) 0..1 -> flipped, shifted, and with a square hidden, each by chance."""
    side = pictures.shape[1]
    around = np.pad(pictures, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    changed = np.empty_like(pictures)
    places = rng.integers(0, 2 * SHIFT + 1, (len(pictures), 2))
    corners = rng.integers(-HIDDEN // 2, side - HIDDEN // 2, (len(pictures), 2))
    for row, ((top, left), (y, x)) in enumerate(zip(places.tolist(), corners.tolist(), strict=True)):
        moved = around[row, top : top + side, left : left + side]
        changed[row] = moved[:, ::-1] if rng.random() < 0.5 else moved
        if rng.random() < 0.5:
            changed[row, max(0, y) : y + HIDDEN, max(0, x) : x + HIDDEN] = 0
    return changed


def taught_network(path: Path) -> nn.Module:
    """The averaged network of a run's checkpoint, to ask.

    Raises:
        NotFoundError: there is none.
    """
    network = residual_network()
    network.load_state_dict(read_checkpoint(path)["average"])
    return network.eval()


@torch.inference_mode()
def answers(network: nn.Module, x: FloatArray) -> IntArray:
    """Labels of pictures (N, 28, 28) 0..1: the mean of what is said of each and of its mirror image."""
    network.eval()
    said = []
    for rows in np.array_split(np.arange(len(x)), max(1, len(x) // 500)):
        given = (torch.from_numpy(x[rows][:, None]) - MEAN) / STD
        said.append((network(given).softmax(1) + network(given.flip(3)).softmax(1)).argmax(1))
    return torch.cat(said).numpy()


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Train and measure."""
    parser = RecipeParser("textbook.residual", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and curves")
    parser.add_shared("--minutes", "--seed", "--threads", "--resume", "--data")
    parser.set_defaults(minutes=124.0)
    given = parser.read(arguments)
    x, y, held_x, held_y = split(given.data, seed=given.seed)
    network = residual_network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run: Run[Batch] = Run(
        network, lambda one: {"wrong": F.cross_entropy(network(one.x), one.y, label_smoothing=SMOOTHING)}
    )
    if given.resume:
        run.load(given.out / CHECKPOINT)
    drawer = Drawer(x, y, seed=given.seed + run.step)
    train(run, drawer.batches(), out=given.out, minutes=given.minutes, rate=RATE, at=drawer.grow)
    count = sum(one.numel() for one in network.parameters())
    right = answers(run.average.network, held_x) == held_y
    sys.stdout.write(f"{count:,} weights, {run.step * BATCH / len(x):.1f} rounds of {len(x):,} pictures\n")
    sys.stdout.write(f"accuracy on pictures held out {bootstrap_mean(right)}\n")


if __name__ == "__main__":
    sys.exit(main())
