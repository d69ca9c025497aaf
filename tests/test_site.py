"""The documentation site builds without a warning, and each of its links leads somewhere. Needs the extra docs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.pages import ROOT

pytest.importorskip("zensical", reason="the extra docs")
LINK = re.compile(r"""(?:href|src)=["']?([^"'\s>]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in strict mode from a copy of the pages and of the package that the API page documents."""
    home = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "zensical.toml", home)
    shutil.copytree(ROOT / "docs", home / "docs")
    (home / "src").symlink_to(ROOT / "src")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    built = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return home / "site"


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        for target in LINK.findall(page.read_text("utf-8")):
            path = unquote(target.partition("#")[0].partition("?")[0])
            if path and "://" not in path and not path.startswith(("data:", "mailto:", "javascript:", "/catalens/")):
                found = site / path.removeprefix("/") if path.startswith("/") else page.parent / path
                assert found.exists(), f"{page.relative_to(site)} links to {target}"


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|link rel=\"?stylesheet)[^>]*(?:src|href)=[\"']?(https?:[^\"'\s>]+)", text)
        assert not loaded, page


def test_the_reference_has_signatures_and_texts(site: Path) -> None:
    page = (site / "api" / "index.html").read_text("utf-8")
    for name in ("catalens.catalog.Catalog.search", "catalens.tasks.detect.detect", "catalens.types.Match"):
        assert f'id="{name}"' in page or f"id={name}" in page
