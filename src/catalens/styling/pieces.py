"""Products and photos as items of an outfit: category, audience, price, embedding."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from catalens.errors import NotFoundError, UsageError
from catalens.images.paths import looks_like_photo, nothing_at
from catalens.images.read import ImageLike
from catalens.storage.store import Candidate, Store
from catalens.storage.unknown_sku import unknown_sku
from catalens.tasks.embed import Encoder
from catalens.tasks.outfit import Piece, pieces_of_photos
from catalens.tasks.zero_shot import COMMON_LABELS, label_vectors
from catalens.taxonomy import all_named, named, people_of, wide
from catalens.taxonomy import classes as all_classes
from catalens.types import AttributeValue, FloatArray, Match

Classes: TypeAlias = Literal["outfit", "room"]
"""Which classes products are sorted into: of what is worn together, or of what stands in rooms."""
CALLED = ("type", "category", "product_type", "style")
"""Attributes that may say what a thing is, the most telling first; then its title does."""
AUDIENCES = ("gender", "department", "category_path", "category")
"""Attributes that may say for whom something is."""


@dataclass(frozen=True, slots=True)
class OutfitItem:
    """A piece of an outfit: a product of the catalog (its sku), a photo of one's own (its path), and its kind."""

    name: str
    kind: str
    title: str = ""
    price: float | None = None
    picture: Path | None = None
    picture_hash: str | None = None
    own: bool = False

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "kind": self.kind,
            "title": self.title,
            "price": self.price,
            "picture": None if self.picture is None else str(self.picture),
            "picture_hash": self.picture_hash,
            "own": self.own,
        }


@dataclass(frozen=True)
class EmbeddedItem:
    """An item with its embedding and text.

    Args:
        vector: (D,) of the encoder; color: (448,) the feature.
        words: all its text, in small letters; audience: men, women, children, or nobody in particular.
        photo: of one's own, to look at its colors; doubt: why its kind may be wrong, a sentence.
    """

    item: OutfitItem
    vector: FloatArray
    color: FloatArray
    words: str = ""
    audience: frozenset[str] = frozenset()
    photo: ImageLike | None = None
    doubt: str = ""

    @property
    def piece(self) -> Piece:
        """As the network takes it."""
        return Piece(self.item.kind, self.vector, self.color)


class Pieces:
    """Products of a catalog as pieces.

    Args:
        deep: name of the space of the encoder's vectors.
        classes: which kinds of things are wanted; what words name otherwise is none of them, however it looks.
        encoder: tells kinds by look, in a shop whose attributes name none; else words are trusted, and a lipstick is
            no stool.
    """

    def __init__(
        self,
        store: Store,
        *,
        deep: str,
        encoder: Encoder,
        classes: Classes = "outfit",
    ) -> None:
        self._store, self._deep, self._encoder, self._classes = store, deep, encoder, classes
        self._texts = {name: store.attribute_values(name) for name in {*CALLED, *AUDIENCES}}
        self._is_named = any(class_named(text, classes=classes) for name in CALLED for text in self._texts[name])

    def product(self, sku: str) -> EmbeddedItem:
        """A product by its own sku, or by that of one of its variants.

        Raises:
            NotFoundError: there is none, or it has no picture.
            UsageError: it is nothing of these kinds.
        """
        shown = self._store.candidate_of(sku)
        if shown is None and looks_like_photo(sku):
            raise nothing_at(Path(sku), what="photo")
        if shown is None and not self._store.product_ids([sku]):
            raise unknown_sku(self._store, [sku])
        if shown is None:
            raise NotFoundError(f"the product {sku!r} has no picture", cure="name a product that has one")
        found = self.known([shown], guess=True)
        if not found:
            raise UsageError(
                f"{sku} is nothing of {', '.join(all_classes(self._classes))} by its words and its picture",
                cure="name another product, or set its type",
            )
        return found[0]

    def shown(self, matches: Sequence[Match]) -> list[EmbeddedItem]:
        """Products that a search found, each by the picture that matched; others than these kinds are left out."""
        pictures = self._store.picture_ids([match.picture_hash for match in matches if match.picture_hash is not None])
        products = self._store.product_ids([match.sku for match in matches])
        return self.known(
            [
                Candidate(products[match.sku], None, pictures[match.picture_hash], 0)
                for match in matches
                if match.sku in products and match.picture_hash in pictures
            ]
        )

    def known(self, shown: Sequence[Candidate], *, guess: bool = False) -> list[EmbeddedItem]:
        """Products by pictures that show them, in this order; others than these kinds are left out.

        Args:
            guess: tell kinds by look where words tell none, though the shop's attributes name kinds.
        """
        spaces = [self._store.space(name) for name in (self._deep, "color")]
        pictures = [one.picture for one in shown if one.picture is not None]
        found = [self._store.vectors_of(space.id, pictures) for space in spaces if space is not None and pictures]
        if len(found) < len(spaces):
            return []
        deep, colors = (dict(zip(ids.tolist(), vectors, strict=True)) for ids, vectors in found)
        texts = self._store.texts(shown)
        there = [
            (one.picture, texts[one]) for one in shown
            if one in texts and one.picture in deep and one.picture in colors and texts[one].hash is not None
        ]  # fmt: skip
        kinds = [kind_said(text.attributes, text.title, classes=self._classes) for _, text in there]
        silent = [
            row for row, (_, text) in enumerate(there)
            if kinds[row] is None and not _is_something_else(text.attributes, text.title)
        ]  # fmt: skip
        if silent and (guess or not self._is_named):
            looks = self._by_look(np.stack([deep[there[row][0]] for row in silent]))
            for row, look in zip(silent, looks, strict=True):
                kinds[row] = look
        known = []
        for (picture, text), kind in zip(there, kinds, strict=True):
            if kind is None:
                continue
            item = OutfitItem(text.sku, kind, text.title, _price(text.attributes), text.path, text.hash)
            attributes = json.dumps(dict(text.attributes), ensure_ascii=False, separators=(",", ":"))
            words = f"{text.title} {text.description} {attributes}".lower()
            known.append(
                EmbeddedItem(item, deep[picture], colors[picture], words, audience(text.attributes, text.title))
            )
        return known

    def _by_look(self, vectors: FloatArray) -> list[str | None]:
        """Kinds of (N, D), by the likeliest of `zero_shot.COMMON_LABELS`; None where that is something else."""
        if not self._encoder.has_text:
            return [None] * len(vectors)
        return [class_named(look, classes=self._classes) for look in _likeliest(vectors, self._common_words)]

    @cached_property
    def _common_words(self) -> FloatArray:
        return label_vectors(COMMON_LABELS, encoder=self._encoder)

    def where(self, kind: str, people: frozenset[str]) -> Mapping[str, object] | None:
        """Filter for what the catalog calls this kind and does not keep for other people; None where it calls none so.

        What it passes may still be something else: "short" is a noun in a type, and a word in a style.
        """
        called = [
            {name: {"in": texts}}
            for name in CALLED
            if (texts := [text for text in self._texts[name] if class_named(text, classes=self._classes) == kind])
        ]
        if not called:
            return None
        terms: list[Mapping[str, object]] = [{"or": called}]
        for name in AUDIENCES if people else ():
            others = [text for text in self._texts[name] if (said := people_of(text)) and not said & people]
            if others:
                terms.append({"not": {name: {"in": others}}})
        return {"and": terms}


def own_pieces(photos: Sequence[ImageLike], encoder: Encoder) -> list[EmbeddedItem]:
    """Photos of things that somebody has already, of one thing each."""
    if not photos:
        return []
    pieces = pieces_of_photos(photos, encoder=encoder)
    looks = _likeliest(np.stack([piece.vector for piece in pieces]), label_vectors(COMMON_LABELS, encoder=encoder))
    found = []
    for number, (photo, piece, look) in enumerate(zip(photos, pieces, looks, strict=True), start=1):
        path = Path(photo) if isinstance(photo, str | Path) else None
        name = f"photo {number}" if path is None else path.name
        item = OutfitItem(name, piece.kind, picture=path, own=True)
        doubt = f"{name} was taken for {piece.kind}, but looks more like {look}: what is said of it says little"
        found.append(
            EmbeddedItem(item, piece.vector, piece.color, photo=photo, doubt="" if class_named(look) else doubt)
        )
    return found


def not_worn(pieces: Sequence[Piece], encoder: Encoder) -> tuple[str, ...]:
    """Which photos show no clothes or accessories by their look, in sentences."""
    looks = _likeliest(np.stack([piece.vector for piece in pieces]), label_vectors(COMMON_LABELS, encoder=encoder))
    return tuple(
        f"photo {number} looks like {look}, which no outfit has: there is no score"
        for number, look in enumerate(looks, start=1)
        if (known := named(look)) is not None and not known.is_worn and not known.part
    )


def _likeliest(vectors: FloatArray, words: FloatArray) -> list[str]:
    """Of (N, D) vectors the likeliest of `zero_shot.COMMON_LABELS`, whose words' vectors are given."""
    return [COMMON_LABELS[row] for row in (vectors @ words.T).argmax(1).tolist()]


def kind_said(
    attributes: Mapping[str, AttributeValue | Sequence[str]], title: str, *, classes: Classes = "outfit"
) -> str | None:
    """The class that a product's attributes or, without, its title name; None for underwear, which no outfit shows."""
    texts = (*_said(attributes), title)
    if any(named and all(one.is_underwear for one in named) for named in map(tuple, map(all_named, texts))):
        return None
    found = (class_named(text, classes=classes) for text in texts)
    return next((one for one in found if one is not None), None)


def class_named(text: str, *, classes: Classes = "outfit") -> str | None:
    """The class of the first kind that a text names: its parts' last words count, so that a shirt dress is a dress."""
    return next((found for one in all_named(text) if (found := getattr(one, classes))), None)


def _is_something_else(attributes: Mapping[str, AttributeValue | Sequence[str]], title: str) -> bool:
    """Whether words name a kind that is none of the wanted ones, and not as wide as "clothing"."""
    named = [one for text in (*_said(attributes), title) for one in all_named(text)]
    return any(one.outfit or one.room or one.name not in wide() for one in named)


def _said(attributes: Mapping[str, AttributeValue | Sequence[str]]) -> Iterator[str]:
    for name in CALLED:
        value = attributes.get(name, "")
        yield from map(str, value if isinstance(value, list | tuple) else (value,))


def audience(attributes: Mapping[str, object], title: str) -> frozenset[str]:
    """For whom a product says that it is."""
    said = [json.dumps(attributes.get(name, ""), ensure_ascii=False) for name in AUDIENCES]
    return people_of(" ".join([*said, title]))


def _price(attributes: Mapping[str, Any]) -> float | None:
    value = attributes.get("price")
    try:
        return None if value is None or isinstance(value, bool | list | tuple) else float(value)
    except ValueError:
        return None
