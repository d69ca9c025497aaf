"""Similarity of vectors: cosine or Euclidean, exact."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.types import FloatArray

Metric = Literal["cosine", "euclidean"]


def similarity(queries: FloatArray, vectors: FloatArray, *, metric: Metric = "cosine") -> FloatArray:
    """(Q, D) and (N, D) -> (Q, N) float32, higher is more alike.

    Args:
        queries: what is asked with.
        vectors: what is compared.
        metric: "cosine" in -1..1, 0 for a zero row; or "euclidean", the negated distance.

    Raises:
        UsageError: shapes that do not fit, or another metric.
    """
    if queries.ndim != 2 or vectors.ndim != 2 or queries.shape[1] != vectors.shape[1]:
        raise UsageError(
            f"expected (Q, D) and (N, D) and got {queries.shape} and {vectors.shape}", cure="give rows of one length"
        )
    left, right = queries.astype(np.float64), vectors.astype(np.float64)
    if metric == "cosine":
        return np.asarray(_unit_rows(left) @ _unit_rows(right).T, np.float32)
    if metric == "euclidean":
        squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
        return np.asarray(-np.sqrt(np.maximum(squared, 0)), np.float32)
    raise UsageError(f"metric is {metric!r}", cure="take cosine or euclidean")


def _unit_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float64)
