"""Enhancing: less noise, no cast, more contrast; a good photo stays as it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from catalens.errors import UsageError
from catalens.images.enhance import contrast, denoise, enhance, noise_sigma, sharpen, white_balance

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


@pytest.mark.parametrize(("method", "gain"), [("nlm", 5.0), ("bilateral", 3.0)])
@pytest.mark.parametrize("sigma", [15.0, 25.0])
def test_denoising_gains(method: str, gain: float, sigma: float) -> None:
    before, after = noisy(sigma), denoise(noisy(sigma), method=method)  # type: ignore[arg-type]
    better = peak_signal_noise_ratio(scene(), after) - peak_signal_noise_ratio(scene(), before)
    assert better > gain


def test_a_picture_without_noise_is_left_alone() -> None:
    np.testing.assert_array_equal(denoise(scene()), scene())
    np.testing.assert_array_equal(denoise(np.zeros((1, 5, 3), np.uint8), sigma=20), np.zeros((1, 5, 3), np.uint8))


@pytest.mark.parametrize("method", ["gray-world", "white-patch"])
def test_a_cast_goes_away(method: str) -> None:
    grey = np.linspace(30, 240, 64).astype(np.uint8)[None, :, None].repeat(32, 0).repeat(3, 2)
    cast = np.clip(grey * np.array([1.0, 0.85, 0.7]), 0, 255).astype(np.uint8)
    spread = white_balance(cast, method=method).astype(int)  # type: ignore[arg-type]
    assert np.abs(spread[:, :, 0] - spread[:, :, 2]).mean() < 3
    assert np.abs(cast[:, :, 0].astype(int) - cast[:, :, 2]).mean() > 30


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
        lambda a: denoise(a, method="magic"),
        lambda a: denoise(a, sigma=-1),
        lambda a: white_balance(a, method="magic"),
        lambda a: contrast(a, clip_limit=0),
        lambda a: sharpen(a, radius=0),
    ],
)
def test_options_that_do_not_fit(call: object) -> None:
    with pytest.raises(UsageError):
        call(scene())  # type: ignore[operator]
