"""SQL stays in `storage/`, and the folders of one floor import each other one way."""

from __future__ import annotations

import ast
import re

import pytest

from tests.import_graph import file_graph
from tests.test_layers import HOUSE

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
    speakers = {path.relative_to(HOUSE).parts[0] for path in HOUSE.rglob("*.py") if speaks_sql(path.read_text("utf-8"))}
    assert speakers == {"storage"}


def test_the_contract_of_a_store_has_no_sql() -> None:
    assert not speaks_sql((HOUSE / "storage" / "store.py").read_text("utf-8"))


BESIDE = {  # folder -> folders of its own floor that it may import
    "feeds": set[str](),
    "index": set[str](),
    "storage": {"index", "feeds"},  # of feeds: the cells of its own CSV export
    "search": set[str](),
    "styling": {"search"},
}


@pytest.mark.parametrize("folder", BESIDE)
def test_folders_of_one_floor_import_one_way(folder: str) -> None:
    floor = {"feeds", "index", "storage"} if folder in {"feeds", "index", "storage"} else {"search", "styling"}
    graph = file_graph(HOUSE)
    imported = {
        other.split(".")[1]
        for name, others in graph.items()
        if name.startswith(f"catalens.{folder}.")
        for other in others
    }
    assert (imported & floor) - {folder} <= BESIDE[folder]
