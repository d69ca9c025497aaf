"""Figures of made pictures against ones worked out by hand, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from catalens.errors import UsageError
from catalens.evaluation.generation import (
    copies,
    frechet_distance,
    generation_scores,
    kernel_distance,
    nearest,
    precision_recall,
    small_sample_warning,
)
from catalens.types import FloatArray


def rows(count: int, dim: int, *, seed: int, shift: float = 0.0) -> FloatArray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((count, dim)) @ rng.standard_normal((dim, dim)) + shift).astype(np.float32)


@pytest.mark.parametrize(
    ("real", "made"),
    [
        (np.empty((0, 3), np.float32), np.ones((5, 3), np.float32)),
        (np.ones((5, 3), np.float32), np.empty((0, 3), np.float32)),
        (np.ones((5, 3), np.float32), np.ones((5, 2), np.float32)),
        (np.ones((5,), np.float32), np.ones((5,), np.float32)),
        (np.full((5, 2), np.nan, np.float32), np.ones((5, 2), np.float32)),
    ],
)
def test_what_cannot_be_compared(real: FloatArray, made: FloatArray) -> None:
    for figure in (frechet_distance, kernel_distance, precision_recall, nearest):
        with pytest.raises(UsageError):
            figure(real, made)


def test_frechet_distance_of_one_number_by_hand() -> None:
    # Means 1 and 4; variances (n - 1) 1 and 4: 3 squared, and (1 - 2) squared.
    real = np.array([[0], [1], [2]], np.float32)
    made = np.array([[2], [4], [6]], np.float32)
    assert frechet_distance(real, made) == pytest.approx(9 + 1)


def test_frechet_distance_of_two_numbers_by_hand() -> None:
    # Independent axes add up: variances 4/3 and 16/3 against 16/3 and 4/3, equal means.
    real = np.array([[-1, -2], [-1, 2], [1, -2], [1, 2]], np.float32)
    made = np.ascontiguousarray(real[:, ::-1])
    assert frechet_distance(real, made) == pytest.approx(2 * (np.sqrt(16 / 3) - np.sqrt(4 / 3)) ** 2)


def test_frechet_distance_is_scipys() -> None:
    a, b = rows(200, 12, seed=1), rows(300, 12, seed=2, shift=0.5)
    cov_a, cov_b = np.cov(a.astype(float), rowvar=False), np.cov(b.astype(float), rowvar=False)
    root = linalg.sqrtm(cov_a @ cov_b).real
    expected = ((a.mean(0, dtype=float) - b.mean(0, dtype=float)) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    few = rows(5, 12, seed=3)  # fewer rows than numbers: covariances without full rank
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-5)


def test_kernel_distance_by_hand() -> None:
    # D = 1, rows {0, 1} and {0, 2}: pairs within 1 and 1; across (0,0), (0,2), (1,0), (1,2): 1, 1, 1, 27.
    real, made = np.array([[0], [1]], np.float32), np.array([[0], [2]], np.float32)
    found = kernel_distance(real, made, subsets=3)
    assert found.value == pytest.approx(1000 * (1 + 1 - 2 * 30 / 4))
    assert found.low == found.high


def test_kernel_distance_has_no_bias() -> None:
    same = kernel_distance(rows(400, 4, seed=5)[:200], rows(400, 4, seed=5)[200:], subsets=100, size=50)
    far = kernel_distance(rows(200, 4, seed=5), rows(200, 4, seed=5, shift=2), subsets=100, size=50)
    assert same.low < 0 < same.high
    assert far.low > same.high


def test_precision_and_recall_by_hand() -> None:
    # Real: 0, 1, 2, 3 on a line; reach to the third neighbor 3, 2, 2, 3: all of -3..6.
    real = np.array([[0], [1], [2], [3]], np.float32)
    # Made: reaches 2 and up to 20: real ones are all within 20 of the one at 22 but 0 and 1, which 2.0 reaches.
    made = np.array([[2.0], [2.5], [3.0], [22.0]], np.float32)
    precision, recall = precision_recall(real, made)
    assert precision == 3 / 4
    assert recall == 1.0
    apart = np.array([[100], [101], [102], [103]], np.float32)
    assert precision_recall(real, apart) == (0.0, 0.0)


def test_a_collapsed_generator_is_precise_and_recalls_little() -> None:
    real = rows(500, 3, seed=7)
    precision, recall = precision_recall(real, np.repeat(real[:1], 50, 0) + rows(50, 3, seed=8) * 1e-3)
    assert precision == 1.0
    assert recall < 0.05


def test_nearest_and_copies_by_hand() -> None:
    training = np.array([[0, 0], [4, 0], [0, 3]], np.float32)
    made = np.array([[0.1, 0], [2, 0], [0, 3]], np.float32)
    numbers, distances = nearest(made, training, k=2)
    assert numbers[0].tolist() == [0, 2]
    assert sorted(numbers[1].tolist()) == [0, 1]
    assert numbers[2].tolist() == [2, 0]
    np.testing.assert_allclose(distances[:, 0], [0.1, 2, 0], atol=1e-6)
    assert copies(made, training).tolist() == [True, False, True]
    with pytest.raises(UsageError, match="nearest"):
        copies(made, training[:1])


def test_all_figures_and_the_warning() -> None:
    scores = generation_scores(rows(40, 3, seed=1), rows(30, 3, seed=2), features="three numbers")
    shown = scores.to_dict()
    assert shown["features"] == "three numbers"
    assert (shown["made"], shown["real"]) == (30, 40)
    assert "30 pictures" in str(shown["warning"])
    assert small_sample_warning(10_000) is None
