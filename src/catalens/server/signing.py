"""Addresses of pictures, signed and good for a while: a page cannot send a key with <img>."""

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
from catalens.images.draw import write_whole
from catalens.server.problems import RefusedError

GOOD_S = 6 * 3600
"""How long an address is good at least."""
SAME_S = 3600
"""For so long the same picture has the same address, so that browsers keep it."""
KEPT = 2
"""Keys that are known: the one that signs, and the one before it."""


class Signer:
    """Signs with the newest of the keys in a file, and knows the one before it, too (HMAC-SHA256, RFC 2104).

    Where the file cannot be written the key lives as long as the process.

    Raises:
        StorageError: the file cannot be understood.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._guard = threading.Lock()
        self._keys = self._read() or self._renewed([])

    def address(self, tenant: str, hash: str, side: int) -> str:
        """Address of a picture, at most `side` pixels long."""
        until = (int(self._clock() / SAME_S) + 1) * SAME_S + GOOD_S
        by = self._sign(self._keys[0], tenant, hash, side, until)
        return f"/pictures/{tenant or '-'}/{hash}/{side}?until={until}&by={by}"

    def check(self, tenant: str, hash: str, side: int, *, until: int, by: str) -> None:
        """Whether an address is one of ours and still good.

        Raises:
            RefusedError: it is not (403).
        """
        said = by.encode("utf-8", "replace")  # compare_digest takes no other text than ASCII
        wanted = [self._sign(key, tenant, hash, side, until).encode() for key in self._keys]
        signed = any(hmac.compare_digest(one, said) for one in wanted)
        if not signed:
            raise RefusedError(403, "wrong-signature", "this address is not signed", cure="ask for the match again")
        if self._clock() > until:
            raise RefusedError(403, "address-expired", "this address is no longer good", cure="ask for the match again")

    def rotate(self) -> None:
        """Sign with a new key from now on; what the last one signed stays good."""
        with self._guard:
            self._keys = self._renewed(self._keys)

    @staticmethod
    def _sign(key: str, tenant: str, hash: str, side: int, until: int) -> str:
        said = json.dumps([tenant, hash, side, until]).encode()
        return hmac.new(bytes.fromhex(key), said, hashlib.sha256).hexdigest()[:32]

    def _read(self) -> list[str]:
        try:
            found = json.loads(self._path.read_text("utf-8"))["keys"]
            return [key for key in found if bytes.fromhex(key)][:KEPT]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError):
            raise StorageError(f"{self._path} cannot be read", cure="delete it: a new one is made") from None

    def _renewed(self, keys: list[str]) -> list[str]:
        renewed = [secrets.token_hex(32), *keys][:KEPT]
        try:
            write_whole(self._path, json.dumps({"keys": renewed}).encode())
            self._path.chmod(0o600)
        except (StorageError, OSError):
            return renewed
        return renewed
