"""Retrieval metrics: both forms of recall, precision, mAP, MRR, nDCG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean

CUTOFFS = (1, 5, 10)


@dataclass(frozen=True)
class RetrievalFigures:
    """Metrics over Q queries.

    Two recalls stand side by side, for they differ where a query has several right answers: `hit` asks whether one of
    them is among the first k (what shop papers call recall), `recall` which share of them is.
    """

    hit: Mapping[int, Estimate]
    recall: Mapping[int, Estimate]
    precision: Mapping[int, Estimate]
    mean_average_precision: Estimate
    mean_reciprocal_rank: Estimate
    ndcg10: Estimate

    def to_dict(self) -> dict[str, object]:
        return {name: estimate.to_dict() for name, estimate in self.named().items()}

    def named(self) -> dict[str, Estimate]:
        """All metrics by name."""
        found = {f"hit@{k}": value for k, value in self.hit.items()}
        found |= {f"recall@{k}": value for k, value in self.recall.items()}
        found |= {f"precision@{k}": value for k, value in self.precision.items()}
        beside = {"mAP": self.mean_average_precision, "MRR": self.mean_reciprocal_rank, "nDCG@10": self.ndcg10}
        return found | beside


def retrieval_figures(
    found: Sequence[Sequence[str]],
    wanted: Sequence[AbstractSet[str]],
    *,
    groups: Sequence[str] | None = None,
    cutoffs: Sequence[int] = CUTOFFS,
    seed: int = 0,
) -> RetrievalFigures:
    """Compare ranked answers with the relevant ones.

    Args:
        found: for each query the ids found, best first, each once; the query itself left out by the caller.
        wanted: for each query the ids that are right, at least one.
        groups: for each query what it belongs to, such as its product: those of one group are drawn together for the
            intervals, for they are not independent.

    Raises:
        UsageError: no queries, or one without a right answer.
    """
    if not wanted or not all(wanted) or len(found) != len(wanted):
        raise UsageError("each query needs at least one right answer, and there has to be one", cure="check the truth")
    rows = [_query(list(ids), right, cutoffs) for ids, right in zip(found, wanted, strict=True)]

    def figure(name: str) -> Estimate:
        return bootstrap_mean([row[name] for row in rows], groups=groups, seed=seed)

    return RetrievalFigures(
        hit={k: figure(f"hit@{k}") for k in cutoffs},
        recall={k: figure(f"recall@{k}") for k in cutoffs},
        precision={k: figure(f"precision@{k}") for k in cutoffs},
        mean_average_precision=figure("mAP"),
        mean_reciprocal_rank=figure("MRR"),
        ndcg10=figure("nDCG@10"),
    )


def _query(found: list[str], wanted: AbstractSet[str], cutoffs: Sequence[int]) -> dict[str, float]:
    """Metrics of one query (Manning, Raghavan, Schuetze 2008, chapter 8; gains of nDCG are 0 or 1)."""
    right = np.array([one in wanted for one in found], np.float64)
    hits = np.cumsum(right)
    ranks = np.arange(1, len(right) + 1)
    figures: dict[str, float] = {}
    for k in cutoffs:
        of_first = float(right[:k].sum())
        figures[f"hit@{k}"] = float(of_first > 0)
        figures[f"recall@{k}"] = of_first / len(wanted)
        figures[f"precision@{k}"] = of_first / k
    figures["mAP"] = float((hits / ranks * right).sum() / len(wanted)) if len(right) else 0.0
    figures["MRR"] = float(1 / ranks[right > 0][0]) if right.any() else 0.0
    discounts = 1 / np.log2(np.arange(2, 12))
    gained = float((right[:10] * discounts[: len(right[:10])]).sum())
    figures["nDCG@10"] = gained / float(discounts[: min(10, len(wanted))].sum())
    return figures
