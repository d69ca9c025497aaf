"""What stands before each parser: rows above a header, delimiters, broken XML; mended where the sense is plain."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import islice

from catalens.feeds.columns import is_known
from catalens.feeds.delimited import DELIMITERS, Records, delimiter_of
from catalens.images.folder import SUFFIXES

LOOKED_AT = 20
"""Rows in which a header is looked for."""
_SEP = re.compile(r"\ufeff?\"?sep=(.)\"?\s*$", re.IGNORECASE)
_MACHINE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?:#\d+\.value|\[.*)?")
_DEMANDS = frozenset(
    {"required", "optional", "preferred", "conditionally required", "recommended", "pflicht", "desired"}
)
_DATA = re.compile(
    rf"https?://|//\w|[-+$€£¥]?\s?\d[\d.,\s]*(?:[A-Z]{{3}}|[$€£¥%])?$|.*\.(?:{'|'.join(s[1:] for s in SUFFIXES)})$",
    re.I,
)


def delimiter_in(lines: Sequence[str]) -> tuple[str, int]:
    """(Delimiter, lines above the table) by the first lines: as `sep=` says, else by which names of columns appear.

    Where no column is known, the sign that divides most lines alike.
    """
    if lines and (found := _SEP.match(lines[0])):
        return found[1], 1
    best, best_worth = delimiter_of(lines[0] if lines else ""), (0, 0)
    for mark in DELIMITERS:
        rows = [cells for _, cells in islice(Records(iter(lines), mark), LOOKED_AT) if isinstance(cells, list)]
        known = max((sum(is_known(cell) for cell in row[:200]) for row in rows if len(row) > 1), default=0)
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=widths.count, default=1)
        worth = known, widths.count(usual) * (usual - 1)
        if worth > best_worth:
            best, best_worth = mark, worth
    return best, 0


def header_in(rows: Sequence[Sequence[str]]) -> int | None:
    """Which of the first rows is the header; None where the first is a product already.

    The row that has the most names of columns, where the first has hardly any: above it stand remarks, versions of a
    template, labels for people.
    """
    if not rows:
        return 0
    worths = [_worth(row) for row in rows]
    first = worths[0]
    best = max(range(len(rows)), key=lambda number: (worths[number], -number))
    is_remark = rows[0][0].lstrip("\ufeff").startswith(("#", "TemplateType=", "settings=", "//")) or (
        len([cell for cell in rows[0] if cell.strip()]) <= 1 < len(rows[best])
    )
    if worths[best] >= 2 and (is_remark or first < 1):
        return best
    if is_remark:
        after = [number for number, row in enumerate(rows) if not row[0].startswith("#") and _filled(row) > 1]
        return after[0] if after else 0
    if first < 1 and any(_DATA.match(cell.strip()) for cell in rows[0] if len(cell) < 4000):
        return None
    return 0


def is_remark(cells: Sequence[str]) -> bool:
    """Whether a row below the header is no product: a remark, or what a template demands of each column."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if cells[0].startswith("# ") or (cells[0].startswith("#") and len(filled) == 1):
        return True
    return bool(filled) and all(cell.lower() in _DEMANDS for cell in filled)


def _filled(row: Iterable[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _worth(row: Sequence[str]) -> float:
    """How many names of columns a row has; names as machines write them count a little more."""
    if row and row[0].lstrip("\ufeff").startswith(("#", "TemplateType=", "settings=")):
        return 0
    cells = [cell.strip() for cell in row[:500] if 0 < len(cell.strip()) < 120]
    return sum(is_known(cell) + 0.25 * bool(_MACHINE.fullmatch(cell)) for cell in cells)


_AMPERSAND = re.compile(
    r"&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)(?:([A-Za-z][A-Za-z0-9]{1,31});)?"
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMERIC = re.compile(r"&#(?:(\d{1,7})|[xX]([0-9a-fA-F]{1,6}));")


def has_wrong_signs(text: str) -> bool:
    """Whether a text has signs that XML does not have, or that stand for bytes of no sign."""
    return "\ufffd" in text or _FORBIDDEN.search(text) is not None


def mended_xml(text: str) -> str:
    """XML with bare ampersands, entities of HTML and control characters replaced, outside of CDATA."""
    text = _FORBIDDEN.sub("\ufffd", text)
    if "&" not in text:
        return text
    parts = text.split("<![CDATA[")
    parts[0] = _mended(parts[0])
    for number in range(1, len(parts)):
        inside, end, outside = parts[number].partition("]]>")
        parts[number] = inside + end + _mended(outside)
    return "<![CDATA[".join(parts)


def _mended(text: str) -> str:
    text = _AMPERSAND.sub(lambda found: _entity(found[1]), text)
    return _NUMERIC.sub(lambda found: _numbered(found[0], int(found[1] or found[2], 10 if found[1] else 16)), text)


def _entity(name: str | None) -> str:
    if name is None:
        return "&amp;"
    meant = html.unescape(f"&{name};")
    return f"&amp;{name};" if meant == f"&{name};" or meant in "<>&\"'" else meant


def _numbered(written: str, code: int) -> str:
    is_allowed = code in {9, 10, 13} or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return written if is_allowed else "\ufffd"
