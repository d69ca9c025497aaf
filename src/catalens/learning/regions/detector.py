"""Training of a two-stage detector: augmented views, losses, and the metrics that its card states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from catalens.evaluation.detection import DetectionScores, Truth, detection_scores, proposal_recall
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.images.prepare import Preprocess
from catalens.learning.networks.detector import DetectorNetwork
from catalens.learning.networks.export import score_rows
from catalens.learning.networks.pyramid import normalized
from catalens.models.card import Score
from catalens.tasks.two_stage import answers_of
from catalens.types import Detections, FloatArray, ImageArray, IntArray

SIZE = (384, 256)
"""Height and width of the views: those of most street photos."""
PREPROCESS = Preprocess(size=SIZE, fit="letterbox")
BATCH, RATE = 6, 8e-4
LEAST_SIDE = 6.0
"""Boxes of views that are narrower than this many pixels are not counted."""


@dataclass(frozen=True)
class Labelled:
    """A photo and what is on it: (M, 4) float32 xyxy, (M,) indexes into `models.parts.PRODUCTS`."""

    image: ImageArray
    boxes: FloatArray
    labels: IntArray


@dataclass(frozen=True)
class Batch:
    """Views (n, H, W, 3) uint8, and of each the boxes and labels."""

    pixels: ImageArray
    objects: list[Labelled]


def view(photo: Labelled, size: tuple[int, int], rng: np.random.Generator) -> Labelled:
    """A photo scaled, moved, mirrored and relit, at (height, width); boxes that hardly show are left out."""
    height, width = photo.image.shape[:2]
    scale = min(size[0] / height, size[1] / width) * float(np.exp(rng.uniform(-0.25, 0.45)))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    slack = np.abs(np.array([size[1] - width * scale, size[0] - height * scale])) / 2 + 0.03 * np.array(size[::-1])
    center = np.array(size[::-1]) / 2 + rng.uniform(-1, 1, 2) * slack
    turn = scale * np.array([[mirror, 0.0], [0.0, 1.0]])
    shift = center - turn @ np.array([width, height]) / 2
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = cv2.warpAffine(
        photo.image, np.hstack([turn, shift[:, None]]), size[::-1], flags=flags, borderValue=(255, 255, 255)
    )
    light = (1 + rng.normal() * 0.15) * (1 + rng.normal(size=3) * 0.05)
    pixels = np.clip(pixels * light, 0, 255).astype(np.uint8)
    x = np.sort(photo.boxes[:, [0, 2]] * turn[0, 0] + shift[0], axis=1)
    y = photo.boxes[:, [1, 3]] * turn[1, 1] + shift[1]
    whole = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1)
    return _visible(pixels, whole, photo.labels)


def _visible(
    pixels: ImageArray, whole: np.ndarray[tuple[int, ...], np.dtype[np.float64]], labels: IntArray
) -> Labelled:
    limit = np.array([pixels.shape[1], pixels.shape[0]] * 2)
    inside = np.clip(whole, 0, limit)
    sides, before = inside[:, 2:] - inside[:, :2], whole[:, 2:] - whole[:, :2]
    shown = (sides.min(1, initial=1e9) >= LEAST_SIDE) & (sides.prod(1) > 0.3 * before.prod(1))
    return Labelled(pixels, inside[shown].astype(np.float32), labels[shown])


def losses_of(network: DetectorNetwork, device: torch.device, batch: Batch) -> dict[str, Tensor]:
    """The four losses of the two stages."""
    x = normalized(torch.from_numpy(batch.pixels).to(device)).contiguous(memory_format=torch.channels_last)
    objects = [
        (torch.from_numpy(one.boxes).to(device), torch.from_numpy(one.labels).to(device)) for one in batch.objects
    ]
    return network.losses(x, objects)


def score(
    network: torch.nn.Module, photos: Sequence[Labelled], names: Sequence[str]
) -> tuple[DetectionScores, dict[str, Estimate]]:
    """Average precision, and the recall of 100 proposals at IoU 0.5 and 0.7 (over photos), asked as what ships is."""
    network.eval()
    found: list[Detections] = []
    proposals: list[FloatArray] = []
    truths = [Truth(one.boxes, tuple(names[label] for label in one.labels.tolist())) for one in photos]
    for photo in photos:
        x, placement = PREPROCESS.apply(photo.image)
        with torch.no_grad():
            answers = [one.numpy() for one in network(torch.from_numpy(x)[None])]
        found.append(answers_of(answers, placement, names, min_score=0.01))
        proposals.append(placement.to_original_boxes(answers[0]))
    recalls = {}
    for threshold in (0.5, 0.7):
        shares = [
            hits / total
            for hits, total in (
                proposal_recall([boxes], [truth], count=100, threshold=threshold)
                for boxes, truth in zip(proposals, truths, strict=True)
            )
            if total
        ]
        recalls[f"recall of 100 proposals at IoU {threshold}"] = bootstrap_mean(shares)
    return detection_scores(found, truths), recalls


def card_scores(scores: DetectionScores, recalls: dict[str, Estimate]) -> tuple[Score, ...]:
    """A card's rows."""
    rows = {"AP": scores.ap, "AP50": scores.ap50, **recalls}
    rows |= {f"AP50 {name}": one for name, one in scores.by_class.items()}
    return score_rows(rows)
