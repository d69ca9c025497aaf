"""Photos in a folder: which files are pictures by their names."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".bmp", ".tif", ".tiff")
"""Endings of pictures that are read, in lower case."""
UNREAD = (".heic", ".heif")
"""Of telephones' photos, which cannot be read: they are named for it rather than passed over."""


def is_photo(path: Path) -> bool:
    """Whether a file is a picture by its name. Hidden ones, as other systems leave beside each photo, are none."""
    return path.suffix.lower() in (*SUFFIXES, *UNREAD) and not path.name.startswith(".")


def photos_in(folder: Path, *, but: Path | None = None) -> list[Path]:
    """Pictures under a folder by path; hidden files and folders are passed over, links to folders not followed.

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
