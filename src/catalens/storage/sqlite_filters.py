"""Filters as SQL over the table `facet`, one row for each value of an attribute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from catalens.storage.filter_terms import And, Compare, Contains, Filter, Has, In, Not, Or, read_number
from catalens.storage.sqlite_connections import Connections, as_json, marks
from catalens.storage.store import FACET_SHARED, MOST_FACETS, Ids
from catalens.types import Facet, IntArray, NumberArray


class SqliteFilters(Connections):
    """The filters and filter values of `store.Store`."""

    def passing_products(self, term: Filter) -> IntArray:
        sql, parameters = to_sql(term)
        rows = self.fetch_all(sql, parameters)
        return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))

    def known_attributes(self, names: Iterable[str]) -> set[str]:
        one = "SELECT 1 FROM facet WHERE name = ? LIMIT 1"  # a step in the index, however many products have it
        with self.reading() as db:
            return {name for name in names if db.execute(one, (name.lower(),)).fetchone()}

    def attribute_values(self, name: str) -> list[str]:
        # From one value to the next in the index, and not over all rows.
        step = "SELECT min(text) FROM facet WHERE name = ?1"
        rows = self.fetch_all(
            f"WITH RECURSIVE found (text) AS ({step} UNION ALL SELECT ({step} AND text > found.text) FROM found "
            "WHERE found.text IS NOT NULL LIMIT 5000) SELECT text FROM found WHERE text IS NOT NULL",
            (name,),
        )
        return [row[0] for row in rows]

    def facets(self, *, most: int) -> tuple[Facet, ...]:
        names = self.fetch_all(
            "SELECT name, count(*), count(DISTINCT text), count(number), min(number), max(number) FROM facet "
            "GROUP BY name ORDER BY count(DISTINCT product_id) DESC, name LIMIT ?",
            (MOST_FACETS,),
        )
        spans = {
            name: Facet(name, (), (least, greatest))
            for name, count, distinct, numbers, least, greatest in names
            if numbers == count and distinct > FACET_SHARED
        }
        values = self._common_values([row[0] for row in names if row[0] not in spans], most=most)
        found = []
        for name, _, distinct, *_ in names:
            if name in spans:
                found.append(spans[name])
            elif (counted := values.get(name, [])) and counted[0][1] >= FACET_SHARED:
                found.append(Facet(name, tuple(counted), more=distinct > len(counted)))
        return tuple(found)

    def values_among(self, name: str, product_ids: Ids, *, most: int) -> list[tuple[str, int]]:
        rows = self.fetch_all(
            "SELECT text, count(DISTINCT product_id) AS products FROM facet WHERE name = ? "
            "AND +product_id IN (SELECT value FROM json_each(?)) GROUP BY text ORDER BY products DESC, text LIMIT ?",
            (name, as_json(product_ids), most),
        )
        return [(text, products) for text, products in rows]

    def numbers_of(self, name: str, product_ids: Ids) -> tuple[IntArray, NumberArray]:
        rows = self.fetch_all(
            "SELECT product_id, min(number) FROM facet WHERE name = ? AND number IS NOT NULL "
            "AND +product_id IN (SELECT value FROM json_each(?)) GROUP BY product_id ORDER BY product_id",
            (name, as_json(product_ids)),
        )
        found = np.array(rows, np.float64).reshape(-1, 2)
        return found[:, 0].astype(np.int64), found[:, 1]

    def _common_values(self, names: Sequence[str], *, most: int) -> dict[str, list[tuple[str, int]]]:
        rows = self.fetch_in(
            "SELECT name, text, products FROM (SELECT *, row_number() OVER (PARTITION BY name "
            "ORDER BY products DESC, text) AS place FROM (SELECT name, text, count(DISTINCT product_id) AS products "
            "FROM facet WHERE name IN ({marks}) GROUP BY name, text)) "
            f"WHERE place <= {int(most)} ORDER BY name, place",
            names,
        )
        found: dict[str, list[tuple[str, int]]] = {}
        for name, text, products in rows:
            found.setdefault(name, []).append((text, products))
        return found


def to_sql(term: Filter) -> tuple[str, tuple[object, ...]]:
    """Write a filter as a statement that selects ids of products in order; all that the user wrote is bound."""
    condition, parameters = _condition(term)
    return f"SELECT id FROM product WHERE {condition} ORDER BY id", tuple(parameters)


def _condition(term: Filter) -> tuple[str, list[object]]:
    match term:
        case Has(name):
            return _some_facet(name, "1", [])
        case Compare(name, "!=", value):
            return _condition(And((Has(name), Not(Compare(name, "=", value)))))
        case Compare(name, sign, str(text)) if sign != "=":
            number = read_number(text.strip())
            if number is not None:
                return _some_facet(name, f"number {sign} ?", [number])
            return _some_facet(name, f"number IS NULL AND text {sign} ?", [_folded(text)])
        case Compare(name, sign, value):
            if isinstance(value, str):
                return _some_facet(name, "text = ?", [_folded(value)])
            return _some_facet(name, f"number {sign} ?", [value])
        case In(name, values):
            texts = [_folded(value) for value in values if isinstance(value, str)]
            numbers = [value for value in values if not isinstance(value, str)]
            either = f"(text IN ({marks(len(texts))}) OR number IN ({marks(len(numbers))}))"
            return _some_facet(name, either, [*texts, *numbers])
        case Contains(name, text):
            return _some_facet(name, "instr(text, ?) > 0", [text.casefold()])
        case Not(inner):
            condition, parameters = _condition(inner)
            return f"NOT ({condition})", parameters
        case And(terms):
            return _joined(" AND ", terms)
        case Or(terms):
            return _joined(" OR ", terms)


def _some_facet(name: str, condition: str, parameters: list[object]) -> tuple[str, list[object]]:
    return f"id IN (SELECT product_id FROM facet WHERE name = ? AND {condition})", [name.lower(), *parameters]


def _folded(text: str) -> str:
    return text.strip().casefold()


def _joined(word: str, terms: Iterable[Filter]) -> tuple[str, list[object]]:
    conditions, parameters = [], []
    for term in terms:
        condition, bound = _condition(term)
        conditions.append(f"({condition})")
        parameters += bound
    return word.join(conditions), parameters
