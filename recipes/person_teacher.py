"""Where a person is, as a teacher network sees it: targets for photos without masks. Read only, never shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from catalens.images.prepare import resize
from catalens.types import FloatArray, ImageArray
from recipes.teacher import opened

FILE = "selfie_segmentation.tflite"
INPUT = 256


def load(teachers: Path) -> Callable[[ImageArray], FloatArray]:
    """A function from HWC uint8 to HxW in 0..1: how sure the teacher is that a place shows a person.

    Raises:
        NotFoundError: the teacher is absent.
        MissingExtraError: its runtime is.
    """
    ask = opened(teachers, FILE)

    def outline(image: ImageArray) -> FloatArray:
        said = np.asarray(ask(resize(image, (INPUT, INPUT)).astype(np.float32)[None] / 255), np.float32)
        return np.asarray(cv2.resize(said[0, :, :, 0], image.shape[1::-1]), np.float32)

    return outline
