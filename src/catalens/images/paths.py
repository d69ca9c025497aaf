"""Paths that somebody typed: whether a text is one, and what was probably meant where nothing is there."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from catalens.errors import CatalensError, NotFoundError, UsageError
from catalens.images.folder import SUFFIXES, UNREAD

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/", re.IGNORECASE)
"""A scheme has two letters or more; one letter is a drive. A `Path` keeps one slash of two."""
_STARTS_AS_PATH = re.compile(r"(\.{1,2}|~[^/\\\s]*)?[/\\]|[a-z]:[/\\]", re.IGNORECASE)
_ENDS_AS_FILE = re.compile(r"\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)


def copied_by(address: str) -> str:
    """The command that copies what is at an address to this machine."""
    return {
        "http": f"curl -L -O {address}",
        "https": f"curl -L -O {address}",
        "s3": f"aws s3 cp {address} .",
        "gs": f"gcloud storage cp {address} .",
        "file": f"give the path {address.removeprefix('file://')}",
    }.get(address.partition(":")[0].lower(), "copy it to this machine")


def refuse_address(source: str | Path, *, what: str, error: type[CatalensError] = UsageError) -> None:
    """Check that a source is not a web address or a place in an object store.

    Args:
        what: what it should have been, such as "photo".
        error: class of the error.

    Raises:
        `error`: it is one.
    """
    found = _ADDRESS.match(str(source))
    if found is None:
        return
    scheme = found.group(1).lower()
    text = re.sub(r":/+", "://", str(source), count=1)
    kind = "web address" if scheme in ("http", "https") else "address"
    raise error(
        f"expected a {what} on this machine and got the {kind} {text}", cure=f"get the {what} first: {copied_by(text)}"
    )


def looks_like_photo(text: str) -> bool:
    """Whether a text that names no file was meant as a photo's path: it ends or begins as one, typing errors included.

    "fotos/x.jgp", "./shoe", "x.jpeg" and "x.jgp" are meant so; "black/white" and "red.dress" are words.
    """
    path = Path(text)
    suffix = path.suffix.lower()
    if suffix in (*SUFFIXES, *UNREAD) or _STARTS_AS_PATH.match(text):
        return True
    if re.search(r"\s", text) or not text.isprintable():
        return False
    if suffix and get_close_matches(suffix, (*SUFFIXES, *UNREAD), cutoff=0.7):
        return True
    return ("/" in text or "\\" in text) and (_ENDS_AS_FILE.search(text) is not None or _is_folder(path.parent))


def nothing_at(path: Path, *, what: str = "file") -> NotFoundError:
    """The error of a path with nothing there; it names the file that was probably meant, or the folder that lacks."""
    parent = path.parent
    if not _is_folder(parent):
        cure = f"there is no folder {parent} either: check the path"
    else:
        # By their stems: the endings of photos are all alike. A folder is not meant where a file's ending was typed.
        names = _names(parent, files_only=bool(path.suffix))
        near = get_close_matches(path.stem.lower(), names, n=1)
        cure = f"did you mean {parent / names[near[0]]}?" if near else "check the path"
    return NotFoundError(f"no {what} at {path}", cure=cure)


def _names(folder: Path, *, files_only: bool) -> dict[str, str]:
    """Names in a folder by their stems in lower case."""
    try:
        return {one.stem.lower(): one.name for one in folder.iterdir() if not (files_only and one.is_dir())}
    except OSError:
        return {}


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
