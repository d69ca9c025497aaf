"""Boxes, masks and maps against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalens import geometry
from catalens.errors import UsageError

NO_BOXES = np.empty((0, 4), np.float32)
Numbers = list[float]
Pair = tuple[float, float]
coordinate = st.floats(-500, 500, width=32, allow_subnormal=False)
side = st.floats(0.5, 400, width=32)
box = st.builds(lambda x, y, w, h: [x, y, x + w, y + h], coordinate, coordinate, side, side)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], []),
        ([0, 0, 1, 1], [1]),
        ([[2, 3, 5, 7], [0, 0, 0, 9], [4, 4, 1, 1]], [12, 0, 0]),
    ],
)
def test_area(boxes: list[Numbers], expected: Numbers) -> None:
    assert geometry.area(boxes).tolist() == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 0, 2, 2], [0, 0, 2, 2], 1),
        ([0, 0, 2, 2], [1, 1, 3, 3], 1 / 7),
        ([0, 0, 2, 2], [2, 0, 4, 2], 0),
        ([0, 0, 4, 4], [1, 1, 3, 3], 4 / 16),
        ([5, 5, 5, 5], [5, 5, 5, 5], 0),
        ([0, 0, 2, 2], [9, 9, 10, 10], 0),
    ],
)
def test_iou(a: Numbers, b: Numbers, expected: float) -> None:
    assert geometry.iou(a, b) == pytest.approx(np.array([[expected]]))


def test_iou_shapes() -> None:
    assert geometry.iou(NO_BOXES, [[0, 0, 1, 1]]).shape == (0, 1)
    assert geometry.iou([[0, 0, 1, 1]] * 3, NO_BOXES).shape == (3, 0)
    assert geometry.iou([[0, 0, 1, 1]] * 3, [[0, 0, 1, 1]] * 2).dtype == np.float32


@given(box, box)
def test_iou_is_symmetric_and_bounded(a: Numbers, b: Numbers) -> None:
    there, back = geometry.iou(a, b)[0, 0], geometry.iou(b, a)[0, 0]
    assert there == pytest.approx(back, abs=1e-6)
    assert 0 <= there <= 1 + 1e-5


@pytest.mark.parametrize("wrong", [[1, 2, 3], [[1, 2]], [[[1, 2, 3, 4]]], [0, 0, np.nan, 1], [0, 0, np.inf, 1]])
def test_boxes_of_another_shape_are_refused(wrong: object) -> None:
    with pytest.raises(UsageError, match="expected"):
        geometry.as_boxes(wrong)  # type: ignore[arg-type]


def test_clip() -> None:
    assert geometry.clip([[-5, -5, 30, 8], [3, 4, 5, 6]], (10, 20)).tolist() == [[0, 0, 20, 8], [3, 4, 5, 6]]
    assert geometry.clip(NO_BOXES, (1, 1)).shape == (0, 4)


def test_nms_keeps_the_best_of_what_overlaps() -> None:
    boxes = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 10, 9]]
    assert geometry.nms(boxes, [0.5, 0.9, 0.1, 0.8], threshold=0.5).tolist() == [1, 2]
    assert geometry.nms(boxes, [0.5, 0.9, 0.1, 0.8], threshold=1.0).tolist() == [1, 3, 0, 2]
    assert geometry.nms(NO_BOXES, []).tolist() == []
    assert geometry.nms([[0, 0, 1, 1]] * 2, [0.5, 0.5]).tolist() == [0]


@given(st.lists(box, max_size=12), st.floats(0, 1))
def test_nms_leaves_no_pair_above_the_threshold(boxes: list[Numbers], threshold: float) -> None:
    scores = np.arange(len(boxes), dtype=np.float32)
    kept = geometry.nms(boxes, scores, threshold=threshold)
    shared = geometry.iou(geometry.as_boxes(boxes)[kept], geometry.as_boxes(boxes)[kept])
    assert (np.triu(shared, 1) <= threshold).all()
    assert (np.diff(scores[kept]) < 0).all()


@pytest.mark.parametrize("block", [1, 64])
def test_nms_keeps_a_pair_whose_overlap_is_the_threshold_itself(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "BLOCK", block)  # pairs are compared within a block, and beyond it
    boxes = [[0, 0, 2, 1], [0, 0, 1, 1], [0, 0, 4, 1]]  # IoU with the first: 1/2 and 1/2; of the others: 1/4
    assert geometry.nms(boxes, [0.9, 0.8, 0.7], threshold=0.5).tolist() == [0, 1, 2]
    assert geometry.nms(boxes, [0.9, 0.8, 0.7], threshold=0.499).tolist() == [0]


def test_nms_refuses_what_does_not_fit() -> None:
    with pytest.raises(UsageError, match="1 boxes and 2 scores"):
        geometry.nms([[0, 0, 1, 1]], [0.1, 0.2])
    with pytest.raises(UsageError, match="threshold"):
        geometry.nms(NO_BOXES, [], threshold=1.5)


def test_mask_to_box() -> None:
    mask = np.zeros((6, 9), np.uint8)
    assert geometry.mask_to_box(mask) is None
    mask[2, 3] = 7
    assert np.array_equal(geometry.mask_to_box(mask), [3, 2, 4, 3])  # type: ignore[arg-type]
    mask[5, 8] = 1
    assert np.array_equal(geometry.mask_to_box(mask), [3, 2, 9, 6])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="HxW"):
        geometry.mask_to_box(np.zeros((2, 2, 1)))


@given(st.integers(0, 7), st.integers(0, 7), st.integers(1, 8), st.integers(1, 8))
def test_a_box_of_whole_pixels_survives_its_mask(x: int, y: int, width: int, height: int) -> None:
    whole = [x, y, x + width, y + height]
    mask = np.zeros((16, 16), bool)
    mask[y : y + height, x : x + width] = True
    found = geometry.mask_to_box(mask)
    assert found is not None
    assert found.tolist() == whole


def test_maps_by_hand() -> None:
    twice = geometry.scale_and_shift((2, 3), (10, -1))
    assert geometry.apply_to_points(twice, [[1, 1], [0, 0]]).tolist() == [[12, 2], [10, -1]]
    quarter_turn = np.array([[0, -1, 0], [1, 0, 0]], np.float64)
    assert geometry.apply_to_boxes(quarter_turn, [[0, 0, 2, 1]]).tolist() == [[-1, 0, 0, 2]]
    assert geometry.apply_to_points(geometry.compose(twice, quarter_turn), [[1, 2]]).tolist() == [[6, 2]]
    with pytest.raises(UsageError, match="inverted"):
        geometry.invert(np.zeros((2, 3)))


@given(st.tuples(side, side), st.tuples(coordinate, coordinate), st.lists(st.tuples(coordinate, coordinate)))
def test_invert_undoes(
    scale: tuple[float, float], shift: tuple[float, float], points: list[tuple[float, float]]
) -> None:
    there = geometry.scale_and_shift(scale, shift)
    both = geometry.compose(geometry.invert(there), there)
    np.testing.assert_allclose(both, [[1, 0, 0], [0, 1, 0]], atol=1e-9)
    np.testing.assert_allclose(
        geometry.apply_to_points(both, points), np.array(points, np.float32).reshape(-1, 2), atol=1e-4
    )


@pytest.mark.parametrize("count", [0, 1, 128, 129, 700])
def test_suppression_in_blocks_keeps_what_one_by_one_keeps(count: int) -> None:
    rng = np.random.default_rng(count)
    corner = rng.uniform(0, 200, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0, 90, (count, 2))], axis=1).astype(np.float32)
    scores = rng.integers(0, 9, count) / 9  # with ties
    left, kept = list(np.argsort(-scores, kind="stable")), []
    while left:
        kept.append(left.pop(0))
        shared = geometry.iou(boxes[kept[-1]], boxes[left])[0]
        left = [row for row, share in zip(left, shared, strict=True) if share <= 0.4]
    assert geometry.nms(boxes, scores, threshold=0.4).tolist() == kept
