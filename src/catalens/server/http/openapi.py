"""Schemas of the OpenAPI document; the table of a route's fields also defines which fields it accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from catalens.options import Option, of

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
OBJECT: Schema = {"type": "object"}
NETWORK = "x-network"
"""Of the field that names a network: what it is for. `document_networks` adds the names."""
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT},
}
_PLACE = "#/components/schemas/{model}"
REFUSALS: Mapping[int, str] = {
    400: "Not understood",
    401: "No key, or a wrong one",
    403: "Not allowed",
    404: "Not there",
    408: "The body came too slowly",
    409: "Another one is writing",
    412: "Changed by somebody else meanwhile",
    413: "Too large",
    415: "Another content type",
    422: "Unreadable, or fields that do not fit",
    429: "Too much at a time",
    500: "Unexpected",
    501: "A package is not installed",
    503: "Not ready, or the deadline passed",
    507: "No room on the disk",
}


def fields(verb: type) -> Mapping[str, Option[Any]]:
    """The options of a verb that a request may give."""
    return {name: one for name, one in of(verb).items() if one.http}


def schema(option: Option[Any]) -> Schema:
    """An option as the OpenAPI document describes it: type, bounds, choices, default, help."""
    default = {} if option.default in (None, ()) else {"default": _plain(option.default)}
    network = {} if option.network is None else {NETWORK: option.network}
    return {**_type(option), **default, **network, "description": option.help}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _type(option: Option[Any]) -> Schema:
    text = {**TEXT, **({"enum": list(option.allowed)} if option.allowed else {})}
    most = {} if option.http_maximum is None else {"maxItems": option.http_maximum}
    if option.kind == "texts":
        return {"oneOf": [TEXT, {"type": "array", "items": text, **most}]}
    if option.kind == "pictures":
        return {"type": "array", "items": {**TEXT, "format": "data-url"}, **most}
    if option.kind in ("whole", "number"):
        highest = option.maximum if option.http_maximum is None else option.http_maximum
        bounds = {"minimum": option.minimum, "exclusiveMinimum": option.above, "maximum": highest}
        known = {name: bound for name, bound in bounds.items() if bound is not None}
        return {"type": "integer" if option.kind == "whole" else "number", **known}
    if option.kind == "point":
        return {**TEXT, "pattern": r"^[0-9.]+,[0-9.]+$"}
    if option.kind in ("filter", "pairs"):
        return {"oneOf": [TEXT, OBJECT]}
    return {"type": "boolean"} if option.kind == "flag" else text


def request_body(
    known: Mapping[str, Option[Any]],
    *,
    image: bool,
    pictures: Sequence[str] = ("image",),
    optional: Sequence[str] = (),
) -> dict[str, Any]:
    """`openapi_extra` of a route that `uploads.read_upload` reads.

    Args:
        known: the options by name; image: whether the pictures must come; pictures: their names; optional: of those
            that need not come.
    """
    described = {name: schema(one) for name, one in known.items()}
    required = {"required": [name for name in pictures if name not in optional]} if image else {}
    form = {**{name: {"type": "string", "format": "binary"} for name in pictures}, **described}
    url = {"type": "string", "description": "data:image/...;base64,..."}
    as_json = {**dict.fromkeys(pictures, url), **described}
    content = {
        "multipart/form-data": {"schema": {"type": "object", "properties": form, **required}},
        "application/json": {
            "schema": {"type": "object", "properties": as_json, "additionalProperties": False, **required}
        },
    }
    return {"requestBody": {"required": True, "content": content}}


def model_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that calls `uploads.read_model`."""
    schema = {"$ref": _PLACE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def complete_document(app: FastAPI, *, models: Sequence[type[BaseModel]]) -> None:
    """Add to the OpenAPI document the problem responses (RFC 9457) of every route, and schemas of bodies.

    Args:
        models: those of `model_body`.
    """
    bodies = models_json_schema([(model, "validation") for model in models], ref_template=_PLACE)[1]["$defs"]
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = made()
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(bodies, Problem=dict(PROBLEM))
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            answer = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            for call in (call for path in found["paths"].values() for call in path.values()):
                for status, why in REFUSALS.items():
                    call["responses"][str(status)] = {"description": why, "content": answer}
        return app.openapi_schema or made()

    app.openapi = openapi  # type: ignore[method-assign]


def document_networks(app: FastAPI, names: Mapping[str, Sequence[str]]) -> None:
    """Add to the OpenAPI document which networks a request may name, by what they are for."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        found = made()
        bodies = (call.get("requestBody", {}) for path in found["paths"].values() for call in path.values())
        schemas = [content.get("schema", {}) for body in bodies for content in body.get("content", {}).values()]
        for schema in (*schemas, *found["components"]["schemas"].values()):
            for said in schema.get("properties", {}).values():
                if names.get(said.get(NETWORK, "")):
                    said["enum"] = list(names[said[NETWORK]])
        return found

    app.openapi = openapi  # type: ignore[method-assign]
