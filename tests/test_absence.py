"""Absence is not deletion: feeds with less in them, folders that moved, photos that cannot be read, what vanished."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalens.catalog import Catalog
from catalens.errors import NotFoundError, StorageError, UsageError
from catalens.types import AddReport, Failure, PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder, make_products, write_photo
from tests.test_store_contract import KINDS, new_store


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(new_store(request.param, tmp_path / "shop"), encoder=FakeEncoder()) as shop:
        yield shop


def sheet(path: Path, rows: list[dict[str, object]]) -> Path:
    """Write a CSV of rows, whose columns are those of the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A table of 30 products in `in/`, each with a photo in `in/media/`."""
    rows: list[dict[str, object]] = []
    for number in range(30):
        write_photo(tmp_path / "in" / "media" / f"{number}.png", seed=number)
        rows.append({
            "sku": f"A-{number:02}", "title": f"Thing {number}", "description": "Soft", "price": 10 + number,
            "color": "red", "image": f"media/{number}.png",
        })  # fmt: skip
    return sheet(tmp_path / "in" / "products.csv", rows)


def rows_of(feed: Path) -> list[dict[str, object]]:
    with feed.open(newline="", encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]


def state(shop: Catalog) -> list[object]:
    """All that is known of all products, and their pictures."""
    counts = shop.info().to_dict()
    found: list[object] = [counts[name] for name in ("products", "variants", "pictures", "unread", "spaces")]
    return found + [(product.to_dict(), shop.pictures(product.sku)) for product in shop]


def counted(report: AddReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, len(report.failed)


def test_a_photo_folder_that_moved_loses_nothing(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    assert counted(shop.add(feed)) == (30, 0, 0, 0)
    before = state(shop)
    shutil.move(tmp_path / "in" / "media", tmp_path / "elsewhere")
    for _ in range(2):
        report = shop.add(feed)
        assert (counted(report), report.stale) == ((0, 0, 30, 30), 30)
        assert "30 pictures could not be read now; what the catalog knows of them stays" in report.notes
        assert state(shop) == before
    if shop._store.folder is not None:
        assert len([one for one in shop.doctor().findings if one.severity == "warning"]) == 30
    shutil.move(tmp_path / "elsewhere", tmp_path / "in" / "media")
    report = shop.add(feed)
    assert (counted(report), report.stale, state(shop)) == ((0, 0, 30, 0), 0, before)
    assert shop.doctor().findings == ()


def test_a_feed_without_its_photos_from_another_folder_loses_nothing(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    """As a ZIP with photos and then the CSV alone are, sent over HTTP."""
    shop.add(feed)
    before = state(shop)
    alone = tmp_path / "other" / "products.csv"
    alone.parent.mkdir()
    shutil.copy(feed, alone)
    report = shop.add(alone)
    assert (counted(report), report.stale) == ((0, 0, 30, 30), 30)
    assert state(shop) == before


def test_one_of_two_pictures_that_is_gone_stays_in_its_place(shop: Catalog, tmp_path: Path) -> None:
    for seed, name in enumerate(("front", "side"), 1):
        write_photo(tmp_path / f"{name}.png", seed=seed)
    feed = sheet(tmp_path / "f.csv", [{"sku": "a", "title": "A", "images": "front.png|side.png"}])
    shop.add(feed)
    before = shop.pictures("a")
    (tmp_path / "front.png").unlink()
    report = shop.add(feed)
    assert (counted(report), report.stale) == ((0, 0, 1, 1), 1)
    assert shop.pictures("a") == before
    # Named newly, and not there: it may be any of the old ones that is meant.
    sheet(feed, [{"sku": "a", "title": "A", "images": "new.png"}])
    shop.add(feed)
    assert shop.pictures("a") == before
    write_photo(tmp_path / "new.png", seed=3)
    shop.add(feed)
    assert (len(shop.pictures("a")), shop["a"].pictures[0].location) == (1, str(tmp_path / "new.png"))


def test_a_photo_that_breaks_keeps_what_it_showed(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", seed=1)
    product = Product("a", Where("x"), pictures=(photo,))
    shop.add([product])
    before = state(shop)
    Path(photo.location).write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    for _ in range(2):
        report = shop.add([product])
        assert (counted(report), report.stale, state(shop)) == ((0, 0, 1, 1), 1, before)


SHEETS: dict[str, list[str]] = {
    "prices only": ["sku", "price"],
    "title and price": ["sku", "title", "price"],
    "stock": ["sku", "stock"],
    "empty cells": ["sku", "title", "description", "price", "color", "image"],
}


@pytest.mark.parametrize("case", SHEETS)
def test_a_sheet_with_fewer_columns_changes_only_those(shop: Catalog, feed: Path, tmp_path: Path, case: str) -> None:
    shop.add(feed)
    before = {product.sku: product for product in shop}
    values: dict[str, object] = {"price": 5, "stock": 7}
    rows: list[dict[str, object]] = [
        {name: {"sku": sku, **values}.get(name, "") for name in SHEETS[case]} for sku in ("A-03", "A-07")
    ]
    report = shop.add(sheet(tmp_path / "sheet.csv", rows))
    assert (report.added, report.missing) == (0, 0)
    assert {failure.why for failure in report.failed} <= {"no picture named"}
    said = {name: value for name, value in values.items() if name in SHEETS[case]}
    for sku, product in before.items():
        told = said if sku in ("A-03", "A-07") else {}
        now = shop[sku]
        assert (now.title, now.description, now.pictures) == (product.title, product.description, product.pictures)
        assert dict(now.attributes) == {**product.attributes, **told}


def test_an_empty_cell_clears_where_it_is_asked_for(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    shop.add(feed)
    before = shop["A-03"]
    cells = sheet(tmp_path / "sheet.csv", [{"sku": "A-03", "title": "", "color": "", "price": 13}])
    assert counted(shop.add(cells)) == (0, 0, 1, 0)
    assert counted(shop.add(cells, clear_empty=True)) == (0, 1, 0, 0)
    rest = {name: value for name, value in before.attributes.items() if name != "color"}
    assert shop["A-03"] == replace(before, title="", attributes=rest)


SHOPIFY = [
    ["Handle", "Title", "Body (HTML)", "Vendor", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price",
     "Image Src"],
    ["big-tee", "Big tee", "<p>Soft</p>", "Norr", "Size", "S", "B-S", "19.00", "a.png"],
    ["big-tee", "", "", "", "", "M", "B-M", "19.00", "b.png"],
]  # fmt: skip

PARTS: dict[str, tuple[str, dict[str, float]]] = {
    # a sheet of some columns: the prices of the product and its variants then
    "both": ("Handle,Title,SKU,Price\nbig-tee,Big tee,B-S,18\nbig-tee,,B-M,21\n", {"": 18, "B-S": 18, "B-M": 21}),
    "one": ("Handle,Title,SKU,Price\nbig-tee,Big tee,B-M,21\n", {"": 19, "B-S": 19, "B-M": 21}),
    "one alone": ("SKU,Price\nB-S,17\n", {"": 17, "B-S": 17, "B-M": 19}),
    "skus": ("SKU,Price\nB-S,22\nB-M,23\n", {"": 22, "B-S": 22, "B-M": 23}),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_sheet_of_variants_keeps_the_rest(shop: Catalog, tmp_path: Path, case: str) -> None:
    for seed, name in enumerate("ab"):
        write_photo(tmp_path / f"{name}.png", seed=seed)
    feed = tmp_path / "products.csv"
    feed.write_text("\n".join(",".join(row) for row in SHOPIFY) + "\n")
    shop.add(feed)
    before, pictures = shop["big-tee"], shop.pictures("big-tee")
    text, prices = PARTS[case]
    (tmp_path / "sheet.csv").write_text(text)
    report = shop.add(tmp_path / "sheet.csv")
    now = shop["big-tee"]
    assert (report.added, len(report.failed), len(shop)) == (0, 0, 1)
    assert (now.title, now.description, now.attributes["brand"]) == ("Big tee", "Soft", "Norr")
    assert shop.pictures("big-tee") == pictures
    assert [(each.sku, each.title, each.attributes["size"]) for each in now.variants] == [
        (each.sku, each.title, each.attributes["size"]) for each in before.variants
    ]
    found = {"": now.attributes["price"], **{each.sku: each.attributes["price"] for each in now.variants}}
    assert {name: found[name] for name in prices} == prices


def test_an_export_restores_exactly_where_it_is_asked_for(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    shop.add(make_products(tmp_path / "photos", 3))
    shop.add(feed)
    before = state(shop)
    shop.export(tmp_path / "all.jsonl")
    shop.update("A-03", title="Other", attributes={"new": 1, "color": None})
    shop.update("sku-1", description="", attributes={"tags": None})
    shop.add([Product("sku-2", Where("x"), variants=(Variant("sku-2-x"),))])
    shop.add(tmp_path / "all.jsonl")
    assert (shop["A-03"].title, shop["A-03"].attributes["new"], len(shop["sku-2"].variants)) == ("Thing 3", 1, 2)
    report = shop.add(tmp_path / "all.jsonl", clear_empty=True)
    assert (state(shop), report.added, len(report.failed)) == (before, 0, 0)


def test_an_object_says_by_its_keys_what_it_mentions(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    shop.add(feed)
    before = shop["A-03"]
    (tmp_path / "some.jsonl").write_text(json.dumps({"sku": "A-03", "title": "", "color": None}) + "\n")
    assert counted(shop.add(tmp_path / "some.jsonl")) == (0, 0, 1, 0)
    shop.add(tmp_path / "some.jsonl", clear_empty=True)
    rest = {name: value for name, value in before.attributes.items() if name != "color"}
    assert shop["A-03"] == replace(before, title="", attributes=rest)


def test_products_given_in_python_are_whole_where_it_is_asked_for(shop: Catalog, tmp_path: Path) -> None:
    (product,) = make_products(tmp_path / "photos", 1)
    shop.add([product])
    bare = Product("sku-0", Where("x"), attributes={"price": 5.0})
    assert counted(shop.add([bare])) == (0, 1, 0, 0)
    expected = replace(product, attributes={**product.attributes, "price": 5.0})
    assert shop["sku-0"].to_dict() == expected.to_dict()
    assert counted(shop.add([bare], clear_empty=True)) == (0, 1, 0, 0)
    assert (shop["sku-0"], shop.info().pictures) == (bare, 0)


# What vanished


def test_what_a_source_no_longer_lists_is_counted_and_removed_where_it_is_asked_for(
    shop: Catalog, feed: Path, tmp_path: Path
) -> None:
    shop.add(feed)
    shop.add(make_products(tmp_path / "photos", 1, seed=500))
    shop.add(sheet(tmp_path / "sheet.csv", [{"sku": "A-29", "price": 5}]))  # a sheet about it does not list it
    sheet(feed, rows_of(feed)[:19])
    report = shop.add(feed)
    assert (report.missing, report.removed, len(shop)) == (11, 0, 31)
    assert any(note.startswith("11 products of this source are no longer in it") for note in report.notes)
    report = shop.add(feed, prune=True)
    assert (report.missing, report.removed, counted(report)) == (0, 11, (0, 0, 19, 0))
    assert [product.sku for product in shop] == [*(f"A-{number:02}" for number in range(19)), "sku-0"]
    assert shop.info().pictures == 19 + 2
    assert (shop.add(feed, prune=True).removed, shop.add(feed).missing) == (0, 0)


def test_a_variant_that_vanished(shop: Catalog, tmp_path: Path) -> None:
    for name in "ab":
        write_photo(tmp_path / f"{name}.png", seed=ord(name))
    feed = tmp_path / "products.csv"
    third = ["big-tee", "", "", "", "", "L", "B-L", "19.00", ""]
    feed.write_text("\n".join(",".join(row) for row in [*SHOPIFY, third]) + "\n")
    shop.add(feed)
    feed.write_text("\n".join(",".join(row) for row in SHOPIFY) + "\n")
    assert (shop.add(feed).missing, len(shop["big-tee"].variants)) == (1, 3)
    assert (shop.add(feed, prune=True).removed, [each.sku for each in shop["big-tee"].variants]) == (1, ["B-S", "B-M"])
    assert len(shop.pictures("big-tee")) == 2


def test_nothing_is_removed_for_a_source_that_cannot_be_read_whole(shop: Catalog, tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text('{"sku": "a", "title": "A"}\n{"sku": "b", "title": "B"}\n')
    shop.add(feed)
    feed.write_text('{"sku": "a", "title": "A"}\n{"sku": "b", "title": "B\n')
    report = shop.add(feed, prune=True)
    assert (report.missing, report.removed, len(shop)) == (1, 0, 2)
    assert "could not be read" in report.notes[-1]
    feed.write_text('{"sku": "a", "title": "A"}\n')
    assert (shop.add(feed, prune=True).removed, len(shop)) == (1, 1)


def test_a_lost_picture_does_not_prevent_pruning(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    shop.add(feed)
    (tmp_path / "in" / "media" / "0.png").unlink()
    sheet(feed, rows_of(feed)[:29])
    report = shop.add(feed, prune=True)
    assert (report.removed, report.stale, len(shop), len(shop.pictures("A-00"))) == (1, 1, 29, 1)


def test_a_source_is_known_by_a_name_where_it_has_one(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    shop.add(feed, source_name="main")
    tomorrow = sheet(tmp_path / "in" / "products-2.csv", rows_of(feed)[:10])
    assert shop.add(tomorrow).missing == 0
    assert shop.add(tomorrow, source_name="main", prune=True).removed == 20
    products = list(shop)
    assert shop.add(products[:4], source_name="main", prune=True).removed == 6
    for wrong in ({"prune": True}, {"source_name": "x", "prune": True, "source": [feed, tomorrow]}):
        with pytest.raises(UsageError):
            shop.add(**({"source": products} | wrong))
    assert len(shop) == 4


# Pictures by their hash, and links


def test_a_source_that_comes_in_parts_is_compared_at_its_end(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", seed=1)

    def tee(number: int, sizes: str) -> Product:
        variants = tuple(Variant(f"T{number}-{size}", size) for size in sizes)
        return Product(f"T{number}", Where("x", number), "Tee", pictures=(photo,), variants=variants)

    first, later = [tee(number, "SML") for number in range(6)], [tee(number, "SM") for number in range(4)]
    for part in (first[:3], first[3:]):
        report = shop.add(part, source_name="erp", partial=True)
        assert (report.added, report.missing) == (3, 0)
    shop.add(tee(9, "S") for _ in range(1))
    for part in (later[:2], later[2:]):
        shop.add(part, source_name="erp", partial=True)
    assert shop.compare(later, source_name="erp").missing == 2 + 4
    broken: list[Product | Failure] = [*later, Failure(Where("x", 7), "line", "not read", "fix it")]
    assert (shop.compare(broken, source_name="erp", prune=True).removed, len(shop)) == (0, 7)
    about: list[Product | Failure] = [*later, Failure(Where("x", 1), "T1", "no picture named", "name it")]
    assert shop.compare(about, source_name="erp", prune=True).removed == 2 + 3  # T1 keeps what may have been its row
    assert [product.sku for product in shop] == ["T0", "T1", "T2", "T3", "T9"]
    assert [len(product.variants) for product in shop] == [2, 3, 2, 2, 1]
    assert shop.compare(later, source_name="other", prune=True).removed == 0
    with pytest.raises(UsageError, match="compare"):
        shop.add(later, source_name="erp", partial=True, prune=True)


def test_a_changed_photo_is_an_update(shop: Catalog, feed: Path, tmp_path: Path) -> None:
    media = tmp_path / "in" / "media"
    shop.add(feed)
    shutil.copy(media / "1.png", media / "0.png")  # the catalog knows this content already: nothing is embedded
    report = shop.add(feed)
    assert (counted(report), report.pictures) == ((0, 1, 29, 0), 0)
    assert shop.pictures("A-00")[0].hash == shop.pictures("A-01")[0].hash


def test_a_file_in_the_place_of_a_picture_is_not_given_out_for_it(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", seed=1)
    data = Path(photo.location).read_bytes()
    shop.add([Product("a", Where("x"), pictures=(photo,))])
    (shown,) = shop.pictures("a")
    assert shop.picture(shown.hash) == shop.picture(shown.hash.upper()) == data
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = Path(photo.location)
    for put in (
        lambda: path.write_bytes(b"secret"),
        lambda: path.symlink_to(secret),
        lambda: path.symlink_to("/dev/zero"),
        path.mkdir,
    ):
        path.unlink(missing_ok=True)
        put()
        with pytest.raises(StorageError, match=r"another one now\. Add its source again"):
            shop.picture(shown.hash)
    path.rmdir()
    with pytest.raises(NotFoundError, match="gone"):
        shop.picture(shown.hash)
    path.write_bytes(data)
    assert shop.picture(shown.hash) == data


LINKS = {
    # what lies in the media folder: whether it is read
    "a file in it": ("real.png", True),
    "out of it": ("../outside/secret.png", False),
    "an absolute one": ("{tmp}/outside/secret.png", False),
    "over a folder": ("folder", False),
}


@pytest.mark.parametrize("case", LINKS)
def test_a_link_out_of_the_media_folder_is_not_followed(shop: Catalog, tmp_path: Path, case: str) -> None:
    media = tmp_path / "media"
    write_photo(media / "real.png", seed=1)
    write_photo(tmp_path / "outside" / "secret.png", seed=2)
    target, is_read = LINKS[case]
    name = "link.png"
    if case == "over a folder":
        (media / "link").symlink_to(tmp_path / "outside")
        name = "link/secret.png"
    else:
        (media / name).symlink_to(target.format(tmp=tmp_path))
    feed = sheet(tmp_path / "feed.csv", [{"sku": "a", "title": "A", "image": name}])
    report = shop.add(feed, media=media)
    assert (len(shop.pictures("a")), len(report.failed)) == ((1, 0) if is_read else (0, 1))
    assert is_read or "link" in report.failed[0].why
    (tmp_path / "way").symlink_to(media)  # the folder itself may be a link
    assert len(shop.add(feed, media=tmp_path / "way").failed) == (0 if is_read else 1)
    folder = shop.add(media)
    assert [one.what for one in folder.failed] == (["link.png"] if not is_read and "/" not in name else [])
    remote = PictureSource("https://x.example/a.png", Where("x"))
    assert counted(shop.add([Product("a", Where("x"), pictures=(remote,))]))[1:] == (1, 0, 1)
