"""Where a person's joints are, as a teacher network sees them: targets for street photos. Read only, never shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from catalens.images.prepare import letterbox
from catalens.models.parts import MIRRORED
from catalens.tasks.pose import Pose
from catalens.types import FloatArray, ImageArray
from recipes.teacher import opened

FILE = "movenet_single_pose_lightning_ptq.tflite"
INPUT = 192


def load(teachers: Path) -> Callable[[ImageArray], Pose]:
    """A function from HWC uint8 to the joints that the teacher sees; asked both ways round.

    Raises:
        NotFoundError: the teacher is absent.
        MissingExtraError: its runtime is.
    """
    ask = opened(teachers, FILE)

    def asked(square: ImageArray) -> FloatArray:
        return np.array(ask(np.ascontiguousarray(square)[None])[0, 0], np.float32)  # (17, 3): y, x, score, all in 0..1

    def pose(image: ImageArray) -> Pose:
        square, placement = letterbox(image, (INPUT, INPUT), pad=(0, 0, 0))
        seen, mirrored = asked(square), asked(square[:, ::-1])[list(MIRRORED)]
        mirrored[:, 1] = 1 - mirrored[:, 1]
        both = (seen + mirrored) / 2
        return Pose(placement.to_original_points(both[:, 1::-1] * INPUT), np.asarray(both[:, 2], np.float32))

    return pose
