"""The application: routes, problems, limits, and what is counted of each request."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

import catalens
from catalens.errors import CatalensError
from catalens.server.described import describe
from catalens.server.problems import problem, problem_of
from catalens.server.routes import feeds, health, outfits, page, pictures, products, regions, search, words
from catalens.server.state import ServeOptions, State
from catalens.server.uploads import BodyLimit

log = logging.getLogger("catalens.server")
MODULES = (page, health, search, outfits, regions, words, feeds, products, pictures)
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
    health.watch_gates(state.registry, state.gates)
    for one in MODULES:
        app.include_router(one.router)
    describe(app)
    app.add_middleware(BodyLimit, limit=options.max_body, longer={"/v1/feeds": options.max_feed})
    if options.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(options.origins), allow_methods=["*"], allow_headers=["authorization"]
        )
    app.add_exception_handler(CatalensError, _library)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    app.middleware("http")(_counted)
    return app


async def _library(_: Request, error: Exception) -> Response:
    assert isinstance(error, CatalensError)
    return problem_of(error)


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
    kinds = {404: "no-such-route"}
    return problem(error.status_code, kinds.get(error.status_code, "http"), str(error.detail), headers=error.headers)


async def _unexpected(_: Request, error: Exception) -> Response:
    log.error("unexpected: %s", type(error).__name__)  # its text may hold what nobody should read
    return problem(500, "unexpected", "Something went wrong here. It was counted.")


async def _counted(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count a request, time it, and write a line about it: never its key, its picture or its words."""
    state: State = request.app.state.catalens
    started = time.perf_counter()
    response = await call(request)
    route = getattr(request.scope.get("route"), "path", "none")
    spent = time.perf_counter() - started
    state.requests.labels(route, response.status_code).inc()
    state.seconds.labels(route).observe(spent)
    line = {"route": route, "method": request.method, "status": response.status_code, "ms": round(1000 * spent, 1)}
    log.info(json.dumps(line))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
