"""API keys: random, stored as hashes, each with scopes, tenant and rate."""

from __future__ import annotations

import hashlib
import math
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from catalens import options
from catalens.errors import NotFoundError, StorageError, UsageError
from catalens.server.services.secret_file import SecretFile, mark

SCOPES = options.Keys.scopes.allowed
PREFIX = "ck_"
TENANT_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
CLOSED = "Keys were created here: without a key nobody is let in. `catalens keys open` ends that.\n"
"""Text of the file beside the keys that keeps the service closed where the keys are lost."""


@dataclass(frozen=True)
class ApiKey:
    """An API key without its secret.

    Args:
        id: name by which it is listed and revoked; hash: SHA-256 of the secret, which has 256 random bits.
        tenant: whose catalog it opens; empty for the served one.
        per_second: rate limit in calls a second, with bursts of ten times as many; 0 for no limit.
        origins: origins of web pages that may use it; empty for any.
        old_hash, old_until: of the secret before the last rotation, and until when (s since 1970) it is accepted.
    """

    id: str
    hash: str
    scopes: tuple[str, ...]
    tenant: str = ""
    per_second: float = 0.0
    origins: tuple[str, ...] = ()
    created: float = 0.0
    revoked: bool = False
    old_hash: str = ""
    old_until: float = 0.0

    def to_dict(self) -> dict[str, object]:
        """All fields but the hashes."""
        return {name: value for name, value in asdict(self).items() if name not in {"hash", "old_hash"}}


class ApiKeys:
    """API keys in a file; changes by other processes are seen at the next call, and none is lost.

    Raises:
        StorageError: the file cannot be read or understood: nobody is let in then.
    """

    def __init__(self, path: Path) -> None:
        self._file = SecretFile(path, _parse, holds="keys", cure="restore it, or delete it and create new keys")
        self._closed = path.with_name(f"{path.name}.closed")
        self._guard = threading.Lock()
        self._is_closed = False

    def create(
        self,
        *,
        scopes: Iterable[str],
        tenant: str = options.Keys.tenant.default,
        per_second: float = 0.0,
        origins: Iterable[str] = (),
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is stored nowhere. From the first one on the service needs keys.

        Raises:
            UsageError: an unknown scope, an invalid tenant name or rate, or a key bound to origins with other scopes
                than search.
        """
        chosen = tuple(dict.fromkeys(scopes))
        if not chosen or not set(chosen) <= set(SCOPES):
            unknown = ", ".join(repr(one) for one in chosen if one not in SCOPES)
            what = f"unknown scope {unknown}" if unknown else "a key needs a scope"
            raise UsageError(what, cure=f"take one or more of {', '.join(SCOPES)}")
        if not _is_tenant(tenant):
            raise UsageError(f"the tenant is {tenant[:80]!r}", cure="take small letters, digits, - and _")
        if not 0 <= per_second < float("inf"):
            raise UsageError(f"{per_second:g} calls a second", cure="take 0 for any number, or a plain number")
        bound = tuple(origins)
        if bound and chosen != ("search",):
            raise UsageError("a key for web pages may only search", cure="make it with --scope search")
        secret = _secret()
        with self._file.locked():
            known = self._read().by_id
            key = ApiKey(_free_id(known), _hash(secret), chosen, tenant, per_second, bound, time.time())
            self._write([*known.values(), key])
        return key, secret

    def revoke(self, id: str) -> ApiKey:
        """Revoke a key, with the secret that it had before its last rotation.

        Raises:
            NotFoundError: there is no such key.
        """
        return self._change(id, revoked=True, old_hash="", old_until=0.0)

    def rotate(self, id: str, *, grace_s: float = 0.0) -> tuple[ApiKey, str]:
        """A new secret for a key.

        Args:
            grace_s: seconds for which the old secret is accepted beside it; 0 refuses it at once.

        Raises:
            NotFoundError: there is no such key.
            UsageError: it is revoked.
        """
        secret = _secret()
        with self._file.locked():
            old = self._of_id(id)
            if old.revoked:
                raise UsageError(f"key {id} is revoked", cure="create another one: catalens keys create")
            kept = (old.hash, time.time() + grace_s) if grace_s > 0 else ("", 0.0)
            key = self._replace(old, hash=_hash(secret), old_hash=kept[0], old_until=kept[1])
        return key, secret

    def reopen(self) -> None:
        """Forget all keys: a service that starts from now on lets every program on its machine in."""
        with self._file.locked():
            self._file.remove()
            self._closed.unlink(missing_ok=True)

    def all(self) -> tuple[ApiKey, ...]:
        """All keys, the oldest first."""
        return tuple(sorted(self._read().by_id.values(), key=lambda key: key.created))

    def find(self, secret: str) -> ApiKey | None:
        """The key of a secret; None where it is unknown, revoked or out of its grace. Compares hashes, not secrets."""
        hash = _hash(secret)
        key = self._read().by_hash.get(hash)
        if key is None or key.revoked or (hash != key.hash and time.time() >= key.old_until):
            return None
        return key

    def is_closed(self) -> bool:
        """Whether a key is needed: from the first one on, also where the file was moved away or emptied since.

        A process that once saw a key stays closed until it ends; a file beside the keys tells it to the next one.
        """
        if self._is_closed:
            return True
        with self._guard:
            has_keys = bool(self._read().by_id)
            if has_keys and not self._closed.exists():  # keys of version 0.1.0
                mark(self._closed, CLOSED)
            self._is_closed = has_keys or self._closed.exists()
            return self._is_closed

    def _change(self, id: str, **fields: Any) -> ApiKey:
        with self._file.locked():
            return self._replace(self._of_id(id), **fields)

    def _of_id(self, id: str) -> ApiKey:
        found = self._read().by_id.get(id)
        if found is None:
            raise NotFoundError(f"no key {id!r}", cure="`catalens keys list` shows them")
        return found

    def _replace(self, old: ApiKey, **fields: Any) -> ApiKey:
        changed = replace(old, **fields)
        self._write([changed if key.id == old.id else key for key in self._read().by_id.values()])
        return changed

    def _read(self) -> _Found:
        return self._file.read() or _Found({}, {})

    def _write(self, keys: list[ApiKey]) -> None:
        if not mark(self._closed, CLOSED):
            raise StorageError(f"{self._closed} cannot be written", cure="check the folder and its space")
        self._file.write([asdict(key) for key in keys])


class _Found(NamedTuple):
    """Keys by id, and by the hash of each of their secrets."""

    by_id: dict[str, ApiKey]
    by_hash: dict[str, ApiKey]


def _parse(rows: Any) -> _Found:
    """Keys from the rows of the file.

    Raises:
        ValueError, TypeError, KeyError: they are something else.
    """
    keys = [ApiKey(**{**row, "scopes": _texts(row["scopes"]), "origins": _texts(row["origins"])}) for row in rows]
    for key in keys:
        texts = (key.id, key.hash, key.tenant, key.old_hash)
        numbers = (key.per_second, key.created, key.old_until)
        if not all(isinstance(text, str) for text in texts) or not isinstance(key.revoked, bool):
            raise TypeError(f"key {key.id!r} has a field of another type")
        if not all(math.isfinite(number) and number >= 0 for number in numbers) or not _is_tenant(key.tenant):
            raise ValueError(f"key {key.id!r} has an impossible number or tenant")
    found = {key.id: key for key in keys}
    if len(found) < len(keys):
        raise ValueError("two keys have one id")
    hashes = {key.old_hash: key for key in keys if key.old_hash} | {key.hash: key for key in keys}
    return _Found(found, hashes)


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"expected a list of texts and got {values!r:.80}")
    return tuple(values)


def _is_tenant(name: str) -> bool:
    return set(name) <= TENANT_CHARACTERS and name[:1] not in {"-", "_"} and len(name) <= 64


def _free_id(taken: Iterable[str]) -> str:
    known = set(taken)
    return next(id for id in iter(lambda: secrets.token_hex(4), "") if id not in known)


def _secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
