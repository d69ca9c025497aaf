"""Where a person is, as a teacher network sees it: targets for photos without masks. Read only, never shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from catalens.errors import MissingExtraError, NotFoundError
from catalens.images.prepare import resize
from catalens.types import FloatArray, ImageArray

FILE = "selfie_segmentation.tflite"
INPUT = 256


def load(teachers: Path) -> Callable[[ImageArray], FloatArray]:
    """A function from HWC uint8 to HxW in 0..1: how sure the teacher is that a place shows a person.

    Raises:
        NotFoundError: the teacher is absent.
        MissingExtraError: its runtime is.
    """
    if not (teachers / FILE).is_file():
        raise NotFoundError(
            f"no teacher at {teachers / FILE}", cure="docs/data.md says what it is; --teachers names its folder"
        )
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise MissingExtraError.of("ai-edge-litert", extra="train") from None
    network = Interpreter(str(teachers / FILE), num_threads=1)
    network.allocate_tensors()
    source, target = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]

    def outline(image: ImageArray) -> FloatArray:
        network.set_tensor(source, resize(image, (INPUT, INPUT)).astype(np.float32)[None] / 255)
        network.invoke()
        return np.asarray(cv2.resize(network.get_tensor(target)[0, :, :, 0], image.shape[1::-1]), np.float32)

    return outline
