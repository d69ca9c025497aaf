"""Search by words: how many of the first ten are right, and what a query costs at growing sizes.

    python -m benchmarks.words [--data ../shared/data/fashion-products] [--sizes 3000,100000] [--only catalens,tantivy]
                               [--pictures] [--seed 0]

Right answers come from a table of products with `id, title, department, category, colour` (`products.csv`), of which
only title, category and colour are indexed:

- **right spelling**: each category with ten products or more, alone and with a color; right is who has both;
- **one edit**: the same with one letter left out, doubled, exchanged or swapped with the next in one word;
- **exact title**: titles of the table; right is a first answer with this title;
- **brand**: what titles have before the department, with three products or more; right is who begins so;
- **spellings**: words of titles with a hyphen, and categories, written joined, divided, in singular or plural.

Each is the mean over queries of (right ones in the first ten) / min(10, all right ones), times ten; `exact title` is a
share. Time is the median and the 95th percentile of single queries on catalogs whose titles are put together from
words of the real ones; `update` is one product written by itself. With `--pictures` the photos are indexed, too.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import random
import re
import resource
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import catalens
from catalens.types import PictureSource, Product, Where

FEED = Where("products.csv", 1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
Find = Callable[[str], Sequence[str]]
"""A query -> skus of the first ten."""
Case = tuple[str, set[str]]
"""A query and all that is right for it."""


def read_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        return [{name: value or "" for name, value in row.items()} for row in csv.DictReader(file)]


def product_of(row: Mapping[str, str], folder: Path | None) -> Product:
    attributes = {"category": row["category"], "colour": row["colour"]}
    pictures = () if folder is None else (PictureSource(str((folder / row["image"]).absolute()), FEED),)
    return Product(row["id"], FEED, row["title"], "", attributes, pictures)


# Queries with their right answers


def cases_of(rows: Sequence[Mapping[str, str]], seed: int) -> dict[str, list[Case]]:
    chance = random.Random(seed)
    by_kind: dict[str, set[str]] = defaultdict(set)
    by_both: dict[str, set[str]] = defaultdict(set)
    by_brand: dict[str, set[str]] = defaultdict(set)
    by_title: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_kind[row["category"].lower()].add(row["id"])
        by_both[f"{row['colour']} {row['category']}".lower()].add(row["id"])
        by_title[row["title"]].add(row["id"])
        brand = re.split(r"\b(?:Men|Women|Unisex|Boys|Girls|Kids)\b", row["title"])[0].strip()
        if brand and brand != row["title"]:
            by_brand[brand].add(row["id"])
    brands = {
        brand: {row["id"] for row in rows if row["title"].lower().startswith(f"{brand.lower()} ")} for brand in by_brand
    }
    kinds = [(query, right) for query, right in by_kind.items() if len(right) >= 10]
    plain = kinds + [(query, right) for query, right in by_both.items() if len(right) >= 10]
    titles = chance.sample(sorted(title for title in by_title if len(title) > 3), min(400, len(by_title)))
    return {
        "right spelling": plain,
        "one edit": [(misspelled(query, chance), right) for query, right in plain for _ in range(3)],
        "exact title": [(title, by_title[title]) for title in titles],
        "brand": [(brand, right) for brand, right in brands.items() if len(right) >= 3 and len(by_brand[brand]) >= 3],
        "spellings": list(spellings(kinds, rows)),
    }


def misspelled(query: str, chance: random.Random) -> str:
    """With one edit in one of its words of four letters or more."""
    words = query.split()
    long = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if not long:
        return query
    place = chance.choice(long)
    word, at = words[place], chance.randrange(len(words[place]))
    kind = chance.choice(("drop", "double", "exchange", "swap"))
    if kind == "drop":
        word = word[:at] + word[at + 1 :]
    elif kind == "double":
        word = word[:at] + word[at] + word[at:]
    elif kind == "exchange":
        word = word[:at] + chance.choice(LETTERS.replace(word[at], "")) + word[at + 1 :]
    else:
        at = min(at, len(word) - 2)
        word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join((*words[:place], word, *words[place + 1 :]))


def spellings(kinds: Sequence[Case], rows: Sequence[Mapping[str, str]]) -> Iterator[Case]:
    for query, right in kinds:
        if query.count(" ") == 1:
            yield query.replace(" ", "-"), right
            yield query.replace(" ", ""), right
        if query.endswith("s"):
            yield query[:-2] if query.endswith(("sses", "ches")) else query[:-1], right
    for word in ("tshirts", "t-shirts", "t shirts", "t-shirt"):
        right = {row["id"] for row in rows if row["category"] == "Tshirts"}
        if right:
            yield word, right
    hyphened = Counter(word.lower() for row in rows for word in re.findall(r"\b[A-Za-z]+-[A-Za-z]+\b", row["title"]))
    for word, _ in hyphened.most_common(30):
        joined, divided = word.replace("-", ""), word.replace("-", " ")
        any_number = [one.removesuffix("s") + "s?" for one in (joined, divided, word)]
        right = {row["id"] for row in rows if re.search(rf"\b(?:{'|'.join(any_number)})\b", row["title"].lower())}
        for spelling in (word, joined, divided):
            yield spelling, right


def scored(cases: Sequence[Case], find: Find) -> float:
    """Mean of (right in the first ten) / min(10, all right ones)."""
    return statistics.mean(
        len(right.intersection(list(find(query))[:10])) / min(10, len(right)) for query, right in cases
    )


def first(cases: Sequence[Case], find: Find) -> float:
    """Share of queries whose first answer is right."""
    return statistics.mean(bool(right.intersection(list(find(query))[:1])) for query, right in cases)


# Engines


class Catalens:
    """A catalog of ours."""

    name = "catalens"

    def __init__(self, folder: Path) -> None:
        self._catalog = catalens.open(folder)

    def add(self, products: Iterable[Product]) -> None:
        self._catalog.add(products)

    def put(self, product: Product) -> None:
        self._catalog.put(product)

    def find(self, query: str) -> list[str]:
        return [match.sku for match in self._catalog.search(text=query, k=10)]


class Tantivy:
    """BM25 over stems, and words with one letter wrong; titles count four times, as ours do."""

    name = "tantivy"

    def __init__(self, folder: Path) -> None:
        import tantivy

        self._tantivy: Any = tantivy
        folder.mkdir(parents=True)
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("sku", stored=True, tokenizer_name="raw")
        for name in ("title", "others"):
            schema.add_text_field(name, tokenizer_name="en_stem")
        self._index: Any = tantivy.Index(schema.build(), path=str(folder))
        self._writer: Any = self._index.writer(heap_size=100_000_000, num_threads=1)

    def add(self, products: Iterable[Product]) -> None:
        for product in products:
            self._write(product)
        self._commit()

    def put(self, product: Product) -> None:
        self._writer.delete_documents_by_term("sku", product.sku)
        self._write(product)
        self._commit()

    def _write(self, product: Product) -> None:
        others = " ".join(map(str, product.attributes.values()))
        self._writer.add_document(self._tantivy.Document(sku=product.sku, title=product.title, others=others))

    def _commit(self) -> None:
        self._writer.commit()
        self._index.reload()

    def find(self, query: str) -> list[str]:
        searcher = self._index.searcher()
        plain = " ".join(re.findall(r"[^\W_]+", query))
        for fuzzy in ({}, {"title": (False, 1, True), "others": (False, 1, True)}):
            parsed = self._index.parse_query(
                plain, ["title", "others"], field_boosts={"title": 4.0}, conjunction_by_default=True, fuzzy_fields=fuzzy
            )
            hits = searcher.search(parsed, 10).hits
            if hits:
                return [searcher.doc(address)["sku"][0] for _, address in hits]
        return []


ENGINES: dict[str, Callable[[Path], Catalens | Tantivy]] = {"catalens": Catalens, "tantivy": Tantivy}


# Sizes


def many(rows: Sequence[Mapping[str, str]], size: int, seed: int) -> Iterator[Product]:
    """Products whose titles are put together from the halves of real ones, with a number of their own."""
    chance = random.Random(seed)
    for number in range(size):
        one, other = chance.choice(rows), chance.choice(rows)
        words, more = one["title"].split(), other["title"].split()
        title = " ".join((*more[: len(more) // 2], *words[len(words) // 2 :], f"{chance.randrange(10**6)}"))
        text = " ".join(chance.choice(rows)["title"] for _ in range(3))
        yield Product(str(number), FEED, title, text, {"category": one["category"], "colour": one["colour"]})


def timed(find: Find, queries: Sequence[str]) -> tuple[float, float]:
    """Milliseconds of one query: median and 95th percentile."""
    took = []
    for query in queries:
        started = time.perf_counter()
        find(query)
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took), statistics.quantiles(took, n=20)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fashion-products"))
    parser.add_argument("--sizes", default="")
    parser.add_argument("--only", default=",".join(ENGINES))
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder for the catalogs; made anew where they are not there")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rows = read_rows(asked.data)
    cases = cases_of(rows, asked.seed)
    result: dict[str, Any] = {"products": len(rows), "seed": asked.seed}
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        for name in asked.only.split(","):
            if name == "tantivy" and importlib.util.find_spec("tantivy") is None:
                print("tantivy: not installed")
                continue
            is_there = (folder / name).exists()
            engine = ENGINES[name](folder / name)
            if not is_there:
                engine.add(product_of(row, asked.data if asked.pictures else None) for row in rows)
            result[name] = figures(engine, cases)
            print(f"{name:10}" + "".join(f"  {key} {value:.3f}" for key, value in result[name].items()), flush=True)
            for size in filter(None, asked.sizes.split(",")):
                result[name][size] = at_size(name, folder / f"{name}-{size}", rows, int(size), cases, asked.seed)
                print(
                    f"{name:10} {size:>9}" + "".join(f"  {k} {v:.2f}" for k, v in result[name][size].items()),
                    flush=True,
                )
    print(json.dumps(result))


def figures(engine: Catalens | Tantivy, cases: Mapping[str, Sequence[Case]]) -> dict[str, float]:
    return {
        name: first(some, engine.find) if name == "exact title" else 10 * scored(some, engine.find)
        for name, some in cases.items()
    }


def at_size(
    name: str,
    folder: Path,
    rows: Sequence[Mapping[str, str]],
    size: int,
    cases: Mapping[str, Sequence[Case]],
    seed: int,
) -> dict[str, float]:
    is_there, before = folder.exists(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    engine = ENGINES[name](folder)
    if not is_there:
        engine.add(many(rows, size, seed))
    built = time.perf_counter() - started
    chance = random.Random(seed)
    found: dict[str, float] = {"built s": built}
    for kind in ("right spelling", "one edit", "exact title"):
        queries = [query for query, _ in chance.sample(list(cases[kind]), min(60, len(cases[kind])))]
        timed(engine.find, queries[:3])
        found[f"{kind} ms"], found[f"{kind} p95"] = timed(engine.find, queries)
    updates = []
    for number in range(20):
        started = time.perf_counter()
        engine.put(Product(f"u{number}", FEED, rows[number]["title"]))
        updates.append(1000 * (time.perf_counter() - started))
    found["update ms"] = statistics.median(updates)
    found["grown MB"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return found


if __name__ == "__main__":
    main()
