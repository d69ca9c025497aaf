"""Product kinds as `kinds.toml` lists them, and what `rules.toml` says of them; both are read when first asked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from catalens.errors import UsageError

_HERE = Path(__file__).parent
_LINE = re.compile(
    r"^(?:\[['\"]?(?P<name>[^]'\"]+)['\"]?\]|(?P<key>\w+) = (?P<quote>['\"]?)(?P<value>.*?)(?P=quote))$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of product.

    Args:
        name: in English, unique.
        lineage: its name and those of all wider kinds, the nearest first.
        names: language -> names there, the usual one first.
        group: coarse group, one of `groups()`.
        place: where on the body it is worn; "" for what is not worn.
        part: class of the parser that it is seen as on a person, or "".
        outfit: class of the outfit network, or "".
        room: of the things that are recognised in rooms, or "".
        size: longest side of a usual one, in metres.
        audience: men, women, children, or "" for anybody.
        wishes: occasions, seasons and styles that it says by itself.
        last: English words that mean it only where they stand last.
    """

    name: str
    lineage: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    group: str
    place: str
    part: str
    outfit: str
    room: str
    size: float
    audience: str
    is_underwear: bool
    wishes: tuple[str, ...]
    last: tuple[str, ...]

    @property
    def is_worn(self) -> bool:
        """Whether marketplaces count it as apparel: handbags they do, other bags they do not."""
        return self.group in rules()["groups"]["worn"]

    @property
    def detected(self) -> str:
        """The detector's label for it on a person, or ""."""
        known = (name for name in self.lineage if name in classes("detector") and kind(name).part == self.part)
        return next(known, self.part)

    def is_seen_as(self, label: str) -> bool:
        """Whether a detector's label may be a thing of this kind."""
        if label in classes("parser"):
            return self.part == label and not self.is_underwear
        narrower = _kinds().get(label)
        return label in self.lineage or bool(self.part and narrower and self.name in narrower.lineage)


@dataclass(frozen=True, slots=True)
class Garment:
    """What a garment of a class does on a body; `rules.toml` says what each field means."""

    name: str
    takes_off: tuple[str, ...]
    goes_over: tuple[str, ...]
    hangs_over: tuple[str, ...]
    arms: bool
    legs: bool
    hangs: bool
    reach: float
    torso: float
    sleeves: float

    @property
    def span(self) -> str:
        """The half of the body that it covers: upper, lower or whole."""
        return "whole" if self.arms and self.legs else "upper" if self.arms else "lower"

    @property
    def has_legs(self) -> bool:
        """Whether it goes round each leg."""
        return self.legs and not self.hangs

    @property
    def changes(self) -> tuple[str, ...]:
        """Parts that it takes off, and those on legs that it may cover or show."""
        return (*self.takes_off, *(rules()["body"]["on_legs"] if self.legs else ()))

    @property
    def behind(self) -> tuple[str, ...]:
        """Parts that stay in front of it."""
        return (*rules()["body"]["in_front"], *self.under)

    @property
    def under(self) -> tuple[str, ...]:
        """Garments that lie over its upper end, and stay in front of it."""
        return tuple(
            one.name for one in garments().values()
            if self.name in one.hangs_over and one.name not in self.takes_off
        )  # fmt: skip


@cache
def rules() -> Mapping[str, Any]:
    """`rules.toml`."""
    return MappingProxyType(tomllib.loads((_HERE / "rules.toml").read_text("utf-8")))


@cache
def classes(name: str) -> tuple[str, ...]:
    """A list of `classes` in rules.toml: what a network tells apart, in the order of its outputs."""
    return tuple(rules()["classes"][name])


@cache
def garments() -> Mapping[str, Garment]:
    """The classes that try-on puts on."""
    found = {}
    for name, said in rules()["garments"].items():
        covers = said["covers"]
        found[name] = Garment(
            name, tuple(said["takes_off"]), tuple(said.get("goes_over", ())), tuple(said.get("hangs_over", ())),
            "arms" in covers, "legs" in covers, said.get("hangs", False),
            said["reach"], said.get("torso", 0.0), said.get("sleeves", 0.0),
        )  # fmt: skip
    return MappingProxyType(found)


def groups() -> tuple[str, ...]:
    """The coarse groups; first those of what is worn."""
    return (*rules()["groups"]["worn"], *rules()["groups"]["other"])


def kinds(*, group: str | None = None) -> tuple[Kind, ...]:
    """All kinds, or those of a group.

    Raises:
        UsageError: no such group.
    """
    if group is not None and group not in groups():
        raise UsageError(f"no group {group!r}", cure=f"take one of {', '.join(groups())}")
    return tuple(one for one in _kinds().values() if group in (None, one.group))


@cache
def wide() -> frozenset[str]:
    """Names of kinds that have narrower ones."""
    return frozenset(name for one in kinds() for name in one.lineage[1:])


def kind(name: str) -> Kind:
    """A kind by its English name; `lookup.named` also takes other names.

    Raises:
        UsageError: there is none; near ones are named.
    """
    if name not in _kinds():
        near = get_close_matches(name, _kinds(), n=3) or ["one of catalens.taxonomy.kinds()"]
        raise UsageError(f"no kind of product {name!r}", cure=f"take {' or '.join(near)}")
    return _kinds()[name]


@cache
def _kinds() -> Mapping[str, Kind]:
    raw = dict(_read((_HERE / "kinds.toml").read_text("utf-8")))
    return MappingProxyType({name: _kind(name, raw) for name in raw})


def _read(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Tables of the plain TOML of kinds.toml, all values as text; tomllib takes ten times as long."""
    said: dict[str, str] = {}
    for name, key, _, value in _LINE.findall(text):
        if name:
            said = {}
            yield name, said
        else:
            said[key] = value


def _kind(name: str, raw: Mapping[str, Mapping[str, str]]) -> Kind:
    lineage = [name]
    for one in lineage:
        lineage += [wider for wider in _list(raw[one].get("is_a", "")) if wider not in lineage]

    def first(key: str, otherwise: str = "") -> str:
        return next((raw[one][key] for one in lineage if key in raw[one]), otherwise)

    own = raw[name]
    part = first("part")
    names = {language: _list(own.get(language, "")) for language in rules()["languages"]}
    names["en"] = (name, *names["en"])
    return Kind(
        name=name,
        lineage=tuple(lineage),
        names=MappingProxyType(names),
        group=first("group"),
        place=first("place"),
        part=part,
        outfit=first("outfit", part if part in classes("outfit") else ""),
        room=next((one for one in lineage if one in classes("room")), ""),
        size=float(first("size", "0")),
        audience=first("for"),
        is_underwear=first("underwear") == "true",
        wishes=_list(own.get("wishes", "")),
        last=_list(own.get("last", "")),
    )


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
