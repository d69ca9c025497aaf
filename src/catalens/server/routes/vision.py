"""POST /v1/detect, segment, cutout, enhance, check, fix: analysis and editing of a photo."""

from __future__ import annotations

import base64
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response

import catalens
from catalens.errors import UsageError
from catalens.images.draw import encode_image
from catalens.images.mark import read_mark
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.uploads import Upload, read_upload
from catalens.server.http.openapi import TEXT, TEXTS, enum_of, number, request_body
from catalens.tasks import listing
from catalens.tasks.cutout import Shadow

router = APIRouter(prefix="/v1", tags=["pictures"])
Analyst = Annotated[Caller, Depends(require_scope("analyse"))]
SHADOWS = ("keep", "soft", "none")
MEDIA_OF = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".avif": "image/avif",
}
PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {f"image/{name}": {} for name in ("png", "webp", "jpeg")}}}
DETECT = {"min_score": number(least=0, most=1)}
CUTOUT = {"shadow": enum_of(*SHADOWS), "format": enum_of("png", "webp")}
ENHANCE = {"format": enum_of("png", "webp", "jpeg")}
RULES = {"rules": TEXTS, "category": TEXT}
FORMATS = {"png": "PNG", "webp": "WEBP", "jpeg": "JPEG"}


@router.post("/detect", openapi_extra=request_body(DETECT, image=True))
async def detect(request: Request, caller: Analyst) -> dict[str, Any]:
    """The products on a photo: boxes in pixels, labels, scores."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=DETECT)
    least = upload.number("min_score", 0.4, least=0, most=1)

    def work() -> dict[str, Any]:
        return catalens.detect(state.decode_pool.read(upload.picture()), min_score=least, masks=False).to_dict()

    return await state.limiters["analyse"].run(work)


@router.post("/segment", openapi_extra=request_body({}, image=True))
async def segment(request: Request, caller: Analyst) -> dict[str, Any]:
    """The parts of a person's photo: shares, names, and the label map as a PNG of codes, base64."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=())

    def work() -> dict[str, Any]:
        masks = catalens.segment(state.decode_pool.read(upload.picture()))
        labels = base64.b64encode(encode_image(masks.labels, format="PNG")).decode()
        return {**masks.to_dict(), "names": list(masks.names), "labels_png": labels}

    return await state.limiters["analyse"].run(work)


@router.post(
    "/cutout",
    openapi_extra=request_body(CUTOUT, image=True),
    response_class=Response,
    responses=PICTURE,
)
async def cutout(request: Request, caller: Analyst) -> Response:
    """The product without its background, as PNG or WebP."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=CUTOUT)
    shadow, format = upload.text("shadow", "none"), _format(upload.text("format", "png"), ("png", "webp"))
    if shadow not in SHADOWS:
        raise UsageError(f"shadow is {shadow!r}", cure=f"take one of {', '.join(SHADOWS)}")

    def work() -> bytes:
        cut = catalens.cutout(state.decode_pool.read(upload.picture()), shadow=cast(Shadow, shadow))
        return encode_image(cut, format=format, mark=read_mark(upload.picture()))

    data = await state.limiters["analyse"].run(work)
    return Response(data, media_type=f"image/{format.lower()}", headers={"X-Content-Type-Options": "nosniff"})


@router.post(
    "/enhance",
    openapi_extra=request_body(ENHANCE, image=True),
    response_class=Response,
    responses=PICTURE,
)
async def enhance(request: Request, caller: Analyst) -> Response:
    """Denoised, balanced, sharpened: as JPEG, PNG or WebP."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=ENHANCE)
    format = _format(upload.text("format", "jpeg"), tuple(FORMATS))

    def work() -> bytes:
        better = catalens.enhance(state.decode_pool.read(upload.picture()))
        return encode_image(better, format=format, mark=read_mark(upload.picture()))

    data = await state.limiters["analyse"].run(work)
    return Response(data, media_type=f"image/{format.lower()}", headers={"X-Content-Type-Options": "nosniff"})


def _format(name: str | None, known: tuple[str, ...]) -> str:
    if name not in known:
        raise UsageError(f"format is {name!r}", cure=f"take one of {', '.join(known)}")
    return FORMATS[name]


@router.post("/check", openapi_extra=request_body(RULES, image=True))
async def check(request: Request, caller: Analyst) -> dict[str, Any]:
    """Marketplace rules that a listing photo breaks."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=RULES)
    packs, category = _packs(upload), upload.text("category")

    def work() -> dict[str, Any]:
        state.decode_pool.read(upload.picture())
        return {"findings": [one.to_dict() for one in listing.check(upload.picture(), rules=packs, category=category)]}

    return await state.limiters["analyse"].run(work)


@router.post("/fix", openapi_extra=request_body(RULES, image=True))
async def fix(request: Request, caller: Analyst) -> dict[str, Any]:
    """A listing photo corrected where possible, as a data URL, and the rules that it still breaks."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=RULES)
    packs, category = _packs(upload), upload.text("category")

    def work() -> dict[str, Any]:
        state.decode_pool.read(upload.picture())
        data, ending, left = listing.fix(upload.picture(), rules=packs, category=category)
        kind = MEDIA_OF[ending]
        image = f"data:{kind};base64,{base64.b64encode(data).decode()}"
        return {"image": image, "ending": ending, "findings": [one.to_dict() for one in left]}

    return await state.limiters["analyse"].run(work)


@router.get("/rules")
async def rules(caller: Analyst) -> dict[str, Any]:
    """Names of the rule packs."""
    del caller
    return {"rules": sorted(listing.bundled_packs())}


def _packs(upload: Upload) -> list[str]:
    packs = upload.texts("rules") or ["google"]
    unknown = sorted(set(packs) - set(listing.bundled_packs()))
    if unknown:  # paths of the server are not disclosed
        raise UsageError(f"no rules called {unknown[0]!r}", cure=f"take some of {', '.join(listing.bundled_packs())}")
    return packs
