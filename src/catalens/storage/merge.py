"""What a product is after a change: fields that the change does not mention stay as they were.

`merged` takes what a source says of a product into what the catalog knows of it; `with_stand_ins` comes before it where
pictures cannot be read now; `patched` sets single fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from catalens.errors import UsageError
from catalens.storage.records import cleaned
from catalens.types import Attributes, AttributeValue, PictureSource, Product, Variant

PROBABILITY, PREDICTED_BY = "_probability", "_predicted_by"
"""Endings of the attributes that stand beside one that a classifier filled."""


def merged(old: Product, new: Product, *, mentions: frozenset[str] | None = None, clear_empty: bool = False) -> Product:
    """The product after a source said `new` of it.

    A text, an attribute or a picture list that `new` has replaces the old one; a variant that `new` has is merged into
    the old one of its sku. All else stays. The same again changes nothing. Where `new` has a price and no variants, the
    variants take that price if all of them had the product's old one.

    Args:
        mentions: names of fields and attributes that the source has a place for, as in `Product`; None for all.
        clear_empty: what the source mentions and leaves empty is cleared. With `mentions` None, `new` is the whole
            product then: variants and attributes that it lacks go, too.
    """
    if clear_empty and mentions is None:
        return new
    cleared = mentions if clear_empty and mentions is not None else frozenset[str]()
    given = {variant.sku: variant for variant in new.variants}
    known = {variant.sku for variant in old.variants}
    variants = [_merged_variant(each, given[each.sku], cleared) if each.sku in given else each for each in old.variants]
    variants += [variant for variant in new.variants if variant.sku not in known]
    if _common_price(old) is not None and "price" in new.attributes and not new.variants:
        variants = [_repriced(variant, new.attributes["price"]) for variant in variants]
    if known <= given.keys():  # a list of all of them gives their order, too
        order = {sku: place for place, sku in enumerate(given)}
        variants.sort(key=lambda variant: order[variant.sku])
    attributes = _merged_attributes(old.attributes, new.attributes, cleared)
    # A price that was the lowest of the variants that one side knows is the lowest of all of them.
    lowest, side = _lowest_price(variants), new if "price" in new.attributes else old
    if lowest is not None and "price" in attributes and side.attributes["price"] == _lowest_price(side.variants):
        attributes["price"] = lowest
    return replace(
        new,
        where=new.where if brings_pictures(new) else old.where,
        title=new.title or ("" if "title" in cleared else old.title),
        description=new.description or ("" if "description" in cleared else old.description),
        attributes=attributes,
        pictures=_merged_pictures(old, new, cleared),
        variants=tuple(variants),
    )


def brings_pictures(product: Product) -> bool:
    """Whether a source gives pictures of a product: then it lists the product, and is no sheet about parts of it."""
    own = bool(product.pictures or product.lost)
    return own or any(variant.pictures or variant.lost for variant in product.variants)


def _merged_variant(old: Variant, new: Variant, cleared: frozenset[str]) -> Variant:
    attributes = _merged_attributes(old.attributes, new.attributes, cleared)
    return replace(
        new, title=new.title or old.title, attributes=attributes, pictures=_merged_pictures(old, new, cleared)
    )


def _merged_attributes(old: Attributes, new: Attributes, cleared: frozenset[str]) -> dict[str, AttributeValue]:
    # What is said beside a predicted value goes when a source gives the value itself.
    predicted = {name + ending for name in new for ending in (PROBABILITY, PREDICTED_BY)}
    return {name: value for name, value in old.items() if name not in cleared | predicted} | dict(new)


def keeps_prices(old: Product, new: Product) -> bool:
    """Whether a source changes the price of a product only, whose variants have different ones and keep them."""
    price = new.attributes.get("price")
    is_changed = price is not None and not new.variants and price != old.attributes.get("price")
    has_own = any("price" in variant.attributes for variant in old.variants)
    return is_changed and has_own and _common_price(old) is None


def _common_price(product: Product) -> AttributeValue | None:
    """The price of a product that all its variants with a price have, too; None where they differ."""
    price = product.attributes.get("price")
    prices = {variant.attributes["price"] for variant in product.variants if "price" in variant.attributes}
    return price if prices == {price} else None


def _repriced(variant: Variant, price: AttributeValue) -> Variant:
    if "price" not in variant.attributes:
        return variant
    return replace(variant, attributes={**variant.attributes, "price": price})


def _merged_pictures(
    old: Product | Variant, new: Product | Variant, cleared: frozenset[str]
) -> tuple[PictureSource, ...]:
    return new.pictures or (() if "pictures" in cleared and not new.lost else old.pictures)


def _lowest_price(variants: Iterable[Variant]) -> int | float | None:
    amounts = [each.attributes.get("price") for each in variants]
    return min((price for price in amounts if isinstance(price, int | float)), default=None)


def with_stand_ins(old: Product, new: Product, unreadable: Set[str]) -> tuple[Product, frozenset[str]]:
    """What a source says of a product, with old pictures in the places of those that cannot be read now.

    An old picture of the same file name stands in for one that is lost. Where a lost one has no namesake it may be any
    of the old ones that is meant, and they all stay.

    Args:
        unreadable: locations of pictures of `new` that could not be read; beside those that are `lost` by themselves.

    Returns:
        The product, and the locations of the pictures that stand in.
    """
    known = {variant.sku: variant for variant in old.variants}
    pictures, stale = _stand_ins(old.pictures, new, unreadable)
    variants = []
    for variant in new.variants:
        before = known[variant.sku].pictures if variant.sku in known else ()
        own, more = _stand_ins(before, variant, unreadable)
        variants.append(replace(variant, pictures=own))
        stale |= more
    return replace(new, pictures=pictures, variants=tuple(variants)), stale


def _stand_ins(
    old: Sequence[PictureSource], new: Product | Variant, unreadable: Set[str]
) -> tuple[tuple[PictureSource, ...], frozenset[str]]:
    dead = [each.location for each in new.pictures if each.location in unreadable]
    if not old or not (dead or new.lost):
        return new.pictures, frozenset()
    read = {each.location: each for each in new.pictures if each.location not in unreadable}
    free = {each.location: each for each in old if each.location not in read}
    stands: dict[str, str] = {}
    for name in (*dead, *new.lost):
        namesake = max(
            (each for each in free if each not in stands.values()), key=lambda each: _alike(each, name), default=""
        )
        if namesake and _alike(namesake, name):
            stands[name] = namesake
    kept = set(free) if len(stands) < len({*dead, *new.lost}) else set(stands.values())
    # The old order, as far as it is known: the first picture stays the first.
    found = {each.location: each for each in old if each.location in kept or each.location in read}
    found |= {location: each for location, each in read.items() if location not in found}
    found |= {each.location: each for each in new.pictures if each.location in dead and each.location not in stands}
    return tuple(found.values()), frozenset(kept)


def _alike(one: str, other: str) -> int:
    """How many parts at the end of two paths or addresses are the same; 0 where the files have different names."""
    count = 0
    for mine, its in zip(_parts(one), _parts(other), strict=False):
        if mine != its:
            break
        count += 1
    return count


def _parts(location: str) -> list[str]:
    parts = re.split(r"[?#]", location)[0].replace("\\", "/").split("/")
    return [part for part in reversed(parts) if part]


def patched(
    product: Product,
    sku: str,
    *,
    title: str | None,
    description: str | None,
    attributes: Mapping[str, AttributeValue | None],
) -> Product:
    """The product with some fields of its own, or of one of its variants, set.

    Args:
        sku: the product's, or a variant's.
        title, description: None leaves them.
        attributes: those to set; the value None removes one.

    Raises:
        UsageError: a value of a wrong type, or a description for a variant.
    """
    try:
        if sku == product.sku:
            own = _with(product.attributes, attributes)
            changed = replace(
                product,
                title=product.title if title is None else title,
                description=product.description if description is None else description,
                attributes=own,
            )
            return cleaned(changed)
        if description is not None:
            raise UsageError(f"{sku!r} is a variant, which has no description", cure="describe its product")
        variants = tuple(
            replace(each, title=each.title if title is None else title, attributes=_with(each.attributes, attributes))
            if each.sku == sku
            else each
            for each in product.variants
        )
        return cleaned(replace(product, variants=variants))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"product {sku!r}: {error}", cure="give texts, numbers, true or false, or lists of texts"
        ) from None


def _with(old: Attributes, new: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    """Set by hand: what stands beside a predicted value goes, unless it is set, too."""
    beside = {name + ending for name in new for ending in (PROBABILITY, PREDICTED_BY)} - new.keys()
    found = {name: value for name, value in old.items() if new.get(name, value) is not None and name not in beside}
    return found | {name: value for name, value in new.items() if value is not None}
