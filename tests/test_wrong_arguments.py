"""Whatever a public verb is given, what comes of it is an answer or an error of ours, never a bare TypeError."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import catalens
from catalens.catalog import Catalog
from catalens.errors import CatalensError
from catalens.feeds import open_feed
from catalens.types import Failure, Product, Where
from tests.fakes import FakeEncoder

WRONG: dict[str, Any] = {
    "none": None, "whole": 7, "share": 3.5, "flag": True, "empty list": [], "list": [None], "empty": "", "bytes": b"",
    "mapping": {}, "object": object(),
}  # fmt: skip
IMAGE = np.zeros((64, 64, 3), np.uint8)
VERBS = [
    name
    for name in catalens.__all__
    if inspect.isfunction(getattr(catalens, name)) and name not in {"open", "encoder", "generate"}
]
METHODS = [
    "search", "look", "outfits", "room", "get", "remove", "erase", "update", "version", "pictures", "picture", "put",
    "add", "compare", "export_lines", "backup", "facets", "has_picture",
]  # fmt: skip


def calls(function: Callable[..., Any], value: object) -> Iterator[Callable[[], object]]:
    """Calls with a wrong value for all that must be given, or for all but a first picture."""
    needed = [one for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    named = {one.name: value for one in needed if one.kind is one.KEYWORD_ONLY}
    count = len(needed) - len(named)
    yield lambda: function(*[value] * count, **named)
    if count and needed[0].name == "image":
        yield lambda: function(IMAGE, *[value] * (count - 1), **named)


def tried(call: Callable[[], object]) -> None:
    with suppress(CatalensError):
        found = call()
        if inspect.isgenerator(found):
            list(found)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("verb", VERBS)
def test_verbs(verb: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for call in calls(getattr(catalens, verb), WRONG[wrong]):
        tried(call)


@pytest.mark.parametrize("wrong", WRONG)
def test_methods_of_a_catalog(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    value = WRONG[wrong]
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add([Product("a", Where("x"), "A thing")])
        for method in METHODS:
            for call in calls(getattr(shop, method), value):
                tried(call)
        for option in ("k", "offset", "where", "like", "unlike", "weights", "min_score", "group"):
            given = {option: value}
            tried(lambda given=given: shop.search(text="thing", **given))  # type: ignore[misc]
        assert shop.get("a").title == "A thing"
    tried(lambda: Catalog.restore(value, tmp_path / "restored"))
    tried(lambda: Catalog.restore(tmp_path, value))
    tried(lambda: Catalog.diagnose(value))
    tried(lambda: catalens.open(value).close())
    tried(lambda: catalens.look(IMAGE, catalog=value))


@pytest.mark.parametrize(("data", "why"), [(b"hello", "no picture"), (b"", "empty"), (b"<svg/>", "no picture")])
def test_a_file_that_only_is_called_like_a_photo_makes_no_product(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "text.jpg").write_bytes(data)
    for source in (tmp_path, tmp_path / "text.jpg"):
        (item,) = open_feed(source)
        assert isinstance(item, Failure)
        assert why in item.why
