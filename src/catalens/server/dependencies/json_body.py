"""JSON bodies: strict, bounded in size and depth, with pictures as data URLs decoded apart from the text.

Nothing here runs on the event loop: `uploads` calls it in a thread.
"""

from __future__ import annotations

import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalens import json_text
from catalens.errors import UsageError
from catalens.server.http.problems import RefusedError

MAX_TEXT = 2**20
"""Bytes of a body without its pictures."""
MAX_DEPTH = 32
"""Objects and arrays within each other."""
MAX_CONTAINERS = 50_000
"""Brackets that open one of them: parsing holds up other threads, and these take most of its time."""
DATA_URL = "data:"
_LONG = 2048
"""Characters from which on a data URL is taken out before the text is parsed."""
_STEP = 2**20
"""Characters of base64 decoded at a time, so that other threads get their turn; a multiple of four."""


@dataclass(frozen=True)
class JsonBody:
    """What a body says.

    Args:
        value: the parsed text; long data URLs in it are replaced by the names of pictures.
        pictures: encoded pictures by such names.
    """

    value: Any
    pictures: Mapping[str, bytes]


def parse_body(body: bytes | bytearray) -> JsonBody:
    """Parse a body; pictures are taken out first, so that the rest of it is small.

    Raises:
        UsageError: no valid JSON, nested too deeply, or a picture that is no base64.
        RefusedError: more than MAX_TEXT bytes without the pictures (413).
    """
    text, pictures = _take_pictures(body)
    require_short(len(text))
    return JsonBody(parse_json(text), pictures)


def require_short(size: int) -> None:
    """Check the size of a body without its pictures.

    Raises:
        RefusedError: more than MAX_TEXT bytes (413).
    """
    if size > MAX_TEXT:
        what = f"more than {MAX_TEXT} bytes beside its pictures"
        raise RefusedError(413, "body-too-large", what, cure="send less at a time, and many products as a feed")


def parse_json(text: bytes | str) -> Any:
    """Parse strict JSON (RFC 8259): no NaN, no lone surrogates, at most MAX_DEPTH levels, MAX_CONTAINERS in all.

    Raises:
        UsageError: the text is not valid.
    """
    try:
        raw = text if isinstance(text, bytes) else text.encode()
        if raw.count(b"[") + raw.count(b"{") > MAX_CONTAINERS:
            raise UsageError("the body has too many objects and arrays", cure=f"send at most {MAX_CONTAINERS}")
        found = json_text.parse_json(raw, constant=_refuse, depth=MAX_DEPTH)
        if b"\\u" in raw:  # only escapes make lone surrogates
            json.dumps(found, ensure_ascii=False).encode()
    except json_text.TooDeepError:
        raise UsageError(f"the body is nested more than {MAX_DEPTH} levels deep", cure="send it flatter") from None
    except ValueError:
        raise UsageError("the body is no JSON that can be read", cure="send an object") from None
    return found


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _take_pictures(body: bytes | bytearray) -> tuple[bytes, dict[str, bytes]]:
    """The text without its long data URLs, and these decoded, by the names that stand in their places."""
    name = f"{DATA_URL}{secrets.token_hex(16)}-"  # not to be guessed, so never sent
    parts, pictures, kept, start = list[bytes](), dict[str, bytes](), 0, body.find(b'"data:')
    while start >= 0 and (end := body.find(b'"', start + 6)) >= 0:
        if end - start < _LONG or body[start - 1 : start] == b"\\":  # an escaped quote stands within a text
            start = body.find(b'"data:', start + 6)
            continue
        picture = f"{name}{len(pictures)}"
        pictures[picture] = _decode_url(bytes(memoryview(body)[start + 1 : end]))
        parts += [bytes(memoryview(body)[kept : start + 1]), picture.encode()]
        kept, start = end, body.find(b'"data:', end + 1)
    if len(body) - kept > MAX_TEXT:
        require_short(len(body) - kept)
    return b"".join([*parts, bytes(memoryview(body)[kept:])]), pictures


def from_data_url(text: object, *, name: str = "image") -> bytes:
    """Bytes of a base64 data URL.

    Raises:
        UsageError: the text is not one.
    """
    if not isinstance(text, str) or not text.startswith(DATA_URL):
        raise UsageError(f"{name} is no data URL", cure="send data:image/jpeg;base64,...")
    return _decode_url(text.encode("utf-8", "replace"), name=name)


def _decode_url(url: bytes, *, name: str = "image") -> bytes:
    if b";base64," not in url[:100]:
        raise UsageError(f"{name} is no data URL", cure="send data:image/jpeg;base64,...")
    if b"\\" in url:  # some write a slash as \/, which JSON allows
        url = url.replace(b"\\/", b"/")
    start, view, parts = url.index(b",") + 1, memoryview(url), list[bytes]()
    try:
        while start < len(url):
            piece = view[start : start + _STEP]
            start += len(piece)
            if start < len(url) and piece[-1] == ord("="):
                raise binascii.Error("padding within the data")
            parts.append(binascii.a2b_base64(piece, strict_mode=True))
    except binascii.Error:
        raise UsageError(f"{name} is no base64", cure="send data:image/jpeg;base64,...") from None
    return b"".join(parts)
