"""Metrics of single-label classification: accuracy, precision, recall, F1, top-k, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_figure, bootstrap_mean
from catalens.types import FloatArray

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelFigures:
    """Metrics of one label; `support` is its number of items."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int

    def to_dict(self) -> dict[str, object]:
        return {
            "label": self.name,
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "support": self.support,
        }


@dataclass(frozen=True)
class ClassificationFigures:
    """Metrics over N items with one label each.

    Args:
        top5: share of items whose label is among the five likeliest.
        weighted_f1, weighted_precision: means over labels, each as often as it occurs; recall so is the accuracy.
        confusion: (C, C) counts; rows are what is right, columns what was said.
    """

    accuracy: Estimate
    top5: Estimate
    macro_f1: Estimate
    weighted_f1: float
    weighted_precision: float
    macro_precision: float
    macro_recall: float
    labels: tuple[LabelFigures, ...]
    confusion: NDArray[np.int64]

    def to_dict(self) -> dict[str, object]:
        return {
            "accuracy": self.accuracy.to_dict(),
            "top5": self.top5.to_dict(),
            "macro_f1": self.macro_f1.to_dict(),
            "weighted_f1": round(self.weighted_f1, 4),
            "weighted_precision": round(self.weighted_precision, 4),
            "weighted_recall": round(self.accuracy.value, 4),
            "macro_precision": round(self.macro_precision, 4),
            "macro_recall": round(self.macro_recall, 4),
            "labels": [label.to_dict() for label in self.labels],
            "confusion": self.confusion.tolist(),
        }


def classification_figures(
    right: Sequence[str], likely: FloatArray, classes: Sequence[str], *, seed: int = 0
) -> ClassificationFigures:
    """Compare probabilities with true labels. Macro metrics are means over labels that occur.

    Args:
        right: N labels, each one of `classes`.
        likely: (N, C) probabilities or scores.

    Raises:
        UsageError: no items, or a label that is no class.
    """
    place = {name: number for number, name in enumerate(classes)}
    strange = sorted({name for name in right if name not in place})
    if not len(right) or strange:
        raise UsageError(
            f"labels that the model does not know: {', '.join(strange)}" if strange else "nothing to measure on",
            cure="give items with labels of the model",
        )
    wanted = np.array([place[name] for name in right])
    said = likely.argmax(1)
    eye = np.eye(len(classes), dtype=np.bool_)
    figures = label_figures(eye[wanted], eye[said], classes)
    precision, recall, f1, support = (
        np.array([getattr(one, name) for one in figures]) for name in ("precision", "recall", "f1", "support")
    )
    present = support > 0
    return ClassificationFigures(
        accuracy=bootstrap_mean(said == wanted, seed=seed),
        top5=bootstrap_mean(is_in_top_k(likely, wanted, 5), seed=seed),
        macro_f1=macro_f1(eye[wanted], eye[said], seed=seed),
        weighted_f1=float((f1 * support).sum() / support.sum()),
        weighted_precision=float((precision * support).sum() / support.sum()),
        macro_precision=float(precision[present].mean()),
        macro_recall=float(recall[present].mean()),
        labels=figures,
        confusion=confusion_matrix(wanted, said, classes=len(classes)),
    )


def label_figures(targets: Flags, said: Flags, classes: Sequence[str]) -> tuple[LabelFigures, ...]:
    """Figures of each label, of (N, C) flags; a share of nothing is 0."""
    hits, answers, support = (flags.sum(0) for flags in (targets & said, said, targets))
    precision, recall, f1 = hits / np.maximum(answers, 1), hits / np.maximum(support, 1), f1_scores(targets, said)
    rows = zip(classes, precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=True)
    return tuple(LabelFigures(*row) for row in rows)


def confusion_matrix(wanted: NDArray[np.int64], said: NDArray[np.int64], *, classes: int) -> NDArray[np.int64]:
    """(C, C) counts of (N,) class numbers; rows are what is right."""
    counts = np.bincount(wanted * classes + said, minlength=classes * classes)
    return np.asarray(counts.reshape(classes, classes), np.int64)


def average_precision(is_label: Flags, scores: FloatArray) -> float:
    """Area under the precision-recall curve in steps, of (N,) flags and scores: sum of precision times gained recall.

    Equal scores are one step. 0 where nothing has the label.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits, asked = np.cumsum(is_label[order])[last], np.flatnonzero(last) + 1
    return float((np.diff(hits, prepend=0) * hits / asked).sum() / max(int(hits[-1]), 1))


def is_in_top_k(likely: FloatArray, wanted: NDArray[np.int64], k: int) -> Flags:
    """(N,) whether the true label is among the k most probable."""
    k = min(k, likely.shape[1])
    nearest = np.argsort(-likely, axis=1, kind="stable")[:, :k]
    return np.asarray((nearest == wanted[:, None]).any(1), np.bool_)


def f1_scores(targets: Flags, said: Flags) -> NDArray[np.float64]:
    """(C,) F1 of each label from (N, C) flags; 0 where a label neither occurs nor is predicted."""
    hits = (targets & said).sum(0)
    return np.asarray(2 * hits / np.maximum(targets.sum(0) + said.sum(0), 1), np.float64)


def macro_f1(targets: Flags, said: Flags, *, seed: int = 0) -> Estimate:
    """Macro F1 of (N, C) flags with its bootstrap interval over items: the mean of a ratio is no mean over items.

    A draw counts the labels that occur in it. Where all is right the interval is that of the accuracy.
    """
    if (targets == said).all():
        return bootstrap_mean(np.ones(len(targets)), seed=seed)

    def figure(rows: NDArray[np.int64]) -> float:
        return float(f1_scores(targets[rows], said[rows])[targets[rows].any(0)].mean())

    return bootstrap_figure(figure, len(targets), draws=500, seed=seed)
