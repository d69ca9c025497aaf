"""Products out again: JSON Lines, which loses nothing, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from catalens.errors import UsageError
from catalens.feeds.exported import FIRST_COLUMNS, TYPES, column_of, joined, safe, text_of, type_of
from catalens.storage.database import storage_error
from catalens.types import Product

FORMATS = ("jsonl", "csv")
FRAME = {"csv": 1, "google": 1, "meta": 1, "openai": 1, "jsonld": 2}
"""Lines of a format that are no record."""


def lines(products: Iterable[Product], *, format: str, attribute_names: Iterable[str]) -> Iterator[str]:
    """Write products as text, one record at a time, without the line's end.

    Args:
        products: in the order of the lines.
        format: "jsonl" or "csv". A line of JSON is `Product.to_dict()`. A row of CSV has the attributes of the product
            as columns, its pictures, its variants and the types of its values as JSON (`feeds.exported`); a text that
            a spreadsheet would run as a formula gets an apostrophe in front, which reading takes off.
        attribute_names: those that get a column in CSV.

    Raises:
        UsageError: another format.
    """
    if format == "jsonl":
        return (json.dumps(product.to_dict(), ensure_ascii=False) for product in products)
    if format == "csv":
        return _csv_lines(products, sorted(set(attribute_names)))
    raise UsageError(f"expected one of {', '.join(FORMATS)} and got {format!r}", cure="choose one of these")


def _csv_lines(products: Iterable[Product], names: list[str]) -> Iterator[str]:
    yield _row([*FIRST_COLUMNS, TYPES, *map(column_of, names)])
    for product in products:
        record = product.to_dict()
        pictures = tuple(picture.location for picture in product.pictures)
        first, more = (pictures[0] if pictures else ""), (joined(pictures[1:]) if len(pictures) > 1 else "")
        variants = json.dumps(record["variants"], ensure_ascii=False) if product.variants else ""
        held = {name: product.attributes[name] for name in names if name in product.attributes}
        types = {name: kind for name, value in held.items() if (kind := type_of(name, value))}
        cells = [product.sku, product.title, product.description, first, more, variants]
        cells.append(json.dumps(types, ensure_ascii=False) if types else "")
        values = [held.get(name, "") for name in names]
        # A negative number is no formula.
        texts = [text_of(value) if isinstance(value, int | float) else safe(text_of(value)) for value in values]
        yield _row([*map(safe, cells), *texts])


def _row(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)  # its own line's end, so that it quotes cells with line ends in them
    return line.getvalue().removesuffix("\r\n")


def write(path_or_file: str | Path | TextIO, records: Iterable[str]) -> int:
    """Write records to a file, which appears whole or not at all, or to one that is open; return how many.

    Raises:
        StorageError: the file cannot be written; what was there before stays.
    """
    if not isinstance(path_or_file, str | Path):
        return _write_lines(path_or_file, records)
    path = Path(path_or_file)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                count = _write_lines(file, records)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise storage_error(path, error) from error
    return count


def _write_lines(file: TextIO, records: Iterable[str]) -> int:
    count = 0
    for record in records:
        file.write(record + "\n")
        count += 1
    return count
