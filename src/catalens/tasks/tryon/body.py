"""Region of a person's photo that a new garment may change, and the parts that stay.

Taken off are the old garments in its place and the bare arms or legs below them, which may be covered or shown anew.
Face, hair, hands, bags and what else is worn stay in front.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.geometry import Affine, scale_and_shift
from catalens.models.parts import CLASSES
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.bones import Joints
from catalens.taxonomy import garments, rules
from catalens.types import FloatArray, ImageArray

VIEW = (192, 144)
"""(height, width) in pixels of what the network sees: the part of the photo that a garment may touch."""
OVER = tuple(rules()["body"]["in_front"])
"""Parts that stay in front."""
BARE = tuple(rules()["body"]["bare"])
"""Parts that any garment goes over: where it leaves them bare they are the photo's own."""
SKIN = BARE[0]
ON_ARMS = tuple(rules()["body"]["on_arms"])
"""Parts that lie on the skin of arms."""
ON_LEGS = tuple(rules()["body"]["on_legs"])
"""Parts that lie on the skin of legs."""
GROUPS = tuple(map(tuple, rules()["body"]["planes"]))
"""Parts as the network is told of them; the background is none."""
WHOLE = tuple(one.name for one in garments().values() if one.span == "whole")
"""Garments of which the upper or the lower half may be taken off alone."""
OUTER = tuple(one.name for one in garments().values() if one.goes_over)
"""Garments that are worn over others."""
BLURRED = 0.025
"""How far from a garment its color may still be seen, in lengths of the torso."""
HIDDEN = 0.6
"""Share of what lies between the thighs that a coat covers, from which on what is worn below it cannot be told."""
HAND = 0.22
"""Radius of a hand, around a point beyond the wrist, in lengths of the torso."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Undressed:
    """A photo, or a view of one, with the place for a garment made free.

    Args:
        image: HWC uint8; region: HxW, what may change; known: HxW, what of it shows nothing that is taken off.
        filled: HWC uint8, the photo with the region filled from around it, limbs in the person's own skin color.
        parts: (6, H, W) float32, what is kept, as `GROUPS`; joints: (12, 2) in its pixels.
    """

    image: ImageArray
    region: Mask
    known: Mask
    filled: ImageArray
    parts: FloatArray
    joints: Joints


def shown(labels: NDArray[np.uint8], names: Iterable[str]) -> Mask:
    """HxW, where one of the parts is."""
    return np.isin(labels, [CLASSES.index(name) for name in names])


def undress(
    image: ImageArray, labels: NDArray[np.uint8], joints: Joints, kind: str, *, wider: float = 0.0
) -> Undressed:
    """Make the place for a garment of a kind free: HWC uint8, HxW of `CLASSES`, (12, 2) -> all of that size.

    `wider` is by how much more than usual the region reaches beyond what is taken off, in lengths of the torso.
    """
    size = bones.size_of(joints)
    off = _taken_off(labels, joints, kind)
    over = _over(labels, joints, kind)
    reach = _disk((garments()[kind].reach + wider) * size)
    region = (cv2.dilate(off.astype(np.uint8), reach) > 0) | _envelope(labels.shape, joints, kind)
    region &= ~over
    near = cv2.dilate(off.astype(np.uint8), _disk(BLURRED * size)) > 0
    known = region & ~near
    parts = np.stack([shown(labels, names) for names in GROUPS])
    filled = _filled(image, labels, joints, region=region, kind=kind)
    return Undressed(image, region, known, filled, (parts & ~region).astype(np.float32), joints)


def come_to_light(
    image: ImageArray, labels: NDArray[np.uint8], undressed: Undressed, kind: str
) -> tuple[ImageArray, Mask]:
    """The photo with what is taken off replaced by what is around it: the background, and what is worn below; and HxW
    where the garment goes over something that is seen wherever it does not cover it.

    Unlike `Undressed.filled` it may use what is known within the region: the network shall not see that, for it would
    tell the old garment's outline.
    """
    bare, clothes, under = _worn_under(labels, undressed.joints, kind)
    unknown = undressed.region & ~undressed.known & ~bare & ~clothes
    below = _below(labels, kind) & ~unknown
    around = _from_around(image, ((labels == 0) | below) & ~unknown)
    skirt = _goes_on(labels, undressed.joints, undressed.region, kind)
    around[skirt] = _from_around(image, below)[skirt]
    arms, legs = _bare(labels.shape, undressed.joints, kind, to_waist=bool(skirt.any()))
    body = (arms | legs) & ~skirt
    around[body] = undressed.filled[body]
    around[under] = _from_around(image, clothes)[under]
    behind = np.asarray(np.where(unknown[..., None], around, image), np.uint8)
    return behind, bare | clothes | under


def _worn_under(labels: NDArray[np.uint8], joints: Joints, kind: str) -> tuple[Mask, Mask, Mask]:
    """What a garment of a kind goes over and is seen now, skin and clothes, and where those clothes go on under what
    is taken off. Not what is so near to the old garment that its color may be seen there.
    """
    size = bones.size_of(joints)
    over = garments()[kind].goes_over
    old = shown(labels, [name for name in garments()[kind].takes_off if name not in over])
    apart = cv2.dilate(old.astype(np.uint8), _disk(BLURRED * size)) == 0
    bare, worn = shown(labels, BARE), shown(labels, over)
    clothes, chest = worn & apart, np.zeros(labels.shape, np.uint8)
    if clothes.sum() > 0.03 * size * size:
        _fill(chest, _torso(joints, wider=0.02 * size, down=0.0))
    return bare & apart, clothes, np.asarray((chest > 0) & (old | worn) & ~clothes, np.bool_)


def _below(labels: NDArray[np.uint8], kind: str) -> Mask:
    return shown(labels, garments()[kind].hangs_over)


def _goes_on(labels: NDArray[np.uint8], joints: Joints, region: Mask, kind: str) -> Mask:
    """Where what is worn below goes on under what is taken off, around the hips; nowhere where none of it is seen."""
    size = bones.size_of(joints)
    under = np.zeros(labels.shape, np.uint8)
    if (_below(labels, kind) & ~region).sum() > 0.03 * size * size:
        _fill(under, _torso(joints, wider=0.07 * size, down=0.35 * size, above=0.3 * size))
    return np.asarray((under > 0) & region, np.bool_)


def view_of(joints: Joints, kind: str, *, labels: NDArray[np.uint8] | None = None) -> Affine:
    """The map from a photo's pixels to those of the network's view: what a garment may touch, and some air.

    With HxW of `CLASSES`, also all of a longer garment that is taken off for it.
    """
    size = bones.size_of(joints)
    shoulders, hips = float(joints[:2, 1].mean()), float(joints[6:8, 1].mean())
    ankles = float(joints[10:12, 1].max())
    one = garments()[kind]
    if one.span == "upper":
        chosen, top, bottom = joints[:8], shoulders - 0.45 * size, hips + (1.0 if one.hangs else 0.5) * size
    elif one.span == "whole":
        chosen, top, bottom = joints, shoulders - 0.45 * size, ankles + 0.1 * size
    else:
        chosen, top, bottom = joints[6:], hips - 0.5 * size, ankles + 0.15 * size
    if labels is not None and one.hangs_over:
        rows = np.flatnonzero(_taken_off(labels, joints, kind).any(1))
        bottom = max(bottom, min(float(rows[-1]) + 0.15 * size, ankles + 0.1 * size)) if len(rows) else bottom
    left, right = float(chosen[:, 0].min()) - 0.3 * size, float(chosen[:, 0].max()) + 0.3 * size
    height, width = VIEW
    scale = min(height / max(bottom - top, 1e-3), width / max(right - left, 1e-3))
    shift = (width / 2 - scale * (left + right) / 2, height / 2 - scale * (top + bottom) / 2)
    return scale_and_shift((scale, scale), shift)


def hides_legs(labels: NDArray[np.uint8], joints: Joints) -> bool:
    """Whether an outer garment is so long and closed that nobody knows what is worn below it."""
    size = bones.size_of(joints)
    thighs = np.zeros(labels.shape, np.uint8)
    hips, knees = joints[6:8].astype(np.float64), joints[8:10].astype(np.float64)
    top = hips + (knees - hips) * 0.4
    _fill(thighs, np.array([top[0], knees[0], knees[1], top[1]]))
    cv2.dilate(thighs, _disk(0.06 * size), dst=thighs)
    coat = shown(labels, OUTER)
    return float(coat[thighs > 0].mean() if thighs.any() else 0) > HIDDEN


def seen(picture: NDArray[np.uint8], matrix: Affine, *, nearest: bool = False) -> NDArray[np.uint8]:
    """A view of a picture HxW or HWC; beyond its edge the edge goes on."""
    scale = float(matrix[0, 0])
    flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    source, moved = picture, matrix.copy()
    if not nearest and scale < 0.6:  # average first: linear sampling would skip pixels
        smaller = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        source = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
        moved[0, 0] *= picture.shape[1] / smaller[0]
        moved[1, 1] *= picture.shape[0] / smaller[1]
    moved[:, 2] += moved[:, :2].sum(1) / 2 - 0.5  # cv2 counts from the middle of the first pixel
    found = cv2.warpAffine(source, moved, VIEW[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


def _taken_off(labels: NDArray[np.uint8], joints: Joints, kind: str) -> Mask:
    """Old garments in the place of the new one, and the skin that it may cover."""
    size = bones.size_of(joints)
    rows = np.arange(labels.shape[0])[:, None] + 0.5
    hips = float(joints[6:8, 1].mean())
    one = garments()[kind]
    off, whole = shown(labels, one.takes_off), shown(labels, WHOLE)
    if one.span == "upper":
        off &= ~(whole & (rows > hips + 0.05 * size))
    elif one.span == "lower":
        off &= ~(whole & (rows < hips - 0.3 * size))
    skin = shown(labels, (SKIN, *ON_ARMS))
    if one.arms:
        chest = (rows > float(joints[:2, 1].mean()) - 0.06 * size) & (rows < hips + 0.1 * size)
        arms = _limbs(labels.shape, joints, bones.ARMS, 0.16 * size) & (rows < hips + 0.9 * size)
        off |= skin & (chest | arms)
    if one.legs:
        off |= (
            (skin | shown(labels, ON_LEGS))
            & _limbs(labels.shape, joints, bones.LEGS, 0.24 * size)
            & (rows > hips - 0.1 * size)
        )
    return np.asarray(off & ~_hands(labels, joints), np.bool_)


def _over(labels: NDArray[np.uint8], joints: Joints, kind: str) -> Mask:
    """What stays in front of the garment: hair, bags, hands, the face; and clothes that lie over it."""
    size = bones.size_of(joints)
    over = shown(labels, garments()[kind].behind) | _hands(labels, joints)
    rows = np.arange(labels.shape[0])[:, None] + 0.5
    face = shown(labels, [SKIN]) & (rows < float(joints[:2, 1].mean()) - 0.16 * size)
    if garments()[kind].arms:
        face &= ~_limbs(labels.shape, joints, bones.ARMS, 0.16 * size)  # a raised arm
    return np.asarray(over | face, np.bool_)


def _hands(labels: NDArray[np.uint8], joints: Joints) -> Mask:
    size = bones.size_of(joints)
    found = np.zeros(labels.shape, np.uint8)
    for elbow, wrist in (bones.ARMS[1], bones.ARMS[3]):
        along = joints[wrist] - joints[elbow]
        length = max(float(np.linalg.norm(along)), 1e-3)
        middle = joints[wrist] + along / length * HAND * 0.75 * size
        cv2.circle(found, _whole(middle), max(1, round(HAND * size)), 1, -1)
        # Nothing of the forearm: the circle is cut off at the wrist.
        y, x = np.nonzero(found)
        before = ((np.stack([x, y], 1) - joints[wrist]) @ (along / length)) < -0.02 * size
        near = np.linalg.norm(np.stack([x, y], 1) - joints[wrist], axis=1) < 2 * HAND * size
        found[y[before & near], x[before & near]] = 0
    return np.asarray((found > 0) & shown(labels, [SKIN]), np.bool_)


def _envelope(size: tuple[int, int], joints: Joints, kind: str) -> Mask:
    """Where a garment of a kind may be, whatever the person wears now."""
    length, one = bones.size_of(joints), garments()[kind]
    found = np.zeros(size, np.uint8)
    if one.arms:
        found |= _limbs(size, joints, bones.ARMS, 0.13 * length).astype(np.uint8)
        _fill(found, _torso(joints, wider=0.10 * length, down=0.30 * length))
    if one.has_legs or one.span == "whole":
        found |= _limbs(size, joints, bones.LEGS, 0.17 * length).astype(np.uint8)
    if one.hangs:
        hips, knees = joints[6:8], joints[8:10]
        wide = 0.22 * length
        side = np.array([1.0, 0.0])
        left, right = hips[np.argmax(hips[:, 0])], hips[np.argmin(hips[:, 0])]
        low = knees.mean(0) if one.legs else (hips.mean(0) + knees.mean(0)) / 2
        half = (left[0] - right[0]) / 2 + wide * 1.25
        corners = [left + side * wide * 0.7, low + side * half, low - side * half, right - side * wide * 0.7]
        _fill(found, np.array(corners))
    if one.span == "lower":
        _fill(found, _torso(joints, wider=0.16 * length, down=0.1 * length, above=0.34 * length))
    return np.asarray(found > 0, np.bool_)


def _torso(joints: Joints, *, wider: float, down: float, above: float | None = None) -> NDArray[np.float64]:
    """(4, 2) corners of shoulders and hips, wider by some pixels; from `above` pixels over the hips, if said."""
    top, low = joints[:2].astype(np.float64), joints[6:8].astype(np.float64)
    if above is not None:
        top = low + (top - low) * above / bones.size_of(joints)
    top_left, top_right = top[np.argmax(top[:, 0])], top[np.argmin(top[:, 0])]
    low_left, low_right = low[np.argmax(low[:, 0])], low[np.argmin(low[:, 0])]
    more, under = np.array([wider, 0]), np.array([0, down])
    up = np.array([0, 0.08 * bones.size_of(joints) if above is None else 0])
    return np.array(
        [top_left + more - up, low_left + 1.3 * more + under, low_right - 1.3 * more + under, top_right - more - up]
    )


def _limbs(size: tuple[int, int], joints: Joints, pairs: tuple[tuple[int, int], ...], radius: float) -> Mask:
    found = np.zeros(size, np.uint8)
    for start, end in pairs:
        cv2.line(found, _whole(joints[start]), _whole(joints[end]), 1, max(1, round(2 * radius)))
    return np.asarray(found > 0, np.bool_)


def _filled(image: ImageArray, labels: NDArray[np.uint8], joints: Joints, *, region: Mask, kind: str) -> ImageArray:
    """The region painted over: background from around it, limbs and chest in the skin's color."""
    size = bones.size_of(joints)
    ground = (labels == 0) & ~region
    painted = _from_around(image, ground)
    filled = np.where(region[..., None], painted, image)
    skin = _skin_color(image, labels, region)
    under = _goes_on(labels, joints, region, kind)
    if under.any():
        filled[under] = _from_around(image, _below(labels, kind) & ~region)[under]
    arms, legs = _bare(labels.shape, joints, kind, to_waist=bool(under.any()))
    filled[arms & region] = skin
    legwear = shown(labels, ON_LEGS)
    filled[legs & region] = np.median(image[legwear], axis=0) if legwear.sum() > 0.02 * size * size else skin
    soft = cv2.GaussianBlur(filled, (0, 0), max(0.6, 0.02 * size))
    return np.asarray(np.where(region[..., None], soft, image), np.uint8)


def _bare(size: tuple[int, int], joints: Joints, kind: str, *, to_waist: bool) -> tuple[Mask, Mask]:
    """Arms and chest, and legs, where a garment of a kind may leave them bare."""
    length = bones.size_of(joints)
    none = np.zeros(size, np.bool_)
    arms, legs = none, none
    if garments()[kind].arms:
        chest = np.zeros(size, np.uint8)
        _fill(chest, _torso(joints, wider=0.02 * length, down=0.0))
        end = float(joints[6:8, 1].mean()) - (0.3 * length if to_waist else 0)
        above = np.arange(size[0])[:, None] + 0.5 < end
        arms = _limbs(size, joints, bones.ARMS, 0.065 * length) | ((chest > 0) & above)
    if garments()[kind].legs:
        legs = _limbs(size, joints, bones.LEGS, 0.09 * length)
    return arms, legs


def _skin_color(image: ImageArray, labels: NDArray[np.uint8], region: Mask) -> NDArray[np.float64]:
    """(3,) median of the skin that stays, of all skin where none does, else of an average one."""
    skin = shown(labels, [SKIN])
    for chosen in (skin & ~region, skin):
        inner = cv2.erode(chosen.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        if inner.sum() >= 12:
            return np.asarray(np.median(image[inner], axis=0), np.float64)
    return np.array([190.0, 150.0, 130.0])


def _from_around(image: ImageArray, known: Mask) -> ImageArray:
    """Every pixel as a mean of known ones near it, the nearer the more (pull-push, Gortler et al. 1996)."""
    colors = image.astype(np.float32) * known[..., None]
    weight = known.astype(np.float32)
    levels = [(colors, weight)]
    while min(weight.shape) > 2:
        half = (weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2
        colors, weight = (
            cv2.resize(colors, half, interpolation=cv2.INTER_AREA),
            cv2.resize(weight, half, interpolation=cv2.INTER_AREA),
        )
        levels.append((colors, weight))
    found = levels[-1][0] / np.maximum(levels[-1][1], 1e-4)[..., None]
    for colors, weight in levels[-2::-1]:
        up = cv2.resize(found, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        trust = np.minimum(1, weight * 4)[..., None]
        found = trust * colors / np.maximum(weight, 1e-4)[..., None] + (1 - trust) * up
    return np.asarray(np.clip(found, 0, 255), np.uint8)


def _fill(mask: NDArray[np.uint8], corners: NDArray[np.float64]) -> None:
    cv2.fillPoly(mask, [np.round(np.clip(corners, -30000, 30000)).astype(np.int32)], 1)


def _whole(point: NDArray[np.floating]) -> tuple[int, int]:
    x, y = np.clip(np.round(point), -30000, 30000).astype(int).tolist()
    return x, y


def _disk(radius: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
