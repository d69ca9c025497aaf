"""Classify pictures: by a saved classifier, or by words alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast, overload

from catalens import options
from catalens.errors import NotFoundError, UsageError
from catalens.images.read import ImageLike, is_one_image
from catalens.models.card import FILE
from catalens.models.device import AUTO
from catalens.models.zoo import DEFAULT_ENCODER, resolve
from catalens.tasks.classifier import Classifier
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.embed import Sized, encoder
from catalens.tasks.foreign_classifier import FORMS, foreign_classifier
from catalens.tasks.zero_shot import COMMON_LABELS, classify_by_words
from catalens.types import Labels


@dataclass(frozen=True)
class Labeller:
    """A network that was chosen to classify.

    Args:
        sees: says at which size it sees pictures, for `embed.decode_target`.
        ask: pictures and how many labels each at most -> their labels.
    """

    sees: Sized
    ask: Callable[[Sequence[ImageLike], int], list[Labels]]

    def __call__(self, images: Sequence[ImageLike], top: int) -> list[Labels]:
        return self.ask(images, top)


@overload
def classify(  # type: ignore[overload-overlap]  # a str is a sequence of str, and here a path
    images: ImageLike,
    *,
    model: str | Path | Classifier | None = None,
    labels: Sequence[str] | None = None,
    top: int = 5,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Labels: ...
@overload
def classify(
    images: Sequence[ImageLike],
    *,
    model: str | Path | Classifier | None = None,
    labels: Sequence[str] | None = None,
    top: int = 5,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> list[Labels]: ...
def classify(
    images: ImageLike | Sequence[ImageLike],
    *,
    model: str | Path | Classifier | None = options.Classify.model.default,
    labels: Sequence[str] | None = options.Classify.labels.default,
    top: int = options.Classify.top.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Labels | list[Labels]:
    """Classify a picture, or each of several, with a trained classifier or by words.

    Args:
        images: one picture (path, bytes, open file, array or PIL picture) or a list of them.
        model: a classifier, or the folder of one; an encoder that knows words, by its name; an image classifier of
            others with labels of its own: hf:OWNER/NAME or hf:FOLDER of the Transformers library, or onnx:FILE,
            openvino:FILE, torch:FILE, keras:FILE with a small card beside it (`models.runtimes.file`).
        labels: words to choose from, without training: by the bundled encoder, or by the encoder that `model` names;
            common kinds of goods where there are none and the model has none.
        top: how many labels each at most.
        accept_licence: name of a licence that limits commercial use, or "unknown", that you accept for this network.
        device, dtype: device and precision of the network (`models.device`).

    Returns:
        Labels of the one picture; of a list, a list in its order.

    Raises:
        UsageError: a classifier and labels; an unsupported form or device; a licence that was not accepted.
        ModelError, NotFoundError, MissingExtraError: the model cannot be used.
        ImageError: a picture cannot be read.
    """
    ask = labeller(model, labels=labels, accept_licence=accept_licence, device=device, dtype=dtype)
    if is_one_image(images):
        return ask([images], top)[0]
    return ask(cast(Sequence[ImageLike], images), top)


def labeller(
    model: str | Path | Classifier | None = None,
    *,
    labels: Sequence[str] | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Labeller:
    """What `classify` asks, of (pictures, top), loaded once; arguments and errors are those of `classify`."""
    if isinstance(model, Classifier):
        _refuse_words(labels)
        return Labeller(model.encoder, lambda images, top: model.classify(images, top=top))
    name = None if model is None else str(model)
    try:
        found = resolve(name, task="classify", forms=FORMS, default=DEFAULT_ENCODER, accept_licence=accept_licence)
    except NotFoundError:
        _refuse_words(labels)  # which of the two was meant is not known
        raise
    if found.form == "card" and found.task == "classify":
        _refuse_words(labels)
        kept = kept_classifier(found.place, device=device, dtype=dtype)
        return Labeller(kept.encoder, lambda images, top: kept.classify(images, top=top))
    if found.task == "embed" or (labels is not None and found.form == "hf"):
        used = encoder(found.name, accept_licence=accept_licence, device=device, dtype=dtype)
        words = COMMON_LABELS if labels is None else labels
        return Labeller(used, lambda images, top: classify_by_words(images, words, encoder=used, top=top))
    _refuse_words(labels)
    foreign = foreign_classifier(found.name, accept_licence=accept_licence, device=device, dtype=dtype)
    return Labeller(foreign, lambda images, top: foreign.classify(images, top=top))


def _refuse_words(labels: Sequence[str] | None) -> None:
    if labels is not None:
        raise UsageError(
            "a model and labels were both given, and the model is no encoder",
            cure="give one of them: a classifier has its own labels",
        )


def kept_classifier(folder: str | Path, *, device: str = AUTO, dtype: str = AUTO) -> Classifier:
    """A saved classifier, loaded once; anew when it was trained anew.

    Raises:
        ModelError, NotFoundError: it cannot be used.
        UsageError: a device that is not there.
    """
    return _kept(str(folder), _written(Path(folder) / FILE), device, dtype)


@lru_cache(maxsize=4)
def _kept(folder: str, written: tuple[int, int], device: str, dtype: str) -> Classifier:
    del written  # one that was trained anew is another
    return load_classifier(folder, device=device, dtype=dtype)


def _written(card: Path) -> tuple[int, int]:
    """What changes when a card is written anew; nought where there is none."""
    try:
        found = card.stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns
