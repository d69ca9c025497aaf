"""Metrics of alpha mattes: IoU, mean absolute error, S-measure, boundary F."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray

Mask = NDArray[np.bool_]


def iou(wanted: FloatArray, found: FloatArray) -> float:
    """IoU of two alphas at a threshold of 0.5; 1 where both are empty."""
    a, b = wanted > 0.5, found > 0.5
    either = int((a | b).sum())
    return float((a & b).sum() / either) if either else 1.0


def mean_error(wanted: FloatArray, found: FloatArray) -> float:
    """Mean absolute difference, 0..1."""
    return float(np.abs(wanted - found).mean())


def boundary_f(wanted: FloatArray, found: FloatArray, *, within: float = 0.0075) -> float:
    """Boundary F-measure: outline pixels count as right near the other outline (DAVIS, Perazzi et al. 2016).

    Args:
        within: how near, as a share of the picture's diagonal.
    """
    a, b = _outline(wanted > 0.5), _outline(found > 0.5)
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    reach = max(1, round(within * float(np.hypot(*wanted.shape))))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    precision = float((b & (cv2.dilate(a.astype(np.uint8), disk) > 0)).sum() / b.sum())
    recall = float((a & (cv2.dilate(b.astype(np.uint8), disk) > 0)).sum() / a.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _outline(mask: Mask) -> Mask:
    solid = mask.astype(np.uint8)
    return np.asarray((cv2.dilate(solid, np.ones((3, 3), np.uint8)) != solid), np.bool_)


def s_measure(wanted: FloatArray, found: FloatArray) -> float:
    """Structure measure (Fan et al. 2017, section 3): half of it object-aware, half region-aware; 0..1."""
    truth = wanted > 0.5
    share = float(truth.mean())
    if share in (0.0, 1.0):
        return float(1 - found.mean() if share == 0 else found.mean())
    by_object = share * _object_score(found[truth]) + (1 - share) * _object_score(1 - found[~truth])
    return max(0.0, 0.5 * by_object + 0.5 * _region_score(truth, found))


def _object_score(values: FloatArray) -> float:
    mean = float(values.mean())
    return 2 * mean / (mean * mean + 1 + float(values.std()) + 1e-8)


def _region_score(truth: Mask, found: FloatArray) -> float:
    """Similarity of the four quarters around the truth's center, by their areas."""
    rows, columns = np.nonzero(truth)
    y = int(np.clip(round(float(rows.mean())) + 1, 1, truth.shape[0] - 1))
    x = int(np.clip(round(float(columns.mean())) + 1, 1, truth.shape[1] - 1))
    total = 0.0
    for down in (slice(None, y), slice(y, None)):
        for across in (slice(None, x), slice(x, None)):
            quarter = truth[down, across]
            total += quarter.size / truth.size * _similarity(quarter.astype(np.float64), found[down, across])
    return total


def _similarity(truth: NDArray[np.float64], found: FloatArray) -> float:
    """Structural similarity of a region, without constants (equation 5)."""
    x, y = float(found.mean()), float(truth.mean())
    count = max(truth.size - 1, 1)
    var_x, var_y = float(((found - x) ** 2).sum() / count), float(((truth - y) ** 2).sum() / count)
    both = float(((found - x) * (truth - y)).sum() / count)
    above = 4 * x * y * both
    below = (x * x + y * y) * (var_x + var_y)
    if above:
        return above / (below + 1e-12)
    return 1.0 if below == 0 else 0.0
