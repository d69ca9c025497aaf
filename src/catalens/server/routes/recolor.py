"""POST /v1/recolor: a product in other colors."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter, Request

from catalens.options import Recolor
from catalens.server.dependencies.auth import state_of
from catalens.server.dependencies.uploads import read_upload
from catalens.server.http.openapi import fields, request_body
from catalens.server.routes.vision import FORMATS, Analyst
from catalens.tasks.recolor import recolor as recolor_photo
from catalens.trust.provenance import encode_generated

router = APIRouter(prefix="/v1", tags=["pictures"])
FIELDS = fields(Recolor)
PICTURES = ("image", "swatch")


@router.post("/recolor", openapi_extra=request_body(FIELDS, image=True, pictures=PICTURES, optional=("swatch",)))
async def recolor(request: Request, caller: Analyst) -> dict[str, Any]:
    """A product (`image`) in other colors: of `colors`, and of a photo of cloth (`swatch`); pictures as data URLs."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=FIELDS, pictures=PICTURES)
    colors, format = upload.value(Recolor.colors), upload.value(Recolor.format)
    model = state.network(Recolor.model, upload.value(Recolor.model))

    def work() -> dict[str, Any]:
        image, photo = state.decode_pool.read(upload.picture(), transparent=True), upload.pictures.get("swatch")
        swatch = state.decode_pool.read(photo) if photo else None
        pictures = []
        for one in recolor_photo(image, colors=colors, swatch=swatch, model=model):
            data = base64.b64encode(encode_generated(one.image, format=FORMATS[format], source="composite")).decode()
            pictures.append({**one.to_dict(), "image": f"data:image/{format};base64,{data}"})
        return {"pictures": pictures}

    return await state.limiters["analyse"].run(work)
