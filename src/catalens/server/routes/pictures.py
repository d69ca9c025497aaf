"""GET /pictures/TENANT/HASH/SIDE: a picture of the catalog by its signed URL."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from catalens.errors import NotFoundError
from catalens.images.mark import read_mark
from catalens.server.dependencies.auth import state_of
from catalens.server.http.problems import RefusedError
from catalens.server.services.signed_urls import STABLE_S
from catalens.server.services.thumbnails import SIDES, encode_thumbnail, negotiate_format

router = APIRouter(tags=["pictures"])


@router.get(
    "/pictures/{tenant}/{hash}/{side}",
    response_class=Response,
    responses={
        200: {"content": {f"image/{name}": {} for name in ("webp", "avif", "jpeg")}},
        304: {"description": "Not modified"},
    },
)
async def picture(
    request: Request,
    tenant: Annotated[str, Path(max_length=64)],
    hash: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    side: int,
    until: Annotated[int, Query(ge=0, le=2**40)] = 0,
    by: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """A picture at most `side` pixels long: WebP, AVIF or JPEG, as the browser accepts."""
    state = state_of(request)
    owner = "" if tenant == "-" else tenant
    if side not in SIDES:
        raise RefusedError(404, "not-found", f"no pictures of side {side}", cure=f"take one of {SIDES}")
    state.url_signer.check(owner, hash, side, until=until, by=by)
    format = negotiate_format(request.headers.get("accept", ""))

    headers = {
        "Cache-Control": f"private, max-age={STABLE_S}, immutable",
        "Vary": "Accept",
        "ETag": f'"{hash[:16]}-{side}-{format.lower()}"',
    }
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}

    def make() -> bytes:
        data = state.catalog(owner).picture(hash)
        return encode_thumbnail(
            state.decode_pool.read(data, target=side), side=side, format=format, mark=read_mark(data)
        )

    def work() -> bytes | None:
        if not state.catalog(owner).has_picture(hash):  # removed or erased: no signature and no cache brings it back
            state.thumbnails.forget(owner, {hash})
            raise NotFoundError("no product shows this picture any more", cure="ask for the match again")
        return None if known & {headers["ETag"], "*"} else state.thumbnails.get((owner, hash, side, format), make)

    data = await state.limiters["pictures"].run(work)
    if data is None:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=f"image/{format.lower()}", headers=headers)
