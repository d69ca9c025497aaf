"""Zero-shot classification: pictures and words are embedded in one space (Radford et al. 2021, 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalens import options
from catalens.errors import ModelError, UsageError
from catalens.images.read import ImageLike
from catalens.tasks.embed import Encoder
from catalens.taxonomy import classes
from catalens.types import FloatArray, Labels

PHRASES = ("{}", "a photo of a {}", "{} for women", "{} for men")
"""Each label is said in these ways, and their vectors averaged."""
SHARPNESS = 14.0
"""Cosines are multiplied by this before the softmax: what the bundled encoder was trained with. Its probabilities say
which label is likelier, not how often it is right."""

COMMON_LABELS = classes("common")
"""What is chosen from where nothing else is said."""


def classify_by_words(
    images: Sequence[ImageLike], labels: Sequence[str], *, encoder: Encoder, top: int = options.Classify.top.default
) -> list[Labels]:
    """Choose from labels by what their words look like.

    Args:
        images: paths, bytes or arrays.
        labels: at least two, each once. Those of which the encoder knows no word are left out, and noted.
        top: how many of the labels to give at most.

    Raises:
        UsageError: fewer than two labels, one twice, or fewer than two that are known.
        ModelError: the encoder knows no words.
    """
    names = [label.strip() for label in labels]
    if (
        isinstance(labels, str)
        or len(names) < 2
        or len({name.casefold() for name in names}) < len(names)
        or not all(names)
    ):
        raise UsageError(f"expected at least two different labels and got {labels!r}", cure='as in "dress,shirt,shoes"')
    options.check(options.Classify.top, top)
    names, notes = known_labels(names, encoder) if encoder.has_text else (names, ())
    words = label_vectors(names, encoder=encoder)
    logits = SHARPNESS * encoder.encode_images(images) @ words.T
    found = []
    for row in logits:
        likely = np.exp(row - row.max())
        likely /= likely.sum()
        order = np.argsort(-likely, kind="stable")[:top].tolist()
        said = tuple(names[label] for label in order)
        found.append(Labels(said, tuple(float(likely[label]) for label in order), notes=notes))
    return found


def known_labels(labels: Sequence[str], encoder: Encoder) -> tuple[list[str], tuple[str, ...]]:
    """The labels of which the encoder knows a word, and notes of words that it does not know."""
    known, notes, strange = [], [], []
    for label, vector in zip(labels, encoder.encode_texts(labels), strict=True):
        said = "; ".join(map(str, encoder.doubtful_words(label)))
        if vector.any():
            known.append(label)
            notes += [said] if said else []
        else:
            strange.append(said or f'"{label}" is not known')
    if len(known) < 2:
        raise UsageError(
            f"of {len(labels)} labels {len(known)} can be understood: {'; '.join(strange)}",
            cure="say them in other words, in English or Chinese, or train a classifier on photos",
        )
    return known, (*notes, *(f"{one}: this label was left out" for one in strange))


def label_vectors(labels: Sequence[str], *, encoder: Encoder) -> FloatArray:
    """(C, D) of unit length: what pictures of the labels look like.

    Raises:
        ModelError: the encoder knows no words, or none of those of a label.
    """
    if not encoder.has_text:
        raise ModelError(f"{encoder.name} knows no words", cure="name an encoder that does, or train a classifier")
    plain = encoder.encode_texts(labels)
    unknown = [label for label, vector in zip(labels, plain, strict=True) if not vector.any()]
    if unknown:
        raise ModelError(
            f"{encoder.name} knows no word of {', '.join(map(repr, unknown))}",
            cure="say it otherwise, or train a classifier on photos of it",
        )
    total = np.sum([encoder.encode_texts([phrase.format(label) for label in labels]) for phrase in PHRASES], axis=0)
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), np.float32)
