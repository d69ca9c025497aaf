"""Selective search (Uijlings et al. 2013, "fast"): segments of a picture, merged by likeness; each merged one is a box.

Segments are those of Felzenszwalb and Huttenlocher (2004), found in rounds in which every component takes its lightest
edge, as in Boruvka's algorithm, so that arrays do the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.types import FloatArray, ImageArray, IntArray

SCALES = (150.0, 300.0)
"""How unlike neighbours may be, divided by a component's pixels: the k of Felzenszwalb and Huttenlocher."""
SIGMA = 0.8
LEVELS = (*np.arange(0.25, 8, 0.25), *np.geomspace(8, 500, 24))
"""Up to which edges are looked at in one go, ascending."""
SMALLEST = 100
"""Pixels below which a segment joins its most alike neighbour."""
COLOR_BINS, TEXTURE_BINS = 25, 10
STRATEGIES = (("color", "texture", "size", "fill"), ("texture", "size", "fill"))


@dataclass
class Region:
    """A segment or several merged ones: pixels, xyxy box, and histograms, each of sum 1, by their name."""

    size: float
    box: NDArray[np.int64]
    histograms: dict[str, FloatArray]
    neighbors: set[int]


def selective_search(image: ImageArray) -> FloatArray:
    """HWC uint8 -> (K, 4) float32 xyxy boxes in pixels, those of late merges mostly first; the same for each call."""
    rng = np.random.default_rng(0)
    found: dict[tuple[int, ...], float] = {}
    for space in (cv2.COLOR_RGB2HSV, cv2.COLOR_RGB2LAB):
        picture = np.asarray(cv2.cvtColor(image, space), np.uint8)
        for scale in SCALES:
            labels = segments(picture, scale=scale)
            for strategy in STRATEGIES:
                boxes = _merged(_regions(picture, labels), strategy)
                # Late merges are large; chance lets small ones in between, as the authors do.
                ranks = rng.random(len(boxes)) * np.arange(len(boxes), 0, -1)
                for box, rank in zip(boxes, ranks.tolist(), strict=True):
                    found[box] = min(rank, found.get(box, np.inf))
    return np.array(sorted(found, key=lambda box: found[box]), np.float32).reshape(-1, 4)


def segments(picture: ImageArray, *, scale: float) -> IntArray:
    """(H, W) numbers of segments from 0 on."""
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), SIGMA)
    weight, ends = _edges(smooth)
    count = picture.shape[0] * picture.shape[1]
    label, size, inside = np.arange(count), np.ones(count), np.zeros(count)
    for level in LEVELS:  # light edges before heavy ones: what is refused once stays refused
        until = int(np.searchsorted(weight, level))
        light, near = weight[:until], label[ends[:until]]
        while len(light):
            allowed = (near[:, 0] != near[:, 1]) & (light <= (inside + scale / np.maximum(size, 1))[near].min(1))
            light, near = light[allowed], near[allowed]
            chosen = np.unique(_lightest(near, count))
            chosen = chosen[chosen < len(near)]
            if not len(chosen):
                break
            label, size, inside = _joined(label, size, inside, near[chosen], light[chosen])
            near = label[near]
        weight, ends = weight[until:], ends[until:]
    label = _without_specks(label, *_edges(smooth))
    return np.unique(label, return_inverse=True)[1].reshape(picture.shape[:2])


def _edges(picture: FloatArray) -> tuple[FloatArray, IntArray]:
    """(E,) differences of neighbours, ascending, and (E, 2) their pixels."""
    height, width = picture.shape[:2]
    number = np.arange(height * width).reshape(height, width)
    weights, ends = [], []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        left = slice(max(0, -right), width - max(0, right))
        other = slice(max(0, right), width + min(0, right))
        difference = picture[: height - down, left] - picture[down:, other]
        weights.append(np.sqrt((difference**2).sum(2)).ravel())
        ends.append(np.stack([number[: height - down, left].ravel(), number[down:, other].ravel()], 1))
    weight = np.concatenate(weights)
    order = np.argsort(weight, kind="stable")
    return weight[order], np.concatenate(ends)[order]


def _lightest(ends: IntArray, count: int) -> IntArray:
    """(count,) row of each component's lightest edge, of edges in ascending order; the number of edges where none."""
    best = np.full(count, len(ends))
    rows = np.arange(len(ends))[::-1]
    best[ends[::-1, 0]] = rows
    second = np.full(count, len(ends))
    second[ends[::-1, 1]] = rows
    return np.asarray(np.minimum(best, second), np.int64)


def _joined(
    label: IntArray, size: NDArray[np.float64], inside: NDArray[np.float64], pairs: IntArray, weight: FloatArray
) -> tuple[IntArray, NDArray[np.float64], NDArray[np.float64]]:
    """Labels, sizes and heaviest inner edges after components were joined; the smallest number stands for all."""
    root = np.arange(len(label))
    left = pairs
    while len(left):
        low, high = left.min(1), left.max(1)
        np.minimum.at(root, high, low)
        while (root[root] != root).any():
            root = root[root]
        left = root[left]
        left = left[left[:, 0] != left[:, 1]]
    sizes, heaviest = np.zeros_like(size), np.zeros_like(inside)
    np.add.at(sizes, root, size)
    np.maximum.at(heaviest, root, inside)
    np.maximum.at(heaviest, root[pairs[:, 0]], weight)
    absorbed = root != np.arange(len(root))
    sizes[absorbed], heaviest[absorbed] = 0, 0
    return root[label], sizes, heaviest


def _without_specks(label: IntArray, weight: FloatArray, ends: IntArray) -> IntArray:
    count = len(label)
    while True:
        size = np.bincount(label, minlength=count).astype(np.float64)
        there = label[ends]
        apart = there[:, 0] != there[:, 1]
        there, heavy = there[apart], weight[apart]
        best = _lightest(there, count)
        specks = np.flatnonzero((size > 0) & (size < SMALLEST) & (best < len(there)))
        if not len(specks):
            return label
        joined = np.unique(best[specks])
        label = _joined(label, size, np.zeros(count), there[joined], heavy[joined])[0]


def _regions(picture: ImageArray, labels: IntArray) -> list[Region]:
    count = int(labels.max()) + 1
    sizes = np.bincount(labels.ravel(), minlength=count)
    rows, columns = np.indices(labels.shape)
    low, high = np.full((count, 2), 10**9), np.zeros((count, 2), np.int64)
    for axis, place in enumerate((columns, rows)):
        np.minimum.at(low[:, axis], labels.ravel(), place.ravel())
        np.maximum.at(high[:, axis], labels.ravel(), place.ravel() + 1)
    colors = _histograms(labels, picture.astype(np.float32), COLOR_BINS, count)
    texture = _histograms(labels, _slopes(picture), TEXTURE_BINS, count)
    neighbors: list[set[int]] = [set() for _ in range(count)]
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        for a, b in np.unique(np.stack([one[one != other], other[one != other]], 1), axis=0).tolist():
            neighbors[a].add(b)
            neighbors[b].add(a)
    return [
        Region(float(sizes[row]), np.append(low[row], high[row]), {"color": colors[row], "texture": texture[row]}, near)
        for row, near in enumerate(neighbors)
    ]


def _slopes(picture: ImageArray) -> FloatArray:
    """(H, W, 24) of three channels in eight directions, each cut at 0 and stretched to 0..255."""
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1.0)
    x, y = cv2.Scharr(smooth, cv2.CV_32F, 1, 0), cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    ways = [x, y, (x + y) / np.sqrt(2), (x - y) / np.sqrt(2)]
    slopes = np.concatenate([np.maximum(sign * way, 0) for way in ways for sign in (1, -1)], 2)
    return np.asarray(slopes * (255 / np.maximum(slopes.max((0, 1)), 1e-6)), np.float32)


def _histograms(labels: IntArray, channels: FloatArray, bins: int, count: int) -> FloatArray:
    """(count, C * bins) of values 0..255, of sum 1."""
    place = np.minimum((channels * (bins / 256)).astype(np.int64), bins - 1)
    depth = channels.shape[2]
    spots = (labels[..., None] * depth + np.arange(depth)) * bins + place
    counts = np.bincount(spots.ravel(), minlength=count * depth * bins).reshape(count, -1).astype(np.float32)
    return np.asarray(counts / counts.sum(1, keepdims=True), np.float32)


def _merged(regions: list[Region], strategy: tuple[str, ...]) -> list[tuple[int, ...]]:
    """Boxes of all segments, then of each merge of the two most alike neighbours until one is left."""
    whole = sum(region.size for region in regions)
    alike = {
        (a, b): _likeness(regions[a], regions[b], strategy, whole)
        for a, region in enumerate(regions)
        for b in region.neighbors
        if a < b
    }
    while alike:
        a, b = max(alike, key=lambda pair: alike[pair])
        one, other = regions[a], regions[b]
        share = one.size / (one.size + other.size)
        near = (one.neighbors | other.neighbors) - {a, b}
        box = np.append(np.minimum(one.box[:2], other.box[:2]), np.maximum(one.box[2:], other.box[2:]))
        mixed = {name: share * value + (1 - share) * other.histograms[name] for name, value in one.histograms.items()}
        new = len(regions)
        regions.append(Region(one.size + other.size, box, mixed, near))
        for gone in (a, b):
            for beside in regions[gone].neighbors:
                alike.pop((min(gone, beside), max(gone, beside)), None)
                regions[beside].neighbors.discard(gone)
        for beside in near:
            regions[beside].neighbors.add(new)
            alike[beside, new] = _likeness(regions[beside], regions[new], strategy, whole)
    return [tuple(region.box.tolist()) for region in regions]


def _likeness(a: Region, b: Region, strategy: tuple[str, ...], whole: float) -> float:
    """The mean of what the strategy names: histograms that overlap, smallness, and how well the two fill a box."""
    shared = [name for name in strategy if name in a.histograms]
    said = [float(np.minimum(a.histograms[name], b.histograms[name]).sum()) for name in shared]
    size = a.size + b.size
    if "size" in strategy:
        said.append(1 - size / whole)
    if "fill" in strategy:
        sides = np.maximum(a.box[2:], b.box[2:]) - np.minimum(a.box[:2], b.box[:2])
        said.append(1 - (float(sides.prod()) - size) / whole)
    return sum(said) / len(said)
