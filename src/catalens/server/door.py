"""The door: who comes while there is no room is told so before a route, a key or a body is looked at.

Under load most calls end here, and what each of them takes is missing to those at work.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from catalens.server.admission import Gate
from catalens.server.problems import RefusedError, problem_of


class Door:
    """Turns away who comes to a gate that has no room.

    Args:
        gates: path -> the gate of what is posted there.
    """

    def __init__(self, app: ASGIApp, *, gates: Mapping[str, Gate]) -> None:
        self._app, self._gates = app, gates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = self._gates.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        try:
            if gate is not None:
                gate.require_room()
        except RefusedError as refusal:
            await problem_of(refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
