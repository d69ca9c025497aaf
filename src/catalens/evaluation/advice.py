"""Recommendation of encoder, head and index for a task by accuracy, time measured on this machine, and cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from catalens.errors import UsageError
from catalens.index.vector_index import EXACT_BELOW
from catalens.models.card import Score
from catalens.models.known import KnownNetwork, known_networks
from catalens.models.zoo import bundled_cards, find_card
from catalens.tasks.embed import encoder
from catalens.types import FloatArray

Task: TypeAlias = Literal["search", "classify"]
PROBE_S = 2.5
"""Seconds for timing the bundled encoder; as many for the index."""
PROBE_VECTORS = 20_000
BUNDLED_GFLOPS = 0.92
"""Billions of multiply-adds of the bundled encoder at 224 x 224, from which other networks' times are scaled."""
GPU_SPEEDUP = 40.0
"""Assumed speed-up of a small data-center GPU over two cores; reported as a rule of thumb."""
UNTIMED = "its multiply-adds are not published, so its time here cannot be said"
RULE = f"divided by {GPU_SPEEDUP:.0f}: a rule of thumb for a GPU"


@dataclass(frozen=True)
class Requirements:
    """Requirements of a task; None where there is none.

    Args:
        count: products to search, or photos to classify.
        labels_each: labelled photos of each label, for "classify".
        latency_ms: for one query; memory_mb: of the process.
        price_per_hour: of the machine, in any currency.
    """

    task: Task = "search"
    count: int = 10_000
    labels_each: int | None = None
    device: Literal["cpu", "gpu"] = "cpu"
    latency_ms: float | None = None
    memory_mb: float | None = None
    commercial: bool = True
    price_per_hour: float = 0.10


@dataclass(frozen=True)
class Candidate:
    """A combination of encoder, head and index.

    Args:
        encode_ms: one picture; `timed` says whether that was measured on this machine or scaled.
        index_ms: one query among the products; 0 for "classify".
        scores: accuracy with intervals where this project measured it; `claims` what others publish.
    """

    encoder: str
    head: str
    index: str
    license: str
    encode_ms: float
    timed: str
    index_ms: float
    memory_mb: float
    per_million: float
    scores: tuple[Score, ...]
    claims: tuple[str, ...]

    @property
    def latency_ms(self) -> float:
        """Latency of one query: encoding, then index."""
        return self.encode_ms + self.index_ms

    def to_dict(self) -> dict[str, object]:
        return {
            "encoder": self.encoder,
            "head": self.head,
            "index": self.index,
            "license": self.license,
            "encode_ms": round(self.encode_ms, 2),
            "timed": self.timed,
            "index_ms": round(self.index_ms, 3),
            "memory_mb": round(self.memory_mb),
            "cost_per_million_pictures": round(self.per_million, 2),
            "measured": [
                {"name": one.name, "value": one.value, "n": one.n, "interval": [one.low, one.high]}
                for one in self.scores
            ],
            "published": list(self.claims),
        }


@dataclass(frozen=True)
class Advice:
    """The recommended candidate, the next larger one with its drawback, and rejected ones with reasons."""

    best: Candidate | None
    better: Candidate | None
    refused: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "best": None if self.best is None else self.best.to_dict(),
            "next_better": None if self.better is None else self.better.to_dict(),
            "ruled_out": [{"encoder": name, "why": why} for name, why in self.refused],
        }


def advise(requirements: Requirements) -> Advice:
    """Recommend the largest network that fits the limits of time and memory.

    The next better one for "search" knows words, too: the search that is bundled is asked with both.

    Raises:
        UsageError: a number out of range.
    """
    _check(requirements)
    base_ms = bundled_ms()
    choices = [_bundled(requirements, name, base_ms) for name in bundled_cards("embed")]
    choices += [_foreign(requirements, one, base_ms) for one in known_networks("embed") if one.gflops is not None]
    choices.sort(key=lambda choice: choice.encode_ms)
    refused = [(one.key, UNTIMED) for one in known_networks("embed") if one.gflops is None]
    fitting = []
    for choice in choices:
        why = _rejection(choice, requirements)
        if why:
            refused.append((choice.encoder, why))
        else:
            fitting.append(choice)
    # The bundled network is what was measured here, on shops' photos: it is the choice unless it does not fit.
    best = next((one for one in fitting if one.scores), fitting[0] if fitting else None)
    wordless = {one.key for one in known_networks("embed") if not one.words} if requirements.task == "search" else set()
    larger = [one for one in choices if best and one.encode_ms > best.encode_ms and one.encoder not in wordless]
    return Advice(best, larger[0] if larger else None, tuple(refused))


def _check(requirements: Requirements) -> None:
    given = {
        "--products": requirements.count,
        "--labels": requirements.labels_each,
        "--latency-ms": requirements.latency_ms,
        "--memory-mb": requirements.memory_mb,
    }
    price = requirements.price_per_hour
    bad = [f"{name} {value:g}" for name, value in given.items() if value is not None and not 0 < value < math.inf]
    bad += [f"--price-per-hour {price:g}"] * (not 0 <= price < math.inf)
    if bad:
        raise UsageError(f"expected positive numbers and got {', '.join(bad)}", cure="leave out what does not matter")


def bundled_ms(*, seconds: float = PROBE_S) -> float:
    """Median time of the bundled encoder for one prepared picture on this machine, in milliseconds."""
    network = encoder()
    picture = network.prepare(np.full((480, 360, 3), 128, np.uint8))[None]
    network.encode_prepared(picture)
    return _median_ms(lambda: network.encode_prepared(picture), seconds)


def index_ms(count: int, dim: int, *, seconds: float = PROBE_S) -> float:
    """Median time of an exact search among `count` vectors, at most 20,000, in milliseconds."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(min(count, PROBE_VECTORS), dim)).astype(np.float32)
    query: FloatArray = vectors[0]
    return _median_ms(lambda: np.argmax(vectors @ query), seconds)


def _median_ms(call: Callable[[], object], seconds: float) -> float:
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < 5 or (time.perf_counter() - started < seconds and len(times) < 2000):
        before = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - before))
    return float(np.median(times))


def _bundled(requirements: Requirements, name: str, base_ms: float) -> Candidate:
    card = find_card(name)
    ms = base_ms / (GPU_SPEEDUP if requirements.device == "gpu" else 1.0)
    timed = "measured on this machine" + (f", {RULE}" if requirements.device == "gpu" else "")
    return _choice(requirements, name, card.dim, ms, timed, card.license, card.parameters, card.scores, ())


def _foreign(requirements: Requirements, one: KnownNetwork, base_ms: float) -> Candidate:
    ms = base_ms * (one.gflops or 0.0) / BUNDLED_GFLOPS / (GPU_SPEEDUP if requirements.device == "gpu" else 1.0)
    claims = tuple(f"{score.name} {score.value:.3f} ({one.source})" for score in one.scores)
    timed = "scaled by GFLOPs from this machine's measurement" + (f", {RULE}" if requirements.device == "gpu" else "")
    return _choice(requirements, one.key, one.dim or 0, ms, timed, one.license, 4 * (one.parameters or 0), (), claims)


def _choice(
    requirements: Requirements,
    name: str,
    dim: int,
    ms: float,
    timed: str,
    license: str,
    weight_bytes: int,
    scores: tuple[Score, ...],
    claims: tuple[str, ...],
) -> Candidate:
    is_exact = requirements.count <= EXACT_BELOW
    per_vector = 4 * dim + 8 if is_exact else 2 * dim + dim / 8 + 28
    searches = requirements.task == "search"
    memory = 120 + 1.3 * weight_bytes / 1e6 + (per_vector * requirements.count / 1e6 if searches else 0.0)
    return Candidate(
        encoder=name,
        head="" if searches else _head(requirements),
        index=("exact" if is_exact else "IVF with RaBitQ, re-ranked") if searches else "",
        license=license,
        encode_ms=ms,
        timed=timed,
        index_ms=index_ms(requirements.count, dim, seconds=0.15) if searches else 0.0,
        memory_mb=memory,
        per_million=ms * 1e6 / 3.6e6 * requirements.price_per_hour,
        scores=scores,
        claims=claims,
    )


def _head(requirements: Requirements) -> str:
    each = requirements.labels_each or 20
    return "lda" if each < 200 else "softmax, or finetune for a little more"


def _rejection(choice: Candidate, requirements: Requirements) -> str:
    known = next((one for one in known_networks("embed") if one.key == choice.encoder), None)
    if known is not None and requirements.commercial and not known.commercial:
        return f"{known.license} limits commercial use"
    if requirements.latency_ms is not None and choice.latency_ms > requirements.latency_ms:
        return f"about {choice.latency_ms:.1f} ms a query"
    if requirements.memory_mb is not None and choice.memory_mb > requirements.memory_mb:
        return f"about {choice.memory_mb:.0f} MB"
    return ""
