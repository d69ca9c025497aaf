"""Feeds and archives are read by worker processes with limits; this process only starts, watches and ends them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalens.errors import CatalensError, FeedError, NotFoundError, StorageError, UsageError
from catalens.json_text import parse_json
from catalens.server.jobs.feed_worker import OUT_OF_MEMORY, TOO_MUCH_OUTPUT

WORKER = (sys.executable, "-m", "catalens.server.jobs.feed_worker")
AT_ONCE = 2
"""Feeds that are read at the same time; further ones wait."""
PREVIEWED, PREVIEW_S = 10, 60.0
"""Products that a preview shows; seconds of wall time that it may take."""
UNPACK_S = 300.0
"""Seconds of wall time to unpack an archive."""
_POLL_S = 0.1
_ERRORS = {one.__name__: one for one in (FeedError, NotFoundError, StorageError, UsageError)}


class WorkerDeathError(Exception):
    """A worker process crashed or broke a limit; says which."""


@dataclass(frozen=True)
class FeedLimits:
    """What reading one feed may take.

    Args:
        cpu_s, wall_s: seconds. A feed of 1,000,000 items takes up to 400 s of CPU time (`benchmarks.feeds`).
        memory: bytes beyond those of the process at its start.
        output: bytes of all its products; items: their number.
    """

    cpu_s: int = 1_200
    wall_s: float = 3_600.0
    memory: int = 2**30
    output: int = 2 * 2**30
    items: int = 5_000_000


@dataclass(frozen=True)
class FeedRead:
    """A feed that was read: name of its format, notes, the file of its items."""

    name: str
    notes: tuple[str, ...]
    items: Path


class FeedReader:
    """Reads feeds, each in a process of its own.

    Args:
        worker: command that does a task given as its last argument.
    """

    def __init__(self, limits: FeedLimits | None = None, *, worker: Sequence[str] = WORKER) -> None:
        self._limits, self._worker = limits or FeedLimits(), tuple(worker)
        self._running: dict[Path, tuple[subprocess.Popen[bytes], float]] = {}

    def is_full(self, folder: Path) -> bool:
        """Whether the feed in a folder must wait until another one is read."""
        return folder not in self._running and len(self._running) >= AT_ONCE

    def is_reading(self, folder: Path) -> bool:
        """Whether a process reads the feed in a folder."""
        return folder in self._running

    def found(self, folder: Path) -> FeedRead | None:
        """What was read of the feed in a folder; None where that was not done or did not end.

        Raises:
            FeedError, NotFoundError, StorageError, UsageError: it cannot be read.
        """
        try:
            answer = _answer(folder / "read" / "answer.json")
        except CatalensError:  # read anew where someone asks for it again
            shutil.rmtree(folder / "read", ignore_errors=True)
            raise
        if answer is None:
            return None
        return FeedRead(answer["name"], tuple(answer["notes"]), folder / "read" / "items.jsonl")

    def start(
        self,
        folder: Path,
        *,
        format: str | None,
        mapping: Mapping[str, str] | None = None,
        encoding: str | None = None,
    ) -> None:
        """Start to read the feed in `<folder>/feed`, from its beginning. The options are those of `open_feed`."""
        place = folder / "read"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        task = {"do": "read", "folder": str(folder / "feed"), "format": format, "items": str(place / "items.jsonl")}
        how = {"mapping": dict(mapping) if mapping else None, "encoding": encoding}
        process = self._popen({**task, **how, "answer": str(place / "answer.json")})
        self._running[folder] = process, time.monotonic() + self._limits.wall_s

    def preview(
        self, folder: Path, *, format: str | None, mapping: Mapping[str, str] | None, encoding: str | None
    ) -> dict[str, Any]:
        """The first products of the feed in `<folder>/feed` as they are understood; a table's columns; what is wrong.

        Raises:
            FeedError: its process broke a limit.
        """
        answer = folder / "preview.json"
        how = {"format": format, "mapping": dict(mapping) if mapping else None, "encoding": encoding}
        task = {"do": "preview", "folder": str(folder / "feed"), "shown": PREVIEWED, "answer": str(answer), **how}
        with self._process(task) as process:
            try:
                process.wait(PREVIEW_S)
            except subprocess.TimeoutExpired:
                process.kill()
        found = _answer(answer)
        if found is None:
            why = self._why(process.wait(), is_late=False)
            raise FeedError(f"the feed cannot be looked at: {why}", cure="send a part of it, or send it as a job")
        return found

    def wait(self, folder: Path) -> None:
        """Wait a moment for a feed that is being read.

        Raises:
            WorkerDeathError: its process crashed or broke a limit.
        """
        if folder not in self._running:
            time.sleep(_POLL_S)
            return
        process, until = self._running[folder]
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
        if process.returncode is None and time.monotonic() < until:
            return
        self.stop(folder)
        if not (folder / "read" / "answer.json").exists():
            raise WorkerDeathError(self._why(process.returncode, is_late=time.monotonic() >= until))

    def stop(self, folder: Path) -> None:
        """End the process that reads the feed in a folder."""
        process, _ = self._running.pop(folder)
        process.kill()
        process.wait()

    def close(self) -> None:
        """End all processes."""
        for folder in list(self._running):
            self.stop(folder)

    def unpack(self, archive: Path, folder: Path) -> bool:
        """Unpack a ZIP archive into a folder, in a process of its own; False for a workbook, which is no archive.

        Raises:
            FeedError: the archive is damaged, too large, or has unsafe file names.
            StorageError: there is no room for it.
        """
        answer = archive.with_suffix(".unpacked")
        task = {"do": "unpack", "archive": str(archive), "folder": str(folder), "answer": str(answer)}
        with self._process(task) as process:
            try:
                process.wait(UNPACK_S)
            except subprocess.TimeoutExpired:
                process.kill()
        found = _answer(answer)
        answer.unlink(missing_ok=True)
        if found is None:
            why = self._why(process.wait(), is_late=False)
            raise FeedError(f"the archive cannot be unpacked: {why}", cure="send several smaller ones")
        return bool(found["unpacked"])

    @contextmanager
    def _process(self, task: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
        process = self._popen(task)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def _popen(self, task: dict[str, Any]) -> subprocess.Popen[bytes]:
        limits = self._limits
        most = {"cpu_s": limits.cpu_s, "memory": limits.memory, "output": limits.output, "most": limits.items}
        return subprocess.Popen(
            [*self._worker, json.dumps({**task, **most, "parent": os.getpid()})],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _why(self, status: int, *, is_late: bool) -> str:
        limits = self._limits
        if is_late:
            return f"it took more than {limits.wall_s:g} s"
        if status == -signal.SIGXCPU:
            return f"it took more than {limits.cpu_s} s of CPU time"
        if status == OUT_OF_MEMORY:
            return f"it needed more than {limits.memory >> 20} MB of memory"
        if status == TOO_MUCH_OUTPUT:
            return f"its products take more than {limits.output >> 20} MB"
        return f"its process ended ({f'signal {-status}' if status < 0 else f'status {status}'})"


def _answer(path: Path) -> dict[str, Any] | None:
    """The answer of a worker; None where there is none.

    Raises:
        FeedError, NotFoundError, StorageError, UsageError: what the worker says.
    """
    try:
        found: dict[str, Any] = parse_json(path.read_text("utf-8"))
    except OSError:
        return None
    if error := found.get("error"):
        raise _ERRORS.get(error["kind"], FeedError)(error["what"], cure=error["cure"])
    return found
