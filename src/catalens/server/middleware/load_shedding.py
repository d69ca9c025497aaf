"""Load shedding: requests beyond the queue are refused before key, body or route are looked at.

Under overload most requests end here, so a refusal has to cost little.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from catalens.server.http.problems import RefusedError, problem_of
from catalens.server.middleware.concurrency import ConcurrencyLimiter


class LoadShedding:
    """Refuses POST requests whose concurrency limiter has a full queue.

    Args:
        limiters: path -> limiter of what is posted there.
    """

    def __init__(self, app: ASGIApp, *, limiters: Mapping[str, ConcurrencyLimiter]) -> None:
        self._app, self._limiters = app, limiters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limiter = self._limiters.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        try:
            if limiter is not None:
                limiter.require_capacity()
        except RefusedError as refusal:
            await problem_of(refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
