"""POST /v1/detect, segment, cutout, enhance, blur-faces, scene, check, fix: regions of a photo, and better photos."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

import catalens
from catalens import options
from catalens.errors import UnfitImageError, UsageError
from catalens.images.draw import encode_image
from catalens.images.mark import read_mark
from catalens.images.read import ImageLike, read_rgba
from catalens.images.srgb import hex_color
from catalens.models.hub.pipeline import paint
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.uploads import Upload, read_upload
from catalens.server.http.openapi import fields, request_body
from catalens.tasks import faces, listing
from catalens.tasks.cutout import cutter
from catalens.tasks.scene import scene as put_into
from catalens.tasks.surfaces import surface_named
from catalens.taxonomy import named as find_kind
from catalens.trust.provenance import encode_generated

router = APIRouter(prefix="/v1", tags=["pictures"])
Analyst = Annotated[Caller, Depends(require_scope("analyse"))]
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
DETECT, SEGMENT, CUTOUT, ENHANCE, RULES, BLUR, SCENE = (
    fields(verb)
    for verb in (
        options.Detect, options.Segment, options.Cutout, options.Enhance, options.Check, options.BlurFaces,
        options.Scene,
    )
)  # fmt: skip
SCENE_PICTURES = ("image", "scene")
FORMATS = {"png": "PNG", "webp": "WEBP", "jpeg": "JPEG"}


@router.post("/detect", openapi_extra=request_body(DETECT, image=True))
async def detect(request: Request, caller: Analyst) -> dict[str, Any]:
    """The products on a photo: boxes in pixels, labels, scores; `names` has the labels in other languages."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=DETECT)
    least = upload.value(options.Detect.min_score)
    model = state.network(options.Detect.model, upload.value(options.Detect.model))

    def work() -> dict[str, Any]:
        image = state.decode_pool.read(upload.picture())
        found = catalens.detect(image, min_score=least, model=model, masks=False)
        return {**found.to_dict(), "names": names_of(found.labels)}

    return await state.limiters["analyse"].run(work)


def names_of(labels: Sequence[str]) -> dict[str, dict[str, str]]:
    """Label -> language -> its usual name there, of the labels that the taxonomy has."""
    known = {label: one for label in dict.fromkeys(labels) if (one := find_kind(label)) is not None}
    return {
        label: {tongue: label if tongue == "en" else said[0] for tongue, said in one.names.items()}
        for label, one in known.items()
    }


@router.post("/segment", openapi_extra=request_body(SEGMENT, image=True))
async def segment(request: Request, caller: Analyst) -> dict[str, Any]:
    """The parts of a person's photo: shares, names, and the label map as a PNG of codes, base64."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=SEGMENT)
    model = state.network(options.Segment.model, upload.value(options.Segment.model))

    def work() -> dict[str, Any]:
        masks = catalens.segment(state.decode_pool.read(upload.picture()), model=model)
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
    """The product without its background, as PNG or WebP; the header `X-Outline-Doubtful` where it may be wrong."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=CUTOUT)
    shadow, format = upload.value(options.Cutout.shadow), upload.value(options.Cutout.format)
    model = state.network(options.Cutout.model, upload.value(options.Cutout.model))

    def work() -> tuple[bytes, str | None]:
        image = read_rgba(state.decode_pool.read(upload.picture(), transparent=True))
        network = cutter(model)
        found = network.cut(image, shadow=shadow)
        if found.box is None:
            raise UnfitImageError("no product was found on the photo", cure="send another photo of it")
        picture = encode_image(found.rgba, format=FORMATS[format], mark=read_mark(upload.picture()))
        return picture, network.doubt(image, found)

    data, doubt = await state.limiters["analyse"].run(work)
    return _picture(data, format, {"X-Outline-Doubtful": doubt} if doubt else {})


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
    asked, format = options.Enhance, upload.value(options.Enhance.format)
    sigma, balance = upload.value(asked.sigma), upload.value(asked.balance)
    lift, sharpness = upload.value(asked.lift), upload.value(asked.sharpness)

    def work() -> bytes:
        image = state.decode_pool.read(upload.picture(), transparent=True)
        better = catalens.enhance(image, sigma=sigma, balance=balance, lift=lift, sharpness=sharpness)
        return encode_image(better, format=FORMATS[format], mark=read_mark(upload.picture()))

    return _picture(await state.limiters["analyse"].run(work), format)


@router.post(
    "/blur-faces",
    openapi_extra=request_body(BLUR, image=True),
    response_class=Response,
    responses=PICTURE,
)
async def blur_faces(request: Request, caller: Analyst) -> Response:
    """The photo with its faces anonymised; `X-Faces` says how many, `X-Faces-Doubtful` how many of them to check."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=BLUR)
    least, format = upload.value(options.BlurFaces.min_score), upload.value(options.BlurFaces.format)
    model = state.network(options.BlurFaces.model, upload.value(options.BlurFaces.model))

    def work() -> tuple[bytes, faces.Anonymised]:
        picture = state.decode_pool.read(upload.picture(), transparent=True)
        done = faces.anonymise(picture, min_score=least, model=model)
        return encode_image(done.image, format=FORMATS[format], mark=read_mark(upload.picture())), done

    data, done = await state.limiters["analyse"].run(work)
    return _picture(data, format, {"X-Faces": str(len(done.faces)), "X-Faces-Doubtful": str(done.doubtful)})


@router.post(
    "/scene",
    openapi_extra=request_body(SCENE, image=True, pictures=SCENE_PICTURES, optional=("scene",)),
    response_class=Response,
    responses=PICTURE,
)
async def scene(request: Request, caller: Analyst) -> Response:
    """Experimental: a product (`image`) in a scene, which is a photo (`scene`), or a color or words (`background`). The
    header `X-Outline-Doubtful` where the product's outline may be wrong.
    """
    del caller
    state, upload = state_of(request), await read_upload(request, known=SCENE, pictures=SCENE_PICTURES)
    asked, format = options.Scene, upload.value(options.Scene.format)
    words, place = upload.value(asked.background), upload.value(asked.place)
    model, painter = (state.network(one, upload.value(one)) for one in (asked.model, asked.painter))
    photo = upload.pictures.get("scene")
    if bool(photo) == bool(words):
        raise UsageError("expected either a background or a scene", cure='send {"background": "rustic table"}')

    def work() -> tuple[bytes, str | None]:
        state.decode_pool.read(upload.picture(), target=64)
        ground: ImageLike | tuple[int, int, int] | None
        ground = state.decode_pool.read(photo) if photo else hex_color(words)
        if ground is None:  # words are never read as a path
            ground = surface_named(words) if painter is None else paint(words, model=painter)
        found = put_into(
            upload.picture(),
            ground,
            model=model,
            place=place,
            scale=upload.value(asked.scale),
            harmony=upload.value(asked.harmony),
            shadow=upload.value(asked.shadow),
            horizon=upload.value(asked.horizon),
        )
        return encode_generated(found.image, format=FORMATS[format], source="composite"), found.doubt

    data, doubt = await state.limiters["analyse"].run(work)
    return _picture(data, format, {"X-Outline-Doubtful": doubt} if doubt else {})


def _picture(data: bytes, format: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    return Response(data, media_type=f"image/{format}", headers={"X-Content-Type-Options": "nosniff", **headers})


@router.post("/check", openapi_extra=request_body(RULES, image=True))
async def check(request: Request, caller: Analyst) -> dict[str, Any]:
    """Marketplace rules that a listing photo breaks, and those that could not be judged: neither has `passed`."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=RULES)
    packs, category = _packs(upload), upload.value(options.Check.category)

    def work() -> dict[str, Any]:
        state.decode_pool.read(upload.picture())
        return listing.check(upload.picture(), rules=packs, category=category).to_dict()

    return await state.limiters["analyse"].run(work)


@router.post("/fix", openapi_extra=request_body(RULES, image=True))
async def fix(request: Request, caller: Analyst) -> dict[str, Any]:
    """A listing photo corrected where possible, as a data URL; the rules that it still breaks, those that could not be
    judged, and repairs refused. A photo that breaks no rule comes back unchanged.
    """
    del caller
    state, upload = state_of(request), await read_upload(request, known=RULES)
    packs, category = _packs(upload), upload.value(options.Check.category)

    def work() -> dict[str, Any]:
        state.decode_pool.read(upload.picture())
        fixed = listing.fixed_photo(upload.picture(), rules=packs, category=category)
        image = f"data:{MEDIA_OF[fixed.ending]};base64,{base64.b64encode(fixed.data).decode()}"
        return {"image": image, "ending": fixed.ending, **fixed.findings.to_dict(), "refused": list(fixed.refused)}

    return await state.limiters["analyse"].run(work)


@router.get("/rules")
async def rules(caller: Analyst) -> dict[str, Any]:
    """Names of the rule packs."""
    del caller
    return {"rules": sorted(listing.bundled_packs())}


def _packs(upload: Upload) -> Sequence[str]:
    return upload.value(options.Check.rules) or options.Check.rules.default  # names only: no path of the server
