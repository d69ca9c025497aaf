"""Every request is counted, timed and written a line about; what goes wrong in it is told to nobody else."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection
from traceback import extract_tb

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalens.server.metrics import Metrics
from catalens.server.problems import problem

log = logging.getLogger("catalens.server")
GONE = 499
"""Status of a request whose client left before it was complete, as nginx counts it: nobody reads it."""


class Counted:
    """Counts requests, times them and writes a line about each: never its key, its picture or its words.

    Args:
        paths: routes without parameters, known by their path even where a request never came to them.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, paths: Collection[str]) -> None:
        self._app, self._metrics, self._paths = app, metrics, frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault("x-content-type-options", "nosniff")
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            status = status or GONE
        except Exception as error:
            _log_where(error)
            if not status:  # else its answer ends here, and the connection with it
                await problem(500, "unexpected", "Something went wrong here. It was counted.")(scope, receive, noting)
        self._count(scope, status or GONE, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, spent_s: float) -> None:
        path = scope["path"]
        route = path if path in self._paths else getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(route, status).inc()
        self._metrics.seconds.labels(route).observe(spent_s)
        line = {"route": route, "method": scope["method"], "status": status, "ms": round(1000 * spent_s, 1)}
        log.info(json.dumps(line))


def _log_where(error: Exception) -> None:
    """Where it happened, and not its text: that may hold what nobody should read."""
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    log.error(json.dumps({"unexpected": type(error).__name__, "at": places[-4:]}))
