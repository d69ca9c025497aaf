"""Figures against scikit-learn and hand-worked tables."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from catalens.errors import UsageError
from catalens.evaluation.calibration import (
    auroc,
    auroc_with_interval,
    expected_calibration_error,
    reliability,
)
from catalens.evaluation.classification import average_precision, classification_figures, f1_scores
from catalens.evaluation.intervals import bootstrap_mean
from catalens.evaluation.multilabel import multilabel_run
from catalens.evaluation.retrieval import retrieval_figures

CLASSES = ("coat", "dress", "hat", "never")


def answers(count: int = 200, *, seed: int = 0) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    right = rng.integers(0, 3, count)
    likely = rng.random((count, 4)) + np.eye(4)[right] * 0.6
    return [CLASSES[label] for label in right], (likely / likely.sum(1, keepdims=True)).astype(np.float32)


def test_figures_are_scikit_learns() -> None:
    right, likely = answers()
    found = classification_figures(right, likely, CLASSES)
    said = [CLASSES[label] for label in likely.argmax(1)]
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(right, said))
    assert found.accuracy.n == 200
    seen = sorted(set(right))
    assert found.macro_f1.value == pytest.approx(metrics.f1_score(right, said, labels=seen, average="macro"))
    assert found.weighted_f1 == pytest.approx(metrics.f1_score(right, said, average="weighted", zero_division=0))
    weighted = metrics.precision_score(right, said, average="weighted", zero_division=0)
    assert found.weighted_precision == pytest.approx(weighted)
    assert found.to_dict()["weighted_recall"] == pytest.approx(metrics.accuracy_score(right, said), abs=1e-4)
    precision = metrics.precision_score(right, said, labels=seen, average="macro", zero_division=0)
    assert found.macro_precision == pytest.approx(precision)
    assert found.macro_recall == pytest.approx(metrics.recall_score(right, said, labels=seen, average="macro"))
    np.testing.assert_array_equal(found.confusion, metrics.confusion_matrix(right, said, labels=CLASSES))
    assert found.macro_f1.low <= found.macro_f1.value <= found.macro_f1.high
    assert [label.support for label in found.labels][-1] == 0


def test_top_k_by_hand() -> None:
    likely = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]], np.float32)
    found = classification_figures(["dress", "coat"], likely, CLASSES)
    assert (found.accuracy.value, found.top5.value) == (0.0, 1.0)


@pytest.mark.parametrize("right", [[], ["shoe"]])
def test_nothing_to_measure(right: list[str]) -> None:
    with pytest.raises(UsageError):
        classification_figures(right, np.ones((len(right), 4), np.float32), CLASSES)


def test_f1_of_several_labels() -> None:
    rng = np.random.default_rng(0)
    targets, said = rng.random((50, 3)) > 0.5, rng.random((50, 3)) > 0.5
    np.testing.assert_allclose(f1_scores(targets, said), metrics.f1_score(targets, said, average=None))
    assert f1_scores(np.zeros((2, 1), bool), np.zeros((2, 1), bool)).tolist() == [0.0]


def test_calibration_by_hand() -> None:
    # Two answers of 0.9, one right; two of 0.6, both right: 0.5 * |0.5 - 0.9| + 0.5 * |1 - 0.6|.
    assert expected_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 1], bins=10) == pytest.approx(0.4)
    bins = reliability([0.95, 1.0, 0.0], [1, 1, 0], bins=10)
    assert [(one.count, one.accuracy) for one in bins] == [(1, 0.0), (2, 1.0)]
    for bad in ([], [0.5]):
        with pytest.raises(UsageError):
            reliability(bad, [1] * (len(bad) + 1))


@pytest.mark.parametrize("levels", [2, 7, 10**6])
def test_areas_under_curves_are_scikit_learns(levels: int) -> None:
    """With many equal scores, and with none."""
    rng = np.random.default_rng(levels)
    flags = rng.random(300) > 0.7
    scores = (rng.integers(0, levels, 300) / levels).astype(np.float32)
    assert average_precision(flags, scores) == pytest.approx(metrics.average_precision_score(flags, scores))
    assert auroc(scores[flags], scores[~flags]) == pytest.approx(metrics.roc_auc_score(flags, scores))


def test_average_precision_of_nothing_is_0() -> None:
    assert average_precision(np.zeros(3, bool), np.arange(3, dtype=np.float32)) == 0.0


def test_strangers_by_hand() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5
    with pytest.raises(UsageError):
        auroc([], [0.5])
    apart = auroc_with_interval([0.9] * 30, [0.1] * 12)
    assert (apart.value, apart.n, apart.high) == (1.0, 42, 1.0)
    assert apart.low == pytest.approx(0.025 ** (1 / 12))
    rng = np.random.default_rng(0)
    one = auroc_with_interval(rng.normal(1, 1, 200), rng.normal(0, 1, 200))
    # Hanley and McNeil (1982): the error of an area of 0.76 over 200 and 200 is about 0.024.
    assert one.low < one.value < one.high
    assert (one.high - one.low) / 3.92 == pytest.approx(0.024, rel=0.15)


def test_retrieval_by_hand() -> None:
    found = [["a", "x", "b"], ["x", "y", "c"], ["x", "y", "z"]]
    wanted = [{"a", "b"}, {"c"}, {"q", "r"}]
    figures = retrieval_figures(found, wanted, cutoffs=(1, 3))
    values = {name: round(one.value, 6) for name, one in figures.named().items()}
    assert values["hit@1"] == round(1 / 3, 6)
    assert values["hit@3"] == round(2 / 3, 6)
    assert values["recall@1"] == round((1 / 2) / 3, 6)
    assert values["recall@3"] == round(2 / 3, 6)
    assert values["precision@3"] == round((2 / 3 + 1 / 3) / 3, 6)
    assert values["mAP"] == round(((1 + 2 / 3) / 2 + 1 / 3) / 3, 6)
    assert values["MRR"] == round((1 + 1 / 3) / 3, 6)
    first = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert values["nDCG@10"] == pytest.approx((first + 1 / np.log2(4)) / 3, abs=1e-6)


def test_ndcg_and_average_precision_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    right = rng.random((30, 10)) > 0.6
    right[:, 0] |= ~right.any(1)
    found = [[f"i{column}" for column in range(10)]] * 30
    wanted = [{f"i{column}" for column in np.flatnonzero(row)} for row in right]
    figures = retrieval_figures(found, wanted)
    order = -np.arange(10.0)[None].repeat(30, 0)
    assert figures.ndcg10.value == pytest.approx(metrics.ndcg_score(right, order))
    expected = np.mean([metrics.average_precision_score(row, order[0]) for row in right])
    assert figures.mean_average_precision.value == pytest.approx(expected)


@pytest.mark.parametrize(("found", "wanted"), [([], []), ([["a"]], [set()]), ([], [{"a"}])])
def test_queries_need_right_answers(found: list[list[str]], wanted: list[set[str]]) -> None:
    with pytest.raises(UsageError):
        retrieval_figures(found, wanted)


def test_queries_of_one_group_are_drawn_together() -> None:
    values = [1.0] * 10 + [0.0] * 10
    alone, grouped = bootstrap_mean(values), bootstrap_mean(values, groups=["a"] * 10 + ["b"] * 10)
    assert alone.value == grouped.value == 0.5
    assert (grouped.low, grouped.high) == (0.0, 1.0)
    assert alone.high - alone.low < 0.5
    with pytest.raises(UsageError):
        bootstrap_mean([1.0], groups=["a", "b"])


def test_figures_of_several_labels_each() -> None:
    wanted = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]], np.bool_)
    likely = np.array([[0.9, 0.8, 0.1], [0.2, 0.9, 0.6], [0.3, 0.4, 0.2], [0.1, 0.7, 0.1]], np.float32)
    said = likely > 0.5  # all; one too many; none of one; all
    run = multilabel_run(
        names=list("abcd"), pictures=list("abcd"), targets=wanted, likely=likely, said=said,
        classes=("warm", "strong", "loud"), about={}, leaked=[0],
    )  # fmt: skip
    values = {name: round(one.value, 4) for name, one in run.figures.items()}
    assert values == {
        "F1 of the photos": round((1 + 2 / 3 + 0 + 1) / 4, 4),
        "all labels right": 0.5,
        "macro F1": round((2 / 3 + 1) / 2, 4),  # of the two labels that occur
        "mean average precision": 1.0,
        "F1 without photos of the training set": round((2 / 3 + 0 + 1) / 3, 4),
    }
    assert all(one.low <= one.value <= one.high for one in run.figures.values())
    assert [(item.value, item.wanted, item.said) for item in run.items[1:3]] == [
        (pytest.approx(2 / 3), ("strong",), ("strong", "loud")),
        (0.0, ("warm",), ()),
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_figures_of_several_labels_are_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.random((60, 4)) < 0.4
    wanted[:, 0] |= ~wanted.any(1)
    likely = np.clip(wanted * 0.4 + rng.random((60, 4)) * 0.6, 0, 1).astype(np.float32)
    run = multilabel_run(
        names=[str(row) for row in range(60)], pictures=[""] * 60, targets=wanted, likely=likely, said=likely >= 0.5,
        classes=tuple("abcd"), about={},
    )  # fmt: skip
    found = {name: one.value for name, one in run.figures.items()}
    assert found["F1 of the photos"] == pytest.approx(metrics.f1_score(wanted, likely >= 0.5, average="samples"))
    assert found["all labels right"] == pytest.approx(metrics.accuracy_score(wanted, likely >= 0.5))
    assert found["macro F1"] == pytest.approx(metrics.f1_score(wanted, likely >= 0.5, average="macro"))
    assert found["mean average precision"] == pytest.approx(metrics.average_precision_score(wanted, likely))
