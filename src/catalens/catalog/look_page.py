"""A photo with its products marked, and what the catalog has like each: one page, pictures inside it, no script."""

from __future__ import annotations

from html import escape
from pathlib import Path

from catalens.catalog.look import Look, LookPart
from catalens.errors import CatalensError
from catalens.images.draw import color_of, write_whole
from catalens.images.html import html_page, image_tag
from catalens.images.read import read_image
from catalens.types import Match

_STYLE = """
.look{display:grid;grid-template-columns:minmax(260px,420px) 1fr;gap:40px;align-items:start}
@media(max-width:760px){.look{grid-template-columns:1fr}}.photo{position:sticky;top:24px}
.frame{position:relative;border-radius:16px;overflow:hidden;border:1px solid var(--line)}
.frame img{display:block;width:100%}.frame a{position:absolute;border:2px solid;border-radius:8px;
transition:background .15s}.frame a:hover,.frame a:focus{background:#ffffff44;outline:none}.frame a span{
position:absolute;left:0;top:0;color:#fff;font-size:12px;padding:0 7px;border-radius:5px 0 6px 0}
.part{margin:0 0 36px;scroll-margin-top:24px}.part:target h2{text-decoration:underline;text-underline-offset:6px}
.part h2{display:flex;gap:12px;align-items:center;margin-bottom:12px}.part h2 img{width:56px;height:56px;
object-fit:contain;background:#fff;border-radius:10px;border:2px solid}
ol{list-style:none;margin:0;padding:0;display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(132px,1fr))}
li{background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden;font-size:13px}
li .pic{background:#fff;aspect-ratio:1;display:grid;place-items:center;color:#777}
li .pic img{width:100%;height:100%;object-fit:contain}li p{margin:8px 10px;overflow-wrap:anywhere;color:var(--ink)}
"""


def save_look(look: Look, path: Path) -> None:
    """Write the page; it appears whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, look_page(look).encode())


def look_page(look: Look) -> str:
    """The photo with links on its products, beside it the matches of each."""
    height, width = look.image.shape[:2]
    links = "".join(_link(number, part, height, width) for number, part in enumerate(look.parts))
    found = "".join(_part(number, part) for number, part in enumerate(look.parts))
    body = (
        f'<h1>Shop the look</h1><div class="look"><div class="photo"><div class="frame">'
        f"{image_tag(look.image, 'the photo', side=900)}{links}</div></div>"
        f"<div>{found or '<p>No product was found on this photo.</p>'}</div></div>"
    )
    return html_page(body, title="Shop the look", style=_STYLE)


def _link(number: int, part: LookPart, height: int, width: int) -> str:
    left, top, right, bottom = part.found.box
    place = (
        f"left:{100 * left / width:.2f}%;top:{100 * top / height:.2f}%;"
        f"width:{100 * (right - left) / width:.2f}%;height:{100 * (bottom - top) / height:.2f}%"
    )
    color = _hex(part.found.label)
    label = escape(part.found.label)
    return (
        f'<a href="#part{number}" style="{place};border-color:{color}" aria-label="{label}">'
        f'<span style="background:{color}">{label}</span></a>'
    )


def _part(number: int, part: LookPart) -> str:
    cut = image_tag(part.picture, "", side=120).replace(
        "<img", f'<img style="border-color:{_hex(part.found.label)}"', 1
    )
    matches = "".join(map(_match, part.matches)) or "<p>The catalog has nothing like it.</p>"
    return (
        f'<section class="part" id="part{number}"><h2>{cut}{escape(part.found.label)} '
        f'<span class="quiet">{part.found.score:.2f}</span></h2><ol>{matches}</ol></section>'
    )


def _match(match: Match) -> str:
    try:
        picture = (
            "no picture" if match.picture is None else image_tag(read_image(match.picture, target=240), "", side=240)
        )
    except CatalensError:
        picture = "picture missing"
    return (
        f'<li><div class="pic">{picture}</div><p>{escape(match.title or match.sku)}<br>'
        f'<span class="quiet">{match.score:.2f}</span></p></li>'
    )


def _hex(label: str) -> str:
    return "#" + "".join(f"{value:02x}" for value in color_of(label))
