"""A service without keys answers programs of this machine only: no page of another site, nobody behind a proxy.

The Host header tells names that lead here (DNS rebinding), the Origin header pages of other sites (CSRF), and what a
reverse proxy adds tells that the address of the caller is the proxy's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from catalens.errors import CatalensError
from catalens.server.http.problems import RefusedError, problem_of

FORWARDED = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"})
"""Header fields of proxies, beside those that begin with one of FORWARDED_PREFIXES."""
FORWARDED_PREFIXES = ("x-forwarded-", "x-original-", "cf-")
MAKE_KEY = "create a key: catalens keys create --scope search,read,analyse,write"


def is_forwarded(headers: Headers) -> bool:
    """Whether a request came through a proxy that says so."""
    return any(name in FORWARDED or name.startswith(FORWARDED_PREFIXES) for name in headers)


def has_host(headers: Headers, hosts: Collection[str]) -> bool:
    """Whether a request names one of these hosts, and only one; any is right where there are none to choose from."""
    given = headers.getlist("host")
    try:
        return not hosts or (len(given) == 1 and urlsplit(f"//{given[0]}").hostname in hosts)
    except ValueError:  # no address at all
        return False


class LocalOnly:
    """Refuses what does not come from this machine, while the service has no keys.

    Args:
        is_keyless: whether it has none now.
        hosts: names by which it may be called; any where empty.
        origins: other pages that browsers may call from.
    """

    def __init__(
        self, app: ASGIApp, *, is_keyless: Callable[[], bool], hosts: Collection[str], origins: Collection[str]
    ) -> None:
        self._app, self._is_keyless, self._hosts, self._origins = app, is_keyless, hosts, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "http" and self._is_keyless():
                self._check(Headers(scope=scope))
        except CatalensError as refusal:
            await problem_of(refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, headers: Headers) -> None:
        if is_forwarded(headers):
            what = "this service has no keys, and the call came through a proxy"
            raise RefusedError(403, "behind-proxy", what, cure=MAKE_KEY)
        if not has_host(headers, self._hosts):
            what = "this service has no keys, and was called by another name than this machine's own"
            raise RefusedError(403, "wrong-host", what, cure=f"call 127.0.0.1, or {MAKE_KEY}")
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and urlsplit(origin).netloc != headers.get("host", ""):
            cure = "start the service with --origin of that page"
            raise RefusedError(403, "wrong-origin", "a page of another site called", cure=cure)
