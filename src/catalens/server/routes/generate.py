"""POST /v1/generate: synthetic product pictures, marked as generated."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens.errors import UsageError
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.uploads import read_upload
from catalens.server.http.openapi import TEXT, number, request_body
from catalens.tasks.generate import TRUNCATION, generator
from catalens.trust.provenance import encode_generated

router = APIRouter(prefix="/v1", tags=["pictures"])
MOST, LARGEST_SEED = 16, 2**32 - 1
GENERATE = {
    "kind": TEXT,
    "color": TEXT,
    "pattern": TEXT,
    "n": number(least=1, most=MOST, whole=True),
    "seed": number(least=0, most=LARGEST_SEED, whole=True),
    "truncation": number(least=0, most=1),
}


@router.post("/generate", openapi_extra=request_body(GENERATE, image=False))
async def generate(request: Request, caller: Annotated[Caller, Depends(require_scope("analyse"))]) -> dict[str, Any]:
    """Generated pictures as data URLs of PNG files, each with its attributes, and the seed that reproduces them."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=GENERATE)
    kind = upload.text("kind")
    if not kind:
        raise UsageError("no kind", cure='send {"kind": "dress"}')
    color, pattern = upload.text("color"), upload.text("pattern")
    n = int(upload.number("n", 1, least=1, most=MOST))
    truncation = upload.number("truncation", TRUNCATION, least=0, most=1)
    seed = None if "seed" not in upload.fields else int(upload.number("seed", 0, least=0, most=LARGEST_SEED))

    def work() -> dict[str, Any]:
        made = generator().make(kind=kind, color=color, pattern=pattern, n=n, seed=seed, truncation=truncation)
        files = [base64.b64encode(encode_generated(one, format="PNG")).decode() for one in made.pictures]
        pictures = [
            {"image": f"data:image/png;base64,{file}", **words} for file, words in zip(files, made.words, strict=True)
        ]
        return {"seed": made.seed, "truncation": truncation, "pictures": pictures}

    return await state.limiters["analyse"].run(work)
