"""Words in SQLite's full-text index (FTS5), which folds case and accents.

Every form is quoted, so that nothing of it is read as FTS5's own language. In the statements, `+rowid` keeps SQLite
from running the whole match once for each wanted row.
"""

from __future__ import annotations

from collections.abc import Sequence

from catalens.storage.sqlite_connections import Connections, as_json
from catalens.storage.store import Ids, Term, WordHit

_BM25 = "bm25(words, 4.0, 1.0, 2.0)"
"""Weights of title, description, attributes: a title names the product, a description is long and says much."""

_ASKED = 100
"""Terms in one statement; SQLite allows 2,000 columns."""

_AMONG = "AND +rowid IN (SELECT value FROM json_each(?))"


class SqliteWords(Connections):
    """The words of `store.Store`."""

    def find_words(self, terms: Sequence[Term], *, every: bool, product_ids: Ids | None, limit: int) -> list[int]:
        match = (" AND " if every else " OR ").join(map(_expression, terms))
        among, bound = ("", ()) if product_ids is None else (_AMONG, (as_json(product_ids),))
        rows = self.fetch_all(
            f"SELECT rowid FROM words WHERE words MATCH ? {among} ORDER BY {_BM25}, rowid LIMIT ?",
            (match, *bound, limit),
        )
        return [row[0] for row in rows]

    def score_words(self, terms: Sequence[Term], product_ids: Ids) -> dict[int, WordHit]:
        wanted, groups = as_json(product_ids), [_expression(term) for term in terms]
        relevance = self.fetch_all(
            f"SELECT rowid, -{_BM25} FROM words WHERE words MATCH ? {_AMONG}", (" OR ".join(groups), wanted)
        )
        if not relevance:
            return {}
        each = " UNION ALL ".join(f"SELECT rowid FROM words WHERE words MATCH ? {_AMONG}" for _ in groups)
        counts = dict(
            self.fetch_all(
                f"SELECT rowid, count(*) FROM ({each}) GROUP BY rowid",
                tuple(value for group in groups for value in (group, wanted)),
            )
        )
        return {product: WordHit(counts.get(product, 1), value) for product, value in relevance}

    def has_words(self, terms: Sequence[Term]) -> list[bool]:
        found: list[bool] = []
        for start in range(0, len(terms), _ASKED):
            part = [_expression(term) for term in terms[start : start + _ASKED]]
            asked = ", ".join("EXISTS (SELECT 1 FROM words WHERE words MATCH ?)" for _ in part)
            found += map(bool, self.fetch_all(f"SELECT {asked}", tuple(part))[0])
        return found


def _expression(term: Term) -> str:
    first, *others = (f'"{form}"' for form in term.forms)
    return f"({' OR '.join([first + '*' * term.is_prefix, *others])})"
