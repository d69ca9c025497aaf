"""Limits on connections: size and deadline of a request's head, number of connections, idle and stalled ones.

uvicorn bounds none of these with httptools. All of it comes before there is a request with a key and a route.
"""

from __future__ import annotations

import asyncio
import resource
from asyncio.events import TimerHandle
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from catalens.server.http.crowd import Crowd
from catalens.server.http.problems import RefusedError, problem_of

_PIECE = 16 * 2**10
"""Bytes parsed between two checks; a head may be larger than its limit by less than that."""
_LINGER_S = 2.0
"""Seconds for which bytes of a refused client are discarded, so that it can read the answer before the end."""
_PIPELINED = 16
"""Requests of a connection that may wait for the answer of the one before; clients that send more are cut off."""
_FRAMING = 8
"""Bytes of framing (sizes of chunks, extensions, trailers) for each byte of a body, beside the size of a head."""
COUNT = "count_ended"
"""Name in the state of the application of what counts connections that were refused or cut off, by the reason."""
_OTHER_FILES = 256
"""File descriptors that a process needs for other things than connections."""


class _PipelineError(Exception):
    """Too many requests of one connection wait."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits on the connections of one process.

    Args:
        head_bytes, head_fields: of a request's line and header fields.
        head_s: seconds for a head to arrive, from the connection or its first byte on.
        stalled_s: seconds for a client to take more of an answer that waits to be sent.
        connections: open ones; beyond them the one that has kept the service waiting longest is closed.
        per_client: those of one address; half of all, since behind a reverse proxy all clients have one address.
    """

    head_bytes: int = 64 * 2**10
    head_fields: int = 128
    head_s: float = 10.0
    stalled_s: float = 30.0
    connections: int = 1000
    per_client: int = 500

    def within_descriptors(self) -> ConnectionLimits:
        """These limits, with no more connections than this process may have files open; raises its soft limit first."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = self.connections + _OTHER_FILES
        if soft != resource.RLIM_INFINITY and soft < wanted:
            soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return self
        most = max(8, soft - _OTHER_FILES)
        return replace(self, connections=most, per_client=min(self.per_client, (most + 1) // 2))


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol within limits."""

    def __init__(self, *, limits: ConnectionLimits, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._limits = limits
        self._timer: TimerHandle | None = None
        self._refused = False
        self._in_head = True
        self._head_bytes = self._head_fields = 0
        self._framed_bytes = self._body_bytes = 0
        self._waits = False
        self._crowd: Crowd[GuardedProtocol] = vars(self.server_state).setdefault("crowd", Crowd())

    @property
    def waits(self) -> bool:
        """Whether nothing but this client is waited for: the service is not at work for it."""
        return self._waits

    def _wait(self, *, first: bool = False) -> None:
        """Nothing but this client is waited for from now on; with `first` it is the first one to be closed."""
        self._waits = True
        self._crowd.wait(self, first=first)

    def _work(self) -> None:
        self._waits = False
        self._crowd.work(self)

    @property
    def address(self) -> str:
        """Address of the client."""
        return self.client[0] if self.client else ""

    # Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        has_room = self._make_room()
        self._crowd.enter(self, self.address)
        self._wait()
        if has_room:
            self._within(self._limits.head_s, self._head_is_late)
        else:
            self._refuse(503, "too-many-connections", "too many connections are open", cure="try again a little later")

    def _make_room(self) -> bool:
        """Where there are too many, close the one that has waited longest for its client; False: all are at work."""
        limits, crowd = self._limits, self._crowd
        of_one = crowd.count_of(self.address) >= limits.per_client
        if not of_one and len(crowd) < limits.connections:
            return True
        oldest = crowd.oldest(self.address if of_one else None)
        if oldest is None:
            return False
        crowd.leave(oldest)  # counted no more, though its end is told only later
        oldest._cut_off("waited-longest")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._within(None)
        self._crowd.leave(self)
        super().connection_lost(exc)

    # Requests

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            if self._refused or self.transport.is_closing():
                return  # discarded
            self._take(data[start : start + _PIECE] if len(data) > _PIECE else data)

    def _take(self, piece: bytes) -> None:
        if self._in_head:
            if not self._head_bytes and self._is_idle:
                self._wait()
                self._within(self._limits.head_s, self._head_is_late)
            self._head_bytes += len(piece)
        else:
            self._framed_bytes += len(piece)
            if self._waits:
                self._wait()
        super().data_received(piece)
        limits = self._limits
        framing = self._framed_bytes - _FRAMING * self._body_bytes
        if max(self._head_bytes, framing) > limits.head_bytes or self._head_fields > limits.head_fields:
            self._refuse(
                431, "head-too-large", f"the head of a request has more than {limits.head_bytes} bytes or "
                f"{limits.head_fields} fields", cure="send fewer header fields, and what is long in the body",
            )  # fmt: skip

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= _PIPELINED:
            self._cut_off("too-many-pipelined")
            raise _PipelineError  # ends the parser: what follows in the same piece costs nothing
        self._head_fields = self._framed_bytes = self._body_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_fields += 1
        if self._head_fields <= self._limits.head_fields:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._head_fields > self._limits.head_fields:
            return  # refused as soon as it is parsed
        self._in_head, self._head_bytes = False, 0
        self._within(None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if not self._in_head:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._in_head:
            return
        self._in_head, self._head_bytes = True, 0
        self._work()
        super().on_message_complete()
        if self._is_idle:
            self._wait_for_next()

    def on_response_complete(self) -> None:
        if self._in_head:
            self._wait_for_next()
        else:  # answered before all of the body came: what is left of it is discarded for a moment
            self._wait()
            self._within(_LINGER_S, self.transport.abort)
        super().on_response_complete()

    def _wait_for_next(self) -> None:
        self._wait()
        if self._head_bytes:
            self._within(self._limits.head_s, self._head_is_late)
        else:  # uvicorn closes what is idle, but then waits for ever until its answer is taken
            self._within(self.timeout_keep_alive + self._limits.stalled_s, self._is_stalled)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait()
        self._within(self._limits.stalled_s, self._is_stalled)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._is_idle:
            self._work()
            self._within(None)

    # Refusals

    def _count(self, why: str) -> None:
        count = self.app_state.get(COUNT)
        if count is not None:
            count(why)

    def _cut_off(self, why: str) -> None:
        self._count(why)
        self.transport.abort()

    def _is_stalled(self) -> None:
        self._cut_off("answer-not-taken")

    def _within(self, seconds: float | None, action: Callable[[], object] | None = None) -> None:
        """Do something after so many seconds, instead of what was to be done; None: nothing."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None or action is None else self.loop.call_later(seconds, action)

    def _head_is_late(self) -> None:
        if self._head_bytes:
            what = f"the head of a request did not arrive within {self._limits.head_s:g} seconds"
            self._refuse(408, "head-too-slow", what, cure="send it again")
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(400, "bad-request", "the request is no HTTP/1.1 that can be read", cure="send it anew")

    def _refuse(self, status: int, kind: str, what: str, *, cure: str) -> None:
        """Answer outside any request, and close; only close where another answer is on its way."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._count(kind)
        self._unset_keepalive_if_required()
        if not self._is_idle or self.pipeline:
            self.transport.abort()
            return
        answer = problem_of(RefusedError(status, kind, what, cure=cure))
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), b"connection: close"]
        head += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        self.transport.write_eof()
        self._wait(first=True)
        self._within(_LINGER_S, self.transport.abort)
