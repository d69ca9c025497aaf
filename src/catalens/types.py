"""Products, matches, detections and other result types, independent of models, vendors and file formats.

Conventions: a picture is HWC uint8 sRGB; a size is (height, width) in pixels; embeddings are float32 rows of unit
length; a score is better when higher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from catalens.errors import MissingExtraError, UsageError
from catalens.show import Shown

ImageArray: TypeAlias = NDArray[np.uint8]
"""HWC uint8 sRGB, three channels."""

FloatArray: TypeAlias = NDArray[np.float32]
NumberArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

Scalar: TypeAlias = str | int | float | bool
AttributeValue: TypeAlias = Scalar | tuple[str, ...]
Attributes: TypeAlias = Mapping[str, AttributeValue]

SHOWN = 10
"""Things that a repr names, at most."""

Progress: TypeAlias = Callable[[int, int | None, str], None]
"""Callback with (done, total or None where unknown, description)."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a feed: file or folder, line (1-based, None where there is none), column name."""

    source: str
    line: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.source}{line}{column}"


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that was not imported: its place, the item, the reason and the fix; a picture, or else a row."""

    where: Where
    what: str
    why: str
    cure: str
    is_picture: bool = False

    @classmethod
    def of_picture(cls, where: Where, what: str, why: str, cure: str) -> Failure:
        return cls(where, what, why, cure, is_picture=True)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.why}. {self.cure[:1].upper()}{self.cure[1:]}."

    def to_dict(self) -> dict[str, object]:
        return {"where": str(self.where), "what": self.what, "why": self.why, "cure": self.cure}


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Location of a picture in a feed: an absolute path or an http(s) address."""

    location: str
    where: Where

    @property
    def is_remote(self) -> bool:
        return self.location.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a product (a size, a colour), with its own pictures if any.

    `lost` are pictures that its source names and cannot deliver now, as the source writes them.
    """

    sku: str
    title: str = ""
    attributes: Attributes = field(default_factory=dict)
    pictures: tuple[PictureSource, ...] = ()
    lost: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Product(Shown):
    """A product: plain texts (no markup), attributes, pictures in order, variants.

    What its source says of it beside that, and what is no part of the record: `mentions`, names of the fields (`title`,
    `description`, `pictures`, `variants`) and attributes that the source has a place for, None for all there are;
    `lost`, as of a variant.
    """

    sku: str
    where: Where
    title: str = ""
    description: str = ""
    attributes: Attributes = field(default_factory=dict)
    pictures: tuple[PictureSource, ...] = ()
    variants: tuple[Variant, ...] = ()
    lost: tuple[str, ...] = field(default=(), compare=False, repr=False)
    mentions: frozenset[str] | None = field(default=None, compare=False, repr=False)

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
class AddReport(Shown):
    """Result of an import. `added`, `updated` and `unchanged` count products; all of them are on disk.

    `feed` names the format that was recognised and `notes` says what was guessed (a column mapping, say).
    `pictures` counts those that were decoded and embedded this time, `stale` those that could not be read now and stay
    as the catalog knows them. `missing` counts products and variants that are no longer in the source that listed them
    and are still in the catalog, `removed` those that were removed for it (`prune`).
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    pictures: int = 0
    failed: tuple[Failure, ...] = ()
    feed: str = ""
    notes: tuple[str, ...] = ()
    stale: int = 0
    missing: int = 0
    removed: int = 0

    def to_dict(self) -> dict[str, object]:
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "pictures": self.pictures,
            "stale": self.stale,
            "missing": self.missing,
            "removed": self.removed,
            "failed": [failure.to_dict() for failure in self.failed],
            "feed": self.feed,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Match(Shown):
    """One product found: its best picture, the score, and the weighted parts that sum to the score.

    `parts` maps the name of a part (deep, color, texture, shape, text, words, liked) to what it contributed.
    `picture` is the file of the picture that matched (the first one where only words were asked for); None where the
    product has none on disk. `picture_hash` is its SHA-256 in hex, by which `Catalog.picture` gives it. `variant` is
    the sku of the variant that it shows, and `attributes` then has the variant's over the product's. `reasons` say
    which words of the query stand where in its text.
    """

    sku: str
    score: float
    parts: Mapping[str, float]
    title: str = ""
    attributes: Attributes = field(default_factory=dict)
    picture: Path | None = None
    variant: str | None = None
    picture_hash: str | None = None
    reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "sku": self.sku,
            "score": self.score,
            "parts": dict(self.parts),
            "title": self.title,
            "attributes": dict(self.attributes),
            "picture": None if self.picture is None else str(self.picture),
            "picture_hash": self.picture_hash,
            "variant": self.variant,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Facet:
    """An attribute to filter by: its values in small letters with how many products have each, the most frequent first.

    `span` is the least and the greatest of an attribute of numbers, `ranges` are (from, up to, products) of parts of
    it; `more` says that it has further values.
    """

    name: str
    values: tuple[tuple[str, int], ...]
    span: tuple[float, float] | None = None
    more: bool = False
    ranges: tuple[tuple[float, float, int], ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "values": [{"value": value, "products": count} for value, count in self.values],
            "span": None if self.span is None else list(self.span),
            "more": self.more,
            "ranges": [{"from": low, "to": high, "products": count} for low, high, count in self.ranges],
        }


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that was understood in a query's words: `kind` is price, size or not (excluded).

    `text` as it was written, `filter` what it became in the filter language (None for what is excluded), `rest` the
    query without it: searching for that removes it.
    """

    kind: str
    text: str
    filter: str | None
    rest: str

    def __str__(self) -> str:
        return self.filter if self.filter is not None else f"not {self.text}"

    def to_dict(self) -> dict[str, object]:
        return {"kind": self.kind, "text": self.text, "filter": self.filter, "rest": self.rest}


@dataclass(frozen=True, slots=True)
class Matches(Sequence[Match], Shown):
    """Products found, best first.

    `query` says in words what was asked; `took_ms` how long the search took; `notes` which words were not known;
    `corrected` maps misspelled words to what was looked for instead (`spelling=False` looks for the words as they are).
    `understood` what became a filter or was excluded; `total` how many products fit in all, where that was counted;
    `facets` the values of the attributes that were asked for among these.
    """

    items: tuple[Match, ...] = ()
    query: str = ""
    took_ms: float = 0.0
    notes: tuple[str, ...] = ()
    corrected: Mapping[str, str] = field(default_factory=dict)
    understood: tuple[Chip, ...] = ()
    total: int | None = None
    facets: tuple[Facet, ...] = ()

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
            return replace(self, items=self.items[index])
        return self.items[index]

    def __repr__(self) -> str:
        said = ", ".join(f"{match.sku} {match.score:.2f}" for match in self.items[:SHOWN])
        said += f" and {len(self) - SHOWN} more" if len(self) > SHOWN else ""
        return f"Matches({f'{self.query}: ' if self.query else ''}{said or 'nothing'})"

    def to_dict(self) -> dict[str, object]:
        return {
            "query": self.query,
            "took_ms": round(self.took_ms, 3),
            "notes": list(self.notes),
            "corrected": dict(self.corrected),
            "understood": [chip.to_dict() for chip in self.understood],
            "total": self.total,
            "facets": [facet.to_dict() for facet in self.facets],
            "matches": [match.to_dict() for match in self.items],
        }


@dataclass(frozen=True, slots=True)
class Labels(Shown):
    """What a picture was classified as: labels with their probabilities (0..1), best first.

    `unknown`: it looks like none of the labels. `names` then still says which come nearest.
    `ids`: of each label in Google's product taxonomy, 0 where it has none; empty where nobody asked.
    `notes`: which of the words that were given to choose from are not known.
    """

    names: tuple[str, ...]
    scores: tuple[float, ...]
    unknown: bool = False
    ids: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The best label; "unknown" where it looks like none."""
        return "unknown" if self.unknown or not self.names else self.names[0]

    def __repr__(self) -> str:
        said = ", ".join(f"{name} {score:.2f}" for name, score in zip(self.names, self.scores, strict=True))
        return f"Labels({'unknown; ' if self.unknown else ''}{said or 'nothing'})"

    def to_dict(self) -> dict[str, object]:
        return {
            "label": self.best,
            "unknown": self.unknown,
            "labels": [
                {"name": name, "score": round(score, 6)} | ({"taxonomy_id": id} if id else {})
                for name, score, id in zip(self.names, self.scores, self.ids or (0,) * len(self.names), strict=True)
            ],
            **({"notes": list(self.notes)} if self.notes else {}),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Masks(Shown):
    """What each place of a picture shows.

    Args:
        labels: HxW uint8, indexes into `names`, of the picture's own size.
        names: of the classes; the first is the background.
    """

    labels: NDArray[np.uint8]
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        """HxW, True where the picture shows it; all False where it shows none."""
        if name not in self.names:
            raise UsageError(f"no part is called {name!r}", cure=f"name one of {', '.join(self.names)}")
        return np.asarray(self.labels == self.names.index(name))

    def foreground(self) -> NDArray[np.bool_]:
        """HxW, True for people and products, False for the background."""
        return np.asarray(self.labels > 0)

    @property
    def areas(self) -> dict[str, float]:
        """Share of the picture (0..1) of each class that it shows, largest first."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.names)) / max(self.labels.size, 1)
        order = np.argsort(-counts, kind="stable")
        return {self.names[index]: float(counts[index]) for index in order.tolist() if counts[index] > 0}

    def __repr__(self) -> str:
        said = ", ".join(f"{name} {share:.1%}" for name, share in self.areas.items())
        return f"Masks({self.labels.shape[0]}x{self.labels.shape[1]}: {said})"

    def to_dict(self) -> dict[str, object]:
        return {
            "size": list(self.labels.shape),
            "parts": [{"name": name, "area": round(share, 6)} for name, share in self.areas.items()],
        }


@dataclass(frozen=True, slots=True, eq=False)
class Worn(Shown):
    """A person's photo with a garment put on.

    Args:
        image: HWC uint8, of the photo's own size; outside `region` every pixel is the photo's.
        region: HxW bool, what was changed.
        notes: sentences on what the user should know: that the garment was cut from somebody, what was taken off.
        kind: of the garment.
        confidence: 0..1, low where the result is surely wrong; above 0.5 it may still be. None where nobody measured.
    """

    image: ImageArray
    region: NDArray[np.bool_]
    notes: tuple[str, ...]
    kind: str
    confidence: float | None = None

    def __repr__(self) -> str:
        height, width = self.region.shape
        said = "".join(f"; {note}" for note in self.notes)
        return f"Worn({height}x{width}: {self.kind}, {self.region.mean():.1%} changed{said})"

    def to_dict(self) -> dict[str, object]:
        return {
            "size": list(self.region.shape),
            "kind": self.kind,
            "changed": round(float(self.region.mean()), 6),
            "confidence": None if self.confidence is None else round(self.confidence, 3),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing on a picture: its box, how sure that is (0..1), what it is called."""

    box: tuple[float, float, float, float]
    """xyxy in pixels of the picture."""
    score: float
    label: str

    def to_dict(self) -> dict[str, object]:
        return {"box": [round(side, 1) for side in self.box], "score": round(self.score, 4), "label": self.label}


@dataclass(frozen=True, slots=True, eq=False)
class Detections(Shown):
    """What is on a picture, the surest first. Nothing found is an empty one, not an error.

    Args:
        boxes: (N, 4) float32 xyxy in pixels of the picture.
        scores: (N,) float32, 0..1; labels: N names.
        masks: (N, H, W) bool; None where only boxes are known.
        size: (height, width) of the picture.
    """

    boxes: FloatArray
    scores: FloatArray
    labels: tuple[str, ...]
    size: tuple[int, int]
    masks: NDArray[np.bool_] | None = None

    @classmethod
    def empty(cls, size: tuple[int, int]) -> Detections:
        """Nothing on a picture of (height, width)."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), size)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Detection]:
        for box, score, label in zip(self.boxes.tolist(), self.scores.tolist(), self.labels, strict=True):
            yield Detection((box[0], box[1], box[2], box[3]), score, label)

    def __getitem__(self, chosen: NDArray[np.generic] | slice | Sequence[int] | int) -> Detections:
        """Some of them, or one: by a condition on each, by positions, a slice, or a position."""
        if isinstance(chosen, Sequence):
            chosen = np.asarray(chosen) if len(chosen) else np.zeros(0, np.int64)
        rows = np.atleast_1d(np.arange(len(self))[chosen])
        masks = None if self.masks is None else self.masks[rows]
        names = tuple(self.labels[row] for row in rows.tolist())
        return Detections(self.boxes[rows], self.scores[rows], names, self.size, masks)

    def __repr__(self) -> str:
        said = ", ".join(f"{one.label} {one.score:.2f}" for one in self[:SHOWN])
        said += f" and {len(self) - SHOWN} more" if len(self) > SHOWN else ""
        return f"Detections({self.size[0]}x{self.size[1]}: {said or 'nothing'})"

    def to_dict(self) -> dict[str, object]:
        return {"size": list(self.size), "detections": [one.to_dict() for one in self]}

    def to_coco(self, *, image_id: int = 1, categories: Mapping[str, int]) -> list[dict[str, object]]:
        """Result rows of the COCO format: boxes as x, y, width, height; labels by their category ids.

        Raises:
            UsageError: a label without an id.
        """
        unknown = sorted(set(self.labels) - set(categories))
        if unknown:
            raise UsageError(
                f"no category id for {', '.join(unknown)}", cure="give one for each label, or choose first"
            )
        return [
            {
                "image_id": image_id,
                "category_id": categories[one.label],
                "bbox": [one.box[0], one.box[1], one.box[2] - one.box[0], one.box[3] - one.box[1]],
                "score": one.score,
            }
            for one in self
        ]

    def to_supervision(self) -> object:
        """As `supervision.Detections`, for its drawing and tracking.

        Raises:
            MissingExtraError: supervision is not installed.
        """
        try:
            from supervision import Detections as Other
        except ImportError:
            raise MissingExtraError.of("supervision", extra="supervision") from None
        names = sorted(set(self.labels))
        codes = np.array([names.index(label) for label in self.labels], int)
        data = {"class_name": np.array(self.labels, dtype=object)}
        return Other(xyxy=self.boxes, confidence=self.scores, class_id=codes, mask=self.masks, data=data)
