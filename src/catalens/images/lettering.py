"""Fonts for text in drawn pictures: one that has all glyphs, so that no empty boxes are drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from PIL import ImageFont

from catalens import settings
from catalens.errors import UsageError

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

NAMES = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "NotoSansSC-Regular.ttf",
    "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf", "msyh.ttc", "simhei.ttf", "simsun.ttc", "msgothic.ttc", "malgun.ttf", "PingFang.ttc",
    "Hiragino Sans GB.ttc", "STHeiti Light.ttc", "Arial Unicode.ttf", "DejaVuSans.ttf", "NotoSans-Regular.ttf",
    "arial.ttf", "LiberationSans-Regular.ttf",
)  # fmt: skip
"""Fonts of many letters that Linux, Windows and macOS bring or offer, Chinese ones first: these have Latin, too. Pillow
looks for them where each system keeps its fonts."""
_NOBODYS = "\uffff"
"""No character: what a font draws for it, it draws for all that it lacks."""


def drawable_text(text: str, size: int, *, instead: str = "") -> tuple[str, Font]:
    """The drawable form of a text on one line, and a font of the given size that has all its glyphs.

    Pillow's own font is taken where it does, else one of the system. Where none does, accents and signs (not letters)
    are left off; where that does not help, `instead` is drawn.

    Raises:
        UsageError: the font of `CATALENS_FONT` cannot be read.
    """
    line = " ".join(text.split())
    for said in (line, _plain(line)):
        name = next((name for name in _names() if all(_has(name, letter) for letter in said)), None)
        if name is not None and (said or not line):
            return said, _font(name, size)
    return instead, _font("", size)


def missing_glyphs(texts: Sequence[str]) -> tuple[str, ...]:
    """The texts that no installed font can draw, without repeats."""
    return tuple(text for text in dict.fromkeys(texts) if text and not drawable_text(text, 20)[0])


def _plain(line: str) -> str:
    """Text without accents and emoji."""
    letters = (one for one in unicodedata.normalize("NFKD", line) if not unicodedata.combining(one))
    return " ".join("".join(one for one in letters if one.isascii() or one.isalnum()).split())


def _names() -> Iterator[str]:
    """Fonts to try, "" for Pillow's own; installed ones are searched only where that is not enough."""
    yield ""
    yield from _installed(settings.font())


@lru_cache
def _installed(own: str | None) -> tuple[str, ...]:
    """Installed fonts, the user's own first."""
    found = []
    if own is not None:
        try:
            ImageFont.truetype(own)
        except OSError as error:
            raise UsageError(f"CATALENS_FONT is {own!r}: {error}", cure="name a font file (.ttf, .otf, .ttc)") from None
        found.append(own)
    for name in NAMES:
        try:
            ImageFont.truetype(name)
        except OSError:  # it is not here
            continue
        found.append(name)
    return tuple(found)


@lru_cache(64)
def _font(name: str, size: int) -> Font:
    return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)


@lru_cache(1 << 16)
def _has(name: str, letter: str) -> bool:
    return letter.isspace() or _drawn(name, letter) not in (_drawn(name, _NOBODYS), b"")


def _drawn(name: str, letter: str) -> bytes:
    mask = _font(name, 20).getmask(letter)
    return bytes(mask) if mask.size[0] else b""
