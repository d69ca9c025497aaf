"""Fit a head on vectors of labelled photos: settings by cross-validation, probabilities calibrated out of fold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError, needs
from catalens.evaluation.classification import average_precision
from catalens.tasks.heads import (
    HEAD_KINDS,
    Activation,
    CalibratedHead,
    DiscriminantHead,
    Head,
    HeadKind,
    KernelHead,
    LinearHead,
    NearestHead,
    probabilities,
)
from catalens.types import FloatArray

Targets = NDArray[np.bool_]
"""(N, C), which labels each photo has."""
Settings = Mapping[str, float]

GRIDS: Mapping[HeadKind, Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "softmax": {"C": (10.0, 1.0, 100.0)},
        "svm": {"C": (1.0, 0.1, 10.0)},
        "svm-rbf": {"C": (10.0, 1.0), "gamma": (1.0, 3.0)},
        "knn": {"k": (5, 1, 15), "sharpness": (0.03, 0.1)},
        "lda": {"shrinkage": (0.3, 0.1, 0.6)},
    }
)
"""Settings that are tried, the usual first: it is taken where photos are too few to tell. Vectors have unit length, so
that the same few serve all encoders."""
FOLDS, FOLDS_OF_MANY, MANY = 5, 3, 1000
LEFT_OUT_GROUPS = 5
"""Labels are left out in so many groups to learn how an unknown thing looks."""


@dataclass(frozen=True)
class Fitted:
    """A fitted head and what was seen on the way.

    Args:
        head: fitted on all photos.
        settings: chosen by cross-validation.
        out_of_fold: (N, C) probabilities of each photo by heads that had not seen it; nan for a photo that was in
            every training part, for it is the only one of its label.
        sure: (N,) largest of these, times the photo's nearness to what that head had seen; nan likewise.
    """

    head: CalibratedHead
    settings: Settings
    out_of_fold: FloatArray
    sure: FloatArray


def fit_head(
    vectors: FloatArray, labels: Sequence[str] | Sequence[tuple[str, ...]], *, kind: HeadKind, seed: int = 0
) -> CalibratedHead:
    """Fit a head; see `fit`.

    Args:
        vectors: (N, D) float32 of unit length.
        labels: one for each row, or several.
    """
    several = [(label,) if isinstance(label, str) else label for label in labels]
    classes = tuple(sorted({label for row in several for label in row}))
    targets = np.array([[name in row for name in classes] for row in several], np.bool_).reshape(len(several), -1)
    return fit(vectors, targets, classes, kind=kind, seed=seed).head


def fit(
    vectors: FloatArray,
    targets: Targets,
    classes: Sequence[str],
    *,
    kind: HeadKind,
    seed: int = 0,
    grid: Mapping[str, tuple[float, ...]] | None = None,
) -> Fitted:
    """Fit a head on (N, D) vectors: the settings that do best in cross-validation, then all photos with these.

    Where photos have several labels, each label is told from all others by itself.

    Raises:
        UsageError: fewer than two labels, or a label without a photo.
    """
    _check(vectors, targets, classes, kind)
    chosen: tuple[float, Settings, FloatArray, FloatArray] | None = None
    for settings in _settings(kind, grid, len(vectors)):

        def fit_rows(rows: NDArray[np.int64], settings: Settings = settings) -> Head:
            return fit_plain(vectors[rows], targets[rows], kind=kind, settings=settings)

        scores, near = out_of_fold(vectors, targets, fit_rows, seed=seed)
        worth = validation_score(scores, targets)
        if chosen is None or worth > chosen[0]:
            chosen = worth, settings, scores, near
    if chosen is None:
        raise UsageError("no settings to try", cure="give at least one value for each")
    _, settings, scores, near = chosen
    return calibrated(
        fit_plain(vectors, targets, kind=kind, settings=settings), targets, classes, settings, scores=scores, near=near
    )


def calibrated(
    head: Head, targets: Targets, classes: Sequence[str], settings: Settings, *, scores: FloatArray, near: FloatArray
) -> Fitted:
    """Calibrate a head that was fitted on all photos by the out-of-fold scores (N, C) and nearness (N,) of the same."""
    activation: Activation = "softmax" if (targets.sum(1) == 1).all() else "sigmoid"
    scale, shift = calibration(scores, targets, activation)
    likely = probabilities(scores, activation=activation, scale=scale, shift=shift)
    return Fitted(
        CalibratedHead(tuple(classes), head, activation, scale, shift), settings, likely, likely.max(1) * near
    )


def unseen_label_scores(
    vectors: FloatArray, targets: Targets, fitted: Fitted, *, kind: HeadKind, seed: int = 0
) -> NDArray[np.float64]:
    """Confidence on out-of-distribution photos, those of labels left out of training: probability times nearness, as in
    `Fitted`; nan for photos that were in none of the groups.

    Labels are left out in groups, as an unknown thing would be: (N,). All nan where fewer than three labels are there,
    or photos have several.
    """
    found = np.full(len(vectors), np.nan)
    count = targets.shape[1]
    if fitted.head.activation != "softmax" or count < 3:
        return found
    groups = np.random.default_rng(seed).permutation(count) % min(LEFT_OUT_GROUPS, count // 2 or 1, count - 2 or 1)
    if groups.max() == 0:  # three labels: one at a time
        groups = np.arange(count)
    for group in range(int(groups.max()) + 1):
        unknown = targets[:, groups == group].any(1)
        known = targets[~unknown][:, groups != group]
        head = fit_plain(vectors[~unknown], known, kind=kind, settings=fitted.settings)
        scale = fitted.head.scale
        likely = probabilities(
            head.scores(vectors[unknown]), activation="softmax", scale=scale, shift=np.zeros(1, np.float32)
        )
        found[unknown] = likely.max(1) * head.nearness(vectors[unknown])
    return found


def _check(vectors: FloatArray, targets: Targets, classes: Sequence[str], kind: str) -> None:
    if kind not in HEAD_KINDS:
        raise UsageError(f"no head called {kind!r}", cure=f"one of {', '.join(HEAD_KINDS)}")
    if len(classes) < 2:
        raise UsageError(
            f"expected photos of at least two labels and got {len(classes)}", cure="add photos of another label"
        )
    if (*vectors.shape[:1], len(classes)) != targets.shape:
        raise UsageError(f"{len(vectors)} vectors for targets of shape {targets.shape}", cure="give one row each")
    if not targets.any(0).all():
        empty = [name for column, name in enumerate(classes) if not targets[:, column].any()]
        raise UsageError(f"no photo of {', '.join(empty)}", cure="leave the label out")


def _settings(kind: HeadKind, grid: Mapping[str, tuple[float, ...]] | None, photos: int) -> Iterator[Settings]:
    choices = GRIDS[kind] if grid is None else grid
    names = list(choices)
    for values in product(*choices.values()):
        one = dict(zip(names, values, strict=True))
        if one.get("k", 1) <= max(1, photos // 2):
            yield one


def folds(targets: Targets, *, seed: int) -> NDArray[np.int64]:
    """(N,) the fold of each photo, labels spread evenly; -1 for a photo that is the only one of one of its labels."""
    rng = np.random.default_rng(seed)
    count = FOLDS_OF_MANY if len(targets) >= MANY else FOLDS
    found = np.full(len(targets), -1)
    alone = targets[:, targets.sum(0) == 1].any(1)
    rarest = np.where(targets, targets.sum(0), len(targets) + 1).argmin(1)
    offset = 0
    for label in range(targets.shape[1]):
        rows = rng.permutation(np.flatnonzero((rarest == label) & ~alone))
        found[rows] = (np.arange(len(rows)) + offset) % count
        offset += len(rows)
    return found


def out_of_fold(
    vectors: FloatArray,
    targets: Targets,
    fit_rows: Callable[[NDArray[np.int64]], Head],
    *,
    seed: int,
    is_hopeless: Callable[[FloatArray, int], bool] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Cross-validate: (N, C) scores and (N,) nearness by heads that had not seen the photo; nan where there are none.

    Args:
        fit_rows: fits a head on the photos of some rows.
        is_hopeless: asked after each fold, with the scores so far; True ends it.
    """
    fold = folds(targets, seed=seed)
    scores, near = np.full(targets.shape, np.nan, np.float32), np.full(len(targets), np.nan, np.float32)
    for number, one in enumerate(sorted(set(fold.tolist()) - {-1})):
        train, test = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        if targets[train].any(0).all():
            head = fit_rows(train)
            scores[test], near[test] = head.scores(vectors[test]), head.nearness(vectors[test])
            if is_hopeless is not None and is_hopeless(scores, number):
                break
    return scores, near


def validation_score(scores: FloatArray, targets: Targets) -> float:
    """How good out-of-fold scores are: accuracy; where photos have several labels, their mean average precision."""
    seen = ~np.isnan(scores).any(1)
    if not seen.any():
        return 0.0
    if (targets.sum(1) == 1).all():
        return float((scores[seen].argmax(1) == targets[seen].argmax(1)).mean())
    asked = [label for label in range(targets.shape[1]) if targets[seen, label].any()]
    return float(np.mean([average_precision(targets[seen, label], scores[seen, label]) for label in asked]))


def fit_plain(vectors: FloatArray, targets: Targets, *, kind: HeadKind, settings: Settings) -> Head:
    """Fit a head with given settings, not calibrated."""
    if kind == "knn":
        return NearestHead(vectors, targets, int(settings["k"]), float(settings["sharpness"]))
    if kind == "lda":
        return _discriminant(vectors, targets, settings["shrinkage"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it stopped before the last digit
        if kind == "svm-rbf":
            return _kernel(vectors, targets, settings)
        return _linear(vectors, targets, kind, settings)


def _discriminant(vectors: FloatArray, targets: Targets, shrinkage: float) -> DiscriminantHead | LinearHead:
    """Linear discriminant analysis; what varies within labels is shrunk towards a ball (Friedman 1989, section 3).

    Written out because scikit-learn's refuses labels of one photo each, and the distance to a label is needed, too.
    """
    if (targets.sum(1) == 1).all():
        return _normals(vectors, targets, shrinkage)

    def fit_one(is_label: NDArray[np.bool_]) -> tuple[FloatArray, float]:
        head = _normals(vectors, np.stack([~is_label, is_label], 1), shrinkage)
        apart, offset = head.means[1] - head.means[0], float(head.bias[1] - head.bias[0])
        return head.axes @ apart / head.unit, offset / head.unit

    return _each_from_the_rest(targets, fit_one, dim=vectors.shape[1])


def _normals(vectors: FloatArray, targets: Targets, shrinkage: float) -> DiscriminantHead:
    """Normal distributions of the labels, that differ in their means alone.

    Likelihoods grow without end where labels lie far apart; so they are given in their own standard deviations, for
    calibration to find their scale.
    """
    rows, members = vectors.astype(np.float64), targets.astype(np.float64)
    counts = members.sum(0)
    means = members.T @ rows / counts[:, None]
    within = rows - members @ means
    scatter = within.T @ within / len(rows)
    ball = float(np.trace(scatter)) / len(scatter) or 1.0  # one photo of each label: the nearest one
    shrunk = (1 - shrinkage) * scatter + shrinkage * ball * np.eye(len(scatter))
    axes = np.linalg.cholesky(np.linalg.inv(shrunk))
    along, centers = rows @ axes, means @ axes
    bias = np.log(counts / len(rows)) - (centers**2).sum(1) / 2
    unit = float((along @ centers.T + bias).std()) or 1.0
    usual = float(((along - members @ centers) ** 2).sum(1).mean()) or 1.0
    return DiscriminantHead(axes.astype(np.float32), centers.astype(np.float32), bias.astype(np.float32), unit, usual)


def _linear(vectors: FloatArray, targets: Targets, kind: HeadKind, settings: Settings) -> LinearHead:
    with needs("scikit-learn", extra="train"):
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

    several = not (targets.sum(1) == 1).all()
    if kind == "softmax" and not several:
        model = LogisticRegression(C=settings["C"], max_iter=300).fit(vectors, targets.argmax(1))
        return _two_columns(model)

    def fit_one(is_label: NDArray[np.bool_]) -> tuple[FloatArray, float]:
        one = LogisticRegression(C=settings["C"], max_iter=300) if kind == "softmax" else LinearSVC(C=settings["C"])
        one.fit(vectors, is_label)
        return one.coef_[0], float(one.intercept_[0])

    return _each_from_the_rest(targets, fit_one, dim=vectors.shape[1])


def _each_from_the_rest(
    targets: Targets, fit_one: Callable[[NDArray[np.bool_]], tuple[FloatArray, float]], *, dim: int
) -> LinearHead:
    """Weights and bias for each label by itself; a label that all have is always likely."""
    columns = [
        fit_one(is_label)
        if is_label.any() and not is_label.all()
        else (np.zeros(dim, np.float32), 1.0 if is_label.all() else -1.0)
        for is_label in targets.T
    ]
    weights, bias = zip(*columns, strict=True)
    return LinearHead(np.stack(weights, 1).astype(np.float32), np.array(bias, np.float32))


def _two_columns(model: Any) -> LinearHead:
    """Scikit-learn keeps one column for two labels: the second's score, the first's being nought."""
    weights, bias = model.coef_, model.intercept_
    if len(weights) == 1:
        weights, bias = np.concatenate([0 * weights, weights]), np.concatenate([0 * bias, bias])
    return LinearHead(weights.T.astype(np.float32), bias.astype(np.float32))


def _kernel(vectors: FloatArray, targets: Targets, settings: Settings) -> KernelHead:
    """One machine for each label, against the rest; their support vectors are kept once."""
    with needs("scikit-learn", extra="train"):
        from sklearn.svm import SVC

    coefficients = np.zeros(targets.shape, np.float32)
    bias = np.ones(targets.shape[1], np.float32)
    for label in range(targets.shape[1]):
        if targets[:, label].all():
            continue
        machine = SVC(C=settings["C"], gamma=settings["gamma"]).fit(vectors, targets[:, label])
        coefficients[machine.support_, label] = machine.dual_coef_[0]
        bias[label] = machine.intercept_[0]
    used = (coefficients != 0).any(1)
    return KernelHead(vectors[used], coefficients[used], bias, float(settings["gamma"]))


def calibration(scores: FloatArray, targets: Targets, activation: Activation) -> tuple[FloatArray, FloatArray]:
    """Scale and shift with the best likelihood out of fold."""
    seen = ~np.isnan(scores).any(1)
    if not seen.any():
        return np.ones(1, np.float32), np.zeros(1, np.float32)
    if activation == "softmax":
        return np.array([_temperature(scores[seen], targets[seen])], np.float32), np.zeros(1, np.float32)
    platt = [_platt(scores[seen, label], targets[seen, label]) for label in range(targets.shape[1])]
    scale, shift = zip(*platt, strict=True)
    return np.array(scale, np.float32), np.array(shift, np.float32)


def _temperature(scores: FloatArray, targets: Targets) -> float:
    """The scale with the best likelihood, of N answers.

    The right label's target is (N + 1) / (N + 2), as Platt (1999, 2.2) has it: where all answers are right, the scale
    would else grow without end, and every new photo be certain.
    """
    with needs("scipy", extra="train"):
        from scipy.optimize import minimize_scalar

    right = (len(scores) + 1) / (len(scores) + 2)
    wanted = np.where(targets, right, (1 - right) / (targets.shape[1] - 1))

    def loss(log_scale: float) -> float:
        scale = np.array([np.exp(log_scale)], np.float32)
        likely = probabilities(scores, activation="softmax", scale=scale, shift=np.zeros(1, np.float32))
        return float(-(wanted * np.log(likely + 1e-9)).sum(1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))


def _platt(scores: FloatArray, is_label: NDArray[np.bool_]) -> tuple[float, float]:
    with needs("scikit-learn", extra="train"):
        from sklearn.linear_model import LogisticRegression

    if is_label.all() or not is_label.any():
        return 1.0, 0.0
    model = LogisticRegression(C=10.0).fit(scores[:, None], is_label)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
