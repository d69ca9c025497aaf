"""`make demo-photos`: search the products of seven demo shops by photo and by words, and write a report.

    python -m recipes.photo_shop demo-photos

The pictures stay where they are (`CATALENS_DATA`, docs/data.md) and are no part of the repository. Of a product with
several views the last one is left out of the shop and becomes a query. Phone photos of clothes that no shop has are
queries without an expected answer.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import catalens
from catalens import settings
from catalens.cli.demo import search_and_report
from catalens.cli.output import list_failures, progress_bar, say, write
from catalens.errors import CatalensError, NotFoundError
from catalens.types import AttributeValue, PictureSource, Product, Variant, Where

TABLES = {
    **dict.fromkeys(("eshop", "spree", "contoso", "saleor", "solidus", "boutique"), "photos.csv"),
    "retail": "products.csv",
}
"""The sets, each with the table of its pictures."""
FOUND = ("category", "brand", "style", "tags")
"""Columns that become attributes."""
QUERIES = 20
PHONE = ("shoes", "dress", "pants", "t-shirt", "outwear", "hat")
"""Categories of `clothing/` of which one photo each is a query."""
WORDS = ("hiking boots", "ski goggles under 100", "espresso machine", "blue backpack", "sunglasses", "蓝色 鞋")


def read_shop(data: Path) -> tuple[list[Product], list[tuple[Path, str]]]:
    """The products of all sets, and the views of them that are left out, with their titles.

    Raises:
        NotFoundError: a set is not there.
    """
    products: list[Product] = []
    queries: list[tuple[Path, str]] = []
    for name, table in TABLES.items():
        place = data / name / table
        if not place.is_file():
            raise NotFoundError(
                f"no photos of the set {name}: {place} is not there",
                cure="set CATALENS_DATA to the folder that holds the sets of docs/data.md; make demo needs none",
            )
        for sku, rows in _products(place):
            product, query = _product(name, sku, rows, place)
            products.append(product)
            queries += [(query, product.title)] if query else []
    step = max(1, len(queries) // QUERIES)
    return products, queries[::step][:QUERIES]


def _products(table: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The rows of each product, by its id."""
    found: dict[str, list[dict[str, str]]] = {}
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row.get("product_id") or row["id"], []).append(row)
    yield from found.items()


def _product(name: str, sku: str, rows: list[dict[str, str]], table: Path) -> tuple[Product, Path | None]:
    """The product of some rows, and the view that is left out: the last of several that show the same."""
    first, where = rows[0], Where(str(table))
    colours = {row["colour"] for row in rows if row.get("colour")}
    left_out = table.parent / rows[-1]["image"] if len(rows) > 1 and not colours else None
    shown = [row for row in rows if table.parent / row["image"] != left_out]
    sources = {row["id"]: PictureSource(str((table.parent / row["image"]).absolute()), where) for row in shown}
    attributes: dict[str, AttributeValue] = {
        column: tuple(first[column].split("|")) if "|" in first[column] else first[column]
        for column in FOUND
        if first.get(column)
    }
    attributes["shop"] = name
    if first.get("price"):
        attributes["price"] = float(first["price"])
    variants = [
        Variant(row["id"], row["colour"], {"color": row["colour"]}, (sources[row["id"]],))
        for row in shown
        if len(colours) > 1 and row.get("colour")
    ]
    own = tuple(sources[row["id"]] for row in shown if not (len(colours) > 1 and row.get("colour")))
    title, description = first["title"], first.get("description", "")
    return Product(
        sku if "-" in sku else f"{name}-{sku}", where, title, description, attributes, own, tuple(variants)
    ), (left_out)


def phone_photos(data: Path) -> list[tuple[Path, str]]:
    """One photo of each of some categories of clothes, in the form of queries without an answer."""
    folders = (data / "clothing" / "validation" / category for category in PHONE)
    return [(min(found), "") for folder in folders if (found := list(folder.glob("*.jpg")))]


def demo(folder: Path, data: Path) -> None:
    """Build the catalog in `folder/shop` and write `folder/report.html`."""
    products, queries = read_shop(data)
    started = time.perf_counter()
    with catalens.open(folder / "shop") as shop:
        with progress_bar() as progress:
            report = shop.add(products, progress=progress)
        took = time.perf_counter() - started
        write(f"{len(shop)} products of {len(TABLES)} shops; {report.pictures} pictures embedded in {took:.1f} s")
        list_failures(report.failed)
        search_and_report(
            shop,
            folder / "report.html",
            photos=[*queries, *phone_photos(data)],
            words=WORDS,
            title="Catalens on the photos of seven demo shops",
            intro=f"{len(queries)} of the query photos are views that the shop does not have, with the product in the "
            "heading. The others are phone photos of clothes: see what comes close in these shops.",
        )
    write("", f"The report with pictures: {folder / 'report.html'}")


if __name__ == "__main__":
    try:
        demo(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-photos"), settings.data_folder())
    except CatalensError as error:
        say(f"catalens: {error}")
        sys.exit(error.exit_code)
