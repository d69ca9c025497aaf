"""POST /v1/detect, segment, cutout, check, enhance: what is where on a photo, and better photos."""

from __future__ import annotations

import base64
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response

import catalens
from catalens.errors import UsageError
from catalens.images.draw import encode_image
from catalens.server.access import Caller, allowed, state_of
from catalens.server.uploads import read_upload
from catalens.tasks.cutout import Shadow

router = APIRouter(prefix="/v1", tags=["pictures"])
Analyst = Annotated[Caller, Depends(allowed("analyse"))]
SHADOWS = ("keep", "soft", "none")
FORMATS = {"png": "PNG", "webp": "WEBP", "jpeg": "JPEG"}


@router.post("/detect")
async def detect(request: Request, caller: Analyst) -> dict[str, Any]:
    """The products on a photo: boxes in pixels, labels, scores."""
    del caller
    upload = await read_upload(request, known=frozenset({"min_score"}))
    least = upload.number("min_score", 0.4, least=0, most=1)
    work = lambda: catalens.detect(upload.picture(), min_score=least).to_dict()  # noqa: E731
    return await state_of(request).gates["analyse"].run(work)


@router.post("/segment")
async def segment(request: Request, caller: Analyst) -> dict[str, Any]:
    """The parts of a person's photo: shares, names, and the label map as a PNG of codes, base64."""
    del caller
    upload = await read_upload(request, known=frozenset())

    def work() -> dict[str, Any]:
        masks = catalens.segment(upload.picture())
        labels = base64.b64encode(encode_image(masks.labels, format="PNG")).decode()
        return {**masks.to_dict(), "names": list(masks.names), "labels_png": labels}

    return await state_of(request).gates["analyse"].run(work)


@router.post("/cutout", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def cutout(request: Request, caller: Analyst) -> Response:
    """The product without its background, as PNG or WebP."""
    del caller
    upload = await read_upload(request, known=frozenset({"shadow", "format"}))
    shadow, format = upload.text("shadow", "none"), _format(upload.text("format", "png"), ("png", "webp"))
    if shadow not in SHADOWS:
        raise UsageError(f"shadow is {shadow!r}", cure=f"take one of {', '.join(SHADOWS)}")

    def work() -> bytes:
        return encode_image(catalens.cutout(upload.picture(), shadow=cast(Shadow, shadow)), format=format)

    data = await state_of(request).gates["analyse"].run(work)
    return Response(data, media_type=f"image/{format.lower()}", headers={"X-Content-Type-Options": "nosniff"})


@router.post("/enhance", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def enhance(request: Request, caller: Analyst) -> Response:
    """Denoised, balanced, sharpened: as JPEG, PNG or WebP."""
    del caller
    upload = await read_upload(request, known=frozenset({"format"}))
    format = _format(upload.text("format", "jpeg"), tuple(FORMATS))

    def work() -> bytes:
        return encode_image(catalens.enhance(catalens.read_image(upload.picture())), format=format)

    data = await state_of(request).gates["analyse"].run(work)
    return Response(data, media_type=f"image/{format.lower()}", headers={"X-Content-Type-Options": "nosniff"})


def _format(name: str | None, known: tuple[str, ...]) -> str:
    if name not in known:
        raise UsageError(f"format is {name!r}", cure=f"take one of {', '.join(known)}")
    return FORMATS[name]


@router.post("/check")
async def check(request: Request, caller: Analyst) -> dict[str, Any]:
    """Which rules of marketplaces a listing photo breaks."""
    from catalens.tasks import listing

    del caller
    upload = await read_upload(request, known=frozenset({"rules"}))
    packs = upload.texts("rules") or ["google"]
    unknown = sorted(set(packs) - set(listing.bundled_packs()))
    if unknown:  # a path of the server is nobody's business
        raise UsageError(f"no rules called {unknown[0]!r}", cure=f"take some of {', '.join(listing.bundled_packs())}")
    work = lambda: [one.to_dict() for one in listing.check(upload.picture(), rules=packs)]  # noqa: E731
    return {"findings": await state_of(request).gates["analyse"].run(work)}
