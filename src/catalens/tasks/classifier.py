"""A classifier: a head on an encoder, with a reject option ("unknown") and example-based explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.images.read import ImageLike
from catalens.models.card import Score
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.tasks.embed import Encoder
from catalens.tasks.heads import CalibratedHead
from catalens.types import FloatArray, Labels

LEVEL = " > "
"""Between the levels of a label: "clothing > dresses"."""


@dataclass(frozen=True)
class Unknown:
    """When a picture is of none of the labels: its largest probability times its nearness is below `threshold`.

    Nearness is 1 but for heads that know where their labels lie: k-NN and discriminant analysis (`tasks.heads`).

    Args:
        false_acceptance: share of pictures of other things that was wanted to be taken for a label.
        kept: share of pictures of the labels that passes the threshold, out of fold.
    """

    threshold: float
    false_acceptance: float
    kept: float


@dataclass(frozen=True)
class Examples:
    """A few training photos of each label, to say what made it think so; and how to tell all of them again."""

    vectors: FloatArray
    """(E, D) of unit length."""
    labels: NDArray[np.int64]
    """(E,) numbers of labels."""
    paths: tuple[str, ...] = ()
    hashes: NDArray[np.uint8] | None = None
    """(N, 8) perceptual hashes of all photos that it learned from; None of classifiers that kept none."""


@dataclass(frozen=True)
class Classifier:
    """A head on an encoder. Safe to call from several threads.

    Args:
        thresholds: (C,) from which probability a label holds, where a picture may have several.
        training: what it was trained from and how, in words.
    """

    name: str
    head: CalibratedHead
    encoder: Encoder = field(repr=False)
    encoder_name: str = DEFAULT_ENCODER
    """By which `tasks.embed.encoder` loads it again."""
    unknown: Unknown | None = None
    thresholds: FloatArray | None = field(default=None, repr=False)
    examples: Examples | None = field(default=None, repr=False)
    training: Mapping[str, str] = field(default_factory=dict, repr=False)
    scores: tuple[Score, ...] = field(default=(), repr=False)
    taxonomy: Mapping[str, int] = field(default_factory=dict, repr=False)
    """Label -> id in Google's product taxonomy, where it was asked for."""

    def __repr__(self) -> str:
        kind = self.head.head.kind
        return f"Classifier({self.name!r}: {len(self.classes)} labels, {kind} head on {self.encoder.name})"

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in the order of the probabilities."""
        return self.head.classes

    def probabilities(self, images: Sequence[ImageLike]) -> FloatArray:
        """(N, C); rows sum to 1 where exactly one label holds."""
        return self.head.probabilities(self.encoder.encode_images(images))

    def classify(self, images: Sequence[ImageLike], *, top: int = options.Classify.top.default) -> list[Labels]:
        """The likeliest labels of each picture, best first, at most `top`; all that hold where several may.

        Raises:
            ImageError: a picture cannot be read, or one was given instead of a list.
        """
        vectors = self.encoder.encode_images(images)
        likely, near = self.head.probabilities(vectors), self.head.nearness(vectors).tolist()
        return [self.labels_of(row, nearness=one, top=top) for row, one in zip(likely, near, strict=True)]

    def labels_of(self, row: FloatArray, *, nearness: float = 1.0, top: int = options.Classify.top.default) -> Labels:
        """Probabilities (C,) of one picture as labels; its nearness to what was learned tells whether it is known.

        Where no label is sure and one of a coarser level is, that one comes first: "clothing > tops".
        """
        options.check(options.Classify.top, top)
        order = np.argsort(-row, kind="stable")
        if self.thresholds is not None:
            held = [label for label in order.tolist() if row[label] >= self.thresholds[label]]
            return self._labels(row, held or order[:top].tolist(), is_unknown=not held)
        is_unknown = self.unknown is not None and float(row.max()) * nearness < self.unknown.threshold
        fine = self._labels(row, order[:top].tolist(), is_unknown=is_unknown)
        if not is_unknown:
            return fine
        coarser = (self.at_level(row, level, nearness=nearness) for level in range(self.levels - 1, 0, -1))
        sure = next((one for one in coarser if not one.unknown), None)
        if sure is None:
            return fine
        names, scores = (sure.names[0], *fine.names), (sure.scores[0], *fine.scores)
        return Labels(names[:top], scores[:top], ids=self._ids(names[:top]))

    def _labels(self, row: FloatArray, chosen: list[int], *, is_unknown: bool) -> Labels:
        names = tuple(self.classes[label] for label in chosen)
        return Labels(names, tuple(float(row[label]) for label in chosen), is_unknown, self._ids(names))

    def _ids(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.taxonomy.get(name, 0) for name in names) if self.taxonomy else ()

    def at_level(self, row: FloatArray, level: int, *, nearness: float = 1.0) -> Labels:
        """Labels cut at a level (1 is the coarsest): a coarse label is as likely as its fine ones together."""
        sums: dict[str, float] = {}
        for name, value in zip(self.classes, row.tolist(), strict=True):
            coarse = LEVEL.join(name.split(LEVEL)[:level])
            sums[coarse] = sums.get(coarse, 0.0) + value
        order = sorted(sums, key=lambda name: -sums[name])
        threshold = 0.0 if self.unknown is None else self.unknown.threshold
        return Labels(tuple(order), tuple(sums[name] for name in order), max(sums.values()) * nearness < threshold)

    @property
    def levels(self) -> int:
        """How many levels the labels have; 1 where they have no " > "."""
        return max(len(name.split(LEVEL)) for name in self.classes)
