"""Find the photos of a folder by file suffix."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".jif",
    ".pjpeg",
    ".png",
    ".webp",
    ".gif",
    ".avif",
    ".bmp",
    ".tif",
    ".tiff",
)
"""Suffixes of readable pictures, in lower case."""
UNREAD = (".heic", ".heif", ".jxl")
"""Suffixes of pictures that are read with an extra only: without it they are reported rather than skipped."""


def is_photo(path: Path) -> bool:
    """Whether a file name is that of a picture; hidden files, such as macOS leaves, are not."""
    return path.suffix.lower() in (*SUFFIXES, *UNREAD) and not path.name.startswith(".")


def photos_in(folder: Path, *, but: Path | None = None) -> list[Path]:
    """Pictures under a folder, sorted by path; hidden files and folders are skipped, links to folders not followed.

    Args:
        but: a folder whose files do not count, such as the one that is written to.
    """
    left_out = None if but is None else but.resolve()
    found: list[Path] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(here) / name).resolve() != left_out
        )
        found += [path for name in sorted(files) if is_photo(path := Path(here) / name)]
    return found
