"""Queue of background jobs on disk, worked off one after the other.

Several worker processes may share the folder: the one that holds its lock does the work, the others only report it.
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
from catalens.files import PRIVATE_FILE, make_private_folder
from catalens.images.draw import write_atomically
from catalens.storage.audit import LOCAL
from catalens.storage.lock import WriterLock

JobState: TypeAlias = Literal["waiting", "running", "done", "failed"]
MAX_FAILURES = 1_000
"""Failed items that a job lists; further ones are only counted."""
MAX_WAITING = 64
"""Jobs that may wait."""
MAX_JOBS = 1_000
"""Jobs whose records are kept; beyond that the oldest finished ones are deleted."""
_POLL_S = 0.5
log = logging.getLogger("catalens.server")


@dataclass(frozen=True)
class Job:
    """Record of a job.

    Args:
        source: name of the uploaded file; digest: SHA-256 of the request, which tells a repeated one from another.
        taken: items of the source that are done; after a restart the job goes on behind them.
        added, updated, unchanged, pictures: counts so far; failed: items that were not imported, and why.
        problem: why the whole job failed.
        by: id of the API key that sent it, for the audit log.
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
    by: str = LOCAL

    def to_dict(self) -> dict[str, object]:
        """The public fields."""
        return {name: value for name, value in asdict(self).items() if name not in {"tenant", "digest", "by"}}

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")


Items: TypeAlias = list[dict[str, Any]]
SaveProgress = Callable[[Job, Items], bool]
"""Saves the progress of a job and the outcome of its last items; False asks the work to stop for now."""


class JobQueue:
    """Jobs in a folder, first in first out; interrupted jobs are resumed.

    Args:
        work: does a job and saves its progress; called again for a job that was interrupted.
    """

    def __init__(self, folder: Path, work: Callable[[Job, SaveProgress], Job]) -> None:
        self._folder, self._work = folder, work
        self._cache: dict[str, tuple[int, Job]] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        if self._open_jobs():
            self._wake()

    @property
    def queued(self) -> int:
        """Number of jobs that wait or run."""
        return len(self._open_jobs())

    def submit(self, job: Job) -> Job:
        """Save a job on disk: from then on it will be done, restarts included."""
        job = replace(job, created=time.time())
        self._save(job)
        self._delete_old()
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
        """Stop the running job at its next checkpoint, and wait for that."""
        self._closing.set()
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join()

    # Outcomes of items

    def _save_items(self, job: Job, items: Items) -> None:
        """Save the outcomes of the last items; saving the same items again replaces them."""
        folder = self._folder / f"{job.id}.items"
        make_private_folder(folder.parent)
        make_private_folder(folder)
        write_atomically(folder / f"{job.taken - len(items):012}.json", json.dumps(items).encode(), mode=PRIVATE_FILE)

    def items(self, job: Job, *, after: int, limit: int) -> tuple[Items, int | None]:
        """Page of outcomes after the first `after` items, and where the next page begins."""
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

    def _save(self, job: Job) -> None:
        make_private_folder(self._folder)
        write_atomically(
            self._folder / f"{job.id}.json", json.dumps(asdict(job)).encode(), durable=True, mode=PRIVATE_FILE
        )

    def _delete_old(self) -> None:
        ended = sorted((job for job in self._all() if not job.is_open), key=lambda job: -job.created)
        for job in ended[MAX_JOBS:]:
            (self._folder / f"{job.id}.json").unlink(missing_ok=True)
            shutil.rmtree(self._folder / f"{job.id}.items", ignore_errors=True)
            self._cache.pop(job.id, None)

    # Worker thread

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
            except CatalogBusyError:  # another process does the jobs or writes to the catalog: retry later
                self._closing.wait(_POLL_S)
            except CatalensError as error:
                log.error("jobs: %s", type(error).__name__)
                self._closing.wait(_POLL_S)

    def _do(self, job: Job) -> None:
        try:
            self._save(replace(job, state="running"))
            done = self._work(replace(job, state="running"), self._save_progress)
            if not self._closing.is_set():
                self._save(replace(done, state="done", ended=time.time()))
        except CatalogBusyError:
            raise
        except Exception as error:  # the queue goes on whatever a job does
            if not isinstance(error, CatalensError):
                log.error("job %s: %s", job.id, type(error).__name__)
            problem = str(error) if isinstance(error, CatalensError) else "unexpected"
            last = self._read(job.id) or job
            self._save(replace(last, state="failed", problem=problem, ended=time.time()))

    def _save_progress(self, job: Job, items: Items) -> bool:
        self._save_items(job, items)
        self._save(job)
        return not self._closing.is_set()
