"""Scenes: words to backgrounds, light taken over, shadows on the ground, sizes that follow the floor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import CatalensError, ImageError, NotFoundError, UsageError
from catalens.images.draw import save_image
from catalens.images.harmony import estimate_light, harmonise, to_lab, to_rgb
from catalens.images.mark import COMPOSITE, read_mark
from catalens.tasks.scene import EYE, scene
from catalens.tasks.surfaces import SURFACES, painted_surface, surface_named
from catalens.types import FloatArray, ImageArray


def product(side: int = 60) -> ImageArray:
    """A red square with transparent surroundings."""
    rgba = np.zeros((2 * side, 2 * side, 4), np.uint8)
    rgba[side // 2 : -side // 2, side // 2 : -side // 2] = (200, 30, 40, 255)
    return rgba


def floor(color: tuple[int, int, int] = (180, 180, 180)) -> ImageArray:
    return np.full((300, 400, 3), color, np.uint8)


# Words


@pytest.mark.parametrize("name", SURFACES)
def test_each_surface_is_known_by_its_name_and_its_words(name: str) -> None:
    assert surface_named(name) == surface_named(f"on a {name.upper()} background") == name
    for word in SURFACES[name].words:
        assert word in SURFACES[surface_named(word)].words


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("a rustic wooden table", "wood"),
        ("sunny beach", "sand"),
        ("dark luxury evening", "night"),
        ("garden, spring!", "forest"),
    ],
)
def test_more_words_decide(words: str, name: str) -> None:
    assert surface_named(words) == name


@pytest.mark.parametrize(
    ("words", "near"), [("", "take one of studio"), ("quantum", "take one of"), ("kitchn", "kitchen")]
)
def test_words_that_are_not_known(words: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"(?i){near}"):
        surface_named(words)


def test_a_painted_surface_is_lit_from_its_side_and_always_the_same() -> None:
    image = painted_surface(SURFACES["studio"], (200, 300))
    assert image.shape == (200, 300, 3)
    assert np.array_equal(image, painted_surface(SURFACES["studio"], (200, 300)))
    assert image[:60, :60].mean() > image[:60, -60:].mean() + 5  # its light comes from the left
    assert estimate_light(image).side < 0


# Light


def test_lab_and_back_is_the_same() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    assert np.abs(to_rgb(to_lab(image)).astype(int) - image).max() <= 1


@pytest.mark.parametrize(
    ("image", "side", "warm"),
    [
        (floor(), 0, 0),
        (floor((190, 175, 160)), 0, 1),
        (floor((160, 175, 190)), 0, -1),
        (np.repeat(np.linspace(90, 230, 400)[None, :, None], 300, 0).repeat(3, 2).astype(np.uint8), 1, 0),
        (np.zeros((1, 1, 3), np.uint8), 0, 0),
    ],
)
def test_the_light_of_a_picture(image: ImageArray, side: int, warm: int) -> None:
    found = estimate_light(image)
    assert np.sign(round(found.side)) == side
    assert np.sign(round(found.cast[1] / 4)) == warm  # b of Lab: yellow above 0


def test_a_product_takes_the_light_over_and_stays_what_it_is() -> None:
    colors = np.full((40, 40, 3), 245, np.uint8)
    colors[20:] = (30, 60, 200)
    alpha: FloatArray = np.ones((40, 40), np.float32)
    dim = estimate_light(floor((120, 105, 90)))
    assert np.array_equal(harmonise(colors, alpha, dim, strength=0), colors)
    found = harmonise(colors, alpha, dim, strength=1)
    assert found[:20].mean() < 200  # white is no longer brighter than all around
    assert found[5, 5, 0] > found[5, 5, 2]  # and warm
    assert found[30, 30].argmax() == 2  # blue stays blue
    assert np.array_equal(harmonise(colors, np.zeros_like(alpha), dim, strength=1), colors)


# Placing


def test_a_product_stands_on_the_ground_with_a_shadow() -> None:
    found = scene(product(), floor(), place=(0.5, 0.8), harmony=0)
    left, top, right, bottom = found.box
    assert abs((left + right) / 2 - 200) <= 1
    assert abs(bottom - 240) <= 1
    assert np.abs(found.image[(top + bottom) // 2, 200].astype(int) - (200, 30, 40)).max() <= 1
    below, far = found.image[bottom + 2, 200].mean(), found.image[20, 20].mean()
    assert below < far - 20
    assert far == 180
    plain = scene(product(), floor(), place=(0.5, 0.8), harmony=0, shadow=0)
    assert plain.image[bottom + 2, 200].mean() == 180


@pytest.mark.parametrize(("near", "far"), [(0.9, 0.6), (0.7, 0.5)])
def test_what_stands_nearer_is_larger_in_proportion(near: float, far: float) -> None:
    heights = []
    for y in (near, far):
        _, top, _, bottom = scene(product(), floor(), place=(0.5, y)).box
        heights.append(bottom - top)
    assert heights[0] / heights[1] == pytest.approx((near - EYE) / (far - EYE), rel=0.08)


def test_without_a_place_it_stands_where_the_ground_is_calm() -> None:
    ground = floor()
    ground[:, :240] = np.random.default_rng(1).integers(0, 256, (300, 240, 3), np.uint8)
    left, _, right, _ = scene(product(), ground).box
    assert (left + right) / 2 > 240


def test_a_photo_is_cut_out_and_a_large_background_made_smaller() -> None:
    photo = np.full((200, 200, 3), 255, np.uint8)
    photo[50:150, 60:140] = (20, 90, 60)
    found = scene(photo, np.full((1000, 2400, 3), 200, np.uint8), place=(0.5, 0.8))
    assert found.image.shape == (667, 1600, 3)
    assert found.to_dict()["size"] == [667, 1600]
    green = found.image[(found.box[1] + found.box[3]) // 2, 800]
    assert green.argmax() == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: scene(np.zeros((50, 50, 4), np.uint8), "studio"), ImageError, "no product"),
        (lambda: scene(product(), "rooom.jpg"), NotFoundError, "no photo at rooom.jpg"),
        (lambda: scene(product(), "xyzzy"), UsageError, "no background is known"),
        (lambda: scene(product(), floor(), harmony=2), UsageError, "harmony is 2"),
        (lambda: scene(product(), floor(), shadow=-1), UsageError, "shadow is -1"),
        (lambda: scene(product(), floor(), place=(0.5, 0.2)), UsageError, "horizon"),
        (lambda: scene(product(), floor(), place=(0.5, 7)), UsageError, "place y is 7"),
        (lambda: scene(product(), floor(), scale=0), UsageError, "scale is 0"),
        (lambda: scene("none.png", floor()), NotFoundError, "none.png"),
    ],
)
def test_bad_input_is_a_sentence(call: Callable[[], object], error: type[CatalensError], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("size", [(1, 1), (2, 100), (100, 2)])
def test_odd_backgrounds_do_no_harm(size: tuple[int, int]) -> None:
    ground = np.full((*size, 3), 90, np.uint8)
    assert scene(product(), ground).image.shape == ground.shape


# The command


@pytest.mark.parametrize("option", [True, False])
def test_the_command_in_both_spellings(option: bool, tmp_path: Path) -> None:
    save_image(tmp_path / "room.jpg", floor())
    save_image(tmp_path / "product.png", product())
    names = [str(tmp_path / name) for name in ("product.png", "room.jpg", "out.jpg")]
    words = [names[0], "--prompt-or-photo", names[1], names[2]] if option else names
    result = CliRunner().invoke(app, ["photo", "scene", *words, "--place", "0.5,0.8"])
    assert result.exit_code == 0, result.output
    assert catalens.read_image(names[2]).shape == (300, 400, 3)
    assert read_mark(names[2]) == COMPOSITE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["product.png", "out.jpg"], "a background and one file"),
        (["product.png", "a", "b", "out.jpg"], "a background and one file"),
        (["product.png", "wood", "out.jpg", "--place", "middle"], "--place is 'middle'"),
        (["product.png", "wood", "out.bmp"], "ends in '.bmp'"),
        (["product.png", "wood", "out.jpg", "--key", "key.pem"], "needs its key"),
    ],
)
def test_the_command_tells_what_is_wrong(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_image("product.png", product())
    result = CliRunner().invoke(app, ["photo", "scene", *words])
    assert said in str(result.exception)
