"""The catalog: what a shop's engineer does with it in ten minutes, and what can go wrong meanwhile."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalens.catalog import Catalog, open
from catalens.errors import CatalogBusyError, ModelError, NotFoundError, StorageError, UsageError
from catalens.search.query import photo_or_words
from catalens.storage.sqlite import SqliteStore
from catalens.types import PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder, make_products, write_photo


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Catalog]:
    with open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        yield shop


@pytest.fixture
def full(shop: Catalog, tmp_path: Path) -> Catalog:
    shop.add(make_products(tmp_path / "photos", 5))
    return shop


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_an_empty_catalog(shop: Catalog) -> None:
    assert len(shop) == 0
    assert list(shop.products()) == []
    assert list(shop.export_lines()) == []
    assert shop.remove() == 0
    assert shop.doctor().healthy
    assert "0 products" in repr(shop)
    info = shop.info()
    assert (info.products, info.pictures, info.encoders, dict(info.spaces)) == (0, 0, (), {})


def test_what_was_added_is_there_for_the_next_who_opens(full: Catalog) -> None:
    with Catalog.open(full.path, readonly=True) as other:
        assert len(other) == 5
        assert other.get("sku-3").to_dict() == full.get("sku-3").to_dict()
        assert other.get("sku-3").where.line == 5
        assert other.get("sku-3-m").sku == "sku-3"  # by the sku of its variant


def test_another_process_sees_a_change_at_once(full: Catalog) -> None:
    code = (
        "from catalens.catalog import Catalog\n"
        "from catalens.types import Product, Where\n"
        "from tests.fakes import FakeEncoder\n"
        f"Catalog.open({str(full.path)!r}, encoder=FakeEncoder()).add([Product('new', Where('x'))])"
    )
    before = full._store.data_version()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
    assert full.get("new").sku == "new"
    assert full._store.data_version() != before


def test_info_counts(full: Catalog) -> None:
    facts = full.info().to_dict()
    assert (facts["products"], facts["variants"], facts["pictures"], facts["unread"]) == (5, 5, 10, 0)
    assert facts["encoders"] == ["fake@000000000000"]
    assert facts["spaces"] == {"color": 10, "deep:fake@000000000000": 10, "shape": 10, "texture": 10}
    assert isinstance(facts["size_bytes"], int)
    assert facts["size_bytes"] >= sum(path.stat().st_size for path in full.path.glob("catalog.db"))
    json.dumps(facts)


def test_nothing_of_a_removed_product_is_left_on_the_disk(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "quetzalcoatl.png", seed=1000)
    secret = Product("zebra-17", Where("x"), "Xylophonist", "Wunderwaffel", {"kind": "Brontosaur"}, (photo,))
    shop.add([*make_products(tmp_path / "photos", 3), secret])
    words = [b"zebra-17", b"ylophonist", b"underwaffel", b"rontosaur", b"quetzalcoatl"]
    vector = SqliteStore(shop.path, readonly=True).fetch_all(
        "SELECT data FROM vector JOIN picture ON picture.id = picture_id WHERE path = ?", (photo.location,)
    )[0][0]
    assert all(word in all_bytes(shop.path) for word in [*words, vector])
    assert shop.remove("zebra-17") == 1
    left = all_bytes(shop.path)
    assert [word for word in [*words, vector] if word in left] == []
    assert (tmp_path / "quetzalcoatl.png").exists()
    assert shop.doctor().findings == ()


def test_remove_takes_all_or_nothing(full: Catalog) -> None:
    with pytest.raises(NotFoundError, match=r"'nope', 'sku-3-m'"):
        full.remove("sku-1", "nope", "sku-3-m")
    assert len(full) == 5
    assert full.remove("sku-1", "sku-2", "sku-1") == 2
    assert [product.sku for product in full.products()] == ["sku-0", "sku-3", "sku-4"]
    assert full.info().pictures == 6


def test_a_picture_that_another_product_shows_stays(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", seed=1)
    shop.add([Product(sku, Where("x"), pictures=(photo,)) for sku in "ab"])
    shop.remove("a")
    assert shop.info().pictures == 1


def test_products_go_on_behind_a_sku(full: Catalog) -> None:
    assert [product.sku for product in full.products(after="sku-2")] == ["sku-3", "sku-4"]
    assert [product.sku for product in full.products(after="sku-25")] == ["sku-3", "sku-4"]
    assert list(full.products(after="zzz")) == []


@pytest.mark.parametrize("sku", ["", "nope", "SKU-1", "' OR 1=1 --"])
def test_an_unknown_sku_is_not_found(full: Catalog, sku: str) -> None:
    with pytest.raises(NotFoundError):
        full.get(sku)


def test_export_as_json_lines_loses_nothing(full: Catalog, tmp_path: Path) -> None:
    assert full.export(tmp_path / "out.jsonl") == 5
    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        json.loads(json.dumps(product.to_dict())) for product in full.products()
    ]
    assert list(full.export_lines(format="jsonl")) == lines


DANGEROUS = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx"]


def test_csv_never_starts_a_formula(shop: Catalog) -> None:
    products = [
        Product(f"{number:02}", Where("x"), title, title, {"note": title, "list": (title, "b"), "price": -5})
        for number, title in enumerate(DANGEROUS)
    ]
    shop.add([*products, Product("=sku", Where("x"), variants=(Variant("v"),))])
    out = io.StringIO(newline="")
    assert shop.export(out, format="csv") == len(products) + 1
    out.seek(0)
    rows = list(csv.DictReader(out))
    assert [row["title"] for row in rows[:-1]] == ["'" + title for title in DANGEROUS]
    assert {row["price"] for row in rows[:-1]} == {"-5"}  # a number is no formula
    cells = [cell for row in rows for name, cell in row.items() if name != "price"]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_csv_has_a_column_for_every_attribute(full: Catalog, tmp_path: Path) -> None:
    full.export(tmp_path / "out.csv", format="csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[1]["price"] == "11.0"
    assert rows[1]["tags"] == "a|b"
    assert rows[1]["image"] == str(tmp_path / "photos" / "1.png")
    assert json.loads(rows[1]["variants"])[0]["sku"] == "sku-1-m"


def test_an_export_that_fails_leaves_what_was_there(full: Catalog, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jsonl, csv"):
        full.export(tmp_path / "out.xml", format="xml")
    with pytest.raises(StorageError):
        full.export(tmp_path / "none" / "out.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError):
        full.export(tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {"shop", "shop.audit.jsonl", "photos", "folder"}


def test_one_writes_at_a_time_and_the_other_is_told(full: Catalog) -> None:
    hasty = SqliteStore(full.path, wait_s=0.05)
    with full._store.writing(), Catalog(hasty, encoder=FakeEncoder()) as other:
        with pytest.raises(CatalogBusyError, match="process"):
            other.add([Product("a", Where("x"))])
        with pytest.raises(CatalogBusyError):
            other.remove("sku-1")
        assert len(other) == 5


def test_a_reader_does_not_write(full: Catalog) -> None:
    with Catalog.open(full.path, encoder=FakeEncoder(), readonly=True) as reader:
        with pytest.raises(StorageError, match="read-only"):
            reader.add([Product("a", Where("x"))])
        with pytest.raises(StorageError, match="read-only"):
            reader.remove("sku-1")


@pytest.mark.parametrize("source", [7, [Product("a", Where("x")), "feed.csv"], ["feed.csv", 7], [None], object()])
def test_what_is_no_source_is_refused(shop: Catalog, source: object) -> None:
    with pytest.raises((UsageError, NotFoundError)):
        shop.add(source)  # type: ignore[arg-type]
    assert len(shop) == 0


def test_a_wrong_path_among_several_is_said_before_anything_is_written(shop: Catalog, tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / "a.jpg", seed=1)
    with pytest.raises(NotFoundError, match="none"):
        shop.add([tmp_path / "photos", tmp_path / "none"])
    assert len(shop) == 0
    report = shop.add([tmp_path / "photos"])
    assert (report.added, report.feed) == (1, "folder")


def test_the_encoder_is_not_loaded_until_it_is_needed(full: Catalog) -> None:
    with Catalog.open(full.path, encoder="no-such-encoder") as other:
        assert other.get("sku-1").sku == "sku-1"
        assert other.info().products == 5
        assert other.doctor().healthy
        assert other.remove("sku-1") == 1
        with pytest.raises(NotFoundError, match="no-such-encoder"):
            other.add([Product("a", Where("x"))])


def test_another_encoder_is_not_taken_unasked(full: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = FakeEncoder("newer@222222222222")
    monkeypatch.setattr("catalens.storage.encoder.load_encoder", lambda name=None, **_: bundled)
    photo = write_photo(tmp_path / "a.png", seed=99)
    query = [Product("a", Where("x"), pictures=(photo,))]
    with Catalog.open(full.path) as other:
        with pytest.raises(ModelError, match=r"fake@000000000000.*newer@222222222222.*--encoder"):
            other.add(query)
        with pytest.raises(ModelError, match=r"fake@000000000000.*newer@222222222222"):
            other.search(image=photo.location)
        assert other.add(query, encoder="newer").added == 1  # named explicitly
        assert set(other.info().encoders) == {"fake@000000000000", "newer@222222222222"}


def test_a_catalog_may_be_closed_twice_and_then_says_so(full: Catalog) -> None:
    full.close()
    full.close()
    with pytest.raises(UsageError, match="closed"):
        len(full)


def test_pictures_that_could_not_be_read_are_exported_too(shop: Catalog) -> None:
    remote = PictureSource("https://example.com/a.jpg", Where("x"))
    shop.add([Product("a", Where("x"), pictures=(remote,))])
    assert json.loads(next(shop.export_lines()))["pictures"] == [remote.location]


def test_a_catalog_is_a_collection_of_products(full: Catalog) -> None:
    assert [product.sku for product in full] == [f"sku-{number}" for number in range(5)]
    assert len(full) == 5
    assert [sku in full for sku in ("sku-1", "sku-1-m", "SKU-1", "", None)] == [True, True, False, False, False]
    assert full["sku-1"] == full["sku-1-m"] == full.get("sku-1")
    with pytest.raises(NotFoundError, match="'nope'"):
        full["nope"]


def test_a_string_is_a_photo_or_words(full: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = tmp_path / "photos" / "2.png"
    assert full.search(str(photo))[0].sku == full.search(photo)[0].sku == "sku-2"
    words = full.search("thing number 3")
    assert words.query == 'words "thing number 3"'
    assert [match.to_dict() for match in words] == [match.to_dict() for match in full.search(text="thing number 3")]
    monkeypatch.chdir(photo.parent)
    assert full.search("2.png").query == "photo 2.png"
    for query, error, mention in (
        ("nope.png", NotFoundError, "no photo at nope.png"),
        ("", UsageError, "empty"),
        ("../photos", UsageError, "folder"),
        ("thing", UsageError, "came twice"),
    ):
        with pytest.raises(error, match=mention):
            full.search(query, text="red" if query == "thing" else None)


@pytest.mark.parametrize("query", ["a" * 5000, "a\0b", "red.dress", "photos"])
def test_what_cannot_be_a_file_is_words(full: Catalog, query: str) -> None:
    assert photo_or_words(query) == (None, query)
