"""GET /, /studio/..., /docs, /widget.js: the studio page, the API reference, the storefront widget."""

from __future__ import annotations

import json
import mimetypes
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)
WEB = files("catalens.server") / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No script and no style but the page's own files, and nothing from elsewhere (Content Security Policy, level 3)."""
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


def _file(name: str) -> Response:
    found = WEB / name
    if "/" in name or not found.is_file():
        raise HTTPException(404)
    kind = TYPES.get("." + name.rpartition(".")[2]) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}
    return Response(found.read_bytes(), media_type=kind, headers=headers)


@router.get("/")
async def studio() -> Response:
    """The studio page."""
    return _file("index.html")


@router.get("/docs")
async def docs() -> Response:
    """The API reference, rendered from the OpenAPI document without third-party assets."""
    return _file("docs.html")


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The OpenAPI document, encoded once."""
    state = request.app.state
    if not hasattr(state, "openapi"):
        state.openapi = json.dumps(request.app.openapi(), ensure_ascii=False).encode()
    return Response(state.openapi, media_type="application/json")


@router.get("/studio/{name}")
async def asset(name: str) -> Response:
    """A file of the page."""
    return _file(name)


@router.get("/widget.js")
async def widget() -> Response:
    """The storefront widget: a custom element that a shop's own pages load."""
    response = _file("widget.js")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
