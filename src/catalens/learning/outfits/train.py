"""Train an outfit network on a user's outfits: Polyvore Outfits, or a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate
from catalens.evaluation.outfit_data import Split, prepare, read_outfit_data
from catalens.evaluation.outfits import outfit_figures
from catalens.learning.outfits.fit import export, judge_of, trained
from catalens.learning.outfits.sampler import BATCH
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.embed import origin_of
from catalens.types import Failure, Progress

FEWEST = 20
"""Outfits below which nothing is learned but them by heart."""


@dataclass(frozen=True)
class LearnedOutfits:
    """The folder of a network, how many outfits it saw, its figures on those held out, things that were left out."""

    folder: Path
    outfits: int
    figures: dict[str, Estimate]
    failed: tuple[Failure, ...]


def train_outfit(
    data: Path,
    *,
    out: Path,
    split: Split = "disjoint",
    encoder: str | None = None,
    minutes: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> LearnedOutfits:
    """Train on outfits; `catalens outfit --model OUT` uses what was learned.

    Raises:
        NotFoundError, FeedError, UsageError: there are no outfits, or too few.
    """
    if minutes <= 0:
        raise UsageError(f"{minutes:g} minutes", cure="give a time above 0")
    used = load_encoder(encoder)
    found = prepare(read_outfit_data(data, split=split), encoder=used, learn=True, seed=seed, progress=progress)
    if len(found.learned.outfits) < FEWEST:
        raise UsageError(
            f"{len(found.learned.outfits)} outfits of two things or more to learn from", cure=f"give at least {FEWEST}"
        )
    made = trained(found.learned, out=out, minutes=minutes, seed=seed)
    figures = outfit_figures(found.trial, judge_of(made.network, found.held_out))
    out.mkdir(parents=True, exist_ok=True)
    export(made.network, out, dim=used.dim, name=out.name, scores=figures, training={
        "data": str(data),
        "start": "random numbers",
        "encoder": used.name,
        "what it began with": origin_of(used),
        "command": f"catalens train outfit --data {data} --out {out}",
        "seed": str(seed),
        "cost": f"{minutes:g} minutes, {made.steps * BATCH} outfits",
        "held out": f"{len(found.trial.outfits)} outfits, {len(found.trial.questions)} blanks",
    })  # fmt: skip
    return LearnedOutfits(out, len(found.learned.outfits), figures, found.failed)
