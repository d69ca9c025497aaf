"""HTML to plain text by one pass over it: no text, however broken, costs more than in proportion to its length."""

from __future__ import annotations

import html
import re

_BREAKS = frozenset(
    [
        "p", "div", "br", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "dl", "hr",
        "section", "article", "header", "footer", "blockquote", "pre", "tbody", "thead",
    ]
)  # fmt: skip
_CELLS = frozenset({"td", "th"})
_SILENT = frozenset({"script", "style", "head", "template", "noscript", "svg", "iframe", "object", "title"})
_INLINE = frozenset(
    [
        "a", "abbr", "acronym", "address", "area", "aside", "audio", "b", "base", "big", "body", "button", "caption",
        "center", "cite", "code", "col", "colgroup", "del", "details", "dfn", "em", "embed", "fieldset", "figcaption",
        "figure", "font", "form", "html", "i", "img", "input", "ins", "kbd", "label", "legend", "link", "main", "mark",
        "meta", "nav", "nobr", "option", "picture", "q", "s", "samp", "select", "small", "source", "span", "strike",
        "strong", "sub", "summary", "sup", "textarea", "tfoot", "time", "tt", "u", "var", "video", "wbr",
    ]
)  # fmt: skip
_TAGS = _BREAKS | _CELLS | _SILENT | _INLINE
_NAME = re.compile(r"</?([A-Za-z][\w:.-]{0,30})")
_ESCAPED = re.compile(r"</?(?:p|br|div|ul|ol|li|b|i|strong|em|span|h[1-6]|table|tr|td|a|font|img)\b", re.IGNORECASE)
_STOP = re.compile(r"[\"'>]")
_HUGE = re.compile(r"&#[xX]?[0-9a-fA-F]{8,};?")


def plain_text(markup: str) -> str:
    """Text of HTML: entities resolved, blocks on lines of their own, tags, scripts and styles gone.

    What only looks like a tag (`5 < 6`, `Cable <USB>`) stays; HTML that was escaped once more is read as HTML too.
    """
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    text = _read(markup)
    if "<" in text and _ESCAPED.search(text) and not _ESCAPED.search(markup):
        text = _read(text)
    lines = (re.sub(r"[^\S\n]+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _read(markup: str) -> str:
    parts: list[str] = []
    here, quoted, length = 0, True, len(markup)
    comments = True
    while here < length:
        start = markup.find("<", here)
        if start < 0:
            break
        parts.append(_unescaped(markup[here:start]))
        if markup.startswith("<![CDATA[", start):
            end = markup.find("]]>", start)
            end = length if end < 0 else end
            parts.append(markup[start + 9 : end])
            here = end + 3
            continue
        if comments and markup.startswith("<!--", start):
            end = markup.find("-->", start + 4)
            comments = end >= 0
            here = end + 3 if comments else start + 4
            continue
        found = _NAME.match(markup, start)
        name = found[1].lower() if found else ""
        if not (name in _TAGS or ":" in name or markup.startswith(("<!DOCTYPE", "<!doctype", "<?"), start)):
            parts.append("<")
            here = start + 1
            continue
        end = _end_of_tag(markup, start, quoted)
        if end < 0 and quoted:  # a quote is never closed: from here on only > ends a tag
            quoted = False
            end = _end_of_tag(markup, start, quoted)
        if end < 0:
            parts.append(_unescaped(markup[start:].partition(" ")[2]))
            here = length
            break
        here = end + 1
        closing = markup.startswith("</", start)
        if name in _SILENT and not closing and markup[end - 1] != "/":
            here = _after(markup, name, here)
        parts.append("\n" if name in _BREAKS or name in _SILENT else " " if name in _CELLS else "")
    parts.append(_unescaped(markup[here:]))
    return "".join(parts)


def _end_of_tag(markup: str, start: int, quoted: bool) -> int:
    """Where a tag ends; -1 where it does not."""
    if not quoted:
        return markup.find(">", start)
    here = start
    while stop := _STOP.search(markup, here):
        if stop[0] == ">":
            return stop.start()
        here = stop.end()
        if markup[max(start, stop.start() - 2) : stop.start()].rstrip().endswith("="):
            here = markup.find(stop[0], here) + 1
            if not here:
                return -1
    return -1


def _after(markup: str, name: str, here: int) -> int:
    """Where an element whose text does not count ends; the end of all where it is never closed."""
    end = re.compile(f"</{name}\\b[^<>]*>?", re.IGNORECASE).search(markup, here)
    return end.end() if end else len(markup)


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    return html.unescape(_HUGE.sub("\ufffd", text)).replace("\u00a0", " ").replace("\u00ad", "")
