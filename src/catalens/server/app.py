"""The application: routes, problems, limits, from the outside in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

import catalens
from catalens.errors import CatalensError
from catalens.server.bodies import BodyLimit
from catalens.server.counted import Counted
from catalens.server.described import describe
from catalens.server.door import Door
from catalens.server.problems import problem, problem_of
from catalens.server.routes import (
    feeds,
    generate,
    health,
    outfits,
    page,
    pictures,
    products,
    regions,
    search,
    tryon,
    words,
)
from catalens.server.state import ServeOptions, State

MODULES = (page, health, search, outfits, generate, regions, tryon, words, feeds, products, pictures)
"""Modules of routes, in the order in which they are asked."""
WORK = {
    "/v1/search": "search",
    **dict.fromkeys(("/v1/feeds", "/v1/products"), "ingest"),
    **dict.fromkeys(
        (f"/v1/{name}" for name in (
            "look", "explain", "outfit", "room", "generate", "tryon", "detect", "segment", "cutout", "enhance", "check",
            "fix", "classify", "embeddings",
        )),
        "analyse",
    ),
}  # fmt: skip
"""Path -> the class of what is posted there."""


def create_app(options: ServeOptions) -> FastAPI:
    """The service over one catalog and those of tenants."""
    state = State(options)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        state.close()

    app = FastAPI(
        title="Catalens",
        version=catalens.__version__,
        description="Everything that a shop does with a product photo, as in Python and on the command line.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.catalens = state
    for one in MODULES:
        app.include_router(one.router)
    describe(app)
    app.add_middleware(BodyLimit, limit=options.max_body, longer={"/v1/feeds": options.max_feed})
    app.add_middleware(Door, gates={path: state.gates[work] for path, work in WORK.items()})
    if options.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(options.origins),
            allow_methods=["*"],
            allow_headers=["authorization", "idempotency-key"],
            expose_headers=["retry-after"],
        )
    app.add_exception_handler(CatalensError, _library)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Counted, metrics=state.metrics, paths=WORK)
    return app


async def _library(request: Request, error: Exception) -> Response:
    assert isinstance(error, CatalensError)
    options: ServeOptions = request.app.state.catalens.options
    return problem_of(error, hidden={str(options.catalog.parent): "..."})


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return problem(422, "bad-fields", f"{place}: {first['msg']}")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:  # the framework names the methods of the first route of that path only
        routes = [route for module in MODULES for route in module.router.routes if isinstance(route, Route)]
        matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
        methods = sorted({method for route in matching for method in route.methods or ()})
        return problem(405, "wrong-method", "not a method of this path", headers={"Allow": ", ".join(methods)})
    kinds = {400: "bad-request", 404: "no-such-route"}
    return problem(error.status_code, kinds.get(error.status_code, "http"), str(error.detail), headers=error.headers)
