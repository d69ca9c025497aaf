"""Rendered products: the same seed gives the same bytes; masks, boxes, colors and words say what the picture shows."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from catalens.errors import CatalensError
from catalens.features.color import dominant_colors
from recipes.synthetic import BACKGROUNDS, COLORS, KINDS, PATTERNS, Spec, render, sample_shop, write_shop

ONE = Spec("t-shirt", "red", seed=3)
RENDER = (
    "import hashlib; from recipes.synthetic import Spec, render; "
    "print(hashlib.sha256(render(Spec('t-shirt', 'red', seed=3), size=(90, 70)).image.tobytes()).hexdigest())"
)


def test_the_shop_is_as_large_as_promised() -> None:
    assert len(KINDS) >= 24
    assert len(PATTERNS) == 5
    assert len(COLORS) >= 11


def test_another_process_renders_the_same_bytes() -> None:
    here = hashlib.sha256(render(ONE, size=(90, 70)).image.tobytes()).hexdigest()
    there = subprocess.run([sys.executable, "-c", RENDER], capture_output=True, text=True, check=True).stdout.strip()
    assert here == there


def test_another_seed_or_view_is_another_picture() -> None:
    pictures = [
        render(ONE, size=(64, 64)),
        render(Spec("t-shirt", "red", seed=4), size=(64, 64)),
        render(ONE, size=(64, 64), view="three-quarter"),
    ]
    assert len({picture.image.tobytes() for picture in pictures}) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_mask_and_its_box_at_odd_sizes(kind: str) -> None:
    rendered = render(Spec(kind, "blue", seed=1), size=(97, 71))
    assert rendered.image.shape == (97, 71, 3)
    assert rendered.mask.shape == (97, 71)
    assert 0.02 < rendered.mask.mean() < 0.95
    rows, columns = np.flatnonzero(rendered.mask.any(axis=1)), np.flatnonzero(rendered.mask.any(axis=0))
    assert rendered.box.tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_background(background: str) -> None:
    rendered = render(ONE, size=(64, 64), background=background)
    if background == "white":
        assert rendered.image[0].min() >= 250
    assert rendered.image[rendered.mask].std() > 1


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_seen(pattern: str) -> None:
    rendered = render(Spec("t-shirt", "white", pattern, "cotton", seed=5), size=(160, 160))
    inside = cv2.erode(rendered.mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    lab = cv2.cvtColor(rendered.image, cv2.COLOR_RGB2LAB).astype(float)
    spread = lab[inside].std(axis=0).sum()
    plain = render(Spec("t-shirt", "white", "plain", "cotton", seed=5), size=(160, 160)).image
    flat = cv2.cvtColor(plain, cv2.COLOR_RGB2LAB).astype(float)[inside].std(axis=0).sum()
    assert pattern == "plain" or spread > 1.3 * flat


@pytest.mark.parametrize("color", ["red", "blue", "green", "yellow", "black", "white", "orange"])
def test_plain_products_have_the_color_that_they_are_named_by(color: str) -> None:
    rendered = render(Spec("t-shirt", color, "plain", seed=2), size=(128, 128))
    middle = np.median(rendered.image[rendered.mask], axis=0).astype(np.uint8).reshape(1, 1, 3)
    near = {
        "black": {"black", "gray"},
        "white": {"white", "gray", "beige"},
        "blue": {"blue", "navy"},
        "red": {"red", "burgundy"},
    }
    assert dominant_colors(middle)[0].name in near.get(color, {color})


def test_what_does_not_exist_is_said() -> None:
    for spec in (Spec("spaceship", "red"), Spec("t-shirt", "ultraviolet"), Spec("t-shirt", "red", "zigzag")):
        with pytest.raises(CatalensError):
            render(spec)
    with pytest.raises(CatalensError):
        render(ONE, size=(0, 5))


def test_a_shop_on_disk(tmp_path: Path) -> None:
    feed = write_shop(tmp_path, n=12, seed=5, size=(64, 64))
    with feed.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len({row["sku"] for row in rows}) == len(rows) == 12
    for row in rows:
        assert float(row["price"]) > 0
        assert row["title"]
        for name in (row["image"], row["additional_images"]):
            with Image.open(tmp_path / name) as picture:
                assert picture.size == (64, 64)
    assert len(list((tmp_path / "queries").glob("*.jpg"))) == 10


def test_skus_and_words_are_those_of_the_seed() -> None:
    first, again = list(sample_shop(60, seed=9)), list(sample_shop(60, seed=9))
    assert [product.sku for product in first] == [product.sku for product in again]
    assert [product.title for product in first] == [product.title for product in again]
    assert len({product.sku for product in first}) == 60
    assert not list(sample_shop(0))
