"""POST /v1/outfit and /v1/room: what goes with a product of the catalog, with a photo, or into a room."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens.errors import UsageError
from catalens.images.read import ImageLike
from catalens.server.access import Caller, allowed, state_of
from catalens.server.described import TEXT, TEXTS, number, one_of, takes
from catalens.server.routes.products import SIDE
from catalens.server.state import State
from catalens.server.uploads import Upload, from_data_url, read_upload
from catalens.styling.outfit import HARMONIES

router = APIRouter(prefix="/v1", tags=["search"])
MOST_OWN = 24
"""Photos of a wardrobe in a request."""
WANTED = {"kinds": TEXTS, "budget": number(least=0, most=1e9), "wishes": TEXTS}
OUTFIT = {
    "sku": TEXT,
    "k": number(least=1, most=20, whole=True),
    **WANTED,
    "colors": one_of(*HARMONIES),
    "own": {"type": "array", "items": TEXT, "maxItems": MOST_OWN, "description": "data:image/...;base64,..."},
    "like": TEXTS,
    "unlike": TEXTS,
}
ROOM = {"k": number(least=1, most=20, whole=True), **WANTED}


@router.post("/outfit", openapi_extra=takes(OUTFIT, image=False))
async def outfit(request: Request, caller: Annotated[Caller, Depends(allowed("search"))]) -> dict[str, Any]:
    """Outfits around a product (`sku`) or a photo, each with its score, its parts and its reasons."""
    state, upload = state_of(request), await read_upload(request, known=OUTFIT)

    def work() -> dict[str, Any]:
        sku = upload.text("sku")
        if not sku and upload.image is None:
            raise UsageError("nothing to begin with", cure="send a sku or a picture")
        start: list[str | ImageLike] = [sku] if sku else []
        if upload.image is not None:
            start.append(state.decoders.read(upload.picture(), target=512))
        own: list[ImageLike] = [state.decoders.read(photo, target=512) for photo in _wardrobe(upload)]
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
            {**one.to_dict(), "items": [_shown(item.to_dict(), state, caller) for item in one.items]} for one in found
        ]
        return {"outfits": outfits, "notes": list(found.notes)}

    return await state.gates["analyse"].run(work)


@router.post("/room", openapi_extra=takes(ROOM, image=True))
async def room(request: Request, caller: Annotated[Caller, Depends(allowed("search"))]) -> dict[str, Any]:
    """What stands in a room, its colors, and goods that fit and are not there yet."""
    state, upload = state_of(request), await read_upload(request, known=ROOM)

    def work() -> dict[str, Any]:
        found = state.catalog(caller.tenant).room(
            state.decoders.read(upload.picture(), target=1024),
            k=int(upload.number("k", 3, least=1, most=20)),
            kinds=upload.texts("kinds"),
            budget=_budget(upload),
            wishes=upload.texts("wishes"),
        )
        goods = {kind: [_shown(one.to_dict(), state, caller) for one in some] for kind, some in found.goods.items()}
        return {**found.to_dict(), "goods": goods}

    return await state.gates["analyse"].run(work)


def _budget(upload: Upload) -> float | None:
    return None if "budget" not in upload.fields else upload.number("budget", 0, least=0, most=1e9)


def _wardrobe(upload: Upload) -> list[bytes]:
    photos = upload.fields.get("own", [])
    if not isinstance(photos, list) or len(photos) > MOST_OWN:
        raise UsageError("own is no list of pictures, or too long", cure=f"send up to {MOST_OWN} data URLs, as JSON")
    return [from_data_url(photo) for photo in photos]


def _shown(item: dict[str, object], state: State, caller: Caller) -> dict[str, object]:
    """An item without the path of its picture, with the picture's address."""
    hash = item["picture_hash"]
    image = state.signer.address(caller.tenant, hash, SIDE) if isinstance(hash, str) else None
    return {**{name: value for name, value in item.items() if name != "picture"}, "image": image}
