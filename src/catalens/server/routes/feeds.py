"""POST /v1/feeds, POST /v1/products, GET /v1/jobs: import of feeds as background jobs, with failures and reasons."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from catalens.errors import FeedError, NotFoundError, StorageError, UsageError
from catalens.feeds.archives import ZIP_MAGIC
from catalens.options import Add
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.multipart import PartFile, boundary_of, find_parts
from catalens.server.dependencies.state import State
from catalens.server.dependencies.uploads import Upload, content_kind, read_model
from catalens.server.http.openapi import fields, model_body, schema
from catalens.server.http.problems import RefusedError, without_paths
from catalens.server.jobs.queue import MAX_WAITING, Job, has_upload
from catalens.server.middleware.idempotency import IdempotencyKey
from catalens.server.routes.products import ProductIn

router = APIRouter(prefix="/v1", tags=["products"])
Reader = Annotated[Caller, Depends(require_scope("read"))]
Writer = Annotated[Caller, Depends(require_scope("write"))]
OPTIONS = fields(Add)
FEED = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["feed"],
                    "properties": {
                        "feed": {"type": "string", "format": "binary"},
                        **{name: schema(one) for name, one in OPTIONS.items()},
                    },
                }
            }
        },
    }
}
_CHUNK = 2**20
MOST_MAPPING = 8_000
"""Bytes of a mapping of columns."""


@router.post("/feeds", status_code=202, openapi_extra=FEED)
async def take_feed(request: Request, caller: Writer, idempotency_key: IdempotencyKey = None) -> dict[str, Any]:
    """Import a feed (the file `feed`: CSV, XML, JSON Lines, or a ZIP archive of it and its photos) as a job.

    A repeated `Idempotency-Key` returns the same job.
    """
    state = state_of(request)

    def work(feed: PartFile, options: dict[str, str]) -> dict[str, Any]:
        return _submit(state, caller, feed, _safe_name(feed.filename), options, idempotency_key)

    return await _with_form(request, caller, work)


@router.post("/feeds/preview", openapi_extra=FEED)
async def preview_feed(request: Request, caller: Writer) -> dict[str, Any]:
    """The first ten products of a feed as they are understood, and the columns of a table; nothing is imported.

    `columns` says of each column of a table which field it is read as, "" for an attribute; `problem` why the feed
    cannot be read as it is, such as columns that are not clear: send `mapping` then.
    """
    state = state_of(request)

    def work(feed: PartFile, given: dict[str, str]) -> dict[str, Any]:
        asked = {one.name: Upload({}, given).value(one) for one in OPTIONS.values()}
        folder = state.options.uploads / f".{secrets.token_hex(8)}"
        try:
            _store(state, feed, folder, _safe_name(feed.filename), given)
            how = {name: asked[name] for name in ("format", "mapping", "encoding")}
            return state.feed_reader.preview(folder, **how)
        except OSError as error:
            raise _not_kept(error) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return await _with_form(request, caller, work)


async def _with_form(
    request: Request, caller: Caller, work: Callable[[PartFile, dict[str, str]], dict[str, Any]]
) -> dict[str, Any]:
    """What is made of the file `feed` and the fields of a form, which goes to the disk first."""
    state, kind = state_of(request), content_kind(request)
    if kind != "multipart/form-data":
        raise RefusedError(415, "wrong-content-type", f"a body of {kind or 'no type'}", cure="send multipart/form-data")
    boundary = boundary_of(request.headers["content-type"])
    said = request.headers.get("content-length", "")
    announced = int(said) if said.isdigit() and len(said) < 20 else 0
    await asyncio.to_thread(state.quotas.check_bytes, caller.tenant, announced)
    body = await asyncio.to_thread(_open_body, state.options.uploads)
    with body, state.in_flight.of(caller.tenant) as count:
        await _receive(request, body, count)

        return await state.limiters["ingest"].run(lambda: work(*_read_form(body, boundary)))


def _open_body(uploads: Path) -> BinaryIO:
    """A file without a name, on the disk of the uploads, for the body of a request."""
    try:
        uploads.mkdir(parents=True, exist_ok=True)
        return cast("BinaryIO", tempfile.TemporaryFile(dir=uploads))  # closed by the caller
    except OSError as error:
        raise _not_kept(error) from None


async def _receive(request: Request, body: BinaryIO, count: Callable[[int], None]) -> None:
    kept = bytearray()
    try:
        async for piece in request.stream():
            kept += piece
            if len(kept) >= _CHUNK:
                count(len(kept))
                await asyncio.to_thread(body.write, kept)
                kept = bytearray()
        count(len(kept))
        await asyncio.to_thread(body.write, kept)
    except OSError as error:
        raise _not_kept(error) from None


def _read_form(body: BinaryIO, boundary: bytes) -> tuple[PartFile, dict[str, str]]:
    """The file `feed` of a form, and its other fields."""
    feed: PartFile | None = None
    options: dict[str, str] = {}
    for part in find_parts(body, boundary):
        if part.filename is not None:
            if part.name != "feed" or feed is not None:
                raise UsageError(f"a file called {part.name[:80]!r}", cure="send one, called feed")
            feed = PartFile(body, part)
        elif part.name not in OPTIONS:
            raise UsageError(f"unknown field {part.name[:80]!r}", cure=f"fields are {', '.join(sorted(OPTIONS))}")
        elif part.stop - part.start > (MOST_MAPPING if part.name == "mapping" else 200):
            raise UsageError(f"{part.name} is too long", cure="send a word")
        else:
            options[part.name] = part.read(body).decode("utf-8", "replace")
    if feed is None:
        raise UsageError("no feed came", cure="send it as the file `feed`")
    asked = {one.name: Upload({}, options).value(one) for one in OPTIONS.values()}
    if asked["mapping"] is not None and not all(isinstance(one, str) for one in asked["mapping"].values()):
        raise UsageError("mapping names something that is no column", cure='send such as {"sku": "Article No"}')
    if asked["prune"] and not asked["source_name"]:
        raise UsageError(
            "prune without source_name: nothing says which products this source listed before",
            cure="send the same source_name with each feed of this source",
        )
    return feed, options


def _not_kept(error: OSError) -> StorageError:
    return StorageError.of(error, "the feed cannot be kept", cure="make room on the disk")


def _submit(
    state: State, caller: Caller, file: Any, name: str, options: dict[str, str], key: str | None
) -> dict[str, Any]:
    id = secrets.token_hex(8) if key is None else hashlib.sha256(f"{caller.tenant}\0{key}".encode()).hexdigest()[:16]
    folder = state.options.uploads / f".{secrets.token_hex(8)}"
    try:
        digest = _store(state, file, folder, name, options)
        with suppress(NotFoundError):
            known = state.jobs.get(id, tenant=caller.tenant)
            if known.digest != digest:
                raise RefusedError(
                    422, "key-used", "this Idempotency-Key was used for another feed",
                    cure="take a new one for each feed",
                )  # fmt: skip
            if known.state != "failed":
                return _public(state, known)
        state.quotas.check_jobs(len(state.jobs.open_of(caller.tenant)))
        if state.jobs.queued >= MAX_WAITING:
            raise RefusedError(
                429, "too-busy", f"{MAX_WAITING} jobs wait already", cure="come later", headers={"Retry-After": "60"}
            )
        state.quotas.check_bytes(caller.tenant, _size(folder))
        final = state.options.uploads / id
        shutil.rmtree(final, ignore_errors=True)  # left by an interrupted request
        folder.rename(final)
        job = Job(id, caller.tenant, name, digest, options, owns_upload=True, by=caller.key)
        return _public(state, state.jobs.submit(job))
    except OSError as error:
        raise _not_kept(error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*"))


def _store(state: State, file: Any, folder: Path, name: str, options: dict[str, str]) -> str:
    """Store the upload in a folder, unpacked; returns the SHA-256 of the upload and its options."""
    (folder / "feed").mkdir(parents=True)
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    upload = folder / "came"
    with upload.open("wb") as out:
        while part := file.read(_CHUNK):
            digest.update(part)
            out.write(part)
    if upload.stat().st_size == 0:
        raise FeedError("the feed is empty", cure="send a file with products")
    with upload.open("rb") as began:
        is_zip = began.read(len(ZIP_MAGIC)) == ZIP_MAGIC  # or a workbook, which stays as it is
    if is_zip and state.feed_reader.unpack(upload, folder / "feed"):
        upload.unlink()
    else:
        upload.rename(folder / "feed" / name)
    return digest.hexdigest()


def _safe_name(name: str) -> str:
    """File name without folders, unprintable characters or excessive length."""
    last = "".join(one for one in name.replace("\\", "/").rpartition("/")[2] if one.isprintable())
    return last[-60:].lstrip(".") or "feed"


class BulkProduct(ProductIn):
    """A product with its sku and web addresses of its pictures at allowed hosts."""

    sku: Annotated[str, Field(min_length=1, max_length=500)]
    pictures: Annotated[list[Annotated[str, Field(pattern="^https?://", max_length=2_000)]], Field(max_length=50)] = (
        Field([])
    )


class Bulk(BaseModel):
    """Several products in one request."""

    model_config = ConfigDict(extra="forbid")

    products: Annotated[list[BulkProduct], Field(min_length=1, max_length=10_000)]


@router.post("/products", status_code=202, openapi_extra=model_body(Bulk))
async def put_products(request: Request, caller: Writer, idempotency_key: IdempotencyKey = None) -> dict[str, Any]:
    """Import many products, in a body of at most 1 MiB, as a job; a repeated `Idempotency-Key` returns the same job."""
    state, (bulk, _) = state_of(request), await read_model(request, Bulk)

    def work() -> dict[str, Any]:
        lines = "\n".join(product.model_dump_json() for product in bulk.products).encode()
        return _submit(state, caller, io.BytesIO(lines), "products.jsonl", {}, idempotency_key)

    return await state.limiters["ingest"].run(work)


@router.get("/jobs")
async def list_jobs(request: Request, caller: Reader) -> dict[str, Any]:
    """Jobs, newest first, without their failed items."""
    state = state_of(request)

    def work() -> dict[str, Any]:
        jobs = [_public(state, replace(job, failed=())) for job in state.jobs.all(tenant=caller.tenant)[:100]]
        return {"jobs": [{name: value for name, value in job.items() if name != "failed"} for job in jobs]}

    return await asyncio.to_thread(work)


@router.get("/jobs/{id}")
async def get_job(request: Request, id: str, caller: Reader) -> dict[str, Any]:
    """Progress of a job, and its failed items."""
    state = state_of(request)
    return await asyncio.to_thread(lambda: _public(state, state.jobs.get(id, tenant=caller.tenant)))


@router.post("/jobs/{id}/retry", status_code=202)
async def retry_job(request: Request, id: str, caller: Writer) -> dict[str, Any]:
    """Let a job that failed, or was set aside after three attempts, go on where it stopped."""
    state = state_of(request)

    def work() -> dict[str, Any]:
        job = state.jobs.get(id, tenant=caller.tenant)
        if job.is_stopped:
            if not has_upload(state.options.uploads, id):
                raise RefusedError(409, "upload-gone", f"the upload of job {id} is deleted", cure="send it again")
            state.quotas.check_jobs(len(state.jobs.open_of(caller.tenant)))
        return _public(state, state.jobs.retry(id, tenant=caller.tenant))

    return await state.limiters["ingest"].run(work)


@router.get("/jobs/{id}/items")
async def get_items(
    request: Request,
    id: str,
    caller: Reader,
    after: Annotated[int, Query(ge=0, le=2**40)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> dict[str, Any]:
    """Outcome of each item of a job, in the order of its feed: added, known before, or failed, and why."""
    state = state_of(request)

    def work() -> dict[str, Any]:
        job = state.jobs.get(id, tenant=caller.tenant)
        found, following = state.jobs.items(job, after=after, limit=limit)
        return {"items": _shown(found, state.options.roots), "next": following}

    return await asyncio.to_thread(work)


def _public(state: State, job: Job) -> dict[str, Any]:
    """Public form of a job: no paths of this machine."""
    return {name: _shown(value, state.options.roots) for name, value in job.to_dict().items()}


def _shown(value: Any, roots: Iterable[str]) -> Any:
    """A value whose texts hold no paths of this machine."""
    if isinstance(value, str):
        return without_paths(value, roots=roots)
    if isinstance(value, dict):
        return {name: _shown(one, roots) for name, one in value.items()}
    return [_shown(one, roots) for one in value] if isinstance(value, list | tuple) else value
