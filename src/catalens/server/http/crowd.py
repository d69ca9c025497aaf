"""Open connections of a process, counted by address; which has waited longest for its client is known at once."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Crowd(Generic[T]):
    """All steps take constant time: a burst of new connections is no work in the square of their number."""

    def __init__(self) -> None:
        self._addresses: dict[T, str] = {}
        self._counts: Counter[str] = Counter()
        self._waiting: OrderedDict[T, None] = OrderedDict()
        self._waiting_of: dict[str, OrderedDict[T, None]] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def count_of(self, address: str) -> int:
        """Connections of one address."""
        return self._counts[address]

    def enter(self, one: T, address: str) -> None:
        """Count a connection."""
        self._addresses[one] = address
        self._counts[address] += 1

    def leave(self, one: T) -> None:
        """Count it no more; again does nothing."""
        self.work(one)
        address = self._addresses.pop(one, None)
        if address is not None:
            self._counts[address] -= 1
            if not self._counts[address]:
                del self._counts[address]

    def wait(self, one: T, *, first: bool = False) -> None:
        """It waits for its client from now on; `first`: before all others."""
        if one in self._addresses:
            for waiting in (self._waiting, self._waiting_of.setdefault(self._addresses[one], OrderedDict())):
                waiting[one] = None
                waiting.move_to_end(one, last=not first)

    def work(self, one: T) -> None:
        """It does not wait for its client."""
        address = self._addresses.get(one)
        if address is not None and one in self._waiting:
            del self._waiting[one], self._waiting_of[address][one]
            if not self._waiting_of[address]:
                del self._waiting_of[address]

    def oldest(self, address: str | None = None) -> T | None:
        """The one that has waited longest, of all or of one address; None where none waits."""
        waiting = self._waiting if address is None else self._waiting_of.get(address, OrderedDict())
        return next(iter(waiting), None)
