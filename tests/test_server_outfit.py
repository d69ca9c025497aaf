"""Outfits and rooms over HTTP: the answers of the library, with addresses of pictures; what is refused."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

import catalens
from catalens.server.app import create_app
from catalens.server.services.options import ServeOptions
from tests.pictures import encoded

RED = encoded(np.full((40, 60, 3), (200, 20, 20), np.uint8), "PNG")
DATA_URL = f"data:image/png;base64,{base64.b64encode(RED).decode()}"


@pytest.fixture(scope="module")
def client(built_shop: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeOptions(built_shop)), raise_server_exceptions=False) as client:
        yield client


def test_outfits_are_those_of_the_library(client: TestClient, built_shop: Path) -> None:
    with catalens.Catalog.open(built_shop, readonly=True) as shop:
        sku = next(one.sku for one in shop.products() if one.attributes["type"] in ("shirt", "t-shirt", "sweater"))
        wished = {"k": 2, "budget": 400, "wishes": ["work"], "colors": "neutral"}
        said = shop.outfits(sku, k=2, budget=400, wishes=["work"], colors="neutral", like=[sku])
    answer = client.post("/v1/outfit", json={"sku": sku, **wished, "like": [sku]}).json()
    assert [[item["name"] for item in one["items"]] for one in answer["outfits"]] == [
        [item.name for item in one.items] for one in said
    ]
    assert answer["notes"] == list(said.notes)
    item = answer["outfits"][0]["items"][0]
    assert "picture" not in item
    assert client.get(item["image"]).status_code == 200
    mine = client.post("/v1/outfit", json={"sku": sku, "own": [DATA_URL]})
    assert mine.status_code == 200, mine.text


def test_a_room(client: TestClient) -> None:
    answer = client.post("/v1/room", json={"image": DATA_URL, "kinds": ["lamp", "vase", "chair"], "k": 1})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["palette"][0]["name"] == "red"
    assert found["things"] == []
    assert found["notes"][0].startswith("no known furniture")
    assert all("image" in one and "picture" not in one for goods in found["goods"].values() for one in goods)


@pytest.mark.parametrize(
    ("route", "fields", "status"),
    [
        ("outfit", {}, 400), ("outfit", {"sku": "none"}, 404), ("outfit", {"sku": "none", "colors": "loud"}, 400),
        ("outfit", {"sku": "none", "kinds": ["sofa"]}, 400), ("outfit", {"sku": "x", "own": "photo"}, 400),
        ("outfit", {"sku": "x", "own": ["file:///etc/passwd"]}, 400),
        ("outfit", {"sku": "x", "own": [DATA_URL] * 25}, 400),
        ("outfit", {"image": DATA_URL, "like": ["none"]}, 404), ("outfit", {"image": DATA_URL, "k": 0}, 400),
        ("room", {}, 400), ("room", {"image": DATA_URL, "kinds": ["shoes"]}, 400),
        ("room", {"image": DATA_URL, "budget": 0}, 400), ("room", {"image": DATA_URL, "style": "wood"}, 400),
    ],
)  # fmt: skip
def test_what_is_refused(client: TestClient, route: str, fields: dict[str, object], status: int) -> None:
    answer = client.post(f"/v1/{route}", json=fields)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
