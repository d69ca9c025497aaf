"""Concurrency limits: some calls run, some wait, the rest are refused with Retry-After."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from catalens.server.http.problems import RefusedError
from catalens.server.services.metrics import Metrics

T = TypeVar("T")
LATER = "try again a little later"


@dataclass
class ConcurrencyLimiter:
    """Bounded concurrency and queue of one class of work.

    Args:
        name: in metrics and refusals.
        running: calls that run at a time, each in a thread; waiting: calls that may queue for a thread.
        deadline_s: a call that has waited longer is refused before any work is done for it.
        metrics: receives queue length, times and refusals.
    """

    name: str
    running: int
    waiting: int
    deadline_s: float
    metrics: Metrics | None = None
    refused: int = 0
    served: int = 0
    _admitted: int = 0
    _mean_s: float = 0.1
    _pool: ThreadPoolExecutor = field(init=False)
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.running, thread_name_prefix=f"catalens-{self.name}")
        self._free = asyncio.Semaphore(self.running)

    @property
    def queued(self) -> int:
        """Number of calls that wait."""
        return max(0, self._admitted - self.running)

    def require_capacity(self) -> None:
        """Check that the queue has room; called before a body is read, too, so that a refusal costs little.

        Raises:
            RefusedError: the queue is full (429).
        """
        if self._admitted >= self.running + self.waiting:
            raise self._refusal(429, "too-busy", f"{self.waiting} calls of {self.name} are waiting already")

    async def run(self, work: Callable[[], T]) -> T:
        """Run the work in a thread as soon as one is free.

        Raises:
            RefusedError: the queue is full (429), or the deadline passed while waiting (503).
        """
        self.require_capacity()
        queued_at = time.perf_counter()
        self._admit(1)
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
                self._done(waited_s=started - queued_at, worked_s=time.perf_counter() - started)
                return result
            finally:
                self._free.release()
        finally:
            self._admit(-1)

    def _admit(self, calls: int) -> None:
        self._admitted += calls
        if self.metrics is not None:
            self.metrics.queued.labels(self.name).set(self.queued)

    def _done(self, *, waited_s: float, worked_s: float) -> None:
        self.served += 1
        self._mean_s += 0.1 * (worked_s - self._mean_s)
        if self.metrics is not None:
            self.metrics.waited.labels(self.name).observe(waited_s)
            self.metrics.worked.labels(self.name).observe(worked_s)

    def _refusal(self, status: int, kind: str, what: str) -> RefusedError:
        self.refused += 1
        if self.metrics is not None:
            self.metrics.refused.labels(self.name, kind).inc()
        return RefusedError(status, kind, what, cure=LATER, headers={"Retry-After": str(self._retry_after())})

    def _retry_after(self) -> int:
        """Estimated seconds until the queue is empty."""
        return max(1, round(self._mean_s * self._admitted / self.running))

    def close(self) -> None:
        """Wait for running calls; start no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
