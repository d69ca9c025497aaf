"""Workbooks of Excel as tables: the first sheet with a header. Needs the extra `xlsx` (openpyxl)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from catalens.errors import FeedError, MissingExtraError

MOST_BYTES = 2**30
"""Of one sheet, unpacked."""


def recognises(path: Path) -> bool:
    """Whether the file is a workbook."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                return False
        with zipfile.ZipFile(path) as packed:
            return "xl/workbook.xml" in packed.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def records(path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """(Row number, cells as text) of the first sheet that has cells.

    Raises:
        MissingExtraError: openpyxl is not installed.
        FeedError: the workbook is broken or unpacks to too much.
    """
    try:
        import openpyxl
    except ImportError:
        raise MissingExtraError.of("openpyxl", extra="xlsx") from None
    with zipfile.ZipFile(path) as packed:
        if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
            raise FeedError(f"{path} unpacks to more than {MOST_BYTES >> 20} MB", cure="export it as CSV")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                count = 0
                for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                    cells = [_text(value) for value in row]
                    if any(cells):
                        count += 1
                        yield number, cells
                if count:
                    return
        finally:
            book.close()
    except (KeyError, ValueError, TypeError, OSError, zipfile.BadZipFile, SyntaxError) as error:
        raise FeedError(f"{path} is a workbook that cannot be read: {error}", cure="export it as CSV") from None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
