"""Who calls, and what they may: by their key, never by what the request says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from catalens.server.keys import Scope
from catalens.server.problems import RefusedError
from catalens.server.state import State


@dataclass(frozen=True)
class Caller:
    """Whose catalog a request is about."""

    tenant: str
    key_id: str = ""


def state_of(request: Request) -> State:
    """The service's state."""
    state: State = request.app.state.catalens
    return state


def allowed(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller, if they may do this.

    As long as there are no keys everybody on this machine may, but no page of another site that is open in a browser
    there: neither by sending forms (its Origin tells) nor by a name that leads here (DNS rebinding; the Host tells).

    Raises:
        RefusedError: no key or a wrong one (401), one without the scope or from another page (403), too often (429).
    """

    async def caller(request: Request) -> Caller:
        state = state_of(request)
        keys = state.keys
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
        wait = state.rates.wait_of(key.id, key.per_second) if key.per_second else 0.0
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
