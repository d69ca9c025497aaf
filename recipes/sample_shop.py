"""Write `examples/shop/`: the sample shop that `make demo` searches. Its pictures are committed, ready made.

    python -m recipes.sample_shop --data ../shared/data --out examples/shop

Goods for the home are white views of the set `models3d` (docs/data.md); clothes, shoes and bags are rendered here. The
two tables beside this file say which products there are, in plain words, by hand.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from catalens import settings
from catalens.types import ImageArray
from recipes.synthetic.render import Shot, photograph, render
from recipes.synthetic.rooms import rendered_room
from recipes.synthetic.shop import sample_shop
from recipes.synthetic.spec import Spec, completed

HERE = Path(__file__).parent
QUALITY = 85
"""Of the JPEG files."""
SIDE = 256
"""Of the pictures, pixels."""
CLOTHES_SIZES = ("S", "M", "L")
SHOE_SIZES = ("38", "40", "42")
BY_ANGLE = (("front", 0.0), ("left", -28.0), ("right", 24.0))
"""Turns of a rendered product in its pictures, degrees."""
SIZES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        ("dress", "t-shirt", "polo shirt", "shirt", "blouse", "sweater", "cardigan", "hoodie", "coat", "jacket",
         "trousers", "jeans", "shorts", "skirt"), CLOTHES_SIZES),
    **dict.fromkeys(
        ("sneaker", "running shoe", "boot", "pump", "sandal", "loafer", "derby", "ballet flat"), SHOE_SIZES),
}  # fmt: skip
HANDMADE = "Catalens renderer, Apache-2.0"


@dataclass(frozen=True, slots=True)
class Entry:
    """One product of the sample shop; `pictures` and `query` are file names in the shop's folder."""

    sku: str
    title: str
    title_zh: str
    description: str
    kind: str
    color: str
    material: str
    department: str
    price: float
    sizes: Sequence[str]
    pictures: Sequence[str]
    query: str
    source: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the shop."""
    parser = argparse.ArgumentParser(prog="python -m recipes.sample_shop", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=settings.data_folder(), help="folder with models3d/")
    parser.add_argument("--out", type=Path, default=Path("examples/shop"))
    given = parser.parse_args(arguments)
    for name in ("pictures", "queries", "rooms"):
        (given.out / name).mkdir(parents=True, exist_ok=True)
    entries = [*modelled(given.data / "models3d", given.out), *rendered(given.out)]
    write_shopify(entries, given.out / "shopify.csv")
    write_woocommerce(entries, given.out / "woocommerce.csv")
    write_google(entries, given.out / "google.xml")
    write_queries(entries, given.out / "queries.csv")
    write_attribution(entries, given.out / "ATTRIBUTION.csv")
    write_room(given.out / "rooms" / "room.jpg")


def modelled(models: Path, out: Path) -> Iterable[Entry]:
    """Goods for the home: three white views in the shop; of every 28th the fourth is a query."""
    views: dict[str, list[dict[str, str]]] = {}
    with (models / "photos.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["background"] == "white":
                views.setdefault(row["product_id"], []).append(row)
    for number, chosen in enumerate(_table("sample_shop.tsv")):
        sku = f"{_letters(chosen['kind'])}-{number + 1:03d}"
        mine = sorted(views[chosen["model"]], key=lambda row: int(row["view"]))
        names = [f"pictures/{sku}-{view + 1}.jpg" for view in range(3)]
        is_asked = number % 28 == 7
        for name, row in zip([*names, f"queries/{sku}.jpg"], mine, strict=True):
            if is_asked or not name.startswith("queries"):
                _save(np.asarray(Image.open(models / row["image"]).convert("RGB")), out / name)
        room = mine[0]["category"].lower()
        yield Entry(
            sku, chosen["title"], chosen["title_zh"],
            f"{chosen['title']}. Made of {chosen['material']}. For: {room}.",
            chosen["kind"], chosen["color"], chosen["material"], room, float(chosen["price"]), (),
            names, f"queries/{sku}.jpg" if is_asked else "",
            _source(mine[0]),
        )  # fmt: skip


def rendered(out: Path) -> Iterable[Entry]:
    """Clothes, shoes and bags: three turns on white in the shop; of every 12th a photo in a scene is a query."""
    for number, chosen in enumerate(_table("sample_clothes.tsv")):
        spec = completed(Spec(chosen["rendered"], chosen["color"], chosen["pattern"], seed=1000 + number))
        sku = f"{_letters(chosen['rendered'])}-{number + 501}"
        names = [f"pictures/{sku}-{view + 1}.jpg" for view in range(len(BY_ANGLE))]
        _save(render(spec, size=(SIDE, SIDE)).image, out / names[0])
        for name, (_, yaw) in zip(names[1:], BY_ANGLE[1:], strict=True):
            _save(photograph(spec, Shot(yaw=yaw, seed=number), size=(SIDE, SIDE)).image, out / name)
        is_asked = number % 12 == 0
        if is_asked:
            shot = Shot(yaw=14.0, roll=5.0, background="wood", fill=0.9, seed=number + 7)
            _save(photograph(spec, shot, size=(SIDE, SIDE)).image, out / "queries" / f"{sku}.jpg")
        yield Entry(
            sku, chosen["title"], chosen["title_zh"],
            f"{chosen['title']} in {spec.material}, for {chosen['department']}.",
            chosen["rendered"], chosen["color"], spec.material, chosen["department"], float(chosen["price"]),
            SIZES.get(chosen["rendered"], ()), names, f"queries/{sku}.jpg" if is_asked else "", HANDMADE,
        )  # fmt: skip


def write_shopify(entries: Sequence[Entry], path: Path) -> None:
    """Shopify's export: a row for the product, and one for each further variant and picture."""
    columns = (
        "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Option1 Name", "Option1 Value", "Variant SKU",
        "Variant Price", "Image Src", "Image Position", "Image Alt Text",
    )  # fmt: skip
    rows: list[dict[str, str]] = []
    for entry in entries:
        for place in range(max(len(entry.pictures), len(entry.sizes), 1)):
            row = {"Handle": entry.sku.lower()}
            if place == 0:
                row |= {
                    "Title": entry.title, "Body (HTML)": f"<p>{escape(entry.description)}</p><p>{entry.title_zh}</p>",
                    "Vendor": "Sample", "Type": entry.kind, "Tags": f"{entry.color}, {entry.material}",
                }  # fmt: skip
            if place < len(entry.sizes):
                row |= {
                    "Option1 Name": "Size" if place == 0 else "", "Option1 Value": entry.sizes[place],
                    "Variant SKU": f"{entry.sku}-{entry.sizes[place]}", "Variant Price": f"{entry.price:.2f}",
                }  # fmt: skip
            elif place == 0:
                row |= {"Variant SKU": entry.sku, "Variant Price": f"{entry.price:.2f}"}
            if place < len(entry.pictures):
                row |= {
                    "Image Src": entry.pictures[place], "Image Position": str(place + 1),
                    "Image Alt Text": f"{entry.title}, view {place + 1}",
                }  # fmt: skip
            rows.append(row)
    _write(path, columns, rows)


def write_woocommerce(entries: Sequence[Entry], path: Path) -> None:
    """WooCommerce's export: variable products with a row for each variation."""
    columns = (
        "ID", "Type", "SKU", "Name", "Published", "Short description", "Description", "Regular price", "Categories",
        "Tags", "Images", "Parent", "Attribute 1 name", "Attribute 1 value(s)", "Attribute 2 name",
        "Attribute 2 value(s)",
    )  # fmt: skip
    rows: list[dict[str, str]] = []
    for entry in entries:
        parent = {
            "ID": str(len(rows) + 1), "Type": "variable" if entry.sizes else "simple", "SKU": entry.sku,
            "Name": entry.title, "Published": "1", "Short description": entry.title_zh,
            "Description": entry.description, "Regular price": "" if entry.sizes else f"{entry.price:.2f}",
            "Categories": f"{entry.department.capitalize()} > {entry.kind.capitalize()}",
            "Tags": f"{entry.color}, {entry.material}", "Images": ", ".join(entry.pictures),
            "Attribute 1 name": "Color", "Attribute 1 value(s)": entry.color,
        }  # fmt: skip
        if entry.sizes:
            parent |= {"Attribute 2 name": "Size", "Attribute 2 value(s)": ", ".join(entry.sizes)}
        rows.append(parent)
        rows += [
            {
                "ID": str(len(rows) + 1 + place), "Type": "variation", "SKU": f"{entry.sku}-{size}",
                "Name": f"{entry.title} - {size}", "Published": "1", "Regular price": f"{entry.price:.2f}",
                "Parent": entry.sku, "Attribute 2 name": "Size", "Attribute 2 value(s)": size,
            }
            for place, size in enumerate(entry.sizes)
        ]  # fmt: skip
    _write(path, columns, rows)


def write_google(entries: Sequence[Entry], path: Path) -> None:
    """Google Merchant's RSS 2.0: an item for each variant, joined by `item_group_id`."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>',
        "<title>Sample shop</title><link>https://shop.example/</link><description>Sample products</description>",
    ]
    for entry in entries:
        for size in entry.sizes or ("",):
            fields = [
                ("id", f"{entry.sku}-{size}" if size else entry.sku), ("title", entry.title),
                ("description", f"{entry.description} {entry.title_zh}"),
                ("link", f"https://shop.example/{entry.sku}"), ("image_link", entry.pictures[0]),
                *(("additional_image_link", name) for name in entry.pictures[1:]), ("availability", "in_stock"),
                ("price", f"{entry.price:.2f} EUR"), ("condition", "new"),
                ("product_type", f"{entry.department.capitalize()} > {entry.kind.capitalize()}"),
                ("color", entry.color), ("material", entry.material),
                *((("item_group_id", entry.sku), ("size", size)) if size else ()),
            ]  # fmt: skip
            lines.append(
                "<item>" + "".join(f"<g:{name}>{escape(value)}</g:{name}>" for name, value in fields) + "</item>"
            )
    path.write_text("\n".join([*lines, "</channel></rss>", ""]), "utf-8")


def write_queries(entries: Sequence[Entry], path: Path) -> None:
    """Which product each query shows."""
    rows = [{"photo": entry.query, "sku": entry.sku, "title": entry.title} for entry in entries if entry.query]
    _write(path, ("photo", "sku", "title"), rows)


def write_attribution(entries: Sequence[Entry], path: Path) -> None:
    """By whom each product's pictures are, and under which licence."""
    _write(path, ("sku", "source"), [{"sku": entry.sku, "source": entry.source} for entry in entries])


def write_room(path: Path) -> None:
    """A room with a sofa, a lamp and a table."""
    by_kind = {product.spec.kind: product for product in sample_shop(120, seed=4)}
    room = rendered_room([by_kind[name] for name in ("lamp", "sofa", "table")], size=(480, 640), seed=3)
    _save(room.image, path)


def _source(view: Mapping[str, str]) -> str:
    license = "CC0 1.0" if view["library"] == "BlendSwap-CC-0" else "CC BY 3.0"
    return f"3D model by {view['creator']}, Sweet Home 3D library {view['library']}, {license}"


def _letters(kind: str) -> str:
    return "".join(filter(str.isalpha, kind))[:3].upper()


def _table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _save(image: ImageArray, path: Path) -> None:
    Image.fromarray(image).save(path, quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
