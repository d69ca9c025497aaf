"""Evaluation of a classifier on labelled photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from catalens.errors import UsageError
from catalens.evaluation.calibration import auroc_with_interval, expected_calibration_error, reliability
from catalens.evaluation.classification import classification_figures
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.evaluation.runs import Item, Run, machine
from catalens.types import FloatArray

UNKNOWN = "unknown"
NAMES_SHOWN = 5
TOP = 5
"""k of the top-k accuracy; not reported for classifiers with so few labels."""


def classifier_run(
    *,
    names: Sequence[str],
    pictures: Sequence[str] | None = None,
    right: Sequence[str],
    likely: FloatArray,
    classes: Sequence[str],
    about: dict[str, str],
    leaked: Sequence[int] = (),
    nearness: FloatArray | None = None,
    threshold: float | None = None,
    seed: int = 0,
) -> Run:
    """Evaluation run over photos with one label each.

    Photos with labels that the classifier lacks are out-of-distribution: they measure the reject option ("unknown") and
    count in no other metric.

    Args:
        names: (N,) the photos; pictures: (N,) their files, the names where None; right: (N,) their labels.
        likely: (N, C) probabilities of `classes`.
        about: the model, the data, the setting.
        leaked: rows of photos that are in the training set; metrics are reported with and without them.
        nearness: (N,) similarity of the photos to the training photos, where the classifier's head reports it.
        threshold: of probability times nearness, below which the classifier predicts "unknown".

    Raises:
        UsageError: no photo has a label of the classifier.
    """
    known = np.array([label in set(classes) for label in right], np.bool_)
    if not known.any():
        raise UsageError(
            f"none of {len(right)} photos has a label of the model ({', '.join(classes[:NAMES_SHOWN])} ...)",
            cure="give photos with its labels",
        )
    rows = np.flatnonzero(known)
    asked = [right[row] for row in rows.tolist()]
    measured = classification_figures(asked, likely[rows], classes, seed=seed)
    sure, said = likely.max(1), likely.argmax(1)
    correct = np.array([classes[label] == wanted for label, wanted in zip(said.tolist(), right, strict=True)], np.bool_)
    figures = {"accuracy": measured.accuracy, "macro F1": measured.macro_f1}
    if len(classes) > TOP:
        figures["top-5"] = measured.top5
    clean = np.setdiff1d(rows, np.asarray(leaked, np.int64))
    if len(leaked) and len(clean):
        figures["accuracy without photos of the training set"] = bootstrap_mean(correct[clean], seed=seed)
    details: dict[str, object] = {
        **measured.to_dict(),
        "calibration_error": round(expected_calibration_error(sure[rows], correct[rows]), 4),
        "reliability": [[one.count, one.confidence, one.accuracy] for one in reliability(sure[rows], correct[rows])],
        "classes": list(classes),
    }
    familiar = sure if nearness is None else sure * nearness
    if threshold is not None:
        figures |= _unknown(familiar, known, threshold, seed=seed)
    if not known.all():
        details["strangers"] = int((~known).sum())
        figures["AUROC of unknown"] = auroc_with_interval(familiar[known], familiar[~known], seed=seed)
    files = names if pictures is None else pictures
    items = tuple(
        Item(names[row], float(correct[row]), (right[row],), (classes[said[row]],), float(sure[row]), (files[row],))
        for row in rows.tolist()
    )
    strange = [label for label, own in zip(right, known, strict=True) if not own]
    notes = (_unknown_labels_note(strange),) if strange else ()
    return Run("classifier", "accuracy", {**about, "seed": str(seed), **machine()}, figures, items, details, notes)


def _unknown_labels_note(labels: Sequence[str]) -> str:
    """Note that lists the labels that the classifier lacks, so that misspelled ones are noticed."""
    counts = Counter(labels).most_common()
    named = ", ".join(f"{label} {count}" for label, count in counts[:NAMES_SHOWN])
    more = f" and {len(counts) - NAMES_SHOWN} more" if len(counts) > NAMES_SHOWN else ""
    return f"{len(labels)} photos have labels that the model does not have, and count as unknown: {named}{more}"


def _unknown(
    familiar: FloatArray, known: np.ndarray[tuple[int], np.dtype[np.bool_]], threshold: float, *, seed: int
) -> dict[str, Estimate]:
    found = {"its own that pass as known": bootstrap_mean(familiar[known] >= threshold, seed=seed)}
    if not known.all():
        found["unknown photos accepted as known"] = bootstrap_mean(familiar[~known] >= threshold, seed=seed)
    return found
