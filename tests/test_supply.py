"""The lock files, the container image and the pages that a reader of the repository needs to trust it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def locked(name: str) -> dict[str, list[str]]:
    """Versions of each package in a lock file; several where they depend on the Python version."""
    found: dict[str, list[str]] = {}
    for package, version in REQUIREMENT.findall((ROOT / "requirements" / name).read_text("utf-8")):
        found.setdefault(canonicalize_name(package), []).append(version)
    return found


def declared(name: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    if name == "build.txt":
        return [Requirement(one) for one in project["build-system"]["requires"]]
    extras = project["project"]["optional-dependencies"]
    wanted = ("serve",) if name == "serve.txt" else ("dev", "train", "docs")
    of_extras = [one for extra in wanted for one in extras[extra]]
    found = [Requirement(one) for one in (*project["project"]["dependencies"], *of_extras)]
    return [one for one in found if one.name != "torch"]  # requirements/ci.overrides says why


@pytest.mark.parametrize("name", ["serve.txt", "build.txt", "ci.txt"])
def test_the_lock_has_all_that_is_declared(name: str) -> None:
    versions = locked(name)
    for one in declared(name):
        assert canonicalize_name(one.name) in versions, "run: make lock"
        for version in versions[canonicalize_name(one.name)]:
            assert one.specifier.contains(version), f"{one} and {version}; run: make lock"


@pytest.mark.parametrize("name", ["serve.txt", "build.txt", "ci.txt"])
def test_each_package_has_hashes_and_no_registry_is_named(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == sum(map(len, locked(name).values())) > 3
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)
    assert not re.search(r"://|--(extra-)?index-url|--find-links|\bfile:", text)


def test_the_image_installs_only_what_is_locked() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    installs = re.findall(r"pip install ([^&\n]*)", text.replace("\\\n", " "))
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index --no-deps" in one for one in installs)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    copied = set((ROOT / ".dockerignore").read_text("utf-8").split())
    assert {"!requirements", "!src", "!pyproject.toml"} <= copied


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/licences.md", "docs/release.md"])
def test_the_readme_leads_there(page: str) -> None:
    assert (ROOT / page).is_file()
    code = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]
    assert f"]({code}/blob/main/{page})" in (ROOT / "README.md").read_text("utf-8")


def test_the_workflows_call_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    called = set()
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        runs = re.findall(r"^\s*- run: (.*)$", path.read_text("utf-8"), re.MULTILINE)
        assert runs, path
        called |= {re.fullmatch(r"make ([a-z-]+)", run)[1] for run in runs}  # type: ignore[index]
    assert called <= targets
    assert {"lint", "types", "unit", "docs", "demo"} <= called


def test_the_citation_has_the_version_and_the_address_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {project['version']}\n" in text
    assert f'"{project["urls"]["Repository"]}"' in text
