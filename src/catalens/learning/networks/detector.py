"""A two-stage detector: which anchors look like an object (RPN), then, for the best of them, what it is and where.

Faster R-CNN (Ren et al. 2015) on the pyramid of `pyramid.py`. Anchors lie on three levels; regions are all read from
the finest of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.networks.boxes import anchors, best_apart, decode, encode, matched, pooled, sampled
from catalens.learning.networks.encoder import BLOCKS, WIDTHS
from catalens.learning.networks.loop import half_precision
from catalens.learning.networks.pyramid import WIDTH, Pyramid

STRIDES = (8, 16, 32)
SIZES = ((14.0, 26.0), (44.0, 74.0), (120.0, 200.0))
"""Square roots of the anchors' areas on each level, in pixels."""
RATIOS = (0.5, 1.0, 2.2)
"""Height over width: belts, bags, trousers."""
BEFORE, PROPOSALS, APART = 400, 100, 0.7
"""Anchors that are compared with one another, how many of them stay, the IoU from which one goes."""
REGION, HIDDEN = 7, 256
RPN_SAMPLES, REGION_SAMPLES, POSITIVE = 128, 48, 0.3
RIGHT, WRONG = 0.6, 0.3
"""IoU from which an anchor stands for an object (0.7 in the paper, of more anchors), and below which for none."""
REGION_RIGHT = 0.5
STEPS = torch.tensor([0.1, 0.1, 0.2, 0.2])
"""Deltas of regions are learned in units of these, so that their losses weigh as much as the classes'."""


@dataclass(frozen=True)
class Found:
    """What the first stage says of N pictures: (N, A) logits and (N, A, 4) deltas of all anchors; these (A, 4)."""

    logits: Tensor
    deltas: Tensor
    anchors: Tensor


class DetectorNetwork(nn.Module):
    """(1, 3, H, W) normalised picture, sides multiples of 32 -> proposals (K, 4) and their logits (K,); for each of
    them (K, classes + 1), the last for "nothing", and boxes (K, classes, 4), all xyxy in pixels.
    """

    def __init__(self, classes: int, *, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS) -> None:
        super().__init__()
        self.classes = classes
        self.pyramid = Pyramid(widths=widths, blocks=blocks)
        count = len(SIZES[0]) * len(RATIOS)
        self.rpn = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU())
        self.is_object, self.shift = nn.Conv2d(WIDTH, count, 1), nn.Conv2d(WIDTH, count * 4, 1)
        self.head = nn.Sequential(
            nn.Linear(WIDTH * REGION * REGION, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        )
        self.label, self.box = nn.Linear(HIDDEN, classes + 1), nn.Linear(HIDDEN, classes * 4)
        for layer in (self.is_object, self.shift, self.label, self.box):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def first_stage(self, x: Tensor) -> tuple[Tensor, Found]:
        """The features that regions are read from, (N, 64, H/8, W/8), and what is said of the anchors."""
        levels = self.pyramid(x)[1:]
        logits, deltas, places = [], [], []
        for level, stride, sizes in zip(levels, STRIDES, SIZES, strict=True):
            seen = self.rpn(level)
            logits.append(self.is_object(seen).permute(0, 2, 3, 1).reshape(len(x), -1))
            deltas.append(self.shift(seen).permute(0, 2, 3, 1).reshape(len(x), -1, 4))
            grid = (level.shape[2], level.shape[3])  # numbers that an export follows: any size of picture will do
            places.append(anchors(sizes, RATIOS, stride=stride, grid=grid).to(x.device))
        return levels[0], Found(torch.cat(logits, 1).float(), torch.cat(deltas, 1).float(), torch.cat(places))

    def proposals(self, found: Found, picture: int) -> tuple[Tensor, Tensor]:
        """(K, 4) boxes, which may leave the picture, and (K,) logits, the best first."""
        logits, rows = found.logits[picture].topk(min(BEFORE, len(found.anchors)))
        boxes = decode(found.deltas[picture][rows], found.anchors[rows])
        kept = best_apart(boxes, logits, threshold=APART, count=PROPOSALS)
        return boxes[kept], logits[kept]

    def second_stage(self, features: Tensor, regions: Tensor, owners: Tensor) -> tuple[Tensor, Tensor]:
        """(K, classes + 1) logits and (K, classes, 4) deltas of regions (K, 4) of the pictures `owners` (K,)."""
        cut = pooled(features, regions, owners, scale=1 / STRIDES[0], size=REGION)
        seen = self.head(cut.flatten(1))
        return self.label(seen), self.box(seen).reshape(-1, self.classes, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        features, found = self.first_stage(x)
        proposals, logits = self.proposals(found, 0)
        owners = torch.zeros(len(proposals), dtype=torch.long, device=x.device)
        labels, deltas = self.second_stage(features, proposals, owners)
        return proposals, logits, labels, decode(deltas * STEPS.to(x.device), proposals[:, None])

    def losses(self, x: Tensor, objects: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Losses by name.

        Args:
            objects: of each picture (M, 4) boxes and (M,) classes.
        """
        with half_precision(x.device):
            features, found = self.first_stage(x)
        features = features.float()
        first: list[Tensor] = []
        regions, owners, wanted, goals = [], [], [], []
        for picture, (boxes, labels) in enumerate(objects):
            first.append(self._anchor_losses(found, picture, boxes))
            with torch.no_grad():
                proposals, _ = self.proposals(found, picture)
                everything = torch.cat([proposals, boxes])
                owner, state = matched(everything, boxes, right=REGION_RIGHT, wrong=REGION_RIGHT, each_has_one=False)
                rows = sampled(state, count=REGION_SAMPLES, share=POSITIVE)
                is_object = state[rows] == 1
                regions.append(everything[rows])
                owners.append(torch.full_like(rows, picture))
                shown = labels[owner[rows]] if len(boxes) else torch.zeros_like(rows)
                wanted.append(torch.where(is_object, shown, torch.full_like(rows, self.classes)))
                near = boxes[owner[rows]] if len(boxes) else everything[rows]
                goals.append(encode(near, everything[rows]) / STEPS.to(x.device))
        label, goal = torch.cat(wanted), torch.cat(goals)
        said, deltas = self.second_stage(features, torch.cat(regions), torch.cat(owners))
        is_object = label < self.classes
        mine = deltas[torch.arange(len(label)), label.clamp(max=self.classes - 1)]
        off = F.smooth_l1_loss(mine[is_object], goal[is_object], reduction="sum") / max(len(label), 1)
        objectness, shift = torch.stack(first).mean(0).unbind()
        return {"objects": objectness, "anchors": shift, "classes": F.cross_entropy(said, label), "boxes": off}

    def _anchor_losses(self, found: Found, picture: int, boxes: Tensor) -> Tensor:
        """(2,): are the anchors objects; how far off are those that are."""
        owner, state = matched(found.anchors, boxes, right=RIGHT, wrong=WRONG, each_has_one=True)
        rows = sampled(state, count=RPN_SAMPLES, share=0.5)
        is_object = (state[rows] == 1).float()
        objectness = F.binary_cross_entropy_with_logits(found.logits[picture][rows], is_object)
        right = rows[state[rows] == 1]
        if not len(right):
            return torch.stack([objectness, objectness * 0])
        goals = encode(boxes[owner[right]], found.anchors[right])
        off = F.smooth_l1_loss(found.deltas[picture][right], goals, beta=0.1, reduction="sum") / (4 * len(rows))
        return torch.stack([objectness, 4 * off])
