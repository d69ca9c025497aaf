"""Shop-the-look results as one self-contained HTML page, without scripts."""

from __future__ import annotations

from html import escape
from pathlib import Path

from catalens.errors import CatalensError, UsageError
from catalens.images.draw import label_color, write_atomically
from catalens.images.html import html_page, image_tag
from catalens.images.read import read_image
from catalens.search.page import PAGES, price_of
from catalens.styling.look import Look, LookPart
from catalens.types import Match

ROOM_ABOVE = 0.05
"""Share of the photo's height above a box from which its name stands there, and hides nothing of what is in it."""

_STYLE = """
h1{margin-bottom:20px}.look{display:grid;grid-template-columns:minmax(260px,420px) 1fr;gap:40px;align-items:start}
.photo{position:sticky;top:24px}.photo p{margin-top:12px;font-size:14px}
.frame{position:relative;border-radius:16px;overflow:hidden;border:1px solid var(--line)}
.frame img{display:block;width:100%}
.frame a{position:absolute;border:2px solid;border-radius:8px;transition:background .15s}
.frame a:hover,.frame a:focus{background:#ffffff55;outline:none;z-index:1}
.frame a span{position:absolute;left:-2px;top:0;color:#fff;font-size:12px;line-height:18px;padding:0 7px;
white-space:nowrap;border-radius:5px 0 6px 0}.frame a.low span{top:auto;bottom:100%;border-radius:6px 6px 0 0}
.frame a.right span{left:auto;right:-2px}
.part{margin:0 0 36px;scroll-margin-top:24px}.part h2{display:flex;gap:12px;align-items:center;margin-bottom:12px}
.part h2 img{width:56px;height:56px;object-fit:contain;background:#fff;border-radius:10px;border:2px solid}
.part:target h2 img{outline:4px solid var(--line)}.part:target h2 b{text-decoration:underline;
text-underline-offset:6px}.part .quiet{white-space:nowrap}
.back{display:none;margin-left:auto;white-space:nowrap;font-size:14px;color:var(--accent)}
ol{list-style:none;margin:0;padding:0;display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(132px,1fr))}
li{background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden;font-size:13px}
li .pic{position:relative;background:#fff;aspect-ratio:1;display:grid;place-items:center;color:#777}
li .pic img{position:absolute;width:100%;height:100%;object-fit:contain}li p{margin:8px 10px;color:var(--ink);
overflow-wrap:anywhere}
@media(max-width:760px){main{padding:24px 16px 60px}.look{grid-template-columns:minmax(0,1fr);gap:28px}
.photo{position:static}.back{display:block}}
"""


def save_look(look: Look, path: Path) -> None:
    """Write the page; it appears whole or not at all.

    Raises:
        UsageError: the name does not end as a page's; StorageError: it cannot be written.
    """
    if path.suffix.lower() not in PAGES:
        raise UsageError(f"{path.name} is no name for a page", cure="end it in .html")
    write_atomically(path, look_page(look).encode())


def look_page(look: Look) -> str:
    """The photo with links on its products, beside it the matches of each."""
    height, width = look.image.shape[:2]
    links = "".join(_link(number, part, height, width) for number, part in enumerate(look.parts))
    found = "".join(_part(number, part) for number, part in enumerate(look.parts))
    hint = "<p>Each frame leads to what the catalog has like it.</p>" if look.parts else ""
    body = (
        f'<h1>Shop the look</h1><div class="look"><div class="photo" id="photo">'
        f'<div class="frame" style="max-width:{85 * width / height:.0f}vh">'
        f"{image_tag(look.image, 'the photo', side=900)}{links}</div>{hint}</div>"
        f"<div>{found or '<p>No product was found on this photo.</p>'}</div></div>"
    )
    chosen = "".join(
        f'.look:has(#part{number}:target) a[href="#part{number}"]{{background:#ffffff55;outline:3px solid #fff}}'
        for number in range(len(look.parts))
    )
    return html_page(body, title="Shop the look", style=_STYLE + chosen)


def _link(number: int, part: LookPart, height: int, width: int) -> str:
    left, top, right, bottom = part.found.box
    place = (
        f"left:{100 * left / width:.2f}%;top:{100 * top / height:.2f}%;"
        f"width:{100 * (right - left) / width:.2f}%;height:{100 * (bottom - top) / height:.2f}%"
    )
    color = _hex(part.found.label)
    label = escape(part.found.label)
    where = " ".join(name for name, is_so in (("low", top > ROOM_ABOVE * height), ("right", left > width / 2)) if is_so)
    return (
        f'<a href="#part{number}" class="{where}" style="{place};border-color:{color}" aria-label="{label}">'
        f'<span style="background:{color}">{label}</span></a>'
    )


def _part(number: int, part: LookPart) -> str:
    cut = image_tag(part.picture, "", side=120).replace(
        "<img", f'<img style="border-color:{_hex(part.found.label)}"', 1
    )
    matches = "".join(map(_match, part.matches))
    shown = f"<ol>{matches}</ol>" if matches else "<p>The catalog has nothing like it.</p>"
    return (
        f'<section class="part" id="part{number}"><h2>{cut}<b>{escape(part.found.label)}</b>'
        f'<span class="quiet">{part.found.score:.0%} sure</span><a class="back" href="#photo">photo ↑</a></h2>'
        f"{shown}</section>"
    )


def _match(match: Match) -> str:
    try:
        picture = (
            "no picture" if match.picture is None else image_tag(read_image(match.picture, target=240), "", side=240)
        )
    except CatalensError:
        picture = "picture missing"
    said = " · ".join(filter(None, (price_of(match), f"{match.score:.2f} alike")))
    return (
        f'<li><div class="pic">{picture}</div><p>{escape(match.title or match.sku)}<br>'
        f'<span class="quiet">{escape(said)}</span></p></li>'
    )


def _hex(label: str) -> str:
    return "#" + "".join(f"{value:02x}" for value in label_color(label))
