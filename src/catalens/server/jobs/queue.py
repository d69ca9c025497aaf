"""Queue of background jobs on disk, worked off in turns: each tenant has its own.

Several worker processes may share the folder: the one that holds its lock does the work, the others only report it. A
job whose work ends the process that does it, or is ended, three times is set aside until someone asks for it again.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias

from catalens.errors import CatalensError, CatalogBusyError, NotFoundError, UsageError
from catalens.files import PRIVATE_FILE, make_private_folder
from catalens.images.draw import write_atomically
from catalens.json_text import parse_json
from catalens.storage.audit import LOCAL
from catalens.storage.lock import WriterLock

JobState: TypeAlias = Literal["waiting", "running", "done", "failed", "set aside"]
MAX_FAILURES = 1_000
"""Failed items that a job lists; further ones are only counted."""
MAX_WAITING = 256
"""Jobs that may wait."""
MAX_JOBS = 1_000
"""Jobs of a tenant whose records are kept; beyond that the oldest finished ones are deleted."""
MAX_ATTEMPTS = 3
"""Attempts at one piece of work, before a job is set aside."""
_POLL_S = 0.5
log = logging.getLogger("catalens.server")


@dataclass(frozen=True)
class Job:
    """Record of a job.

    Args:
        source: name of the uploaded file; digest: SHA-256 of the request, which tells a repeated one from another.
        taken: items of the source that are done, and offset: bytes of them; after a restart the job goes on behind
            them.
        added, updated, unchanged, pictures, stale: counts so far; missing, removed: products and variants that the
            source listed before, and lists no longer; failed: items that were not imported, and why.
        problem: why the whole job failed or was set aside.
        repeated: failures among `taken` that are about pictures of a product that is counted itself.
        attempts: attempts at its next piece of work that were begun.
        owns_upload: its upload may be deleted with it (the catalog's pictures lie elsewhere).
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
    stale: int = 0
    missing: int = 0
    removed: int = 0
    failed: tuple[dict[str, str], ...] = ()
    failed_count: int = 0
    notes: tuple[str, ...] = ()
    feed: str = ""
    problem: str = ""
    created: float = 0.0
    ended: float = 0.0
    attempts: int = 0
    repeated: int = 0
    offset: int = 0
    owns_upload: bool = False
    by: str = LOCAL

    def to_dict(self) -> dict[str, object]:
        """The public fields."""
        hidden = {"tenant", "digest", "offset", "owns_upload", "by", "repeated"}
        shown = {name: value for name, value in asdict(self).items() if name not in hidden}
        return {**shown, "taken": self.taken - self.repeated}

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def is_stopped(self) -> bool:
        """Whether it goes on only by hand."""
        return self.state in ("failed", "set aside")


Items: TypeAlias = list[dict[str, Any]]


def has_upload(uploads: Path, id: str) -> bool:
    """Whether the upload of a job is there: it goes with time, and with an erasure."""
    return any(path.is_file() for path in (uploads / id / "feed").rglob("*"))


class SetAsideError(Exception):
    """A job was attempted too often; says what became of the last attempt."""


class Turn:
    """What a job's work needs of the queue: it counts attempts, saves progress and says when to stop.

    Args:
        save: saves a job, and the outcome of its last items.
        is_over: whether others wait for their turn, or the queue is being closed.
    """

    def __init__(self, save: Callable[[Job, Items], None], is_over: Callable[[], bool]) -> None:
        self._save, self._is_over = save, is_over
        self.is_done = True
        """False once the work was asked to stop before its end."""

    def attempt(self, job: Job, *, why: str = "") -> Job:
        """Count an attempt, on the disk, before it is made.

        Args:
            why: what became of the last one.

        Raises:
            SetAsideError: there were enough.
        """
        if job.attempts >= MAX_ATTEMPTS:
            last = why or job.problem or "the service ended while it was at work on it"
            raise SetAsideError(f"attempted {job.attempts} times: {last}")
        job = replace(job, attempts=job.attempts + 1, problem=why)
        self._save(job, [])
        return job

    def __call__(self, job: Job, items: Items) -> bool:
        """Save the progress of a job and the outcome of its last items; False asks the work to stop for now."""
        over = self._is_over()
        if items:
            self._save(replace(job, attempts=0 if over else 1, problem=""), items)
        self.is_done = not over
        return not over


class JobQueue:
    """Jobs in a folder, each tenant's first in first out, tenants in turns; interrupted jobs are resumed.

    Args:
        work: does a job until its end, or until its turn is over; called again for a job that was interrupted.
        forget: deletes the upload of a job that is done or too old.
        keep_s: seconds for which the records of ended jobs are kept.
        paused: resume nothing before `resume` is called.
    """

    def __init__(
        self,
        folder: Path,
        work: Callable[[Job, Turn], Job],
        *,
        forget: Callable[[Job], None] | None = None,
        keep_s: float = math.inf,
        paused: bool = False,
    ) -> None:
        self._folder, self._work, self._forget, self._keep_s = folder, work, forget, keep_s
        self._cache: dict[str, tuple[int, Job]] = {}
        self._served: dict[str, float] = {}
        self._begun: set[str] = set()
        self._looked_at = 0
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._is_paused = paused
        if not paused:
            self.resume()

    def resume(self) -> None:
        """Delete what is too old, and go on with jobs that were interrupted."""
        self._is_paused = False
        self.delete_old()
        if self._open_jobs():
            self._wake()

    @property
    def queued(self) -> int:
        """Number of jobs that wait or run."""
        return len(self._open_jobs())

    def open_of(self, tenant: str) -> list[Job]:
        """A tenant's jobs that wait or run, the oldest first."""
        return [job for job in self._open_jobs() if job.tenant == tenant]

    def look(self) -> None:
        """Begin with what another process has let go on (`catalens jobs retry`)."""
        with suppress(FileNotFoundError):
            changed = self._folder.stat().st_mtime_ns
            if changed != self._looked_at:
                self._looked_at = changed
                if self._open_jobs():
                    self._wake()

    def submit(self, job: Job) -> Job:
        """Save a job on disk: from then on it will be done, restarts included."""
        job = replace(job, created=time.time())
        self._save(job)
        self.delete_old()
        self._wake()
        return job

    def retry(self, id: str, *, tenant: str) -> Job:
        """Let a job that failed or was set aside go on where it stopped.

        Raises:
            NotFoundError: the tenant has none of that id.
            UsageError: it waits, runs or is done.
        """
        job = self.get(id, tenant=tenant)
        if not job.is_stopped:
            raise UsageError(f"job {id} is {job.state}", cure="only one that failed or was set aside is tried again")
        job = replace(job, state="waiting", attempts=0, problem="", ended=0.0)
        self._save(job)
        if not self._is_paused:
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

    def all(self, *, tenant: str | None) -> list[Job]:
        """A tenant's jobs, the newest first; those of all tenants where None."""
        return sorted((job for job in self._all() if tenant in (None, job.tenant)), key=lambda job: -job.created)

    def close(self) -> None:
        """Stop the running job at its next checkpoint, and wait for that. What is stopped is no failed attempt."""
        self._closing.set()
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join()
        for id in self._begun:
            self._take_back(id)

    # Outcomes of items

    def _save_items(self, job: Job, items: Items) -> None:
        """Save the outcomes of the last items; saving the same items again replaces them."""
        folder = self._folder / f"{job.id}.items"
        make_private_folder(folder.parent)
        make_private_folder(folder)
        write_atomically(folder / f"{job.taken - len(items):012}.json", json.dumps(items).encode(), mode=PRIVATE_FILE)

    def items(self, job: Job, *, after: int, limit: int) -> tuple[Items, int | None]:
        """Page of outcomes after the first `after` items, and where the next page begins.

        An item that another one tells of has none, so that a page may have fewer than `limit`.
        """
        found: Items = []
        parts = sorted((self._folder / f"{job.id}.items").glob("*.json"))
        starts = [*(int(path.stem) for path in parts), job.taken]
        for path, (start, end) in zip(parts, pairwise(starts), strict=True):
            if end <= after or start >= job.taken:
                continue
            with suppress(FileNotFoundError):  # deleted by its age meanwhile
                found.extend(parse_json(path.read_text("utf-8"))[max(0, after - start) :])
            if len(found) > limit:
                break
        return [one for one in found[:limit] if one], after + limit if len(found) > limit else None

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
                found = parse_json(path.read_text("utf-8"))
                job = Job(**{**found, "failed": tuple(found["failed"]), "notes": tuple(found["notes"])})
                known = self._cache[id] = (stamp, job)
            return known[1]
        return None

    def _save(self, job: Job) -> None:
        make_private_folder(self._folder)
        write_atomically(
            self._folder / f"{job.id}.json", json.dumps(asdict(job)).encode(), durable=True, mode=PRIVATE_FILE
        )

    def delete_old(self) -> None:
        """Delete records and uploads of jobs that ended too long ago, or are too many."""
        kept: dict[str, int] = {}
        for job in sorted(self._all(), key=lambda job: -job.created):
            if job.is_open:
                continue
            kept[job.tenant] = kept.get(job.tenant, 0) + 1
            if kept[job.tenant] > MAX_JOBS or job.ended < time.time() - self._keep_s:
                self._forget_upload(job)
                (self._folder / f"{job.id}.json").unlink(missing_ok=True)
                shutil.rmtree(self._folder / f"{job.id}.items", ignore_errors=True)
                self._cache.pop(job.id, None)

    def _forget_upload(self, job: Job) -> None:
        if self._forget is not None:
            self._forget(job)

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
                        self._do(self._next(waiting))
            except CatalogBusyError:  # another process does the jobs or writes to the catalog: retry later
                self._closing.wait(_POLL_S)
            except CatalensError as error:
                log.error("jobs: %s", type(error).__name__)
                self._closing.wait(_POLL_S)

    def _next(self, waiting: list[Job]) -> Job:
        """The first job of the tenant whose last turn is the longest ago."""
        job = min(waiting, key=lambda job: (self._served.get(job.tenant, 0.0), job.created))
        self._served[job.tenant] = time.monotonic()
        return job

    def _others_wait(self, job: Job) -> bool:
        return any(other.tenant != job.tenant for other in self._open_jobs())

    def _do(self, job: Job) -> None:
        """One turn of a job."""
        turn = Turn(self._save_progress, lambda: self._closing.is_set() or self._others_wait(job))
        try:
            if job.state != "running":
                job = replace(job, state="running")
                self._save(job)
            done = self._work(job, turn)
            if turn.is_done and not self._closing.is_set():
                done = replace(done, state="done", ended=time.time(), attempts=0, problem="")
                self._save(done)
                self._forget_upload(done)
        except CatalogBusyError:
            self._take_back(job.id)
            raise
        except SetAsideError as error:
            self._end(job, "set aside", str(error))
        except Exception as error:  # the queue goes on whatever a job does
            if not isinstance(error, CatalensError):
                log.error("job %s: %s", job.id, type(error).__name__)
            self._end(job, "failed", str(error) if isinstance(error, CatalensError) else "unexpected")

    def _end(self, job: Job, state: JobState, problem: str) -> None:
        last = self._read(job.id) or job
        self._save(replace(last, state=state, problem=problem, ended=time.time()))

    def _take_back(self, id: str) -> None:
        """An attempt that was stopped from outside counts for nothing."""
        job = self._read(id)
        if job is not None and job.is_open and job.attempts:
            self._save(replace(job, attempts=job.attempts - 1))

    def _save_progress(self, job: Job, items: Items) -> None:
        if items:
            self._save_items(job, items)
        self._save(job)
        self._begun.add(job.id)
