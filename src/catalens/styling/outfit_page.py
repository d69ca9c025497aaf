"""Outfits, or products for a room, as one self-contained HTML page, without scripts."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from catalens.errors import CatalensError, UsageError
from catalens.images.draw import write_atomically
from catalens.images.html import html_page, image_tag
from catalens.images.read import ImageLike, read_image
from catalens.search.page import PAGES
from catalens.styling.outfit import Outfit, Outfits
from catalens.styling.pieces import OutfitItem
from catalens.styling.room import Room

_STYLE = """
h2{margin-bottom:14px}h2 .quiet{font-weight:400;margin-left:10px}ol{list-style:none;margin:0 0 12px;padding:0;
display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}li.item{background:var(--card);
border:1px solid var(--line);border-radius:14px;overflow:hidden;font-size:14px}.pic{position:relative;background:#fff;
aspect-ratio:1;display:grid;place-items:center;color:#777}.pic img{position:absolute;width:100%;height:100%;
object-fit:contain}.item p{margin:8px 12px 10px;color:var(--ink);overflow-wrap:anywhere}ul{margin:0;padding-left:20px;
color:var(--quiet);font-size:14px}.room{max-width:520px;border-radius:14px;display:block;width:100%}
@media(max-width:600px){main{padding:24px 16px 60px}ol{grid-template-columns:repeat(2,minmax(0,1fr))}}
"""


def check_page(path: Path) -> None:
    """Raises UsageError where the name does not end as a page's."""
    if path.suffix.lower() not in PAGES:
        raise UsageError(f"{path.name} is no name for a page", cure="end it in .html")


def save_outfits(found: Outfits, path: Path) -> None:
    """Write outfits as a page; it appears whole or not at all.

    Raises:
        UsageError: the name does not end as a page's; StorageError: it cannot be written.
    """
    check_page(path)
    write_atomically(path, outfits_page(found).encode())


def save_room(found: Room, photo: ImageLike, path: Path) -> None:
    """Write the products for a room as a page, below its photo. Raises what `save_outfits` raises."""
    check_page(path)
    write_atomically(path, room_page(found, photo).encode())


def outfits_page(found: Outfits) -> str:
    """A section for each outfit: its items with prices, then the reasons."""
    sections = "".join(_outfit(number, one) for number, one in enumerate(found, start=1))
    notes = "".join(f"<p>{escape(note)}</p>" for note in found.notes)
    return html_page(
        f"<h1>Outfits</h1>{notes}{sections or '<p>No outfit was found.</p>'}", title="Outfits", style=_STYLE
    )


def room_page(found: Room, photo: ImageLike) -> str:
    """The photo of the room, then the products of each category with the reasons of the first one."""
    sections = "".join(
        f"<section><h2>{escape(kind)}</h2>{_items(good.item for good in goods)}"
        f"{_reasons(goods[0].reasons if goods else ())}</section>"
        for kind, goods in found.goods.items()
    )
    total = f"<p>The first of each: {found.price:.2f}</p>" if found.goods else ""
    picture = image_tag(read_image(photo, target=900), "the room", side=900).replace("<img", '<img class="room"', 1)
    notes = "".join(f"<p>{escape(note)}</p>" for note in found.notes)
    return html_page(f"<h1>For this room</h1>{notes}{picture}{total}{sections}", title="For this room", style=_STYLE)


def _outfit(number: int, one: Outfit) -> str:
    said = f'<span class="quiet">{one.price:.2f} in all · score {one.score:.2f}</span>'
    return f"<section><h2>Outfit {number}{said}</h2>{_items(one.items)}{_reasons(one.reasons)}</section>"


def _items(items: Iterable[OutfitItem]) -> str:
    return f"<ol>{''.join(map(_item, items))}</ol>"


def _item(item: OutfitItem) -> str:
    try:
        shown = "no picture" if item.picture is None else image_tag(read_image(item.picture, target=300), "", side=300)
    except CatalensError:
        shown = "picture missing"
    price = "your own" if item.own else "" if item.price is None else f"{item.price:.2f}"
    said = " · ".join(filter(None, (item.kind, price)))
    return (
        f'<li class="item"><div class="pic">{shown}</div><p>{escape(item.title or item.name)}<br>'
        f'<span class="quiet">{escape(said)}</span></p></li>'
    )


def _reasons(reasons: Iterable[str]) -> str:
    lines = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f"<ul>{lines}</ul>" if lines else ""
