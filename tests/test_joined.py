"""Tables joined by sku, feeds by their addresses, and how far an import is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import FeedError, NotFoundError, RemoteError, UsageError
from catalens.feeds import open_feed
from catalens.feeds.addresses import is_address
from catalens.feeds.position import Position, lines_of
from catalens.feeds.sources import with_sides
from catalens.images.remote import fetch_image_bytes
from catalens.types import Failure, Product, Where
from tests.fakes import FakeEncoder

PRODUCTS = "sku,title,price,color\nA-1,Red bag,10.00,red\nA-2,Blue bag,12.00,blue\n"
IMAGES = "sku,image,position\nA-1,b.jpg,2\nA-1,a.jpg,1\nA-2,c.jpg,\nA-9,d.jpg,1\n"
PRICES = "SKU,Price,Currency\nA-1,8.50,EUR\nA-2,9.50,EUR\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate("abcd"):
        Image.new("RGB", (20, 20), (60 * number, 90, 200)).save(tmp_path / f"{name}.jpg")
    for name, text in {"products": PRODUCTS, "images": IMAGES, "prices": PRICES}.items():
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    return tmp_path


def products_of(source: Path | str, **how: object) -> dict[str, Product]:
    return {one.sku: one for one in open_feed(source, **how) if isinstance(one, Product)}  # type: ignore[arg-type]


def test_nothing_to_join(folder: Path) -> None:
    assert with_sides([]) == ([], [])
    assert with_sides([folder / "images.csv"]) == ([folder / "images.csv"], [])
    assert with_sides([folder / "images.csv", folder / "prices.csv"])[1] == []
    (folder / "empty.csv").write_text("")
    assert with_sides([folder / "products.csv", folder / "empty.csv"])[1] == []


def test_pictures_and_prices_are_joined_by_sku(folder: Path) -> None:
    paths = [folder / "products.csv", folder / "images.csv", folder / "prices.csv"]
    assert with_sides(paths) == ([paths[0]], paths[1:])
    reading = open_feed(paths[0], join=paths[1:])
    found = {one.sku: one for one in reading if isinstance(one, Product)}
    assert {sku: [Path(one.location).name for one in product.pictures] for sku, product in found.items()} == {
        "A-1": ["a.jpg", "b.jpg"], "A-2": ["c.jpg"],
    }  # fmt: skip
    assert [found[sku].attributes["price"] for sku in ("A-1", "A-2")] == [8.5, 9.5]
    assert found["A-1"].attributes["currency"] == "EUR"
    assert found["A-1"].attributes["color"] == "red"
    assert any("images.csv" in note and "1 are in no product" in note and "A-9" in note for note in reading.notes)
    assert reading.mentions is not None
    assert {"pictures", "price", "currency"} <= reading.mentions


def test_variants_are_joined_too(folder: Path) -> None:
    feed = folder / "group.csv"
    feed.write_text(
        "id,title,price,item_group_id,color,link,image_link\nA-1,Bag,1 EUR,G,red,,\nA-2,Bag,2 EUR,G,blue,,\n", "utf-8"
    )
    (product,) = products_of(feed, join=[folder / "images.csv"]).values()
    assert [[Path(one.location).name for one in variant.pictures] for variant in product.variants] == [
        ["a.jpg", "b.jpg"], ["c.jpg"],
    ]  # fmt: skip


def test_what_is_wrong_in_a_second_table_is_named(folder: Path) -> None:
    (folder / "images.csv").write_text("sku,image\nA-1,none.jpg\n,a.jpg\n", "utf-8")
    items = list(open_feed(folder / "products.csv", join=[folder / "images.csv"]))
    failures = [str(one) for one in items if isinstance(one, Failure)]
    assert len(failures) == 2
    assert any("none.jpg" in one for one in failures)
    (folder / "prices.csv").write_text("foo,bar\n1,2\n", "utf-8")
    with pytest.raises(FeedError, match="no column of skus"):
        open_feed(folder / "products.csv", join=[folder / "prices.csv"])


@pytest.mark.parametrize("words", [("products.csv", "images.csv"), ("products.csv", "--join", "images.csv")])
def test_the_command_joins(folder: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = CliRunner().invoke(app, ["add", *words, "-c", "shop", "--json"])
    assert found.exit_code == 0, found.output
    report = json.loads(found.stdout)
    assert (report["added"], report["pictures"]) == (2, 3)


# Addresses


class Feeds(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = PRODUCTS.encode() if self.path.startswith("/feed.csv") else b""
        self.send_response(200 if data else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Feeds)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("", False), ("feed.csv", False), ("C:/feed.csv", False), ("C:\\a", False), ("https://a/b", True),
     ("S3://a/b", True), ("gs://a/b.csv", True), ("file:///etc/passwd", False), ("ftp://a/b", False)],
)  # fmt: skip
def test_what_an_address_is(text: str, is_one: bool) -> None:
    assert is_address(text) == is_one


def test_a_feed_by_its_web_address(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--fetch"):
        open_feed(f"{server}/feed.csv")
    with pytest.raises(RemoteError, match="public"):
        open_feed(f"{server}/feed.csv", fetch=True)
    monkeypatch.setattr(
        "catalens.feeds.addresses.fetch_image_bytes", partial(fetch_image_bytes, is_allowed=lambda _: True)
    )
    assert set(products_of(f"{server}/feed.csv?token=1", fetch=True)) == {"A-1", "A-2"}
    with pytest.raises(RemoteError):
        open_feed(f"{server}/none.csv", fetch=True)


def test_a_feed_of_an_object_store() -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is in the stores extra")
    with fsspec.open("memory://shop/products.csv", "wb") as file:
        file.write(PRODUCTS.encode())
    assert set(products_of("memory://shop/products.csv")) == {"A-1", "A-2"}
    with pytest.raises(NotFoundError, match="nothing at"):
        open_feed("memory://shop/none.csv")


# Progress


def test_how_far_an_import_is(folder: Path) -> None:
    assert lines_of(folder / "none") == lines_of(folder) == 0
    told: list[tuple[int, int | None, str]] = []
    position = Position(lambda *given: told.append(given))
    items = [Product(str(line), Where("products.csv", line)) for line in range(2, 4)]
    for count, _ in enumerate(position.watched(items, str(folder / "products.csv")), start=1):
        position(count, None, "adding")
    assert told == [(1, 2, "adding: products.csv"), (2, 2, "adding: products.csv")]
    list(position.watched(items, ""))
    position(4, None, "adding")
    assert told[-1] == (4, None, "adding")


def test_progress_as_lines_of_json(folder: Path) -> None:
    words = ["add", str(folder / "products.csv"), "--join", str(folder / "images.csv"), "-c", str(folder / "shop")]
    found = CliRunner().invoke(app, [*words, "--progress", "json"])
    lines = [json.loads(line) for line in found.stderr.splitlines() if line.startswith("{")]
    assert lines[-1]["done"] == 2
    assert lines[-1]["what"] == "adding products: products.csv"
    assert {"total", "per_second", "remaining_s"} <= set(lines[-1])
    wrong = CliRunner().invoke(app, [*words, "--progress", "loud"])
    assert isinstance(wrong.exception, UsageError)


def test_progress_of_the_library(folder: Path) -> None:
    told: list[tuple[int, int | None, str]] = []
    with catalens.open(folder / "shop", encoder=FakeEncoder()) as shop:
        shop.add([folder / "products.csv", folder / "images.csv"], progress=lambda *given: told.append(given))
    assert told
    assert told[-1][0] == 2
