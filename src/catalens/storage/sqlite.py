"""The embedded store: SQLite in the catalog's folder, durable on return, with a doctor of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from catalens.storage.diagnosis import Diagnosis
from catalens.storage.doctor import diagnose
from catalens.storage.sqlite_candidates import SqliteCandidates
from catalens.storage.sqlite_filters import SqliteFilters
from catalens.storage.sqlite_products import SqliteProducts
from catalens.storage.sqlite_vectors import SqliteVectors
from catalens.storage.sqlite_words import SqliteWords
from catalens.storage.sqlite_write import ERASURES, SqliteWriter
from catalens.tasks.embed import Encoder


class SqliteStore(SqliteProducts, SqliteVectors, SqliteCandidates, SqliteFilters, SqliteWords):
    """`store.Store` in a folder: one writer, many readers, in any number of threads and processes.

    The folder holds `catalog.db`, `lock` and `index/`. What each method does is said in `store.Store`; how the folder
    is opened, and what can go wrong with that, in `sqlite_connections.Connections`.
    """

    @contextmanager
    def change(self) -> Iterator[SqliteWriter]:
        with self.transaction() as db:
            writer = SqliteWriter(db)
            yield writer
            writer.collect()

    def erasures_done(self) -> int:
        rows = self.fetch_all("SELECT seq FROM sqlite_sequence WHERE name = ?", (ERASURES,))
        return int(rows[0][0]) if rows else 0

    def info(self) -> tuple[int, int]:
        total = 0
        for path in self.folder.rglob("*"):
            with suppress(FileNotFoundError):  # the write-ahead log comes and goes
                total += path.stat().st_size if path.is_file() else 0
        return self.tables_version(), total

    def diagnose(self, *, repair: bool, deep: bool, load_encoder: Callable[[], Encoder]) -> Diagnosis:
        if not repair:
            return diagnose(self.folder, deep=deep, load_encoder=load_encoder)
        self.close()  # a repair may put another file in the place of the database
        try:
            return diagnose(self.folder, repair=True, deep=deep, load_encoder=load_encoder)
        finally:
            self.reopen()
