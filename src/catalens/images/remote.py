"""Fetch a picture from a web address, guarded against SSRF: public addresses only, pinned, size and time limited.

A name is resolved once and every address it has is judged; the connection goes to a judged address, so that a name that
resolves otherwise a moment later (rebinding) gains nothing. Each redirect is judged again. One deadline holds for all
of it, down to each read of the socket, so that a server that sends a byte a second gains nothing either.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import httpcore
import httpx

from catalens.errors import RemoteError
from catalens.images.addresses import Judge, Resolve, is_public, resolve, resolve_with_deadline
from catalens.images.limits import MAX_BYTES

MAX_REDIRECTS = 3
DEADLINE_S = 10.0
_DEFAULT_PORTS = {"http": 80, "https": 443}


def fetch_image_bytes(
    url: str,
    *,
    allow_hosts: frozenset[str] | None = None,
    max_bytes: int = MAX_BYTES,
    deadline_s: float = DEADLINE_S,
    accept: str = "image/*",
    what: str = "picture",
    resolve: Resolve = resolve,
    is_allowed: Judge = is_public,
) -> bytes:
    """Fetch the bytes of an http(s) address without decoding them.

    No proxy, cookie, credential or setting of the environment is used; at most three redirects are followed.

    Args:
        url: the address; one with a user name in it is refused.
        allow_hosts: only these hosts (lower case, international names in their ASCII form); any public one where None.
        max_bytes: at most so many, counted while they arrive.
        deadline_s: seconds for all of it: names, connections, redirects, body.
        accept: media types that are asked for.
        what: what the messages call it.
        resolve: host and port -> addresses.
        is_allowed: whether an address may be connected to.

    Raises:
        RemoteError: refused, too large, too slow, or not there; says which.
    """
    guard = _Guard(allow_hosts, resolve, is_allowed, time.monotonic() + deadline_s, accept, what)
    place = url
    for _ in range(MAX_REDIRECTS + 1):
        found = _get(place, guard, max_bytes)
        if isinstance(found, bytes):
            return found
        place = found
    raise RemoteError(f"{url} is redirected more than {MAX_REDIRECTS} times", cure="give the final address")


@dataclass(frozen=True, slots=True)
class _Guard:
    """Limits of one fetch; `until` is a time of `time.monotonic`."""

    allow_hosts: frozenset[str] | None
    resolve: Resolve
    is_allowed: Judge
    until: float
    accept: str
    what: str

    def left(self) -> float:
        return self.until - time.monotonic()

    def addresses(self, parsed: httpx.URL) -> Sequence[str]:
        """Checked addresses of a host."""
        host = parsed.raw_host.decode("ascii")
        if self.allow_hosts is not None and host.lower().rstrip(".") not in self.allow_hosts:
            raise RemoteError(f"{host} is not among the hosts allowed", cure=f"allow it, or download the {self.what}")
        found = resolve_with_deadline(self.left(), self.resolve, host, parsed.port or _DEFAULT_PORTS[parsed.scheme])
        if not found or not all(self.is_allowed(address) for address in found):
            raise RemoteError(f"{host} is not on the public internet", cure=f"download the {self.what} yourself")
        return found


def _get(url: str, guard: _Guard, max_bytes: int) -> bytes | str:
    """Send one request; returns the body, or the target of a redirect."""
    try:
        parsed = _checked(url)
        backend = _PinnedBackend(guard.addresses(parsed), guard.until)
        context = httpx.create_ssl_context(trust_env=False) if parsed.scheme == "https" else None
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream(
                "GET", str(parsed.copy_with(fragment=None)), headers=_headers(parsed, guard.accept)
            ) as response,
        ):
            return _answer(parsed, response, max_bytes, what=guard.what)
    except (httpcore.TimeoutException, TimeoutError):
        raise RemoteError(f"{url} took too long", cure=f"try again, or download the {guard.what} yourself") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.InvalidURL, OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise RemoteError(f"{url} was not read: {reason}", cure="check the address") from None


def _checked(url: str) -> httpx.URL:
    parsed = httpx.URL(url)
    if parsed.scheme not in _DEFAULT_PORTS or not parsed.host:
        raise RemoteError(f"{url} is no http or https address", cure="give one that starts with https://")
    if parsed.userinfo:
        raise RemoteError(f"the address of {parsed.host} holds a user name or password", cure="leave them out")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise RemoteError(f"{url} has no possible port", cure="check the address")
    return parsed


def _headers(parsed: httpx.URL, accept: str) -> list[tuple[str, str]]:
    host = parsed.netloc.decode("ascii")
    return [("Host", host), ("Accept", accept), ("Accept-Encoding", "identity"), ("User-Agent", "catalens")]


def _answer(url: httpx.URL, response: httpcore.Response, max_bytes: int, *, what: str) -> bytes | str:
    headers = {name.lower(): value for name, value in response.headers}
    if response.status in {301, 302, 303, 307, 308} and b"location" in headers:
        return str(url.join(headers[b"location"].decode("latin-1")))
    if response.status != 200:
        raise RemoteError(f"{url} answers {response.status}", cure="check the address")
    announced = headers.get(b"content-length", b"0")
    too_large = RemoteError(f"{url} has more than {max_bytes} bytes", cure=f"publish a smaller {what}")
    if announced.isdigit() and int(announced[:20]) > max_bytes:
        raise too_large
    body = bytearray()
    for part in response.iter_stream():
        body += part
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)


@dataclass(slots=True)
class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only, whatever the name resolves to later; Host and TLS name stay."""

    addresses: Sequence[str]
    until: float
    _system: httpcore.SyncBackend = field(default_factory=httpcore.SyncBackend)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self.addresses:
            try:
                stream = self._system.connect_tcp(
                    address, port, _left(self.until, timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _OnTime(stream, self.until)
        raise failure


@dataclass(slots=True)
class _OnTime(httpcore.NetworkStream):
    """A connection whose reads and writes share one deadline."""

    stream: httpcore.NetworkStream
    until: float

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(self.until, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _left(self.until, timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _OnTime(self.stream.start_tls(ssl_context, server_hostname, _left(self.until, timeout)), self.until)

    def get_extra_info(self, info: str) -> object:
        return self.stream.get_extra_info(info)


def _left(until: float, timeout: float | None) -> float:
    """Seconds left for one operation."""
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)
