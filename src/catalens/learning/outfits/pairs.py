"""Pairwise compatibility in closed form: the part of the outfit network that is not trained by gradient descent.

A garment is described by the leading directions of its vectors and of its colors, less the mean of its kind. Were such
descriptions Gaussian, and the tie between garments of one outfit weak, the log-ratio of "from one outfit" to "from two"
would be x T^-1 S T^-1 y of a pair, with T the covariance of all garments and S the one between garments of an outfit
(the leading term of probabilistic linear discriminant analysis, Ioffe 2006; T^-1 S is what regression gives). Some
thousand pairs are few for such matrices, so T is drawn towards a multiple of one. It is linear in each garment: what to
look for beside others is a direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from catalens.evaluation.outfits import Rows, Wardrobe
from catalens.tasks.outfit import KINDS
from catalens.types import FloatArray

PADDING = 2 * len(KINDS)
"""Kind of a place where nothing is; k is a garment of kind k, `len(KINDS)` + k one that is looked for."""
LEADING = (128, 64)
"""Directions of the vectors and of the colors that are kept."""
FLOOR = 1.0
"""Added to the variance of each of these before it is divided by, in means of those kept."""
TOWARDS = 3.0
"""Of the mean variance, added to each direction's: half of T would be 1. Both were chosen on outfits held out of those
that are learned from."""
ROUNDS = 20
FEWEST = 4
"""Garments of a kind below which the mean of all stands for theirs."""

Matrix = NDArray[np.float64]


class Pairs(nn.Module):
    """vectors (N, L, D), colors (N, L, C), kinds (N, L) -> logits (N,), and of each outfit what to look for (N, D).

    A logit is the mean over pairs times the number of garments: more of them say more, but not each pair by itself.
    """

    signs: Tensor
    gain: Tensor
    offset: Tensor

    def __init__(self, dim: int, color_dim: int, rank: int) -> None:
        super().__init__()
        self.dim = dim
        self.place = nn.Linear(dim + color_dim, rank, bias=False)
        self.means = nn.Embedding(PADDING + 1, rank)
        for name, value in (("signs", torch.ones(rank)), ("gain", torch.tensor(1.0)), ("offset", torch.tensor(0.0))):
            self.register_buffer(name, value)
        self.requires_grad_(requires_grad=False)

    def forward(self, vectors: Tensor, colors: Tensor, kinds: Tensor) -> tuple[Tensor, Tensor]:
        there = (kinds < len(KINDS))[..., None].float()
        x = (self.place(torch.cat([vectors, colors], -1)) - self.means(kinds)) * there
        whole, count = x.sum(1), there.sum((1, 2))
        ordered = ((whole**2 - (x**2).sum(1)) * self.signs).sum(-1)  # over all pairs in both orders
        said = self.gain * ordered / (count - 1).clamp(min=1) + self.offset
        return said, (whole * self.signs) @ self.place.weight[:, : self.dim]

    def weigh(self, said: FloatArray, truth: NDArray[np.int64]) -> None:
        """Set gain and offset by logistic regression on what was said (N,) of outfits that were not learned from.

        Newton's method, and a little towards 0: what is learned from very few says nothing.
        """
        scale = float(np.std(said)) or 1.0
        rows = np.stack([said, np.ones(len(said))], 1).astype(np.float64)
        rows[:, 0] /= scale
        weights = np.zeros(2)
        for _ in range(ROUNDS):
            likely = 1 / (1 + np.exp(-rows @ weights))
            steep = (rows * (likely * (1 - likely))[:, None]).T @ rows + np.eye(2)
            weights += np.linalg.solve(steep, rows.T @ (truth - likely) - weights)
        self.gain.fill_(max(0.0, float(weights[0])) / scale)
        self.offset.fill_(float(weights[1]))


def learned_pairs(wardrobe: Wardrobe) -> Pairs:
    """Of outfits that go together; the logits are not yet those of a probability."""
    inside = np.unique(np.concatenate(wardrobe.outfits))
    blocks, means = [], []
    for table, leading in zip((wardrobe.vectors, wardrobe.colors), LEADING, strict=True):
        mean = _means(table, wardrobe.kinds, inside)
        less = (table[inside] - mean[wardrobe.kinds[inside], None]).reshape(-1, table.shape[2]).astype(np.float64)
        blocks.append(_directions(less, leading))
        means.append(mean @ blocks[-1])
    tables = (wardrobe.vectors, wardrobe.colors)
    placed = np.concatenate([table @ block for table, block in zip(tables, blocks, strict=True)], 2, dtype=np.float64)
    mean = np.concatenate(means, 1)
    placed -= mean[wardrobe.kinds, None]
    some = placed[inside].reshape(-1, placed.shape[2])
    covariance = some.T @ some / len(some)
    towards = max(TOWARDS * float(np.trace(covariance)) / len(covariance), 1e-9)
    inverse = np.linalg.inv(covariance + towards * np.eye(len(covariance))) * (1 + TOWARDS)
    strength, turn = np.linalg.eigh(inverse @ _between(placed, wardrobe.outfits) @ inverse)
    turn = turn * np.sqrt(np.abs(strength))
    found = Pairs(wardrobe.vectors.shape[2], wardrobe.colors.shape[2], len(strength))
    whole = np.concatenate([block @ part for block, part in zip(blocks, _split(turn, blocks), strict=True)])
    found.place.weight.copy_(torch.from_numpy(whole.T))
    found.means.weight.zero_()
    found.means.weight[: len(KINDS)] = torch.from_numpy(mean @ turn)
    found.signs.copy_(torch.from_numpy(np.sign(strength)))
    return found


def _means(table: FloatArray, kinds: Rows, inside: Rows) -> Matrix:
    """(kinds, D) of each kind."""
    of_kind = [inside[kinds[inside] == kind] for kind in range(len(KINDS))]
    return np.stack([table[rows if len(rows) >= FEWEST else inside].mean((0, 1), dtype=np.float64) for rows in of_kind])


def _directions(rows: Matrix, leading: int) -> Matrix:
    """(D, at most `leading`) of the largest variance, each divided by its deviation, the small ones by less."""
    variance, directions = np.linalg.eigh(rows.T @ rows / len(rows))
    variance, directions = variance[::-1][:leading], directions[:, ::-1][:, :leading]
    return np.asarray(directions / np.sqrt(variance + FLOOR * variance.mean() + 1e-12), np.float64)


def _between(placed: Matrix, outfits: Sequence[Rows]) -> Matrix:
    """The covariance between two garments of an outfit, in pictures of the same version."""
    total, count = np.zeros((placed.shape[2], placed.shape[2])), 0
    for rows in outfits:
        x = placed[rows]
        whole = x.sum(0)
        total += whole.T @ whole - np.einsum("lvr,lvs->rs", x, x, optimize=True)
        count += len(rows) * (len(rows) - 1) * placed.shape[1]
    return total / max(count, 1)


def _split(turn: Matrix, blocks: Sequence[Matrix]) -> list[Matrix]:
    return np.split(turn, np.cumsum([block.shape[1] for block in blocks])[:-1])
