"""A crowd of clients that takes little itself: it shares the cores with the service, which real ones do not.

Requests are bytes made beforehand, connections are kept, and of an answer only its status and its length are read. What
the crowd takes all the same is told beside what it found.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np

KEPT_S = 2.0
"""For so long a connection is kept that nothing is asked on; a service keeps it longer, and never ends it first."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Load:
    """What came of some seconds of requests.

    Args:
        times: seconds of each answer with status 200, from the moment at which its request was due.
        own_s: processor seconds that the crowd itself took.
    """

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    own_s: float = 0.0

    @property
    def goodput(self) -> float:
        return self.statuses[200] / self.seconds

    @property
    def p99_ms(self) -> float:
        return float(np.percentile(self.times, 99) * 1000) if self.times else float("nan")

    @property
    def errors(self) -> int:
        """Requests without an answer, and 5xx."""
        return sum(count for status, count in self.statuses.items() if status == 0 or status >= 500)

    def to_dict(self) -> dict[str, object]:
        return {
            "answers a second": round(self.goodput, 1),
            "p99 ms": round(self.p99_ms, 1),
            "refused": self.statuses[429],
            "errors": self.errors,
            "cores of the crowd": round(self.own_s / self.seconds, 2),
        }


class _Connection(asyncio.Protocol):
    """A connection that is kept: one request at a time."""

    def __init__(self) -> None:
        self._idle_since = math.inf
        self._answer: asyncio.Future[int] | None = None
        self._came = b""
        self._left: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @property
    def is_kept(self) -> bool:
        """Whether the next request may go over it."""
        return not self._transport.is_closing() and time.perf_counter() - self._idle_since < KEPT_S

    async def ask(self, request: bytes) -> int:
        """The status of the answer; 0 where none came."""
        self._answer, self._came, self._left = asyncio.get_running_loop().create_future(), b"", None
        self._transport.write(request)
        status = await self._answer
        self._idle_since = time.perf_counter()
        return status

    def data_received(self, data: bytes) -> None:
        if self._left is None:
            self._came += data
            head, end, data = self._came.partition(b"\r\n\r\n")
            if not end:
                return
            length = _LENGTH.search(head)
            self._left = int(length[1]) if length else 0
        self._left -= len(data)
        if self._left <= 0:
            self._end(int(self._came[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        self._end(0)

    def _end(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    def close(self) -> None:
        self._transport.close()


class Clients:
    """As many connections to a service on this machine as are asked on at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Connection] = []

    async def ask(self, request: bytes) -> int:
        """The status of the answer; 0 where none came."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_kept:
                break
            connection.close()
        else:
            loop = asyncio.get_running_loop()
            try:
                _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
            except OSError:
                return 0
        status = await connection.ask(request)
        self._idle.append(connection)
        return status

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


def searches(photos: Sequence[bytes]) -> list[bytes]:
    """Requests that search by photo, as a browser sends a form."""
    made = []
    for photo in photos:
        disposition = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        body = disposition + b"Content-Type: image/jpeg\r\n\r\n" + photo + b"\r\n--edge--\r\n"
        head = "POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
        made.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return made


async def crowd(port: int, requests: Sequence[bytes], *, rate: float, seconds: float) -> Load:
    """Requests at a steady rate, whatever becomes of those before (open loop)."""
    load, clients, own = Load(seconds), Clients(port), time.process_time()

    async def ask(request: bytes, due: float) -> None:
        status = await clients.ask(request)
        load.statuses[status] += 1
        if status == 200:
            load.times.append(time.perf_counter() - due)

    started, tasks = time.perf_counter(), []
    for number, request in zip(range(int(rate * seconds)), cycle(requests), strict=False):
        due = started + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(request, due)))
    await asyncio.gather(*tasks)
    load.seconds = max(seconds, time.perf_counter() - started)
    load.own_s = time.process_time() - own
    clients.close()
    return load


async def in_turns(
    port: int, requests: Sequence[bytes], *, clients: int = 4, count: float = math.inf, seconds: float = math.inf
) -> Load:
    """So many clients, each asking one after the other (closed loop), for so many requests or seconds."""
    load, connections, waiting = Load(seconds), Clients(port), cycle(requests)
    started, own = time.perf_counter(), time.process_time()

    async def work() -> None:
        while load.statuses.total() < count and time.perf_counter() - started < seconds:
            status = await connections.ask(next(waiting))
            load.statuses[status] += 1
            if status != 200:
                await asyncio.sleep(0.05)

    await asyncio.gather(*(work() for _ in range(clients)))
    load.seconds, load.own_s = time.perf_counter() - started, time.process_time() - own
    connections.close()
    return load


async def slow_clients(port: int, count: int, *, opened: asyncio.Event, seconds: float) -> None:
    """Connections that send a byte of a large body a second, each at its own moment of it."""
    head = b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000\r\n\r\n"
    writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(count)]
    for writer in writers:
        writer.write(head)
    opened.set()
    started = time.perf_counter()
    for number, writer in zip(range(int(count * seconds)), cycle(writers), strict=False):
        await asyncio.sleep(max(0.0, started + number / count - time.perf_counter()))
        writer.write(b"x")
    for writer in writers:
        writer.close()


async def beside_slow(port: int, requests: Sequence[bytes], *, rate: float, seconds: float, slow: int) -> Load:
    """A crowd, while others send a byte a second."""
    opened = asyncio.Event()
    others = asyncio.create_task(slow_clients(port, slow, opened=opened, seconds=seconds + 3))
    await opened.wait()
    await asyncio.sleep(2)  # they are taken in
    load = await crowd(port, requests, rate=rate, seconds=seconds)
    await others
    return load
