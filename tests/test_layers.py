"""Imports go one way: no room of the house knows the rooms above it, and no module is imported in a circle."""

from __future__ import annotations

import ast
import re
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


SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|PRAGMA\s+\w+|json_each\()"
    r"|\bCREATE\s+(TEMP\s+|UNIQUE\s+|VIRTUAL\s+)?(TABLE|INDEX|TRIGGER)\b",
    re.DOTALL,
)


def speaks_sql(source: str) -> bool:
    """Whether a module imports a database's driver or has a statement in one of its texts."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] in {"sqlite3", "psycopg", "sqlalchemy"} for name in names):
            return True
        if SQL.search(_text(node)):
            return True
    return False


def _text(node: ast.AST) -> str:
    """What a text says, with a mark for each value that a formatted one takes in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "?" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", False),
        ("import sqlite3", True),
        ("from sqlite3 import Connection", True),
        ("x = 'SELECT id FROM product'", True),
        ("x = f'SELECT {columns} FROM {table}'", True),
        ("x = ('SELECT id '\n'FROM product')", True),
        ("x = 'INSERT OR IGNORE INTO loose VALUES (1)'", True),
        ("x = 'UPDATE product SET title = 1'", True),
        ("x = 'DELETE FROM product'", True),
        ("x = 'PRAGMA user_version'", True),
        ("x = 'Select a photo from the folder, or update it'", False),
    ],
)
def test_sql_is_recognised(source: str, expected: bool) -> None:
    assert speaks_sql(source) == expected


def test_only_storage_speaks_sql() -> None:
    speakers = {path.relative_to(HOUSE).parts[0] for path in FILES if speaks_sql(path.read_text("utf-8"))}
    assert speakers == {"storage"}


def test_the_contract_of_a_store_has_no_sql() -> None:
    assert not speaks_sql((HOUSE / "storage" / "store.py").read_text("utf-8"))


SIDES = {  # folder -> folders of its own floor that it may import
    "feeds": set[str](),
    "index": set[str](),
    "storage": {"index"},
    "search": set[str](),
    "styling": {"search"},
}


@pytest.mark.parametrize("path", [one for one in FILES if room_of(one) in SIDES], ids=lambda one: str(one.name))
def test_folders_of_one_floor_import_one_way(path: Path) -> None:
    room = room_of(path)
    beside = {other for other in rooms_imported(path) if LEVEL[other] == LEVEL[room]} - {room}
    assert beside <= SIDES[room]
