"""Networks whose answers can be told from the paint: eight colors for eight parts; all that is not white is product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalens.images.prepare import Preprocess
from catalens.models.card import Task
from catalens.types import ImageArray

pytest.importorskip("torch")

import torch

PAINT = {
    "background": (255, 255, 255),
    "skin": (255, 0, 0),
    "hair": (0, 255, 0),
    "top": (0, 0, 255),
    "shoes": (255, 255, 0),
    "bag": (0, 255, 255),
    "skirt": (255, 0, 255),
    "trousers": (0, 0, 0),
}


def parser_folder(folder: Path) -> str:
    """A parser that goes by paint."""
    corners = torch.tensor([[1.0 if value else -1.0 for value in color] for color in PAINT.values()])
    layer = torch.nn.Conv2d(3, len(PAINT), 1)
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.copy_(6 * corners[:, :, None, None])
        layer.bias.zero_()
    return _saved(torch.nn.Sequential(torch.nn.AvgPool2d(4), layer), folder, task="segment", classes=tuple(PAINT))


def matte_folder(folder: Path) -> str:
    """A cut-out network to which all that is not white is product."""
    layer = torch.nn.Conv2d(3, 1, 1)
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.fill_(-5.0)
        layer.bias.fill_(25.0)
    return _saved(torch.nn.Sequential(torch.nn.AvgPool2d(2), layer), folder, task="matte", classes=())


def _saved(network: torch.nn.Module, folder: Path, *, task: Task, classes: tuple[str, ...]) -> str:
    from catalens.learning.networks.export import export_dense

    export_dense(
        network, folder, name=f"painted-{task}", task=task, classes=classes, preprocess=Preprocess(size=(128, 128)),
        photos=(), training={"data": "none"}, precision="float32",
    )  # fmt: skip
    return str(folder)


def painted(size: tuple[int, int], *areas: tuple[str, tuple[int, int, int, int]]) -> ImageArray:
    """White with rectangles of paint: (part, (x1, y1, x2, y2))."""
    image = np.full((*size, 3), 255, np.uint8)
    for name, (left, top, right, bottom) in areas:
        image[top:bottom, left:right] = PAINT[name]
    return image
