"""What is done to the edge of a cut-out afterwards: alpha matting, a network that refines it, or a smooth outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalens import options
from catalens.images.trimap import matte_unknown, smooth_mask, trimap_of
from catalens.models.device import AUTO
from catalens.models.hub.refiner import HubRefiner
from catalens.models.zoo import loaded_once, resolve
from catalens.types import FloatArray, ImageArray


@dataclass(frozen=True, kw_only=True)
class Edges:
    """How edges are treated; the names are rembg's.

    Args:
        post_process_mask: smooth the outline and make each pixel all product or all background.
        alpha_matting: estimate the alpha anew, by color, in a band around the outline.
        alpha_matting_foreground_threshold, alpha_matting_background_threshold: alphas of 255 beyond which a pixel is
            taken for all product, or none of it.
        alpha_matting_erode_size: pixels by which that band is widened on both sides.
        refine: name of a network that estimates the alpha in that band instead, such as "vitmatte-small".
    """

    post_process_mask: bool = options.Cutout.post_process_mask.default
    alpha_matting: bool = options.Cutout.alpha_matting.default
    alpha_matting_foreground_threshold: int = options.Cutout.alpha_matting_foreground_threshold.default
    alpha_matting_background_threshold: int = options.Cutout.alpha_matting_background_threshold.default
    alpha_matting_erode_size: int = options.Cutout.alpha_matting_erode_size.default
    refine: str | None = options.Cutout.refine.default
    device: str = AUTO
    dtype: str = AUTO

    def __post_init__(self) -> None:
        options.check_all(
            options.Cutout,
            post_process_mask=self.post_process_mask,
            alpha_matting=self.alpha_matting,
            alpha_matting_foreground_threshold=self.alpha_matting_foreground_threshold,
            alpha_matting_background_threshold=self.alpha_matting_background_threshold,
            alpha_matting_erode_size=self.alpha_matting_erode_size,
        )

    def apply(self, image: ImageArray, alpha: FloatArray) -> FloatArray:
        """HWC uint8, its HxW alpha -> HxW alpha."""
        if self.post_process_mask:
            alpha = smooth_mask(alpha)
        if not (self.alpha_matting or self.refine) or not alpha.any():
            return alpha
        erode = self.alpha_matting_erode_size
        trimap = trimap_of(
            alpha,
            foreground=self.alpha_matting_foreground_threshold,
            background=self.alpha_matting_background_threshold,
            erode=erode,
        )
        if self.refine is None:
            return matte_unknown(image, alpha, trimap, reach=erode)
        found = refiner(self.refine, device=self.device, dtype=self.dtype)(image, trimap)
        return np.where(trimap == 255, np.float32(1), np.where(trimap == 0, np.float32(0), found)).astype(np.float32)


@loaded_once()
def refiner(name: str, *, device: str = AUTO, dtype: str = AUTO) -> HubRefiner:
    """A network that refines alphas, by name; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        MissingExtraError: transformers or torch is not installed.
    """
    found = resolve(name, task="refine", forms=("hf",))
    return HubRefiner(found.in_transformers(), device=device, dtype=dtype)
