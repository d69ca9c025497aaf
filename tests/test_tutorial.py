"""The tutorial runs on the sample shop, block by block; the notebooks run on a part of it."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalens.cli.main import application
from tests.pages import ROOT, Block, blocks, commands

SAMPLE = ROOT / "examples" / "shop"
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
KEPT = 4
"""One product in so many stays in the shop of the notebooks' test, and those that the query photos show."""
FIRST = re.compile(r"^\s*1\s+0\.\d+\s+(\S+)", re.MULTILINE)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample shop where a checkout has it, and photos of one's own."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "shop").symlink_to(SAMPLE)
    (tmp_path / "photos").mkdir()
    for number, photo in enumerate(sorted((SAMPLE / "queries").glob("*.jpg"))[:3]):
        shutil.copy(photo, tmp_path / "photos" / f"{number}.jpg")
    shutil.copy(tmp_path / "photos" / "0.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


def test_the_tutorial_runs_and_finds_what_it_says(checkout: Path) -> None:
    said = ""
    variables: dict[str, Any] = {"__name__": "page"}
    for block in blocks(ROOT / "docs" / "tutorial.md"):
        if not block.is_run:
            continue
        if block.language == "console":
            said = run(block)
        elif block.language == "python":
            exec(compile(block.text, "tutorial.md", "exec"), variables)
        elif FIRST.search(block.text):
            assert FIRST.findall(said)[0] == FIRST.findall(block.text)[0]
        else:
            assert block.text.strip() in said
    assert variables["hits"] == [True] * 20  # as the page says
    assert (checkout / "results.html").is_file()
    assert (checkout / "match.png").is_file()


def run(block: Block) -> str:
    """The output of a block's commands; it fails where one of them does."""
    said = ""
    for words in commands(block):
        result = CliRunner().invoke(application(words), words, prog_name="catalens")
        assert result.exit_code == 0, result.output
        said += result.output
    return said


@pytest.fixture(scope="module")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/ with a smaller sample shop, so that the notebooks take seconds."""
    home = tmp_path_factory.mktemp("checkout") / "examples"
    shutil.copytree(SAMPLE, home / "shop", ignore=shutil.ignore_patterns("pictures", "*.xml"))
    (home / "shop" / "pictures").symlink_to(SAMPLE / "pictures")
    with (SAMPLE / "queries.csv").open(encoding="utf-8", newline="") as file:
        shown = {row["sku"].casefold() for row in csv.DictReader(file)}
    with (SAMPLE / "shopify.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    handles = list(dict.fromkeys(row[0] for row in rows[1:]))
    kept = {handle for number, handle in enumerate(handles) if number % KEPT == 0 or handle in shown}
    kept |= {row[0] for row in rows[1:] if row[4] in ("sofa", "lamp", "table")}
    with (home / "shop" / "shopify.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([rows[0], *(row for row in rows[1:] if row[0] in kept)])
    (home / "notebooks").mkdir()
    return home / "notebooks"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_runs(notebook: Path, small_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "classifier" in notebook.read_text("utf-8"):
        pytest.importorskip("sklearn", reason="the extra train")
    monkeypatch.chdir(small_shop)
    code = "\n".join("".join(cell["source"]) for cell in cells(notebook) if cell["cell_type"] == "code")
    with nothing_shown():
        exec(compile(code, str(notebook), "exec"), {"__name__": "notebook"})


@contextlib.contextmanager
def nothing_shown() -> Iterator[None]:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def cells(notebook: Path) -> list[dict[str, Any]]:
    return list(json.loads(notebook.read_text("utf-8"))["cells"])


def test_there_are_three_notebooks_with_their_outputs() -> None:
    assert len(NOTEBOOKS) == 3
    for notebook in NOTEBOOKS:
        text = notebook.read_text("utf-8")
        assert len(text) < 600_000
        assert not re.search(r"/home/|/tmp/|/root/|/work/|/Users/|Traceback", text)
        assert all(cell["outputs"] for cell in cells(notebook)[-3:] if cell["cell_type"] == "code")
