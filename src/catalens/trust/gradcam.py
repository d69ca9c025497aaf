"""Grad-CAM (Selvaraju et al. 2017, section 3) for torch networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from catalens.errors import MissingExtraError, UsageError
from catalens.types import FloatArray

if TYPE_CHECKING:
    from torch import Tensor, nn


def grad_cam(network: nn.Module, layer: nn.Module, picture: FloatArray, *, label: int) -> FloatArray:
    """Grad-CAM heatmap of a layer for the score of a label.

    Args:
        network: (1, 3, H, W) -> (1, C) scores; it is set to evaluation.
        layer: one of its modules, whose output is (1, K, h, w).
        picture: (3, H, W), prepared as the network wants it.
        label: column of the scores.

    Returns:
        (H, W) 0..1.

    Raises:
        UsageError: the layer's output is no map.
        MissingExtraError: torch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError.of("torch", extra="train") from None
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _given: object, output: Tensor) -> None:
        kept.append(output)

    hook = layer.register_forward_hook(keep)
    try:
        network.eval()
        with torch.enable_grad():
            given = torch.from_numpy(np.ascontiguousarray(picture[None])).requires_grad_()
            score = network(given)[0, label]
            if not kept or kept[-1].ndim != 4:
                raise UsageError("the layer gives no map of places", cure="name a convolution, or what follows it")
            (gradient,) = torch.autograd.grad(score, kept[-1])
    finally:
        hook.remove()
    weights = gradient.mean((2, 3), keepdim=True)
    heat = torch.relu((weights * kept[-1]).sum(1))[0].detach().numpy()
    height, width = picture.shape[1:]
    large = np.maximum(cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC), 0)
    return np.asarray(large / max(float(large.max()), 1e-9), np.float32)
