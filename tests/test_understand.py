"""Words of a query as they are understood: negation, prices and sizes in five languages, and what stays words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.search.amounts import Goods, read_amount
from catalens.search.understand import Shop, Understood, understand

GOODS = Goods("price", ("EUR",), {"size": frozenset({"42", "38", "xl", "m", "eu 44"})})
NAMES = {"no fear", "no. 5", "not your", "sin city"}
SHOP = Shop(GOODS, has_phrase=lambda phrase: phrase.lower() in NAMES)


def read(text: str, shop: Shop = SHOP) -> Understood:
    return understand(text, shop)


def said(text: str, shop: Shop = SHOP) -> tuple[str, list[str]]:
    """The words that are left, and the chips."""
    found = read(text, shop)
    return " ".join(found.text.split()), [str(chip) for chip in found.chips]


@pytest.mark.parametrize("text", ["", " ", "--", "- - -", "?", "“”", "\u200b"])
def test_nothing_is_understood_in_nothing(text: str) -> None:
    found = read(text)
    assert (found.chips, found.filters, found.excluded, found.asked) == ((), (), (), ())
    assert found.is_empty


@pytest.mark.parametrize(
    ("text", "left", "chips"),
    [
        ("shirt without stripes", "shirt", ["not stripes"]),
        ("-striped shirt", "shirt", ["not striped"]),
        ("dress not red", "dress", ["not red"]),
        ("no red dress", "dress", ["not red"]),
        ("non leather shoes", "shoes", ["not leather"]),
        ("shirt without stripes and dots", "shirt", ["not stripes and dots"]),
        ("sneakers without laces or velcro for men", "sneakers for men", ["not laces or velcro"]),
        ("bag without leather straps", "bag", ["not leather straps"]),
        ("jacket without black under 90", "jacket", ["not black", "price < 90"]),
        ("Jacke ohne schwarz unter 90", "Jacke", ["not schwarz", "price < 90"]),
        ("bag without leather between 20 and 40", "bag", ["not leather", "(price >= 20) and (price <= 40)"]),
        ("jacket without black without hood", "jacket", ["not black", "not hood"]),
        ("jacket without leather not red", "jacket", ["not leather", "not red"]),
        ("Hemd ohne Streifen", "Hemd", ["not Streifen"]),
        ("Tasche nicht schwarz", "Tasche", ["not schwarz"]),
        ("keine Lederschuhe", "", ["not Lederschuhe"]),
        ("camisa sin rayas", "camisa", ["not rayas"]),
        ("chemise sans rayures", "chemise", ["not rayures"]),
        ("不要条纹的衬衫", "衬衫", ["not 条纹"]),
        ("衬衫 不带 条纹", "衬衫", ["not 条纹"]),
        ("没有口袋的裤子", "裤子", ["not 口袋"]),
        # Properties that are said with a negation.
        ("robe sans manches", "robe sans manches", []),
        ("vestido sin mangas", "vestido sin mangas", []),
        ("无袖连衣裙", "无袖 连衣裙", []),
        # Names.
        ("No. 5 perfume", "No. 5 perfume", []),
        ("no fear t-shirt", "no fear t-shirt", []),
        ("not your mother's shampoo", "not your mother's shampoo", []),
        ("sin city poster", "sin city poster", []),
        ("non-stick pan", "non-stick pan", []),
        ('"no stripes" shirt', '"no stripes" shirt', []),
        ("t-shirt", "t-shirt", []),
        ("without", "without", []),
        ("shirt -", "shirt -", []),
        ("dress -5", "dress -5", []),
    ],
)
def test_negation(text: str, left: str, chips: list[str]) -> None:
    assert said(text) == (left, chips)


@pytest.mark.parametrize(
    ("text", "left", "chip"),
    [
        ("jacket under 50", "jacket", "price < 50"),
        ("jacket below €50", "jacket", "price < 50"),
        ("less than 30 eur", "", "price < 30"),
        ("up to 1,299.50 EUR sofa", "sofa", "price <= 1299.5"),
        ("sofa bis 1.299,00 €", "sofa", "price <= 1299"),
        ("watch over 200", "watch", "price > 200"),
        ("watch at least 200 euros", "watch", "price >= 200"),
        ("jacket between 20 and 40", "jacket", "(price >= 20) and (price <= 40)"),
        ("boots 20-40 EUR", "boots", "(price >= 20) and (price <= 40)"),
        ("dress €20-€50", "dress", "(price >= 20) and (price <= 50)"),
        ("boots for around 100 euros", "boots", "(price >= 80) and (price <= 120)"),
        ("Schuhe unter 50", "Schuhe", "price < 50"),
        ("Schuhe zwischen 20 und 40 Euro", "Schuhe", "(price >= 20) and (price <= 40)"),
        ("von 20 bis 40 Euro", "", "(price >= 20) and (price <= 40)"),
        ("zapatos de menos de 50", "zapatos", "price < 50"),
        ("zapatos entre 20 y 40 euros", "zapatos", "(price >= 20) and (price <= 40)"),
        ("robe moins de 50 €", "robe", "price < 50"),
        ("robe entre 20 et 40 €", "robe", "(price >= 20) and (price <= 40)"),
        ("５０以下 鞋", "鞋", "price < 50"),
        ("鞋 20到40欧元", "鞋", "(price >= 20) and (price <= 40)"),
        ("低于50的鞋", "鞋", "price < 50"),
        ("trousers size 42", "trousers", 'size in ("42")'),
        ("boots EU size 44", "boots EU", 'size in ("eu 44")'),
        ("hoodie xl", "hoodie", 'size in ("xl")'),
        ("hoodie size m", "hoodie", 'size in ("m")'),
        ("Hose Größe 38", "Hose", 'size in ("38")'),
        ("pantalón talla 42", "pantalón", 'size in ("42")'),
        ("pantalon taille 38", "pantalon", 'size in ("38")'),
        ("鞋 42码", "鞋", 'size in ("42")'),
    ],
)
def test_amounts(text: str, left: str, chip: str) -> None:
    found = read(text)
    assert (" ".join(found.text.split()), [str(one) for one in found.chips], found.notes) == (left, [chip], ())
    assert [str(one) for one in found.filters] == [chip]


@pytest.mark.parametrize(
    "text",
    [
        "under armour shoes", "under", "between 5 and", "between", "shoes under 50 cm", "bottle 500 ml", "max",
        "under 99999999999999999999", "42", "size", "over the knee boots", "20-40", "from 20", "top 10 shirts",
        "over 20 pieces", "less than", "€", "$ $ $", "a-b", "m",
    ],
)  # fmt: skip
def test_what_is_no_amount_stays_words(text: str) -> None:
    assert said(text) == (text, [])


def test_what_cannot_be_a_filter_is_named() -> None:
    bare = Shop()
    assert read("jacket under 50", bare).notes == ('"under 50" was not applied: the catalog has no prices',)
    assert said("jacket under 50", bare) == ("jacket", [])
    assert said("trousers size 42", bare) == ("trousers size 42", [])
    assert read("trousers size 42", bare).notes == ('"size 42" was not applied: the catalog has no sizes',)
    assert read("trousers size 99").notes == ('"size 99" was not applied: no product has the size "99"',)
    assert read("less than £30").notes == ('"less than £30": prices are in EUR and were not converted',)


def test_several_currencies_are_told_apart() -> None:
    shop = Shop(Goods("price", ("EUR", "GBP")))
    assert [str(one) for one in read("under £30", shop).filters] == ['(price < 30) and (currency = "GBP")']
    assert [str(one) for one in read("under 30", shop).filters] == ["price < 30"]


def test_a_chip_can_be_taken_away() -> None:
    chips = read("shirt without stripes under 50").chips
    assert [(chip.kind, chip.text, chip.rest) for chip in chips] == [
        ("not", "stripes", "shirt under 50"),
        ("price", "under 50", "shirt without stripes"),
    ]


def others(text: str, shop: Shop = SHOP) -> dict[str, tuple[str, ...]]:
    return {one.word: one.others[:2] for one in read(text, shop).asked}


def test_words_of_other_languages_are_known_by_the_catalogs() -> None:
    assert others("rotes Kleid") == {"rotes": ("red",), "Kleid": ("dress", "frock")}
    assert others("zapatos rojos")["rojos"] == ("red",)
    assert others("robe rouge")["robe"][0] == "dress"  # English alone, it is for the bath
    assert others("robe")["robe"][0] != "dress"
    assert others("红色连衣裙夏季新款") == {"红色": ("red",), "连衣裙": ("dress", "frock"), "夏季": ("summer",)}
    assert others("red dress", Shop(languages=("de",))) == {"red": ("rot", "rote"), "dress": ("Kleid", "Damenkleid")}
    assert read("chaussures rouges pour femme").spoken == "shoes red women"


@pytest.mark.parametrize(
    ("word", "divided"), [("Damenschuhe", "damen schuhe"), ("Cocktailschuhe", "cocktail schuhe"), ("Schuhe", "Schuhe")]
)
def test_german_compounds_are_divided(word: str, divided: str) -> None:
    assert read(word).text == divided


def test_a_chinese_character_of_an_unknown_word_means_nothing() -> None:
    assert read("木耳").asked == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("50", 50), ("1,299.50", 1299.5), ("1.299,00", 1299), ("1'299", 1299), ("49,90", 49.9), ("1.299", 1299),
        ("1234567890", None), ("0", 0),
    ],
)  # fmt: skip
def test_numbers(text: str, number: float | None) -> None:
    assert read_amount(text) == number


@given(st.text(alphabet="ab -–'\"0159.,€$<>不要元码红的 ", max_size=60) | st.text(max_size=60))
@settings(max_examples=200)
def test_any_text_is_read(text: str) -> None:
    found = read(text)
    for one in found.asked:
        assert found.text[one.start : one.end] == one.word
    for chip in found.chips:
        assert len(chip.rest) <= 4 * len(text)


@pytest.mark.parametrize(  # a reader whose work grows faster than the text would not come to an end here
    "piece", ["a", "- ", "not ", "不要", "under 5 ", "without a or ", "1,", "'", "红", "-x", '"', "donau", "size "]
)
def test_a_pasted_page_is_read(piece: str) -> None:
    assert len(read(piece * (1_000_000 // len(piece))).text) <= 11_000
