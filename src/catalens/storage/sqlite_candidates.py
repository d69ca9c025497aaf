"""Candidates of a search in SQLite: which pictures show which products, and what these are called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from catalens.storage.sqlite_connections import Connections, as_json
from catalens.storage.sqlite_products import read_attributes
from catalens.storage.store import Candidate, CandidateTexts, Ids

_SHOWN = (
    "SELECT product.id, shown.variant_id, shown.picture_id, coalesce(shown.position, 0) "
    "FROM product LEFT JOIN shown ON shown.product_id = product.id"
)


class SqliteCandidates(Connections):
    """The candidates of `store.Store`."""

    def candidates_of_vectors(self, vector_ids: Ids) -> list[Candidate]:
        return self._candidates(
            "shown.picture_id IN (SELECT picture_id FROM vector WHERE id IN (SELECT value FROM json_each(?)))",
            vector_ids,
        )

    def candidates_of_products(self, product_ids: Ids) -> list[Candidate]:
        return self._candidates("product.id IN (SELECT value FROM json_each(?))", product_ids)

    def _candidates(self, condition: str, ids: Ids) -> list[Candidate]:
        rows = self.fetch_all(f"{_SHOWN} WHERE {condition} ORDER BY product.id, shown.position", (as_json(ids),))
        return [Candidate(*row) for row in rows]

    def candidate_of(self, sku: str) -> Candidate | None:
        rows = self.fetch_all(
            "SELECT product.id, shown.variant_id, shown.picture_id, shown.position FROM product "
            "LEFT JOIN variant ON variant.product_id = product.id JOIN shown ON shown.product_id = product.id "
            "WHERE product.sku = ?1 OR variant.sku = ?1 ORDER BY shown.variant_id IS NOT variant.id, shown.position "
            "LIMIT 1",
            (sku,),
        )
        return Candidate(*rows[0]) if rows else None

    def texts(self, candidates: Sequence[Candidate]) -> dict[Candidate, CandidateTexts]:
        wanted = json.dumps([[one.product, one.variant, one.picture] for one in candidates])
        rows = self.fetch_all(
            "SELECT wanted.key, product.sku, product.title, product.description, product.attributes, variant.sku, "
            "coalesce(variant.attributes, '{}'), picture.path, picture.hash FROM json_each(?) AS wanted "
            "JOIN product ON product.id = wanted.value ->> 0 LEFT JOIN variant ON variant.id = wanted.value ->> 1 "
            "LEFT JOIN picture ON picture.id = wanted.value ->> 2",
            (wanted,),
        )
        return {
            candidates[place]: CandidateTexts(
                sku,
                title,
                description,
                read_attributes(own),
                variant,
                read_attributes(variants),
                None if path is None else Path(path),
                None if hash is None else hash.hex(),
            )
            for place, sku, title, description, own, variant, variants, path, hash in rows
        }
