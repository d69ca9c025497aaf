"""Who may call a service without keys; HEAD; unknown query parameters; what answers tell of the machine."""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

from catalens.errors import StorageError, StorageFullError
from catalens.server.app import create_app
from catalens.server.http.problems import TYPES, without_paths
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.options import ServeOptions

EVERY = ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/widget.js", "/v1/facets", "/v1/products")


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    options = ServeOptions(shop_folder, hosts=frozenset({"testserver", "127.0.0.1", "::1"}))
    with TestClient(create_app(options)) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, None),
        ({"host": "127.0.0.1:8000"}, None),
        ({"host": "[::1]:8000"}, None),
        ({"x-forwarded-for": "203.0.113.9"}, "behind-proxy"),
        ({"x-forwarded-for": "127.0.0.1"}, "behind-proxy"),
        ({"X-Forwarded-Host": "shop.example"}, "behind-proxy"),
        ({"forwarded": "for=203.0.113.9"}, "behind-proxy"),
        ({"x-real-ip": "203.0.113.9"}, "behind-proxy"),
        ({"via": "1.1 proxy"}, "behind-proxy"),
        ({"cf-connecting-ip": "203.0.113.9"}, "behind-proxy"),
        ({"host": "shop.example"}, "wrong-host"),
        ({"host": "127.0.0.1.evil.example"}, "wrong-host"),
        ({"host": "[::1"}, "wrong-host"),
        ({"host": ""}, "wrong-host"),
        ({"origin": "https://evil.example"}, "wrong-origin"),
    ],
)
def test_without_keys_only_this_machine_may_call(client: TestClient, headers: dict[str, str], kind: str | None) -> None:
    for path in EVERY:
        answer = client.get(path, headers=headers)
        assert answer.status_code == (200 if kind is None else 403), path
        assert kind is None or answer.json()["type"] == TYPES + kind
    write = client.put("/v1/products/A", json={"title": "a"}, headers=headers)
    assert write.status_code == (200 if kind is None else 403)
    assert kind != "behind-proxy" or "catalens keys create" in write.json()["detail"]


def test_with_keys_a_proxy_may_stand_in_front(shop_folder: Path) -> None:
    options = ServeOptions(shop_folder, hosts=frozenset({"127.0.0.1"}))
    _, secret = ApiKeys(options.keys).create(scopes=["read", "search"])
    client = TestClient(create_app(options), client=("127.0.0.1", 5))
    proxied = {"host": "shop.example", "x-forwarded-for": "203.0.113.9"}
    assert client.get("/v1/facets", headers=proxied).status_code == 401
    assert client.get("/v1/facets", headers={**proxied, "authorization": f"Bearer {secret}"}).status_code == 200
    assert client.get("/metrics", headers={"host": "127.0.0.1"}).status_code == 200
    for headers in (proxied, {"host": "evil.example"}, {"host": "127.0.0.1", "via": "1.1 a"}):
        assert client.get("/metrics", headers=headers).status_code == 401
    for tenant, status in (("", 200), ("one", 403)):
        _, secret = ApiKeys(options.keys).create(scopes=["read"], tenant=tenant)
        answer = client.get("/metrics", headers={**proxied, "authorization": f"Bearer {secret}"})
        assert answer.status_code == status
        assert str(shop_folder.parent) not in answer.text


@pytest.mark.parametrize("path", [*EVERY, "/v1/products/NONE", "/v1/search", "/none", "/studio/app.js"])
def test_head_answers_as_get_without_the_body(client: TestClient, path: str) -> None:
    get, head = client.get(path), client.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    told = {name: value for name, value in get.headers.items() if name != "content-length" or path != "/metrics"}
    assert {name: head.headers.get(name) for name in told} == told


def test_head_is_counted_by_its_route(client: TestClient) -> None:
    client.head("/v1/products/NONE")
    assert 'route="/v1/products/{sku:path}",status="404"' in client.get("/metrics").text
    assert "HEAD" in client.delete("/v1/facets").headers["allow"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/products?limit=3", 200),
        ("/v1/products?limits=3", 400),
        ("/v1/facets?a", 400),
        ("/healthz?x=1", 400),
        ("/v1/jobs?limit=1", 400),
        ("/?utm_source=mail", 200),
    ],
)
def test_unknown_query_parameters_are_refused(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert status == 200 or "query parameter" in answer.json()["detail"]


def test_fields_of_a_route_may_be_query_parameters(client: TestClient) -> None:
    assert client.post("/v1/search?k=1", json={"text": "dress"}).status_code == 200
    assert client.post("/v1/search?kk=1", json={"text": "dress"}).status_code == 400
    assert client.put("/v1/products/A?title=a", json={}).status_code == 400


# What answers tell


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("no path at all", "no path at all"),
        ("see GET /v1/jobs, or /docs", "see GET /v1/jobs, or /docs"),
        ("https://shop.example/home/a.jpg", "https://shop.example/home/a.jpg"),
        ("/tmp/x/shop.uploads/12/feed/a.csv: line 3", "a.csv: line 3"),
        ("'/var/lib/catalens/shop/catalog.db' is damaged", "'catalog.db' is damaged"),
        ("in /usr/lib/python3, twice", "in ..., twice"),
        ("/my shop/of mine/shop.uploads/a.csv", "a.csv"),
        ("/my shop/of mine", "..."),
    ],
)
def test_paths_are_not_told(text: str, expected: str) -> None:
    assert without_paths(text, roots=["/my shop/of mine"]) == expected


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"\xff\xfe\x00\x01"),
        ("a.csv", b"nothing,of,use\n1,2,3\n"),
        ("a.xml", b"<rss><channel><item><unclosed"),
        ("a.jsonl", b'{"sku": '),
        ("a.csv", b"sku,title,image\nA,t,/etc/passwd\nB,t,../../x.jpg\nC,t,gone.jpg\n"),
        ("a.zip", None),
    ],
)
def test_a_broken_feed_tells_no_path(client: TestClient, shop_folder: Path, name: str, data: bytes | None) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("photos/a.jpg", b"no picture")
    sent = client.post("/v1/feeds", files={"feed": (name, packed.getvalue() if data is None else data)})
    told = [sent.text]
    if sent.status_code == 202:
        id = sent.json()["id"]
        while client.get(f"/v1/jobs/{id}").json()["state"] in ("waiting", "running"):
            continue
        told += [client.get(path).text for path in (f"/v1/jobs/{id}", f"/v1/jobs/{id}/items", "/v1/jobs")]
    assert str(shop_folder.parent) not in "".join(told)
    assert ".uploads" not in "".join(told)


def test_only_a_full_disk_is_full() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT):
        assert isinstance(StorageError.of(OSError(number, "x"), "a", cure="b"), StorageFullError)
    for number in (errno.EACCES, errno.EIO, errno.EROFS):
        assert not isinstance(StorageError.of(OSError(number, "x"), "a", cure="b"), StorageFullError)


def test_keys_that_cannot_be_read_are_no_full_disk(shop_folder: Path) -> None:
    options = ServeOptions(shop_folder)
    options.keys.write_text("no keys", "utf-8")
    client = TestClient(create_app(options))
    for answer in (client.get("/v1/facets"), client.put("/v1/products/A", json={})):
        assert (answer.status_code, answer.json()["type"]) == (503, TYPES + "storage-unavailable")
        assert str(shop_folder.parent) not in answer.text
