"""Products and photos as pieces of an outfit: of which kind they are, for whom, what they cost, how they look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from catalens.errors import NotFoundError, UsageError
from catalens.images.read import ImageLike
from catalens.tasks.embed import Encoder
from catalens.tasks.outfit import Piece, pieces_of_photos
from catalens.tasks.zero_shot import COMMON_LABELS, label_vectors
from catalens.types import AttributeValue, FloatArray, Match

NOUNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "top": ("top", "shirt", "blouse", "tee", "t-shirt", "tshirt", "sweater", "jumper", "pullover", "tank", "polo",
                "longsleeve", "camisole", "bra", "knitwear"),
        "outerwear": ("outerwear", "outwear", "jacket", "coat", "blazer", "cardigan", "parka", "hoodie", "sweatshirt"),
        "dress": ("dress", "gown", "romper", "jumpsuit"),
        "skirt": ("skirt",),
        "trousers": ("trouser", "pant", "jean", "short", "legging", "bottom", "chino", "slack"),
        "shoes": ("shoe", "sneaker", "boot", "sandal", "heel", "flat", "loafer", "slipper", "footwear", "trainer",
                  "pump", "flop"),
        "bag": ("bag", "handbag", "backpack", "purse", "tote", "clutch"),
        "hat": ("hat", "cap", "beanie", "headwear"),
        "glasses": ("glasses", "sunglasses", "eyewear"),
        "scarf": ("scarf", "scarve", "shawl", "stole"),
        "belt": ("belt",),
    }
)  # fmt: skip
"""Nouns, without a plural's s, by which shops call a kind. Hoodies and sweatshirts are worn over a top."""
CALLED = ("type", "category", "product_type", "style")
"""Attributes that may say what a thing is, the most telling first; then its title does."""
AUDIENCES = ("gender", "department", "category_path", "category")
"""Attributes that may say for whom something is."""
PEOPLE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("men", "man", "male", "mens"), "men"),
        **dict.fromkeys(("women", "woman", "female", "womens", "ladies"), "women"),
        **dict.fromkeys(("kids", "kid", "children", "boys", "girls", "baby"), "children"),
    }
)
_PARTS = re.compile(r"[/|>,;&\n]|\band\b|\bwith\b|\bin\b|\bfor\b")
_WORDS = re.compile(r"[a-z][a-z'-]*")


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
class Known:
    """A thing with what is known of it.

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


class PieceStore(Protocol):
    """What is needed of a store."""

    def fetch_all(self, sql: str, parameters: tuple[object, ...] = ..., /) -> list[tuple[Any, ...]]: ...
    def vectors_of(self, space_id: int, picture_ids: Iterable[int]) -> tuple[Any, FloatArray]: ...


class Pieces:
    """Products of a catalog as pieces.

    Args:
        deep: name of the space of the encoder's vectors.
        nouns: kind -> how shops call it; others: the same for what is none of these kinds, however it looks.
        encoder: tells kinds by look, in a shop whose attributes name none; else words are trusted, and a lipstick is
            no stool.
    """

    def __init__(
        self,
        store: PieceStore,
        *,
        deep: str,
        encoder: Encoder,
        nouns: Mapping[str, Sequence[str]] = NOUNS,
        others: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self._store, self._deep, self._encoder, self._nouns, self._others = store, deep, encoder, nouns, others
        self._texts = {name: self._distinct(name) for name in {*CALLED, *AUDIENCES}}
        self._is_named = any(named(text, nouns=nouns) for name in CALLED for text in self._texts[name])

    def product(self, sku: str) -> Known:
        """A product by its own sku, or by that of one of its variants.

        Raises:
            NotFoundError: there is none, or it has no picture.
            UsageError: it is nothing of these kinds.
        """
        rows = self._store.fetch_all(
            "SELECT product.sku, picture.id FROM product LEFT JOIN variant ON variant.product_id = product.id "
            "JOIN shown ON shown.product_id = product.id JOIN picture ON picture.id = shown.picture_id "
            "WHERE product.sku = ?1 OR variant.sku = ?1 ORDER BY shown.variant_id IS NOT variant.id, shown.position "
            "LIMIT 1",
            (sku,),
        )
        if not rows:
            raise NotFoundError(f"no product {sku!r} with a picture", cure="name a product that has one")
        found = self.known([(rows[0][0], rows[0][1])], guess=True)
        if not found:
            raise UsageError(
                f"{sku} is nothing of {', '.join(self._nouns)}, as far as its words and its look tell",
                cure="name another product, or let its type say what it is",
            )
        return found[0]

    def shown(self, matches: Sequence[Match]) -> list[Known]:
        """Products that a search found, each by the picture that matched; others than these kinds are left out."""
        hashes = [match.picture_hash for match in matches if match.picture_hash is not None]
        marks = ",".join("?" * len(hashes))
        pictures = self._store.fetch_all(
            f"SELECT hash, id FROM picture WHERE hash IN ({marks})", tuple(bytes.fromhex(hash) for hash in hashes)
        )
        ids = {hash.hex(): picture for hash, picture in pictures}
        found = [(match.sku, ids[match.picture_hash]) for match in matches if match.picture_hash in ids]
        return self.known(found)

    def known(self, shown: Sequence[tuple[str, int]], *, guess: bool = False) -> list[Known]:
        """Products by their skus and the ids of pictures that show them, in this order; others are left out.

        Args:
            guess: tell kinds by look where words tell none, though the shop's attributes name kinds.
        """
        ids = dict(self._store.fetch_all("SELECT name, id FROM space"))
        if not shown or self._deep not in ids or "color" not in ids:
            return []
        pictures = [picture for _, picture in shown]
        deep, colors = (
            dict(zip(found[0].tolist(), found[1], strict=True))
            for found in (self._store.vectors_of(ids[name], pictures) for name in (self._deep, "color"))
        )
        products = {
            row[0]: row[1:]
            for row in self._store.fetch_all(
                "SELECT sku, title, description, attributes FROM product WHERE sku IN (SELECT value FROM json_each(?))",
                (json.dumps([sku for sku, _ in shown]),),
            )
        }
        files = {
            row[0]: row[1:]
            for row in self._store.fetch_all(
                "SELECT id, path, hash FROM picture WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(pictures),),
            )
        }
        there = [one for one in shown if one[0] in products and one[1] in deep and one[1] in colors and one[1] in files]
        read: list[dict[str, Any]] = [json.loads(products[sku][2]) for sku, _ in there]
        kinds = [
            kind_said(said, products[sku][0], nouns=self._nouns) for said, (sku, _) in zip(read, there, strict=True)
        ]
        silent = [
            row for row, (sku, _) in enumerate(there)
            if kinds[row] is None and kind_said(read[row], products[sku][0], nouns=self._others) is None
        ]  # fmt: skip
        if silent and (guess or not self._is_named):
            looks = self._by_look(np.stack([deep[there[row][1]] for row in silent]))
            for row, look in zip(silent, looks, strict=True):
                kinds[row] = look
        known = []
        for (sku, picture), said, kind in zip(there, read, kinds, strict=True):
            if kind is None:
                continue
            (title, description, attributes), (path, hash) = products[sku], files[picture]
            item = OutfitItem(sku, kind, title, _price(said), None if path is None else Path(path), hash.hex())
            words = f"{title} {description} {attributes}".lower()
            known.append(Known(item, deep[picture], colors[picture], words, audience(said, title)))
        return known

    def _by_look(self, vectors: FloatArray) -> list[str | None]:
        """Kinds of (N, D), by the likeliest of `zero_shot.COMMON_LABELS`; None where that is something else."""
        if not self._encoder.has_text:
            return [None] * len(vectors)
        return [named(look, nouns=self._nouns) for look in _likeliest(vectors, self._common_words)]

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
            if (texts := [text for text in self._texts[name] if named(text, nouns=self._nouns) == kind])
        ]
        if not called:
            return None
        terms: list[Mapping[str, object]] = [{"or": called}]
        for name in AUDIENCES if people else ():
            others = [text for text in self._texts[name] if (said := _people(text)) and not said & people]
            if others:
                terms.append({"not": {name: {"in": others}}})
        return {"and": terms}

    def _distinct(self, name: str) -> list[str]:
        """Texts of an attribute, each once: from one to the next in the index, and not over all rows."""
        step = "SELECT min(text) FROM facet WHERE name = ?1"
        rows = self._store.fetch_all(
            f"WITH RECURSIVE found (text) AS ({step} UNION ALL SELECT ({step} AND text > found.text) FROM found "
            "WHERE found.text IS NOT NULL LIMIT 5000) SELECT text FROM found WHERE text IS NOT NULL",
            (name,),
        )
        return [row[0] for row in rows]


def own_pieces(photos: Sequence[ImageLike], encoder: Encoder) -> list[Known]:
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
        found.append(Known(item, piece.vector, piece.color, photo=photo, doubt="" if named(look) else doubt))
    return found


def _likeliest(vectors: FloatArray, words: FloatArray) -> list[str]:
    """Of (N, D) vectors the likeliest of `zero_shot.COMMON_LABELS`, whose words' vectors are given."""
    return [COMMON_LABELS[row] for row in (vectors @ words.T).argmax(1).tolist()]


def kind_said(
    attributes: Mapping[str, AttributeValue | Sequence[str]], title: str, *, nouns: Mapping[str, Sequence[str]] = NOUNS
) -> str | None:
    """The kind that a product's attributes or, without, its title name."""
    for name in CALLED:
        value = attributes.get(name, "")
        for text in value if isinstance(value, list | tuple) else (value,):
            if (kind := named(str(text), nouns=nouns)) is not None:
                return kind
    return named(title, nouns=nouns)


def named(text: str, *, nouns: Mapping[str, Sequence[str]] = NOUNS) -> str | None:
    """The kind that a text names: its parts' last words count, so that a shirt dress is a dress."""
    for part in _PARTS.split(text.lower()):
        words = _WORDS.findall(part)
        forms = {words[-1], words[-1].removesuffix("s"), words[-1].removesuffix("es")} if words else set()
        for kind, called in nouns.items():
            if forms & set(called):
                return kind
    return None


def audience(attributes: Mapping[str, object], title: str) -> frozenset[str]:
    """For whom a product says that it is."""
    said = [json.dumps(attributes.get(name, ""), ensure_ascii=False) for name in AUDIENCES]
    return _people(" ".join([*said, title]))


def _people(text: str) -> frozenset[str]:
    words = (word.removesuffix("'s") for word in _WORDS.findall(text.lower()))
    return frozenset(PEOPLE[word] for word in words if word in PEOPLE)


def _price(attributes: Mapping[str, Any]) -> float | None:
    value = attributes.get("price")
    try:
        return None if value is None or isinstance(value, bool | list) else float(value)
    except ValueError:
        return None
