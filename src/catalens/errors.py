"""Error classes. Every error says what was expected, what came, and how to fix it.

CatalensError                 exit code 1
├── UsageError                2   an invalid option, filter or request
│   └── FilterError               a filter that does not parse
├── NotFoundError             3   a missing file, product or model
├── ImageError                4   an unreadable picture
│   ├── ImageLimitError       6   a picture refused by a limit, from its header
│   └── UnfitImageError           a readable picture that does not fit the task
├── FeedError                 4   an unreadable feed
├── CatalogError              1   the catalog itself
│   ├── CatalogBusyError          another process is writing
│   ├── CatalogDamagedError   5   damaged data on disk
│   ├── CatalogVersionError       made by a newer version
│   ├── ConflictError             a product is not as it was when the caller read it
│   └── StorageError              the disk is read-only, or the path not a folder
│       ├── StorageFullError      the disk is full
│       └── OccupiedError     2   the folder holds other things than a catalog
├── ModelError                1   an unusable model card or weights
├── RemoteError               4   a picture address that was not fetched
├── MissingExtraError         2   an optional package is not installed
└── UnusablePackageError      2   a package of the base install is missing, or was not built for this machine
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Numbers of the operating system's errors that say that there is no room."""


class CatalensError(Exception):
    """Base class of all errors that this package raises.

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
        text = _sentence(self.what)
        return f"{text} {_sentence(self.cure[0].upper() + self.cure[1:])}" if self.cure else text

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling that worker processes use.
        return _rebuild, (type(self), self.what, self.cure)


def _sentence(text: str) -> str:
    """Text with exactly one full stop, or question mark, at the end."""
    return text if text.endswith((".", "?")) else f"{text}."


def first_line(error: Exception) -> str:
    """What another library's error says, without a full stop and without what follows on further lines."""
    said = str(error).strip().splitlines()
    return said[0].rstrip(".") if said else type(error).__name__


def _rebuild(kind: type[CatalensError], what: str, cure: str) -> CatalensError:
    return kind(what, cure=cure)


class UsageError(CatalensError):
    """An invalid option or request."""

    exit_code = 2


class FilterError(UsageError):
    """A filter expression that does not parse, or compares incompatible values."""


class NotFoundError(CatalensError):
    """A missing file, product or model."""

    exit_code = 3


class ImageError(CatalensError):
    """An unreadable picture."""

    exit_code = 4


class ImageLimitError(ImageError):
    """A picture refused by a limit, checked from its header before decoding."""

    exit_code = 6


class UnfitImageError(ImageError):
    """A readable picture that does not fit the task: it shows no person, or only part of a garment."""


class FeedError(CatalensError):
    """An unreadable feed."""

    exit_code = 4


class CatalogError(CatalensError):
    """An error of the catalog itself."""


class CatalogBusyError(CatalogError):
    """Another process is writing to the catalog."""


class CatalogDamagedError(CatalogError):
    """The data on disk is damaged."""

    exit_code = 5


class CatalogVersionError(CatalogError):
    """The catalog was made by a newer version of this package."""


class ConflictError(CatalogError):
    """A product is not as it was when the caller read it; nothing was written."""


class StorageError(CatalogError):
    """The disk is read-only or broken, or the path is not a folder."""

    @staticmethod
    def of(error: OSError, what: str, *, cure: str) -> StorageError:
        """The error of an operation on a file: a `StorageFullError` where it says that there is no room."""
        kind = StorageFullError if error.errno in DISK_FULL else StorageError
        return kind(f"{what}: {error.strerror or error}", cure=cure)


class StorageFullError(StorageError):
    """The disk, or a quota, is full."""


class OccupiedError(StorageError):
    """The folder holds other things than a catalog."""

    exit_code = 2


class ModelError(CatalensError):
    """An unusable model card or weights."""


class RemoteError(CatalensError):
    """A picture address that was not fetched."""

    exit_code = 4


class MissingExtraError(CatalensError):
    """An optional package is not installed; the message names the extra."""

    exit_code = 2

    @classmethod
    def of(cls, package: str, *, extra: str) -> MissingExtraError:
        return cls(f"{package} is not installed", cure=f'run: pip install "catalens[{extra}]"')


class UnusablePackageError(CatalensError):
    """A package of the base install is missing, or was not built for this machine or Python."""

    exit_code = 2

    @classmethod
    def of(cls, error: ImportError) -> UnusablePackageError:
        package = (error.name or "a package").partition(".")[0]
        return cls(
            f"{package}, which Catalens needs, cannot be imported ({first_line(error)})",
            cure="run: pip install --force-reinstall catalens; where pip finds no wheel, take 64-bit Python 3.11 to "
            "3.13 on Linux with glibc, macOS or Windows",
        )


def is_package_missing(error: ImportError) -> bool:
    """Whether an import failed for another package, rather than for a fault in this one."""
    return error.name is not None and error.name.partition(".")[0] != "catalens"


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
