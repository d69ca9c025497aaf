"""POST /v1/tryon: virtual try-on of a garment on a person's photo. No photo is stored."""

from __future__ import annotations

import base64
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from catalens.images.draw import FORMATS
from catalens.options import TryOn
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.uploads import read_upload
from catalens.server.http.openapi import fields, request_body
from catalens.tasks.tryon import try_on
from catalens.tasks.tryon.several import put_on
from catalens.trust.provenance import encode_generated
from catalens.types import Worn

router = APIRouter(prefix="/v1", tags=["pictures"])
TRYON = fields(TryOn)
PICTURES = ("image", "garment")
MEDIA = {f"image/{format.lower()}": format for format in FORMATS.values()}
ANSWERS: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}} | {name: {} for name in MEDIA}}}


@router.post(
    "/tryon",
    openapi_extra=request_body(TRYON, image=True, pictures=PICTURES, optional=("garment",)),
    response_class=Response,
    responses=ANSWERS,
)
async def tryon(request: Request, caller: Annotated[Caller, Depends(require_scope("analyse"))]) -> Response:
    """Experimental, most results are wrong: a person (`image`) in a garment, a photo of it (`garment`) or products of
    the catalog (`skus`, one after another); as a data URL, with the box that was drawn, notes and a confidence.

    The picture itself where `Accept` asks for image/jpeg, image/png or image/webp. No photo is stored.
    """
    state, upload = state_of(request), await read_upload(request, known=TRYON, pictures=PICTURES)
    kind, model = upload.value(TryOn.kind), state.network(TryOn.model, upload.value(TryOn.model))
    person, skus = upload.picture(), upload.value(TryOn.skus)
    garment = upload.picture("garment") if not skus or "garment" in upload.pictures else None
    media = next((name for name in MEDIA if name in request.headers.get("accept", "")), None)

    def work() -> tuple[Worn, bytes]:
        photos = [] if garment is None else [state.decode_pool.read(garment)]
        if skus:
            shop = state.catalog(caller.tenant)
            photos += [shop.photo_of(sku) for sku in skus]
        worn = put_on(partial(try_on, kind=kind, model=model), state.decode_pool.read(person), photos)
        format = MEDIA.get(media or "", "JPEG")
        return worn, encode_generated(worn.image, format=format, source="composite")

    worn, data = await state.limiters["analyse"].run(work)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Vary": "Accept"}
    if media is not None:
        return Response(data, media_type=media, headers=headers)
    image = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return JSONResponse({**worn.to_dict(), "experimental": True, "image": image, "box": box_of(worn)}, headers=headers)


def box_of(worn: Worn) -> list[int] | None:
    """Bounds of what was drawn, xyxy in whole pixels; None where nothing was."""
    rows, columns = np.flatnonzero(worn.region.any(1)), np.flatnonzero(worn.region.any(0))
    if not len(rows):
        return None
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
