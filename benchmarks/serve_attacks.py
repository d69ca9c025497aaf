"""Attacks on the service before, in and around the body of a request, while another client searches.

    python -m benchmarks.serve_attacks ATTACK PORT SECONDS    one attack, on a service of this machine

Each attack lasts some seconds and comes from a process of its own, from the address of the other client: nothing tells
them apart. Printed for each: the slowest search of the other client meanwhile, how many failed, the most memory of the
service, and whether it answers as before. Beside it a plain FastAPI application of the same parts. Both have 1,024
descriptors. `none` is no attack: what the machine itself does to a search.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from benchmarks.serving import COMMAND, Service, free_port, start

DESCRIPTORS = ("/bin/sh", "-c", 'ulimit -n 1024; exec "$@"', "sh")
PLAIN = """
import sys
import uvicorn
from fastapi import FastAPI, File, Form, UploadFile
from pydantic import BaseModel
import catalens
shop = catalens.Catalog.open(sys.argv[1], readonly=True)
app = FastAPI()
class Asked(BaseModel):
    text: str
    k: int = 10
    model_config = {"extra": "forbid"}
class Product(BaseModel):
    title: str = ""
    attributes: dict[str, str | int | float] = {}
@app.get("/healthz")
def healthz(): return {}
@app.post("/v1/search")
def search(asked: Asked): return shop.search(text=asked.text, k=asked.k).to_dict()
@app.post("/v1/detect")
def detect(image: UploadFile = File(), min_score: str = Form("")): return {"size": len(image.file.read())}
@app.put("/v1/products/{sku}")
def put(sku: str, product: Product): return {}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="critical")
"""
WORDS = {"text": "red dress", "k": 5}
PAUSE_S = 0.05
"""Seconds between two searches of the other client."""
Attack = Callable[[int, float], Coroutine[None, None, None]]


def _post(path: str, body: bytes, kind: str = "application/json", method: str = "POST") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _keys(path: str, count: int, method: str = "POST") -> bytes:
    return _post(path, json.dumps({f"unknown{n}": n for n in range(count)}).encode(), method=method)


def _form(value: bytes, count: int = 1) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="min_score"\r\n\r\n%b\r\n' % value
    return _post("/v1/detect", part * count + b"--x--\r\n", "multipart/form-data; boundary=x")


HALF = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def _repeat(port: int, until: float, data: bytes) -> None:
    """Send a request again and again, each on a connection of its own."""
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            await asyncio.wait_for(
                asyncio.gather(writer.drain(), reader.read(2**16)), max(0.1, until - time.monotonic())
            )
            writer.close()
        except (OSError, TimeoutError):
            await asyncio.sleep(0.01)


async def _hold(port: int, until: float, first: bytes, then: bytes, every_s: float) -> None:
    """Send the beginning of something, then a piece now and then; connect again where the service ends it."""
    while time.monotonic() < until:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(first)
            while time.monotonic() < until and not writer.is_closing():
                writer.write(then)
                await writer.drain()
                await asyncio.sleep(every_s)
            writer.close()
        except OSError:
            await asyncio.sleep(0.2)


def _bodies(make: Callable[[], bytes], clients: int = 2) -> Attack:
    async def attack(port: int, seconds: float) -> None:
        data = make()
        until = time.monotonic() + seconds
        await asyncio.gather(*(_repeat(port, until, data) for _ in range(clients)))

    return attack


def _held(first: bytes, then: bytes, *, clients: int, every_s: float) -> Attack:
    async def attack(port: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        holding = (_hold(port, until, first, then, every_s) for _ in range(clients))
        await asyncio.gather(asyncio.sleep(seconds), *holding)

    return attack


ATTACKS: dict[str, Attack] = {
    "none": _held(b"", b"", clients=0, every_s=1.0),
    "9 MB of unknown keys": _bodies(lambda: _keys("/v1/search", 450_000)),
    "1 MB of unknown keys": _bodies(lambda: _keys("/v1/search", 50_000)),
    "1 MB of lists": _bodies(lambda: _post("/v1/search", b'{"where": [' + b"[]," * 340_000 + b"1]}")),
    "1 MB of brackets": _bodies(lambda: _post("/v1/search", b"[" * 1_000_000)),
    "9 MB product": _bodies(lambda: _keys("/v1/products/A-1", 450_000, "PUT")),
    "34 MB form of lookalikes": _bodies(lambda: _form(b"\r\n--\r-" * 4_900_000)),
    "36 MB form of fields": _bodies(lambda: _form(b"1", 500_000)),
    "1,100 half-open heads": _held(HALF, b"", clients=1100, every_s=1.0),
    "4 endless heads": _held(HALF + b"X: ", b"a" * 2**18, clients=4, every_s=0.0),
    "4 endless fields": _held(HALF, b"X: a\r\n" * 40_000, clients=4, every_s=0.0),
    "300 dribbled heads": _held(HALF + b"X: ", b"a", clients=300, every_s=0.5),
    "600 bodies that do not come": _held(_post("/v1/search", bytes(1000))[:-1000], b"", clients=600, every_s=1.0),
    "4 endless trailers": _held(
        b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"a" * 2**18,
        clients=4,
        every_s=0.0,
    ),
    "200 answers that are not read": _held(
        b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 100, b"", clients=200, every_s=1.0
    ),
}


def run(shop: Path, *, seconds: float, plain: bool = True) -> dict[str, dict[str, object]]:
    """All attacks on the service, each on a fresh plain application, too (many of them it does not survive)."""
    table: dict[str, dict[str, object]] = {}
    service = _start([*COMMAND, "serve", "--catalog", str(shop), "--port"])
    try:
        for name in ATTACKS:
            table[name] = _under(service, name, seconds)
    finally:
        service.kill() if service.process.poll() is None else None
    for name in ATTACKS if plain else ():
        service = _start([sys.executable, "-c", PLAIN, str(shop)])
        try:
            table[f"plain: {name}"] = _under(service, name, seconds)
        finally:
            service.kill() if service.process.poll() is None else None
    return table


def _start(command: list[str]) -> Service:
    port = free_port()
    return start([*DESCRIPTORS, *command, str(port)], port, ready="/healthz")


def _under(service: Service, name: str, seconds: float) -> dict[str, object]:
    before = _search(service)[1]
    _search(service)
    command = [sys.executable, "-m", "benchmarks.serve_attacks", name, str(service.port), str(seconds)]
    attack = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    slowest, failed, searches, memory = 0.0, 0, 0, 0.0
    while attack.poll() is None:
        took, found = _search(service)
        slowest, failed, searches = max(slowest, took), failed + (found is None), searches + 1
        memory = max(memory, service.memory_mb())
        time.sleep(PAUSE_S)
    time.sleep(0.5)
    same = before is not None and _search(service)[1] == before
    return {
        "slowest s": round(slowest, 2), "failed": failed, "of": searches, "most MB": round(memory), "same after": same,
    }  # fmt: skip


def _search(service: Service) -> tuple[float, object]:
    """Seconds of a search on a connection of its own, and what was found; None where nothing was."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    try:
        connection.request("POST", "/v1/search", json.dumps(WORDS), {"Content-Type": "application/json"})
        found = json.loads(connection.getresponse().read())
        matches = [(one["sku"], round(one["score"], 4)) for one in found["matches"]]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        matches = None
    finally:
        connection.close()
    return time.perf_counter() - began, matches


if __name__ == "__main__":
    asyncio.run(ATTACKS[sys.argv[1]](int(sys.argv[2]), float(sys.argv[3])))
