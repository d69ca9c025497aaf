"""Search on small catalogs: by photo, words, liked products, filters; and against a plain reading of all vectors."""

from __future__ import annotations

import json
import math
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalens import features
from catalens.catalog import Catalog
from catalens.errors import FilterError, ImageError, NotFoundError, UsageError
from catalens.images.read import read_image
from catalens.models.known_words import DoubtfulWord
from catalens.search.searcher import Searcher
from catalens.search.text import split_words
from catalens.search.weights import DEFAULT_WEIGHTS, PICTURE_PARTS, shares
from catalens.storage.sqlite import SqliteStore as Store
from catalens.storage.sqlite_connections import Connections
from catalens.types import FloatArray, Matches, PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder, make_products, write_photo

FEED = Where("feed.csv")
SHOP = (
    ("dress-1", "Red silk dress", "Long evening dress", {"price": 120.0, "color": "red", "category": "dress"}, 1),
    ("dress-2", "Blue dress", "Short cotton dress for summer", {"price": 40.0, "color": "blue"}, 2),
    ("shoes-1", "Red leather shoes", "Shoes to go with a dress", {"price": 80.0, "color": ["red", "black"]}, 3),
    ("shoes-2", "Sneakers, crème brûlée", "Cotton", {"price": 60.0, "color": "beige"}, 4),
    ("box-1", "Jewelry box", "For 5% off", {"price": 15.0}, 5),
    ("card-1", "Gift card", "No photo of it", {"price": 25.0, "color": "red"}, None),
)


def product(folder: Path, sku: str, title: str, text: str, attributes: dict[str, Any], seed: int | None) -> Product:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()}
    pictures = () if seed is None else (write_photo(folder / f"{sku}.png", seed=seed),)
    return Product(sku, FEED, title, text, values, pictures)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos")


@pytest.fixture(scope="module")
def shop(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Six products; read only."""
    with Catalog.open(tmp_path_factory.mktemp("catalog") / "shop", encoder=FakeEncoder()) as catalog:
        catalog.add([product(photos, *row) for row in SHOP])
        yield catalog


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """120 products with two pictures each, one of them of a variant; read only."""
    folder = tmp_path_factory.mktemp("many")
    with Catalog.open(folder / "catalog", encoder=FakeEncoder()) as catalog:
        catalog.add(make_products(folder / "photos", 120))
        yield catalog


def skus(matches: Matches) -> list[str]:
    return [match.sku for match in matches]


# Nothing there, nothing asked


def test_an_empty_catalog_finds_nothing(tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "photo.png", seed=1).location
    with Catalog.open(tmp_path / "empty", encoder=FakeEncoder()) as catalog:
        assert len(catalog.search(photo)) == 0
        assert len(catalog.search(text="dress")) == 0
        assert len(catalog.search(photo, "dress", where="price < 50")) == 0
        assert len(catalog.search(where="price < 50")) == 0


@pytest.mark.parametrize("asked", [{}, {"text": ""}, {"text": "  "}, {"like": [], "k": 3}])
def test_nothing_asked(shop: Catalog, asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Give a photo, words, liked products or a filter"):
        shop.search(**asked)


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"text": "dress", "k": -1}, UsageError, "from 0 up for k"),
        ({"text": "dress", "k": 2.5}, UsageError, "from 0 up for k"),
        ({"text": "dress", "offset": -1}, UsageError, "from 0 up for offset"),
        ({"text": "dress", "min_score": math.nan}, UsageError, "min_score"),
        ({"text": "dress", "min_score": "high"}, UsageError, "min_score"),
        ({"text": "?!"}, UsageError, "at least one letter"),
        ({"text": 7}, UsageError, "expected words as text"),
        ({"text": "dress", "language": "xx"}, UsageError, "xx"),
        ({"like": "dress-1"}, UsageError, "list of skus"),
        ({"like": ["dress-1", "dress-9"]}, NotFoundError, "dress-9"),
        ({"unlike": ["DRESS-1"]}, NotFoundError, "Did you mean dress-1"),
        ({"text": "dress", "where": "price <"}, FilterError, "column 8"),
        ({"where": 5}, FilterError, "text or a mapping"),
        ({"text": "dress", "weights": {"txt": 1}}, UsageError, "one for 'txt'"),
        ({"text": "dress", "weights": {"text": -1}}, UsageError, "from 0 up"),
        ({"text": "dress", "weights": {"text": math.inf}}, UsageError, "from 0 up"),
        ({"text": "dress", "weights": {"text": 0}}, UsageError, "above 0 for one of text"),
        ({"image": "no-such-photo.jpg"}, NotFoundError, "no-such-photo"),
        ({"image": b"no picture"}, ImageError, r"\w"),
    ],
)
def test_what_cannot_be_asked(shop: Catalog, asked: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        shop.search(**asked)


# Words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("silk", ["dress-1"]),
        ("SILK", ["dress-1"]),
        ("dress", ["dress-1", "dress-2", "shoes-1"]),  # the shoes only in their description
        ("dresses", ["dress-1", "dress-2", "shoes-1"]),
        ("shoe", ["shoes-1", "shoes-2"]),  # the sneakers only by their sku
        ("sneak", ["shoes-2"]),
        ("creme brulee", ["shoes-2"]),
        ("CRÈME", ["shoes-2"]),
        ("cre\u0300me", ["shoes-2"]),
        ("jewelry boxes", ["box-1"]),
        ("red dress", ["dress-1", "shoes-1", "card-1", "dress-2"]),  # all words first
        ("leather nothing", ["shoes-1"]),
        ("nothing", []),
        ("red red red", ["dress-1", "shoes-1", "card-1"]),
        ("dress-1", ["dress-1", "dress-2", "shoes-1", "card-1", "box-1"]),
        ('5% "off"', ["box-1"]),
    ],
)
def test_words(shop: Catalog, text: str, expected: list[str]) -> None:
    found = skus(shop.search(text=text))
    if len(expected) <= 3 and "red red" not in text:
        assert found == expected
    else:
        assert found[0] == expected[0]
        assert set(found) <= set(expected)


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "dress OR silk",
        "title:dress",
        "dress*",
        "NEAR(a b)",
        "dress AND",
        "-dress",
        "^dress",
        "a" * 5000,
        "{x}",
        "\0",
    ],
)
def test_no_language_of_the_index_leaks(shop: Catalog, text: str) -> None:
    if split_words(text):
        shop.search(text=text)
    else:
        with pytest.raises(UsageError):
            shop.search(text=text)


def test_operators_are_words(shop: Catalog) -> None:
    assert skus(shop.search(text="silk NOT dress", understand=False))[0] == "dress-1"
    assert skus(shop.search(text="price:silk")) == ["dress-1"]


@given(st.text(max_size=40))
@settings(max_examples=150)
def test_any_text_is_searched_or_refused(shop: Catalog, text: str) -> None:
    if split_words(text):
        assert len(shop.search(text=text)) <= 6
    else:
        with pytest.raises(UsageError):
            shop.search(text=text)


def test_scores_of_words_are_as_documented(shop: Catalog) -> None:
    assert shop.search(text="DRESS 1")[0].score == pytest.approx(1.0)  # its sku
    assert shop.search(text="BLUE dress")[0].score == pytest.approx(0.95)  # its title
    one = shop.search(text="dress")
    assert all(0.45 < match.score <= 0.9 for match in one)
    two = shop.search(text="red dress")
    with_both = [match for match in two if match.score > 0.75]
    assert set(skus(Matches(tuple(with_both)))) == {"dress-1", "shoes-1"}
    assert all(0.25 < match.score <= 0.5 for match in two if match not in with_both)
    assert all(match.parts == {"text": match.score} for match in two)


# Photos


def test_a_product_is_found_by_its_own_photo(shop: Catalog, photos: Path) -> None:
    for sku, _, _, _, seed in SHOP:
        if seed is not None:
            matches = shop.search(photos / f"{sku}.png")
            assert matches[0].sku == sku
            assert matches[0].score == pytest.approx(1, abs=1e-5)
            assert matches[0].picture == photos / f"{sku}.png"
            assert len(matches) == 5  # the card has no photo


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "array"])
def test_any_kind_of_photo(shop: Catalog, photos: Path, kind: str) -> None:
    path = photos / "shoes-1.png"
    given: dict[str, Any] = {"path": path, "text": str(path), "bytes": path.read_bytes(), "array": read_image(path)}
    assert shop.search(given[kind])[0].sku == "shoes-1"


def plain_scores(catalog: Catalog, photo: Path, weights: dict[str, float]) -> dict[str, float]:
    """Best score of each product, from all vectors of the store, the plain way."""
    pixels = read_image(photo)
    vectors = {**features.describe(pixels), "deep": FakeEncoder().encode_images([photo])[0]}
    store = Store(catalog.path, readonly=True)
    best: dict[str, float] = {}
    total = sum(weights.values())
    rows = store.fetch_all("SELECT sku, picture_id FROM shown JOIN product ON product.id = product_id")
    stored = {}
    for part in weights:
        space = store.space("deep:fake@000000000000" if part == "deep" else part)
        assert space is not None
        ids, data = store.vectors_of(space.id, {picture for _, picture in rows})
        stored[part] = dict(zip(ids.tolist(), data, strict=True))
    for sku, picture in rows:
        parts = [weight / total * float(vectors[part] @ stored[part][picture]) for part, weight in weights.items()]
        best[sku] = max(best.get(sku, -9.0), sum(parts))
    store.close()
    return best


@pytest.mark.parametrize("weights", [{}, {"color": 5.0}, {"deep": 0.0}, {"deep": 0.0, "texture": 0.0, "shape": 0.0}])
def test_scores_are_what_all_vectors_say(many: Catalog, tmp_path: Path, weights: dict[str, float]) -> None:
    photo = Path(write_photo(tmp_path / "query.png", seed=4711).location)
    counted = {part: weights.get(part, DEFAULT_WEIGHTS[part]) for part in PICTURE_PARTS}
    counted = {part: weight for part, weight in counted.items() if weight > 0}
    expected = plain_scores(many, photo, counted)
    matches = many.search(photo, weights=weights, k=120)
    assert len(matches) == 120
    assert {match.sku: match.score for match in matches} == pytest.approx(expected, abs=1e-5)
    assert [match.score for match in matches] == sorted((match.score for match in matches), reverse=True)
    for match in matches:
        assert match.score == pytest.approx(sum(match.parts.values()), abs=1e-12)
        assert set(match.parts) == set(counted)


def test_grouped_by_product_or_each_picture(many: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "query.png", seed=5).location  # seed 5 is the variant's picture of sku-2
    grouped, each = many.search(photo, k=500), many.search(photo, k=500, group=False)
    assert (grouped[0].sku, grouped[0].variant) == ("sku-2", "sku-2-m")
    assert grouped[0].attributes["size"] == "M"
    assert len(grouped) == 120
    assert len(each) == 240
    assert len(set(skus(grouped))) == 120
    best: dict[str, float] = {}
    for match in each:
        best.setdefault(match.sku, match.score)
    assert best == pytest.approx({match.sku: match.score for match in grouped})


def test_pages_follow_each_other(many: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "query.png", seed=99).location
    whole = skus(many.search(photo, k=50))
    pages = [skus(many.search(photo, k=10, offset=start)) for start in range(0, 50, 10)]
    assert [sku for page in pages for sku in page] == whole
    assert skus(many.search(photo, k=10, offset=115)) == skus(many.search(photo, k=200))[115:]
    assert len(many.search(photo, offset=1000)) == 0
    assert len(many.search(photo, k=0)) == 0
    assert len(many.search(photo, k=10**12)) == 120


def test_min_score(many: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "query.png", seed=0).location
    whole = many.search(photo, k=120)
    floor = whole[5].score
    assert skus(many.search(photo, k=120, min_score=floor)) == skus(whole)[:6]
    assert len(many.search(photo, min_score=1.5)) == 0


# Filters


def test_an_attribute_that_no_product_has_is_named(shop: Catalog, photos: Path) -> None:
    said = ("no product has an attribute 'weight'",)
    for asked in ({}, {"image": photos / "dress-1.png"}, {"text": "dress"}):
        found = shop.search(**asked, where="weight > 5 and price < 50")
        assert (found.items, found.notes) == ((), said)
    assert shop.search(where="not has weight").notes == ()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("price < 50", {"dress-2", "box-1", "card-1"}),
        ({"price": {"lt": 50}}, {"dress-2", "box-1", "card-1"}),
        ("color = red", {"dress-1", "shoes-1", "card-1"}),
        ("color = red and not has category", {"shoes-1", "card-1"}),
        ("price > 1000", set()),
    ],
)
def test_filters(shop: Catalog, photos: Path, where: Any, expected: set[str]) -> None:
    assert shop.search(where=where).notes == ()
    assert skus(shop.search(where=where)) == sorted(expected)
    assert set(skus(shop.search(photos / "dress-1.png", where=where))) == expected - {"card-1"}
    assert set(skus(shop.search(text="dress shoes card box", where=where))) == expected
    for match in shop.search(where=where):
        assert (match.score, match.parts) == (0.0, {})


def test_a_filter_is_applied_before(many: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "query.png", seed=3).location
    allowed = [f"sku-{number}" for number in (7, 50, 119)]
    found = many.search(photo, where=f"price = {10 + 7} or price = {10 + 50} or price = {10 + 119}", k=3)
    assert sorted(skus(found)) == sorted(allowed)
    assert skus(many.search(where="price >= 10", k=3, offset=2)) == sorted(f"sku-{n}" for n in range(120))[2:5]
    assert len(many.search(where="price >= 10", min_score=0.1)) == 0


# Liked and disliked


def test_liked_products_are_left_out_and_pull(shop: Catalog, photos: Path) -> None:
    liked = shop.search(like=["dress-1"])
    by_photo = shop.search(photos / "dress-1.png", weights={"color": 0, "texture": 0, "shape": 0})
    assert skus(liked) == [sku for sku in skus(by_photo) if sku != "dress-1"]
    assert all(set(match.parts) == {"liked"} for match in liked)
    both = shop.search(photos / "dress-1.png", like=["dress-1", "dress-1"])
    assert "dress-1" not in skus(both)


def test_disliked_products_push_away(shop: Catalog, photos: Path) -> None:
    toward = skus(shop.search(like=["dress-1"]))
    away = skus(shop.search(unlike=["dress-1"]))
    assert away[-1] == "dress-1"
    assert away[:-1] == toward[::-1]
    nearest = toward[0]
    pushed = shop.search(like=["dress-1"], unlike=[nearest])
    assert nearest not in skus(pushed)
    before = {match.sku: match.score for match in shop.search(like=["dress-1"])}
    likest = next(sku for sku in skus(shop.search(like=[nearest])) if sku != "dress-1")
    assert {match.sku: match.score for match in pushed}[likest] < before[likest]
    assert nearest not in skus(shop.search(text="dress", unlike=[nearest]))


def test_a_variant_and_a_product_without_photo_can_be_liked(many: Catalog, shop: Catalog) -> None:
    assert skus(many.search(like=["sku-3-m"])) == skus(many.search(like=["sku-3"]))
    assert len(shop.search(like=["card-1"])) == 0
    assert skus(shop.search(text="silk", like=["card-1"])) == ["dress-1"]


# Together


def test_photo_and_words(shop: Catalog, photos: Path) -> None:
    matches = shop.search(photos / "shoes-1.png", "silk dress")
    parts = {match.sku: match.parts for match in matches}
    assert set(parts) == {"dress-1", "dress-2", "shoes-1", "shoes-2", "box-1"}
    assert parts["box-1"]["text"] == 0
    assert parts["dress-1"]["text"] > parts["dress-2"]["text"] > 0
    assert skus(shop.search(photos / "shoes-1.png", "silk dress", weights={"text": 50}))[0] == "dress-1"
    assert skus(shop.search(photos / "shoes-1.png", "silk dress", weights={"text": 0}))[0] == "shoes-1"
    assert "card-1" in skus(shop.search(photos / "shoes-1.png", "gift card"))


def test_what_was_asked_is_said(shop: Catalog, photos: Path) -> None:
    matches = shop.search(
        photos / "dress-1.png", "red", like=["dress-2"], unlike=["box-1"], where={"price": {"lt": 500}}
    )
    assert re.fullmatch(
        r'photo .*dress-1\.png; words "red"; like dress-2; unlike box-1; where price < 500', matches.query
    )
    assert matches.took_ms > 0
    json.dumps(matches.to_dict())


def test_equal_scores_go_by_sku(tmp_path: Path) -> None:
    picture = write_photo(tmp_path / "one.png", seed=1)
    with Catalog.open(tmp_path / "catalog", encoder=FakeEncoder()) as catalog:
        catalog.add([Product(sku, FEED, "Same", pictures=(picture,)) for sku in "dbeac"])
        assert skus(catalog.search(picture.location)) == list("abcde")
        assert skus(catalog.search(text="same", k=3)) == list("abc")


def test_a_picture_that_shows_two_products_passes_for_the_one_that_does(tmp_path: Path) -> None:
    picture = write_photo(tmp_path / "one.png", seed=1)
    with Catalog.open(tmp_path / "catalog", encoder=FakeEncoder()) as catalog:
        catalog.add([Product(sku, FEED, attributes={"kind": sku}, pictures=(picture,)) for sku in ("a", "b")])
        assert skus(catalog.search(picture.location, where="kind = b")) == ["b"]


@pytest.mark.parametrize("asked", [{"text": "thing"}, {"where": "price < 500"}, {"like": ["sku-1"]}])
def test_many_matches_cost_as_many_statements_as_one(
    many: Catalog, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    many.search(**asked)  # an index and the answers of filters are kept from here on
    lent = Counter[str]()
    lend = Connections.reading

    def counted(store: Connections) -> AbstractContextManager[sqlite3.Connection]:
        lent["connections"] += 1
        return lend(store)

    monkeypatch.setattr(Connections, "reading", counted)
    counts = []
    for k in (1, 20):
        lent.clear()
        assert len(many.search(**asked, k=k)) == k
        counts.append(lent["connections"])
    assert counts[0] == counts[1] > 0


# Change, processes, threads


def test_changes_of_another_take_effect_at_once(tmp_path: Path) -> None:
    products = make_products(tmp_path / "photos", 6)
    with (
        Catalog.open(tmp_path / "catalog", encoder=FakeEncoder()) as writer,
        Catalog.open(tmp_path / "catalog", encoder=FakeEncoder(), readonly=True) as reader,
    ):
        photo = tmp_path / "photos" / "4.png"
        writer.add(products[:3])
        assert len(reader.search(photo)) == len(reader.search(where="price < 99")) == 3
        writer.add(products)
        assert reader.search(photo)[0].sku == "sku-4"
        assert len(reader.search(where="price < 99")) == 6
        writer.remove("sku-4", "sku-0")
        assert "sku-4" not in skus(reader.search(photo))
        assert len(reader.search(where="price < 99")) == len(reader.search(text="thing")) == 4
        changed = Product("sku-1", FEED, "Thing 1", attributes={"price": 999.0}, pictures=products[1].pictures)
        writer.add([changed])
        assert len(reader.search(where="price < 99")) == 3


def test_many_threads_search_while_products_come(tmp_path: Path) -> None:
    products = make_products(tmp_path / "photos", 30)
    with Catalog.open(tmp_path / "catalog", encoder=FakeEncoder()) as catalog:
        catalog.add(products[:5])

        def search(number: int) -> str:
            matches = catalog.search(tmp_path / "photos" / f"{number % 5}.png", "thing", where="price < 100")
            return matches[0].sku

        with ThreadPoolExecutor(4) as pool:
            found = pool.map(search, range(40))
            catalog.add(products)
            assert list(found) == [f"sku-{number % 5}" for number in range(40)]


def test_filters_and_likes_load_no_encoder(many: Catalog) -> None:
    def load() -> FakeEncoder:
        raise AssertionError("the encoder was loaded")

    store = Store(many.path, readonly=True)
    searcher = Searcher(store, load)
    assert len(searcher.search(where="price < 50")) == 10
    assert len(searcher.search(like=["sku-1"], where="price < 50")) == 10
    with pytest.raises(AssertionError):
        searcher.search(np.zeros((9, 9, 3), np.uint8))
    store.close()


def test_the_approximate_index_finds_the_same(many: Catalog, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(many.path, tmp_path / "copy"))
    store = Store(folder)
    searcher = Searcher(store, FakeEncoder, exact_below=100)
    for seed in (0, 3, 77):
        photo = write_photo(tmp_path / f"{seed}.png", seed=seed).location
        assert skus(searcher.search(photo)) == skus(many.search(photo))
        assert skus(searcher.search(photo, where="color = red")) == skus(many.search(photo, where="color = red"))
    assert [path.suffix for path in (folder / "index").iterdir()] == [".faiss"]
    store.close()


# Weights


@pytest.mark.parametrize(
    ("weights", "asked", "expected"),
    [
        (None, ["text"], {"text": 1.0}),
        ({}, ["deep", "color", "texture", "shape"], {"deep": 0.7, "color": 0.15, "texture": 0.05, "shape": 0.1}),
        ({"deep": 1, "color": 1, "texture": 0, "shape": 0}, list(PICTURE_PARTS), {"deep": 0.5, "color": 0.5}),
        ({"text": 3, "liked": 1, "deep": 7}, ["text", "liked"], {"text": 0.75, "liked": 0.25}),
    ],
)
def test_shares(weights: dict[str, float] | None, asked: list[str], expected: dict[str, float]) -> None:
    assert shares(weights, asked) == pytest.approx(expected)


def test_a_product_with_many_variants_of_one_picture(tmp_path: Path) -> None:
    picture = write_photo(tmp_path / "one.png", seed=1)
    variants = tuple(
        Variant(f"v{number}", attributes={"size": str(number)}, pictures=(picture,)) for number in range(30)
    )
    with Catalog.open(tmp_path / "catalog", encoder=FakeEncoder()) as catalog:
        catalog.add([Product("a", FEED, pictures=(PictureSource(picture.location, FEED),), variants=variants)])
        assert [(match.sku, match.variant) for match in catalog.search(picture.location)] == [("a", None)]
        assert len(catalog.search(picture.location, group=False, k=100)) == 31


PAINTS = {"red": (220, 20, 20), "green": (20, 160, 40), "blue": (30, 60, 200)}


class Painter(FakeEncoder):
    """An encoder that knows three words: what a wall of that paint looks like."""

    def doubtful_words(self, text: str) -> tuple[DoubtfulWord, ...]:
        return tuple(DoubtfulWord(word) for word in text.split() if word not in PAINTS)

    @property
    def has_text(self) -> bool:
        return True

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        walls = [next((PAINTS[word] for word in text.split() if word in PAINTS), None) for text in texts]
        return np.stack(
            [
                np.zeros(self.dim, np.float32)
                if wall is None
                else self.encode_images([np.full((9, 9, 3), wall, np.uint8)])[0]
                for wall in walls
            ]
        )


@pytest.fixture
def painted(tmp_path: Path) -> Iterator[Catalog]:
    """Three walls without a word (w-1 red, w-2 green, w-3 blue), and a blue one that is called red (w-4)."""
    with Catalog.open(tmp_path / "walls", encoder=Painter()) as catalog:
        for number, paint in enumerate((*PAINTS.values(), PAINTS["blue"]), start=1):
            photo = tmp_path / f"{number}.png"
            Image.fromarray(np.full((20, 20 + number, 3), paint, np.uint8)).save(photo)
            title = "A red wall" if number == 4 else ""
            catalog.add([Product(f"w-{number}", FEED, title, pictures=(PictureSource(str(photo), FEED),))])
        yield catalog


def test_words_find_pictures_without_text(painted: Catalog) -> None:
    found = painted.search(text="green", k=1)[0]
    assert found.sku == "w-2"
    assert found.parts["words"] == pytest.approx(found.score)


def test_what_is_written_counts_more_than_what_is_seen(painted: Catalog) -> None:
    assert skus(painted.search(text="red", k=2)) == ["w-4", "w-1"]
    assert skus(painted.search(text="red", weights={"text": 0}, k=1)) == ["w-1"]
    assert skus(painted.search(text="red", weights={"words": 0})) == ["w-4"]


@pytest.mark.parametrize(
    ("text", "found", "strange"),
    [
        ("qwxyz", [], ["qwxyz"]),
        ("qwxyz asdf", [], ["qwxyz", "asdf"]),
        ("green qwxyz", ["w-2"], ["qwxyz"]),
        ("green wall", ["w-2"], []),  # not taught, and written in a product
        ("green", ["w-2"], []),
    ],
)
def test_words_nobody_knows_are_named_and_the_others_asked_for(
    painted: Catalog, text: str, found: list[str], strange: list[str]
) -> None:
    matches = painted.search(text=text, weights={"text": 0.01, "words": 1}, k=1)
    assert skus(matches) == found
    assert list(matches.notes) == [f'"{word}" is not known' for word in strange]
    assert list(matches[:1].notes) == matches.to_dict()["notes"]


def test_without_an_encoder_of_words_what_is_written_is_known(shop: Catalog) -> None:
    matches = shop.search(text="qwxyz", k=3)
    assert (skus(matches), matches.notes) == ([], ('fake@000000000000 knows no words, and no product has "qwxyz"',))


def test_a_photo_and_words_together(painted: Catalog) -> None:
    photo = np.full((9, 9, 3), PAINTS["blue"], np.uint8)
    found = painted.search(photo, "green", weights={"text": 0, "words": 50}, k=1)[0]
    assert found.sku == "w-2"
    assert set(found.parts) == {*PICTURE_PARTS, "words"}
