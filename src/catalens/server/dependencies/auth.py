"""Authentication and authorisation by API key: the caller's tenant comes from the key, never from the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from catalens.options import Scope
from catalens.server.dependencies.state import State
from catalens.server.http.problems import RefusedError
from catalens.storage.audit import LOCAL


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

    While no keys exist, every program on this machine may call, but no web page of another site: the Origin header
    reveals its forms (CSRF), the Host header names that lead here (DNS rebinding).

    Raises:
        RefusedError: no valid key (401), a missing scope or a wrong origin (403), rate limit exceeded (429).
    """

    async def caller(request: Request) -> Caller:
        state = state_of(request)
        keys = state.api_keys
        if not state.options.closed and not keys.all():
            _refuse_other_pages(request, state)
            return Caller("")
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        key = keys.find(secret.strip()) if kind.lower() == "bearer" else None
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


def _refuse_other_pages(request: Request, state: State) -> None:
    host = request.headers.get("host", "")
    if state.options.hosts and urlsplit(f"//{host}").hostname not in state.options.hosts:
        raise RefusedError(
            403, "wrong-host", "this service has no keys, and was called by another name than this machine's own",
            cure="call 127.0.0.1, or make keys: catalens keys create",
        )  # fmt: skip
    origin = request.headers.get("origin")
    if origin is not None and origin not in state.options.origins and urlsplit(origin).netloc != host:
        raise RefusedError(
            403, "wrong-origin", "a page of another site called", cure="start the service with --origin of that page"
        )
