from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from catalens.errors import UsageError
from catalens.evaluation.intervals import bootstrap_mean
from recipes.nearest import nearest_is_correct


def test_a_figure_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one query"):
        bootstrap_mean([])


def test_the_interval_is_that_of_the_binomial() -> None:
    # 340 queries, 82 % right: the normal approximation gives +- 1.96 sqrt(.82 * .18 / 340) = 0.0408.
    estimate = bootstrap_mean([1.0] * 279 + [0.0] * 61)
    assert estimate.value == pytest.approx(279 / 340)
    assert estimate.high - estimate.low == pytest.approx(2 * 0.0408, rel=0.08)
    assert bootstrap_mean([0.5]).low == bootstrap_mean([0.5]).high == 0.5


@pytest.mark.parametrize(("right", "n"), [(1.0, 1), (1.0, 30), (0.0, 30), (1.0, 341)])
def test_all_right_is_no_certainty(right: float, n: int) -> None:
    exact = binomtest(int(right * n), n).proportion_ci(0.95, method="exact")
    estimate = bootstrap_mean([right] * n)
    assert (estimate.value, estimate.n) == (right, n)
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high))
    assert bootstrap_mean([right] * n, groups=["a"] * n).low == pytest.approx(0.025 if right else 0)


def test_first_is_right_by_hand() -> None:
    gallery = np.eye(3, dtype=np.float32)
    queries = np.array([[1, 0.1, 0], [0, 0.2, 1], [0, 1, 0]], np.float32)
    labels = ["shoe", "bag", "hat"]
    assert nearest_is_correct(queries, ["shoe", "bag", "bag"], gallery, labels).tolist() == [True, False, True]
    left_out = nearest_is_correct(queries, ["bag", "hat", "bag"], gallery, labels, left_out=[0, -1, 1])
    assert left_out.tolist() == [True, True, False]
    assert nearest_is_correct(queries[:0], [], gallery, labels).shape == (0,)
