"""POST /v1/feeds, POST /v1/products, GET /v1/jobs: import of feeds as background jobs, with failures and reasons."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from catalens.errors import FeedError, NotFoundError, StorageError, UsageError
from catalens.feeds.archives import kind_of, unpack
from catalens.options import Add
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.state import State
from catalens.server.dependencies.uploads import Upload, content_kind
from catalens.server.http.openapi import fields, schema
from catalens.server.http.problems import RefusedError
from catalens.server.jobs.queue import MAX_WAITING, Job
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


@router.post("/feeds", status_code=202, openapi_extra=FEED)
async def take_feed(request: Request, caller: Writer, idempotency_key: IdempotencyKey = None) -> dict[str, Any]:
    """Import a feed (the file `feed`: CSV, XML, JSON Lines, or a ZIP archive of it and its photos) as a job.

    A repeated `Idempotency-Key` returns the same job.
    """
    state = state_of(request)
    kind = content_kind(request)
    if kind != "multipart/form-data":
        raise RefusedError(415, "wrong-content-type", f"a body of {kind or 'no type'}", cure="send multipart/form-data")
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            feed = form.get("feed")
            options = {name: value for name, value in form.multi_items() if isinstance(value, str)}
            if not isinstance(feed, UploadFile):
                raise UsageError("no feed came", cure="send it as the file `feed`")
            unknown = sorted(set(options) - OPTIONS.keys())
            if unknown:
                raise UsageError(f"unknown field {unknown[0]!r}", cure=f"fields are {', '.join(sorted(OPTIONS))}")
            for one in OPTIONS.values():
                Upload({}, options).value(one)
            name = _safe_name(feed.filename or "")
            return await state.limiters["ingest"].run(
                lambda: _submit(state, caller, feed.file, name, options, idempotency_key)
            )
    except HTTPException as error:
        raise UsageError(f"the form is not readable: {error.detail}", cure="send one file, few fields") from None


def _submit(
    state: State, caller: Caller, file: Any, name: str, options: dict[str, str], key: str | None
) -> dict[str, Any]:
    id = secrets.token_hex(8) if key is None else hashlib.sha256(f"{caller.tenant}\0{key}".encode()).hexdigest()[:16]
    folder = state.options.uploads / f".{secrets.token_hex(8)}"
    try:
        digest = _store(file, folder, name, options)
        with suppress(NotFoundError):
            known = state.jobs.get(id, tenant=caller.tenant)
            if known.digest != digest:
                raise RefusedError(
                    422, "key-used", "this Idempotency-Key was used for another feed",
                    cure="take a new one for each feed",
                )  # fmt: skip
            if known.state != "failed":
                return known.to_dict()
        if state.jobs.queued >= MAX_WAITING:
            raise RefusedError(
                429, "too-busy", f"{MAX_WAITING} jobs wait already", cure="come later", headers={"Retry-After": "60"}
            )
        final = state.options.uploads / id
        shutil.rmtree(final, ignore_errors=True)  # left by an interrupted request
        folder.rename(final)
        return state.jobs.submit(Job(id, caller.tenant, name, digest, options, by=caller.key)).to_dict()
    except OSError as error:
        raise StorageError(f"the feed cannot be kept: {error.strerror}", cure="make room on the disk") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _store(file: Any, folder: Path, name: str, options: dict[str, str]) -> str:
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
    if kind_of(upload) == "zip":
        unpack(upload, folder / "feed")
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


@router.post("/products", status_code=202)
async def put_products(
    request: Request, bulk: Bulk, caller: Writer, idempotency_key: IdempotencyKey = None
) -> dict[str, Any]:
    """Import many products as a job; a repeated `Idempotency-Key` returns the same job."""
    state = state_of(request)
    lines = "\n".join(product.model_dump_json() for product in bulk.products).encode()

    def work() -> dict[str, Any]:
        return _submit(state, caller, io.BytesIO(lines), "products.jsonl", {}, idempotency_key)

    return await state.limiters["ingest"].run(work)


@router.get("/jobs")
async def list_jobs(request: Request, caller: Reader) -> dict[str, Any]:
    """Jobs, newest first, without their failed items."""
    jobs = state_of(request).jobs.all(tenant=caller.tenant)[:100]
    return {"jobs": [{name: value for name, value in job.to_dict().items() if name != "failed"} for job in jobs]}


@router.get("/jobs/{id}")
async def get_job(request: Request, id: str, caller: Reader) -> dict[str, Any]:
    """Progress of a job, and its failed items."""
    return state_of(request).jobs.get(id, tenant=caller.tenant).to_dict()


@router.get("/jobs/{id}/items")
async def get_items(
    request: Request,
    id: str,
    caller: Reader,
    after: Annotated[int, Query(ge=0, le=2**40)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> dict[str, Any]:
    """Outcome of each item of a job, in the order of its feed: added, known before, or failed, and why."""
    jobs = state_of(request).jobs
    found, following = jobs.items(jobs.get(id, tenant=caller.tenant), after=after, limit=limit)
    return {"items": found, "next": following}
