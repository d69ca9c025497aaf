"""Evaluate a saved classifier on labelled photos, with a look for leaks; or a head by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from catalens.errors import UsageError
from catalens.evaluation.classifiers import classifier_run
from catalens.evaluation.leaks import fingerprint_pairs, fingerprints_of, near_duplicates, seen_before
from catalens.evaluation.multilabel import multilabel_run
from catalens.evaluation.runs import Run, name_in
from catalens.learning.heads import fit
from catalens.learning.labelled import LabelledPhotos
from catalens.learning.split import embed_labelled
from catalens.tasks.classifier import Classifier
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.heads import HEAD_KINDS
from catalens.types import Failure, FloatArray, Progress


@dataclass(frozen=True)
class Evaluated:
    """A run, the photos that could not be read, and pairs of photos that are also in the training set."""

    run: Run
    skipped: tuple[Failure, ...] = ()
    leaks: tuple[tuple[str, str], ...] = ()


def evaluate_classifier(
    model: Path,
    photos: LabelledPhotos,
    *,
    data: Path,
    train: LabelledPhotos | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluated:
    """Measure a saved classifier.

    Args:
        train: what it learned from, to look for leaks; else the classifier's own hashes of it.

    Raises:
        UsageError: no photo can be used, or photos with several labels for a classifier that says one.
    """
    classifier = load_classifier(model)
    if classifier.thresholds is None:
        _one_label_each(photos)
    embedded = embed_labelled(photos, classifier.encoder, progress=progress)
    paths = embedded.photos.paths
    leaks, checked = _leaks(paths, classifier) if train is None else _pairs(paths, train.paths)
    leaked = sorted({row for row, _ in leaks})
    likely = classifier.head.probabilities(embedded.vectors)
    about = {
        "model": classifier.name,
        "encoder": classifier.encoder.name,
        "data": _counted(len(embedded.photos), data, photos.skipped + embedded.skipped),
        "leak check": f"{checked}, {len(leaked)} found",
    }
    labels = [tuple(_spelled(one, classifier.classes) for one in several) for several in embedded.photos.labels]
    names = [name_in(data, path) for path in paths]
    if classifier.thresholds is not None:
        run = _with_several(classifier, LabelledPhotos(paths, tuple(labels)), names, likely, about, leaked, seed)
    else:
        run = classifier_run(
            names=names,
            pictures=[str(path) for path in paths],
            right=[one for one, *_ in labels],
            likely=likely,
            classes=classifier.classes,
            about=about,
            leaked=leaked,
            nearness=classifier.head.nearness(embedded.vectors),
            threshold=None if classifier.unknown is None else classifier.unknown.threshold,
            seed=seed,
        )
    run = replace(run, notes=photos.notes + run.notes)
    return Evaluated(run, embedded.skipped, tuple((str(paths[row]), known) for row, known in leaks))


def _counted(count: int, data: Path, skipped: Sequence[Failure]) -> str:
    """What was measured on, as a report says it."""
    left = f"; {len(skipped)} more could not be used" if skipped else ""
    return f"{count} photos of {data.resolve().name}{left}"


def _with_several(
    classifier: Classifier,
    photos: LabelledPhotos,
    names: Sequence[str],
    likely: FloatArray,
    about: dict[str, str],
    leaked: Sequence[int],
    seed: int,
) -> Run:
    """Each label by itself; photos of which the classifier knows no label do not count, and are told."""
    assert classifier.thresholds is not None
    targets = photos.targets(classifier.classes)
    known = np.flatnonzero(targets.any(1)).tolist()
    if not known:
        raise UsageError(f"none of {len(photos)} photos has a label of the model", cure="give photos with its labels")
    run = multilabel_run(
        names=[names[row] for row in known],
        pictures=[str(photos.paths[row]) for row in known],
        targets=targets[known],
        likely=likely[known],
        said=(likely >= classifier.thresholds)[known],
        classes=classifier.classes,
        about=about,
        leaked=np.flatnonzero(np.isin(known, leaked)).tolist(),
        seed=seed,
    )
    strange = sum(label not in classifier.classes for labels in photos.labels for label in labels)
    note = f"{strange} labels are none of the model's, and {len(photos) - len(known)} photos have no other"
    return replace(run, notes=(note,) if strange else ())


Leaks: TypeAlias = list[tuple[int, str]]
"""Rows of photos, and the training photo that each looks like."""


def _pairs(paths: Sequence[Path], known: Sequence[Path]) -> tuple[Leaks, str]:
    """Photos that look like a known one, and what was looked at."""
    found = [(row, str(known[other])) for row, other in near_duplicates(paths, known)]
    return found, f"against {len(known)} training photos"


def _leaks(paths: Sequence[Path], classifier: Classifier) -> tuple[Leaks, str]:
    """The same, by what the classifier kept of its training: some photos' paths, and the hashes of all."""
    kept = classifier.examples
    if kept is None:
        return [], "against the 0 training photos that are still known"
    looks = fingerprints_of(paths)
    found = [
        (row, kept.paths[other])
        for row, other in fingerprint_pairs(looks, fingerprints_of([Path(path) for path in kept.paths]))
    ]
    if kept.hashes is None:
        return found, f"against the {len(kept.paths)} training photos that are still known"
    named = {row for row, _ in found}
    again = np.flatnonzero(seen_before(looks.hashes, kept.hashes)).tolist()
    found += [(row, "a photo that it learned from") for row in again if row not in named]
    return sorted(found), f"against {len(kept.hashes)} training photos"


def cross_validated(
    photos: LabelledPhotos,
    *,
    data: Path,
    head: str,
    encoder: str | None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluated:
    """Measure a kind of head: each photo is answered by a head that had not seen it.

    Raises:
        UsageError: no such head, fewer than two labels, or photos with several labels.
    """
    kind = next((one for one in HEAD_KINDS if one == head), None)
    if kind is None:
        raise UsageError(f"no head called {head!r}", cure=f"one of {', '.join(HEAD_KINDS)}")
    _one_label_each(photos)
    network = load_encoder(encoder)
    embedded = embed_labelled(photos, network, progress=progress)
    classes = embedded.photos.classes
    fitted = fit(embedded.vectors, embedded.photos.targets(classes), classes, kind=kind, seed=seed)
    seen = np.flatnonzero(~np.isnan(fitted.out_of_fold).any(1)).tolist()
    if not seen:
        raise UsageError("too few photos to hold any of them out", cure="add photos: at least two of each label")
    paths = [embedded.photos.paths[row] for row in seen]
    twins = [(row, other) for row, other in near_duplicates(paths, paths) if row != other]
    run = classifier_run(
        names=[name_in(data, path) for path in paths],
        pictures=[str(path) for path in paths],
        right=[embedded.photos.labels[row][0] for row in seen],
        likely=fitted.out_of_fold[seen],
        classes=classes,
        about={
            "model": f"{kind} head, cross-validated",
            "encoder": network.name,
            "data": _counted(len(seen), data, photos.skipped + embedded.skipped),
            "settings": ", ".join(f"{name} {value:g}" for name, value in fitted.settings.items()),
            "leak check": f"against each other, {len({row for row, _ in twins})} found",
        },
        leaked=sorted({row for row, _ in twins}),
        seed=seed,
    )
    leaks = tuple((str(paths[row]), str(paths[other])) for row, other in twins if row < other)
    alone = sorted({embedded.photos.labels[row][0] for row in set(range(len(embedded.photos))) - set(seen)})
    note = f"a label needs two photos to be measured; those with fewer were left out: {', '.join(alone)}"
    notes = (*photos.notes, *((note,) if alone else ()), *run.notes)
    return Evaluated(replace(run, notes=notes), embedded.skipped, leaks)


def _one_label_each(photos: LabelledPhotos) -> None:
    if photos.is_multi:
        raise UsageError(
            "some photos have several labels",
            cure="give photos with one label each, or --model with a classifier that was trained on several",
        )


def _spelled(label: str, classes: tuple[str, ...]) -> str:
    """The class that a label is but for case and spaces."""
    folded = " ".join(label.casefold().split())
    return next((name for name in classes if " ".join(name.casefold().split()) == folded), label)
