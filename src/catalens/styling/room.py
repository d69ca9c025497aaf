"""Furnish a room: furniture on the photo, its palette, and products of missing categories that match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalens import options
from catalens.errors import CatalensError
from catalens.features.color import DominantColor, dominant_colors
from catalens.images.prepare import crop
from catalens.images.read import ImageLike, read_image
from catalens.show import Shown
from catalens.storage.pictures import deep_space, picture_data
from catalens.storage.store import Store
from catalens.styling.color_harmony import agreement, is_quiet, to_lab
from catalens.styling.outfit import Nearest, main_color
from catalens.styling.pieces import EmbeddedItem, OutfitItem, Pieces
from catalens.styling.preferences import checked, fulfilled
from catalens.tasks.embed import Encoder
from catalens.tasks.room import things_in_room
from catalens.tasks.zero_shot import label_vectors
from catalens.taxonomy import classes
from catalens.types import Detections, FloatArray, ImageArray

KINDS = classes("room")
"""Of goods that are offered for a room."""
SHARES: Mapping[str, float] = {"palette": 0.5, "style": 0.3, "set": 0.2, "wishes": 0.3}
"""Weights of the parts of a score; of those that count they are scaled to sum to 1."""
LOOKED_OVER = 40
"""Products of each kind that are looked over."""
PALETTE, SMALLEST = 6, 0.03
"""Colors of a room, and the share of its area that one has at least."""
ECHO = 20.0
"""Distance in CIELAB at which a color no longer echoes one of the room's: halfway from the same (0) to another (40)."""
QUIET = 0.7
"""How well a quiet color that is not in the room fits it, beside one that is there (1)."""


@dataclass(frozen=True, slots=True)
class Good:
    """A product for a room: its score 0..1, what that is the sum of, and why, in sentences."""

    item: OutfitItem
    score: float
    parts: Mapping[str, float]
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            **self.item.to_dict(),
            "score": round(self.score, 4),
            "parts": {name: round(value, 4) for name, value in self.parts.items()},
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Room(Shown):
    """A room and what would go into it.

    Args:
        things: what stands there; palette: its main colors, the largest first.
        goods: kind that is not there yet -> products, best first. The first ones of all kinds are a set: each was
            chosen to go with those before.
        notes: what could not be seen or found, in sentences.
    """

    things: Detections
    palette: tuple[DominantColor, ...]
    goods: Mapping[str, tuple[Good, ...]]
    notes: tuple[str, ...] = ()

    @property
    def price(self) -> float:
        """Of the set."""
        return sum(found[0].item.price or 0.0 for found in self.goods.values())

    def __repr__(self) -> str:
        said = ", ".join(f"{kind} {len(found)}" for kind, found in self.goods.items())
        return f"Room({', '.join(self.things.labels) or 'nothing known'}; goods: {said or 'none'})"

    def to_dict(self) -> dict[str, object]:
        return {
            "things": self.things.to_dict()["detections"],
            "palette": [{"rgb": list(one.rgb), "area": round(one.area, 4), "name": one.name} for one in self.palette],
            "goods": {kind: [one.to_dict() for one in found] for kind, found in self.goods.items()},
            "price": round(self.price, 2),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Offer:
    thing: EmbeddedItem
    rgb: tuple[int, int, int] | None
    parts: Mapping[str, float]


def furnish(
    store: Store,
    nearest: Nearest,
    encoder: Encoder,
    photo: ImageLike,
    *,
    k: int,
    kinds: Sequence[str],
    budget: float | None,
    wishes: Sequence[str],
) -> Room:
    """As `Catalog.room`."""
    options.check_all(options.Room, k=k, kinds=kinds, budget=budget)
    image = read_image(photo)
    things = things_in_room(image, encoder=encoder)
    notes = [] if len(things) else ["no known furniture found in the room: products are ranked by its colors only"]
    palette = room_palette(image)
    shop = _Shop(store, nearest, Pieces(store, deep=deep_space(encoder), encoder=encoder, classes="room"), encoder)
    style = _style(image, things, encoder)
    chosen: dict[str, tuple[Good, ...]] = {}
    held: list[tuple[int, int, int]] = []
    left = budget
    lacking: list[str] = []
    dear: list[str] = []
    for kind in kinds or [kind for kind in KINDS if kind not in things.labels]:
        offers = shop.offers(kind, style=style, palette=palette, wishes=checked(wishes))
        affordable = [one for one in offers if left is None or (one.thing.item.price or left + 1) <= left]
        ranked = sorted((_good(one, palette, held) for one in affordable), key=lambda one: -one.score)[:k]
        if not ranked:
            (dear if offers else lacking).append(kind)
            continue
        chosen[kind] = tuple(ranked)
        held += [one.rgb for one in affordable if one.thing.item == ranked[0].item and one.rgb is not None]
        left = None if left is None else left - (ranked[0].item.price or 0.0)
    notes += [f"the catalog has no {', '.join(lacking)}"] if lacking else []
    notes += [f"what is left of the budget pays no {', '.join(dear)}"] if dear else []
    return Room(things, palette, chosen, tuple(notes))


def room_palette(image: ImageArray) -> tuple[DominantColor, ...]:
    """The main colors of a room, the largest first."""
    found = dominant_colors(image, k=PALETTE)
    return tuple(one for one in found if one.area >= SMALLEST) or found[:1]


def palette_fit(rgb: tuple[int, int, int], palette: Sequence[DominantColor]) -> float:
    """0..1: how well a color fits a room: as an echo of one of its colors, or as a quiet one; and as it goes with the
    two largest (`harmony.agreement`).
    """
    lab, room = to_lab([rgb])[0], to_lab([one.rgb for one in palette])
    away = float(np.linalg.norm(room - lab, axis=1).min())
    echo = max(0.0, 1 - away / (2 * ECHO))
    return 0.7 * max(echo, QUIET if is_quiet(lab) else 0.0) + 0.3 * agreement([rgb, *(one.rgb for one in palette[:2])])


def _style(image: ImageArray, things: Detections, encoder: Encoder) -> FloatArray:
    """(n, D) of unit length: how the things there look; the whole picture where there are none."""
    crops = [np.ascontiguousarray(crop(image, box, margin=0.04)[0]) for box in things.boxes]
    return encoder.encode_images(crops or [image])


@dataclass(frozen=True)
class _Shop:
    """Where goods come from: the catalog's store and search, its products as pieces, its encoder."""

    store: Store
    nearest: Nearest
    pieces: Pieces
    encoder: Encoder

    def offers(
        self, kind: str, *, style: FloatArray, palette: Sequence[DominantColor], wishes: Sequence[str]
    ) -> list[_Offer]:
        """Products of a kind, those first that look most like what stands there."""
        direction = style.mean(0) + label_vectors([kind], encoder=self.encoder)[0]
        direction = np.asarray(direction / max(float(np.linalg.norm(direction)), 1e-9), np.float32)
        where = self.pieces.where(kind, frozenset())
        most = LOOKED_OVER if where else 4 * LOOKED_OVER
        found = []
        for one in self.pieces.shown(self.nearest(deep_space(self.encoder), direction, where=where, k=most)):
            if one.item.kind != kind:
                continue
            rgb = _color_of(self.store, one)
            parts = {
                "palette": 0.5 if rgb is None else palette_fit(rgb, palette),
                "style": float((style @ one.vector).max() + 1) / 2,
            }
            if wishes:
                parts["wishes"] = max(0.0, float(np.mean([fulfilled(wish, one.words) for wish in wishes])))
            found.append(_Offer(one, rgb, parts))
        return found


def _good(offer: _Offer, palette: Sequence[DominantColor], held: Sequence[tuple[int, int, int]]) -> Good:
    """An offer with its score beside what was chosen before."""
    parts = {**offer.parts, "set": 1.0 if offer.rgb is None or not held else agreement([offer.rgb, *held])}
    total = sum(SHARES[name] for name in parts)
    weighted = {name: SHARES[name] / total * value for name, value in parts.items()}
    return Good(offer.thing.item, sum(weighted.values()), weighted, _reasons(offer, palette, held))


def _reasons(offer: _Offer, palette: Sequence[DominantColor], held: Sequence[tuple[int, int, int]]) -> tuple[str, ...]:
    if offer.rgb is None:
        return ("its picture is gone: its color is not known",)
    color, room = to_lab([offer.rgb])[0], to_lab([one.rgb for one in palette])
    away = np.linalg.norm(room - color, axis=1)
    nearest = palette[int(away.argmin())]
    if away.min() <= ECHO:
        found = [f"its color takes up the {nearest.name} of the room ({nearest.area:.0%} of the picture)"]
    elif is_quiet(color):
        found = ["its color is a quiet one, which goes with all"]
    else:
        found = ["its color is an accent that the room does not have yet"]
    if offer.parts["style"] >= 0.7:
        found.append("it looks like what stands there")
    if held and agreement([offer.rgb, *held]) >= 0.5:
        found.append("its color goes with those of the set")
    return tuple(found)


def _color_of(store: Store, one: EmbeddedItem) -> tuple[int, int, int] | None:
    try:
        color = (
            None
            if one.item.picture_hash is None
            else main_color(one.item.kind, picture_data(store, one.item.picture_hash))
        )
    except CatalensError:  # the file is gone since: its color is not known, and the rest goes on
        return None
    return None if color is None else color.rgb
