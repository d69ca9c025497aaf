"""Work that outlives its request: feeds taken in, one after the other; what is known of each is on disk.

Several worker processes may share the folder: whichever holds its lock does the work, the others only tell of it.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from catalens.errors import CatalensError, CatalogBusyError, NotFoundError
from catalens.images.draw import write_whole
from catalens.storage.lock import WriterLock

JobState: TypeAlias = Literal["waiting", "running", "done", "failed"]
FAILURES = 1_000
"""Failed items that a job tells one by one; it counts them all."""
WAITING = 64
"""Jobs that may wait."""
KEPT = 1_000
"""Jobs that are remembered; of more, the oldest that ended are forgotten."""
_POLL_S = 0.5
log = logging.getLogger("catalens.server")


@dataclass(frozen=True)
class Job:
    """What is known of a piece of work.

    Args:
        source: name of the file that came; digest: SHA-256 of what was asked, to tell a repeated request from another.
        taken: items of the source that were dealt with: after a stop the work goes on behind them.
        added, updated, unchanged, pictures: counts so far; failed: what could not be taken in, and why.
        problem: why all of it failed.
    """

    id: str
    tenant: str
    source: str
    digest: str
    options: dict[str, str] = field(default_factory=dict)
    state: JobState = "waiting"
    taken: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    pictures: int = 0
    failed: tuple[dict[str, str], ...] = ()
    failed_count: int = 0
    notes: tuple[str, ...] = ()
    feed: str = ""
    problem: str = ""
    created: float = 0.0
    ended: float = 0.0

    def to_dict(self) -> dict[str, object]:
        """What may be shown."""
        return {name: value for name, value in asdict(self).items() if name not in {"tenant", "digest"}}

    @property
    def is_open(self) -> bool:
        """Whether there is work left."""
        return self.state in ("waiting", "running")


Items: TypeAlias = list[dict[str, Any]]
Keep = Callable[[Job, Items], bool]
"""Puts how far a job is on disk, and what became of the items since; False where the work should stop for now."""


class Jobs:
    """Jobs in a folder, done in the order in which they came; those that were cut off go on.

    Args:
        work: does a job, telling how far it is; may be called again for a job that was cut off.
    """

    def __init__(self, folder: Path, work: Callable[[Job, Keep], Job]) -> None:
        self._folder, self._work = folder, work
        self._cache: dict[str, tuple[int, Job]] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        if self._open_jobs():
            self._wake()

    @property
    def queued(self) -> int:
        """Jobs that wait or are at work."""
        return len(self._open_jobs())

    def submit(self, job: Job) -> Job:
        """Put a job on disk: from then on it will be done."""
        job = replace(job, created=time.time())
        self._keep(job)
        self._forget_old()
        self._wake()
        return job

    def get(self, id: str, *, tenant: str) -> Job:
        """A tenant's job.

        Raises:
            NotFoundError: it has none of that id.
        """
        job = self._read(id) if id.isalnum() else None
        if job is None or job.tenant != tenant:
            raise NotFoundError(f"no job {id!r}", cure="see GET /v1/jobs")
        return job

    def all(self, *, tenant: str) -> list[Job]:
        """A tenant's jobs, the newest first."""
        return sorted((job for job in self._all() if job.tenant == tenant), key=lambda job: -job.created)

    def close(self) -> None:
        """Let the job at work end where it may be taken up again; wait for that."""
        self._closing.set()
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join()

    # What became of each item

    def _keep_items(self, job: Job, items: Items) -> None:
        """Put on disk what became of the last items; a second time takes the place of the first."""
        folder = self._folder / f"{job.id}.items"
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{job.taken - len(items):012}.json", json.dumps(items).encode())

    def items(self, job: Job, *, after: int, limit: int) -> tuple[Items, int | None]:
        """What became of items: those behind the first `after`, at most so many, and where the next page begins."""
        found: Items = []
        parts = sorted((self._folder / f"{job.id}.items").glob("*.json"))
        starts = [int(path.stem) for path in parts]
        for path, start, end in zip(parts, starts, [*starts[1:], job.taken], strict=True):
            if end <= after or start >= job.taken:
                continue
            found.extend(json.loads(path.read_text("utf-8"))[max(0, after - start) :])
            if len(found) > limit:
                break
        return found[:limit], after + limit if len(found) > limit else None

    # On disk

    def _all(self) -> Iterable[Job]:
        names = [path.stem for path in self._folder.glob("*.json")] if self._folder.is_dir() else []
        return [job for job in map(self._read, names) if job is not None]

    def _open_jobs(self) -> list[Job]:
        return sorted((job for job in self._all() if job.is_open), key=lambda job: job.created)

    def _read(self, id: str) -> Job | None:
        path = self._folder / f"{id}.json"
        with suppress(OSError, ValueError, TypeError, KeyError):
            stamp = path.stat().st_mtime_ns
            known = self._cache.get(id)
            if known is None or known[0] != stamp:
                found = json.loads(path.read_text("utf-8"))
                job = Job(**{**found, "failed": tuple(found["failed"]), "notes": tuple(found["notes"])})
                known = self._cache[id] = (stamp, job)
            return known[1]
        return None

    def _keep(self, job: Job) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{job.id}.json", json.dumps(asdict(job)).encode(), durable=True)

    def _forget_old(self) -> None:
        ended = sorted((job for job in self._all() if not job.is_open), key=lambda job: -job.created)
        for job in ended[KEPT:]:
            (self._folder / f"{job.id}.json").unlink(missing_ok=True)
            shutil.rmtree(self._folder / f"{job.id}.items", ignore_errors=True)
            self._cache.pop(job.id, None)

    # At work

    def _wake(self) -> None:
        with self._guard:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="catalens-jobs", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._guard:
                if not self._open_jobs():
                    self._thread = None  # who submits one more starts a thread
                    return
            try:
                with WriterLock(self._folder / "lock", wait_s=0):
                    while not self._closing.is_set() and (waiting := self._open_jobs()):
                        self._do(waiting[0])
            except CatalogBusyError:  # another process does the jobs, or writes to the catalog: in a while, then
                self._closing.wait(_POLL_S)
            except CatalensError as error:
                log.error("jobs: %s", type(error).__name__)
                self._closing.wait(_POLL_S)

    def _do(self, job: Job) -> None:
        try:
            self._keep(replace(job, state="running"))
            done = self._work(replace(job, state="running"), self._go_on)
            if not self._closing.is_set():
                self._keep(replace(done, state="done", ended=time.time()))
        except CatalogBusyError:
            raise
        except Exception as error:  # the queue goes on whatever a job does
            if not isinstance(error, CatalensError):
                log.error("job %s: %s", job.id, type(error).__name__)
            told = str(error) if isinstance(error, CatalensError) else "unexpected"
            last = self._read(job.id) or job
            self._keep(replace(last, state="failed", problem=told, ended=time.time()))

    def _go_on(self, job: Job, items: Items) -> bool:
        self._keep_items(job, items)
        self._keep(job)
        return not self._closing.is_set()
