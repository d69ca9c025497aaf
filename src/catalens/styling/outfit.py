"""Complete an outfit from a catalog: candidates for each missing category, then beam search over outfits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Protocol, cast, overload

import numpy as np

from catalens import options
from catalens.errors import CatalensError, ModelError, UsageError
from catalens.images.read import ImageLike
from catalens.show import Shown
from catalens.storage.pictures import deep_space, picture_data
from catalens.storage.store import Store
from catalens.styling.beam_search import CHEAPEST, Candidate, PartialOutfit, best, diverse, extended, lowest_price
from catalens.styling.color_harmony import ThingColor, agreement, harmony
from catalens.styling.pieces import EmbeddedItem, OutfitItem, Pieces, not_worn, own_pieces
from catalens.styling.preferences import checked, fulfilled
from catalens.tasks.colors import product_colors
from catalens.tasks.embed import Encoder
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.outfit import MOST, OutfitModel, doubts_of, outfit_model, pieces_of_photos
from catalens.taxonomy import rules
from catalens.types import FloatArray, Matches

LOOKED_OVER = 60
"""Products of each kind that are looked over."""
SHARES: Mapping[str, float] = {
    "worn together": 0.6, "as looked for": 0.3, "colors": 0.1, "wishes": 0.3, "liked": 0.3,
}  # fmt: skip
"""Weights of the parts of a score; of those that count for a question they are scaled to sum to 1."""
UNDECIDED = 0.1
"""How far from 0.5 a verdict has to be to say something."""


def needed(kind: str) -> list[tuple[str, ...]]:
    """What an outfit needs that begins with a thing of a kind: one of each."""
    outfits = rules()["outfits"]
    return [tuple(choice) for choice in outfits.get(kind, outfits["other"])["needs"]]


def _without(kind: str) -> list[str]:
    """Kinds that nobody needs beside one."""
    return list(rules()["outfits"].get(kind, {}).get("without", ()))


@dataclass(frozen=True, slots=True)
class Outfit(Shown):
    """Things that go together, what one began with first.

    Args:
        score: 0..1; parts: what it is the sum of.
        reasons: why, in sentences.
        missing: kinds that it needs and that could not be found.
    """

    items: tuple[OutfitItem, ...]
    score: float
    parts: Mapping[str, float]
    reasons: tuple[str, ...]
    missing: tuple[str, ...] = ()

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
            "missing": list(self.missing),
        }


@dataclass(frozen=True, slots=True)
class Outfits(Sequence[Outfit], Shown):
    """Outfits, best first, and notes: what could not be found, in sentences."""

    items: tuple[Outfit, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Outfit]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Outfit: ...
    @overload
    def __getitem__(self, index: slice) -> Outfits: ...
    def __getitem__(self, index: int | slice) -> Outfit | Outfits:
        return Outfits(self.items[index], self.notes) if isinstance(index, slice) else self.items[index]

    def __repr__(self) -> str:
        said = ", ".join(f"{'+'.join(item.name for item in one.items)} {one.score:.2f}" for one in self.items)
        return f"Outfits({said or 'none'})"

    def to_dict(self) -> dict[str, object]:
        return {"outfits": [one.to_dict() for one in self.items], "notes": list(self.notes)}


@dataclass(frozen=True)
class OutfitRequest:
    """A request for outfits; `Catalog.outfits` says what each field means."""

    k: int = options.Outfits.k.default
    kinds: Sequence[str] = options.Outfits.kinds.default
    budget: float | None = options.Outfits.budget.default
    wishes: Sequence[str] = options.Outfits.wishes.default
    colors: str | None = options.Outfits.colors.default
    own: Sequence[ImageLike] = options.Outfits.own.default
    like: Sequence[str] = options.Outfits.like.default
    unlike: Sequence[str] = options.Outfits.unlike.default

    def check(self) -> None:
        """Refuse numbers and names that make no sense.

        Raises:
            UsageError: they do not.
        """
        options.check_all(options.Outfits, **{one.name: getattr(self, one.name) for one in fields(self)})


class Nearest(Protocol):
    """Products of a space, nearest to a direction first."""

    def __call__(
        self, space: str, direction: FloatArray, /, *, where: Mapping[str, object] | None, k: int
    ) -> Matches: ...


@dataclass
class Stylist:
    """Completes outfits from a catalog.

    Args:
        store, nearest: of the catalog; deep: name of the space of its encoder's vectors.
        looks: sku of each liked or unliked product -> its vector.
    """

    store: Store
    nearest: Nearest
    deep: str
    model: OutfitModel
    pieces: Pieces
    looks: Mapping[str, FloatArray]
    _colors: dict[str, ThingColor | None] = field(default_factory=dict)

    def complete(self, begun: Sequence[EmbeddedItem], asked: OutfitRequest, *, own: Sequence[EmbeddedItem]) -> Outfits:
        """Outfits around what is there, best first."""
        choices, pools = self._wanted(begun, asked), {}
        notes = [one.doubt for one in (*begun, *own) if one.doubt]
        for choice in choices:
            pools[choice] = self._pool(choice, begun, asked, own=own, share=len(choices))
        beam, missing = [PartialOutfit(tuple(begun))], []
        for place, choice in enumerate(choices):
            reserve = sum(lowest_price(pools[later]) for later in choices[place + 1 :])
            more = extended(beam, pools[choice], budget=asked.budget, reserve=reserve)
            if more:
                scores, _ = self._scores(more, asked)
                beam = diverse([more[row] for row in np.argsort(-scores, kind="stable")])
                continue
            missing.append(" or ".join(choice))
            within = f" within the budget of {asked.budget:g}" if asked.budget is not None and pools[choice] else ""
            notes.append(f"no {missing[-1]}{within}" + ("" if within else ": the catalog has none that fits"))
        if not choices:
            notes.append("nothing is missing beside what you began with: say with kinds what to add")
        done = [one for one in beam if one.added]
        return Outfits(self._chosen(done, asked, missing=tuple(missing), notes=notes), tuple(notes))

    def _wanted(self, begun: Sequence[EmbeddedItem], asked: OutfitRequest) -> list[tuple[str, ...]]:
        have = {one.item.kind for one in begun}
        if asked.kinds:
            choices: list[tuple[str, ...]] = [(kind,) for kind in dict.fromkeys(asked.kinds)]
        else:
            choices = [
                choice for choice in needed(begun[0].item.kind)
                if not have & set(choice) and not any(set(_without(kind)) & set(choice) for kind in have)
            ]  # fmt: skip
        return choices[: max(MOST - len(begun), 0)]

    def _pool(
        self,
        choice: tuple[str, ...],
        begun: Sequence[EmbeddedItem],
        asked: OutfitRequest,
        *,
        own: Sequence[EmbeddedItem],
        share: int,
    ) -> list[Candidate]:
        """What may be tried of some kinds, from one search for each."""
        pool: list[Candidate] = []
        directions = self.model.wanted([one.piece for one in begun], choice)
        people = frozenset().union(*(one.audience for one in begun))
        for kind, direction in zip(choice, directions, strict=True):
            where = self.pieces.where(kind, people)
            found = self._found(direction, where)
            affordable = [
                one for one in found if one.item.price is not None and one.item.price * share <= (asked.budget or 0)
            ]
            if asked.budget is not None and len(affordable) < CHEAPEST:
                cheap = {"price": {"lte": asked.budget / share}}
                found += self._found(direction, cheap if where is None else {"and": [where, cheap]})
            taken = {one.item.name for one in begun} | set(asked.unlike)
            new = {one.item.name: one for one in [*found, *own] if one.item.name not in taken and one.item.kind == kind}
            fitting = [
                self._candidate(one, direction, asked)
                for one in new.values()
                if all(not other.audience or not one.audience or other.audience & one.audience for other in begun)
                and (asked.budget is None or one.item.own or one.item.price is not None)
            ]
            pool += best(for_the_occasion(fitting, begun, asked))
        return pool

    def _found(self, direction: FloatArray, where: Mapping[str, object] | None) -> list[EmbeddedItem]:
        matches = self.nearest(self.deep, direction, where=where, k=LOOKED_OVER if where else 4 * LOOKED_OVER)
        return self.pieces.shown(matches)

    def _candidate(self, one: EmbeddedItem, direction: FloatArray, asked: OutfitRequest) -> Candidate:
        wished = float(np.mean([fulfilled(wish, one.words) for wish in asked.wishes])) if asked.wishes else 0.0
        liked = self._likeness(one, asked.like) - self._likeness(one, asked.unlike)
        return Candidate(one, float(one.vector @ direction), wished, liked)

    def _likeness(self, one: EmbeddedItem, skus: Sequence[str]) -> float:
        """Highest similarity to any of some products, 0..1."""
        return max((float(one.vector @ self.looks[sku]) for sku in skus), default=0.0)

    def _scores(
        self, outfits: Sequence[PartialOutfit], asked: OutfitRequest, *, colors: bool = False
    ) -> tuple[FloatArray, list[dict[str, float]]]:
        """(N,) scores, and of each the parts that sum to it."""
        parts = {
            "worn together": self.model.scores([[one.piece for one in partial.things] for partial in outfits]),
            "as looked for": np.array([np.mean([(one.near + 1) / 2 for one in partial.added]) for partial in outfits]),
        }
        if colors:
            parts["colors"] = np.array([self._color_score(partial, asked.colors) for partial in outfits])
        if asked.wishes:
            parts["wishes"] = np.array([np.mean([max(one.wished, 0) for one in partial.added]) for partial in outfits])
        if asked.like or asked.unlike:
            floor = 0.0 if asked.like else -1.0  # what is only not wanted lowers from the top
            liked = [[max(one.liked, floor) - floor for one in partial.added] for partial in outfits]
            parts["liked"] = np.array([np.mean(some) for some in liked])
        total = sum(SHARES[name] for name in parts)
        weighted = {name: SHARES[name] / total * np.asarray(values, np.float64) for name, values in parts.items()}
        rows = [{name: float(values[row]) for name, values in weighted.items()} for row in range(len(outfits))]
        return np.asarray(sum(weighted.values()), np.float32), rows

    def _chosen(
        self, outfits: Sequence[PartialOutfit], asked: OutfitRequest, *, missing: tuple[str, ...], notes: Sequence[str]
    ) -> tuple[Outfit, ...]:
        """The best, none of which shares more than half of its new things with a better one."""
        if not outfits:
            return ()
        scores, parts = self._scores(outfits, asked, colors=True)
        kept: list[Outfit] = []
        seen: list[set[str]] = []
        for row in np.argsort(-scores, kind="stable").tolist():
            partial = outfits[row]
            new = {one.thing.item.name for one in partial.added}
            if len(kept) == asked.k or any(len(new & other) > len(new) / 2 for other in seen):
                continue
            seen.append(new)
            verdict = float(self.model.scores([[one.piece for one in partial.things]])[0])
            reasons = [*reasons_for(self._colors_of(partial.things), verdict), *_wish_reasons(partial, asked), *notes]
            items = tuple(one.item for one in partial.things)
            kept.append(Outfit(items, float(scores[row]), parts[row], tuple(reasons), missing))
        return tuple(kept)

    def _color_score(self, partial: PartialOutfit, wanted: str | None) -> float:
        """How well the colors go together; where a harmony is wanted, half of it is whether they stand so."""
        colors = self._colors_of(partial.things)
        value = agreement([one.rgb for one in colors])
        return value if wanted is None else 0.5 * value + 0.5 * (bool(colors) and harmony(colors)[0] == wanted)

    def _colors_of(self, things: Sequence[EmbeddedItem]) -> list[ThingColor]:
        found = []
        for one in things:
            if one.item.name not in self._colors:
                self._colors[one.item.name] = self._main_color(one)
            color = self._colors[one.item.name]
            found += [] if color is None else [color]
        return found

    def _main_color(self, one: EmbeddedItem) -> ThingColor | None:
        photo = one.photo
        try:
            if photo is None and one.item.picture_hash is not None:
                photo = picture_data(self.store, one.item.picture_hash)
            return None if photo is None else main_color(one.item.kind, photo)
        except CatalensError:  # the file is gone since: its color is not known, and the rest goes on
            return None


def for_the_occasion(
    found: Sequence[Candidate], begun: Sequence[EmbeddedItem], asked: OutfitRequest
) -> Sequence[Candidate]:
    """Candidates without shoes for sport, where nothing begun is for sport and there are other shoes."""
    if "sport" in asked.wishes or any(fulfilled("sport", one.words) > 0 for one in begun):
        return found
    calm = [
        one
        for one in found
        if one.thing.item.kind not in rules()["sport"]["apart"] or fulfilled("sport", one.thing.words) <= 0
    ]
    return calm or found


@dataclass(frozen=True, slots=True)
class Score:
    """How well items go together: 0..1 with 0.5 for "cannot be told", their categories, reasons and notes.

    There is no value, but a note, where items are of one kind, the same, or no clothes.
    """

    value: float | None
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        lists = {"kinds": list(self.kinds), "reasons": list(self.reasons), "notes": list(self.notes)}
        return {"score": self.value, **lists}


def score_photos(
    photos: Sequence[ImageLike],
    *,
    model: str | None = options.Score.model.default,
    device: str = options.Score.device.default,
    dtype: str = options.Score.dtype.default,
) -> Score:
    """Score how well the items on photos, one item each, go together.

    Args:
        model, device, dtype: as of `tasks.outfit.compatibility`.

    Raises:
        UsageError: fewer than two photos, or more than eight; an unsupported form or device.
        NotFoundError, ModelError: the network cannot be found or used.
        ImageError: a photo cannot be read.
    """
    if not 2 <= len(photos) <= MOST:
        raise UsageError(f"got {len(photos)} photos", cure=f"give two to {MOST}")
    network = outfit_model(model, device=device, dtype=dtype)
    encoder = load_encoder(device=device, dtype=dtype)
    pieces = pieces_of_photos(photos, encoder=encoder)
    kinds, notes = tuple(piece.kind for piece in pieces), (*doubts_of(pieces), *not_worn(pieces, encoder))
    if notes:
        return Score(None, kinds, (), notes)
    value = float(network.scores([pieces])[0])
    colors = [main_color(piece.kind, photo) for photo, piece in zip(photos, pieces, strict=True)]
    reasons = reasons_for(colors, value)
    return Score(value, kinds, reasons, notes)


def main_color(kind: str, photo: ImageLike) -> ThingColor:
    """The main color of a thing on a photo."""
    first = product_colors(photo)[0]
    return ThingColor(kind, first.rgb, first.name)


def reasons_for(colors: Sequence[ThingColor], verdict: float) -> tuple[str, ...]:
    """Why things go together, in sentences: how often such are worn together, and how their colors stand."""
    told = "people wear such things together" if verdict > 0.5 else "people seldom wear such things together"
    if abs(verdict - 0.5) < UNDECIDED:
        told = "the network cannot say whether people wear these together"
    found = [f"{told} ({verdict:.2f} of 1; 0.5 is neutral)"]
    if len(colors) > 1:
        found.append(harmony(colors)[1])
    return tuple(found)


def _wish_reasons(partial: PartialOutfit, asked: OutfitRequest) -> list[str]:
    """Reasons from the request: preferences, own items and budget that are met."""
    found = []
    told = [
        f"{wish} ({', '.join(said)})"
        for wish in asked.wishes
        if (said := [one.thing.item.kind for one in partial.added if fulfilled(wish, one.thing.words) > 0])
    ]
    if told:
        found.append(f"it fits what you asked for: {', '.join(told)}")
    mine = [one.thing.item.name for one in partial.added if one.thing.item.own]
    if mine:
        found.append(f"of your own: {', '.join(mine)}")
    if asked.budget is not None:
        found.append(f"it costs {partial.cost:.2f} of {asked.budget:.2f}")
    return found


def complete_outfits(
    store: Store,
    nearest: Nearest,
    encoder: Encoder,
    *,
    start: str | ImageLike | Sequence[str | ImageLike],
    asked: OutfitRequest,
    model: str | None,
    device: str,
    dtype: str,
) -> Outfits:
    """As `Catalog.outfits`."""
    asked.check()
    network = outfit_model(model, device=device, dtype=dtype)
    if network.encoder_name != encoder.name:
        raise ModelError(
            f"the outfit network knows vectors of {network.encoder_name}, and the catalog has those of {encoder.name}",
            cure="train one for this encoder: catalens train outfit --data OUTFITS --out FOLDER",
        )
    deep = deep_space(encoder)
    pieces = Pieces(store, deep=deep, encoder=encoder)
    several: Sequence[str | ImageLike] = start if isinstance(start, list | tuple) else [cast(ImageLike, start)]
    begun = [
        pieces.product(one) if isinstance(one, str) and not Path(one).is_file() else own_pieces([one], encoder)[0]
        for one in several
    ]
    if not 0 < len(begun) <= MOST:
        raise UsageError(f"{len(begun)} things to begin with", cure=f"give one to {MOST} skus or photos")
    wishes = checked(asked.wishes)
    looks = {sku: pieces.product(sku).vector for sku in dict.fromkeys((*asked.like, *asked.unlike))}
    stylist = Stylist(store, nearest, deep, network, pieces, looks)
    return stylist.complete(
        begun, OutfitRequest(**{**vars(asked), "wishes": wishes}), own=own_pieces(asked.own, encoder)
    )
