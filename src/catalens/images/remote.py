"""Read a picture from a web address, guarded: public addresses only, pinned, capped, on time. Off unless asked for.

The name is resolved once and every address it has is judged; the connection goes to the judged address, so that a name
that resolves otherwise a moment later (rebinding) gains nothing. Each redirect is judged again.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx

from catalens.errors import RemoteError
from catalens.images.read import MAX_BYTES

MAX_REDIRECTS = 3
DEADLINE_S = 10.0

Resolve = Callable[[str, int], Sequence[str]]
Judge = Callable[[str], bool]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")


def is_public(address: str) -> bool:
    """Whether an IP address is a public unicast one, an IPv4 address inside an IPv6 one judged as itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64_LOCAL:
            return False
        inner = _embedded(ip)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Unwrap what mapped, NAT64, 6to4, Teredo and IPv4-compatible addresses carry (RFC 4291, 6052, 3056, 4380)."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if int(ip) >> 32 == 0 and int(ip) > 1:
        return ipaddress.IPv4Address(int(ip))
    return None


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def fetch_image_bytes(
    url: str,
    *,
    allow_hosts: frozenset[str] | None = None,
    max_bytes: int = MAX_BYTES,
    deadline_s: float = DEADLINE_S,
    resolve: Resolve = resolve,
    judge: Judge = is_public,
) -> bytes:
    """Read the bytes behind an http(s) address; they are not decoded here.

    Args:
        url: the address; one with a user name in it is refused.
        allow_hosts: only these hosts; any public one where None.
        max_bytes: at most so many, counted while they arrive.
        deadline_s: seconds for all of it, redirects included.
        resolve: host and port -> addresses.
        judge: whether an address may be connected to.

    Raises:
        RemoteError: refused, too large, too slow, or not there; says which.
    """
    until = time.monotonic() + deadline_s
    try:
        for _ in range(MAX_REDIRECTS + 1):
            found = _get(url, allow_hosts, max_bytes, until, resolve, judge)
            if isinstance(found, bytes):
                return found
            url = found
    except RemoteError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise RemoteError(f"{url} was not read: {error or type(error).__name__}", cure="check the address") from None
    raise RemoteError(f"{url} is redirected more than {MAX_REDIRECTS} times", cure="give the final address")


def _get(
    url: str, allow_hosts: frozenset[str] | None, max_bytes: int, until: float, resolve: Resolve, judge: Judge
) -> bytes | str:
    """One request: the body, or the address of a redirect."""
    address, headers, extensions = _pinned(url, allow_hosts, resolve, judge)
    left = max(0.05, until - time.monotonic())
    timeout = httpx.Timeout(left)
    with (
        httpx.Client(trust_env=False, timeout=timeout, follow_redirects=False) as client,
        client.stream("GET", address, headers=headers, extensions=extensions) as response,
    ):
        if response.is_redirect:
            return str(httpx.URL(url).join(response.headers["location"]))
        if response.status_code != httpx.codes.OK:
            raise RemoteError(f"{url} answers {response.status_code}", cure="check the address")
        body = bytearray()
        for part in response.iter_raw(65536):
            body += part
            if len(body) > max_bytes:
                raise RemoteError(f"{url} has more than {max_bytes} bytes", cure="publish a smaller picture")
            if time.monotonic() > until:
                raise RemoteError(f"{url} took too long", cure="try again, or download the picture yourself")
        return bytes(body)


def _pinned(
    url: str, allow_hosts: frozenset[str] | None, resolve: Resolve, judge: Judge
) -> tuple[httpx.URL, dict[str, str], dict[str, str]]:
    """The address with its host replaced by a judged IP; Host and the certificate's name stay the host's."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        raise RemoteError(f"{url} is no http or https address", cure="give one that starts with https://")
    if parts.username is not None or parts.password is not None:
        raise RemoteError(f"the address of {host} holds a user name or password", cure="leave them out")
    if allow_hosts is not None and host.lower() not in allow_hosts:
        raise RemoteError(f"{host} is not among the hosts allowed", cure="allow it, or download the picture yourself")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = resolve(host, port)
    if not addresses or not all(judge(address) for address in addresses):
        raise RemoteError(f"{host} does not lead to a public address only", cure="download the picture yourself")
    pinned = httpx.URL(url).copy_with(host=addresses[0])
    default = (parts.scheme, port) in {("http", 80), ("https", 443)}
    named = httpx.URL(url).host
    headers = {"Host": named if default else f"{named}:{port}", "Accept": "image/*", "Accept-Encoding": "identity"}
    return pinned, headers, {"sni_hostname": named}
