"""Two runs side by side, over the items that both measured: the difference, its interval, and a paired test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.evaluation.runs import Run

PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Comparison:
    """The second run less the first.

    Args:
        only_first, only_second: items that only that one got right (value of 1 against less).
        p_value: chance of a difference at least so large if the runs were equally good.
        test: how that was computed.
        left_out: items that one of them did not measure.
    """

    figure: str
    first: Estimate
    second: Estimate
    difference: Estimate
    only_first: int
    only_second: int
    p_value: float
    test: str
    left_out: int

    def to_dict(self) -> dict[str, object]:
        return {
            "figure": self.figure,
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "difference": self.difference.to_dict(),
            "only_first": self.only_first,
            "only_second": self.only_second,
            "p_value": round(self.p_value, 6),
            "test": self.test,
            "left_out": self.left_out,
        }


def compare(first: Run, second: Run, *, seed: int = 0) -> Comparison:
    """Compare two runs of one task item by item.

    Right-or-wrong items go through McNemar's exact test (1947), others through a paired permutation of signs.

    Raises:
        UsageError: runs of other tasks, or without common items.
    """
    if (first.task, first.main) != (second.task, second.main):
        raise UsageError(f"a run of {first.task} and one of {second.task}", cure="compare runs of the same task")
    one = {item.name: item.value for item in first.items}
    other = {item.name: item.value for item in second.items}
    common = sorted(one.keys() & other.keys())
    if not common:
        raise UsageError("the runs have no item in common", cure="evaluate both on the same data")
    a, b = np.array([one[name] for name in common]), np.array([other[name] for name in common])
    gains = b - a
    is_binary = np.isin(np.concatenate([a, b]), (0.0, 1.0)).all()
    return Comparison(
        figure=first.main,
        first=bootstrap_mean(a, seed=seed),
        second=bootstrap_mean(b, seed=seed),
        difference=_difference(gains, seed=seed),
        only_first=int((gains < 0).sum()),
        only_second=int((gains > 0).sum()),
        p_value=_mcnemar(gains) if is_binary else _permuted(gains, seed=seed),
        test="McNemar, exact" if is_binary else f"paired permutation, {PERMUTATIONS} draws",
        left_out=len(one.keys() ^ other.keys()),
    )


def _difference(gains: np.ndarray[tuple[int], np.dtype[np.float64]], *, seed: int) -> Estimate:
    """The mean gain, -1..1; measured from -1, for no gain at all is in the middle and no end."""
    share = bootstrap_mean((gains + 1) / 2, seed=seed)
    return Estimate(2 * share.value - 1, share.n, 2 * share.low - 1, 2 * share.high - 1)


def _mcnemar(gains: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    from scipy.stats import binomtest

    better, worse = int((gains > 0).sum()), int((gains < 0).sum())
    return 1.0 if better + worse == 0 else float(binomtest(better, better + worse, 0.5).pvalue)


def _permuted(gains: np.ndarray[tuple[int], np.dtype[np.float64]], *, seed: int) -> float:
    rng = np.random.default_rng(seed)
    seen = abs(gains.mean())
    signs = rng.choice([-1.0, 1.0], (PERMUTATIONS, len(gains)))
    # The order that was seen is one of all: without it the chance could be nought.
    return float((1 + (np.abs((signs * gains).mean(1)) >= seen - 1e-12).sum()) / (PERMUTATIONS + 1))
