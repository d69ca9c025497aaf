"""SQLite as the catalog uses it: how a connection is opened, and the one place where its errors become ours."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from catalens.errors import (
    DISK_FULL,
    CatalensError,
    CatalogBusyError,
    CatalogDamagedError,
    CatalogError,
    CatalogVersionError,
    NotFoundError,
    StorageError,
    StorageFullError,
    UsageError,
)
from catalens.files import private_opener
from catalens.storage.schema import APPLICATION_ID, MIGRATIONS, PAGE_SIZE, TABLES, VERSION
from catalens.storage.word_index import copy_words

FILE_NAME = "catalog.db"

Mode = Literal["create", "write", "read", "immutable", "alone"]

_DAMAGED_CURE = "run: catalens catalog doctor --repair, which keeps the damaged file beside the repaired one"
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the operating system's error about `path` as one of ours, with the cure."""
    if error.errno in DISK_FULL:
        return StorageFullError(
            f"the disk is full: {path} could not be written",
            cure="free some space and run the same again; all that was acknowledged is kept",
        )
    if error.errno in _DENIED:
        return StorageError(f"{path} may not be written", cure="check the rights of the folder, or choose another one")
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return StorageError(f"expected a folder at {path} and found a file", cure="choose another folder")
    return StorageError(f"{path} could not be written: {error.strerror or error}", cure="check the disk")


@contextmanager
def sqlite_boundary(path: Path) -> Iterator[None]:
    """Turn every error of SQLite about the database at `path` into one of ours.

    Raises:
        StorageError: disk full, read-only, no right to open or to write.
        CatalogBusyError: locked by another process for longer than the time limit.
        CatalogDamagedError: the file is damaged or is no database.
        UsageError: the connection was closed.
    """
    try:
        yield
    except sqlite3.Error as error:
        ours = _translated(error, path)
        if ours is None:
            raise
        raise ours from error


def _translated(error: sqlite3.Error, path: Path) -> CatalensError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = str(error)
    if code == sqlite3.SQLITE_FULL:
        return storage_error(path, OSError(errno.ENOSPC, text))
    if code == sqlite3.SQLITE_READONLY:
        return storage_error(path, OSError(errno.EROFS, text))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return CatalogBusyError(f"{path} is locked by another process", cure="try again in a moment")
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        return StorageError(f"{path} could not be read or written: {text}", cure="check the disk and its free space")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or _says_damaged(text):
        return CatalogDamagedError(f"{path} is damaged: {text}", cure=_DAMAGED_CURE)
    if "closed database" in text:
        return UsageError("the catalog is closed", cure="open it again")
    return None


def _says_damaged(text: str) -> bool:
    # A flipped bit in the table of tables or in a text shows up as one of these, without a code of its own.
    return text.startswith(("no such table", "no such column", "malformed", "Could not decode", "SQL logic error"))


def connect(path: Path, *, mode: Mode, timeout_s: float) -> sqlite3.Connection:
    """Open the database file at `path`, with the settings that durability rests on.

    Args:
        path: the file, not the folder.
        mode: "create" makes it if absent; "write" may write; "read" refuses to write (and still follows a writer);
            "immutable" reads a file on read-only media, where no write-ahead log can be made; "alone" keeps the log's
            index in memory and all other processes out, for a log on a disk that has no room for the index.
        timeout_s: seconds to wait for a lock.

    Raises:
        CatalensError: as `sqlite_boundary` says.
    """
    query = _QUERIES[mode]
    if mode == "create":  # the log and its index take the mode of the file
        with _os_boundary(path):
            os.close(private_opener(str(path), os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)))
    uri = f"file:{quote(str(path.absolute()))}?{query}"
    with sqlite_boundary(path):
        db = sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA synchronous = FULL")  # a commit returns when it is on the disk
            db.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
            db.execute("PRAGMA cell_size_check = ON")  # damage is found when a page is read, not later
            db.execute("PRAGMA temp_store = MEMORY")  # reading needs no room on the disk
        except sqlite3.Error:
            db.close()
            raise
    return db


_QUERIES: dict[Mode, str] = {
    "create": "mode=rwc",
    "write": "mode=rw",
    "read": "mode=ro",
    "immutable": "immutable=1",
    "alone": "mode=rw&vfs=unix-excl",
}


@contextmanager
def _os_boundary(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def create_tables(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables in one transaction: a catalog is there whole or not at all."""
    with sqlite_boundary(path):
        db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        db.execute("PRAGMA journal_mode = WAL")
        try:
            db.executescript(
                f"BEGIN IMMEDIATE; {TABLES}"
                f"PRAGMA user_version = {VERSION}; PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
            )
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def has_tables(db: sqlite3.Connection, path: Path) -> bool:
    """Whether this is a catalog; False where the file is empty (made a moment ago, or its maker was killed).

    Raises:
        CatalogVersionError: made by a newer version.
        CatalogError: a database of another program.
        CatalogDamagedError: no database, or its head is damaged.
    """
    with sqlite_boundary(path):
        db.execute("BEGIN")  # one state for all three questions: another process may be making the tables
        try:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            owner = int(db.execute("PRAGMA application_id").fetchone()[0])
            tables = {str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
    if owner == 0 and not tables:
        return False
    ours = {"product", "shown", "vector", "words"} <= tables
    if owner != APPLICATION_ID and not ours:
        raise CatalogError(f"{path} is a database of another program", cure="choose another folder for the catalog")
    if version > VERSION:
        raise CatalogVersionError(
            f"{path.parent} was made by a newer version (tables {version}, this version reads {VERSION})",
            cure="upgrade: pip install --upgrade catalens",
        )
    if owner != APPLICATION_ID or version < 1 or not ours:
        raise CatalogDamagedError(f"{path} is damaged: its head is not what was written", cure=_DAMAGED_CURE)
    return True


def working_mode(path: Path, *, timeout_s: float) -> Mode:
    """As `reading_mode`, and tried: where a full disk has no room for the log's index, reading goes on without it.

    Raises:
        NotFoundError: there is no such file.
        StorageError: it cannot be read in any way.
    """
    mode = reading_mode(path)
    try:
        _try(path, mode, timeout_s)
    except StorageError:
        if mode == "immutable":
            raise
        mode = "alone" if _has_log(path) else "immutable"
        _try(path, mode, timeout_s)
    return mode


def _try(path: Path, mode: Mode, timeout_s: float) -> None:
    with sqlite_boundary(path), closing(connect(path, mode=mode, timeout_s=timeout_s)) as db:
        db.execute("SELECT count(*) FROM sqlite_master")


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def version_of(db: sqlite3.Connection) -> int:
    """Version of the tables."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables of an older version up to date, within the transaction that is open."""
    for version in range(version_of(db), VERSION):
        for statement in MIGRATIONS[version]:
            db.execute(statement)
        if version == 2:
            copy_words(db, db, source="old_words")
            db.execute("DROP TABLE old_words")
        db.execute(f"PRAGMA user_version = {version + 1}")


def reading_mode(path: Path) -> Mode:
    """How a reader may open the file: "write" wherever the rights allow it, since a reader, too, keeps the log's index.

    Raises:
        NotFoundError: there is no such file.
        StorageError: it is another user's, who lets nobody in.
    """
    try:
        there = path.is_file()
    except OSError as error:
        raise StorageError(f"{path} may not be read: {error.strerror}", cure="run as its owner") from error
    if not there:
        raise NotFoundError(f"no catalog at {path.parent}", cure="make one: catalens add SOURCE --catalog FOLDER")
    if _may_write(path) and _may_write(path.parent):
        return "write"
    return "read" if _has_log(path) else "immutable"


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
