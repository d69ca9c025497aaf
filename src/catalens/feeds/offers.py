"""What a shop offers, as feeds of search engines and agents have it: an offer a product or variant, by named fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from catalens.types import Attributes, AttributeValue, Product

WEB = ("http://", "https://")

_SOURCES: dict[str, tuple[str, ...]] = {
    "link": ("link", "url", "product_url", "permalink"),
    "availability": (
        "availability",
        "stock_status",
        "in_stock",
        "inventory",
        "inventory_quantity",
        "quantity",
        "stock",
    ),
    "brand": ("brand", "vendor", "manufacturer"),
    "gtin": ("gtin", "gtin13", "gtin12", "ean", "upc", "barcode", "isbn"),
    "mpn": ("mpn",),
    "condition": ("condition",),
    "color": ("color", "colour"),
    "size": ("size",),
    "gender": ("gender",),
    "age_group": ("age_group",),
    "material": ("material",),
    "pattern": ("pattern",),
    "product_type": ("product_type", "category"),
    "google_product_category": ("google_product_category",),
}
"""Field -> attributes that say it, the first that has a value. A shop's own name of one stays beside it."""
_STATES = {
    "in_stock": ("in_stock", "instock", "in stock", "available", "true", "yes", "limitedavailability"),
    "out_of_stock": (
        "out_of_stock",
        "outofstock",
        "out of stock",
        "sold_out",
        "soldout",
        "false",
        "no",
        "discontinued",
    ),
    "preorder": ("preorder", "pre_order", "pre-order", "presale"),
    "backorder": ("backorder", "back_order", "on_backorder", "onbackorder", "available for order"),
}
_SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "zł": "PLN", "₽": "RUB", "₩": "KRW", "US$": "USD", "R$": "BRL"}
"""Signs that name one currency; `$`, `¥` and `kr` name several."""
STATES = {word: state for state, words in _STATES.items() for word in words}
"""Spelling of an availability -> the name that feeds have for it."""
_DEAREST = 1e12
"""Prices from here on are no prices, and more cents than others can count."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to sell. `fields` are those above with `id`, `title`, `description`, `price` (a number) and `currency`;
    `rest` are all other attributes; `options` are the attributes of its own that tell a variant from its siblings.
    """

    fields: Mapping[str, AttributeValue]
    pictures: tuple[str, ...]
    rest: Mapping[str, AttributeValue]
    group: str = ""
    options: Mapping[str, AttributeValue] = field(default_factory=dict)


def offers_of(product: Product, *, picture_base: str = "", currency: str = "") -> Iterator[Offer]:
    """The offers of a product: its variants, or itself where it has none.

    Args:
        picture_base: address of the folder that pictures which are files are published in.
        currency: of prices that name none.
    """
    pictures = tuple(_address(picture.location, picture_base) for picture in product.pictures)
    if not product.variants:
        yield _offer(product.sku, product.title, product, product.attributes, pictures, currency)
    for variant in product.variants:
        own = tuple(_address(picture.location, picture_base) for picture in variant.pictures)
        yield _offer(
            variant.sku,
            variant.title or product.title,
            product,
            {**product.attributes, **variant.attributes},
            tuple(dict.fromkeys((*own, *pictures))),
            currency,
            group=product.sku,
            options={name: value for name, value in variant.attributes.items() if name not in {"price", "currency"}},
        )


def _offer(
    sku: str,
    title: str,
    product: Product,
    attributes: Attributes,
    pictures: tuple[str, ...],
    currency: str,
    *,
    group: str = "",
    options: Attributes | None = None,
) -> Offer:
    fields: dict[str, AttributeValue] = {"id": sku, "title": title, "description": product.description}
    rest = dict(attributes)
    for known, sources in _SOURCES.items():
        name = next((name for name in sources if rest.get(name) not in (None, "", ())), None)
        if name is not None:
            fields[known] = rest.pop(name) if name == known else rest[name]
    if "availability" in fields:
        fields["availability"] = _state(fields["availability"])
    if not str(fields.get("link", WEB[0])).lower().startswith(WEB):
        del fields["link"]  # "javascript:", or an address within a site
    price = rest.get("price")
    if isinstance(price, int | float) and not isinstance(price, bool) and 0 < price < _DEAREST:
        fields["price"] = float(rest.pop("price"))  # type: ignore[arg-type]
        said = rest.pop("currency", None) or currency
        code = _SYMBOLS.get(said, said) if isinstance(said, str) else ""
        if re.fullmatch(r"[A-Za-z]{3}", code):
            fields["currency"] = code.upper()
    return Offer({name: value for name, value in fields.items() if value != ""}, pictures, rest, group, options or {})


def _state(value: AttributeValue | None) -> str:
    """The name that feeds have for an availability, which stays if it is one; of a number, whether any is in stock.

    "" where unknown.
    """
    if isinstance(value, bool | int | float):
        return "in_stock" if value > 0 else "out_of_stock"
    text = value.rpartition("/")[2].strip() if isinstance(value, str) else ""
    state = STATES.get(text.lower(), "")
    return text if text.replace(" ", "_") == state else state


def _address(location: str, base: str) -> str:
    """The web address of a picture; its path where it has none."""
    if location.startswith(WEB) or not base:
        return location
    return f"{base.rstrip('/')}/{location.replace(chr(92), '/').rpartition('/')[2]}"
