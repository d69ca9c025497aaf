"""What every store promises: one set of tests over SQLite and over plain dictionaries (`tests/memory_store.py`)."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.catalog import Catalog
from catalens.errors import ModelError, NotFoundError, StorageError, UsageError
from catalens.search.filters import read_filter
from catalens.storage.filter_terms import Filter
from catalens.storage.records import cleaned, digest
from catalens.storage.sqlite import SqliteStore
from catalens.storage.store import MOST_FACETS, Candidate, ReadPicture, ShownPicture, Store, Term
from catalens.types import AddReport, Attributes, Facet, PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder, make_products
from tests.memory_store import MemoryStore
from tests.test_filters import FILTERS, NAMES, VALUES

FEED = Where("feed.csv", 2)
KINDS = ("sqlite", "memory")


def new_store(kind: str, folder: Path) -> Store:
    return SqliteStore(folder) if kind == "sqlite" else MemoryStore()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = new_store(request.param, tmp_path / "shop")
    yield made
    made.close()


def picture(name: str, *, dim: int = 3, content: str | None = None, space: str = "color") -> ReadPicture:
    """A picture at /name whose content and vector follow from its name, or from what is said."""
    hash = hashlib.sha256((content or name).encode()).digest()
    vector = np.frombuffer(hash[:dim], np.uint8).astype(np.float32)
    return ReadPicture(PictureSource(f"/{name}", FEED), hash, 10, 20, (4, 5), {space: vector})


def put(store: Store, *products: Product, pictures: Sequence[ReadPicture] = ()) -> dict[str, int]:
    """Write products, shown by those of their pictures that are given; return location -> picture id."""
    with store.writing(), store.change() as writer:
        shown = {one.source.location: writer.write_picture(one) for one in pictures}
        for product in products:
            writer.write_product(cleaned(product), shown)
    return shown


def shown_by(sku: str, *names: str, **more: object) -> Product:
    """A product with pictures /name."""
    return Product(sku, FEED, pictures=tuple(PictureSource(f"/{name}", FEED) for name in names), **more)  # type: ignore[arg-type]


def ids(store: Store, *skus: str) -> list[int]:
    found = store.product_ids(skus)
    return [found[sku] for sku in skus]


def test_an_empty_store(store: Store) -> None:
    counts = store.counts()
    assert (counts.products, counts.variants, counts.pictures, counts.vectors, counts.unread) == (0, 0, 0, 0, 0)
    assert (store.product_count(), store.spaces(), store.space("color"), store.space_sizes()) == (0, (), None, {})
    assert (store.product("a"), store.products_after("", limit=9), store.product_ids(["a"])) == (None, [], {})
    assert (store.skus([1]), store.in_sku_order([1], limit=9, offset=0)) == ({}, [])
    assert (store.shown_pictures("a"), store.picture_file(b"x"), store.picture_ids(["00"])) == ((), None, {})
    assert (store.known_files(["/a"], spaces=["color"]), store.has_vectors(b"x", spaces=["color"])) == ({}, False)
    assert [part.shape for part in store.vectors_after(1, 0)] == [(0,), (0,), (0, 0)]
    assert [part.shape for part in store.vectors_of(1, [1])] == [(0,), (0, 0)]
    assert (store.erased_after(1, 0)[1], store.last_vector(1), store.raw_vectors(1, np.array([1]))) == (0, 0, {})
    assert (store.candidates_of_products([1]), store.candidates_of_vectors([1])) == ([], [])
    assert (store.candidate_of("a"), store.texts([Candidate(1, None, None, 0)])) == (None, {})
    assert store.passing_products(read_filter("not a = 1")).tolist() == []
    assert store.vectors_showing("color", [1]).tolist() == []
    assert (store.known_attributes(["a"]), store.attribute_values("a"), store.facets(most=9)) == (set(), [], ())
    terms = [Term(("silk",)), Term(("dr",), is_prefix=True)]
    assert store.find_words(terms, every=False, product_ids=None, limit=9) == []
    assert (store.indexed_words([1]), store.has_words(terms), store.has_words([])) == ({}, [False, False], [])
    assert (store.word_counts(["silk"]), store.word_counts([]), store.words_from("", limit=9)) == ({}, {}, [])
    assert store.diagnose(repair=False, deep=False, load_encoder=FakeEncoder).healthy


# Products


FULL = Product(
    "ü-1",
    FEED,
    "A title",
    "A description\nof two lines",
    {"price": 9.5, "stock": 3, "new": True, "tags": ("a", "b"), "größe": "L"},
    (PictureSource("/front.jpg", FEED), PictureSource("https://x.example/side.jpg", FEED)),
    (Variant("ü-1-s", "small", {"size": "S"}, (PictureSource("/small.jpg", FEED),)), Variant("ü-1-m")),
)


def test_a_product_comes_back_as_it_went_in(store: Store) -> None:
    put(store, FULL, pictures=[picture("front.jpg")])
    assert store.product("ü-1") == store.product("ü-1-m") == FULL
    counts = store.counts()
    assert (counts.products, counts.variants, counts.pictures, counts.unread) == (1, 2, 1, 2)


def test_writing_again_replaces(store: Store) -> None:
    put(store, FULL)
    after = Product("ü-1", FEED, "new", attributes={"x": 1}, variants=(Variant("ü-1-m", "medium"),))
    put(store, after)
    assert store.product("ü-1") == after
    assert store.product_ids(["ü-1-s"]) == {}
    assert store.known_attributes(["price", "X"]) == {"X"}
    assert store.has_words([Term(("description",)), Term(("medium",))]) == [False, True]


def test_what_was_written_is_told(store: Store) -> None:
    shown = put(store, FULL, pictures=[picture("front.jpg")])
    with store.writing(), store.change() as writer:
        written = writer.written("ü-1")
        assert written is not None
        assert (written.digest, written.shown) == (digest(FULL), shown)
        assert (writer.written("ü-1-s"), writer.written("nope")) == (None, None)
        assert writer.has_picture(shown["/front.jpg"])
        assert not writer.has_picture(10**6)


def test_the_source_of_a_product_and_its_stale_pictures_are_kept(store: Store) -> None:
    put(store, *(Product(sku, FEED) for sku in ("b", "c")))
    with store.writing(), store.change() as writer:
        shown = {one.source.location: writer.write_picture(one) for one in (picture("x"), picture("y"))}
        writer.write_product(cleaned(shown_by("a", "x", "y", "z")), shown, stale={"/x", "/z"}, feed="f")
        writer.note("b", stale=set(), feed="f")
        first, other = writer.written("a"), writer.written("c")
        assert first is not None
        assert other is not None
        assert (first.stale, first.feed, other.stale, other.feed) == (frozenset({"/x"}), "f", frozenset(), "")
        pages = [writer.skus_of_feed("f", after=after, limit=limit) for after, limit in [("", 9), ("", 1), ("a", 9)]]
        assert (pages, writer.skus_of_feed("g", after="", limit=9)) == ([["a", "b"], ["a"], ["b"]], [])
        writer.note("a", stale={"/y"}, feed="g")
    with store.writing(), store.change() as writer:
        found, product = writer.written("a"), writer.product("a")
        assert found is not None
        assert (found.stale, found.feed, dict(found.shown)) == (frozenset({"/y"}), "g", shown)
        assert product == shown_by("a", "x", "y", "z")
        writer.write_product(cleaned(shown_by("a", "x")), shown)
        again = writer.written("a")
        assert again is not None
        assert (again.stale, again.feed) == (frozenset(), "")
        writer.write_product(Product("d", FEED, variants=(Variant("v"),)), {})
        of_variant = writer.product("v")
        assert (None if of_variant is None else of_variant.sku, writer.product("nope")) == ("d", None)


def test_a_variant_moves_to_the_product_that_names_it_last(store: Store) -> None:
    put(store, Product("a", FEED, variants=(Variant("v", attributes={"size": "M"}), Variant("w"))))
    put(store, Product("b", FEED, variants=(Variant("v"),)))
    first, second = store.product("a"), store.product("v")
    assert first is not None
    assert second is not None
    assert ([variant.sku for variant in first.variants], second.sku) == (["w"], "b")
    assert store.known_attributes(["size"]) == set()
    with store.writing(), store.change() as writer:
        written = writer.written("a")
    assert written is not None
    assert written.digest == b""  # counts as changed: its source brings it back


def test_products_in_the_order_of_their_skus(store: Store) -> None:
    put(store, *(Product(sku, FEED) for sku in ("c", "a", "B", "b")))
    assert [one.sku for one in store.products_after("", limit=3)] == ["B", "a", "b"]
    assert [one.sku for one in store.products_after("a", limit=9)] == ["b", "c"]
    every = ids(store, "c", "b", "a", "B")
    assert store.in_sku_order(every, limit=2, offset=1) == ids(store, "a", "b")
    assert store.skus([*every[:2], 10**6]) == dict(zip(every[:2], "cb", strict=True))


@pytest.mark.parametrize("sku", ["'; --", "a\0b", "\N{PILE OF POO}", " a "])
def test_any_sku_is_found(store: Store, sku: str) -> None:
    put(store, Product(sku, FEED), Product("a", FEED))
    found = store.product(sku)
    assert found is not None
    assert found.sku == sku


def test_remove(store: Store) -> None:
    put(store, FULL, Product("b", FEED, "silk"), pictures=[picture("front.jpg")])
    with store.writing(), store.change() as writer:
        assert writer.unknown(["b", "ü-1-s", "nope", "ü-1"]) == ["ü-1-s", "nope"]
        writer.remove(["ü-1"])
    assert (store.product_count(), store.product("ü-1"), store.product("ü-1-s")) == (1, None, None)
    assert (store.known_attributes(["price"]), store.has_words([Term(("title",)), Term(("silk",))])) == (
        set(),
        [False, True],
    )
    assert (store.counts().pictures, store.counts().vectors) == (0, 0)
    assert store.checkpoint()


def test_a_failed_change_leaves_nothing(store: Store) -> None:
    before = store.data_version()

    def fail() -> None:
        with store.writing(), store.change() as writer:
            writer.write_picture(picture("a"))
            writer.write_product(Product("a", FEED), {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (store.product_count(), store.spaces(), store.counts().pictures) == (0, (), 0)
    assert store.data_version() == before


def test_the_data_version_changes_with_each_change(store: Store) -> None:
    seen = [store.data_version()]
    assert store.data_version() == seen[0]
    for sku in "ab":
        put(store, Product(sku, FEED))
        seen.append(store.data_version())
    with store.writing(), store.change() as writer:
        writer.remove(["a"])
    seen.append(store.data_version())
    assert len(set(seen)) == 4


def test_a_store_to_read_refuses_to_write(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "shop").close()
    readers: list[Store] = [SqliteStore(tmp_path / "shop", readonly=True), MemoryStore(readonly=True)]
    for reader in readers:
        with pytest.raises(StorageError, match="read-only"), reader.writing():
            pass
        reader.close()


# Pictures and vectors


def test_a_picture_by_its_content(store: Store) -> None:
    one, fetched = (
        picture("a"),
        ReadPicture(PictureSource("https://x.example/b", FEED), b"b" * 32, 3, 0, (7, 8), {}, b"abc"),
    )
    shown = put(store, shown_by("p", "a"), pictures=[one, fetched])
    assert store.picture_ids([one.hash.hex(), "00" * 32]) == {one.hash.hex(): shown["/a"]}
    file, remote = store.picture_file(one.hash), store.picture_file(b"b" * 32)
    assert file is not None
    assert remote is not None
    assert (file.path, file.data, remote.path, remote.data) == (Path("/a"), None, None, b"abc")


def test_pictures_of_a_product_in_their_order_each_once(store: Store) -> None:
    front, side = picture("front"), picture("side")
    product = shown_by("p", "front", "lost", variants=(Variant("v", pictures=shown_by("", "side", "front").pictures),))
    put(store, product, pictures=[side, front])
    expected = (ShownPicture(front.hash.hex(), None, (4, 5)), ShownPicture(side.hash.hex(), "v", (4, 5)))
    assert store.shown_pictures("p") == store.shown_pictures("v") == expected


def test_vectors_by_space(store: Store) -> None:
    shown = put(store, shown_by("p", "a", "b", "c"), pictures=[picture(name) for name in "abc"])
    with store.writing(), store.change() as writer:
        writer.write_vectors(shown["/a"], {"deep:x": np.ones(5, np.float32), "color": np.zeros(3, np.float32)})
    color, deep = store.space("color"), store.space("deep:x")
    assert color is not None
    assert deep is not None
    assert ((color.dim, deep.dim), store.spaces()) == ((3, 5), (color, deep))
    assert store.space_sizes() == {"color": 3, "deep:x": 1}
    numbers, pictures, data = store.vectors_after(color.id, 0)
    assert (str(numbers.dtype), str(data.dtype)) == ("int64", "float32")
    assert sorted(numbers.tolist()) == numbers.tolist()
    expected = {shown[f"/{name}"]: picture(name).vectors["color"].tolist() for name in "abc"}  # those there stay
    assert dict(zip(pictures.tolist(), data.tolist(), strict=True)) == expected
    assert store.vectors_after(color.id, int(numbers[1]))[0].tolist() == numbers[2:].tolist()
    some, rows = store.vectors_of(color.id, [shown["/c"], shown["/a"], 10**6, shown["/c"]])
    assert some.tolist() == sorted([shown["/a"], shown["/c"]])
    assert rows.tolist() == [expected[number] for number in some.tolist()]
    assert store.last_vector(color.id) == numbers[-1]
    raw = store.raw_vectors(color.id, np.array([numbers[0], 10**6]))
    assert {number: row.tolist() for number, row in raw.items()} == {int(numbers[0]): data[0].tolist()}


def test_another_dimension_is_refused(store: Store) -> None:
    put(store, pictures=[picture("a")])
    with pytest.raises(ModelError, match="3"):
        put(store, pictures=[picture("b", dim=4)])
    assert store.counts().pictures == 1


def test_erased_vectors_are_told_once_and_their_ids_never_come_again(store: Store) -> None:
    shown = put(store, shown_by("p", "a", "b"), shown_by("q", "c"), pictures=[picture(name) for name in "abc"])
    color = store.space("color")
    assert color is not None
    numbers, pictures, _ = store.vectors_after(color.id, 0)
    of_picture = dict(zip(pictures.tolist(), numbers.tolist(), strict=True))
    with store.writing(), store.change() as writer:
        writer.remove(["p"])
    erased, seq = store.erased_after(color.id, 0)
    assert sorted(erased.tolist()) == sorted([of_picture[shown["/a"]], of_picture[shown["/b"]]])
    assert store.erased_after(color.id, seq)[0].tolist() == []
    assert store.erased_after(color.id + 1, 0)[0].tolist() == []
    assert store.vectors_after(color.id, 0)[0].tolist() == [of_picture[shown["/c"]]]
    put(store, shown_by("p", "a"), pictures=[picture("a")])
    newest = store.last_vector(color.id)
    assert newest > max(numbers)
    with store.writing(), store.change() as writer:
        writer.remove(["p"])
    assert store.erased_after(color.id, seq)[0].tolist() == [newest]
    assert store.last_vector(color.id) == newest


def test_a_picture_that_another_product_shows_stays(store: Store) -> None:
    put(store, shown_by("p", "a"), shown_by("q", "a"), pictures=[picture("a")])
    with store.writing(), store.change() as writer:
        writer.remove(["p"])
    assert (store.counts().pictures, store.counts().vectors) == (1, 1)


def test_known_files(store: Store) -> None:
    shown = put(store, shown_by("p", "a"), pictures=[picture("a")])
    found = store.known_files(["/a", "/b"], spaces=["color"])["/a"]
    assert (found.size, found.mtime_ns, found.picture, found.complete) == (10, 20, shown["/a"], True)
    assert not store.known_files(["/a"], spaces=["color", "deep:x"])["/a"].complete
    assert store.has_vectors(picture("a").hash, spaces=["color"])
    assert not store.has_vectors(picture("a").hash, spaces=["color", "deep:x"])


def test_a_file_that_holds_another_picture_now_shows_it_everywhere(store: Store) -> None:
    put(store, shown_by("p", "a"), shown_by("q", "a"), pictures=[picture("a")])
    put(store, shown_by("q", "a"), pictures=[picture("a", content="new")])
    new = picture("a", content="new").hash.hex()
    assert [one.hash for sku in "pq" for one in store.shown_pictures(sku)] == [new, new]
    assert store.counts().pictures == 1


def test_a_moved_file_is_found_where_it_was_read_last(store: Store, tmp_path: Path) -> None:
    here = tmp_path / "here"
    put(store, shown_by("p", "gone"), pictures=[picture("gone", content="x")])
    moved = ReadPicture(PictureSource(str(here), FEED), picture("x").hash, 1, 1, (4, 5), {})
    with store.writing(), store.change() as writer:
        number = writer.write_picture(moved)
        assert writer.find_picture(moved.hash) == number
        assert writer.find_picture(b"nope") is None
    file = store.picture_file(moved.hash)
    assert file is not None
    assert file.path == here


# Candidates


def test_candidates(store: Store) -> None:
    variants = (Variant("v", attributes={"size": "M"}, pictures=shown_by("", "b").pictures),)
    shown = put(
        store,
        shown_by("p", "a", "lost", variants=variants, attributes={"x": 1}),
        Product("q", FEED, "None"),
        pictures=[picture("a"), picture("b")],
    )
    p, q = ids(store, "p", "q")
    first, second, none = store.candidates_of_products([q, p, 10**6])
    assert (first.product, first.variant, first.picture, first.position) == (p, None, shown["/a"], 0)
    assert (second.product, second.picture, second.position) == (p, shown["/b"], 2)
    assert none == Candidate(q, None, None, 0)
    color = store.space("color")
    assert color is not None
    numbers, pictures, _ = store.vectors_after(color.id, 0)
    of_b = numbers[pictures == shown["/b"]]
    assert store.candidates_of_vectors(of_b) == [second]
    assert store.candidates_of_vectors(numbers) == [first, second]
    texts = store.texts([none, second, first, Candidate(10**6, None, None, 0)])
    assert {one: (it.sku, it.title, it.variant, it.path and str(it.path), it.hash) for one, it in texts.items()} == {
        first: ("p", "", None, "/a", picture("a").hash.hex()),
        second: ("p", "", "v", "/b", picture("b").hash.hex()),
        none: ("q", "None", None, None, None),
    }
    assert (dict(texts[second].attributes), dict(texts[second].variant_attributes)) == ({"x": 1}, {"size": "M"})
    assert sorted(store.vectors_showing("color", [p]).tolist()) == sorted(numbers.tolist())
    assert store.vectors_showing("color", [q]).tolist() == store.vectors_showing("shape", [p]).tolist() == []
    assert store.candidate_of("q") is None
    assert (store.candidate_of("v"), store.candidate_of("nope")) == (second, None)
    put(store, shown_by("r", "b", "a"), pictures=[picture("a"), picture("b")])
    found = store.candidate_of("r")
    assert found is not None
    assert found.picture == shown["/b"]


# Filters


GOODS = [
    Product("1", FEED, attributes={"price": 49.99, "color": ("Red", "blue"), "launched": "2024-05-01"}),
    Product("2", FEED, attributes={"price": 120.0, "color": "red", "launched": "2024-07-01", "new": True}),
    Product("3", FEED, attributes={"Price": "5", "color": "dark green", "straße": "Straße"}),
    Product("4", FEED),
    Product("5", FEED, variants=(Variant("5-s", attributes={"size": "S"}), Variant("5-m", attributes={"size": "M"}))),
]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("price < 50", "13"),
        ("PRICE <= 49.99", "13"),
        ("price > 100", "2"),
        ("price = 120", "2"),
        ('price < "50"', "13"),
        ("price != 120", "13"),
        ("color = RED", "12"),
        ("color != red", "3"),
        ("not color = red", "345"),
        ("color in (blue, 'dark green', 7)", "13"),
        ("color not in (red, green)", "3"),
        ("color ~ EE", "3"),
        ("has price and not price > 100", "13"),
        ('launched < "2024-06"', "1"),
        ("new = true or straße = STRASSE", "23"),
        ("size = M", "5"),
        ("size = S and size = M", "5"),
        ("nothing = 1", ""),
        ("not nothing = 1", "12345"),
        ("color = \"red' OR '1'='1\"", ""),
    ],
)
def test_filters(store: Store, where: str, expected: str) -> None:
    put(store, *GOODS)
    passing = store.passing_products(read_filter(where))
    assert passing.dtype == np.int64
    assert sorted(passing.tolist()) == passing.tolist()
    assert sorted(store.skus(passing).values()) == list(expected)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    one, two = SqliteStore(tmp_path_factory.mktemp("both") / "shop"), MemoryStore()
    yield one, two
    one.close()


ATTRIBUTES = st.dictionaries(
    NAMES, st.one_of(VALUES, st.lists(st.sampled_from(["red", "50", "x"])).map(tuple)), max_size=3
)


@given(goods=st.lists(ATTRIBUTES, max_size=5), terms=st.lists(FILTERS, min_size=1, max_size=8))
@settings(max_examples=60)
def test_every_store_lets_the_same_pass(
    both: tuple[Store, Store], goods: list[Mapping[str, str | float]], terms: list[Filter]
) -> None:
    answers = []
    for store in both:
        with store.writing(), store.change() as writer:
            writer.remove([product.sku for product in store.products_after("", limit=99)])
            for number, attributes in enumerate(goods):
                writer.write_product(cleaned(Product(str(number), FEED, attributes=attributes)), {})
        passing = [sorted(store.skus(store.passing_products(term)).values()) for term in terms]
        answers.append((passing, store.facets(most=2), store.attribute_values("x")))
    assert answers[0] == answers[1]


def test_facets(store: Store) -> None:
    put(store, *GOODS, Product("6", FEED, attributes={"price": 7, "size": "M", "color": "blue"}))
    assert store.facets(most=1) == (
        Facet("color", (("blue", 2),), more=True),
        Facet("price", (), (5.0, 120.0)),
        Facet("size", (("m", 2),), more=True),
    )
    assert store.attribute_values("color") == ["blue", "dark green", "red"]
    assert store.known_attributes(["COLOR", "nothing", "Straße"]) == {"COLOR", "Straße"}


def test_only_the_commonest_attributes_are_looked_at(store: Store) -> None:
    common = {f"n{n:03}": "x" for n in range(MOST_FACETS)}
    put(
        store,
        *(Product(str(n), FEED, attributes=common) for n in range(3)),
        *(Product(str(n), FEED, attributes={"a rare one": "x"}) for n in range(3, 5)),
    )
    assert store.facets(most=9) == tuple(Facet(name, (("x", 3),)) for name in common)


# Words

TEXTS = {
    "dress-1": ("Red silk dress", "A long evening dress of pure silk for summer nights", {"material": "silk"}),
    "dress-2": ("Blue cotton dress", "Made for the day", {"material": "cotton", "color": "blue"}),
    "coat-1": ("Élégant wool coat", "Warm, for the winter; goes with any dress", {"brand": "Silkworm"}),
    "card-1": ("Gift card", "", {}),
    "skirt-1": ("红色连衣裙", "T-shirt", {}),
}


def put_texts(store: Store) -> None:
    put(store, *(Product(sku, FEED, *texts[:2], texts[2]) for sku, texts in TEXTS.items()))


QUERIES: dict[str, list[Term]] = {
    "one": [Term(("dress",))],
    "forms": [Term(("dresses", "dress"))],
    "prefix": [Term(("sil",), is_prefix=True)],
    "accents": [Term(("elegant",))],
    "phrase": [Term(("silk dress",))],
    "phrase across": [Term(("dress silk",))],
    "a joined word": [Term(("dress1",))],
    "a key": [Term(("·dress1",))],
    "pair": [Term(("红色",))],
    "one character": [Term(("裙",), is_prefix=True)],
    "two": [Term(("silk",)), Term(("dress",))],
    "nothing": [Term(("plutonium",))],
    "half": [Term(("plutonium",)), Term(("card",))],
    "twice": [Term(("dress",)), Term(("dress",))],
    "its sku": [Term(("card",)), Term(("1",))],
}


@pytest.mark.parametrize("query", QUERIES)
def test_words_are_found_alike(both: tuple[Store, Store], query: str) -> None:
    terms, answers = QUERIES[query], []
    for store in both:
        with store.writing(), store.change() as writer:
            writer.remove([product.sku for product in store.products_after("", limit=99)])
        put_texts(store)
        name = store.skus(ids(store, *TEXTS))
        among = ids(store, "dress-1", "card-1")
        answers.append(
            (
                {name[one]: words for one, words in store.indexed_words(ids(store, *TEXTS)).items()},
                [name[one] for one in store.find_words(terms, every=True, product_ids=None, limit=9)],
                [name[one] for one in store.find_words(terms, every=False, product_ids=None, limit=9)],
                [name[one] for one in store.find_words(terms, every=False, product_ids=among, limit=1)],
                [
                    [name[one] for one in found]
                    for every in (True, False)
                    for found in [
                        store.find_words(terms, every=every, product_ids=None, limit=9, in_descriptions=False)
                    ]
                ],
                store.has_words(terms),
                store.word_counts([form for term in terms for form in term.forms]),
                [store.words_from(beginning, limit=limit) for beginning in ("", "s", "裙") for limit in (3, 99)],
            )
        )
    assert answers[0] == answers[1]


def test_what_words_find(store: Store) -> None:
    put_texts(store)
    by_sku = {number: sku for sku, number in store.product_ids(list(TEXTS)).items()}

    def found(*terms: Term, every: bool) -> list[str]:
        return [by_sku[one] for one in store.find_words(terms, every=every, product_ids=None, limit=9)]

    silk, dress = Term(("silk",)), Term(("dress",))
    assert found(silk, dress, every=True) == ["dress-1"]
    assert sorted(found(silk, dress, every=False)) == ["coat-1", "dress-1", "dress-2"]
    assert found(Term(("sil",), is_prefix=True), every=True) == ["dress-1", "coat-1"]
    assert found(Term(("elegant",)), every=True) == ["coat-1"]
    assert store.find_words([Term(("winter",))], every=True, product_ids=None, limit=9, in_descriptions=False) == []
    words = store.indexed_words(ids(store, "dress-1"))
    assert {by_sku[one]: "silk" in each.title.split() for one, each in words.items()} == {"dress-1": True}
    assert store.word_counts(["silk", "plutonium"]) == {"silk": 1}
    assert store.words_from("sil", limit=9) == [("silk", 1), ("silkworm", 1)]
    assert store.has_words([silk, Term(("plutonium",)), Term(("dresses", "dress"))]) == [True, False, True]


# A whole catalog


Seen = tuple[list[object], list[dict[str, float]]]
"""What was seen of a catalog, to be equal; and parts of scores, to be nearly so: BM25's sums have another order."""


def test_a_feed_goes_in_and_is_searched_alike(tmp_path: Path) -> None:
    products = make_products(tmp_path / "photos", 12)
    feed = tmp_path / "feed.jsonl"
    with Catalog(MemoryStore(), encoder=FakeEncoder()) as source:
        source.add(products)
        source.export(feed)
    searches: list[dict[str, object]] = [
        {"image": tmp_path / "photos" / "3.png"},
        {"image": tmp_path / "photos" / "5-side.png", "text": "thing"},
        {"text": "thing number 7"},
        {"text": "thin"},
        {"text": "qwxyz"},
        {"where": "price < 15 and color = red"},
        {"image": tmp_path / "photos" / "3.png", "where": {"color": "blue"}, "k": 3},
        {"like": ["sku-2"], "unlike": ["sku-5-m"]},
        {"image": tmp_path / "photos" / "3.png", "group": False, "k": 5, "offset": 2},
        {"where": "nothing = 1"},
    ]

    def act(catalog: Catalog) -> Seen:
        parts: list[dict[str, float]] = []
        report = catalog.add(feed)
        assert isinstance(report, AddReport)
        seen: list[object] = [report.added, report.updated, report.pictures, report.failed]
        again = catalog.add(feed)
        seen.append((again.added, again.updated, again.unchanged, again.pictures))
        for search in searches:
            found = catalog.search(**search)  # type: ignore[arg-type]
            seen.append((str(found.query), found.notes, len(found)))
            seen += [replace(match, score=0.0, parts={}) for match in found]
            parts += [{**match.parts, "score": match.score} for match in found]
        seen += [product.to_dict() for product in catalog]
        seen += [len(catalog), "sku-3" in catalog, "sku-3-m" in catalog, "x" in catalog, catalog["sku-3"].to_dict()]
        seen += [catalog.remove("sku-3", "sku-4"), len(catalog), catalog.info().spaces, catalog.facets()]
        seen += [match.sku for match in catalog.search(tmp_path / "photos" / "3.png", k=30)]
        seen += [*catalog.pictures("sku-1"), catalog.picture(catalog.pictures("sku-1")[0].hash)]
        out = io.StringIO()
        seen += [catalog.export(out, format="csv"), out.getvalue(), list(catalog.export_lines())]
        with pytest.raises(NotFoundError):
            catalog["sku-3"]
        assert catalog.doctor().healthy
        return seen, parts

    answers = []
    for kind in KINDS:
        with Catalog(new_store(kind, tmp_path / "catalog"), encoder=FakeEncoder()) as catalog:
            answers.append(act(catalog))
    (seen, parts), (others, near) = answers
    assert seen == others
    assert parts == [pytest.approx(each, abs=2e-6) for each in near]


def test_a_catalog_without_a_folder_says_so() -> None:
    with Catalog(MemoryStore(), encoder=FakeEncoder()) as catalog:
        assert repr(catalog) == "Catalog(MemoryStore: 0 products, 0 pictures)"
        assert catalog.info().to_dict()["path"] is None
        with pytest.raises(UsageError, match="folder"):
            _ = catalog.path


def test_which_locations_are_named(store: Store) -> None:
    assert store.named_locations([]) == set()
    put(store, shown_by("a", "read.jpg", "unread.jpg"), pictures=[picture("read.jpg")])
    asked = ["/read.jpg", "/unread.jpg", "/other.jpg"]
    assert store.named_locations(asked) == {"/read.jpg", "/unread.jpg"}
    with store.writing(), store.change() as writer:
        writer.remove(["a"])
    assert store.named_locations(asked) == set()


def test_it_remembers_how_far_the_log_of_erasures_was_read(store: Store) -> None:
    assert store.erasures_done() == 0
    for number in (3, 17):
        with store.writing(), store.change() as writer:
            writer.note_erasures(number)
        assert store.erasures_done() == number


def test_values_numbers_and_orders_of_some_products(store: Store) -> None:
    assert store.values_among("color", [1], most=9) == []
    assert [part.tolist() for part in store.numbers_of("price", [1])] == [[], []]
    assert store.in_order([1], by="title", limit=9, offset=0) == []
    red: Attributes = {"color": ("red", "Blue"), "price": 20}
    put(
        store,
        Product("b", Where("x"), "beta", "", red, variants=(Variant("b1", attributes={"price": 5, "color": "red"}),)),
        Product("a", Where("x"), "Alpha", "", {"color": "blue", "price": 7}),
        Product("c", Where("x"), "alpha", "", {"color": "green", "price": "on request"}),
    )
    every = ids(store, "b", "a", "c")
    assert store.values_among("color", every, most=2) == [("blue", 2), ("green", 1)]
    assert store.values_among("color", ids(store, "b"), most=9) == [("blue", 1), ("red", 1)]
    having, least = store.numbers_of("price", every)
    assert dict(zip(having.tolist(), least.tolist(), strict=True)) == dict(
        zip(ids(store, "b", "a"), [5, 7], strict=True)
    )
    assert having.tolist() == sorted(having.tolist())
    assert store.in_order(every, by="title", limit=9, offset=0) == ids(store, "a", "c", "b")
    assert store.in_order(every, by="newest", limit=2, offset=1) == ids(store, "a", "b")
