"""SQLite, the one truth of a catalog: one writer, many readers, in any number of threads and processes."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from catalens.errors import CatalogDamagedError, NotFoundError, StorageError, UsageError
from catalens.storage.database import (
    FILE_NAME,
    connect,
    create_tables,
    has_tables,
    reading_mode,
    sqlite_boundary,
    storage_error,
)
from catalens.storage.lock import WriterLock
from catalens.types import FloatArray, IntArray

INDEX_FOLDER = "index"
LOCK_NAME = "lock"
_CHUNK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Space:
    """A set of vectors that may be compared with each other: one per encoder, one per hand-made feature."""

    id: int
    name: str
    dim: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in a catalog. `unread` are pictures that a source names and that could not be read."""

    products: int
    variants: int
    pictures: int
    vectors: int
    unread: int


class Store:
    """The database of a catalog folder.

    Readers take a connection from a pool and see the last committed state; they wait for nobody. Writing needs the
    writer's lock (`writing`) and goes in transactions that are on the disk when they end. An object may be used from
    several threads.

    Args:
        folder: the catalog's folder; made if absent, unless `readonly`.
        readonly: refuse to write and to make anything.
        wait_s: seconds to wait for another writer.

    Raises:
        NotFoundError: `readonly` and there is no catalog.
        StorageError: the path is a file, a folder with other things in it, or may not be written.
        CatalogVersionError, CatalogDamagedError, CatalogError: the database is newer, damaged, or another program's.
    """

    def __init__(self, folder: str | Path, *, readonly: bool = False, wait_s: float = 5.0) -> None:
        self.folder = Path(folder).absolute()
        self.path = self.folder / FILE_NAME
        self.readonly = readonly
        self._wait_s = wait_s
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        if not readonly:
            _make_folder(self.folder)
        self._open_first()

    def _open_first(self) -> None:
        if not self.readonly and not self.path.exists():
            with self.writing():
                self._create()
        self._mode = reading_mode(self.path)
        db = connect(self.path, mode=self._mode, timeout_s=self._wait_s)
        try:
            if not has_tables(db, self.path):
                if self.readonly:
                    raise NotFoundError(f"no catalog at {self.folder}", cure="add a source to it first")
                with self.writing():
                    self._create()
        except BaseException:
            db.close()
            raise
        # `PRAGMA data_version` counts the commits of *other* connections: this one never writes.
        self._watch = db
        self._watch_guard = threading.Lock()

    def _create(self) -> None:
        db = connect(self.path, mode="create", timeout_s=self._wait_s)
        try:
            if not has_tables(db, self.path):
                create_tables(db, self.path)
        finally:
            db.close()

    # Reading

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection of the pool, for one thread, errors translated. It refuses to write."""
        with sqlite_boundary(self.path):
            db = self._take()
            try:
                yield db
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._give(db)

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise UsageError("the catalog is closed", cure="open it again")
            if self._idle:
                return self._idle.pop()
        db = connect(self.path, mode=self._mode, timeout_s=self._wait_s)
        db.execute("PRAGMA query_only = ON")
        return db

    def _give(self, db: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(db)
                return
        db.close()

    def fetch_all(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one reading statement with bound parameters."""
        with self.reading() as db:
            return db.execute(sql, parameters).fetchall()

    def data_version(self) -> int:
        """Return a number that changes with every commit, of any process; comparable within this object only."""
        with self._watch_guard, sqlite_boundary(self.path):
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def spaces(self) -> tuple[Space, ...]:
        """All spaces, oldest first."""
        return tuple(Space(*row) for row in self.fetch_all("SELECT id, name, dim FROM space ORDER BY id"))

    def space_id(self, name: str) -> int | None:
        """Find a space by its name; None where the catalog has no vector in it yet."""
        rows = self.fetch_all("SELECT id FROM space WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else None

    def counts(self) -> Counts:
        """Products, variants, pictures, vectors, unread pictures."""
        tables = ("product", "variant", "picture", "vector", "unread")
        counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        return Counts(*self.fetch_all(f"SELECT {counted}")[0])

    def vectors_after(self, space_id: int, vector_id: int) -> tuple[IntArray, IntArray, FloatArray]:
        """Vectors of a space that came after `vector_id` (0: all of them).

        Returns:
            Vector ids (N,) ascending, picture ids (N,), data (N, dim) float32.

        Raises:
            CatalogDamagedError: a vector is not what was written.
        """
        where = "+space_id = ? AND id > ?"  # the plus keeps SQLite on the order of ids, which needs no sorting
        with self.reading() as db:
            db.execute("BEGIN")
            count = db.execute(f"SELECT count(*) FROM vector WHERE {where}", (space_id, vector_id)).fetchone()[0]
            rows = db.execute(
                f"SELECT id, picture_id, data, crc FROM vector WHERE {where} ORDER BY id", (space_id, vector_id)
            )
            return self._collect(_chunks(rows), count, self._dim(db, space_id))

    def vectors_of(self, space_id: int, picture_ids: Iterable[int]) -> tuple[IntArray, FloatArray]:
        """Vectors of some pictures in a space: picture ids (N,) ascending, data (N, dim). Pictures without one lack.

        Raises:
            CatalogDamagedError: a vector is not what was written.
        """
        wanted = json.dumps([int(picture) for picture in picture_ids])
        with self.reading() as db:
            rows = db.execute(
                "SELECT id, picture_id, data, crc FROM vector WHERE space_id = ? "
                "AND picture_id IN (SELECT value FROM json_each(?)) ORDER BY picture_id",
                (space_id, wanted),
            ).fetchall()
            _, pictures, data = self._collect([rows], len(rows), self._dim(db, space_id))
        return pictures, data

    def erased_after(self, space_id: int, seq: int) -> tuple[IntArray, int]:
        """Vectors of a space that were removed after `seq` (0: ever): their ids, and the `seq` to go on from."""
        rows = self.fetch_all(
            "SELECT seq, vector_id FROM erased WHERE space_id = ? AND seq > ? ORDER BY seq", (space_id, seq)
        )
        return np.array([row[1] for row in rows], dtype=np.int64), int(rows[-1][0]) if rows else seq

    @staticmethod
    def _dim(db: sqlite3.Connection, space_id: int) -> int:
        row = db.execute("SELECT dim FROM space WHERE id = ?", (space_id,)).fetchone()
        return int(row[0]) if row else 0

    def _collect(
        self, chunks: Iterable[list[tuple[int, int, bytes, int]]], count: int, dim: int
    ) -> tuple[IntArray, IntArray, FloatArray]:
        ids, pictures = np.empty(count, np.int64), np.empty(count, np.int64)
        data = np.empty((count, dim), np.float32)
        start = 0
        for rows in chunks:
            for vector_id, _, blob, crc in rows:
                if len(blob) != 4 * dim or zlib.crc32(blob) != crc:
                    raise CatalogDamagedError(
                        f"{self.path} is damaged: vector {vector_id} is not what was written",
                        cure="run: catalens doctor --repair, which makes it again from the picture",
                    )
            stop = start + len(rows)
            ids[start:stop] = [row[0] for row in rows]
            pictures[start:stop] = [row[1] for row in rows]
            data[start:stop] = np.frombuffer(b"".join(row[2] for row in rows), "<f4").reshape(len(rows), dim)
            start = stop
        return ids, pictures, data

    # Writing

    def writing(self) -> WriterLock:
        """Return the writer's lock of the folder, for a `with` block.

        Raises:
            StorageError: the catalog was opened read-only.
        """
        if self.readonly:
            raise StorageError(f"{self.folder} was opened read-only", cure="open it without readonly")
        return WriterLock(self.folder / LOCK_NAME, wait_s=self._wait_s)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; on the disk when the block ends. To be used inside `writing`."""
        with sqlite_boundary(self.path):
            db = connect(self.path, mode="write", timeout_s=self._wait_s)
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            finally:
                # A failed statement may have rolled back already (a full disk does); closing undoes the rest.
                db.close()

    def checkpoint(self) -> bool:
        """Move what the write-ahead log holds into the database and empty the log, so that nothing removed is left.

        Returns:
            False where a reader was at work for all of the waiting time; the next writer then does it.
        """
        with sqlite_boundary(self.path):
            db = connect(self.path, mode="write", timeout_s=self._wait_s)
            try:
                return int(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]) == 0
            finally:
                db.close()

    def close(self) -> None:
        """Close all connections; a second time does nothing."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            idle, self._idle = self._idle, []
        for db in (*idle, self._watch):
            with suppress(sqlite3.Error):  # nothing is pending: a commit has returned before
                db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _chunks(rows: sqlite3.Cursor) -> Iterator[list[tuple[int, int, bytes, int]]]:
    while chunk := rows.fetchmany(_CHUNK_ROWS):
        yield chunk


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(entry.name for entry in folder.iterdir() if entry.name not in {INDEX_FOLDER, LOCK_NAME})
        # Asked after the listing: what another process makes meanwhile, its journal too, is then no stranger.
        if (folder / FILE_NAME).exists():
            return
        parent = os.open(folder.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as error:
        raise storage_error(folder, error) from error
    if others:
        named = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise StorageError(
            f"expected a catalog or an empty folder at {folder} and found {named}",
            cure=f"give the catalog a folder of its own, such as {folder / 'catalog'}",
        )
