"""Embed pictures and words: unit vectors of one space out; near vectors are similar products."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np

from catalens.errors import CatalensError, ImageError, ModelError
from catalens.images.prepare import Preprocess
from catalens.images.read import ImageLike, is_one_image, read_image
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn
from catalens.models.hub.encoder import HubNetwork
from catalens.models.hub.keras_application import KerasApplication
from catalens.models.known_words import DoubtfulWord, KnownWords
from catalens.models.runtimes.file import FileNetwork, file_kind
from catalens.models.runtimes.onnx import OnnxNetwork, OnnxTextNetwork
from catalens.models.runtimes.openvino import OpenVinoNetwork
from catalens.models.zoo import DEFAULT_ENCODER, Form, loaded_once, resolve
from catalens.types import Failure, FloatArray, ImageArray, Progress, Where

FORMS: tuple[Form, ...] = ("card", "hf", "onnx", "openvino", "torch", "keras", "application")
"""What an encoder's name may be."""
BATCH = 32
Runtime: TypeAlias = Literal["onnx", "openvino"]


class Encoder(Protocol):
    """Turns pictures, and words where it knows them, into vectors of one space. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Identity of the vector space: vectors may be compared only where this is equal."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda:0" ... (`models.device`)."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that the network sees; readers may decode photos at a reduced scale for it."""

    def prepare(self, image: ImageArray) -> FloatArray:
        """One picture, HWC uint8 sRGB -> what `encode_prepared` stacks."""

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        """(N, ...) stacked prepared pictures -> (N, dim) float32 of unit length."""

    def encode_images(self, images: Sequence[ImageLike]) -> FloatArray:
        """Paths, bytes or arrays -> (N, dim) float32 of unit length, in order; (0, dim) for none."""

    @property
    def has_text(self) -> bool:
        """Whether it knows words."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Texts -> (N, dim) float32 of unit length, in the space of the pictures; zeros where no word is known.

        Raises:
            ModelError: it knows no words.
        """

    def doubtful_words(self, text: str) -> tuple[DoubtfulWord, ...]:
        """Words of a text that it was not taught; none where it has no list of words."""

    @property
    def known_words(self) -> frozenset[str]:
        """Words that it was taught, in small letters; empty where it has no list of words."""

    @property
    def has_regions(self) -> bool:
        """Whether it describes the places in a picture."""

    def encode_regions(self, images: Sequence[ImageLike]) -> FloatArray:
        """Pictures -> (N, h, w, dim) float32; the mean over h and w has the direction of `encode_images`.

        Raises:
            ModelError: it describes whole pictures only.
        """


class _Network(Protocol):
    """What gives vectors for prepared pictures."""

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) prepared, N > 0 -> (N, dim)."""


class Sized(Protocol):
    """What is asked with pictures of a size."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) that the network sees."""


class _NetworkEncoder:
    """What encoders share: reading, batches, unit length.

    Args:
        network: (N, 3, H, W) prepared, N > 0 -> (N, dim), not yet of unit length.
        name, dim, preprocess: of the vector space, and how pictures are prepared for it.
    """

    def __init__(self, network: _Network, name: str, dim: int, preprocess: Preprocess) -> None:
        self._network, self.name, self.dim, self.preprocess = network, name, dim, preprocess

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    @property
    def device(self) -> str:
        return self.runs_on.device

    @property
    def size(self) -> tuple[int, int]:
        return self.preprocess.size

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        if not len(batch):
            return np.empty((0, self.dim), np.float32)
        return _units(self._network(batch))

    def prepare(self, image: ImageArray) -> FloatArray:
        return self.preprocess.apply(image)[0]

    def encode_images(self, images: Sequence[ImageLike]) -> FloatArray:
        return np.concatenate([np.empty((0, self.dim), np.float32), *map(self.encode_prepared, self._batches(images))])

    def _batches(self, images: Sequence[ImageLike]) -> Iterator[FloatArray]:
        check_several(images)
        target = decode_target(self)
        for start in range(0, len(images), BATCH):
            chunk = images[start : start + BATCH]
            yield np.stack([self.prepare(read_image(image, target=target)) for image in chunk])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, dim={self.dim}, size={self.size}, device={self.device})"


class OnnxEncoder(_NetworkEncoder):
    """An encoder of a card's ONNX network.

    Args:
        runtime: what runs the network for pictures: ONNX Runtime, or OpenVINO where it is installed.
        device, dtype: of that network (`models.device`); the one for words is small and runs on the processor.
    """

    def __init__(
        self,
        card: Card,
        *,
        threads: int | None = None,
        runtime: Runtime = "onnx",
        device: str = AUTO,
        dtype: str = AUTO,
    ) -> None:
        self.card = card
        kind = OpenVinoNetwork if runtime == "openvino" else OnnxNetwork
        self._pictures = kind(card, threads=threads, device=device, dtype=dtype)
        super().__init__(self._pictures, card.identity, card.dim, card.preprocess)
        self._threads = threads

    @property
    def has_text(self) -> bool:
        return self.card.text is not None

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        _refuse_one_text(texts)
        if self._words is None:
            raise ModelError(f"{self.name} knows no words", cure="name an encoder that does, or search by photo")
        if not len(texts):
            return np.empty((0, self.dim), np.float32)
        known = np.array([self._known.knows_any(text) for text in texts])
        return np.asarray(_units(self._words(texts)) * known[:, None], np.float32)

    def doubtful_words(self, text: str) -> tuple[DoubtfulWord, ...]:
        return self._known.doubtful(text) if self.has_text else ()

    @property
    def known_words(self) -> frozenset[str]:
        return self._known.words

    @cached_property
    def _words(self) -> OnnxTextNetwork | None:
        """Loaded when it is first asked, for most work is done with pictures alone."""
        tower = self.card.text
        return (
            None if tower is None else OnnxTextNetwork(tower.weights, dim=self.dim, threads=self._threads, device="cpu")
        )

    @cached_property
    def _known(self) -> KnownWords:
        tower = self.card.text
        return KnownWords(() if tower is None else tower.known)

    @property
    def has_regions(self) -> bool:
        return self._pictures.has_regions

    def encode_regions(self, images: Sequence[ImageLike]) -> FloatArray:
        if not self.has_regions:
            raise ModelError(f"{self.name} describes whole pictures only", cure="name an encoder with regions")
        found = [self._pictures.regions(batch) for batch in self._batches(images)]
        return np.concatenate(found) if found else np.empty((0, 0, 0, self.dim), np.float32)


class ForeignEncoder(_NetworkEncoder):
    """An encoder on a network of another tool: of Transformers or Keras by name, or in a file."""

    def __init__(self, network: HubNetwork | FileNetwork | KerasApplication) -> None:
        super().__init__(network, network.identity, network.dim, network.preprocess)
        self._words = network if isinstance(network, HubNetwork) and network.has_text else None

    @property
    def has_text(self) -> bool:
        return self._words is not None

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        _refuse_one_text(texts)
        if self._words is None:
            raise ModelError(f"{self.name} knows no words", cure="name an encoder that does, or search by photo")
        return _units(self._words.texts(texts)) if len(texts) else np.empty((0, self.dim), np.float32)

    def doubtful_words(self, text: str) -> tuple[DoubtfulWord, ...]:
        del text  # nobody has listed what it was taught
        return ()

    @property
    def known_words(self) -> frozenset[str]:
        return frozenset()

    @property
    def has_regions(self) -> bool:
        return False

    def encode_regions(self, images: Sequence[ImageLike]) -> FloatArray:
        raise ModelError(
            f"{self.name} describes whole pictures only ({len(images)} given)", cure="name an encoder with regions"
        )


def _refuse_one_text(texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise ModelError("expected a list of texts and got one", cure="put it in a list: [text]")


def origin_of(encoder: Encoder) -> str:
    """What an encoder began with and learned from, as its card says; its name alone where it has none."""
    return encoder.card.origin if isinstance(encoder, OnnxEncoder) else encoder.name


@dataclass(frozen=True)
class EmbeddedPhotos:
    """Photos that could be read: their vectors (N, D), their rows in what was asked, and what could not be read."""

    vectors: FloatArray
    rows: tuple[int, ...]
    failed: tuple[Failure, ...]


def embed_photos(
    paths: Sequence[Path], encoder: Encoder, *, progress: Progress | None = None, what: str = "embedding photos"
) -> EmbeddedPhotos:
    """Embed photos in batches; those that cannot be read are left out and named."""
    vectors = [np.empty((0, encoder.dim), np.float32)]
    rows: list[int] = []
    failed: list[Failure] = []
    batch: list[FloatArray] = []
    for row, path in enumerate(paths):
        try:
            batch.append(encoder.prepare(read_image(path, target=decode_target(encoder))))
            rows.append(row)
        except CatalensError as error:
            failed.append(Failure(Where(str(path.parent)), path.name, error.what, error.cure))
        if len(batch) == BATCH or (batch and row == len(paths) - 1):
            vectors.append(encoder.encode_prepared(np.stack(batch)))
            batch = []
        if progress is not None:
            progress(row + 1, len(paths), what)
    return EmbeddedPhotos(np.concatenate(vectors), tuple(rows), tuple(failed))


def _units(vectors: FloatArray) -> FloatArray:
    lengths: FloatArray = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)


def decode_target(encoder: Sized) -> int:
    """Longest side in pixels at which photos are read for an encoder: half as much again as it sees.

    JPEGs are decoded at the half, quarter or eighth of their size next above it; the rest of the way is averaged.
    """
    return max(encoder.size) * 3 // 2


def check_several(images: object) -> None:
    """Whether it can be a list of pictures: one picture cannot.

    Raises:
        ImageError: it cannot.
    """
    if is_one_image(images):
        raise ImageError("expected a list of pictures and got one", cure="put it in a list: [picture]")


@loaded_once(DEFAULT_ENCODER)
def encoder(
    name: str | None = None,
    *,
    threads: int | None = None,
    runtime: Runtime = "onnx",
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Encoder:
    """Load an encoder. It is kept for the next call.

    Args:
        name: a bundled one (the default where None); a folder with a card; "hf:" and a folder or hub id of the
            Transformers library, such as a known network's short name (`catalens models list`) stands for;
            "keras:" and a network of keras.applications; or "onnx:", "openvino:", "torch:" or "keras:" and a file with
            a small card beside it (`models.runtimes.file`).
        runtime: "openvino" runs the same ONNX file on OpenVINO.
        accept_licence: name of a licence that limits commercial use, or "unknown", that you accept for this network.
        device: "auto", "cpu", "cuda", "cuda:1", "mps" ...; dtype: "auto", "float32", "float16", "bfloat16"
            (`models.device`). What was taken is `Encoder.device`.

    Raises:
        NotFoundError: no such encoder.
        ModelError: its card or weights cannot be used.
        UsageError: its licence limits commercial use, or is not known, and was not accepted; no such device.
        MissingExtraError: its runtime is not installed.
    """
    found = resolve(name or None, task="embed", forms=FORMS, accept_licence=accept_licence)
    if found.form == "card":
        return OnnxEncoder(found.own_card(), threads=threads, runtime=runtime, device=device, dtype=dtype)
    if found.form == "application":
        return ForeignEncoder(KerasApplication(found.place, device=device, dtype=dtype))
    if found.form == "hf":
        return ForeignEncoder(HubNetwork(found.in_transformers(), threads=threads, device=device, dtype=dtype))
    kind = file_kind(found.form)
    return ForeignEncoder(FileNetwork(kind, Path(found.place), threads=threads, device=device, dtype=dtype))


load_encoder: Callable[..., Encoder] = inspect.unwrap(encoder)
"""As `encoder`, but loaded anew, as where another one was written in its place."""
