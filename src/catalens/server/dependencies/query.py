"""Query parameters: unknown ones are refused, as unknown fields of a body are."""

from __future__ import annotations

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from catalens.errors import UsageError


async def known_query(request: Request) -> None:
    """A dependency of every route of the API.

    Raises:
        UsageError: a query parameter that the route does not have.
    """
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    known = _parameters(route.dependant) | _fields(route)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        cure = f"parameters are {', '.join(sorted(known))}" if known else "this route has none"
        raise UsageError(f"unknown query parameter {unknown[0][:80]!r}", cure=cure)


def _parameters(part: Dependant) -> set[str]:
    found = {field.alias for field in part.query_params}
    return found.union(*map(_parameters, part.dependencies))


def _fields(route: APIRoute) -> set[str]:
    """Names of the fields that `uploads.read_upload` takes from the query, too; `openapi.request_body` lists them."""
    content = (route.openapi_extra or {}).get("requestBody", {}).get("content", {})
    return set(content.get("application/json", {}).get("schema", {}).get("properties", {}))
