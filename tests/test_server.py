"""The service: the same answers as the library's, every failure a problem with its cure, keys that hold."""

from __future__ import annotations

import asyncio
import base64
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

import catalens
from catalens.cli.main import app as commands
from catalens.errors import NotFoundError, StorageError, UsageError
from catalens.models.zoo import DEFAULT_ENCODER, WEIGHTS
from catalens.server.app import create_app
from catalens.server.http.problems import TYPES, RefusedError
from catalens.server.middleware.concurrency import ConcurrencyLimiter
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.options import ServeOptions


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    app = create_app(ServeOptions(shop_folder, max_body=2**20))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def photo(export: Path) -> bytes:
    return min((export / "queries").glob("*.jpg")).read_bytes()


def data_url(photo: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo).decode()


def test_it_is_alive_ready_and_counts(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["products"] == 40
    assert 'catalens_requests_total{route="/healthz",status="200"} 1.0' in client.get("/metrics").text
    assert "/v1/search" in client.get("/openapi.json").json()["paths"]


def test_without_a_catalog_it_is_not_ready(tmp_path: Path) -> None:
    client = TestClient(create_app(ServeOptions(tmp_path / "none")))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["type"] == TYPES + "not-ready"
    assert client.post("/v1/search", json={"text": "dress"}).status_code == 404


@pytest.mark.parametrize("way", ["multipart", "json", "body"])
def test_a_photo_finds_what_the_library_finds(client: TestClient, shop_folder: Path, photo: bytes, way: str) -> None:
    if way == "multipart":
        response = client.post("/v1/search", files={"image": ("a.jpg", photo, "image/jpeg")}, data={"k": "3"})
    elif way == "json":
        response = client.post("/v1/search", json={"image": data_url(photo), "k": 3})
    else:
        response = client.post("/v1/search?k=3", content=photo, headers={"content-type": "image/jpeg"})
    assert response.status_code == 200, response.text
    with catalens.Catalog.open(shop_folder, readonly=True) as shop:
        expected = shop.search(image=photo, k=3)
    found = response.json()["matches"]
    assert [one["sku"] for one in found] == [one.sku for one in expected]
    assert found[0]["score"] == pytest.approx(expected[0].score)
    assert str(shop_folder.parent) not in response.text  # no path of the machine


def test_words_filters_and_pages(client: TestClient) -> None:
    first = client.post("/v1/search", json={"text": "dress", "k": 2}).json()["matches"]
    both = client.post("/v1/search", json={"text": "dress", "k": 2, "offset": 1}).json()["matches"]
    assert [one["sku"] for one in both][:1] == [one["sku"] for one in first][1:]
    cheap = client.post("/v1/search", json={"text": "shirt", "where": "price<50", "k": 40}).json()["matches"]
    assert all(float(one["attributes"]["price"]) < 50 for one in cheap)


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/v1/search", {}, 400, "bad-request"),
        ("/v1/search", {"text": "x", "k": 0}, 400, "bad-request"),
        ("/v1/search", {"text": "x", "k": 1e9}, 400, "bad-request"),
        ("/v1/search", {"text": "x", "k": True}, 400, "bad-request"),
        ("/v1/search", {"text": 5}, 400, "bad-request"),
        ("/v1/search", {"txt": "x"}, 400, "bad-request"),
        ("/v1/search", {"text": "x", "where": "price <"}, 400, "bad-filter"),
        ("/v1/search", {"like": ["nothing-like-it"]}, 404, "not-found"),
        ("/v1/search", {"image": "http://127.0.0.1/a.jpg"}, 400, "bad-request"),
        ("/v1/search", {"image": "data:image/png;base64,####"}, 400, "bad-request"),
        ("/v1/search", {"image": "data:image/png;base64,AAAA"}, 422, "image-unreadable"),
        ("/v1/detect", {}, 400, "bad-request"),
        ("/v1/detect", {"image": "data:,", "min_score": 2}, 400, "bad-request"),
        ("/v1/cutout", {"shadow": "long"}, 400, "bad-request"),
        ("/v1/check", {"rules": "/etc/passwd"}, 400, "bad-request"),
        ("/v1/enhance", {"format": "gif"}, 400, "bad-request"),
        ("/v1/embeddings", {}, 422, "bad-fields"),
        ("/v1/embeddings", {"input": []}, 422, "bad-fields"),
        ("/v1/embeddings", {"input": "x", "extra": 1}, 422, "bad-fields"),
        ("/v1/embeddings", {"input": "x", "model": "gpt"}, 404, "not-found"),
        ("/v1/embeddings", {"input": "x", "model": "m" * 5000}, 404, "not-found"),
        ("/v1/embeddings", {"input": "x", "model": str(WEIGHTS / DEFAULT_ENCODER)}, 404, "not-found"),
        ("/v1/nothing", {}, 404, "no-such-route"),
        ("/healthz", {}, 405, "wrong-method"),
    ],
)
def test_what_is_wrong_is_a_problem(client: TestClient, path: str, body: object, status: int, kind: str) -> None:
    response = client.post(path, json=body)
    assert (response.status_code, response.json().get("type")) == (status, TYPES + kind), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"text", "text/plain", 415),
        (b"--x", "multipart/form-data; boundary=x", 400),
        (b"no picture", "image/jpeg", 422),
        (b"x" * (2**20 + 1), "image/jpeg", 413),
    ],
)
def test_bodies_that_are_none(client: TestClient, content: bytes, kind: str, status: int) -> None:
    response = client.post("/v1/search", content=content, headers={"content-type": kind})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_is_counted_while_it_arrives(client: TestClient) -> None:
    def pieces() -> object:
        for _ in range(40):
            yield b"x" * 2**16

    response = client.post("/v1/search", content=pieces(), headers={"content-type": "image/jpeg"})  # type: ignore[arg-type]
    assert response.status_code == 413


def test_embeddings_have_the_usual_shape(client: TestClient, photo: bytes) -> None:
    asked = ["red dress", data_url(photo)]
    floats = client.post("/v1/embeddings", json={"input": asked}).json()
    packed = client.post("/v1/embeddings", json={"input": asked, "encoding_format": "base64"}).json()
    for row, other in zip(floats["data"], packed["data"], strict=True):
        vector = np.array(row["embedding"], np.float32)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)
        np.testing.assert_allclose(np.frombuffer(base64.b64decode(other["embedding"]), "<f4"), vector, atol=1e-6)
    assert floats["data"][1]["index"] == 1
    assert client.post("/v1/embeddings", json={"input": "a"}).json()["object"] == "list"


def test_pictures_are_classified_checked_and_enhanced(client: TestClient, photo: bytes) -> None:
    said = client.post("/v1/classify", json={"image": data_url(photo), "labels": ["dress", "shoes"]}).json()
    assert {one["name"] for one in said["labels"]} == {"dress", "shoes"}
    findings = client.post("/v1/check", json={"image": data_url(photo), "rules": ["amazon"]}).json()["findings"]
    assert "smallest" in {one["rule"] for one in findings}
    told = client.post("/v1/check", json={"image": data_url(photo), "category": "Furniture"}).json()["findings"]
    assert "smallest, worn" not in {one["rule"] for one in told}
    better = client.post("/v1/enhance", files={"image": photo})
    assert catalens.read_image(better.content).shape == catalens.read_image(photo).shape
    assert client.get("/v1/models").json()["data"]


def test_a_product_is_shown_in_other_colors(client: TestClient, photo: bytes) -> None:
    asked = {"image": data_url(photo), "colors": ["navy", "#abc"], "swatch": data_url(photo), "format": "jpeg"}
    pictures = client.post("/v1/recolor", json=asked).json()["pictures"]
    assert [one["color"] for one in pictures] == ["navy", "#abc", "swatch"]
    for one in pictures:
        assert one["image"].startswith("data:image/jpeg;base64,")
        picture = base64.b64decode(one["image"].partition(",")[2])
        assert catalens.read_image(picture).shape == catalens.read_image(photo).shape
    for wrong in ({}, {"colors": ["no such"]}, {"colors": ["red"] * 13}, {"colors": 7}):
        assert client.post("/v1/recolor", json={"image": data_url(photo), **wrong}).status_code == 400


@pytest.mark.parametrize("labels", ["", " , ", [], [" "], "dress"])
def test_too_few_labels_are_refused_as_elsewhere(client: TestClient, photo: bytes, labels: str | list[str]) -> None:
    answer = client.post("/v1/classify", json={"image": data_url(photo), "labels": labels})
    assert answer.status_code == 400
    assert "at least two different labels" in answer.text
    assert client.post("/v1/classify", files={"image": photo}, data={"labels": ""}).status_code == 400
    assert client.post("/v1/classify", files={"image": photo}).status_code == 200  # common kinds of goods


def test_products_come_and_go(client: TestClient) -> None:
    page = client.get("/v1/products?limit=30").json()
    rest = client.get("/v1/products", params={"limit": 30, "after": page["next"]}).json()
    assert len(page["products"]) + len(rest["products"]) == 40
    assert rest["next"] is None
    made = client.put("/v1/products/NEW-1", json={"title": "A turquoise umbrella", "attributes": {"price": 12}})
    assert made.json()["added"] == 1
    assert client.get("/v1/products/NEW-1").json()["title"] == "A turquoise umbrella"
    found = client.post("/v1/search", json={"text": "turquoise umbrella", "k": 1}).json()["matches"]
    assert found[0]["sku"] == "NEW-1"
    assert client.delete("/v1/products/NEW-1").status_code == 204
    assert client.get("/v1/products/NEW-1").status_code == 404
    assert client.delete("/v1/products/NEW-1").status_code == 404
    assert client.put("/v1/products/NEW-2", json={"titel": "x"}).status_code == 422


def test_keys_are_shown_once_and_end(tmp_path: Path) -> None:
    keys = ApiKeys(tmp_path / "keys.json")
    assert keys.all() == ()
    key, secret = keys.create(scopes=["search"])
    assert secret not in (tmp_path / "keys.json").read_text()
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    assert ApiKeys(tmp_path / "keys.json").find(secret) == key
    assert keys.find(secret + "x") is None
    keys.revoke(key.id)
    assert ApiKeys(tmp_path / "keys.json").find(secret) is None
    with pytest.raises(NotFoundError):
        keys.revoke("nobody")
    with pytest.raises(UsageError):
        keys.create(scopes=["everything"])
    with pytest.raises(UsageError):
        keys.create(scopes=["read"], tenant="../other")
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(StorageError, match="holds no keys"):
        ApiKeys(tmp_path / "keys.json").all()


def test_a_key_opens_what_it_is_for(shop_folder: Path) -> None:
    options = ServeOptions(shop_folder)
    keys = ApiKeys(options.keys)
    _, search = keys.create(scopes=["search"])
    ended, revoked = keys.create(scopes=["search", "read"])
    _, bound = keys.create(scopes=["search"], origins=["https://shop.example"])
    _, slow = keys.create(scopes=["search"], per_second=0.1)
    keys.revoke(ended.id)
    client = TestClient(create_app(options))

    def status(secret: str | None, path: str = "/v1/search", **headers: str) -> int:
        head = {"authorization": f"Bearer {secret}"} if secret else {}
        if path == "/v1/search":
            return client.post(path, json={"text": "dress"}, headers={**head, **headers}).status_code
        return client.get(path, headers=head).status_code

    assert status(None) == status("ck_wrong") == status(revoked) == 401
    assert status(search) == 200
    assert status(search, "/v1/products") == 403
    assert status(bound) == 403
    assert status(bound, origin="https://shop.example") == 200
    assert [status(slow), status(slow)] == [200, 429]


def test_a_tenant_sees_its_own_catalog_alone(shop_folder: Path) -> None:
    options = ServeOptions(shop_folder)
    other = options.folder_of("acme")
    other.parent.mkdir()
    shutil.copytree(shop_folder, other)
    with catalens.open(other) as shop:
        shop.remove(*[product.sku for product in shop.products()][:39])
        (left,) = [product.sku for product in shop.products()]
    keys = ApiKeys(options.keys)
    _, acme = keys.create(scopes=["search", "read"], tenant="acme")
    _, mine = keys.create(scopes=["search", "read"])
    client = TestClient(create_app(options))
    for secret, count in ((acme, 1), (mine, 40)):
        head = {"authorization": f"Bearer {secret}", "x-tenant": "acme"}
        assert client.get("/v1/products?tenant=acme", headers=head).status_code == 400
        found = client.get("/v1/products?limit=200", headers=head).json()["products"]
        assert len(found) == count
    found = client.post(
        "/v1/search", json={"text": "dress shirt", "k": 50}, headers={"authorization": f"Bearer {acme}"}
    )
    assert {one["sku"] for one in found.json()["matches"]} <= {left}


def test_a_gate_runs_a_few_keeps_some_waiting_and_turns_the_rest_away() -> None:
    async def crowd() -> list[str]:
        gate = ConcurrencyLimiter("test", running=1, waiting=2, deadline_s=5)
        go = threading.Event()

        async def one() -> str:
            try:
                return "done" if await gate.run(lambda: go.wait(5)) else "late"
            except RefusedError as refusal:
                return f"{refusal.status}, again in {refusal.headers['Retry-After']}"

        calls = [asyncio.create_task(one()) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert gate.queued == 2
        go.set()
        found = await asyncio.gather(*calls)
        gate.close()
        return found

    assert sorted(asyncio.run(crowd())) == ["429, again in 1"] * 2 + ["done"] * 3


def test_who_waits_too_long_is_dropped_before_any_work() -> None:
    worked = []

    async def crowd() -> None:
        gate = ConcurrencyLimiter("test", running=1, waiting=2, deadline_s=0.05)
        go = threading.Event()
        first = asyncio.create_task(gate.run(lambda: go.wait(5)))
        await asyncio.sleep(0.01)
        with pytest.raises(RefusedError, match="no turn"):
            await gate.run(lambda: worked.append(1))
        go.set()
        await first
        await gate.run(lambda: worked.append(2))
        gate.close()

    asyncio.run(crowd())
    assert worked == [2]


def test_beyond_this_machine_only_with_keys(shop_folder: Path) -> None:
    run = CliRunner().invoke
    result = run(commands, ["serve", "--catalog", str(shop_folder), "--host", "0.0.0.0"])
    assert isinstance(result.exception, UsageError)
    made = run(commands, ["keys", "create", "--catalog", str(shop_folder), "--rate", "5/s"])
    assert made.stdout.startswith("ck_")
    listed = run(commands, ["keys", "list", "--catalog", str(shop_folder)]).stdout
    assert "search,read" in listed
    assert run(commands, ["keys", "revoke", listed.split()[0], "--catalog", str(shop_folder)]).exit_code == 0
    assert "revoked" in run(commands, ["keys", "list", "--catalog", str(shop_folder)]).stdout
