"""Connections within limits, against a real server on this machine: heads too large or too slow, too many, stalled."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="uvicorn is in the serve extra")
pytest.importorskip("httptools", reason="httptools is in the serve extra")

import uvicorn
from starlette.types import Receive, Scope, Send

from catalens.server.http.connections import COUNT, ConnectionLimits, GuardedProtocol
from catalens.server.http.crowd import Crowd
from catalens.server.http.problems import TYPES

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
LATE = ConnectionLimits(head_s=60.0, stalled_s=60.0)
SOON = replace(LATE, head_s=0.2, stalled_s=0.2)


COUNTED: list[str] = []


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers /large with more than any buffer holds, /early before it reads, /hang never, else the body's length."""
    if scope["type"] == "lifespan":
        scope["state"][COUNT] = COUNTED.append
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    size = 0
    while scope["path"] == "/hang":
        await asyncio.sleep(0.01)
        if (await receive())["type"] == "http.disconnect":
            return
    if scope["path"] != "/early":
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
    body = bytes(64 * 2**20) if scope["path"] == "/large" else str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Server:
    """A server in a thread of its own."""

    def __init__(self, limits: ConnectionLimits) -> None:
        guarded: Any = partial(GuardedProtocol, limits=limits)
        config = uvicorn.Config(
            application,
            host="127.0.0.1",
            port=0,
            http=guarded,
            ws="none",
            lifespan="on",
            log_level="critical",
            timeout_keep_alive=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.005)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def open(self) -> int:
        return len(self.server.server_state.connections)


@contextmanager
def serving(limits: ConnectionLimits) -> Iterator[Server]:
    server = Server(limits)
    try:
        yield server
    finally:
        server.server.should_exit = server.server.force_exit = True
        server.thread.join()


def received_until(connection: socket.socket, end: bytes) -> bool:
    """Whether an answer comes that ends so; its head and its body may arrive one after the other."""
    received = b""
    while not received.endswith(end) and (part := connection.recv(2**16)):
        received += part
    return received.endswith(end)


def answer(connection: socket.socket) -> tuple[int, str]:
    """Status and problem type (or body) of what a connection answers until it ends; 0 where it ends without."""
    got = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(2**16):
            got += part
    if not got:
        return 0, ""
    head, _, body = got.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, json.loads(body)["type"].removeprefix(TYPES) if b"problem+json" in head else body.decode()


def said(data: bytes, limits: ConnectionLimits = LATE) -> tuple[int, str]:
    with serving(limits) as server, server.connect() as connection:
        connection.sendall(data)
        return answer(connection)


CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (CLOSE + b"\r\n", (200, "0")),
        (CLOSE + b"X: " + b"a" * 60_000 + b"\r\n\r\n", (200, "0")),
        (CLOSE + b"X: " + b"a" * 90_000, (431, "head-too-large")),
        (CLOSE + b"X: " + b"a" * 90_000 + b"\r\n\r\n", (431, "head-too-large")),
        (b"GET /" + b"a" * 90_000, (431, "head-too-large")),
        (CLOSE + b"".join(b"X%d: a\r\n" % n for n in range(120)) + b"\r\n", (200, "0")),
        (CLOSE + b"".join(b"X%d: a\r\n" % n for n in range(300)) + b"\r\n", (431, "head-too-large")),
        (CLOSE + b"".join(b"X%d: a\r\n" % n for n in range(300)), (431, "head-too-large")),
        (b"nonsense\r\n\r\n", (400, "bad-request")),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", (400, "bad-request")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "bad-request")),
        (b"CONNECT a:1 HTTP/1.1\r\nConnection: close\r\n\r\n", (400, "bad-request")),
    ],
    ids=[
        "plain", "long", "too long", "too long and complete", "address", "many", "too many", "too many and open",
        "text", "length", "TLS", "connect",
    ],
)  # fmt: skip
def test_heads(data: bytes, expected: tuple[int, str]) -> None:
    assert said(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", (0, "")), *((head, (408, "head-too-slow")) for head in (b"G", GET[:-2], GET[:-2] + b"X: "))],
)
def test_a_head_has_a_deadline(data: bytes, expected: tuple[int, str]) -> None:
    assert said(data, SOON) == expected


def test_a_later_head_of_a_connection_has_one_too() -> None:
    with serving(SOON) as server, server.connect() as connection:
        connection.sendall(GET)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / ")
        assert answer(connection) == (408, "head-too-slow")


def test_a_body_takes_as_long_as_the_application_lets_it() -> None:
    with serving(SOON) as server, server.connect() as connection:
        connection.sendall(POST)
        time.sleep(3 * SOON.head_s)
        connection.sendall(b"3\r\nabc\r\n0\r\n\r\n")
        assert received_until(connection, b"\r\n\r\n3")


@pytest.mark.parametrize(
    "endless",
    [b"1;" + b"x" * 200_000, b"1\r\na\r\n0\r\nX: " + b"a" * 200_000, b"0\r\n" + b"X: a\r\n" * 1000],
    ids=["extension", "trailer", "trailers"],
)
def test_what_surrounds_a_body_is_bounded(endless: bytes) -> None:
    with serving(LATE) as server, server.connect() as connection:
        with suppress(ConnectionError):
            connection.sendall(POST + endless)
        assert answer(connection)[0] in (0, 431)


def test_bodies_in_small_chunks_are_read() -> None:
    with serving(LATE) as server, server.connect() as connection:
        connection.sendall(POST + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")
        assert received_until(connection, b"\r\n\r\n50000")


def test_what_is_left_of_a_refused_body_is_not_read_for_ever() -> None:
    with serving(SOON) as server, server.connect() as connection:
        connection.sendall(POST.replace(b"/ ", b"/early ", 1))
        connection.sendall(b"1\r\na\r\n")
        assert answer(connection) == (200, "0")
        assert server.open() == 0


def test_an_answer_that_is_not_taken_ends() -> None:
    with serving(SOON) as server, server.connect() as connection:
        connection.sendall(GET.replace(b"/ ", b"/large ", 1))
        for _ in range(2000):
            time.sleep(0.005)
            if not server.open():
                break
        assert server.open() == 0


def test_requests_in_a_row_are_answered_in_order() -> None:
    pieces = [POST + b"%x\r\n" % n + b"a" * n + b"\r\n0\r\n\r\n" for n in (1, 20, 3)]
    with serving(LATE) as server, server.connect() as connection:
        connection.sendall(b"".join(pieces) + CLOSE + b"\r\n")
        status, rest = answer(connection)
        assert (status, rest[:1], rest.count("HTTP/1.1 200")) == (200, "1", 3)
        assert rest.endswith("\r\n\r\n0")


def test_too_many_requests_in_a_row_are_cut_off() -> None:
    with serving(LATE) as server, server.connect() as connection:
        connection.sendall(GET.replace(b"/ ", b"/hang ", 1) + GET * 100)
        assert answer(connection) == (0, "")


def test_the_one_that_waits_longest_makes_room() -> None:
    with serving(replace(LATE, connections=4, per_client=4)) as server:
        half_open = [server.connect() for _ in range(12)]
        for one in half_open:
            one.sendall(b"GET / HTTP/1.1\r\n")
        with server.connect() as good:
            good.sendall(CLOSE + b"\r\n")
            assert answer(good) == (200, "0")
        assert server.open() <= 4
        assert answer(half_open[0])[0] == 0
        for one in half_open:
            one.close()


def test_one_client_leaves_room_for_others() -> None:
    with serving(replace(LATE, connections=4, per_client=2)) as server:
        other = socket.socket()
        other.bind(("127.0.0.2", 0))
        other.connect(("127.0.0.1", server.port))
        other.sendall(GET[:-2])
        crowd = [server.connect() for _ in range(8)]
        for one in crowd:
            one.sendall(GET[:-2])
        while server.open() > 3:
            time.sleep(0.005)
        other.sendall(b"Connection: close\r\n\r\n")
        assert answer(other) == (200, "0")
        for one in (*crowd, other):
            one.close()


def test_where_all_are_at_work_a_further_one_is_refused() -> None:
    with serving(replace(LATE, connections=2, per_client=2)) as server:
        busy = [server.connect() for _ in range(2)]
        for one in busy:
            one.sendall(GET.replace(b"/ ", b"/hang ", 1))
        while any(one.waits for one in server.server.server_state.connections):  # type: ignore[union-attr]
            time.sleep(0.005)
        with server.connect() as further:
            assert answer(further) == (503, "too-many-connections")
        for one in busy:
            one.close()


def test_there_are_no_more_connections_than_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: told.append(limits))
    for limits, expected in (
        ((1024, 4096), (1000, 500)),
        ((1024, 1024), (768, 384)),
        ((4096, 4096), (1000, 500)),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (1000, 500)),
    ):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=limits: limits)
        found = ConnectionLimits().within_descriptors()
        assert (found.connections, found.per_client) == expected
    assert told == [(1256, 4096), (1024, 1024)]


@pytest.mark.parametrize(
    ("data", "limits", "why"),
    [
        (GET, LATE, []),
        (b"GET / HTTP/1.1\r\nX: ", SOON, ["head-too-slow"]),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200, LATE, ["head-too-large"]),
        (b"\x16\x03\x01", LATE, ["bad-request"]),
        (GET.replace(b"/ ", b"/hang ", 1) + GET * 100, LATE, ["too-many-pipelined"]),
        (GET.replace(b"/ ", b"/large ", 1), SOON, ["answer-not-taken"]),
    ],
)
def test_what_is_refused_or_cut_off_is_counted(data: bytes, limits: ConnectionLimits, why: list[str]) -> None:
    COUNTED.clear()
    with serving(limits) as server, server.connect() as connection:
        connection.sendall(data)
        if why == ["answer-not-taken"]:
            while not COUNTED:
                time.sleep(0.01)
        answer(connection)
    assert why == COUNTED


def test_the_crowd_knows_the_oldest_that_waits() -> None:
    crowd: Crowd[str] = Crowd()
    assert (len(crowd), crowd.oldest(), crowd.oldest("x"), crowd.count_of("x")) == (0, None, None, 0)
    crowd.wait("stranger")
    crowd.leave("stranger")
    for name, address in (("a", "x"), ("b", "y"), ("c", "x")):
        crowd.enter(name, address)
        crowd.wait(name)
    assert (crowd.oldest(), crowd.oldest("y"), crowd.count_of("x")) == ("a", "b", 2)
    crowd.wait("a")
    assert (crowd.oldest(), crowd.oldest("x")) == ("b", "c")
    crowd.wait("a", first=True)
    assert (crowd.oldest(), crowd.oldest("x")) == ("a", "a")
    crowd.work("a")
    crowd.leave("b")
    crowd.leave("b")
    assert (len(crowd), crowd.oldest(), crowd.oldest("y"), crowd.count_of("y")) == (2, "c", None, 0)
    crowd.leave("c")
    crowd.leave("a")
    assert (len(crowd), crowd.oldest(), crowd._waiting_of, crowd._counts) == (0, None, {}, {})
