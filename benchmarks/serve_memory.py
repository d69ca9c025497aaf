"""Does the service's memory grow while it works? Many requests at full load, and the slope of a line through it."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np

from benchmarks.crowd import in_turns, searches
from benchmarks.serving import Service

WARM = 0.4
"""Share of the time after which the slope is taken: until then caches fill."""


def run(service: Service, photos: list[bytes], *, requests: int, clients: int = 4) -> dict[str, object]:
    """So many searches by photo, as fast as they are answered."""
    seen: list[tuple[float, float]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            seen.append((time.perf_counter() / 60, service.memory_mb()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    statuses = asyncio.run(in_turns(service.port, searches(photos), clients=clients, count=requests)).statuses
    spent = time.perf_counter() - began
    stop.set()
    watcher.join()
    late = np.array(seen[int(WARM * len(seen)) :])
    slope = float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) if len(late) > 2 else float("nan")
    return {
        "requests": requests,
        "s": round(spent),
        "MB a minute": round(slope, 2),
        "MB at the end": round(seen[-1][1]) if seen else None,
        **{f"HTTP {status}": count for status, count in sorted(statuses.items())},
    }
