"""Signed URLs of pictures with an expiry time: a page cannot send an API key with <img>."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from catalens.errors import CatalogBusyError, StorageError
from catalens.server.http.problems import RefusedError
from catalens.server.services.secret_file import SecretFile

VALID_S = 6 * 3600
"""Seconds for which a URL is valid at least."""
STABLE_S = 3600
"""Seconds for which the URL of a picture stays the same, so that browsers cache it."""
MAX_KEYS = 2
"""Signing keys that are accepted: the newest, which signs, and the one before it."""
MIN_KEY_DIGITS = 32
"""Hexadecimal digits that a signing key has at least; ours have 64."""
DIGITS = 32
"""Hexadecimal digits of a signature: 128 bits of HMAC-SHA256, as RFC 2104 (section 5) allows at least."""


class UrlSigner:
    """Signs with the newest key of a file and accepts the one before it (HMAC-SHA256, RFC 2104).

    A rotation by another process holds from the next call on. Where the file cannot be written, the key lives as long
    as the process; where it is lost or damaged while the service runs, the keys of before are kept.

    Raises:
        StorageError: the file cannot be understood.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file = SecretFile(path, _parse, holds="signing keys", cure="delete it: a new one is made")
        self._clock = clock
        self._keys = self._file.read() or [secrets.token_hex(32)]
        with suppress(StorageError, CatalogBusyError):
            self._renew(lambda known: known or self._keys)

    def url(self, tenant: str, hash: str, side: int) -> str:
        """Path and query of a picture whose longest side is at most `side` pixels."""
        until = (int(self._clock() / STABLE_S) + 1) * STABLE_S + VALID_S
        by = self._sign(self._current()[0], tenant, hash, side, until)
        return f"/pictures/{tenant or '-'}/{hash}/{side}?until={until}&by={by}"

    def check(self, tenant: str, hash: str, side: int, *, until: int, by: str) -> None:
        """Check the signature and the expiry time of a URL.

        Raises:
            RefusedError: wrong signature or expired (403).
        """
        given = by.encode("utf-8", "replace")  # compare_digest takes no other text than ASCII
        wanted = [self._sign(key, tenant, hash, side, until).encode() for key in self._current()]
        if not any(hmac.compare_digest(one, given) for one in wanted):
            raise RefusedError(403, "wrong-signature", "this address is not signed", cure="ask for the match again")
        if self._clock() > until:
            raise RefusedError(403, "address-expired", "this address has expired", cure="ask for the match again")

    def rotate(self) -> None:
        """Sign with a new key from now on, in all processes; URLs signed with the last one stay valid.

        Raises:
            StorageError: the file cannot be written.
        """
        self._renew(lambda known: [secrets.token_hex(32), *known][:MAX_KEYS])

    @staticmethod
    def _sign(key: str, tenant: str, hash: str, side: int, until: int) -> str:
        message = json.dumps([tenant, hash, side, until]).encode()
        return hmac.new(bytes.fromhex(key), message, hashlib.sha256).hexdigest()[:DIGITS]

    def _current(self) -> list[str]:
        with suppress(StorageError):
            self._keys = self._file.read() or self._keys
        return self._keys

    def _renew(self, change: Callable[[list[str]], list[str]]) -> None:
        with self._file.locked():
            known = self._file.read() or []
            self._keys = change(known)
            if self._keys != known:
                self._file.write({"keys": self._keys})


def _parse(table: Any) -> list[str]:
    """The keys of the file, newest first.

    Raises:
        ValueError, TypeError, KeyError: it holds something else.
    """
    found = [key for key in table["keys"] if bytes.fromhex(key)][:MAX_KEYS]
    if any(len(key) < MIN_KEY_DIGITS for key in found):
        raise ValueError("a key is too short")
    return found
