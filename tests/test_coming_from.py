"""The pages for users of other tools: their code runs too, where their package is installed and needs no download."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.pages import ROOT, blocks

FOUND = [(path, block) for path in sorted((ROOT / "docs").glob("from-*.md")) for block in blocks(path, "python")]
PAGES = {path: block for path, block in FOUND if block.mark}
HUB_CLIP = "openai/clip-vit-base-patch32"


@pytest.fixture
def reader_folder(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(export / "photos", tmp_path / "photos")
    shutil.copy(min((export / "queries").glob("*.jpg")), tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_page_shows_their_code_once_and_ours() -> None:
    assert len(PAGES) == 5
    for page, block in PAGES.items():
        assert block.mark.startswith("theirs: ")
        compile(block.text, page.name, "exec")  # at the least it is Python
        assert any("import catalens" in one.text for one in blocks(page, "python") if one.is_run)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_their_code_runs(page: Path, reader_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = PAGES[page].mark.removeprefix("theirs: ")
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    if package not in OFFLINE:
        pytest.skip(f"{package} needs a download or a server")
    code = OFFLINE[package](PAGES[page].text, reader_folder)
    exec(compile(code, page.name, "exec"), {"__name__": "page"})


def tiny_clip(code: str, folder: Path) -> str:
    """The same code with a CLIP network of a few numbers in the place of the published one."""
    import transformers

    from tests.test_hub import SIDE, clip, write_tokenizer

    clip().save_pretrained(folder / "clip")
    transformers.CLIPImageProcessor(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder / "clip")
    write_tokenizer(folder / "clip")
    assert HUB_CLIP in code
    return code.replace(HUB_CLIP, str(folder / "clip"))


OFFLINE: dict[str, Callable[[str, Path], str]] = {"transformers": tiny_clip}
