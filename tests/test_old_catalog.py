"""A catalog that version 0.1.0 made opens, searches, takes in, removes and is healthy, as it is on the disk."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import catalens
from catalens.errors import NotFoundError

OLD = Path(__file__).parent / "fixtures" / "v0_1_0"
"""`catalog`: of the four products of `shop`, which lay elsewhere, so that the paths in it lead nowhere; `search.json`:
what 0.1.0 answered to `queries/BOO-0001.jpg`."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD / "catalog", tmp_path / "catalog"))


def test_it_answers_as_it_did(folder: Path) -> None:
    expected = json.loads((OLD / "search.json").read_text("utf-8"))["matches"]
    with catalens.open(folder, readonly=True) as shop:
        assert len(shop) == 4
        found = shop.search(OLD / "shop" / "queries" / "BOO-0001.jpg").to_dict()["matches"]
    assert isinstance(found, list)
    assert [match["sku"] for match in found] == [match["sku"] for match in expected]
    for now, then in zip(found, expected, strict=True):
        # Another processor's rounding moves a cosine by less than this.
        assert now["score"] == pytest.approx(then["score"], abs=2e-3)
        assert now["parts"] == pytest.approx(then["parts"], abs=2e-3)
        same = ("title", "attributes", "picture", "picture_hash", "variant")
        assert {name: now[name] for name in same} == {name: then[name] for name in same}


def test_words_filters_and_likes(folder: Path) -> None:
    with catalens.open(folder, readonly=True) as shop:
        assert shop.search("suede boots")[0].sku == "BOO-0001"
        assert [match.sku for match in shop.search(where="price < 60 and category = accessories")] == ["SUN-0002"]
        assert "BOO-0001" not in [match.sku for match in shop.search(like=["BOO-0001"])]


def test_its_words_are_divided_anew(folder: Path) -> None:
    data = (folder / "catalog.db").read_bytes()
    with catalens.open(folder, readonly=True) as shop:  # in memory, where nothing may be written
        before = [product.to_dict() for product in shop]
        found = shop.search("suede-boot")
        assert (found[0].sku, found[0].parts["text"] > 0) == ("BOO-0001", True)
        assert dict(shop.search("seude").corrected) == {"seude": "suede"}
    assert ((folder / "catalog.db").read_bytes(), version(folder)) == (data, 1)
    with catalens.open(folder) as shop:
        assert shop.search("boot")[0].sku == "BOO-0001"
        assert (version(folder), [product.to_dict() for product in shop]) == (3, before)
        assert all(finding.severity in {"note", "warning"} for finding in shop.doctor().findings)


def test_it_is_brought_up_to_date_without_embedding_again(folder: Path) -> None:
    with catalens.open(folder) as shop:
        report = shop.add(OLD / "shop" / "products.csv")  # the same photos at other paths
        assert (report.added, report.updated, report.pictures, report.failed) == (0, 4, 0, ())
        assert {finding.severity for finding in shop.doctor(deep=True).findings} == {"note"}  # others may read it
        again = shop.add(OLD / "shop" / "products.csv")
        assert (again.unchanged, again.pictures) == (4, 0)


def test_what_is_removed_is_gone(folder: Path) -> None:
    with catalens.open(folder) as shop:
        pictures = shop.info().pictures
        assert shop.remove("BOO-0001") == 1
        assert shop.info().pictures == pictures - 2
        found = shop.search(OLD / "shop" / "queries" / "BOO-0001.jpg", k=9)
        assert sorted(match.sku for match in found) == ["PIL-0004", "SUN-0002", "WAT-0003"]
        with pytest.raises(NotFoundError):
            shop["BOO-0001"]
        assert all(finding.severity in {"note", "warning"} for finding in shop.doctor().findings)


def version(folder: Path) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'catalog.db'}?mode=ro", uri=True)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_its_tables_are_brought_up_to_date_by_the_first_change(folder: Path) -> None:
    with catalens.open(folder) as shop:
        before = [product.to_dict() for product in shop]
        shop.doctor()
        assert (version(folder), shop.info().version) == (1, 1)  # reading changes nothing
        shop.update("BOO-0001", attributes={"new": 1})
        assert (version(folder), shop.info().version) == (3, 3)
        shop.update("BOO-0001", attributes={"new": None})
        assert [product.to_dict() for product in shop] == before
        assert all(finding.severity in {"note", "warning"} for finding in shop.doctor().findings)


def test_a_damaged_one_is_salvaged_into_the_new_tables(folder: Path) -> None:
    with catalens.open(folder, readonly=True) as shop:
        before = [product.to_dict() for product in shop]
    data = bytearray((folder / "catalog.db").read_bytes())
    data[100:8192] = bytes(8092)  # the table of tables
    (folder / "catalog.db").write_bytes(data)
    for beside in folder.glob("catalog.db-*"):
        beside.unlink()
    catalens.Catalog.diagnose(folder, repair=True)
    with catalens.open(folder) as shop:
        assert [product.to_dict() for product in shop] == before
        assert version(folder) == 3


def test_its_products_stay_when_a_feed_says_less(folder: Path, tmp_path: Path) -> None:
    with catalens.open(folder) as shop:
        before = {product.sku: product for product in shop}
        (tmp_path / "prices.csv").write_text("sku,price\nBOO-0001,1.5\n")
        report = shop.add(tmp_path / "prices.csv", prune=True)
        assert (report.updated, report.removed, report.failed) == (1, 0, ())
        changed = {**before["BOO-0001"].attributes, "price": 1.5}
        assert {product.sku: product for product in shop} == before | {
            "BOO-0001": replace(before["BOO-0001"], attributes=changed)
        }
