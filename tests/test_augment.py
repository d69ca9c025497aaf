"""Augmentation: same size, same type, same seed same view, nothing at strength 0; and what each step does."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.errors import ImageError, UsageError
from catalens.learning.augment import STEPS, Policy, Step, StepName, change
from catalens.learning.policies import POLICIES, policy, policy_sheet
from catalens.types import ImageArray

NAMES = sorted(STEPS)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def picture(size: tuple[int, int] = (48, 64), *, seed: int = 0) -> ImageArray:
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(blocks, size[::-1], interpolation=cv2.INTER_LINEAR).reshape(*size, 3), np.uint8)


@settings(max_examples=60)
@given(size=sizes, name=st.sampled_from(NAMES), share=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_a_step_keeps_size_and_type_and_repeats(size: tuple[int, int], name: StepName, share: float, seed: int) -> None:
    image = picture(size)
    before = image.copy()
    mask = np.indices(size).sum(0) % 2 == 0
    amount = STEPS[name].most * share
    first = change(image, name, amount, np.random.default_rng(seed), mask=mask)
    again = change(image, name, amount, np.random.default_rng(seed), mask=mask)
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)


@settings(max_examples=30)
@given(size=sizes, name=st.sampled_from(sorted(POLICIES)), seed=st.integers(0, 2**32))
def test_a_policy_keeps_size_and_repeats_and_at_strength_0_does_nothing(
    size: tuple[int, int], name: str, seed: int
) -> None:
    image = picture(size)
    one = policy(name)
    view = one.apply(image, np.random.default_rng(seed))
    assert view.shape == image.shape
    assert view.dtype == np.uint8
    np.testing.assert_array_equal(view, one.apply(image, np.random.default_rng(seed)))
    np.testing.assert_array_equal(one.scaled(0).apply(image, np.random.default_rng(seed)), image)


@pytest.mark.parametrize("name", NAMES)
def test_amount_0_is_the_picture_itself_and_the_most_of_it_is_not(name: StepName) -> None:
    image, mask = picture(), np.zeros((48, 64), np.bool_)
    assert change(image, name, 0.0, np.random.default_rng(0), mask=mask) is image
    assert (change(image, name, STEPS[name].most, np.random.default_rng(0), mask=mask) != image).any()


def test_view_i_is_the_same_however_many_are_asked_for() -> None:
    few, many = policy("phone").views(picture(), 2, seed=3), policy("phone").views(picture(), 5, seed=3)
    np.testing.assert_array_equal(few[1], many[1])
    assert (many[0] != many[4]).any()
    assert policy("phone").views(picture(), 0) == []


def test_flip_is_its_own_inverse() -> None:
    image, rng = picture(), np.random.default_rng(0)
    np.testing.assert_array_equal(change(image, "flip", 1, rng), image[:, ::-1])


def test_one_stop_of_light_doubles_or_halves_it() -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)  # 21.6 % of the light: doubled 43.2 % (sRGB 176), halved 10.8 % (92)
    levels = {int(change(grey, "light", 1.0, np.random.default_rng(seed))[0, 0, 0]) for seed in range(8)}
    assert levels == {92, 176}


def test_white_balance_leaves_green_and_moves_red_against_blue() -> None:
    grey = np.full((4, 4, 3), 128, np.uint8)
    red, green, blue = change(grey, "white balance", 0.5, np.random.default_rng(1))[0, 0].tolist()
    assert green == 128
    assert (red - 128) * (blue - 128) < 0


def test_the_background_changes_and_the_product_stays() -> None:
    image = np.full((40, 40, 3), (200, 30, 30), np.uint8)
    mask = np.zeros((40, 40), np.bool_)
    mask[10:30, 10:30] = True
    view = change(image, "background", 1.0, np.random.default_rng(0), mask=mask)
    np.testing.assert_array_equal(view[15:25, 15:25], image[15:25, 15:25])
    assert (view[0] != image[0]).any()
    np.testing.assert_array_equal(change(image, "background", 1.0, np.random.default_rng(0)), image)


@pytest.mark.parametrize("name", ["shop", "phone", "strong"])
def test_the_color_of_a_product_stays_in_its_family(name: str) -> None:
    red = np.full((64, 64, 3), (190, 40, 50), np.uint8)
    steps = tuple(step for step in policy(name).steps if step.name != "erasing")
    for view in replace(policy(name), steps=steps).views(red, 60):
        hue = int(np.median(cv2.cvtColor(view, cv2.COLOR_RGB2HSV)[..., 0]))
        assert hue < 12 or hue > 168, f"hue {hue * 2} degrees"  # OpenCV halves the degrees; red lies around 0


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(wrong: ImageArray) -> None:
    with pytest.raises(ImageError):
        policy("none").apply(wrong, np.random.default_rng(0))


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ImageError, match="mask"):
        policy("phone").apply(picture(), np.random.default_rng(0), mask=np.ones((2, 2), np.bool_))


@pytest.mark.parametrize("arguments", [("spin", 0.5, 0, 1), ("turn", 1.5, 0, 1), ("turn", 1, 5, 1), ("blur", 1, 0, 9)])
def test_a_step_that_cannot_be_is_refused(arguments: tuple[StepName, float, float, float]) -> None:
    with pytest.raises(UsageError):
        Step(*arguments)


def test_wrong_names_and_strengths_are_refused() -> None:
    with pytest.raises(UsageError, match="One of none, shop, phone, strong"):
        policy("wild")
    with pytest.raises(UsageError):
        policy("shop").scaled(-1)
    with pytest.raises(UsageError):
        policy_sheet(picture(), policy("shop"), count=-1)


def test_a_policy_says_in_words_what_it_does() -> None:
    one = Policy("mine", "a test", (Step("turn", 0.25, 2, 8), Step("flip", 0.5, 1, 1)))
    assert one.describe().splitlines() == [
        "mine: a test",
        "  turn: in 25 % of the pictures turned by 2 to 8 degrees, either way",
        "  flip: in 50 % of the pictures mirrored left to right",
    ]


def test_the_sheet_has_a_tile_for_each_step_and_view() -> None:
    few = policy_sheet(picture(), policy("shop"), count=0)
    more = policy_sheet(picture(), policy("shop"), count=12)
    assert few.shape[1] == more.shape[1]
    assert more.shape[0] > few.shape[0]
