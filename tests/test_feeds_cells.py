"""Cells as the world writes them: prices, HTML, lists and addresses of pictures; nothing raises."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalens.feeds.cells import value_of
from catalens.feeds.columns import field_of, picture_rank
from catalens.feeds.markup import plain_text
from catalens.feeds.pictures import Pictures, address_of, named_in, split
from catalens.feeds.prices import UNKNOWN, Convention, price_of
from catalens.types import PictureSource, Where

PRICES: list[tuple[str, tuple[float, str] | None]] = [
    ("", None),
    ("-", None),
    ("n/a", None),
    ("on request", None),
    ("10.12.2024", None),
    ("1.234.56", None),
    ("10 20", None),
    ("1" + " " * 3000 + "x1", None),
    ("9" * 400, None),
    ("15.00 USD", (15.0, "USD")),
    ("$1,299.90", (1299.9, "$")),
    ("US$12.50", (12.5, "US$")),
    ("1.299 EUR", (1299.0, "EUR")),
    ("€ 1.299", (1299.0, "€")),
    ("1.299,00 €", (1299.0, "€")),
    ("1.299.000,50", (1299000.5, "")),
    ("1,299,000.50", (1299000.5, "")),
    ("12,50 €", (12.5, "€")),
    ("12,50 € inkl. MwSt.", (12.5, "€")),
    ("ab 12,50 €", (12.5, "€")),
    ("1'299.50", (1299.5, "")),
    ("CHF 1’299.50", (1299.5, "CHF")),
    ("CHF 12.-", (12.0, "CHF")),
    ("1.299,-", (1299.0, "")),
    ("1.299.-", (1299.0, "")),
    ("1,299.-", (1299.0, "")),
    ("1 299,50 kr", (1299.5, "kr")),
    ("1\u00a0299,50\u00a0€", (1299.5, "€")),
    ("1\u202f299,50\u202f€", (1299.5, "€")),
    ("kr 1 299", (1299.0, "kr")),
    ("1 299:-", (1299.0, "")),
    ("R$ 1.299,00", (1299.0, "R$")),
    ("1 299 zł", (1299.0, "zł")),
    ("12€50", (12.5, "€")),
    ("Rs. 1,299", (1299.0, "Rs.")),
    ("Rs.1,299.00/-", (1299.0, "Rs.")),
    ("INR 1,23,456.00", (123456.0, "INR")),
    ("₹1,23,456", (123456.0, "₹")),
    ("¥1,299", (1299.0, "¥")),
    ("￥１２９９", (1299.0, "¥")),
    ("1299円", (1299.0, "円")),
    ("50元", (50.0, "元")),
    ("₩12,900", (12900.0, "₩")),
    ("NT$ 1,200", (1200.0, "NT$")),
    ("1.299 KWD", (1.299, "KWD")),
    ("0.125 EUR", (0.125, "EUR")),
    ("45.0000", (45.0, "")),
    (".99", (0.99, "")),
    ("$.99", (0.99, "$")),
    ("-5.00", (-5.0, "")),
    ("1.299", (1.299, "")),
    ("12.50 - 15.00", (12.5, "")),
    ("$12.50 – $15.00", (12.5, "$")),
    ("12,50 € bis 15,00 €", (12.5, "€")),
    ("١٢٫٥٠", (12.5, "")),
]


@pytest.mark.parametrize(("text", "expected"), PRICES)
def test_a_price_by_hand(text: str, expected: tuple[float, str] | None) -> None:
    assert price_of(text) == expected


CONVENTIONS: list[tuple[list[str], str, float]] = [
    ([], "1.299", 1.299),
    (["99,50 €", "12,00"], "1.299", 1299.0),
    (["99.50", "12.00"], "1.299", 1.299),
    (["99.50 EUR", "12.00 EUR"], "1.299 EUR", 1.299),
    (["99,50"], "1,299", 1.299),
    (["99.50"], "1,299", 1299.0),
    (["1.299,00"], "2.499", 2499.0),
    (["1'299.00"], "2.499", 2.499),
    (["99,50", "99.50"], "1.299 EUR", 1299.0),
    (["free", "-"], "1.299", 1.299),
]


@pytest.mark.parametrize(("others", "text", "amount"), CONVENTIONS)
def test_the_other_prices_say_what_one_means(others: list[str], text: str, amount: float) -> None:
    price = price_of(text, Convention.of(others))
    assert price is not None
    assert price[0] == amount


def test_a_header_and_a_column_of_currency_say_it_too() -> None:
    assert price_of("1.299", Convention.of([], hint=",")) == (1299.0, "")
    assert price_of("1.299", Convention.of([], currency="EUR")) == (1299.0, "")
    assert price_of("1.299", Convention.of([], currency="KWD")) == (1.299, "")


def written(amount: int, decimals: int, thousands: str, decimal: str) -> str:
    whole, rest = divmod(amount, 10**decimals)
    return f"{whole:,}".replace(",", thousands) + (decimal + f"{rest:0{decimals}}" if decimals else "")


@given(
    st.integers(0, 10**11),
    st.sampled_from(
        [(".", ","), (",", "."), (" ", ","), ("'", "."), ("\u00a0", ","), ("\u202f", ","), ("", "."), ("", ",")]
    ),
    st.sampled_from(["{} EUR", "EUR {}", "{} €", "€{}", "${}", "{} kr", "R$ {}", "{} zł", "{}", "CHF {}", "Rs. {}"]),
)
def test_an_amount_comes_back_from_the_forms_of_many_countries(amount: int, marks: tuple[str, str], form: str) -> None:
    price = price_of(form.format(written(amount, 2, *marks)))
    assert price is not None
    assert price[0] == amount / 100


HTML: list[tuple[str, str]] = [
    ("", ""),
    ("plain", "plain"),
    ("R&D", "R&D"),
    ("5 < 6 & 7 > 2", "5 < 6 & 7 > 2"),
    ("Cable <USB> x", "Cable <USB> x"),
    ("<p>Soft <b>fleece</b> &amp; warm</p>", "Soft fleece & warm"),
    ("a<br>b<br/>c", "a\nb\nc"),
    ("<ul><li>1<li>2</ul>", "1\n2"),
    ("<td>a</td><td>b</td>", "a b"),
    ("a<script>x < y</script>b<style>p{}</style>c", "a\nb\nc"),
    ("a<!-- no -->b", "ab"),
    ("&lt;p&gt;Soft&lt;/p&gt;", "Soft"),
    ("&lt;3", "<3"),
    ("caf&eacute;&nbsp;x", "café x"),
    ("<p title='a>b'>t</p>", "t"),
    ('<p class="x>Soft</p> more', "Soft\nmore"),
    ("<![CDATA[a<b]]>", "a<b"),
    ("&#99999999999999;", "\ufffd"),
    ("<o:p>Word</o:p>", "Word"),
    ("text <p unclosed", "text unclosed"),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "expected"), HTML)
def test_html_by_hand(markup: str, expected: str) -> None:
    assert plain_text(markup) == expected


LISTS: list[tuple[str, list[str]]] = [
    ("", []),
    ("no_selection", []),
    ("-", []),
    ("a.jpg", ["a.jpg"]),
    ("a.jpg|b.jpg", ["a.jpg", "b.jpg"]),
    ("a.jpg, b.jpg", ["a.jpg", "b.jpg"]),
    ("a.jpg;b.jpg", ["a.jpg", "b.jpg"]),
    ("a.jpg\nb.jpg\r\nc.jpg", ["a.jpg", "b.jpg", "c.jpg"]),
    ("red, big.jpg, blue.jpg", ["red, big.jpg", "blue.jpg"]),
    ("12, 13", ["12", "13"]),
    ("https://x.test/w_1,h_2/a.jpg,https://x.test/b.jpg", ["https://x.test/w_1,h_2/a.jpg", "https://x.test/b.jpg"]),
    ("https://x.test/a.jpg?c=1,2", ["https://x.test/a.jpg?c=1,2"]),
    ("https://x.test/a https://x.test/b", ["https://x.test/a", "https://x.test/b"]),
    ("//x.test/a.jpg,//x.test/b.jpg", ["//x.test/a.jpg", "//x.test/b.jpg"]),
    ("https://x.test/a.jpg ! alt : A thing | https://x.test/b.jpg", ["https://x.test/a.jpg", "https://x.test/b.jpg"]),
    ('"a.jpg","b.jpg"', ["a.jpg", "b.jpg"]),
    ("a.jpg,,b.jpg,", ["a.jpg", "b.jpg"]),
    ("a.jpg b.jpg", ["a.jpg", "b.jpg"]),
    ("my photo.jpg", ["my photo.jpg"]),
]


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_a_list_of_pictures_by_hand(text: str, expected: list[str]) -> None:
    assert split(text) == expected


OBJECTS: list[tuple[object, list[str]]] = [
    (None, []),
    ([], []),
    ({}, []),
    ("a", ["a"]),
    (["a", "b"], ["a", "b"]),
    ({"src": "a"}, ["a"]),
    ([{"id": 1, "src": "a"}, {"url": "b"}], ["a", "b"]),
    ({"main": {"url": "a"}, "more": [{"href": "b"}]}, ["a", "b"]),
    ('["a", {"src": "b"}]', ["a", "b"]),
    ({"edges": [{"node": {"originalSrc": "x", "url": "a"}}]}, ["a"]),
    ([{"type": "video", "url": "v"}, {"type": "image", "url": "a"}], ["a"]),
    ({"g:url": "a"}, ["a"]),
    ([{"large": "a.jpg", "alt": "A thing"}], ["a.jpg"]),
]


@pytest.mark.parametrize(("value", "expected"), OBJECTS)
def test_pictures_in_objects_by_hand(value: object, expected: list[str]) -> None:
    assert list(named_in(value)) == expected


ADDRESSES = [
    ("a.jpg", ""),
    ("/a.jpg", ""),
    ("//a/b.jpg", ""),
    ("//cdn.shop.test/a.jpg", "https://cdn.shop.test/a.jpg"),
    ("HTTPS://X.test/a.jpg", "https://X.test/a.jpg"),
    ("http:/x.test/a.jpg", "http://x.test/a.jpg"),
    ("https:\\/\\/x.test\\/a.jpg", "https://x.test/a.jpg"),
    ("https://x.test/a b.jpg", "https://x.test/a%20b.jpg"),
    ("www.x.test/a.jpg", "https://www.x.test/a.jpg"),
    ("https://x.test/a.jpg?a=1&amp;b=2", "https://x.test/a.jpg?a=1&b=2"),
    ("https://", ""),
    ("ftp://x.test/a.jpg", ""),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES)
def test_an_address_by_hand(text: str, expected: str) -> None:
    assert address_of(text) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a, b.jpg", "a, b.jpg"),
        ("a,%20b.jpg", "a, b.jpg"),
        ("a, b.jpg?v=1", "a, b.jpg"),
        ("./A, B.JPG", "a, b.jpg"),
        ("sub\\c.jpg", "c.jpg"),
        ("C:\\photos\\a, b.jpg", "a, b.jpg"),
        ("cafe\u0301.jpg", "café.jpg"),
    ],
)
def test_a_file_is_found_in_the_spellings_of_its_name(text: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for photo in ("a, b.jpg", "sub/c.jpg", "café.jpg"):
        Image.new("RGB", (2, 2)).save(tmp_path / photo)
    found, failures = Pictures((tmp_path,)).find_all([(text, Where("x"))])
    assert not failures
    assert [Path(picture.location).name for picture in found] == [name]


def test_relative_addresses_start_from_the_page_of_the_product(tmp_path: Path) -> None:
    found = Pictures((tmp_path,)).find("/media/a.jpg", Where("x"), base="https://shop.test/p/1")
    assert found == PictureSource("https://shop.test/media/a.jpg", Where("x"))


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("SKU", "sku"), ("Artikelnr.", "sku"), ("货号", "sku"), ("商品番号", "sku"), ("Référence", "sku"),
        ("codice articolo", "sku"),
        ("Bezeichnung", "title"), ("Nom du produit", "title"), ("商品名", "title"), ("标题", "title"),
        ("Naam", "title"),
        ("Bild", "image"), ("主图", "image"), ("画像", "image"),
        ("Afbeelding", "image"), ("Preis", "price"), ("価格", "price"),
        ("Kategorie", "category"), ("weight", None), ("productName", "title"), ("ImageURL", "image"), ("", None),
    ],
)  # fmt: skip
def test_a_column_is_known_in_the_languages_of_shops(column: str, field: str | None) -> None:
    assert field_of(column) == field


@pytest.mark.parametrize(
    ("column", "rank"),
    [
        ("image_1", ("image", 1)), ("Product Image 2", ("image", 2)), ("image[0].url", ("image", 0)),
        ("Bild 3", ("bild", 3)),
        ("images", ("image", -1)), ("Image Alt Text", None), ("image_width", None), ("color", None),
        ("ImageURL2", ("image", 2)),
        ("productImage1", ("image", 1)), ("imagery note text", None),
    ],
)  # fmt: skip
def test_columns_of_pictures_are_known_by_words_and_numbers(column: str, rank: tuple[str, int] | None) -> None:
    assert picture_rank(column) == rank


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    for convention in (UNKNOWN, Convention(","), Convention(".")):
        price_of(text, convention)
    plain_text(text)
    plain_text(f"<p {text}>&{text};")
    value_of("x", text)
    assert all(name.strip() for name in split(text))
    Pictures((Path(),)).find(text, Where("x"))
    field_of(text)
