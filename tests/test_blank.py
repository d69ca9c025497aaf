"""Nothing to see: one color and noise, and no photo however plain or noisy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalens.images.blank import is_blank
from catalens.models.zoo import find_card
from catalens.tasks.cutout import Cutter
from tests.painted import matte_folder, painted

NOISE = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (300, 300), (20, 3000)], ids=str)
@pytest.mark.parametrize("color", [0, 254, 255])
def test_one_color_is_nothing(size: tuple[int, int], color: int) -> None:
    assert is_blank(np.full((*size, 3), color, np.uint8))


@pytest.mark.parametrize("size", [(64, 64), (300, 300), (200, 1500)], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_is_nothing(size: tuple[int, int], channels: int) -> None:
    assert is_blank(np.broadcast_to(NOISE.integers(0, 256, (*size, channels), np.uint8), (*size, 3)))


@pytest.mark.parametrize("sigma", [0, 10, 25])
def test_a_small_thing_on_a_noisy_ground_is_something(sigma: float) -> None:
    image = painted((300, 300), ("bag", (110, 110, 190, 190))).astype(np.float32)
    assert not is_blank(np.clip(image + NOISE.normal(0, sigma, image.shape), 0, 255).astype(np.uint8))


def test_nothing_is_cut_out_of_noise(tmp_path: Path) -> None:
    cutter = Cutter(find_card(matte_folder(tmp_path)))
    assert not cutter.alpha(NOISE.integers(0, 256, (90, 120, 3), np.uint8)).any()
