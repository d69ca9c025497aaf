"""A catalog of an older version, or of another encoder, is brought up to date, and says first what that costs."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import application
from catalens.errors import ModelError
from catalens.storage.schema import VERSION

OLD = Path(__file__).parent / "fixtures" / "v0_1_0"
OTHER = "catalens-encoder-s@000000000000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The catalog of 0.1.0 with its photos where they are, as if another encoder had embedded it."""
    made = Path(shutil.copytree(OLD / "catalog", tmp_path / "catalog"))
    shop = str(shutil.copytree(OLD / "shop", tmp_path / "shop"))
    with closing(sqlite3.connect(made / "catalog.db")) as db, db:
        db.execute("UPDATE space SET name = ? WHERE name LIKE 'deep:%'", (f"deep:{OTHER}",))
        db.execute("UPDATE picture SET path = replace(path, '/tmp/fx/shop', ?)", (shop,))
    return made


def test_an_empty_catalog_needs_nothing(tmp_path: Path) -> None:
    with catalens.open(tmp_path / "new") as shop:
        plan = shop.plan_upgrade()
        assert (plan.is_needed, plan.pictures, plan.seconds) == (False, 0, 0.0)
        assert shop.upgrade().embedded == 0


def test_pictures_of_another_encoder_are_embedded_again(folder: Path) -> None:
    query = OLD / "shop" / "queries" / "BOO-0001.jpg"
    with catalens.open(folder) as shop:
        with pytest.raises(ModelError, match="catalens catalog upgrade"):
            shop.search(query)
        plan = shop.plan_upgrade()
        assert (plan.tables, plan.before, plan.pictures, plan.all) == ((1, VERSION), (OTHER,), 8, 8)
        assert plan.seconds > 0
        done: list[tuple[int, int | None]] = []
        report = shop.upgrade(plan, progress=lambda done_, of, _: done.append((done_, of)))
        assert (report.embedded, report.failed, done) == (8, (), [(8, 8)])
        expected = json.loads((OLD / "search.json").read_text("utf-8"))["matches"]
        assert [match.sku for match in shop.search(query)] == [match["sku"] for match in expected]
        assert not shop.plan_upgrade().is_needed


def test_photos_that_are_gone_are_named_and_the_rest_is_embedded(folder: Path) -> None:
    (folder.parent / "shop" / "photos" / "BOO-0001-1.jpg").unlink()
    with catalens.open(folder) as shop:
        report = shop.upgrade()
    assert report.embedded == 7
    assert [str(failure.where) for failure in report.failed] == ["product BOO-0001"]


def test_the_command_says_what_it_costs_and_does_it(folder: Path) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        asked = ["catalog", "upgrade", "--catalog", str(folder), *words]
        result = CliRunner().invoke(application(asked), asked)
        return result.exit_code, result.stdout, result.stderr

    code, out, said = run("--dry-run")
    assert (code, out) == (0, "")
    assert "8 of 8 pictures" in said
    assert "measured on the first 8" in said
    assert run()[:2] == (0, f"upgraded: 8 pictures embedded by {encoder_name()}, 0 failed\n")
    assert run() == (0, "", "the catalog is up to date\n")


def encoder_name() -> str:
    from catalens.tasks.embed import encoder

    return encoder().name
