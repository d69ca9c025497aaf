"""The named policies of augmentation, and the sheet that shows what one does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from catalens import options
from catalens.errors import UsageError
from catalens.images.draw import Tile, contact_sheet
from catalens.learning.augment import STEPS, MaskArray, Policy, Step, change
from catalens.types import ImageArray

NONE = Policy("none", "the photo as it is")
SHOP = Policy(
    "shop",
    "studio photos, framed and lit a little otherwise",
    (
        Step("flip", 0.5, 1, 1),
        Step("crop", 0.8, 0.0, 0.15),
        Step("turn", 0.3, 0, 4),
        Step("light", 0.5, 0, 0.3),
        Step("contrast", 0.3, 0, 0.1),
        Step("white balance", 0.3, 0, 0.1),
        Step("jpeg", 0.3, 10, 35),
    ),
)
PHONE = Policy(
    "phone",
    "photos by customers, held at an angle, in the light of a room, a little blurred and compressed",
    (
        Step("background", 0.3, 1, 1),
        Step("flip", 0.5, 1, 1),
        Step("crop", 0.8, 0.0, 0.3),
        Step("turn", 0.5, 0, 12),
        Step("perspective", 0.3, 0, 0.06),
        Step("light", 0.7, 0, 0.7),
        Step("contrast", 0.5, 0, 0.25),
        Step("white balance", 0.5, 0, 0.3),
        Step("blur", 0.2, 0.001, 0.005),
        Step("noise", 0.2, 2, 8),
        Step("low resolution", 0.15, 0.2, 0.6),
        Step("jpeg", 0.3, 20, 60),
    ),
)
STRONG = Policy(
    "strong",
    "the strongest changes under which a product is still recognisable; for few photos and long training",
    (
        Step("background", 0.5, 1, 1),
        Step("flip", 0.5, 1, 1),
        Step("crop", 0.9, 0.0, 0.5),
        Step("turn", 0.7, 0, 25),
        Step("perspective", 0.5, 0, 0.12),
        Step("light", 0.8, 0, 1.2),
        Step("contrast", 0.6, 0, 0.4),
        Step("white balance", 0.6, 0, 0.5),
        Step("blur", 0.3, 0.001, 0.01),
        Step("noise", 0.3, 2, 16),
        Step("low resolution", 0.25, 0.2, 0.75),
        Step("jpeg", 0.4, 20, 80),
        Step("erasing", 0.3, 0.03, 0.2),
    ),
)
POLICIES: Mapping[str, Policy] = MappingProxyType({one.name: one for one in (NONE, SHOP, PHONE, STRONG)})


def policy(name: str) -> Policy:
    """A policy by its name.

    Raises:
        UsageError: no such policy.
    """
    if name not in POLICIES:
        raise UsageError(f"no augmentation policy called {name!r}", cure=f"one of {', '.join(POLICIES)}")
    return POLICIES[name]


def policy_sheet(
    image: ImageArray,
    policy: Policy,
    *,
    count: int = options.Augment.count.default,
    seed: int = options.Augment.seed.default,
    mask: MaskArray | None = None,
) -> ImageArray:
    """A contact sheet: the photo, each step by itself at its most, then `count` views with all steps drawn.

    Args:
        image: HWC uint8; mask: HxW bool where the product is, needed for the step "background".

    Raises:
        UsageError: a count below 0.
    """
    if count < 0:
        raise UsageError(f"expected a count from 0 and got {count}", cure="ask for a few views")
    tiles = [Tile(image, "the photo", f"{image.shape[1]} x {image.shape[0]}", chosen=True)]
    for number, step in enumerate(policy.steps):
        if step.name == "background" and mask is None:
            continue
        rng = np.random.default_rng([seed, 1, number])
        words = STEPS[step.name].words(step.high)
        tiles.append(Tile(change(image, step.name, step.high, rng, mask=mask), f"{step.name}, at its most", words))
    views = policy.views(image, count, seed=seed, mask=mask)
    tiles += [Tile(view, f"view {number}", f"seed {seed}") for number, view in enumerate(views, start=1)]
    return contact_sheet(tiles, title=f"{policy.name}: {policy.purpose}", columns=6)
