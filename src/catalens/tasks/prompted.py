"""Cut out what a box or points show, with a promptable network such as SAM 2 or EfficientSAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from catalens.errors import UsageError
from catalens.images.matting import refine_alpha
from catalens.models import pull
from catalens.models.device import AUTO
from catalens.models.hub.outliner import HubOutliner
from catalens.models.runtimes.prompted import OnnxOutliner
from catalens.models.zoo import Form, loaded_once, resolve
from catalens.tasks.cutout import Cutter
from catalens.types import FloatArray, ImageArray

FORMS: tuple[Form, ...] = ("hf", "onnx")
"""What the name of a promptable network may be."""


class Outliner(Protocol):
    """Outlines one thing by points: `models.hub.outliner.HubOutliner` says how."""

    def __call__(self, image: ImageArray, points: FloatArray, labels: Sequence[int]) -> tuple[FloatArray, float]: ...


@loaded_once()
def outliner(name: str, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> Outliner:
    """A promptable network by name; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        UsageError: it is for something else; a device that is not there.
        MissingExtraError: its runtime is not installed.
    """
    found = resolve(name, task="outline", forms=FORMS)
    if found.known is not None and found.known.files:
        files = [pull.pulled_file(found.known, place) for place in range(2)]
        return OnnxOutliner(files[0], files[1], threads=threads, device=device, dtype=dtype)
    if found.form == "onnx":
        raise UsageError(
            f"{name} is one file, and a promptable network has two", cure="name efficient-sam or sam2-tiny"
        )
    return HubOutliner(found.in_transformers(), threads=threads, device=device, dtype=dtype)


class PromptedCutter(Cutter):
    """A promptable network as a cutter of what a box or points show.

    Args:
        box: xyxy in pixels; points: (x, y) in pixels of the photo, on the product.

    Raises:
        UsageError: neither was given, or one is no box.
    """

    def __init__(
        self, network: Outliner, *, box: Sequence[float] | None, points: Sequence[Sequence[float]] = ()
    ) -> None:
        corners = [] if box is None else [tuple(box)]
        wrong = [one for one in (*corners, *points) if not np.isfinite(np.asarray(one, np.float64)).all()]
        if not corners and not points:
            raise UsageError("nothing says what to cut out", cure="give --box X1,Y1,X2,Y2 or --point X,Y")
        if wrong or any(len(one) != 4 or one[0] >= one[2] or one[1] >= one[3] for one in corners):
            raise UsageError(f"box is {box}", cure="give x1,y1,x2,y2 with x1 < x2 and y1 < y2, in pixels")
        if any(len(one) != 2 for one in points):
            raise UsageError(f"points are {list(points)}", cure="give x,y in pixels for each")
        self._outline = network
        self._points = np.array([*points, *(half for one in corners for half in (one[:2], one[2:]))], np.float32)
        self._labels = [1] * len(points) + [2, 3] * len(corners)
        self._sure = 0.0

    def alpha(self, image: ImageArray) -> FloatArray:
        height, width = image.shape[:2]
        if ((self._points < 0) | (self._points > (width, height))).any():
            raise UsageError(
                f"the box or a point lies beyond the photo of {width}x{height} pixels", cure="give pixels of the photo"
            )
        logits, self._sure = self._outline(image, self._points, self._labels)
        coarse = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
        alpha = np.asarray(1 / (1 + np.exp(-np.clip(coarse, -50, 50))), np.float32)
        return refine_alpha(image, alpha, reach=max(2.0, max(height, width) / max(logits.shape)))

    def confidence(self, image: ImageArray, alpha: FloatArray) -> float:
        """The network's own estimate of the IoU of the last outline."""
        del image
        return self._sure if alpha.any() else 0.0
