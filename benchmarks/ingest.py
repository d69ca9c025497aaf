"""Photos per second from JPEG files to a durable catalog, beside what the work itself costs, and beside the plain way.

    python -m benchmarks.ingest [--photos 600] [--repeats 3] [--side 1000] [--seed 0]

Three ways, one after the other, repeated in turn on the same files with the same network:

- `add`: `Catalog.add` of a folder into a new catalog: read, hash, decode, describe, embed, write, fsync.
- `parts`: the sum of decoding alone and of the network alone, each at full use of all cores.
- `plain`: what one writes first: open each photo with Pillow, shrink it, give it to the network, one by one.

The photos are real ones where the data folder has them (else rendered noise), enlarged to about side x side.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from catalens import settings
from catalens.catalog import Catalog
from catalens.images.read import read_image
from catalens.tasks.embed import BATCH, Encoder, decode_target
from catalens.tasks.embed import encoder as load_encoder
from catalens.types import ImageArray

SETS = ("clothing", "retail", "grocery", "streetstyle")
QUALITY = 88


@dataclass(frozen=True)
class Timing:
    """Seconds for all photos, turn by turn: of the clock, and of the processor (which other programs disturb less)."""

    way: str
    seconds: list[float]
    cpu_seconds: list[float]

    def rate(self, photos: int) -> float:
        return photos / statistics.median(self.seconds)

    def cpu_ms(self, photos: int) -> float:
        return 1000 * statistics.median(self.cpu_seconds) / photos


def make_photos(folder: Path, *, count: int, side: int, seed: int) -> list[Path]:
    """Write so many different JPEG files of about side x side."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    paths = []
    for number, picture in zip(range(count), _pictures(rng), strict=False):
        height, width = picture.shape[:2]
        scale = side / np.sqrt(height * width)
        size = (round(width * scale), round(height * scale))
        large = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
        large[0, 0] = number % 256, number // 256, 0  # no two files are alike
        path = folder / f"{number:04}.jpg"
        Image.fromarray(large).save(path, quality=QUALITY)
        paths.append(path)
    return paths


def _pictures(rng: np.random.Generator) -> Iterator[ImageArray]:
    files = [path for name in SETS for path in sorted((settings.data_folder() / name).rglob("*.jpg"))]
    while files:
        for index in rng.permutation(len(files)):
            yield read_image(files[index])
    while True:
        blocks = rng.integers(0, 256, (25, 25, 3), dtype=np.uint8)
        yield cv2.resize(blocks, (500, 500), interpolation=cv2.INTER_CUBIC)


def add(photos: list[Path], folder: Path) -> None:
    with Catalog.open(folder) as catalog:
        report = catalog.add(photos[0].parent)
    if report.pictures != len(photos) or report.failed:
        raise SystemExit(f"not all photos went in: {report}")


def decode_all(photos: list[Path], encoder: Encoder, workers: int) -> None:
    """Read and decode at the scale that the network needs, nothing else."""
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda path: read_image(path, target=decode_target(encoder)), photos, chunksize=8):
            pass


def embed_all(count: int, encoder: Encoder, workers: int) -> None:
    """Run so many prepared pictures through the network, nothing else; a network of one thread on each core."""
    prepared = encoder.prepare(np.full((400, 400, 3), 127, np.uint8))
    batch = np.stack([prepared] * BATCH)
    with ThreadPoolExecutor(workers) as pool:
        sizes = [min(BATCH, count - start) for start in range(0, count, BATCH)]
        for _ in pool.map(lambda size: encoder.encode_prepared(batch[:size]), sizes):
            pass


def plain(photos: list[Path], encoder: Encoder) -> None:
    for path in photos:
        with Image.open(path) as picture:
            encoder.encode_prepared(np.stack([encoder.prepare(np.asarray(picture.convert("RGB")))]))


def timed(work: Callable[[], None]) -> tuple[float, float]:
    started, cpu_started = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - cpu_started


def run(folder: Path, *, count: int, side: int, repeats: int, seed: int) -> list[Timing]:
    photos = make_photos(folder / "photos", count=count, side=side, seed=seed)
    shared, single = load_encoder(), load_encoder(threads=1)
    workers = settings.threads()
    ways: dict[str, Callable[[int], None]] = {
        "add": lambda turn: add(photos, folder / f"shop-{turn}"),
        "decode": lambda _: decode_all(photos, single, workers),
        "network": lambda _: embed_all(count, single, workers),
        "plain": lambda _: plain(photos, shared),
    }
    timings = {name: Timing(name, [], []) for name in ways}
    for turn in range(repeats):
        for name, way in ways.items():
            seconds, cpu_seconds = timed(partial(way, turn))
            timings[name].seconds.append(seconds)
            timings[name].cpu_seconds.append(cpu_seconds)
    return [timings["add"], _sum(timings["decode"], timings["network"]), *list(timings.values())[1:]]


def _sum(one: Timing, other: Timing) -> Timing:
    return Timing(
        "parts",
        [a + b for a, b in zip(one.seconds, other.seconds, strict=True)],
        [a + b for a, b in zip(one.cpu_seconds, other.cpu_seconds, strict=True)],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    count = arguments.photos
    with tempfile.TemporaryDirectory() as folder:
        timings = run(Path(folder), count=count, side=arguments.side, repeats=arguments.repeats, seed=arguments.seed)
    rates = {timing.way: round(timing.rate(count), 1) for timing in timings}
    for timing in timings:
        print(
            f"{timing.way:<8} {rates[timing.way]:>7} photos/s {timing.cpu_ms(count):>7.2f} ms of processor a photo   "
            f"{[round(each, 2) for each in timing.seconds]} s"
        )
    to_parts, to_plain = rates["add"] / rates["parts"], rates["add"] / rates["plain"]
    print(f"add / parts {to_parts:.2f} (at least 0.8)   add / plain {to_plain:.2f} (at least 2.5)")
    result = {
        "benchmark": "ingest",
        "photos": count,
        "threads": settings.threads(),
        "seed": arguments.seed,
        "photos_per_second": rates,
        "cpu_ms_per_photo": {timing.way: round(timing.cpu_ms(count), 2) for timing in timings},
        "add_to_parts": round(to_parts, 3),
        "add_to_plain": round(to_plain, 3),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
