"""Authentication and authorisation by API key: the caller's tenant comes from the key, never from the request."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request

from catalens.errors import StorageError
from catalens.options import Scope
from catalens.server.dependencies.state import State
from catalens.server.http.problems import RefusedError
from catalens.storage.audit import LOCAL

log = logging.getLogger("catalens.server")


@dataclass(frozen=True)
class Caller:
    """Who sent an authorised request; the tenant decides whose catalog it sees, `key` is the id of the API key."""

    tenant: str
    key: str = LOCAL


def state_of(request: Request) -> State:
    """State of the service."""
    state: State = request.app.state.catalens
    return state


def require_scope(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency that returns the caller if the key has the scope.

    As long as no key was ever created, every program on this machine may call; `middleware.local_only` refuses others.

    Raises:
        RefusedError: no valid key (401), a missing scope or a wrong origin (403), rate limit exceeded (429), a file of
            keys that cannot be read (503).
    """

    async def caller(request: Request) -> Caller:
        state = state_of(request)
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        try:
            is_closed = state.options.closed or state.api_keys.is_closed()
            key = state.api_keys.find(secret.strip()) if is_closed and kind.lower() == "bearer" else None
        except StorageError as error:
            log.error(json.dumps({"keys": str(error)}))
            raise RefusedError(
                503, "keys-unreadable", "the keys of this service cannot be read, so every request is refused",
                cure="its operator finds the reason in its log",
            ) from None  # fmt: skip
        if not is_closed:
            return Caller("")
        if key is None:
            raise RefusedError(
                401, "key-missing", "no key, or one that is not known", cure="send Authorization: Bearer KEY",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        if scope not in key.scopes:
            raise RefusedError(403, "not-allowed", f"this key may not {scope}", cure="use a key with that scope")
        if key.origins and request.headers.get("origin") not in key.origins:
            raise RefusedError(403, "wrong-origin", "this key is bound to other pages", cure="use it from these")
        wait = state.rate_limiter.take(key.id, key.per_second) if key.per_second else 0.0
        if wait:
            raise RefusedError(
                429, "too-often", f"this key may call {key.per_second:g} times a second", cure="call less often",
                headers={"Retry-After": str(max(1, round(wait)))},
            )  # fmt: skip
        return Caller(key.tenant, key.id)

    return caller
