"""The audit log: who wrote what and when, one JSON line a call. It holds no sku, words, photo or key, only hashes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalens.files import append_line
from catalens.json_text import parse_json

LOCAL = "local"
"""Who writes where no API key is asked for: a user of this machine."""
MAX_BYTES, KEPT = 4 * 2**20, 9
"""Size at which a file is set aside, and how many of those are kept: `.1` is the newest."""
HASHES = 50
"""Skus of one call whose hashes are noted; further ones are counted."""
_LOG = logging.getLogger(__name__)


def sku_hash(sku: str) -> str:
    """SHA-256 of a sku, in hex: how logs and receipts name it."""
    return hashlib.sha256(sku.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> str:
    """The time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class AuditLog:
    """Appends to `<catalog>.audit.jsonl`; one that cannot be written stops nobody, and is told to the program's log.

    Args:
        path: of the file; None notes nothing.
        who: id of an API key, or `LOCAL`.
    """

    def __init__(self, path: Path | None, *, who: str = LOCAL) -> None:
        self._path, self._who = path, who

    def note(self, what: str, *, skus: Iterable[str] = (), **facts: int | str) -> None:
        """Note a write that was done.

        Args:
            what: "add", "update", "remove", "erase", "keys create", ...
            skus: those it names; only their hashes are written.
            facts: counts, and ids that are no secrets.
        """
        if self._path is None:
            return
        named = list(skus)
        line: dict[str, Any] = {"at": now(), "who": self._who, "what": what, **facts}
        if named:
            line |= {"skus": [sku_hash(sku) for sku in named[:HASHES]], "products": len(named)}
        try:
            self._rotate()
            append_line(self._path, json.dumps(line).encode())
        except OSError as error:
            _LOG.warning("the audit log %s cannot be written: %s", self._path, error.strerror)

    def _rotate(self) -> None:
        assert self._path is not None
        with suppress(FileNotFoundError):
            if self._path.stat().st_size < MAX_BYTES:
                return
            for number in range(KEPT - 1, 0, -1):
                with suppress(FileNotFoundError):
                    _set_aside(self._path, number).replace(_set_aside(self._path, number + 1))
            self._path.replace(_set_aside(self._path, 1))


def read_audit(path: Path) -> Iterator[dict[str, Any]]:
    """All lines that are kept, the oldest first; a line that was cut by a power loss lacks."""
    for file in (*(_set_aside(path, number) for number in range(KEPT, 0, -1)), path):
        with suppress(FileNotFoundError), file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                with suppress(ValueError):
                    yield parse_json(line)


def _set_aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
