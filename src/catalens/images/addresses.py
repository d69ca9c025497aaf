"""Check of network addresses before a fetch: public unicast only, also when embedded in IPv6 (SSRF guard)."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""Host and port -> its addresses."""
Judge: TypeAlias = Callable[[str], bool]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV6_UNICAST = ipaddress.ip_network("2000::/3")
# `is_global` of Python 3.11 lets these pass: IETF protocol assignments and relays (RFC 6890, 7526), documentation
# (RFC 9637), and the address at which one cloud's machines reach their host.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "168.63.129.16/32")
)


def is_public(address: str) -> bool:
    """Whether an IP address is public unicast; an IPv4 address embedded in IPv6 is checked as itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if any(ip in network for network in _NOT_PUBLIC):
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _embedded(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _IPV6_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """IPv4 address inside a mapped, NAT64, 6to4 or Teredo address (RFC 4291, 6052, 3056, 4380)."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.sixtofour is not None:
        return ip.sixtofour
    return None if ip.teredo is None else ip.teredo[1]


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host by the system's resolver, each once, in its order.

    Raises:
        OSError: the host has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve_with_deadline(seconds: float, resolve: Resolve, host: str, port: int) -> Sequence[str]:
    """Resolve a host within a deadline; the system's resolver alone may take half a minute.

    Raises:
        TimeoutError: no answer after `seconds`.
        OSError: the host has no address.
    """
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host, port))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name=f"resolve {host}").start()
    try:
        answer = answers.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer
