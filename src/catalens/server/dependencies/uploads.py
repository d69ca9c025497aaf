"""Pictures and fields of requests: multipart with a file `image`, JSON with a data URL, or the picture as the body.

Web addresses of pictures are fetched from allowed hosts only, guarded by `images.remote`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from catalens.errors import UsageError
from catalens.images.remote import fetch_image_bytes
from catalens.options import Option, check, point_of
from catalens.server.dependencies.auth import state_of
from catalens.server.dependencies.state import State
from catalens.server.http.problems import RefusedError

T = TypeVar("T")
DATA_URL = "data:"
ADDRESSES = ("http://", "https://")
FETCH_S = 8.0
"""Seconds to fetch a picture from its address."""


@dataclass(frozen=True)
class Upload:
    """Encoded pictures by name, and the other fields of the body or the query."""

    pictures: Mapping[str, bytes]
    fields: Mapping[str, Any]

    @property
    def image(self) -> bytes | None:
        """The picture called `image`, if any."""
        return self.pictures.get("image") or None

    def picture(self, name: str = "image") -> bytes:
        """The encoded picture of a name.

        Raises:
            UsageError: the request has none.
        """
        if not self.pictures.get(name):
            what = "no picture came" if name == "image" else f"no picture called {name!r} came"
            raise UsageError(what, cure=f'send multipart with a file "{name}", or JSON {{"{name}": "data:..."}}')
        return self.pictures[name]

    def text(self, name: str, default: str | None = None) -> str | None:
        """A text field."""
        value = self.fields.get(name, default)
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{name} is {value!r}", cure="send a text")
        return value

    def value(self, option: Option[T]) -> T:
        """The value of an option: its default where the field is absent, or a text that is empty.

        Raises:
            UsageError: the option does not allow it, or one request may not ask for so much.
        """
        if option.name not in self.fields or (option.kind == "text" and self.fields[option.name] == ""):
            return option.default
        read: dict[str, Callable[[str], Any]] = {
            "text": self.text, "texts": self.texts, "whole": self._number, "number": self._number, "flag": self._flag,
            "pairs": self._object, "filter": self._filter, "pictures": self._pictures, "point": self._point,
        }  # fmt: skip
        found = read[option.kind](option.name)
        check(option, found)
        size = found if option.kind in ("whole", "number") else len(found) if isinstance(found, list) else 0
        if option.http_maximum is not None and size is not None and size > option.http_maximum:
            what = f"{option.name} is {found!r}" if size is found else f"{size} {option.name}"
            raise UsageError(what, cure=f"send at most {option.http_maximum}")
        return cast(T, found)

    def _number(self, name: str) -> object:
        """A number, whole where it is one; what is none stays as it is, to be refused."""
        value = self.fields[name]
        try:
            number = float("nan" if isinstance(value, bool) else value)
        except (TypeError, ValueError, OverflowError):
            return value
        return value if math.isnan(number) else int(number) if number.is_integer() else number

    def _flag(self, name: str) -> object:
        value = self.fields[name]
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower(), value)

    def _object(self, name: str) -> Mapping[str, Any] | None:
        """An object, or one as JSON text."""
        value = self.fields[name]
        if isinstance(value, str):
            value = parse_json(value)
        if value is not None and not isinstance(value, dict):
            raise UsageError(f"{name} is no object", cure='send an object, such as {"color": 0.5, "deep": 0.5}')
        return value

    def _filter(self, name: str) -> str | Mapping[str, Any] | None:
        value = self.fields[name]
        if value is not None and not isinstance(value, str | dict):
            raise UsageError(f"{name} is {value!r}", cure='send "color=red and price<50"')
        return value or None

    def _point(self, name: str) -> tuple[float, float]:
        return point_of(self.text(name) or "", name=name)

    def _pictures(self, name: str) -> list[bytes]:
        """Pictures as a list of data URLs."""
        value = self.fields[name]
        if not isinstance(value, list):
            raise UsageError(f"{name} is no list of pictures", cure="send data URLs in a list, as JSON")
        return [from_data_url(one, name=name) for one in value]

    def texts(self, name: str) -> list[str]:
        """A list of texts, or one text with commas."""
        value = self.fields.get(name, [])
        found = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise UsageError(f"{name} is {value!r}", cure="send a list of texts")
        return [one for one in found if one.strip()]


async def read_upload(request: Request, *, known: Collection[str], pictures: Sequence[str] = ("image",)) -> Upload:
    """Read the pictures and fields of a request.

    Args:
        known: names of the route's fields; others are refused, so that a typo is noticed.
        pictures: names of the route's pictures; a body that is a picture itself is the first of them.

    Raises:
        UsageError: the body is malformed or has unknown fields.
        RefusedError: unsupported content type (415).
    """
    kind = content_kind(request)
    items = list(request.query_params.multi_items())
    found: dict[str, bytes] = {}
    addresses: dict[str, object] = {}
    if kind == "multipart/form-data":
        try:
            async with request.form(max_files=len(pictures), max_fields=64) as form:
                for name, value in form.multi_items():
                    if not isinstance(value, UploadFile):
                        items.append((name, value))
                    elif name in pictures:
                        found[name] = await value.read()
                    else:
                        raise UsageError(f"a file called {name!r}", cure=f"call it {' or '.join(pictures)}")
        except HTTPException as error:  # raised by the framework for a malformed form
            raise UsageError(f"the form is not readable: {error.detail}", cure="send one file, few fields") from None
    elif kind == "application/json":
        sent = parse_json(await request.body())
        if not isinstance(sent, dict):
            raise UsageError("the body is no JSON object", cure="send an object")
        addresses = {name: sent.pop(name) for name in pictures if name in sent}
        items.extend(sent.items())
    elif kind.startswith("image/") or kind == "application/octet-stream":
        found[pictures[0]] = await request.body()
    elif kind and await request.body():
        raise RefusedError(
            415, "wrong-content-type", f"a body of {kind}", cure="send multipart/form-data, application/json or image/*"
        )
    fields = _merge_fields(items)
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UsageError(f"unknown field {unknown[0]!r}", cure=f"fields are {', '.join(sorted(known))}")
    for name, address in addresses.items():
        if address is not None:
            found[name] = await fetch_picture(address, state_of(request), name=name)
    return Upload(found, fields)


def content_kind(request: Request) -> str:
    """Media type of a request's body in lower case; empty where it has none.

    Raises:
        RefusedError: another charset than UTF-8 (415): some take quadratic time to decode.
    """
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    for parameter in rest.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise RefusedError(415, "wrong-content-type", "a body that is not in UTF-8", cure="send UTF-8")
    return kind.strip()


def parse_json(text: bytes | str) -> Any:
    """Parse strict JSON (RFC 8259): no NaN, no lone surrogates, no excessive nesting.

    Raises:
        UsageError: the text is not valid.
    """
    try:
        found = json.loads(text, parse_constant=_refuse)
        if b"\\u" in (text if isinstance(text, bytes) else text.encode()):  # only escapes make lone surrogates
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise UsageError("the body is no JSON that can be read", cure="send an object") from None
    return found


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _merge_fields(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields by name; a repeated field becomes a list."""
    fields: dict[str, Any] = {}
    for name, value in items:
        if isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
            raise UsageError(f"{name} is not text", cure="send UTF-8")
        if name in fields:
            before = fields[name]
            fields[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            fields[name] = value
    return fields


async def fetch_picture(given: object, state: State, *, name: str = "image") -> bytes:
    """Encoded picture of a data URL or of a web address at an allowed host.

    Raises:
        UsageError: neither.
        RemoteError: the address could not be fetched.
        RefusedError: too many addresses are being fetched.
    """
    if not isinstance(given, str) or not given.startswith(ADDRESSES):
        return from_data_url(given, name=name)
    hosts = state.options.url_hosts
    if not hosts:
        raise UsageError("addresses of pictures are not read", cure="send data:image/jpeg;base64,...")
    return await state.limiters["fetch"].run(lambda: fetch_image_bytes(given, allow_hosts=hosts, deadline_s=FETCH_S))


def from_data_url(text: object, *, name: str = "image") -> bytes:
    """Bytes of a base64 data URL.

    Raises:
        UsageError: the text is not one.
    """
    if not isinstance(text, str) or not text.startswith(DATA_URL) or ";base64," not in text[:100]:
        raise UsageError(f"{name} is no data URL", cure="send data:image/jpeg;base64,...")
    try:
        return base64.b64decode(text.partition(",")[2], validate=True)
    except binascii.Error:
        raise UsageError(f"{name} is no base64", cure="send data:image/jpeg;base64,...") from None
