"""Mattes against pictures whose alpha and colors are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from catalens.errors import ImageError
from catalens.images.matting import composite, foreground_colors, refine_alpha
from catalens.types import FloatArray, ImageArray
from recipes.matting_scores import boundary_f, iou, mean_error, s_measure


def disk(size: int = 200, radius: float = 60, *, soft: float = 1.5) -> FloatArray:
    y, x = np.mgrid[0:size, 0:size] - size / 2 + 0.5
    return np.asarray(np.clip((radius - np.hypot(x, y)) / soft + 0.5, 0, 1), np.float32)


def flat(color: tuple[int, int, int], size: int = 200) -> ImageArray:
    return np.full((size, size, 3), color, np.uint8)


def test_a_coarse_alpha_follows_the_edge() -> None:
    wanted = disk()
    image = composite(flat((200, 30, 30)), wanted, flat((240, 240, 235)))
    coarse = cv2.resize(cv2.resize(wanted, (50, 50), interpolation=cv2.INTER_AREA), (200, 200))
    shifted = np.roll(coarse, 3, axis=1)
    fine = refine_alpha(image, shifted, reach=8)
    assert mean_error(wanted, fine) < 0.35 * mean_error(wanted, shifted)
    assert iou(wanted, fine) > 0.98


def test_large_pictures_are_refined_too() -> None:
    wanted = disk(1800, 500)
    image = composite(flat((20, 90, 30), 1800), wanted, flat((240, 240, 235), 1800))
    fine = refine_alpha(image, cv2.resize(cv2.resize(wanted, (90, 90)), (1800, 1800)), reach=30)
    assert fine.shape == (1800, 1800)
    assert iou(wanted, fine) > 0.98


@pytest.mark.parametrize("background", [(255, 255, 255), (20, 160, 40), (0, 0, 0)], ids=["white", "green", "black"])
def test_colors_at_the_edge_are_the_products_own(background: tuple[int, int, int]) -> None:
    alpha, color = disk(soft=6), flat((200, 30, 90))
    image = composite(color, alpha, flat(background))
    found = foreground_colors(image, alpha)
    edge = (alpha > 0.05) & (alpha < 0.95)
    before, after = (np.abs(color[edge] - colors[edge].astype(np.float64)).mean() for colors in (image, found))
    assert before > 30
    assert after < 0.15 * before


@pytest.mark.parametrize("alpha", [np.zeros((200, 200), np.float32), np.ones((200, 200), np.float32)], ids=["0", "1"])
def test_all_or_nothing_is_no_trouble(alpha: FloatArray) -> None:
    image = flat((9, 99, 199))
    assert (composite(foreground_colors(image, alpha), alpha, image) == image).all()
    assert np.isfinite(refine_alpha(image, alpha, reach=4)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1), (2, 2), (3, 700)], ids=str)
def test_pictures_of_any_shape(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for alpha in (np.zeros(size, np.float32), np.full(size, 0.5, np.float32), np.ones(size, np.float32)):
        assert np.isfinite(refine_alpha(image, alpha, reach=6)).all()
        assert foreground_colors(image, alpha).shape == image.shape
        wanted = np.round(image * alpha[..., None] + 255 * (1 - alpha[..., None]))
        assert (composite(image, alpha, np.full_like(image, 255)) == wanted).all()


def test_an_alpha_of_another_size_is_refused() -> None:
    with pytest.raises(ImageError, match="expected an alpha"):
        refine_alpha(flat((0, 0, 0)), np.zeros((10, 10), np.float32), reach=3)
    with pytest.raises(ImageError, match="expected an alpha"):
        foreground_colors(flat((0, 0, 0)), np.zeros((10, 10), np.float32))
    with pytest.raises(ImageError, match="expected an alpha"):
        composite(flat((0, 0, 0)), np.zeros((10, 10), np.float32), flat((0, 0, 0)))


def test_measures_of_the_same_and_of_nothing() -> None:
    wanted = disk()
    assert iou(wanted, wanted) == boundary_f(wanted, wanted) == 1
    assert mean_error(wanted, wanted) == 0
    assert s_measure((wanted > 0.5).astype(np.float32), (wanted > 0.5).astype(np.float32)) > 0.99
    nothing = np.zeros_like(wanted)
    assert iou(wanted, nothing) == boundary_f(wanted, nothing) == 0
    assert s_measure(wanted, nothing) < 0.5
    assert iou(nothing, nothing) == boundary_f(nothing, nothing) == s_measure(nothing, nothing) == 1


def test_measures_get_worse_with_the_shift() -> None:
    wanted = disk()
    shifted = [np.roll(wanted, by, axis=0) for by in (2, 10, 40)]
    for measure in (iou, s_measure, boundary_f):
        values = [measure(wanted, found) for found in shifted]
        assert values == sorted(values, reverse=True), measure
    # Two half overlapping squares of equal size: a third of what either covers.
    a, b = np.zeros((4, 8), np.float32), np.zeros((4, 8), np.float32)
    a[:, :4], b[:, 2:6] = 1, 1
    assert iou(a, b) == pytest.approx(1 / 3)
    assert mean_error(a, b) == pytest.approx(0.5)
