"""Files that only their owner may read, and folders that are on the disk when a call returns."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def private_opener(path: str, flags: int) -> int:
    """For `open(..., opener=private_opener)`: a new file may be read by its owner only, from its first byte on."""
    return os.open(path, flags, PRIVATE_FILE)


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, and bring its name to the disk; one that is there keeps its mode.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
    sync(folder.parent)


def append_line(path: Path, line: bytes) -> None:
    """Append a line to a private file; it is on the disk when this returns. A half line at its end is closed first.

    Raises:
        OSError: the disk is full, read-only, or the like.
    """
    is_new = not path.exists()
    with open(path, "a+b", opener=private_opener) as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) and file.read(1) != b"\n":
            line = b"\n" + line
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def try_lock(file: int) -> bool:
    """Lock an open file against other processes, until it is closed; whether that went."""
    try:
        if sys.platform == "win32":
            # A byte far behind the text, so that others can still read who holds it.
            os.lseek(file, 1 << 30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
