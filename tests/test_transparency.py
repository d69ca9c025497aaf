"""Transparency that a picture has stays as it is, whatever writes the picture; nothing found is a failure."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import UnfitImageError
from catalens.images.draw import save_image
from catalens.images.even import even_alpha
from catalens.images.read import read_pixels, read_rgba
from catalens.tasks.cutout import own_alpha
from catalens.tasks.listing import fix
from catalens.types import FloatArray, ImageArray

SIDE = 240
HALF: FloatArray = np.full((SIDE, SIDE), 0.4, np.float32)
"""A guess that says nothing: no product anywhere."""
ALL: FloatArray = np.ones((SIDE, SIDE), np.float32)


def ring() -> ImageArray:
    """A red ring cut out, with soft edges; black where it is clear."""
    y, x = np.mgrid[:SIDE, :SIDE]
    radius = np.hypot(y - SIDE / 2, x - SIDE / 2)
    alpha = np.clip((80 - radius) * 50, 0, 255) * np.clip((radius - 30) * 50, 0, 255) / 255
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    rgba[..., :3] = np.where(alpha[..., None] > 0, (200, 60, 40), 0)
    rgba[..., 3] = alpha
    return rgba


def drawn(paint: Callable[[ImageDraw.ImageDraw], object], *, ground: str = "white", noise: float = 1.5) -> ImageArray:
    """A drawing at twice the size made smaller, with a sensor's noise, as a JPEG file holds it."""
    large = Image.new("RGB", (2 * SIDE, 2 * SIDE), ground)
    paint(ImageDraw.Draw(large))
    pixels = np.asarray(large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)).astype(np.float32)
    pixels += np.random.default_rng(0).normal(0, noise, pixels.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return catalens.read_image(file.getvalue())


@pytest.mark.parametrize(
    ("share", "is_cut"),
    [(0.0, False), (0.001, False), (0.02, True), (1.0, True)],
    ids=["none", "corner", "some", "all"],
)
def test_a_file_is_cut_out_where_enough_of_it_is_clear(share: float, is_cut: bool) -> None:
    rgba = np.full((100, 100, 4), 255, np.uint8)
    rgba.reshape(-1, 4)[: round(share * 10_000), 3] = 0
    assert (own_alpha(rgba) is not None) == is_cut


@pytest.mark.parametrize("verb", [catalens.cutout, catalens.enhance, lambda image: catalens.blur_faces(image)[0]])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "array"])
def test_alpha_is_kept(verb: Callable[[object], ImageArray], kind: str) -> None:
    rgba, given = ring(), io.BytesIO()
    if kind != "array":
        Image.fromarray(rgba).save(given, kind, lossless=True)
    made = verb(rgba if kind == "array" else given.getvalue())
    np.testing.assert_array_equal(made[..., 3], rgba[..., 3])
    covered = rgba[..., 3] == 255
    assert np.abs(made[covered][:, :3].astype(int) - (200, 60, 40)).max() < 30


def test_an_opaque_picture_has_three_channels() -> None:
    rgba = np.full((20, 30, 4), 255, np.uint8)
    assert read_pixels(rgba).shape == catalens.enhance(rgba).shape == (20, 30, 3)
    assert catalens.blur_faces(np.full((64, 64, 3), 90, np.uint8))[0].shape == (64, 64, 3)


def test_a_photo_with_clear_corners_is_cut_out_and_keeps_them() -> None:
    image = drawn(lambda pen: pen.rectangle((120, 120, 360, 360), fill=(30, 90, 160)))
    alpha = np.full((SIDE, SIDE, 1), 255, np.uint8)
    alpha[:2, :2] = 0
    alpha[100, 100] = 7
    made = catalens.cutout(np.concatenate([image, alpha], axis=2))
    assert made[:50, :, 3].max() == 0
    assert made[120, 120, 3] == 255
    assert made[100, 100, 3] == 7


@pytest.mark.parametrize("kept", [True, False])
def test_a_repaired_photo_stays_transparent_unless_white_is_asked_for(kept: bool, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    rules = '[[rules]]\nname = "small"\nmeasure = "longer_side"\nat_most = 120\ncure = "scale it down"\n'
    if not kept:
        rules += '[[rules]]\nname = "white"\nmeasure = "pure_white"\nat_least = 0.9\ncure = "on white"\n'
    own.write_text(rules, "utf-8")
    file = io.BytesIO()
    Image.fromarray(ring()).save(file, "PNG")
    data, ending, _ = fix(file.getvalue(), rules=[str(own)])
    made = read_rgba(data)
    assert ending == (".png" if kept else ".jpg")
    assert max(made.shape[:2]) <= 120
    assert (made[0, 0, 3] == 0) == kept
    assert np.abs(made[60, 30, :3].astype(int) - (200, 60, 40)).max() < 12


def frame(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle((80, 60, 400, 420), fill="#5a3c1e")
    pen.rectangle((110, 90, 370, 390), fill="white")


def bangle(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((100, 100, 380, 380), outline=(200, 160, 40), width=14)


def thick_ring(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((100, 100, 380, 380), outline=(20, 20, 30), width=40)


def tape(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((80, 80, 400, 400), fill="#c8b478")
    pen.ellipse((180, 180, 300, 300), fill="white")


HOLES = {
    "frame": (frame, "white"),
    "bangle": (bangle, "white"),
    "grey": (thick_ring, "#dcdee0"),
    "tape": (tape, "white"),
}


@pytest.mark.parametrize("name", HOLES)
@pytest.mark.parametrize("guess", [HALF, ALL], ids=["no product", "all product"])
def test_one_sees_through_a_hole(name: str, guess: FloatArray) -> None:
    paint, ground = HOLES[name]
    alpha = even_alpha(drawn(paint, ground=ground), guess)
    assert alpha is not None
    assert alpha[112:128, 112:128].max() == 0
    assert alpha[:20].max() == 0
    assert alpha.max() == 1


def test_a_print_and_a_highlight_are_no_holes() -> None:
    def shirt(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((60, 60, 420, 440), fill=(25, 25, 30))
        pen.ellipse((220, 220, 270, 270), fill="white")

    alpha = even_alpha(drawn(shirt), ALL)
    assert alpha is not None
    assert alpha[60:200, 60:180].min() == 1
    y, x = np.mgrid[:SIDE, :SIDE]
    glow = np.clip(262 - np.hypot(y - 120, x - 120)[..., None] * (0.8, 1.1, 1.4), 0, 255)
    ball = np.where(np.hypot(y - 120, x - 120)[..., None] < 80, glow, 255).astype(np.uint8)
    alpha = even_alpha(ball, ALL)
    assert alpha is not None
    assert alpha[100:140, 100:140].min() == 1


@pytest.mark.parametrize(
    "image",
    [np.full((SIDE, SIDE, 3), 255, np.uint8), np.zeros((8, 8, 3), np.uint8),
     np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)],
    ids=["blank", "tiny", "noise"],
)  # fmt: skip
def test_without_an_even_border_or_a_product_it_says_nothing(image: ImageArray) -> None:
    assert even_alpha(image, np.ones(image.shape[:2], np.float32)) is None


def test_an_edge_is_as_covered_as_it_is_drawn() -> None:
    pixels = np.full((SIDE, SIDE, 3), 255, np.uint8)
    pixels[60:180, 60:180] = (40, 40, 40)
    pixels[60:180, 59] = (190, 190, 190)  # covered by (255 - 190) / (255 - 40), in light as coded
    alpha = even_alpha(pixels, ALL)
    assert alpha is not None
    assert alpha[120, 58] == 0
    assert 0.1 < alpha[120, 59] < 0.5
    assert alpha[120, 62] == 1


def test_a_soft_shadow_goes_and_a_grey_product_stays() -> None:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    shade = 255 - 60 * np.exp(-(((y - 185) / 10) ** 2) - ((x - 120) / 50) ** 2)
    pixels = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)
    pixels[60:170, 70:170] = (150, 150, 150)
    guess = np.zeros((SIDE, SIDE), np.float32)
    guess[60:120, 70:170] = 1  # the network lost the lower half
    alpha = even_alpha(pixels, guess)
    assert alpha is not None
    assert alpha[64:166, 74:166].min() == 1
    assert alpha[180:].max() == 0


def test_nothing_found_is_a_failure_and_writes_nothing(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    save_image(photos / "blank.png", np.full((300, 300, 3), 255, np.uint8))
    save_image(photos / "bag.png", drawn(lambda pen: pen.rectangle((120, 120, 360, 360), fill=(140, 80, 40))))
    found = CliRunner().invoke(app, ["cutout", str(photos), str(tmp_path / "out")])
    assert found.exit_code == 4
    assert "1 cut out, 1 failed" in found.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["bag.png"]
    alone = CliRunner().invoke(app, ["cutout", str(photos / "blank.png"), str(tmp_path / "blank.png")])
    assert isinstance(alone.exception, UnfitImageError)
    assert not (tmp_path / "blank.png").exists()
