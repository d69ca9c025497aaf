"""Classify pictures: by a saved classifier, or by words alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast, overload

from catalens.errors import UsageError
from catalens.images.read import ImageLike, is_one_image
from catalens.models.card import FILE
from catalens.tasks.classifier import Classifier
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.embed import encoder
from catalens.tasks.zero_shot import COMMON_LABELS, classify_by_words
from catalens.types import Labels


@overload
def classify(  # type: ignore[overload-overlap]  # a str is a sequence of str, and here a path
    images: ImageLike,
    *,
    model: str | Path | Classifier | None = None,
    labels: Sequence[str] | None = None,
    top: int = 5,
) -> Labels: ...
@overload
def classify(
    images: Sequence[ImageLike],
    *,
    model: str | Path | Classifier | None = None,
    labels: Sequence[str] | None = None,
    top: int = 5,
) -> list[Labels]: ...
def classify(
    images: ImageLike | Sequence[ImageLike],
    *,
    model: str | Path | Classifier | None = None,
    labels: Sequence[str] | None = None,
    top: int = 5,
) -> Labels | list[Labels]:
    """Say what a picture shows, or each of several: by a trained classifier, else by words.

    Args:
        images: one picture (path, bytes, open file, array or PIL picture) or a list of them.
        model: a classifier, or the folder of one.
        labels: words to choose from, without training; common kinds of goods where neither is given.
        top: how many labels each at most.

    Returns:
        Labels of the one picture; of a list, a list in its order.

    Raises:
        UsageError: both a model and labels.
        ModelError, NotFoundError: the model cannot be used.
        ImageError: a picture cannot be read.
    """
    if is_one_image(images):
        return classify([images], model=model, labels=labels, top=top)[0]
    several = cast(Sequence[ImageLike], images)
    if model is not None and labels is not None:
        raise UsageError("a model and labels were both given", cure="give one of them: a model has its own labels")
    if model is None:
        return classify_by_words(several, COMMON_LABELS if labels is None else labels, encoder=encoder(), top=top)
    chosen = model if isinstance(model, Classifier) else kept_classifier(model)
    return chosen.classify(several, top=top)


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
