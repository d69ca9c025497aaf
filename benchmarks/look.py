"""Shop the look: does a street photo lead to products of the right category?

    python benchmarks/look.py [--photos 161] [--catalog FOLDER]

Each fifth of the masked street photos, which detector and parser never learned from, against a catalog of the clothing
photos (train and validation) and of Magento's sample shop. A thing on a photo is a box of its mask, under its merged
label (`training/detector_lesson.py`); `SOLD` says which categories of the two are right for it. Three ways to search:
`look` as it is; its boxes without the category filter; the whole photo, without boxes. The encoder did learn from the
street photos with their tags, and from the clothing photos for training; not from those for validation and Magento's.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import catalens
from benchmarks.look_figures import look_figures
from catalens import settings
from catalens.evaluation.detection import Truth
from catalens.models.parts import PRODUCTS
from catalens.types import ImageArray
from recipes.detector_lesson import street_photos

FEEDS = ("clothing/train.csv", "clothing/validation.csv", "magento/products.csv")
SOLD = {
    "top": {"shirt", "t-shirt", "longsleeve", "tees", "tanks", "bras & tanks", "hoodies & sweatshirts"},
    "outerwear": {"outwear", "jackets"},
    "dress": {"dress"},
    "skirt": {"skirt"},
    "trousers": {"pants"},
    "shorts": {"shorts"},
    "shoes": {"shoes"},
    "boots": {"shoes"},
    "hat": {"hat"},
}
"""What is on a photo -> categories of the catalog, in small letters. Hoodies are tops on the masks, too. Bags, glasses,
scarves, belts, legwear and accessories are sold by neither."""


def photos_of(data: Path, most: int) -> Iterator[tuple[ImageArray, Truth]]:
    for photo in street_photos(data, held_out=True)[:most]:
        yield photo.image, Truth(photo.boxes, tuple(PRODUCTS[label] for label in photo.labels.tolist()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=161)
    parser.add_argument("--catalog", type=Path, help="where the catalog is kept, or is made")
    given = parser.parse_args()
    data = settings.data_folder()
    with tempfile.TemporaryDirectory() as folder, catalens.open(given.catalog or Path(folder) / "shop") as shop:
        for feed in FEEDS:
            shop.add(data / feed)
        products = shop.info().products
        figures = look_figures(shop.search, photos_of(data, given.photos), sold=SOLD)
    for name, rows in (("things", figures.things), ("things found", figures.found), ("boxes", figures.boxes)):
        print(f"P@5 over {name}")
        for way, estimate in rows.items():
            print(f"  {way:<25} {estimate}")
    print(json.dumps({"benchmark": "look", "products": products, **figures.to_dict()}))


if __name__ == "__main__":
    main()
