"""The doctor finds what was done to a catalog, restores what can be, and names what is lost."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from catalens import catalog as catalog_module
from catalens.catalog import Catalog
from catalens.errors import CatalogBusyError, CatalogError, CatalogVersionError, NotFoundError, StorageError
from catalens.storage import salvage
from catalens.storage.diagnosis import Diagnosis
from catalens.storage.sqlite import SqliteStore as Store
from catalens.types import Product
from tests.fakes import FakeEncoder, make_products, write_photo

COUNT = 30
PAGE = 8192


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `photos/` and the catalog `shop/` made of them. Read only."""
    folder = tmp_path_factory.mktemp("sound")
    with Catalog.open(folder / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(folder / "photos", COUNT))
    return folder


@pytest.fixture(scope="session")
def records(sound: Path) -> dict[str, dict[str, object]]:
    with Catalog.open(sound / "shop", readonly=True) as shop:
        return {product.sku: product.to_dict() for product in shop.products()}


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of the catalog, to be damaged. Its photos lie where they lay."""
    return Path(shutil.copytree(sound / "shop", tmp_path / "shop"))


def diagnose(folder: Path, *, repair: bool = False, deep: bool = False) -> Diagnosis:
    return Catalog.diagnose(folder, repair=repair, deep=deep, encoder=FakeEncoder())


def execute(folder: Path, *statements: str, trusting: bool = True) -> None:
    db = sqlite3.connect(folder / "catalog.db", isolation_level=None)
    db.execute(f"PRAGMA foreign_keys = {'OFF' if trusting else 'ON'}")
    for statement in statements:
        db.execute(statement)
    db.close()


def products(folder: Path) -> dict[str, Product]:
    with Catalog.open(folder, readonly=True) as shop:
        return {product.sku: product for product in shop.products()}


def test_a_sound_catalog(folder: Path) -> None:
    before = (folder / "catalog.db").read_bytes()
    for repair, deep in ((False, False), (False, True), (True, True)):
        diagnosis = diagnose(folder, repair=repair, deep=deep)
        assert (diagnosis.findings, diagnosis.healthy) == ((), True)
    assert (folder / "catalog.db").read_bytes() == before


def test_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        diagnose(tmp_path / "none", repair=True)
    assert list(tmp_path.iterdir()) == []


OUT_OF_STEP: dict[str, tuple[str, str, str]] = {
    # what was done to the database, what is said of it, where
    "words missing": ("DELETE FROM words WHERE rowid = 3", "words or filter", "product sku-2"),
    "words differ": ("UPDATE words SET title = 'x' WHERE rowid = 3", "words or filter", "product sku-2"),
    "words without a product": ("INSERT INTO words (rowid, title) VALUES (999, 'x')", "not there", "table words"),
    "facet missing": ("DELETE FROM facet WHERE product_id = 3 AND name = 'price'", "words or filter", "product sku-2"),
    "facet differs": ("UPDATE facet SET number = 7 WHERE product_id = 3 AND name = 'price'", "filter", "product sku-2"),
    "title differs": ("UPDATE product SET title = 'x' WHERE id = 3", "record", "product sku-2"),
    "vector differs": ("UPDATE vector SET data = zeroblob(192) WHERE id = 5", "damaged", "picture"),
    "vector too short": ("UPDATE vector SET data = x'00' WHERE id = 6", "damaged", "picture"),
    "crc differs": ("UPDATE vector SET crc = 0 WHERE id = 7", "damaged", "picture"),
    "vector missing": ("DELETE FROM vector WHERE id = 8", "lacks vectors", "picture"),
    "all vectors missing": ("DELETE FROM vector", "lacks vectors", "picture"),
    "picture of nobody": (
        "INSERT INTO picture (hash, path, height, width) VALUES (x'01', '/x', 1, 1)",
        "no product shows",
        "table picture",
    ),
    "facet of nobody": ("INSERT INTO facet VALUES (999, 'a', NULL, 'b')", "what is not there", "table facet"),
    "vector of nobody": (
        "INSERT INTO vector (space_id, picture_id, data, crc) VALUES (1, 999, zeroblob(4), 0)",
        "what is not there",
        "table vector",
    ),
    "file of nobody": ("INSERT INTO file VALUES ('/x', 1, 1, 999)", "what is not there", "table file"),
}


@pytest.mark.parametrize("case", OUT_OF_STEP)
def test_what_is_out_of_step_is_found_and_restored(
    folder: Path, records: dict[str, dict[str, object]], case: str
) -> None:
    statement, what, where = OUT_OF_STEP[case]
    execute(folder, statement)
    found = diagnose(folder)
    assert not found.healthy
    assert (
        any(what in f"{finding.what}" or what in finding.cure for finding in found.findings) or case == "title differs"
    )
    assert any(where in finding.where for finding in found.findings), found
    assert all(finding.cure and not finding.repaired for finding in found.findings)
    repaired = diagnose(folder, repair=True)
    assert repaired.findings
    assert repaired.healthy, repaired
    assert diagnose(folder, deep=True).findings == ()
    assert {sku: product.to_dict() for sku, product in products(folder).items()} == records


def test_a_record_that_cannot_be_restored_is_named_and_its_source_brings_it_back(folder: Path, sound: Path) -> None:
    execute(
        folder,
        "UPDATE product SET attributes = '{\"price\": 1}' WHERE sku = 'sku-2'",
        "UPDATE product SET attributes = '{' WHERE sku = 'sku-3'",
        "UPDATE variant SET title = CAST(x'ff' AS TEXT) WHERE sku = 'sku-4-m'",
    )
    for repair in (False, True):
        found = diagnose(folder, repair=repair)
        assert {finding.where for finding in found.findings} == {"product sku-2", "product sku-3", "product sku-4"}
        assert {finding.severity for finding in found.findings} == {"loss"}
        assert all("add its source again" in finding.cure for finding in found.findings)
    assert len(products(folder)) == COUNT
    with Catalog.open(folder, encoder=FakeEncoder()) as shop:
        report = shop.add(make_products(sound / "photos", COUNT))
    assert (report.updated, report.unchanged) == (3, COUNT - 3)
    assert diagnose(folder).findings == ()


def test_photos_that_are_gone_or_changed(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        items = make_products(tmp_path / "photos", 3)
        shop.add(items)
        (tmp_path / "photos" / "0.png").unlink()
        write_photo(tmp_path / "photos" / "1.png", seed=77, size=(30, 30))
        found = {Path(finding.where).name: finding.what for finding in shop.doctor().findings}
        assert found == {
            "0.png": "the photo is not there any more",
            "1.png": "the photo has changed since it was embedded",
        }
        write_photo(tmp_path / "photos" / "0.png", seed=0)
        shop.add(items)
        assert shop.doctor(deep=True).findings == ()


def test_a_change_that_keeps_size_and_time_is_found_by_looking_deep(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 1))
        path = tmp_path / "photos" / "0.png"
        before = path.stat()
        data = bytearray(path.read_bytes())
        data[-20] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert shop.doctor().findings == ()
        assert [Path(finding.where).name for finding in shop.doctor(deep=True).findings] == ["0.png"]


def test_a_damaged_vector_whose_photo_is_gone_is_a_loss(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 2))
        execute(shop.path, "UPDATE vector SET crc = 0 WHERE picture_id = 1")
        shutil.rmtree(tmp_path / "photos")
        found = shop.doctor(repair=True)
    losses = [finding for finding in found.findings if finding.severity == "loss"]
    assert len(losses) == 1
    assert "add its source again" in losses[0].cure


def test_without_an_encoder_the_rest_is_repaired(folder: Path) -> None:
    execute(folder, "DELETE FROM vector WHERE id = 8", "DELETE FROM words WHERE rowid = 3")
    found = Catalog.diagnose(folder, repair=True, encoder="no-such-encoder")
    assert {finding.repaired for finding in found.findings} == {True, False}
    assert "no-such-encoder" in next(finding.cure for finding in found.findings if not finding.repaired)
    assert diagnose(folder, repair=True).healthy
    assert diagnose(folder).findings == ()


def test_remains_of_an_interrupted_write(folder: Path) -> None:
    (folder / "catalog.db.tmp").write_bytes(b"half")
    (folder / salvage.WORK_FOLDER).mkdir()
    (folder / "index").mkdir(exist_ok=True)
    (folder / "index" / "1.faiss.tmp").write_bytes(b"half")
    assert len(diagnose(folder).findings) == 3
    assert diagnose(folder, repair=True).healthy
    assert diagnose(folder).findings == ()


def test_index_files_that_are_damaged_are_deleted(folder: Path) -> None:
    (folder / "index").mkdir(exist_ok=True)
    (folder / "index" / "1.faiss").write_bytes(b"no index" * 100)
    assert not diagnose(folder).healthy
    assert diagnose(folder, repair=True).healthy
    assert diagnose(folder).findings == ()


def test_a_newer_catalog_and_a_foreign_database_are_left_alone(folder: Path, tmp_path: Path) -> None:
    execute(folder, "PRAGMA user_version = 99")
    before = (folder / "catalog.db").read_bytes()
    with pytest.raises(CatalogVersionError):
        diagnose(folder, repair=True)
    assert (folder / "catalog.db").read_bytes() == before
    (tmp_path / "other").mkdir()
    execute(tmp_path / "other", "CREATE TABLE music (id)")
    with pytest.raises(CatalogError, match="another program"):
        diagnose(tmp_path / "other", repair=True)


def test_a_repair_waits_for_its_turn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalens.storage.doctor._WAIT_S", 0.05)
    with Store(folder) as store, store.writing():
        assert diagnose(folder).findings == ()  # looking takes no turn
        with pytest.raises(CatalogBusyError):
            diagnose(folder, repair=True)


def zero_page(number: int) -> Callable[[bytearray], None]:
    def damage(data: bytearray) -> None:
        data[number * PAGE : (number + 1) * PAGE] = bytes(PAGE)

    return damage


def garble_head(data: bytearray) -> None:
    data[:100] = b"x" * 100


def cut_in_half(data: bytearray) -> None:
    del data[len(data) // 2 :]


def empty_table_of_tables(data: bytearray) -> None:
    data[100:PAGE] = bytes(PAGE - 100)


HEAVY = {
    "first page gone": zero_page(0),
    "head garbled": garble_head,
    "table of tables gone": empty_table_of_tables,
    "cut in half": cut_in_half,
    **{f"page {number} gone": zero_page(number) for number in range(1, 40, 4)},
}


@pytest.mark.parametrize("case", HEAVY)
def test_a_badly_damaged_database_is_salvaged(
    folder: Path, sound: Path, records: dict[str, dict[str, object]], case: str
) -> None:
    data = bytearray((folder / "catalog.db").read_bytes())
    HEAVY[case](data)
    (folder / "catalog.db").write_bytes(data)
    check_repair(folder, sound, records, damaged=bytes(data))


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_anywhere_is_harmless_repaired_or_named(
    folder: Path, sound: Path, records: dict[str, dict[str, object]], seed: int
) -> None:
    data = bytearray((folder / "catalog.db").read_bytes())
    rng = random.Random(seed)
    place = rng.randrange(100, len(data)) if seed else 16  # the page size in the head
    data[place] ^= 1 << rng.randrange(8)
    (folder / "catalog.db").write_bytes(data)
    check_repair(folder, sound, records, damaged=bytes(data))


def check_repair(folder: Path, sound: Path, records: dict[str, dict[str, object]], *, damaged: bytes) -> None:
    """After a repair every product is right or named, and adding the source again makes all of it right."""
    found = diagnose(folder)
    repaired = diagnose(folder, repair=True)
    named = " ".join(finding.where for finding in repaired.findings if not finding.repaired)
    there = products(folder)
    for sku, record in records.items():
        if sku not in there or there[sku].to_dict() != record:
            assert f"product {sku}" in named or len(there) < COUNT / 2, (sku, repaired)
    assert bool(found.findings) == bool(repaired.findings)
    kept = [path.read_bytes() for path in folder.glob("catalog.db.damaged-*") if "-wal" not in path.name]
    assert kept in ([], [damaged])
    with Catalog.open(folder, encoder=FakeEncoder()) as shop:
        shop.add(make_products(sound / "photos", COUNT))
        assert shop.doctor(repair=True).healthy
        assert shop.doctor(deep=True).findings == ()
        assert records.items() <= {product.sku: product.to_dict() for product in shop.products()}.items()


def test_a_salvage_without_room_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray((folder / "catalog.db").read_bytes())
    zero_page(4)(data)
    (folder / "catalog.db").write_bytes(data)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(StorageError, match="disk is full"):
        diagnose(folder, repair=True)
    monkeypatch.undo()
    assert (folder / "catalog.db").read_bytes() == bytes(data)
    diagnose(folder, repair=True)
    assert diagnose(folder, repair=True).healthy


def test_the_open_catalog_goes_on_after_its_repair(folder: Path) -> None:
    data = bytearray((folder / "catalog.db").read_bytes())
    zero_page(9)(data)
    (folder / "catalog.db").write_bytes(data)
    with Catalog.open(folder, encoder=FakeEncoder()) as shop:
        shop.doctor(repair=True)
        assert shop.doctor().healthy
        assert len(shop) > 0
        assert catalog_module.open(folder).info().products == len(shop)
