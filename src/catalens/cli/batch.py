"""What a command does to a folder of photos: each once, several at a time; and to what is put into it later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import typer

from catalens import settings
from catalens.cli.output import progress_bar, refuse_overwrite, say
from catalens.errors import ImageError, NotFoundError, UsageError
from catalens.images.folder import SUFFIXES, photos_in

EVERY_S = 1.0
"""Seconds between two looks into a watched folder."""
STOP = "stop.txt"
"""A file of this name ends the watching, as it does with rembg."""


def each_photo(
    source: Path,
    out: Path,
    suffix: str,
    make: Callable[[Path, Path], str | None],
    *,
    what: str,
    watch: bool = False,
) -> None:
    """Make a file in `out` of each photo in a folder, several at a time; what is there already stays, what fails is
    named, and so is what `make` says is doubtful about a file.

    Args:
        watch: go on with the photos that come later, until `STOP` lies in the folder.
    """
    from catalens.images.draw import distinct_names, make_folder

    refuse_overwrite(out, source)
    photos = photos_in(source, but=out)
    if not photos and not watch:
        raise NotFoundError(f"no photos in {source}", cure="name a photo or a folder with photos")
    if (out.exists() and not out.is_dir()) or (out.suffix.lower() in SUFFIXES and not out.exists()):
        raise UsageError(f"{out} is no folder", cure="name one for the pictures of a folder")
    names = distinct_names(photos)

    def one(path: Path) -> str:
        target = out / path.relative_to(source).with_name(names[path] + suffix)
        try:
            if target.exists():
                return "there already"
            make_folder(target.parent)
            doubt = make(path, target)
        except (ImageError, NotFoundError) as error:
            say(str(error) if str(path) in error.what else f"{path}: {error}")
            return "failed"
        if doubt:
            say(f"{path}: {doubt}")
        return "doubtful" if doubt else what

    told = {what: 0, "doubtful": 0, "there already": 0, "failed": 0}
    with progress_bar() as progress, ThreadPoolExecutor(settings.threads()) as pool:
        for done, became in enumerate(pool.map(one, photos), start=1):
            told[became] += 1
            if progress is not None:
                progress(done, len(photos), what)
    if watch:
        say(f"watching {source}: Ctrl-C, or a file {STOP} in it, ends that")
        for arrived in _arriving(source, out, frozenset(photos)):
            names = distinct_names(photos_in(source, but=out))
            if arrived in names:  # it may be gone again
                told[became := one(arrived)] += 1
                say(f"{arrived}: {became}")
    say(", ".join(f"{count} {name}" for name, count in told.items() if count or name in (what, "failed")))
    if told["failed"] or told["doubtful"]:
        raise typer.Exit(ImageError.exit_code)


def _arriving(source: Path, out: Path, there: frozenset[Path]) -> Iterator[Path]:
    """Photos that come into a folder, each when two looks found it of one size, until `STOP` lies there."""
    before: dict[Path, tuple[int, int]] = {}
    while not (source / STOP).exists():
        now = {path: _stamp(path) for path in photos_in(source, but=out) if path not in there}
        whole = [path for path, stamp in now.items() if before.get(path) == stamp]
        yield from whole
        there, before = there | frozenset(whole), now
        time.sleep(EVERY_S)
    (source / STOP).unlink()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # gone again
        return 0, 0
    return status.st_size, status.st_mtime_ns
