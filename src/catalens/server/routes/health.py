"""GET /healthz, /readyz, /metrics, /v1/info."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

import catalens
from catalens.errors import CatalensError
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.http.problems import RefusedError, problem, without_paths
from catalens.server.middleware.local_only import has_host, is_forwarded

router = APIRouter(tags=["health"])
LOOPBACK = ("127.0.0.1", "::1")


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Liveness: the process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None)
async def readyz(request: Request) -> dict[str, Any] | Response:
    """Readiness: the catalog can be searched."""
    try:
        info = await state_of(request).limiters["search"].run(lambda: state_of(request).catalog("").info())
    except CatalensError as error:
        detail = without_paths(str(error), roots=state_of(request).options.roots)
        return problem(503, "not-ready", detail, headers={"Retry-After": "5"})
    return {"status": "ready", "products": info.products, "pictures": info.pictures}


@router.get("/v1/info")
async def info(request: Request, caller: Annotated[Caller, Depends(require_scope("read"))]) -> dict[str, Any]:
    """Counts of the catalog, and load of the service."""
    state = state_of(request)
    found = await state.limiters["search"].run(lambda: state.catalog(caller.tenant).info().to_dict())
    gates = {
        name: {"queued": limiter.queued, "refused": limiter.refused, "served": limiter.served}
        for name, limiter in state.limiters.items()
    }
    return {
        "version": catalens.__version__,
        "catalog": {name: value for name, value in found.items() if name != "path"},
        "gates": gates,
        "decoders_replaced": state.decode_pool.replaced,
        "up_s": round(time.monotonic() - state.started),
    }


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Metrics for Prometheus; from other machines, or through a proxy, only with a key that has the scope `read`."""
    state = state_of(request)
    here = request.client is not None and request.client.host in LOOPBACK
    if not here or is_forwarded(request.headers) or not has_host(request.headers, state.options.hosts):
        caller = await require_scope("read")(request)
        if caller.tenant:
            what = "metrics are of the whole service, and this key is of a tenant"
            raise RefusedError(403, "not-allowed", what, cure="use a key without a tenant")

    def work() -> bytes:
        with suppress(CatalensError):  # none yet: nothing to count
            shop = state.catalog("").info()
            state.metrics.products.set(shop.products)
            state.metrics.pictures.set(shop.pictures)
        return state.metrics.text()

    return Response(await asyncio.to_thread(work), media_type=CONTENT_TYPE_LATEST)
