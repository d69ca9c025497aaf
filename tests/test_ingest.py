"""Taking products in: each picture once, each product whole, and what fails is said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalens import features
from catalens.catalog import Catalog
from catalens.errors import ModelError, StorageError
from catalens.storage import ingest, sqlite_write
from catalens.types import Failure, FloatArray, PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder, make_products, write_photo

SPACES = {"deep:fake@000000000000", *features.DIMS}


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def shop(tmp_path: Path, encoder: FakeEncoder) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "shop", encoder=encoder) as shop:
        yield shop


def product(sku: str, *pictures: PictureSource, title: str = "") -> Product:
    return Product(sku, Where("test"), title=title, pictures=pictures)


def spaces(shop: Catalog) -> dict[str, int]:
    return dict(shop.info().spaces)


def test_nothing(shop: Catalog, encoder: FakeEncoder) -> None:
    report = shop.add([])
    assert (report.added, report.updated, report.unchanged, report.failed) == (0, 0, 0, ())
    assert encoder.encoded == 0


@pytest.mark.parametrize("count", [1, 63, 64, 65, 150])
def test_all_products_get_in_whole(shop: Catalog, tmp_path: Path, count: int) -> None:
    products = make_products(tmp_path / "photos", count)
    report = shop.add(products)
    assert (report.added, report.pictures, report.failed) == (count, 2 * count, ())
    assert spaces(shop) == dict.fromkeys(SPACES, 2 * count)
    assert [each.to_dict() for each in shop.products()] == [
        each.to_dict() for each in sorted(products, key=lambda each: each.sku)
    ]


def test_the_second_time_costs_nothing(shop: Catalog, tmp_path: Path, encoder: FakeEncoder) -> None:
    products = make_products(tmp_path / "photos", 70)
    shop.add(products)
    for path in (tmp_path / "photos").iterdir():
        path.chmod(0)  # not even opened (unless by root)
    report = shop.add(products)
    assert (report.unchanged, report.added, report.updated, report.pictures) == (70, 0, 0, 0)
    assert encoder.encoded == 140


def test_a_changed_record_is_written_without_embedding(shop: Catalog, tmp_path: Path, encoder: FakeEncoder) -> None:
    products = make_products(tmp_path / "photos", 3)
    shop.add(products)
    changed = replace(products[1], title="Better", variants=())
    report = shop.add([products[0], changed, products[2]], clear_empty=True)
    assert (report.unchanged, report.updated, report.pictures) == (2, 1, 0)
    assert shop.get("sku-1").to_dict() == changed.to_dict()
    assert encoder.encoded == 6
    assert shop.info().pictures == 5  # the picture of its variant is shown by nobody and gone
    assert shop.doctor().findings == ()


def test_a_changed_file_under_the_same_path_is_embedded_again(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", seed=1)
    shop.add([product("a", photo), product("b", photo)])
    before = shop._store.vectors_after(1, 0)[2]
    write_photo(tmp_path / "a.png", seed=2, size=(25, 33))
    report = shop.add([product("a", photo)])
    assert (report.updated, report.pictures) == (1, 1)
    assert spaces(shop) == dict.fromkeys(SPACES, 1)  # b shows the same file: nothing is left of the old picture
    assert not np.allclose(before, shop._store.vectors_after(1, 0)[2])
    assert shop.doctor().findings == ()
    assert shop.add([product("b", photo)]).unchanged == 1


def test_a_touched_file_is_hashed_but_not_embedded(shop: Catalog, tmp_path: Path, encoder: FakeEncoder) -> None:
    photo = write_photo(tmp_path / "a.png", seed=1)
    shop.add([product("a", photo)])
    os.utime(tmp_path / "a.png", ns=(1, 1))
    report = shop.add([product("a", photo)])
    assert (report.unchanged, report.pictures, encoder.encoded) == (1, 0, 1)


def test_the_same_content_under_many_names_is_embedded_once(
    shop: Catalog, tmp_path: Path, encoder: FakeEncoder
) -> None:
    photos = [write_photo(tmp_path / f"{number}.png", seed=1) for number in range(100)]
    report = shop.add([product(f"p{number}", photo) for number, photo in enumerate(photos)])
    assert (report.added, report.pictures, encoder.encoded) == (100, 1, 1)
    assert shop.add([product("q", write_photo(tmp_path / "q.png", seed=1))]).pictures == 0
    assert spaces(shop) == dict.fromkeys(SPACES, 1)
    assert shop.get("p7").pictures[0].location == str(tmp_path / "7.png")


def test_a_moved_folder_of_photos_is_not_embedded_again(shop: Catalog, tmp_path: Path, encoder: FakeEncoder) -> None:
    shop.add(make_products(tmp_path / "photos", 5))
    shutil.move(tmp_path / "photos", tmp_path / "moved")
    moved = [
        replace(
            each,
            pictures=tuple(replace(p, location=p.location.replace("/photos/", "/moved/")) for p in each.pictures),
            variants=(),
        )
        for each in make_products(tmp_path / "photos", 5)
    ]
    shutil.rmtree(tmp_path / "photos")
    report = shop.add(moved, clear_empty=True)
    assert (report.updated, report.failed, report.stale) == (5, (), 0)
    assert encoder.encoded == 10
    assert shop.doctor().findings == ()


FAILURES: dict[str, tuple[Callable[[Path], str], str]] = {
    "missing": (lambda t: str(t / "none.png"), "no file"),
    "empty": (lambda t: write(t / "empty.png", b""), "empty"),
    "broken": (lambda t: write(t / "broken.png", b"\x89PNG\r\n\x1a\n hello"), ""),
    "no picture": (lambda t: write(t / "text.jpg", b"hello"), "JPEG"),
    "folder": (lambda t: str(t), "folder"),
    "web address": (lambda t: "https://example.com/a.jpg", "only on request"),
}


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("case", FAILURES)
def test_a_dead_picture_is_a_failure_and_the_product_goes_in(shop: Catalog, tmp_path: Path, case: str) -> None:
    make, mention = FAILURES[case]
    where = Where("feed.csv", 7, "image")
    dead = PictureSource(make(tmp_path), where)
    good = write_photo(tmp_path / "good.png", seed=1)
    report = shop.add([product("a", good, dead, title="Lamp"), product("b", dead)])
    assert (report.added, report.pictures) == (2, 1)
    assert [(failure.where, failure.what) for failure in report.failed] == [(where, dead.location)]
    assert mention in report.failed[0].why
    assert report.failed[0].cure
    assert [picture.location for picture in shop.get("a").pictures] == [good.location, dead.location]
    assert shop.info().unread == 2
    assert shop.add([product("a", good, dead, title="Lamp")]).unchanged == 1  # and it is told again
    (finding,) = shop.doctor().findings
    assert (finding.where, finding.severity, finding.what) == ("product b", "warning", "its picture could not be read")


def test_a_picture_that_was_dead_is_taken_in_when_it_lives(shop: Catalog, tmp_path: Path) -> None:
    photo = PictureSource(str(tmp_path / "a.png"), Where("test"))
    shop.add([product("a", photo)])
    write_photo(tmp_path / "a.png", seed=1)
    report = shop.add([product("a", photo)])
    assert (report.updated, report.pictures, report.failed) == (1, 1, ())
    assert shop.info().unread == 0


def test_a_file_that_vanished_is_told_and_its_vectors_stay(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", seed=1)
    shop.add([product("a", photo)])
    (tmp_path / "a.png").unlink()
    report = shop.add([product("a", photo, title="New")])
    assert (report.updated, len(report.failed)) == (1, 1)
    assert spaces(shop) == dict.fromkeys(SPACES, 1)


def test_pictures_from_the_web_are_read_when_asked(
    shop: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: FakeEncoder
) -> None:
    photo = Path(write_photo(tmp_path / "a.png", seed=1).location).read_bytes()
    asked = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return photo

    monkeypatch.setattr("catalens.storage.pictures.fetch_image_bytes", fetch)
    remote = PictureSource("https://example.com/a.png", Where("test"))
    assert shop.add([product("a", remote)], fetch=True).pictures == 1
    assert shop.add([product("a", remote)], fetch=True).unchanged == 1
    assert shop.add([product("a", remote)]).failed == ()  # it is known by now
    assert asked == [remote.location]
    assert shop.doctor(deep=True).findings == ()


def test_failures_of_the_source_are_handed_on_and_bad_products_join_them(shop: Catalog) -> None:
    failure = Failure(Where("feed.csv", 2), "row 2", "too short", "correct it")
    items: list[Product | Failure] = [failure, product(""), product("a"), product("b", title="\udfff")]
    report = shop.add(items)
    assert (report.added, len(report.failed)) == (1, 3)
    assert report.failed[0] == failure


def test_the_last_of_two_products_with_one_sku_stays(shop: Catalog) -> None:
    report = shop.add([product("a", title="first"), product("a", title="second")])
    assert (report.added, report.updated) == (1, 1)
    assert shop.get("a").title == "second"


def test_a_second_encoder_keeps_vectors_of_its_own(shop: Catalog, tmp_path: Path) -> None:
    products = make_products(tmp_path / "photos", 3)
    shop.add(products)
    report = shop.add(products, encoder=FakeEncoder("other@111111111111"))
    assert (report.updated, report.pictures) == (3, 6)
    assert spaces(shop) == dict.fromkeys(SPACES | {"deep:other@111111111111"}, 6)
    assert shop.info().encoders == ("fake@000000000000", "other@111111111111")
    assert shop.add(products).unchanged == 3


class BadEncoder(FakeEncoder):
    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        return np.full((len(batch), self.dim), np.nan, np.float32)


class LongerEncoder(FakeEncoder):
    @property
    def dim(self) -> int:
        return 49

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        return np.eye(49, dtype=np.float32)[: len(batch)]


@pytest.mark.parametrize("bad", [BadEncoder(), LongerEncoder()])
def test_a_bad_encoder_stops_the_add_and_harms_nothing(shop: Catalog, tmp_path: Path, bad: FakeEncoder) -> None:
    products = make_products(tmp_path / "photos", 2)
    shop.add(products[:1])
    with pytest.raises(ModelError):
        shop.add(products, encoder=bad)
    assert len(shop) == 1
    assert shop.doctor().findings == ()


class Stop(Exception):  # noqa: N818
    pass


def test_what_was_interrupted_goes_on_where_it_stopped(
    shop: Catalog, tmp_path: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH_PRODUCTS", 8)
    products = make_products(tmp_path / "photos", 40)

    def stop_at_20(done: int, total: int | None, what: str) -> None:
        if done >= 20:
            raise Stop

    with pytest.raises(Stop):
        shop.add(products, progress=stop_at_20)
    assert len(shop) == 24  # whole batches of 8
    assert shop.doctor().findings == ()
    report = shop.add(products)
    assert (report.unchanged, report.added) == (24, 16)


def test_a_source_that_fails_half_way_keeps_what_was_committed(
    shop: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BATCH_PRODUCTS", 4)

    def source() -> Iterator[Product]:
        yield from make_products(tmp_path / "photos", 30)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shop.add(source())
    assert len(shop) % 4 == 0
    assert len(shop) >= 16
    assert shop.doctor().findings == ()


def test_a_full_disk_stops_the_add_and_loses_nothing(
    shop: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = make_products(tmp_path / "photos", 20)
    shop.add(products[:5])
    real = sqlite_write.write_product

    def write_on_a_full_disk(db, *arguments):  # type: ignore[no-untyped-def]
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        real(db, *arguments)
        db.execute("INSERT INTO picture (hash, bytes, height, width) VALUES (x'00', zeroblob(10000000), 1, 1)")

    monkeypatch.setattr(sqlite_write, "write_product", write_on_a_full_disk)
    with pytest.raises(StorageError, match="disk is full"):
        shop.add(products)
    monkeypatch.undo()
    assert len(shop) == 5
    assert shop.doctor().findings == ()
    assert shop.add(products).added == 15


def test_a_variant_may_move_between_products(shop: Catalog, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "v.png", seed=1)
    variant = Variant("v", pictures=(photo,))
    shop.add([Product("a", Where("x"), variants=(variant,)), product("b")])
    shop.add([Product("b", Where("x"), variants=(variant,))])
    assert shop.get("v").sku == "b"
    assert shop.get("a").variants == ()
    assert shop.info().pictures == 1
    assert [(finding.where, finding.severity) for finding in shop.doctor().findings] == [("product a", "note")]
