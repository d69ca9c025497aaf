"""A feed by its web address: redirects are judged again, whatever they lead to, and nothing inside is connected to."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial

import pytest

from catalens.errors import CatalensError, RemoteError, UsageError
from catalens.feeds import open_feed
from catalens.images.remote import MAX_REDIRECTS, fetch_image_bytes
from catalens.types import Product
from tests.test_remote import Handler, reply, serving

TABLE = b"sku,title\na,A red bag\n"
TARGETS = [
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "//127.1:{port}/", "http://[::1]:{port}/",
    "http://2130706433:{port}/", "http://10.0.0.1:{port}/", "http://192.168.1.1/", "http://172.16.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://[fd00::1]/", "http://[fe80::1]/", "http://100.64.0.1/",
    "file:///etc/passwd", "FILE:/etc/passwd", "ftp://shop.example/feed.csv", "gopher://127.0.0.1:{port}/",
    "data:text/csv,sku,title", "s3://bucket/feed.csv", "memory://feed.csv", "javascript:alert(1)", "http://", "http:///x",
    "http://user:secret@127.0.0.1:{port}/", "http://shop.example:99999/", "http://[", "\x00", "",
]  # fmt: skip


def sends(data: bytes) -> Handler:
    return lambda client, path: client.sendall(data)


def sent_on(location: str) -> Handler:
    return sends(reply(b"", status="302 Found", head=f"Location: {location}\r\n"))


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets `shop.example` lead to 127.0.0.1, which counts as public; other names and addresses are the system's."""

    def let(*answers: list[str]) -> None:
        left = list(answers or [["127.0.0.1"]])

        def resolve(host: str, port: int) -> list[str]:
            if host == "shop.example":
                return left.pop(0) if len(left) > 1 else left[0]
            return ["127.0.0.3"] if host in {"localhost", "127.0.0.1", "127.1"} else [host.strip("[]")]

        guarded = partial(fetch_image_bytes, resolve=resolve, is_allowed=lambda address: address == "127.0.0.1")
        monkeypatch.setattr("catalens.feeds.addresses.fetch_image_bytes", guarded)

    return let


def test_a_feed_is_read_behind_a_redirect_of_its_own_host(outside: Callable[..., None]) -> None:
    outside()

    def handle(client: socket.socket, path: str) -> None:
        first = reply(b"", status="301 Moved", head="Location: /new/feed.csv\r\n")
        client.sendall(first if path == "/feed.csv" else reply(TABLE))

    with serving(handle) as server:
        (product,) = open_feed(f"http://shop.example:{server.port}/feed.csv", fetch=True)
        assert isinstance(product, Product)
        assert product.title == "A red bag"


def test_nothing_is_fetched_unless_asked_for() -> None:
    with serving(sends(reply(TABLE))) as server:
        with pytest.raises(UsageError, match="web address"):
            open_feed(f"http://shop.example:{server.port}/feed.csv")
        assert server.connections == 0


@pytest.mark.parametrize("target", TARGETS)
def test_a_redirect_elsewhere_is_refused_in_one_sentence(target: str, outside: Callable[..., None]) -> None:
    outside()
    with serving(sends(reply(TABLE))) as secret, serving(sent_on(target.format(port=secret.port))) as server:
        with pytest.raises(CatalensError) as caught:
            open_feed(f"http://shop.example:{server.port}/feed.csv", fetch=True)
        assert "\n" not in str(caught.value)
        assert secret.connections == 0


@pytest.mark.parametrize("location", ["/feed.csv", "?again", "//shop.example:{port}/x"])
def test_an_endless_redirect_ends(location: str, outside: Callable[..., None]) -> None:
    outside()
    with serving(lambda client, path: sent_on(location.format(port=server.port))(client, path)) as server:
        with pytest.raises(RemoteError, match=f"more than {MAX_REDIRECTS}"):
            open_feed(f"http://shop.example:{server.port}/feed.csv", fetch=True)
        assert len(server.requests) == MAX_REDIRECTS + 1


def test_a_name_that_changes_its_address_is_judged_at_each_hop(outside: Callable[..., None]) -> None:
    outside(["127.0.0.1"], ["10.0.0.1"])
    with serving(sent_on("/feed2.csv")) as server:
        with pytest.raises(RemoteError, match=r"not on the public internet\. Download the feed"):
            open_feed(f"http://shop.example:{server.port}/feed.csv", fetch=True)
        assert len(server.requests) == 1


def test_a_name_with_one_inner_address_is_refused(outside: Callable[..., None]) -> None:
    outside(["127.0.0.1", "169.254.169.254"])
    with serving(sends(reply(TABLE))) as server:
        with pytest.raises(RemoteError, match="not on the public internet"):
            open_feed(f"http://shop.example:{server.port}/feed.csv", fetch=True)
        assert server.connections == 0


def test_a_redirect_to_a_host_that_is_not_allowed(outside: Callable[..., None]) -> None:
    outside()
    with serving(sent_on("http://other.example/feed.csv")) as server, pytest.raises(RemoteError, match="not among"):
        open_feed(f"http://shop.example:{server.port}/feed.csv", fetch=frozenset({"shop.example"}))
