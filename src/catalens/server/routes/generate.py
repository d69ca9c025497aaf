"""POST /v1/generate: synthetic product pictures, marked as generated."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens.errors import UsageError
from catalens.options import Generate
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.uploads import read_upload
from catalens.server.http.openapi import fields, request_body
from catalens.tasks.generate import make_pictures
from catalens.trust.provenance import encode_generated

router = APIRouter(prefix="/v1", tags=["pictures"])
GENERATE = fields(Generate)


@router.post("/generate", openapi_extra=request_body(GENERATE, image=False))
async def generate(request: Request, caller: Annotated[Caller, Depends(require_scope("analyse"))]) -> dict[str, Any]:
    """Experimental: generated pictures as data URLs of PNG files, each with its attributes, and their seed."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=GENERATE)
    kind, color, pattern = (upload.value(one) for one in (Generate.kind, Generate.color, Generate.pattern))
    if not kind:
        raise UsageError("no kind", cure='send {"kind": "dress"}')
    model = state.network(Generate.model, upload.value(Generate.model))
    n, seed, truncation = upload.value(Generate.n), upload.value(Generate.seed), upload.value(Generate.truncation)

    def work() -> dict[str, Any]:
        made = make_pictures(
            kind=kind, color=color, pattern=pattern, n=n, seed=seed, truncation=truncation, model=model
        )
        files = [base64.b64encode(encode_generated(one, format="PNG")).decode() for one in made.pictures]
        pictures = [
            {"image": f"data:image/png;base64,{file}", **words} for file, words in zip(files, made.words, strict=True)
        ]
        return {"seed": made.seed, "truncation": truncation, "pictures": pictures}

    return await state.limiters["analyse"].run(work)
