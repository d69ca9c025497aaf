"""Words in SQLite's full-text index (FTS5), over words that `catalens.text` has divided and folded.

Every form is quoted, so that nothing of it is read as FTS5's own language. In the statements, `+rowid` keeps SQLite
from running the whole match once for each wanted row.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

from catalens.errors import CatalogBusyError, StorageError
from catalens.storage.schema import VERSION, VOCABULARY, WORDS
from catalens.storage.sqlite_connections import Connections, as_json
from catalens.storage.store import Ids, IndexedWords, Term
from catalens.storage.word_index import copy_words

_BM25 = "bm25(words, 0, 0, 0, 1.0, 4.0, 2.0, 1.0)"
"""Weights of the columns: a title names the product, a description is long and says much."""

_ASKED = 100
"""Terms in one statement; SQLite allows 2,000 columns."""

_AMONG = "AND +rowid IN (SELECT value FROM json_each(?))"
_NOT_DESCRIPTIONS = "{names title_words attribute_words}"
_COLUMNS = "names, title_words, attribute_words, description_words"


class SqliteWords(Connections):
    """The words of `store.Store`."""

    _divided: sqlite3.Connection | None = None
    """The words of a catalog of an older version that may not be written, divided anew in memory."""
    _divided_of = 0
    """Data version that they are of."""
    _dividing = threading.RLock()

    def find_words(
        self,
        terms: Sequence[Term],
        *,
        every: bool,
        product_ids: Ids | None,
        limit: int,
        in_descriptions: bool = True,
    ) -> list[int]:
        match = (" AND " if every else " OR ").join(map(_expression, terms))
        match = match if in_descriptions else f"{_NOT_DESCRIPTIONS} : ({match})"
        among, bound = ("", ()) if product_ids is None else (_AMONG, (as_json(product_ids),))
        rows = self._fetch_words(
            f"SELECT rowid FROM words WHERE words MATCH ? {among} ORDER BY {_BM25}, rowid LIMIT ?",
            (match, *bound, limit),
        )
        return [row[0] for row in rows]

    def indexed_words(self, product_ids: Ids) -> dict[int, IndexedWords]:
        rows = self._fetch_words(
            f"SELECT rowid, {_COLUMNS} FROM words WHERE rowid IN (SELECT value FROM json_each(?))",
            (as_json(product_ids),),
        )
        return {id: IndexedWords(*columns) for id, *columns in rows}

    def word_counts(self, words: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(words), _ASKED):
            part = words[start : start + _ASKED]
            asked = ", ".join("(?)" for _ in part)
            found |= self._fetch_words(
                f"WITH asked (word) AS (VALUES {asked}) "
                "SELECT word, doc FROM asked CROSS JOIN vocabulary ON term = word",
                tuple(part),
            )
        return found

    def words_from(self, beginning: str, *, limit: int) -> list[tuple[str, int]]:
        among, bound = ("", ()) if not beginning else ("WHERE term >= ? AND term < ?", (beginning, _after(beginning)))
        return self._fetch_words(
            f"SELECT term, doc FROM vocabulary {among} ORDER BY doc DESC, term LIMIT ?", (*bound, limit)
        )

    def has_words(self, terms: Sequence[Term]) -> list[bool]:
        found: list[bool] = []
        for start in range(0, len(terms), _ASKED):
            part = [_expression(term) for term in terms[start : start + _ASKED]]
            asked = ", ".join("EXISTS (SELECT 1 FROM words WHERE words MATCH ?)" for _ in part)
            found += map(bool, self._fetch_words(f"SELECT {asked}", tuple(part))[0])
        return found

    def _fetch_words(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        if self.tables_version() < VERSION and not self._brought_up_to_date():
            with self._dividing:
                return self._in_memory().execute(sql, parameters).fetchall()
        return self.fetch_all(sql, parameters)

    def _brought_up_to_date(self) -> bool:
        """Make the words of an older catalog anew in its file, where it may be written and nobody else is writing."""
        if self.readonly:
            return False
        try:
            with self.writing(), self.transaction():
                return True
        except (CatalogBusyError, StorageError):
            return False

    def _in_memory(self) -> sqlite3.Connection:
        now = self.data_version()
        if self._divided is None or self._divided_of != now:
            made = sqlite3.connect(":memory:", check_same_thread=False)
            made.execute(WORDS)
            made.execute(VOCABULARY)
            with self.reading() as db:
                copy_words(db, made, source="words")
            self._divided, self._divided_of = made, now
        return self._divided


def _expression(term: Term) -> str:
    first, *others = (f'"{form}"' for form in term.forms)
    return f"({' OR '.join([first + '*' * term.is_prefix, *others])})"


def _after(beginning: str) -> str:
    """The least text that is behind all texts that begin so."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)
