"""A garment that somebody wears, as if it lay in a shop.

It is cut from a photo by its mask, laid out with spread sleeves and straight legs (each bone of the body onto that of a
standing one), then bent and moved at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import UnfitImageError
from catalens.models.parts import CLASSES
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.bones import Joints, map_between
from catalens.tasks.tryon.outline import joints_of_outline
from catalens.taxonomy import garments
from catalens.types import FloatArray, ImageArray

CANVAS = (256, 256)
"""(height, width) that garments are laid out on."""
MISTAKEN = 0.03
"""How far off joints are taken to be found, in lengths of the torso (standard deviation)."""
FLATTER = (1.0, 1.35)
"""How much wider a garment lies than it is seen from the front on a body, which is round."""
BENT = 0.035
"""How far a laid out garment is bent, as a share of the canvas (standard deviation at nine points)."""
Labels = NDArray[np.uint8]
Number = TypeVar("Number", np.uint8, np.float32)


@dataclass(frozen=True)
class Person:
    """A street photo: its number, HWC uint8, HxW of `CLASSES`, (12, 2) joints, the kinds of garments to learn from."""

    number: int
    image: ImageArray
    labels: Labels
    joints: Joints
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Laid:
    """A garment as it might lie in a shop: HWC uint8; HxW float32 in 0..1 where it is; (12, 2) its joints."""

    colors: ImageArray
    alpha: FloatArray
    joints: Joints


def lay_out(image: ImageArray, labels: Labels, joints: Joints, kind: str, rng: np.random.Generator) -> Laid:
    """Cut a garment from a person and lay it out, bent and moved at random.

    Raises:
        UnfitImageError: nothing of it is left.
    """
    size = 76.0 if garments()[kind].legs else 80.0
    canvas = standing(size, arms=float(rng.uniform(0.25, 1.05)), at=(CANVAS[1] / 2, 32.0))
    stretch = np.array([rng.uniform(*FLATTER), rng.uniform(0.92, 1.1)], np.float32)
    canvas = (canvas - CANVAS[1] / 2) * stretch + CANVAS[1] / 2
    canvas = canvas + rng.normal(size=canvas.shape).astype(np.float32) * 0.03 * size
    back = map_between(kind, canvas, joints, CANVAS)
    mask = (labels == CLASSES.index(kind)).astype(np.float32)
    alpha = sampled_at(cv2.GaussianBlur(mask, (0, 0), 0.8), back, border=0)
    alpha = np.where(_doubled(kind, canvas, joints, back), 0, alpha).astype(np.float32)
    colors = sampled_at(_grown(image, mask > 0.5), back)
    bend = _bend(rng)
    moved = bones.grid(CANVAS).astype(np.float32) + bend
    colors, alpha = sampled_at(colors, moved), sampled_at(alpha, moved, border=0)
    places = np.clip(canvas.astype(int), 0, np.array(CANVAS[::-1]) - 1)
    canvas = canvas - bend[places[:, 1], places[:, 0]]
    found = canvas + rng.normal(size=canvas.shape).astype(np.float32) * MISTAKEN * size
    if rng.random() < 0.7:  # as it will be: by the outline alone
        found = joints_of_outline(alpha > 0.5, kind)
    elif (alpha > 0.5).sum() < 100:
        raise UnfitImageError("nothing is left of the garment")
    return Laid(np.asarray(colors, np.uint8), np.asarray(alpha, np.float32), found)


def _doubled(kind: str, canvas: Joints, joints: Joints, back: FloatArray) -> NDArray[np.bool_]:
    """Where the laid out body would show the arm that lies in front of it, or an arm would show the body."""
    if not garments()[kind].arms:
        return np.zeros(CANVAS, np.bool_)
    step = bones.STEP
    here = bones.grid(CANVAS)[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    there = back[step // 2 :: step, step // 2 :: step].reshape(-1, 2).astype(np.float64)
    unlike = _lower_arms(kind, canvas, joints, here) - _lower_arms(kind, joints, canvas, there)
    coarse = np.abs(unlike).reshape(CANVAS[0] // step, CANVAS[1] // step)
    return np.asarray(cv2.resize(coarse, CANVAS[::-1], interpolation=cv2.INTER_LINEAR) > 0.8, np.bool_)


def _lower_arms(kind: str, target: Joints, source: Joints, points: NDArray[np.float64]) -> FloatArray:
    """(N,) share that the arms have of each point."""
    return np.asarray(bones.weights_of(bones.bones_of(kind, target, source), points)[1:5].sum(0), np.float32)


def _bend(rng: np.random.Generator) -> FloatArray:
    """(H, W, 2) pixels: smooth, with a turn and a stretch."""
    coarse = rng.normal(size=(3, 3, 2)).astype(np.float32) * BENT * CANVAS[0]
    smooth = cv2.resize(coarse, CANVAS[::-1], interpolation=cv2.INTER_CUBIC)
    turn = np.radians(rng.normal() * 4)
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) - np.eye(2)
    around = bones.grid(CANVAS) - CANVAS[0] / 2
    return np.asarray(smooth + around @ linear.T, np.float32)


def _grown(image: ImageArray, mask: NDArray[np.bool_]) -> ImageArray:
    """The garment's colors carried a little over its edge, so that a bent one has no rim of the background."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    total = cv2.GaussianBlur(inner, (0, 0), 2.0)[..., None]
    near = cv2.GaussianBlur(image.astype(np.float32) * inner[..., None], (0, 0), 2.0) / np.maximum(total, 1e-3)
    return np.asarray(np.where((inner > 0)[..., None] | (total < 0.02), image, near), np.uint8)


def sampled_at(picture: NDArray[Number], where: FloatArray, *, border: int | None = None) -> NDArray[Number]:
    """Read HxW or HWC at (h, w, 2) xy."""
    mode = cv2.BORDER_REPLICATE if border is None else cv2.BORDER_CONSTANT
    x, y = where[..., 0].astype(np.float32) - 0.5, where[..., 1].astype(np.float32) - 0.5
    read = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=mode, borderValue=[border or 0] * 3)
    return np.asarray(read, picture.dtype)


def standing(size: float, *, arms: float, at: tuple[float, float]) -> Joints:
    """A person's joints seen from the front, legs straight.

    Args:
        size: length of the torso; arms: angle between arms and torso, radians; at: xy of the middle of the shoulders.
    """
    joints = np.zeros((bones.COUNT, 2), np.float32)
    for left, side in ((0, 1.0), (1, -1.0)):  # the person's own left is on the right of the picture
        shoulder = np.array(at) + size * np.array([side * bones.WIDTH_OF_LENGTH / 2, 0])
        direction = np.array([side * np.sin(arms), np.cos(arms)])
        hip = np.array(at) + size * np.array([side * bones.HIPS_OF_LENGTH / 2, 1])
        down = np.array([0, size])
        joints[left] = shoulder
        joints[2 + left] = shoulder + direction * bones.UPPER_ARM * size
        joints[4 + left] = shoulder + direction * (bones.UPPER_ARM + bones.FOREARM) * size
        joints[6 + left] = hip
        joints[8 + left] = hip + down * bones.THIGH
        joints[10 + left] = hip + down * (bones.THIGH + bones.SHIN)
    return joints
