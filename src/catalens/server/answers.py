"""What was answered to a write, by its Idempotency-Key: asked again it gives the same answer, and does nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from fastapi import Header

from catalens.images.draw import write_whole
from catalens.server.problems import RefusedError

KEPT_S = 24 * 3600
"""How long an answer is kept at least."""
_TIDY = 256
"""Answers after which old ones are looked for."""
IdempotencyKey: TypeAlias = Annotated[str | None, Header(max_length=200)]


class Answers:
    """Answers in a folder, one file each, on disk before they are given.

    What was done and not yet noted when the service was killed is done again: a write of products is the same twice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = 0

    def once(self, key: str | None, tenant: str, request: object, work: Callable[[], Any]) -> Any:
        """Do the work, or give the answer that the same request had.

        Args:
            key: the request's Idempotency-Key; without one the work is done.
            request: what was asked; anything that JSON can say, or bytes.

        Raises:
            RefusedError: the key was used for another request (422).
        """
        if key is None:
            return work()
        path = self._folder / f"{_digest([tenant, key])}.json"
        asked = _digest(request)
        with suppress(OSError, ValueError, KeyError):
            known: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
            if known["until"] > time.time():
                if known["asked"] != asked:
                    raise RefusedError(
                        422, "key-used", "this Idempotency-Key was used for another request",
                        cure="take a new one for each request",
                    )  # fmt: skip
                return known["answer"]
        answer = work()
        self._folder.mkdir(parents=True, exist_ok=True)
        until = time.time() + KEPT_S
        write_whole(path, json.dumps({"asked": asked, "answer": answer, "until": until}).encode(), durable=True)
        self._kept += 1
        if self._kept % _TIDY == 0:
            self._tidy()
        return answer

    def _tidy(self) -> None:
        for path in self._folder.glob("*.json"):
            with suppress(OSError):
                if path.stat().st_mtime + KEPT_S < time.time():
                    path.unlink()


def _digest(said: object) -> str:
    return hashlib.sha256(said if isinstance(said, bytes) else json.dumps(said).encode()).hexdigest()
