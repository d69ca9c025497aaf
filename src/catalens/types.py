"""The results that travel between the rooms of the house. They know no model, no vendor and no file format.

Conventions: a picture is HWC uint8 sRGB; a size is (height, width) in pixels; embeddings are float32 rows of unit
length; a score is better when higher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

ImageArray: TypeAlias = NDArray[np.uint8]
"""HWC uint8 sRGB, three channels."""

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]

Scalar: TypeAlias = str | int | float | bool
AttributeValue: TypeAlias = Scalar | tuple[str, ...]
Attributes: TypeAlias = Mapping[str, AttributeValue]

Progress: TypeAlias = Callable[[int, int | None, str], None]
"""Called with (done, total or None where unknown, what is being done)."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a source: the file (or folder), the line (1-based, None where there is none), the column's name."""

    source: str
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.source}{line}{column}"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be taken in: the place, the thing, the reason, and what the user can do."""

    where: Where
    what: str
    why: str
    cure: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.why}. {self.cure[:1].upper()}{self.cure[1:]}."

    def to_dict(self) -> dict[str, object]:
        return {"where": str(self.where), "what": self.what, "why": self.why, "cure": self.cure}


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Where a feed says that a picture is: an absolute path, or an http(s) address."""

    location: str
    where: Where

    @property
    def is_remote(self) -> bool:
        return self.location.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Variant:
    """One buyable form of a product (a size, a colour), with pictures of its own where it has any."""

    sku: str
    title: str = ""
    attributes: Attributes = field(default_factory=dict)
    pictures: tuple[PictureSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """One product as a feed gives it: plain text (no markup), attributes, pictures in order, variants."""

    sku: str
    where: Where
    title: str = ""
    description: str = ""
    attributes: Attributes = field(default_factory=dict)
    pictures: tuple[PictureSource, ...] = ()
    variants: tuple[Variant, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "sku": self.sku,
            "title": self.title,
            "description": self.description,
            "attributes": dict(self.attributes),
            "pictures": [picture.location for picture in self.pictures],
            "variants": [
                {
                    "sku": variant.sku,
                    "title": variant.title,
                    "attributes": dict(variant.attributes),
                    "pictures": [picture.location for picture in variant.pictures],
                }
                for variant in self.variants
            ],
        }


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of a source. `added`, `updated` and `unchanged` count products; all of them are on disk.

    `feed` names the format that was recognised and `notes` says what was guessed (a column mapping, say).
    `pictures` counts those that were decoded and embedded this time.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    pictures: int = 0
    failed: tuple[Failure, ...] = ()
    feed: str = ""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "pictures": self.pictures,
            "failed": [failure.to_dict() for failure in self.failed],
            "feed": self.feed,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Match:
    """One product found: its best picture, the score, and the weighted parts that sum to the score.

    `parts` maps the name of a part (deep, color, texture, shape, text, words, liked) to what it contributed.
    `picture` is the file of the picture that matched (the first one where only words were asked for); None where the
    product has none on disk. `variant` is the sku of the variant that it shows, and `attributes` then has the variant's
    over the product's.
    """

    sku: str
    score: float
    parts: Mapping[str, float]
    title: str = ""
    attributes: Attributes = field(default_factory=dict)
    picture: Path | None = None
    variant: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "sku": self.sku,
            "score": self.score,
            "parts": dict(self.parts),
            "title": self.title,
            "attributes": dict(self.attributes),
            "picture": None if self.picture is None else str(self.picture),
            "variant": self.variant,
        }


@dataclass(frozen=True, slots=True)
class Matches(Sequence[Match]):
    """Products found, best first. `query` says in words what was asked; `took_ms` how long the search took."""

    items: tuple[Match, ...] = ()
    query: str = ""
    took_ms: float = 0.0

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Match]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Match: ...
    @overload
    def __getitem__(self, index: slice) -> Matches: ...
    def __getitem__(self, index: int | slice) -> Match | Matches:
        if isinstance(index, slice):
            return Matches(self.items[index], self.query, self.took_ms)
        return self.items[index]

    def to_dict(self) -> dict[str, object]:
        return {
            "query": self.query,
            "took_ms": round(self.took_ms, 3),
            "matches": [match.to_dict() for match in self.items],
        }


@dataclass(frozen=True, slots=True)
class Labels:
    """What a picture was classified as: labels with their probabilities (0..1), best first.

    `unknown`: it looks like none of the labels. `names` then still says which come nearest.
    """

    names: tuple[str, ...]
    scores: tuple[float, ...]
    unknown: bool = False

    @property
    def best(self) -> str:
        """The best label; "unknown" where it looks like none."""
        return "unknown" if self.unknown or not self.names else self.names[0]

    def to_dict(self) -> dict[str, object]:
        return {
            "label": self.best,
            "unknown": self.unknown,
            "labels": [
                {"name": name, "score": round(score, 6)} for name, score in zip(self.names, self.scores, strict=True)
            ],
        }
