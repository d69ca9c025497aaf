"""/v1/products: put, get, delete, list by cursor. An answer to a write means that it is on disk."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from catalens.server.access import Caller, allowed, state_of
from catalens.server.problems import RefusedError
from catalens.types import Product, Where

router = APIRouter(prefix="/v1/products", tags=["products"])
Reader = Annotated[Caller, Depends(allowed("read"))]
Writer = Annotated[Caller, Depends(allowed("write"))]
Text = Annotated[str, Field(max_length=20_000)]


class ProductIn(BaseModel):
    """A product's words and attributes. Pictures come with feeds."""

    model_config = ConfigDict(extra="forbid")

    title: Text = ""
    description: Text = ""
    attributes: dict[str, str | int | float | bool | list[str]] = {}


@router.get("")
async def list_products(
    request: Request, caller: Reader, after: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> dict[str, Any]:
    """Products in the order of their skus; `next` is the cursor of the next page."""
    state = state_of(request)

    def work() -> list[Product]:
        return list(islice(state.catalog(caller.tenant).products(after=after), limit + 1))

    found = await state.gates["search"].run(work)
    return {
        "products": [_shown(product) for product in found[:limit]],
        "next": found[limit - 1].sku if len(found) > limit else None,
    }


@router.get("/{sku:path}")
async def get_product(request: Request, sku: str, caller: Reader) -> dict[str, Any]:
    """One product."""
    state = state_of(request)
    return _shown(await state.gates["search"].run(lambda: state.catalog(caller.tenant).get(sku)))


@router.put("/{sku:path}")
async def put_product(request: Request, sku: str, product: ProductIn, caller: Writer) -> dict[str, Any]:
    """Take a product in, or bring it up to date; its pictures stay."""
    state = state_of(request)
    attributes = {
        name: tuple(value) if isinstance(value, list) else value for name, value in product.attributes.items()
    }

    def work() -> dict[str, Any]:
        with state.writing(caller.tenant) as shop:
            pictures = next((one.pictures for one in shop.products() if one.sku == sku), ())
            report = shop.add([Product(sku, Where("http"), product.title, product.description, attributes, pictures)])
        state.reopen(caller.tenant)
        if report.failed and not (report.added or report.updated or report.unchanged):
            raise RefusedError(422, "product-refused", report.failed[0].why, cure=report.failed[0].cure)
        return {"added": report.added, "updated": report.updated, "unchanged": report.unchanged}

    return await state.gates["ingest"].run(work)


@router.delete("/{sku:path}", status_code=204)
async def delete_product(request: Request, sku: str, caller: Writer) -> Response:
    """Forget a product."""
    state = state_of(request)

    def work() -> None:
        with state.writing(caller.tenant) as shop:
            shop.remove(sku)
        state.reopen(caller.tenant)

    await state.gates["ingest"].run(work)
    return Response(status_code=204)


def _shown(product: Product) -> dict[str, Any]:
    """A product as it leaves the house: without paths of this machine."""
    found = product.to_dict()
    found["pictures"] = len(product.pictures)
    found["variants"] = [
        {"sku": one.sku, "title": one.title, "attributes": dict(one.attributes)} for one in product.variants
    ]
    return {name: value for name, value in found.items() if name != "where"}
