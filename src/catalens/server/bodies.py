"""Bodies of requests: counted while they arrive, within a time, and only so many bytes of all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalens.server.problems import RefusedError, problem_of

MAX_HELD = 256 * 2**20
"""Bytes of bodies that are held in memory at a time, of all requests."""
PATIENCE_S = 30.0
"""For a body to begin with; each SLOWEST bytes of it give another second."""
SLOWEST = 10_000


class BodyLimit:
    """Counts bytes while a body arrives, whatever its header says, and refuses what is too much, or too slow.

    Args:
        limit: bytes; longer: path -> bytes, where more may come: these go to the disk and do not count as held.
        held: bytes of all bodies together; patience_s: seconds for a body, and one more for each SLOWEST bytes of it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int,
        longer: Mapping[str, int],
        held: int = MAX_HELD,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._app, self._most, self._longer = app, limit, longer
        self._may_hold, self._patience_s = held, patience_s
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._longer.get(scope["path"], self._most)
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said[:20]) > limit:
            await problem_of(_too_large(limit))(scope, receive, send)
            return
        counts_as_held = scope["path"] not in self._longer
        began, counted, complete = asyncio.get_running_loop().time(), 0, False
        refusal: RefusedError | None = None
        answered = False

        async def counting() -> Message:
            nonlocal counted, complete, refusal
            if complete:  # from now on it tells only that the client is gone
                return await receive()
            try:
                async with asyncio.timeout_at(began + self._patience_s + counted / SLOWEST):
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
            elif counts_as_held and self._held > self._may_hold:
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
            elif not answered:  # whatever was made of the refusal on its way: it is told as it is
                answered = True
                await problem_of(refusal)(scope, receive, send)

        try:
            await self._app(scope, counting, answering)
        except RefusedError as error:
            if not answered:
                await problem_of(error)(scope, receive, send)
        finally:
            self._held -= counted if counts_as_held else 0


def _too_large(limit: int) -> RefusedError:
    return RefusedError(413, "body-too-large", f"more than {limit} bytes", cure="send a smaller picture")
