"""Outfits and rooms: linked products of a real shop found, rooms furnished, time and memory, a look among a million.

    python -m benchmarks.outfit [--only links,rooms,time,million] [--catalog FOLDER] [--vectors 1000000]

- `links`: a real shop (`magento` in the data folder) says which products it sells beside which: recall@10 of these
  among the products of ten outfits, without having seen any link. Beside it: products of the shop's largest categories
  (exact expectation); what looks most alike; what has the most similar colors; and, for comparison only, what other
  products' links name most often: it has seen links, which nothing else here has.
- `rooms`: rooms rendered from the sample shop, with two to five things: are they found; and how near (CIELAB, Delta E
  1976) the colors of the goods lie to the room's palette, beside goods of the same kinds drawn by chance.
- `time`: milliseconds (and those of processor time, in which what else runs does not count) and memory of
  `Catalog.outfits` on that shop, each number of threads in a process of its own.
- `million`: completing a look among clustered vectors (`benchmarks.memory`): the network's direction and one search
  filtered by kind for a missing piece, beside one plain search; both with k as the catalog asks; in milliseconds of
  processor time on one core, so that what else runs does not count.

Figures come with 95 % bootstrap intervals. The catalog is kept in --catalog and made where it is absent.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import catalens
from benchmarks.memory import PART, memory_mb, part
from catalens import settings
from catalens.errors import CatalensError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.index.vector_index import VectorIndex
from catalens.storage.pictures import deep_space
from catalens.styling.color_harmony import to_lab
from catalens.styling.outfit import main_color
from catalens.tasks.outfit import KINDS, Piece, outfit_model
from catalens.types import AttributeValue, PictureSource, Product, Where
from recipes.synthetic import sample_shop, write_shop
from recipes.synthetic.rooms import HEIGHTS, rendered_room

K = 10
GEAR = ("bags", "watches", "fitness_equipment")
SEARCHED = 200
"""Vectors that the catalog asks its index for, for ten products."""

Ranking = Callable[[str], Sequence[str]]


def shop_of(data: Path, folder: Path) -> catalens.Catalog:
    """The catalog of the real shop: clothes, and gear whose pictures stand in tables of their own."""
    shop = catalens.open(folder)
    if not len(shop):
        shop.add(data / "products.csv", media=data / "media")
        shop.add(gear(data))
    return shop


def gear(data: Path) -> list[Product]:
    found = []
    for name in GEAR:
        pictures: dict[str, list[str]] = {}
        for row in read(data / f"images_gear_{name}.csv"):
            pictures.setdefault(row["sku"], []).append(str(data / "media" / row["image"].lstrip("/")))
        for row in read(data / f"products_gear_{name}.csv"):
            where = Where(f"products_gear_{name}.csv")
            if sku := row["sku"]:
                attributes: dict[str, AttributeValue] = {
                    "category": row["category"].split("\n")[-1],
                    "price": float(row["price"] or 0),
                }
                sources = tuple(PictureSource(path, where) for path in pictures.get(sku, []))
                found.append(Product(sku, where, row["name"], "", attributes, sources))
    return found


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def links_of(path: Path) -> dict[str, list[str]]:
    return {row["sku"]: row["linked_sku"].split() for row in read(path)}


def in_outfits(shop: catalens.Catalog, sku: str) -> list[str]:
    """Products of ten outfits, those of the best first."""
    names = [item.name for look in shop.outfits(sku, k=K) for item in look.items if item.name != sku]
    return list(dict.fromkeys(names))[:K]


def most_alike(shop: catalens.Catalog, space: str) -> Ranking:
    """Products by the cosine of their first pictures in a space."""
    store = shop._store  # the vectors themselves have no door
    sku_of = store.skus(list(store.product_ids([product.sku for product in shop.products()]).values()))
    shown = store.candidates_of_products(list(sku_of))
    rows = {sku_of[one.product]: one.picture for one in reversed(shown) if one.picture is not None}
    known = store.space(space)
    assert known is not None
    ids, vectors = store.vectors_of(known.id, rows.values())
    place = {picture: row for row, picture in enumerate(ids.tolist())}
    skus = [sku for sku, picture in rows.items() if picture in place]
    table = vectors[[place[rows[sku]] for sku in skus]]

    def ranking(sku: str) -> list[str]:
        order = np.argsort(-(table @ table[skus.index(sku)]), kind="stable").tolist()
        return [skus[row] for row in order if skus[row] != sku]

    return ranking


def recall(found: Sequence[str], linked: Sequence[str]) -> float:
    return len(set(found[:K]) & set(linked)) / len(linked)


def by_size(shop: catalens.Catalog, links: Mapping[str, Sequence[str]]) -> Estimate:
    """Expected recall of ten products drawn from the largest category on."""
    category = {product.sku: str(product.attributes.get("category", "")) for product in shop.products()}
    chance, left = {}, K
    for name, size in Counter(category.values()).most_common():
        chance[name] = min(1.0, left / size)
        left = max(0, left - size)
    return bootstrap_mean(
        [np.mean([chance.get(category.get(one, ""), 0.0) for one in some]) for some in links.values()]
    )


def links(shop: catalens.Catalog, data: Path) -> list[dict[str, Any]]:
    rows = []
    proposed = cache(lambda sku: in_outfits(shop, sku))
    alike, colored = most_alike(shop, deep_space(shop.encoder())), most_alike(shop, "color")
    for name in ("related", "crosssell"):
        known = links_of(data / "links" / f"{name}.csv")
        seen = Counter(one for some in known.values() for one in some)
        ways: dict[str, Ranking] = {
            "outfits": proposed,
            "likeness": alike,
            "likeness of colors": colored,
            "most linked by others": lambda sku, known=known, seen=seen: [  # type: ignore[misc]
                one for one, _ in (seen - Counter(known[sku])).most_common(K)
            ],
        }
        figures = {"largest categories": by_size(shop, known)}
        for way, ranking in ways.items():
            figures[way] = bootstrap_mean([recall(ranking(sku), some) for sku, some in known.items()])
        least = figures["largest categories"].value
        for way, figure in figures.items():
            times = f"x{figure.value / least:.2f}" if least else ""
            rows.append({"links": name, "way": way, **figure.to_dict(), "times": times})
            print(f"{name:<10} {way:<22} recall@10 {figure} {times}", flush=True)
    return rows


def rooms(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, catalens.open(Path(folder) / "shop") as shop:
        shop.add(write_shop(Path(folder) / "export", n=165, seed=9, size=(160, 160)))
        home = [one for one in sample_shop(900, seed=5) if one.spec.kind in HEIGHTS]
        rng = np.random.default_rng(1)
        right = said = there = 0
        ours, drawn, took = [], [], []
        for number in range(count):
            chosen = [home[row] for row in rng.choice(len(home), int(rng.integers(2, 6)), replace=False).tolist()]
            room = rendered_room(chosen, seed=number)
            started = time.perf_counter()
            found = shop.room(room.image, k=1)
            took.append(time.perf_counter() - started)
            right += sum((Counter(found.things.labels) & Counter(room.kinds)).values())
            said, there = said + len(found.things), there + len(room.kinds)
            palette = to_lab([one.rgb for one in found.palette])
            for kind, goods in found.goods.items():
                same = [one.sku for one in shop.products() if one.attributes.get("type") == kind]
                ours.append(away(shop, goods[0].item.name, palette))
                drawn.append(away(shop, str(rng.choice(same)), palette))
    less = bootstrap_mean(np.array(drawn) - np.array(ours))
    figures = {
        "rooms": count, "precision": round(right / max(said, 1), 3), "recall": round(right / there, 3),
        "delta E of goods": bootstrap_mean(ours).to_dict(), "delta E by chance": bootstrap_mean(drawn).to_dict(),
        "nearer by": less.to_dict(), "seconds": round(statistics.median(took), 2),
    }  # fmt: skip
    print(json.dumps(figures, indent=1), flush=True)
    return figures


def away(shop: catalens.Catalog, sku: str, palette: Any) -> float:
    """Distance of a product's main color from the nearest of a palette."""
    color = main_color("", shop.picture(shop.pictures(sku)[0].hash))
    return float(np.linalg.norm(palette - to_lab([color.rgb]), axis=1).min())


def timed(folder: Path) -> dict[str, float]:
    """Of this process, with the threads that its environment says."""
    before = memory_mb()
    shop = catalens.Catalog.open(folder, readonly=True)
    skus = [one.sku for one in shop.products() if shop.pictures(one.sku)][:: max(1, len(shop) // 20)]
    shop.outfits(skus[0])
    took, busy = [], []
    for sku in skus:
        started, begun = time.perf_counter(), time.process_time()
        shop.outfits(sku)
        took.append(1000 * (time.perf_counter() - started))
        busy.append(1000 * (time.process_time() - begun))
    return {
        "threads": settings.threads(), "ms": round(statistics.median(took), 1),
        "processor_ms": round(statistics.median(busy), 1),
        "private_mb": round(memory_mb()["private"] - before["private"]),
    }  # fmt: skip


def million(count: int, kinds: int = len(KINDS)) -> dict[str, Any]:
    model = outfit_model()
    index = VectorIndex(model.dim)
    started = time.perf_counter()
    for number, start in enumerate(range(0, count, PART)):
        size = min(PART, count - start)
        index.add(np.arange(start, start + size), part(number, size, model.dim))
    built = time.perf_counter() - started
    rng = np.random.default_rng(3)
    of_kind = rng.integers(0, kinds, count)
    passing = [np.flatnonzero(of_kind == kind).copy() for kind in range(kinds)]
    for one in passing:
        one.flags.writeable = False  # as the catalog keeps what a filter lets pass
    queries = part(10_000, 200, model.dim)
    colors = np.abs(rng.standard_normal((200, 448), np.float32))
    pieces = [Piece("top", one / np.linalg.norm(one), color) for one, color in zip(queries, colors, strict=True)]
    for query, piece in zip(queries[:5], pieces[:5], strict=True):
        index.search(query[None], k=SEARCHED)
        model.wanted([piece], ["shoes"])
    plain, completed, looks = [], [], []
    for query, piece in zip(queries, pieces, strict=True):
        begun = time.process_time()
        index.search(query[None], k=SEARCHED)
        plain.append(time.process_time() - begun)
        begun = time.process_time()
        index.search(model.wanted([piece], ["shoes"]), k=SEARCHED, passing=passing[KINDS.index("shoes")])
        completed.append(time.process_time() - begun)
        begun = time.process_time()
        wanted = ["trousers", "skirt", "shoes"]
        for kind, direction in zip(wanted, model.wanted([piece], wanted), strict=True):
            index.search(direction[None], k=SEARCHED, passing=passing[KINDS.index(kind)])
        looks.append(time.process_time() - begun)
    ms = [1000 * statistics.median(some) for some in (plain, completed, looks)]
    figures = {
        "vectors": count, "dim": model.dim, "built_s": round(built, 1), "plain ms": round(ms[0], 2),
        "missing piece ms": round(ms[1], 2), "three kinds ms": round(ms[2], 2), "times": round(ms[1] / ms[0], 2),
        "times, three kinds": round(ms[2] / ms[0], 2), "peak_mb": round(memory_mb()["peak"]),
    }  # fmt: skip
    print(json.dumps(figures), flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", default="links,rooms,time,million")
    parser.add_argument("--data", type=Path, default=settings.data_folder() / "magento")
    parser.add_argument("--catalog", type=Path, help="folder of the shop's catalog, to be used again")
    parser.add_argument("--rooms", type=int, default=40)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--step", action="store_true", help="what a child process measures")
    given = parser.parse_args()
    if given.step:
        print(json.dumps(timed(given.catalog)))
        return
    found: dict[str, Any] = {"benchmark": "outfit", "encoder": deep_space(catalens.encoder())}
    with tempfile.TemporaryDirectory() as folder:
        catalog = given.catalog or Path(folder) / "shop"
        try:
            if "links" in given.only or "time" in given.only:
                shop = shop_of(given.data, catalog)
                found["links"] = links(shop, given.data) if "links" in given.only else []
                shop.close()
            if "time" in given.only:
                found["time"] = [in_fresh_process(catalog, threads) for threads in (1, 2)]
            if "rooms" in given.only:
                found["rooms"] = rooms(given.rooms)
            if "million" in given.only:
                found["million"] = million(given.vectors)
        except CatalensError as error:
            print(f"{error}", file=sys.stderr)
            sys.exit(error.exit_code)
    print(json.dumps(found))


def in_fresh_process(catalog: Path, threads: int) -> dict[str, float]:

    command = [sys.executable, "-m", "benchmarks.outfit", "--step", "--catalog", str(catalog)]
    environment = {**os.environ, "CATALENS_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(measured, flush=True)
    return measured


if __name__ == "__main__":
    main()
