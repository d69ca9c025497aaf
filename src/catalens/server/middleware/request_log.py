"""Request log and metrics; unexpected errors become plain 500 answers."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection
from traceback import extract_tb

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalens.server.http.problems import problem
from catalens.server.services.metrics import Metrics

log = logging.getLogger("catalens.server")
CLIENT_CLOSED = 499
"""Logged status of a request whose client disconnected, as nginx logs it; never sent."""


class RequestLog:
    """Counts, times and logs requests: never a key, a picture or a text.

    Args:
        paths: routes without parameters, named by their path even where middleware answered first.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, paths: Collection[str]) -> None:
        self._app, self._metrics, self._paths = app, metrics, frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def send_logged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault("x-content-type-options", "nosniff")
            await send(message)

        try:
            await self._app(scope, receive, send_logged)
        except ClientDisconnect:
            status = status or CLIENT_CLOSED
        except Exception as error:
            _log_error(error)
            if not status:  # a started answer is cut off with its connection
                await problem(500, "unexpected", "Something went wrong here. It was counted.")(
                    scope, receive, send_logged
                )
        self._count(scope, status or CLIENT_CLOSED, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, spent_s: float) -> None:
        path = scope["path"]
        route = path if path in self._paths else getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(route, status).inc()
        self._metrics.seconds.labels(route).observe(spent_s)
        line = {"route": route, "method": scope["method"], "status": status, "ms": round(1000 * spent_s, 1)}
        log.info(json.dumps(line))


def _log_error(error: Exception) -> None:
    """Log the class and the places of an error, not its text, which may hold private data."""
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    log.error(json.dumps({"unexpected": type(error).__name__, "at": places[-4:]}))
