"""Erasure: nothing of a product is left in any file of ours, the receipt says what was found, backups obey the log."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from catalens.catalog import Catalog
from catalens.errors import CatalogBusyError, NotFoundError, StorageError
from catalens.files import append_line
from catalens.index.space_index import SpaceIndex
from catalens.index.vector_index import VectorIndex
from catalens.storage import erasure
from catalens.storage.audit import AuditLog, read_audit, sku_hash
from catalens.storage.copies import Words
from catalens.storage.erasure import ErasureLog
from catalens.storage.places import Places
from catalens.types import PictureSource, Product, Variant, Where
from tests.fakes import FakeEncoder, make_products, write_photo
from tests.memory_store import MemoryStore

MARK = "zq7marker"


@pytest.fixture
def shop(tmp_path: Path) -> Catalog:
    return Catalog.open(tmp_path / "shop", encoder=FakeEncoder())


def marked(folder: Path, sku: str = f"{MARK}-sku", *, seed: int = 900) -> Product:
    """A product that has the marker in every text, and in the name and the bytes of its photo."""
    photo = write_photo(folder / f"{MARK}-{seed}.png", seed=seed)
    path = Path(photo.location)
    path.write_bytes(path.read_bytes() + MARK.encode())  # behind the end of a PNG anything may stand
    return Product(
        sku, Where("http"), f"{MARK} title", f"a {MARK} thing", {"kind": f"{MARK} kind"}, (photo,),
        (Variant(f"{sku}-v", f"{MARK} variant", {"size": f"{MARK} large"}),),
    )  # fmt: skip


def holding(root: Path, mark: str = MARK) -> list[str]:
    """Files below a folder that have the marker in their bytes or names."""
    paths = [path for path in root.rglob("*") if path.is_file()]
    return [str(path.relative_to(root)) for path in paths if mark in path.name or mark.encode() in path.read_bytes()]


def job(shop: Catalog, id: str, *, state: str = "done", **more: object) -> Path:
    """The record of a job with an outcome and a failure that tell of the marked product, and its upload."""
    places = Places(shop.path)
    outcomes = places.jobs / f"{id}.items"
    outcomes.mkdir(parents=True)
    items = [{"sku": f"{MARK}-sku", "result": "added", "why": ""}, {"sku": "other", "result": "known", "why": ""}]
    (outcomes / "000000000000.json").write_text(json.dumps(items))
    failed = [{"what": f"product '{MARK}-sku'", "why": "too dark"}, {"what": "product 'other'", "why": "too large"}]
    record = {"id": id, "tenant": places.tenant, "state": state, "source": "feed.csv", "failed": failed, **more}
    (places.jobs / f"{id}.json").write_text(json.dumps(record))
    upload = places.uploads / id / "feed"
    upload.mkdir(parents=True)
    (upload / "feed.csv").write_text(f"sku,title\n{MARK}-sku,{MARK} title\n")
    return upload


def test_nothing_is_left_in_any_file(shop: Catalog, tmp_path: Path) -> None:
    places = Places(shop.path)
    upload = job(shop, "ab12")
    kept = make_products(upload / "photos", 3)
    shop.add([*kept, marked(upload)])
    places.answers.mkdir()
    (places.answers / "old.json").write_text('{"asked": "x"}')
    (places.answers / "other.json").write_text(json.dumps({"about": sku_hash("other")}))
    (shop.path / "catalog.db.damaged-1").write_text(MARK)
    lost = places.uploads / "cd34" / "feed"
    lost.mkdir(parents=True)
    (lost / "products.jsonl").write_text(f"{MARK}-sku")
    (lost / "strangers.jsonl").write_text("another tenant's")
    for path in (lost.parent, lost):
        _make_old(path)
    hash = shop.pictures(f"{MARK}-sku")[0].hash
    assert len(holding(tmp_path)) >= 6

    receipt = shop.erase(f"{MARK}-sku")
    assert holding(tmp_path) == []
    assert MARK not in str(receipt.to_dict())
    assert receipt.complete
    places_found = sorted((trace.place, trace.what) for trace in receipt.traces)
    assert places_found == sorted([
        ("answer", "file"), ("database", "picture"), ("database", "product"), ("job", "outcomes"), ("job", "record"),
        ("leftover", "file"), ("upload", "file"), ("upload", "file"), ("upload", "file"),
    ])  # fmt: skip
    assert (receipt.skus, receipt.number, receipt.left) == ((sku_hash(f"{MARK}-sku"),), 1, ())
    with pytest.raises(NotFoundError):
        shop.picture(hash)

    assert [product.sku for product in shop] == [product.sku for product in kept]
    assert all(Path(picture.location).exists() for product in kept for picture in product.pictures)
    assert (lost / "strangers.jsonl").exists()
    assert (places.answers / "other.json").exists()
    items = json.loads((places.jobs / "ab12.items" / "000000000000.json").read_text())
    assert [item["sku"] for item in items] == ["", "other"]
    record = json.loads((places.jobs / "ab12.json").read_text())
    assert [one["what"] for one in record["failed"]] == ["erased", "product 'other'"]
    assert shop.doctor().findings == ()


def _make_old(path: Path) -> None:
    os.utime(path, (1, 1))


def test_photos_of_the_owner_are_left_and_named(shop: Catalog, tmp_path: Path) -> None:
    product = marked(tmp_path / "mine")
    shop.add([product])
    assert shop.erase(product.sku).left == (product.pictures[0].location,)
    assert holding(tmp_path) == [f"mine/{MARK}-900.png"]


def test_a_picture_that_another_shows_stays(shop: Catalog, tmp_path: Path) -> None:
    upload = Places(shop.path).pictures
    shared = write_photo(upload / "shared.png", seed=7)
    shop.add([Product("a", Where("x"), pictures=(shared,)), Product("b", Where("x"), pictures=(shared,))])
    receipt = shop.erase("a")
    assert [trace.what for trace in receipt.traces] == ["product"]
    (hash,) = (picture.hash for picture in shop.pictures("b"))
    assert shop.picture(hash) == Path(shared.location).read_bytes()
    assert [(kept.place, kept.what, kept.name) for kept in receipt.kept] == [("database", "picture", hash)]
    assert (receipt.complete, receipt.pending) == (False, False)
    assert "another product" in receipt.to_dict()["kept"][0]["why"]
    last = shop.erase("b")
    assert (last.complete, last.kept, Path(shared.location).exists()) == (True, (), False)


def test_a_file_of_its_own_goes_where_another_product_shows_the_same_picture(shop: Catalog) -> None:
    upload = Places(shop.path).pictures
    first, second = (write_photo(upload / f"{name}.png", seed=7) for name in (MARK, "plain"))
    shop.add([Product("a", Where("x"), pictures=(first,)), Product("b", Where("x"), pictures=(second,))])
    receipt = shop.erase("a")
    assert holding(shop.path.parent) == []
    assert ("upload", "file") in {(trace.place, trace.what) for trace in receipt.traces}
    (shown,) = shop.pictures("b")
    assert [kept.name for kept in receipt.kept] == [shown.hash]
    assert shop.picture(shown.hash) == Path(second.location).read_bytes()
    assert shop.doctor(deep=True).findings == ()


def test_the_only_copy_of_a_picture_that_another_shows_stays(shop: Catalog) -> None:
    upload = Places(shop.path).pictures
    first, second = (write_photo(upload / f"{name}.png", seed=7) for name in ("one", "two"))
    shop.add([Product("a", Where("x"), pictures=(first,)), Product("b", Where("x"), pictures=(second,))])
    Path(second.location).unlink()
    assert not shop.erase("a").complete
    assert shop.picture(shop.pictures("b")[0].hash) == Path(first.location).read_bytes()


def test_all_or_none(shop: Catalog, tmp_path: Path) -> None:
    shop.add(make_products(tmp_path / "photos", 2))
    with pytest.raises(NotFoundError, match="'nope'"):
        shop.erase("sku-0", "nope")
    assert len(shop) == 2
    assert ErasureLog(Places(shop.path).erasures).last() == 0
    receipt = shop.erase()
    assert (receipt.traces, receipt.number) == ((), 0)


def test_what_was_removed_before_is_still_erased_from_the_records(shop: Catalog, tmp_path: Path) -> None:
    job(shop, "ab12")
    shop.add([marked(tmp_path / "mine")])
    shop.remove(f"{MARK}-sku")
    (tmp_path / "mine" / f"{MARK}-900.png").unlink()
    assert {trace.place for trace in shop.erase(f"{MARK}-sku").traces} == {"job", "upload"}
    assert holding(tmp_path) == []
    with pytest.raises(NotFoundError):
        shop.erase(f"{MARK}-sku")


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_job_under_way_prevents_it(shop: Catalog, tmp_path: Path, state: str) -> None:
    job(shop, "ab12", state=state)
    shop.add([marked(tmp_path / "mine")])
    with pytest.raises(CatalogBusyError, match="ab12"):
        shop.erase(f"{MARK}-sku")
    assert len(shop) == 1


def test_jobs_of_other_tenants_are_theirs(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop.tenants" / "one", encoder=FakeEncoder()) as shop:
        job(shop, "ab12", tenant="two", state="running")
        shop.add([marked(tmp_path / "mine")])
        shop.erase(f"{MARK}-sku")
    assert "shop.jobs/ab12.json" in holding(tmp_path)
    assert (tmp_path / "shop.tenants" / "one.erasures.jsonl").exists()


def test_vectors_go_from_index_files(shop: Catalog, tmp_path: Path) -> None:
    shop.add([*make_products(tmp_path / "photos", 30), marked(tmp_path / "mine")])
    with_file = SpaceIndex(shop._store, "color", folder=shop.path, exact_below=8)
    index = with_file.refresh()
    assert isinstance(index, VectorIndex)
    path = next((shop.path / "index").glob("*.faiss"))
    picture = shop._store.picture_ids([shop.pictures(f"{MARK}-sku")[0].hash])
    space = shop._store.space("color")
    assert space is not None
    ids, pictures, vectors = shop._store.vectors_after(space.id, 0)
    row = int(np.flatnonzero(pictures == next(iter(picture.values())))[0])
    trained = index.snapshot.trained
    assert trained is not None
    codes = trained.rows.codes[trained.rows.finder.find(ids[[row]])].tobytes()
    assert codes in path.read_bytes()
    assert ("index", path.stem) in {(trace.place, trace.name) for trace in shop.erase(f"{MARK}-sku").traces}
    assert codes not in path.read_bytes()
    again = SpaceIndex(shop._store, "color", folder=shop.path, exact_below=8).refresh()
    assert again is not None
    assert len(again) == len(ids) - 1
    assert ids[row] not in again.search(vectors[[row]], k=len(ids))[1]


# The log


def test_a_backup_that_is_put_back_is_run_through_the_log(shop: Catalog, tmp_path: Path) -> None:
    shop.add([*make_products(tmp_path / "photos", 3), marked(tmp_path / "mine")])
    shop.close()
    shutil.copytree(shop.path, tmp_path / "backup")
    with Catalog.open(shop.path, encoder=FakeEncoder()) as again:
        again.erase(f"{MARK}-sku")
        again.add([marked(tmp_path / "mine2")])  # it came back since, by its owner's will
        again.erase("sku-1")
        assert len(again) == 3
    with Catalog.open(shop.path, encoder=FakeEncoder()) as same:
        assert f"{MARK}-sku" in same
    shutil.rmtree(shop.path)
    shutil.copytree(tmp_path / "backup", shop.path)
    with Catalog.open(shop.path, encoder=FakeEncoder(), readonly=True) as restored:
        assert [product.sku for product in restored] == ["sku-0", "sku-2"]
    assert [one for one in holding(shop.path) if "index" not in one] == []


def test_an_erasure_that_was_cut_off_is_finished_at_the_next_opening(
    shop: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(shop, "ab12")
    shop.add([marked(Places(shop.path).pictures)])

    def cut(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(erasure, "purge_index_files", cut)
    with pytest.raises(StorageError):
        shop.erase(f"{MARK}-sku")
    monkeypatch.undo()
    shop.close()
    _age_all(Places(shop.path).pictures)
    with Catalog.open(shop.path, encoder=FakeEncoder()) as again:
        assert (len(again), again._store.erasures_done()) == (0, 1)
    assert holding(tmp_path) == []


def _age_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        _make_old(path)


def test_the_log_survives_a_half_line(tmp_path: Path) -> None:
    log = ErasureLog(tmp_path / "shop.erasures.jsonl")
    assert (log.last(), log.after(0)) == (0, [])
    assert log.append([("aa", ["11"]), ("bb", [])], who="local", after=0) == 2
    with log.path.open("ab") as file:
        file.write(b'{"n": 3, "sk')
    assert log.last() == 2
    assert log.append([("cc", [])], who="key", after=0) == 3
    assert [line["sku"] for line in log.after(1)] == ["bb", "cc"]
    assert log.append([("dd", [])], who="key", after=9) == 10  # the catalog was run through a longer one
    assert log.path.stat().st_mode & 0o077 == 0


def test_lines_are_appended_whole(tmp_path: Path) -> None:
    append_line(tmp_path / "log", b"one")
    with (tmp_path / "log").open("ab") as file:
        file.write(b"ha")
    append_line(tmp_path / "log", b"two")
    assert (tmp_path / "log").read_bytes() == b"one\nha\ntwo\n"


def test_words_are_found_whole() -> None:
    words = Words(["A-1"], [Product("A-1", Where("x"), "Hat", pictures=(PictureSource("/p/hat.jpg", Where("x")),))])
    for text, stands in {
        "": False, "A-1": True, "product 'A-1': no": True, "A-11": False, "XA-1": False, "A-1-b": False,
        "photos/hat.jpg": True, "Hat": True, "That": False,
    }.items():  # fmt: skip
        assert words.stand_in(text) is stands, text
    assert Words([], []).blanked({"a": ["b"]}) == {"a": ["b"]}


def test_a_store_without_a_folder_erases_its_rows(tmp_path: Path) -> None:
    shop = Catalog(MemoryStore(), encoder=FakeEncoder())
    shop.add([marked(tmp_path)])
    receipt = shop.erase(f"{MARK}-sku")
    assert (len(shop), receipt.number) == (0, 0)
    assert [trace.what for trace in receipt.traces] == ["product", "picture"]


# The audit log


def test_who_wrote_what_and_when(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder(), who="key-1") as shop:
        shop.add([*make_products(tmp_path / "photos", 2), marked(tmp_path / "mine")])
        shop.remove("sku-0")
        shop.erase(f"{MARK}-sku")
        list(shop.products())
    path = tmp_path / "shop.audit.jsonl"
    lines = list(read_audit(path))
    assert [(line["who"], line["what"]) for line in lines] == [("key-1", what) for what in ("add", "remove", "erase")]
    assert (lines[0]["added"], lines[1]["skus"]) == (3, [sku_hash("sku-0")])
    assert MARK not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_it_is_rotated_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalens.storage.audit.MAX_BYTES", 100)
    monkeypatch.setattr("catalens.storage.audit.KEPT", 3)
    log = AuditLog(tmp_path / "shop.audit.jsonl")
    for number in range(20):
        log.note("add", added=number)
    assert len(list(tmp_path.iterdir())) == 4
    counts = [line["added"] for line in read_audit(tmp_path / "shop.audit.jsonl")]
    assert counts == sorted(counts)
    assert counts[-1] == 19


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    AuditLog(tmp_path / "no" / "folder" / "log").note("add")
    assert "cannot be written" in caplog.text
    AuditLog(None).note("add")
    assert list(read_audit(tmp_path / "none")) == []
