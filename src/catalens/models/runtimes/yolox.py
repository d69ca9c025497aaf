"""YOLOX (Ge et al. 2021) in an ONNX file, as its authors export it: a picture -> boxes of the 80 classes of COCO."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from catalens.errors import ModelError, first_line
from catalens.images.prepare import resize
from catalens.models.device import AUTO
from catalens.models.runtimes.onnx import open_session
from catalens.types import FloatArray, ImageArray

STRIDES = (8, 16, 32)
"""Pixels between the places of its three grids."""
GREY = 114
"""Right of and below the picture, which lies in the top left corner."""
_NAMES = """person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,
parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,
frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,
wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,
potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,
refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"""
COCO = tuple(name.strip() for name in _NAMES.split(","))
"""Its classes, in order."""


class YoloxNetwork:
    """Finds things on a picture. Calls from several threads are safe.

    Raises:
        ModelError: it does not load, or takes or gives something else.
    """

    labels = COCO

    def __init__(self, path: Path, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        self._session, self.runs_on = open_session(path, threads=threads, device=device, dtype=dtype)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        size = inputs[0].shape[2:] if len(inputs) == 1 and len(inputs[0].shape) == 4 else []
        if len(size) != 2 or not all(isinstance(side, int) and side % STRIDES[-1] == 0 for side in size):
            raise ModelError(f"{path} takes {inputs[0].shape}, not pictures of one size", cure="export it for one size")
        if len(outputs) != 1 or outputs[0].shape[-1] != 5 + len(COCO):
            raise ModelError(
                f"{path} gives {outputs[0].shape}, not the 85 numbers for each box that YOLOX gives",
                cure="name YOLOX as its authors export it",
            )
        self._input, self._size = inputs[0].name, (int(size[0]), int(size[1]))
        self._corners, self._steps = _grid(self._size)

    def __call__(self, image: ImageArray) -> tuple[FloatArray, FloatArray]:
        """HWC uint8 -> (Q, 4) boxes xyxy in pixels, (Q, labels) scores 0..1.

        Raises:
            ModelError: the network does not take it.
        """
        scale = min(self._size[0] / image.shape[0], self._size[1] / image.shape[1])
        inner = max(1, int(image.shape[0] * scale)), max(1, int(image.shape[1] * scale))
        canvas = np.full((*self._size, 3), GREY, np.uint8)
        canvas[: inner[0], : inner[1]] = resize(image, inner)
        given = canvas[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)  # BGR, 0..255
        try:
            (found,) = self._session.run(None, {self._input: given})
            middle = (found[0, :, :2] + self._corners) * self._steps
            half = np.exp(np.clip(found[0, :, 2:4], -20, 20)) * self._steps / 2
        except Exception as error:  # ONNX Runtime has no common base for what it raises
            raise ModelError(
                f"the network does not take this picture: {first_line(error)}", cure="name YOLOX"
            ) from None
        boxes = np.concatenate([middle - half, middle + half], axis=1) / np.float32(scale)
        return boxes.astype(np.float32), np.asarray(found[0, :, 5:] * found[0, :, 4:5], np.float32)


def _grid(size: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """(Q, 2) places of the grids, x and y, and (Q, 1) pixels between them."""
    corners, steps = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: size[0] // stride, : size[1] // stride]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1))
        steps.append(np.full((x.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(steps).astype(np.float32)
