"""Products on their way into a store: cleaned, with a digest, the values to filter by and the words to search in."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path

from catalens.text.tokens import index_text, index_values, name_keys
from catalens.types import Attributes, AttributeValue, Failure, PictureSource, Product, Variant

Facet = tuple[str, float | None, str]
"""(name in lower case, number or None, text case-folded): one value of one attribute, for filters."""

MAX_SKU, MAX_TITLE, MAX_NAME, MAX_VALUE, MAX_LOCATION = 500, 20_000, 200, 100_000, 4_000
"""Characters of a sku, a title, an attribute's name, one of its values, a picture's path or address."""
MAX_ATTRIBUTES, MAX_VALUES, MAX_VARIANTS, MAX_PICTURES = 1_000, 100_000, 10_000, 10_000
"""Attributes of a product or of one variant; values, variants and pictures of a product in all. Shopify's largest
products have 2,048 variants."""
MAX_DIGITS = 300
"""Digits of a whole number; a float has up to 309."""
MAX_NUMBER = 400
"""Characters of a text that may be read as a number."""
MAX_PRODUCT_BYTES = 2 * 2**20
"""Bytes of a product in all, as JSON."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def cleaned(product: Product) -> Product:
    """Return the product with every attribute in a form that JSON keeps: numbers that are no numbers become text.

    Raises:
        TypeError: a field of another type than `Product` promises; says which.
        ValueError: no sku, text that is not valid Unicode, or more than one of the limits above allows.
    """
    _at_most(len(product.variants), MAX_VARIANTS, "variants")
    for record in _all_of(product):
        if not isinstance(record.sku, str) or not record.sku.strip():
            raise ValueError("the sku is empty")
        for name in ("title", "description"):
            if not isinstance(getattr(record, name, ""), str):
                raise TypeError(f"{name} is no text")
        _at_most(len(record.sku), MAX_SKU, "characters in a sku")
        _at_most(len(record.title), MAX_TITLE, "characters in a title")
        _at_most(len(record.attributes), MAX_ATTRIBUTES, "attributes")
        for picture in record.pictures:
            _at_most(len(picture.location), MAX_LOCATION, "characters in the place of a picture")
    _at_most(sum(len(record.pictures) for record in _all_of(product)), MAX_PICTURES, "pictures")
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
    values = (value for record in _all_of(product) for value in record.attributes.values())
    _at_most(sum(len(value) if isinstance(value, tuple) else 1 for value in values), MAX_VALUES, "values of attributes")
    try:
        _at_most(len(_canonical(product)), MAX_PRODUCT_BYTES, "bytes in all")
    except UnicodeEncodeError as error:
        raise ValueError(f"text that is not valid Unicode ({error.object[error.start : error.end]!r})") from None
    return product


def checked(item: Product | Failure) -> Product | Failure:
    """A product as `cleaned` returns it, or why it cannot be taken in; a failure stays one."""
    if isinstance(item, Failure):
        return item
    try:
        return cleaned(item)
    except (TypeError, ValueError) as error:
        cure = "correct it in the source and add it again"
        return Failure(item.where, f"product {_short(item.sku)!r}", str(error), cure)


def _short(text: object) -> object:
    return f"{text[:80]}..." if isinstance(text, str) and len(text) > 80 else text


def _at_most(found: int, most: int, what: str) -> None:
    if found > most:
        raise ValueError(f"{found:,} {what}; a product may have at most {most:,}")


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
        _at_most(len(name), MAX_NAME, "characters in the name of an attribute")
        for text in value if isinstance(value, tuple | list) else (value,):
            if isinstance(text, str):
                _at_most(len(text), MAX_VALUE, f"characters in a value of the attribute {name}")
        if isinstance(value, float):
            found[name] = float(value) if math.isfinite(value) else str(value)
        elif isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
            raise ValueError(f"the attribute {name} is a number of more than {MAX_DIGITS} digits")
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


def version_of(product: Product) -> str:
    """Version of a product's record, for compare-and-set: its digest in hex, 64 digits."""
    return digest(product).hex()


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
    if len(text) > MAX_NUMBER or not _NUMBER.fullmatch(text):
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


def indexed(product: Product) -> tuple[str, str, str, str]:
    """Return the words of a product as the index has them: keys of its names, title, other texts, description."""
    title, description, others = searchable(product)
    names = name_keys(title, [record.sku for record in _all_of(product)])
    return names, index_text(title), index_values(others), index_text(description)
