"""Training of a semantic segmenter: augmented views, losses, and the metrics that its card states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.evaluation.segmentation import SegmentationScores, confusion, segmentation_scores
from catalens.images.prepare import Preprocess
from catalens.learning.networks.export import score_rows
from catalens.learning.networks.loop import half_precision
from catalens.learning.networks.pyramid import DenseNetwork, normalized
from catalens.learning.regions.grounds import dyed_parts, on_even_ground
from catalens.models.card import Score
from catalens.models.parts import CLASSES
from catalens.types import ImageArray

UNKNOWN = 255
"""Any of the photo's own parts, background included."""
PERSON = 254
"""Any of the photo's own parts, background not."""
SIZE = (384, 256)
"""Height and width of the views: those of most street photos."""
PREPROCESS = Preprocess(size=SIZE, fit="letterbox")
BATCH, RATE = 12, 1.5e-3
MIX = (0.46, 0.38, 0.16)
"""Share of the views from masked, tagged and clothes photos."""
STUDIO = 0.3
"""Share of the masked street photos whose street gives way to an even background."""
PARTIAL, PRESENCE = 0.5, 0.3
"""Weights of what is only partly known, and of which classes a view shows."""
DYED = 0.6
"""Share of the views with masks whose garments get other colors, each its own."""


@dataclass(frozen=True)
class Batch:
    """Views: (n, H, W, 3) uint8; (n, H/2, W/2) labels; (n, classes) what each photo may show."""

    pixels: ImageArray
    labels: NDArray[np.uint8]
    allowed: NDArray[np.bool_]


@dataclass(frozen=True)
class Parsed:
    """A photo to learn from.

    Args:
        labels: HxW classes, `UNKNOWN` or `PERSON`.
        allowed: (classes,) those that the photo may show.
        number: of the street photo, 0 for other photos.
        finer: HxW labels of the photo's own mask before they are merged, where it has one.
    """

    image: ImageArray
    labels: NDArray[np.uint8]
    allowed: NDArray[np.bool_]
    number: int
    finer: NDArray[np.uint8] | None = None


class PhotoSampler:
    """Draws batches from sets of photos.

    Args:
        sets: with masks, with tags, of one garment.
        dyed: classes that may have any color.

    Attributes:
        size: height and width of the views, for those that are drawn next.
    """

    def __init__(self, sets: Sequence[Sequence[Parsed]], *, dyed: Sequence[int] = ()) -> None:
        self._dyed = dyed
        self.size = SIZE
        self._sets = [list(photos) for photos in sets if photos]
        chances = np.array([share for share, photos in zip(MIX, sets, strict=True) if photos])
        self._chances = chances / chances.sum()

    def draw(self, rng: np.random.Generator) -> Batch:
        chosen = [self._sets[int(one)] for one in rng.choice(len(self._sets), BATCH, p=self._chances)]
        photos = [photos[int(rng.integers(len(photos)))] for photos in chosen]
        size = self.size
        views = [view(photo, size, rng, dyed=self._dyed) for photo in photos]
        return Batch(
            np.stack([pixels for pixels, _ in views]),
            np.stack([labels for _, labels in views]),
            np.stack([photo.allowed for photo in photos]),
        )


def view(
    photo: Parsed, size: tuple[int, int], rng: np.random.Generator, *, dyed: Sequence[int] = ()
) -> tuple[ImageArray, NDArray[np.uint8]]:
    """(H, W, 3) pixels and (H/2, W/2) labels of a photo scaled, moved, turned, mirrored, dyed and relit."""
    height, width = photo.image.shape[:2]
    fit = min(size[0] / height, size[1] / width) * float(np.exp(rng.uniform(-0.3, 0.4)))
    angle = float(np.radians(rng.normal() * 4))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = fit * np.array([[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]])
    slack = np.abs(np.array([size[1] - width * fit, size[0] - height * fit])) / 2 + 0.04 * np.array(size[::-1])
    center = np.array([size[1], size[0]]) / 2 + rng.uniform(-1, 1, 2) * slack
    matrix = np.hstack([turn, (center - turn @ np.array([width, height]) / 2)[:, None]])
    pixels = cv2.warpAffine(
        photo.image, matrix, size[::-1], flags=cv2.INTER_AREA if fit < 1 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 255, 255),
    )  # fmt: skip
    labels = cv2.warpAffine(photo.labels, matrix / 2, (size[1] // 2, size[0] // 2), flags=cv2.INTER_NEAREST)
    if photo.number and rng.random() < STUDIO and int(labels.max()) < PERSON:
        pixels = on_even_ground(np.asarray(pixels, np.uint8), labels > 0, rng)
    if rng.random() < DYED:
        pixels = dyed_parts(np.asarray(pixels, np.uint8), np.asarray(labels, np.uint8), dyed, rng)
    return _relit(np.asarray(pixels, np.uint8), rng), np.asarray(labels, np.uint8)


def _relit(pixels: ImageArray, rng: np.random.Generator) -> ImageArray:
    contrast, brightness = np.clip(1 + rng.normal(size=2) * 0.15, 0.5, 1.6)
    cast = 1 + rng.normal(size=3) * 0.06
    mean = float(pixels.mean())
    table = np.clip(((np.arange(256) - mean) * contrast + mean * brightness)[:, None] * cast, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table[None]), np.uint8)


def losses_of(network: DenseNetwork, weights: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Cross-entropy where the class is known; where it is one of several, minus the logarithm of their sum."""
    device = weights.device
    x = normalized(torch.from_numpy(batch.pixels).to(device)).contiguous(memory_format=torch.channels_last)
    with half_precision(device):
        places, shown = network.judged(x)
    assert shown is not None
    logits = F.interpolate(places.float(), scale_factor=2.0, mode="bilinear", align_corners=False)
    labels = torch.from_numpy(batch.labels).to(device).long()
    classes = batch.allowed.shape[1]
    known = labels < classes
    exact = F.cross_entropy(logits, labels.where(known, labels.new_tensor(-100)), weight=weights, reduction="sum")
    likely = F.log_softmax(logits, 1)
    possible = torch.from_numpy(batch.allowed).to(device)[:, :, None, None]
    background = torch.arange(classes, device=device)[None, :, None, None] == 0
    person = (labels == PERSON)[:, None]
    sums = torch.logsumexp(likely.masked_fill(~possible | (background & person), -1e4), 1)
    unsure = labels >= min(PERSON, UNKNOWN)
    seen = F.one_hot(labels.where(known, 0), classes).amax((1, 2)).bool()
    wanted = torch.where((unsure.flatten(1).any(1))[:, None], possible[:, :, 0, 0], seen).float()
    return {
        "presence": PRESENCE * F.binary_cross_entropy_with_logits(shown.float(), wanted),
        "exact": exact / known.sum().clamp(min=1),
        "partial": -PARTIAL * (sums * unsure).sum() / unsure.sum().clamp(min=1),
    }


def score(network: torch.nn.Module, photos: Sequence[Parsed], names: Sequence[str] = CLASSES) -> SegmentationScores:
    """Figures on photos with masks, each at its own size, asked as the shipped network is."""
    network.eval()
    found = []
    for photo in photos:
        x, placement = PREPROCESS.apply(photo.image)
        with torch.no_grad():
            seen, mirrored = network(torch.from_numpy(np.stack([x, x[:, :, ::-1]])))
        places = F.interpolate((seen + mirrored.flip(2))[None], scale_factor=4.0, mode="bilinear")
        labels = placement.to_original_mask(places[0].argmax(0).numpy().astype(np.uint8))
        found.append(confusion(photo.labels, labels, classes=len(names)))
    return segmentation_scores(found, names)


def card_scores(scores: SegmentationScores) -> tuple[Score, ...]:
    """A card's rows."""
    named = {
        "pixel accuracy": scores.accuracy,
        "mean IoU of the ten largest classes": scores.largest,
        "person IoU": scores.foreground,
        **{f"IoU {name}": one for name, one in scores.iou.items()},
    }
    return score_rows(named)
