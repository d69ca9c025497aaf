"""What every feed promises: products and failures only, skus of their own, absolute pictures, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalens.errors import CatalensError, FeedError, NotFoundError, UsageError
from catalens.feeds import FEEDS, open_feed
from catalens.types import Failure, Product

# ruff: noqa: E501 (the lines of feeds are as long as they are)
MAGENTO = """sku,product_type,categories,name,description,price,base_image,additional_images,additional_attributes,configurable_variations,store_view_code
P-S,simple,"Default Category/Men/Tops",Shirt S,<p>Soft &amp; warm</p>,20,/p.jpg,,"size=S,color=Red",,
P-M,simple,"Default Category/Men/Tops",Shirt M,x,22,/p.jpg,,"size=M,color=Red",,
P,configurable,"Default Category/Men/Tops,Default Category",Shirt,"<p>Soft &amp; warm</p>
<ul><li>Washable</li></ul>",,/p.jpg,"/q.jpg,/gone.jpg","material=Wool|Silk,note=a, b and c,oddity=7","sku=P-S,size=S|sku=P-M,size=M|sku=P-L,size=L",
Q,simple,,Mug,,5,/q.jpg,,,,
Q,simple,,Tasse,,5,/q.jpg,,,,de
,simple,,Nameless,,5,/q.jpg,,,,
"""
SHOPIFY_OLD = """Handle,Title,Body (HTML),Vendor,Type,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Image Position,oddity
shirt,Shirt,<b>Soft</b>,Acme,Tops,"a, b",Size,S,SH-S,20.00,q.jpg,2,7
shirt,,,,,,,M,SH-M,25.00,p.jpg,1,
shirt,,,,,,,,,,gone.jpg,3,
mug,Mug,,Acme,Home,,Title,Default Title,MUG,5.00,q.jpg,1,
"""
SHOPIFY_NEW = """URL handle,Title,Description,Vendor,Type,Tags,SKU,Price,Product image URL,Image position,Option1 name,Option1 value,oddity
shirt,Shirt,Soft,Acme,Tops,,SH-S,20.00,p.jpg,1,Size,S,7
shirt,,,,,,SH-M,25.00,gone.jpg,2,,M,
"""
GOOGLE_TSV = (
    "id\ttitle\tdescription\tlink\timage link\tadditional_image_link\tprice\titem_group_id\tcolor\toddity\n"
    "A\tShirt\tSoft\thttps://x.test/a\tp.jpg\tq.jpg,gone.jpg\t15.00 USD\t\tRed\t7\n"
    "B1\tMug\t\thttps://x.test/b\tp.jpg\t\t5,50 EUR\tB\tRed\t\n"
    "B2\tMug\t\thttps://x.test/b\tq.jpg\t\t6 EUR\tB\tBlue\t\n"
)
GOOGLE_XML = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item><g:id>A</g:id><title>Shirt &amp; tie</title><g:image_link>p.jpg</g:image_link>
<g:additional_image_link>q.jpg</g:additional_image_link><g:additional_image_link>gone.jpg</g:additional_image_link>
<g:price>15.00 USD</g:price><g:oddity>7</g:oddity></item>
<item><title>No id</title></item>
</channel></rss>
"""
TABLE = "sku;name;picture;price;oddity\nA;Shirt;p.jpg;20;7\nB;Mug;gone.jpg;5;\nA;Again;q.jpg;1;\nC;too;few\n"
JSONL = "\n".join(
    [
        json.dumps({"sku": "A", "title": "Shirt", "image": "p.jpg", "price": 20.5, "oddity": 7}),
        "{broken",
        json.dumps(["no object"]),
        json.dumps({"title": "no sku"}),
        json.dumps({"sku": "B", "pictures": ["p.jpg", "gone.jpg"], "variants": [{"sku": "B1", "size": "S"}, {}]}),
    ]
)
SOURCES: dict[str, tuple[str, str]] = {
    "magento": ("products.csv", MAGENTO),
    "shopify": ("products.csv", SHOPIFY_OLD),
    "shopify, new headers": ("products.csv", SHOPIFY_NEW),
    "google": ("feed.tsv", GOOGLE_TSV),
    "google, XML": ("feed.xml", GOOGLE_XML),
    "table": ("products.csv", TABLE),
    "jsonlines": ("products.jsonl", JSONL),
    "folder": ("", ""),
}


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(tmp_path, *SOURCES[request.param])


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    for photo in ("p.jpg", "q.jpg"):
        Image.new("RGB", (8, 8), "red").save(folder / photo)
    if not name:
        return folder
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def read(source: Path, **options: Path) -> tuple[list[Product], list[Failure]]:
    items = list(open_feed(source, **options))  # type: ignore[arg-type]
    assert all(isinstance(item, Product | Failure) for item in items)
    return [i for i in items if isinstance(i, Product)], [i for i in items if isinstance(i, Failure)]


every_source = pytest.mark.parametrize("source", SOURCES, indirect=True)


@every_source
def test_each_is_recognised_by_itself(source: Path, request: pytest.FixtureRequest) -> None:
    assert open_feed(source).name == request.node.callspec.params["source"].partition(",")[0]


@every_source
def test_skus_are_their_own_and_pictures_absolute(source: Path) -> None:
    products, failures = read(source)
    assert products
    skus = [p.sku for p in products] + [v.sku for p in products for v in p.variants]
    assert len(set(skus)) == len(skus)
    pictures = [x for p in products for x in (*p.pictures, *(y for v in p.variants for y in v.pictures))]
    assert pictures
    assert all(Path(picture.location).is_absolute() and Path(picture.location).is_file() for picture in pictures)
    assert all(failure.where.source and failure.what and failure.why and failure.cure for failure in failures)
    assert all(failure.where.line for failure in failures)


@every_source
def test_reading_twice_gives_the_same(source: Path) -> None:
    assert read(source) == read(source)


@pytest.mark.parametrize("source", [name for name in SOURCES if name != "folder"], indirect=True)
def test_unknown_columns_become_attributes_and_dead_pictures_are_named(source: Path) -> None:
    products, failures = read(source)
    assert products[0].attributes["oddity"] == 7 or any(p.attributes.get("oddity") == 7 for p in products)
    dead = [failure for failure in failures if "gone.jpg" in failure.what]
    assert len(dead) == 1
    assert "--media" in dead[0].cure


def test_magento_by_hand(tmp_path: Path) -> None:
    products, failures = read(written(tmp_path, "products.csv", MAGENTO))
    shirt, mug = sorted(products, key=lambda p: p.sku)
    assert (shirt.sku, shirt.title, shirt.description) == ("P", "Shirt", "Soft & warm\nWashable")
    assert shirt.attributes["category"] == "Tops"
    assert shirt.attributes["material"] == ("Wool", "Silk")
    assert shirt.attributes["note"] == "a, b and c"
    assert shirt.attributes["price"] == 20.0
    assert [(v.sku, v.attributes["size"], v.attributes["price"]) for v in shirt.variants] == [
        ("P-S", "S", 20.0),
        ("P-M", "M", 22.0),
    ]
    assert (mug.sku, mug.title, mug.attributes["price"]) == ("Q", "Mug", 5.0)
    assert sorted((f.where.line, f.where.column) for f in failures) == [
        (4, "additional_images"),
        (4, "configurable_variations"),
        (8, "sku"),
    ]
    reading = open_feed(tmp_path / "products.csv")
    list(reading)
    assert reading.notes == ("1 row of store views left out",)


def test_shopify_by_hand(tmp_path: Path) -> None:
    products, failures = read(written(tmp_path, "products.csv", SHOPIFY_OLD))
    shirt, mug = products
    assert (shirt.sku, shirt.description, shirt.attributes["brand"], shirt.attributes["category"]) == (
        "shirt", "Soft", "Acme", "Tops",
    )  # fmt: skip
    assert [Path(p.location).name for p in shirt.pictures] == ["p.jpg", "q.jpg"]
    assert [(v.sku, dict(v.attributes)) for v in shirt.variants] == [
        ("SH-S", {"size": "S", "price": 20.0}),
        ("SH-M", {"size": "M", "price": 25.0}),
    ]
    assert shirt.attributes["tags"] == ("a", "b")
    assert (mug.sku, mug.variants, mug.attributes["price"]) == ("MUG", (), 5.0)
    assert [f.where.line for f in failures] == [4]


def test_google_by_hand(tmp_path: Path) -> None:
    products, _ = read(written(tmp_path, "feed.tsv", GOOGLE_TSV))
    shirt, mug = products
    assert (shirt.attributes["price"], shirt.attributes["currency"], shirt.attributes["color"]) == (15.0, "USD", "Red")
    assert (mug.sku, [v.sku for v in mug.variants], mug.attributes["price"]) == ("B", ["B1", "B2"], 5.5)
    assert [v.attributes["color"] for v in mug.variants] == ["Red", "Blue"]
    (tie,), (nameless, _) = (
        read(written(tmp_path, "feed.xml", GOOGLE_XML))[0],
        sorted(read(tmp_path / "feed.xml")[1], key=lambda f: -(f.where.line or 0)),
    )
    assert (tie.title, tie.where.line, len(tie.pictures), nameless.where.line) == ("Shirt & tie", 3, 2, 6)


def test_folders_are_categories_and_endings_tell_twins_apart(tmp_path: Path) -> None:
    (tmp_path / "bags" / "red").mkdir(parents=True)
    for name in ("bags/red/a.jpg", "bags/red/a.png", "top.PNG", ".hidden.jpg"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    products, failures = read(tmp_path)
    assert not failures
    assert {p.sku: p.attributes.get("category") for p in products} == {
        "bags/red/a.jpg": "bags/red", "bags/red/a.png": "bags/red", "top": None,
    }  # fmt: skip
    assert [p.sku for p in read(tmp_path / "top.PNG")[0]] == ["top"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    source = written(tmp_path, "a.csv", "sku,title,image\nA,Süßes Café,p.jpg\n", encoding)
    assert read(source)[0][0].title == "Süßes Café"
    assert any("1252" in note for note in open_feed(source).notes) == (encoding == "cp1252")


def test_a_quote_that_is_never_closed_costs_its_own_row_only(tmp_path: Path) -> None:
    rows = "".join(f"S{i},Title {i},p.jpg\n" for i in range(5000))
    products, failures = read(written(tmp_path, "a.csv", f'sku,title,image\nX,"open,p.jpg\n{rows}'))
    assert len(products) == 5000
    assert [(f.where.line, f.why) for f in failures] == [(2, "a quote that is never closed")]


def test_a_line_without_end_costs_itself_only(tmp_path: Path) -> None:
    text = "sku,title,image\nA,ok,p.jpg\nB," + "x" * 5_000_000 + ",p.jpg\nC,ok,p.jpg\n"
    products, failures = read(written(tmp_path, "a.csv", text))
    assert [p.sku for p in products] == ["A", "C"]
    assert [f.where.line for f in failures] == [3]


def test_lines_are_those_of_the_file_also_behind_cells_of_several(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", 'sku,title,image\nA,"one\ntwo\nthree",p.jpg\nB,x,p.jpg\nB,x,p.jpg\n')
    products, failures = read(source)
    assert [p.where.line for p in products] == [2, 5]
    assert [f.where.line for f in failures] == [6]


def test_paths_stay_inside_unless_the_user_wrote_them_himself(tmp_path: Path) -> None:
    shop, outside = tmp_path / "shop", tmp_path / "outside.jpg"
    shop.mkdir()
    Image.new("RGB", (4, 4)).save(outside)
    source = written(shop, "a.csv", f"sku,title,image\nA,a,../outside.jpg\nB,b,{outside}\nC,c,/p.jpg\n")
    products, failures = read(source)
    assert [len(p.pictures) for p in products] == [0, 1, 1]
    assert ["leads out" in f.why for f in failures] == [True]


def test_addresses_are_kept_for_the_catalog_to_judge(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", "sku,image\nA,https://x.test/a.jpg?w=1\n")
    assert [p.location for p in read(source)[0][0].pictures] == ["https://x.test/a.jpg?w=1"]


XML_BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;">]><rss><item>&c;</item></rss>'
BAD: dict[str, tuple[Callable[[Path], Path], type[CatalensError], str]] = {
    "missing": (lambda t: t / "none.csv", NotFoundError, "none.csv"),
    "empty": (lambda t: written(t, "a.csv", ""), FeedError, "empty"),
    "no pictures": (lambda t: t, FeedError, "no picture"),
    "no sku, no title": (lambda t: written(t, "a.csv", "kod,nazwa\nA1,x y\n"), FeedError, "kod, nazwa"),
    "blank header": (lambda t: written(t, "a.csv", ",,\n"), FeedError, "header"),
    "entities": (lambda t: written(t, "a.xml", XML_BOMB), FeedError, "entities"),
    "nesting": (lambda t: written(t, "a.xml", "<a>" * 100), FeedError, "deep"),
    "no item": (lambda t: written(t, "a.xml", "<rss></rss>"), FeedError, "no item"),
    "binary": (lambda t: written(t, "a.bin", "\0\1\2"), FeedError, "no text"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_one_sentence(case: str, tmp_path: Path) -> None:
    make, kind, mention = BAD[case]
    with pytest.raises(kind, match=mention):
        list(open_feed(make(tmp_path)))


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", "code,what,pic\nA,x,p.jpg\n")
    products = list(open_feed(source, mapping={"title": "what", "image": "pic"}))
    assert isinstance(products[0], Product)
    assert (products[0].sku, products[0].title) == ("A", "x")
    for mapping in ({"title": "nothing"}, {"smell": "what"}):
        with pytest.raises(UsageError):
            open_feed(source, mapping=mapping)
    with pytest.raises(UsageError, match="magento"):
        open_feed(source, format="nothing")
    with pytest.raises(NotFoundError, match="media"):
        open_feed(source, media=tmp_path / "none")
    assert len({feed.name for feed in FEEDS}) == len(FEEDS)


# Without < and &: HTML is read as HTML, see test_feeds_cells.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r<&"), max_size=30)


@settings(max_examples=60)
@given(st.lists(st.tuples(texts, texts), max_size=6))
def test_any_text_in_a_table_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("table")
    lines = ["sku,title,image", *(f'S{i},"{a.replace(chr(34), chr(34) * 2)}",p.jpg' for i, (a, _) in enumerate(rows))]
    products, failures = read(written(folder, "a.csv", "\n".join(lines) + "\n"))
    assert not failures
    assert [p.title for p in products] == [a.strip() for a, _ in rows]


@settings(max_examples=100)
@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.xml", "a.jpg", "a"]))
def test_any_bytes_give_items_or_our_error(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    source = tmp_path_factory.mktemp("bytes") / name
    source.write_bytes(data)
    try:
        for item in open_feed(source):
            assert isinstance(item, Product | Failure)
    except CatalensError:
        return
