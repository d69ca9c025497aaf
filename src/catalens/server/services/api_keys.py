"""API keys: random, stored as hashes, each with scopes, tenant and rate."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from catalens import options
from catalens.errors import NotFoundError, StorageError, UsageError
from catalens.images.draw import write_atomically

SCOPES = options.Keys.scopes.allowed
PREFIX = "ck_"
TENANT_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


@dataclass(frozen=True)
class ApiKey:
    """An API key without its secret.

    Args:
        id: name by which it is listed and revoked; hash: SHA-256 of the secret, which has 256 random bits.
        tenant: whose catalog it opens; empty for the served one.
        per_second: rate limit in calls a second, with bursts of ten times as many; 0 for no limit.
        origins: origins of web pages that may use it; empty for any.
    """

    id: str
    hash: str
    scopes: tuple[str, ...]
    tenant: str = ""
    per_second: float = 0.0
    origins: tuple[str, ...] = ()
    created: float = 0.0
    revoked: bool = False

    def to_dict(self) -> dict[str, object]:
        """All fields but the hash."""
        return {name: value for name, value in asdict(self).items() if name != "hash"}


class ApiKeys:
    """API keys in a file; changes by other processes are seen at the next call.

    Raises:
        StorageError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._by_hash: dict[str, ApiKey] = {}

    def create(
        self,
        *,
        scopes: Iterable[str],
        tenant: str = options.Keys.tenant.default,
        per_second: float = 0.0,
        origins: Iterable[str] = (),
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is stored nowhere.

        Raises:
            UsageError: an unknown scope, an invalid tenant name or rate, or a key bound to origins with other scopes
                than search.
        """
        chosen = tuple(dict.fromkeys(scopes))
        if not chosen or not set(chosen) <= set(SCOPES):
            raise UsageError(f"scopes are {', '.join(chosen) or 'none'}", cure=f"take some of {', '.join(SCOPES)}")
        if not set(tenant) <= TENANT_CHARACTERS or tenant[:1] in {"-", "_"} or len(tenant) > 64:
            raise UsageError(f"the tenant is {tenant[:80]!r}", cure="take small letters, digits, - and _")
        if not 0 <= per_second < float("inf"):
            raise UsageError(f"{per_second:g} calls a second", cure="take 0 for any number, or a plain number")
        bound = tuple(origins)
        if bound and chosen != ("search",):
            raise UsageError("a key that stands in pages may only search", cure="make it with --scope search")
        secret = PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(secrets.token_hex(4), _hash(secret), chosen, tenant, per_second, bound, time.time())
        with self._guard:
            self._read()
            self._by_hash[key.hash] = key
            self._write()
        return key, secret

    def revoke(self, id: str) -> ApiKey:
        """Revoke a key.

        Raises:
            NotFoundError: there is no such key.
        """
        with self._guard:
            self._read()
            found = next((key for key in self._by_hash.values() if key.id == id), None)
            if found is None:
                raise NotFoundError(f"no key {id!r}", cure="`catalens keys list` shows them")
            ended = replace(found, revoked=True)
            self._by_hash[found.hash] = ended
            self._write()
        return ended

    def all(self) -> tuple[ApiKey, ...]:
        """All keys, the oldest first."""
        with self._guard:
            self._read()
            return tuple(sorted(self._by_hash.values(), key=lambda key: key.created))

    def find(self, secret: str) -> ApiKey | None:
        """The key of a secret; None where it is unknown or revoked. Compares hashes, never secrets."""
        with self._guard:
            self._read()
            key = self._by_hash.get(_hash(secret))
        return None if key is None or key.revoked else key

    def _read(self) -> None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._by_hash, self._stamp = {}, None
            return
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp == self._stamp:
            return
        try:
            rows = json.loads(self._path.read_text("utf-8"))
            keys = [ApiKey(**{**row, "scopes": tuple(row["scopes"]), "origins": tuple(row["origins"])}) for row in rows]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StorageError(f"{self._path} holds no keys: {error}", cure="restore it, or make keys anew") from None
        self._by_hash, self._stamp = {key.hash: key for key in keys}, stamp

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(
            self._path, json.dumps([asdict(key) for key in self._by_hash.values()], indent=1).encode(), private=True
        )
        self._stamp = None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
