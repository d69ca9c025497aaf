"""How much work is taken on at a time: so many calls run, so many wait, the rest is told when to come again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from catalens.server.metrics import Metrics
from catalens.server.problems import RefusedError

T = TypeVar("T")
LATER = "try again a little later"


@dataclass
class Gate:
    """Bounded work of one class.

    Args:
        name: in metrics and refusals.
        running: calls at work at a time, each in a thread of its own; waiting: calls that wait for one of these.
        deadline_s: a call that has waited longer is dropped before any work is done for it.
        metrics: told what waits, works and is refused.
    """

    name: str
    running: int
    waiting: int
    deadline_s: float
    metrics: Metrics | None = None
    refused: int = 0
    served: int = 0
    _taken: int = 0
    _spent_s: float = 0.1
    _pool: ThreadPoolExecutor = field(init=False)
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.running, thread_name_prefix=f"catalens-{self.name}")
        self._free = asyncio.Semaphore(self.running)

    @property
    def queued(self) -> int:
        """Calls that wait."""
        return max(0, self._taken - self.running)

    def require_room(self) -> None:
        """Asked before a body is read, too: to read it only to refuse it would take the time of those at work.

        Raises:
            RefusedError: the queue is full (429).
        """
        if self._taken >= self.running + self.waiting:
            raise self._refusal(429, "too-busy", f"{self.waiting} calls of {self.name} are waiting already")

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread, when there is one.

        Raises:
            RefusedError: the queue is full (429), or the deadline passed while waiting (503).
        """
        self.require_room()
        came = time.perf_counter()
        self._take(1)
        try:
            try:
                async with asyncio.timeout(self.deadline_s):
                    await self._free.acquire()
            except TimeoutError:
                why = f"no turn within {self.deadline_s:g} seconds"
                raise self._refusal(503, "deadline-passed", why) from None
            try:
                started = time.perf_counter()
                result = await asyncio.get_running_loop().run_in_executor(self._pool, work)
                self._done(waited_s=started - came, worked_s=time.perf_counter() - started)
                return result
            finally:
                self._free.release()
        finally:
            self._take(-1)

    def _take(self, calls: int) -> None:
        self._taken += calls
        if self.metrics is not None:
            self.metrics.queued.labels(self.name).set(self.queued)

    def _done(self, *, waited_s: float, worked_s: float) -> None:
        self.served += 1
        self._spent_s += 0.1 * (worked_s - self._spent_s)
        if self.metrics is not None:
            self.metrics.waited.labels(self.name).observe(waited_s)
            self.metrics.worked.labels(self.name).observe(worked_s)

    def _refusal(self, status: int, kind: str, what: str) -> RefusedError:
        self.refused += 1
        if self.metrics is not None:
            self.metrics.refused.labels(self.name, kind).inc()
        return RefusedError(status, kind, what, cure=LATER, headers={"Retry-After": str(self._retry_after())})

    def _retry_after(self) -> int:
        """Seconds until the queue will be done, about."""
        return max(1, round(self._spent_s * self._taken / self.running))

    def close(self) -> None:
        """Let what runs end, and start nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
