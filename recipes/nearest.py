"""1-NN accuracy: whether the nearest picture has the right label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray


def nearest_is_correct(
    queries: FloatArray,
    wanted: Sequence[str],
    gallery: FloatArray,
    labels: Sequence[str],
    *,
    left_out: Sequence[int] | None = None,
) -> NDArray[np.bool_]:
    """(Q,) whether the nearest gallery picture of each query has its label (1-NN accuracy, R@1).

    Args:
        queries: (Q, D) unit length; wanted: (Q,) their labels.
        gallery: (G, D) unit length; labels: (G,) theirs.
        left_out: (Q,) the gallery row of each query itself, which does not count; -1 where it is not in the gallery.
    """
    right = np.zeros(len(queries), np.bool_)
    for start in range(0, len(queries), 512):
        scores = queries[start : start + 512] @ gallery.T
        if left_out is not None:
            for row, own in enumerate(left_out[start : start + 512]):
                if own >= 0:
                    scores[row, own] = -np.inf
        nearest = scores.argmax(axis=1)
        right[start : start + 512] = [labels[j] == wanted[start + i] for i, j in enumerate(nearest)]
    return right
