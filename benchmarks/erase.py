"""Erase random products of a large catalog, and search every file for what they left.

    python -m benchmarks.erase [--products 2000] [--erased 20] [--photo-every 1] [--seed 0]

Every product has a marker of its own in its sku, texts, attributes, variant, and in the name and the bytes of its
photo. They come as uploads do: a feed and its photos in the folder of a job, whose record and outcomes name them, with
stored answers beside it. Random products are then erased one by one, each timed; a backup from before is put back; and
every file below the catalog, what lies beside it, the user's caches and the temporary folder is searched for the
markers of the erased ones, in names and in bytes. The same search must find the markers of products that stayed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from catalens.catalog import Catalog
from catalens.index.space_index import SpaceIndex
from catalens.storage.audit import sku_hash
from catalens.storage.places import Places
from catalens.types import PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder

LIMIT_S = 60.0
"""Seconds that one erasure may take."""
PER_JOB = 10_000
ITEMS = 200
"""Outcomes of a job in one file, as the service writes them."""
MARK = re.compile(rb"mk[0-9]{7}zq")


def marker(number: int) -> str:
    return f"mk{number:07}zq"


def products_of(folder: Path, numbers: range, *, photo_every: int) -> Iterator[Product]:
    for number in numbers:
        mark = marker(number)
        path = folder / f"{mark}.png"
        shown = (PictureSource(str(path), Where("feed.csv", number)),) if number % photo_every == 0 else ()
        if shown:
            _write_photo(path, number)
        yield Product(
            f"{mark}-1",
            Where("feed.csv", number),
            f"{mark} chair",
            f"A chair called {mark}",
            {"line": f"line {mark}", "price": number % 500},
            shown,
            (Variant(f"{mark}-1-v", f"{mark} small"),),
        )


def _write_photo(path: Path, number: int) -> None:
    pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    with path.open("ab") as file:
        file.write(marker(number).encode())  # behind the end of a PNG anything may stand


def make_shop(folder: Path, *, products: int, photo_every: int) -> Path:
    """A catalog as uploads make it."""
    places = Places(folder)
    with Catalog.open(folder, encoder=FakeEncoder()) as shop:
        for job, start in enumerate(range(0, products, PER_JOB)):
            numbers = range(start, min(start + PER_JOB, products))
            upload = places.uploads / f"job{job}" / "feed"
            upload.mkdir(parents=True)
            taken = list(products_of(upload, numbers, photo_every=photo_every))
            with (upload / "feed.csv").open("w", newline="") as file:
                rows = csv.writer(file)
                rows.writerows((one.sku, one.title, one.description) for one in taken)
            shop.add(taken)
            _record(places, f"job{job}", taken)
        for space in shop.info().spaces:  # an index file, whatever the size
            SpaceIndex(shop._store, space, folder=folder, exact_below=min(1000, products // 2)).refresh()
    return folder


def _record(places: Places, job: str, taken: list[Product]) -> None:
    outcomes = places.jobs / f"{job}.items"
    outcomes.mkdir(parents=True)
    for start in range(0, len(taken), ITEMS):
        part = [{"sku": one.sku, "result": "added", "why": ""} for one in taken[start : start + ITEMS]]
        (outcomes / f"{start:012}.json").write_text(json.dumps(part))
    failed = [{"what": f"product {one.sku!r}", "why": f"{one.title} is dark", "cure": ""} for one in taken[::50]]
    record = {"id": job, "tenant": "", "state": "done", "source": "feed.csv", "failed": failed, "notes": []}
    (places.jobs / f"{job}.json").write_text(json.dumps(record))
    places.answers.mkdir(exist_ok=True)
    for one in taken[::100]:
        (places.answers / f"{sku_hash(one.sku)}.json").write_text(
            json.dumps({"asked": one.sku, "answer": {}, "until": time.time() + 9e4, "about": sku_hash(one.sku)})
        )


def marks_in(roots: list[Path], *, since: float = 0.0) -> dict[str, set[str]]:
    """Marker -> files that have it in their name or bytes, of those that were written since."""
    found: dict[str, set[str]] = {}
    walked = (Path(here, name) for root in roots for here, _, names in os.walk(root) for name in names)
    for path in walked:  # folders of other programs may vanish meanwhile
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_mtime < since:
                continue
            marks = set(MARK.findall(path.name.encode()))
            with path.open("rb") as file:
                tail = b""
                while block := file.read(1 << 22):
                    marks |= set(MARK.findall(tail + block))
                    tail = block[-16:]
        except OSError:
            continue
        for mark in marks:
            found.setdefault(mark.decode(), set()).add(str(path))
    return found


def run(folder: Path, *, products: int, erased: int, seed: int, photo_every: int = 1) -> dict[str, object]:
    began = time.time() - 1
    started = time.perf_counter()
    catalog = make_shop(folder / "shop", products=products, photo_every=photo_every)
    made_s = time.perf_counter() - started
    with Catalog.open(catalog, encoder=FakeEncoder()) as shop:
        started = time.perf_counter()
        shop.backup(folder / "backup")
        backup_s = time.perf_counter() - started
    gone = [marker(number) for number in random.Random(seed).sample(range(products), erased)]
    roots = [folder, Path(tempfile.gettempdir()), Path.home() / ".cache"]
    before = marks_in([folder])
    seconds, traces = [], 0
    with Catalog.open(catalog, encoder=FakeEncoder()) as shop:
        for mark in gone:
            started = time.perf_counter()
            receipt = shop.erase(f"{mark}-1")
            seconds.append(time.perf_counter() - started)
            traces += len(receipt.traces)
            assert receipt.complete
        left = shop.info().products
        findings = len(shop.doctor().findings)
    shutil.move(folder / "backup", kept := Path(tempfile.mkdtemp(prefix="kept-", dir=folder.parent)) / "backup")
    after = marks_in([root for root in roots if root != kept.parent], since=began)
    outside = {mark: paths for mark, paths in after.items() if any(not path.startswith(str(kept)) for path in paths)}
    still = [mark for mark in gone if any(not path.startswith(str(kept)) for path in after.get(mark, ()))]
    started = time.perf_counter()
    Catalog.restore(kept, catalog, replace=True)
    restore_s = time.perf_counter() - started
    for path in catalog.glob("catalog.db.replaced-*"):
        path.unlink()
    restored = marks_in([folder])
    shutil.rmtree(kept.parent)
    return {
        "products": products,
        "erased": erased,
        "files_with_an_erased_marker_before": sum(len(before.get(mark, ())) for mark in gone),
        "markers_left": len(still),
        "markers_left_after_restore": len([mark for mark in gone if mark in restored]),
        "others_found": sum(marker(number) in outside for number in range(products)),
        "products_left": left,
        "doctor_findings": findings,
        "traces": traces,
        "median_s": round(float(np.median(seconds)), 3),
        "slowest_s": round(max(seconds), 3),
        "made_s": round(made_s, 1),
        "backup_s": round(backup_s, 2),
        "restore_s": round(restore_s, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=2000)
    parser.add_argument("--erased", type=int, default=20)
    parser.add_argument("--photo-every", type=int, default=1, help="every so manieth product has a photo")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="erase-") as folder:
        found = run(
            Path(folder) / "data",
            products=arguments.products,
            erased=arguments.erased,
            seed=arguments.seed,
            photo_every=arguments.photo_every,
        )
    for name, value in found.items():
        print(f"{name.replace('_', ' '):<36} {value:>12}")
    print(json.dumps({"benchmark": "erase", "seed": arguments.seed, **found}))
    clean = found["markers_left"] == found["markers_left_after_restore"] == found["doctor_findings"] == 0
    kept = found["others_found"] == found["products_left"] == arguments.products - arguments.erased
    return 0 if clean and kept and float(str(found["slowest_s"])) <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
