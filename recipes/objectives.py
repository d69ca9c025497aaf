"""What the encoder learns: to say what the teacher says, to tell labels and colors apart, to know a product again, and
what words are true of a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from recipes.photos import Photo
from recipes.towers import joined

TAG_AT_LEAST = 30
"""A tag that fewer photos carry teaches nothing."""
SCALE, MARGIN = 20.0, 0.1
"""Cosine softmax (Wang et al. 2018, CosFace): logits = 20 (cos - 0.1 for the right label)."""
TEMPERATURE, WORD_SCALE = 0.1, 18.0
WEIGHTS = {"teacher": 4.0, "labels": 0.7, "tags": 0.3, "instance": 0.5, "looks": 0.4, "color": 0.6, "words": 0.7}
TASKS = ("clothing", "grocery", "retail", "cutout", "dressed", "rendered", "thumbnail")


@dataclass(frozen=True)
class Targets:
    """Targets of N pictures: labels of each task (-1: none), tags, and which of them show one product."""

    labels: Tensor
    """(N, tasks) int64."""
    counts: tuple[int, ...]
    tags: Tensor
    """(N, tags) float32."""
    has_tags: Tensor
    """(N,) bool."""
    products: Tensor
    """(N,) int64."""

    def of(self, rows: Tensor) -> Targets:
        """Targets of some of the pictures."""
        return Targets(self.labels[rows], self.counts, self.tags[rows], self.has_tags[rows], self.products[rows])

    def to(self, device: torch.device) -> Targets:
        """The same, on a device."""
        moved = (tensor.to(device) for tensor in (self.tags, self.has_tags, self.products))
        return Targets(self.labels.to(device), self.counts, *moved)


def targets_of(photos: Sequence[Photo]) -> Targets:
    """Number the labels, tags and products of the pictures."""
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
    _, products = np.unique([photo.product for photo in photos], return_inverse=True)
    return Targets(
        labels=torch.from_numpy(labels),
        counts=tuple(map(len, names)),
        tags=torch.tensor([[tag in photo.tags for tag in tags] for photo in photos], dtype=torch.float32),
        has_tags=torch.tensor([bool(photo.tags) for photo in photos]),
        products=torch.from_numpy(products.astype(np.int64)),
    )


class Objectives(nn.Module):
    """The heads that are thrown away after training, and the losses."""

    def __init__(
        self, targets: Targets, *, width: int, dim: int, look_dim: int, teacher_dim: int, color_dim: int
    ) -> None:
        super().__init__()
        self.kinds = nn.Linear(width, dim)
        self.teacher = nn.Linear(dim, teacher_dim)
        self.labels = nn.ParameterList([nn.Parameter(torch.randn(count, dim)) for count in targets.counts])
        self.tags = nn.Linear(dim, targets.tags.shape[1])
        self.color = nn.Linear(look_dim, color_dim)

    def forward(
        self,
        seen: Tensor,
        looks: Tensor,
        counted: Tensor,
        words: Tensor,
        *,
        features: Tensor,
        truth: Tensor,
        targets: Targets,
    ) -> dict[str, Tensor]:
        """Losses by name.

        Args:
            seen, looks, counted: (2n + b, width) what the trunk saw, (2n + b, look_dim), and (2n + b, color_dim) colors
                that are counted, not learned: looks have to tell them. Rows 2i and 2i + 1 show one product. The last b
                show blends, of which only the teachers know something.
            words: (m, dim + look_dim + color_dim), of captions.
            features: (2n + b, teacher_dim) unit length, what the teachers say of the views.
            truth: (m, 2n), 1 where a caption is true of a view, 0 where it is not, nan where nobody knows.
            targets: of the 2n views.
        """
        kinds = self.kinds(seen)
        unlike = _unlike(self.teacher(kinds), features)
        kinds, looks, counted = (part[: truth.shape[1]] for part in (kinds, looks, counted))
        units = joined(kinds, looks, counted)
        return {
            "teacher": unlike,
            "labels": self._labels(F.normalize(kinds), targets),
            "tags": self._tags(kinds, targets),
            "instance": _instance(units, targets.products),
            "looks": _instance(F.normalize(looks), targets.products),
            "color": _unlike(self.color(looks), F.normalize(counted)),
            "words": caption_loss(F.normalize(words) @ units.T, truth),
        }

    def _labels(self, units: Tensor, targets: Targets) -> Tensor:
        loss = units.new_zeros(())
        for wanted, prototypes in zip(targets.labels.T, self.labels, strict=True):
            if not len(prototypes):
                continue
            cosine = units @ F.normalize(prototypes).T
            # Views without a label count as nothing; to leave them out, a GPU would have to be waited for.
            logits = SCALE * (cosine - MARGIN * F.one_hot(wanted.clamp(min=0), cosine.shape[1]))
            summed = F.cross_entropy(logits, wanted, ignore_index=-1, label_smoothing=0.05, reduction="sum")
            loss = loss + summed / len(units)
        return loss

    def _tags(self, vectors: Tensor, targets: Targets) -> Tensor:
        if not targets.tags.shape[1]:
            return vectors.new_zeros(())
        each = F.binary_cross_entropy_with_logits(self.tags(vectors), targets.tags, reduction="none").mean(1)
        return (each * targets.has_tags).sum() / targets.has_tags.sum().clamp(min=1)


def _unlike(said: Tensor, wanted: Tensor) -> Tensor:
    """Mean of 1 - cosine."""
    return (1 - (F.normalize(said) * wanted).sum(1)).mean()


def _instance(units: Tensor, products: Tensor) -> Tensor:
    """InfoNCE (van den Oord et al. 2018) between two views of a product; others of the product are no negatives."""
    count = len(units)
    partner = torch.arange(count, device=units.device) ^ 1
    same = products[:, None] == products[None]
    same[partner ^ 1, partner] = False
    logits = (units @ units.T / TEMPERATURE).masked_fill(same, -1e4)
    return F.cross_entropy(logits, partner)


def caption_loss(cosines: Tensor, truth: Tensor) -> Tensor:
    """Softmax over the pictures for each caption and over the captions for each picture (Radford et al. 2021, CLIP),
    with as many right answers as there are (Khosla et al. 2020, the mean outside the logarithm).

    Args:
        cosines: (captions, pictures); truth: the same, 1 where a caption is true of a picture, 0 where it is not, nan
            where nobody knows.
    """
    known = (cosines * WORD_SCALE).masked_fill(truth.isnan(), -1e4)
    right = truth.nan_to_num() > 0.5
    return (_several(known, right) + _several(known.T, right.T)) / 2


def _several(logits: Tensor, right: Tensor) -> Tensor:
    likely = (F.log_softmax(logits, 1) * right).sum(1) / right.sum(1).clamp(min=1)
    answered = right.any(1)
    return -(likely * answered).sum() / answered.sum().clamp(min=1)
