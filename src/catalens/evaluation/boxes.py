"""Evaluation of a detector on annotated photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from catalens.errors import UsageError
from catalens.evaluation.annotations import Annotated, read_annotations
from catalens.evaluation.detection import Truth, detection_scores
from catalens.evaluation.intervals import bootstrap_mean
from catalens.evaluation.runs import Item, Run, machine, name_in
from catalens.geometry import iou
from catalens.images.read import read_image
from catalens.models.zoo import BUILT_IN_DETECTOR, resolve
from catalens.tasks.detect import FORMS, LEAST, detector
from catalens.types import Detections, Progress

FOUND = "objects found at IoU 0.5, of a photo"
SURE = 0.4
"""Score from which a box counts in the outcome of a single photo."""


def evaluate_boxes(
    data: Path,
    *,
    photos: Path | None = None,
    model: str | None = None,
    words: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Evaluate a detector: average precision, overall and by label.

    Args:
        data: a COCO file, or a folder of VOC files; photos: folder of the photos; that of `data` if absent.
        model, words: of `tasks.detect.detector`.

    Raises:
        NotFoundError, FeedError: there are no annotations.
        UsageError: nothing on them that the detector has a label for.
    """
    finder = detector(model, words=tuple(words))
    annotations = read_annotations(data, photos=photos)
    known, notes = _with_labels(annotations.photos, finder.labels)
    if not any(photo.truth.labels for photo in known):
        annotations.check_has_boxes(data)
        raise UsageError(
            f"{data} has no box of a name that the detector knows",
            cure=f"name things as the detector does: {', '.join(finder.labels)}",
        )
    found: list[Detections] = []
    for done, photo in enumerate(known, start=1):
        answers = finder(read_image(photo.path))
        found.append(answers[answers.scores >= LEAST])
        if progress is not None:
            progress(done, len(known), "looking")
    scores = detection_scores(found, [photo.truth for photo in known], seed=seed)
    items = tuple(
        _item(name_in(photos or data, photo.path), photo, one)
        for photo, one in zip(known, found, strict=True)
        if photo.truth.labels
    )
    return Run(
        task="detector",
        main=FOUND,
        about={"model": _identity(model), "data": f"{data}: {len(known)} photos", "seed": str(seed)} | machine(),
        figures={
            "AP": scores.ap,
            "AP50": scores.ap50,
            FOUND: bootstrap_mean([item.value for item in items], seed=seed),
            **{f"AP50 of {name}": one for name, one in scores.by_class.items()},
        },
        items=items,
        notes=(*map(str, annotations.failed), *notes),
    )


def _identity(model: str | None) -> str:
    """The card's name and hash; the name alone for what has no card of its own."""
    if model == BUILT_IN_DETECTOR:
        return model
    found = resolve(model, task="detect", forms=FORMS)
    return found.name if found.card is None else found.card.identity


def _with_labels(photos: Sequence[Annotated], labels: Sequence[str]) -> tuple[list[Annotated], list[str]]:
    """Keep the boxes whose label the detector has; a note for each other label."""
    foreign = [name for photo in photos for name in photo.truth.labels if name not in labels]
    notes = [
        f"the detector has no label {name!r}: {foreign.count(name)} boxes are left out" for name in sorted(set(foreign))
    ]
    kept = []
    for photo in photos:
        rows = [row for row, name in enumerate(photo.truth.labels) if name in labels]
        names = tuple(photo.truth.labels[row] for row in rows)
        kept.append(replace(photo, truth=Truth(photo.truth.boxes[rows].reshape(-1, 4), names)))
    return kept, notes


def _item(name: str, photo: Annotated, found: Detections) -> Item:
    """Per-photo outcome: share of objects found with the right label, missed labels, predicted labels."""
    sure = found[found.scores >= SURE]
    table = iou(photo.truth.boxes, sure.boxes) if len(sure) else np.zeros((len(photo.truth.labels), 0), np.float32)
    same = np.array([[own == other for other in sure.labels] for own in photo.truth.labels], np.bool_)
    hit = ((table >= 0.5) & same.reshape(table.shape)).any(1)
    missed = tuple(photo.truth.labels[row] for row in np.flatnonzero(~hit).tolist())
    value = float(hit.mean())
    return Item(name, value, missed or photo.truth.labels, sure.labels, 1 - value, (str(photo.path),))
