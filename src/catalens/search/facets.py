"""Facets: values of attributes with counts for the query at hand; its products by price, title or age."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from catalens.options import Sort
from catalens.search.filters import names_in
from catalens.storage.filter_terms import And, Filter
from catalens.storage.store import FACET_SHARED, Store
from catalens.types import Facet, IntArray, NumberArray

MOST_VALUES = 40
_RANGES = 5
"""Ranges of a numeric attribute, each with about as many products."""


def facets_of(
    store: Store, names: Sequence[str], where: Filter | None, products: Callable[[Filter | None], IntArray]
) -> tuple[Facet, ...]:
    """Count values of attributes among the products of a query.

    Args:
        names: of attributes; case does not matter. Those that no product has are left out.
        where: the query's filter. Its terms on the facet's own attribute do not reduce the facet's counts.
        products: finds ids of the query's products within a filter.
    """
    found = []
    for name in dict.fromkeys(name.strip().lower() for name in names):
        ids = products(_without(where, name))
        if (facet := _facet(store, name, ids)) is not None:
            found.append(facet)
    return tuple(found)


def _facet(store: Store, name: str, ids: IntArray) -> Facet | None:
    values = store.values_among(name, ids, most=MOST_VALUES + 1)
    having, numbers = store.numbers_of(name, ids)
    if len(having) and len(values) > FACET_SHARED and len(np.unique(numbers)) > FACET_SHARED:
        total = sum(count for _, count in values)
        if len(having) * 2 >= total or len(values) > MOST_VALUES:
            span = float(numbers.min()), float(numbers.max())
            return Facet(name, (), span, ranges=_ranges(numbers))
    return Facet(name, tuple(values[:MOST_VALUES]), more=len(values) > MOST_VALUES) if values else None


def _ranges(numbers: NumberArray) -> tuple[tuple[float, float, int], ...]:
    """(least, greatest, products) of ranges with round bounds; each begins where the one before ends, and includes it
    not.
    """
    edges = sorted({_rounded(float(np.quantile(numbers, share))) for share in np.linspace(0, 1, _RANGES + 1)[1:-1]})
    edges = [edge for edge in edges if numbers.min() < edge <= numbers.max()]
    bounds = [float(numbers.min()), *edges, float(numbers.max())]
    found = []
    for place, (low, high) in enumerate(itertools.pairwise(bounds)):
        is_last = place == len(bounds) - 2
        count = int(np.count_nonzero((numbers >= low) & ((numbers <= high) if is_last else (numbers < high))))
        if count:
            found.append((low, high, count))
    return tuple(found)


def _rounded(number: float) -> float:
    """To two digits that count."""
    if number == 0 or not math.isfinite(number):
        return number
    return round(number, 1 - math.floor(math.log10(abs(number))))


def _without(where: Filter | None, name: str) -> Filter | None:
    """A filter without the terms of its conjunction that ask for an attribute alone."""
    if where is None:
        return None
    terms = [term for term in _conjunction(where) if {one.lower() for one in names_in(term)} != {name}]
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else And(tuple(terms))


def _conjunction(where: Filter) -> list[Filter]:
    return [inner for term in where.terms for inner in _conjunction(term)] if isinstance(where, And) else [where]


def ordered(store: Store, products: IntArray, sort: Sort, *, limit: int, offset: int) -> list[int]:
    """A page of products in an order; those without a price come last, by sku."""
    if sort in ("title", "newest"):
        return store.in_order(products, by=sort, limit=limit, offset=offset)
    having, prices = store.numbers_of("price", products)
    skus = store.skus(having)
    priced = sorted(
        (id for id in having.tolist() if id in skus),
        key=dict(
            zip(having.tolist(), _keys(prices, [skus.get(id, "") for id in having.tolist()], sort), strict=True)
        ).__getitem__,
    )
    page = priced[offset : offset + limit]
    if len(page) < limit:
        rest = np.setdiff1d(products, having)
        page += store.in_sku_order(rest, limit=limit - len(page), offset=max(0, offset - len(priced)))
    return page


def _keys(prices: NumberArray, skus: Sequence[str], sort: Sort) -> list[tuple[float, str]]:
    sign = -1.0 if sort == "-price" else 1.0
    return [(sign * price, sku) for price, sku in zip(prices.tolist(), skus, strict=True)]
