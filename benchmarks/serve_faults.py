"""Faults: `kill -9` while products are written, a worker that is stopped, a full disk; and a start with much in it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np

import catalens
from benchmarks.serving import Service, catalens_serve, children, serving
from catalens import features
from catalens.storage.pictures import deep_space
from catalens.storage.store import ReadPicture
from catalens.types import FloatArray, PictureSource, Product, Where

BULK = 400
"""Products of a bulk write."""


def kills(folder: Path, *, count: int, seed: int) -> dict[str, object]:
    """Kill the service at random moments of its writing; nothing that it acknowledged may be gone."""
    rng = random.Random(seed)
    shop, number, lost, unfinished, acknowledged = folder / "killed", 0, 0, 0, 0
    with catalens.open(shop):
        pass
    service = catalens_serve(shop)
    for _ in range(count):
        stop, put, jobs = threading.Event(), list[str](), list[tuple[str, list[str]]]()
        writer = threading.Thread(target=_write, args=(service, number, stop, put, jobs))
        writer.start()
        time.sleep(rng.uniform(0.2, 2.0))
        service.kill()
        stop.set()
        writer.join()
        number += 10_000
        service = catalens_serve(shop)
        acknowledged += len(put) + len(jobs)
        lost += sum(not _has(service, sku) for sku in put)
        for id, skus in jobs:
            unfinished += not (_ends(service, id) and _has(service, skus[0]) and _has(service, skus[-1]))
    service.stop()
    return {"kills": count, "acknowledged writes": acknowledged, "lost": lost, "jobs not finished": unfinished}


def _write(
    service: Service, first: int, stop: threading.Event, put: list[str], jobs: list[tuple[str, list[str]]]
) -> None:
    with httpx.Client(base_url=service.address, timeout=30) as client:
        while not stop.is_set():
            skus = [f"K-{first + number}" for number in range(BULK)]
            first += BULK
            try:
                products = [{"sku": sku, "title": f"thing {sku}"} for sku in skus]
                answer = client.post("/v1/products", json={"products": products})
                if answer.status_code == 202:
                    jobs.append((answer.json()["id"], skus))
                for _ in range(5):
                    sku = f"S-{first}"
                    first += 1
                    if client.put(f"/v1/products/{sku}", json={"title": "single"}).status_code == 200:
                        put.append(sku)
            except httpx.HTTPError:
                return


def _has(service: Service, sku: str) -> bool:
    return httpx.get(f"{service.address}/v1/products/{sku}", timeout=30).status_code == 200


def _ends(service: Service, id: str) -> bool:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        answer = httpx.get(f"{service.address}/v1/jobs/{id}", timeout=30)
        if answer.status_code != 200 or answer.json()["state"] == "failed":
            return False
        if answer.json()["state"] == "done":
            return True
        time.sleep(0.1)
    return False


def restart(folder: Path, *, products: int) -> dict[str, object]:
    """How long a service with so many products takes until it can search, and one without any."""
    shop = folder / "many"
    _fill(shop, products)
    with catalens.open(shop, readonly=True) as catalog:
        catalog.search(np.full((64, 64, 3), 90, np.uint8), k=1)  # makes the index
    times = []
    for _ in range(3):
        service = catalens_serve(shop)
        times.append(service.started_s)
        began = time.perf_counter()
        answer = httpx.post(f"{service.address}/v1/search", json={"text": "thing 7", "k": 1}, timeout=60)
        first = time.perf_counter() - began
        answer.raise_for_status()
        service.kill()
    with catalens.open(folder / "nothing"):
        pass
    empty = catalens_serve(folder / "nothing")
    empty.kill()
    return {
        "products": products,
        "ready s": round(min(times), 2),
        "ready s, empty catalog": round(empty.started_s, 2),
        "first search s": round(first, 2),
    }


def _fill(shop: Path, products: int) -> None:
    """Products with one picture each, whose vectors are random: what is measured does not depend on what they show."""
    rng = np.random.default_rng(0)
    encoder = catalens.encoder()
    spaces = {deep_space(encoder): encoder.dim, **features.DIMS}
    with catalens.open(shop) as catalog:
        store = catalog._store
        with store.writing(), store.change() as writer:
            for number in range(products):
                source = PictureSource(f"/nowhere/{number}.jpg", Where("benchmark"))
                product = Product(f"P-{number}", Where("benchmark"), f"thing {number}", pictures=(source,))
                vectors = {name: _unit(rng, dim) for name, dim in spaces.items()}
                picture = ReadPicture(source, number.to_bytes(32, "big"), 1, 0, (64, 64), vectors)
                writer.write_product(product, {source.location: writer.write_picture(picture)})


def _unit(rng: np.random.Generator, dim: int) -> FloatArray:
    vector = rng.standard_normal(dim).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def stopped_worker(shop: Path, photos: list[bytes]) -> dict[str, object]:
    """One of two worker processes is stopped (SIGSTOP): what becomes of the searches of four clients."""
    statuses: Counter[int] = Counter()
    slowest = 0.0
    with serving(shop, "--workers", "2") as service:
        workers = [pid for pid in children(service.process.pid) if b"spawn_main" in _command_of(pid)]
        os.kill(workers[0], signal.SIGSTOP)
        until = time.monotonic() + 45  # it is missed after 30 seconds
        stop = threading.Event()

        def ask() -> None:
            nonlocal slowest
            while not stop.is_set():
                began = time.perf_counter()
                try:
                    files = {"image": ("a.jpg", photos[0], "image/jpeg")}
                    statuses[httpx.post(f"{service.address}/v1/search", files=files, timeout=10).status_code] += 1
                except httpx.HTTPError:
                    statuses[0] += 1
                slowest = max(slowest, time.perf_counter() - began)

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        replaced_after = None
        while time.monotonic() < until and replaced_after is None:
            time.sleep(0.5)
            if not Path(f"/proc/{workers[0]}").exists():
                replaced_after = round(45 - (until - time.monotonic()), 1)
        stop.set()
        for client in clients:
            client.join()
    told = {f"HTTP {status}" if status else "no answer": count for status, count in sorted(statuses.items())}
    return {"replaced after s": replaced_after, "slowest s": round(slowest, 1), **told}


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def full_disk(folder: Path) -> dict[str, object]:
    """Products are written until a disk of 24 MB is full: refused then, all that was acknowledged still there."""
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=False).returncode:
        return {"skipped": "no right to mount a small disk"}
    try:
        with catalens.open(disk / "shop"):
            pass
        with serving(disk / "shop") as service, httpx.Client(base_url=service.address, timeout=60) as client:
            kept: list[str] = []
            statuses: Counter[int] = Counter()
            for number in range(4000):
                body = {"title": f"thing {number}", "description": os.urandom(4000).hex()}
                answer = client.put(f"/v1/products/D-{number}", json=body)
                statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    kept.append(f"D-{number}")
                elif statuses[answer.status_code] >= 5:
                    break
            lost = sum(client.get(f"/v1/products/{sku}").status_code != 200 for sku in kept)
            found = client.post("/v1/search", json={"text": "thing 1", "k": 1}).status_code
        kinds = {f"HTTP {status}": count for status, count in sorted(statuses.items())}
        return {"acknowledged": len(kept), "lost": lost, **kinds, "search beside it": found}
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
