"""Learning curves: accuracy over the number of labelled photos, extrapolated by a power law.

Classifiers are trained on 5, 10, 20, ... photos of each label, drawn several times, and asked about photos that none of
them saw. A power law (`power_law.py`) answers for numbers that were not tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.learning.heads import fit_head
from catalens.learning.labelled import LabelledPhotos
from catalens.learning.power_law import Answer, PowerLaw, extrapolate
from catalens.learning.split import embed_labelled, held_out
from catalens.tasks.embed import Encoder
from catalens.tasks.heads import HeadKind
from catalens.types import Failure, FloatArray, Progress

SIZES = (2, 5, 10, 20, 50, 100, 200, 500, 1000)
FURTHER = 1.25
"""All that there are is a further number to try where it is so many times the largest of `SIZES` that can be tried."""
REFITS = 200
"""Fits to other draws and other test photos, that the intervals come from."""
FEWEST_POINTS = 3
"""Numbers of photos that must have been tried to fit three parameters."""


@dataclass(frozen=True, slots=True)
class Point:
    """Accuracy with `photos` of each label (`total` in all: of rare labels as many as there are)."""

    photos: int
    total: int
    accuracy: Estimate

    def to_dict(self) -> dict[str, object]:
        return {"photos_per_label": self.photos, "photos": self.total, "accuracy": self.accuracy.to_dict()}


@dataclass(frozen=True, slots=True)
class Curve:
    """The curve of one head; `law` and `answer` are None where too few numbers of photos could be tried."""

    head: HeadKind
    points: tuple[Point, ...]
    law: PowerLaw | None
    answer: Answer | None

    def to_dict(self) -> dict[str, object]:
        law = None if self.law is None else {"a": self.law.a, "b": self.law.b, "c": self.law.c}
        return {
            "head": self.head,
            "points": [point.to_dict() for point in self.points],
            "law": law,
            "answer": None if self.answer is None else self.answer.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Curves of the heads over the same photos."""

    curves: tuple[Curve, ...]
    classes: tuple[str, ...]
    photos: int
    test_photos: int
    draws: int
    target: float
    encoder: str
    seed: int
    skipped: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "encoder": self.encoder,
            "classes": list(self.classes),
            "photos": self.photos,
            "test_photos": self.test_photos,
            "draws": self.draws,
            "target": self.target,
            "seed": self.seed,
            "curves": [curve.to_dict() for curve in self.curves],
            "skipped": [failure.to_dict() for failure in self.skipped],
            "notes": list(self.notes),
        }


def learning_curve(
    photos: LabelledPhotos,
    *,
    encoder: Encoder,
    heads: Sequence[HeadKind] = ("softmax",),
    target: float = 0.9,
    sizes: Sequence[int] | None = None,
    draws: int = 5,
    test_share: float = 0.3,
    seed: int = 0,
    progress: Progress | None = None,
) -> LearningCurve:
    """Measure accuracy over the number of labelled photos.

    Args:
        target: accuracy (0..1) to answer for.
        sizes: photos of each label to try; those that less than half of the labels have are left out. None for
            2, 5, 10, 20 ... and as many as half of the labels have.
        draws: how often photos are drawn anew for each size.
        test_share: share of each label's photos that all are tested on.

    Raises:
        UsageError: photos with several labels, fewer than two labels, too few photos, or a number out of range.
    """
    if not (0 < target < 1 and draws >= 1 and 0 < test_share < 1 and heads and all(size >= 1 for size in sizes or ())):
        raise UsageError(
            f"got target {target:g}, {draws} draws, test share {test_share:g}, sizes {list(sizes or SIZES)}",
            cure="give shares between 0 and 1, and at least one draw, head and photo",
        )
    if photos.is_multi:
        raise UsageError("a photo has several labels", cure="choose a column with one label per photo")
    embedded = embed_labelled(photos, encoder, progress=progress)
    test = held_out(embedded.photos, test_share, seed=seed)
    labels = np.array([row[0] for row in embedded.photos.labels], np.str_)
    tried = _sizes(labels[~test], sizes)
    _check_counts(labels, test, tried)
    curves = tuple(
        _curve(head, embedded.vectors, labels, test, tried, target=target, draws=draws, seed=seed, progress=progress)
        for head in heads
    )
    return LearningCurve(
        curves=curves,
        classes=embedded.photos.classes,
        photos=len(labels),
        test_photos=int(test.sum()),
        draws=draws,
        target=target,
        encoder=encoder.name,
        seed=seed,
        skipped=photos.skipped + embedded.skipped,
        notes=photos.notes + _notes(labels[~test], tried),
    )


def _sizes(labels: NDArray[np.str_], sizes: Sequence[int] | None) -> tuple[int, ...]:
    """Those of the sizes that at least half of the labels have, ascending; of the usual ones also what half have."""
    counts = np.unique(labels, return_counts=True)[1] if len(labels) else np.zeros(1)
    most = int(np.median(counts))
    tried = tuple(size for size in sorted(set(SIZES if sizes is None else sizes)) if size <= most)
    return (*tried, most) if sizes is None and tried and most >= FURTHER * tried[-1] else tried


def _check_counts(labels: NDArray[np.str_], test: NDArray[np.bool_], tried: Sequence[int]) -> None:
    if len(set(labels[~test].tolist())) < 2 or not test.any() or not tried:
        raise UsageError(
            f"{len(labels)} photos with {len(set(labels.tolist()))} labels are too few for a curve",
            cure="label at least a handful of photos for each of two labels",
        )


def _notes(labels: NDArray[np.str_], tried: Sequence[int]) -> tuple[str, ...]:
    names, counts = np.unique(labels, return_counts=True)
    rare = [str(name) for name, count in zip(names, counts, strict=True) if count < tried[-1]]
    return (f"fewer than {tried[-1]} photos to learn from of {', '.join(rare)}: all of them are used",) if rare else ()


def _curve(
    head: HeadKind,
    vectors: FloatArray,
    labels: NDArray[np.str_],
    test: NDArray[np.bool_],
    sizes: Sequence[int],
    *,
    target: float,
    draws: int,
    seed: int,
    progress: Progress | None,
) -> Curve:
    right: list[NDArray[np.bool_]] = []
    totals = []
    for place, size in enumerate(sizes):
        outcomes = []
        for draw in range(draws):
            rows = drawn(labels, ~test, size, seed=seed + draw)
            fitted = fit_head(vectors[rows], labels[rows].tolist(), kind=head, seed=seed)
            said = np.array(fitted.classes)[fitted.probabilities(vectors[test]).argmax(1)]
            outcomes.append(said == labels[test])
            if progress is not None:
                progress(place * draws + draw + 1, len(sizes) * draws, f"{head}, {size} of each label")
        right.append(np.stack(outcomes))
        totals.append(len(rows))
    resampled = _resampled(right, seed=seed)
    points = tuple(
        Point(size, total, _estimate(outcomes, means))
        for size, total, outcomes, means in zip(sizes, totals, right, resampled.T, strict=True)
    )
    if len(sizes) < FEWEST_POINTS:
        return Curve(head, points, None, None)
    law, answer = extrapolate(
        np.array(sizes), np.array([point.accuracy.value for point in points]), resampled, target=target
    )
    return Curve(head, points, law, answer)


def drawn(labels: NDArray[np.str_], eligible: NDArray[np.bool_], size: int, *, seed: int) -> NDArray[np.int64]:
    """Rows of at most `size` eligible photos of each label; larger sizes of a seed contain the smaller ones."""
    rows = []
    for number, name in enumerate(np.unique(labels[eligible])):
        order = np.random.default_rng([seed, number]).permutation(np.flatnonzero(eligible & (labels == name)))
        rows.append(order[:size])
    return np.concatenate(rows)


def _resampled(right: Sequence[NDArray[np.bool_]], *, seed: int) -> NDArray[np.float64]:
    """(REFITS, sizes) accuracies with other draws and other test photos; the photos are the same for all sizes."""
    rng = np.random.default_rng([seed, 9])
    draws, photos = right[0].shape
    found = np.empty((REFITS, len(right)))
    for refit in range(REFITS):
        asked = np.bincount(rng.integers(0, photos, photos), minlength=photos) / photos
        for size, outcomes in enumerate(right):
            found[refit, size] = (outcomes[rng.integers(0, draws, draws)] @ asked).mean()
    return found


def _estimate(outcomes: NDArray[np.bool_], means: NDArray[np.float64]) -> Estimate:
    if outcomes.all() or not outcomes.any():
        return bootstrap_mean(outcomes[0])
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(outcomes.mean()), int(outcomes.shape[1]), float(low), float(high))
