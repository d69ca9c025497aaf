"""Boxes in training: anchors, box encoding, matching of anchors to objects, RoIAlign.

Faster R-CNN (Ren et al. 2015, section 3.1), with the RoIAlign of Mask R-CNN (He et al. 2017, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

LARGEST_STEP = 4.0
"""Logarithm of how much larger than its anchor a box may be said to be: no infinities from a bad answer."""


def anchors(sizes: Sequence[float], ratios: Sequence[float], *, stride: int, grid: tuple[int, int]) -> Tensor:
    """(h * w * sizes * ratios, 4) xyxy in pixels, around the middle of each cell, row by row.

    Args:
        sizes: square roots of the areas, pixels; ratios: height over width; grid: (h, w) cells of `stride` pixels.
    """
    sides = torch.tensor([(size / ratio**0.5, size * ratio**0.5) for size in sizes for ratio in ratios])
    half = torch.cat([-sides, sides], 1) / 2
    y, x = torch.meshgrid(*((torch.arange(count) + 0.5) * stride for count in grid), indexing="ij")
    middles = torch.stack([x, y, x, y], -1).reshape(-1, 1, 4)
    return (middles + half).reshape(-1, 4)


def encode(boxes: Tensor, references: Tensor) -> Tensor:
    """(N, 4) xyxy -> (N, 4): shift of the middle in sides of the reference, logarithms of the sides' ratios."""
    center, side = _middle(boxes), _sides(boxes).clamp(min=1e-3)
    ref_center, ref_side = _middle(references), _sides(references).clamp(min=1e-3)
    return torch.cat([(center - ref_center) / ref_side, (side / ref_side).log()], -1)


def decode(deltas: Tensor, references: Tensor) -> Tensor:
    """The inverse of `encode`."""
    ref_center, ref_side = _middle(references), _sides(references)
    center = ref_center + deltas[..., :2] * ref_side
    half = ref_side * deltas[..., 2:].clamp(max=LARGEST_STEP).exp() / 2
    return torch.cat([center - half, center + half], -1)


def _middle(boxes: Tensor) -> Tensor:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def _sides(boxes: Tensor) -> Tensor:
    return boxes[..., 2:] - boxes[..., :2]


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """(N, 4) and (M, 4) xyxy -> (N, M) IoU."""
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    both = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = _sides(a).clamp(min=0).prod(-1), _sides(b).clamp(min=0).prod(-1)
    return both / (area_a[:, None] + area_b[None] - both).clamp(min=1e-6)


def matched(
    references: Tensor, boxes: Tensor, *, right: float, wrong: float, each_has_one: bool
) -> tuple[Tensor, Tensor]:
    """Which object each reference stands for.

    Args:
        references: (N, 4); boxes: (M, 4), the objects.
        right: IoU from which a reference stands for an object; wrong: below which for none.
        each_has_one: an object that none reaches takes the references that come nearest.

    Returns:
        (N,) the object, (N,) 1 where it stands for it, 0 for none, -1 where it does not count.
    """
    if not len(boxes):
        nothing = torch.zeros(len(references), dtype=torch.long, device=references.device)
        return nothing, nothing.clone()
    table = overlaps(references, boxes)
    best, owner = table.max(1)
    state = torch.full_like(owner, -1)
    state[best < wrong] = 0
    state[best >= right] = 1
    if each_has_one:
        nearest = table.max(0).values
        rows, columns = torch.nonzero((table == nearest) & (nearest > 0.1), as_tuple=True)
        state[rows], owner[rows] = 1, columns
    return owner, state


def sampled(state: Tensor, *, count: int, share: float) -> Tensor:
    """Positions of at most `count` references, of which at most a share stands for objects, at random."""
    positive, negative = torch.nonzero(state == 1)[:, 0], torch.nonzero(state == 0)[:, 0]
    positive = positive[torch.randperm(len(positive), device=state.device)[: int(count * share)]]
    negative = negative[torch.randperm(len(negative), device=state.device)[: count - len(positive)]]
    return torch.cat([positive, negative])


class _RoiAlign(torch.autograd.Function):
    """Carries the way to write it as ONNX's own operator; calculates with PyTorch's."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, rois: Tensor, owners: Tensor, scale: float, size: int) -> Tensor:
        del ctx
        return roi_align(features, rois, owners, scale=scale, size=size)

    @staticmethod
    def symbolic(g: Any, features: Any, rois: Any, owners: Any, scale: float, size: int) -> Any:
        return g.op(
            "RoiAlign", features, rois, owners, coordinate_transformation_mode_s="half_pixel", mode_s="avg",
            output_height_i=size, output_width_i=size, sampling_ratio_i=2, spatial_scale_f=scale,
        )  # fmt: skip


class _Nms(torch.autograd.Function):
    """Carries the way to write it as ONNX's own operator."""

    @staticmethod
    def forward(ctx: Any, boxes: Tensor, scores: Tensor, threshold: float, count: int) -> Tensor:
        del ctx
        return suppressed(boxes, scores, threshold=threshold)[:count]

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, threshold: float, count: int) -> Any:
        zero, one, two, three = (g.op("Constant", value_t=torch.tensor([value])) for value in (0, 1, 2, 3))
        kept = g.op(
            "NonMaxSuppression",
            g.op("Unsqueeze", boxes, zero),
            g.op("Unsqueeze", g.op("Unsqueeze", scores, zero), zero),
            g.op("Constant", value_t=torch.tensor([count])),
            g.op("Constant", value_t=torch.tensor([threshold])),
        )
        return g.op("Squeeze", g.op("Slice", kept, two, three, one), one)  # of (batch, class, box) the box


def pooled(features: Tensor, rois: Tensor, owners: Tensor, *, scale: float, size: int) -> Tensor:
    """`roi_align` that can be exported."""
    if not torch.onnx.is_in_onnx_export():
        return roi_align(features, rois, owners, scale=scale, size=size)
    found: Tensor = _RoiAlign.apply(features, rois, owners, scale, size)  # type: ignore[no-untyped-call]
    return found


def best_apart(boxes: Tensor, scores: Tensor, *, threshold: float, count: int) -> Tensor:
    """`suppressed`, at most `count`, that can be exported."""
    if not torch.onnx.is_in_onnx_export():
        return suppressed(boxes, scores, threshold=threshold)[:count]
    kept: Tensor = _Nms.apply(boxes, scores, threshold, count)  # type: ignore[no-untyped-call]
    return kept


def roi_align(features: Tensor, rois: Tensor, owners: Tensor, *, scale: float, size: int) -> Tensor:
    """Average of 2 x 2 bilinear samples in each of size x size bins of each region: (K, C, size, size).

    Args:
        features: (N, C, h, w); rois: (K, 4) xyxy in pixels of the picture; owners: (K,) whose picture; scale: places of
            the features to a pixel.
    """
    height, width = features.shape[2:]
    corner, side = rois[:, :2] * scale, (_sides(rois) * scale).clamp(min=1e-3)
    steps = (torch.arange(2 * size, device=rois.device) + 0.5) / (2 * size)
    x = corner[:, 0:1] + steps * side[:, 0:1]
    y = corner[:, 1:2] + steps * side[:, 1:2]
    grid = torch.stack(
        [
            (2 * x / width - 1)[:, None, :].expand(-1, 2 * size, -1),
            (2 * y / height - 1)[:, :, None].expand(-1, -1, 2 * size),
        ],
        -1,
    )
    found = features.new_zeros(len(rois), features.shape[1], size, size)
    for owner in sorted(set(owners.tolist())):
        rows = torch.nonzero(owners == owner)[:, 0]
        flat = grid[rows].reshape(1, -1, 2 * size, 2)
        samples = F.grid_sample(
            features[owner : owner + 1], flat.to(features.dtype), mode="bilinear", padding_mode="border",
            align_corners=False,
        )  # fmt: skip
        samples = samples.reshape(features.shape[1], len(rows), 2 * size, 2 * size).transpose(0, 1)
        found[rows] = F.avg_pool2d(samples, 2)
    return found


def suppressed(boxes: Tensor, scores: Tensor, *, threshold: float) -> Tensor:
    """Greedy non-maximum suppression: positions of the boxes that stay, best first."""
    order = scores.argsort(descending=True, stable=True)
    later = torch.triu(overlaps(boxes[order], boxes[order]) > threshold, diagonal=1).cpu()
    gone = torch.zeros(len(order), dtype=torch.bool)
    kept = []
    for row in range(len(order)):
        if not gone[row]:
            kept.append(row)
            gone |= later[row]
    return order[torch.tensor(kept, dtype=torch.long, device=order.device)]
