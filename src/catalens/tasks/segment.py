"""Semantic segmentation of a person's photo: skin, hair, garments, shoes, bag, background."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from catalens import options
from catalens.errors import ModelError
from catalens.images.prepare import Placement, Preprocess
from catalens.images.read import ImageLike, read_image
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn
from catalens.models.hub.labelled import HubSegmenter
from catalens.models.runtimes.base import DenseNetwork
from catalens.models.runtimes.file import FileParser, file_kind
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.models.zoo import DEFAULT_PARSER, Form, loaded_once, resolve
from catalens.types import FloatArray, ImageArray, Masks

STRIDE = 32
"""Sides of what a network takes are multiples of this, in pixels."""
NARROWEST = 0.4
"""Width over height, and height over width, beyond which a picture is letterboxed rather than its canvas narrowed."""
FINEST = 1024
"""Longer side at which classes compete, in pixels; above it labels are enlarged."""


FORMS: tuple[Form, ...] = ("card", "hf", "onnx", "openvino", "torch")
"""What `model` may be here."""
MOST_CLASSES = 255


class Parser:
    """A network that tells places apart, by its card. Calls from several threads are safe.

    Raises:
        ModelError: the card is not for segmenting, or its weights cannot be used.
        UsageError: a device that is not there.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        if card.task != "segment":
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'segment'", cure="name a parser")
        self.names = card.classes
        self._network: DenseNetwork = OnnxDenseNetwork(card, threads=threads, device=device, dtype=dtype)

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    def probabilities(self, image: ImageArray) -> FloatArray:
        """HWC uint8 -> (classes, h, w) float32 in 0..1, summing to 1, of the picture's shape, sides up to 1,024."""
        height, width = image.shape[:2]
        scale = min(1.0, FINEST / max(height, width))
        size = max(1, round(height * scale)), max(1, round(width * scale))
        return _softmax(logits_of(self._network, image, size))

    def __call__(self, image: ImageArray) -> Masks:
        """HWC uint8 -> what each place shows."""
        labels = self.probabilities(image).argmax(0).astype(np.uint8)
        if labels.shape != image.shape[:2]:
            labels = np.asarray(cv2.resize(labels, image.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        return Masks(labels, self.names)


class ForeignParser(Parser):
    """A network of others that tells places apart, as a parser.

    Raises:
        ModelError: more classes than a label map of uint8 holds.
    """

    def __init__(self, network: DenseNetwork, names: tuple[str, ...]) -> None:
        if len(names) > MOST_CLASSES:
            raise ModelError(f"{len(names)} classes", cure=f"name a network of at most {MOST_CLASSES}")
        self.names, self._network = names, network


def logits_of(network: DenseNetwork, image: ImageArray, size: tuple[int, int]) -> FloatArray:
    """HWC uint8 -> what a network says of every place, (C, height, width) of the given size.

    A network that takes pictures of any size sees this one in its own proportions, and mirrored, too: the mean of both
    is half a point more accurate.
    """
    if network.is_fixed:
        x, placement = network.preprocess.apply(image)
        return uncovered(network(x[None])[0], placement, size)
    x, placement = canvas_for(network.preprocess, image.shape[:2]).apply(image)
    seen, mirrored = network(np.stack([x, x[:, :, ::-1]]))
    return uncovered((seen + mirrored[:, :, ::-1]) / 2, placement, size)


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


@loaded_once(DEFAULT_PARSER)
def parser(
    name: str | None = None,
    *,
    threads: int | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Parser:
    """A parser by name; loaded once. Arguments and errors are those of `segment`."""
    found = resolve(name, task="segment", forms=FORMS, accept_licence=accept_licence)
    if found.form == "card":
        return Parser(found.own_card(), threads=threads, device=device, dtype=dtype)
    if found.form == "hf":
        network = HubSegmenter(found.in_transformers(), threads=threads, device=device, dtype=dtype)
        return ForeignParser(network, network.labels)
    file = FileParser(file_kind(found.form), Path(found.place), threads=threads, device=device, dtype=dtype)
    return ForeignParser(file, file.classes)


def segment(
    image: ImageLike,
    *,
    model: str | None = options.Segment.model.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Masks:
    """Segment the photo of a person: a mask for each garment, hair, skin and background.

    Args:
        image: of a person: path, bytes, open file, array or PIL picture.
        model: a bundled parser (the default where None) or a folder with a card; hf:OWNER/NAME or hf:FOLDER for
            semantic segmentation of the Transformers library; onnx:FILE, openvino:FILE or torch:FILE with a small card
            beside it that names the classes (`models.runtimes.file`).
        accept_licence: name of a licence that limits commercial use, or "unknown", that you accept for this network.
        device, dtype: device and precision (`models.device`).

    Returns:
        Masks of the picture's own size; of the bundled parser: background, skin, hair, top, outerwear, dress, skirt,
        trousers, shoes, bag, hat, glasses, scarf, belt, legwear, accessory.

    Raises:
        ImageError: the picture cannot be read.
        NotFoundError, ModelError: the network cannot be found or used.
        UsageError: an unsupported form or device; a licence that was not accepted.
        MissingExtraError: its runtime is not installed.
    """
    network = parser(model, accept_licence=accept_licence, device=device, dtype=dtype)
    return network(read_image(image))
