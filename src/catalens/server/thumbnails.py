"""Pictures as they leave the house: encoded anew, small, sRGB, no metadata but the mark of generated content.

The last ones are kept in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from catalens.images.draw import encode_image
from catalens.images.prepare import resize
from catalens.types import ImageArray

SIDES = (160, 320, 640, 1280)
QUALITY = {"WEBP": 80, "AVIF": 60, "JPEG": 84}
KEPT = 64 * 2**20
"""Bytes of pictures that are kept."""
Name = tuple[str, str, int, str]
"""(tenant, hash, side, format)."""


def format_for(accept: str) -> str:
    """The best format that a browser says it takes. WebP before AVIF, whose encoder takes ten times as long."""
    taken = {kind for kind, quality in map(_quality, accept.lower().split(",")) if quality > 0}
    return next((name for name in ("WEBP", "AVIF") if f"image/{name.lower()}" in taken), "JPEG")


def _quality(said: str) -> tuple[str, float]:
    """One entry of an Accept header (RFC 9110, 12.5.1): the type, and how much it is wanted."""
    kind, *parameters = (part.strip() for part in said.split(";"))
    try:
        return kind, next((float(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
    except ValueError:
        return kind, 0.0


def small(image: ImageArray, *, side: int, format: str, mark: str | None = None) -> bytes:
    """A picture at most `side` pixels long, never enlarged, encoded anew, with the mark that its file had."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    image = resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))
    return encode_image(image, format=format, quality=QUALITY[format], mark=mark)


class Thumbnails:
    """The least recently used are forgotten first.

    Args:
        kept: bytes in all.
    """

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept, self._bytes = kept, 0
        self._known: OrderedDict[Name, bytes] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, name: Name, make: Callable[[], bytes]) -> bytes:
        """The picture of that name, made if it is not known."""
        with self._guard:
            if name in self._known:
                self._known.move_to_end(name)
                return self._known[name]
        made = make()
        with self._guard:
            if name not in self._known:
                self._known[name] = made
                self._bytes += len(made)
            while self._bytes > self._kept and self._known:
                self._bytes -= len(self._known.popitem(last=False)[1])
        return made
