"""Rows of vectors with their ids: exact float32 (`FloatRows`) and 16 bit (`ShortRows`), scored against one query.

Both are values: `append` and `without` return new ones, so a search that has begun goes on over the rows it began with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, IntArray

Metric = Literal["cosine", "euclidean"]

_CHUNK = 256
"""Rows scored at a time: a block of 256 x 256 float32 stays in the second-level cache."""

_FEW = 1024
"""Scores that are sorted whole, which is faster than to look for the k-th of them first."""

_GROWTH = 65_536
"""Rows by which a buffer grows at most beyond what is asked for."""

_KEPT_SELECTIONS = 8

_SPARSE = 16
"""Ids per row beyond which a table over the span of ids would cost more than a sorted search saves."""


def score(vectors: FloatArray, query: FloatArray, metric: Metric) -> FloatArray:
    """Scores (N,) of vectors (N, D) for one query (D,): cosine of unit vectors, or the negated Euclidean distance."""
    if metric == "cosine":
        cosine: FloatArray = vectors @ query
        return cosine
    difference = vectors - query
    distance: FloatArray = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    return -distance


def best(scores: FloatArray, ids: IntArray, k: int) -> tuple[FloatArray, IntArray]:
    """Return the k highest scores with their ids, best first; equal scores by ascending id."""
    if len(scores) > max(k, _FEW) and k > 0:
        kept = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
        scores, ids = scores[kept], ids[kept]
    order = np.lexsort((ids, -scores))[:k]
    return scores[order], ids[order]


@dataclass(frozen=True)
class RowFinder:
    """Finds the rows of ids. Ids (N,) are distinct, in any order, but for -1, which is no id."""

    ids: IntArray

    @cached_property
    def _known(self) -> IntArray:
        """Rows that have an id, by ascending id."""
        rows = np.flatnonzero(self.ids >= 0)
        return rows[np.argsort(self.ids[rows])]

    @cached_property
    def _lowest(self) -> int:
        return int(self.ids[self._known[0]])

    @cached_property
    def _table(self) -> NDArray[np.int32] | None:
        """Row by id from the lowest id on, where ids lie close enough together; 4 bytes for each id of the span."""
        ids = self.ids[self._known]
        if ids[-1] - ids[0] >= _SPARSE * len(ids) + 1024:
            return None
        table = np.full(ids[-1] - ids[0] + 1, -1, dtype=np.int32)
        table[ids - ids[0]] = self._known
        return table

    def find(self, wanted: IntArray) -> IntArray:
        """Rows (M,) of those of the wanted ids that are there: distinct, in ascending order."""
        if len(self._known) == 0 or len(wanted) == 0:
            return np.empty(0, dtype=np.int64)
        rows = self._by_search(wanted) if self._table is None else self._by_table(wanted, self._table)
        if (rows[1:] > rows[:-1]).all():
            return rows
        wanted_rows = np.zeros(len(self.ids), np.bool_)  # faster than to sort them, unless they are very few
        wanted_rows[rows] = True
        return np.flatnonzero(wanted_rows)

    def _by_table(self, wanted: IntArray, table: NDArray[np.int32]) -> IntArray:
        places = wanted - self._lowest
        if places.min() < 0 or places.max() >= len(table):
            places = places[(places >= 0) & (places < len(table))]
        rows = table[places].astype(np.int64)
        return rows if len(rows) == 0 or rows.min() >= 0 else rows[rows >= 0]

    def _by_search(self, wanted: IntArray) -> IntArray:
        ids = self.ids[self._known]
        places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
        found: IntArray = self._known[places[ids[places] == wanted]]
        return found


@dataclass(frozen=True)
class Selection:
    """Rows that may be found.

    Args:
        rows: their numbers (M,), ascending.
        bits: one bit for each row there is, lowest first.
    """

    rows: IntArray
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, rows: IntArray, count: int) -> Selection:
        allowed = np.zeros(count, np.bool_)
        allowed[rows] = True
        return cls(rows, np.packbits(allowed, bitorder="little"))

    @cached_property
    def selector(self) -> faiss.IDSelectorBitmap:
        """The bits as FAISS takes them; it reads them from here, so they must be kept as long."""
        return faiss.IDSelectorBitmap(len(self.bits), faiss.swig_ptr(self.bits))


class SelectionCache:
    """Turns passing ids into selections of some rows, and keeps the last few: filters come again and again.

    They are recognised by their content, which for 10,000 ids takes a tenth of the time of making one; where nobody may
    write into the ids, by being the same array.
    """

    def __init__(self, finder: RowFinder) -> None:
        self._finder = finder
        self._kept: tuple[tuple[IntArray, Selection], ...] = ()

    def get(self, passing: IntArray) -> Selection:
        """Return the selection for ids (M,), in any order."""
        for ids, selection in self._kept:
            if ids is passing or (len(ids) == len(passing) and (ids == passing).all()):
                return selection
        made = Selection.of(self._finder.find(passing), len(self._finder.ids))
        # One assignment: another thread sees the old ones or the new ones, and may at worst make one twice.
        fixed = passing.flags.owndata and not passing.flags.writeable
        self._kept = ((passing if fixed else passing.copy(), made), *self._kept[: _KEPT_SELECTIONS - 1])
        return made


@dataclass(frozen=True)
class FloatRows:
    """Exact rows, searched one by one: 4 D + 8 bytes each.

    Args:
        buffer: (capacity, D) float32, of which the first N rows count; the later ones may be another value's.
        ids: (N,), -1 where the row was removed.
    """

    buffer: FloatArray
    ids: IntArray

    @classmethod
    def empty(cls, dim: int) -> FloatRows:
        return cls(np.empty((0, dim), np.float32), np.empty(0, np.int64))

    @cached_property
    def living(self) -> int:
        """Rows that are not removed."""
        return int(np.count_nonzero(self.ids >= 0))

    @cached_property
    def finder(self) -> RowFinder:
        return RowFinder(self.ids)

    def compact(self) -> FloatRows:
        """Return the rows that are not removed, in a buffer of their own."""
        alive = self.ids >= 0
        return FloatRows(self.buffer[: len(self.ids)][alive], self.ids[alive])

    def append(self, ids: IntArray, vectors: FloatArray) -> FloatRows:
        """With rows at the end. Only the newest value may be appended to: it owns the rest of the buffer."""
        count, total = len(self.ids), len(self.ids) + len(ids)
        buffer = self.buffer
        if total > len(buffer):
            capacity = max(total, min(2 * count, count + _GROWTH))
            buffer = np.empty((capacity, buffer.shape[1]), np.float32)
            buffer[:count] = self.buffer[:count]
        buffer[count:total] = vectors
        return FloatRows(buffer, np.concatenate([self.ids, ids]))

    def without(self, ids: IntArray) -> FloatRows:
        """With rows of these ids removed; where more than half are gone, the rest is copied together."""
        rows = FloatRows(self.buffer, _erased(self.ids, self.finder.find(ids)))
        return rows if rows.living > len(rows.ids) // 2 else rows.compact()

    def search(
        self, query: FloatArray, *, k: int, passing: IntArray | None, metric: Metric
    ) -> tuple[FloatArray, IntArray]:
        """Up to k (scores, ids) for one query (D,), best first."""
        if passing is None and self.living == len(self.ids):
            return best(score(self.buffer[: len(self.ids)], query, metric), self.ids, k)
        rows = np.flatnonzero(self.ids >= 0) if passing is None else self.finder.find(passing)
        scores = np.empty(len(rows), np.float32)
        for at in range(0, len(rows), _CHUNK):
            scores[at : at + _CHUNK] = score(self.buffer[rows[at : at + _CHUNK]], query, metric)
        return best(scores, self.ids[rows], k)


@dataclass(frozen=True)
class ShortRows:
    """Rows as 16 bit integers with one scale each: 2 D + 12 bytes a row, of which 2 D may lie in a mapped file.

    A component is `code * scale`, the scale being a 32,767th of the row's largest: rounding moves the cosine of two
    unit vectors of 256 components by about 1e-5, less than float16 would.

    Args:
        codes: (N, D) int16.
        scales: (N,) float32.
        ids: (N,), -1 where the row was removed.
    """

    codes: NDArray[np.int16]
    scales: FloatArray
    ids: IntArray

    @classmethod
    def of(cls, ids: IntArray, vectors: FloatArray) -> ShortRows:
        largest = np.abs(vectors).max(axis=1, initial=0.0)
        scales = np.where(largest > 0, largest / np.float32(32_767), np.float32(1)).astype(np.float32)
        codes = np.empty(vectors.shape, np.int16)
        for at in range(0, len(codes), _CHUNK):
            part = slice(at, at + _CHUNK)
            codes[part] = np.rint(vectors[part] / scales[part, None])
        return cls(codes, scales, ids)

    @cached_property
    def living(self) -> int:
        """Rows that are not removed."""
        return int(np.count_nonzero(self.ids >= 0))

    @cached_property
    def finder(self) -> RowFinder:
        return RowFinder(self.ids)

    @cached_property
    def selections(self) -> SelectionCache:
        return SelectionCache(self.finder)

    @cached_property
    def whole(self) -> Selection:
        """All rows that are not removed."""
        return Selection.of(np.flatnonzero(self.ids >= 0), len(self.ids))

    def vectors(self, rows: IntArray | slice) -> FloatArray:
        """Decode rows: (M, D) float32."""
        return np.multiply(self.codes[rows], self.scales[rows, None], dtype=np.float32)

    def joined(self, other: ShortRows) -> ShortRows:
        """Return these rows and then those of `other`; removed ones stay where they are."""
        return ShortRows(
            np.concatenate([self.codes, other.codes]),
            np.concatenate([self.scales, other.scales]),
            np.concatenate([self.ids, other.ids]),
        )

    def without(self, ids: IntArray) -> ShortRows:
        return replace(self, ids=_erased(self.ids, self.finder.find(ids)))

    def compact(self) -> ShortRows:
        """Return the rows that are not removed."""
        alive = self.ids >= 0
        return self if alive.all() else ShortRows(self.codes[alive], self.scales[alive], self.ids[alive])

    def search(self, query: FloatArray, rows: IntArray, *, k: int, metric: Metric) -> tuple[FloatArray, IntArray]:
        """Up to k (scores, ids) of some rows (M,) for one query (D,), best first."""
        parts = [rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK)]
        scores = [self._score(part, query, metric) for part in parts]
        return best(scores[0] if len(scores) == 1 else np.concatenate([_NOTHING, *scores]), self.ids[rows], k)

    def _score(self, rows: IntArray, query: FloatArray, metric: Metric) -> FloatArray:
        if metric == "euclidean":
            return score(self.vectors(rows), query, metric)
        # The scale is applied to the score: that is D times less to do.
        cosine: FloatArray = (self.codes[rows].astype(np.float32) @ query) * self.scales[rows]
        return cosine


_NOTHING = np.empty(0, np.float32)


def _erased(ids: IntArray, rows: IntArray) -> IntArray:
    ids = ids.copy()
    ids[rows] = -1
    return ids
