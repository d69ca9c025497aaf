"""The one reader of JSON: deep texts of strangers are errors wherever they are read."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

import catalens
from catalens.errors import CatalensError, FeedError, ModelError, StorageError, UsageError
from catalens.evaluation.annotations import read_annotations
from catalens.evaluation.outfit_data import read_shop_the_look
from catalens.evaluation.runs import read_run
from catalens.feeds import open_feed
from catalens.json_text import MAX_DEPTH, TooDeepError, parse_json
from catalens.models.untrusted import read_json
from catalens.server.services.secret_file import SecretFile
from catalens.types import Failure

SOURCE = Path(catalens.__file__).parent
DEEP = {
    "lists": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 900 + "1" + "}" * 900,
    "a tail": '{"version": 1, "images": [], "a": ' + "[" * 900 + "]" * 900 + "}",
}


@pytest.mark.parametrize(
    ("text", "depth", "found"),
    [
        ("null", 0, None),
        ("[]", 1, []),
        ("[]", 0, TooDeepError),
        ('[["[[[["]]', 2, [["[[[["]]),
        ('[["[[[["]]', 1, TooDeepError),
        ('{"a": {"b": [1]}}', 3, {"a": {"b": [1]}}),
        (b'{"a": 1}', 1, {"a": 1}),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, MAX_DEPTH, "deep"),
        ("", 1, ValueError),
        (b"\xff", 1, ValueError),
        ("1" * 5000, 1, ValueError),
    ],
)
def test_values_and_their_depth(text: str | bytes, depth: int, found: object) -> None:
    if isinstance(found, type):
        with pytest.raises(ValueError) as error:
            parse_json(text, depth=depth)
        assert error.type is found or found is ValueError
    else:
        assert parse_json(text, depth=depth) == found or found == "deep"


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_all_that_is_deep_is_refused(text: str) -> None:
    with pytest.raises(TooDeepError, match=f"more than {MAX_DEPTH} levels"):
        parse_json(text)


def test_nothing_else_reads_json() -> None:
    found = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"loads", "load", "JSONDecoder"}
        if isinstance(node.value, ast.Name) and node.value.id == "json"
    ]
    assert found == ["json_text.py"]


READERS: dict[str, tuple[str, Callable[[Path], object], type[CatalensError]]] = {
    "a run": ("run.json", read_run, UsageError),
    "boxes": ("coco.json", read_annotations, FeedError),
    "a network": ("network.json", read_json, ModelError),
    "keys": ("keys.json", lambda path: SecretFile(path, dict, holds="keys", cure="none").read(), StorageError),
    "outfits": ("home.json", lambda path: read_shop_the_look(path.parent), FeedError),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("reader", READERS)
def test_readers_of_strangers_files(tmp_path: Path, reader: str, text: str) -> None:
    name, read, error = READERS[reader]
    (tmp_path / "home-cat.json").write_text("{}")
    (tmp_path / name).write_text(text)
    with pytest.raises(error):
        read(tmp_path / name)


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("name", ["feed.json", "feed.jsonl", "cell.csv", "page.html"])
def test_feeds(tmp_path: Path, name: str, text: str) -> None:
    cell = text.replace('"', '""')
    said = {
        "feed.jsonl": '{"sku": "A", "title": "A"}\n' + text + "\n",
        "cell.csv": f'sku,title,image\nA,A,"{cell}"\n',
        "page.html": f'<script type="application/ld+json">{text}</script>',
    }
    (tmp_path / name).write_text(said.get(name, text))
    try:
        items = list(open_feed(tmp_path / name))
    except FeedError:
        return
    assert any(isinstance(item, Failure) for item in items)
