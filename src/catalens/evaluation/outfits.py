"""Evaluation of outfit compatibility: compatible or not, fill in the blank, and baselines.

The protocol of Han et al. (Learning Fashion Compatibility with Bidirectional LSTMs, 2017) as Vasileva et al. (Learning
Type-Aware Embeddings for Fashion Compatibility, 2018) changed it: negative items have the kind of the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.features.color import LAB_BINS
from catalens.styling.color_harmony import agreement
from catalens.tasks.outfit import KINDS, OutfitModel, Piece
from catalens.types import FloatArray

CHOICES = 4
"""Choices of a fill-in-the-blank question."""
ABOUT = 0.1
"""Share of a kind's items that count as similarly bright to one of them."""
ONES_OWN = 1e-9

Rows: TypeAlias = NDArray[np.int64]
Judge = Callable[[Sequence[Rows]], FloatArray]
"""Outfits as rows of items -> compatibility scores, higher is more compatible."""


@dataclass(frozen=True)
class Wardrobe:
    """Embedded items, and the outfits that they form.

    Args:
        kinds: (N,) rows of `tasks.outfit.KINDS`.
        vectors: (N, V, D) of the encoder, of V pictures of each; colors: (N, V, 448).
        outfits: rows of the things of each, two or more, each of another kind.
        light: (N,) how bright each is, where all were cut from photos: two cuts of one share its light, so a thing is
            then exchanged only for one about as bright.
    """

    kinds: NDArray[np.int64]
    vectors: FloatArray
    colors: FloatArray
    outfits: Sequence[Rows]
    light: FloatArray | None = None

    @cached_property
    def _sorted(self) -> tuple[Rows, Rows, Rows]:
        """Rows that are in outfits, kind by kind, from dark to bright; where each kind begins there, and the last ends;
        where each row is.
        """
        inside = np.unique(np.concatenate([*self.outfits, np.empty(0, np.int64)]))
        light = np.zeros(len(inside)) if self.light is None else self.light[inside]
        inside = inside[np.lexsort((light, self.kinds[inside]))]
        places = np.zeros(len(self.kinds), np.int64)
        places[inside] = np.arange(len(inside))
        return inside, np.searchsorted(self.kinds[inside], np.arange(len(KINDS) + 1)), places

    def others(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """For each row (any shape) another outfit item of its kind; itself where there is none."""
        inside, bounds, all_places = self._sorted
        kinds, places = self.kinds[rows], all_places[rows]
        first, last = bounds[kinds], bounds[kinds + 1] - 1
        width = last - first
        if self.light is not None:
            width = np.minimum(width, np.maximum(CHOICES, np.ceil(ABOUT * (width + 1)).astype(np.int64)))
        found = np.clip(places - width // 2, first, last - width) + (rng.random(rows.shape) * width).astype(np.int64)
        found += (found >= places) & (width > 0)
        return np.asarray(inside[found])

    def exchanged(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """A negative outfit: all items but one, or fewer, replaced by others of their kind."""
        found = rows.copy()
        some = rng.permutation(len(rows))[: int(rng.integers(1, len(rows)))]
        found[some] = self.others(rows[some], rng)
        return found

    def pieces(self, rows: Rows) -> list[Piece]:
        """Items as inputs of the network, by their first picture."""
        return [Piece(KINDS[int(self.kinds[row])], self.vectors[row, 0], self.colors[row, 0]) for row in rows.tolist()]


@dataclass(frozen=True)
class Trial:
    """Test set: outfits with truth (1 or 0), and questions: (candidate outfits, index of the right one)."""

    outfits: Sequence[Rows]
    truth: Sequence[int]
    questions: Sequence[tuple[Sequence[Rows], int]]


def sample_trial(wardrobe: Wardrobe, *, seed: int, times: int = 1) -> Trial:
    """Sample a test set: each outfit, `times` negatives of it, and one fill-in-the-blank question."""
    rng = np.random.default_rng(seed)
    false = [wardrobe.exchanged(rows, rng) for _ in range(times) for rows in wardrobe.outfits]
    questions = []
    for rows in wardrobe.outfits:
        place = int(rng.integers(len(rows)))
        offered = np.repeat(rows[None], CHOICES, 0)
        offered[1:, place] = wardrobe.others(offered[1:, place], rng)
        questions.append((list(offered), 0))
    return Trial([*wardrobe.outfits, *false], [1] * len(wardrobe.outfits) + [0] * len(false), questions)


def outfit_figures(trial: Trial, judge: Judge) -> dict[str, Estimate]:
    """AUROC of compatibility, and accuracy of fill in the blank."""
    found: dict[str, Estimate] = {}
    truth = np.asarray(trial.truth)
    if truth.any() and not truth.all():
        scores = judge(trial.outfits)
        right, wrong = scores[truth == 1], np.sort(scores[truth == 0])
        below, upto = np.searchsorted(wrong, right, "left"), np.searchsorted(wrong, right, "right")
        found["AUC"] = bootstrap_mean((below + upto) / 2 / len(wrong))
    if trial.questions:
        hits = []
        scores = judge([rows for offered, _ in trial.questions for rows in offered])
        start = 0
        for offered, right_place in trial.questions:
            some = scores[start : start + len(offered)]
            start += len(offered)
            best = np.flatnonzero(some == some.max())
            hits.append(float(right_place in best) / len(best))
        found["fill in the blank"] = bootstrap_mean(hits)
    return found


def model_judge(model: OutfitModel, wardrobe: Wardrobe) -> Judge:
    """Judge by a compatibility network."""

    def judge(outfits: Sequence[Rows]) -> FloatArray:
        found = [model.scores([wardrobe.pieces(rows) for rows in outfits[start : start + 256]])
                 for start in range(0, len(outfits), 256)]  # fmt: skip
        return np.concatenate([*found, np.empty(0, np.float32)])

    return judge


def simple_judges(wardrobe: Wardrobe, *, learned: Wardrobe | None = None) -> dict[str, Judge]:
    """Baselines without a network.

    Args:
        learned: outfits to count what is popular in; left out where None.
    """
    judges = {
        "likeness": _pairwise(wardrobe.vectors[:, 0]),
        "likeness of colors": _pairwise(wardrobe.colors[:, 0]),
        "color harmony": _harmony(wardrobe),
    }
    if learned is not None:
        judges["popularity"] = _popularity(wardrobe, learned)
    return judges


def _pairwise(table: FloatArray) -> Judge:
    """Mean cosine over pairs of items."""
    units = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), ONES_OWN)

    def judge(outfits: Sequence[Rows]) -> FloatArray:
        found = [(units[rows] @ units[rows].T)[np.triu_indices(len(rows), 1)].mean() for rows in outfits]
        return np.asarray(found, np.float32)

    return judge


def _harmony(wardrobe: Wardrobe) -> Judge:
    """Mean harmony over pairs of main colors (`styling.color_harmony.agreement`)."""
    colors = main_colors(wardrobe.colors[:, 0])
    return lambda outfits: np.asarray(
        [agreement([(red, green, blue) for red, green, blue in colors[rows].tolist()]) for rows in outfits], np.float32
    )


def _popularity(wardrobe: Wardrobe, learned: Wardrobe) -> Judge:
    """Popularity of an item's main color among items of its kind."""
    counts = np.ones((len(KINDS), int(np.prod(LAB_BINS))))
    inside = np.unique(np.concatenate(learned.outfits))
    np.add.at(counts, (learned.kinds[inside], _main_bins(learned.colors[inside, 0])), 1)
    shares = np.log(counts / counts.sum(1, keepdims=True))
    each = shares[wardrobe.kinds, _main_bins(wardrobe.colors[:, 0])]
    return lambda outfits: np.asarray([each[rows].mean() for rows in outfits], np.float32)


def main_colors(colors: FloatArray) -> NDArray[np.uint8]:
    """Main color (N, 3) sRGB from color descriptors (N, 448): the center of the fullest bin."""
    bins = np.stack(np.unravel_index(_main_bins(colors), LAB_BINS), 1)
    lab = ((bins + 0.5) * (256 / np.array(LAB_BINS))).astype(np.uint8)
    return np.asarray(cv2.cvtColor(lab[:, None], cv2.COLOR_LAB2RGB)[:, 0], np.uint8)


def _main_bins(colors: FloatArray) -> NDArray[np.int64]:
    return np.asarray(colors[:, : int(np.prod(LAB_BINS))].argmax(1), np.int64)


def merge_metrics(figures: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """Metrics of several judges in one table: "AUC of the network" and so on."""
    return {f"{name}, {judge}": one for judge, some in figures.items() for name, one in some.items()}
