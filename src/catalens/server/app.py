"""The FastAPI application: routes, middleware, error handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

import catalens
from catalens.errors import CatalensError
from catalens.server.dependencies.json_body import MAX_TEXT
from catalens.server.dependencies.query import known_query
from catalens.server.dependencies.state import State
from catalens.server.http.connections import COUNT
from catalens.server.http.openapi import complete_document, document_networks
from catalens.server.http.problems import problem, problem_of
from catalens.server.jobs.feed_reader import FeedReader
from catalens.server.middleware.body_limits import BodyLimit
from catalens.server.middleware.head_requests import HeadRequests
from catalens.server.middleware.load_shedding import LoadShedding
from catalens.server.middleware.local_only import LocalOnly
from catalens.server.middleware.request_log import RequestLog
from catalens.server.routes import (
    feeds,
    generate,
    health,
    models,
    outfits,
    page,
    pictures,
    products,
    reading,
    recolor,
    search,
    tryon,
    vision,
    words,
)
from catalens.server.services.options import ServeOptions
from catalens.server.services.text_reading import TextReading

MODULES = (
    page, health, search, outfits, generate, vision, reading, recolor, tryon, models, feeds, products, pictures, words,
)  # fmt: skip
"""Modules of routes, in matching order."""
WORK = {
    "/v1/search": "search",
    **dict.fromkeys(("/v1/feeds", "/v1/feeds/preview", "/v1/products"), "ingest"),
    **dict.fromkeys(
        (f"/v1/{name}" for name in (
            "look", "explain", "outfit", "room", "generate", "tryon", "detect", "segment", "cutout", "enhance", "check",
            "fix", "classify", "embeddings", "blur-faces", "scene", "score",
            "read", "describe", "recolor",
        )),
        "analyse",
    ),
}  # fmt: skip
"""Path of a POST -> the concurrency limiter that it runs under."""


CLEANED_S = 3_600.0
"""Seconds between two looks for what is to be deleted by its age."""
LOOKED_S = 5.0
"""Seconds between two looks for jobs that were let go on by another process, and for pictures to read."""


def create_app(options: ServeOptions, *, reader: FeedReader | None = None) -> FastAPI:
    """The application over one catalog and those of tenants; `reader` as in `State`."""
    state = State(options, reader=reader)

    async def clean() -> None:
        while True:
            await asyncio.sleep(CLEANED_S)
            await asyncio.to_thread(state.delete_old)

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOKED_S)
            await asyncio.to_thread(state.jobs.look)

    async def read_texts() -> None:
        reading = TextReading(options)
        while True:
            if not await asyncio.to_thread(reading.turn):
                await asyncio.sleep(LOOKED_S)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Callable[[str], None]]]:
        tasks = [asyncio.create_task(clean()), asyncio.create_task(look())]
        tasks += [asyncio.create_task(read_texts())] if options.read_text else []
        yield {COUNT: state.metrics.count_ended}
        for task in tasks:
            task.cancel()
        state.close()

    app = FastAPI(
        title="Catalens",
        version=catalens.__version__,
        description="Everything that a shop does with a product photo, as in Python and on the command line.",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.catalens = state
    for one in MODULES:
        app.include_router(one.router, dependencies=[] if one is page else [Depends(known_query)])
    complete_document(
        app, models=(products.ProductIn, products.ProductChange, feeds.Bulk, models.Embeddings, words.TextIn)
    )
    document_networks(app, options.networks.by_purpose())
    with_pictures = tuple(path for path, work in WORK.items() if work != "ingest")
    app.add_middleware(
        BodyLimit,
        limit=MAX_TEXT,
        longer=dict.fromkeys((*with_pictures, "/v1/pictures/"), options.max_body),
        on_disk={"/v1/feeds": options.max_feed, "/v1/feeds/preview": options.max_feed},
    )
    app.add_middleware(LoadShedding, limiters={path: state.limiters[work] for path, work in WORK.items()})
    app.add_middleware(
        LocalOnly,
        is_keyless=lambda: not options.closed and not state.api_keys.is_closed(),
        hosts=options.hosts,
        origins=options.origins,
    )
    if options.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(options.origins),
            allow_methods=["*"],
            allow_headers=["authorization", "idempotency-key", "if-match"],
            expose_headers=["retry-after", "etag"],
        )
    app.add_exception_handler(CatalensError, _library)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestLog, metrics=state.metrics, paths=WORK)
    return app


async def _library(request: Request, error: Exception) -> Response:
    assert isinstance(error, CatalensError)
    options: ServeOptions = request.app.state.catalens.options
    return problem_of(error, roots=options.roots)


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
        methods += ["HEAD"] if "GET" in methods and "HEAD" not in methods else []
        return problem(405, "wrong-method", "not a method of this path", headers={"Allow": ", ".join(methods)})
    kinds = {400: "bad-request", 404: "no-such-route"}
    return problem(error.status_code, kinds.get(error.status_code, "http"), str(error.detail), headers=error.headers)
