"""How fast feeds are read, and in how much memory: items of Google Merchant, each in a group with two others.

Run: python -m benchmarks.feeds [--items 100000] [--format xml|tsv|jsonl]. The pictures are web addresses, so that no
disk is looked at. Memory is the peak of this process (getrusage), the interpreter and the package included.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from catalens.feeds import open_feed
from catalens.types import Product

LIMIT_MB = 400
"""Bar: the peak for 1,000,000 grouped items."""
GROUP = 3
"""Items of a group; they stand far from one another, as feeds that are sorted by id have them."""


def fields(number: int, items: int) -> dict[str, str]:
    group = number % max(1, items // GROUP)
    return {
        "id": f"SKU-{number}",
        "title": f"Linen shirt {group} with long sleeves",
        "description": f"A soft shirt of washed linen, number {group}, for warm days and cool evenings. " * 3,
        "link": f"https://shop.example/p/{group}",
        "image_link": f"https://cdn.shop.example/{number}.jpg",
        "price": f"{number % 90 + 10}.90 EUR",
        "item_group_id": f"G-{group}",
        "color": ("red", "blue", "green")[number % 3],
        "brand": "Norr",
        "availability": "in stock",
    }


def lines(items: int, kind: str) -> Iterator[str]:
    if kind == "xml":
        yield '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
    elif kind == "tsv":
        yield "\t".join(fields(0, items)) + "\n"
    for number in range(items):
        one = fields(number, items)
        if kind == "xml":
            yield "<item>" + "".join(f"<g:{name}>{text}</g:{name}>" for name, text in one.items()) + "</item>\n"
        elif kind == "tsv":
            yield "\t".join(one.values()) + "\n"
        else:
            yield "{" + ", ".join(f'"{name}": "{text}"' for name, text in one.items()) + "}\n"
    if kind == "xml":
        yield "</channel></rss>\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--format", choices=("xml", "tsv", "jsonl"), default="xml")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"feed.{chosen.format}"
        with source.open("w", encoding="utf-8") as file:
            file.writelines(lines(chosen.items, chosen.format))
        began = time.perf_counter()
        products = variants = 0
        for item in open_feed(source):
            if isinstance(item, Product):
                products, variants = products + 1, variants + max(1, len(item.variants))
        took = time.perf_counter() - began
        size = source.stat().st_size / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{chosen.format}: {size:.0f} MB, {variants} items, {products} products")
    print(f"{took:.1f} s, {variants / took:.0f} items/s, {size / took:.1f} MB/s; peak memory {peak:.0f} MB")
    return 0 if variants == chosen.items and peak <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
