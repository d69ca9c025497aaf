"""Maps between bodies, and where a garment's joints are by its outline."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.errors import UnfitImageError, UsageError
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.outline import joints_of_outline
from catalens.taxonomy import garments
from recipes.laid_out import standing
from recipes.thin_plate import thin_plate

KINDS = tuple(garments())
SIZE = (160, 120)


@given(
    size=st.floats(10, 60), arms=st.floats(0, 1.5), kind=st.sampled_from(KINDS),
    x=st.floats(30, 90), y=st.floats(10, 60),
)  # fmt: skip
@settings(max_examples=25)
def test_a_body_onto_itself_moves_nothing(size: float, arms: float, kind: str, x: float, y: float) -> None:
    joints = standing(size, arms=arms, at=(x, y))
    back = bones.map_between(kind, joints, joints, SIZE)
    np.testing.assert_allclose(back, bones.grid(SIZE), atol=1e-2)


@given(scale=st.floats(0.4, 3), x=st.floats(-50, 50), y=st.floats(-50, 50), kind=st.sampled_from(KINDS))
@settings(max_examples=25)
def test_a_body_moved_and_scaled_moves_all_alike(scale: float, x: float, y: float, kind: str) -> None:
    here = standing(30, arms=0.5, at=(60, 30))
    there = here * np.float32(scale) + np.array([x, y], np.float32)
    back = bones.map_between(kind, here, there, SIZE)
    np.testing.assert_allclose(back, bones.grid(SIZE) * scale + (x, y), atol=0.05 * scale + 0.01)


@pytest.mark.parametrize("kind", ["top", "outerwear", "dress"])
def test_a_raised_arm_takes_its_sleeve_along(kind: str) -> None:
    body, garment = (standing(40, arms=arms, at=(60, 40)) for arms in (1.4, 0.2))
    back = bones.map_between(kind, body, garment, SIZE)
    for joint in (bones.LEFT_ELBOW, bones.RIGHT_ELBOW, bones.LEFT_HIP):
        x, y = body[joint].astype(int)
        np.testing.assert_allclose(back[y, x], garment[joint], atol=4)


def test_somebody_without_width_or_length_gives_finite_maps() -> None:
    flat = np.tile(np.array([[30.0, 30.0]], np.float32), (bones.COUNT, 1))
    upright = standing(30, arms=0.5, at=(60, 30))
    for kind in KINDS:
        assert np.isfinite(bones.map_between(kind, flat, upright, SIZE)).all()
        assert np.isfinite(bones.map_between(kind, upright, flat, SIZE)).all()


@pytest.mark.parametrize("points", [[], [[0, 0], [1, 1]], [[0, 0], [1, 1], [2, 2]], [[0, 0], [0, 0], [1, 0]]], ids=str)
def test_too_few_points_bend_no_plate(points: list[list[float]]) -> None:
    with pytest.raises(UsageError, match="points"):
        thin_plate(points, points)


def test_a_thin_plate_takes_each_point_onto_its_own_and_keeps_a_plane() -> None:
    here = np.array([[0, 0], [10, 0], [0, 10], [10, 10], [5, 3]], np.float32)
    there = here + np.array([[0, 1], [2, 0], [0, 0], [1, 1], [0, -2]], np.float32)
    np.testing.assert_allclose(thin_plate(here, there)(here), there, atol=1e-3)
    plane = thin_plate(here, here @ np.array([[2, 0.5], [0, 1.0]], np.float32) + 3)
    np.testing.assert_allclose(plane([[7, 7]]), [[17, 13.5]], atol=1e-3)
    assert plane([]).shape == (0, 2)


def drawn(*shapes: Sequence[tuple[float, float]]) -> np.ndarray:
    mask = np.zeros((300, 260), np.uint8)
    for corners in shapes:
        cv2.fillPoly(mask, [np.array(corners, np.int32)], 1)
    return mask > 0


BODY = [(90, 40), (170, 40), (170, 200), (90, 200)]
LONG_SLEEVES = [[(90, 40), (90, 75), (30, 190), (5, 180)], [(170, 40), (170, 75), (230, 190), (255, 180)]]
SHORT_SLEEVES = [[(90, 40), (90, 80), (60, 100), (45, 75)], [(170, 40), (170, 80), (200, 100), (215, 75)]]
LEGS = [[(90, 30), (170, 30), (180, 110), (135, 110), (125, 110), (80, 110)],
        [(80, 110), (126, 110), (118, 290), (82, 290)], [(134, 110), (180, 110), (178, 290), (142, 290)]]  # fmt: skip


def test_long_sleeves_end_at_the_wrists() -> None:
    joints = joints_of_outline(drawn(BODY, *LONG_SLEEVES), "top")
    np.testing.assert_allclose(joints[bones.RIGHT_WRIST], (17, 185), atol=9)
    np.testing.assert_allclose(joints[bones.LEFT_WRIST], (243, 185), atol=9)
    assert joints[bones.LEFT_SHOULDER, 0] > 130 > joints[bones.RIGHT_SHOULDER, 0]


def test_short_sleeves_end_far_above_the_wrists() -> None:
    joints = joints_of_outline(drawn(BODY, *SHORT_SLEEVES), "top")
    assert joints[bones.LEFT_WRIST, 0] > 225
    assert 190 < joints[bones.LEFT_ELBOW, 0] < 225


def test_without_sleeves_arms_hang() -> None:
    joints = joints_of_outline(drawn(BODY), "dress")
    assert joints[bones.LEFT_WRIST, 1] > joints[bones.LEFT_ELBOW, 1] > joints[bones.LEFT_SHOULDER, 1]
    np.testing.assert_allclose(joints[:, 0].mean(), 130, atol=2)


def test_long_legs_end_at_the_ankles() -> None:
    joints = joints_of_outline(drawn(*LEGS), "trousers")
    np.testing.assert_allclose(joints[bones.LEFT_ANKLE], (160, 290), atol=6)
    np.testing.assert_allclose(joints[bones.RIGHT_ANKLE], (100, 290), atol=6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mask", [np.zeros((50, 50), bool), np.zeros((1, 1), bool), np.eye(5, dtype=bool)], ids=str)
def test_nothing_has_no_outline(kind: str, mask: np.ndarray) -> None:
    with pytest.raises(UnfitImageError, match="no garment"):
        joints_of_outline(mask, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_any_outline_gives_finite_joints(kind: str) -> None:
    rng = np.random.default_rng(0)
    for mask in (
        np.ones((64, 64), bool),
        rng.random((90, 70)) > 0.3,
        np.eye(64, dtype=bool) | (rng.random((64, 64)) > 0.8),
    ):
        assert np.isfinite(joints_of_outline(mask, kind)).all()
