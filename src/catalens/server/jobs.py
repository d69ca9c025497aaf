"""Work that outlives its request: feeds taken in, one after the other; what is known of each is on disk."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from catalens.errors import CatalensError, NotFoundError
from catalens.images.draw import write_whole

JobState: TypeAlias = Literal["waiting", "running", "done", "failed"]
FAILURES = 1_000
"""Failed items that a job tells one by one; it counts them all."""
WAITING = 64
"""Jobs that may wait."""
log = logging.getLogger("catalens.server")


@dataclass(frozen=True)
class Job:
    """What is known of a piece of work.

    Args:
        source: name of the file that came; digest: SHA-256 of what was asked, to tell a repeated request from another.
        added, updated, unchanged, pictures: counts so far; failed: what could not be taken in, and why.
        problem: why all of it failed.
    """

    id: str
    tenant: str
    source: str
    digest: str
    options: dict[str, str] = field(default_factory=dict)
    state: JobState = "waiting"
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


Keep = Callable[[Job], None]
"""Puts how far a job is on disk."""


class Jobs:
    """Jobs in a folder, done in the order in which they came; those that were cut off begin again.

    Args:
        work: does a job, telling how far it is; may be called again for a job that was cut off.
    """

    def __init__(self, folder: Path, work: Callable[[Job, Keep], Job]) -> None:
        self._folder, self._work = folder, work
        self._known: dict[str, Job] = {}
        self._waiting: queue.Queue[str | None] = queue.Queue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
            with suppress(OSError, ValueError, TypeError):
                found = json.loads(path.read_text("utf-8"))
                job = Job(**{**found, "failed": tuple(found["failed"]), "notes": tuple(found["notes"])})
                self._known[job.id] = job
        for job in sorted(self._known.values(), key=lambda one: one.created):
            if job.state in ("waiting", "running"):
                self._put(job)

    @property
    def queued(self) -> int:
        """Jobs that wait."""
        return self._waiting.qsize()

    def submit(self, job: Job) -> Job:
        """Put a job on disk, then in the queue."""
        job = replace(job, created=time.time())
        self._keep(job)
        self._put(job)
        return job

    def get(self, id: str, *, tenant: str) -> Job:
        """A tenant's job.

        Raises:
            NotFoundError: it has none of that id.
        """
        job = self._known.get(id)
        if job is None or job.tenant != tenant:
            raise NotFoundError(f"no job {id!r}", cure="see GET /v1/jobs")
        return job

    def all(self, *, tenant: str) -> list[Job]:
        """A tenant's jobs, the newest first."""
        mine = [job for job in list(self._known.values()) if job.tenant == tenant]
        return sorted(mine, key=lambda job: -job.created)

    def close(self) -> None:
        """Let the job at work end where it may be taken up again; wait for that."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    @property
    def closing(self) -> bool:
        """Whether work should stop where it may be taken up again."""
        return self._thread is None

    def _put(self, job: Job) -> None:
        with self._guard:
            self._waiting.put(job.id)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="catalens-jobs", daemon=True)
                self._thread.start()

    def _keep(self, job: Job) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{job.id}.json", json.dumps(asdict(job)).encode())
        self._known[job.id] = job

    def _run(self) -> None:
        while (id := self._waiting.get()) is not None and not self.closing:
            job = replace(self._known[id], state="running", added=0, updated=0, unchanged=0, pictures=0, failed=())
            job = replace(job, failed_count=0, problem="")
            try:
                self._keep(job)
                job = self._work(job, self._keep)
                if not self.closing:
                    self._keep(replace(job, state="done", ended=time.time()))
            except CatalensError as error:
                with suppress(CatalensError):
                    self._keep(replace(self._known[id], state="failed", problem=str(error), ended=time.time()))
            except Exception as error:  # the queue goes on whatever a job does
                log.error("job %s: %s", id, type(error).__name__)
                with suppress(CatalensError):
                    self._keep(replace(self._known[id], state="failed", problem="unexpected", ended=time.time()))
