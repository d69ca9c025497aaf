"""Which variant of a product a filtered search shows: one whose own values pass the filter."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace

from catalens.storage.filter_terms import And, Compare, Contains, Filter, Has, In, Not, Or, Value, read_number
from catalens.storage.records import Facet, facets
from catalens.storage.store import Store
from catalens.types import Attributes, Match, Product, Where

_ORDERS = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_NOWHERE = Where("")


def passes(term: Filter, attributes: Attributes) -> bool:
    """Whether these attributes, of a product alone or of one with a variant's over them, pass a filter."""
    return _passes(term, facets(Product("", _NOWHERE, attributes=attributes)))


def shown(store: Store, match: Match, term: Filter) -> Match:
    """The match with the first variant whose values pass where those of the variant that it shows do not.

    The picture is that variant's, if it has one. Where no variant passes by itself the product's own values are shown,
    if they pass; else the match stays as it is.
    """
    if passes(term, match.attributes):
        return match
    product = store.product(match.sku)
    for variant in product.variants if product is not None else ():
        attributes = {**product.attributes, **variant.attributes} if product is not None else {}
        if passes(term, attributes):
            return _pictured(store, replace(match, variant=variant.sku, attributes=attributes))
    if product is not None and passes(term, product.attributes):
        return replace(match, variant=None, attributes=product.attributes)
    return match


def _pictured(store: Store, match: Match) -> Match:
    for picture in store.shown_pictures(match.sku):
        if picture.variant == match.variant:
            file = store.picture_file(bytes.fromhex(picture.hash))
            return replace(match, picture=file.path if file else None, picture_hash=picture.hash)
    return match


def _passes(term: Filter, held: Sequence[Facet]) -> bool:
    match term:
        case Has(name):
            return any(facet[0] == name.lower() for facet in held)
        case Compare(name, "!=", value):
            return _passes(Has(name), held) and not _passes(Compare(name, "=", value), held)
        case Compare(name, sign, value):
            return any(facet[0] == name.lower() and _compares(facet, sign, value) for facet in held)
        case In(name, values):
            return any(_passes(Compare(name, "=", value), held) for value in values)
        case Contains(name, text):
            return any(facet[0] == name.lower() and text.casefold() in facet[2] for facet in held)
        case Not(inner):
            return not _passes(inner, held)
        case And(terms):
            return all(_passes(inner, held) for inner in terms)
        case Or(terms):
            return any(_passes(inner, held) for inner in terms)


def _compares(facet: Facet, sign: str, value: Value) -> bool:
    _, number, text = facet
    as_number = read_number(value.strip()) if isinstance(value, str) and sign != "=" else value
    if isinstance(as_number, str):
        return text == as_number.strip().casefold()
    if as_number is None:
        return number is None and bool(_ORDERS[sign](text, str(value).strip().casefold()))
    return number is not None and bool(_ORDERS[sign](number, as_number))
