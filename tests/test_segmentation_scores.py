"""Figures of segmentations against ones worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from catalens.evaluation.segmentation import confusion, segmentation_scores

NAMES = ("background", "top", "shoes")


def test_no_photos() -> None:
    scores = segmentation_scores([], NAMES)
    assert scores.accuracy.n == 0
    assert scores.iou == {}


def test_by_hand() -> None:
    wanted = np.array([[0, 0, 1, 1], [0, 0, 1, 2], [255, 0, 2, 2]], np.uint8)
    found = np.array([[0, 1, 1, 1], [0, 0, 0, 2], [1, 0, 2, 1]], np.uint8)
    counts = confusion(wanted, found, classes=3)
    assert counts.tolist() == [[4, 1, 0], [1, 2, 0], [0, 1, 2]]
    scores = segmentation_scores([counts, counts], NAMES)
    assert scores.accuracy.value == pytest.approx(8 / 11)
    assert scores.iou["background"].value == pytest.approx(4 / 6)
    assert scores.iou["top"].value == pytest.approx(2 / 5)
    assert scores.iou["shoes"].value == pytest.approx(2 / 3)
    assert scores.largest.value == pytest.approx((4 / 6 + 2 / 5 + 2 / 3) / 3)
    assert scores.foreground.value == pytest.approx(5 / 7)
    assert scores.accuracy.n == 2
    assert scores.accuracy.low == scores.accuracy.high  # both photos are alike
    assert "IoU" in scores.to_dict()


def test_a_class_that_never_occurs_is_left_out() -> None:
    counts = confusion(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), classes=3)
    assert set(segmentation_scores([counts], NAMES).iou) == {"background"}
