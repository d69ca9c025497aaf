"""Bootstrap intervals (Efron 1979): how far a figure would move had other queries been asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from catalens.errors import UsageError

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` queries with its 95 % interval."""

    value: float
    n: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"

    def to_dict(self) -> dict[str, float]:
        return {"value": round(self.value, 4), "n": self.n, "low": round(self.low, 4), "high": round(self.high, 4)}


def bootstrap_mean(values: ArrayLike, *, seed: int = 0) -> Estimate:
    """Mean of one value per query, with its percentile bootstrap interval.

    Raises:
        UsageError: no values.
    """
    sample = np.asarray(values, np.float64).ravel()
    if not sample.size:
        raise UsageError("a figure needs at least one query and got none", cure="check the data")
    rng = np.random.default_rng(seed)
    means = [sample[rng.integers(0, sample.size, sample.size)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(sample.mean()), int(sample.size), float(low), float(high))
