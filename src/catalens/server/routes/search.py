"""POST /v1/search, /v1/look, /v1/explain: search by photo or text, by every product on a photo; match explanations."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens import options
from catalens.errors import NotFoundError
from catalens.search.weights import DEFAULT_WEIGHTS
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.state import State
from catalens.server.dependencies.uploads import Upload, read_upload
from catalens.server.http.openapi import fields, request_body
from catalens.server.routes.products import SIDE
from catalens.tasks.embed import decode_target
from catalens.trust.explain import SIDE as EXPLAINED_SIDE
from catalens.trust.explain import explain_match
from catalens.types import ImageArray, Matches

router = APIRouter(prefix="/v1", tags=["search"])
SEARCH, LOOK, EXPLAIN = (fields(verb) for verb in (options.Search, options.Look, options.Explain))


@router.post("/search", openapi_extra=request_body(SEARCH, image=False))
async def search(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """Similar products, best first, at most `k`, each with the parts of its score."""
    state, upload = state_of(request), await read_upload(request, known=SEARCH)
    matches = await state.limiters["search"].run(lambda: _search(state, caller, upload))
    return public_matches(matches, state, caller)


def _search(state: State, caller: Caller, upload: Upload) -> Matches:
    asked, value = options.Search, upload.value
    weights, shop = value(asked.weights), state.catalog(caller.tenant)
    image: ImageArray | None = None
    if upload.image is not None:
        whole = weights is not None and weights.get("deep") == 0
        image = state.decode_pool.read(upload.picture(), target=None if whole else decode_target(shop.encoder()))
    matches = shop.search(
        image,
        value(asked.text),
        spelling=value(asked.spelling),
        language=value(asked.language),
        like=value(asked.like),
        unlike=value(asked.unlike),
        where=value(asked.where),
        k=value(asked.k),
        offset=value(asked.offset),
        min_score=value(asked.min_score),
        weights=weights,
        group=value(asked.group),
        facets=value(asked.facets),
        sort=value(asked.sort),
        understand=value(asked.understand),
        floor=value(asked.floor),
        meaning=value(asked.meaning),
    )
    text = value(asked.text)
    if text and image is None and not matches and not value(asked.offset) and matches.total in (None, 0):
        shop.note_missed(text)
    return matches


def public_matches(matches: Matches, state: State, caller: Caller) -> dict[str, Any]:
    """Public form of matches: signed URLs of their pictures, no paths of this machine."""
    rows = [
        {
            **{name: value for name, value in match.to_dict().items() if name != "picture"},
            "image": match.picture_hash and state.url_signer.url(caller.tenant, match.picture_hash, SIDE),
        }
        for match in matches
    ]
    return {**matches.to_dict(), "matches": rows}


@router.post("/look", openapi_extra=request_body(LOOK, image=True))
async def look(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """Products detected on a photo, each with similar products of the catalog."""
    state, upload = state_of(request), await read_upload(request, known=LOOK)
    model = state.network(options.Look.model, upload.value(options.Look.model))

    def work() -> dict[str, Any]:
        found = state.catalog(caller.tenant).look(
            state.decode_pool.read(upload.picture()),
            k=upload.value(options.Look.k),
            where=upload.value(options.Look.where),
            min_score=upload.value(options.Look.min_score),
            model=model,
        )
        parts = [
            {**part.found.to_dict(), "matches": public_matches(part.matches, state, caller)["matches"]}
            for part in found.parts
        ]
        return {"size": list(found.image.shape[:2]), "parts": parts}

    return await state.limiters["analyse"].run(work)


@router.post("/explain", openapi_extra=request_body(EXPLAIN, image=True))
async def explain(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """Which regions of a photo match which of a product's picture: by its `picture_hash`, or by `sku` its first."""
    state, upload = state_of(request), await read_upload(request, known=EXPLAIN)

    def work() -> dict[str, Any]:
        shop = state.catalog(caller.tenant)
        hash = upload.value(options.Explain.picture_hash)
        if not hash:
            sku = upload.value(options.Explain.sku)
            shown = shop.pictures(sku or "")
            if not shown:
                raise NotFoundError(f"no picture of {sku!r}", cure="name a product that has one")
            hash = shown[0].hash
        asked = state.decode_pool.read(upload.picture(), target=EXPLAINED_SIDE)
        product = state.decode_pool.read(shop.picture(hash), target=EXPLAINED_SIDE)
        found = explain_match(asked, product, encoder=shop.encoder())
        sizes = {"query_size": list(found.query.shape[:2]), "product_size": list(found.product.shape[:2])}
        return {**found.to_dict(), **sizes, "image": state.url_signer.url(caller.tenant, hash, 2 * SIDE)}

    return await state.limiters["analyse"].run(work)


@router.get("/facets")
async def facets(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """Attributes that are worth filtering by, with their values and how many products have each; default weights."""
    state = state_of(request)
    found = await state.limiters["search"].run(lambda: state.catalog(caller.tenant).facets())
    return {"facets": [facet.to_dict() for facet in found], "weights": dict(DEFAULT_WEIGHTS)}
