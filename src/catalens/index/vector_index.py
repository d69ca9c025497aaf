"""The vector index: nearest vectors by cosine or Euclidean distance, with filters. Derived from the store, rebuildable.

Up to `exact_below` vectors everything is compared with everything, in float32. From there on an inverted file
(`index_ivf`) holds what there was when it was trained, and a short tail of newer vectors is searched exactly beside it
until the next `add` folds it in. Per vector the memory is:

    exact, and the tail    4 D + 8 bytes
    inverted file          2 D + D / 8 + 28 bytes, of which 2 D can lie in a mapped file (`index_file`)

and 4 bytes for each id between the lowest and the highest once a search has had a filter.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from catalens.errors import UsageError
from catalens.index.ivf import InvertedFile
from catalens.index.rows import FloatRows, Metric, ShortRows, best
from catalens.types import FloatArray, IntArray

EXACT_BELOW = 20_000
"""Vectors up to which all are compared: 20,000 x 256 float32 are 20 MB, 2 ms at the speed of one core's memory."""

_TAIL_ROWS, _TAIL_SHARE = 2_000, 0.02
"""The tail is folded in beyond this many vectors, or this share of the trained ones where that is more."""

_RETRAIN_GROWTH, _RETRAIN_REMOVED = 4, 0.25
"""Lists are made anew when there are so many times the vectors that they were made for, or this share is removed."""


@dataclass(frozen=True)
class Trained:
    """Rows and the lists over them."""

    rows: ShortRows
    lists: InvertedFile


@dataclass(frozen=True)
class Snapshot:
    """All that a search looks at; never changed, only replaced."""

    tail: FloatRows
    trained: Trained | None = None

    def __len__(self) -> int:
        return self.tail.living + (0 if self.trained is None else self.trained.rows.living)


class VectorIndex:
    """Vectors by id, searched by similarity. Any number of threads may search while one adds or removes.

    Args:
        dim: length of the vectors, D.
        metric: "cosine" (scores are cosine similarities, -1..1) or "euclidean" (scores are negated distances).
        exact_below: number of vectors up to which search is exact.

    Raises:
        UsageError: dim is not positive, or the metric is not known.
    """

    def __init__(self, dim: int, *, metric: Metric = "cosine", exact_below: int = EXACT_BELOW) -> None:
        if dim < 1:
            raise UsageError(f"expected a dimension of at least 1, got {dim}", cure="give the length of the vectors")
        if metric not in ("cosine", "euclidean"):
            raise UsageError(f"expected cosine or euclidean as metric, got {metric!r}", cure="choose one of them")
        self.dim = dim
        self.metric: Metric = metric
        self._exact_below = exact_below
        self._lock = threading.Lock()
        self._snapshot = Snapshot(FloatRows.empty(dim))

    def __len__(self) -> int:
        return len(self._snapshot)

    def __repr__(self) -> str:
        how = "exact" if self.is_exact else "inverted file"
        return f"VectorIndex({len(self):,} x {self.dim}, {self.metric}, {how})"

    @property
    def is_exact(self) -> bool:
        """Whether every search compares with every vector."""
        return self._snapshot.trained is None

    @property
    def snapshot(self) -> Snapshot:
        """What a search would look at now."""
        return self._snapshot

    def add(self, ids: ArrayLike, vectors: ArrayLike) -> None:
        """Add vectors; they are found from now on. An id that is there already gets the new vector.

        Args:
            ids: (N,) integers, distinct, not negative.
            vectors: (N, D) finite numbers; for "cosine" of any length, one of zeros is similar to nothing (0).

        Raises:
            UsageError: another shape or type, a repeated or negative id, a number that is not finite.
        """
        checked_ids, checked = self._checked_ids(ids), self._checked(vectors, name="vectors")
        if len(checked_ids) != len(checked):
            raise UsageError(f"expected as many ids as vectors, got {len(checked_ids)} and {len(checked)}", cure=_PAIRS)
        if len(np.unique(checked_ids)) < len(checked_ids):
            raise UsageError("expected distinct ids, got one of them twice", cure="give every vector an id of its own")
        with self._lock:
            now = _without(self._snapshot, checked_ids)
            if len(now.tail.ids) > now.tail.living:
                now = replace(now, tail=now.tail.compact())
            self._snapshot = self._folded(replace(now, tail=now.tail.append(checked_ids, checked)))

    def remove(self, ids: ArrayLike) -> int:
        """Remove vectors; they are not found any more. Returns how many there were; unknown ids are passed over."""
        checked = self._checked_ids(ids)
        with self._lock:
            before = len(self._snapshot)
            self._snapshot = _without(self._snapshot, checked)
            return before - len(self._snapshot)

    def train(self) -> None:
        """Make the lists anew from all vectors, where there are enough of them for lists to be of use."""
        with self._lock:
            if len(self._snapshot) >= self._exact_below:
                self._snapshot = self._trained(self._snapshot)

    def fold(self) -> Snapshot:
        """Take the tail into the inverted file, where there is one, and return what search looks at then."""
        with self._lock:
            if self._snapshot.trained is not None and len(self._snapshot.tail.ids):
                self._snapshot = _folded_in(self._snapshot, self._snapshot.trained)
            return self._snapshot

    def adopt(self, trained: Trained) -> None:
        """Start from rows and lists that were read from a file. The index must be empty."""
        with self._lock:
            if len(self._snapshot):
                raise UsageError(f"expected an empty index, got {self!r}", cure="make a new one")
            self._snapshot = Snapshot(FloatRows.empty(self.dim), trained)

    def search(self, queries: ArrayLike, *, k: int, passing: IntArray | None = None) -> tuple[FloatArray, IntArray]:
        """Find the nearest vectors of each query, best first; equal scores by ascending id.

        Args:
            queries: (Q, D).
            k: results for each query, not negative; there may be fewer.
            passing: ids that may be found, in any order; None for all. Unknown ids are passed over.

        Returns:
            scores (Q, k) float32, higher is better, -inf where there is nothing; ids (Q, k), -1 where nothing.

        Raises:
            UsageError: queries of another shape, or k is negative.
        """
        checked = self._checked(queries, name="queries")
        if k < 0:
            raise UsageError(f"expected k of at least 0, got {k}", cure="ask for at least one result")
        now = self._snapshot
        wanted = min(k, len(now))
        found = self._found(now, checked, wanted, passing) if wanted else []
        if len(found) == 1 and len(found[0][1]) == k:
            return found[0][0][None], found[0][1][None]
        scores = np.full((len(checked), k), -np.inf, np.float32)
        ids = np.full((len(checked), k), -1, np.int64)
        for row, (found_scores, found_ids) in enumerate(found):
            scores[row, : len(found_ids)], ids[row, : len(found_ids)] = found_scores, found_ids
        return scores, ids

    def _found(
        self, now: Snapshot, queries: FloatArray, k: int, passing: IntArray | None
    ) -> list[tuple[FloatArray, IntArray]]:
        if passing is not None:
            passing = np.asarray(passing, dtype=np.int64)
        if now.trained is None:
            return [now.tail.search(query, k=k, passing=passing, metric=self.metric) for query in queries]
        old = now.trained.lists.search(queries, now.trained.rows, k=k, passing=passing, metric=self.metric)
        if len(now.tail.ids) == 0:
            return old
        new = [now.tail.search(query, k=k, passing=passing, metric=self.metric) for query in queries]
        return [
            best(np.concatenate([one[0], two[0]]), np.concatenate([one[1], two[1]]), k)
            for one, two in zip(old, new, strict=True)
        ]

    # Training

    def _folded(self, now: Snapshot) -> Snapshot:
        if now.trained is None:
            return now if len(now) < self._exact_below else self._trained(now)
        rows, lists = now.trained.rows, now.trained.lists
        outgrown = len(now) >= _RETRAIN_GROWTH * lists.trained_on
        if outgrown or rows.living < (1 - _RETRAIN_REMOVED) * len(rows.ids):
            return self._trained(now)
        if now.tail.living > max(_TAIL_ROWS, _TAIL_SHARE * len(rows.ids)):
            return _folded_in(now, now.trained)
        return now

    def _trained(self, now: Snapshot) -> Snapshot:
        rows = _short(now.tail)
        if now.trained is not None:
            rows = now.trained.rows.compact().joined(rows)
        return Snapshot(FloatRows.empty(self.dim), Trained(rows, InvertedFile.train(rows, self.metric)))

    # Input

    def _checked(self, vectors: ArrayLike, *, name: str) -> FloatArray:
        checked = np.ascontiguousarray(vectors, dtype=np.float32)
        if checked.ndim != 2 or checked.shape[1] != self.dim:
            raise UsageError(
                f"expected {name} of shape (N, {self.dim}), got {checked.shape}",
                cure=f"give rows of {self.dim} numbers",
            )
        squares = np.einsum("nd,nd->n", checked, checked)
        if not np.isfinite(squares).all():
            raise UsageError(
                f"expected finite numbers below 1e19 in {name}, got nan or larger ones", cure="leave such vectors out"
            )
        return checked if self.metric == "euclidean" else _unit(checked, np.sqrt(squares))

    def _checked_ids(self, ids: ArrayLike) -> IntArray:
        checked = np.asarray(ids)
        if checked.size == 0:
            return np.empty(0, np.int64)
        if checked.ndim != 1 or checked.dtype.kind not in "iu" or checked.min() < 0:
            raise UsageError("expected ids as a row of integers from 0 on", cure=_PAIRS)
        return checked.astype(np.int64)


_PAIRS = "give one id of 0 or more for each vector"


def _unit(vectors: FloatArray, lengths: FloatArray) -> FloatArray:
    if len(lengths) and not lengths.all():
        lengths = np.where(lengths > 0, lengths, np.float32(1))
    return vectors / lengths[:, None]


def _without(now: Snapshot, ids: IntArray) -> Snapshot:
    trained = now.trained
    if trained is not None and len(trained.rows.finder.find(ids)):
        trained = replace(trained, rows=trained.rows.without(ids))
    tail = now.tail.without(ids) if len(now.tail.finder.find(ids)) else now.tail
    return Snapshot(tail, trained)


def _short(tail: FloatRows) -> ShortRows:
    kept = tail.compact()
    return ShortRows.of(kept.ids, kept.buffer)


def _folded_in(now: Snapshot, trained: Trained) -> Snapshot:
    rows = trained.rows.joined(_short(now.tail))
    return Snapshot(FloatRows.empty(now.tail.buffer.shape[1]), Trained(rows, trained.lists.extended(rows)))
