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
WOO = """ID,Type,SKU,Name,Published,Description,Sale price,Regular price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s),oddity
11,variable,HD,Hoodie,1,<p>Soft</p>,,,"Clothing, Clothing > Hoodies","p.jpg, gone.jpg",,Color,"Red, Blue",7
12,variation,HD-R,Hoodie - Red,1,,,"45,00",,p.jpg,HD,Color,Red,
13,variation,,Hoodie - Blue,1,,"39,50","45,00",,q.jpg,id:11,Color,Blue,
14,simple,,Cap,1,,,9,Clothing,q.jpg,,,,7
"""
BIGCOMMERCE_NEW = """Item,ID,Name,Type,SKU,Options,Price,Categories,Image URL (Import),Variant Image URL,Brand Name,oddity
Product,1,Shirt,physical,SH,,20,Shop/Tops;Sale,,,Acme,7
Variant,2,,,SH-S,Type=Rectangle|Name=Size|Value=S,18,,,,,
Variant,3,,,SH-M,Type=Rectangle|Name=Size|Value=M,,,,q.jpg,,
Image,4,,,,,,,p.jpg,,,
Image,5,,,,,,,gone.jpg,,,
Product,6,Mug,physical,MUG,,5,Home,,,,
"""
BIGCOMMERCE_OLD = """Item Type,Product ID,Product Name,Product Code/SKU,Brand Name,Price,Sale Price,Product Description,Category,Product Image File - 1,Product Image File - 2,oddity
Product,1,Shirt,SH,Acme,20,0.00,<b>Soft</b>,Shop/Tops,p.jpg,gone.jpg,7
SKU,,"[S]Color=Red,[RB]Size=S",SH-R-S,,,,,,,,
Rule,,SH,,,,,,,,,
"""
PRESTASHOP = """ID;Active (0/1);Name;Categories (x,y,z...);Price tax included;Reference;Description;Image URLs (x,y,z...);Feature (Name:Value:Position:Customized);oddity
1;1;Shirt;Home/Tops;12,50;SH-1;<p>Soft</p>;p.jpg,gone.jpg;Color:Red:1:0,Material:Wool:2:0;7
2;1;Mug;;5,00;;x;q.jpg;;
"""
MEDUSA_1 = """Product Id;Product Handle;Product Title;Product Description;Product Type;Product Tags;Product oddity;Variant Id;Variant Title;Variant SKU;Price EUR;Price USD;Option 1 Name;Option 1 Value;Image 1 Url;Image 2 Url
p1;shirt;Shirt;Soft;Tops;a,b;7;v1;S;SH-S;20.00;22.00;Size;S;p.jpg;gone.jpg
p1;shirt;Shirt;Soft;Tops;a,b;7;v2;M;SH-M;21.00;23.00;Size;M;p.jpg;gone.jpg
"""
MEDUSA_2 = """Product Id,Product Handle,Product Title,Product oddity,Product Image 1,Product Image 2,Variant SKU,Variant Price EUR,Variant Option 1 Name,Variant Option 1 Value
p1,shirt,Shirt,7,p.jpg,gone.jpg,SH-S,20,Size,S
"""
SPREE = """product_id,sku,name,slug,status,description,price,currency,image1_src,image2_src,option1_name,option1_value,category1,oddity
1,SH,Shirt,shirt,active,Soft,20,EUR,p.jpg,gone.jpg,Size,S,Clothing -> Tops,7
1,SH-M,,shirt,,,22,EUR,q.jpg,,Size,M,,
2,MUG,Mug,mug,active,,5,EUR,q.jpg,,,,,
"""
VENDURE = """name,slug,description,assets,facets,optionGroups,optionValues,sku,price,variantAssets,variantFacets,oddity
Shirt,shirt,<p>Soft</p>,p.jpg|gone.jpg,category:Tops|brand:Acme,Size,S,SH-S,20,,,7
,,,,,,M,SH-M,22,q.jpg,,
Mug,mug,,q.jpg,,,,MUG,5,,,
"""
ETSY = """TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,QUANTITY,TAGS,MATERIALS,IMAGE1,IMAGE2,VARIATION 1 TYPE,VARIATION 1 NAME,VARIATION 1 VALUES,SKU,oddity
Clay mug,Soft &quot;blue&quot;,12.50,EUR,3,"clay,mug","clay,glaze",p.jpg,gone.jpg,Size,Size,"S,M","MUG-S,MUG-M",7
Plain bowl,,9,EUR,1,,,q.jpg,,,,,,
"""
AMAZON = """TemplateType=fptcustom,Version=2021.1,,,,,,,,,,
Product Type,Seller SKU,Product Name,Brand Name,Price,Main Image URL,Other Image URL1,Parentage,Parent SKU,Colour,Description,Oddity
feed_product_type,item_sku,item_name,brand_name,standard_price,main_image_url,other_image_url1,parent_child,parent_sku,color_name,product_description,oddity
shirt,SH,Shirt,Acme,,p.jpg,gone.jpg,parent,,,Soft,7
shirt,SH-R,Shirt Red,Acme,20,p.jpg,,child,SH,Red,,
shirt,SH-B,Shirt Blue,Acme,22,q.jpg,,child,SH,Blue,,
mug,MUG,Mug,Acme,5,q.jpg,,,,,,7
"""
META = """# Required | A unique ID,# Required | Title,# Required,# Required,# Required,# Required | A link,# Required | Image,# Optional,# Optional,#
id,title,description,availability,price,link,image[0].url,image[1].url,fb_product_category,oddity
A,Shirt,Soft,in stock,15.00 USD,https://x.test/a,p.jpg,gone.jpg,Clothing,7
"""
AKENEO = """sku;family;parent;categories;groups;enabled;name-en_US;name-de_DE;description-en_US-ecommerce;price-EUR;price-USD;picture;image_2;color;oddity
SH-1;shirts;;shop,tops;;1;Shirt;Hemd;<p>Soft</p>;20.00;22.00;p.jpg;gone.jpg;red;7
SH-2;shirts;MODEL;tops;;1;Shirt S;Hemd S;;21.00;;q.jpg;;blue;
"""
ACP = json.dumps(
    {
        "products": [
            {
                "id": "P",
                "title": "Shirt",
                "description": {"plain": "Soft"},
                "oddity": 7,
                "media": [
                    {"type": "image", "url": "p.jpg"},
                    {"type": "video", "url": "v.mp4"},
                    {"type": "image", "url": "gone.jpg"},
                ],
                "variants": [
                    {
                        "id": "P-S",
                        "title": "Shirt S",
                        "price": {"amount": 1999, "currency": "USD"},
                        "availability": {"available": True, "status": "in_stock"},
                        "variant_options": [{"name": "Size", "value": "S"}],
                        "media": [{"type": "image", "url": "q.jpg"}],
                    },
                    {"id": "P-M", "title": "Shirt M", "price": {"amount": 2500, "currency": "JPY"}},
                ],
            }
        ]
    }
)
ACP_TABLE = """item_id,title,description,url,image_url,additional_image_urls,price,group_id,is_eligible_search,oddity
A,Shirt,Soft,https://x.test/a,p.jpg,gone.jpg,15.00 USD,,true,7
"""
JSONLD = """<!DOCTYPE html><html><head><title>x</title>
<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
 {"@type": "BreadcrumbList", "name": "no product"},
 {"@type": "Product", "sku": "A", "name": "Shirt", "description": "<p>Soft</p>", "oddity": 7, "brand": {"@type": "Brand", "name": "Acme"},
  "image": [{"@type": "ImageObject", "contentUrl": "p.jpg"}, "gone.jpg"],
  "offers": {"@type": "Offer", "price": "20.50", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"},
  "additionalProperty": [{"@type": "PropertyValue", "name": "Material", "value": "Wool"}]}]}</script>
<script>var x = "<p>";</script></head><body></body></html>
"""
YML = """<?xml version="1.0" encoding="UTF-8"?>
<yml_catalog><shop><offers>
<offer id="A" available="true"><name>Shirt</name><price>20</price><currencyId>EUR</currencyId><picture>p.jpg</picture><picture>gone.jpg</picture><param name="Color">Red</param><oddity>7</oddity></offer>
</offers></shop></yml_catalog>
"""
SOURCES: dict[str, tuple[str, str]] = {
    "woocommerce": ("products.csv", WOO),
    "bigcommerce": ("products.csv", BIGCOMMERCE_NEW),
    "bigcommerce, old headers": ("products.csv", BIGCOMMERCE_OLD),
    "prestashop": ("products.csv", PRESTASHOP),
    "medusa": ("products.csv", MEDUSA_1),
    "medusa, version 2": ("products.csv", MEDUSA_2),
    "spree": ("products.csv", SPREE),
    "vendure": ("products.csv", VENDURE),
    "etsy": ("listings.csv", ETSY),
    "amazon": ("flat.csv", AMAZON),
    "meta": ("catalog.csv", META),
    "akeneo": ("products.csv", AKENEO),
    "acp": ("feed.json", ACP),
    "acp, table": ("feed.csv", ACP_TABLE),
    "jsonld": ("page.html", JSONLD),
    "google, YML": ("yml.xml", YML),
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


@pytest.mark.parametrize(
    ("typed", "format"), [((), "jsonlines"), ((2,), "jsonlines"), ((0,), "jsonlines"), ((0, 1, 2), "jsonld")]
)
def test_json_lines_are_json_ld_where_each_line_is(typed: tuple[int, ...], format: str, tmp_path: Path) -> None:
    path = tmp_path / "products"
    rows = [{"sku": f"s{n}", "name": f"T{n}", **({"@type": "Product"} if n in typed else {})} for n in range(3)]
    path.write_text("\n".join(map(json.dumps, rows)))
    reading = open_feed(path)
    assert reading.name == format
    assert [(item.sku, item.title) for item in reading if isinstance(item, Product)] == [
        ("s0", "T0"), ("s1", "T1"), ("s2", "T2"),
    ]  # fmt: skip


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
    "no sku, no title": (lambda t: written(t, "a.csv", "kod,nazwa\nA1,x y\n"), FeedError, r"kod = \? .*nazwa = \?"),
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


Expected = tuple[str, str, dict[str, object], list[str], list[tuple[str, dict[str, object]]]]
SHOPIFY_BARE = "Handle,Title,Variant SKU,Variant Price,Image Src\nt,T,,5,p.jpg\nt,,,6,\n"


def test_variants_without_sku_are_numbered(tmp_path: Path) -> None:
    (product,), failures = read(written(tmp_path, "products.csv", SHOPIFY_BARE))
    assert not failures
    assert [variant.sku for variant in product.variants] == ["t-1", "t-2"]


BY_HAND: dict[str, list[Expected]] = {
    "woocommerce": [
        ("14", "Cap", {"price": 9.0, "category": "Clothing"}, ["q.jpg"], []),
        ("HD", "Hoodie", {"price": 39.5, "color": ("Red", "Blue"), "category": "Hoodies"}, ["p.jpg"],
         [("HD-R", {"color": "Red", "price": 45.0}), ("13", {"color": "Blue", "price": 39.5})]),
    ],
    "bigcommerce": [
        ("SH", "Shirt", {"price": 20.0, "brand": "Acme", "category": "Tops"}, ["p.jpg"],
         [("SH-S", {"size": "S", "price": 18.0}), ("SH-M", {"size": "M"})]),
        ("MUG", "Mug", {"price": 5.0}, [], []),
    ],
    "bigcommerce, old headers": [
        ("SH", "Shirt", {"price": 20.0, "brand": "Acme"}, ["p.jpg"], [("SH-R-S", {"color": "Red", "size": "S"})]),
    ],
    "prestashop": [
        ("SH-1", "Shirt", {"price": 12.5, "color": "Red", "material": "Wool", "category": "Tops"}, ["p.jpg"], []),
        ("2", "Mug", {"price": 5.0}, ["q.jpg"], []),
    ],
    "medusa": [
        ("shirt", "Shirt", {"price": 20.0, "currency": "EUR", "category": "Tops", "tags": ("a", "b")}, ["p.jpg"],
         [("SH-S", {"size": "S", "price": 20.0, "price_usd": 22.0}), ("SH-M", {"size": "M", "price": 21.0})]),
    ],
    "medusa, version 2": [("shirt", "Shirt", {"price": 20.0}, ["p.jpg"], [("SH-S", {"size": "S", "price": 20.0})])],
    "spree": [
        ("shirt", "Shirt", {"price": 20.0, "currency": "EUR", "category": "Tops"}, ["p.jpg"],
         [("SH", {"size": "S", "price": 20.0}), ("SH-M", {"size": "M", "price": 22.0})]),
        ("MUG", "Mug", {"price": 5.0}, ["q.jpg"], []),
    ],
    "vendure": [
        ("shirt", "Shirt", {"price": 20.0, "brand": "Acme", "category": "Tops"}, ["p.jpg"],
         [("SH-S", {"size": "S"}), ("SH-M", {"size": "M", "price": 22.0})]),
        ("MUG", "Mug", {"price": 5.0}, ["q.jpg"], []),
    ],
    "etsy": [
        ("clay-mug", "Clay mug", {"price": 12.5, "currency": "EUR", "tags": ("clay", "mug")}, ["p.jpg"],
         [("MUG-S", {"size": "S"}), ("MUG-M", {"size": "M"})]),
        ("plain-bowl", "Plain bowl", {"price": 9.0}, ["q.jpg"], []),
    ],
    "amazon": [
        ("MUG", "Mug", {"price": 5.0, "brand": "Acme"}, ["q.jpg"], []),
        ("SH", "Shirt", {"price": 20.0, "brand": "Acme", "category": "shirt"}, ["p.jpg"],
         [("SH-R", {"color": "Red", "price": 20.0}), ("SH-B", {"color": "Blue", "price": 22.0})]),
    ],
    "meta": [("A", "Shirt", {"price": 15.0, "currency": "USD", "availability": "in stock"}, ["p.jpg"], [])],
    "akeneo": [
        ("SH-1", "Shirt", {"price": 20.0, "currency": "EUR", "price_usd": 22.0, "color": "red", "category": "tops"}, ["p.jpg"], []),
        ("MODEL", "Shirt S", {"price": 21.0}, ["q.jpg"], [("SH-2", {"price": 21.0})]),
    ],
    "acp": [
        ("P", "Shirt", {"price": 19.99, "currency": "USD"}, ["p.jpg"],
         [("P-S", {"size": "S", "price": 19.99}), ("P-M", {"price": 2500.0, "currency": "JPY"})]),
    ],
    "acp, table": [("A", "Shirt", {"price": 15.0, "link": "https://x.test/a"}, ["p.jpg"], [])],
    "jsonld": [("A", "Shirt", {"price": 20.5, "currency": "EUR", "brand": "Acme", "material": "Wool", "availability": "InStock"}, ["p.jpg"], [])],
    "google, YML": [("A", "Shirt", {"price": 20.0, "color": "Red"}, ["p.jpg"], [])],
}  # fmt: skip


@pytest.mark.parametrize("source", BY_HAND, indirect=True)
def test_the_formats_of_shops_by_hand(source: Path, request: pytest.FixtureRequest) -> None:
    products, _ = read(source)
    expected = BY_HAND[request.node.callspec.params["source"]]
    assert len(products) == len(expected)
    for product, (sku, title, attributes, pictures, variants) in zip(products, expected, strict=True):
        assert (product.sku, product.title) == (sku, title)
        assert {name: product.attributes.get(name) for name in attributes} == attributes
        assert [Path(picture.location).name for picture in product.pictures] == pictures
        assert [variant.sku for variant in product.variants] == [name for name, _ in variants]
        for variant, (_, own) in zip(product.variants, variants, strict=True):
            assert {name: variant.attributes.get(name) for name in own} == own


@pytest.mark.parametrize("format", [feed.name for feed in FEEDS if feed.name != "folder"])
def test_a_folder_is_no_file_of_a_format(tmp_path: Path, format: str) -> None:
    with pytest.raises(FeedError, match="is a folder"):
        open_feed(tmp_path, format=format)


@pytest.mark.parametrize("price", ["1" + 400 * "0", "-1" + 400 * "0", "1e999", '{"amount": 1' + 400 * "0" + "}", "NaN"])
def test_a_number_beyond_all_prices_is_none(tmp_path: Path, price: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"sku": "A", "title": "Bag", "price": ' + price + "}\n", "utf-8")
    for item in open_feed(tmp_path / "a.jsonl"):
        assert isinstance(item, Failure) or "price" not in item.attributes
