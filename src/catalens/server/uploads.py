"""Pictures in requests: multipart with a file called `image`, JSON with a data URL, or the picture as the body."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalens.errors import UsageError
from catalens.server.problems import RefusedError, problem_of

DATA_URL = "data:"


@dataclass(frozen=True)
class Upload:
    """A picture's bytes, and the other fields that came with it or in the query."""

    image: bytes | None
    fields: Mapping[str, Any]

    def picture(self) -> bytes:
        """The picture.

        Raises:
            UsageError: none came.
        """
        if not self.image:
            raise UsageError(
                "no picture came", cure='send multipart with a file "image", or JSON {"image": "data:..."}'
            )
        return self.image

    def text(self, name: str, default: str | None = None) -> str | None:
        """A text field."""
        value = self.fields.get(name, default)
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{name} is {value!r}", cure="send a text")
        return value

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """A number field within bounds."""
        value = self.fields.get(name, default)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if isinstance(value, bool) or not least <= number <= most:
            raise UsageError(f"{name} is {value!r}", cure=f"send a number from {least:g} to {most:g}")
        return number

    def weights(self) -> dict[str, float] | None:
        """The field `weights`: an object of numbers, or such an object as JSON text."""
        value = self.fields.get("weights")
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = 0
        if value is not None and not isinstance(value, dict):
            raise UsageError("weights is no object", cure='send {"color": 0.5, "deep": 0.5}')
        return value

    def filter(self) -> str | Mapping[str, Any] | None:
        """The field `where`: a filter as text or as an object."""
        value = self.fields.get("where")
        if value is not None and not isinstance(value, str | dict):
            raise UsageError(f"where is {value!r}", cure='send "color=red and price<50"')
        return value or None

    def texts(self, name: str) -> list[str]:
        """A list of texts, or one text with commas."""
        value = self.fields.get(name, [])
        found = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise UsageError(f"{name} is {value!r}", cure="send a list of texts")
        return [one for one in found if one]


async def read_upload(request: Request, *, known: Collection[str]) -> Upload:
    """What a request carries.

    Args:
        known: names of the fields that the route understands; others are refused, for a typo must not pass silently.

    Raises:
        UsageError: it cannot be understood, or has unknown fields.
        RefusedError: another content type (415).
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields: dict[str, Any] = dict(request.query_params)
    image: bytes | None = None
    if kind == "multipart/form-data":
        try:
            async with request.form(max_files=1, max_fields=64) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile) and name == "image":
                        image = await value.read()
                    else:
                        fields[name] = value
        except HTTPException as error:  # as the framework says that a form cannot be read
            raise UsageError(f"the form is not readable: {error.detail}", cure="send one file, few fields") from None
    elif kind == "application/json":
        image = _from_json(await request.body(), fields)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        image = await request.body()
    elif kind and await request.body():
        raise RefusedError(
            415, "wrong-content-type", f"a body of {kind}", cure="send multipart/form-data, application/json or image/*"
        )
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise UsageError(f"unknown field {unknown[0]!r}", cure=f"fields are {', '.join(sorted(known))}")
    return Upload(image, fields)


def _from_json(body: bytes, fields: dict[str, Any]) -> bytes | None:
    try:
        found = json.loads(body)
    except ValueError:
        raise UsageError("the body is no JSON", cure="send an object") from None
    if not isinstance(found, dict):
        raise UsageError("the body is no JSON object", cure="send an object")
    image = found.pop("image", None)
    fields.update(found)
    return None if image is None else from_data_url(image)


def from_data_url(text: object) -> bytes:
    """The bytes of a base64 data URL.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(text, str) or not text.startswith(DATA_URL) or ";base64," not in text[:100]:
        raise UsageError("image is no data URL", cure="send data:image/jpeg;base64,...; addresses are not read")
    try:
        return base64.b64decode(text.partition(",")[2], validate=True)
    except binascii.Error:
        raise UsageError("image is no base64", cure="send data:image/jpeg;base64,...") from None


class BodyLimit:
    """Counts bytes while a body arrives, whatever its header says, and refuses what is too much.

    Args:
        limit: bytes; longer: path -> bytes, where more may come.
    """

    def __init__(self, app: ASGIApp, *, limit: int, longer: Mapping[str, int]) -> None:
        self._app, self._most, self._longer = app, limit, longer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._longer.get(scope["path"], self._most)
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said) > limit:
            await problem_of(self._refusal(limit))(scope, receive, send)
            return
        counted = 0

        async def counting() -> Message:
            nonlocal counted
            message = await receive()
            counted += len(message.get("body", b""))
            if counted > limit:
                raise self._refusal(limit)
            return message

        try:
            await self._app(scope, counting, send)
        except RefusedError as refusal:
            await problem_of(refusal)(scope, receive, send)

    @staticmethod
    def _refusal(limit: int) -> RefusedError:
        return RefusedError(413, "body-too-large", f"more than {limit} bytes", cure="send a smaller picture")
