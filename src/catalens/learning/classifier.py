"""Train a classifier on a user's photos: embeddings, head, calibration, reject option, test metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from catalens.evaluation.calibration import expected_calibration_error
from catalens.evaluation.classification import f1_scores
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.evaluation.leaks import Fingerprints, fingerprint_pairs
from catalens.learning.heads import Fitted, fit, unseen_label_scores
from catalens.learning.labelled import LabelledPhotos
from catalens.learning.seen import learned_from
from catalens.learning.split import Split, check_shares, embed_labelled, split
from catalens.models.card import Score
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.tasks.classifier import LEVEL, Classifier, Examples, Unknown
from catalens.tasks.embed import Encoder, origin_of
from catalens.tasks.heads import HeadKind
from catalens.types import Failure, FloatArray, Progress

EXAMPLES = 12
"""Training photos of each label that are kept to say what made it think so."""


@dataclass(frozen=True)
class TrainReport:
    """What came out of a training. Figures are of photos held out; None where none were.

    `passing`: share that is not taken for unknown.
    `leaks` pairs photos held out with training photos that look the same.
    """

    classifier: Classifier
    photos: int
    counts: Mapping[str, int]
    held_out: int
    accuracy: Estimate | None
    macro_f1: float | None
    calibration_error: float | None
    passing: Estimate | None
    settings: Mapping[str, float]
    skipped: tuple[Failure, ...]
    notes: tuple[str, ...]
    leaks: tuple[tuple[str, str], ...]
    seconds: float

    def to_dict(self) -> dict[str, object]:
        return {
            "classes": list(self.classifier.classes),
            "photos": self.photos,
            "counts": dict(self.counts),
            "held_out": self.held_out,
            "accuracy": None if self.accuracy is None else self.accuracy.to_dict(),
            "macro_f1": None if self.macro_f1 is None else round(self.macro_f1, 4),
            "calibration_error": None if self.calibration_error is None else round(self.calibration_error, 4),
            "settings": dict(self.settings),
            "passing": None if self.passing is None else self.passing.to_dict(),
            "unknown_below": None if self.classifier.unknown is None else self.classifier.unknown.threshold,
            "skipped": [failure.to_dict() for failure in self.skipped],
            "notes": list(self.notes),
            "leaks": [list(pair) for pair in self.leaks],
            "seconds": round(self.seconds, 2),
        }


def train_classifier(
    photos: LabelledPhotos,
    *,
    name: str,
    head: HeadKind,
    encoder: Encoder,
    encoder_name: str = DEFAULT_ENCODER,
    test_share: float = 0.2,
    reject: float = 0.05,
    seed: int = 0,
    grid: Mapping[str, tuple[float, ...]] | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Train a head on the vectors of labelled photos, and measure it on a share of them that it never saw.

    Settings, calibration and the threshold of "unknown" come from cross-validation on the training photos. The head
    that is kept has seen the training photos only, so that the figures are its own.

    Args:
        name: of the classifier; encoder_name: by which its encoder is loaded again.
        test_share: share (0..0.9) of each label's photos to hold out; labels with fewer than three photos keep theirs.
        reject: share of pictures of other things that may be taken for a label.

    Raises:
        UsageError: fewer than two labels, no readable photos, or a number out of range.
    """
    started = time.perf_counter()
    check_shares(test_share=test_share, reject=reject)
    embedded = embed_labelled(photos, encoder, progress=progress)
    parts = split(embedded, test_share, seed=seed)
    used, test = parts.photos, parts.test
    fitted = fit(parts.learned, parts.learned_targets, parts.classes, kind=head, seed=seed, grid=grid)
    classifier = classifier_of(
        fitted, parts, name=name, kind=head, encoder=encoder, encoder_name=encoder_name, reject=reject, seed=seed
    )
    figures = _figures(classifier, parts.vectors[test], parts.targets[test])
    how = f"{head}, {', '.join(f'{name} {value:g}' for name, value in fitted.settings.items())}"
    classifier = replace(
        classifier,
        training=training_details(used, how, encoder, seed=seed, seconds=time.perf_counter() - started),
        scores=card_scores(figures.accuracy),
    )
    return TrainReport(
        classifier=classifier,
        photos=len(used),
        counts=used.counts(),
        held_out=int(test.sum()),
        accuracy=figures.accuracy,
        macro_f1=figures.macro_f1,
        calibration_error=figures.calibration_error,
        passing=figures.passing,
        settings=fitted.settings,
        skipped=photos.skipped + embedded.skipped,
        notes=photos.notes
        + _notes(used, fitted, classifier)
        + _conflicting_labels(used, parts.fingerprints)
        + notes_on_seen_photos(parts, encoder),
        leaks=parts.leaks(),
        seconds=time.perf_counter() - started,
    )


def classifier_of(
    fitted: Fitted,
    parts: Split,
    *,
    name: str,
    kind: HeadKind,
    encoder: Encoder,
    encoder_name: str,
    reject: float,
    seed: int,
) -> Classifier:
    """A fitted head as a classifier: with thresholds, and examples of what it learned from."""
    return Classifier(
        name=name,
        head=fitted.head,
        encoder=encoder,
        encoder_name=encoder_name,
        unknown=unknown_threshold(parts.learned, parts.learned_targets, fitted, kind=kind, reject=reject, seed=seed),
        thresholds=label_thresholds(fitted, parts.learned_targets),
        examples=sampled_examples(parts, seed=seed),
    )


def unknown_threshold(
    vectors: FloatArray, targets: NDArray[np.bool_], fitted: Fitted, *, kind: HeadKind, reject: float, seed: int
) -> Unknown | None:
    """The lowest threshold that at most a share `reject` of out-of-distribution photos passes; None if no label can be
    left out.

    Those are photos of labels left out of training (`learning.heads.unseen_label_scores`).
    """
    strange = unseen_label_scores(vectors, targets, fitted, kind=kind, seed=seed)
    strange, own = strange[~np.isnan(strange)], fitted.sure[~np.isnan(fitted.sure)]
    if not len(strange) or not len(own):
        return None
    threshold = threshold_passed_by(strange, reject)
    return Unknown(threshold, reject, float((own >= threshold).mean()))


def threshold_passed_by(sure: NDArray[np.float64], share: float) -> float:
    """The least float32 that at most a share of the numbers reaches: just above the first that must not pass."""
    descending = np.sort(sure)[::-1]
    return float(np.nextafter(np.float32(descending[int(share * len(sure) + 1e-9)]), np.float32(2)))


def label_thresholds(fitted: Fitted, targets: NDArray[np.bool_]) -> FloatArray | None:
    """(C,) for each label the probability from which its F1 is best, out of fold; None where photos have one each."""
    if fitted.head.activation != "sigmoid":
        return None
    found = np.full(targets.shape[1], 0.5, np.float32)
    seen = ~np.isnan(fitted.out_of_fold).any(1)
    for label in range(targets.shape[1]):
        likely, right = fitted.out_of_fold[seen, label], targets[seen, label]
        if right.any():
            order = np.argsort(-likely, kind="stable")
            hits = np.cumsum(right[order])
            f1 = 2 * hits / (np.arange(1, len(hits) + 1) + right.sum())
            best = int(f1.argmax())
            following = likely[order[min(best + 1, len(order) - 1)]]
            found[label] = (likely[order[best]] + following) / 2
    return found


@dataclass(frozen=True)
class _Figures:
    accuracy: Estimate | None = None
    macro_f1: float | None = None
    calibration_error: float | None = None
    passing: Estimate | None = None


def _figures(classifier: Classifier, vectors: FloatArray, targets: NDArray[np.bool_]) -> _Figures:
    if not len(vectors):
        return _Figures()
    likely = classifier.head.probabilities(vectors)
    if classifier.thresholds is not None:
        said = likely >= classifier.thresholds
        return _Figures(bootstrap_mean((said == targets).all(1)), float(np.mean(f1_scores(targets, said))))
    known = targets.any(1)
    wanted, said_label = targets.argmax(1), likely.argmax(1)
    correct = (said_label == wanted) & known
    said = np.eye(targets.shape[1], dtype=np.bool_)[said_label]
    present = targets.any(0)
    f1 = float(np.mean(f1_scores(targets, said)[present]))
    sure = likely.max(1)
    near = classifier.head.nearness(vectors)
    passing = None if classifier.unknown is None else bootstrap_mean(sure * near >= classifier.unknown.threshold)
    return _Figures(bootstrap_mean(correct), f1, expected_calibration_error(sure, correct), passing)


def card_scores(accuracy: Estimate | None) -> tuple[Score, ...]:
    """The figure of a classifier's card: none where no photos were held out."""
    if accuracy is None:
        return ()
    return (Score("accuracy on photos held out", accuracy.value, accuracy.n, accuracy.low, accuracy.high),)


def sampled_examples(parts: Split, *, seed: int) -> Examples:
    """A few training photos of each label, at random, and the hashes of all of them."""
    rng = np.random.default_rng([seed, 4])
    rows, labels = [], []
    for label in range(len(parts.classes)):
        having = np.flatnonzero(~parts.test & parts.targets[:, label])
        chosen = np.sort(rng.permutation(having)[:EXAMPLES]).tolist()
        rows += chosen
        labels += [label] * len(chosen)
    paths = tuple(str(parts.photos.paths[row].absolute()) for row in rows)
    return Examples(parts.vectors[rows], np.array(labels, np.int64), paths, parts.fingerprints.hashes[~parts.test])


def training_details(
    photos: LabelledPhotos, head: str, encoder: Encoder, *, seed: int, seconds: float
) -> dict[str, str]:
    """What a classifier's card says of its training."""
    counts = ", ".join(f"{name} {count}" for name, count in photos.counts().items())
    return {
        "data": f"{len(photos)} photos of the user: {counts}",
        "head": head,
        "encoder": origin_of(encoder),
        "seed": str(seed),
        "cost": f"{seconds:.0f} seconds",
        "license": "the user's own, as the photos are",
    }


def _notes(photos: LabelledPhotos, fitted: Fitted, classifier: Classifier) -> tuple[str, ...]:
    notes = []
    few = [name for name, count in photos.counts().items() if count < 3]
    if few:
        notes.append(f"fewer than three photos of {', '.join(few)}: nothing of them is held out")
    if np.isnan(fitted.out_of_fold).any(1).all():
        notes.append("too few photos to calibrate: probabilities are not calibrated")
    if classifier.unknown is None and classifier.thresholds is None:
        notes.append("at least three labels with a few photos each are needed to recognise unknown photos")
    if classifier.unknown is not None and classifier.unknown.kept < 0.5:
        kept = 100 * classifier.unknown.kept
        notes.append(f"only {kept:.0f} % of the photos of these labels are accepted: raise --reject, or add photos")
    if classifier.thresholds is not None:
        notes.append("photos have several labels: one counts as right where all of its labels are")
    if any(LEVEL in name for name in classifier.classes):
        notes.append(f"labels have levels, divided by {LEVEL.strip()!r}")
    return tuple(notes)


def _conflicting_labels(photos: LabelledPhotos, fingerprints: Fingerprints) -> tuple[str, ...]:
    """Note on near-duplicates with different labels, one of which is wrong."""
    labels = [set(row) for row in photos.labels]
    pairs = [(a, b) for a, b in fingerprint_pairs(fingerprints, fingerprints) if a < b and labels[a] != labels[b]]
    if not pairs:
        return ()
    first, second = (f"{photos.paths[row]} ({', '.join(photos.labels[row])})" for row in pairs[0])
    return (f"{len(pairs)} pairs of photos look the same and have other labels; the first: {first} = {second}",)


def notes_on_seen_photos(parts: Split, encoder: Encoder) -> tuple[str, ...]:
    """Note that scores are inflated, where test photos are among the encoder's training photos."""
    asked = parts.fingerprints.hashes[parts.test if parts.test.any() else ~parts.test]
    count = int(learned_from(asked, encoder).sum())
    if not count:
        return ()
    name = encoder.name.partition("@")[0]
    told = f"{count} of {len(asked)} photos to measure on are photos that {name} itself learned from"
    return (f"{told}: on others expect lower accuracy, fewer that pass as known and more strangers that do",)


def taxonomy_ids(classes: Sequence[str], lines: Sequence[str]) -> dict[str, int]:
    """Ids in Google's product taxonomy of labels that are its paths, or the last part of one path only.

    Args:
        lines: of the file, "id - A > B > C" each.
    """
    by_path: dict[str, int] = {}
    by_leaf: dict[str, list[int]] = {}
    for line in lines:
        number, dash, path = line.partition(" - ")
        if dash and number.strip().isdigit():
            by_path[path.strip().casefold()] = int(number)
            by_leaf.setdefault(path.rpartition(">")[2].strip().casefold(), []).append(int(number))
    found = {}
    for name in classes:
        leaf = name.rpartition(">")[2].strip().casefold()
        ids = [by_path[name.casefold()]] if name.casefold() in by_path else by_leaf.get(leaf, [])
        if len(ids) == 1:
            found[name] = ids[0]
    return found
