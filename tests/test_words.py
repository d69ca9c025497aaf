"""Words of a query meet the words of products: spellings, stems, corrections, in the order of their worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.catalog import Catalog
from catalens.search.ranking import text_scores
from catalens.search.spelling import Vocabulary, distance
from catalens.search.text import Alternative, WordReader
from catalens.storage.records import cleaned
from catalens.storage.store import IndexedWords
from catalens.types import Product, Where
from tests.fakes import FakeEncoder
from tests.memory_store import MemoryStore

FEED = Where("feed.csv", 2)
TITLES = {
    "tee-1": "T-Shirt basic",
    "tee-2": "Tshirt premium",
    "tee-3": "T shirt of linen",
    "coat": "Women wool coat",
    "jacket": "Red jacket",
    "jackets": "Two jackets for rain",
    "sun": "Sun glasses",
    "glasses": "Sunglasses, polarised",
    "flip": "Flip-flops",
    "cable": "Cable 12 cm",
    "cable-2": "Cable 12cm",
    "AB-1234/56": "Spare part",
    "van": "Van Heusen grey shirt",
    "vans": "Vans sneaker",
    "dress": "红色连衣裙夏季新款",
    "shoe": "黑色皮鞋",
    "bag": "バッグ ベージュ",
    "mat": "Fußmatte groß",
    "ring": "Jewellery ring",
    "knife": "Kitchen knives",
    "north": "The North Face",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with Catalog.open(tmp_path_factory.mktemp("words") / "shop", encoder=FakeEncoder()) as catalog:
        catalog.add([Product(sku, FEED, title) for sku, title in TITLES.items()])
        yield catalog


def found(shop: Catalog, text: str, **more: object) -> list[str]:
    return [match.sku for match in shop.search(text=text, k=50, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("tshirt", {"tee-1", "tee-2", "tee-3"}),
        ("t-shirt", {"tee-1", "tee-2", "tee-3"}),
        ("T-SHIRTS", {"tee-1", "tee-2", "tee-3"}),
        ("sunglasses", {"sun", "glasses"}),
        ("sun-glasses", {"sun", "glasses"}),
        ("flipflops", {"flip"}),
        ("flip-flop", {"flip"}),
        ("12cm", {"cable", "cable-2"}),
        ("ab123456", {"AB-1234/56"}),
        ("AB 1234 56", {"AB-1234/56"}),
        ("woman", {"coat"}),
        ("women's", {"coat"}),
        ("gray", {"van"}),
        ("jewelry", {"ring"}),
        ("knife", {"knife"}),
        ("jackets", {"jacket", "jackets"}),
        ("连衣裙", {"dress"}),
        ("夏季", {"dress"}),
        ("款", {"dress"}),
        ("裙", {"dress"}),
        ("バッグ", {"bag"}),
        ("ﾊﾞｯｸﾞ", {"bag"}),
        ("fussmatte gross", {"mat"}),
        ("the", {"north"}),
        ("sneak", {"vans"}),
    ],
)
def test_spellings_meet(shop: Catalog, text: str, skus: set[str]) -> None:
    assert set(found(shop, text)) == skus


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("jackets", ["jackets", "jacket"]),  # the word itself, then its other form
        ("jacket", ["jacket", "jackets"]),
        ("vans", ["vans", "van"]),
        ("鞋", ["shoe"]),  # before what is called shoe by another word
        ("sun glasses", ["sun", "glasses"]),  # a whole title
        ("ab-1234-56", ["AB-1234/56"]),
        ("t shirt", ["tee-1", "tee-3", "tee-2"]),
    ],
)
def test_literal_matches_come_first(shop: Catalog, text: str, skus: list[str]) -> None:
    assert found(shop, text)[: len(skus)] == skus


@pytest.mark.parametrize("title", TITLES.values())
def test_a_whole_title_comes_first_and_says_why(shop: Catalog, title: str) -> None:
    match = shop.search(text=title.upper())[0]
    assert (match.title, match.reasons) == (title, ("exact title",))
    assert match.score == pytest.approx(0.95)


def test_a_sku_before_all(shop: Catalog) -> None:
    match = shop.search(text="AB 123456")[0]
    assert (match.sku, match.score, match.reasons) == ("AB-1234/56", 1.0, ("exact sku",))


def test_reasons_name_forms_and_places(shop: Catalog) -> None:
    assert shop.search(text="red jackets")[0].reasons == ('"red" in title', '"jacket" (form of "jackets") in title')
    joined = shop.search(text="sun glasses")[1].reasons
    assert joined == ('"sunglasses" (variant of "sun glasses") in title',)
    assert shop.search(text="jakcet")[0].reasons == ('"jacket" (correction of "jakcet") in title',)
    assert shop.search(where="price < 3 or not has price")[0].reasons == ()


# Spelling


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("jacket", {}),
        ("jakcet", {"jakcet": "jacket"}),
        ("jackket", {"jackket": "jacket"}),
        ("jaket red", {"jaket": "jacket"}),
        ("jckt", {}),  # two edits of four letters
        ("janket", {"janket": "jacket"}),
        ("snaekers", {"snaekers": "sneaker"}),
        ("redjacket", {}),  # the same as "Red jacket"
        ("rainjacket", {"rainjacket": "rain jacket"}),
        ("sungalsses", {"sungalsses": "sunglasses"}),
        ("AB-1234/57", {}),  # numbers are not corrected
        ("rot", {}),  # short, and a letter exchanged
        ("hemd", {}),  # a word of another language
        ("mit", {}),
        ("qwxyz", {}),
        ("连衣群", {}),
    ],
)
def test_corrections_are_made_and_said(shop: Catalog, text: str, corrected: dict[str, str]) -> None:
    matches = shop.search(text=text)
    assert dict(matches.corrected) == corrected == matches.to_dict()["corrected"]
    said = [note for note in matches.notes if note.startswith("showing")]
    assert said == [f'showing "{now}" for "{before}"' for before, now in corrected.items()]
    assert bool(matches) or not corrected
    as_typed = shop.search(text=text, spelling=False)
    assert dict(as_typed.corrected) == {}


def test_the_words_as_typed(shop: Catalog) -> None:
    assert found(shop, "jakcet") == ["jacket", "jackets"]
    assert found(shop, "jakcet", spelling=False) == []
    assert found(shop, "jakcet rain", spelling=False) == ["jackets"]


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("a", "a", 0), ("", "ab", 2), ("jacket", "jakcet", 1), ("jacket", "jackket", 1), ("jacket", "acket", 1),
        ("jacket", "packed", 2), ("ca", "abc", 3), ("abcd", "badc", 2), ("dress", "shoes", 3),
    ],
)  # fmt: skip
def test_distance(one: str, other: str, edits: int) -> None:
    assert distance(one, other, most=2) == distance(other, one, most=2) == min(edits, 3)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_a_distance_is_symmetric_and_bounded(one: str, other: str) -> None:
    far = distance(one, other, most=9)
    assert far == distance(other, one, most=9)
    assert abs(len(one) - len(other)) <= far <= max(len(one), len(other))
    assert (far == 0) == (one == other)
    assert distance(one, other, most=1) == min(far, 2)


def stored(*titles: str) -> MemoryStore:
    store = MemoryStore()
    with store.writing(), store.change() as writer:
        for number, title in enumerate(titles):
            writer.write_product(cleaned(Product(str(number), FEED, title)), {})
    return store


def test_frequency_and_closeness_choose() -> None:
    vocabulary = Vocabulary(stored(*["shirt"] * 9, "short", "shift", "skirts"))
    vocabulary.refresh()
    assert vocabulary.nearest("shrt") == ("shirt", 9)
    assert vocabulary.nearest("shif") == ("shift", 1)
    assert vocabulary.nearest("skirst") == ("skirts", 1)
    assert vocabulary.nearest("plutonium") is None
    assert vocabulary.nearest("hsirt") == ("shirt", 9)
    assert vocabulary.nearest("hift") == ("shift", 1)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("year", None),
        ("old", None),
        ("aer", "ear"),
        ("eer", "ear"),
        ("glod", "gold"),
        ("hold", "gold"),
        ("goold", "gold"),
    ],
)
def test_the_first_letter_of_a_short_word(word: str, meant: str | None) -> None:
    vocabulary = Vocabulary(stored("ear", "gold"))
    vocabulary.refresh()
    found = vocabulary.nearest(word)
    assert (found[0] if found else None) == meant
    assert Vocabulary(stored()).nearest("shirt") is None


def test_new_words_are_known_at_once(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as catalog:
        catalog.add([Product("a", FEED, "Shirt")])
        assert dict(catalog.search(text="shrit").corrected) == {"shrit": "shirt"}
        catalog.add([Product("b", FEED, "Shrit")])
        assert dict(catalog.search(text="shrit").corrected) == {}
        catalog.remove("b")
        assert dict(catalog.search(text="shrit").corrected) == {"shrit": "shirt"}


def test_words_that_are_known_elsewhere_are_not_corrected() -> None:
    reader = WordReader(stored("shirt"))
    assert reader.read("shirr").corrected == {"shirr": "shirt"}
    assert reader.read("shirr", known=frozenset({"shirr"})).corrected == {}
    assert reader.read("shirrs", known=frozenset({"shirr"})).corrected == {}


def test_another_word_for_a_stretch_of_the_query() -> None:
    reader = WordReader(stored("Evening dress", "T-shirt"))
    words = reader.read("red abendkleid", alternatives=[Alternative(4, 14, ("dresses", "gown"))])
    assert [(word.typed, word.is_known) for word in words.words] == [("red", False), ("abendkleid", True)]
    assert [(form.text, form.how) for form in words.words[1].forms] == [("dress", "synonym")]
    part = reader.read("slip-on", alternatives=[Alternative(0, 4, ("dress",))]).words[0]
    assert not part.is_known  # another word for a part is none for the compound
    several = reader.read("短袖", alternatives=[Alternative(0, 2, ("T-Shirt",))]).words
    assert [form.text for form in several[0].forms] == ["t shirt", "tshirt"]


# Languages


@pytest.mark.parametrize(
    ("titles", "language"),
    [
        ([], "en"),
        (["Dress", "Shoe"], "en"),
        (["Kleid für den Sommer", "Hemd mit Kragen", "Schuhe aus Leder"], "de"),
        (["Vestido de fiesta con lazo", "Zapatos para los niños"], "es"),
        (["Robe pour le soir", "Chaussures avec des lacets"], "fr"),
        (["Dress for the summer", "Shirt with a collar"], "en"),
    ],
)
def test_the_language_of_a_catalog(titles: list[str], language: str) -> None:
    assert WordReader(stored(*titles)).language() == language


def test_stems_are_of_the_language(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as catalog:
        catalog.add([Product("a", FEED, "Kleider in rotem Stoff"), Product("b", FEED, "Grüne Hosen")])
        assert found(catalog, "kleid", language="de") == ["a"]
        assert found(catalog, "gruene hose", language="de") == ["b"]
        catalog.add([Product("c", FEED, "Sommerkleider"), Product("d", FEED, "Kleidersack")])
        assert found(catalog, "kleid", language="de") == ["a", "c"]
        catalog.add([Product("e", FEED, "Wandleuchter")])
        assert (found(catalog, "leuchter", language="de"), found(catalog, "leuchter", language="en")) == (["e"], [])


# Scores


WORDS = IndexedWords("·reddress ·a1", "red dress", "dress \n red \n long sleeve", "for the evening")


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("A-1", 1.0),
        ("Red, dress!", 0.95),
        ("red-dress", 0.93),
        ("nothing", 0.0),
        ("dress", 0.9 * (0.5 + (0.98 * (0.85 + 0.04 * 0.8) + 0.02 / 2) / 2)),  # in the title, and an attribute is this
        ("sleeve", 0.9 * (0.5 + 0.98 * 0.6 / 2)),  # in an attribute
        ("evening", 0.9 * (0.5 + 0.98 * 0.3 / 2)),  # in the description
    ],
)
def test_scores_are_as_documented(text: str, score: float) -> None:
    words = WordReader(stored("red dress", "long sleeve for the evening")).read(text)
    assert text_scores(words, {7: WORDS}).get(7, 0.0) == pytest.approx(score)


@given(st.lists(st.sampled_from(["red", "dress", "dresses", "evening", "lon", "x", "for"]), min_size=1, max_size=6))
@settings(max_examples=60)
def test_scores_are_shares(words: list[str]) -> None:
    store = stored("red dress", "long sleeve for the evening")
    scores = text_scores(WordReader(store).read(" ".join(words)), {7: WORDS, 8: IndexedWords("·", "", "", "")})
    assert all(0 < score <= 1 for score in scores.values())
    assert 8 not in scores
