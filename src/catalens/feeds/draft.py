"""What a format makes of its rows or objects before cells are read, and how the drafts of one product become one."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from catalens.json_text import parse_json
from catalens.types import Failure

HELD = 20_000
"""Drafts of groups that are held in memory; beyond them all go to disk."""
PARTS = 64
"""Files that the drafts of groups are dealt to: each holds whole groups and is read by itself."""


Named = tuple[str, object, int | None]
"""What names pictures: its column, the value, and its line where that is not the draft's."""


@dataclass(slots=True)
class Draft:
    """A product or variant as its format gives it. Texts and values are raw: `cells.Reader` reads them.

    `pictures` are `Named`, `cells` (column, value) of what is no field. Drafts of one `group` are one product:
    those with `variants` add them to it. `own` are attributes whose names and values stay as they are.
    """

    line: int | None = None
    sku: str = ""
    title: str = ""
    description: str = ""
    cells: list[tuple[str, object]] = field(default_factory=list)
    pictures: list[Named] = field(default_factory=list)
    variants: list[Draft] = field(default_factory=list)
    own: dict[str, object] = field(default_factory=dict)
    group: str = ""
    page: str = ""
    """Address of the product's page."""
    column: str | None = None
    """Where the sku stands."""
    order: int | None = None
    """Position of its pictures among those of its group."""
    is_plain: bool = False
    """Of a variant: it has no options; if it is the only one, it is the product itself."""
    mentions: frozenset[str] | None = frozenset()
    """As in `Product`, where the reading does not say it for all."""

    def to_list(self) -> list[object]:
        """All of it as JSON has it."""
        return [
            self.line, self.sku, self.title, self.description, self.cells, self.pictures,
            [variant.to_list() for variant in self.variants],
            self.own, self.group, self.page, self.column, self.order, self.is_plain,
            None if self.mentions is None else sorted(self.mentions),
        ]  # fmt: skip

    @classmethod
    def from_list(cls, values: list[object]) -> Draft:
        """The draft that `to_list` gave."""
        draft = cls(*values)  # type: ignore[arg-type]
        draft.mentions = None if draft.mentions is None else frozenset(draft.mentions)
        draft.cells = [(name, value) for name, value in draft.cells]
        draft.pictures = [(name, value, line) for name, value, line in draft.pictures]
        draft.variants = [cls.from_list(item) for item in draft.variants]  # type: ignore[arg-type]
        return draft


def grouped(drafts: Iterable[Draft | Failure], *, held: int = HELD) -> Iterator[Draft | Failure]:
    """Drafts without a group as they come; then one of each group, in the order in which the groups began.

    Memory is bounded: beyond `held` drafts of groups they are dealt to temporary files by their group, and groups then
    come file by file.
    """
    groups: dict[str, list[Draft]] = {}
    count = 0
    parts: list[IO[str]] = []
    for draft in drafts:
        if isinstance(draft, Failure) or not draft.group:
            yield draft
            continue
        if parts:
            _deal(draft, parts)
            continue
        groups.setdefault(draft.group, []).append(draft)
        count += 1
        if count > held:
            parts = [tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass") for _ in range(PARTS)]  # noqa: SIM115
            for members in groups.values():
                for member in members:
                    _deal(member, parts)
            groups.clear()
    try:
        yield from map(_merged, groups.values())
        for part in parts:
            part.seek(0)
            together: dict[str, list[Draft]] = {}
            for line in part:
                draft = Draft.from_list(parse_json(line))
                together.setdefault(draft.group, []).append(draft)
            yield from map(_merged, together.values())
            part.close()
    finally:
        for part in parts:
            part.close()


def _deal(draft: Draft, parts: list[IO[str]]) -> None:
    part = parts[zlib.crc32(draft.group.encode("utf-8", "surrogatepass")) % PARTS]
    part.write(json.dumps(draft.to_list(), default=str) + "\n")


def _merged(drafts: list[Draft]) -> Draft:
    """One product: its texts are those of the first draft that has a title of its own, else of its first variant."""
    variants = _distinct(variant for draft in drafts for variant in draft.variants)
    head = next((draft for draft in drafts if draft.title), None)
    head = head or drafts[0]
    merged = Draft(
        line=head.line,
        sku=head.sku or drafts[0].group,
        title=head.title,
        description=head.description,
        cells=list(head.cells),
        pictures=[
            (column, value, line or draft.line)
            for draft in sorted(drafts, key=_order)
            for column, value, line in draft.pictures
        ],
        variants=variants,
        own=dict(head.own),
        group=drafts[0].group,
        page=head.page,
        column=head.column,
    )
    if not head.title and variants:
        _share(merged)
    return merged


def _order(draft: Draft) -> float:
    """Where the pictures of a draft stand: those without a position last, as they came."""
    return float("inf") if draft.order is None else draft.order


def _distinct(variants: Iterable[Draft]) -> list[Draft]:
    """Variants without those that say again what another of the same sku said."""
    seen: set[str] = set()
    found = []
    for variant in variants:
        said = json.dumps([*variant.to_list()[1:6]], default=str)
        if said not in seen:
            seen.add(said)
            found.append(variant)
    return found


def _share(product: Draft) -> None:
    """A group without a row of its own: what all its variants have in common is the product's."""
    first = product.variants[0]
    product.title, product.description = first.title, first.description
    product.page, product.line = product.page or first.page, first.line
    product.pictures = product.pictures or first.pictures[:1]
    common = [
        cell
        for cell in first.cells
        if cell[0] != "price" and all(cell in variant.cells for variant in product.variants)
    ]
    product.cells = [*product.cells, *common]
    if common:
        for variant in product.variants:
            variant.cells = [cell for cell in variant.cells if cell not in common]
