"""Feeds for search engines and shopping agents: which fields each wants, and what is valid in them.

Sources, read November 2026: Google Merchant product data specification; Meta catalogue fields; OpenAI product feed
(file upload); Agentic Commerce Protocol, feed schema of 2026-04-17; schema.org Product.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from catalens.feeds.offers import WEB, Offer
from catalens.types import AttributeValue

Need = Literal["required", "advised", "apparel", "optional"]
"""`apparel`: required of clothes and accessories."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a channel: its name there, whether it is needed, its longest text, which values it takes."""

    name: str
    source: str
    need: Need = "optional"
    longest: int = 0
    words: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A kind of feed: the format of its file and its fields in order."""

    name: str
    kind: Literal["tsv", "csv", "jsonl", "html"]
    fields: tuple[Field, ...]
    constant: Mapping[str, str] | None = None


_SPACED = {
    "in_stock": "in stock",
    "out_of_stock": "out of stock",
    "preorder": "preorder",
    "backorder": "available for order",
}
_OPENAI = {"in_stock": "in_stock", "out_of_stock": "out_of_stock", "preorder": "pre_order", "backorder": "backorder"}
_CONDITIONS = {"new": "new", "refurbished": "refurbished", "used": "used", "secondhand": "used"}
_SHARED = (
    Field("brand", "brand", "advised", 70),
    Field("gtin", "gtin", "advised"),
    Field("mpn", "mpn", "advised", 70),
    Field("condition", "condition", words=_CONDITIONS),
    Field("item_group_id", "group", longest=50),
    Field("color", "color", "apparel", 100),
    Field("size", "size", "apparel", 100),
    Field("gender", "gender", "apparel"),
    Field("age_group", "age_group", "apparel"),
    Field("material", "material", longest=200),
    Field("pattern", "pattern", longest=100),
    Field("google_product_category", "google_product_category", "advised"),
    Field("product_type", "product_type", "advised", 750),
)


def _but(fields: tuple[Field, ...], **needs: Need) -> tuple[Field, ...]:
    """The fields, some of them with another need."""
    return tuple(Field(one.name, one.source, needs.get(one.name, one.need), one.longest, one.words) for one in fields)


CHANNELS: Mapping[str, Channel] = {
    "google": Channel(
        "google", "tsv",
        (
            Field("id", "id", "required", 50), Field("title", "title", "required", 150),
            Field("description", "description", "required", 5000), Field("link", "link", "required", 2000),
            Field("image_link", "image", "required", 2000), Field("additional_image_link", "more_images"),
            Field("availability", "availability", "required"), Field("price", "price", "required"), *_SHARED,
        ),
    ),
    "meta": Channel(
        "meta", "csv",
        (
            Field("id", "id", "required", 100), Field("title", "title", "required", 200),
            Field("description", "description", "required", 9999),
            Field("availability", "availability", "required", words=_SPACED), Field("price", "price", "required"),
            Field("link", "link", "required", 2000), Field("image_link", "image", "required", 2000),
            Field("additional_image_link", "more_images"), *_but(_SHARED, condition="required", brand="required"),
        ),
        {"status": "active"},
    ),
    "openai": Channel(
        "openai", "csv",
        (
            Field("item_id", "id", "required", 100), Field("title", "title", "required", 150),
            Field("description", "description", "required", 5000), Field("url", "link", "required", 2000),
            Field("brand", "brand", "required", 70), Field("image_url", "image", "required", 2000),
            Field("additional_image_urls", "more_images"), Field("price", "price", "required"),
            Field("availability", "availability", "required", words=_OPENAI), Field("group_id", "group", longest=70),
            Field("gtin", "gtin", "advised"), Field("mpn", "mpn", "advised", 70),
            Field("condition", "condition", words=_CONDITIONS),
            Field("product_category", "product_type", "advised", 750),
            Field("color", "color", "advised", 40), Field("size", "size", longest=20), Field("gender", "gender"),
            Field("age_group", "age_group"), Field("material", "material", longest=100), Field("pattern", "pattern"),
        ),
        {"is_eligible_search": "true", "is_eligible_checkout": "false"},
    ),
    "acp": Channel(
        "acp", "jsonl",
        (
            Field("id", "id", "required"), Field("title", "title", "required"),
            Field("description", "description", "advised"), Field("url", "link", "advised"),
            Field("media", "image", "advised"), Field("price", "price", "advised"),
            Field("availability", "availability", "advised"), Field("barcodes", "gtin", "advised"),
            Field("categories", "product_type", "advised"), Field("condition", "condition"),
        ),
    ),
    "jsonld": Channel(
        "jsonld", "html",
        (
            Field("sku", "id", "required"), Field("name", "title", "required"),
            Field("description", "description", "advised"), Field("url", "link", "advised"),
            Field("image", "image", "required"), Field("offers.price", "price", "required"),
            Field("offers.availability", "availability", "advised"), Field("brand", "brand", "advised"),
            Field("gtin", "gtin", "advised"), Field("mpn", "mpn"), Field("color", "color", "advised"),
            Field("size", "size"), Field("material", "material"), Field("pattern", "pattern"),
            Field("category", "product_type", "advised"),
        ),
    ),
}  # fmt: skip
"""Channel by its name."""


def text_of(value: AttributeValue) -> str:
    """A value as a cell has it; several by slashes, as Google joins colors."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "/".join(value) if isinstance(value, tuple) else str(value)


def value_in(field: Field, offer: Offer) -> str:
    """What an offer says in a field of a channel, "" where it says nothing."""
    if field.source == "group":
        return offer.group
    if field.source == "image":
        return offer.pictures[0] if offer.pictures else ""
    if field.source == "more_images":
        return ",".join(one.replace(",", "%2C") for one in offer.pictures[1:11])
    if field.source == "price":
        price, currency = offer.fields.get("price"), offer.fields.get("currency", "")
        return f"{price:.2f} {currency}".rstrip() if isinstance(price, float) else ""
    value = offer.fields.get(field.source)
    text = "" if value is None else text_of(value)
    return (field.words.get(text.lower().replace(" ", "_"), "") if field.words is not None else text).strip()


def _is_gtin(text: str) -> bool:
    """Whether the check digit fits (GS1 General Specifications, 7.9)."""
    if not re.fullmatch(r"\d{8}|\d{12,14}", text):
        return False
    digits = [int(digit) for digit in reversed(text)]
    weighted = sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits[1:], 1))
    return (weighted + digits[0]) % 10 == 0


_FAULTS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "link": (lambda text: not text.startswith(WEB), "is no web address"),
    "image": (lambda text: not text.startswith(WEB), "is a file and no web address; give --picture-base"),
    "price": (lambda text: not re.search(r" [A-Z]{3}$", text), "names no currency; give --currency"),
    "gtin": (lambda text: not _is_gtin(text), "has a wrong check digit or length"),
}


def fault_of(field: Field, text: str) -> str:
    """What is wrong with a value in a field; "" where nothing is."""
    if field.longest and len(text) > field.longest:
        return f"is longer than {field.longest} characters"
    if field.source in _FAULTS:
        is_wrong, why = _FAULTS[field.source]
        return why if is_wrong(text) else ""
    return ""
