"""How far an outline can be trusted: does the network say the same of the mirrored photo and of a smaller product?"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.features.foreground import border_uniformity
from catalens.images.prepare import resize
from catalens.models.runtimes.base import DenseNetwork
from catalens.tasks.segment import canvas_for, logits_of, uncovered
from catalens.types import FloatArray, ImageArray

WORKING = 320
"""Longer side at which outlines are compared, in pixels."""
SMALLER = 0.2
"""Share of each side by which the photo is padded for the second scale."""
UNSURE = 0.1, 0.9
"""Alpha between which a pixel is neither product nor background."""
EVIDENCE = ("mirrored", "smaller", "network", "sure", "sharp", "inside", "solid", "plain")
"""What `evidence` returns, each in 0..1, larger where the outline is more likely right."""
WEIGHTS, BIAS = (1.05, 2.76, 1.71, 2.89, 3.73, 0.06, 0.31, 0.73), -10.65
"""Logistic regression of "IoU with the true mask is at least 0.9" (`python benchmarks/cutout.py --confidence`)."""
TRUSTED = 0.5
"""Confidence below which an outline is doubtful: of 78 views of held-out goods, 8 of the 9 below are wrong, and 12 of
the 69 above.
"""
LARGE = 0.15
"""Share of an outline that each of several products covers at least."""


def outline_confidence(network: DenseNetwork, image: ImageArray, alpha: FloatArray) -> float:
    """Probability, 0..1, that an outline has an IoU of 0.9 or more with the product.

    Args:
        network: that says where the product is, one map of logits.
        image: HWC uint8; alpha: HxW in 0..1, the outline that was made of it.

    Returns:
        0 where the outline holds nothing.
    """
    if not (alpha > UNSURE[0]).any():
        return 0.0
    odds = float(evidence(network, image, alpha) @ np.asarray(WEIGHTS)) + BIAS
    return float(1 / (1 + np.exp(-odds)))


def evidence(network: DenseNetwork, image: ImageArray, alpha: FloatArray) -> NDArray[np.float64]:
    """The evidence for an outline, in the order of `EVIDENCE`."""
    height, width = image.shape[:2]
    scale = min(1.0, WORKING / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small, outline = (
        resize(image, size),
        np.asarray(cv2.resize(alpha, size[::-1], interpolation=cv2.INTER_AREA), np.float32),
    )
    seen, mirrored = _both_ways(network, small)
    guess = np.asarray((seen + mirrored) / 2, np.float32)
    smaller = _smaller(network, small)
    product = outline > 0.5
    bounds = np.concatenate([product[0], product[-1], product[:, 0], product[:, -1]])
    filled = np.zeros(size, np.uint8)
    outlines, _ = cv2.findContours(product.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return np.array(
        [
            _overlap(seen > 0.5, mirrored > 0.5),
            _overlap(guess > 0.5, smaller > 0.5),
            _overlap(product, guess > 0.5),
            1 - min(_unsure(guess), _unsure(smaller)),  # a product that fills the photo is seen better with a margin
            1 - _unsure(outline),
            1 - bounds.mean(),
            product.sum() / max(int(filled.sum()), 1),
            border_uniformity(small),
        ]
    )


def separate_products(alpha: FloatArray) -> int:
    """Number of parts of an outline, HxW in 0..1, that each cover `LARGE` of it: several products, or one in parts."""
    areas = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    return int((areas >= LARGE * areas.sum()).sum()) if len(areas) else 0


def _both_ways(network: DenseNetwork, image: ImageArray) -> tuple[FloatArray, FloatArray]:
    """HxW in 0..1 of the picture as it is, and of the mirrored one, mirrored back."""
    spec = network.preprocess if network.is_fixed else canvas_for(network.preprocess, image.shape[:2])
    x, placement = spec.apply(image)
    turned, turned_placement = spec.apply(np.ascontiguousarray(image[:, ::-1]))
    seen = uncovered(network(x[None])[0], placement, image.shape[:2])[0]
    mirrored = uncovered(network(turned[None])[0], turned_placement, image.shape[:2])[0]
    return _sigmoid(seen), _sigmoid(mirrored[:, ::-1])


def _smaller(network: DenseNetwork, image: ImageArray) -> FloatArray:
    """HxW in 0..1 of the same picture within a margin that continues its border."""
    height, width = image.shape[:2]
    y, x = round(SMALLER * height), round(SMALLER * width)
    padded = np.asarray(cv2.copyMakeBorder(image, y, y, x, x, cv2.BORDER_REPLICATE), np.uint8)
    return _sigmoid(logits_of(network, padded, padded.shape[:2])[0][y : y + height, x : x + width])


def _sigmoid(logits: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """IoU; 0 where both are empty: nothing found twice is no agreement about a product."""
    return float((one & other).sum() / max(int((one | other).sum()), 1))


def _unsure(alpha: FloatArray) -> float:
    """Share of the product's pixels that are neither product nor background."""
    found = alpha > UNSURE[0]
    return float((found & (alpha < UNSURE[1])).sum() / max(int(found.sum()), 1))
