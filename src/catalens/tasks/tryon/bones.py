"""Maps between two bodies, or a garment and a body: each bone carries what is around it; bones share what is between.

A body and a garment are described alike, by twelve joints: a garment's are where those of a person would be who wore it
as it lies. Each bone of the target is laid on the same bone of the source by an affine map, and a pixel follows the
bones near it (linear blend skinning, Magnenat-Thalmann et al. 1988, from pixels to pixels).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.geometry import Affine, compose, invert
from catalens.taxonomy import garments
from catalens.types import FloatArray

LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = range(6)
LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE = range(6, 12)
COUNT = 12
"""Joints in the order of `models.parts.JOINTS` from the shoulders on."""
ARMS = (
    (LEFT_SHOULDER, LEFT_ELBOW),
    (LEFT_ELBOW, LEFT_WRIST),
    (RIGHT_SHOULDER, RIGHT_ELBOW),
    (RIGHT_ELBOW, RIGHT_WRIST),
)
LEGS = ((LEFT_HIP, LEFT_KNEE), (LEFT_KNEE, LEFT_ANKLE), (RIGHT_HIP, RIGHT_KNEE), (RIGHT_KNEE, RIGHT_ANKLE))

WIDTH_OF_LENGTH = 0.66
"""Distance of the shoulder joints of a person seen from the front, as a share of the torso's length (this and the next
two: means over street photos)."""
HIPS_OF_LENGTH = 0.39
UPPER_ARM, FOREARM, THIGH, SHIN = 0.56, 0.50, 0.80, 0.73
"""Lengths of the limbs, as shares of the torso's."""
ARM_RADIUS, LEG_RADIUS = 0.11, 0.15
"""How far from its bone a limb reaches, in lengths of the torso."""
SHARPNESS = 7.0
STEP = 4
"""Pixels between two places that a map is computed at."""
ARM_FIRST = 0.9
"""By how many radii an arm is taken to be nearer than the torso: it is in front of it."""

Joints = FloatArray
"""(12, 2) xy in pixels."""


@dataclass(frozen=True, slots=True)
class Bone:
    """A part that moves as one: its map from the target to the source, and where it is in the target."""

    to_source: Affine
    outline: NDArray[np.float64]
    """(K, 2): two ends of a limb, or the corners of an area."""
    radius: float
    first: float


def size_of(joints: Joints) -> float:
    """Length of the torso, in pixels: what all else is measured by."""
    top = joints[[LEFT_SHOULDER, RIGHT_SHOULDER]].mean(0)
    bottom = joints[[LEFT_HIP, RIGHT_HIP]].mean(0)
    return max(float(np.linalg.norm(top - bottom)), 1.0)


def bones_of(kind: str, target: Joints, source: Joints) -> list[Bone]:
    """The bones that a garment of a kind hangs on."""
    size, other = size_of(target), size_of(source)
    torso = (LEFT_SHOULDER, RIGHT_SHOULDER, RIGHT_HIP, LEFT_HIP)
    found = [_area(torso, target, source, size=size)]
    one = garments()[kind]
    if one.arms:
        found += [_limb(ends, target, source, size=size, other=other, arm=True) for ends in ARMS]
    if one.hangs:
        found.append(_skirt(target, source, size=size))
    if one.has_legs:
        found += [_limb(ends, target, source, size=size, other=other, arm=False) for ends in LEGS]
    return found


def weights_of(bones: list[Bone], points: NDArray[np.float64]) -> FloatArray:
    """(B, N) share that each bone has of each point (N, 2) of the target; they sum to 1."""
    nearness = np.stack([bone.first - _distance(bone, points) / bone.radius for bone in bones])
    shares = np.exp(SHARPNESS * (nearness - nearness.max(0)))
    return np.asarray(shares / shares.sum(0), np.float32)


def map_between(kind: str, target: Joints, source: Joints, size: tuple[int, int]) -> FloatArray:
    """(H, W, 2) xy: where in the source each pixel of a target of (height, width) comes from."""
    coarse = -(-size[0] // STEP) + 2, -(-size[1] // STEP) + 2  # and a rim, for what lies between it and the edge
    points = ((grid(coarse) - 1) * STEP).reshape(-1, 2)
    bones = bones_of(kind, target, source)
    shares = weights_of(bones, points)
    moved = np.stack([points @ bone.to_source[:, :2].T + bone.to_source[:, 2] for bone in bones])
    shift = ((shares[..., None] * moved).sum(0) - points).astype(np.float32).reshape(*coarse, 2)
    # The map is smooth: what lies between is interpolated, as shifts, so that no shift stays none.
    fine = cv2.resize(shift, None, fx=STEP, fy=STEP, interpolation=cv2.INTER_LINEAR)
    return np.asarray(grid(size) + fine[STEP : STEP + size[0], STEP : STEP + size[1]], np.float32)


def grid(size: tuple[int, int]) -> NDArray[np.float64]:
    """(H, W, 2) xy of the middles of the pixels."""
    y, x = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5, indexing="ij")
    return np.stack([x, y], -1)


def _area(corners: tuple[int, ...], target: Joints, source: Joints, *, size: float) -> Bone:
    here, there = target[list(corners)].astype(np.float64), source[list(corners)].astype(np.float64)
    middle = here.mean(0)
    return Bone(_fitted(here, there, size), middle + (here - middle) * 0.6, 0.2 * size, 0.0)


def _skirt(target: Joints, source: Joints, *, size: float) -> Bone:
    """What hangs from the hips, whatever the legs do: as wide as the hips, down to the ankles."""

    def corners(joints: Joints) -> NDArray[np.float64]:
        hips = joints[[LEFT_HIP, RIGHT_HIP]].astype(np.float64)
        down = joints[[LEFT_ANKLE, RIGHT_ANKLE]].mean(0) - hips.mean(0)
        return np.concatenate([hips, hips[::-1] + down])

    here = corners(target)
    middle = here.mean(0)
    return Bone(_fitted(here, corners(source), size), middle + (here - middle) * 0.9, 0.2 * size, 0.0)


def _fitted(here: NDArray[np.float64], there: NDArray[np.float64], size: float) -> Affine:
    """The affine map nearest to taking each corner to its own (least squares), unturned where corners fall together."""
    middle = here.mean(0)
    # A person seen from the side has no width: the map then keeps to that of a narrow one.
    least = np.sqrt(len(here)) * 0.12 * size
    u, spread, vt = np.linalg.svd(here - middle, full_matrices=False)
    linear = (vt.T / np.maximum(spread, least)) @ u.T @ (there - there.mean(0))
    return np.column_stack([linear.T, there.mean(0) - linear.T @ middle])


def _limb(ends: tuple[int, int], target: Joints, source: Joints, *, size: float, other: float, arm: bool) -> Bone:
    here, there = target[list(ends)].astype(np.float64), source[list(ends)].astype(np.float64)
    onto = compose(_frame(there, other), invert(_frame(here, size)))
    radius = (ARM_RADIUS if arm else LEG_RADIUS) * size
    return Bone(onto, here, radius, ARM_FIRST if arm else 0.3)


def _frame(ends: NDArray[np.float64], size: float) -> Affine:
    """Takes (1, 0) to the end of a limb and (0, 1) as far across as the torso is long."""
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    if length < 0.15 * size:  # pointing at the camera
        along = along * (0.15 * size / length) if length > 1e-6 else np.array([0.0, 0.15 * size])
        length = 0.15 * size
    across = np.array([-along[1], along[0]]) / length * size
    return np.column_stack([along, across, ends[0]])


def _distance(bone: Bone, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) from points to a limb, or to an area; 0 inside."""
    corners = bone.outline
    edges = (
        [(corners[0], corners[1])] if len(corners) == 2 else list(zip(corners, np.roll(corners, -1, 0), strict=True))
    )
    nearest = np.full(len(points), np.inf)
    for start, end in edges:
        along = end - start
        share = np.clip(((points - start) @ along) / max(float(along @ along), 1e-9), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - start - share[:, None] * along, axis=1))
    if len(corners) > 2:
        nearest[_inside(corners, points)] = 0
    return nearest


def _inside(corners: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """By counting crossings of a ray, for any polygon."""
    inside = np.zeros(len(points), np.bool_)
    x, y = points[:, 0], points[:, 1]
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, 0), strict=True):
        crosses = (y1 > y) != (y2 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def limbs_drawn(joints: Joints, size: tuple[int, int]) -> FloatArray:
    """(5, H, W) float32 0..1: torso, left arm, right arm, left leg, right leg, drawn as a stick figure."""
    length = size_of(joints)
    found = np.zeros((5, *size), np.float32)
    points = np.clip(np.round(joints * 16), -30000, 30000).astype(np.int32)  # cv2 takes sixteenths of a pixel
    torso = points[[LEFT_SHOULDER, RIGHT_SHOULDER, RIGHT_HIP, LEFT_HIP]]
    cv2.fillPoly(found[0], [torso], 1.0, lineType=cv2.LINE_8, shift=4)
    lines = (ARMS[:2], ARMS[2:], LEGS[:2], LEGS[2:])
    for plane, pairs in zip(found[1:], lines, strict=True):
        for start, end in pairs:
            thick = max(1, round(0.07 * length))
            cv2.line(plane, points[start].tolist(), points[end].tolist(), 1.0, thick, cv2.LINE_8, shift=4)
    return found
