"""Products in other colors: what moves, what stays, and how near the color is."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from catalens.errors import UnfitImageError, UsageError
from catalens.tasks.recolor import ciede2000, color_of, recolor, swatch_color
from tests.test_features import plain, product_on_white

RNG = np.random.default_rng(3)


def shaded(rgb: tuple[int, int, int]) -> np.ndarray:
    """A product in a light that falls off to the right, with a stripe of another color, on white."""
    picture = np.full((120, 120, 3), 255, np.uint8)
    light = np.linspace(1, 0.75, 60)[None, :, None]
    picture[20:100, 30:90] = np.array(rgb) * light
    picture[55:62, 40:80] = (250, 250, 250) if max(rgb) < 230 else (200, 30, 40)
    return picture


@pytest.mark.parametrize("first", [(190, 40, 50), (40, 90, 180), (90, 92, 95), (30, 30, 33), (235, 235, 230)])
@pytest.mark.parametrize("color", ["red", "navy", "olive", "#aabbcc", "black", "white"])
def test_the_product_takes_the_color_and_all_else_stays(first: tuple[int, int, int], color: str) -> None:
    photo = shaded(first)
    (found,) = recolor(photo, colors=[color])
    product = found.image[24:50, 34:86].reshape(-1, 3)
    reached = rgb2lab(product[None] / 255)[0].mean(axis=0)
    assert deltaE_ciede2000(reached, rgb2lab(np.array([[color_of(color)]]) / 255)[0, 0]) < 4
    assert found.error < 3
    outside = np.ones((120, 120), np.bool_)
    outside[17:103, 27:93] = False
    np.testing.assert_array_equal(found.image[outside], photo[outside])
    assert np.abs(found.image[57:60, 44:76].astype(int) - photo[57:60, 44:76]).max() <= 3  # the stripe
    light = rgb2lab(found.image[30:50] / 255)[..., 0]
    assert light[:, 35].mean() > light[:, 84].mean()  # the shading


def test_transparency_stays() -> None:
    cut = np.dstack([product_on_white((200, 20, 30)), np.zeros((60, 60), np.uint8)])
    cut[15:45, 20:40, 3] = 255
    (found,) = recolor(cut, colors=["navy"])
    np.testing.assert_array_equal(found.image[..., 3], cut[..., 3])


def test_a_swatch_is_one_more_color() -> None:
    cloth = (plain((30, 120, 70), (50, 50)).astype(int) + RNG.integers(-6, 7, (50, 50, 1))).astype(np.uint8)
    np.testing.assert_allclose(swatch_color(cloth), (30, 120, 70), atol=3)
    found = recolor(product_on_white((200, 20, 30)), colors=["navy"], swatch=cloth)
    assert [one.color for one in found] == ["navy", "swatch"]
    np.testing.assert_allclose(found[1].image[30, 30], (30, 120, 70), atol=6)


@pytest.mark.parametrize(
    ("name", "rgb"),
    [
        ("#abc", (170, 187, 204)),
        (" Navy ", (30, 40, 78)),
        ("rebeccapurple", (102, 51, 153)),
        ("Sea Green", (46, 139, 87)),
    ],
)
def test_colors_by_name(name: str, rgb: tuple[int, int, int]) -> None:
    assert color_of(name) == rgb


@pytest.mark.parametrize("name", ["", "#12", "no such", "rgb(1,2,3)", "hsl(0,100%,50%)"])
def test_what_is_no_color_is_said(name: str) -> None:
    with pytest.raises(UsageError, match="no color"):
        color_of(name)


def test_no_colors_and_no_product_are_said() -> None:
    with pytest.raises(UsageError, match="no colors"):
        recolor(product_on_white((200, 20, 30)))
    with pytest.raises(UnfitImageError):
        recolor(plain((255, 255, 255), (60, 60)), colors=["red"])


def test_the_difference_is_that_of_another_library() -> None:
    pairs = RNG.uniform((0, -80, -80), (100, 80, 80), (200, 2, 3))
    for first, second in pairs:
        assert ciede2000(first, second) == pytest.approx(float(deltaE_ciede2000(first, second)), abs=1e-6)
    assert ciede2000(np.zeros(3, np.float32), np.zeros(3, np.float32)) == 0
