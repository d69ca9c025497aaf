"""Every Python block of the README and of the pages in docs/ runs, in a folder with the sample shop in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def reader_folder(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages assume to lie in the reader's folder: `products.csv`, `photos/`, `photo.jpg`."""
    shutil.copytree(export, tmp_path, dirs_exist_ok=True)
    shutil.copy(min((export / "queries").glob("*.jpg")), tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs(page: Path, reader_folder: Path) -> None:
    code = "\n".join(BLOCK.findall(page.read_text("utf-8")))
    exec(compile(code, str(page), "exec"), {"__name__": "page"})


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
