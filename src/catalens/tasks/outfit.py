"""Outfit compatibility: embedded garments -> a score, and the embedding of a missing garment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens import features, options
from catalens.errors import ModelError, UsageError
from catalens.images.read import ImageLike, is_one_image, read_image
from catalens.models.card import Card
from catalens.models.device import AUTO
from catalens.models.runtimes.onnx import open_session
from catalens.models.zoo import DEFAULT_OUTFIT, loaded_once, resolve
from catalens.tasks.embed import Encoder
from catalens.tasks.embed import encoder as load_encoder
from catalens.taxonomy import classes, rules
from catalens.types import FloatArray

KINDS = classes("outfit")
"""Of things that are worn together, in the order of the network's kinds."""
SAME = 0.999
"""Cosine from which two photos are taken to show the same."""
MOST = 8
"""Things to an outfit."""


@dataclass(frozen=True)
class Piece:
    """A thing as the network takes it: its kind, the encoder's vector (D,), the feature `color` (448,)."""

    kind: str
    vector: FloatArray
    color: FloatArray

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"no kind {self.kind!r}", cure=f"take one of {', '.join(KINDS)}")


class OutfitModel:
    """A network that judges outfits, by its card. Calls from several threads are safe.

    Args:
        threads: it is so small that a second one only waits for the first.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int = 1, device: str = AUTO, dtype: str = AUTO) -> None:
        if card.task != "outfit" or card.classes != KINDS:
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'outfit'", cure="name an outfit network")
        self.encoder_name = card.training.get("encoder", "")
        """Of whose vectors it knows."""
        self.dim = card.dim
        self._session, self.runs_on = open_session(card.weights, threads=threads, device=device, dtype=dtype)

    def scores(self, outfits: Sequence[Sequence[Piece]]) -> FloatArray:
        """(N,) 0..1: how surely the things of each outfit go together; 0.5 says nothing. One thing goes with itself.

        Raises:
            UsageError: an outfit without things, or with more than eight.
        """
        if not outfits:
            return np.empty(0, np.float32)
        logits, _ = self._run([[*outfit] for outfit in outfits], wanted=[None] * len(outfits))
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)

    def wanted(self, outfit: Sequence[Piece], kinds: Sequence[str]) -> FloatArray:
        """(K, D) of unit length: what to look for, of each kind, to go with these.

        Raises:
            UsageError: no such kind, or no things.
        """
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown or not kinds:
            raise UsageError(f"no kind {', '.join(unknown) or 'at all'}", cure=f"take some of {', '.join(KINDS)}")
        _, places = self._run([[*outfit]] * len(kinds), wanted=kinds)
        found = places[:, len(outfit)]
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)

    def _run(self, outfits: list[list[Piece]], *, wanted: Sequence[str | None]) -> tuple[FloatArray, FloatArray]:
        if any(not 0 < len(outfit) <= MOST for outfit in outfits):
            raise UsageError("an outfit without things, or with too many", cure=f"give one to {MOST}")
        length = max(len(outfit) + (kind is not None) for outfit, kind in zip(outfits, wanted, strict=True))
        kinds = np.full((len(outfits), length), 2 * len(KINDS), np.int64)
        vectors = np.zeros((len(outfits), length, self.dim), np.float32)
        colors = np.zeros((len(outfits), length, features.DIMS["color"]), np.float32)
        for row, (outfit, kind) in enumerate(zip(outfits, wanted, strict=True)):
            for place, piece in enumerate(outfit):
                if piece.vector.shape != (self.dim,):
                    raise ModelError(
                        f"vectors of {piece.vector.shape} and not ({self.dim},)", cure="use the encoder of its card"
                    )
                kinds[row, place] = KINDS.index(piece.kind)
                vectors[row, place], colors[row, place] = piece.vector, piece.color
            if kind is not None:
                kinds[row, len(outfit)] = len(KINDS) + KINDS.index(kind)
        logits, places = self._session.run(None, {"vectors": vectors, "colors": colors, "kinds": kinds})
        return np.asarray(logits, np.float32), np.asarray(places, np.float32)


@loaded_once(DEFAULT_OUTFIT)
def outfit_model(name: str | None = None, *, threads: int = 1, device: str = AUTO, dtype: str = AUTO) -> OutfitModel:
    """The bundled outfit network, or one of yours by its folder; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        UsageError: an unsupported form or device.
    """
    found = resolve(name, task="outfit", forms=("card",))
    return OutfitModel(found.own_card(), threads=threads, device=device, dtype=dtype)


def kinds_of(vectors: FloatArray, encoder: Encoder) -> list[str]:
    """(N, D) vectors of photos -> what kind of thing each most likely is, by words."""
    words = [(kind, word) for kind, said in rules()["prompts"].items() for word in said]
    asked = encoder.encode_texts([word for _, word in words])
    best = np.argmax(vectors @ asked.T, axis=1) if len(vectors) else np.empty(0, np.int64)
    return [words[row][0] for row in best.tolist()]


def pieces_of_photos(
    photos: Sequence[ImageLike], *, kinds: Sequence[str] | None = None, encoder: Encoder | None = None
) -> list[Piece]:
    """Photos of one thing each, as the network takes them.

    Args:
        kinds: of `KINDS`, one a photo; predicted from the photos if None.

    Raises:
        UsageError: another number of kinds, or an unknown one.
        ImageError: a photo cannot be read.
    """
    if kinds is not None and len(kinds) != len(photos):
        raise UsageError(f"{len(kinds)} kinds for {len(photos)} photos", cure="give one for each")
    used = encoder or load_encoder()
    images = [read_image(photo, target=512) for photo in photos]
    vectors = used.encode_images(images)
    said: NDArray[np.str_] | Sequence[str] = kinds_of(vectors, used) if kinds is None else kinds
    return [
        Piece(str(kind), vector, features.describe(image)["color"])
        for kind, vector, image in zip(said, vectors, images, strict=True)
    ]


def doubts_of(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Why a verdict on these says little, in sentences: it was learned from what people wear, one thing of a kind."""
    counts = Counter(piece.kind for piece in pieces)
    found = [f"{count} of one kind ({kind}), which nobody wears at once" for kind, count in counts.items() if count > 1]
    vectors = np.stack([piece.vector for piece in pieces])
    if np.triu(vectors @ vectors.T, 1).max() > SAME:
        found.append("two of the photos show the same")
    return tuple(f"{one}: there is no score" for one in found)


def compatibility(
    images: Sequence[ImageLike],
    *,
    kinds: Sequence[str] | None = None,
    model: str | None = options.Score.model.default,
    device: str = AUTO,
    dtype: str = AUTO,
) -> float:
    """Compatibility of items, 0..1, by what people wear together; 0.5 is undecided.

    Args:
        images: two to eight, of one thing each: paths, bytes, open files, arrays or PIL pictures.
        kinds: top, outerwear, dress, skirt, trousers, shoes, bag, hat, glasses, scarf, belt; predicted from the photos
            if None.
        model: an outfit network: the bundled one where None, or a folder with a card.
        device, dtype: where it and the encoder run, and in which precision (`models.device`).

    Raises:
        UsageError: fewer than two photos, or more than eight; an unsupported form or device.
        NotFoundError, ModelError: the network cannot be found or used.
        ImageError: a photo cannot be read.
    """
    if is_one_image(images) or not 2 <= len(images) <= MOST:
        raise UsageError("expected a list of photos", cure=f"give two to {MOST}")
    network = outfit_model(model, device=device, dtype=dtype)
    pieces = pieces_of_photos(images, kinds=kinds, encoder=load_encoder(device=device, dtype=dtype))
    return float(network.scores([pieces])[0])
