"""Comparison of two runs over their common items: difference, interval, paired test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.evaluation.runs import Item, Run

PERMUTATIONS = 10_000
Gains: TypeAlias = NDArray[np.float64]
"""(N,) the second run's values less the first's, -1..1."""


@dataclass(frozen=True)
class Comparison:
    """Difference between the second run and the first.

    Args:
        only_first, only_second: items that only that one got right, or was better on where they are graded.
        p_value: chance of a difference at least so large if the runs were equally good.
        test: how that was computed.
        left_out: items that one of them did not measure, or with another label.
        changed: the items that one was better on, as each of them has it; those first that changed most.
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
    is_graded: bool = False
    changed: tuple[tuple[Item, Item], ...] = ()

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
            "changed": [
                {
                    "name": one.name,
                    "first": list(one.said[:1]),
                    "second": list(other.said[:1]),
                    "wanted": list(one.wanted),
                }
                for one, other in self.changed
            ],
        }


def compare(first: Run, second: Run, *, seed: int = 0) -> Comparison:
    """Compare two runs of one task item by item (paired).

    Right-or-wrong items go through McNemar's exact test (1947), others, and those in groups, through a paired
    permutation of signs; groups are drawn and turned as one.

    Raises:
        UsageError: runs of other tasks, or without common items.
    """
    if (first.task, first.main) != (second.task, second.main):
        raise UsageError(f"a run of {first.task} and one of {second.task}", cure="compare runs of the same task")
    one, other = _by_name(first), _by_name(second)
    common = sorted(one.keys() & other.keys())
    if not common:
        raise UsageError("the runs have no item in common", cure="evaluate both on the same data")
    a, b = (np.array([run[key].value for key in common]) for run in (one, other))
    groups = [one[key].group or one[key].name for key in common]
    gains = b - a
    is_graded = not np.isin(np.concatenate([a, b]), (0.0, 1.0)).all()
    is_grouped = len(set(groups)) < len(groups)
    turned = f"paired permutation{f' of {len(set(groups))} groups' if is_grouped else ''}, {PERMUTATIONS} draws"
    return Comparison(
        figure=first.main,
        first=bootstrap_mean(a, groups=groups, seed=seed),
        second=bootstrap_mean(b, groups=groups, seed=seed),
        difference=_difference(gains, groups, seed=seed),
        only_first=int((gains < 0).sum()),
        only_second=int((gains > 0).sum()),
        p_value=_permuted(gains, groups, seed=seed) if is_graded or is_grouped else _mcnemar(gains),
        test=turned if is_graded or is_grouped else "McNemar, exact",
        left_out=len({name for name, _ in one.keys() ^ other.keys()}),
        is_graded=is_graded,
        changed=tuple(
            (one[common[row]], other[common[row]]) for row in np.argsort(-np.abs(gains), kind="stable") if gains[row]
        ),
    )


def _by_name(run: Run) -> dict[tuple[str, tuple[str, ...]], Item]:
    """Items by name and, for classifiers, label: a relabelled photo is another item."""
    return {(item.name, item.wanted if run.task == "classifier" else ()): item for item in run.items}


def _difference(gains: Gains, groups: Sequence[str], *, seed: int) -> Estimate:
    """Mean gain, -1..1, with its interval; shifted by 1 so that no gain is not an end of the range."""
    share = bootstrap_mean((gains + 1) / 2, groups=groups, seed=seed)
    return Estimate(2 * share.value - 1, share.n, 2 * share.low - 1, 2 * share.high - 1)


def _mcnemar(gains: Gains) -> float:
    """The chance that fair coins fall at least as unevenly: the two-sided binomial test."""
    better, worse = int((gains > 0).sum()), int((gains < 0).sum())
    tail, ways = 0, 1  # of the less frequent side, exact
    for heads in range(min(better, worse) + 1):
        tail += ways
        ways = ways * (better + worse - heads) // (heads + 1)
    return min(1.0, float(2 * tail / (1 << (better + worse))))


def _permuted(gains: Gains, groups: Sequence[str], *, seed: int) -> float:
    rng = np.random.default_rng(seed)
    sums = np.bincount(np.unique(np.asarray(groups), return_inverse=True)[1], gains)
    seen = abs(sums.sum())
    as_far = 0
    for _ in range(PERMUTATIONS // 100):
        signs = rng.choice([-1.0, 1.0], (100, len(sums)))
        as_far += int((np.abs(signs @ sums) >= seen - 1e-9).sum())
    # The order that was seen is one of all: without it the chance could be nought.
    return (1 + as_far) / (PERMUTATIONS + 1)
