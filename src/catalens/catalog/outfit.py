"""Complete an outfit from a catalog: for each missing kind the network says what to look for; the best go together."""

from __future__ import annotations

import colorsys
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from catalens.catalog.look import CATEGORIES
from catalens.catalog.pictures import deep_space
from catalens.errors import ModelError, NotFoundError, UsageError
from catalens.features.color import dominant_colors
from catalens.features.foreground import foreground_guess
from catalens.images.read import ImageLike, read_image
from catalens.tasks.embed import Encoder
from catalens.tasks.outfit import KINDS, OutfitModel, Piece, kinds_of, outfit_model, pieces_of_photos
from catalens.types import AttributeValue, FloatArray, Matches

NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "top": (("trousers", "skirt"), ("shoes",), ("bag", "outerwear")),
    "outerwear": (("top",), ("trousers", "skirt"), ("shoes",)),
    "dress": (("shoes",), ("bag", "outerwear")),
    "skirt": (("top",), ("shoes",), ("bag",)),
    "trousers": (("top",), ("shoes",), ("bag", "outerwear")),
}
"""Kind that one begins with -> what is needed beside it: one of each."""
OTHERWISE: tuple[tuple[str, ...], ...] = (("top",), ("trousers", "skirt"), ("shoes",))
CANDIDATES, KEPT = 10, 24
"""Products of each kind that are tried; outfits that are kept while the next kind is tried."""
PREFERRED = 0.08
"""What a product gains by each wish that its words fulfil, as a score."""
AUDIENCES, EVERYBODY = ("gender", "department"), ("unisex", "all", "adults")
"""Attributes that may say for whom something is, and what they say of things for everybody."""
SOMEBODY = frozenset(
    {"men", "women", "man", "woman", "male", "female", "mens", "womens", "men's", "women's", "boys", "girls", "kids",
     "baby", "ladies", "children"}
)  # fmt: skip
GREY = 0.16
"""Saturation below which a color goes with all."""
TOGETHER = 0.35
"""Share of the score that is the likeness to what was looked for; the rest is the verdict on the outfit as a whole."""


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


@dataclass(frozen=True, slots=True)
class Outfit:
    """Things that go together, what one began with first; their score 0..1, its parts, and why, in sentences."""

    items: tuple[OutfitItem, ...]
    score: float
    parts: Mapping[str, float]
    reasons: tuple[str, ...]

    @property
    def price(self) -> float:
        """Of all products that are not one's own and say their price."""
        return sum(item.price or 0.0 for item in self.items if not item.own)

    def to_dict(self) -> dict[str, object]:
        return {
            "score": round(self.score, 4),
            "price": round(self.price, 2),
            "items": [item.to_dict() for item in self.items],
            "parts": {name: round(value, 4) for name, value in self.parts.items()},
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class Known:
    """A thing with what the network needs of it."""

    item: OutfitItem
    piece: Piece
    words: str = ""
    audience: tuple[str, str] | None = None


class OutfitStore(Protocol):
    """What is needed of a store."""

    def fetch_all(self, sql: str, parameters: tuple[object, ...] = ..., /) -> list[tuple[Any, ...]]: ...
    def vectors_of(self, space_id: int, picture_ids: Iterable[int]) -> tuple[Any, FloatArray]: ...


class Nearest(Protocol):
    """Products of a space, nearest to a direction first."""

    def __call__(
        self, space: str, direction: FloatArray, /, *, where: Mapping[str, object] | None, k: int
    ) -> Matches: ...


class Stylist:
    """Completes outfits from a catalog.

    Args:
        store, nearest: of the catalog; deep: name of the space of its encoder's vectors.
    """

    def __init__(
        self, store: OutfitStore, nearest: Nearest, *, deep: str, model: OutfitModel, encoder: Encoder
    ) -> None:
        self._store, self._nearest, self._deep = store, nearest, deep
        self._model, self._encoder = model, encoder
        rows = store.fetch_all("SELECT DISTINCT text FROM facet WHERE name = 'category'")
        self._categories = {
            kind: [text for (text,) in rows if any(word in text for word in CATEGORIES.get(kind, ()))] for kind in KINDS
        }

    def product(self, sku: str) -> Known:
        """A product of the catalog.

        Raises:
            NotFoundError: there is none, or it has no picture.
        """
        rows = self._store.fetch_all(
            "SELECT picture.id FROM product LEFT JOIN variant ON variant.product_id = product.id "
            "JOIN shown ON shown.product_id = product.id JOIN picture ON picture.id = shown.picture_id "
            "WHERE product.sku = ?1 OR variant.sku = ?1 ORDER BY shown.position LIMIT 1",
            (sku,),
        )
        if not rows:
            raise NotFoundError(f"no product {sku!r} with a picture", cure="name a product that has one")
        found = self._known([rows[0][0]], kind=None)
        return found[0]

    def complete(
        self,
        begun: Sequence[Known],
        *,
        k: int,
        kinds: Sequence[str] = (),
        budget: float | None = None,
        wishes: Sequence[str] = (),
        own: Sequence[Known] = (),
        unlike: Sequence[str] = (),
    ) -> list[Outfit]:
        """Outfits around what is there, best first; see `Catalog.outfits`."""
        wanted = [(kind,) for kind in kinds] if kinds else list(NEEDED.get(begun[0].piece.kind, OTHERWISE))
        have = {one.piece.kind for one in begun}
        wanted = [choice for choice in wanted if not have & set(choice)]
        outfits: list[tuple[list[Known], list[float]]] = [(list(begun), [])]
        for choice in wanted:
            grown = []
            for pieces, likeness in outfits:
                for kind in choice:
                    for one, near in self._candidates(pieces, kind, own=own, unlike=unlike, wishes=wishes):
                        cost = sum(p.item.price or 0.0 for p in [*pieces, one] if not p.item.own)
                        if budget is None or cost <= budget:
                            grown.append(([*pieces, one], [*likeness, near]))
            if not grown:
                continue  # the shop has nothing of this kind, or nothing that can be paid
            scores = self._scores(grown)
            outfits = [grown[row] for row in np.argsort(-scores, kind="stable")[:KEPT]]
        complete = [one for one in outfits if len(one[0]) > len(begun)]
        return self._chosen(complete, k=k, begun=len(begun), wishes=wishes)

    def _scores(self, outfits: Sequence[tuple[list[Known], list[float]]]) -> FloatArray:
        verdicts = self._model.scores([[one.piece for one in pieces] for pieces, _ in outfits])
        near = np.array([np.mean(likeness) if likeness else 0.0 for _, likeness in outfits])
        return np.asarray((1 - TOGETHER) * verdicts + TOGETHER * (near + 1) / 2, np.float32)

    def _candidates(
        self, pieces: Sequence[Known], kind: str, *, own: Sequence[Known], unlike: Sequence[str], wishes: Sequence[str]
    ) -> list[tuple[Known, float]]:
        direction = self._model.wanted([one.piece for one in pieces], kind)
        categories = self._categories[kind]
        where: dict[str, object] | None = {"category": {"in": categories}} if categories else None
        if where is not None and (audience := pieces[0].audience) is not None:
            name, whom = audience
            fits = [{name: {"in": [whom, *EVERYBODY]}}, {name: {"exists": False}}]
            where = {"and": [where, {"or": fits}]}
        matches = self._nearest(self._deep, direction, where=where, k=CANDIDATES * (1 if where else 20))
        names = {one.item.name for one in pieces} | set(unlike)
        hashes = [m.picture_hash for m in matches if m.sku not in names and m.picture_hash is not None]
        ids = [
            self._store.fetch_all("SELECT id FROM picture WHERE hash = ?", (bytes.fromhex(h),))[0][0] for h in hashes
        ]
        found = [*self._known(ids, kind=kind if where else None), *(one for one in own if one.item.name not in names)]
        rows = [
            (one, float(one.piece.vector @ direction) + PREFERRED * sum(wish in one.words for wish in wishes))
            for one in found
            if one.piece.kind == kind
        ]
        return sorted(rows, key=lambda row: -row[1])[:CANDIDATES]

    def _known(self, pictures: Sequence[int], *, kind: str | None) -> list[Known]:
        """Products by the ids of pictures; their kind from their category, else from how they look."""
        if not pictures:
            return []
        ids = dict(self._store.fetch_all("SELECT name, id FROM space"))
        if self._deep not in ids or "color" not in ids:
            return []
        deep, colors = (
            dict(zip(found[0].tolist(), found[1], strict=True))
            for found in (self._store.vectors_of(ids[name], pictures) for name in (self._deep, "color"))
        )
        known = []
        for picture in dict.fromkeys(pictures):
            rows = self._store.fetch_all(
                "SELECT product.sku, product.title, product.description, product.attributes, picture.path, "
                "picture.hash FROM shown JOIN product ON product.id = shown.product_id "
                "JOIN picture ON picture.id = shown.picture_id WHERE picture.id = ? ORDER BY product.id LIMIT 1",
                (picture,),
            )
            if not rows or picture not in deep or picture not in colors:
                continue
            sku, title, description, attributes, path, hash = rows[0]
            said = f"{title} {description} {attributes}".lower()
            mine = (
                kind or _kind_said(attributes.lower(), title.lower()) or kinds_of(deep[picture][None], self._encoder)[0]
            )
            item = OutfitItem(sku, mine, title, _price(attributes), None if path is None else Path(path), hash.hex())
            known.append(Known(item, Piece(mine, deep[picture], colors[picture]), said, _audience(attributes)))
        return known

    def _chosen(
        self, outfits: Sequence[tuple[list[Known], list[float]]], *, k: int, begun: int, wishes: Sequence[str]
    ) -> list[Outfit]:
        """The best, none of which shares all but one of its new pieces with a better one."""
        if not outfits:
            return []
        scores = self._scores(outfits)
        verdicts = self._model.scores([[one.piece for one in pieces] for pieces, _ in outfits])
        kept: list[Outfit] = []
        seen: list[set[str]] = []
        for row in np.argsort(-scores, kind="stable").tolist():
            pieces, likeness = outfits[row]
            new = {one.item.name for one in pieces[begun:]}
            if len(kept) == k or any(len(new & other) > len(new) / 2 for other in seen):
                continue
            seen.append(new)
            parts = {"worn together": float(verdicts[row]), "as looked for": float(np.mean(likeness))}
            reasons = reasons_for([one.item for one in pieces], float(verdicts[row]))
            told = sorted({wish for wish in wishes if any(wish in one.words for one in pieces[begun:])})
            if told:
                reasons = (*reasons, f"it has what you asked for: {', '.join(told)}")
            kept.append(Outfit(tuple(one.item for one in pieces), float(scores[row]), parts, reasons))
        return kept


def reasons_for(items: Sequence[OutfitItem], verdict: float) -> tuple[str, ...]:
    """Why things go together, in sentences: how often such are worn together, and how their colors stand."""
    found = [f"people wear such things together (score {verdict:.2f} of 1; 0.5 says nothing)"]
    colors = [(item, color) for item in items if (color := _main_color(item.picture)) is not None]
    if len(colors) > 1:
        found.append(harmony([(item.kind, *color) for item, color in colors]))
    return tuple(found)


def harmony(colors: Sequence[tuple[str, tuple[int, int, int], str]]) -> str:
    """How colors stand to each other: (kind, sRGB, name of the color) of each thing -> a sentence.

    Neighbors on the color circle, opposites, or greys with an accent (Itten, The Art of Color, 1961).
    """
    hues = []
    for kind, rgb, name in colors:
        hue, _, saturation = colorsys.rgb_to_hls(*(value / 255 for value in rgb))
        if saturation >= GREY and name not in {"black", "white", "gray", "beige"}:
            hues.append((360 * hue, f"{name} {kind}"))
    quiet = [f"{name} {kind}" for kind, _, name in colors if f"{name} {kind}" not in {said for _, said in hues}]
    if not hues:
        return f"quiet colors go with each other: {', '.join(quiet)}"
    if len(hues) == 1:
        return f"one accent, {hues[0][1]}, among quiet colors" if quiet else f"one color: {hues[0][1]}"
    apart = max(abs((a - b + 180) % 360 - 180) for place, (a, _) in enumerate(hues) for b, _ in hues[place + 1 :])
    said = ", ".join(name for _, name in hues)
    if apart <= 45:
        return f"neighbors on the color circle: {said}"
    if apart >= 140:
        return f"opposites on the color circle: {said}"
    return f"a contrast of colors: {said}"


def _main_color(picture: Path | None) -> tuple[tuple[int, int, int], str] | None:
    if picture is None or not picture.is_file():
        return None
    image = read_image(picture, target=160)
    first = dominant_colors(image, mask=foreground_guess(image))[:1]
    return (first[0].rgb, first[0].name) if first else None


def _kind_said(attributes: str, title: str) -> str | None:
    category = json.loads(attributes).get("category", "")
    said = " ".join(category) if isinstance(category, list) else str(category)
    for text in (said, title):
        for kind in KINDS:
            if any(word in text for word in CATEGORIES.get(kind, ())):
                return kind
    return None


def _audience(attributes: str) -> tuple[str, str] | None:
    """For whom it is, where that is said and it is not for everybody: "Apparel" is a department, too."""
    read = json.loads(attributes)
    said = ((name, read.get(name)) for name in AUDIENCES)
    return next(((name, whom) for name, whom in said if isinstance(whom, str) and whom.lower() in SOMEBODY), None)


def _price(attributes: str) -> float | None:
    value: AttributeValue | None = json.loads(attributes).get("price")
    try:
        return None if value is None or isinstance(value, bool | tuple) else float(value)
    except ValueError:
        return None


def check_wishes(*, k: int, budget: float | None, kinds: Sequence[str]) -> None:
    """Refuse numbers and kinds that make no sense.

    Raises:
        UsageError: they do not.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise UsageError(f"expected at least one outfit and got {k!r}", cure="ask for one or more")
    if budget is not None and not budget > 0:
        raise UsageError(f"a budget of {budget!r}", cure="give more than nothing, or leave it out")
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise UsageError(f"no kind {unknown[0]!r}", cure=f"take some of {', '.join(KINDS)}")


def complete_outfits(
    store: OutfitStore,
    nearest: Nearest,
    encoder: Encoder,
    *,
    start: str | ImageLike | Sequence[str | ImageLike],
    k: int,
    kinds: Sequence[str],
    budget: float | None,
    wishes: Sequence[str],
    own: Sequence[ImageLike],
    unlike: Sequence[str],
) -> list[Outfit]:
    """As `Catalog.outfits`."""
    check_wishes(k=k, budget=budget, kinds=kinds)
    model = outfit_model()
    if model.encoder_name != encoder.name:
        raise ModelError(
            f"the outfit network knows vectors of {model.encoder_name}, and the catalog has those of {encoder.name}",
            cure="train one for this encoder: python -m catalens.training.outfit",
        )
    stylist = Stylist(store, nearest, deep=deep_space(encoder), model=model, encoder=encoder)
    several: Sequence[str | ImageLike] = start if isinstance(start, list | tuple) else [cast(ImageLike, start)]
    begun = [
        stylist.product(one) if isinstance(one, str) and not Path(one).is_file() else _own([one], encoder)[0]
        for one in several
    ]
    if not begun:
        raise UsageError("nothing to begin with", cure="give a sku or a photo")
    words = [wish.strip().lower() for wish in wishes if wish.strip()]
    return stylist.complete(begun, k=k, kinds=kinds, budget=budget, wishes=words, own=_own(own, encoder), unlike=unlike)


def _own(photos: Sequence[ImageLike], encoder: Encoder) -> list[Known]:
    """Photos of things that somebody has already."""
    pieces = pieces_of_photos(photos, encoder=encoder)
    return [
        Known(OutfitItem(_named(photo, number), piece.kind, picture=_path(photo), own=True), piece)
        for number, (photo, piece) in enumerate(zip(photos, pieces, strict=True), start=1)
    ]


def _named(photo: ImageLike, number: int) -> str:
    return Path(photo).name if isinstance(photo, str | Path) else f"photo {number}"


def _path(photo: ImageLike) -> Path | None:
    return Path(photo) if isinstance(photo, str | Path) else None
