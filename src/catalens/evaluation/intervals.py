"""Bootstrap confidence intervals (Efron 1979) of metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def bootstrap_mean(values: ArrayLike, *, groups: Sequence[str] | None = None, seed: int = 0) -> Estimate:
    """Mean of one value per query, with its percentile bootstrap interval.

    Where all values are 1, or all 0, every draw is the same and would claim certainty: the open end is then the exact
    one of so many trials (Clopper and Pearson 1934), 0.884 for 30 of 30.

    Args:
        groups: for each query what it belongs to; queries of one group are drawn together (cluster bootstrap, Cameron
            et al. 2008), for several photos of one product say less than as many products.

    Raises:
        UsageError: no values, or another number of groups.
    """
    sample = np.asarray(values, np.float64).ravel()
    if not sample.size or (groups is not None and len(groups) != sample.size):
        raise UsageError("a figure needs at least one query and got none", cure="check the data")
    certain = float(sample[0]) if sample[0] in (0, 1) and (sample == sample[0]).all() else None
    number = np.arange(sample.size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    sums, counts = np.bincount(number, sample), np.bincount(number)
    if certain is not None:
        end = 0.025 ** (1 / sums.size)
        return Estimate(certain, int(sample.size), *((end, 1.0) if certain else (0.0, 1 - end)))
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, sums.size, sums.size)
        means.append(sums[drawn].sum() / counts[drawn].sum())
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(sample.mean()), int(sample.size), float(low), float(high))


def bootstrap_figure(
    figure: Callable[[NDArray[np.int64]], float], count: int, *, draws: int, seed: int = 0
) -> Estimate:
    """A metric that is not a mean over items, with its percentile bootstrap interval.

    Args:
        figure: of some of the items, by their rows, any of them more than once.
    """
    rng = np.random.default_rng(seed)
    low, high = np.quantile([figure(rng.integers(0, count, count)) for _ in range(draws)], [0.025, 0.975])
    return Estimate(figure(np.arange(count)), count, float(low), float(high))
