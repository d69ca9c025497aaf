"""Idempotency cache: a repeated write with the same Idempotency-Key gets the first answer and does nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from fastapi import Header

from catalens.files import PRIVATE_FILE, make_private_folder
from catalens.images.draw import write_atomically
from catalens.json_text import parse_json
from catalens.server.http.problems import RefusedError
from catalens.storage.audit import sku_hash

TTL_S = 24 * 3600
"""Seconds for which an answer is kept at least."""
_PURGE_EVERY = 256
"""Answers after which expired ones are deleted."""
IdempotencyKey: TypeAlias = Annotated[str | None, Header(max_length=200)]


class IdempotencyCache:
    """Answers in a folder, one file each, on disk before they are sent.

    A write that ended just before the service was killed may run again: writing a product twice changes nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stored = 0

    def once(self, key: str | None, tenant: str, request: object, work: Callable[[], Any], *, about: str = "") -> Any:
        """Do the work, or return the stored answer of the same request.

        Args:
            key: the request's Idempotency-Key; None always does the work.
            request: content of the request: anything that JSON can hold, or bytes.
            about: sku of the product that it changes: the answer is deleted when that is erased.

        Raises:
            RefusedError: the key was used for another request (422).
        """
        if key is None:
            return work()
        path = self._folder / f"{_digest([tenant, key])}.json"
        asked = _digest(request)
        with suppress(OSError, ValueError, KeyError):
            known: Mapping[str, Any] = parse_json(path.read_text("utf-8"))
            if known["until"] > time.time():
                if known["asked"] != asked:
                    raise RefusedError(
                        422, "key-used", "this Idempotency-Key was used for another request",
                        cure="take a new one for each request",
                    )  # fmt: skip
                return known["answer"]
        answer = work()
        make_private_folder(self._folder)
        stored = {"asked": asked, "answer": answer, "until": time.time() + TTL_S, "about": sku_hash(about)}
        write_atomically(path, json.dumps(stored).encode(), durable=True, mode=PRIVATE_FILE)
        self._stored += 1
        if self._stored % _PURGE_EVERY == 0:
            self._purge()
        return answer

    def _purge(self) -> None:
        for path in self._folder.glob("*.json"):
            with suppress(OSError):
                if path.stat().st_mtime + TTL_S < time.time():
                    path.unlink()


def _digest(request: object) -> str:
    return hashlib.sha256(request if isinstance(request, bytes) else json.dumps(request).encode()).hexdigest()
