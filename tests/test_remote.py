"""Fetching: what leads inside is refused, whatever it is spelled like; what is slow or large ends on time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from catalens.errors import RemoteError
from catalens.images.addresses import is_public, resolve
from catalens.images.remote import MAX_REDIRECTS, fetch_image_bytes

LOOPBACK = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "0177.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
)
"""26 spellings of this machine."""

Handler = Callable[[socket.socket, str], None]


@dataclass
class Server:
    """Answers at 127.0.0.1 with what a test hands in, and counts the connections and requests."""

    handle: Handler
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    requests: list[str] = field(default_factory=list)
    connections: int = 0

    port: int = 0

    def __post_init__(self) -> None:
        self.port = self.listener.getsockname()[1]

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client: socket.socket) -> None:
        with client:
            client.settimeout(5)
            request = b""
            try:
                while b"\r\n\r\n" not in request:
                    part = client.recv(4096)
                    if not part:
                        return
                    request += part
                self.requests.append(request.decode("latin-1"))
                self.handle(client, request.decode("latin-1").split(" ")[1])
            except OSError:
                return


@contextmanager
def serving(handle: Handler) -> Iterator[Server]:
    server = Server(handle)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        thread.join(5)


def reply(body: bytes, *, status: str = "200 OK", head: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


def inside(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def fetch(url: str, *, deadline_s: float = 5, max_bytes: int = 1 << 20, judge: bool = True) -> bytes:
    """Fetch with every name leading to this machine and this machine allowed."""
    allowed: Callable[[str], bool] = (lambda address: True) if judge else is_public
    return fetch_image_bytes(url, deadline_s=deadline_s, max_bytes=max_bytes, resolve=inside, is_allowed=allowed)


def fetch_plain(url: str) -> bytes:
    """Fetch with the system's resolver and the default judge."""
    return fetch_image_bytes(url, deadline_s=5, resolve=resolve)


# --- addresses ------------------------------------------------------------------------------------------------------


def test_there_are_26_spellings() -> None:
    assert len(set(LOOPBACK)) == 26


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    with serving(lambda client, path: client.sendall(reply(b"secret"))) as server:
        with pytest.raises(RemoteError):
            fetch_plain(f"http://{host}:{server.port}/")
        assert server.connections == 0


def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(RemoteError, match="public internet"):
        fetch_image_bytes("http://example.org/", resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(RemoteError, match="public internet"):
        fetch_image_bytes("http://example.org/", resolve=lambda host, port: [])


def test_a_name_is_resolved_once_and_its_address_pinned() -> None:
    """Rebinding: a second resolution would lead elsewhere."""
    asked: list[str] = []

    def resolve_once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with serving(lambda client, path: client.sendall(reply(b"picture"))) as server:
        url = f"http://shop.example:{server.port}/a.jpg"
        got = fetch_image_bytes(url, resolve=resolve_once, is_allowed=lambda address: address == "127.0.0.1")
    assert got == b"picture"
    assert asked == ["shop.example"]
    assert f"Host: shop.example:{server.port}\r\n" in server.requests[0]


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with serving(lambda client, path: client.sendall(reply(b"x"))) as server:
        url = f"http://shop.example:{server.port}/"
        got = fetch_image_bytes(url, resolve=lambda *_: ["127.0.0.9", "127.0.0.1"], is_allowed=lambda _: True)
    assert got == b"x"


def test_the_certificate_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str | None] = []

    def handshake(context: ssl.SSLContext, sock: socket.socket, **given: object) -> ssl.SSLSocket:
        names.append(given["server_hostname"])  # type: ignore[arg-type]
        raise ssl.SSLError("no handshake in tests")

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", handshake)
    with serving(lambda client, path: None) as server, pytest.raises(RemoteError, match="no handshake"):
        fetch(f"https://shop.example:{server.port}/")
    assert names == ["shop.example"]


# --- addresses as text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "http"),
        ("photo.jpg", "http"),
        ("//example.org/a.jpg", "http"),
        ("file:///etc/passwd", "http"),
        ("ftp://example.org/", "http"),
        ("gopher://example.org/", "http"),
        ("data:image/png;base64,AAAA", "http"),
        ("http://", "http"),
        ("http:///a.jpg", "http"),
        ("http://user:word@example.org/", "user name"),
        ("http://user@example.org/", "user name"),
        ("http://example.org:99999/", "port"),
        ("http://example.org:0/", "port"),
        ("http://example.org:port/", "not read"),
        ("http://[::1/", "not read"),
        ("http://" + "a" * 300 + ".example/", "not read"),
        ("http://exa\nmple.org/", "not read"),
    ],
)
def test_addresses_that_are_none(url: str, words: str) -> None:
    with pytest.raises(RemoteError, match=words) as caught:
        fetch_plain(url)
    assert caught.value.cure


def test_allowed_hosts_only() -> None:
    with serving(lambda client, path: client.sendall(reply(b"x"))) as server:
        for host, is_read in (("Shop.Example", True), ("shop.example.", True), ("other.example", False)):
            url = f"http://{host}:{server.port}/"
            hosts = frozenset({"shop.example"})
            if is_read:
                assert fetch_image_bytes(url, allow_hosts=hosts, resolve=inside, is_allowed=lambda _: True) == b"x"
            else:
                with pytest.raises(RemoteError, match="hosts allowed"):
                    fetch_image_bytes(url, allow_hosts=hosts, resolve=inside, is_allowed=lambda _: True)
        with pytest.raises(RemoteError, match="public internet"):  # allowed by name, still judged by address
            fetch_image_bytes(f"http://shop.example:{server.port}/", allow_hosts=hosts, resolve=inside)


def test_nothing_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(lambda client, path: client.sendall(reply(b"x", head="Set-Cookie: a=b\r\n"))) as server:
        assert fetch(f"http://shop.example:{server.port}/") == b"x"
    assert "cookie" not in server.requests[0].lower()
    assert "authorization" not in server.requests[0].lower()


# --- redirects ------------------------------------------------------------------------------------------------------


def redirecting(hops: int) -> Handler:
    def handle(client: socket.socket, path: str) -> None:
        n = int(path.strip("/"))
        if n < hops:
            client.sendall(reply(b"", status="302 Found", head=f"Location: /{n + 1}\r\n"))
        else:
            client.sendall(reply(b"end"))

    return handle


@pytest.mark.parametrize("hops", [0, 1, MAX_REDIRECTS])
def test_redirects_are_followed(hops: int) -> None:
    with serving(redirecting(hops)) as server:
        assert fetch(f"http://shop.example:{server.port}/0") == b"end"
        assert len(server.requests) == hops + 1


def test_too_many_redirects() -> None:
    with serving(redirecting(99)) as server:
        with pytest.raises(RemoteError, match="redirected more than 3"):
            fetch(f"http://shop.example:{server.port}/0")
        assert len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "//127.1:{port}/", "file:///etc/passwd"]
)
def test_a_redirect_to_the_inside_is_judged_again(target: str) -> None:
    """The shop's name is allowed here; what it points to is not."""

    def resolve_or_system(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host == "shop.example" else ["127.0.0.3"]

    with serving(lambda client, path: client.sendall(reply(b"secret"))) as secret:
        location = target.format(port=secret.port)
        answer = reply(b"", status="302 Found", head=f"Location: {location}\r\n")
        with serving(lambda client, path: client.sendall(answer)) as server, pytest.raises(RemoteError):
            fetch_image_bytes(
                f"http://shop.example:{server.port}/",
                resolve=resolve_or_system,
                is_allowed=lambda address: address == "127.0.0.1",
            )
        assert len(server.requests) == 1
        assert secret.connections == 0


# --- what servers do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found", "500 Oops", "304 Not Modified", "302 Found"])
def test_other_answers(status: str) -> None:
    answer = reply(b"", status=status)
    with serving(lambda client, path: client.sendall(answer)) as server, pytest.raises(RemoteError, match=status[:3]):
        fetch(f"http://shop.example:{server.port}/")


def endless(client: socket.socket, path: str) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        client.sendall(bytes(65536))


def announcing(client: socket.socket, path: str) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    time.sleep(5)


@pytest.mark.parametrize("handle", [endless, announcing])
def test_a_huge_body_is_left_early(handle: Handler) -> None:
    with serving(handle) as server:
        start = time.monotonic()
        with pytest.raises(RemoteError, match="more than 1000000 bytes"):
            fetch(f"http://shop.example:{server.port}/", max_bytes=1_000_000)
        assert time.monotonic() - start < 4


def test_exactly_the_cap_is_read() -> None:
    with serving(lambda client, path: client.sendall(reply(bytes(5000)))) as server:
        assert len(fetch(f"http://shop.example:{server.port}/", max_bytes=5000)) == 5000
        with pytest.raises(RemoteError, match="4999"):
            fetch(f"http://shop.example:{server.port}/", max_bytes=4999)


def drip(client: socket.socket, data: bytes) -> None:
    for byte in data:
        client.sendall(bytes([byte]))
        time.sleep(0.02)


def slow_body(client: socket.socket, path: str) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    drip(client, bytes(1000))


def slow_head(client: socket.socket, path: str) -> None:
    drip(client, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000)


def silent(client: socket.socket, path: str) -> None:
    time.sleep(4)


@pytest.mark.parametrize("handle", [slow_body, slow_head, silent])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_one_deadline_holds_for_all_of_it(handle: Handler, scheme: str) -> None:
    """A server that sends a byte now and then keeps within any timeout of a single read."""
    with serving(handle) as server:
        start = time.monotonic()
        with pytest.raises(RemoteError, match="too long" if scheme == "http" else None):
            fetch(f"{scheme}://shop.example:{server.port}/", deadline_s=0.3)
        assert time.monotonic() - start < 3


def test_a_resolver_that_does_not_answer() -> None:
    def slow(*_: object) -> list[str]:
        time.sleep(3)
        return []

    start = time.monotonic()
    with pytest.raises(RemoteError, match="too long"):
        fetch_image_bytes("http://shop.example/", deadline_s=0.1, resolve=slow)
    assert time.monotonic() - start < 2


def test_a_resolver_that_fails() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(RemoteError, match="Name or service not known"):
        fetch_image_bytes("http://shop.example/", resolve=fail)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_answers_that_are_broken(raw: bytes) -> None:
    with serving(lambda client, path: client.sendall(raw)) as server, pytest.raises(RemoteError, match="not read"):
        fetch(f"http://shop.example:{server.port}/")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RemoteError, match="not read"):
        fetch(f"http://shop.example:{port}/")


def test_the_fixture_is_reachable() -> None:
    """The refusals above mean something: an unguarded client does reach the server."""
    with serving(lambda client, path: client.sendall(reply(b"x"))) as server:
        assert httpx.get(f"http://127.0.0.1:{server.port}/", trust_env=False).content == b"x"
