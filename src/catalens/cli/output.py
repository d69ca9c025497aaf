"""Output of commands: data on stdout, everything else on stderr, progress bars on a terminal only.

All that is printed goes through here and is made printable: texts of catalogs and files can neither move the cursor nor
forge a line, and what the terminal cannot encode is shown as an escape.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.console import Console

from catalens.errors import StorageError, UsageError
from catalens.printable import printable, printable_json

if TYPE_CHECKING:
    from catalens.types import Failure, Progress

FAILURES_SHOWN = 20
"""Failures that are listed; further ones are only counted (`--json` has all)."""

err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(text: str) -> None:
    """Print a line on stderr; the text is never interpreted as markup."""
    err.print(printable(text, encoding=_encoding(err.file)), markup=False)


def write(*lines: str) -> None:
    """Print lines on stdout."""
    encoding = _encoding(sys.stdout)
    with to_stdout():
        sys.stdout.write("".join(f"{printable(line, encoding=encoding)}\n" for line in lines))


def write_exact(line: str) -> None:
    """Print a line of a file on stdout as it is; made printable on a terminal.

    Raises:
        UsageError: stdout cannot encode it.
    """
    if sys.stdout.isatty():
        write(*line.split("\n"))
        return
    with to_stdout():
        sys.stdout.write(line + "\n")


def _encoding(stream: IO[str]) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


@contextmanager
def to_stdout() -> Iterator[None]:
    """Context for writing to stdout: a closed pipe (head, less) ends the command quietly.

    Raises:
        StorageError: stdout cannot be written to, for example on a full disk.
        UsageError: it cannot encode a text.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        raise UsageError(
            f"stdout is written in {error.encoding}, which lacks {error.object[error.start]!a}",
            cure="write to a file with --out, or set PYTHONIOENCODING=utf-8",
        ) from None
    except OSError as error:
        # Python would raise again when it flushes the buffer at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(0) from None
        raise StorageError(f"the answer cannot be written: {error.strerror}", cure="send it elsewhere") from None


def write_json(value: object) -> None:
    """Print a JSON value on stdout."""
    text = printable_json(value, encoding=_encoding(sys.stdout), indent=2)
    with to_stdout():
        sys.stdout.write(text + "\n")


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


PROGRESS = ("auto", "json", "none")
EVERY_S = 1.0
"""Seconds between two lines of JSON."""


@contextmanager
def progress_bar(kind: str = "auto") -> Iterator[Progress | None]:
    """A progress callback: a bar on a terminal, a line of JSON a second ("json"), or None.

    Raises:
        UsageError: another kind.
    """
    if kind not in PROGRESS:
        raise UsageError(f"--progress is {kind!r}", cure=f"take one of {', '.join(PROGRESS)}")
    if kind == "json":
        yield _json_lines()
        return
    if kind == "none" or not err.is_terminal:
        yield None
        return
    from rich.progress import MofNCompleteColumn, TextColumn

    from catalens.progress import progress_bar as bar_on

    with bar_on(MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), console=err) as bar:
        task = bar.add_task("", total=None, rate="")
        since = time.monotonic()

        def update(done: int, total: int | None, what: str) -> None:
            rate = f"{done / max(time.monotonic() - since, 1e-3):,.0f}/s"
            bar.update(task, completed=done, total=total, description=what, rate=rate)

        yield update


def _json_lines() -> Progress:
    """A callback that writes what is done, of how many (None where unknown), what, the rate and the seconds left."""
    since = last = time.monotonic()

    def update(done: int, total: int | None, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if done and now - last < EVERY_S and done != total:
            return
        last = now
        rate = done / max(now - since, 1e-3)
        left = None if total is None or not done else round(max(total - done, 0) / rate, 1)
        line = {"done": done, "total": total, "what": what, "per_second": round(rate, 1), "remaining_s": left}
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()

    return update
