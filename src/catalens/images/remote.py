"""Fetch a picture from a web address, guarded against SSRF: public addresses only, pinned, size and time limited.

A name is resolved once and every address it has is judged; the connection goes to a judged address, so that a name that
resolves otherwise a moment later (rebinding) gains nothing. Each redirect is judged again. One deadline holds for all
of it, down to each read of the socket, so that a server that sends a byte a second gains nothing either.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpcore
import httpx

from catalens.errors import RemoteError
from catalens.images.addresses import Judge, Resolve, is_public, resolve, resolve_with_deadline
from catalens.images.limits import MAX_BYTES

MAX_REDIRECTS = 3
DEADLINE_S = 10.0
STALL_S = 30.0
"""Seconds that a server may send nothing of a large file."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
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
class RemoteFile:
    """A file that is being sent.

    Args:
        start: first byte of it in `parts`; total: bytes of the whole file, None where the server does not say.
        tag: changes with the file ("" where the server gives none); kind: media type.
    """

    start: int
    total: int | None
    tag: str
    kind: str
    parts: Iterator[bytes]


@contextmanager
def open_remote(
    url: str,
    *,
    deadline_s: float,
    start: int = 0,
    tag: str = "",
    allow_hosts: frozenset[str] | None = None,
    resolve: Resolve = resolve,
    is_allowed: Judge = is_public,
) -> Iterator[RemoteFile]:
    """A large file of an http(s) address, in parts as they arrive; guarded as `fetch_image_bytes` is.

    From https, redirects lead to https only.

    Args:
        start: bytes that are there already; tag: of the file that they are of. A server that has another file now, or
            sends no parts of files, sends it from its first byte on.

    Raises:
        RemoteError: refused, too slow, or not there; says which.
    """
    guard = _Guard(allow_hosts, resolve, is_allowed, time.monotonic() + deadline_s, "*/*", "file")
    more = [("Range", f"bytes={start}-"), ("If-Range", tag)] if start and tag else []
    place = url
    for _ in range(MAX_REDIRECTS + 1):
        with _response(place, guard, more) as (parsed, response):
            target = _target(parsed, response)
            if response.status == 416 and more:  # there are no more bytes: another file lies there now
                more, target = [], place
            if target is None:
                yield _remote_file(url, response, start if more else 0)
                return
        if url.startswith("https:") and not target.startswith("https:"):
            raise RemoteError(f"{url} is redirected to {target}, which is not https", cure="give another address")
        place = target
    raise RemoteError(f"{url} is redirected more than {MAX_REDIRECTS} times", cure="give the final address")


def _remote_file(url: str, response: httpcore.Response, start: int) -> RemoteFile:
    headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
    if response.status not in (200, 206):
        raise RemoteError(f"{url} answers {response.status}", cure="check the address")
    length = headers.get("content-length", "")
    total = int(length) if length.isdigit() and len(length) < 20 else None
    if response.status == 206:
        if not start or not headers.get("content-range", "").startswith(f"bytes {start}-"):
            raise RemoteError(f"{url} sends another part than was asked for", cure="try again")
        total = None if total is None else total + start
    tag = headers.get("etag", "")
    return RemoteFile(
        start if response.status == 206 else 0,
        total,
        "" if tag.startswith("W/") else tag,  # a weak tag does not stand for the same bytes
        headers.get("content-type", ""),
        iter(response.iter_stream()),
    )


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
    with _response(url, guard) as (parsed, response):
        return _target(parsed, response) or _body(parsed, response, max_bytes, what=guard.what)


@contextmanager
def _response(
    url: str, guard: _Guard, more: Sequence[tuple[str, str]] = ()
) -> Iterator[tuple[httpx.URL, httpcore.Response]]:
    """What one request is answered with; errors while it is read become sentences, too."""
    try:
        parsed = _checked(url)
        backend = _PinnedBackend(guard.addresses(parsed), guard.until)
        context = httpx.create_ssl_context(trust_env=False) if parsed.scheme == "https" else None
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream(
                "GET",
                str(parsed.copy_with(fragment=None)),
                headers=[*_headers(parsed, guard.accept), *more],
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), STALL_S)},
            ) as response,
        ):
            yield parsed, response
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


def _target(url: httpx.URL, response: httpcore.Response) -> str | None:
    """Where a redirect leads; None where the answer is none."""
    headers = {name.lower(): value for name, value in response.headers}
    if response.status in REDIRECTS and b"location" in headers:
        return str(url.join(headers[b"location"].decode("latin-1")))
    return None


def _body(url: httpx.URL, response: httpcore.Response, max_bytes: int, *, what: str) -> bytes:
    headers = {name.lower(): value for name, value in response.headers}
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
