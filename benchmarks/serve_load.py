"""A crowd asks by photo: at half the rate that can be served, at that rate, and at four times that; and slow clients.

Beside it, in the same run, a plain application of the same parts: a thread pool with everything let in.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from benchmarks.serving import Service, catalens_serve, free_port, start

PLAIN = """
import sys
from concurrent.futures import ThreadPoolExecutor
import asyncio, uvicorn
from fastapi import FastAPI, File, UploadFile
import catalens
shop = catalens.Catalog.open(sys.argv[1], readonly=True)
app, pool = FastAPI(), ThreadPoolExecutor(64)
@app.get("/healthz")
def healthz(): return {}
@app.post("/v1/search")
async def search(image: UploadFile = File()):
    data = await image.read()
    loop = asyncio.get_running_loop()
    return (await loop.run_in_executor(pool, lambda: shop.search(image=data, k=10))).to_dict()
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


@dataclass
class Load:
    """What came of some seconds of requests."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)

    @property
    def goodput(self) -> float:
        return self.statuses[200] / self.seconds

    @property
    def p99_ms(self) -> float:
        return float(np.percentile(self.times, 99) * 1000) if self.times else float("nan")

    @property
    def errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status == 0 or (status >= 500 and status != 503))

    def to_dict(self) -> dict[str, object]:
        return {
            "answers a second": round(self.goodput, 1),
            "p99 ms": round(self.p99_ms, 1),
            "refused": self.statuses[429] + self.statuses[503],
            "errors": self.errors,
        }


async def crowd(address: str, photos: list[bytes], *, rate: float, seconds: float) -> Load:
    """Requests at a steady rate, whatever becomes of those before (open loop)."""
    load = Load(seconds)
    limits = httpx.Limits(max_connections=2000, max_keepalive_connections=200)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def ask(number: int) -> None:
            started = time.perf_counter()
            try:
                files = {"image": ("a.jpg", photos[number % len(photos)], "image/jpeg")}
                answer = await client.post(f"{address}/v1/search", files=files)
                status = answer.status_code
            except httpx.HTTPError:
                status = 0
            load.statuses[status] += 1
            if status == 200:
                load.times.append(time.perf_counter() - started)

        started, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(ask(number)))
        await asyncio.gather(*tasks)
        load.seconds = max(seconds, time.perf_counter() - started)
    return load


async def capacity(address: str, photos: list[bytes], *, seconds: float, clients: int = 4) -> float:
    """Answers a second when so many ask one after the other (closed loop): fewer than would be refused."""
    done = 0
    async with httpx.AsyncClient(timeout=60) as client:
        until = time.perf_counter() + seconds

        async def work(number: int) -> None:
            nonlocal done
            while time.perf_counter() < until:
                files = {"image": ("a.jpg", photos[number % len(photos)], "image/jpeg")}
                answer = await client.post(f"{address}/v1/search", files=files)
                done += answer.status_code == 200

        await asyncio.gather(*(work(number) for number in range(clients)))
    return done / seconds


async def slow_clients(port: int, count: int, seconds: float) -> None:
    """Connections that send a byte of a large body a second."""
    head = b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000\r\n\r\n"
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        writers.append(writer)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for writer in writers:
            writer.write(b"x")
        await asyncio.sleep(1)
    for writer in writers:
        writer.close()


async def beside_slow(address: str, port: int, photos: list[bytes], *, rate: float, seconds: float, slow: int) -> Load:
    """A crowd, while others send a byte a second."""
    others = asyncio.create_task(slow_clients(port, slow, seconds + 1))
    await asyncio.sleep(1)
    load = await crowd(address, photos, rate=rate, seconds=seconds)
    await others
    return load


async def crowd_of(address: str, photos: list[bytes], *, requests: int, clients: int) -> Counter[int]:
    """So many requests by so many clients, each one after the other; counts the statuses."""
    statuses: Counter[int] = Counter()
    async with httpx.AsyncClient(timeout=60) as client:

        async def work() -> None:
            while statuses.total() < requests:
                files = {"image": ("a.jpg", photos[statuses.total() % len(photos)], "image/jpeg")}
                answer = await client.post(f"{address}/v1/search", files=files)
                statuses[answer.status_code] += 1
                if answer.status_code == 429:
                    await asyncio.sleep(0.05)

        await asyncio.gather(*(work() for _ in range(clients)))
    return statuses


def run(shop: Path, photos: list[bytes], *, seconds: float, slow: int) -> dict[str, dict[str, object]]:
    """Both applications under the three loads; the first one beside slow clients, too."""
    table: dict[str, dict[str, object]] = {}
    peak = 0.0
    for name in ("catalens", "plain"):
        service = catalens_serve(shop) if name == "catalens" else _plain(shop)
        try:
            asyncio.run(capacity(service.address, photos, seconds=3))  # everything is loaded
            found = asyncio.run(capacity(service.address, photos, seconds=seconds / 2))
            peak = peak or found
            before = service.memory_mb()
            for load in (0.5, 1.0, 4.0):
                result = asyncio.run(crowd(service.address, photos, rate=load * peak, seconds=seconds))
                table[f"{name} at {load:g}x"] = result.to_dict()
            after = service.memory_mb()
            memory = {"before MB": round(before), "after MB": round(after)}
            table[f"{name} memory"] = {"capacity": round(found, 1), **memory}
            if name == "catalens":
                table.update(_beside_slow(service, photos, rate=peak / 2, seconds=seconds, slow=slow))
        finally:
            service.stop()
    table["ratios"] = _ratios(table, peak, slow)
    return table


def _plain(shop: Path) -> Service:
    port = free_port()
    return start([sys.executable, "-c", PLAIN, str(shop), str(port)], port, ready="/healthz")


def _beside_slow(
    service: Service, photos: list[bytes], *, rate: float, seconds: float, slow: int
) -> dict[str, dict[str, object]]:
    """The same load without and with slow clients, one right after the other."""
    alone = asyncio.run(crowd(service.address, photos, rate=rate, seconds=seconds)).to_dict()
    both = beside_slow(service.address, service.port, photos, rate=rate, seconds=seconds, slow=slow)
    return {"at 0.5x again, alone": alone, f"at 0.5x beside {slow} slow clients": asyncio.run(both).to_dict()}


def _ratios(table: dict[str, dict[str, object]], peak: float, slow: int) -> dict[str, object]:
    p99 = {name: float(str(row["p99 ms"])) for name, row in table.items() if "p99 ms" in row}
    served = float(str(table["catalens at 4x"]["answers a second"]))
    return {
        "p99 at 4x / at 0.5x": round(p99["catalens at 4x"] / p99["catalens at 0.5x"], 2),
        "goodput at 4x / peak": round(served / peak, 2),
        "p99 of the plain one at 4x / ours": round(p99["plain at 4x"] / p99["catalens at 4x"], 1),
        "p99 beside slow clients / alone": round(
            p99[f"at 0.5x beside {slow} slow clients"] / p99["at 0.5x again, alone"], 2
        ),
    }
