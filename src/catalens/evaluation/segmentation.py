"""Metrics of semantic segmentation: pixel accuracy and IoU, with intervals over photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from catalens.evaluation.intervals import Estimate
from catalens.types import IntArray

Counts: TypeAlias = NDArray[np.float64] | NDArray[np.int64]

RESAMPLES = 1000
LARGEST = 10


@dataclass(frozen=True)
class SegmentationScores:
    """Figures over all pixels of all photos, with 95 % bootstrap intervals over photos.

    Args:
        accuracy: share of the pixels that are right.
        iou: of each class that occurs; foreground: of all classes but the first, taken as one.
        largest: mean IoU of the ten largest classes of those that occur.
    """

    accuracy: Estimate
    foreground: Estimate
    largest: Estimate
    iou: dict[str, Estimate]

    def to_dict(self) -> dict[str, object]:
        return {
            "pixel accuracy": self.accuracy.to_dict(),
            "foreground IoU": self.foreground.to_dict(),
            "mean IoU of the ten largest classes": self.largest.to_dict(),
            "IoU": {name: one.to_dict() for name, one in self.iou.items()},
        }


def confusion(wanted: NDArray[np.integer], found: NDArray[np.integer], *, classes: int) -> IntArray:
    """(classes, classes) pixel counts by true and predicted class; true codes of `classes` or more are ignored."""
    counted = wanted < classes
    pairs = wanted[counted].astype(np.int64) * classes + found[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def segmentation_scores(confusions: Sequence[IntArray], names: Sequence[str], *, seed: int = 0) -> SegmentationScores:
    """Metrics from the confusion matrices of N photos.

    Args:
        confusions: N of (classes, classes); names: of the classes, the background first.
    """
    stacked = np.stack(confusions) if confusions else np.zeros((0, len(names), len(names)), np.int64)
    rng = np.random.default_rng(seed)
    whole = stacked.sum(0)
    resampled = whole[None]
    if len(stacked):
        draws = rng.multinomial(len(stacked), np.full(len(stacked), 1 / len(stacked)), RESAMPLES)
        resampled = np.tensordot(draws, stacked, axes=1)
    sizes = whole.sum(1)
    largest = np.argsort(-sizes, kind="stable")[: min(LARGEST, max(1, np.count_nonzero(sizes)))]

    def estimate(figure: Callable[[Counts], NDArray[np.float64]]) -> Estimate:
        one, many = figure(whole[None]), figure(resampled)
        low, high = np.quantile(many, [0.025, 0.975]) if len(stacked) else (0.0, 1.0)
        return Estimate(value=float(one[0]), n=len(stacked), low=float(low), high=float(high))

    return SegmentationScores(
        accuracy=estimate(lambda c: np.trace(c, axis1=1, axis2=2) / np.maximum(c.sum((1, 2)), 1)),
        foreground=estimate(lambda c: _iou(_two(c))[:, 1]),
        largest=estimate(lambda c: _iou(c)[:, largest].mean(1)),
        iou={name: estimate(_class_iou(k)) for k, name in enumerate(names) if sizes[k]},
    )


def _class_iou(label: int) -> Callable[[Counts], NDArray[np.float64]]:
    return lambda c: _iou(c)[:, label]


def _iou(c: Counts) -> NDArray[np.float64]:
    """(N, k, k) -> (N, k)."""
    both = np.diagonal(c, axis1=1, axis2=2)
    return np.asarray(both / np.maximum(c.sum(1) + c.sum(2) - both, 1), np.float64)


def _two(c: Counts) -> Counts:
    """The first class against all others."""
    inner = c[:, 1:, 1:].sum((1, 2))
    return np.stack([np.stack([c[:, 0, 0], c[:, 0, 1:].sum(1)], 1), np.stack([c[:, 1:, 0].sum(1), inner], 1)], 1)
