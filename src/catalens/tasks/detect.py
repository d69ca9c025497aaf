"""Detect the products on a picture: on a person by the parser's classes, else by outlines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.errors import UsageError
from catalens.geometry import clip, mask_to_box
from catalens.images.read import ImageLike, read_image
from catalens.models.device import AUTO
from catalens.models.hub.detector import HubDetector
from catalens.models.runtimes.yolox import YoloxNetwork
from catalens.models.zoo import (
    BUILT_IN_DETECTOR,
    DEFAULT_DETECTOR,
    DEFAULT_ENCODER,
    ENSEMBLE,
    NAMER,
    THINGS,
    Form,
    find_card,
    loaded_once,
    resolve,
)
from catalens.tasks.cutout import Cutter, cutter
from catalens.tasks.embed import encoder
from catalens.tasks.ensemble import EnsembleDetector
from catalens.tasks.faces import FaceFinder, finds_faces
from catalens.tasks.naming import PRODUCT, Namer
from catalens.tasks.segment import Parser, parser
from catalens.tasks.things import ThingFinder, finds_things
from catalens.tasks.tiles import Tiled
from catalens.tasks.two_stage import TwoStageDetector, one_each
from catalens.taxonomy import classes, kind
from catalens.types import Detections, FloatArray, ImageArray

FORMS: tuple[Form, ...] = ("card", "hf", "onnx")
"""What `model` may be here, besides "parts"."""
NOT_PRODUCTS = frozenset({"background", "skin", "hair"})
SEVERAL = classes("several")
"""Somebody may carry several; of all else they wear one, whatever lies between its pieces, as in an open jacket."""
MERGED = {label: kind(label).part for label in classes("detector") if label not in (*classes("parser"), "product")}
"""Labels of the detector that the parser takes together with others."""
HARDLY = 0.05
"""Share of a box below which the parser does not see there what the detector does."""
CROWD = 0.1
"""Share of the largest person's area from which another figure counts as a person of its own."""
LEAST = 0.05
"""Score below which nothing is worth looking at."""
PERSON_AT_LEAST = 0.004
"""Share of a picture that skin and hair have together where it shows a person."""
SMALLEST = 0.0006
"""Share of the picture below which a part is a speck."""
SMALLEST_PRODUCT = 0.01
BEYOND = 0.12
"""Pieces smaller than this share of the largest of their class belong to it or are specks."""
LONGER_SIDE = 512
"""At which parts are looked for, in pixels."""


class Detector(Protocol):
    """Finds products on pictures."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it can find."""
        ...

    def __call__(self, image: ImageArray) -> Detections:
        """HWC uint8 -> what is on it, the surest first; empty where there is nothing."""
        ...


class PartsDetector:
    """Finds what a person wears and carries as parts of the parser's answer; without a person, goods of any kind by
    their outline, as "product".
    """

    def __init__(self, parts: Parser, outlines: Cutter) -> None:
        self._parts, self._outlines = parts, outlines
        self.labels = (*(name for name in parts.names if name not in NOT_PRODUCTS), PRODUCT)

    def __call__(self, image: ImageArray) -> Detections:
        size = image.shape[:2]
        scale = min(1.0, LONGER_SIDE / max(size))
        small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        seen = np.asarray(cv2.resize(image, small[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        likely = self._parts.probabilities(seen)
        found = self._worn(likely) if self._shows_person(likely) else self._goods(seen)
        return _at_size(found, small, size)

    def _shows_person(self, likely: FloatArray) -> bool:
        person = [self._parts.names.index(name) for name in ("skin", "hair")]
        return float(np.isin(likely.argmax(0), person).mean()) >= PERSON_AT_LEAST

    def _worn(self, likely: FloatArray) -> list[tuple[NDArray[np.bool_], float, str]]:
        classes = likely.argmax(0)
        found: list[tuple[NDArray[np.bool_], float, str]] = []
        for person in people_of(classes > 0):
            for code, name in enumerate(self._parts.names):
                if name in NOT_PRODUCTS:
                    continue
                pieces = pieces_of((classes == code) & person, SMALLEST, whole=name not in SEVERAL)
                found += [(piece, float(likely[code][piece].mean()), name) for piece in pieces]
        return found

    def _goods(self, image: ImageArray) -> list[tuple[NDArray[np.bool_], float, str]]:
        alpha = self._outlines.alpha(image)
        return [
            (piece, float(alpha[piece].mean()), PRODUCT)
            for piece in pieces_of(alpha > 0.5, SMALLEST_PRODUCT, whole=False)
        ]


def people_of(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The figures of a crowd, largest first; what is too small for one belongs to the figure that is nearest."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, parts, stats, middles = cv2.connectedComponentsWithStats(closed, connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    if not len(sizes):
        return []
    people = 1 + np.flatnonzero(sizes >= CROWD * sizes.max())
    distances = np.linalg.norm(middles[:, None] - middles[people][None], axis=2)
    owner = people[distances.argmin(1)]
    owner[people] = people
    owner[0] = 0
    whose = owner[parts]
    return [np.asarray(whose == one) for one in people[np.argsort(-sizes[people - 1], kind="stable")].tolist()]


def pieces_of(mask: NDArray[np.bool_], smallest: float, *, whole: bool) -> list[NDArray[np.bool_]]:
    """The connected pieces of a mask that are large enough, largest first; as one where it is sold as a pair."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    if not len(sizes) or sizes.max() < smallest * mask.size:
        return []
    least = max(BEYOND * sizes.max(), smallest * mask.size)
    kept = [1 + row for row in np.argsort(-sizes).tolist() if sizes[row] >= least]
    if whole:
        return [np.asarray(np.isin(parts, kept))]
    return [np.asarray(parts == one) for one in kept]


def _at_size(
    found: list[tuple[NDArray[np.bool_], float, str]], small: tuple[int, int], size: tuple[int, int]
) -> Detections:
    found = sorted(found, key=lambda one: -one[1])
    grow = np.array([size[1] / small[1], size[0] / small[0]] * 2, np.float32)
    boxes = [box * grow for box in (mask_to_box(mask) for mask, _, _ in found) if box is not None]
    masks = [
        np.asarray(cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST), np.bool_)
        for mask, _, _ in found
    ]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        tuple(name for _, _, name in found),
        size,
        np.array(masks, np.bool_).reshape(-1, *size),
    )


class ForeignDetector:
    """A detector of others as one of ours: sure boxes, one for each thing."""

    def __init__(self, network: HubDetector | YoloxNetwork) -> None:
        self._network = network
        self.labels = network.labels

    def __call__(self, image: ImageArray) -> Detections:
        boxes, scores = self._network(image)
        size = (image.shape[0], image.shape[1])
        return one_each(clip(boxes, size)[:, None].repeat(len(self.labels), 1), scores, self.labels, size)


@loaded_once(ENSEMBLE)
def detector(
    name: str | None = None,
    *,
    words: tuple[str, ...] = (),
    threads: int | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Detector:
    """A detector by name; loaded once.

    Args:
        name: a bundled detector (of garments, things or faces), a folder with a card, "ensemble" for those of garments
            and things with one name for each box, "parts" for the parser and the cut-out network together, a known one
            (`catalens models list --task detect`), "hf:" and a folder or hub id of the Transformers library, or "onnx:"
            and a file of YOLOX; None for "ensemble".
        words: what to look for, for those that take words (OWL, Grounding DINO).
        accept_licence: name of a licence that limits commercial use, or "unknown", that you accept for this network.
        device, dtype: device and precision (`models.device`).

    Raises:
        NotFoundError, ModelError: it cannot be found or used.
        UsageError: words for a detector that takes none, or none for one that does; a licence that was not accepted; a
            form or device that does not go.
        MissingExtraError: its runtime is not installed.
    """
    if name == BUILT_IN_DETECTOR and not words:
        return PartsDetector(
            parser(threads=threads, device=device, dtype=dtype), cutter(threads=threads, device=device, dtype=dtype)
        )
    if name == ENSEMBLE and not words:
        return _ensemble(threads=threads, device=device, dtype=dtype)
    found = (
        None
        if name in (BUILT_IN_DETECTOR, ENSEMBLE)
        else resolve(name, task="detect", forms=FORMS, accept_licence=accept_licence)
    )
    if found is not None and found.form == "hf":
        network = HubDetector(found.in_transformers(), words=words, threads=threads, device=device, dtype=dtype)
        return ForeignDetector(network)
    if found is not None and found.form == "onnx" and not words:
        return ForeignDetector(YoloxNetwork(found.file()[0], threads=threads, device=device, dtype=dtype))
    if words or found is None:
        raise UsageError(f"{name or 'the bundled detector'} has labels of its own", cure="leave the words out")
    card = found.own_card()
    kind = FaceFinder if finds_faces(card) else ThingFinder if finds_things(card) else TwoStageDetector
    return kind(card, threads=threads, device=device, dtype=dtype)


def _ensemble(*, threads: int | None, device: str, dtype: str) -> EnsembleDetector:
    garments = TwoStageDetector(find_card(DEFAULT_DETECTOR), threads=threads, device=device, dtype=dtype)
    things = ThingFinder(find_card(THINGS), threads=threads, device=device, dtype=dtype)
    seen = encoder(DEFAULT_ENCODER, threads=threads, device=device, dtype=dtype)
    heard = (things.labels, garments.labels)
    namer = Namer(find_card(NAMER), seen, heard=heard, threads=threads)

    def outlines(image: ImageArray) -> FloatArray:
        return cutter(threads=threads, device=device, dtype=dtype).alpha(image)

    return EnsembleDetector(garments, things, namer, outlines)


def with_masks(found: Detections, image: ImageArray) -> Detections:
    """Outlines for boxes that have none: the parser's part within each box, or what the cut-out network keeps of it."""
    if found.masks is not None:
        return found
    masks = np.zeros((len(found), *image.shape[:2]), np.bool_)
    parts = parser()(image) if len(found) else None
    alpha: FloatArray | None = None
    for row, one in enumerate(found):
        left, top, right, bottom = np.round(one.box).astype(int)
        window = (slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1)))
        name = MERGED.get(one.label, one.label)
        assert parts is not None
        inside = parts[name][window] if name in parts.names else np.zeros((1, 1), np.bool_)
        if inside.mean() < HARDLY:
            alpha = cutter().alpha(image) if alpha is None else alpha
            inside = alpha[window] > 0.5
        masks[row][window] = inside if inside.any() else True
    return replace(found, masks=masks)


def detect(
    image: ImageLike,
    *,
    min_score: float = options.Detect.min_score.default,
    model: str | None = options.Detect.model.default,
    labels: Sequence[str] = options.Detect.labels.default,
    masks: bool = options.Detect.masks.default,
    tiles: int = options.Detect.tiles.default,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Detections:
    """Find the products on a photo.

    Args:
        image: path, bytes, open file, array or PIL picture.
        min_score: confidence threshold, 0..1.
        model: of `detector`; None for the best that is bundled.
        labels: what to look for, for models that take words.
        masks: add a mask of each product; without, it takes a fifth of the time.
        tiles: for shelves and photos of hundreds of things: look at overlapping windows, so many along the longer
            side, each about three things wide, instead of the whole; boxes alone, by default of catalens-detector-s.
        accept_licence, device, dtype: as of `detector`.

    Returns:
        Boxes in pixels of the photo, scores, labels and masks, best first: what a person wears and carries (top,
        outerwear, dress, skirt, trousers, shoes, bag, hat ...), or "product" for goods without a person.

    Raises:
        ImageError: the picture cannot be read.
    """
    options.check_all(options.Detect, min_score=min_score, labels=labels)
    pixels = read_image(image)
    if model is None and tiles > 1:
        model = DEFAULT_DETECTOR  # a window shows a few things, and there are hundreds of windows
    find: Callable[[ImageArray], Detections] = detector(
        model, words=tuple(labels), accept_licence=accept_licence, device=device, dtype=dtype
    )
    found = (find if tiles == 1 else Tiled(find, tiles))(pixels)
    found = found[found.scores >= min_score]
    return with_masks(found, pixels) if masks and tiles == 1 else found
