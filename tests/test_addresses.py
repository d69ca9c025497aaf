"""Which addresses are public, in every wrapping."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalens.images.addresses import is_public, resolve, resolve_with_deadline


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("2001:4860:4860::8888", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.100.100.200", False),
        ("192.0.0.192", False),
        ("168.63.129.16", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("203.0.113.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::8.8.8.8", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::808:808", False),
        ("2002:7f00:1::", False),
        ("2002:a9fe:a9fe::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),  # Teredo of 127.0.0.1
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("100::1", False),
        ("5f00::1", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@given(st.ip_addresses(v=4))
def test_wrapping_changes_no_judgement(address: object) -> None:
    """Mapped, NAT64 and 6to4 forms are judged as what they carry."""
    plain = is_public(str(address))
    packed = int(address)  # type: ignore[call-overload]
    for wrapped in (0xFFFF << 32 | packed, 0x64FF9B << 96 | packed, 0x2002 << 112 | packed << 80):
        assert is_public(socket.inet_ntop(socket.AF_INET6, wrapped.to_bytes(16, "big"))) is plain


def test_teredo_carries_its_clients_address() -> None:
    """RFC 4380, section 4: the client's IPv4 address with all bits turned, 8.8.8.8 as f7f7:f7f7."""
    assert is_public("2001:0:4136:e378:8000:63bf:f7f7:f7f7")


def test_what_is_no_address_is_no_answer() -> None:
    for text in ("", "localhost", "127.1", "0x7f000001"):
        with pytest.raises(ValueError, match="address"):
            is_public(text)


def test_each_address_of_a_host_comes_once_in_the_resolvers_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, port: int, *, type: int) -> list[tuple[object, ...]]:
        assert (host, port, type) == ("shop.example", 443, socket.SOCK_STREAM)
        entries = ["2001:db8::1", "192.0.2.1", "2001:db8::1"]
        return [(socket.AF_UNSPEC, type, 6, "", (address, port)) for address in entries]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    assert resolve("shop.example", 443) == ["2001:db8::1", "192.0.2.1"]


def test_a_resolver_has_a_deadline() -> None:
    assert resolve_with_deadline(60, lambda host, port: [f"{host}:{port}"], "shop.example", 80) == ["shop.example:80"]

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(f"no {host} at {port}")

    with pytest.raises(OSError, match=r"no shop.example at 80"):
        resolve_with_deadline(60, unknown, "shop.example", 80)
    never = threading.Event()

    def silent(host: str, port: int) -> list[str]:
        never.wait()
        return [host, str(port)]

    for seconds in (0.01, 0.0, -1.0):
        with pytest.raises(TimeoutError):
            resolve_with_deadline(seconds, silent, "shop.example", 80)
    never.set()
