"""Options that other programs have are answered with those that are meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalens.cli.catalog import _counted
from catalens.cli.main import app
from catalens.types import Failure, Where


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["search", "shoe", "--limit", "3"], "-k"), (["search", "shoe", "-n", "3"], "-k"),
        (["search", "shoe", "--top", "3"], "-k"), (["check", "x.jpg", "--marketplace", "amazon"], "--rules"),
        (["add", "x.csv", "--columns", "sku=a"], "--map"),
    ],
)  # fmt: skip
def test_a_guessed_option_is_answered_with_the_one_that_is_meant(words: list[str], meant: str) -> None:
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 2
    assert f"(Possible options: {meant})" in found.stderr


def test_a_feed_is_no_photo_to_search_by(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text("sku,title\na,b\n")
    found = CliRunner().invoke(app, ["photo", "detect", str(path)])
    assert f"catalens add {path}" in str(found.exception)


@pytest.mark.parametrize(
    ("rows", "pictures", "said"),
    [(0, 0, "0 failed"), (1, 0, "1 failed (1 row)"), (3, 5, "8 failed (3 rows, 5 pictures)"),
     (0, 2, "2 failed (2 pictures)")],
)  # fmt: skip
def test_what_failed_is_counted_by_what_it_is(rows: int, pictures: int, said: str) -> None:
    where = Where("x")
    failed = [Failure(where, "a", "b", "c")] * rows + [Failure.of_picture(where, "a", "b", "c")] * pictures
    assert _counted(failed) == said
