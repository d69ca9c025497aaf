"""Saliency maps of any network by perturbation (occlusion, RISE), and their faithfulness (deletion, insertion).

A score is a function of pictures; the network itself is a black box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.types import FloatArray, ImageArray

ScoreOf: TypeAlias = Callable[[Sequence[ImageArray]], NDArray[np.floating]]
"""N pictures HWC uint8 -> (N,) scores of the explained label."""

BATCH = 32


def occlusion(image: ImageArray, score: ScoreOf, *, window: float = 0.25, step: float = 0.125) -> FloatArray:
    """Occlusion map: drop of the score under a sliding blurred window (Zeiler and Fergus 2014, 4.2).

    Args:
        window, step: sides of the window and of its steps, shares of the picture's sides, 0..1.

    Returns:
        (H, W) 0..1.

    Raises:
        UsageError: a window or a step out of range.
    """
    if not 0 < step <= window <= 1:
        raise UsageError(f"window {window} and step {step}", cure="give shares with 0 < step <= window <= 1")
    height, width = image.shape[:2]
    high, wide = max(1, round(window * height)), max(1, round(window * width))
    blurred = blank(image)
    tops = _starts(height, high, max(1, round(step * height)))
    places = [(top, left) for top in tops for left in _starts(width, wide, max(1, round(step * width)))]
    whole = float(score([image])[0])
    lost, covered = np.zeros((height, width)), np.zeros((height, width))
    for start in range(0, len(places), BATCH):
        chunk = places[start : start + BATCH]
        values = score([_covered(image, blurred, top, left, high, wide) for top, left in chunk])
        for (top, left), value in zip(chunk, values, strict=True):
            lost[top : top + high, left : left + wide] += whole - float(value)
            covered[top : top + high, left : left + wide] += 1
    smooth = cv2.GaussianBlur(lost / covered, (0, 0), max(0.5, step * max(height, width) / 2))
    return _scaled(np.asarray(smooth, np.float64))


def rise(
    image: ImageArray, score: ScoreOf, *, masks: int = 400, cells: int = 7, keep: float = 0.5, seed: int = 0
) -> FloatArray:
    """Show random parts of the picture; a place is worth the mean score of the views that show it (RISE, Petsiuk et al.
    2018, section 3).

    Args:
        masks: how many views. cells: of the coarse random grid, a side. keep: chance of a cell to be shown.

    Returns:
        (H, W) 0..1.
    """
    if masks < 1 or cells < 1 or not 0 < keep < 1:
        raise UsageError(
            f"{masks} masks of {cells} cells, {keep} shown", cure="give positive numbers, and keep in 0..1"
        )
    rng = np.random.default_rng(seed)
    height, width = image.shape[:2]
    blurred = blank(image).astype(np.float32)
    total, weight = np.zeros((height, width)), np.zeros((height, width))
    for start in range(0, masks, BATCH):
        shown = [_random_mask(rng, (height, width), cells, keep) for _ in range(min(BATCH, masks - start))]
        views = [(image * mask[..., None] + blurred * (1 - mask[..., None])).astype(np.uint8) for mask in shown]
        for mask, value in zip(shown, score(views), strict=True):
            total += mask * float(value)
            weight += mask
    return _scaled(total / np.maximum(weight, 1e-6))


@dataclass(frozen=True)
class Faithfulness:
    """Deletion and insertion scores of a saliency map: areas under the score curves, 0..1 where the score is.

    Args:
        deletion: while the hottest places are taken away first; low is good.
        insertion: while they are put in first; high is good.
        random_deletion, random_insertion: the same in random order.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float

    def to_dict(self) -> dict[str, float]:
        return {
            "deletion": round(self.deletion, 4),
            "insertion": round(self.insertion, 4),
            "random_deletion": round(self.random_deletion, 4),
            "random_insertion": round(self.random_insertion, 4),
        }


def faithfulness(
    image: ImageArray, heat: FloatArray, score: ScoreOf, *, steps: int = 16, cells: int = 16, seed: int = 0
) -> Faithfulness:
    """Deletion and insertion (Petsiuk et al. 2018, 4.3), of cells of a grid, for a map and for a random order."""
    grid = cv2.resize(heat, (cells, cells), interpolation=cv2.INTER_AREA).ravel()
    orders = [np.argsort(-grid, kind="stable"), np.random.default_rng(seed).permutation(cells * cells)]
    blurred = blank(image)
    means = []
    for order in orders:
        taken = [_shown(image, order[: round(share * len(order))], cells) for share in np.linspace(0, 1, steps)]
        means.append((float(np.mean(score([_mixed(blurred, image, mask) for mask in taken]))),
                      float(np.mean(score([_mixed(image, blurred, mask) for mask in taken])))))  # fmt: skip
    (deletion, insertion), (random_deletion, random_insertion) = means
    return Faithfulness(deletion, insertion, random_deletion, random_insertion)


def blank(image: ImageArray) -> ImageArray:
    """Strongly blurred picture: hides a part without adding an edge."""
    sigma = 0.12 * max(image.shape[:2])
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _starts(length: int, window: int, step: int) -> list[int]:
    return sorted({*range(0, length - window + 1, step), length - window})


def _covered(image: ImageArray, blurred: ImageArray, top: int, left: int, high: int, wide: int) -> ImageArray:
    view = image.copy()
    view[top : top + high, left : left + wide] = blurred[top : top + high, left : left + wide]
    return view


def _random_mask(rng: np.random.Generator, size: tuple[int, int], cells: int, keep: float) -> FloatArray:
    """A coarse random grid, enlarged smoothly and shifted by a part of a cell."""
    height, width = size
    grid = (rng.random((cells + 1, cells + 1)) < keep).astype(np.float32)
    high, wide = -(-height // cells), -(-width // cells)
    large = cv2.resize(grid, ((cells + 1) * wide, (cells + 1) * high), interpolation=cv2.INTER_LINEAR)
    top, left = int(rng.integers(high)), int(rng.integers(wide))
    return np.asarray(large[top : top + height, left : left + width], np.float32)


def _shown(image: ImageArray, chosen: NDArray[np.int64], cells: int) -> FloatArray:
    mask = np.zeros(cells * cells, np.float32)
    mask[chosen] = 1
    height, width = image.shape[:2]
    large = cv2.resize(mask.reshape(cells, cells), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large, np.float32)


def _mixed(first: ImageArray, second: ImageArray, mask: FloatArray) -> ImageArray:
    """The first picture where the mask is 1, the second elsewhere."""
    return np.where(mask[..., None] > 0.5, first, second)


def _scaled(values: NDArray[np.float64]) -> FloatArray:
    """Min-max scaled to 0..1; all 0 for a constant."""
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) / (high - low) if high > low else np.zeros_like(values), np.float32)
