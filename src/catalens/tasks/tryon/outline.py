"""Joints of a garment from its outline: neck, shoulders, sleeves, waist, legs and hem as it lies or hangs.

Joints are those of a person who wore it (`bones`). What a garment does not reach is set where a person of its size
would have it, so that a short sleeve ends where it should on any arm.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import UnfitImageError
from catalens.tasks.tryon.bones import COUNT, FOREARM, HIPS_OF_LENGTH, SHIN, THIGH, UPPER_ARM, WIDTH_OF_LENGTH, Joints
from catalens.taxonomy import Garment, garments

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

DRESS_LENGTH = 1.95
"""Length of an average dress, in lengths of the wearer's torso."""
TORSO_OF_WAIST = 1.3
"""The same for hips one wide."""
WAIST_ABOVE = 0.30
"""How far the waist sits above the hip joints, in lengths of the torso."""
BETWEEN_SLEEVES = 0.66
"""Share of such a width that is the body's."""
LONG = 0.78
"""Share of a limb from which a sleeve or a leg is taken to reach its end."""
SLEEVE_AREA = 0.025
"""What juts out beside the body of a top is a sleeve from this share of the square of its width."""
REST = 0.45
"""Angle of an arm without a sleeve, radians from straight down."""


def joints_of_outline(mask: Mask, kind: str) -> Joints:
    """(H, W) where the garment is -> (12, 2) xy in its pixels.

    Raises:
        UnfitImageError: nothing there that has a shape.
    """
    mask = _whole(mask)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) < 8 or len(columns) < 8:
        raise UnfitImageError(
            "the garment's photo shows no garment that can be cut out",
            cure="give a photo of one garment, lying or hanging, whole",
        )
    one = garments()[kind]
    if one.arms:
        return _upper(mask, int(rows[0]), int(rows[-1]) + 1, one)
    return _lower(mask, int(rows[0]), int(rows[-1]) + 1, legs=one.has_legs)


def _whole(mask: Mask) -> Mask:
    """The largest part, with cracks closed and holes filled: an open jacket is one garment."""
    if not mask.any():
        return mask
    y, x = np.nonzero(mask)
    side = max(1, round(0.03 * max(np.ptp(y), np.ptp(x)))) * 2 + 1
    closed = cv2.morphologyEx(np.pad(mask.astype(np.uint8), side), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    largest = (parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    outside = largest.copy()
    cv2.floodFill(outside, None, (0, 0), 2)
    return np.asarray((outside != 2)[side:-side, side:-side], np.bool_)


def _upper(mask: Mask, top: int, bottom: int, one: Garment) -> Joints:
    height = bottom - top
    part, share = ((0.2, 0.5), 0.15) if one.legs else ((0.45, 0.92), 0.4)  # a dress by its waist
    # Thinner by a little, so that a sleeve that hangs close to the body is seen apart from it.
    thin = max(1, round(0.015 * height))
    apart = cv2.erode(mask.astype(np.uint8), np.ones((1, 2 * thin + 1), np.uint8)) > 0
    middle = _middle_column(apart, top + height // 3, bottom)
    runs = [_run_at(apart[row], middle) for row in range(int(top + part[0] * height), int(top + part[1] * height))]
    sides = np.array([run for run in runs if run is not None], np.float64).reshape(-1, 2)
    if not len(sides):
        sides = np.array([[middle - 0.25 * height, middle + 0.25 * height]])
    widths = sides[:, 1] - sides[:, 0]
    body = sides[widths <= np.quantile(widths, share) + 1]  # not where sleeves hang beside it
    left, right = np.median(body, axis=0) + np.array([-thin, thin])
    center, width = (left + right) / 2, max(right - left, 4.0)
    if width > one.sleeves * height and width > 0.9 * float(np.ptp(np.flatnonzero(mask.any(0)))):
        width *= BETWEEN_SLEEVES
    elif not one.legs:  # below the shoulders a body grows hardly wider: what does are sleeves beside it
        upper = [np.ptp(np.flatnonzero(mask[top + int(part * height)])) for part in (0.18, 0.22, 0.26)]
        width = min(width, max(float(np.median(upper)), 0.4 * width))
    size = one.torso * width
    if one.legs:  # wide ones have no waist: half of the say is the length's
        size = float(np.sqrt(size * height / DRESS_LENGTH))
    half = WIDTH_OF_LENGTH / 2 * size
    outline = [_top_of(mask, center + side * half * 0.95) for side in (1, -1)]
    shoulder_y = float(np.median([y for y in outline if y is not None] or [top])) + 0.09 * size
    joints = np.zeros((COUNT, 2))
    for side, sign in ((0, 1.0), (1, -1.0)):
        shoulder = np.array([center + sign * half, shoulder_y])
        beside = mask.copy()
        edge = round(center + sign * 0.52 * width)
        beside[:, : max(edge, 0)] &= sign < 0
        beside[:, max(edge, 0) :] &= sign > 0
        elbow, wrist = _arm(beside, shoulder, sign, size, width)
        joints[side], joints[2 + side], joints[4 + side] = shoulder, elbow, wrist
        _hang(joints, side, np.array([center + sign * HIPS_OF_LENGTH / 2 * size, shoulder_y + size]), size)
    return joints.astype(np.float32)


def _arm(beside: Mask, shoulder: Points, sign: float, size: float, width: float) -> tuple[Points, Points]:
    """Elbow and wrist by what is beside the body on one side."""
    y, x = np.nonzero(beside)
    rest = np.array([sign * np.sin(REST), np.cos(REST)])
    if len(x) < SLEEVE_AREA * width * width:
        return shoulder + UPPER_ARM * size * rest, shoulder + (UPPER_ARM + FOREARM) * size * rest
    points = np.stack([x, y], 1) + 0.5
    far = np.linalg.norm(points - shoulder, axis=1)
    length = float(np.quantile(far, 0.995))
    cuff = points[far > 0.94 * length].mean(0)
    direction = (cuff - shoulder) / max(float(np.linalg.norm(cuff - shoulder)), 1e-6)
    arm = (UPPER_ARM + FOREARM) * size
    if length < LONG * arm:
        return shoulder + UPPER_ARM * size * direction, shoulder + arm * direction
    share = UPPER_ARM / (UPPER_ARM + FOREARM)
    band = points[np.abs(far - share * length) < 0.05 * length]
    elbow = band.mean(0) if len(band) else shoulder + share * (cuff - shoulder)
    return elbow, cuff


def _lower(mask: Mask, top: int, bottom: int, *, legs: bool) -> Joints:
    height = bottom - top
    waist = [np.flatnonzero(mask[row]) for row in range(top + int(0.05 * height), top + max(3, int(0.18 * height)))]
    left, right = np.median([(run[0], run[-1] + 1) for run in waist if len(run)] or [(0, mask.shape[1])], axis=0)
    center, width = (left + right) / 2, max(right - left, 4.0)
    size = TORSO_OF_WAIST * width
    hip_y = top + WAIST_ABOVE * size
    joints = np.zeros((COUNT, 2))
    for side, sign in ((0, 1.0), (1, -1.0)):
        hip = np.array([center + sign * HIPS_OF_LENGTH / 2 * size, hip_y])
        _hang(joints, side, hip, size)
        shoulder = np.array([center + sign * WIDTH_OF_LENGTH / 2 * size, hip_y - size])
        rest = np.array([sign * np.sin(REST), np.cos(REST)]) * size
        joints[side] = shoulder
        joints[2 + side], joints[4 + side] = shoulder + UPPER_ARM * rest, shoulder + (UPPER_ARM + FOREARM) * rest
        if legs:
            joints[8 + side], joints[10 + side] = _leg(mask, hip, sign, center, bottom, size)
    return joints.astype(np.float32)


def _leg(mask: Mask, hip: Points, sign: float, center: float, bottom: int, size: float) -> tuple[Points, Points]:
    """Knee and ankle by where the leg on one side runs."""
    side = mask.copy()
    edge = round(center)
    side[:, :edge] &= sign < 0
    side[:, edge:] &= sign > 0
    ends = np.flatnonzero(side.any(1))
    last = int(ends[-1]) + 1 if len(ends) else bottom
    length = last - hip[1]
    full = (THIGH + SHIN) * size

    def middle_at(y: float, reach: float) -> float:
        rows = side[max(int(y - reach), 0) : max(int(y + reach) + 1, 1)]
        columns = np.flatnonzero(rows.any(0))
        return float(np.nonzero(rows)[1].mean()) + 0.5 if len(columns) else float(hip[0])

    end = np.array([middle_at(last - 0.04 * length, 0.03 * length), float(last)])
    if length >= LONG * full:
        knee_y = hip[1] + length * THIGH / (THIGH + SHIN)
        return np.array([middle_at(knee_y, 0.02 * length), knee_y]), end
    direction = (end - hip) / max(float(np.linalg.norm(end - hip)), 1e-6)
    return hip + THIGH * size * direction, hip + full * direction


def _hang(joints: Points, side: int, hip: Points, size: float) -> None:
    """Hip, knee and ankle straight down."""
    joints[6 + side] = hip
    joints[8 + side] = hip + np.array([0, THIGH * size])
    joints[10 + side] = hip + np.array([0, (THIGH + SHIN) * size])


def _middle_column(mask: Mask, first: int, last: int) -> float:
    """Where the body's middle is: the median of the middles of the longest runs."""
    runs = [_longest_run(mask[row]) for row in range(first, last)]
    middles = [(run[0] + run[1]) / 2 for run in runs if run is not None]
    return float(np.median(middles)) if middles else mask.shape[1] / 2


def _longest_run(row: Mask) -> tuple[int, int] | None:
    runs = _runs(row)
    return max(runs, key=lambda run: run[1] - run[0]) if runs else None


def _run_at(row: Mask, column: float) -> tuple[int, int] | None:
    return next((run for run in _runs(row) if run[0] <= column < run[1]), None)


def _runs(row: Mask) -> list[tuple[int, int]]:
    steps = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in zip(steps[::2], steps[1::2], strict=True)]


def _top_of(mask: Mask, column: float) -> float | None:
    place = round(column)
    if not 0 <= place < mask.shape[1]:
        return None
    rows = np.flatnonzero(mask[:, place])
    return float(rows[0]) if len(rows) else None
