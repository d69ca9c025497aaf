"""Calibration of probabilities, and detection of out-of-distribution inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean

BINS = 15


@dataclass(frozen=True)
class Bin:
    """A bin of the reliability diagram: count, mean confidence, accuracy."""

    count: int
    confidence: float
    accuracy: float


def reliability(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> tuple[Bin, ...]:
    """Non-empty bins of equal width over 0..1 (reliability diagram, Guo et al. 2017, figure 1).

    Args:
        confidence: (N,) largest probabilities, 0..1.
        correct: (N,) whether the answer was right.

    Raises:
        UsageError: no answers, or fewer than one bin.
    """
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    if not sure.size or sure.shape != right.shape or bins < 1:
        raise UsageError("calibration needs at least one answer and one bin", cure="check the data")
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return tuple(
        Bin(int((place == one).sum()), float(sure[place == one].mean()), float(right[place == one].mean()))
        for one in sorted(set(place.tolist()))
    )


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error: weighted mean of |accuracy - confidence| over bins (Naeini et al. 2015)."""
    found = reliability(confidence, correct, bins=bins)
    total = sum(one.count for one in found)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in found) / total


def auroc(known: ArrayLike, strange: ArrayLike) -> float:
    """AUROC: probability that an in-distribution item scores above an out-of-distribution one, ties counting half.

    Args:
        known: scores of in-distribution items; strange: scores of out-of-distribution ones.

    Raises:
        UsageError: one of the two is empty.
    """
    inside, outside = np.asarray(known, np.float64).ravel(), np.asarray(strange, np.float64).ravel()
    if not inside.size or not outside.size:
        raise UsageError("AUROC needs known and unknown items", cure="give at least one of each")
    ordered = np.sort(outside)
    below, not_above = np.searchsorted(ordered, inside, "left"), np.searchsorted(ordered, inside, "right")
    return float((below + not_above).sum() / (2 * inside.size * outside.size))


def auroc_with_interval(known: ArrayLike, strange: ArrayLike, *, draws: int = 500, seed: int = 0) -> Estimate:
    """AUROC with its 95 % bootstrap interval, both groups resampled independently.

    At a perfect separation all resamples agree; the interval is then that of as many trials as the smaller group has
    items, as in `bootstrap_mean`.
    """
    value = auroc(known, strange)
    inside, outside = np.asarray(known, np.float64).ravel(), np.asarray(strange, np.float64).ravel()
    if value in (0, 1):
        ends = bootstrap_mean(np.full(min(inside.size, outside.size), value))
        return Estimate(value, inside.size + outside.size, ends.low, ends.high)
    rng = np.random.default_rng(seed)
    found = [auroc(rng.choice(inside, inside.size), rng.choice(outside, outside.size)) for _ in range(draws)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Estimate(value, inside.size + outside.size, float(low), float(high))
