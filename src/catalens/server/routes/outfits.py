"""POST /v1/outfit and /v1/room: compatible products for a product, a photo or a room."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens.errors import UsageError
from catalens.images.read import ImageLike
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.state import State
from catalens.server.dependencies.uploads import Upload, from_data_url, read_upload
from catalens.server.http.openapi import TEXT, TEXTS, enum_of, number, request_body
from catalens.server.routes.products import SIDE
from catalens.styling.outfit import HARMONIES

router = APIRouter(prefix="/v1", tags=["search"])
MAX_OWN = 24
"""Photos of a wardrobe in a request."""
WANTED = {"kinds": TEXTS, "budget": number(least=0, most=1e9), "wishes": TEXTS}
OUTFIT = {
    "sku": TEXT,
    "k": number(least=1, most=20, whole=True),
    **WANTED,
    "colors": enum_of(*HARMONIES),
    "own": {"type": "array", "items": TEXT, "maxItems": MAX_OWN, "description": "data:image/...;base64,..."},
    "like": TEXTS,
    "unlike": TEXTS,
}
ROOM = {"k": number(least=1, most=20, whole=True), **WANTED}


@router.post("/outfit", openapi_extra=request_body(OUTFIT, image=False))
async def outfit(request: Request, caller: Annotated[Caller, Depends(require_scope("search"))]) -> dict[str, Any]:
    """Outfits around a product (`sku`) or a photo, each with its score, its parts and its reasons."""
    state, upload = state_of(request), await read_upload(request, known=OUTFIT)

    def work() -> dict[str, Any]:
        sku = upload.text("sku")
        if not sku and upload.image is None:
            raise UsageError("nothing to begin with", cure="send a sku or a picture")
        start: list[str | ImageLike] = [sku] if sku else []
        if upload.image is not None:
            start.append(state.decode_pool.read(upload.picture(), target=512))
        own: list[ImageLike] = [state.decode_pool.read(photo, target=512) for photo in _wardrobe(upload)]
        found = state.catalog(caller.tenant).outfits(
            start,
            k=upload.whole("k", 5, least=1, most=20),
            kinds=upload.texts("kinds"),
            budget=_budget(upload),
            wishes=upload.texts("wishes"),
            colors=upload.text("colors"),
            own=own,
            like=upload.texts("like"),
            unlike=upload.texts("unlike"),
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
            k=int(upload.number("k", 3, least=1, most=20)),
            kinds=upload.texts("kinds"),
            budget=_budget(upload),
            wishes=upload.texts("wishes"),
        )
        goods = {kind: [_public(one.to_dict(), state, caller) for one in some] for kind, some in found.goods.items()}
        return {**found.to_dict(), "goods": goods}

    return await state.limiters["analyse"].run(work)


def _budget(upload: Upload) -> float | None:
    return None if "budget" not in upload.fields else upload.number("budget", 0, least=0, most=1e9)


def _wardrobe(upload: Upload) -> list[bytes]:
    photos = upload.fields.get("own", [])
    if not isinstance(photos, list) or len(photos) > MAX_OWN:
        raise UsageError("own is no list of pictures, or too long", cure=f"send up to {MAX_OWN} data URLs, as JSON")
    return [from_data_url(photo) for photo in photos]


def _public(item: dict[str, object], state: State, caller: Caller) -> dict[str, object]:
    """Public form of an item: the signed URL of its picture, no path of this machine."""
    hash = item["picture_hash"]
    image = state.url_signer.url(caller.tenant, hash, SIDE) if isinstance(hash, str) else None
    return {**{name: value for name, value in item.items() if name != "picture"}, "image": image}
