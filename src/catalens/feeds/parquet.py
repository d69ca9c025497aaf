"""Parquet files as tables. Needs the extra `parquet` (pyarrow)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from catalens.errors import FeedError, MissingExtraError


def recognises(path: Path) -> bool:
    """Whether the file is Parquet."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False


def records(path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """(Row number, cells as text), the columns' names first.

    Raises:
        MissingExtraError: pyarrow is not installed.
        FeedError: the file is broken.
    """
    try:
        import pyarrow.parquet as pq
        from pyarrow import ArrowException
    except ImportError:
        raise MissingExtraError.of("pyarrow", extra="parquet") from None
    try:
        file = pq.ParquetFile(path)
        names = list(file.schema_arrow.names)
        yield 1, names
        line = 1
        for batch in file.iter_batches(batch_size=2000):
            for row in batch.to_pylist():
                line += 1
                yield line, [_text(row[name]) for name in names]
    except (ArrowException, OSError, ValueError) as error:
        raise FeedError(f"{path} is Parquet that cannot be read: {error}", cure="export it as CSV") from None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
