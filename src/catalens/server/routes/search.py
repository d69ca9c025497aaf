"""POST /v1/search, /v1/look, /v1/explain: search by photo or text, by every product on a photo; match explanations."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens.errors import NotFoundError
from catalens.search.weights import DEFAULT_WEIGHTS
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.state import State
from catalens.server.dependencies.uploads import Upload, read_upload
from catalens.server.http.openapi import FLAG, OBJECT, TEXT, TEXTS, number, request_body
from catalens.server.routes.products import SIDE
from catalens.tasks.embed import decode_target
from catalens.trust.explain import SIDE as EXPLAINED_SIDE
from catalens.trust.explain import explain_match
from catalens.types import ImageArray, Matches

router = APIRouter(prefix="/v1", tags=["search"])
MAX_MATCHES = 200
SEARCH = {
    "text": TEXT,
    "k": number(least=1, most=MAX_MATCHES, whole=True),
    "offset": number(least=0, most=10_000, whole=True),
    "where": {"oneOf": [TEXT, OBJECT]},
    "like": TEXTS,
    "unlike": TEXTS,
    "min_score": number(least=-1e6, most=1e6),
    "weights": {"oneOf": [OBJECT, TEXT]},
    "group": FLAG,
}
LOOK = {
    "k": number(least=1, most=MAX_MATCHES, whole=True),
    "where": TEXT,
    "min_score": number(least=0, most=1),
}
EXPLAIN = {"sku": TEXT, "picture_hash": TEXT}


@router.post("/search", openapi_extra=request_body(SEARCH, image=False))
async def search(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """Similar products, best first, at most `k`, each with the parts of its score."""
    state, upload = state_of(request), await read_upload(request, known=SEARCH)
    matches = await state.limiters["search"].run(lambda: _search(state, caller, upload))
    return public_matches(matches, state, caller)


def _search(state: State, caller: Caller, upload: Upload) -> Matches:
    weights, shop = upload.weights(), state.catalog(caller.tenant)
    image: ImageArray | None = None
    if upload.image is not None:
        whole = weights is not None and weights.get("deep") == 0
        image = state.decode_pool.read(upload.picture(), target=None if whole else decode_target(shop.encoder()))
    return shop.search(
        image,
        upload.text("text"),
        like=upload.texts("like"),
        unlike=upload.texts("unlike"),
        where=upload.filter(),
        k=upload.whole("k", 10, least=1, most=MAX_MATCHES),
        offset=upload.whole("offset", 0, least=0, most=10_000),
        min_score=None if "min_score" not in upload.fields else upload.number("min_score", 0, least=-1e6, most=1e6),
        weights=weights,
        group=upload.flag("group", True),
    )


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

    def work() -> dict[str, Any]:
        found = state.catalog(caller.tenant).look(
            state.decode_pool.read(upload.picture()),
            k=upload.whole("k", 6, least=1, most=MAX_MATCHES),
            where=upload.text("where"),
            min_score=upload.number("min_score", 0.4, least=0, most=1),
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
        hash = upload.text("picture_hash")
        if not hash:
            shown = shop.pictures(upload.text("sku") or "")
            if not shown:
                raise NotFoundError(f"no picture of {upload.text('sku')!r}", cure="name a product that has one")
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
