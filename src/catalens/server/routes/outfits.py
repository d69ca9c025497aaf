"""POST /v1/outfit: what goes with a product of the catalog, or with a photo."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens.errors import UsageError
from catalens.images.read import ImageLike
from catalens.server.access import Caller, allowed, state_of
from catalens.server.described import TEXT, TEXTS, number, takes
from catalens.server.routes.products import SIDE
from catalens.server.uploads import read_upload

router = APIRouter(prefix="/v1", tags=["search"])
OUTFIT = {
    "sku": TEXT,
    "k": number(least=1, most=20, whole=True),
    "kinds": TEXTS,
    "budget": number(least=0, most=1e9),
    "wishes": TEXTS,
    "unlike": TEXTS,
}


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
        found = state.catalog(caller.tenant).outfits(
            start,
            k=upload.whole("k", 5, least=1, most=20),
            kinds=upload.texts("kinds"),
            budget=None if "budget" not in upload.fields else upload.number("budget", 0, least=0, most=1e9),
            wishes=upload.texts("wishes"),
            unlike=upload.texts("unlike"),
        )
        outfits = [one.to_dict() for one in found]
        for one, shown in zip(found, outfits, strict=True):
            shown["items"] = [
                {
                    **{name: value for name, value in item.to_dict().items() if name != "picture"},
                    "image": item.picture_hash and state.signer.address(caller.tenant, item.picture_hash, SIDE),
                }
                for item in one.items
            ]
        return {"outfits": outfits}

    return await state.gates["analyse"].run(work)
