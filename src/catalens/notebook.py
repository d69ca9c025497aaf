"""Results as HTML for notebooks: a small table with thumbnails, all text escaped, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens.errors import CatalensError
from catalens.images.draw import label_color
from catalens.images.html import image_tag
from catalens.images.read import read_image
from catalens.styling.look import Look
from catalens.styling.outfit import Outfit, Outfits
from catalens.styling.pieces import OutfitItem
from catalens.styling.room import Good, Room
from catalens.tasks.cutout import Cutout
from catalens.tasks.describe import Description
from catalens.tasks.listing.checking import CheckedPhoto, Findings
from catalens.tasks.listing.rules import Finding
from catalens.tasks.reading import TextLines
from catalens.tasks.recolor import Recolored
from catalens.tasks.scene import Scene
from catalens.trust.drawing import overlay_heatmap
from catalens.trust.explain import ClassExplanation, MatchExplanation
from catalens.types import AddReport, Detections, ImageArray, Labels, Masks, Match, Matches, Product, Worn

SIDE = 160
"""Longest side of a thumbnail, in pixels."""
ROWS = 24
"""Rows of a table, at most: what is beyond is counted."""


class Html(str):
    """Text that is HTML already; all other text is escaped."""

    __slots__ = ()


Cell = object
"""`Html`, or anything that is said by its `str`."""


@singledispatch
def html_of(result: object) -> str:
    """A result as a piece of HTML; its `repr` where nothing else is known.

    Pictures in it are at most `SIDE` pixels long, tables at most `ROWS` rows.
    """
    return f"<pre>{escape(repr(result))}</pre>"


@html_of.register
def _(result: Matches) -> str:
    rows = [
        (_file(match.picture), match.title or match.sku, match.sku, f"{match.score:.3f}", _shares(match.parts))
        for match in result[:ROWS]
    ]
    return _shown(
        f"{_count(len(result), 'match', 'matches')}{f' for {result.query}' if result.query else ''}",
        _table(("", "title", "sku", "score", "parts"), rows, of=len(result)),
        notes=result.notes,
    )


@html_of.register
def _(result: Match) -> str:
    return html_of(Matches((result,)))


@html_of.register
def _(result: Product) -> str:
    pictures = (None if one.is_remote else Path(one.location) for one in result.pictures[:6])
    rows = [
        (name, ", ".join(value) if isinstance(value, tuple) else value) for name, value in result.attributes.items()
    ]
    table = _table(("attribute", "value"), rows[:ROWS], of=len(rows)) if rows else ""
    return _shown(f"{result.sku} {result.title}", *map(_file, pictures), table)


@html_of.register
def _(result: Labels) -> str:
    rows = [(name, f"{score:.3f}") for name, score in zip(result.names, result.scores, strict=True)]
    return _shown(result.best, _table(("label", "probability"), rows[:ROWS], of=len(rows)), notes=result.notes)


@html_of.register
def _(result: Detections) -> str:
    rows = [(one.label, f"{one.score:.2f}", ", ".join(f"{side:.0f}" for side in one.box)) for one in result[:ROWS]]
    table = _table(("label", "score", "box (xyxy)"), rows, of=len(result))
    return _shown(_count(len(result), "thing", "things"), _picture(_plan(result), "where they are"), table)


@html_of.register
def _(result: Masks) -> str:
    palette = np.array([(255, 255, 255), *map(label_color, result.names[1:])], np.uint8)
    areas = list(result.areas.items())
    rows = [(_swatch(palette[result.names.index(name)]), name, f"{share:.1%}") for name, share in areas[:ROWS]]
    table = _table(("", "part", "area"), rows, of=len(areas))
    return _shown(_size(result.labels), _picture(palette[_fewer(result.labels)], "parts"), table)


@html_of.register
def _(result: Worn) -> str:
    said = f"{result.kind}: {result.region.mean():.1%} of the photo changed"
    return _shown(said, _picture(result.image, "person with the garment on"), notes=result.notes)


@html_of.register
def _(result: TextLines) -> str:
    rows = [(one.text, f"{one.confidence:.2f}", ", ".join(f"{side:.0f}" for side in one.box)) for one in result[:ROWS]]
    table = _table(("text", "confidence", "box (xyxy)"), rows, of=len(result))
    return _shown(_count(len(result), "line", "lines"), table)


@html_of.register
def _(result: Description) -> str:
    rows = [
        (one.name, one.value, "" if one.confidence is None else f"{one.confidence:.2f}") for one in result.attributes
    ]
    texts = [(f"{name} {language}", text, "") for name, said in (("title", result.title), ("alt", result.alt))
             for language, text in said.items() if text]  # fmt: skip
    table = _table(("attribute", "value", "confidence"), (rows + texts)[:ROWS], of=len(rows) + len(texts))
    return _shown(_count(len(rows), "attribute", "attributes"), table, notes=result.notes)


@html_of.register
def _(result: Recolored) -> str:
    return _shown(f"{result.color}: {result.area:.0%} of the product", _picture(result.image, result.color))


@html_of.register
def _(result: Scene) -> str:
    return _shown(_size(result.image), _picture(result.image, "scene"), notes=result.notes)


@html_of.register
def _(result: Cutout) -> str:
    return _shown(_size(result.alpha), _picture(result.on((255, 255, 255)), "cut-out"))


@html_of.register
def _(result: AddReport) -> str:
    counts = ("added", "updated", "unchanged", "pictures")
    failed = [(one.where, one.what, one.why, one.cure) for one in result.failed]
    return _shown(
        result.feed,
        _table((*counts, "failed"), [(*(getattr(result, name) for name in counts), len(failed))]),
        _table(("where", "what", "why", "cure"), failed[:ROWS], of=len(failed)) if failed else "",
        notes=result.notes,
    )


@html_of.register
def _(result: Look) -> str:
    rows = [
        (
            _picture(part.picture, part.found.label), part.found.label, f"{part.found.score:.2f}",
            _row((_file(match.picture), f"{match.title or match.sku} {match.score:.2f}") for match in part.matches[:6]),
        )
        for part in result.parts[:ROWS]
    ]  # fmt: skip
    table = _table(("", "product", "score", "matches"), rows, of=len(result.parts))
    return _shown(_count(len(result.parts), "product", "products"), _picture(result.image, "photo"), table)


@html_of.register
def _(result: Outfit) -> str:
    return html_of(Outfits((result,)))


@html_of.register
def _(result: Outfits) -> str:
    rows = [
        (f"{one.score:.2f}", f"{one.price:.2f}", _row(map(_item, one.items)), "; ".join(one.reasons))
        for one in result[:ROWS]
    ]
    table = _table(("score", "price", "items", "reasons"), rows, of=len(result))
    return _shown(_count(len(result), "outfit", "outfits"), table, notes=result.notes)


@html_of.register
def _(result: Room) -> str:
    palette = Html("".join(_swatch(one.rgb) for one in result.palette))
    rows = [(kind, _row(map(_good, found))) for kind, found in result.goods.items()]
    table = _table(("kind", "products"), rows[:ROWS], of=len(rows))
    things = ", ".join(result.things.labels) or "nothing known"
    return _shown(f"stands there: {things}; the set costs {result.price:.2f}", palette, table, notes=result.notes)


@html_of.register
def _(result: Findings) -> str:
    rows = [(one.level, one.rule.pack, one.rule.name, _value(one), one.rule.cure) for one in result[:ROWS]]
    said = _count(len(result), "finding", "findings")
    return _shown(said, _table(("level", "pack", "rule", "measured", "cure"), rows, of=len(result)))


@html_of.register
def _(result: CheckedPhoto) -> str:
    notes = [] if result.failure is None else [str(result.failure)]
    notes += [] if result.same_as is None else [f"the same as {result.same_as}"]
    return _shown(str(result.path), _file(result.path), html_of(Findings(result.findings)), notes=notes)


@html_of.register
def _(result: ClassExplanation) -> str:
    rows = [(_file(Path(one.path)), Path(one.path).name, f"{one.similarity:.2f}") for one in result.neighbors]
    said = f"{result.label} {result.probability:.2f}"
    pictures = _picture(result.image, "photo") + _picture(
        overlay_heatmap(result.image, result.heat), "where it comes from"
    )
    table = _table(("", "learned from", "similarity"), rows) if rows else ""
    return _shown(said, pictures, table, notes=[result.beside] if result.beside else ())


@html_of.register
def _(result: MatchExplanation) -> str:
    sides = (("query", result.query, result.heat_query), ("product", result.product, result.heat_product))
    pictures = "".join(_picture(overlay_heatmap(image, heat), name) for name, image, heat in sides)
    rows = [(name, f"{value:.3f}") for name, value in result.parts.items()]
    return _shown(f"cosine {result.cosine:.3f}", pictures, _table(("part", "share"), rows) if rows else "")


def _shown(head: str, *body: str, notes: Sequence[str] = ()) -> str:
    title = f"<p><b>{escape(head)}</b></p>" if head else ""
    return f"<div>{title}{''.join(body)}{''.join(f'<p>{escape(note)}</p>' for note in notes)}</div>"


def _table(names: Sequence[str], rows: Sequence[Sequence[Cell]], *, of: int = 0) -> str:
    """Rows under names; `of` says how many there are in all."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    more = f"<p>and {of - len(rows)} more</p>" if of > len(rows) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(cell: Cell) -> str:
    return cell if isinstance(cell, Html) else escape(str(cell))


def _row(cells: Iterable[tuple[Html, str]]) -> Html:
    """Pictures side by side, words below each."""
    style = "display:inline-block;vertical-align:top;margin-right:8px;max-width:160px"
    return Html("".join(f'<div style="{style}">{picture}<br>{escape(words)}</div>' for picture, words in cells))


def _item(item: OutfitItem) -> tuple[Html, str]:
    price = "" if item.price is None else f" {item.price:.2f}"
    return _file(item.picture), f"{item.kind}: {item.title or item.name}{price}"


def _good(good: Good) -> tuple[Html, str]:
    return _item(good.item)


def _file(path: Path | None) -> Html:
    """A thumbnail of a file; a word where there is none or it cannot be read."""
    if path is None:
        return Html("no picture")
    try:
        return _picture(read_image(path, target=SIDE), path.name)
    except CatalensError:
        return Html("picture missing")


def _picture(image: ImageArray, alt: str) -> Html:
    return Html(image_tag(image, alt, side=SIDE))


def _fewer(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A label map at most `SIDE` pixels long: every so manieth pixel, for there is nothing between two labels."""
    step = max(1, -(-max(labels.shape) // SIDE))
    return labels[::step, ::step]


def _plan(found: Detections) -> ImageArray:
    """The boxes on an empty picture, in the colors of their labels."""
    scale = min(1.0, SIDE / max(*found.size, 1))
    plan = np.full((max(1, round(found.size[0] * scale)), max(1, round(found.size[1] * scale)), 3), 240, np.uint8)
    for row in reversed(range(len(found))):
        left, top, right, bottom = np.round(found.boxes[row] * scale).astype(int).clip(0).tolist()
        plan[top : bottom + 1, left : right + 1] = label_color(found.labels[row])
        plan[top + 1 : bottom, left + 1 : right] = plan[top + 1 : bottom, left + 1 : right] // 2 + 120
    return plan


def _swatch(rgb: Sequence[int] | NDArray[np.uint8]) -> Html:
    red, green, blue = (int(value) for value in rgb)
    style = f"display:inline-block;width:16px;height:16px;border:1px solid #888;background:rgb({red},{green},{blue})"
    return Html(f'<span style="{style}"></span>')


def _shares(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(parts.items(), key=lambda one: -one[1]))


def _value(finding: Finding) -> str:
    return f"{finding.value:.3g}" if isinstance(finding.value, float) else str(finding.value)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _size(array: NDArray[np.generic]) -> str:
    return f"{array.shape[0]} x {array.shape[1]} pixels"
