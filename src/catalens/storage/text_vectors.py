"""Vectors of products' texts, kept by the text: `texts.db` in the folder of a catalog, derived and free to delete.

Keys are SHA-256 of the encoder's name and the text, so that the file holds no words, and a text is embedded once.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import numpy as np

from catalens.errors import StorageError
from catalens.files import private_opener
from catalens.types import FloatArray

FILE_NAME = "texts.db"
_WAIT_S = 30.0
_PAGE = 500
_TABLES = (
    "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS floor (encoder TEXT PRIMARY KEY, cosine REAL NOT NULL)",
)
Stamp: TypeAlias = tuple[int, int, int]


def key_of(encoder: str, text: str) -> bytes:
    """Under what the vector of a text by an encoder is kept."""
    return hashlib.sha256(f"{encoder}\n{text}".encode("utf-8", "surrogatepass")).digest()


class TextVectors:
    """The vectors of a catalog; in memory where it lies in no folder. Any number of threads may use it."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self._memory = sqlite3.connect(":memory:", check_same_thread=False) if folder is None else None
        self._lock = threading.Lock()
        self._writes = 0

    def stamp(self) -> Stamp:
        """Another one whenever vectors came or went."""
        if self._path is None:
            return self._writes, 0, 0
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0, 0
        return found.st_size, found.st_mtime_ns, found.st_ino

    def read(self, keys: Sequence[bytes], *, dim: int) -> dict[bytes, FloatArray]:
        """Key -> (dim,); those that are not there, or not in a file that can be read, lack."""
        found: dict[bytes, FloatArray] = {}
        if self._path is not None and not self._path.exists():
            return found
        with suppress(sqlite3.Error), self._open() as db:
            for start in range(0, len(keys), _PAGE):
                some = keys[start : start + _PAGE]
                marks = ", ".join("?" * len(some))
                rows = db.execute(f"SELECT key, data FROM vector WHERE key IN ({marks})", some).fetchall()
                found |= {key: np.frombuffer(data, "<f4") for key, data in rows if len(data) == 4 * dim}
        return found

    def write(self, vectors: Mapping[bytes, FloatArray]) -> None:
        """Keep vectors, key -> (D,).

        Raises:
            StorageError: the disk is full or read-only.
        """
        rows = [(key, np.asarray(vector, "<f4").tobytes()) for key, vector in vectors.items()]
        self._change(lambda db: db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?)", rows))

    def keep_only(self, keys: Collection[bytes]) -> None:
        """Delete all other vectors; they are gone from the disk.

        Raises:
            StorageError: the file cannot be written.
        """

        def delete(db: sqlite3.Connection) -> None:
            gone = [(key,) for (key,) in db.execute("SELECT key FROM vector").fetchall() if key not in keys]
            db.executemany("DELETE FROM vector WHERE key = ?", gone)

        if self._path is None or self._path.exists():
            self._change(delete)

    def floor(self, encoder: str) -> float:
        """Cosine below which a text is no answer; over all cosines where none was measured."""
        if self._path is None or self._path.exists():
            with suppress(sqlite3.Error), self._open() as db:
                row = db.execute("SELECT cosine FROM floor WHERE encoder = ?", (encoder,)).fetchone()
                return 2.0 if row is None else float(row[0])
        return 2.0

    def set_floor(self, encoder: str, cosine: float) -> None:
        """Note what `floor` is to say.

        Raises:
            StorageError: the file cannot be written.
        """
        self._change(lambda db: db.execute("INSERT OR REPLACE INTO floor VALUES (?, ?)", (encoder, cosine)))

    def clear(self) -> None:
        """Forget all.

        Raises:
            StorageError: the file cannot be removed.
        """
        if self._path is None:
            self._change(lambda db: db.executescript("DELETE FROM vector; DELETE FROM floor"))
            return
        try:
            self._remove()
        except OSError as error:
            raise StorageError(f"{self._path} cannot be removed: {error.strerror}", cure="remove it") from error

    def _change(self, work: Callable[[sqlite3.Connection], object]) -> None:
        for again in (False, True):
            try:
                with self._open() as db:
                    work(db)
                self._writes += 1
                return
            except sqlite3.OperationalError as error:
                raise StorageError(f"{self._path} cannot be written: {error}", cure="check the disk") from error
            except (sqlite3.DatabaseError, OSError) as error:
                if again or isinstance(error, OSError):
                    raise StorageError(f"{self._path} cannot be written: {error}", cure="remove the file") from error
                self._remove()  # damaged, and derived

    def _remove(self) -> None:
        if self._path is not None:
            for suffix in ("", "-journal"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if self._memory is not None:
            with self._lock, self._memory as db:
                _prepare(db)
                yield db
            return
        assert self._path is not None
        if not self._path.exists():
            with open(self._path, "ab", opener=private_opener):
                pass
        with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as db, db:
            _prepare(db)
            yield db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA secure_delete = ON")
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'floor'").fetchone():
        for table in _TABLES:
            db.execute(table)
