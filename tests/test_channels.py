"""Feeds for search engines and agents: valid by their schemas and field tables, and read back as they were."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalens.errors import UsageError
from catalens.feeds import open_feed
from catalens.feeds.channel_lines import channel_lines, names_of
from catalens.feeds.channels import CHANNELS, fault_of
from catalens.feeds.offers import offers_of
from catalens.feeds.readiness import readiness
from catalens.tasks.attributes import Filled, filled
from catalens.types import Attributes, Failure, PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder

HERE = Where("test")
GTIN = "4006381333931"
"""Of a pen, with the right check digit (the example of ISO/IEC 15420)."""
FULL: Attributes = {
    "brand": "Norr", "price": 19.9, "currency": "EUR", "link": "https://shop.example/tee", "availability": "in stock",
    "gtin": GTIN, "mpn": "N-1", "condition": "new", "color": "red", "size": "M", "gender": "female",
    "age_group": "adult", "material": "cotton", "pattern": "plain", "google_product_category": 212,
    "product_type": "Shirts > Tees", "season": "summer", "stars": 4,
}  # fmt: skip


def picture(name: str) -> PictureSource:
    return PictureSource(f"https://cdn.example/{name}.jpg", HERE)


TEE = Product("tee", HERE, "Tee, red", "Soft <b>tee</b> & light", dict(FULL), (picture("a"), picture("b")))
SOFA = Product(
    "sofa", HERE, "Sofa", "Deep sofa",
    {"brand": "Norr", "price": 900.0, "currency": "EUR", "category": "Sofas"},
    (picture("sofa"),),
    (
        Variant("sofa-red", "Sofa", {"color": "Red", "price": 900.0, "currency": "EUR"}, (picture("red"),)),
        Variant("sofa-blue", "Sofa", {"color": "Blue", "price": 950.0, "currency": "EUR"}, (picture("blue"),)),
    ),
)  # fmt: skip
BARE = Product("bare", HERE, "=1+1")
PRODUCTS = [TEE, SOFA, BARE]


def written(channel: str, products: list[Product], **how: str) -> str:
    return "\n".join([*channel_lines(products, channel, attribute_names=names_of(products), **how), ""])


def rows(channel: str, products: list[Product], **how: str) -> list[dict[str, str]]:
    delimiter = "\t" if CHANNELS[channel].kind == "tsv" else ","
    return list(csv.DictReader(io.StringIO(written(channel, products, **how), newline=""), delimiter=delimiter))


def read_back(text: str, suffix: str, folder: Path) -> Iterator[Product]:
    path = folder / f"feed{suffix}"
    path.write_text(text, "utf-8", newline="")
    for item in open_feed(path):
        assert not isinstance(item, Failure), item
        yield item


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_products_are_a_feed_without_any(channel: str) -> None:
    lines = list(channel_lines([], channel))
    assert len(lines) == {"jsonl": 0, "html": 2}.get(CHANNELS[channel].kind, 1)
    found = readiness([], channel)
    assert (found.offers, found.ready, found.fields) == (0, 0, ())


def test_other_channels_are_refused() -> None:
    for use in (lambda: channel_lines([], "bing"), lambda: readiness([], "bing")):
        with pytest.raises(UsageError, match="google"):
            use()


def test_acp_is_valid_by_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    bundle = json.loads((Path(__file__).parent / "fixtures" / "acp" / "schema.feed.json").read_text("utf-8"))
    schema = {"$schema": bundle["$schema"], "$defs": bundle["$defs"], "$ref": "#/$defs/Product"}
    validator = jsonschema.Draft202012Validator(schema)
    many = [*PRODUCTS, replace(TEE, sku="b", attributes={"price": 0.0, "availability": 3, "link": "/here"})]
    lines = written("acp", many).splitlines()
    assert len(lines) == len(many)
    for line in lines:
        assert [error.message for error in validator.iter_errors(json.loads(line))] == []
    assert json.loads(lines[0])["variants"][0]["price"] == {"amount": 1990, "currency": "EUR"}
    yen = replace(TEE, attributes={"price": 500.0, "currency": "JPY"})
    assert json.loads(written("acp", [yen]))["variants"][0]["price"] == {"amount": 500, "currency": "JPY"}


@pytest.mark.parametrize("channel", ["google", "meta", "openai"])
def test_a_table_has_a_row_an_offer(channel: str) -> None:
    found = rows(channel, PRODUCTS)
    by = {row["id" if channel != "openai" else "item_id"]: row for row in found}
    assert list(by) == ["tee", "sofa-red", "sofa-blue", "bare"]
    assert by["tee"]["price"] == "19.90 EUR"
    assert by["tee"]["season"] == "summer"
    assert by["sofa-blue"]["price"] == "950.00 EUR"
    assert by["sofa-blue"]["color"] == "Blue"
    assert by["sofa-blue"]["group_id" if channel == "openai" else "item_group_id"] == "sofa"
    assert by["bare"]["title"] == "'=1+1"
    assert by["sofa-red"]["image_url" if channel == "openai" else "image_link"] == "https://cdn.example/red.jpg"


@pytest.mark.parametrize(
    ("said", "google", "meta", "openai"),
    [
        ("in stock", "in stock", "in stock", "in_stock"),
        ("InStock", "in_stock", "in stock", "in_stock"),
        ("https://schema.org/PreOrder", "preorder", "preorder", "pre_order"),
        (0, "out_of_stock", "out of stock", "out_of_stock"),
        (True, "in_stock", "in stock", "in_stock"),
        ("perhaps", "", "", ""),
    ],
)
def test_availability_in_the_words_of_each(said: str | int, google: str, meta: str, openai: str) -> None:
    product = replace(BARE, attributes={"availability": said})
    assert [rows(one, [product])[0]["availability"] for one in ("google", "meta", "openai")] == [google, meta, openai]


@pytest.mark.parametrize(
    ("channel", "suffix"), [("google", ".tsv"), ("meta", ".csv"), ("openai", ".csv"), ("jsonld", ".html")]
)
def test_what_is_written_is_read_back(channel: str, suffix: str, tmp_path: Path) -> None:
    back = {one.sku: one for one in read_back(written(channel, [TEE, SOFA]), suffix, tmp_path)}
    assert set(back) == {"tee", "sofa"}
    tee, sofa = back["tee"], back["sofa"]
    assert (tee.title, tee.description) == (TEE.title, "Soft tee & light")
    # Read as category; as url, and in the channel's own words.
    lost = {"product_type"} | ({"link", "availability"} if channel in {"openai", "jsonld"} else set())
    names = set(FULL) - lost
    assert {name: tee.attributes.get(name) for name in names} == {name: FULL[name] for name in names}
    assert [one.location for one in tee.pictures] == [one.location for one in TEE.pictures]
    assert [(one.sku, one.attributes["color"], one.attributes["price"]) for one in sofa.variants] == [
        ("sofa-red", "Red", 900.0), ("sofa-blue", "Blue", 950.0),
    ]  # fmt: skip
    assert (sofa.title, sofa.attributes["brand"]) == ("Sofa", "Norr")


def test_acp_is_read_back_with_its_variants(tmp_path: Path) -> None:
    back = {one.sku: one for one in read_back(written("acp", [SOFA]), ".jsonl", tmp_path)}
    assert [(one.sku, one.attributes["color"], one.attributes["price"]) for one in back["sofa"].variants] == [
        ("sofa-red", "Red", 900.0), ("sofa-blue", "Blue", 950.0),
    ]  # fmt: skip


def test_a_page_cannot_be_ended_by_a_text() -> None:
    text = written("jsonld", [replace(BARE, title="</script><script>alert(1)</script>")])
    assert text.count("<script") == text.count("</script>") == 1


def test_pictures_that_are_files_are_published_somewhere() -> None:
    product = replace(BARE, pictures=(PictureSource("/data/photos/a b.jpg", HERE),))
    assert rows("google", [product])[0]["image_link"] == "/data/photos/a b.jpg"
    assert "media" not in json.loads(written("acp", [product]))
    assert rows("google", [product], picture_base="https://cdn.example/p/")[0]["image_link"].startswith(
        "https://cdn.example/p/a"
    )


@pytest.mark.parametrize(
    ("text", "is_right"), [(GTIN, True), ("4006381333932", False), ("96385074", True), ("12", False)]
)
def test_check_digits(text: str, is_right: bool) -> None:
    field = next(one for one in CHANNELS["google"].fields if one.name == "gtin")
    assert (fault_of(field, text) == "") == is_right


def test_readiness_counts_what_lacks_and_what_is_wrong() -> None:
    found = readiness([replace(TEE, attributes={**FULL, "gtin": "1234"}), SOFA, TEE], "google")
    by = {one.name: one for one in found.fields}
    assert (found.offers, found.ready) == (4, 1)
    assert by["link"].missing == by["availability"].missing == 2
    assert by["link"].examples == ["sofa-red", "sofa-blue"]
    assert list(by["gtin"].wrong.values()) == [1]
    assert "price" not in by
    assert readiness([replace(BARE, attributes={"price": 5.0})], "google", currency="EUR").fields[0].name != "price"


def test_nothing_the_shop_wrote_is_replaced_by_what_a_photo_shows(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    image = np.full((90, 90, 3), 255, np.uint8)
    image[20:70, 20:70] = (215, 25, 30)
    Image.fromarray(image).save(path)
    shown = (PictureSource(str(path), HERE),)
    blue = replace(BARE, sku="blue", attributes={"colour": "blue"}, pictures=shown)
    of_variant = replace(SOFA, pictures=shown)
    gone = replace(BARE, sku="gone", pictures=(PictureSource(str(tmp_path / "none.png"), HERE),))
    told: list[Filled] = []
    given = [replace(BARE, pictures=shown), blue, of_variant, gone]
    found = list(filled(given, ["color"], encoder=FakeEncoder(), min_confidence=0.5, told=told.append))
    assert found[0].attributes == {"color": "red"}
    assert found[1:] == [blue, of_variant, gone]
    assert [(one.sku, one.value) for one in told] == [("bare", "red")]
    assert told[0].confidence == pytest.approx(1, abs=0.1)
    assert list(filled(given, ["color"], encoder=FakeEncoder(), min_confidence=1.01, told=told.append)) == given
    with pytest.raises(UsageError, match="price"):
        list(filled(given, ["price"], encoder=FakeEncoder(), min_confidence=0.5, told=told.append))


def test_an_offer_keeps_what_is_no_field() -> None:
    (offer,) = offers_of(TEE)
    assert set(offer.rest) == {"season", "stars"}


@pytest.mark.parametrize(
    "attributes",
    [
        *({"price": price} for price in (1e308, 1e12, 10**400, float("inf"), float("nan"), -1.0)),
        *({"link": link} for link in ("javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "/a")),
    ],
)
@pytest.mark.parametrize("channel", CHANNELS)
def test_what_is_no_price_and_no_web_address_is_no_part_of_a_feed(channel: str, attributes: Attributes) -> None:
    product = Product("A", Where("feed"), "Bag", attributes={"currency": "EUR", **attributes})
    (offer,) = offers_of(product)
    assert not {"price", "link"} & set(offer.fields)
    assert "script:" not in "".join(channel_lines([product], channel))
