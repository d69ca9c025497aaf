"""Detect faces on photos and anonymise them irreversibly."""

from __future__ import annotations

import os
from dataclasses import dataclass

import cv2
import numpy as np

from catalens import options
from catalens.errors import ModelError
from catalens.geometry import clip, nms
from catalens.images.prepare import Preprocess
from catalens.images.read import ImageLike, read_pixels
from catalens.images.srgb import composite_on_white
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.models.zoo import CLOSE_FACES, DEFAULT_FACES, find_card, loaded_once, resolve
from catalens.tasks.close_faces import CloseUps
from catalens.tasks.segment import canvas_for
from catalens.types import Detections, FloatArray, ImageArray

STRIDE = 8
"""Pixels of the prepared picture between two places that may be the middle of a face."""
OVERLAP = 0.4
MIN_SCORE = options.BlurFaces.min_score.default
DOUBTFUL = 0.8
"""A hidden face with a lower score is reported as doubtful."""
WIDER = 0.15
"""By which a face is enlarged on each side before it is hidden: chin, ears, the hair's line."""
CELLS = 5
"""Coarse pixels that are left of a face, across."""
NOISE = 18.0
"""Standard deviation of what is added to each coarse pixel, 0..255: the means cannot be looked up either."""


class FaceFinder:
    """A network that finds faces, by its card. Calls from several threads are safe.

    Args:
        card: the network's.
        close_ups: of the network that confirms faces which fill much of a photo; the bundled one where None.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    labels = ("face",)

    def __init__(
        self,
        card: Card,
        *,
        close_ups: Card | None = None,
        threads: int | None = None,
        device: str = AUTO,
        dtype: str = AUTO,
    ) -> None:
        if card.task != "detect" or not finds_faces(card):
            raise ModelError(f"{card.name} finds {card.classes} and not faces", cure="name a face detector")
        self._preprocess = card.preprocess
        self._network = OnnxDenseNetwork(card, threads=threads, device=device, dtype=dtype)
        self._close_ups = CloseUps(close_ups or find_card(CLOSE_FACES), threads=threads, device=device)

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    def __call__(self, image: ImageArray, *, min_score: float = MIN_SCORE) -> Detections:
        """HWC uint8 -> faces, the most confident first."""
        boxes, scores = self._find(image, self._preprocess, min_score)
        close, sure = self._close_ups(image, find=self._find, preprocess=self._preprocess)
        confident = sure >= min_score
        boxes, scores = np.concatenate([boxes, close[confident]]), np.concatenate([scores, sure[confident]])
        kept = nms(boxes, scores, threshold=OVERLAP)
        return Detections(boxes[kept], scores[kept], ("face",) * len(kept), (image.shape[0], image.shape[1]))

    def _find(self, image: ImageArray, preprocess: Preprocess, min_score: float) -> tuple[FloatArray, FloatArray]:
        """Faces at one size, without duplicates: (N, 4) xyxy in pixels of the picture, (N,) scores."""
        x, placement = canvas_for(preprocess, image.shape[:2]).apply(image)
        boxes, scores = faces_of(self._network(x[None])[0], min_score=min_score)
        boxes = clip(placement.to_original_boxes(boxes), image.shape[:2])
        kept = nms(boxes, scores, threshold=OVERLAP)
        return boxes[kept], scores[kept]


def finds_faces(card: Card) -> bool:
    """Whether a card is of a network whose answers `faces_of` reads."""
    return card.classes == FaceFinder.labels and card.dim == 5


def faces_of(places: FloatArray, *, min_score: float) -> tuple[FloatArray, FloatArray]:
    """Read a network's answer: (5, h, w) -> (N, 4) xyxy in pixels of the prepared picture, (N,) scores 0..1.

    Of each place: the logit of being a face's middle; logarithms of the distances to its left, top, right and bottom,
    in strides (FCOS, Tian et al. 2019, section 3.1).
    """
    scores = 1 / (1 + np.exp(-places[0]))
    rows, columns = np.nonzero(scores >= min_score)
    left, top, right, bottom = STRIDE * np.exp(np.clip(places[1:, rows, columns], -4, 6))
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1)
    return boxes.astype(np.float32).reshape(-1, 4), np.asarray(scores[rows, columns], np.float32)


@loaded_once(DEFAULT_FACES)
def face_finder(
    name: str | None = None, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO
) -> FaceFinder:
    """The bundled face detector, or one of yours by its folder; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        UsageError: an unsupported form or device.
    """
    found = resolve(name, task="detect", forms=("card",), default=DEFAULT_FACES)
    return FaceFinder(found.own_card(), threads=threads, device=device, dtype=dtype)


@dataclass(frozen=True, slots=True)
class Anonymised:
    """A photo whose faces are hidden: HWC uint8, and the faces with their scores."""

    image: ImageArray
    faces: Detections

    @property
    def doubtful(self) -> int:
        """How many of the hidden faces have a score below 0.8: they may be something else, and others may be missed."""
        return int((self.faces.scores < DOUBTFUL).sum())

    def __str__(self) -> str:
        count = len(self.faces)
        said = f"{count} {'face' if count == 1 else 'faces'}"
        return f"{said}, {self.doubtful} of them doubtful: look at the photo" if self.doubtful else said


def anonymise(
    image: ImageLike,
    *,
    min_score: float = MIN_SCORE,
    model: str | None = options.BlurFaces.model.default,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Anonymised:
    """Like `blur_faces`; says of each face how confident the detector is."""
    options.check(options.BlurFaces.min_score, min_score)
    pixels = read_pixels(image)
    found = face_finder(model, device=device, dtype=dtype)(composite_on_white(pixels), min_score=min_score)
    hidden = hide(np.ascontiguousarray(pixels[..., :3]), found.boxes)
    return Anonymised(np.concatenate([hidden, pixels[..., 3:]], axis=2), found)


def blur_faces(
    image: ImageLike,
    *,
    min_score: float = MIN_SCORE,
    model: str | None = options.BlurFaces.model.default,
    device: str = AUTO,
    dtype: str = AUTO,
) -> tuple[ImageArray, int]:
    """Anonymise the faces on a photo irreversibly: a few coarse pixels are left of each, with random noise.

    Args:
        image: path, bytes, open file, array or PIL picture.
        min_score: confidence threshold, 0..1.
        model: a face detector: the bundled one where None, or a folder with a card.
        device, dtype: device and precision (`models.device`).

    Returns:
        HWC uint8, of four channels where anything of the picture is transparent; and how many faces were hidden.

    Raises:
        ImageError: the picture cannot be read.
        NotFoundError, ModelError: the network cannot be found or used.
        UsageError: a score out of range; an unsupported form or device.
    """
    done = anonymise(image, min_score=min_score, model=model, device=device, dtype=dtype)
    return done.image, len(done.faces)


def hide(image: ImageArray, boxes: FloatArray) -> ImageArray:
    """The picture with coarse, noisy pixels in place of boxes (N, 4) xyxy, each made a little larger first."""
    hidden = image.copy()
    rng = np.random.default_rng(int.from_bytes(os.urandom(16), "little"))
    for x1, y1, x2, y2 in boxes.tolist():
        more_x, more_y = WIDER * (x2 - x1), WIDER * (y2 - y1)
        left, top = max(int(x1 - more_x), 0), max(int(y1 - more_y), 0)
        right, bottom = min(int(np.ceil(x2 + more_x)), image.shape[1]), min(int(np.ceil(y2 + more_y)), image.shape[0])
        if left >= right or top >= bottom:
            continue
        size = max(1, min(CELLS, right - left)), max(1, min(CELLS + 1, bottom - top))
        coarse = cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA).astype(np.float32)
        noisy = np.clip(coarse + rng.normal(0, NOISE, coarse.shape), 0, 255).astype(np.uint8)
        hidden[top:bottom, left:right] = cv2.resize(
            noisy, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
        ).reshape(bottom - top, right - left, 3)
    return hidden
