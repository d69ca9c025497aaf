"""Heads give what scikit-learn gives, from plain arrays; their probabilities say what they mean."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import ShrunkCovariance
from sklearn.datasets import make_blobs
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC, LinearSVC

from catalens.errors import MissingExtraError, ModelError, UsageError
from catalens.learning.classifier import unknown_threshold
from catalens.learning.heads import fit, fit_head, folds, unseen_label_scores
from catalens.tasks.heads import HEAD_KINDS, HeadKind, LinearHead, NearestHead, head_from, probabilities
from catalens.types import FloatArray


def blobs(count: int = 120, labels: int = 4, *, spread: float = 1.0, seed: int = 0) -> tuple[FloatArray, np.ndarray]:
    """Points of unit length around one direction for each label; and the labels."""
    points, names = make_blobs(count, 6, centers=labels, cluster_std=spread, random_state=seed)
    points -= points.mean(0)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), names


def targets_of(names: np.ndarray) -> np.ndarray:
    return np.asarray(np.eye(names.max() + 1, dtype=bool)[names])


@pytest.mark.parametrize(("kind", "setting"), [("softmax", {"C": (3.0,)}), ("svm", {"C": (0.5,)})])
@pytest.mark.parametrize("labels", [2, 4])
def test_linear_heads_answer_as_scikit_learn(
    kind: HeadKind, setting: dict[str, tuple[float, ...]], labels: int
) -> None:
    vectors, names = blobs(labels=labels, spread=4.0)
    fitted = fit(vectors, targets_of(names), [f"l{i}" for i in range(labels)], kind=kind, grid=setting)
    model = LogisticRegression(C=3.0, max_iter=300) if kind == "softmax" else LinearSVC(C=0.5)
    expected = model.fit(vectors, names).predict(vectors)
    np.testing.assert_array_equal(fitted.head.head.scores(vectors).argmax(1), expected)


def test_the_softmax_head_scores_as_scikit_learn() -> None:
    vectors, names = blobs(spread=4.0)
    head = fit(vectors, targets_of(names), "abcd", kind="softmax", grid={"C": (3.0,)}).head.head
    expected = LogisticRegression(C=3.0, max_iter=300).fit(vectors, names).decision_function(vectors)
    np.testing.assert_allclose(head.scores(vectors), expected, atol=1e-3)


def test_the_discriminant_scores_as_scikit_learn() -> None:
    vectors, names = blobs(spread=4.0)
    head = fit(vectors, targets_of(names), "abcd", kind="lda", grid={"shrinkage": (0.2,)}).head.head
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(vectors, names)
    expected = model.decision_function(vectors)
    np.testing.assert_allclose(head.scores(vectors), expected / expected.std(), atol=1e-4)


def test_the_discriminant_tells_each_of_several_labels_from_the_rest_as_scikit_learn() -> None:
    vectors, names = blobs(spread=4.0)
    targets = targets_of(names)
    targets[:, 0] |= targets[:, 1]
    head = fit(vectors, targets, "abcd", kind="lda", grid={"shrinkage": (0.2,)}).head.head
    for label in range(4):
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(vectors, targets[:, label])
        found, expected = head.scores(vectors)[:, label], model.decision_function(vectors)
        np.testing.assert_allclose(found, expected * (found / expected).mean(), atol=1e-4)


def test_nearness_to_a_discriminant_is_by_the_mahalanobis_distance() -> None:
    vectors, names = blobs(spread=4.0)
    head = fit(vectors, targets_of(names), "abcd", kind="lda", grid={"shrinkage": (0.2,)}).head.head
    means = np.stack([vectors[names == label].mean(0) for label in range(4)])
    inverse = ShrunkCovariance(shrinkage=0.2, assume_centered=True).fit(vectors - means[names]).precision_
    squares = np.array([[mahalanobis(row, mean, inverse) ** 2 for mean in means] for row in vectors])
    usual = squares[np.arange(len(names)), names].mean()
    np.testing.assert_allclose(head.nearness(vectors), 1 / (1 + squares.min(1) / usual), atol=1e-4)
    assert head.nearness(vectors[:0]).shape == (0,)


def test_of_one_photo_to_a_label_the_discriminant_takes_the_nearest() -> None:
    vectors = np.eye(3, dtype=np.float32)
    head = fit(vectors, np.eye(3, dtype=bool), "abc", kind="lda").head.head
    asked = np.array([[0.6, 0, 0.8], [0.8, 0.6, 0]], np.float32)
    assert head.scores(asked).argmax(1).tolist() == [2, 0]


def test_the_kernel_head_scores_as_scikit_learn() -> None:
    vectors, names = blobs(spread=4.0)
    grid = {"C": (2.0,), "gamma": (1.5,)}
    head = fit(vectors, targets_of(names), "abcd", kind="svm-rbf", grid=grid).head.head
    for label in range(4):
        expected = SVC(C=2.0, gamma=1.5).fit(vectors, names == label).decision_function(vectors)
        np.testing.assert_allclose(head.scores(vectors)[:, label], expected, atol=1e-4)


def test_the_nearest_head_votes() -> None:
    vectors = np.eye(3, dtype=np.float32)
    head = NearestHead(vectors, np.array([[1, 0], [1, 0], [0, 1]], bool), k=1, sharpness=0.1)
    assert head.scores(np.array([[0, 0.1, 0.9], [0.9, 0, 0.1]], np.float32)).argmax(1).tolist() == [1, 0]
    every = NearestHead(vectors, head.labels, k=50, sharpness=1e6)
    np.testing.assert_allclose(np.exp(every.scores(vectors)), [[2 / 3, 1 / 3]] * 3, atol=1e-3)


def test_nearness_is_the_squared_cosine_to_the_nearest() -> None:
    head = NearestHead(np.eye(3, dtype=np.float32), np.eye(3, dtype=bool), k=2, sharpness=0.1)
    asked = np.array([[0, 1, 0], [0.6, 0, 0.8], [-1, 0, 0]], np.float32)
    np.testing.assert_allclose(head.nearness(asked), [1, 0.64, 0], atol=1e-6)
    assert head.nearness(asked[:0]).shape == (0,)
    plain = LinearHead(np.zeros((3, 2), np.float32), np.zeros(2, np.float32))
    assert plain.nearness(asked).tolist() == [1, 1, 1]  # it kept nothing of what it learned from


@pytest.mark.parametrize("kind", HEAD_KINDS)
@pytest.mark.parametrize("several", [False, True])
def test_a_head_comes_back_from_its_arrays(kind: HeadKind, several: bool) -> None:
    vectors, names = blobs(60, 3)
    labels = [("a", "b")[: 1 + row % 2] if several else ("a", "b", "c")[name] for row, name in enumerate(names)]
    fitted = fit_head(vectors, labels, kind=kind)  # type: ignore[arg-type]
    again = head_from(fitted.head.kind, fitted.head.arrays())
    assert again.dim == 6
    np.testing.assert_allclose(again.scores(vectors), fitted.head.scores(vectors), atol=1e-5)
    likely = fitted.probabilities(vectors)
    assert ((likely >= 0) & (likely <= 1)).all()
    if not several:
        np.testing.assert_allclose(likely.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "arrays"),
    [
        ("linear", {}),
        ("linear", {"weights": np.zeros((3, 2), np.float32), "bias": np.zeros(3, np.float32)}),
        ("linear", {"weights": np.zeros(3, np.float32), "bias": np.zeros(3, np.float32)}),
        ("linear", {"weights": np.zeros((3, 2), int), "bias": np.zeros(2, np.float32)}),
        ("nearest", {"vectors": np.zeros((2, 3), np.float32), "labels": np.zeros((2, 2), bool), "k": np.array([])}),
        ("tree", {}),
    ],
)
def test_arrays_that_do_not_fit_are_refused(kind: str, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError):
        head_from(kind, arrays)


def test_probabilities_by_hand() -> None:
    one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
    scores = np.log(np.array([[1, 3]], np.float32))
    np.testing.assert_allclose(probabilities(scores, activation="softmax", scale=one, shift=none), [[0.25, 0.75]])
    np.testing.assert_allclose(probabilities(scores, activation="sigmoid", scale=one, shift=none), [[0.5, 0.75]])
    sharper = probabilities(scores, activation="softmax", scale=2 * one, shift=none)
    np.testing.assert_allclose(sharper, [[0.1, 0.9]], atol=1e-6)
    assert probabilities(np.empty((0, 2), np.float32), activation="softmax", scale=one, shift=none).shape == (0, 2)


@pytest.mark.parametrize("kind", HEAD_KINDS)
@pytest.mark.parametrize("count", [12, 120])
def test_so_many_right_answers_are_no_certainty(kind: HeadKind, count: int) -> None:
    # None of n wrong: the next is wrong with a chance of about 1 / (n + 2) (Laplace's rule of succession).
    # Labels equally far from one another, in many numbers as vectors have: no photo is surer than the next.
    names = np.arange(count) % 3
    vectors = np.eye(3, 64)[names] + np.random.default_rng(0).normal(0, 0.02, (count, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    fitted = fit(vectors, targets_of(names), "abc", kind=kind)
    assert (fitted.out_of_fold.argmax(1) == names).all()
    assert 1 - fitted.out_of_fold.max(1).mean() == pytest.approx(1 / (count + 2), rel=0.1)


def test_probabilities_are_calibrated_out_of_fold() -> None:
    vectors, names = blobs(900, 3, spread=6.0, seed=2)
    fitted = fit(vectors, targets_of(names), "abc", kind="svm")
    sure, correct = fitted.out_of_fold.max(1), fitted.out_of_fold.argmax(1) == names
    assert abs(sure.mean() - correct.mean()) < 0.03


@pytest.mark.parametrize(
    ("vectors", "targets", "classes"),
    [
        (np.empty((0, 2)), np.empty((0, 0), bool), ""),
        (np.ones((3, 2)), np.ones((3, 1), bool), "a"),
        (np.ones((3, 2)), np.ones((2, 2), bool), "ab"),
        (np.ones((3, 2)), np.array([[1, 0]] * 3, bool), "ab"),
    ],
    ids=["nothing", "one label", "other lengths", "a label without photos"],
)
def test_what_cannot_be_learned(vectors: np.ndarray, targets: np.ndarray, classes: str) -> None:
    with pytest.raises(UsageError):
        fit(vectors.astype(np.float32), targets, list(classes), kind="softmax")


@pytest.mark.parametrize("kind", HEAD_KINDS)
@pytest.mark.parametrize("counts", [(1, 1), (1, 5), (2, 2, 2), (5, 5, 5)])
def test_few_photos_are_enough(kind: HeadKind, counts: tuple[int, ...]) -> None:
    names = np.repeat(np.arange(len(counts)), counts)
    vectors = np.eye(8, dtype=np.float32)[names] + np.random.default_rng(0).normal(0, 0.05, (len(names), 8))
    fitted = fit(vectors.astype(np.float32), targets_of(names), [str(i) for i in range(len(counts))], kind=kind)
    assert fitted.head.probabilities(vectors.astype(np.float32)).argmax(1).tolist() == names.tolist()


def test_folds_spread_labels_and_leave_the_only_photo_of_a_label_to_training() -> None:
    names = np.array([0] * 10 + [1] * 5 + [2])
    fold = folds(targets_of(names), seed=0)
    assert fold[-1] == -1
    for label, count in ((0, 2), (1, 1)):
        assert np.bincount(fold[names == label]).tolist() == [count] * 5


def test_strangers_look_less_sure_than_what_was_learned() -> None:
    vectors, names = blobs(300, 6, spread=1.0)
    targets = targets_of(names)
    fitted = fit(vectors, targets, "abcdef", kind="softmax")
    likely = unseen_label_scores(vectors, targets, fitted, kind="softmax")
    assert not np.isnan(likely).any()
    assert likely.mean() < fitted.out_of_fold.max(1).mean()
    two = fit(vectors[names < 2], targets[names < 2][:, :2], "ab", kind="softmax")
    assert np.isnan(unseen_label_scores(vectors[names < 2], targets[names < 2][:, :2], two, kind="softmax")).all()


def test_votes_that_agree_on_something_far_away_are_not_sure() -> None:
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(6), 40)
    points = np.eye(16)[names] + rng.normal(0, 0.1, (240, 16))
    vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    targets = targets_of(names)
    fitted = fit(vectors, targets, "abcdef", kind="knn", grid={"k": (1,), "sharpness": (0.1,)})
    unknown = unknown_threshold(vectors, targets, fitted, kind="knn", reject=0.05, seed=0)
    assert unknown is not None
    assert unknown.kept > 0.95
    far = np.eye(16, dtype=np.float32)[8:]  # of no direction that it knows
    assert (fitted.head.probabilities(far).max(1) > 0.9).all()  # the one nearest photo votes, and nobody against it
    assert (fitted.head.probabilities(far).max(1) * fitted.head.nearness(far) < unknown.threshold).all()


@pytest.fixture
def base_install(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Called, it hides what only the train extra installs."""

    def hide() -> None:
        for name in [*sys.modules, "sklearn", "scipy"]:
            if name.split(".")[0] in {"sklearn", "scipy"}:
                monkeypatch.setitem(sys.modules, name, None)

    return hide


@pytest.mark.parametrize("kind", HEAD_KINDS)
def test_heads_answer_without_what_fitted_them(kind: HeadKind, base_install: Callable[[], None]) -> None:
    vectors, names = blobs()
    head = fit(vectors, targets_of(names), "abcd", kind=kind).head
    base_install()
    again = replace(head, head=head_from(head.head.kind, head.head.arrays()))
    np.testing.assert_array_equal(again.probabilities(vectors), head.probabilities(vectors))
    assert (again.probabilities(vectors).argmax(1) == names).mean() > 0.9
    with pytest.raises(MissingExtraError, match=r'pip install "catalens\[train\]"'):
        fit(vectors, targets_of(names), "abcd", kind=kind)
