"""Imports go one way: no room of the house knows the rooms above it, and no module is imported in a circle."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import catalens

HOUSE = Path(catalens.__file__).parent
FLOORS = (
    {"errors", "types", "geometry", "settings"},
    {"images", "features"},
    {"models"},
    {"tasks"},
    {"feeds", "storage", "index"},
    {"search", "styling"},
    {"catalog"},
    {"learning", "evaluation", "trust"},
    {"server", "cli"},
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in HOUSE.rglob("*.py") if path != HOUSE / "__init__.py")


def rooms_imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("catalens."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "catalens":
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name.split(".")[1] for alias in node.names if alias.name.startswith("catalens."))
    return found & LEVEL.keys()


def room_of(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_room_imports_only_what_stands_below_it(path: Path) -> None:
    room = room_of(path)
    assert room in LEVEL, f"{room} has no floor in tests/test_layers.py"
    above = {other for other in rooms_imported(path) if LEVEL[other] > LEVEL[room]}
    assert not above, f"{path.relative_to(HOUSE)} imports {sorted(above)}, which stand above it"


def test_no_drawer_for_odds_and_ends() -> None:
    names = {path.stem for path in FILES} | {path.name for path in HOUSE.rglob("*") if path.is_dir()}
    assert not names & {"utils", "util", "helpers", "common", "misc"}


def test_only_settings_reads_the_environment() -> None:
    readers = [str(p.relative_to(HOUSE)) for p in FILES if "os.environ" in p.read_text("utf-8")]
    assert readers == ["settings.py"]
