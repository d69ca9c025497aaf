"""The error tree: every error says what was expected, what came, and the cure.

CatalensError                 exit code 1
├── UsageError                2   an option, a filter or a request that cannot be understood
│   └── FilterError               a filter that does not parse
├── NotFoundError             3   a file, product or model that is not there
├── ImageError                4   a picture that cannot be read
│   ├── ImageLimitError       6   a picture refused by a limit, from its header
│   └── UnfitImageError           a picture that can be read, and cannot serve for what was asked
├── FeedError                 4   a source that is no catalogue we can read
├── CatalogError              1   the catalog itself
│   ├── CatalogBusyError          another process is writing
│   ├── CatalogDamagedError   5   what is on disk is not what was written
│   ├── CatalogVersionError       made by a newer version
│   └── StorageError              the disk is full, read-only or not a folder
├── ModelError                1   a card or weights that cannot be used
├── RemoteError               4   a picture address that was not read, and why
└── MissingExtraError         2   an optional package is not installed
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class CatalensError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        what: what was expected and what came, one sentence without a full stop.
        cure: what the caller can do about it, one sentence without a full stop; may be empty.
    """

    exit_code = 1

    def __init__(self, what: str, *, cure: str = "") -> None:
        self.what = what
        self.cure = cure
        super().__init__(what, cure)

    def __str__(self) -> str:
        said = _sentence(self.what)
        return f"{said} {_sentence(self.cure[0].upper() + self.cure[1:])}" if self.cure else said

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling that worker processes use.
        return _rebuild, (type(self), self.what, self.cure)


def _sentence(text: str) -> str:
    """With one full stop: what a library said, and is quoted at the end, may have its own."""
    return text if text.endswith(".") else f"{text}."


def first_line(error: Exception) -> str:
    """What another library's error says, without a full stop and without what follows on further lines."""
    said = str(error).strip().splitlines()
    return said[0].rstrip(".") if said else type(error).__name__


def _rebuild(kind: type[CatalensError], what: str, cure: str) -> CatalensError:
    return kind(what, cure=cure)


class UsageError(CatalensError):
    """An option or a request that cannot be understood."""

    exit_code = 2


class FilterError(UsageError):
    """A filter expression that does not parse, or compares what cannot be compared."""


class NotFoundError(CatalensError):
    """A file, a product or a model that is not there."""

    exit_code = 3


class ImageError(CatalensError):
    """A picture that cannot be read."""

    exit_code = 4


class ImageLimitError(ImageError):
    """A picture refused by a limit, judged from its header before decoding."""

    exit_code = 6


class UnfitImageError(ImageError):
    """A picture that can be read, and cannot serve for what was asked: it shows no person, or half a garment."""


class FeedError(CatalensError):
    """A source that is no catalogue that can be read."""

    exit_code = 4


class CatalogError(CatalensError):
    """Something is wrong with the catalog itself."""


class CatalogBusyError(CatalogError):
    """Another process is writing to the catalog."""


class CatalogDamagedError(CatalogError):
    """What is on disk is not what was written."""

    exit_code = 5


class CatalogVersionError(CatalogError):
    """The catalog was made by a newer version of this package."""


class StorageError(CatalogError):
    """The disk is full, read-only, or the path is not a folder."""


class ModelError(CatalensError):
    """A card or weights that cannot be used."""


class RemoteError(CatalensError):
    """A picture address that was not read, and why."""

    exit_code = 4


class MissingExtraError(CatalensError):
    """An optional package is not installed; the cure names the extra."""

    exit_code = 2

    @classmethod
    def of(cls, package: str, *, extra: str) -> MissingExtraError:
        return cls(f"{package} is not installed", cure=f"run: pip install 'catalens[{extra}]'")


@contextmanager
def needs(package: str, *, extra: str) -> Iterator[None]:
    """Around imports of a package that the base install lacks.

    Raises:
        MissingExtraError: it cannot be imported.
    """
    try:
        yield
    except ImportError:
        raise MissingExtraError.of(package, extra=extra) from None
