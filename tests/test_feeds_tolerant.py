"""What stands before the parsers: encodings, rows above a header, short rows, broken XML, archives, folders, groups."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from catalens.errors import CatalensError, FeedError, UsageError
from catalens.feeds import open_feed
from catalens.feeds.cells import MOST_ATTRIBUTES
from catalens.feeds.draft import Draft, grouped
from catalens.feeds.encodings import guess_encoding
from catalens.types import Failure, Product

# ruff: noqa: E501 (the lines of feeds are as long as they are)
TEXTS: list[tuple[str, str]] = [
    ("gb18030", "A,红色连衣裙夏季新款"), ("gb18030", "1,红色"), ("gb18030", "A1,真皮手提包,299"), ("big5", "A,紅色連衣裙夏季新款"),
    ("big5", "1,皮包"), ("cp932", "A,赤いワンピース 夏の新作"), ("cp932", "1,シャツ"), ("cp949", "A,빨간 원피스 여름 신상"), ("cp949", "1,가방"),
    ("euc_jp", "A,赤いワンピース"), ("cp1252", "A,Süßes Café"), ("cp1252", "1;Schöne Größe;12,50 €"), ("cp1252", "1,Señor año"),
    ("cp1252", "1,crème brûlée naïve"), ("cp1252", "1,¿Qué tal? niño"), ("cp1252", "1,São Paulo maçã"), ("cp1252", "1,Blåbær på øen"),
    ("cp1252", "1,Rock’n’Roll – £5"), ("cp1250", "1,Zażółć gęślą jaźń"), ("cp1250", "1;Koszula męska świąteczna żółta"),
    ("cp1250", "1,Příliš žluťoučký kůň"), ("cp1251", "A,Красное платье летнее"), ("cp1251", "1,Сумка"), ("koi8_r", "A,Красное платье летнее"),
    ("koi8_r", "1,Сумка"), ("cp1253", "A,Κόκκινο φόρεμα"), ("cp1254", "A,Kırmızı yazlık elbise şık gömlek"), ("cp1255", "A,שמלה אדומה"),
    ("cp1256", "A,فستان أحمر صيفي"),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "text"), TEXTS)
def test_an_encoding_is_told_by_a_few_words(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    assert data.decode(guess_encoding(data), errors="replace") == text


def written(folder: Path, name: str, data: str | bytes) -> Path:
    for photo in ("a.jpg", "b.jpg"):
        Image.new("RGB", (4, 4), "red").save(folder / photo)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / name


def read(source: Path, **options: object) -> tuple[list[Product], list[Failure], tuple[str, ...]]:
    reading = open_feed(source, **options)  # type: ignore[arg-type]
    items = list(reading)
    products = [item for item in items if isinstance(item, Product)]
    return products, [item for item in items if isinstance(item, Failure)], reading.notes


TABLES: dict[str, tuple[str | bytes, list[str]]] = {
    "sep=": ("sep=;\nsku;title;image\nA;x;a.jpg\n", ["A"]),
    "sep= of another sign": ("sep=^\nsku^title^image\nA^x^a.jpg\n", ["A"]),
    "a banner": ("Export of my shop, all rights reserved\n\nsku;title;image\nA;x;a.jpg\n", ["A"]),
    "a banner in the first cell": ("Products 2026;;\n;;\nsku;title;image\nA;x;a.jpg\n", ["A"]),
    "remarks": ("# made by a plugin\n# at noon\nsku,title,image\n# a remark\nA,x,a.jpg\n", ["A"]),
    "demands": ("sku,title,image\nRequired,Required,Optional\nA,x,a.jpg\n", ["A"]),
    "mark": ("\ufeffsku,title,image\nA,x,a.jpg\n", ["A"]),
    "mark and quotes": ('\ufeff"sku","title","image"\n"A","x","a.jpg"\n', ["A"]),
    "short rows": ("sku,title,image,price,color\nA,x,a.jpg\nB,y,b.jpg,5\n", ["A", "B"]),
    "trailing delimiters": ("sku,title,image\nA,x,a.jpg,,,\nB,y,b.jpg,\n", ["A", "B"]),
    "header with trailing delimiters": ("sku,title,image,,\nA,x,a.jpg,,\n", ["A"]),
    "the header again": ("sku,title,image\nA,x,a.jpg\nsku,title,image\nB,y,b.jpg\n", ["A", "B"]),
    "old line ends": ("sku,title,image\rA,x,a.jpg\rB,y,b.jpg\r", ["A", "B"]),
    "UTF-16 without mark": ("sku\ttitle\timage\nA\tx\ta.jpg\n".encode("utf-16-le"), ["A"]),
    "UTF-32": ("sku,title,image\nA,x,a.jpg\n".encode("utf-32"), ["A"]),
    "bars": ("sku|title|image\nA|x, y, z|a.jpg\n", ["A"]),
    "commas in a table of semicolons": ("sku;title;price;image\nA;x, y;1,5;a.jpg\nB;x, y;1,5;a.jpg\n", ["A", "B"]),
    "stray quotes": ('sku,title,image\nA,5" pipe,a.jpg\nB,"5"" pipe",b.jpg\n', ["A", "B"]),
    "no sku in some": ("sku,title,image\n,Red shirt,a.jpg\n,Red shirt,b.jpg\nC,x,a.jpg\n", ["red-shirt", "red-shirt-2", "C"]),
    "two columns of skus": ("sku,article_number,title,image\n,N1,x,a.jpg\nB,N2,y,b.jpg\n", ["N1", "B"]),
    "text only": ("sku,title\nA,x\n", ["A"]),
    "joined names": ("productId,productName,imageUrl,imageUrl2\nA,x,a.jpg,\n", ["A"]),
    "titles in two columns": ("sku,title,title,image\nA,,x,a.jpg\n", ["A"]),
    "German": ("Artikelnr.;Bezeichnung;Bild;Preis\nA;Hemd;a.jpg;12,50\n", ["A"]),
    "French": ("Référence;Nom;Photo;Prix\nA;Chemise;a.jpg;12,50\n", ["A"]),
    "Chinese": ("货号,标题,主图,价格\nA,红裙,a.jpg,99\n".encode("gbk"), ["A"]),
    "Japanese": ("商品番号,商品名,画像,価格\nA,赤いシャツ,a.jpg,1299円\n".encode("cp932"), ["A"]),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_a_table_goes_in_as_shops_write_it(case: str, tmp_path: Path) -> None:
    text, skus = TABLES[case]
    products, failures, _ = read(written(tmp_path, "a.csv", text))
    assert not failures
    assert [product.sku for product in products] == skus
    assert all(len(product.pictures) == (case != "text only") for product in products)


REFUSED: dict[str, tuple[str, str]] = {
    "unknown language": ("kod;nazwa;zdjęcie;cena\nA;koszula;a.jpg;12\n", "--map sku=kod --map title=nazwa"),
    "title unknown": ("SKU;Nazwa;Image\nA;koszula polo;a.jpg\nB;spodnie;b.jpg\n", "--map title=Nazwa"),
    "no header": ("A1,Red shirt,a.jpg,12.50\nA2,Blue,b.jpg,1.00\n", "--map sku=1 --map title=2 --map image=3"),
    "too many columns": (",".join(f"c{n}" for n in range(2001)) + "\n", "2000"),
    "stock by location": ("Handle,Title,SKU,Location,On hand\nt,T,S,Here,3\n", "no list of products"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_clear_is_asked_about(case: str, tmp_path: Path) -> None:
    text, mention = REFUSED[case]
    with pytest.raises(FeedError) as caught:
        open_feed(written(tmp_path, "a.csv", text))
    assert mention in str(caught.value)


def test_columns_without_names_are_mapped_by_number(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", "A1,Red shirt,a.jpg,12.50\n")
    mapping = {"sku": "1", "title": "2", "image": "3", "price": "4"}
    (product,), _, _ = read(source, mapping=mapping)
    assert (product.sku, product.title, product.attributes, len(product.pictures)) == (
        "A1",
        "Red shirt",
        {"price": 12.5},
        1,
    )


def test_a_column_is_never_renamed_and_never_hides_another(tmp_path: Path) -> None:
    text = "sku,title,image,colour,size,size,Farbe\nA,x,a.jpg,Red,S,M,\nB,y,b.jpg,,L,,Blau\n"
    (first, second), _, _ = read(written(tmp_path, "a.csv", text))
    assert first.attributes == {"colour": "Red", "color": "Red", "size": ("S", "M")}
    assert second.attributes == {"size": "L", "farbe": "Blau", "color": "Blau"}


XML = '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{}</channel></rss>'
ITEM = "<item><g:id>{}</g:id><title>{}</title><g:image_link>a.jpg</g:image_link></item>"
FEEDS: dict[str, tuple[bytes, list[tuple[str, str]], int]] = {
    "blank lines": (("\n \n<?xml version='1.0'?>" + XML.format(ITEM.format(1, "x"))).encode(), [("1", "x")], 0),
    "bare ampersand": (XML.format(ITEM.format(1, "Salt & pepper")).encode(), [("1", "Salt & pepper")], 0),
    "entities of HTML": (XML.format(ITEM.format(1, "caf&eacute;&nbsp;x")).encode(), [("1", "café\u00a0x")], 0),
    "undefined prefix": (XML.format("<item><g:id>1</g:id><x:title>x</x:title></item>").encode(), [("1", "x")], 0),
    "wrong byte": (XML.format(ITEM.format(1, "x") + ITEM.format(2, "y")).encode().replace(b">x<", b">\xff<"), [("1", "\ufffd"), ("2", "y")], 1),
    "control sign": (XML.format(ITEM.format(1, "x\x0b")).encode(), [("1", "x\ufffd")], 1),
    "mismatched tags": (XML.format("<item><g:id>1</g:id><title>x</titel></item>" + ITEM.format(2, "y")).encode(), [("2", "y")], 1),
    "never closed": (XML.format("<item><g:id>1</g:id>" + ITEM.format(2, "y") + ITEM.format(3, "z")).encode(), [("2", "y"), ("3", "z")], 1),
    "HTML as it is": (XML.format("<item><g:id>1</g:id><title>x</title><description>a<br>b</description></item>").encode(), [("1", "x")], 0),
    "CDATA never closed": (XML.format("<item><g:id>1</g:id><title><![CDATA[x</title></item>" + ITEM.format(2, "y")).encode(), [("2", "y")], 1),
    "comment never closed": (XML.format("<item><g:id>1</g:id><!-- x</item>" + ITEM.format(2, "y")).encode(), [("2", "y")], 1),
    "in attributes": (b'<products><product sku="1" name="x" image="a.jpg"/></products>', [("1", "x")], 0),
    "capitals": (b"<ITEMS><ITEM><ID>1</ID><TITLE>x</TITLE><IMAGE_LINK>a.jpg</IMAGE_LINK></ITEM></ITEMS>", [("1", "x")], 0),
    "cut short": ((XML.format(ITEM.format(1, "x") + ITEM.format(2, "y")))[:-60].encode(), [("1", "x")], 1),
    "commented out": (XML.format("<!-- " + ITEM.format(1, "x") + " -->" + ITEM.format(2, "y")).encode(), [("2", "y")], 0),
    "GBK": (("<?xml version='1.0' encoding='GBK'?>" + XML.format(ITEM.format(1, "红色"))).encode("gbk"), [("1", "红色")], 0),
    "an encoding that lies": (("<?xml version='1.0' encoding='UTF-8'?>" + XML.format(ITEM.format(1, "Größe für Füße"))).encode("cp1252"), [("1", "Größe für Füße")], 0),
    "doctype without declarations": (("<!DOCTYPE rss>" + XML.format(ITEM.format(1, "x"))).encode(), [("1", "x")], 0),
    "products": (b"<products><product><sku>1</sku><name>x</name><images><image>a.jpg</image></images></product></products>", [("1", "x")], 0),
}  # fmt: skip


@pytest.mark.parametrize("case", FEEDS)
def test_a_slip_in_xml_costs_its_item_only(case: str, tmp_path: Path) -> None:
    data, expected, failed = FEEDS[case]
    products, failures, _ = read(written(tmp_path, "a.xml", data))
    assert [(product.sku, product.title) for product in products] == expected
    assert len(failures) == failed


def test_what_is_nested_is_not_the_items_own(tmp_path: Path) -> None:
    inner = (
        "<g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price><g:id>9</g:id><title>Post</title></g:shipping>"
    )
    item = f"<item>{inner}<g:id>1</g:id><title>x</title><g:price>79.00 EUR</g:price>{inner}</item>"
    (product,), _, _ = read(written(tmp_path, "a.xml", XML.format(item)))
    assert (product.sku, product.title, product.attributes["price"]) == ("1", "x", 79.0)
    assert {"country", "service"}.isdisjoint(product.attributes)
    assert "DE" in str(product.attributes["shipping"])


def test_ids_that_clash_lose_nothing(tmp_path: Path) -> None:
    text = (
        "id\ttitle\tlink\timage_link\titem_group_id\tcolor\n"
        "1\tCup\tx\ta.jpg\tG\tred\n2\tCup\tx\tb.jpg\tG\tblue\n2\tCup\tx\tb.jpg\tG\tgreen\nG\tPot\tx\ta.jpg\t\t\nH\tBowl\tx\ta.jpg\tH\tred\n"
    )  # fmt: skip
    products, failures, notes = read(written(tmp_path, "a.tsv", text))
    assert not failures
    assert [(p.sku, [v.sku for v in p.variants]) for p in products] == [
        ("G", []),
        ("G-group", ["1", "2", "2-Cup"]),
        ("H", ["H"]),
    ]
    assert len(notes) == 2


@pytest.mark.parametrize("held", [0, 3, 1000])
def test_groups_are_whole_whether_they_are_held_or_dealt_to_disk(held: int) -> None:
    drafts = [
        Draft(n, group=f"G{n % 7}", variants=[Draft(n, f"S{n}", "t", cells=[("size", n), ("color", "red")])])
        for n in range(50)
    ]
    found = sorted((d for d in grouped(iter(drafts), held=held) if isinstance(d, Draft)), key=lambda draft: draft.sku)
    assert [draft.sku for draft in found] == [f"G{n}" for n in range(7)]
    assert sorted(v.sku for draft in found for v in draft.variants) == sorted(f"S{n}" for n in range(50))
    assert all(draft.cells == [("color", "red")] for draft in found)


def test_caps_are_told_in_a_sentence(tmp_path: Path) -> None:
    pairs = ",".join(f'"n{n}": {n}' for n in range(MOST_ATTRIBUTES + 5))
    pictures = ",".join(f'"{n}.jpg"' for n in range(600))
    (product,), failures, _ = read(
        written(tmp_path, "a.jsonl", f'{{"sku": "A", "images": [{pictures}], {pairs}, "{"l" * 900}": 1}}\n')
    )
    assert len(product.attributes) == MOST_ATTRIBUTES
    whys = {failure.why for failure in failures if "no such file" not in failure.why}
    assert whys == {
        "more than 1000 attributes; the first 1000 are read",
        "600 pictures of one product; the first 500 are read",
    }


def packed_gzip(folder: Path) -> Path:
    written(folder, "x", "")
    (folder / "a.csv.gz").write_bytes(gzip.compress(b"sku,title,image\nA,x,a.jpg\n"))
    return folder / "a.csv.gz"


def packed_zip(folder: Path) -> Path:
    source = written(folder, "p.csv", "sku,title,image\nA,x,pics/a.jpg\n")
    with zipfile.ZipFile(folder / "feed.zip", "w") as archive:
        archive.write(source, "shop/p.csv")
        archive.write(folder / "a.jpg", "shop/pics/a.jpg")
    return folder / "feed.zip"


def packed_zip_of_text(folder: Path) -> Path:
    source = written(folder, "p.csv", "sku,title,image\nA,x,https://x.test/a.jpg\n")
    with zipfile.ZipFile(folder / "feed.zip", "w") as archive:
        archive.write(source, "p.csv")
    return folder / "feed.zip"


def folder_with_feed(folder: Path) -> Path:
    written(folder, "p.csv", "sku,title,image\nA,x,a.jpg\n")
    return folder


@pytest.mark.parametrize("make", [packed_gzip, packed_zip, packed_zip_of_text, folder_with_feed])
def test_a_feed_is_found_in_what_holds_it(make: Callable[[Path], Path], tmp_path: Path) -> None:
    (product,), failures, _ = read(make(tmp_path))
    assert not failures
    assert (product.sku, len(product.pictures)) == ("A", 1)
    (again,), _, _ = read(tmp_path / make(tmp_path).name if make is not folder_with_feed else tmp_path)
    assert again.sku == "A"


def test_a_folder_says_why_its_feed_is_not_used_and_counts_what_is_no_photo(tmp_path: Path) -> None:
    written(tmp_path, "list.csv", "kod,nazwa\nA,koszula x\n")
    for name in ("c.jfif", "d.jpe"):
        (tmp_path / name).write_bytes((tmp_path / "a.jpg").read_bytes())
    for name in ("e.svg", "notes.pdf", "f.svg"):
        (tmp_path / name).write_text("x")
    products, failures, notes = read(tmp_path)
    assert not failures
    assert [product.sku for product in products] == ["a", "b", "c", "d"]
    assert any("3 files passed over" in note and "2 .svg" in note for note in notes)
    assert any(note.startswith("list.csv is not used") for note in notes)


@pytest.mark.parametrize("name", ["../x.csv", "/x.csv"])
def test_an_archive_leaves_its_folder_alone(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "feed.zip", "w") as archive:
        archive.writestr(name, "sku,title\nA,x\n")
    with pytest.raises(FeedError):
        open_feed(tmp_path / "feed.zip")


def test_an_encoding_may_be_given(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", "sku,title,image\nA,ń,a.jpg\n".encode("cp1250"))
    (product,), _, notes = read(source, encoding="cp1250")
    assert product.title == "ń"
    assert not any("UTF-8" in note for note in notes)
    with pytest.raises(UsageError, match="klingon"):
        open_feed(source, encoding="klingon")


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_tables_that_others_carry(kind: str, tmp_path: Path) -> None:
    written(tmp_path, "x", "")
    path = tmp_path / f"a.{kind}"
    if kind == "xlsx":
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        for row in (
            ["My products"],
            ["SKU", "Name", "Image", "Price", "Stock"],
            ["A", "x", "a.jpg", 12.5, 3],
            ["B", "y", "b.jpg", 7, None],
        ):
            book.active.append(row)
        book.save(path)
    else:
        pyarrow = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        columns = {
            "SKU": ["A", "B"],
            "Name": ["x", "y"],
            "Image": [["a.jpg", "b.jpg"], ["b.jpg"]],
            "Price": [12.5, 7.0],
            "Stock": [3, None],
        }
        pq.write_table(pyarrow.table(columns), path)
    products, failures, _ = read(path)
    assert not failures
    assert [(p.sku, p.title, p.attributes["price"]) for p in products] == [("A", "x", 12.5), ("B", "y", 7.0)]
    assert products[0].attributes["stock"] == 3


def test_a_source_tells_what_it_mentions(tmp_path: Path) -> None:
    reading = open_feed(written(tmp_path, "a.csv", "sku,title,image,Preis\nA,x,a.jpg,5\n"))
    assert reading.mentions == frozenset({"title", "pictures", "price", "currency", "preis"})
    stock = open_feed(written(tmp_path, "b.csv", "Handle,Title,Option1 Name,Option1 Value,SKU,Price\nt,T,Size,S,A,5\n"))
    assert stock.mentions is not None
    assert {"title", "variants", "price"} <= stock.mentions
    assert {"pictures", "description"}.isdisjoint(stock.mentions)
    assert open_feed(written(tmp_path, "a.jsonl", '{"sku": "A"}\n')).mentions is None


@pytest.mark.parametrize("name", ["a.csv", "a.xml", "a.json", "a.zip", "a.gz", "a.xlsx", "a.parquet", "a.html"])
@pytest.mark.parametrize("data", [b"", b"\0", b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"<", b"{", b"<html>", b"sku\n"])
def test_what_is_broken_is_our_error(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with suppress(CatalensError):
        assert all(isinstance(item, Product | Failure) for item in open_feed(tmp_path / name))
