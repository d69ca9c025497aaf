"""What the encoder learns: to say what the teacher says, to tell labels apart, to know a photo again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.training.photos import Photo

TAG_AT_LEAST = 30
"""A tag that fewer photos carry teaches nothing."""
SCALE, MARGIN = 20.0, 0.1
"""Cosine softmax (Wang et al. 2018, CosFace): logits = 20 (cos - 0.1 for the right label)."""
TEMPERATURE = 0.1
WEIGHTS = {"teacher": 2.0, "labels": 0.6, "tags": 0.3, "instance": 0.15}
TASKS = ("clothing", "grocery", "retail")


@dataclass(frozen=True)
class Targets:
    """Targets of N photos: labels of each task (-1: none), tags, and groups of photos that are no negatives."""

    labels: Tensor
    """(N, tasks) int64."""
    counts: tuple[int, ...]
    tags: Tensor
    """(N, tags) float32."""
    has_tags: Tensor
    """(N,) bool."""
    groups: Tensor
    """(N,) int64: photos of one group show the same label or product."""

    def of(self, rows: Tensor) -> Targets:
        """Targets of some of the photos."""
        return Targets(self.labels[rows], self.counts, self.tags[rows], self.has_tags[rows], self.groups[rows])


def targets_of(photos: Sequence[Photo]) -> Targets:
    """Number the labels, tags and groups of the photos."""
    names = [sorted({photo.label for photo in photos if photo.task == task}) for task in TASKS]
    labels = np.full((len(photos), len(TASKS)), -1)
    for row, photo in enumerate(photos):
        if photo.task in TASKS:
            task = TASKS.index(photo.task)
            labels[row, task] = names[task].index(photo.label)
    counted: dict[str, int] = {}
    for photo in photos:
        for tag in photo.tags:
            counted[tag] = counted.get(tag, 0) + 1
    tags = sorted(tag for tag, count in counted.items() if count >= TAG_AT_LEAST)
    _, groups = np.unique([f"{photo.task}:{photo.label}" for photo in photos], return_inverse=True)
    return Targets(
        labels=torch.from_numpy(labels),
        counts=tuple(map(len, names)),
        tags=torch.tensor([[tag in photo.tags for tag in tags] for photo in photos], dtype=torch.float32),
        has_tags=torch.tensor([bool(photo.tags) for photo in photos]),
        groups=torch.from_numpy(groups.astype(np.int64)),
    )


class Objectives(nn.Module):
    """The heads that are thrown away after training, and the losses."""

    def __init__(self, targets: Targets, *, dim: int, teacher_dim: int) -> None:
        super().__init__()
        self.teacher = nn.Linear(dim, teacher_dim)
        self.labels = nn.ParameterList([nn.Parameter(torch.randn(count, dim)) for count in targets.counts])
        self.tags = nn.Linear(dim, targets.tags.shape[1])

    def forward(self, vectors: Tensor, features: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Losses by name.

        Args:
            vectors: (2n, dim); rows 2i and 2i + 1 are two views of one photo.
            features: (2n, teacher_dim) unit length, what the teacher says of the views.
            targets: of the 2n views.
        """
        units = F.normalize(vectors)
        return {
            "teacher": (1 - (F.normalize(self.teacher(vectors)) * features).sum(1)).mean(),
            "labels": self._labels(units, targets),
            "tags": self._tags(vectors, targets),
            "instance": _instance(units, targets.groups),
        }

    def _labels(self, units: Tensor, targets: Targets) -> Tensor:
        loss = units.new_zeros(())
        for task, prototypes in enumerate(self.labels):
            rows = targets.labels[:, task] >= 0
            if rows.any():
                wanted = targets.labels[rows, task]
                cosine = units[rows] @ F.normalize(prototypes).T
                logits = SCALE * (cosine - MARGIN * F.one_hot(wanted, cosine.shape[1]))
                summed = F.cross_entropy(logits, wanted, label_smoothing=0.05, reduction="sum")
                loss = loss + summed / len(units)
        return loss

    def _tags(self, vectors: Tensor, targets: Targets) -> Tensor:
        rows = targets.has_tags
        if not rows.any() or not targets.tags.shape[1]:
            return vectors.new_zeros(())
        return F.binary_cross_entropy_with_logits(self.tags(vectors[rows]), targets.tags[rows])


def _instance(units: Tensor, groups: Tensor) -> Tensor:
    """InfoNCE (van den Oord et al. 2018) between two views of a photo; photos of the same group are no negatives."""
    count = len(units)
    partner = torch.arange(count, device=units.device) ^ 1
    same = groups[:, None] == groups[None]
    same[torch.arange(count), partner] = False
    logits = (units @ units.T / TEMPERATURE).masked_fill(same, -1e4)
    return F.cross_entropy(logits, partner)


def sampling_weights(photos: Sequence[Photo]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Chance of each photo to be drawn: rare labels more often than their share, shop pictures most."""
    kinds = [f"{photo.task}:{photo.label}" for photo in photos]
    _, inverse, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    typical = {"clothing": (1.6, 307.0), "grocery": (1.0, 33.0)}  # weight, photos of a typical label
    flat = {"retail": 2.0, "street": 0.6}
    weights = np.empty(len(photos))
    for row, photo in enumerate(photos):
        if photo.is_shop_picture:
            weights[row] = 6.0
        elif photo.task in typical:
            weight, usual = typical[photo.task]
            weights[row] = weight * (usual / counts[inverse[row]]) ** 0.4
        else:
            weights[row] = flat[photo.task]
    return np.asarray(weights / weights.sum(), np.float64)
