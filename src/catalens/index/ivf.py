"""Approximate search over many rows: an inverted file of one bit a component, re-ranked over the 16 bit rows.

The inverted file splits the vectors into lists around k-means centroids (Sivic and Zisserman 2003; Jegou et al. 2011,
"Product quantization for nearest neighbor search", section IV) and keeps each as the signs of its rotated residual
with two correcting factors: RaBitQ (Gao and Long, SIGMOD 2024), as FAISS implements it. That costs D / 8 + 16 bytes a
row. The best of those estimates are scored again over `ShortRows`.

How many lists to probe and how many estimates to score again is measured when the file is trained, on vectors of the
data itself that are held out, once without a filter and once with a filter that passes a tenth at random: the narrower
a filter, the further away are the nearest that pass it. Both measurements are for ten results; ten times as many
results without a filter reach as far as ten results with that one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import faiss
import numpy as np
from numpy.typing import NDArray

from catalens.index.rows import Metric, Selection, ShortRows
from catalens.types import FloatArray, IntArray

_TARGET_RECALL = 0.98
"""Recall@10 to reach on held-out vectors; queries from outside the data find a little less."""

_LEAST_PROBES = 4
"""Below it the measured recall says little about other queries, and there is no time to be saved."""

_HELD_OUT = 128
_TUNED_K = 10
_FACTORS = (4, 8, 16, 32)
"""Estimates scored again per result asked for."""

_POINTS_PER_LIST = 64
"""Training vectors per centroid: FAISS warns below 39 and takes 256 at most; recall is the same from about 50 on."""

_KMEANS_ROUNDS = 10
_QUERY_BITS = 8
"""Bits of a query's component when compared with the signs; with full floats FAISS is 15 times slower."""

_NARROW = 0.3
"""Reach (a filter's share, for ten results) below which search is exact where the lists did not get to the target."""

_ADD_CHUNK = 16_384

# Nanoseconds a component, one thread, AVX-512: to weigh an exact pass over the passing rows against the lists.
_NS_EXACT, _NS_CENTROID, _NS_SIGN = 0.47, 0.1, 0.08
_NS_SKIP = 4.3
"""Nanoseconds to see that a row does not pass."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Lists to probe, estimates to score again per result, and whether that reached the target."""

    probes: int
    factor: int
    enough: bool = True


@dataclass(frozen=True)
class InvertedFile:
    """The lists of all rows, by row number.

    Args:
        index: holds every row of the `ShortRows` beside it, under its number.
        unfiltered: effort for a search over all rows.
        tenth: effort for a filter that passes a tenth of them.
        trained_on: rows that there were when the lists were made.
    """

    index: faiss.IndexIVF
    unfiltered: Effort
    tenth: Effort
    trained_on: int

    @cached_property
    def _shape(self) -> tuple[int, int, int]:
        """Lists, rows, dimensions: to ask FAISS each time takes longer than what is done with them."""
        return self.index.nlist, self.index.ntotal, self.index.d

    @classmethod
    def train(cls, rows: ShortRows, metric: Metric) -> InvertedFile:
        """Make lists for rows (at least one)."""
        dim = rows.codes.shape[1]
        lists = max(1, int(2 * math.sqrt(len(rows.ids))))
        kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
        index = cast("faiss.IndexIVF", faiss.index_factory(dim, f"IVF{lists},RaBitQ", kind))
        index.cp.niter, index.cp.min_points_per_centroid = _KMEANS_ROUNDS, 1
        index.cp.max_points_per_centroid = _POINTS_PER_LIST
        random = np.random.default_rng(0)
        sample = random.choice(len(rows.ids), min(len(rows.ids), _POINTS_PER_LIST * lists), replace=False)
        index.train(rows.vectors(np.sort(sample)))
        _add(index, rows, 0)
        untuned = Effort(lists, _FACTORS[-1])
        return cls(index, untuned, untuned, len(rows.ids))._tuned(rows, metric, random)

    def extended(self, rows: ShortRows) -> InvertedFile:
        """With the rows that came after those it holds; the lists stay, searches that go on see the old ones."""
        index = cast("faiss.IndexIVF", faiss.clone_index(self.index))
        _add(index, rows, index.ntotal)
        return replace(self, index=index)

    def search(
        self, queries: FloatArray, rows: ShortRows, *, k: int, passing: IntArray | None, metric: Metric
    ) -> list[tuple[FloatArray, IntArray]]:
        """Up to k (scores, ids) for each of the queries (Q, D), best first.

        Args:
            queries: (Q, D) float32.
            rows: those that the lists were made of.
            k: at least 1.
            passing: ids that may be found, in any order; None for all.
            metric: that it was trained with.
        """
        some = _selection(rows, passing)
        allowed = len(rows.ids) if some is None else len(some.rows)
        reach = allowed / len(rows.ids) * min(1.0, _TUNED_K / k)
        effort = self._effort(reach)
        if some is not None and passing is not None and self._exact_is_better(allowed, reach, effort, k):
            return [rows.search(query, some.rows, k=k, metric=metric) for query in queries]
        estimated = self._candidates(queries, effort, k=k, some=some)
        found = [
            rows.search(query, one if one[-1] >= 0 else one[one >= 0], k=k, metric=metric)
            for query, one in zip(queries, estimated, strict=True)
        ]
        for number, (scores, _) in enumerate(found):
            if len(scores) < min(k, allowed):  # the lists near the query hold too few that pass
                rest = rows.whole.rows if some is None else some.rows
                found[number] = rows.search(queries[number], rest, k=k, metric=metric)
        return found

    def _candidates(self, queries: FloatArray, effort: Effort, *, k: int, some: Selection | None) -> IntArray:
        """Row numbers (Q, about k * factor) with the best estimates, -1 where there are fewer."""
        parameters = faiss.IVFRaBitQSearchParameters()
        parameters.nprobe, parameters.qb = effort.probes, _QUERY_BITS
        if some is not None:
            parameters.sel = some.selector
        wanted = min(max(k, _TUNED_K) * effort.factor, self._shape[1])
        found: IntArray = self.index.search(queries, wanted, params=parameters)[1]
        return found

    def _effort(self, reach: float) -> Effort:
        """Effort for finding the nearest `_TUNED_K / reach` vectors: k and the filter's share come to the same.

        Between the two measured efforts it goes by the logarithm; beyond them, so that as many passing rows are seen.
        """
        if reach >= 1:
            return self.unfiltered
        narrow = min(1.0, -math.log10(max(reach, 0.1)))
        probes = self.unfiltered.probes * (self.tenth.probes / self.unfiltered.probes) ** narrow
        factor = self.unfiltered.factor * (self.tenth.factor / self.unfiltered.factor) ** narrow
        beyond = max(1.0, 0.1 / max(reach, 1e-9))
        return Effort(math.ceil(min(self._shape[0], probes * beyond)), math.ceil(factor))

    def _exact_is_better(self, allowed: int, reach: float, effort: Effort, k: int) -> bool:
        if reach <= _NARROW and not self.tenth.enough:
            return True
        lists, total, dim = self._shape
        exact = allowed * dim * _NS_EXACT
        centroids = lists * dim * _NS_CENTROID
        scanned = total * effort.probes / lists * (_NS_SKIP + allowed / total * dim * _NS_SIGN)
        return exact <= centroids + scanned + k * effort.factor * dim * _NS_EXACT

    # Measuring the effort

    def _tuned(self, rows: ShortRows, metric: Metric, random: np.random.Generator) -> InvertedFile:
        held_out = np.sort(random.choice(len(rows.ids), min(_HELD_OUT, len(rows.ids)), replace=False))
        queries = rows.vectors(held_out)
        others = np.ones(len(rows.ids), np.bool_)
        others[held_out] = False
        tenth = others & (random.random(len(others)) < 0.1)
        unfiltered = self._least_effort(queries, rows, others, metric, start=min(_LEAST_PROBES, self.index.nlist))
        return replace(
            self,
            unfiltered=unfiltered,
            tenth=self._least_effort(queries, rows, tenth, metric, start=unfiltered.probes),
        )

    def _least_effort(
        self, queries: FloatArray, rows: ShortRows, passing: NDArray[np.bool_], metric: Metric, *, start: int
    ) -> Effort:
        """Double the probes until the target is met, then score as few again as keeps it met."""
        allowed = np.flatnonzero(passing)
        if len(allowed) == 0:
            return Effort(self.index.nlist, _FACTORS[-1], enough=False)
        truth = [rows.search(query, allowed, k=_TUNED_K, metric=metric)[1] for query in queries]
        some = Selection.of(allowed, len(passing))

        def recall(effort: Effort) -> float:
            estimated = self._candidates(queries, effort, k=_TUNED_K, some=some)
            found = [
                rows.search(q, c[c >= 0], k=_TUNED_K, metric=metric)[1] for q, c in zip(queries, estimated, strict=True)
            ]
            return float(np.mean([np.isin(true, seen).mean() for true, seen in zip(truth, found, strict=True)]))

        probes = start
        while probes < self.index.nlist and recall(Effort(probes, _FACTORS[-1])) < _TARGET_RECALL:
            probes = min(2 * probes, self.index.nlist)
        for factor in _FACTORS:
            if recall(Effort(probes, factor)) >= _TARGET_RECALL:
                return Effort(probes, factor)
        return Effort(probes, _FACTORS[-1], enough=False)


def _add(index: faiss.IndexIVF, rows: ShortRows, start: int) -> None:
    for at in range(start, len(rows.ids), _ADD_CHUNK):
        index.add(rows.vectors(slice(at, at + _ADD_CHUNK)))


def _selection(rows: ShortRows, passing: IntArray | None) -> Selection | None:
    """Rows that may be found; None where all may."""
    if passing is not None:
        return rows.selections.get(passing)
    return None if rows.living == len(rows.ids) else rows.whole
