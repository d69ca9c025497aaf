"""Items of a feed as JSON lines, on their way from the process that parses to the one that imports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catalens.feeds import Item
from catalens.json_text import parse_json
from catalens.types import Failure, PictureSource, Product, Variant, Where

MAX_TEXT = 2_000
"""Characters of a text of a failure that are kept."""


def dump_item(item: Item) -> str:
    """A product or a failure as one line of JSON."""
    found = asdict(item)
    if isinstance(item, Failure):
        found = {"failure": {name: one[:MAX_TEXT] if isinstance(one, str) else one for name, one in found.items()}}
    return json.dumps(found, default=sorted)  # names that a source mentions are a set


def load_item(line: str) -> Item:
    """The item that `dump_item` wrote."""
    found = parse_json(line)
    if "failure" in found:
        failure = found["failure"]
        return Failure(**{**failure, "where": Where(**failure["where"])})
    return Product(
        **{
            **_record(found),
            "where": Where(**found["where"]),
            "mentions": None if found["mentions"] is None else frozenset(found["mentions"]),
            "variants": tuple(Variant(**_record(one)) for one in found["variants"]),
        }
    )


def _record(found: dict[str, Any]) -> dict[str, Any]:
    attributes = {name: tuple(one) if isinstance(one, list) else one for name, one in found["attributes"].items()}
    pictures = tuple(PictureSource(one["location"], Where(**one["where"])) for one in found["pictures"])
    return {**found, "attributes": attributes, "pictures": pictures, "lost": tuple(found["lost"])}


def batches(path: Path, *, taken: int, offset: int, most: int, most_bytes: int) -> Iterator[tuple[list[Item], int]]:
    """Items of a file in batches, each with the offset behind it.

    Args:
        taken: items that are done; offset: bytes of the file that they take, 0 where that is not known.
        most, most_bytes: items and bytes of a batch.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for _ in range(0 if offset else taken):
            file.readline()
        part: list[Item] = []
        start = file.tell()
        while line := file.readline():
            part.append(load_item(line.decode()))
            if len(part) == most or file.tell() - start > most_bytes:
                yield part, file.tell()
                part, start = [], file.tell()
        if part:
            yield part, file.tell()
