"""POST /v1/outfit, /v1/room, /v1/score: complete an outfit, furnish a room, score how well items go together."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens import options
from catalens.errors import UsageError
from catalens.images.read import ImageLike
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.state import State
from catalens.server.dependencies.uploads import read_upload
from catalens.server.http.openapi import fields, request_body
from catalens.server.routes.products import SIDE
from catalens.styling.outfit import score_photos

router = APIRouter(prefix="/v1", tags=["search"])
OUTFIT, ROOM, SCORE = (fields(verb) for verb in (options.Outfits, options.Room, options.Score))


@router.post("/outfit", openapi_extra=request_body(OUTFIT, image=False))
async def outfit(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """Outfits around a product (`sku`) or a photo, each with its score, its parts and its reasons."""
    state, upload = state_of(request), await read_upload(request, known=OUTFIT)
    model = state.network(options.Outfits.model, upload.value(options.Outfits.model))

    def work() -> dict[str, Any]:
        asked, value = options.Outfits, upload.value
        sku = value(asked.sku)
        if not sku and upload.image is None:
            raise UsageError("nothing to begin with", cure="send a sku or a picture")
        start: list[str | ImageLike] = [sku] if sku else []
        if upload.image is not None:
            start.append(state.decode_pool.read(upload.picture(), target=512))
        own: list[ImageLike] = [state.decode_pool.read(photo, target=512) for photo in value(asked.own)]
        found = state.catalog(caller.tenant).outfits(
            start,
            k=value(asked.k),
            kinds=value(asked.kinds),
            budget=value(asked.budget),
            wishes=value(asked.wishes),
            colors=value(asked.colors),
            own=own,
            like=value(asked.like),
            unlike=value(asked.unlike),
            model=model,
        )
        outfits = [
            {**one.to_dict(), "items": [_public(item.to_dict(), state, caller) for item in one.items]} for one in found
        ]
        return {"outfits": outfits, "notes": list(found.notes)}

    return await state.limiters["analyse"].run(work)


@router.post("/room", openapi_extra=request_body(ROOM, image=True))
async def room(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """What stands in a room, its colors, and goods that fit and are not there yet."""
    state, upload = state_of(request), await read_upload(request, known=ROOM)

    def work() -> dict[str, Any]:
        found = state.catalog(caller.tenant).room(
            state.decode_pool.read(upload.picture(), target=1024),
            k=upload.value(options.Room.k),
            kinds=upload.value(options.Room.kinds),
            budget=upload.value(options.Room.budget),
            wishes=upload.value(options.Room.wishes),
        )
        goods = {kind: [_public(one.to_dict(), state, caller) for one in some] for kind, some in found.goods.items()}
        return {**found.to_dict(), "goods": goods}

    return await state.limiters["analyse"].run(work)


@router.post("/score", openapi_extra=request_body(SCORE, image=False, pictures=()))
async def score(request: Request, caller: Annotated[Caller, Depends(require_scope("analyse"))]) -> dict[str, Any]:
    """How well the items on two to eight photos (`images`, one item each) go together, with reasons."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=SCORE, pictures=())
    model = state.network(options.Score.model, upload.value(options.Score.model))

    def work() -> dict[str, Any]:
        photos = [state.decode_pool.read(photo, target=512) for photo in upload.value(options.Score.images)]
        return score_photos(photos, model=model).to_dict()

    return await state.limiters["analyse"].run(work)


def _public(item: dict[str, object], state: State, caller: Caller) -> dict[str, object]:
    """Public form of an item: the signed URL of its picture, no path of this machine."""
    hash = item["picture_hash"]
    image = state.url_signer.url(caller.tenant, hash, SIDE) if isinstance(hash, str) else None
    return {**{name: value for name, value in item.items() if name != "picture"}, "image": image}
