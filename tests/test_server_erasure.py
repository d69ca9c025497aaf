"""Erasure over HTTP: the signed picture, uploads, jobs and stored answers are gone, and the receipt is the answer."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

from catalens.server.app import create_app
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.options import ServeOptions
from catalens.storage.audit import read_audit
from catalens.storage.places import Places
from tests.pictures import encoded
from tests.test_erasure import MARK, holding

SKU = f"{MARK}-sku"


@pytest.fixture
def options(tmp_path: Path) -> ServeOptions:
    return ServeOptions(tmp_path / "data" / "shop", hosts=frozenset({"testserver"}))


@pytest.fixture
def client(options: ServeOptions) -> Iterator[TestClient]:
    options.catalog.parent.mkdir()
    with TestClient(create_app(options), raise_server_exceptions=False) as client:
        yield client


def photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return encoded(pixels, "PNG") + MARK.encode()


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("feed.csv", f"sku,title,image\n{SKU},{MARK} title,{MARK}.png\nplain,A chair,chair.png\n")
        out.writestr(f"{MARK}.png", photo(1))
        out.writestr("chair.png", photo(2).removesuffix(MARK.encode()))
    return packed.getvalue()


def send_feed(client: TestClient) -> None:
    id = client.post("/v1/feeds", files={"feed": ("feed.zip", archive())}).json()["id"]
    until = time.monotonic() + 60
    while client.get(f"/v1/jobs/{id}").json()["state"] in ("waiting", "running"):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("erase", [True, False])
def test_a_signed_picture_goes_with_its_product(client: TestClient, erase: bool) -> None:
    send_feed(client)
    address = client.get(f"/v1/products/{SKU}").json()["pictures"][0]["image"]
    other = client.get("/v1/products/plain").json()["pictures"][0]["image"]
    tag = client.get(address).headers["etag"]
    assert client.get(address, headers={"if-none-match": tag}).status_code == 304
    response = client.delete(f"/v1/products/{SKU}", params={"erase": erase})
    assert response.status_code == (200 if erase else 204)
    assert client.get(address).status_code == 404
    assert client.get(address, headers={"if-none-match": tag}).status_code == 404
    assert client.get(other).status_code == 200


def test_nothing_is_left_and_the_receipt_says_so(client: TestClient, options: ServeOptions, tmp_path: Path) -> None:
    send_feed(client)
    client.post(f"/v1/pictures/{SKU}", content=photo(3), headers={"content-type": "image/png"})
    key = {"idempotency-key": "first"}
    assert client.put(f"/v1/products/{SKU}", json={"title": f"{MARK} new"}, headers=key).status_code == 200
    assert len(holding(tmp_path)) >= 4
    response = client.delete(f"/v1/products/{SKU}", params={"erase": True}, headers={"idempotency-key": "second"})
    receipt = response.json()
    assert holding(tmp_path) == []
    assert MARK not in response.text
    assert str(tmp_path) not in response.text
    found = {(trace["place"], trace["what"]) for trace in receipt["traces"]}
    assert {("database", "product"), ("job", "outcomes"), ("upload", "file"), ("answer", "file")} <= found
    assert len([trace for trace in receipt["traces"] if trace["what"] == "picture"]) == 2
    again = client.delete(f"/v1/products/{SKU}", params={"erase": True}, headers={"idempotency-key": "second"})
    assert again.json() == receipt
    assert client.delete(f"/v1/products/{SKU}", params={"erase": True}).status_code == 404
    assert client.get("/v1/products/plain").status_code == 200


@pytest.mark.parametrize("state", ["waiting", "running", "set aside"])
def test_an_open_job_prevents_it_and_one_set_aside_cannot_bring_it_back(
    client: TestClient, options: ServeOptions, state: str
) -> None:
    send_feed(client)
    upload = options.uploads / "ab12" / "feed"
    upload.mkdir(parents=True)
    (upload / "feed.csv").write_text(f"sku,title\n{SKU},{MARK}\n")
    record = {"id": "ab12", "tenant": "", "source": "feed.csv", "digest": "", "state": state, "failed": [], "notes": []}
    (options.places.jobs / "ab12.json").write_text(json.dumps({**record, "ended": time.time()}))
    answer = client.delete(f"/v1/products/{SKU}", params={"erase": True})
    if state == "set aside":
        assert (answer.status_code, holding(options.catalog.parent)) == (200, [])
        answer = client.post("/v1/jobs/ab12/retry")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:catalens:problem:upload-gone")
    else:
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:catalens:problem:jobs-open")
        assert "ab12" in answer.json()["detail"]
        assert client.get(f"/v1/products/{SKU}").status_code == 200


def test_the_receipt_says_what_another_product_keeps(client: TestClient) -> None:
    send_feed(client)
    for sku in (SKU, "plain"):
        client.post(f"/v1/pictures/{sku}", content=photo(3), headers={"content-type": "image/png"})
    receipt = client.delete(f"/v1/products/{SKU}", params={"erase": True}).json()
    assert (receipt["complete"], receipt["pending"], receipt["photos_left"]) == (False, False, 0)
    (kept,) = receipt["kept"]
    pictures = client.get("/v1/products/plain").json()["pictures"]
    assert kept["name"] in {one["hash"] for one in pictures}
    assert all(client.get(one["image"]).status_code == 200 for one in pictures)


def test_the_audit_log_names_the_key(client: TestClient, options: ServeOptions) -> None:
    key, secret = ApiKeys(options.keys).create(scopes=("read", "write"))
    client.headers["authorization"] = f"Bearer {secret}"
    send_feed(client)
    client.put("/v1/products/plain", json={"title": "B"})
    client.delete(f"/v1/products/{SKU}", params={"erase": True})
    lines = list(read_audit(Places(options.catalog).audit))
    assert [line["what"] for line in lines] == ["add", "put", "erase"]
    assert {line["who"] for line in lines} == {key.id}
    assert secret not in Places(options.catalog).audit.read_text()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_what_the_service_writes_is_its_users_own(client: TestClient, options: ServeOptions) -> None:
    ApiKeys(options.keys).create(scopes=("read", "write", "search"))
    client.headers["authorization"] = f"Bearer {ApiKeys(options.keys).create(scopes=('read', 'write'))[1]}"
    send_feed(client)
    client.post(f"/v1/pictures/{SKU}", content=photo(3), headers={"content-type": "image/png"})
    client.put("/v1/products/plain", json={"title": "B"}, headers={"idempotency-key": "first"})
    beside = [path for path in options.catalog.parent.iterdir() if path.name != "shop.uploads"]
    tops = [*beside, *Places(options.catalog).jobs.rglob("*"), *Places(options.catalog).answers.rglob("*")]
    assert {str(path): oct(path.stat().st_mode) for path in tops if path.stat().st_mode & 0o077} == {}


def test_places_of_tenants_are_those_of_the_served_catalog(options: ServeOptions) -> None:
    mine = Places(options.folder_of("one"))
    assert (mine.tenant, mine.served) == ("one", options.catalog)
    assert (mine.uploads, mine.jobs, mine.pictures) == (
        options.uploads,
        options.places.jobs,
        options.pictures_of("one"),
    )
    assert mine.audit.name == "one.audit.jsonl"
    assert json.dumps(str(mine.erasures)).endswith('one.erasures.jsonl"')
