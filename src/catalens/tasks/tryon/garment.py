"""Read the garment's photo: a garment that lies or hangs, or that somebody wears; cut it out, find kind and joints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import UnfitImageError
from catalens.geometry import mask_to_box
from catalens.images.matting import foreground_colors, refine_alpha
from catalens.images.prepare import crop, resize
from catalens.models.parts import CLASSES
from catalens.tasks.cutout import Cutter
from catalens.tasks.embed import Encoder
from catalens.tasks.outfit import kinds_of
from catalens.tasks.pose import Pose, PoseFinder
from catalens.tasks.segment import Parser
from catalens.tasks.tryon.bones import Joints
from catalens.tasks.tryon.outline import joints_of_outline
from catalens.tasks.tryon.person import joints_of, shows_person
from catalens.taxonomy import garments
from catalens.types import FloatArray, ImageArray

KINDS = tuple(garments())
SMALLEST, LARGEST = 64, 1024
"""Sides of a garment's photo in pixels: shorter, that is asked for; longer, that is worked with."""
WORN = 0.06
"""Share of skin and hair in what is not background from which the photo is taken to show somebody who wears it."""
AREA = 0.015
"""Smallest share of the photo that a garment has to have."""
HOLE = 0.03
"""Share of a garment below which a hole in it is none."""
AIR = 0.1
"""Around a garment when its kind is told, as a share of its longer side."""
CUT_OFF = 0.5
"""Share of a side of its bounds along which a garment meets the picture's edge, from which it is cut off."""


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """A garment alone: HWC uint8; HxW in 0..1, its cover of each pixel; its kind; (12, 2) joints in its pixels; and the
    probability that its outline is right.
    """

    colors: ImageArray
    alpha: FloatArray
    kind: str
    joints: Joints
    notes: tuple[str, ...] = ()
    confidence: float = 1.0


def read_garment(
    image: ImageArray, *, kind: str, parse: Parser, cut: Cutter, find_pose: PoseFinder, encoder: Encoder
) -> Garment:
    """Cut a garment out of its photo.

    Args:
        kind: one of `KINDS`, or auto.

    Raises:
        UnfitImageError: it shows no garment that can be cut out whole.
    """
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST:
        raise UnfitImageError(
            f"the garment's photo has {width}x{height} pixels, which is too few",
            cure=f"give one with at least {SMALLEST} on each side",
        )
    scale = LARGEST / max(height, width)
    if scale < 1:
        image = resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))
    labels = parse(image).labels
    bare = np.isin(labels, [CLASSES.index("skin"), CLASSES.index("hair")]).sum() / max(int((labels > 0).sum()), 1)
    pose = find_pose(image) if bare >= WORN else None
    if pose is not None and shows_person(labels, pose):
        return _worn(image, labels, pose, kind)
    alpha = cut.alpha(image)
    return replace(_lying(image, alpha, kind, encoder), confidence=cut.confidence(image, alpha))


def _worn(image: ImageArray, labels: NDArray[np.uint8], pose: Pose, kind: str) -> Garment:
    """A garment that somebody wears: cut by its label, with the joints of who wears it."""
    shares = {name: float((labels == CLASSES.index(name)).mean()) for name in KINDS}
    chosen = max(shares, key=lambda name: shares[name]) if kind == "auto" else kind
    if shares[chosen] < AREA:
        raise UnfitImageError(
            f"the person on the garment's photo wears no {_said(chosen)} that is seen",
            cure="give a photo of the garment alone, or say another kind",
        )
    mask = _largest(labels == CLASSES.index(chosen))
    alpha = refine_alpha(image, cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0), reach=2.0) * _near(mask)
    notes = (f"the garment's photo shows a person: the {chosen} was cut from them",)
    return Garment(foreground_colors(image, alpha), alpha, chosen, joints_of(pose), notes)


def _lying(image: ImageArray, alpha: FloatArray, kind: str, encoder: Encoder) -> Garment:
    mask = alpha > 0.5
    if mask.mean() < AREA:
        raise UnfitImageError(
            "no garment was found on the garment's photo", cure="give a photo of one garment, lying or hanging, whole"
        )
    mask = _without_small_holes(_largest(mask))
    alpha = np.maximum(alpha * _near(mask), cv2.erode(mask.astype(np.float32), np.ones((3, 3), np.uint8)))
    if kind == "auto":
        kind = kinds_of(encoder.encode_images([_around(image, mask)]), encoder)[0]
        if kind not in KINDS:
            raise UnfitImageError(
                f"the garment's photo seems to show {kind}, which try-on does not put on",
                cure=f"say what it is, one of {', '.join(KINDS)}, if that is wrong",
            )
    side = _cut_off_at(mask)
    if side:
        raise UnfitImageError(
            f"the garment is cut off at the {side} of its photo", cure="give a photo that shows all of it"
        )
    return Garment(foreground_colors(image, alpha), alpha, kind, joints_of_outline(mask, kind))


def _around(image: ImageArray, mask: NDArray[np.bool_]) -> ImageArray:
    """The photo around a garment: cut out on white, kinds are told from each other less surely."""
    box = mask_to_box(mask)
    return image if box is None else np.ascontiguousarray(crop(image, box, margin=AIR)[0])


def _cut_off_at(mask: NDArray[np.bool_]) -> str:
    """The side of the picture that goes through the garment; empty where it is whole."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    met = {"top": mask[0].sum() / width, "bottom": mask[-1].sum() / width,
           "left": mask[:, 0].sum() / height, "right": mask[:, -1].sum() / height}  # fmt: skip
    worst = max(met, key=lambda side: met[side])
    return worst if met[worst] > CUT_OFF else ""


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without small parts: those below a tenth of the largest."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    return np.isin(parts, 1 + np.flatnonzero(areas >= 0.1 * areas.max()))


def _without_small_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What the garment encloses is garment, where it is small: a print that was taken for the background."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    edges = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < HOLE * mask.sum())
    return mask | np.isin(parts, np.setdiff1d(small, [0, *edges]))


def _near(mask: NDArray[np.bool_]) -> FloatArray:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)), np.float32)


def _said(kind: str) -> str:
    return "outer garment" if garments()[kind].goes_over else kind
