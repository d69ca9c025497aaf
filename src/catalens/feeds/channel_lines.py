"""Products written as the feed of a channel: a table for Google, Meta and OpenAI, JSON for ACP, a page of JSON-LD."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import PurePath

from catalens.errors import UsageError
from catalens.feeds.acp import decimals_of
from catalens.feeds.channels import CHANNELS, Channel, text_of, value_in
from catalens.feeds.offers import WEB, Offer, offers_of
from catalens.types import AttributeValue, Product

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that starts so for a formula (OWASP, CSV injection)."""
_ALT_TEXT = re.compile("alt_text_[a-z]{2}")
_SCHEMA = "https://schema.org"
_STATES = {"in_stock": "InStock", "out_of_stock": "OutOfStock", "preorder": "PreOrder", "backorder": "BackOrder"}
_LD = {"title": "name", "description": "description", "link": "url", "gtin": "gtin", "mpn": "mpn", "color": "color",
       "size": "size", "material": "material", "pattern": "pattern", "product_type": "category"}  # fmt: skip
"""Field -> property of schema.org's Product."""


def channel_lines(
    products: Iterable[Product],
    channel: str,
    *,
    attribute_names: Iterable[str] = (),
    picture_base: str = "",
    currency: str = "",
) -> Iterator[str]:
    """Lines of a feed, without their ends.

    Args:
        products: in the order of the feed.
        channel: one of `CHANNELS`.
        attribute_names: of all products; in tables, those that are no field of the channel become columns of their own,
            which channels ignore and `add` reads back.
        picture_base: address of the folder that pictures which are files are published in.
        currency: of prices that name none, ISO 4217.

    Raises:
        UsageError: another channel.
    """
    if channel not in CHANNELS:
        raise UsageError(f"no feed {channel!r}", cure=f"name one of {', '.join(CHANNELS)}")
    known = CHANNELS[channel]
    each = ((product, list(offers_of(product, picture_base=picture_base, currency=currency))) for product in products)
    if known.kind == "jsonl":
        return (json.dumps(_acp(product, offers), ensure_ascii=False) for product, offers in each)
    if known.kind == "html":
        return _page(each)
    return _table(known, (offer for _, offers in each for offer in offers), attribute_names)


def _table(channel: Channel, offers: Iterable[Offer], attribute_names: Iterable[str]) -> Iterator[str]:
    columns = [field.name for field in channel.fields]
    constant = channel.constant or {}
    taken = {*columns, *constant, *(field.source for field in channel.fields), "currency", "price"}
    more = sorted(set(attribute_names) - taken)
    yield _row([*columns, *constant, *more], channel)
    for offer in offers:
        cells = [value_in(field, offer) for field in channel.fields]
        said = {**offer.fields, **offer.rest}
        rest = [text_of(said[name]) if name in said else "" for name in more]
        yield _row([*map(_safe, cells), *constant.values(), *map(_safe, rest)], channel)


def _row(cells: list[str], channel: Channel) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter="\t" if channel.kind == "tsv" else ",").writerow(cells)
    return line.getvalue().removesuffix("\r\n")


def _safe(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _acp(product: Product, offers: list[Offer]) -> dict[str, object]:
    """A Product of the Agentic Commerce Protocol's feed schema, 2026-04-17."""
    first = offers[0].fields
    record: dict[str, object] = {"id": product.sku, "title": product.title}
    if product.description:
        record["description"] = {"plain": product.description}
    if link := _web(first.get("link")):
        record["url"] = link
    if media := _media(
        offers[0].pictures if not product.variants else _pictures(product, offers),
        _alt_text(product.attributes, product.title),
    ):
        record["media"] = media
    return {**record, "variants": [_acp_variant(offer) for offer in offers]}


def _pictures(product: Product, offers: list[Offer]) -> tuple[str, ...]:
    """Addresses of the product's own pictures, which each of its offers has last."""
    count = len(product.pictures)
    return offers[0].pictures[-count:] if count else ()


def _acp_variant(offer: Offer) -> dict[str, object]:
    fields = offer.fields
    title = text_of(fields.get("title", "")) or text_of(fields["id"])
    record: dict[str, object] = {"id": fields["id"], "title": title}
    if link := _web(fields.get("link")):
        record["url"] = link
    if gtin := fields.get("gtin"):
        record["barcodes"] = [{"type": "GTIN", "value": text_of(gtin)}]
    price, currency = fields.get("price"), fields.get("currency")
    if isinstance(price, float) and isinstance(currency, str):
        record["price"] = {"amount": round(price * 10 ** decimals_of(currency)), "currency": currency}
    if state := fields.get("availability"):
        name = text_of(state).replace(" ", "_").lower()
        record["availability"] = {"available": name != "out_of_stock", "status": name}
    categories = [("product_type", "merchant"), ("google_product_category", "google_product_category")]
    if named := [{"value": text_of(fields[key]), "taxonomy": by} for key, by in categories if key in fields]:
        record["categories"] = named
    if condition := fields.get("condition"):
        record["condition"] = [text_of(condition)]
    if offer.options:
        record["variant_options"] = [
            {"name": name, "value": text_of(value)} for name, value in offer.options.items() if text_of(value)
        ]
    if media := _media(offer.pictures, _alt_text(offer.rest, title)):
        record["media"] = media
    return record


def _web(value: AttributeValue | None) -> str:
    text = value if isinstance(value, str) else ""
    return text if text.startswith(WEB) else ""


def _alt_text(attributes: Mapping[str, AttributeValue], title: str) -> str:
    """The product's alt text, one by hand before one that was proposed; its title where there is none."""
    named = sorted((f"{name}_predicted_by" in attributes, name) for name in attributes if _ALT_TEXT.fullmatch(name))
    names = ("alt_text", *(name for _, name in named))
    return next((text for name in names if (text := text_of(attributes.get(name, "")))), title)


def _media(pictures: Iterable[str], title: str) -> list[dict[str, object]]:
    found = (picture.replace(" ", "%20") for picture in pictures if picture.startswith(WEB))
    return [{"type": "image", "url": picture, "alt_text": title} for picture in found]


def _page(each: Iterable[tuple[Product, list[Offer]]]) -> Iterator[str]:
    """A page with a block a product, as a shop's product page has it: what a block says may not end it."""
    yield '<!doctype html><html><head><meta charset="utf-8"><title>Products</title>'
    for product, offers in each:
        text = json.dumps(_ld(product, offers), ensure_ascii=False).replace("<", "\\u003c")
        yield f'<script type="application/ld+json">{text}</script>'
    yield "</head><body></body></html>"


def _ld(product: Product, offers: list[Offer]) -> dict[str, object]:
    """A Product of schema.org, or a ProductGroup with its variants."""
    if not product.variants:
        return {"@context": _SCHEMA, **_ld_product(offers[0])}
    group: dict[str, object] = {"@type": "ProductGroup", "productGroupID": product.sku, "name": product.title}
    if product.description:
        group["description"] = product.description
    if pictures := _pictures(product, offers):
        group["image"] = list(pictures)
    shared = [(name, value) for name, value in product.attributes.items() if name not in {"price", "currency"}]
    if shared:
        group["additionalProperty"] = [_property(name, value) for name, value in shared]
    return {"@context": _SCHEMA, **group, "hasVariant": [_ld_product(offer, of_group=True) for offer in offers]}


def _ld_product(offer: Offer, *, of_group: bool = False) -> dict[str, object]:
    fields = offer.fields
    found: dict[str, object] = {"@type": "Product", "sku": fields["id"]}
    said = offer.options if of_group else {**fields, **offer.rest}
    for name, key in _LD.items():
        if name in fields and (name in said or name == "title"):
            found[key] = text_of(fields[name])
    if offer.pictures:
        found["image"] = [PurePath(one).as_posix() if not one.startswith(WEB) else one for one in offer.pictures]
    if "brand" in said:
        found["brand"] = {"@type": "Brand", "name": text_of(fields["brand"])}
    if "price" in fields:
        price: dict[str, object] = {"@type": "Offer", "price": f"{fields['price']:.2f}"}
        if currency := fields.get("currency"):
            price["priceCurrency"] = currency
        if state := _STATES.get(text_of(fields.get("availability", "")).replace(" ", "_").lower()):
            price["availability"] = f"{_SCHEMA}/{state}"
        found["offers"] = price
    told = {*_LD, "id", "brand", "price", "currency", "availability"}
    rest = {name: value for name, value in said.items() if name not in told}
    if rest:
        found["additionalProperty"] = [_property(name, value) for name, value in rest.items()]
    return found


def _property(name: str, value: AttributeValue) -> dict[str, object]:
    return {"@type": "PropertyValue", "name": name, "value": text_of(value)}


def names_of(products: Iterable[Product]) -> set[str]:
    """Names of all attributes of products and their variants."""
    return set(
        chain.from_iterable((*product.attributes, *chain.from_iterable(one.attributes for one in product.variants))
                            for product in products)
    )  # fmt: skip
