"""ViTMatte (Yao et al. 2023) of the Transformers library: a picture and a trimap -> an alpha."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import settings
from catalens.errors import ModelError, first_line
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import find, hub_errors, imports, load, quiet
from catalens.models.hub.processor import norm_of, read_settings
from catalens.types import FloatArray, ImageArray

STRIDE = 32
"""Sides of what it takes are multiples of this, in pixels."""
LONGEST = 1024
"""Longer side at which it looks, in pixels: its attention takes memory with the square of the area."""


class HubRefiner:
    """Estimates the alpha where a trimap says unknown.

    Args:
        source: a folder, or an id on the hub.
        device, dtype: as `models.device` says; "auto" is float32.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it is for something else, or weights are missing.
    """

    def __init__(self, source: str, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        transformers, self._torch = imports()
        self._torch.set_num_threads(threads or settings.threads())
        self.runs_on = place_torch(self._torch, device, "float32" if dtype == AUTO else dtype)
        with quiet(transformers), hub_errors(source):
            model, info = load(transformers.VitMatteForImageMatting, source, output_loading_info=True)
            self._mean, self._std = read_settings(source, find=lambda name: find(source, name), understood=norm_of)
        missing = sorted(info["missing_keys"])
        if missing:
            raise ModelError(
                f"{source} has no weights for {len(missing)} parts of the network, such as {missing[0]}",
                cure="name a ViTMatte network",
            )
        self._model = model.eval().to(self.runs_on.device, getattr(self._torch, self.runs_on.dtype))
        self.name = source

    def __call__(self, image: ImageArray, trimap: NDArray[np.uint8]) -> FloatArray:
        """HWC uint8, HxW uint8 (0, 128, 255) -> HxW float32 in 0..1.

        Raises:
            ModelError: the network does not take it.
        """
        height, width = image.shape[:2]
        scale = min(1.0, LONGEST / max(height, width))
        size = max(1, round(height * scale)), max(1, round(width * scale))
        seen = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        map = cv2.resize(trimap, size[::-1], interpolation=cv2.INTER_NEAREST)
        colors = (seen / np.float32(255) - np.array(self._mean, np.float32)) / np.array(self._std, np.float32)
        given = np.dstack([colors, map / np.float32(255)]).transpose(2, 0, 1).astype(np.float32)
        below, right = -size[0] % STRIDE, -size[1] % STRIDE
        padded = np.pad(given, ((0, 0), (0, below), (0, right)))
        try:
            with self._torch.inference_mode():
                pixels = self._torch.from_numpy(padded[None]).to(self._model.device, self._model.dtype)
                found = self._model(pixel_values=pixels).alphas[0, 0].float().cpu().numpy()
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ModelError(
                f"{self.name} does not take this picture: {first_line(error)}", cure="name a ViTMatte network"
            ) from None
        alpha = np.clip(found[: size[0], : size[1]], 0, 1)
        return np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
