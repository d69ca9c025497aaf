"""POST /v1/classify, /v1/embeddings; GET /v1/models."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

import catalens
from catalens.errors import UsageError
from catalens.models.card import Score
from catalens.models.zoo import DEFAULT_ENCODER, bundled_cards, find_card
from catalens.options import Classify
from catalens.server.dependencies.auth import Caller, require_scope, state_of
from catalens.server.dependencies.json_body import DATA_URL
from catalens.server.dependencies.uploads import ADDRESSES, fetch_picture, read_model, read_upload
from catalens.server.http.openapi import NETWORK, fields, model_body, request_body
from catalens.tasks.classify import kept_classifier, labeller
from catalens.tasks.embed import decode_target
from catalens.types import FloatArray

router = APIRouter(prefix="/v1", tags=["meaning"])
Analyst = Annotated[Caller, Depends(require_scope("analyse"))]
MAX_INPUTS = 64
PICTURES = (DATA_URL, *ADDRESSES)
"""Prefixes of an input that is a picture."""
CLASSIFY = fields(Classify)


@router.post("/classify", openapi_extra=request_body(CLASSIFY, image=True))
async def classify(request: Request, caller: Analyst) -> dict[str, Any]:
    """Classify a photo: with a classifier of the shop (`model`), with `labels`, or with common product categories."""
    del caller
    state, upload = state_of(request), await read_upload(request, known=CLASSIFY)
    labels, top, name = (upload.value(one) for one in (Classify.labels, Classify.top, Classify.model))
    model = state.network(Classify.model, name)

    def work() -> dict[str, Any]:
        ask = labeller(model, labels=labels)
        image = state.decode_pool.read(upload.picture(), target=decode_target(ask.sees))
        return ask([image], top)[0].to_dict()

    return await state.limiters["analyse"].run(work)


class Embeddings(BaseModel):
    """A request in the shape of OpenAI's; pictures come as data URLs. Vectors have one length; `user` is not kept."""

    model_config = ConfigDict(extra="forbid")

    input: str | Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)]
    model: str = Field(DEFAULT_ENCODER, json_schema_extra={NETWORK: "embed"})
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None


@router.post("/embeddings", openapi_extra=model_body(Embeddings))
async def embeddings(request: Request, caller: Analyst) -> dict[str, Any]:
    """Vectors of unit length, of texts and of pictures as data URLs, in one space."""
    del caller
    asked, taken = await read_model(request, Embeddings)
    state = state_of(request)
    model = state.options.networks.source("embed", asked.model)
    inputs = [asked.input] if isinstance(asked.input, str) else asked.input
    sent = {row: one for row, one in enumerate(inputs) if one.startswith(PICTURES)}
    pictures = {row: await fetch_picture(one, state, taken=taken) for row, one in sent.items()}
    texts = [row for row in range(len(inputs)) if row not in pictures]

    def work() -> FloatArray:
        encoder = catalens.encoder(model)
        if asked.dimensions not in (None, encoder.dim):
            raise UsageError(f"{asked.dimensions} dimensions", cure=f"{asked.model} has {encoder.dim}")
        found = np.zeros((len(inputs), encoder.dim), np.float32)
        if pictures:
            side = decode_target(encoder)
            read = [state.decode_pool.read(data, target=side) for data in pictures.values()]
            found[list(pictures)] = encoder.encode_images(read)
        if texts:
            found[texts] = encoder.encode_texts([inputs[row] for row in texts])
        return found

    vectors = await state.limiters["analyse"].run(work)
    rows = [
        base64.b64encode(row.astype("<f4").tobytes()).decode() if asked.encoding_format == "base64" else row.tolist()
        for row in vectors
    ]
    used = sum(len(inputs[row]) for row in texts)
    return {
        "object": "list",
        "model": asked.model,
        "data": [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


@router.get("/models")
async def models(request: Request, caller: Annotated[Caller, Depends(require_scope("read"))]) -> dict[str, Any]:
    """Networks that requests may name: bundled ones, the shop's own and classifiers, with licence, labels, scores.

    `served` has their names by what they are for, the default first.
    """
    del caller
    networks = state_of(request).options.networks
    own = [one for one in networks.allowed if one.license is None and one.purposes == ("classify",)]
    others = [one for one in networks.allowed if one not in own]
    return {
        "object": "list",
        "served": networks.by_purpose(),
        "data": [
            *(
                {
                    "id": card.name,
                    "object": "model",
                    "task": card.task,
                    "license": card.license,
                    "parameters": card.parameters,
                    "scores": _scores(card.scores),
                }
                for card in map(find_card, bundled_cards())
            ),
            *(
                {
                    "id": one.name,
                    "object": "model",
                    "task": one.purposes[0],
                    "license": one.license,
                    "parameters": one.parameters,
                    "scores": [],
                }
                for one in others
            ),
            *(
                {
                    "id": name,
                    "object": "model",
                    "task": "classify",
                    "labels": list(one.classes),
                    "scores": _scores(one.scores),
                }
                for name, one in ((one.name, kept_classifier(one.source)) for one in own)
            ),
        ],
    }


def _scores(scores: Sequence[Score]) -> list[dict[str, Any]]:
    return [{"name": one.name, "value": one.value, "n": one.n} for one in scores]
