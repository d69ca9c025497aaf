"""Schemas of the OpenAPI document; the table of a route's fields also defines which fields it accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
FLAG: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT},
}
REFUSALS: Mapping[int, str] = {
    400: "Not understood",
    401: "No key, or a wrong one",
    403: "Not allowed",
    404: "Not there",
    408: "The body came too slowly",
    409: "Another one is writing",
    413: "Too large",
    415: "Another content type",
    422: "Unreadable, or fields that do not fit",
    429: "Too much at a time",
    500: "Unexpected",
    501: "A package is not installed",
    503: "Not ready, or the deadline passed",
    507: "No room on the disk",
}


def number(*, least: float, most: float, whole: bool = False) -> Schema:
    """Schema of a number within bounds."""
    return {"type": "integer" if whole else "number", "minimum": least, "maximum": most}


def enum_of(*names: str) -> Schema:
    """Schema of a text with fixed choices."""
    return {"type": "string", "enum": list(names)}


def request_body(fields: Mapping[str, Schema], *, image: bool, pictures: Sequence[str] = ("image",)) -> dict[str, Any]:
    """`openapi_extra` of a route that calls `uploads.read_upload`.

    Args:
        fields: name -> schema; image: whether the pictures are required; pictures: their names.
    """
    required = {"required": list(pictures)} if image else {}
    form = {**{name: {"type": "string", "format": "binary"} for name in pictures}, **fields}
    url = {"type": "string", "description": "data:image/...;base64,..."}
    as_json = {**dict.fromkeys(pictures, url), **fields}
    content = {
        "multipart/form-data": {"schema": {"type": "object", "properties": form, **required}},
        "application/json": {
            "schema": {"type": "object", "properties": as_json, "additionalProperties": False, **required}
        },
    }
    return {"requestBody": {"required": True, "content": content}}


def document_problems(app: FastAPI) -> None:
    """Add the problem responses (RFC 9457) of every route to the OpenAPI document."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = made()
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = dict(PROBLEM)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            answer = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            for call in (call for path in found["paths"].values() for call in path.values()):
                for status, why in REFUSALS.items():
                    call["responses"][str(status)] = {"description": why, "content": answer}
        return app.openapi_schema or made()

    app.openapi = openapi  # type: ignore[method-assign]
