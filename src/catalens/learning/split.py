"""Split of embedded labelled photos into training and test set."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.evaluation.leaks import Fingerprints, fingerprint_pairs, fingerprints_of
from catalens.learning.labelled import LabelledPhotos
from catalens.tasks.embed import Encoder, embed_photos
from catalens.types import Failure, FloatArray, Progress


@dataclass(frozen=True)
class Embedded:
    """Photos that could be read, with their vectors (N, D)."""

    photos: LabelledPhotos
    vectors: FloatArray = field(repr=False)
    skipped: tuple[Failure, ...]


def embed_labelled(photos: LabelledPhotos, encoder: Encoder, *, progress: Progress | None = None) -> Embedded:
    """Embed labelled photos; those that cannot be read are skipped and named.

    Raises:
        UsageError: none can be read, or there are none.
    """
    found = embed_photos(photos.paths, encoder, progress=progress)
    if not found.rows:
        skipped = photos.skipped + found.failed
        why = f"; the first: {skipped[0].what}, {skipped[0].why}" if skipped else ""
        raise UsageError(
            f"none of {len(photos) + len(photos.skipped)} photos can be used{why}",
            cure="check the folder, and the paths and labels in the table",
        )
    return Embedded(photos.of(found.rows), found.vectors, found.failed)


@dataclass(frozen=True)
class Split:
    """Photos with their vectors (N, D) and targets (N, C), of which some are held out.

    Args:
        classes: labels of those that are learned from.
        test: (N,) which are held out.
    """

    photos: LabelledPhotos
    vectors: FloatArray = field(repr=False)
    classes: tuple[str, ...]
    test: NDArray[np.bool_] = field(repr=False)
    fingerprints: Fingerprints = field(repr=False)

    @cached_property
    def targets(self) -> NDArray[np.bool_]:
        return self.photos.targets(self.classes)

    @property
    def learned(self) -> FloatArray:
        """Vectors of those that are learned from."""
        return self.vectors[~self.test]

    @property
    def learned_targets(self) -> NDArray[np.bool_]:
        return self.targets[~self.test]

    def leaks(self) -> tuple[tuple[str, str], ...]:
        """Photos held out that look the same as one that is learned from, and that one."""
        asked, known = np.flatnonzero(self.test), np.flatnonzero(~self.test)
        pairs = fingerprint_pairs(self.fingerprints.of(self.test), self.fingerprints.of(~self.test))
        return tuple((str(self.photos.paths[asked[a]]), str(self.photos.paths[known[b]])) for a, b in pairs)


def split(embedded: Embedded, test_share: float, *, seed: int) -> Split:
    """Hold a share of the photos out (`held_out`).

    Raises:
        UsageError: fewer than two labels are left to learn.
    """
    photos = embedded.photos
    test = held_out(photos, test_share, seed=seed)
    classes = photos.of(np.flatnonzero(~test).tolist()).classes
    if len(classes) < 2:
        raise UsageError(
            f"expected photos of at least two labels and got {', '.join(classes) or 'none'}",
            cure="add photos of another label",
        )
    return Split(photos, embedded.vectors, classes, test, fingerprints_of(photos.paths))


def held_out(photos: LabelledPhotos, share: float, *, seed: int) -> NDArray[np.bool_]:
    """(N,) a share (0..0.95) of each label's photos, at random; none of a label that has fewer than three.

    Raises:
        UsageError: another share.
    """
    check_shares(test_share=share)
    rng = np.random.default_rng([seed, 3])
    test = np.zeros(len(photos), np.bool_)
    by_label: dict[str, list[int]] = {}
    for row, labels in enumerate(photos.labels):
        by_label.setdefault(labels[0], []).append(row)
    for _, rows in sorted(by_label.items()):
        count = round(share * len(rows)) if len(rows) >= 3 else 0
        test[rng.choice(rows, count, replace=False)] = True
    return test


def check_shares(*, test_share: float, reject: float = 0.05) -> None:
    """Whether a classifier can be trained with these shares, asked before the work.

    Raises:
        UsageError: it cannot.
    """
    if not 0 <= test_share < 0.95:
        raise UsageError(
            f"expected a share of photos to hold out and got {test_share:g}", cure="give 0 to 0.9, as in 0.2"
        )
    if not 0 < reject < 1:
        raise UsageError(f"expected the share of unknown photos to accept and got {reject:g}", cure="give 0.01 to 0.5")
