"""Preparing a picture, and the way back for points, boxes and masks."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalens.errors import ImageError, UsageError
from catalens.images.prepare import Fit, Placement, Preprocess, crop, letterbox, resize
from catalens.types import ImageArray

fits = st.sampled_from(get_args(Fit))
sides = st.tuples(st.integers(1, 60), st.integers(1, 60))
share = st.floats(0, 1, width=32)


def flat(size: tuple[int, int], value: int = 100) -> ImageArray:
    return np.full((*size, 3), value, np.uint8)


def noise(size: tuple[int, int]) -> ImageArray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 7), (64, 64), (333, 77)])
@pytest.mark.parametrize("prepared", [(1, 1), (7, 5), (64, 64)])
def test_every_size_is_prepared(fit: Fit, size: tuple[int, int], prepared: tuple[int, int]) -> None:
    array, placement = Preprocess(size=prepared, fit=fit).apply(flat(size))
    assert array.shape == (3, *prepared)
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert (placement.original, placement.prepared) == (size, prepared)


def test_normalised_values_by_hand() -> None:
    image = np.zeros((1, 1, 3), np.uint8)
    image[0, 0] = 0, 51, 255
    spec = Preprocess(size=(1, 1), mean=(0.5, 0.2, 0.5), std=(0.25, 0.5, 0.1))
    np.testing.assert_allclose(spec.apply(image)[0].ravel(), [-2, 0, 5], atol=1e-6)


def test_letterbox_centers_and_pads() -> None:
    placed, placement = letterbox(flat((2, 4)), (4, 4), pad=(1, 2, 3))
    assert placed[1:3].tolist() == flat((2, 4)).tolist()
    assert (placed[[0, 3]] == (1, 2, 3)).all()
    assert placement == Placement((2, 4), (4, 4), (1.0, 1.0), (0.0, 1.0))


def test_crop_fit_keeps_the_middle() -> None:
    image = noise((4, 10))
    placed, placement = Preprocess(size=(4, 4), fit="crop").place(image)
    assert np.array_equal(placed, image[:, 3:7])
    assert placement.to_network_points([[3, 0]]).tolist() == [[0, 0]]


def test_resize_averages_what_shrinks() -> None:
    checkers = np.indices((8, 8)).sum(axis=0) % 2 * 255
    image = np.repeat(checkers[:, :, None], 3, axis=2).astype(np.uint8)
    assert np.abs(resize(image, (4, 4)).astype(int) - 128).max() <= 1
    # Also where the other side grows: no pixel is skipped.
    assert np.abs(resize(image, (16, 4))[4:12].astype(int) - 128).max() <= 1
    assert resize(image, (8, 8)) is image


@pytest.mark.parametrize(
    ("box", "margin", "shape"),
    [
        ([1, 2, 4, 6], 0.0, (4, 3, 3)),
        ([1.5, 2.5, 3.5, 5.5], 0.0, (4, 3, 3)),
        ([-5, -5, 100, 100], 0.0, (8, 9, 3)),
        ([2, 2, 4, 4], 0.5, (4, 4, 3)),
        ([8.9, 7.9, 99, 99], 0.0, (1, 1, 3)),
    ],
)
def test_crop(box: list[float], margin: float, shape: tuple[int, int, int]) -> None:
    image = noise((8, 9))
    cut, placement = crop(image, box, margin=margin)
    assert cut.shape == shape
    x, y = placement.to_original_points([[0.5, 0.5]])[0].astype(int)
    assert np.array_equal(image[y, x], cut[0, 0])


@pytest.mark.parametrize("box", [[3, 3, 3, 5], [5, 5, 2, 2], [20, 20, 30, 30], [-9, -9, -1, -1]])
def test_crop_of_nothing_is_refused(box: list[float]) -> None:
    with pytest.raises(UsageError, match="no pixel"):
        crop(noise((8, 9)), box)


@given(fits, sides, sides, st.lists(st.tuples(share, share, share, share), max_size=6))
@example("letterbox", (1, 4000), (224, 224), [(0.0, 0.0, 1.0, 1.0)])
@example("stretch", (4000, 3000), (224, 224), [(0.1, 0.2, 0.3, 0.4)])
def test_points_and_boxes_come_back(
    fit: Fit, original: tuple[int, int], prepared: tuple[int, int], shares: list[tuple[float, float, float, float]]
) -> None:
    _, placement = Preprocess(size=prepared, fit=fit).place(flat(original))
    height, width = original
    boxes = np.asarray(shares, np.float32).reshape(-1, 4) * np.array([width, height, width, height], np.float32)
    boxes = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)
    np.testing.assert_allclose(placement.to_original_boxes(placement.to_network_boxes(boxes)), boxes, atol=1e-3)
    points = boxes.reshape(-1, 2)
    np.testing.assert_allclose(placement.to_original_points(placement.to_network_points(points)), points, atol=1e-3)


@given(fits, sides, st.integers(1, 4), st.randoms(use_true_random=False))
def test_masks_come_back_from_a_larger_picture(fit: Fit, size: tuple[int, int], times: int, random: Any) -> None:
    mask = np.random.default_rng(random.randrange(2**32)).integers(0, 5, size, np.uint8)
    prepared = (size[0] * times, size[1] * times)
    _, placement = Preprocess(size=prepared, fit=fit).place(flat(size))
    enlarged = placement.to_network_mask(mask)
    assert np.array_equal(enlarged, np.kron(mask, np.ones((times, times), np.uint8)))
    assert np.array_equal(placement.to_original_mask(enlarged), mask)


@given(fits, sides, sides)
@settings(max_examples=50)
def test_a_mask_covers_what_the_picture_covers(fit: Fit, original: tuple[int, int], prepared: tuple[int, int]) -> None:
    placed, placement = Preprocess(size=prepared, fit=fit, pad=(0, 0, 0)).place(flat(original, 255))
    covered = placement.to_network_mask(np.ones(original, bool))
    assert np.array_equal(covered == 1, placed[:, :, 0] == 255)


def test_a_blob_lies_where_its_mask_lies() -> None:
    """The matrix agrees with what the resampling does, to a fraction of a pixel."""
    image = flat((300, 200), 0)
    image[90:150, 30:100] = 255
    for fit in get_args(Fit):
        placed, placement = Preprocess(size=(64, 48), fit=fit, pad=(0, 0, 0)).place(image)
        weights = placed[:, :, 0].astype(np.float64)
        y, x = np.indices(weights.shape) + 0.5
        center = [(weights * x).sum() / weights.sum(), (weights * y).sum() / weights.sum()]
        np.testing.assert_allclose(placement.to_network_points([[65, 120]])[0], center, atol=0.05)


def test_masks_of_another_shape_are_refused() -> None:
    placement = Preprocess(size=(4, 4)).place(flat((2, 2)))[1]
    with pytest.raises(ImageError, match="mask of shape"):
        placement.to_network_mask(np.zeros((3, 3), bool))


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 2, 3)), np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((0, 2, 3), "u1")]
)
def test_other_arrays_are_refused(wrong: Any) -> None:
    for use in (
        Preprocess(size=(4, 4)).apply,
        lambda image: resize(image, (4, 4)),
        lambda image: crop(image, [0, 0, 1, 1]),
    ):
        with pytest.raises(ImageError, match="HxWx3 uint8"):
            use(wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"size": (0, 4)}, {"fit": "squash"}, {"std": (0.0, 1.0, 1.0)}, {"mean": (0.5, 0.5)}, {"pad": (0, 0, 256)}],
)
def test_other_specs_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Preprocess(**{"size": (4, 4), **wrong})
