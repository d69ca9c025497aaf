"""Colors of a product by name: the rule, and which pixels of a photo count."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from catalens.features.color import named_colors
from catalens.features.color_names import COLOR_NAMES, color_names, oklab
from catalens.tasks.colors import product_colors, product_mask
from tests.test_features import NAMED, plain, product_on_white

# Ottosson's reference values: white, and the primaries of sRGB.
OKLAB = [
    ((255, 255, 255), (1.0, 0.0, 0.0)),
    ((255, 0, 0), (0.6280, 0.2249, 0.1258)),
    ((0, 255, 0), (0.8664, -0.2339, 0.1795)),
    ((0, 0, 255), (0.4520, -0.0325, -0.3115)),
    ((0, 0, 0), (0.0, 0.0, 0.0)),
]
# CSS and X11 colors beside those of NAMED, under the name that shops give them.
SHADES = {
    "tomato": ("orange", (255, 99, 71)), "crimson": ("red", (220, 20, 60)), "khaki": ("yellow", (240, 230, 140)),
    "lightpink": ("pink", (255, 182, 193)), "deeppink": ("pink", (255, 20, 147)), "olive": ("green", (107, 142, 35)),
    "teal": ("turquoise", (0, 128, 128)), "skyblue": ("blue", (135, 206, 235)), "indigo": ("purple", (75, 0, 130)),
    "midnightblue": ("navy", (25, 25, 112)), "tan": ("beige", (210, 180, 140)), "chocolate": ("brown", (123, 63, 0)),
    "charcoal": ("black", (54, 54, 58)), "silver": ("gray", (192, 192, 192)), "maroon": ("burgundy", (128, 0, 20)),
}  # fmt: skip


@pytest.mark.parametrize(("rgb", "lab"), OKLAB)
def test_oklab_is_that_of_its_author(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(oklab(np.array(rgb, np.uint8)), lab, atol=1e-3)


def test_no_colors_have_no_names() -> None:
    assert color_names(np.empty((0, 3), np.uint8)) == []


@pytest.mark.parametrize("shade", SHADES)
def test_shades_have_the_names_that_shops_use(shade: str) -> None:
    name, rgb = SHADES[shade]
    assert color_names(np.array([rgb], np.uint8)) == [name]


def test_every_color_has_one_of_the_names() -> None:
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    assert set(color_names(cube)) == set(COLOR_NAMES)


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"white"}))
def test_a_product_is_named_by_its_own_pixels(name: str) -> None:
    (found,) = product_colors(product_on_white(NAMED[name]))[:1]
    assert found.name == name
    assert found.area > 0.9


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 40), (700, 20)])
def test_a_picture_without_a_border_is_all_product(size: tuple[int, int]) -> None:
    assert product_mask(plain((200, 20, 30), size)).all()
    assert [one.name for one in product_colors(plain((200, 20, 30), size))] == ["red"]


def test_shares_sum_to_one_and_the_middle_counts_more() -> None:
    picture = plain((30, 140, 60), (40, 40))
    picture[:, :20] = (200, 20, 30)
    picture[12:28, 12:28] = (200, 20, 30)
    found = named_colors(picture, np.ones((40, 40), np.bool_))
    assert [one.name for one in found] == ["red", "green"]
    assert sum(one.area for one in found) == pytest.approx(1)
    np.testing.assert_allclose(found[0].rgb, (200, 20, 30), atol=2)
    assert found == named_colors(picture, np.zeros((40, 40), np.bool_))  # an empty mask: the whole picture


@pytest.mark.parametrize(("dark", "light", "name"), [(20, 120, "black"), (150, 250, "white"), (110, 160, "gray")])
def test_shading_makes_a_black_or_white_product_no_grey_one(dark: int, light: int, name: str) -> None:
    shades = np.linspace(0, 1, 64) ** (2.5 if name == "black" else 0.4)
    picture = np.repeat((dark + (light - dark) * shades)[None, :, None], 64, 0).repeat(3, 2).astype(np.uint8)
    assert named_colors(picture, np.ones((64, 64), np.bool_))[0].name == name


def test_large_photos_are_named_as_small_ones() -> None:
    small = product_on_white((40, 90, 200))
    large = cv2.resize(small, (900, 900), interpolation=cv2.INTER_NEAREST)
    assert product_colors(large)[0].name == product_colors(small)[0].name == "blue"
