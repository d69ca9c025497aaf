"""Color, texture, shape and similarity, against hand values and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from skimage.feature import local_binary_pattern
from skimage.measure import moments_central, moments_hu, moments_normalized

from catalens.errors import UsageError
from catalens.features import DIMS, describe
from catalens.features.color import color_histogram, dominant_colors
from catalens.features.foreground import foreground_guess
from catalens.features.shape import gradient_histograms, hog, hu_moments
from catalens.features.similarity import similarity
from catalens.features.texture import gabor_energies, lbp_codes, lbp_histogram

RNG = np.random.default_rng(0)


def plain(rgb: tuple[int, int, int], size: tuple[int, int] = (20, 30)) -> np.ndarray:
    return np.full((*size, 3), rgb, np.uint8)


def product_on_white(rgb: tuple[int, int, int]) -> np.ndarray:
    picture = plain((255, 255, 255), (60, 60))
    picture[15:45, 20:40] = rgb
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        plain((0, 0, 0), (1, 1)),
        plain((0, 0, 0), (1, 12000)),
        plain((0, 0, 0), (12000, 1)),
        plain((0, 0, 0)),
        plain((255, 255, 255)),
        RNG.integers(0, 256, (300, 200, 3), np.uint8),
        RNG.integers(0, 256, (2, 2, 3), np.uint8),
    ],
    ids=["1x1", "1xN", "Nx1", "black", "white", "noise", "2x2"],
)
def test_any_picture_has_a_description_of_unit_length(picture: np.ndarray) -> None:
    described = describe(picture)
    assert {name: len(vector) for name, vector in described.items()} == DIMS
    for vector in described.values():
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_descriptions_tell_apart_what_they_describe() -> None:
    red, blue = describe(product_on_white((200, 20, 30))), describe(product_on_white((30, 40, 200)))
    assert red["color"] @ blue["color"] < 0.2
    assert red["shape"] @ blue["shape"] > 0.99
    grown = product_on_white((200, 20, 30)).repeat(2, axis=0).repeat(2, axis=1)
    assert describe(grown)["color"] @ red["color"] > 0.95


# CSS and X11 colors, and what people call them.
NAMED = {
    "black": (0, 0, 0), "white": (255, 250, 250), "gray": (128, 128, 128), "red": (255, 0, 0), "green": (34, 139, 34),
    "blue": (65, 105, 225), "navy": (0, 0, 128), "yellow": (255, 255, 0), "orange": (255, 165, 0),
    "pink": (255, 105, 180),
    "purple": (128, 0, 128), "brown": (139, 69, 19), "beige": (245, 245, 220), "turquoise": (64, 224, 208),
    "burgundy": (128, 0, 32), "gold": (212, 175, 55),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_colors_have_the_names_that_people_use(name: str) -> None:
    assert dominant_colors(np.full((2, 2, 3), NAMED[name], np.uint8))[0].name == name


def test_dominant_colors_with_their_areas() -> None:
    picture = plain((200, 20, 30), (10, 10))
    picture[:, 7:] = (20, 30, 120)
    found = dominant_colors(picture, k=4)
    assert [(color.name, round(color.area, 2)) for color in found] == [("red", 0.7), ("navy", 0.3)]
    np.testing.assert_allclose(found[0].rgb, (200, 20, 30), atol=2)
    assert sum(color.area for color in found) == pytest.approx(1)
    assert [c.name for c in dominant_colors(picture, k=1, mask=np.arange(10)[None].repeat(10, 0) > 6)] == ["navy"]
    assert dominant_colors(picture) == dominant_colors(picture)


def test_the_background_is_not_the_product() -> None:
    mask = foreground_guess(product_on_white((200, 20, 30)))
    assert (mask[15:45, 20:40].mean(), mask[:10].mean()) == (1, 0)
    assert foreground_guess(plain((9, 9, 9))).all()
    assert foreground_guess(RNG.integers(0, 256, (30, 30, 3), np.uint8)).all()


def test_histograms_count() -> None:
    for space, length in (("lab", 256), ("hsv", 192)):
        histogram = color_histogram(product_on_white((200, 20, 30)), space=space)  # type: ignore[arg-type]
        assert histogram.shape == (length,)
        # Two colors: 600 and 3,000 of 3,600 pixels.
        np.testing.assert_allclose(np.sort(histogram**2)[-2:], [600 / 3600, 3000 / 3600], atol=1e-5)
    assert color_histogram(plain((1, 2, 3)), mask=np.zeros((20, 30), bool)).max() == pytest.approx(1)


def test_local_binary_patterns_are_those_of_scikit_image() -> None:
    grey = RNG.integers(0, 256, (40, 50), np.uint8)
    reference = local_binary_pattern(grey, 8, 1, method="uniform")
    agree = (lbp_codes(grey)[1:-1, 1:-1] == reference[1:-1, 1:-1]).mean()
    assert agree > 0.99  # ties between interpolated neighbours may fall either way
    assert lbp_histogram(grey).sum() == pytest.approx(1)


def test_gabor_filters_answer_to_their_own_direction() -> None:
    x = np.arange(64)
    stripes = np.repeat(((np.sin(2 * np.pi * x / 4) + 1) * 127).astype(np.uint8)[None], 64, axis=0)
    energies = gabor_energies(stripes)
    assert energies.argmax() == 0
    np.testing.assert_allclose(gabor_energies(stripes.T)[2], energies[0], rtol=0.05)
    assert gabor_energies(np.full((32, 32), 90, np.uint8)).max() < 1e-3


def test_hu_moments_are_those_of_scikit_image_and_do_not_turn() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:40, 15:25] = mask[30:40, 15:45] = True
    reference = moments_hu(moments_normalized(moments_central(mask.astype(float))))
    logs = np.where(np.abs(reference) < 1e-12, 0, -np.sign(reference) * np.log10(np.abs(reference) + 1e-300))
    np.testing.assert_allclose(hu_moments(mask), logs, atol=1e-2)
    np.testing.assert_allclose(hu_moments(np.rot90(mask)), hu_moments(mask), atol=1e-2)
    assert not hu_moments(np.zeros((5, 5), bool)).any()


def test_gradients_lie_in_the_bin_of_their_direction() -> None:
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    across, down = hog(ramp).reshape(-1, 9).sum(axis=0), hog(ramp.T.copy()).reshape(-1, 9).sum(axis=0)
    assert across.argmax() in (0, 8)  # 0 degrees lies between the first and the last bin
    assert down.argmax() == 4


@settings(max_examples=50)
@given(st.integers(0, 5), st.integers(0, 7), st.integers(1, 9), st.integers(0, 2**31))
def test_similarity_is_that_of_scipy(q: int, n: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    queries, vectors = rng.normal(size=(q, d)).astype(np.float32), rng.normal(size=(n, d)).astype(np.float32)
    found = similarity(queries, vectors, metric="euclidean")
    np.testing.assert_allclose(found, -cdist(queries, vectors), atol=1e-4)
    np.testing.assert_allclose(similarity(queries, vectors), 1 - cdist(queries, vectors, "cosine"), atol=1e-5)
    assert found.dtype == np.float32


def test_similarity_of_odd_input() -> None:
    zero, one = np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)
    assert similarity(zero, one).tolist() == [[0]]
    assert similarity(one, one, metric="euclidean").tolist() == [[0]]
    for left, right in ((one, np.ones((1, 4), np.float32)), (one[0], one)):
        with pytest.raises(UsageError):
            similarity(left, right)
    with pytest.raises(UsageError, match="cosine or euclidean"):
        similarity(one, one, metric="taxi")  # type: ignore[arg-type]


def test_gradient_histograms_are_those_of_opencv() -> None:
    """The numbers are what `cv2.HOGDescriptor((64, 64), (32, 32), (16, 16), (16, 16), 9)` of OpenCV 4 and 5 gave."""
    down, across = np.mgrid[0:64, 0:64]
    found = gradient_histograms(((across * 3 + down * down // 7) % 256).astype(np.uint8), cell=16)
    assert found.shape == (324,)
    expected = [0.070282, 0.0, 0.058713, 0.125027, 0.049353, 0.000523]
    np.testing.assert_allclose(found[[0, 5, 40, 100, 200, 323]], expected, atol=2e-6)
    assert float(found.sum()) == pytest.approx(33.577728, abs=1e-4)


def test_gradient_histograms_of_one_color_are_zero() -> None:
    assert not gradient_histograms(np.full((28, 28), 90, np.uint8), cell=7).any()
