"""Pose estimation: the joints of the person on a photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from catalens.errors import ModelError
from catalens.models.card import Card
from catalens.models.device import AUTO
from catalens.models.parts import JOINTS, MIRRORED
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.models.zoo import DEFAULT_POSE, loaded_once, resolve
from catalens.tasks.segment import canvas_for
from catalens.types import FloatArray, ImageArray

REACH = 2
"""Places around the most likely one that say where a joint is."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Joints of one person, in the order of `models.parts.JOINTS`.

    Args:
        points: (17, 2) float32 xy in pixels of the picture.
        scores: (17,) float32, 0..1, how sure it is that the joint is there.
    """

    points: FloatArray
    scores: FloatArray

    def __getitem__(self, name: str) -> FloatArray:
        """(2,) xy of a joint."""
        return np.asarray(self.points[JOINTS.index(name)], np.float32)

    def score(self, name: str) -> float:
        return float(self.scores[JOINTS.index(name)])


class PoseFinder:
    """A network that finds the joints of one person, by its card. Calls from several threads are safe.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        if card.task != "pose" or card.classes != JOINTS:
            raise ModelError(f"{card.name} is for {card.task!r} and not for 'pose'", cure="name a pose network")
        self._preprocess = card.preprocess
        self._network = OnnxDenseNetwork(card, threads=threads, device=device, dtype=dtype)

    def __call__(self, image: ImageArray) -> Pose:
        """HWC uint8 -> the joints of the person on it; of low score where there is none."""
        x, placement = canvas_for(self._preprocess, image.shape[:2]).apply(image)
        seen, mirrored = self._network(np.stack([x, np.ascontiguousarray(x[:, :, ::-1])]))
        again = likely_places(mirrored)[list(MIRRORED)][:, :, ::-1]
        likely = np.asarray((likely_places(seen) + again) / 2, np.float32)
        points, scores = joints_of(likely, stride=x.shape[1] / likely.shape[1])
        return Pose(placement.to_original_points(points), scores)


def likely_places(logits: FloatArray) -> FloatArray:
    """(J, h, w) logits -> the chance of each place to be each joint; a joint may also be nowhere, whose logit is 0."""
    highest = np.maximum(logits.max((1, 2), keepdims=True), 0)
    chances = np.exp(logits - highest)
    return np.asarray(chances / (chances.sum((1, 2), keepdims=True) + np.exp(-highest)), np.float32)


def joints_of(likely: FloatArray, *, stride: float) -> tuple[FloatArray, FloatArray]:
    """(J, h, w) chances -> (J, 2) xy in pixels, a place being `stride` of them wide; (J,) scores 0..1."""
    count, height, width = likely.shape
    side = 2 * REACH + 1
    near = np.stack([cv2.boxFilter(plane, -1, (side, side), normalize=False, borderType=0) for plane in likely])
    rows, columns = np.unravel_index(near.reshape(count, -1).argmax(1), (height, width))
    padded = np.pad(likely, ((0, 0), (REACH, REACH), (REACH, REACH)))
    offsets = np.arange(side) - REACH
    points = np.empty((count, 2), np.float32)
    for joint, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        window = padded[joint, row : row + side, column : column + side]
        weight = max(float(window.sum()), 1e-9)
        points[joint] = (
            column + 0.5 + float((window.sum(0) * offsets).sum()) / weight,
            row + 0.5 + float((window.sum(1) * offsets).sum()) / weight,
        )
    return points * np.float32(stride), np.clip(near[np.arange(count), rows, columns], 0, 1).astype(np.float32)


@loaded_once(DEFAULT_POSE)
def pose_finder(
    name: str | None = None, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO
) -> PoseFinder:
    """The bundled pose network, or one of yours by its folder; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        UsageError: an unsupported form or device.
    """
    found = resolve(name, task="pose", forms=("card",))
    return PoseFinder(found.own_card(), threads=threads, device=device, dtype=dtype)
