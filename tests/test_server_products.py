"""Products over HTTP: what a change does not name stays, and nobody overwrites what somebody else has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

from catalens.server.app import create_app
from catalens.server.http.problems import TYPES
from catalens.server.services.options import ServeOptions

WHOLE = {"title": "Dress", "description": "Long", "attributes": {"color": "red", "size": ["S", "M"], "price": 5.0}}


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeOptions(shop_folder)), raise_server_exceptions=False) as client:
        assert client.put("/v1/products/P-1", json=WHOLE).status_code == 200
        yield client


def fields(client: TestClient, sku: str = "P-1") -> dict[str, Any]:
    found = client.get(f"/v1/products/{sku}").json()
    return {name: found[name] for name in ("title", "description", "attributes")}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"title": "Skirt"}, {"title": "Skirt"}),
        ({"title": None}, {"title": ""}),
        ({"description": ""}, {"description": ""}),
        ({"attributes": {}}, {}),
        ({"attributes": {"color": "blue"}}, {"attributes": {**WHOLE["attributes"], "color": "blue"}}),  # type: ignore[dict-item]
        ({"attributes": {"color": None, "none": None}}, {"attributes": {"size": ["S", "M"], "price": 5.0}}),
        ({"attributes": {"size": ["L"]}}, {"attributes": {**WHOLE["attributes"], "size": ["L"]}}),  # type: ignore[dict-item]
    ],
)
def test_a_change_leaves_what_it_does_not_name(
    client: TestClient, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    answer = client.patch("/v1/products/P-1", json=change)
    assert answer.status_code == 200, answer.text
    assert answer.json()["updated"] == bool(expected)
    assert fields(client) == {**WHOLE, **expected}


def test_a_put_replaces(client: TestClient) -> None:
    client.put("/v1/products/P-1", json={"title": "Skirt"})
    assert fields(client) == {"title": "Skirt", "description": "", "attributes": {}}


@pytest.mark.parametrize("change", [{"sku": "P-2"}, {"attributes": None}, {"attributes": {"a": {}}}, {"title": 3}, []])
def test_changes_that_are_refused(client: TestClient, change: object) -> None:
    assert client.patch("/v1/products/P-1", json=change).status_code == 422
    assert fields(client) == WHOLE


def test_a_change_of_nothing_is_not_found(client: TestClient) -> None:
    assert client.patch("/v1/products/NONE", json={"title": "a"}).status_code == 404


def test_nobody_overwrites_what_somebody_else_has_changed(client: TestClient) -> None:
    read = client.get("/v1/products/P-1")
    tag = read.headers["etag"]
    assert tag == f'"{read.json()["version"]}"'
    first = client.patch("/v1/products/P-1", json={"title": "First"}, headers={"if-match": tag})
    assert first.status_code == 200
    assert first.headers["etag"] not in (tag, "")
    assert client.get("/v1/products/P-1").headers["etag"] == first.headers["etag"]
    for answer in (
        client.patch("/v1/products/P-1", json={"title": "Second"}, headers={"if-match": tag}),
        client.put("/v1/products/P-1", json={"title": "Second"}, headers={"if-match": tag}),
        client.delete("/v1/products/P-1", headers={"if-match": tag}),
        client.put("/v1/products/NEW", json={"title": "Second"}, headers={"if-match": "*"}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (412, TYPES + "changed-meanwhile")
    assert fields(client)["title"] == "First"
    assert client.get("/v1/products/NEW").status_code == 404
    both = f"W/{tag}, {tag}, {first.headers['etag']}"
    assert client.put("/v1/products/P-1", json=WHOLE, headers={"if-match": both}).status_code == 200
    assert client.patch("/v1/products/P-1", json={"title": "a"}, headers={"if-match": "*"}).status_code == 200
    last = client.get("/v1/products/P-1").headers["etag"]
    assert client.patch("/v1/products/P-1", json={"title": "b"}, headers={"if-match": f"W/{last}"}).status_code == 412
    assert client.delete("/v1/products/P-1", headers={"if-match": last}).status_code == 204


@pytest.mark.parametrize("header", ["", '""', ",", "none", '"' + "a" * 900 + '"'])
def test_odd_tags_match_nothing(client: TestClient, header: str) -> None:
    assert client.put("/v1/products/P-1", json={}, headers={"if-match": header}).status_code == 412
    assert client.put("/v1/products/NEW", json={}, headers={"if-match": header}).status_code == 412
    assert fields(client) == WHOLE
