"""Say of each place of a person's photo what it shows: skin, hair, garments, shoes, bag, background."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from catalens.errors import ModelError
from catalens.images.prepare import Placement, Preprocess
from catalens.images.read import ImageLike, read_image
from catalens.models.card import Card
from catalens.models.onnx import OnnxDenseNetwork
from catalens.models.zoo import DEFAULT_PARSER, find_card
from catalens.types import FloatArray, ImageArray, Masks

STRIDE = 32
"""Sides of what a network takes are multiples of this, in pixels."""
NARROWEST = 0.4
"""Width over height, and height over width, beyond which a picture is letterboxed rather than its canvas narrowed."""
FINEST = 1024
"""Longer side at which classes compete, in pixels; above it labels are enlarged."""


class Parser:
    """A network that tells places apart, by its card. Calls from several threads are safe.

    Raises:
        ModelError: the card is not for segmenting, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None) -> None:
        if card.task != "segment":
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'segment'", cure="name a parser")
        self.names = card.classes
        self._preprocess = card.preprocess
        self._network = OnnxDenseNetwork(card, threads=threads)

    def probabilities(self, image: ImageArray) -> FloatArray:
        """HWC uint8 -> (classes, h, w) float32 in 0..1, summing to 1, of the picture's shape, sides up to 1,024."""
        spec = canvas_for(self._preprocess, image.shape[:2])
        x, placement = spec.apply(image)
        seen, mirrored = self._network(np.stack([x, x[:, :, ::-1]]))
        places = (seen + mirrored[:, :, ::-1]) / 2  # half a point of accuracy
        height, width = image.shape[:2]
        scale = min(1.0, FINEST / max(height, width))
        size = max(1, round(height * scale)), max(1, round(width * scale))
        return _softmax(uncovered(places, placement, size))

    def __call__(self, image: ImageArray) -> Masks:
        """HWC uint8 -> what each place shows."""
        labels = self.probabilities(image).argmax(0).astype(np.uint8)
        if labels.shape != image.shape[:2]:
            labels = np.asarray(cv2.resize(labels, image.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        return Masks(labels, self.names)


def canvas_for(spec: Preprocess, size: tuple[int, int]) -> Preprocess:
    """The spec with about as many pixels, in the proportion of a picture of (height, width)."""
    aspect = min(max(size[1] / size[0], NARROWEST), 1 / NARROWEST)
    area = spec.size[0] * spec.size[1]
    height = max(STRIDE, round(math.sqrt(area / aspect) / STRIDE) * STRIDE)
    width = max(STRIDE, round(math.sqrt(area * aspect) / STRIDE) * STRIDE)
    return replace(spec, size=(height, width))


def uncovered(places: FloatArray, placement: Placement, size: tuple[int, int]) -> FloatArray:
    """Read (C, h, w) values of a prepared picture back at (height, width) of the original, between places linearly."""
    original, prepared = placement.original, placement.prepared
    # A place covers several of the pixels that the network saw. (x, y) each:
    fewer = places.shape[2] / prepared[1], places.shape[1] / prepared[0]
    across = original[1] / size[1] * placement.scale[0] * fewer[0]
    down = original[0] / size[0] * placement.scale[1] * fewer[1]
    left, top = placement.shift[0] * fewer[0] + across / 2 - 0.5, placement.shift[1] * fewer[1] + down / 2 - 0.5
    back = np.array([[across, 0, left], [0, down, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = [cv2.warpAffine(plane, back, size[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE) for plane in places]
    return np.stack(found).astype(np.float32, copy=False)


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max(0))
    return np.asarray(shifted / shifted.sum(0), np.float32)


@cache
def parser(name: str = DEFAULT_PARSER, *, threads: int | None = None) -> Parser:
    """The bundled parser, or one of yours by its folder; loaded once.

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
    """
    return Parser(find_card(name, task="segment"), threads=threads)


def segment(image: ImageLike, *, model: str = DEFAULT_PARSER) -> Masks:
    """Say of each place of a person's photo what it shows.

    Args:
        image: of a person: path, bytes, open file, array or PIL picture.
        model: a bundled parser's name, or a folder with a card.

    Returns:
        Masks of the picture's own size: background, skin, hair, top, outerwear, dress, skirt, trousers, shoes, bag,
        hat, glasses, scarf, belt, legwear, accessory.

    Raises:
        ImageError: the picture cannot be read.
    """
    return parser(model)(read_image(image))
