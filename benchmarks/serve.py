"""Does the service stay steady when more comes than it can do, and when what comes is hostile?

    python benchmarks/serve.py [--seconds 20] [--products 5000]

A crowd asks by photo at half the rate that can be served, at that rate, and at four times that; beside it, in the same
run, a plain application of the same parts: a thread pool with everything let in. Counted: answers of 200 a second, the
99th percentile of their times, refusals (429, 503), errors (5xx but 503), and the memory of the process before and
after. Then clients that send a byte a second, while others search.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

import catalens
from catalens.images.draw import encode_image
from catalens.training.synthetic import write_shop

COMMAND = str(Path(sys.executable).with_name("catalens"))
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


async def capacity(address: str, photos: list[bytes], *, seconds: float, clients: int = 8) -> float:
    """Answers a second when so many ask one after the other (closed loop)."""
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


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(command: list[str], port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return process
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("the service does not start")


def memory_mb(process: subprocess.Popen[bytes]) -> float:
    for line in Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each load")
    parser.add_argument("--products", type=int, default=2000)
    parser.add_argument("--slow", type=int, default=500, help="clients that send a byte a second")
    given = parser.parse_args()
    table: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        write_shop(Path(folder) / "export", n=given.products, seed=3, size=(240, 240))
        with catalens.open(shop) as catalog:
            catalog.add(Path(folder) / "export" / "products.csv")
        photos = [
            encode_image(catalens.read_image(path), format="JPEG")
            for path in sorted((Path(folder) / "export" / "queries").glob("*.jpg"))[:40]
        ]
        peak = 0.0
        for name in ("catalens", "plain"):
            port = free_port()
            address = f"http://127.0.0.1:{port}"
            ours = [COMMAND, "serve", "--catalog", str(shop), "--port", str(port)]
            process = start(ours if name == "catalens" else [sys.executable, "-c", PLAIN, str(shop), str(port)], port)
            try:
                asyncio.run(capacity(address, photos, seconds=3))  # everything is loaded
                found = asyncio.run(capacity(address, photos, seconds=given.seconds / 2))
                peak = peak or found
                before = memory_mb(process)
                for load in (0.5, 1.0, 4.0):
                    result = asyncio.run(crowd(address, photos, rate=load * peak, seconds=given.seconds))
                    table[f"{name} at {load:g}x"] = result.to_dict()
                table[f"{name} memory"] = {
                    "capacity": round(found, 1),
                    "before MB": before,
                    "after MB": memory_mb(process),
                }
                if name == "catalens":
                    beside = beside_slow(address, port, photos, rate=peak / 2, seconds=given.seconds, slow=given.slow)
                    table[f"{name} at 0.5x beside {given.slow} slow clients"] = asyncio.run(beside).to_dict()
            finally:
                process.terminate()
                process.wait()
    for name, row in table.items():
        print(f"{name:<40}", "  ".join(f"{key} {value}" for key, value in row.items()))
    half, four = table["catalens at 0.5x"], table["catalens at 4x"]
    ratios = {
        "p99 at 4x / at 0.5x": round(float(str(four["p99 ms"])) / float(str(half["p99 ms"])), 2),
        "goodput at 4x / peak": round(float(str(four["answers a second"])) / peak, 2),
        "p99 of the plain application at 4x / ours": round(
            float(str(table["plain at 4x"]["p99 ms"])) / float(str(four["p99 ms"])), 1
        ),
    }
    print(ratios)
    print(json.dumps({"benchmark": "serve", "peak": round(peak, 1), **table, **ratios}))


if __name__ == "__main__":
    main()
