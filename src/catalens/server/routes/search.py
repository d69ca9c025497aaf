"""POST /v1/search, /v1/look: by photo, words, both, liked and disliked products; every product on a photo."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalens.server.access import Caller, allowed, state_of
from catalens.server.uploads import Upload, read_upload
from catalens.types import Matches

router = APIRouter(prefix="/v1", tags=["search"])
MOST = 200
"""Matches to an answer."""
SEARCH = frozenset({"text", "k", "offset", "where", "like", "unlike", "min_score", "weights", "group"})
LOOK = frozenset({"k", "where", "min_score"})


@router.post("/search")
async def search(request: Request, caller: Annotated[Caller, Depends(allowed("search"))]) -> dict[str, Any]:
    """Similar products, best first, at most `k`, each with the parts of its score."""
    state, upload = state_of(request), await read_upload(request, known=SEARCH)
    matches: Matches = await state.gates["search"].run(lambda: _found(state.catalog(caller.tenant).search, upload))
    return answer(matches)


def _found(search: Any, upload: Upload) -> Matches:
    weights = upload.fields.get("weights")
    found: Matches = search(
        upload.image,
        upload.text("text"),
        like=upload.texts("like"),
        unlike=upload.texts("unlike"),
        where=upload.fields.get("where"),
        k=int(upload.number("k", 10, least=1, most=MOST)),
        offset=int(upload.number("offset", 0, least=0, most=10_000)),
        min_score=None if "min_score" not in upload.fields else upload.number("min_score", 0, least=-1e6, most=1e6),
        weights=weights if isinstance(weights, dict) else None,
        group=str(upload.fields.get("group", True)).lower() not in {"false", "0", "no"},
    )
    return found


def answer(matches: Matches) -> dict[str, Any]:
    """Matches as they leave the house: without paths of this machine."""
    rows = [{name: value for name, value in match.to_dict().items() if name != "picture"} for match in matches]
    return {"query": matches.query, "took_ms": round(matches.took_ms, 3), "matches": rows}


@router.post("/look")
async def look(request: Request, caller: Annotated[Caller, Depends(allowed("search"))]) -> dict[str, Any]:
    """Every product on a photo, and what the catalog has like it."""
    state, upload = state_of(request), await read_upload(request, known=LOOK)

    def work() -> dict[str, Any]:
        found = state.catalog(caller.tenant).look(
            upload.picture(),
            k=int(upload.number("k", 6, least=1, most=MOST)),
            where=upload.text("where"),
            min_score=upload.number("min_score", 0.4, least=0, most=1),
        )
        return {
            "size": list(found.image.shape[:2]),
            "parts": [{**part.found.to_dict(), "matches": answer(part.matches)["matches"]} for part in found.parts],
        }

    return await state.gates["analyse"].run(work)
