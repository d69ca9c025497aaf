"""Limits on request bodies: size, time to arrive, and bytes in memory over all requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalens.server.http.problems import RefusedError, problem_of

MAX_BYTES_IN_MEMORY = 256 * 2**20
"""Bytes of bodies in memory at a time, over all requests."""
BODY_TIMEOUT_S = 30.0
"""Seconds for a body to arrive, beside one second for each MIN_BYTES_PER_S bytes received."""
MIN_BYTES_PER_S = 10_000


class BodyLimit:
    """Counts bytes as a body arrives, whatever its header says; refuses bodies that are too large or too slow.

    Args:
        limit: bytes; longer: path, or prefix that ends with a slash -> bytes for bodies that may hold pictures.
        on_disk: path -> bytes for bodies that go to disk and do not count as held.
        held: bytes in memory over all requests; timeout_s: seconds, beside one for each MIN_BYTES_PER_S bytes received.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int,
        longer: Mapping[str, int],
        on_disk: Mapping[str, int] | None = None,
        held: int = MAX_BYTES_IN_MEMORY,
        timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._app, self._limit, self._longer, self._on_disk = app, limit, longer, on_disk or {}
        self._max_held, self._timeout_s = held, timeout_s
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said[:20]) > limit:
            await problem_of(_too_large(limit))(scope, receive, send)
            return
        counts_as_held = scope["path"] not in self._on_disk
        began, counted, complete = asyncio.get_running_loop().time(), 0, False
        refusal: RefusedError | None = None
        answered = False

        async def counting() -> Message:
            nonlocal counted, complete, refusal
            if complete:  # any further message says that the client disconnected
                return await receive()
            try:
                async with asyncio.timeout_at(began + self._timeout_s + counted / MIN_BYTES_PER_S):
                    message = await receive()
            except TimeoutError:
                refusal = RefusedError(408, "body-too-slow", "the body did not arrive in time", cure="send it again")
                raise refusal from None
            came = len(message.get("body", b""))
            counted += came
            complete = not message.get("more_body", False)
            if counts_as_held:
                self._held += came
            if counted > limit:
                refusal = _too_large(limit)
            elif counts_as_held and self._held > self._max_held:
                refusal = RefusedError(
                    429, "too-busy", "too many bytes at a time", cure="try again a little later",
                    headers={"Retry-After": "1"},
                )  # fmt: skip
            if refusal is not None:
                raise refusal
            return message

        async def answering(message: Message) -> None:
            nonlocal answered
            if refusal is None:
                await send(message)
            elif not answered:  # inner handlers may have wrapped the refusal: send it as it is
                answered = True
                await problem_of(refusal)(scope, receive, send)

        try:
            await self._app(scope, counting, answering)
        except RefusedError as error:
            if not answered:
                await problem_of(error)(scope, receive, send)
        finally:
            self._held -= counted if counts_as_held else 0

    def _limit_of(self, path: str) -> int:
        if path in self._on_disk:
            return self._on_disk[path]
        prefix = path[: path.find("/", 4) + 1] if path.startswith("/v1/") else ""
        return self._longer.get(path, self._longer.get(prefix, self._limit))


def _too_large(limit: int) -> RefusedError:
    cure = "send a smaller picture, less text, or many products as a feed"
    return RefusedError(413, "body-too-large", f"more than {limit} bytes", cure=cure)
