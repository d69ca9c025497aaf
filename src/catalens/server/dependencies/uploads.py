"""Pictures and fields of requests: multipart with a file `image`, JSON with a data URL, or the picture as the body.

Bodies are only collected on the event loop, and parsed in a thread. Web addresses of pictures are fetched from allowed
hosts only, guarded by `images.remote`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from fastapi import Request
from pydantic import BaseModel, ValidationError

from catalens.errors import UsageError
from catalens.images.remote import fetch_image_bytes
from catalens.options import Option, check, point_of
from catalens.server.dependencies.auth import state_of
from catalens.server.dependencies.json_body import from_data_url, parse_body, parse_json, require_short
from catalens.server.dependencies.multipart import boundary_of, find_parts
from catalens.server.dependencies.state import State
from catalens.server.http.problems import RefusedError

T = TypeVar("T")
ADDRESSES = ("http://", "https://")
FETCH_S = 8.0
"""Seconds to fetch a picture from its address."""
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Upload:
    """Encoded pictures by name, and the other fields of the body or the query.

    Args:
        taken: pictures that JSON held as data URLs, by the names that stand in their places in `fields`.
    """

    pictures: Mapping[str, bytes]
    fields: Mapping[str, Any]
    taken: Mapping[str, bytes] = field(default_factory=dict)

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
        return [
            self.taken[one] if isinstance(one, str) and one in self.taken else from_data_url(one, name=name)
            for one in value
        ]

    def texts(self, name: str) -> list[str]:
        """A list of texts, as JSON in a form, too; or one text with commas."""
        value = self.fields.get(name, [])
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = parse_json(value)
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
        RefusedError: unsupported content type (415), too much text (413), too many bodies (429).
    """
    kind, whole = content_kind(request), request.headers.get("content-type", "")
    query = list(request.query_params.multi_items())
    body = await _read_body(request) if kind else bytearray()
    state = state_of(request)
    found = await state.limiters["parse"].run(lambda: _parse_upload(kind, whole, body, query, pictures, known))
    sent = dict(found.pictures)
    for name in pictures:
        address = found.fields.get(name)
        if address is not None:
            sent[name] = await fetch_picture(address, state, name=name, taken=found.taken)
    fields = {name: value for name, value in found.fields.items() if name not in pictures}
    return replace(found, pictures=sent, fields=fields)


async def read_model(request: Request, model: type[M]) -> tuple[M, Mapping[str, bytes]]:
    """Read and check a JSON body; returns it, and its pictures by the names that stand in their places.

    Raises:
        UsageError: the body is no JSON.
        ValidationError: it does not fit the model.
        RefusedError: unsupported content type (415), too much text (413), too many bodies at a time (429).
    """
    kind = content_kind(request)
    if kind != "application/json":
        raise RefusedError(
            415, "wrong-content-type", f"a body of {kind[:80] or 'no type'}", cure="send application/json"
        )
    body = await _read_body(request)

    def parse() -> tuple[M, Mapping[str, bytes]]:
        found = parse_body(body)
        try:
            return model.model_validate(found.value), found.pictures
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in ("body", *first["loc"]))
            raise RefusedError(
                422, "bad-fields", f"{place[:200]}: {first['msg'][:200]}", cure="/docs describes the fields"
            ) from None

    return await state_of(request).limiters["parse"].run(parse)


async def _read_body(request: Request) -> bytearray:
    body = bytearray()
    async for piece in request.stream():
        body += piece
    return body


def _parse_upload(
    kind: str,
    content_type: str,
    body: bytearray,
    items: list[tuple[str, Any]],
    pictures: Sequence[str],
    known: Collection[str],
) -> Upload:
    """Pictures that came as files, and all fields; those of the names of pictures are data URLs or addresses."""
    found: dict[str, bytes] = {}
    taken: Mapping[str, bytes] = {}
    in_fields: Collection[str] = ()
    if kind == "multipart/form-data":
        form, texts = io.BytesIO(body), 0
        for part in find_parts(form, boundary_of(content_type)):
            if part.filename is None:
                texts += part.stop - part.start
                require_short(texts)
                items.append((part.name, part.read(form).decode("utf-8", "surrogateescape")))
            elif part.name in pictures:
                found[part.name] = part.read(form)
            else:
                raise UsageError(f"a file called {part.name[:80]!r}", cure=f"call it {' or '.join(pictures)}")
    elif kind == "application/json":
        sent = parse_body(body)
        if not isinstance(sent.value, dict):
            raise UsageError("the body is no JSON object", cure="send an object")
        items.extend(sent.value.items())
        taken, in_fields = sent.pictures, pictures
    elif pictures and (kind.startswith("image/") or kind == "application/octet-stream"):
        found[pictures[0]] = bytes(body)
    elif kind and body:
        cure = "send multipart/form-data, application/json or image/*"
        raise RefusedError(415, "wrong-content-type", f"a body of {kind[:80]}", cure=cure)
    allowed = {*known, *in_fields}
    unknown = next((name for name, _ in items if name not in allowed), None)
    if unknown is not None:
        raise UsageError(f"unknown field {unknown[:80]!r}", cure=f"fields are {', '.join(sorted(known))}")
    return Upload(found, _merge_fields(items), taken)


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


def _merge_fields(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields by name; a repeated field becomes a list."""
    fields: dict[str, Any] = {}
    for name, value in items:
        if isinstance(value, str) and not _is_text(value):
            raise UsageError(f"{name} is not text", cure="send UTF-8")
        if name in fields:
            before = fields[name]
            fields[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            fields[name] = value
    return fields


def _is_text(value: str) -> bool:
    """Whether there are no lone surrogates, which stand for bytes that are not UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


async def fetch_picture(given: object, state: State, *, taken: Mapping[str, bytes], name: str = "image") -> bytes:
    """Encoded picture of a data URL or of a web address at an allowed host.

    Args:
        taken: pictures that were taken out of the body, by the names that stand in their places.

    Raises:
        UsageError: neither.
        RemoteError: the address could not be fetched.
        RefusedError: too many addresses are being fetched.
    """
    if isinstance(given, str) and given in taken:
        return taken[given]
    if not isinstance(given, str) or not given.startswith(ADDRESSES):
        return from_data_url(given, name=name)
    hosts = state.options.url_hosts
    if not hosts:
        raise UsageError("addresses of pictures are not read", cure="send data:image/jpeg;base64,...")
    return await state.limiters["fetch"].run(lambda: fetch_image_bytes(given, allow_hosts=hosts, deadline_s=FETCH_S))
