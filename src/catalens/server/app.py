"""The application: routes, problems, limits, and what is counted of each request."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from traceback import extract_tb

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route

import catalens
from catalens.errors import CatalensError
from catalens.server.bodies import BodyLimit
from catalens.server.described import describe
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

log = logging.getLogger("catalens.server")
MODULES = (page, health, search, outfits, generate, regions, tryon, words, feeds, products, pictures)
"""Modules of routes, in the order in which they are asked."""


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
    app.middleware("http")(_counted)
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


async def _answered(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await call(request)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody is there to read it
    except Exception as error:
        places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
        # Where it happened, and not its text: that may hold what nobody should read.
        log.error(json.dumps({"unexpected": type(error).__name__, "at": places[-4:]}))
        return problem(500, "unexpected", "Something went wrong here. It was counted.")


async def _counted(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count a request, time it, and write a line about it: never its key, its picture or its words."""
    state: State = request.app.state.catalens
    started = time.perf_counter()
    response = await _answered(request, call)
    route = getattr(request.scope.get("route"), "path", "none")
    spent = time.perf_counter() - started
    state.metrics.requests.labels(route, response.status_code).inc()
    state.metrics.seconds.labels(route).observe(spent)
    line = {"route": route, "method": request.method, "status": response.status_code, "ms": round(1000 * spent, 1)}
    log.info(json.dumps(line))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
