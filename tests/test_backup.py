"""Backups: whole and checked while others write, and put back through the log of erasures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import catalens.storage.backup as module
from catalens.catalog import Catalog
from catalens.cli.main import app
from catalens.errors import CatalogDamagedError, NotFoundError, StorageError, UsageError
from catalens.storage.places import Places
from catalens.types import Product, Where
from tests.fakes import FakeEncoder, make_products, write_photo
from tests.test_erasure import MARK, holding, marked

E = FakeEncoder()


@pytest.fixture
def shop(tmp_path: Path) -> Catalog:
    """Three products with photos of their owner, and one with an uploaded photo."""
    shop = Catalog.open(tmp_path / "data" / "shop", encoder=E)
    photo = write_photo(Places(shop.path).pictures / "up.png", seed=50)
    shop.add([*make_products(tmp_path / "photos", 3), Product("up", Where("http"), "Uploaded", pictures=(photo,))])
    return shop


def records(shop: Catalog) -> list[dict[str, object]]:
    return [product.to_dict() for product in shop.products()]


def test_it_comes_back_as_it_was(shop: Catalog, tmp_path: Path) -> None:
    made = shop.backup(tmp_path / "backup")
    assert (made.products, made.pictures, made.photos, made.tenants) == (4, shop.info().pictures, 1, ())
    before = records(shop)
    shop.add([Product("later", Where("x"), "Later")])
    shop.close()
    shutil.rmtree(tmp_path / "data")
    assert Catalog.restore(tmp_path / "backup", shop.path) == made
    with Catalog.open(shop.path, encoder=E) as again:
        assert records(again) == before
        assert again.doctor(deep=True).findings == ()
        assert [match.sku for match in again.search(text="uploaded")] == ["up"]
        assert Path(again.get("up").pictures[0].location).exists()


def test_into_another_place_its_uploads_come_along(shop: Catalog, tmp_path: Path) -> None:
    shop.backup(tmp_path / "backup")
    shop.close()
    shutil.rmtree(tmp_path / "data")
    Catalog.restore(tmp_path / "backup", tmp_path / "new" / "store")
    with Catalog.open(tmp_path / "new" / "store", encoder=E) as again:
        assert again.get("up").pictures[0].location == str(
            tmp_path / "new" / "store.uploads" / "pictures" / "-" / "up.png"
        )
        assert again.doctor(deep=True).findings == ()
        assert again.picture(again.pictures("up")[0].hash)


def test_what_was_erased_since_stays_erased(shop: Catalog, tmp_path: Path) -> None:
    shop.add([marked(Places(shop.path).pictures)])
    shop.backup(tmp_path / "backup")
    shop.erase(f"{MARK}-sku", "sku-0")
    shop.close()
    shutil.rmtree(shop.path)
    Catalog.restore(tmp_path / "backup", shop.path)
    assert holding(tmp_path / "data") == []
    with Catalog.open(shop.path, encoder=E) as again:
        assert [product.sku for product in again] == ["sku-1", "sku-2", "up"]
        assert again._store.erasures_done() == 2


def test_the_log_of_the_backup_counts_where_that_of_the_catalog_is_lost(shop: Catalog, tmp_path: Path) -> None:
    shop.erase("sku-0")
    shop.backup(tmp_path / "backup")
    shop.close()
    shutil.rmtree(tmp_path / "data")
    Catalog.restore(tmp_path / "backup", shop.path)
    assert Places(shop.path).erasures.read_text().count("\n") == 1


@pytest.mark.parametrize("named", [False, True])
def test_what_was_erased_since_stays_erased_elsewhere(
    shop: Catalog, tmp_path: Path, named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with Catalog.open(Places(shop.path).tenants / "one", encoder=E) as tenant:
        tenant.add(make_products(tmp_path / "tenant", 2))
        shop.add([marked(Places(shop.path).pictures)])
        shop.erase("sku-0")
        shop.backup(tmp_path / "backup")
        shop.erase(f"{MARK}-sku", "sku-1")
        tenant.erase("sku-1")
    shop.close()
    new, log = tmp_path / "new" / "store", None
    if named:  # the old place is out of reach; a copy of the logs was kept elsewhere
        log = tmp_path / "kept" / "shop.erasures.jsonl"
        shutil.copytree(shop.path.parent, tmp_path / "kept", ignore=shutil.ignore_patterns("catalog.db*", "*.png"))
        shutil.rmtree(shop.path.parent)
    Catalog.restore(tmp_path / "backup", new, erasures=log)
    assert [record.levelname for record in caplog.records] == []
    assert holding(tmp_path / "new") == []
    with Catalog.open(new, encoder=E, readonly=True) as again:
        assert [product.sku for product in again] == ["sku-2", "up"]
        assert again._store.erasures_done() == 3
    with Catalog.open(Places(new).tenants / "one", encoder=E, readonly=True) as again:
        assert [product.sku for product in again] == ["sku-0"]


def test_a_product_that_came_again_after_its_erasure_stays_elsewhere(shop: Catalog, tmp_path: Path) -> None:
    again = shop.get("sku-0")
    shop.erase("sku-0")
    shop.add([again])
    shop.backup(tmp_path / "backup")
    shop.close()
    Catalog.restore(tmp_path / "backup", tmp_path / "new" / "store")
    with Catalog.open(tmp_path / "new" / "store", encoder=E, readonly=True) as restored:
        assert "sku-0" in restored


def test_no_log_of_erasures_is_told(shop: Catalog, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shop.backup(tmp_path / "backup")
    shop.close()
    Catalog.restore(tmp_path / "backup", tmp_path / "beside" / "store")
    assert caplog.records == []  # the catalog is there: nothing was ever erased
    shutil.rmtree(shop.path.parent)
    with pytest.raises(NotFoundError, match="nowhere"):
        Catalog.restore(tmp_path / "backup", tmp_path / "new" / "store", erasures=tmp_path / "nowhere")
    assert not (tmp_path / "new").exists()
    Catalog.restore(tmp_path / "backup", tmp_path / "new" / "store")
    (told,) = (record.getMessage() for record in caplog.records)
    assert "store.erasures.jsonl" in told
    assert "--erasures" in told


def test_a_catalog_is_replaced_only_when_asked_and_kept(shop: Catalog, tmp_path: Path) -> None:
    shop.backup(tmp_path / "backup")
    shop.add([Product("later", Where("x"), "Later")])
    with pytest.raises(UsageError, match="already"):
        Catalog.restore(tmp_path / "backup", shop.path)
    assert "later" in shop
    shop.close()
    Catalog.restore(tmp_path / "backup", shop.path, replace=True)
    with Catalog.open(shop.path, encoder=E) as again:
        assert "later" not in again
    (kept,) = shop.path.glob("catalog.db.replaced-*")
    assert b"Later" in kept.read_bytes()


def test_tenants_come_along(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop.tenants" / "one", encoder=E) as tenant:
        tenant.add([Product("a", Where("x"), "A")])
    with Catalog.open(tmp_path / "shop", encoder=E) as shop:
        assert shop.backup(tmp_path / "backup").tenants == ("one",)
    for path in tmp_path.glob("shop*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    Catalog.restore(tmp_path / "backup", tmp_path / "shop")
    with Catalog.open(tmp_path / "shop.tenants" / "one", encoder=E, readonly=True) as again:
        assert "a" in again


def test_a_backup_is_made_while_another_writes(shop: Catalog, tmp_path: Path) -> None:
    with Catalog.open(shop.path, encoder=E) as writer, writer._store.writing(), writer._store.change():
        assert shop.backup(tmp_path / "backup").products == 4


def test_nothing_is_overwritten_and_nothing_half_is_left(
    shop: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(UsageError, match="there already"):
        shop.backup(tmp_path / "full")
    with pytest.raises(NotFoundError):
        module.back_up(tmp_path / "none", tmp_path / "backup")

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_sha256", no_room)
    with pytest.raises(StorageError, match="disk is full"):
        shop.backup(tmp_path / "backup")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "full", "photos"]


@pytest.mark.parametrize("harm", ["database", "manifest", "no manifest", "no database"])
def test_a_damaged_backup_changes_nothing(shop: Catalog, tmp_path: Path, harm: str) -> None:
    shop.backup(tmp_path / "backup")
    before = records(shop)
    database, manifest = tmp_path / "backup" / "catalog.db", tmp_path / "backup" / "backup.json"
    if harm == "database":
        data = bytearray(database.read_bytes())
        data[len(data) // 2] ^= 1
        database.write_bytes(data)
    elif harm == "manifest":
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "extra": 1}))
    else:
        (manifest if harm == "no manifest" else database).unlink()
    with pytest.raises(NotFoundError if harm.startswith("no ") else CatalogDamagedError):
        Catalog.restore(tmp_path / "backup", shop.path, replace=True)
    assert records(shop) == before
    assert not list(shop.path.glob("*.tmp"))


def test_the_commands_do_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Catalog.open("shop", encoder=E) as shop:
        shop.add([Product(sku, Where("x"), sku.upper()) for sku in ("a", "b")])

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, result.output
        return result.stdout

    assert json.loads(run("catalog", "backup", "kept", "--json"))["products"] == 2
    receipt = json.loads(run("catalog", "erase", "a", "--json"))
    assert (len(receipt["skus"]), receipt["left"], receipt["complete"]) == (1, [], True)
    assert "1 erased at " in run("catalog", "erase", "b")
    assert "2 products, 0 pictures, 0 uploaded photos; backup of " in run("catalog", "restore", "kept", "--replace")
    assert run("catalog", "export") == ""
    lines = [json.loads(line) for line in run("catalog", "audit", "--json").splitlines()]
    assert [line["what"] for line in lines] == ["add", "backup", "erase", "erase", "restore"]
    assert len(run("catalog", "audit").splitlines()) == 5
