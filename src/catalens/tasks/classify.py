"""Classify pictures: by a saved classifier, or by words alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from catalens import options
from catalens.errors import UsageError
from catalens.images.read import ImageLike
from catalens.models.card import FILE
from catalens.tasks.classifier import Classifier
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.embed import check_several, encoder
from catalens.tasks.zero_shot import COMMON_LABELS, classify_by_words
from catalens.types import Labels


def classify(
    images: Sequence[ImageLike],
    *,
    model: str | Path | Classifier | None = options.Classify.model.default,
    labels: Sequence[str] | None = options.Classify.labels.default,
    top: int = options.Classify.top.default,
) -> list[Labels]:
    """Say what pictures show: by a trained classifier, else by words.

    Args:
        images: paths, bytes or arrays.
        model: a classifier, or the folder of one.
        labels: words to choose from, without training; common kinds of goods where neither is given.
        top: how many labels each at most.

    Raises:
        UsageError: both a model and labels.
        ModelError, NotFoundError: the model cannot be used.
        ImageError: a picture cannot be read.
    """
    check_several(images)
    if model is not None and labels is not None:
        raise UsageError("a model and labels were both given", cure="give one of them: a model has its own labels")
    if model is None:
        return classify_by_words(images, COMMON_LABELS if labels is None else labels, encoder=encoder(), top=top)
    chosen = model if isinstance(model, Classifier) else kept_classifier(model)
    return chosen.classify(images, top=top)


def kept_classifier(folder: str | Path) -> Classifier:
    """A saved classifier, loaded once; anew when it was trained anew.

    Raises:
        ModelError, NotFoundError: it cannot be used.
    """
    return _kept(str(folder), _written(Path(folder) / FILE))


@lru_cache(maxsize=4)
def _kept(folder: str, written: tuple[int, int]) -> Classifier:  # noqa: ARG001 (one that was trained anew is another)
    return load_classifier(folder)


def _written(card: Path) -> tuple[int, int]:
    """What changes when a card is written anew; nought where there is none."""
    try:
        found = card.stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns
