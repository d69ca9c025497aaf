"""The pages hold: Python runs, commands exist with these options, links lead somewhere, the API page is complete."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

import catalens
from catalens.cli.main import application
from catalens.cli.renamed import renamed
from tests.pages import PAGES, READMES, ROOT, blocks, commands

RUN = tuple(page for page in PAGES if page.name != "tutorial.md")  # tests/test_tutorial.py runs that one
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CODE = PROJECT["urls"]["Repository"]
LANGUAGES = {"python", "console", "text", "toml", "html", "json"}
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture
def reader_folder(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages assume to lie in the reader's folder: `products.csv`, `photos/`, `photo.jpg`."""
    shutil.copytree(export, tmp_path, dirs_exist_ok=True)
    shutil.copy(min((export / "queries").glob("*.jpg")), tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_every_python_block_runs(page: Path, reader_folder: Path) -> None:
    code = "\n".join(block.text for block in blocks(page, "python") if block.is_run)
    exec(compile(code, str(page), "exec"), {"__name__": "page"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_names_its_language(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= LANGUAGES
    assert all(block.mark in ("", block.mark.strip()) and not block.mark.endswith(":") for block in blocks(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists_with_these_options(page: Path) -> None:
    root = typer.main.get_command(application())
    for block in blocks(page, "console"):
        for words in commands(block):
            assert renamed(words) == (words, [])  # no name of an older release
            parse(root, words)


def parse(command: Any, words: list[str]) -> None:
    """Follow the words to their command and read its options, without running it; Typer raises what is wrong."""
    context = command.context_class(command, info_name="catalens")
    while isinstance(command, TyperGroup):
        if words[0].startswith("-"):  # an option before the command: what is left begins with the command
            _, words, _ = command.make_parser(context).parse_args(list(words))
        _, found, words = command.resolve_command(context, list(words))
        assert found is not None
        command, context = found, found.context_class(found, info_name=found.name, parent=context)
    given, rest, _ = command.make_parser(context).parse_args(list(words))
    assert not rest, f"{command.name}: too many arguments, {rest}"
    missing = [one.name for one in command.params if one.required and given.get(one.name) in (None, ())]
    assert not missing, f"{command.name} without {missing}"


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in LINK.findall(page.read_text("utf-8")):
            path = target.partition("#")[0]
            if target.startswith(CODE):
                kind, _, inside = path.removeprefix(f"{CODE}/").partition("/main/")
                assert kind in ("blob", "tree", "raw") or inside == "", f"{page.name} links to {target}"
                assert (ROOT / inside).exists(), f"{page.name} links to {target}"
            elif path and "://" not in path:
                assert page.parent == ROOT / "docs", f"{page.name}: {target} does not work on a package index"
                assert (page.parent / path).exists(), f"{page.name} links to {target}"
                assert not path.startswith(".."), f"{page.name}: {target} is outside of the site"


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_pictures_of_the_readme_are_those_of_the_project(page: Path) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8"))
    assert pictures
    assert all(one.startswith(f"{CODE}/raw/main/") for one in pictures)


def test_the_site_and_the_project_have_the_same_addresses() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
    assert f'href="{CODE}"' in site["copyright"]
    assert site["site_url"] == PROJECT["urls"]["Documentation"]
    assert all(address.startswith((CODE, site["site_url"])) for address in PROJECT["urls"].values())


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "zensical.toml").read_text("utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert set(re.findall(r'"([a-z-]+\.md)"', menu)) == pages


def test_the_api_page_has_every_public_name() -> None:
    shown = {line.rpartition(".")[2] for line in re.findall(r"^::: (\S+)$", page_of("api.md"), re.M)}
    assert shown == set(catalens.__all__) - {"__version__", "CatalensError"}


def page_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def test_the_chinese_readme_has_the_same_links_and_figures() -> None:
    english, chinese = (page.read_text("utf-8") for page in READMES)
    links = [sorted(set(LINK.findall(text))) for text in (english, chinese)]
    assert [one.replace("README.zh-CN.md", "README.md") for one in links[0]] == links[1]
    tables = ["".join(line for line in text.splitlines() if line.startswith("|")) for text in (english, chinese)]
    figures = [sorted(re.findall(r"\d[\d.,]*\d|\d", table)) for table in tables]
    assert figures[0] == figures[1]
