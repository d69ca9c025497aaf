"""Input of the try-on network, and its output composed at the photo's own size."""

from __future__ import annotations

import cv2
import numpy as np

from catalens.geometry import Affine
from catalens.tasks.tryon import bones
from catalens.tasks.tryon.body import GROUPS, Mask, Undressed
from catalens.tasks.tryon.garment import Garment
from catalens.types import FloatArray, ImageArray

LIMBS = 5
PERSON_PLANES = 3 + 1 + len(GROUPS) + LIMBS
PLANES = 4 + PERSON_PLANES
"""Garment: colors and cover; person: colors, region, parts that stay, stick figure."""
FLOW, PICTURE, CLASSES, GAIN = slice(0, 2), slice(2, 5), slice(5, 8), slice(8, 9)
"""Planes of the answer."""
ANSWERED = 9
THIN = 0.1
"""Cover below which a garment's color is not believed."""
BRIGHTEST = 0.5
"""Logarithm of how much lighter or darker a garment may become in a place."""


def network_input(person: Undressed, colors: ImageArray, alpha: FloatArray) -> FloatArray:
    """(19, H, W) float32: the garment roughly in place (HWC uint8, HxW in 0..1) and the person, both of the view."""
    garment = _normalized(colors) * alpha
    planes = [garment, alpha[None], _normalized(person.filled), person.region[None], person.parts]
    planes.append(bones.limbs_drawn(person.joints, person.region.shape))
    return np.concatenate(planes).astype(np.float32)


def roughly(garment: Garment, back: FloatArray) -> tuple[ImageArray, FloatArray]:
    """A garment read where `back` (h, w, 2) says: HWC uint8, HxW in 0..1."""
    colors, alpha = _worn_garment(np.zeros((2, *back.shape[:2]), np.float32), _own(back.shape[:2]), garment, back)
    return np.asarray(np.round(colors), np.uint8), alpha


def _own(size: tuple[int, int]) -> FloatArray:
    return bones.grid(size).astype(np.float32)


def _normalized(image: ImageArray) -> FloatArray:
    """HWC uint8 -> CHW float32 in -2..2, as all networks here see pictures."""
    return np.asarray((image.astype(np.float32) - 127.5) / 63.75, np.float32).transpose(2, 0, 1)


def compose(
    photo: ImageArray,
    region: Mask,
    behind: ImageArray,
    stays: Mask,
    places: FloatArray,
    *,
    view: Affine,
    garment: Garment,
    back: FloatArray,
) -> tuple[ImageArray, Mask, float]:
    """Lay the garment and what was drawn onto the photo, at the photo's own size.

    Args:
        photo: HWC uint8; region: HxW; behind: HWC uint8, what is kept where the photo is seen; stays: HxW, where
            nothing but the garment itself may hide that.
        places: (9, h, w), the network's answer; view: from the photo's pixels to those of the view.
        garment: its colors are read from its own photo; back: (h, w, 2), from the view to the garment's pixels.

    Returns:
        HWC uint8; what of it was changed, HxW: all other pixels are those of the photo; and the share of that, 0..1,
        that the network drew.
    """
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    if not len(rows):
        return photo.copy(), np.zeros(region.shape, np.bool_), 0.0
    cut = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    size = cut[0].stop - cut[0].start, cut[1].stop - cut[1].start
    spots = bones.grid(size) + np.array([cut[1].start, cut[0].start])
    there = (spots @ view[:, :2].T + view[:, 2]).astype(np.float32)
    inside = ((there >= 0) & (there < places.shape[:0:-1])).all(2) & region[cut]
    colors, alpha = _worn_garment(places[FLOW], there, garment, back)
    shares = _softmax(_read_planes(places[CLASSES], there))
    drawn = np.clip(_read_planes(places[PICTURE], there).transpose(1, 2, 0) * 63.75 + 127.5, 0, 255)
    gain = np.exp(BRIGHTEST * np.tanh(_read_planes(places[GAIN], there)[0]))[..., None]
    kept = np.maximum(shares[2] / (shares[1] + shares[2] + 1e-4), stays[cut])[..., None]
    seen = kept * behind[cut] + (1 - kept) * drawn
    cover = (shares[0] * alpha)[..., None]
    new = cover * np.clip(colors * gain, 0, 255) + (1 - cover) * seen
    found, changed = photo.copy(), np.zeros(region.shape, np.bool_)
    found[cut][inside] = np.round(new[inside]).astype(np.uint8)
    changed[cut] = inside
    invented = ((1 - cover) * (1 - kept))[inside]
    return found, changed, float(invented.mean()) if len(invented) else 0.0


def _worn_garment(
    flow: FloatArray, there: FloatArray, garment: Garment, back: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The garment at the photo's own resolution: HWC 0..255, HxW 0..1; `there` are the photo's pixels on the view."""
    bent = there + _read_planes(flow, there).transpose(1, 2, 0)
    source = _read_planes(back.transpose(2, 0, 1), bent).transpose(1, 2, 0)
    colors, alpha = garment.colors, garment.alpha
    # Average first where several of the garment's pixels fall on one of the photo's: linear sampling would skip some.
    steps = np.abs(np.diff(source[:, :, 0], axis=1)) if source.shape[1] > 1 else np.ones((1, 1))
    scale = 1 / max(float(np.median(steps)), 1e-3)
    if scale < 0.75:
        smaller = max(8, round(alpha.shape[1] * scale)), max(8, round(alpha.shape[0] * scale))
        source = source * np.array([smaller[0] / alpha.shape[1], smaller[1] / alpha.shape[0]], np.float32)
        colors = cv2.resize(colors, smaller, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(alpha, smaller, interpolation=cv2.INTER_AREA)
    x, y = source[..., 0] - 0.5, source[..., 1] - 0.5
    read = cv2.remap(colors, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    covers = cv2.remap(alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(read, np.float32), np.asarray(covers, np.float32)


def _read_planes(planes: FloatArray, there: FloatArray) -> FloatArray:
    """(C, h, w) read at (H, W, 2) xy -> (C, H, W)."""
    x, y = there[..., 0] - np.float32(0.5), there[..., 1] - np.float32(0.5)
    return np.stack([cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in planes])


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max(0))
    return np.asarray(shifted / shifted.sum(0), np.float32)
