"""POST /v1/read, describe: the text on a photo; attributes, alt text and title of the product on it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

import catalens
from catalens import options
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.uploads import read_upload
from catalens.server.http.openapi import fields, request_body
from catalens.tasks.reading import read_text

router = APIRouter(prefix="/v1", tags=["pictures"])
Analyst = Annotated[Caller, Depends(require_scope("analyse"))]
READ, DESCRIBE = fields(options.ReadText), fields(options.Describe)


@router.post("/read", openapi_extra=request_body(READ, image=True))
async def read(request: Request, caller: Analyst) -> dict[str, Any]:
    """The text on a photo: lines with boxes in pixels and confidences. 501 where the extra ocr is not installed."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=READ)
    least = upload.value(options.ReadText.min_confidence)

    def work() -> dict[str, Any]:
        return read_text(state.decode_pool.read(upload.picture()), min_confidence=least).to_dict()

    return await state.limiters["analyse"].run(work)


@router.post("/describe", openapi_extra=request_body(DESCRIBE, image=True))
async def describe(request: Request, caller: Analyst) -> dict[str, Any]:
    """The product on a photo: attributes that are likely right, with confidences; alt text and title by language."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=DESCRIBE)
    languages, wanted = upload.value(options.Describe.languages), upload.value(options.Describe.fields)
    read_it = upload.value(options.Describe.read_text)

    def work() -> dict[str, Any]:
        found = catalens.describe(state.decode_pool.read(upload.picture()), languages=languages, read=read_it)
        return {name: value for name, value in found.to_dict().items() if name in (*wanted, "notes")}

    return await state.limiters["analyse"].run(work)
