"""Try-on by a large published network; pixels outside the region that is decided here do not change."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.errors import ImageError
from catalens.models.device import AUTO
from catalens.models.hub.tryon import TryOnNetwork
from catalens.tasks.segment import segment
from catalens.taxonomy import garments
from catalens.types import ImageArray, Masks, Worn

ROOM = 0.03
"""By which the place is wider than what was worn, as a share of the photo's height: another cut, other sleeves."""
SMALLEST = 0.01
"""Share of the photo below which a garment was not found."""
SOFT = 0.004
"""Width of the seam inside the place, as a share of the photo's height."""


def try_on_by(
    model: str,
    person: ImageArray,
    garment: ImageArray,
    *,
    kind: str = options.TryOn.kind.default,
    seed: int = options.TryOn.seed.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Worn:
    """Show a person in a garment by a large network of others.

    Args:
        model: a short name of `models.known`, perhaps with a folder: `catvton:FOLDER`.
        person, garment: HWC uint8.
        kind: of the garment; "auto" is a top.
        device, dtype: as `models.device` says.

    Raises:
        ImageError: the person wears nothing that it could take the place of.
        UsageError, ModelError, MissingExtraError, NotFoundError: the network cannot be used, as it says itself.
    """
    network = TryOnNetwork(model, accept_licence=accept_licence, device=device, dtype=dtype)
    worn = next(iter(garments())) if kind == "auto" else kind
    region = region_for(segment(person, device=device), worn)
    if region.mean() < SMALLEST:
        raise ImageError(f"no place for a {worn} was found on the person", cure="give a photo of one person, standing")
    drawn = network(person, garment, region, kind=worn, seed=seed)
    inside = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5) / max(1.0, SOFT * len(region))
    share = np.clip(inside, 0, 1)[..., None]
    image = np.where(region[..., None], np.round(person + share * (drawn.astype(np.float32) - person)), person)
    return Worn(image.astype(np.uint8), region, (f"drawn by {network.name} ({network.license})",), worn)


def region_for(parts: Masks, kind: str) -> NDArray[np.bool_]:
    """HxW, where a garment of a kind may be drawn on a person of these parts."""
    garment = garments()[kind]
    named = [name for name in garment.changes if name in parts.names]
    found = np.any([parts[name] for name in named], axis=0) if named else np.zeros(parts.labels.shape, bool)
    side = 2 * max(1, round(ROOM * len(found))) + 1
    wide = cv2.dilate(found.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0
    for name in garment.behind:
        if name in parts.names:
            wide &= ~parts[name]
    return np.asarray(wide, bool)
