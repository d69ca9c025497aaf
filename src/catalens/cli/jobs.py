"""`catalens jobs list | show | retry`: imports that came over HTTP, and those that were set aside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, existing_folder
from catalens.cli.output import say, write, write_json
from catalens.errors import NotFoundError, UsageError
from catalens.server.jobs.queue import Job, JobQueue, Turn, has_upload
from catalens.storage.audit import AuditLog
from catalens.storage.places import Places

FAILED_SHOWN = 20
JobId = Annotated[str, typer.Argument(help="Of the job, as `jobs list` shows it.", metavar="ID")]


def _queue(catalog: Path) -> tuple[Places, JobQueue]:
    places = Places(existing_folder(catalog))

    def work(job: Job, _: Turn) -> Job:
        raise UsageError(f"job {job.id} is done by the service", cure="start it: catalens serve")

    return places, JobQueue(places.jobs, work, paused=True)


def _jobs(places: Places, queue: JobQueue) -> list[Job]:
    """Those of a tenant's catalog; all of them for the one that is served."""
    return queue.all(tenant=places.tenant or None)


def _job(places: Places, queue: JobQueue, id: str) -> Job:
    found = next((job for job in _jobs(places, queue) if job.id == id), None)
    if found is None:
        raise NotFoundError(f"no job {id!r}", cure="see: catalens jobs list")
    return found


def _to_dict(job: Job) -> dict[str, object]:
    return {"tenant": job.tenant, **job.to_dict()}


def list_jobs(catalog: CatalogFolder = DEFAULT_CATALOG, as_json: AsJson = False) -> None:
    """List jobs, the newest first: state, counts, and why one failed or was set aside."""
    places, queue = _queue(catalog)
    found = _jobs(places, queue)
    if as_json:
        write_json([{name: value for name, value in _to_dict(job).items() if name != "failed"} for job in found])
        return
    for job in found:
        write(*_lines(job))
    stopped = sum(job.is_stopped for job in found)
    say(f"{len(found)} jobs, {stopped} of them failed or set aside (catalens jobs retry ID)")


def _lines(job: Job) -> list[str]:
    at = datetime.fromtimestamp(job.created, UTC).isoformat(timespec="seconds")
    counts = f"{job.added} added, {job.updated} updated, {job.unchanged} unchanged, {job.failed_count} failed"
    of = f" of {job.tenant}" if job.tenant else ""
    lines = [f"{job.id}  {at}  {job.state:<9}  {job.source}{of}: {counts}"]
    return [*lines, f"  {job.problem}"] if job.problem else lines


def show(id: JobId, catalog: CatalogFolder = DEFAULT_CATALOG, as_json: AsJson = False) -> None:
    """Show one job with its failed items."""
    job = _job(*_queue(catalog), id)
    if as_json:
        write_json(_to_dict(job))
        return
    write(*_lines(job))
    write(*(f"  note: {note}" for note in job.notes))
    for one in job.failed[:FAILED_SHOWN]:
        write(f"  {one.get('where', '')}: {one.get('what', '')}: {one.get('why', '')}. {one.get('cure', '')}")
    if job.failed_count > FAILED_SHOWN:
        say(f"  ... and {job.failed_count - FAILED_SHOWN} more; --json lists up to 1,000 of them.")


def retry(id: JobId, catalog: CatalogFolder = DEFAULT_CATALOG) -> None:
    """Continue a failed or set-aside job; the service does it, now or when it starts."""
    places, queue = _queue(catalog)
    job = _job(places, queue, id)
    if job.is_stopped and not has_upload(places.uploads, id):
        raise UsageError(f"the upload of job {id} is deleted", cure="send it again")
    queue.retry(id, tenant=job.tenant)
    AuditLog(places.audit).note("jobs retry", job=id)
    say(f"job {id} waits for its turn")
