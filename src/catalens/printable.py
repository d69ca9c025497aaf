"""Texts of strangers made fit for a terminal or a log: what would move the cursor, hide or forge lines is shown."""

from __future__ import annotations

import json
import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    "|(?<![^\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f])"
)
"""Control characters (C0 but the tab, C1), bidirectional controls, characters without width, halves of surrogates.
Joiners stay between letters of scripts and signs that are written with them."""


def printable(text: str, *, encoding: str = "utf-8") -> str:
    """A text as one line, in which what is unsafe or not in the encoding is shown as an escape of Python."""
    clean = _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    return clean.encode(encoding, "backslashreplace").decode(encoding)


def printable_json(value: object, *, encoding: str = "utf-8", indent: int | None = None) -> str:
    """A JSON text of exactly this value, in which unsafe characters are escaped as JSON does."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub(r"[^\n\x20-\x7e]", lambda found: _escaped(found[0], encoding), text)


def _escaped(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        is_safe = False
    else:
        is_safe = not _UNSAFE.match(character)
    return character if is_safe else "".join(f"\\u{unit:04x}" for unit in _units(character))


def _units(character: str) -> tuple[int, ...]:
    """Its code units in UTF-16, as JSON escapes them."""
    data = character.encode("utf-16-be", "surrogatepass")
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
