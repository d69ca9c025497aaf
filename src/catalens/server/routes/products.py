"""/v1/products: get, put, change, delete, list by cursor, pictures. Writes are on disk when they are answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from catalens.catalog import Catalog
from catalens.errors import NotFoundError
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.state import State
from catalens.server.dependencies.uploads import read_model, read_upload
from catalens.server.http.openapi import model_body, request_body
from catalens.server.http.problems import RefusedError
from catalens.server.middleware.idempotency import IdempotencyKey
from catalens.server.services.picture_files import has_picture, keep_picture
from catalens.storage.records import MAX_ATTRIBUTES, MAX_NAME, MAX_VALUE, version_of
from catalens.types import PictureSource, Product, Where

router = APIRouter(prefix="/v1", tags=["products"])
Reader = Annotated[Caller, Depends(require_scope("read"))]
Writer = Annotated[Caller, Depends(require_scope("write"))]
Text = Annotated[str, Field(max_length=20_000)]
IfMatch = Annotated[str | None, Header(max_length=1_000)]
PAGE_BYTES = 4 * 2**20
"""A page of products that grows larger ends early."""
Name = Annotated[str, Field(max_length=MAX_NAME)]
Value = Annotated[str, Field(max_length=MAX_VALUE)]
SIDE = 320
"""Longest side of the pictures whose addresses a product has, in pixels; of the larger ones, four times that."""


class ProductIn(BaseModel):
    """Texts and attributes of a product; its pictures are posted separately or come with a feed."""

    model_config = ConfigDict(extra="forbid")

    title: Text = ""
    description: Text = ""
    attributes: Annotated[dict[Name, Value | int | float | bool | list[Value]], Field(max_length=MAX_ATTRIBUTES)] = (
        Field({})
    )


class ProductChange(BaseModel):
    """What changes of a product (JSON Merge Patch, RFC 7396): what is absent stays; null removes an attribute."""

    model_config = ConfigDict(extra="forbid")

    title: Text | None = None
    description: Text | None = None
    attributes: Annotated[
        dict[Name, Value | int | float | bool | list[Value] | None], Field(max_length=MAX_ATTRIBUTES)
    ] = Field({})

    def text(self, name: Literal["title", "description"]) -> str | None:
        """The new text: empty where it is null, None where it is absent."""
        return (getattr(self, name) or "") if name in self.model_fields_set else None


@router.get("/products")
async def list_products(
    request: Request, caller: Reader, after: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> dict[str, Any]:
    """Products in the order of their skus; `next` is the cursor of the next page."""
    state = state_of(request)

    def work() -> dict[str, Any]:
        shop = state.catalog(caller.tenant)
        found: list[dict[str, Any]] = []
        size = 0
        products = shop.products(after=after)
        for product in islice(products, limit):
            found.append(_public(state, caller, shop, product))
            size += len(json.dumps(found[-1]))
            if size > PAGE_BYTES:
                break
        return {"products": found, "next": found[-1]["sku"] if found and next(products, None) is not None else None}

    return await state.limiters["search"].run(work)


@router.get("/products/{sku:path}")
async def get_product(request: Request, response: Response, sku: str, caller: Reader) -> dict[str, Any]:
    """One product, by its own sku or by that of a variant; its `ETag` is the version of its record."""
    state = state_of(request)

    def work() -> dict[str, Any]:
        shop = state.catalog(caller.tenant)
        return _public(state, caller, shop, shop.get(sku))

    found = await state.limiters["search"].run(work)
    response.headers["ETag"] = f'"{found["version"]}"'
    return found


@router.put("/products/{sku:path}", openapi_extra=model_body(ProductIn))
async def put_product(
    request: Request,
    response: Response,
    sku: str,
    caller: Writer,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Create a product, or replace its texts and attributes: what is absent is cleared. Pictures and variants stay.

    To change some of it, use PATCH. With `If-Match` only where nobody else has changed it since that `ETag`.
    """
    state, (product, _) = state_of(request), await read_model(request, ProductIn)

    def work() -> dict[str, Any]:
        with state.writable_catalog(caller.tenant, who=caller.key) as shop:
            before = _known(shop, sku)
            if before is None:
                state.quotas.check_products(len(shop))
            state.quotas.check_bytes(caller.tenant, 0)
            before = before or Product(sku, Where("http"))
            attributes = _values(product.attributes)
            after = replace(before, title=product.title, description=product.description, attributes=attributes)
            return _put(shop, after, expected=_expected(shop, sku, if_match))

    asked = ["PUT", sku, product.model_dump_json(), if_match or ""]
    return _tagged(response, await _once(state, caller, idempotency_key, asked, work))


@router.patch("/products/{sku:path}", openapi_extra=model_body(ProductChange))
async def change_product(
    request: Request,
    response: Response,
    sku: str,
    caller: Writer,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change some fields of a product, or of a variant (JSON Merge Patch, RFC 7396); what is absent stays as it was.

    With `If-Match` only where nobody else has changed it since that `ETag`.
    """
    state, (change, _) = state_of(request), await read_model(request, ProductChange)

    def work() -> dict[str, Any]:
        state.quotas.check_bytes(caller.tenant, 0)
        with state.writable_catalog(caller.tenant, who=caller.key) as shop:
            before = shop.version(sku)
            shop.update(
                sku,
                title=change.text("title"),
                description=change.text("description"),
                attributes=_values(change.attributes),
                expected_version=_expected(shop, sku, if_match),
            )
            version = shop.version(sku)
        changed = int(version != before)
        return {"added": 0, "updated": changed, "unchanged": 1 - changed, "version": version}

    asked = ["PATCH", sku, change.model_dump_json(exclude_unset=True), if_match or ""]
    return _tagged(response, await _once(state, caller, idempotency_key, asked, work))


@router.post("/pictures/{sku:path}", status_code=201, openapi_extra=request_body({}, image=True))
async def add_picture(
    request: Request, sku: str, caller: Writer, idempotency_key: IdempotencyKey = None
) -> dict[str, Any]:
    """Add a picture to a product; the same picture again changes nothing."""
    state, upload = state_of(request), await read_upload(request, known=())

    data = upload.picture()

    def work() -> dict[str, Any]:
        state.quotas.check_bytes(caller.tenant, len(data))
        state.decode_pool.read(data, target=64)
        with state.writable_catalog(caller.tenant, who=caller.key) as shop:
            product = _known(shop, sku)
            if product is None:
                parent = shop.get(sku)  # says which skus there are near it
                raise NotFoundError(f"{sku!r} is a variant of {parent.sku!r}", cure="send the picture of its product")
            place = keep_picture(state.options.pictures_of(caller.tenant), data, anew=True)
            state.quotas.add_bytes(caller.tenant, len(data))
            source = PictureSource(str(place), Where("http"))
            known = {picture.location for picture in product.pictures}
            pictures = product.pictures if source.location in known else (*product.pictures, source)
            return _put(shop, replace(product, pictures=pictures), expected=None)

    asked = ["POST", sku, hashlib.sha256(data).hexdigest()]
    return await _once(state, caller, idempotency_key, asked, work)


@router.delete("/products/{sku:path}", status_code=204, responses={200: {"description": "Receipt of an erasure"}})
async def delete_product(
    request: Request,
    sku: str,
    caller: Writer,
    erase: bool = False,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """Delete a product, and its pictures that came over HTTP and that no other product shows.

    With `erase`, every copy goes, too (uploads, records of jobs, stored answers), and the answer is the receipt.
    """
    state = state_of(request)

    def work() -> dict[str, Any] | None:
        if erase and (jobs := state.jobs.open_of(caller.tenant)):
            raise RefusedError(
                409, "jobs-open", f"job {jobs[0].id} waits or runs, and could bring the product back",
                cure=f"erase it when GET /v1/jobs/{jobs[0].id} says that it has ended", headers={"Retry-After": "30"},
            )  # fmt: skip
        with state.writable_catalog(caller.tenant, who=caller.key) as shop:
            if erase:
                hashes = {picture.hash for picture in shop.pictures(sku)}
                expected = _expected(shop, sku, if_match)
                receipt = shop.erase(sku, expected_version=expected)
                state.thumbnails.forget(caller.tenant, hashes - {kept.name for kept in receipt.kept})
                return receipt.to_dict()
            product = _known(shop, sku)
            shown = {picture.hash for picture in shop.pictures(sku)}
            shop.remove(sku, expected_version=_expected(shop, sku, if_match))
            gone = {hash for hash in shown if not has_picture(shop, hash)}
        if product is not None:
            _delete_files(product, gone, state.options.uploads)
        return None

    asked = ["DELETE", sku, if_match or "", *(["erase"] if erase else [])]
    receipt = await _once(state, caller, idempotency_key, asked, work)
    return JSONResponse(receipt) if erase else Response(status_code=204)


async def _once(
    state: State, caller: Caller, key: str | None, asked: list[str], work: Callable[[], Any]
) -> dict[str, Any]:
    """Run a write under the ingest limit, or return the stored answer of a repeated one."""
    answer = await state.limiters["ingest"].run(
        lambda: state.idempotency.once(key, caller.tenant, asked, work, about=asked[1])
    )
    return dict(answer or {})


def _delete_files(product: Product, gone: set[str], uploads: Path) -> None:
    """Delete uploaded files of a product's pictures that the catalog no longer holds."""
    for source in (*product.pictures, *(one for variant in product.variants for one in variant.pictures)):
        path = Path(source.location)
        if not source.is_remote and path.is_relative_to(uploads) and path.is_file():
            with path.open("rb") as file:
                hash = hashlib.file_digest(file, "sha256").hexdigest()
            if hash in gone:
                path.unlink(missing_ok=True)


def _known(shop: Catalog, sku: str) -> Product | None:
    try:
        found = shop.get(sku)
    except NotFoundError:
        return None
    return found if found.sku == sku else None


def _put(shop: Catalog, product: Product, *, expected: str | None) -> dict[str, Any]:
    report = shop.put(product, expected_version=expected)
    if report.failed and not (report.added or report.updated or report.unchanged):
        raise RefusedError(422, "product-refused", report.failed[0].why, cure=report.failed[0].cure)
    counts = {"added": report.added, "updated": report.updated, "unchanged": report.unchanged}
    return {**counts, "version": shop.version(product.sku)}


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as the catalog has them: several values are a tuple."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _expected(shop: Catalog, sku: str, if_match: str | None) -> str | None:
    """Version that a product must have by an If-Match header (RFC 9110, section 13.1.1); None: any, or none."""
    if if_match is None:
        return None
    try:
        now = shop.version(sku)
    except NotFoundError:
        now = ""
    tags = [tag.strip() for tag in if_match.split(",")]
    if now and ("*" in tags or f'"{now}"' in tags):
        return now
    return tags[0].strip('"') or "none"


def _tagged(response: Response, answer: dict[str, Any]) -> dict[str, Any]:
    response.headers["ETag"] = f'"{answer["version"]}"'
    return answer


def _public(state: State, caller: Caller, shop: Catalog, product: Product) -> dict[str, Any]:
    """Public form of a product: signed URLs of its pictures, no paths of this machine."""
    pictures = [
        {
            "image": state.url_signer.url(caller.tenant, one.hash, SIDE),
            "large": state.url_signer.url(caller.tenant, one.hash, 4 * SIDE),
            "hash": one.hash,
            "variant": one.variant,
            "size": list(one.size),
        }
        for one in shop.pictures(product.sku)
    ]
    variants = [{"sku": one.sku, "title": one.title, "attributes": dict(one.attributes)} for one in product.variants]
    return {
        "sku": product.sku,
        "version": version_of(product),
        "title": product.title,
        "description": product.description,
        "attributes": dict(product.attributes),
        "pictures": pictures,
        "variants": variants,
    }
