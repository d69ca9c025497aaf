"""Signed URLs of pictures with an expiry time: a page cannot send an API key with <img>."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from catalens.errors import StorageError
from catalens.images.draw import write_atomically
from catalens.server.http.problems import RefusedError

VALID_S = 6 * 3600
"""Seconds for which a URL is valid at least."""
STABLE_S = 3600
"""Seconds for which the URL of a picture stays the same, so that browsers cache it."""
MAX_KEYS = 2
"""Signing keys that are accepted: the newest, which signs, and the one before it."""
DIGITS = 32
"""Hexadecimal digits of a signature: 128 bits of HMAC-SHA256, as RFC 2104 (section 5) allows at least."""


class UrlSigner:
    """Signs with the newest key of a file and accepts the one before it (HMAC-SHA256, RFC 2104).

    Where the file cannot be written, the key lives as long as the process.

    Raises:
        StorageError: the file cannot be understood.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._guard = threading.Lock()
        self._keys = self._read() or self._renewed([])

    def url(self, tenant: str, hash: str, side: int) -> str:
        """Path and query of a picture whose longest side is at most `side` pixels."""
        until = (int(self._clock() / STABLE_S) + 1) * STABLE_S + VALID_S
        by = self._sign(self._keys[0], tenant, hash, side, until)
        return f"/pictures/{tenant or '-'}/{hash}/{side}?until={until}&by={by}"

    def check(self, tenant: str, hash: str, side: int, *, until: int, by: str) -> None:
        """Check the signature and the expiry time of a URL.

        Raises:
            RefusedError: wrong signature or expired (403).
        """
        given = by.encode("utf-8", "replace")  # compare_digest takes no other text than ASCII
        wanted = [self._sign(key, tenant, hash, side, until).encode() for key in self._keys]
        if not any(hmac.compare_digest(one, given) for one in wanted):
            raise RefusedError(403, "wrong-signature", "this address is not signed", cure="ask for the match again")
        if self._clock() > until:
            raise RefusedError(403, "address-expired", "this address is no longer good", cure="ask for the match again")

    def rotate(self) -> None:
        """Sign with a new key from now on; URLs signed with the last one stay valid."""
        with self._guard:
            self._keys = self._renewed(self._keys)

    @staticmethod
    def _sign(key: str, tenant: str, hash: str, side: int, until: int) -> str:
        message = json.dumps([tenant, hash, side, until]).encode()
        return hmac.new(bytes.fromhex(key), message, hashlib.sha256).hexdigest()[:DIGITS]

    def _read(self) -> list[str]:
        try:
            found = json.loads(self._path.read_text("utf-8"))["keys"]
            return [key for key in found if bytes.fromhex(key)][:MAX_KEYS]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            raise StorageError(f"{self._path} cannot be read", cure="delete it: a new one is made") from None

    def _renewed(self, keys: list[str]) -> list[str]:
        renewed = [secrets.token_hex(32), *keys][:MAX_KEYS]
        try:
            write_atomically(self._path, json.dumps({"keys": renewed}).encode(), private=True)
        except (StorageError, OSError):
            return renewed
        return renewed
