"""Matches as one self-contained page: pictures inside it, no script, nothing from elsewhere; or as a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from catalens.errors import CatalensError, UsageError
from catalens.images.draw import FORMATS, Tile, contact_sheet, save_image, write_atomically
from catalens.images.html import SIDE, html_page, image_tag
from catalens.images.read import read_image
from catalens.types import ImageArray, Match, Matches

PAGES = (".html", ".htm")
CHIPS = 4
PARTS = ("deep", "color", "texture", "shape", "text", "words", "meaning", "liked")
NAMES = {
    "deep": "overall look",
    "color": "colors",
    "texture": "texture",
    "shape": "shape",
    "text": "words in its text",
    "words": "what the words look like",
    "meaning": "what its text means",
    "liked": "like what you liked",
}
"""The parts of a score as a shopper reads them."""
SHOWN_FIRST = ("category", "color", "brand", "material", "pattern", "style", "department")

_STYLE = """
:root{--deep:#2e5cdc;--color:#d9485f;--texture:#8a63d2;--shape:#e08a1e;--text:#2a9d6f;--words:#7a9a1f;
--meaning:#b0457e;--liked:#0f8fa8}@media(prefers-color-scheme:dark){:root{--deep:#7c9cff;--color:#ff7a90;--texture:#b596f5;
--shape:#f2b155;--text:#5fd0a2;--words:#b5d352;--meaning:#ee8fc0;--liked:#52c4dc}}.head{display:flex;gap:20px;align-items:center;margin-bottom:20px}
.head img{width:112px;height:112px;object-fit:contain;background:#fff;border-radius:14px;
border:2px solid var(--accent)}ol{list-style:none;margin:0;
padding:0;display:grid;gap:18px;grid-template-columns:repeat(auto-fill,minmax(208px,1fr))}li{
background:var(--card);border:1px solid var(--line);border-radius:16px;overflow:hidden;display:flex;
flex-direction:column}li .pic{position:relative;background:#fff;aspect-ratio:1;display:grid;
place-items:center;color:#777;font-size:14px}li .pic img{position:absolute;width:100%;height:100%;
object-fit:contain}.body{padding:14px 16px 16px;display:flex;flex-direction:column;gap:8px;flex:1}.title{
font-weight:600;font-size:15px;line-height:1.35;overflow-wrap:anywhere}.row{display:flex;justify-content:space-between;gap:8px;font-size:14px}.price{
font-variant-numeric:tabular-nums;font-weight:600}.sku{color:var(--quiet);font-size:13px;
overflow-wrap:anywhere}.chips{display:flex;flex-wrap:wrap;gap:6px}.chip{font-size:12px;color:var(--quiet);
border:1px solid var(--line);border-radius:99px;padding:1px 9px;overflow-wrap:anywhere}.bar{display:flex;
height:6px;border-radius:3px;overflow:hidden;background:var(--line);margin-top:auto}.legend{display:flex;
flex-wrap:wrap;gap:14px;margin-top:14px;font-size:13px;color:var(--quiet)}.dot{display:inline-block;
width:10px;height:10px;border-radius:3px;margin-right:6px}
@media(max-width:600px){main{padding:24px 14px 60px}ol{gap:12px;grid-template-columns:repeat(2,minmax(0,1fr))}
.body{padding:10px 12px 12px}.head img{width:84px;height:84px}}
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One search on a report: its heading, what was found, the photo asked with."""

    heading: str
    matches: Matches
    query_picture: ImageArray | None = None


def matches_page(matches: Matches, *, query_picture: ImageArray | None = None, title: str = "Similar products") -> str:
    """One search as an HTML page."""
    return report_page([Section(matches.query or title, matches, query_picture)], title=title, intro="")


def report_page(sections: Sequence[Section], *, title: str, intro: str) -> str:
    """Several searches as one HTML page under a title and an introduction."""
    used = {part for section in sections for match in section.matches for part in match.parts}
    legend = "".join(
        f'<span><i class="dot" style="background:var(--{part})"></i>{NAMES[part]}</span>'
        for part in PARTS
        if part in used
    )
    body = "".join(_section(section) for section in sections)
    top = (
        f"<h1>{escape(title)}</h1>{f'<p>{escape(intro)}</p>' if intro else ''}"
        f'<div class="legend">{f"<span>What made the score:</span>{legend}" if legend else ""}</div>'
    )
    return html_page(top + body, title=title, style=_STYLE)


def matches_sheet(matches: Matches, *, query_picture: ImageArray | None = None) -> ImageArray:
    """One search as a picture: the photo asked with, then the matches."""
    tiles = [] if query_picture is None else [Tile(query_picture, "asked with", chosen=True)]
    tiles += [Tile(_picture(match), match.title or match.sku, f"{match.score:.3f}   {match.sku}") for match in matches]
    return contact_sheet(tiles, title=matches.query or "Similar products")


def save_matches(matches: Matches, path: Path, *, query_picture: ImageArray | None = None) -> None:
    """Write one search as a page (.html) or a contact sheet (.png, .jpg, .webp).

    Raises:
        UsageError: another ending.
        StorageError: the file cannot be written.
    """
    if path.suffix.lower() in PAGES:
        write_atomically(path, matches_page(matches, query_picture=query_picture).encode("utf-8"))
    elif path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path} ends in {path.suffix!r}", cure=f"end it in {', '.join((*PAGES, *FORMATS))}")
    else:
        save_image(path, matches_sheet(matches, query_picture=query_picture))


def save_report(sections: Sequence[Section], path: Path, *, title: str, intro: str) -> None:
    """Write several searches as one page."""
    write_atomically(path, report_page(sections, title=title, intro=intro).encode("utf-8"))


def _section(section: Section) -> str:
    count = len(section.matches)
    found = f"{count} product{'' if count == 1 else 's'} in {section.matches.took_ms:.0f} ms"
    photo = "" if section.query_picture is None else image_tag(section.query_picture, "the photo asked with")
    cards = "".join(_card(match) for match in section.matches) or "<li><div class='body'>No products found.</div></li>"
    return (
        f'<section><div class="head">{photo}<div><h2>{escape(section.heading)}</h2>'
        f'<div class="quiet">{found}</div></div></div><ol>{cards}</ol></section>'
    )


def _card(match: Match) -> str:
    picture = _picture(match)
    shown = "no picture" if picture is None else image_tag(picture, match.title or match.sku)
    price = price_of(match)
    price_text = f'<span class="price">{escape(price)}</span>' if price else ""
    parts = ", ".join(f"{name} {value:.2f}" for name, value in match.parts.items())
    title = escape(match.title or match.sku)
    return (
        f'<li><div class="pic">{shown}</div><div class="body"><div class="title">{title}</div>'
        f'<div class="sku">{escape(match.sku)}</div><div class="row"><span>{match.score:.3f}</span>{price_text}</div>'
        f'<div class="chips">{_chips(match)}</div>'
        f'<div class="bar" role="img" aria-label="{escape(parts)}" title="{escape(parts)}">{_bar(match)}</div>'
        "</div></li>"
    )


def price_of(match: Match) -> str:
    """A match's price with its currency; empty where it has none."""
    price = match.attributes.get("price")
    if price is None:
        return ""
    text = f"{price:.2f}" if isinstance(price, int | float) else str(price)
    return f"{text} {match.attributes.get('currency', '')}".strip()


def _chips(match: Match) -> str:
    named = [name for name in SHOWN_FIRST if name in match.attributes]
    texts = []
    for name in named[:CHIPS]:
        value = match.attributes[name]
        texts.append(", ".join(value[:3]) if isinstance(value, tuple) else str(value))
    return "".join(f'<span class="chip">{escape(text[:40])}</span>' for text in texts)


def _bar(match: Match) -> str:
    """A stacked bar as long as the score (at most 1), in the colors of its parts."""
    return "".join(
        f'<i style="width:{min(max(match.parts[part], 0), 1) * 100:.1f}%;background:var(--{part})"></i>'
        for part in PARTS
        if part in match.parts
    )


def _picture(match: Match) -> ImageArray | None:
    """The match's picture; None where it has none or its file cannot be read any more."""
    if match.picture is None:
        return None
    try:
        return read_image(match.picture, target=SIDE)
    except CatalensError:
        return None
