"""Dumps of other search engines: documents become products, vectors of a known encoder come along, checked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import FeedError, ModelError, UsageError
from catalens.feeds.base import Options
from catalens.feeds.engines import ENGINES, open_dump, settings_notes
from catalens.images.remote import fetch_image_bytes
from catalens.types import Failure, Product
from tests.fakes import FakeEncoder

DIM = FakeEncoder().dim
ONES = [2.0] * DIM


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a folder of pictures on this machine, which may be fetched in the test."""
    folder = tmp_path / "cdn"
    folder.mkdir()
    for number in range(3):
        image = np.full((40, 40, 3), (200, 60 * number, 30), np.uint8)
        image[10:30, 10:30] = 250
        Image.fromarray(image).save(folder / f"{number}.png")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    open_to_all = partial(fetch_image_bytes, is_allowed=lambda _: True)
    monkeypatch.setattr("catalens.storage.pictures.fetch_image_bytes", open_to_all)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def documents(engine: str, at: str) -> list[dict[str, object]]:
    """Two products as an engine answers with them."""
    first = {"title": "Red bag", "image_url": f"{at}/0.png", "price": 19.5, "color": "red"}
    second = {"title": "Green bag", "image_url": f"{at}/1.png", "price": 29.5}
    if engine == "marqo":
        return [
            {"_id": "a", "_found": True, **first, "_tensor_facets": [{"image_url": f"{at}/0.png", "_embedding": ONES}]},
            {"_id": "b", "_found": True, **second, "_tensor_facets": []},
        ]
    if engine == "qdrant":
        return [{"id": "a", "payload": first, "vector": ONES}, {"id": "b", "payload": second, "vector": None}]
    return [{"id": "a", **first, "embedding": ONES}, {"id": "b", **second}]


def answers(engine: str, found: list[dict[str, object]]) -> dict[str, str]:
    """The dumps that a shop may have of them: the engine's answer, an array, a document a line."""
    whole = {
        "marqo": {"results": found},
        "qdrant": {"result": {"points": found, "next_page_offset": None}, "status": "ok", "time": 0.01},
        "typesense": {"found": len(found), "hits": [{"document": one, "text_match": 1} for one in found]},
    }[engine]
    return {
        "answer": json.dumps(whole),
        "array": json.dumps(found),
        "lines": "\n".join(map(json.dumps, found)),
        "answers": "\n".join(json.dumps(whole) for _ in range(1)),
    }


def dumped(folder: Path, text: str) -> Path:
    path = folder / "dump.json"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("shape", ["answer", "array", "lines", "answers"])
@pytest.mark.parametrize("engine", ENGINES)
def test_documents_become_products(engine: str, shape: str, tmp_path: Path) -> None:
    found = documents(engine, "https://cdn.example")
    dump = open_dump(dumped(tmp_path, answers(engine, found)[shape]), engine, options=Options(), dim=DIM)
    products = list(dump.items)
    assert all(isinstance(one, Product) for one in products), products
    assert [(one.sku, one.title) for one in products if isinstance(one, Product)] == [
        ("a", "Red bag"),
        ("b", "Green bag"),
    ]
    first = products[0]
    assert isinstance(first, Product)
    assert {name: first.attributes.get(name) for name in ("price", "color")} == {"price": 19.5, "color": "red"}
    assert not [name for name in first.attributes if name.startswith("_") or name in {"embedding", "vector", "found"}]
    assert [one.location for one in first.pictures] == ["https://cdn.example/0.png"]
    assert dump.vectors["a"].tolist() == ONES
    assert set(dump.vectors) == {"a"}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_dump_without_documents_has_none(engine: str, tmp_path: Path) -> None:
    assert list(open_dump(dumped(tmp_path, "[]"), engine, options=Options()).items) == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", ["[1, null]", '[[["a"]]]', '{"results": 5}', '{"points": [3]}', "{\n"])
def test_what_is_no_document_is_named(engine: str, text: str, tmp_path: Path) -> None:
    found = list(open_dump(dumped(tmp_path, text), engine, options=Options()).items)
    assert all(isinstance(one, Failure) for one in found)
    assert found


def test_other_files_and_engines_are_refused(tmp_path: Path) -> None:
    path = dumped(tmp_path, "\0binary snapshot")
    with pytest.raises(FeedError, match="Scroll the points"):
        open_dump(path, "qdrant", options=Options())
    with pytest.raises(UsageError, match="csv-of-urls"):
        open_dump(path, "milvus", options=Options())


@pytest.mark.parametrize(
    ("vector", "kept"),
    [
        (ONES, True), ({"image": ONES}, True), ({"image": ONES, "text": ONES}, False),
        ({"image": {"indices": [1], "values": [1.0]}}, False), ([[1.0, 2.0], [3.0, 4.0]], False), ([1.0, "x"], False),
        ([], False), ("abc", False), ([1e400, 1.0], False),
    ],
    ids=["plain", "named", "several", "sparse", "many", "text", "empty", "no list", "infinite"],
)  # fmt: skip
def test_which_vectors_are_taken(vector: object, kept: bool, tmp_path: Path) -> None:
    text = json.dumps([{"id": 7, "payload": {"title": "x"}, "vector": vector}])
    dump = open_dump(dumped(tmp_path, text), "qdrant", options=Options(), dim=DIM)
    assert [one.sku for one in dump.items if isinstance(one, Product)] == ["7"]
    assert ("7" in dump.vectors) == kept
    chosen = open_dump(dumped(tmp_path, text), "qdrant", options=Options(), dim=DIM, vector="image")
    list(chosen.items)
    assert ("7" in chosen.vectors) == (isinstance(vector, dict) and isinstance(vector["image"], list))


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        ([float("nan")] * DIM, "not finite"), ([1e400, *ONES[1:]], "not finite"), ([1e308] * DIM, "too large"),
        ([10**400] * DIM, "too large"), ([0.0] * DIM, "no direction"), ([1e-320] * DIM, "no direction"),
        (ONES[1:], f"has {DIM - 1} numbers"), ([*ONES, 1.0], f"has {DIM + 1} numbers"),
        ([1.0] * 100_000, "100000 numbers"),
        (["1.0"] * DIM, "no list"), ([*ONES[1:], "1"], "no list"), ([[1.0]] * DIM, "no list"),
        ([True] * DIM, "no list"),
        ([None] * DIM, "no list"), ([], "has 0 numbers"),
    ],
)  # fmt: skip
def test_a_vector_that_cannot_be_one_costs_its_product_nothing_else(vector: object, why: str, tmp_path: Path) -> None:
    points = [{"id": 7, "payload": {"title": "x"}, "vector": vector}, {"id": 8, "payload": {}, "vector": ONES}]
    dump = open_dump(dumped(tmp_path, json.dumps(points)), "qdrant", options=Options(), dim=DIM)
    found = list(dump.items)
    assert [one.sku for one in found if isinstance(one, Product)] == ["7", "8"]
    (failure,) = [one for one in found if isinstance(one, Failure)]
    assert failure.what == "7"
    assert why in failure.why
    assert set(dump.vectors) == {"8"}


def test_settings_are_named_with_what_stands_for_them() -> None:
    marqo = {
        "model": "Marqo/marqo-fashionSigLIP",
        "annParameters": {"spaceType": "angular"},
        "normalizeEmbeddings": True,
    }
    told = settings_notes(marqo)
    assert any("model" in one and "--vectors" in one for one in told)
    assert any("annParameters" in one and "no counterpart" in one for one in told)
    qdrant = {
        "result": {"config": {"params": {"vectors": {"size": 4, "distance": "Cosine"}}, "hnsw_config": {"m": 16}}}
    }
    assert any("hnsw_config" in one for one in settings_notes(qdrant))
    assert settings_notes([]) == settings_notes({}) == []


def test_vectors_go_in_under_the_name_of_their_encoder(tmp_path: Path, shop_of_pictures: str) -> None:
    found = documents("qdrant", shop_of_pictures)
    dump = open_dump(dumped(tmp_path, json.dumps(found)), "qdrant", options=Options(), dim=DIM)
    products = [one for one in dump.items if isinstance(one, Product)]
    other = FakeEncoder("other@1")
    with catalens.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        report = shop.add(products, fetch=True)
        assert (report.added, report.pictures, report.failed) == (2, 2, ())
        assert shop.bring_vectors(products, dump.vectors, encoder=other) == 1
        assert dump.vectors == {}
        assert shop.bring_vectors(products, {"a": np.ones(DIM, np.float32)}, encoder=other) == 0
        assert shop.info().encoders
    with catalens.open(tmp_path / "shop", encoder=other) as shop:
        assert [one.sku for one in shop.search(np.full((40, 40, 3), 250, np.uint8), k=5)] == ["a"]


@pytest.mark.parametrize("vector", [np.ones(DIM + 1, np.float32), np.zeros(DIM, np.float32)], ids=["longer", "zero"])
def test_a_wrong_vector_is_refused(vector: np.ndarray, tmp_path: Path, shop_of_pictures: str) -> None:
    (first, _) = open_dump(
        dumped(tmp_path, json.dumps(documents("marqo", shop_of_pictures))), "marqo", options=Options()
    ).items
    assert isinstance(first, Product)
    with catalens.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add([first], fetch=True)
        with pytest.raises(ModelError, match="vector of a"):
            shop.bring_vectors([first], {"a": vector}, encoder=FakeEncoder("other@1"))


@pytest.mark.parametrize("words", [("import",), ("catalog", "import")])
def test_the_command_takes_a_dump_in(words: tuple[str, ...], tmp_path: Path, shop_of_pictures: str) -> None:
    path = dumped(tmp_path, json.dumps(documents("typesense", shop_of_pictures)))
    (tmp_path / "schema.json").write_text('{"fields": [], "default_sorting_field": "price"}')
    said = ("-c", str(tmp_path / "shop"), "--fetch", "--settings", str(tmp_path / "schema.json"))
    found = CliRunner().invoke(app, [*words, "typesense", str(path), *said])
    assert found.exit_code == 0, found.output
    assert "2 added" in found.stdout
    assert "default_sorting_field" in found.stderr


def test_a_table_of_addresses(tmp_path: Path, shop_of_pictures: str) -> None:
    path = tmp_path / "urls.csv"
    path.write_text(f"sku,url\nred,{shop_of_pictures}/0.png\ngone,{shop_of_pictures}/9.png\n", "utf-8")
    found = CliRunner().invoke(
        app, ["catalog", "import", "csv-of-urls", str(path), "-c", str(tmp_path / "shop"), "--fetch"]
    )
    assert found.exit_code == 4
    assert "2 added" in found.stdout
    assert "1 pictures embedded" in found.stdout
    assert "9.png" in found.stdout + found.stderr
