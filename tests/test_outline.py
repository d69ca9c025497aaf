"""How far outlines are trusted: a network that agrees with itself, and one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from catalens.images.prepare import Preprocess
from catalens.tasks.outline import EVIDENCE, TRUSTED, evidence, outline_confidence, separate_products
from catalens.types import FloatArray, ImageArray


class Network:
    """Finds what is red; a fickle one only in the left half of what it is shown, an unsure one hardly."""

    identity, dim, is_fixed, preprocess = "red", 1, False, Preprocess(size=(128, 128), fit="letterbox")

    def __init__(self, *, fickle: bool = False, height: float = 8.0) -> None:
        self._fickle, self._height = fickle, height

    def __call__(self, x: FloatArray) -> FloatArray:
        found = np.where(x[:, :1] - x[:, 1:2] > 0.5, self._height, -self._height).astype(np.float32)
        if self._fickle:
            found[..., found.shape[-1] // 2 :] = -8
        return found


def picture(*boxes: tuple[int, int, int, int]) -> tuple[ImageArray, FloatArray]:
    """Red boxes (xyxy) on white, 120x160, and their mask."""
    image, mask = np.full((120, 160, 3), 255, np.uint8), np.zeros((120, 160), np.float32)
    for left, top, right, bottom in boxes:
        image[top:bottom, left:right], mask[top:bottom, left:right] = (220, 20, 20), 1
    return image, mask


@pytest.mark.parametrize(
    ("network", "share", "trusted"),
    [
        (Network(), 0.0, False),  # nothing was found
        (Network(), 1.0, True),
        (Network(fickle=True), 1.0, False),
        (Network(height=0.6), 0.6, False),  # neither product nor background
    ],
    ids=["empty", "certain", "fickle", "unsure"],
)
def test_an_outline_is_trusted_where_the_network_agrees_with_itself(
    network: Network, share: float, trusted: bool
) -> None:
    image, mask = picture((40, 30, 120, 90))
    found = outline_confidence(network, image, mask * np.float32(share))  # type: ignore[arg-type]
    assert 0 <= found <= 1
    assert (found >= TRUSTED) == trusted


def test_evidence_is_in_0_to_1_and_a_leak_lowers_it() -> None:
    image, mask = picture((40, 30, 120, 90))
    leak = mask.copy()
    leak[:, :40] = 1
    whole, leaked = (
        dict(zip(EVIDENCE, evidence(Network(), image, one), strict=True))  # type: ignore[arg-type]
        for one in (mask, leak)
    )
    assert all(0 <= value <= 1 for value in (*whole.values(), *leaked.values()))
    assert leaked["inside"] < whole["inside"] == 1
    assert leaked["network"] < whole["network"]


@pytest.mark.parametrize(
    ("boxes", "count"),
    [
        ((), 0),
        (((10, 10, 60, 60),), 1),
        (((10, 10, 60, 60), (80, 10, 130, 60)), 2),
        (((10, 10, 60, 60), (80, 10, 84, 14)), 1),  # a speck is no product
    ],
)
def test_separate_products_are_counted(boxes: tuple[tuple[int, int, int, int], ...], count: int) -> None:
    assert separate_products(picture(*boxes)[1]) == count
