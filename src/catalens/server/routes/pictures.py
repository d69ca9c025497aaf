"""GET /pictures/TENANT/HASH/SIDE: a picture of the catalog, for whom its address was signed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from catalens.server.access import state_of
from catalens.server.problems import RefusedError
from catalens.server.signing import SAME_S
from catalens.server.thumbnails import SIDES, format_for, small

router = APIRouter(tags=["pictures"])


@router.get(
    "/pictures/{tenant}/{hash}/{side}",
    response_class=Response,
    responses={200: {"content": {f"image/{name}": {} for name in ("webp", "avif", "jpeg")}}},
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
    state.signer.check(owner, hash, side, until=until, by=by)
    format = format_for(request.headers.get("accept", ""))

    def make() -> bytes:
        return small(state.catalog(owner).picture(hash), side=side, format=format)

    data = await state.gates["pictures"].run(lambda: state.thumbnails.get((owner, hash, side, format), make))
    headers = {
        "Cache-Control": f"private, max-age={SAME_S}, immutable",
        "Vary": "Accept",
        "ETag": f'"{hash[:16]}-{side}"',
    }
    return Response(data, media_type=f"image/{format.lower()}", headers=headers)
