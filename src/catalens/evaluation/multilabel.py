"""Evaluation of a classifier on photos with several labels each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalens.evaluation.classification import Flags, average_precision, label_figures, macro_f1
from catalens.evaluation.intervals import Estimate, bootstrap_figure, bootstrap_mean
from catalens.evaluation.runs import Item, Run, machine
from catalens.types import FloatArray

DRAWS = 200
"""Bootstrap resamples for the interval of the mean average precision."""


def multilabel_run(
    *,
    names: Sequence[str],
    pictures: Sequence[str],
    targets: Flags,
    likely: FloatArray,
    said: Flags,
    classes: Sequence[str],
    about: dict[str, str],
    leaked: Sequence[int] = (),
    seed: int = 0,
) -> Run:
    """Evaluation run over photos with one or more labels each.

    A photo counts by the F1 of its labels: twice those that are right, by all that it has and all that were said.

    Args:
        names, pictures: (N,) the photos and their files.
        targets: (N, C) the labels that they have, at least one each.
        likely: (N, C) probabilities; said: (N, C) the labels that were said.
        about: the model, the data, the setting.
        leaked: rows of photos that are in the training set; figures are given with and without them.
    """
    of_photos = 2 * (targets & said).sum(1) / (targets.sum(1) + said.sum(1))
    figures = {
        "F1 of the photos": bootstrap_mean(of_photos, seed=seed),
        "all labels right": bootstrap_mean((targets == said).all(1), seed=seed),
        "macro F1": macro_f1(targets, said, seed=seed),
        "mean average precision": _average_precision(targets, likely, seed=seed),
    }
    clean = np.setdiff1d(np.arange(len(names)), np.asarray(leaked, np.int64))
    if len(leaked) and len(clean):
        figures["F1 without photos of the training set"] = bootstrap_mean(of_photos[clean], seed=seed)
    items = tuple(
        Item(names[row], float(value), _named(targets[row], classes), _named(said[row], classes),
             float(likely[row].max()), (pictures[row],))
        for row, value in enumerate(of_photos.tolist())
    )  # fmt: skip
    details = {"labels": [one.to_dict() for one in label_figures(targets, said, classes)], "classes": list(classes)}
    return Run("classifier", "F1 of the photos", {**about, "seed": str(seed), **machine()}, figures, items, details)


def _named(flags: Flags, classes: Sequence[str]) -> tuple[str, ...]:
    return tuple(classes[column] for column in np.flatnonzero(flags).tolist())


def _average_precision(targets: Flags, likely: FloatArray, *, seed: int) -> Estimate:
    """Mean average precision over labels that occur, with its bootstrap interval over photos."""

    def figure(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        there = np.flatnonzero(targets[rows].any(0))
        return float(np.mean([average_precision(targets[rows, label], likely[rows, label]) for label in there]))

    return bootstrap_figure(figure, len(targets), draws=DRAWS, seed=seed)
