"""Class-agnostic box proposals: from the region proposal network, or by selective search."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import numpy as np

from catalens.errors import UsageError
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image
from catalens.models.device import AUTO
from catalens.models.zoo import resolve
from catalens.tasks.selective_search import selective_search
from catalens.tasks.two_stage import TwoStageDetector
from catalens.types import FloatArray, ImageArray

Way: TypeAlias = Literal["rpn", "selective-search"]

SEARCHED = 300
"""Height that selective search works at, in pixels."""
LEAST_SIDE = 8
"""Boxes narrower than this, at that height, are left out."""


class Proposer(Protocol):
    """Proposes boxes on pictures."""

    def __call__(self, image: ImageArray) -> FloatArray:
        """HWC uint8 -> (K, 4) float32 xyxy in pixels, the most promising first."""
        ...


class RegionProposals:
    """The first stage of the bundled detector."""

    def __init__(self, detector: TwoStageDetector) -> None:
        self._detector = detector

    def __call__(self, image: ImageArray) -> FloatArray:
        return self._detector.proposals(image)[0]


class SelectiveSearch:
    """Segments that are merged by likeness, at no more than `SEARCHED` rows."""

    def __call__(self, image: ImageArray) -> FloatArray:
        height, width = image.shape[:2]
        scale = min(1.0, SEARCHED / height, 4 * SEARCHED / width)
        small = resize(image, (max(2, round(height * scale)), max(2, round(width * scale))))
        boxes = selective_search(small)
        boxes = boxes[(boxes[:, 2:] - boxes[:, :2] >= LEAST_SIDE).all(1)]
        return np.asarray(boxes * np.array([width / small.shape[1], height / small.shape[0]] * 2), np.float32)


def proposer(
    way: Way = "rpn",
    *,
    model: str | None = None,
    threads: int | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Proposer:
    """One of the two ways.

    Raises:
        UsageError: there is no such way.
        NotFoundError, ModelError: the detector cannot be found or used.
    """
    if way == "rpn":
        card = resolve(model, task="detect", forms=("card",)).own_card()
        return RegionProposals(TwoStageDetector(card, threads=threads, device=device, dtype=dtype))
    if way == "selective-search":
        return SelectiveSearch()
    raise UsageError(f"no way of proposing boxes is called {way!r}", cure="take rpn or selective-search")


def propose(
    image: ImageLike,
    *,
    way: Way = "rpn",
    model: str | None = None,
    count: int = 100,
    device: str = AUTO,
    dtype: str = AUTO,
) -> FloatArray:
    """(K, 4) boxes of a picture that may show a thing, the most promising first, at most `count`.

    Raises:
        ImageError: the picture cannot be read.
        UsageError: another way, or a count below 1.
        NotFoundError, ModelError: the detector of "rpn" cannot be found or used.
    """
    if count < 1:
        raise UsageError(f"count is {count}", cure="ask for one box or more")
    return proposer(way, model=model, device=device, dtype=dtype)(read_image(image))[:count]
