"""A whole sample shop: products with words, prices and pictures, in memory or as a catalogue on disk."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from catalens.errors import StorageError, UsageError
from catalens.settings import threads
from catalens.types import ImageArray, Progress
from recipes.synthetic.kind import Kind
from recipes.synthetic.kinds import KINDS
from recipes.synthetic.render import Rendered, Shot, photograph, render
from recipes.synthetic.spec import Spec, completed
from recipes.synthetic.words import description_of, season_of, title_of

QUALITY = 88
"""Of the JPEG files."""

QUERIES = 10
"""Shopper's photos beside a shop."""

COLUMNS = (
    "sku",
    "title",
    "description",
    "category",
    "type",
    "department",
    "color",
    "pattern",
    "material",
    "style",
    "season",
    "price",
    "image",
    "additional_images",
)


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """One product of the sample shop.

    Args:
        attributes: category, type, department, color, pattern, material, style, season.
        price: with two decimals.
        scene: the background of its second picture.
    """

    sku: str
    title: str
    description: str
    price: float
    attributes: Mapping[str, str]
    spec: Spec
    scene: str

    def pictures(self, *, size: tuple[int, int] = (400, 400)) -> tuple[Rendered, Rendered]:
        """The front on white or in a light studio, and a turned view in a scene; rendered anew at each call."""
        plain = "white" if self.spec.seed % 3 else "studio"
        return (
            render(self.spec, size=size, background=plain),
            render(self.spec, size=size, view="three-quarter", background=self.scene),
        )

    def query(self, *, size: tuple[int, int] = (400, 400)) -> Rendered:
        """A shopper's photo of it: another scene, turned, tilted, nearer, in other light."""
        rng = np.random.default_rng([self.spec.seed, 77])
        scenes = [name for name in _SCENES if name != self.scene]
        sign = rng.choice([-1.0, 1.0], 2)
        shot = Shot(
            yaw=float(sign[0] * rng.uniform(8, 24)),
            pitch=float(rng.uniform(-3, 8)),
            roll=float(sign[1] * rng.uniform(4, 14)),
            background=str(rng.choice(scenes)),
            fill=float(rng.uniform(0.92, 1.12)),
            shift=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.06, 0.06))),
            seed=self.spec.seed + 1,
        )
        return photograph(self.spec, shot, size=size)


_SCENES = ("studio", "paper", "wood", "cloth", "room", "brick", "street")


def sample_shop(n: int = 400, *, seed: int = 0) -> Iterator[SampleProduct]:
    """Products over all kinds, one kind after the other; the same seed gives the same shop.

    Raises:
        UsageError: n or the seed is negative.
    """
    if n < 0 or seed < 0:
        raise UsageError(f"{n} products with seed {seed}", cure="give whole numbers that are not negative")
    kinds = tuple(KINDS.values())
    order = np.random.default_rng([seed, 11]).permutation(len(kinds))
    return (_product(kinds[order[index % len(kinds)]], index, seed) for index in range(n))


def _product(kind: Kind, index: int, seed: int) -> SampleProduct:
    rng = np.random.default_rng([seed, index, 12])
    material = str(rng.choice(kind.materials))
    patterns = kind.patterns(material)
    pattern = str(rng.choice(patterns)) if rng.random() < 0.45 else "plain"
    color = str(rng.choice(kind.colors(material)))
    spec = completed(Spec(kind.name, color, pattern, material, seed=seed * 1_000_003 + index))
    department = str(rng.choice(kind.departments))
    low, high = np.log(kind.price)
    price = round(float(np.exp(rng.uniform(low, high)))) - float(rng.choice([0.01, 0.05, 0.10, 0.0]))
    attributes = {
        "category": kind.category,
        "type": kind.name,
        "department": department,
        "color": color,
        "pattern": pattern,
        "material": material,
        "style": ", ".join(spec.details),
        "season": season_of(spec),
    }
    return SampleProduct(
        sku=f"{''.join(filter(str.isalpha, kind.name))[:3].upper()}-{index + 1:04d}",
        title=title_of(spec, rng),
        description=description_of(spec, department, rng),
        price=round(price, 2),
        attributes=attributes,
        spec=spec,
        scene=str(rng.choice(_SCENES)),
    )


def write_shop(
    folder: Path, *, n: int = 400, seed: int = 0, size: tuple[int, int] = (400, 400), progress: Progress | None = None
) -> Path:
    """Write a sample shop: `photos/*.jpg` (two a product), `products.csv`, and `queries/` with shopper's photos.

    A query's name is the SKU of the product that it shows. The table is written last, in one step: where it stands,
    its pictures do too.

    Args:
        size: (height, width) of the pictures, pixels.

    Returns:
        The path of `products.csv`.

    Raises:
        UsageError: n, the seed or the size is out of range.
        StorageError: the folder cannot be written.
    """
    products = list(sample_shop(n, seed=seed))
    asked = {products[i].sku for i in np.linspace(0, n - 1, min(QUERIES, n)).astype(int)} if n else set()
    try:
        for name in ("photos", "queries"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(threads()) as pool:
            try:
                jobs = [
                    pool.submit(_write_pictures, product, folder, size, product.sku in asked) for product in products
                ]
                for done, job in enumerate(as_completed(jobs), start=1):
                    job.result()
                    if progress is not None:
                        progress(done, n, "rendering products")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return _write_table(products, folder / "products.csv")
    except OSError as error:
        raise StorageError(
            f"cannot write the sample shop to {folder}: {error.strerror}", cure="give a folder that can be written"
        ) from error


def _write_pictures(product: SampleProduct, folder: Path, size: tuple[int, int], is_asked: bool) -> None:
    for path, picture in zip(_picture_names(product), product.pictures(size=size), strict=True):
        _save(picture.image, folder / path)
    if is_asked:
        _save(product.query(size=size).image, folder / "queries" / f"{product.sku}.jpg")


def _save(image: ImageArray, path: Path) -> None:
    Image.fromarray(image).save(path, quality=QUALITY)


def _picture_names(product: SampleProduct) -> tuple[str, str]:
    return f"photos/{product.sku}-1.jpg", f"photos/{product.sku}-2.jpg"


def _write_table(products: Sequence[SampleProduct], path: Path) -> Path:
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        table.writeheader()
        for product in products:
            first, second = _picture_names(product)
            row = {"sku": product.sku, "title": product.title, "description": product.description, **product.attributes}
            table.writerow({**row, "price": f"{product.price:.2f}", "image": first, "additional_images": second})
    return partial.replace(path)
