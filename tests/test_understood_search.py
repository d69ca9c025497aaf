"""What was understood in a query, applied to a catalog: exclusion, other languages, facets, sort, rules, typeahead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import catalens
from catalens import Catalog
from catalens.errors import FilterError, UsageError
from catalens.search.merchandising import read_rules
from catalens.search.synonyms import read_synonyms
from catalens.storage.missed import MOST, MissedSearches, normalised
from catalens.storage.shop_files import without_skus
from catalens.types import Matches, Product, Variant, Where

ROWS = (
    # sku, title, description, category, color, price
    ("S1", "White shirt", "Plain, without stripes.", "Shirts", "white", 30),
    ("S2", "Blue striped shirt", "", "Shirts", "blue", 35),
    ("S3", "Oxford shirt", "Blue and white stripes.", "Shirts", "blue", 60),
    ("S4", "Navy checked shirt", "", "Shirts", "navy", 45),
    ("D1", "Red dress", "", "Dresses", "red", 80),
    ("D2", "Blue floral dress", "", "Dresses", "blue", 20),
    ("D3", "Sleeveless red dress", "", "Dresses", "red", 55),
    ("B1", "Brown leather handbag", "", "Handbags", "brown", 120),
    ("B2", "Canvas tote bag", "", "Bags", "beige", 25),
    ("K1", "Running sneakers", "", "Sneakers", "white", 90),
    ("K2", "Leather loafers", "", "Loafers", "black", 95),
    ("R1", "Ruffled blouse", "", "Blouses", "white", 40),
    ("R2", "Silk blouse", "", "Blouses", "white", 41),
    ("N1", "No Fear T-shirt", "", "T-shirts", "black", 19),
    ("N2", "Fear of heights T-shirt", "", "T-shirts", "white", 18),
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Catalog]:
    with catalens.open(tmp_path / "shop") as shop:
        shop.add([
            Product(
                sku, Where("x"), title, description, {"category": category, "color": color, "price": price},
                variants=(Variant(f"{sku}-42", attributes={"size": "42"}),) if sku.startswith("K") else (),
            )
            for sku, title, description, category, color, price in ROWS
        ])  # fmt: skip
        yield shop


def skus(matches: Matches) -> list[str]:
    return [match.sku for match in matches]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("shirt without stripes", {"S1", "S4", "N1", "N2"}),  # S1 says itself that it has none
        ("Hemd ohne Streifen", {"S1", "S4"}),
        ("camisa sin rayas", {"S1", "S4"}),
        ("chemise sans rayures", {"S1", "S4"}),
        ("不要条纹的衬衫", {"S1", "S4"}),
        ("dress not red", {"D2"}),
        ("bag -leather", {"B2"}),
        ("blouse without ruffles", {"R2"}),
        ("no fear t-shirt", {"N1"}),
        ("Kleid unter 60", {"D2", "D3"}),
        ("vestido sin mangas", {"D3"}),
        ("shirt between 40 and 60", {"S3", "S4"}),
        ("sneakers size 42", {"K1"}),
        ("Schuhe", {"K1", "K2"}),  # no product is called so: narrower kinds
        ("rotes Kleid", {"D1", "D3"}),
        ("红色连衣裙夏季新款", {"D1", "D3"}),
        ("Lederhandtasche", {"B1"}),
    ],
)
def test_what_is_meant_is_found(shop: Catalog, query: str, expected: set[str]) -> None:
    assert set(skus(shop.search(text=query, k=len(expected)))) == expected


def test_what_is_excluded_is_never_listed(shop: Catalog) -> None:
    every = {sku for sku, *_ in ROWS}
    assert "R1" not in skus(shop.search(text="blouse without ruffles", k=50))
    assert set(skus(shop.search(text="-striped", k=50))) == every - {"S2", "S3"}
    assert shop.search(text="-striped", k=50).total == len(every) - 2
    assert set(skus(shop.search(text="without shoes", k=50))) == every - {"K1", "K2"}
    assert skus(shop.search(text="shirt -striped", where='color = "blue"', k=50)) == []
    assert "S2" in skus(shop.search(text="shirt without stripes", k=50, understand=False))


def test_a_shop_without_a_kind_says_that_nothing_was_found(shop: Catalog) -> None:
    assert skus(shop.search(text="sofa")) == []
    assert skus(shop.search(text="under 5")) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("裙子", {"红色连衣裙 夏季新款", "黑色半身裙 百褶"}),
        ("鞋子", {"女士运动鞋", "高跟鞋 新款", "男鞋子 皮鞋"}),
        ("上衣", {"雪纺上衣", "蓝色衬衫"}),
        ("裤子", {"牛仔裤"}),
    ],
)
def test_parent_words_in_a_chinese_catalog(tmp_path: Path, query: str, expected: set[str]) -> None:
    titles = [
        "红色连衣裙 夏季新款",
        "黑色半身裙 百褶",
        "蓝色衬衫",
        "女士运动鞋",
        "高跟鞋 新款",
        "雪纺上衣",
        "男鞋子 皮鞋",
        "牛仔裤",
    ]
    with catalens.open(tmp_path / "shop") as shop:
        shop.add([Product(str(place), Where("x"), title) for place, title in enumerate(titles)])
        assert {match.title for match in shop.search(text=query)} == expected


@pytest.mark.parametrize("query", ["裙子", "上衣", "zapatos", "Kleidung", "chaussures", "ropa"])
def test_parent_words_of_another_language_list_narrower_kinds_behind_their_own(tmp_path: Path, query: str) -> None:
    kinds = {
        "裙子": ("Dress", "Skirt"), "上衣": ("Top", "Blouse"), "zapatos": ("Shoes", "Sandals"),
        "Kleidung": ("Clothing", "Trousers"), "chaussures": ("Shoes", "Boots"), "ropa": ("Clothes", "Coat"),
    }  # fmt: skip
    own, other = kinds[query]
    with catalens.open(tmp_path / "shop") as shop:
        titles = [*(f"{own} {number}" for number in range(12)), other]
        shop.add([Product(str(place), Where("x"), title) for place, title in enumerate(titles)])
        found = [match.title for match in shop.search(text=query, k=20)]
        assert sorted(found) == sorted(titles)
        assert query == "裙子" or found[-1] == other


@pytest.mark.parametrize(
    ("query", "corrected"),
    [
        ("jacke", {}),  # German, and found
        ("hut", {}),  # German, and found: hat
        ("roba", {"roba": "robe"}),  # names nothing here in any language
        ("sillo", {"sillo": "silk"}),
        ("mesa", {"mesa": "mesh"}),  # Spanish for table, and no table is here
        ("short", {}),  # English as well: short pants
        ("una mesa", {}),  # known in the language of the query
    ],
)
def test_a_word_of_another_language_is_kept_where_it_finds_something(
    tmp_path: Path, query: str, corrected: dict[str, str]
) -> None:
    with catalens.open(tmp_path / "shop") as shop:
        titles = ("Red jacket", "Wool hat", "Silk robe", "Shirt", "Mesh trainers", "Rose perfume")
        shop.add([Product(str(place), Where("x"), title) for place, title in enumerate(titles)])
        found = shop.search(text=query)
        assert dict(found.corrected) == corrected
        assert [note for note in found.notes if note.startswith("showing")] == [
            f'showing "{now}" for "{before}"' for before, now in corrected.items()
        ]


def test_chips_are_those_of_the_words(shop: Catalog) -> None:
    found = shop.search(text="shirt without stripes under 50")
    assert [chip.to_dict() for chip in found.understood] == [
        {"kind": "not", "text": "stripes", "filter": None, "rest": "shirt under 50"},
        {"kind": "price", "text": "under 50", "filter": "price < 50", "rest": "shirt without stripes"},
    ]
    assert shop.search(text="shirt without stripes under 50", understand=False).understood == ()


# Facets, order, number


def test_facets_count_the_query_and_not_their_own_filter(shop: Catalog) -> None:
    found = shop.search(
        text="shirt", where='color = "blue" and price < 50', facets=["color", "category", "price", "none"]
    )
    color, category, price = found.facets
    assert dict(color.values) == {"blue": 1, "white": 2, "navy": 1, "black": 1}
    assert dict(category.values) == {"shirts": 1}
    assert price.values == (("35", 1), ("60", 1))
    assert found.total == 1
    assert shop.search(text="shirt", facets=[]).facets == ()


def test_a_facet_of_many_numbers_has_ranges(shop: Catalog) -> None:
    (price,) = shop.search(where="price > 0", facets=["price"]).facets
    assert price.span == (18, 120)
    assert sum(count for *_, count in price.ranges) == len(ROWS)
    for low, high, count in price.ranges:
        last = high == 120
        assert count == sum(low <= row[5] <= high if last else low <= row[5] < high for row in ROWS)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", ["D2", "D3", "D1"]),
        ("-price", ["D1", "D3", "D2"]),
        ("title", ["D2", "D1", "D3"]),
        ("newest", ["D3", "D2", "D1"]),
    ],
)
def test_sort(shop: Catalog, sort: catalens.options.Sort, expected: list[str]) -> None:
    assert skus(shop.search(text="dress", sort=sort)) == expected
    assert skus(shop.search(where='category = "dresses"', sort=sort)) == expected
    assert skus(shop.search(text="dress", sort=sort, k=1, offset=1)) == expected[1:2]
    assert shop.search(text="dress", sort=sort, k=1).total == 3


def test_products_without_a_price_come_last(shop: Catalog) -> None:
    shop.add([Product("D0", Where("x"), "A dress", "", {"category": "Dresses"})])
    assert skus(shop.search(text="dress", sort="-price"))[-1] == "D0"
    assert skus(shop.search(text="dress", sort="price", k=2, offset=3)) == ["D0"]


def test_an_unknown_order_is_refused(shop: Catalog) -> None:
    with pytest.raises(UsageError, match="best, price"):
        shop.search(text="dress", sort="cheap")  # type: ignore[arg-type]


# Words of the shop's own


def test_own_synonyms(shop: Catalog) -> None:
    assert shop.synonyms() == ""
    assert skus(shop.search(text="kicks")) == []
    assert shop.set_synonyms("# ours\nkicks, sneakers, 运动鞋\n") == 1
    assert skus(shop.search(text="kicks"))[0] == "K1"
    assert skus(shop.search(text="dress without kicks", k=50)) == skus(shop.search(text="dress", k=50))
    assert shop.set_synonyms("") == 0
    assert skus(shop.search(text="kicks")) == []


@pytest.mark.parametrize("text", ["alone", "a,", "a, " + "b" * 99, ",".join(map(str, range(60)))])
def test_a_line_that_is_no_group_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="line 2"):
        read_synonyms(f"a, b\n{text}")


def test_rules(shop: Catalog) -> None:
    before = skus(shop.search(text="dress"))
    assert shop.set_rules('# ours\nDress | pin | D2, none\n* | bury | color = "red"\nbag | boost | B2\n') == 3
    found = shop.search(text="DRESS")
    assert found[0].sku == "D2"
    assert found[0].score == pytest.approx(sum(found[0].parts.values()))
    assert found[0].parts["rules"] > 1
    assert skus(shop.search(text="red dress"))[:1] == ["D2"]  # another query: only * holds
    assert skus(shop.search(text="bag"))[0] == "B2"
    assert "D2" not in skus(shop.search(text="dress", where='color = "red"'))  # what a filter stops is not pinned
    shop.set_rules("")
    assert skus(shop.search(text="dress")) == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("dress", "QUERY"),
        ("dress | hide | D1", "pin, boost, bury"),
        ("?? | pin | D1", "no words"),
        ("dress | pin | ,", "skus"),
        ("dress | bury | price <", "column"),
    ],
)
def test_a_line_that_is_no_rule_is_named(line: str, says: str) -> None:
    with pytest.raises((UsageError, FilterError)) as caught:
        read_rules(f"# first\n{line}")
    assert "line 2" in str(caught.value)
    assert says in str(caught.value)


def test_an_erased_product_leaves_the_rules(shop: Catalog) -> None:
    shop.set_rules("dress | pin | D1, D2\nbag | pin | D1\n")
    shop.erase("D1")
    assert [str(rule) for rule in shop.rules()] == ["dress | pin | D2"]
    assert without_skus("", ["a"]) == ""


def test_what_is_the_shops_own_comes_back_from_a_backup(shop: Catalog, tmp_path: Path) -> None:
    shop.set_synonyms("a, b\n")
    shop.set_rules("dress | pin | D1\n")
    shop.backup(tmp_path / "backup")
    Catalog.restore(tmp_path / "backup", tmp_path / "again")
    with catalens.open(tmp_path / "again") as again:
        assert (again.synonyms(), [str(rule) for rule in again.rules()]) == ("a, b\n", ["dress | pin | D1"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("couch, sofa, settee\n", "couch, sofa, settee\n"),
        ("couch, A-1, sofa\n", "couch, sofa\n"),
        ("couch；a-1；sofa", "couch, sofa\n"),
        ("A-1, sofa\nx, y\n", "x, y\n"),
        ("# A-1 is the summer dress\n# A-10\n", "# A-10\n"),
        ("dress | pin | A-1, A-2\n", "dress | pin | A-2\n"),
        ("dress | pin | A-1\n* | bury | A-12\n", "* | bury | A-12\n"),
        ('A-1 | boost | brand = "acme"\n', ""),
        ('dress | boost | name = "A-1"\n', ""),
    ],
)
def test_lines_without_an_erased_sku(text: str, kept: str) -> None:
    assert without_skus(text, {"A-1", "a-1"}) == kept


def test_an_erased_product_leaves_the_synonyms(shop: Catalog, tmp_path: Path) -> None:
    shop.set_synonyms("dress, D1, gown\nsneaker, k1-42\n")
    shop.set_rules("K1-42 | pin | K2\nshoes | pin | K1-42, K2\n")
    receipt = shop.erase("D1", "K1")
    assert shop.synonyms() == "dress, gown\n"
    assert [str(rule) for rule in shop.rules()] == ["shoes | pin | K2"]
    assert {trace.name for trace in receipt.traces if trace.place == "words"} == {"synonyms.txt", "rules.txt"}
    files = [path for path in tmp_path.rglob("*.txt") if path.is_file()]
    assert all("D1" not in path.read_text("utf-8") for path in files)


def test_an_erased_product_leaves_files_that_no_search_can_read(shop: Catalog) -> None:
    (shop.path / "synonyms.txt").write_bytes(b"caf\xe9, D1, gown\nalone D2\n")
    shop.erase("D1")
    assert (shop.path / "synonyms.txt").read_bytes() == b"caf\xe9, gown\nalone D2\n"


@pytest.mark.parametrize("text", ["\ud800, b", "x | pin | \udfff"])
def test_a_text_that_is_no_utf8_is_refused(shop: Catalog, text: str) -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        (shop.set_rules if "|" in text else shop.set_synonyms)(text)
    assert shop.synonyms() == ""


def test_words_of_an_erased_product_do_not_come_back_from_a_backup(shop: Catalog, tmp_path: Path) -> None:
    shop.set_synonyms("dress, D1, gown\n")
    shop.set_rules("dress | pin | D1, D2\n")
    shop.backup(tmp_path / "backup")
    shop.erase("D1")
    path = shop.path
    shop.close()
    Catalog.restore(tmp_path / "backup", path, replace=True)
    with catalens.open(path) as again:
        assert (again.synonyms(), [str(rule) for rule in again.rules()]) == ("dress, gown\n", ["dress | pin | D2"])


# Typeahead, and searches that found nothing


@pytest.mark.parametrize(
    ("text", "words", "categories"),
    [
        ("", (), ()),
        ("?", (), ()),
        ("dr", ("dress",), ("dresses",)),
        ("red dr", ("red dress",), ("dresses",)),
        ("xyz", (), ()),
    ],
)
def test_suggest(shop: Catalog, text: str, words: tuple[str, ...], categories: tuple[str, ...]) -> None:
    found = shop.suggest(text)
    assert (found.words, found.categories) == (words, categories)
    assert all("dr" in title.lower() for _, title in found.products)
    assert bool(found.products) == bool(words)


def test_missed_searches_are_counted_without_anything_personal(tmp_path: Path) -> None:
    missed = MissedSearches(tmp_path / "shop.searches.db")
    assert missed.list() == ()
    for text in ["Sofa", "sofa ", "ＳＯＦＡ", "me@example.com", "+49 170 1234567", "x" * 100, "", "http://a.b", "lamp"]:
        missed.note(text)
    assert [(one.text, one.count) for one in missed.list()] == [("sofa", 3), ("lamp", 1)]
    assert missed.list(most=1)[0].text == "sofa"
    missed.note("blue A-1")
    missed.forget(["a", "A-1", "lam"])
    assert {one.text for one in missed.list()} == {"sofa", "lamp"}
    missed.clear()
    assert (missed.list(), list(tmp_path.iterdir())) == ((), [])
    assert MOST < 100_000
    assert normalised("A  B\n\tc") == "a b c"


def test_an_erased_product_is_in_no_missed_search(shop: Catalog) -> None:
    shop.note_missed("dress d2")
    shop.note_missed("lamp")
    shop.erase("D2")
    assert [one.text for one in shop.missed_searches()] == ["lamp"]
