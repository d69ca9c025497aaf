"""A service to measure: started as a process of its own, on a port that is free, on this machine only."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx

import catalens
from catalens.images.draw import encode_image
from recipes.synthetic import write_shop

COMMAND = (sys.executable, "-m", "catalens.cli.main")
STARTS_S = 120.0


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    started_s: float
    """From the start of its process until it can search."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_mb(self) -> float:
        """Resident memory of its processes."""
        return sum(_resident_mb(pid) for pid in (self.process.pid, *children(self.process.pid)))

    def kill(self) -> None:
        """As a crash would end it."""
        for pid in (*children(self.process.pid), self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> float:
        """As an administrator would end it; returns the seconds that it took."""
        began = time.perf_counter()
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
        return time.perf_counter() - began


def start(command: Sequence[str], port: int, *, ready: str = "/readyz") -> Service:
    """Start a service and wait until it is ready."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while time.perf_counter() - began < STARTS_S:
        try:
            if httpx.get(f"http://127.0.0.1:{port}{ready}", timeout=30).status_code in (200, 404):
                return Service(process, port, time.perf_counter() - began)
        except httpx.HTTPError:
            time.sleep(0.02)
    process.kill()
    raise RuntimeError("the service does not start")


def catalens_serve(shop: Path, *options: str, ready: str = "/readyz") -> Service:
    """Start `catalens serve`."""
    port = free_port()
    return start([*COMMAND, "serve", "--catalog", str(shop), "--port", str(port), *options], port, ready=ready)


@contextmanager
def serving(shop: Path, *options: str) -> Iterator[Service]:
    """`catalens serve`, for a `with` block."""
    service = catalens_serve(shop, *options)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def rendered_shop(folder: Path, *, products: int) -> tuple[Path, list[bytes]]:
    """A catalog of rendered products, and photos to ask with."""
    write_shop(folder / "export", n=products, seed=3, size=(240, 240))
    with catalens.open(folder / "shop") as shop:
        shop.add(folder / "export" / "products.csv")
    paths = sorted((folder / "export" / "queries").glob("*.jpg"))[:40]
    return folder / "shop", [encode_image(catalens.read_image(path), format="JPEG") for path in paths]


def copied_shop(folder: Path, catalog: Path) -> tuple[Path, list[bytes]]:
    """A copy of a catalog, and pictures of its own to ask with."""
    shutil.copytree(catalog, folder / "shop")
    with catalens.Catalog.open(folder / "shop", readonly=True) as shop:
        shown = [shop.pictures(product.sku)[:1] for product in islice(shop.products(), 40)]
        return folder / "shop", [shop.picture(one.hash) for pictures in shown for one in pictures]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def children(pid: int) -> list[int]:
    """Processes that a process started, and those that these started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text("ascii").split()):
            found += [child, *children(child)]
    return found


def _resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
