"""Enhancing: less noise, no cast, more contrast; a good photo stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import cv2
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from catalens.errors import ImageError, UsageError
from catalens.images.enhance import (
    BalanceMethod,
    DenoiseMethod,
    contrast,
    denoise,
    enhance,
    noise_sigma,
    sharpen,
    white_balance,
)

RNG = np.random.default_rng(0)


def scene() -> np.ndarray:
    """Soft shapes on a gradient: something that noise shows on."""
    y, x = np.mgrid[:160, :200]
    base = np.dstack([60 + x * 0.6, 90 + y * 0.6, 150 - x * 0.3]).astype(np.uint8)
    cv2.circle(base, (100, 80), 50, (200, 60, 50), -1)
    cv2.rectangle(base, (20, 100), (70, 140), (40, 160, 80), -1)
    return base


def noisy(sigma: float) -> np.ndarray:
    return np.clip(scene() + RNG.normal(size=scene().shape) * sigma, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [0.0, 8.0, 15.0, 25.0])
def test_the_noise_is_estimated(sigma: float) -> None:
    assert noise_sigma(noisy(sigma)) == pytest.approx(sigma, rel=0.25, abs=1.5)


@pytest.mark.parametrize(("method", "gain"), [("dct", 9.0), ("nlm", 5.0), ("bilateral", 5.0)])
@pytest.mark.parametrize("sigma", [15.0, 25.0])
def test_denoising_gains(method: str, gain: float, sigma: float) -> None:
    before, after = noisy(sigma), denoise(noisy(sigma), method=method)  # type: ignore[arg-type]
    better = peak_signal_noise_ratio(scene(), after) - peak_signal_noise_ratio(scene(), before)
    assert better > gain


def test_a_picture_without_noise_is_left_alone() -> None:
    np.testing.assert_array_equal(denoise(scene()), scene())
    assert noise_sigma(np.full((50, 50, 3), 255, np.uint8)) == 0


def test_noise_that_white_and_black_cut_off_is_estimated_from_the_rest() -> None:
    picture = np.full((160, 160, 3), 255, np.uint8)
    picture[:80] = 0
    picture[40:120, 40:120] = 128
    noise = np.clip(np.rint(picture + RNG.normal(size=picture.shape) * 20), 0, 255).astype(np.uint8)
    assert noise_sigma(noise) == pytest.approx(20, rel=0.15)


@pytest.mark.parametrize("method", get_args(DenoiseMethod))
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (3, 3), (7, 50), (33, 17), (257, 65)])
def test_pictures_of_every_size(method: DenoiseMethod, size: tuple[int, int]) -> None:
    grey = np.full((*size, 3), 77, np.uint8)
    np.testing.assert_allclose(denoise(grey, method=method, sigma=20).astype(int), grey, atol=1)
    assert enhance(grey).shape == grey.shape


def test_bands_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    before = noisy(15)
    whole = denoise(before, sigma=15)
    monkeypatch.setattr("catalens.images.denoise._BAND", 700)
    np.testing.assert_allclose(denoise(before, sigma=15).astype(int), whole, atol=1)


def test_the_color_of_a_large_product_is_no_cast() -> None:
    picture = np.full((60, 60, 3), (200, 20, 30), np.uint8)
    picture[:, :12] = 120  # a neutral wall
    np.testing.assert_array_equal(white_balance(picture), picture)
    red = np.full((60, 60, 3), (200, 20, 30), np.uint8)
    np.testing.assert_array_equal(white_balance(red), red)
    # All that changes is the contrast and the edge between the two.
    before, after = (p[:, [5, 40]].reshape(-1, 3).astype(int) for p in (picture, enhance(picture)))
    hue = [np.ptp(colors - colors.mean(axis=1, keepdims=True), axis=0) for colors in (before, after)]
    np.testing.assert_allclose(hue[1], hue[0], rtol=0.12)


@pytest.mark.parametrize("method", get_args(BalanceMethod))
def test_a_cast_goes_away(method: str) -> None:
    grey = np.linspace(30, 240, 64).astype(np.uint8)[None, :, None].repeat(32, 0).repeat(3, 2)
    cast = np.clip(grey * np.array([1.0, 0.9, 0.82]), 0, 255).astype(np.uint8)
    spread = white_balance(cast, method=method).astype(int)  # type: ignore[arg-type]
    assert np.abs(spread[:, :, 0] - spread[:, :, 2]).mean() < 3
    assert np.abs(cast[:, :, 0].astype(int) - cast[:, :, 2]).mean() > 20


def test_contrast_spreads_the_lightness_and_sharpening_the_edges() -> None:
    dull = (scene() // 4 + 100).astype(np.uint8)
    assert contrast(dull).std() > dull.std()
    soft = cv2.GaussianBlur(scene(), (0, 0), 2)
    edges = [cv2.Laplacian(picture, cv2.CV_32F).var() for picture in (soft, sharpen(soft))]
    assert edges[1] > 1.2 * edges[0]
    flat = np.full((9, 9, 3), 77, np.uint8)
    np.testing.assert_array_equal(sharpen(flat), flat)


def test_white_stays_white_and_clean_stays_nearly_as_it_is() -> None:
    picture = np.full((120, 120, 3), 255, np.uint8)
    picture[30:90, 30:90] = scene()[:60, :60]
    result = enhance(picture)
    assert (result[:20] == 255).all()
    assert np.abs(result.astype(int) - picture).mean() < 8
    assert enhance(np.zeros((1, 1, 3), np.uint8)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: denoise(a, method="magic"),  # type: ignore[arg-type]
        lambda a: denoise(a, sigma=-1),
        lambda a: white_balance(a, method="magic"),  # type: ignore[arg-type]
        lambda a: contrast(a, clip_limit=0),
        lambda a: sharpen(a, radius=0),
        lambda a: sharpen(a, amount=-1),
        lambda a: enhance(a, lift=1.5),
        lambda a: enhance(a, balance=-0.1),
        lambda a: enhance(a, sigma=300),
    ],
)
def test_options_that_do_not_fit(call: object) -> None:
    with pytest.raises(UsageError):
        call(scene())  # type: ignore[operator]


@pytest.mark.parametrize("use", [denoise, noise_sigma, white_balance, contrast, sharpen, enhance])
@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_other_arrays_are_refused(use: Callable[[np.ndarray], object], wrong: np.ndarray) -> None:
    with pytest.raises(ImageError, match="HxWx3 uint8"):
        use(wrong)


def test_nothing_is_changed_where_nothing_is_asked_for() -> None:
    before = noisy(15)
    np.testing.assert_array_equal(enhance(before, sigma=0, balance=0, lift=0, sharpness=0), before)
    np.testing.assert_array_equal(sharpen(before, amount=0), before)


def test_contrast_leaves_the_color_alone() -> None:
    before, after = (cv2.cvtColor(p, cv2.COLOR_RGB2LAB).astype(int) for p in (scene(), contrast(scene())))
    assert np.abs(before[:, :, 1:] - after[:, :, 1:]).mean() < 2


def test_sharpening_keeps_to_its_threshold() -> None:
    step = np.full((20, 20, 3), 100, np.uint8)
    step[:, 10:] = 104
    np.testing.assert_array_equal(sharpen(step, threshold=4), step)
    assert np.ptp(sharpen(step, threshold=0).astype(int)) > 4
