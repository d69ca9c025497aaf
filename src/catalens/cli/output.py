"""Output of commands: data on stdout, everything else on stderr, progress bars on a terminal only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from catalens.errors import StorageError, UsageError
from catalens.types import Failure, Progress

FAILURES_SHOWN = 20
"""Failures that are listed; further ones are only counted (`--json` has all)."""

err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a line on stderr; the text is never interpreted as markup."""
    err.print(text, markup=False)


def write(text: str) -> None:
    """Print a line on stdout."""
    with to_stdout():
        sys.stdout.write(text + "\n")


@contextmanager
def to_stdout() -> Iterator[None]:
    """Context for writing to stdout: a closed pipe (head, less) ends the command quietly.

    Raises:
        StorageError: stdout cannot be written to, for example on a full disk.
    """
    try:
        yield
    except OSError as error:
        # Python would raise again when it flushes the buffer at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(0) from None
        raise StorageError(f"the answer cannot be written: {error.strerror}", cure="send it elsewhere") from None


def write_json(value: object) -> None:
    """Print a JSON value on stdout."""
    write(json.dumps(value, ensure_ascii=False, indent=2))


def warn_missing_glyphs(texts: Mapping[str, str]) -> None:
    """Warn of texts that no installed font can draw, and name their substitutes."""
    from catalens.images.lettering import missing_glyphs

    lacking = missing_glyphs(tuple(texts))
    if not lacking:
        return
    say("no font here has all letters: install one (fonts-noto-cjk, for example), or name its file in CATALENS_FONT")
    for text in lacking[:FAILURES_SHOWN]:
        say(f"  {texts[text]} = {text}")
    if len(lacking) > FAILURES_SHOWN:
        say(f"  ... and {len(lacking) - FAILURES_SHOWN} more")


def list_failures(failures: tuple[Failure, ...]) -> None:
    """Print the first failures on stderr, one a line, and the number of further ones."""
    for failure in failures[:FAILURES_SHOWN]:
        say(f"  {failure}")
    hidden = len(failures) - FAILURES_SHOWN
    if hidden > 0:
        say(f"  ... and {hidden} more; --json lists all of them.")


def list_notes(notes: Iterable[str], skipped: tuple[Failure, ...] = ()) -> None:
    """Print notes, then the photos that were skipped, on stderr."""
    for note in notes:
        say(f"note: {note}")
    if skipped:
        say(f"{len(skipped)} photos were skipped:")
        list_failures(skipped)


def refuse_overwrite(out: Path | None, *read: str | Path) -> None:
    """Check that an output file is none of the input files.

    Raises:
        UsageError: it is one of them.
    """
    if out is not None and any(out.resolve() == Path(one).resolve() for one in read):
        raise UsageError(f"{out} is what is read", cure="name another file: originals are never overwritten")


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A progress callback that draws a bar, or None where stderr is not a terminal."""
    if not err.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None)

        def update(done: int, total: int | None, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield update
