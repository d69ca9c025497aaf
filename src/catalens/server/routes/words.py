"""/v1/suggest, /v1/search/synonyms, /v1/search/rules, /v1/search/missed: typeahead, and words of the shop's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from catalens import options
from catalens.catalog import Catalog
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.uploads import read_model
from catalens.server.http.openapi import model_body

router = APIRouter(prefix="/v1", tags=["search"])
Searcher = Annotated[Caller, Depends(require_scope("search"))]
Reader = Annotated[Caller, Depends(require_scope("read"))]
Writer = Annotated[Caller, Depends(require_scope("write"))]


class TextIn(BaseModel):
    """A file of lines: synonyms, or rules; an empty one clears them."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=500_000)]


@router.get("/suggest")
async def suggest(
    request: Request,
    caller: Searcher,
    q: Annotated[str, Query(max_length=200)],
    k: Annotated[int, Query(ge=1, le=options.Suggest.k.http_maximum)] = options.Suggest.k.default,
) -> dict[str, Any]:
    """Words, categories and products for the beginning of a query, at most `k` of each."""
    state = state_of(request)
    found = await state.limiters["search"].run(lambda: state.catalog(caller.tenant).suggest(q, k=k))
    return found.to_dict()


@router.get("/search/synonyms")
async def get_synonyms(request: Request, caller: Reader) -> dict[str, Any]:
    """The shop's own synonyms: words that mean the same on a line."""
    state = state_of(request)
    return {"text": await state.limiters["search"].run(lambda: state.catalog(caller.tenant).synonyms())}


@router.put("/search/synonyms", openapi_extra=model_body(TextIn))
async def put_synonyms(request: Request, caller: Writer) -> dict[str, Any]:
    """Replace the shop's own synonyms; they hold from the next search on."""
    return {"groups": await _replaced(request, caller, Catalog.set_synonyms)}


@router.get("/search/rules")
async def get_rules(request: Request, caller: Reader) -> dict[str, Any]:
    """The shop's rules for what stands first: pin, boost and bury."""
    state = state_of(request)
    rules = await state.limiters["search"].run(lambda: state.catalog(caller.tenant).rules())
    return {"text": "".join(f"{rule}\n" for rule in rules), "rules": [rule.to_dict() for rule in rules]}


@router.put("/search/rules", openapi_extra=model_body(TextIn))
async def put_rules(request: Request, caller: Writer) -> dict[str, Any]:
    """Replace the shop's rules for what stands first; they hold from the next search on."""
    return {"rules": await _replaced(request, caller, Catalog.set_rules)}


async def _replaced(request: Request, caller: Caller, replace: Callable[[Catalog, str], int]) -> int:
    """The text of a request as one of the shop's files; how much is in it."""
    state, (sent, _) = state_of(request), await read_model(request, TextIn)

    def work() -> int:
        with state.writable_catalog(caller.tenant, who=caller.key) as shop:
            return replace(shop, sent.text)

    return await state.limiters["ingest"].run(work)


@router.get("/search/missed")
async def get_missed(
    request: Request,
    caller: Reader,
    most: Annotated[int, Query(ge=1, le=options.Searches.most.http_maximum)] = options.Searches.most.default,
) -> dict[str, Any]:
    """Searches that found nothing, the most frequent first: words and counts, nothing of who asked."""
    state = state_of(request)
    found = await state.limiters["search"].run(lambda: state.catalog(caller.tenant).missed_searches(most=most))
    return {"searches": [one.to_dict() for one in found]}


@router.delete("/search/missed", status_code=204)
async def delete_missed(request: Request, caller: Writer) -> Response:
    """Forget the searches that found nothing."""
    state = state_of(request)
    await state.limiters["search"].run(lambda: state.catalog(caller.tenant).clear_missed_searches())
    return Response(status_code=204)
