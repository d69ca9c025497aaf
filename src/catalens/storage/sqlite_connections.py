"""Connections to SQLite: one writer, many readers, in any number of threads and processes."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from catalens.errors import NotFoundError, OccupiedError, StorageError, UsageError
from catalens.files import make_private_folder, sync
from catalens.index.space_index import INDEX_FOLDER
from catalens.storage.database import (
    FILE_NAME,
    connect,
    create_tables,
    has_tables,
    migrate,
    sqlite_boundary,
    storage_error,
    version_of,
    working_mode,
)
from catalens.storage.lock import WriterLock
from catalens.types import IntArray

LOCK_NAME = "lock"
_BOUND = 500
"""Values bound in one statement; SQLite's own limit was 999 for long."""


class Connections:
    """Connections to the database of a catalog folder; what is asked over them is the business of its subclasses.

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
        self._folder = Path(folder).absolute()
        self.path = self._folder / FILE_NAME
        self._readonly = readonly
        self._wait_s = wait_s
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._renewals = 0
        if not readonly:
            _make_folder(self.folder)
        self._open_first()

    @property
    def folder(self) -> Path:
        """The catalog's folder."""
        return self._folder

    @property
    def readonly(self) -> bool:
        """Whether it refuses to write."""
        return self._readonly

    def reopen(self) -> None:
        """Open it again after `close`: another file may lie in its place."""
        self._closed = False
        self._open_first()

    def _open_first(self) -> None:
        if not self.readonly and not self.path.exists():
            with self.writing():
                self._create()
        self._mode = working_mode(self.path, timeout_s=self._wait_s)
        self._seen = _stamp(self.path)
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
            self._follow_writers()
            db, renewals = self._take(), self._renewals
            try:
                yield db
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._give(db, renewals)

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise UsageError("the catalog is closed", cure="open it again")
            if self._idle:
                return self._idle.pop()
        db = connect(self.path, mode=self._mode, timeout_s=self._wait_s)
        db.execute("PRAGMA query_only = ON")
        return db

    def _give(self, db: sqlite3.Connection, renewals: int) -> None:
        with self._guard:
            if not self._closed and renewals == self._renewals:
                self._idle.append(db)
                return
        db.close()

    def fetch_all(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one reading statement with bound parameters."""
        with self.reading() as db:
            return db.execute(sql, parameters).fetchall()

    def fetch_in(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """All rows of a reading statement with `IN ({marks})`, for any number of values."""
        found = []
        with self.reading() as db:
            for start in range(0, len(values), _BOUND):
                part = values[start : start + _BOUND]
                found += db.execute(sql.replace("{marks}", marks(len(part))), part).fetchall()
        return found

    def tables_version(self) -> int:
        """Version of the tables; an older one is brought up to date by the first change."""
        with self.reading() as db:
            return version_of(db)

    def data_version(self) -> int:
        """Return a number that changes with every commit, of any process; comparable within this object only."""
        with self._watch_guard, sqlite_boundary(self.path):
            self._follow_writers()
            return self._renewals << 32 | int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def _follow_writers(self) -> None:
        """Connect anew where it was opened without the log's index, and somebody has written since."""
        if self._mode not in ("immutable", "alone") or _stamp(self.path) == self._seen:
            return
        with self._guard:
            if self._closed or _stamp(self.path) == self._seen:
                return
            self._idle.clear()
            self._renewals += 1
            self._mode = working_mode(self.path, timeout_s=self._wait_s)
            self._seen = _stamp(self.path)
            self._watch = connect(self.path, mode=self._mode, timeout_s=self._wait_s)

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
    def transaction(self, *, migrating: bool = True) -> Iterator[sqlite3.Connection]:
        """All or nothing; on the disk when the block ends. To be used inside `writing`.

        Args:
            migrating: bring older tables up to date first.
        """
        with sqlite_boundary(self.path):
            db = connect(self.path, mode="alone" if self._mode == "alone" else "write", timeout_s=self._wait_s)
            try:
                db.execute("BEGIN IMMEDIATE")
                if migrating:
                    migrate(db)
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
            db = connect(self.path, mode="alone" if self._mode == "alone" else "write", timeout_s=self._wait_s)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _make_folder(folder: Path) -> None:
    try:
        make_private_folder(folder)
        others = sorted(entry.name for entry in folder.iterdir() if entry.name not in {INDEX_FOLDER, LOCK_NAME})
        # Asked after the listing: what another process makes meanwhile, its journal too, is then no stranger.
        if (folder / FILE_NAME).exists():
            return
        sync(folder.parent)
    except OSError as error:
        raise storage_error(folder, error) from error
    if others:
        named = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise OccupiedError(
            f"expected a catalog or an empty folder at {folder} and found {named}",
            cure=f"give the catalog a folder of its own, such as {folder / 'catalog'}",
        )


def _stamp(path: Path) -> tuple[int, ...]:
    """Size and time of the database and of its log: of what a commit changes."""
    found: list[int] = []
    for file in (path, path.with_name(path.name + "-wal")):
        with suppress(OSError):
            status = file.stat()
            found += [status.st_size, status.st_mtime_ns]
    return tuple(found)


def marks(count: int) -> str:
    """Return so many places for values in a statement."""
    return ", ".join("?" * count)


def as_json(values: Sequence[int] | Sequence[str] | IntArray) -> str:
    """Return values as SQLite's `json_each` reads them: any number of them is one parameter.

    Not for texts that a user wrote: `json_each` does not give the character NUL back.
    """
    return json.dumps(values.tolist() if isinstance(values, np.ndarray) else list(values))
