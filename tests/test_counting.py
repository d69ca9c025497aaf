"""Colors counted by the encoder, against counts made here one place at a time."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is in the train extra")

import torch

from catalens.learning.networks.counting import BINS, CHROMAS, EDGE, FILLED, LEFT, POOL, VALUES, CountedColors


def shown(*colors: tuple[int, int, int], ground: tuple[int, int, int] | None = None, side: int = 48) -> torch.Tensor:
    """(1, 3, S, S) normalised: stripes of these colors, within a ground where there is one."""
    stripes = np.zeros((side, side, 3), np.float32)
    for place, color in enumerate(colors):
        stripes[:, side * place // len(colors) : side * (place + 1) // len(colors)] = color
    if ground is not None:
        within = np.full_like(stripes, ground)
        rim = slice(side // 4, -side // 4)
        within[rim, rim] = stripes[rim, rim]
        stripes = within
    return torch.from_numpy((stripes / 255 - 0.5) / 0.25).permute(2, 0, 1)[None]


def alike(one: torch.Tensor, other: torch.Tensor) -> float:
    counts = CountedColors(4).counts
    return float((counts(one) * counts(other)).sum())


def by_hand(x: torch.Tensor) -> np.ndarray:
    """The counts, one place and one bin at a time."""
    small = torch.nn.functional.avg_pool2d(x, POOL)[0].numpy() * 0.25 + 0.5
    height, width = small.shape[1:]
    whole, edge = np.zeros(BINS), np.zeros(BINS)
    for row in range(height):
        for column in range(width):
            red, green, blue = small[:, row, column]
            value = max(red, green, blue)
            found = [(value, VALUES), ((red - green) / (value + 0.04), CHROMAS)]
            found.append(((blue - (red + green) / 2) / (value + 0.04), CHROMAS))
            near = [[np.interp(one, middles, np.eye(len(middles))[k]) for k in range(len(middles))]
                    for one, middles in found]  # fmt: skip
            added = np.einsum("i,j,k->ijk", *near).ravel()
            whole += added
            if min(row, column) < EDGE or row >= height - EDGE or column >= width - EDGE:
                edge += added
    inner = (height - 2 * EDGE) * (width - 2 * EDGE)
    ground = edge / (height * width - inner) / FILLED
    seen = whole * (np.maximum(1 - ground, 0) + LEFT)
    return np.asarray(np.sqrt(seen / seen.sum()))


def test_counts_are_those_made_one_place_at_a_time() -> None:
    x = torch.from_numpy(np.random.default_rng(0).uniform(-2, 2, (1, 3, 32, 48)).astype(np.float32))
    found = CountedColors(4).counts(x)[0].numpy()
    np.testing.assert_allclose(found, by_hand(x), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found), 1, atol=1e-5)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (200, 30, 30)], ids=["black", "white", "red"])
def test_one_even_color_has_counts(color: tuple[int, int, int]) -> None:
    assert alike(shown(color), shown(color)) == pytest.approx(1, abs=1e-5)


def test_the_ground_hardly_counts_and_the_product_does() -> None:
    red, navy, white, grey = (200, 30, 30), (25, 30, 70), (255, 255, 255), (120, 125, 120)
    assert alike(shown(red, ground=white), shown(red, ground=grey)) > 0.6
    assert alike(shown(red, ground=white), shown(navy, ground=white)) < 0.4


def test_nearly_black_clothes_are_told_apart_by_their_tint() -> None:
    navy, brown = (18, 20, 40), (40, 26, 18)
    assert alike(shown(navy), shown(brown)) < 0.3
    assert alike(shown(navy), shown((22, 24, 46))) > 0.6


def test_fewer_numbers_keep_likeness() -> None:
    rng = np.random.default_rng(0)
    pictures = torch.cat([shown(*rng.integers(0, 256, (2, 3)).tolist(), ground=(255, 255, 255)) for _ in range(40)])
    counted = CountedColors(40)
    counted.fit(pictures)
    whole, few = counted.counts(pictures), counted(pictures)
    torch.testing.assert_close(few @ few.T, whole @ whole.T, atol=1e-4, rtol=0)
    fewer = CountedColors(60)
    fewer.fit(pictures)  # there are no more directions than pictures
    torch.testing.assert_close(fewer(pictures).norm(dim=1), torch.ones(40), atol=1e-4, rtol=0)
    assert not fewer(pictures)[:, 40:].any()


def test_nothing_is_learned_here() -> None:
    assert not any(one.requires_grad for one in CountedColors(4).parameters())
    assert not CountedColors(4)(torch.rand(1, 3, 32, 32, requires_grad=True)).requires_grad
