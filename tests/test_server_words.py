"""Words over HTTP: what was understood, facets, typeahead, the shop's own words, searches that found nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

from catalens.server.app import create_app
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.options import ServeOptions


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeOptions(shop_folder)), raise_server_exceptions=False) as client:
        yield client


def test_what_was_understood_is_answered(client: TestClient) -> None:
    asked = {"text": "Kleid nicht rot unter 1000", "facets": ["color", "category"], "sort": "price"}
    answer = client.post("/v1/search", json=asked).json()
    assert [(chip["kind"], chip["text"]) for chip in answer["understood"]] == [("not", "rot"), ("price", "unter 1000")]
    assert answer["total"] >= len(answer["matches"]) > 0
    assert {facet["name"] for facet in answer["facets"]} == {"color", "category"}
    assert all("red" not in match["title"].lower() for match in answer["matches"])
    prices = [match["attributes"]["price"] for match in answer["matches"]]
    assert prices == sorted(prices)
    as_written = client.post("/v1/search", json={**asked, "understand": False}).json()
    assert as_written["understood"] == []


@pytest.mark.parametrize(
    "asked",
    [{"text": "dress", "sort": "cheap"}, {"text": "dress", "facets": ["a"] * 21}, {"text": "dress", "floor": "x"}],
)
def test_what_makes_no_sense_is_refused(client: TestClient, asked: dict[str, object]) -> None:
    assert client.post("/v1/search", json=asked).status_code in (400, 422)


@pytest.mark.parametrize(
    "text", ["a" * 10_000, "--", "under", "between 5 and", "not " * 500, "不要" * 500, "under 9" + "9" * 400]
)
def test_nasty_words_are_no_failure_of_ours(client: TestClient, text: str) -> None:
    assert client.post("/v1/search", json={"text": text}).status_code < 500
    assert client.get("/v1/suggest", params={"q": text[:200]}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "%00",
        "re%00d",
        "%ED%A0%80",
        "%FF%FE",
        "%E2%80%AEabc",
        "dre%2A",
        '" OR 1=1 --',
        "NEAR(a b)",
        "{a b}:",
        "^",
        "AND",
    ],
)
def test_nasty_beginnings_complete_nothing_wrong(client: TestClient, query: str) -> None:
    assert client.get(f"/v1/suggest?q={query}").status_code == 200


def test_a_long_beginning_is_refused(client: TestClient) -> None:
    assert client.get("/v1/suggest", params={"q": "a" * 60_000}).status_code == 422


@pytest.mark.parametrize("name", ["synonyms", "rules"])
@pytest.mark.parametrize("content", [b"dress | pi", b"\xff\xfe", b"x" * 2_000_000, None])
def test_a_broken_file_of_the_shop_stops_no_search(
    client: TestClient, shop_folder: Path, name: str, content: bytes | None
) -> None:
    path = shop_folder / f"{name}.txt"
    path.mkdir() if content is None else path.write_bytes(content)
    try:
        answer = client.post("/v1/search", json={"text": "dress"})
        assert answer.status_code == 200
        assert answer.json()["matches"]
        assert any(f"the shop's {name} were not applied" in note for note in answer.json()["notes"])
        assert str(shop_folder) not in answer.text
    finally:
        path.rmdir() if content is None else path.unlink()
    assert not any("not applied" in note for note in client.post("/v1/search", json={"text": "dress"}).json()["notes"])


def test_tenants_have_words_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    keys = ApiKeys(ServeOptions(folder).keys)
    scopes = ["search", "read", "write"]
    headers = {
        tenant: {"Authorization": f"Bearer {keys.create(scopes=scopes, tenant=tenant)[1]}"} for tenant in ("one", "two")
    }
    with TestClient(create_app(ServeOptions(folder)), raise_server_exceptions=False) as client:
        for tenant, title in (("one", "Secret lamp"), ("two", "Plain chair")):
            body = {"title": title}
            answer = client.put(f"/v1/products/{title[:1]}-1", json=body, headers=headers[tenant])
            assert answer.status_code < 300
        assert client.put("/v1/search/synonyms", json={"text": "glow, lamp"}, headers=headers["one"]).status_code == 200
        assert (
            client.put("/v1/search/rules", json={"text": "lamp | pin | S-1"}, headers=headers["one"]).status_code == 200
        )
        client.post("/v1/search", json={"text": "private words"}, headers=headers["one"])
        read = {
            path: client.get(path, headers=headers["two"]).text
            for path in ("/v1/search/synonyms", "/v1/search/rules", "/v1/search/missed", "/v1/suggest?q=sec")
        }
        assert not any(word in text for text in read.values() for word in ("lamp", "Secret", "private", "S-1"))
        assert "Secret" in client.get("/v1/suggest?q=sec", headers=headers["one"]).text


def test_typeahead(client: TestClient) -> None:
    found = client.get("/v1/suggest", params={"q": "dre", "k": 2}).json()
    assert set(found) == {"words", "categories", "products"}
    assert 0 < len(found["products"]) <= 2
    assert client.get("/v1/suggest").status_code == 422
    assert client.get("/v1/suggest", params={"q": ""}).json() == {"words": [], "categories": [], "products": []}


def test_synonyms_and_rules_are_replaced(client: TestClient) -> None:
    assert client.get("/v1/search/synonyms").json() == {"text": ""}
    assert client.put("/v1/search/synonyms", json={"text": "gown, dress\n"}).json() == {"groups": 1}
    assert client.get("/v1/search/synonyms").json() == {"text": "gown, dress\n"}
    sku = client.post("/v1/search", json={"text": "gown"}).json()["matches"][-1]["sku"]
    assert client.put("/v1/search/rules", json={"text": f"gown | pin | {sku}"}).json() == {"rules": 1}
    assert client.post("/v1/search", json={"text": "gown"}).json()["matches"][0]["sku"] == sku
    assert client.get("/v1/search/rules").json()["rules"] == [{"query": "gown", "action": "pin", "target": sku}]
    for path in ("synonyms", "rules"):
        refused = client.put(f"/v1/search/{path}", json={"text": "alone"})
        assert refused.status_code == 400
        assert "line 1" in refused.json()["detail"]


def test_searches_that_found_nothing_are_counted_and_forgotten(client: TestClient) -> None:
    assert client.get("/v1/search/missed").json() == {"searches": []}
    for _ in range(2):
        assert client.post("/v1/search", json={"text": "Submarine under 1"}).json()["matches"] == []
    (missed,) = client.get("/v1/search/missed").json()["searches"]
    assert (missed["text"], missed["count"]) == ("submarine under 1", 2)
    assert client.delete("/v1/search/missed").status_code == 204
    assert client.get("/v1/search/missed").json() == {"searches": []}


def test_who_may_search_may_not_write_words(shop_folder: Path) -> None:
    options = ServeOptions(shop_folder)
    _, secret = ApiKeys(options.keys).create(scopes=["search"])
    with TestClient(create_app(options)) as client:
        key = {"authorization": f"Bearer {secret}"}
        assert client.get("/v1/suggest", params={"q": "d"}, headers=key).status_code == 200
        for path in ("synonyms", "rules"):
            assert client.put(f"/v1/search/{path}", json={"text": ""}, headers=key).status_code == 403
        assert client.get("/v1/search/missed", headers=key).status_code == 403
