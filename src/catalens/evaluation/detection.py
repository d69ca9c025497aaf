"""Metrics of object detection: average precision at IoU thresholds, recall of proposals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.evaluation.intervals import Estimate
from catalens.geometry import iou
from catalens.types import Detections, FloatArray

THRESHOLDS = tuple(np.arange(0.5, 0.96, 0.05).round(2).tolist())
RECALLS = np.linspace(0, 1, 101)
"""Recall levels at which precision is interpolated (COCO)."""
RESAMPLES = 200


@dataclass(frozen=True)
class Truth:
    """Ground truth of a picture: (M, 4) xyxy boxes and M labels."""

    boxes: FloatArray
    labels: tuple[str, ...]


@dataclass(frozen=True)
class DetectionScores:
    """Average precision (COCO's: 101 recalls, mean over classes that occur), with 95 % intervals over pictures.

    Args:
        ap: mean over IoU 0.5 to 0.95; ap50: at 0.5; by_class: at 0.5.
    """

    ap: Estimate
    ap50: Estimate
    by_class: dict[str, Estimate]

    def to_dict(self) -> dict[str, object]:
        return {
            "AP": self.ap.to_dict(),
            "AP50": self.ap50.to_dict(),
            "AP50 by class": {name: one.to_dict() for name, one in self.by_class.items()},
        }


@dataclass(frozen=True)
class _Answers:
    """Of one class: of each picture the scores of what was found, whether each is right at each threshold, and the
    number of objects.
    """

    scores: list[FloatArray]
    right: list[NDArray[np.bool_]]
    objects: NDArray[np.int64]


def detection_scores(found: Sequence[Detections], truths: Sequence[Truth], *, seed: int = 0) -> DetectionScores:
    """Compare detections on N pictures with the ground truth."""
    names = sorted({label for truth in truths for label in truth.labels})
    answers = {name: _answers(found, truths, name) for name in names}
    count = len(truths)
    rng = np.random.default_rng(seed)
    draws = [np.arange(count), *(rng.integers(0, count, count) for _ in range(RESAMPLES if count else 0))]
    if not names:
        nothing = Estimate(value=0.0, n=count, low=0.0, high=1.0)
        return DetectionScores(nothing, nothing, {})
    tables = np.array([[_precision(answers[name], rows) for name in names] for rows in draws])
    tables = tables[~np.isnan(tables).all((1, 2))]  # a draw of pictures without any object says nothing
    return DetectionScores(
        ap=_estimate(np.nanmean(tables, axis=(1, 2)), count),
        ap50=_estimate(np.nanmean(tables[:, :, 0], axis=1), count),
        by_class={
            name: _estimate(tables[:, row, 0], int(answers[name].objects.sum())) for row, name in enumerate(names)
        },
    )


def _estimate(values: NDArray[np.float64], count: int) -> Estimate:
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return Estimate(value=float(values[0]), n=count, low=float(low), high=float(high))


def _answers(found: Sequence[Detections], truths: Sequence[Truth], name: str) -> _Answers:
    scores, right, objects = [], [], []
    for one, truth in zip(found, truths, strict=True):
        mine = one[np.array([label == name for label in one.labels], np.bool_)]
        order = np.argsort(-mine.scores, kind="stable")
        theirs = truth.boxes[[row for row, label in enumerate(truth.labels) if label == name]]
        scores.append(mine.scores[order])
        right.append(_matches(mine.boxes[order], theirs))
        objects.append(len(theirs))
    return _Answers(scores, right, np.array(objects, np.int64))


def _matches(boxes: FloatArray, objects: FloatArray) -> NDArray[np.bool_]:
    """(N, thresholds) matches: boxes by descending score take the free object that they overlap most."""
    right = np.zeros((len(boxes), len(THRESHOLDS)), np.bool_)
    if not len(boxes) or not len(objects):
        return right
    table = iou(boxes, objects)
    for column, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(objects), np.bool_)
        for row in range(len(boxes)):
            values = np.where(free, table[row], 0.0)
            best = int(values.argmax())
            if values[best] >= threshold:
                right[row, column], free[best] = True, False
    return right


def _precision(answers: _Answers, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(thresholds,) average precision over some pictures; nan without objects."""
    objects = int(answers.objects[rows].sum())
    if not objects:
        return np.full(len(THRESHOLDS), np.nan)
    scores = np.concatenate([answers.scores[row] for row in rows.tolist()])
    order = np.argsort(-scores, kind="stable")
    right = np.concatenate([answers.right[row] for row in rows.tolist()])[order]
    hits = np.cumsum(right, axis=0)
    precision = hits / np.arange(1, len(right) + 1)[:, None]
    precision = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    recall = hits / objects
    found = []
    for column in range(len(THRESHOLDS)):
        places = np.searchsorted(recall[:, column], RECALLS, side="left")
        values = np.append(precision[:, column], 0.0)
        found.append(float(values[np.minimum(places, len(precision))].mean()))
    return np.array(found)


def proposal_recall(
    proposals: Sequence[FloatArray], truths: Sequence[Truth], *, count: int, threshold: float
) -> tuple[int, int]:
    """Number of objects that the first `count` proposals cover at an IoU, and number of objects."""
    hits = total = 0
    for boxes, truth in zip(proposals, truths, strict=True):
        total += len(truth.boxes)
        if len(truth.boxes) and len(boxes):
            hits += int((iou(truth.boxes, boxes[:count]).max(1) >= threshold).sum())
    return hits, total
