"""Weighted boxes fusion: values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from catalens.tasks.fusion import fused
from catalens.types import Detections

A, NEAR, FAR = (0.0, 0.0, 10.0, 10.0), (0.0, 0.0, 10.0, 8.0), (50.0, 50.0, 60.0, 60.0)
Found = tuple[str, float, tuple[float, ...]]


def seen(*found: Found) -> Detections:
    boxes = np.array([box for _, _, box in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score, _ in found], np.float32)
    return Detections(boxes, scores, tuple(name for name, _, _ in found), (100, 100))


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(), ()], []),
        ([(("top", 0.8, A),), ()], [("top", 0.4, A)]),  # of two looks one has seen it
        ([(("top", 0.8, A),), (("top", 0.4, NEAR),)], [("top", 0.6, (0, 0, 10, 28 / 3))]),  # 10 * 2/3 + 8 * 1/3
        ([(("top", 0.8, A),), (("bag", 0.4, A),)], [("top", 0.4, A), ("bag", 0.2, A)]),
        ([(("top", 0.8, A), ("top", 0.6, NEAR)), ()], [("top", 0.4, A), ("top", 0.3, NEAR)]),  # one look, two things
        ([(("bag", 0.5, FAR),), (("bag", 0.7, FAR), ("bag", 0.2, A))], [("bag", 0.6, FAR), ("bag", 0.1, A)]),
    ],
)
def test_by_hand(looks: list[tuple[Found, ...]], expected: list[Found]) -> None:
    found = fused([seen(*one) for one in looks])
    assert found.labels == tuple(name for name, _, _ in expected)
    np.testing.assert_allclose(found.scores, [score for _, score, _ in expected], atol=1e-6)
    np.testing.assert_allclose(found.boxes, np.array([box for _, _, box in expected]).reshape(-1, 4), atol=1e-5)
