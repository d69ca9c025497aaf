"""Searches that found nothing, counted: the words alone, without who asked, when to the second, or from where."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalens.errors import StorageError
from catalens.files import private_opener

MOST, LONGEST = 10_000, 80
"""Texts that are kept, and characters of one; where there are more texts, the rarest go."""
_PERSONAL = re.compile(r"@|://|www\.|\d(?:[\s()./-]*\d){6}")
"""An address of mail or of the web, or seven digits: a telephone, a card or an order."""
_WAIT_S = 0.2
_TABLE = "CREATE TABLE IF NOT EXISTS missed (text TEXT PRIMARY KEY, count INTEGER NOT NULL, last_day TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class MissedSearch:
    """Words that found nothing, how often, and the last day (UTC, YYYY-MM-DD)."""

    text: str
    count: int
    last_day: str

    def to_dict(self) -> dict[str, object]:
        return {"text": self.text, "count": self.count, "last_day": self.last_day}


class MissedSearches:
    """The counts of a catalog, in a small database beside it, so that no writer of the catalog is waited for.

    Args:
        path: of the database; it is made when the first search is noted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, text: str) -> None:
        """Count a search. What looks personal is not kept; a count that cannot be written now is lost."""
        kept = normalised(text)
        if not kept:
            return
        with suppress(sqlite3.Error, OSError), self._open() as db:
            day = datetime.now(UTC).date().isoformat()
            db.execute(
                "INSERT INTO missed VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1, last_day = ?",
                (kept, day, day),
            )
            db.execute(
                "DELETE FROM missed WHERE text IN "
                "(SELECT text FROM missed ORDER BY count DESC, last_day DESC LIMIT -1 OFFSET ?)",
                (MOST,),
            )

    def list(self, *, most: int = 100) -> tuple[MissedSearch, ...]:
        """The most frequent first.

        Raises:
            StorageError: the file cannot be read.
        """
        if not self._path.exists():
            return ()
        try:
            with self._open() as db:
                rows = db.execute("SELECT text, count, last_day FROM missed ORDER BY count DESC, text LIMIT ?", (most,))
                return tuple(MissedSearch(*row) for row in rows)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self._path} cannot be read: {error}", cure="remove the file: it only counts"
            ) from error

    def forget(self, skus: Iterable[str]) -> None:
        """Forget the searches that name one of these skus; the words are gone from the disk.

        Raises:
            StorageError: the file cannot be read or written.
        """
        if not self._path.exists():
            return
        try:
            with self._open() as db:
                db.executemany(
                    "DELETE FROM missed WHERE instr(' ' || text || ' ', ' ' || ? || ' ')",
                    [(name,) for sku in skus if (name := normalised(sku))],
                )
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"{self._path} cannot be written: {error}", cure="remove the file: it only counts"
            ) from error

    def clear(self) -> None:
        """Forget all of them; the words are gone from the disk.

        Raises:
            StorageError: the file cannot be removed.
        """
        for suffix in ("", "-journal"):
            try:
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            except OSError as error:
                raise StorageError(f"{self._path} cannot be removed: {error.strerror}", cure="remove it") from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            with open(self._path, "ab", opener=private_opener):
                pass
        with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as db, db:
            db.execute("PRAGMA secure_delete = ON")
            db.execute(_TABLE)
            yield db


def normalised(text: str) -> str:
    """Words of a search as they are counted, in small letters; "" for what is too long or looks personal."""
    plain = " ".join(unicodedata.normalize("NFKC", text[: 4 * LONGEST]).casefold().split())
    kept = "".join(one for one in plain if one.isprintable())
    return "" if len(kept) > LONGEST or _PERSONAL.search(kept) else kept
