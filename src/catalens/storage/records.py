"""Products as rows: what is written for one, and how it is read back exactly as its source gave it."""

from __future__ import annotations

import hashlib
import json
import math
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from catalens.errors import CatalogDamagedError
from catalens.types import Attributes, AttributeValue, PictureSource, Product, Variant, Where

Facet = tuple[str, float | None, str]
"""(name in lower case, number or None, text case-folded): one value of one attribute, for filters."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def cleaned(product: Product) -> Product:
    """Return the product with every attribute in a form that JSON keeps: numbers that are no numbers become text.

    Raises:
        TypeError: a field of another type than `Product` promises; says which.
        ValueError: no sku, or text that is not valid Unicode.
    """
    for record in _all_of(product):
        if not isinstance(record.sku, str) or not record.sku.strip():
            raise ValueError("the sku is empty")
        for name in ("title", "description"):
            if not isinstance(getattr(record, name, ""), str):
                raise TypeError(f"{name} is no text")
    variants = tuple(
        replace(each, attributes=_clean_attributes(each.attributes), pictures=_absolute(each.pictures))
        for each in product.variants
    )
    product = replace(
        product,
        attributes=_clean_attributes(product.attributes),
        pictures=_absolute(product.pictures),
        variants=variants,
    )
    if len({variant.sku for variant in variants}) < len(variants):
        raise ValueError("two of its variants have the same sku")
    try:
        _canonical(product)
    except UnicodeEncodeError as error:
        raise ValueError(f"text that is not valid Unicode ({error.object[error.start : error.end]!r})") from None
    return product


def _all_of(product: Product) -> list[Product | Variant]:
    return [product, *product.variants]


def _absolute(pictures: tuple[PictureSource, ...]) -> tuple[PictureSource, ...]:
    return tuple(
        picture if picture.is_remote else replace(picture, location=str(Path(picture.location).absolute()))
        for picture in pictures
    )


def _clean_attributes(attributes: Attributes) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        if not isinstance(name, str):
            raise TypeError(f"the attribute name {name!r} is no text")
        if isinstance(value, float):
            found[name] = float(value) if math.isfinite(value) else str(value)
        elif isinstance(value, bool | int | str):
            found[name] = value
        elif isinstance(value, tuple | list) and all(isinstance(item, str) for item in value):
            found[name] = tuple(value)
        else:
            raise TypeError(f"attribute {name} has a value of type {type(value).__name__}, not text, number or texts")
    return found


def digest(product: Product) -> bytes:
    """SHA-256 of the product as its source gave it, but for the line that it stood on."""
    return hashlib.sha256(_canonical(product)).digest()


def _canonical(product: Product) -> bytes:
    return json.dumps(product.to_dict(), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def pictures_of(product: Product) -> list[tuple[str | None, PictureSource]]:
    """All pictures in order, the product's first: (sku of the variant or None, where it lies)."""
    own: list[tuple[str | None, PictureSource]] = [(None, picture) for picture in product.pictures]
    return own + [(variant.sku, picture) for variant in product.variants for picture in variant.pictures]


def facets(product: Product) -> list[Facet]:
    """Values of all attributes of a product and its variants, each once, sorted."""
    found: set[Facet] = set()
    for record in _all_of(product):
        for name, value in record.attributes.items():
            values: tuple[str | int | float | bool, ...] = value if isinstance(value, tuple) else (value,)
            found.update(_facet(name, item) for item in values)
    return sorted(found, key=lambda facet: (facet[0], facet[2], facet[1] or 0.0))


def _facet(name: str, value: str | int | float | bool) -> Facet:
    if isinstance(value, bool):
        return name.lower(), None, "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    text = str(value).strip().casefold()
    return name.lower(), _number(text), text


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def searchable(product: Product) -> tuple[str, str, str]:
    """Return what words are searched in: title, description, and all other texts (values, variants' titles, skus)."""
    texts: dict[str, None] = {product.sku: None}
    for record in _all_of(product):
        for value in record.attributes.values():
            items = value if isinstance(value, tuple) else (value,)
            texts.update((str(item), None) for item in items if not isinstance(item, bool))
    for variant in product.variants:
        texts.update({variant.sku: None, variant.title: None})
    return product.title, product.description, "\n".join(text for text in texts if text)


def write_product(db: sqlite3.Connection, product: Product, shown: Mapping[str, int]) -> None:
    """Write one product with everything that hangs on it, in the place of what was there under its sku.

    Args:
        db: inside a transaction.
        product: as `cleaned` returns it.
        shown: location of a picture -> id of the picture; locations that are not in it are noted as unread.
    """
    row = {
        "sku": product.sku,
        "title": product.title,
        "description": product.description,
        "attributes": _json(dict(product.attributes)),
        "source": _json([product.where.source, product.where.line]),
        "digest": digest(product),
    }
    (product_id,) = db.execute(
        "INSERT INTO product (sku, title, description, attributes, source, digest) "
        "VALUES (:sku, :title, :description, :attributes, :source, :digest) "
        "ON CONFLICT (sku) DO UPDATE SET title = :title, description = :description, attributes = :attributes, "
        "source = :source, digest = :digest RETURNING id",
        row,
    ).fetchone()
    for table in ("shown", "unread", "variant"):
        db.execute(f"DELETE FROM {table} WHERE product_id = ?", (product_id,))
    variant_ids = {variant.sku: _write_variant(db, product_id, variant) for variant in product.variants}
    for position, (sku, picture) in enumerate(pictures_of(product)):
        variant_id = None if sku is None else variant_ids[sku]
        place = (product_id, variant_id, position, picture.location)
        if picture.location in shown:
            db.execute(
                "INSERT INTO shown (product_id, variant_id, position, location, picture_id) VALUES (?, ?, ?, ?, ?)",
                (*place, shown[picture.location]),
            )
        else:
            db.execute("INSERT INTO unread (product_id, variant_id, position, location) VALUES (?, ?, ?, ?)", place)
    write_derived(db, product_id, product)


def _write_variant(db: sqlite3.Connection, product_id: int, variant: Variant) -> int:
    _take_from_another(db, variant.sku)
    row = db.execute(
        "INSERT INTO variant (product_id, sku, title, attributes) VALUES (?, ?, ?, ?) RETURNING id",
        (product_id, variant.sku, variant.title, _json(dict(variant.attributes))),
    ).fetchone()
    return int(row[0])


def _take_from_another(db: sqlite3.Connection, variant_sku: str) -> None:
    """A variant that another product had moves; that product is written anew without it, and counts as changed."""
    row = db.execute("SELECT product_id FROM variant WHERE sku = ?", (variant_sku,)).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM variant WHERE sku = ?", (variant_sku,))
    db.execute("UPDATE product SET digest = x'' WHERE id = ?", row)
    write_derived(db, row[0], read_product(db, row[0]))


def write_derived(db: sqlite3.Connection, product_id: int, product: Product) -> None:
    """Write what follows from a product: its facets and its words."""
    db.execute("DELETE FROM facet WHERE product_id = ?", (product_id,))
    db.executemany(
        "INSERT INTO facet (product_id, name, number, text) VALUES (?, ?, ?, ?)",
        [(product_id, *facet) for facet in facets(product)],
    )
    db.execute("DELETE FROM words WHERE rowid = ?", (product_id,))
    db.execute(
        "INSERT INTO words (rowid, title, description, attributes) VALUES (?, ?, ?, ?)",
        (product_id, *searchable(product)),
    )


def read_product(db: sqlite3.Connection, product_id: int) -> Product:
    """Read a product back as its source gave it.

    Raises:
        CatalogDamagedError: a row is not what was written.
        sqlite3.Error: the caller translates it.
    """
    row = db.execute(
        "SELECT sku, title, description, attributes, source FROM product WHERE id = ?", (product_id,)
    ).fetchone()
    variants = db.execute(
        "SELECT id, sku, title, attributes FROM variant WHERE product_id = ? ORDER BY id", (product_id,)
    ).fetchall()
    places = db.execute(
        "SELECT variant_id, location, position FROM shown WHERE product_id = :id UNION ALL "
        "SELECT variant_id, location, position FROM unread WHERE product_id = :id ORDER BY position",
        {"id": product_id},
    ).fetchall()
    try:
        sku, title, description, attributes, source = row
        where = Where(*json.loads(source))
        return Product(
            sku=sku,
            where=where,
            title=title,
            description=description,
            attributes=_attributes(attributes),
            pictures=_pictures(places, None, where),
            variants=tuple(
                Variant(sku=sku, title=title, attributes=_attributes(text), pictures=_pictures(places, id, where))
                for id, sku, title, text in variants
            ),
        )
    except (TypeError, ValueError) as error:
        raise CatalogDamagedError(
            f"the record of product {product_id} is not what was written",
            cure="run: catalens doctor --repair, then add its source again",
        ) from error


def _pictures(
    places: Iterable[tuple[int | None, str, int]], variant_id: int | None, where: Where
) -> tuple[PictureSource, ...]:
    return tuple(PictureSource(location, where) for variant, location, _ in places if variant == variant_id)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _attributes(text: str) -> dict[str, AttributeValue]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
