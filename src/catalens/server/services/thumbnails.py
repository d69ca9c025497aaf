"""Thumbnails: small sRGB pictures without metadata but the mark of generated content, cached in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection

from catalens.images.draw import encode_image
from catalens.images.prepare import resize
from catalens.types import ImageArray

SIDES = (160, 320, 640, 1280)
QUALITY = {"WEBP": 80, "AVIF": 60, "JPEG": 84}
CACHE_BYTES = 64 * 2**20
CacheKey = tuple[str, str, int, str]
"""(tenant, hash, side, format)."""


def negotiate_format(accept: str) -> str:
    """Best format that an Accept header allows: WebP, then AVIF (ten times as slow to encode), else JPEG."""
    taken = {kind for kind, quality in map(_quality, accept.lower().split(",")) if quality > 0}
    return next((name for name in ("WEBP", "AVIF") if f"image/{name.lower()}" in taken), "JPEG")


def _quality(said: str) -> tuple[str, float]:
    """Media type and quality value of one entry of an Accept header (RFC 9110, 12.5.1)."""
    kind, *parameters = (part.strip() for part in said.split(";"))
    try:
        return kind, next((float(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
    except ValueError:
        return kind, 0.0


def encode_thumbnail(image: ImageArray, *, side: int, format: str, mark: str | None = None) -> bytes:
    """Encoded copy with a longest side of at most `side` pixels, never enlarged, with the mark of its source file."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    image = resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))
    return encode_image(image, format=format, quality=QUALITY[format], mark=mark)


class ThumbnailCache:
    """LRU cache of encoded thumbnails.

    Args:
        max_bytes: of all thumbnails together.
    """

    def __init__(self, *, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._cache: OrderedDict[CacheKey, bytes] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, name: CacheKey, make: Callable[[], bytes]) -> bytes:
        """The cached thumbnail; made and cached if absent."""
        with self._guard:
            if name in self._cache:
                self._cache.move_to_end(name)
                return self._cache[name]
        made = make()
        with self._guard:
            if name not in self._cache:
                self._cache[name] = made
                self._bytes += len(made)
            while self._bytes > self._max_bytes and self._cache:
                self._bytes -= len(self._cache.popitem(last=False)[1])
        return made

    def forget(self, tenant: str, hashes: Collection[str]) -> None:
        """Drop all thumbnails of some pictures."""
        with self._guard:
            for name in [name for name in self._cache if name[0] == tenant and name[1] in hashes]:
                self._bytes -= len(self._cache.pop(name))
