"""Kill a writer at random moments (`kill -9`), very often, and see that nothing acknowledged is lost or half there.

    python -m benchmarks.kill [--kills 2000] [--seed 0] [--seconds 600]

A child process adds, updates and removes products and acknowledges each call that returned through a pipe; its parent
lets it acknowledge up to two calls, kills it at a random moment of the next one or two (it knows from the calls before
how long one takes, so that a busy machine changes nothing but the duration), opens the catalog, compares every product
with what was acknowledged, and runs the doctor. The call that was under way may have been done for some products and
not for others; each product is as it was before or as it was to become, whole.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
from PIL import Image

from catalens.catalog import Catalog
from catalens.storage import ingest
from catalens.types import PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder

SKUS = 40
PHOTOS = 60
CALLS = 40
"""Calls that a child is given: many more than it makes before it is killed."""

WAITED_FOR = 2
"""Calls that a child acknowledges at most before the clock runs to its end."""

STUCK_S = 60.0
"""A child that acknowledges nothing for so long fails the run."""

State = dict[str, Product | None]
"""sku -> the product; None where it is not (or no longer) there."""


@dataclass
class Tally:
    """What happened over all kills."""

    kills: int = 0
    at_work: int = 0
    acknowledged_calls: int = 0
    under_way: int = 0
    lost: int = 0
    half_there: int = 0
    doctor_findings: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return self.lost == self.half_there == self.doctor_findings == 0


def make_photos(folder: Path, *, seed: int) -> list[PictureSource]:
    """Write small random photos; every tenth has the same content as the one before it."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    sources = []
    for number in range(PHOTOS):
        if number % 10:
            pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        path = folder / f"{number:02}.png"
        Image.fromarray(pixels).save(path)
        sources.append(PictureSource(str(path), Where(str(folder))))
    return sources


def random_product(sku: str, photos: list[PictureSource], rng: random.Random) -> Product:
    """One product with up to three pictures and up to two variants."""
    variants = tuple(
        Variant(f"{sku}-{size}", f"size {size}", {"size": size}, tuple(rng.sample(photos, rng.randrange(2))))
        for size in range(rng.randrange(3))
    )
    return Product(
        sku=sku,
        where=Where("kill", rng.randrange(1, 1000)),
        title=f"product {rng.randrange(10**6)}",
        description="a thing " * rng.randrange(20),
        attributes={"price": rng.randrange(100), "color": rng.choice(["red", "blue"])},
        pictures=tuple(rng.sample(photos, rng.randrange(4))),
        variants=variants,
    )


def random_calls(state: State, photos: list[PictureSource], rng: random.Random) -> list[State]:
    """What a child shall do: each call brings some products into a new state."""
    present = {sku for sku, product in state.items() if product is not None}
    calls: list[State] = []
    for _ in range(CALLS):
        if present and rng.random() < 0.25:
            call: State = dict.fromkeys(rng.sample(sorted(present), min(len(present), rng.randrange(1, 6))))
            present -= call.keys()
        else:
            skus = rng.sample([f"sku-{number}" for number in range(SKUS)], rng.randrange(1, 13))
            call = {sku: random_product(sku, photos, rng) for sku in skus}
            present |= call.keys()
        calls.append(call)
    return calls


def work(folder: Path, calls: list[State], pipe: int) -> NoReturn:
    """The child: say that it begins, make the calls, and write one byte after each that returned."""
    with Catalog.open(folder, encoder=FakeEncoder()) as catalog:
        os.write(pipe, b"b")
        for call in calls:
            products = [product for product in call.values() if product is not None]
            if products:
                catalog.add(products, clear_empty=True)  # each is the whole product
            else:
                catalog.remove(*call)
            os.write(pipe, b".")
    os._exit(0)


@dataclass
class Pace:
    """How long a call takes here and now, in seconds: of each child that was waited for, a third of what it took."""

    call_s: float = 0.02

    def learn(self, seconds: float) -> None:
        self.call_s += (seconds - self.call_s) / 3


def kill_once(folder: Path, calls: list[State], *, rng: random.Random, pace: Pace) -> tuple[int, bool]:
    """Fork a child, kill it; return how many calls it acknowledged, and whether it was at work until then."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            work(folder, calls, writing)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    try:
        begun = _wait_for(reading)
        started, waited_for = time.perf_counter(), rng.randrange(WAITED_FOR + 1)
        begun = begun and all(_wait_for(reading) for _ in range(waited_for))
        if waited_for:
            pace.learn((time.perf_counter() - started) / waited_for)
        time.sleep(rng.uniform(0, 2 * pace.call_s))
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    left = os.read(reading, CALLS + 1)
    os.close(reading)
    return waited_for + len(left), begun and os.WIFSIGNALED(status)


def _wait_for(pipe: int) -> bool:
    """Wait for one byte; False where the child ended or is stuck."""
    ready, _, _ = select.select([pipe], [], [], STUCK_S)
    return bool(ready) and bool(os.read(pipe, 1))


def compare(folder: Path, before: State, after: State, tally: Tally) -> State:
    """Compare the catalog with what must be there; return what is there.

    Args:
        folder: of the catalog.
        before: what was acknowledged.
        after: the same with the call that was under way done.
        tally: is told what is wrong.
    """
    with Catalog.open(folder, encoder=FakeEncoder()) as catalog:
        found = {product.sku: product for product in catalog.products()}
    for sku in before.keys() | after.keys() | found.keys():
        there = found.get(sku)
        if not any(_same(there, allowed) for allowed in (before.get(sku), after.get(sku))):
            tally.half_there += there is not None
            tally.lost += there is None
    # The doctor compares every record with its digest, and asks for all vectors, words and filter values.
    findings = Catalog.diagnose(folder, encoder=FakeEncoder()).findings
    tally.doctor_findings += sum(finding.severity != "note" for finding in findings)  # some products have no picture
    return dict(found)


def _same(found: Product | None, expected: Product | None) -> bool:
    return (found and found.to_dict()) == (expected and expected.to_dict())


def run(folder: Path, *, kills: int, seed: int, seconds: float) -> Tally:
    """Kill so many children, one after the other, on one catalog; fewer where the time is up before."""
    ingest.BATCH_PRODUCTS = 4  # several transactions in one call
    rng = random.Random(seed)
    photos = make_photos(folder / "photos", seed=seed)
    catalog = folder / "shop"
    _warm_up(catalog, photos)
    tally, state, started, pace = Tally(), State(), time.perf_counter(), Pace()
    gc.freeze()
    while tally.kills < kills and time.perf_counter() - started < seconds:
        calls = random_calls(state, photos, rng)
        acknowledged, at_work = kill_once(catalog, calls, rng=rng, pace=pace)
        for call in calls[:acknowledged]:
            state |= call
        after = state | calls[acknowledged] if acknowledged < len(calls) else state
        tally.kills += 1
        tally.at_work += at_work
        tally.acknowledged_calls += acknowledged
        now = compare(catalog, state, after, tally)
        tally.under_way += any(not _same(now.get(sku), state.get(sku)) for sku in after)
        state = now
    tally.seconds = round(time.perf_counter() - started, 1)
    return tally


def _warm_up(folder: Path, photos: list[PictureSource]) -> None:
    """Make the catalog and load all that is loaded late, once, so that children are killed at work."""
    cv2.setNumThreads(0)  # threads do not survive a fork
    with Catalog.open(folder, encoder=FakeEncoder()) as catalog:
        catalog.add([Product("warm", Where("kill"), pictures=tuple(photos))])
        catalog.remove("warm")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=600)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder) / "kill", kills=arguments.kills, seed=arguments.seed, seconds=arguments.seconds)
    for name, value in asdict(tally).items():
        print(f"{name.replace('_', ' '):<20} {value:>10}")
    print(json.dumps({"benchmark": "kill", "seed": arguments.seed, **asdict(tally)}))
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
