"""GET /healthz, /readyz, /metrics, /v1/info."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

import catalens
from catalens.errors import CatalensError
from catalens.server.access import Caller, allowed, state_of
from catalens.server.admission import Gate
from catalens.server.problems import problem

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None)
async def readyz(request: Request) -> dict[str, Any] | Response:
    """The catalog can be searched."""
    try:
        info = await state_of(request).gates["search"].run(lambda: state_of(request).catalog("").info())
    except CatalensError as error:
        return problem(503, "not-ready", str(error), headers={"Retry-After": "5"})
    return {"status": "ready", "products": info.products, "pictures": info.pictures}


@router.get("/v1/info")
async def info(request: Request, caller: Annotated[Caller, Depends(allowed("read"))]) -> dict[str, Any]:
    """What the catalog holds, and how busy the service is."""
    state = state_of(request)
    found = await state.gates["search"].run(lambda: state.catalog(caller.tenant).info().to_dict())
    gates = {
        name: {"queued": gate.queued, "refused": gate.refused, "served": gate.served}
        for name, gate in state.gates.items()
    }
    return {
        "version": catalens.__version__,
        "catalog": {name: value for name, value in found.items() if name != "path"},
        "gates": gates,
        "decoders_replaced": state.decoders.replaced,
        "up_s": round(time.monotonic() - state.started),
    }


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Counts and times for Prometheus."""
    state = state_of(request)
    return Response(generate_latest(state.registry), media_type=CONTENT_TYPE_LATEST)


def watch_gates(registry: CollectorRegistry, gates: Mapping[str, Gate]) -> None:
    """Show the gates' queues and refusals."""
    queued = Gauge("catalens_gate_queued", "Calls that wait.", ["gate"], registry=registry)
    refused = Gauge("catalens_gate_refused", "Calls turned away.", ["gate"], registry=registry)
    served = Gauge("catalens_gate_served", "Calls done.", ["gate"], registry=registry)
    for name, gate in gates.items():
        queued.labels(name).set_function(partial(getattr, gate, "queued"))
        refused.labels(name).set_function(partial(getattr, gate, "refused"))
        served.labels(name).set_function(partial(getattr, gate, "served"))
