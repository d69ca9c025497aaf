"""Exact region contributions: an embedding is the mean of its regions, so linear scores decompose over them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from catalens.errors import ModelError
from catalens.images.prepare import Preprocess
from catalens.tasks.embed import Encoder
from catalens.types import FloatArray, ImageArray


@dataclass(frozen=True)
class Regions:
    """Region vectors of a picture that was padded to a square on white.

    Args:
        vectors: (h, w, D); their mean has the direction of the picture's vector.
        size: of the picture, (height, width) in pixels.
    """

    vectors: FloatArray
    size: tuple[int, int]

    @property
    def length(self) -> float:
        """Length of the mean vector."""
        return float(np.linalg.norm(self.vectors.mean((0, 1))))

    def heat(self, shares: FloatArray) -> FloatArray:
        """Heatmap (H, W), 0..1, from (h, w) contributions; negative ones become 0."""
        side = max(self.size)
        large = cv2.resize(np.maximum(shares, 0), (side, side), interpolation=cv2.INTER_CUBIC)
        top, left = (side - self.size[0]) // 2, (side - self.size[1]) // 2
        inside = np.maximum(large[top : top + self.size[0], left : left + self.size[1]], 0)
        return np.asarray(inside / max(float(inside.max()), 1e-9), np.float32)

    def box(self, row: int, column: int) -> FloatArray:
        """Box of a region, (4,) xyxy in pixels, clipped to the picture."""
        side, (height, width) = max(self.size), self.size
        rows, columns = self.vectors.shape[:2]
        top, left = (side - height) // 2, (side - width) // 2
        x0, y0 = column * side / columns - left, row * side / rows - top
        box = [x0, y0, x0 + side / columns, y0 + side / rows]
        return np.clip(np.array(box, np.float32), 0, np.array([width, height, width, height], np.float32))


def describe_regions(image: ImageArray, encoder: Encoder) -> Regions:
    """Encode the regions of a picture.

    Raises:
        ModelError: the encoder describes whole pictures only.
    """
    if not encoder.has_regions:
        raise ModelError(f"{encoder.name} describes whole pictures only", cure="use occlusion or rise")
    side = max(image.shape[:2])
    square, _ = Preprocess(size=(side, side), fit="letterbox", pad=(255, 255, 255)).place(image)
    return Regions(encoder.encode_regions([square])[0], (image.shape[0], image.shape[1]))


def score_contributions(regions: Regions, weights: FloatArray) -> FloatArray:
    """(h, w) what each region adds to weights (D,) times the unit vector; they sum to that score, bias left out.

    This is CAM (Zhou et al. 2016) for a head on a vector of unit length.
    """
    count = regions.vectors.shape[0] * regions.vectors.shape[1]
    return np.asarray(regions.vectors @ weights / (count * max(regions.length, 1e-9)), np.float32)


def cosine_contributions(query: Regions, product: Regions) -> FloatArray:
    """Contribution (h, w, h', w') of each pair of regions to the cosine of two pictures; they sum to it."""
    scale = max(query.length * product.length, 1e-9)
    pairs = np.einsum("ijd,kld->ijkl", query.vectors, product.vectors)
    count = np.prod(query.vectors.shape[:2]) * np.prod(product.vectors.shape[:2])
    return np.asarray(pairs / (count * scale), np.float32)
