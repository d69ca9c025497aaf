"""Self-contained HTML pages: inline pictures, no scripts, no external resources."""

from __future__ import annotations

import base64
from html import escape

from catalens.images.draw import encode_image
from catalens.images.prepare import Preprocess
from catalens.types import ImageArray

SIDE = 320
"""Default longest side of pictures on a page, in pixels."""

STYLE = """
:root{color-scheme:light dark;--paper:#f7f7f5;--card:#fff;--ink:#1c1c1e;--quiet:#6b6b70;--line:#e4e4df;
--accent:#2e5cdc;--good:#2a9d6f;--bad:#d9485f}@media(prefers-color-scheme:dark){:root{--paper:#141416;
--card:#1e1e21;--ink:#f2f2f0;--quiet:#a0a0a6;--line:#303035;--accent:#7c9cff;--good:#5fd0a2;--bad:#ff7a90}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif}main{
max-width:1240px;margin:0 auto;padding:48px 28px 80px}h1{font-size:30px;line-height:1.2;margin:0 0 8px;
letter-spacing:-.02em}h2{font-size:20px;margin:0;letter-spacing:-.01em}p{margin:0 0 8px;color:var(--quiet);
max-width:70ch}section{margin-top:52px}.quiet{color:var(--quiet);font-size:14px}
"""
"""Style of all pages: light and dark mode, narrow screens."""


def html_page(body: str, *, title: str, style: str = "") -> str:
    """HTML page around a body of HTML; the title is plain text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body><main>{body}</main></body></html>\n"
    )


def image_tag(image: ImageArray, alt: str, *, side: int = SIDE) -> str:
    """`<img>` tag with an inline picture whose longest side is at most `side` pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    data = encode_image(Preprocess(size=size, fit="stretch").place(image)[0], format="WEBP", quality=82)
    return f'<img alt="{escape(alt)}" src="data:image/webp;base64,{base64.b64encode(data).decode()}">'
