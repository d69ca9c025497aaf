"""What is said where the Python, a package or an extra is missing: one sentence with its cure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import catalens
from catalens.cli.options import future_folder
from catalens.errors import NotFoundError

HOUSE = Path(catalens.__file__).parent
PROJECT = HOUSE.parents[1]


def run(*arguments: str, first: str = "") -> tuple[int, str]:
    """Exit code and stderr of a Python that runs `first` and then the command line."""
    code = f"{first}\nimport sys; sys.argv = {['catalens', *arguments]!r}\nfrom catalens.cli.main import run; run()"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HOUSE.parent)},
    )
    return found.returncode, found.stderr.strip()


def without(package: str) -> str:
    return f"import sys; sys.modules[{package!r}] = None"


def test_every_extra_is_named_where_its_packages_are_missing() -> None:
    extras = set(tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
    sources = "\n".join(path.read_text("utf-8") for path in HOUSE.rglob("*.py"))
    named = set(re.findall(r'extra="(?!forbid)(\w+)"|pip install "catalens\[(\w+)\]"', sources))
    assert {one or other for one, other in named} == extras - {"dev", "docs", "bench"}


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("pyarrow", "parquet", ("add", "feed.parquet", "--catalog", "shop")),
        ("openpyxl", "xlsx", ("add", "feed.xlsx", "--catalog", "shop")),
        ("fastapi", "serve", ("serve", "--catalog", "shop")),
    ],
)
def test_a_command_without_its_extra_names_it(
    package: str, extra: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "feed.parquet").write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    with zipfile.ZipFile(tmp_path / "feed.xlsx", "w") as workbook:
        workbook.writestr("xl/workbook.xml", "<workbook/>")
    with catalens.open(tmp_path / "shop"):
        pass
    rc, said = run(*arguments, first=without(package))
    assert (rc, said.count("\n")) == (2, 0)
    assert said.endswith(f'{package} is not installed. Run: pip install "catalens[{extra}]".')


@pytest.mark.parametrize("package", ["faiss", "onnxruntime", "cv2"])
def test_a_package_that_is_not_built_for_this_machine_is_named(package: str, tmp_path: Path) -> None:
    rc, said = run("search", "red", "--catalog", str(tmp_path / "shop"), first=without(package))
    assert (rc, said.count("\n")) == (2, 0)
    assert said.startswith(f"catalens: {package}, which Catalens needs, cannot be imported")
    assert "pip install --force-reinstall catalens" in said


def test_in_python_it_is_an_error_of_the_package() -> None:
    code = f"{without('faiss')}; import catalens\ntry: catalens.open('x')\nexcept catalens.CatalensError as e: print(e)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HOUSE.parent)
    assert found.stdout.startswith("faiss, which Catalens needs, cannot be imported"), found.stderr


OLD = "import sys; sys.version_info = (3, 10, 13, 'final', 0)"


def test_an_older_python_is_told_so() -> None:
    def said_by(code: str) -> tuple[int, list[str]]:
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HOUSE.parent)
        return found.returncode, found.stderr.strip().splitlines()

    rc, lines = said_by(f"{OLD}; import catalens")
    assert rc == 1
    assert lines[-1].startswith("ImportError: Catalens needs Python 3.11 or newer, and this is Python 3.10: ")
    rc, lines = said_by(f"{OLD}; sys.argv = ['-m']; import catalens")
    assert (rc, len(lines)) == (1, 1)
    assert lines[0].startswith("catalens: Catalens needs Python 3.11 or newer")


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("nope", "no network called 'nope'. `catalens models list` has all."),
        ("catalens-encoder", "Did you mean catalens-encoder-s or"),
    ],
)
def test_a_network_that_there_is_not_has_near_names(name: str, cure: str) -> None:
    rc, said = run("models", "show", name)
    assert (rc, said.count("\n")) == (3, 0)
    assert cure in said
    assert len(said) < 200


def test_serve_refuses_a_name_near_to_that_of_a_catalog(tmp_path: Path) -> None:
    with catalens.open(tmp_path / "shop"):
        pass
    assert future_folder(tmp_path / "another-one") == tmp_path / "another-one"
    with pytest.raises(NotFoundError, match=r"Did you mean .*/shop\?"):
        future_folder(tmp_path / "shpo")
