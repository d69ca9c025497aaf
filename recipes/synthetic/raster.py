"""From surfaces to pixels: a z-buffer over all triangles at once, in numpy, without a loop.

Every triangle is cut into the spans of its rows and every span into pixels (scan conversion, Foley et al., Computer
Graphics, ch. 3); the nearest one at each pixel wins by a maximum over (depth, triangle) packed into one integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.synthetic.mesh import Grid, Part, normals

Floats = NDArray[np.float32]

_TRIANGLE_BITS = 24


@dataclass(frozen=True, slots=True)
class Buffers:
    """What each pixel sees. All are (height, width[, channels]); where `part` is -1 the rest is 0.

    `normal` is turned toward the viewer; `inside` says that it had to be. `depth` is in pixels, larger is nearer.
    `uv` are the coordinates on the cloth, in product units.
    """

    part: NDArray[np.int16]
    depth: Floats
    normal: Floats
    uv: Floats
    inside: NDArray[np.bool_]


def rasterize(parts: Sequence[Part], screens: Sequence[Grid], size: tuple[int, int]) -> Buffers:
    """See the parts, placed on the screen: x and y in pixels from the upper left, z in pixels toward the viewer."""
    height, width = size
    vertices = _Vertices.of(parts, screens)
    winner = _winners(vertices, height, width)
    seen = np.flatnonzero(winner >= 0)
    triangle = (winner[seen] & ((1 << _TRIANGLE_BITS) - 1)).astype(np.int64)
    corners = vertices.triangles[triangle]
    x, y = ((position.astype(np.float32) + np.float32(0.5)) for position in (seen % width, seen // width))
    weights = _weights(vertices.xyz, corners, x, y)
    looks = vertices.looks
    values = looks[corners[:, 0]] * weights[:, :1]
    values += looks[corners[:, 1]] * weights[:, 1:2]
    values += looks[corners[:, 2]] * weights[:, 2:]

    flat = np.zeros((height * width, 6), np.float32)
    flat[seen] = values
    part = np.full(height * width, -1, np.int16)
    part[seen] = vertices.owner[triangle]
    normal = flat[:, 3:6]
    inside = normal[:, 2] < 0
    normal[inside] *= -1
    normal /= np.sqrt(np.maximum(np.einsum("nc,nc->n", normal, normal), np.float32(1e-12)))[:, None]
    shape = (height, width)
    return Buffers(
        part.reshape(shape),
        np.ascontiguousarray(flat[:, 0]).reshape(shape),
        np.ascontiguousarray(normal).reshape(*shape, 3),
        np.ascontiguousarray(flat[:, 1:3]).reshape(*shape, 2),
        inside.reshape(shape),
    )


@dataclass(frozen=True, slots=True)
class _Vertices:
    xyz: NDArray[np.float32]
    looks: NDArray[np.float32]  # depth, u, v, normal
    triangles: NDArray[np.int32]
    owner: NDArray[np.int16]

    @classmethod
    def of(cls, parts: Sequence[Part], screens: Sequence[Grid]) -> _Vertices:
        xyz, looks, triangles, owner, start = [], [], [], [], 0
        for index, (piece, screen) in enumerate(zip(parts, screens, strict=True)):
            rows, columns = screen.shape[:2]
            # The screen's y runs down: mirror it for the normals, which look up.
            normal = normals(screen * np.array([1.0, -1.0, 1.0]), wrap=piece.wrap)
            xyz.append(screen.reshape(-1, 3))
            looks.append(np.concatenate([screen[..., 2:], piece.uv, normal], -1).reshape(-1, 6))
            corner = (start + np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
            right, below = corner + 1, corner + columns
            triangles += [np.stack([corner, right, below], -1), np.stack([right, below + 1, below], -1)]
            owner.append(np.full(2 * len(corner), index, np.int16))
            start += rows * columns
        return cls(
            np.concatenate(xyz).astype(np.float32),
            np.concatenate(looks).astype(np.float32),
            np.concatenate(triangles).astype(np.int32),
            np.concatenate(owner),
        )


def _winners(vertices: _Vertices, height: int, width: int) -> NDArray[np.int64]:
    """The nearest triangle at each pixel center, packed under its depth; -1 where there is none."""
    xyz = vertices.xyz[vertices.triangles]  # T, 3 corners, xyz
    order = np.argsort(xyz[..., 1], axis=1)
    xyz = np.take_along_axis(xyz, order[..., None], axis=1)
    x, y, z = xyz[..., 0], xyz[..., 1], xyz[..., 2]
    first = np.clip(np.ceil(y[:, 0] - 0.5), 0, height).astype(np.int32)
    count = np.clip(np.ceil(y[:, 2] - 0.5), 0, height).astype(np.int32) - first
    triangle = np.repeat(np.arange(len(count), dtype=np.int32), np.maximum(count, 0))
    row = first[triangle] + _runs(np.maximum(count, 0))
    level = row.astype(np.float32) + np.float32(0.5)

    long_edge = _crossing(x, y, 0, 2, triangle, level)
    upper = _crossing(x, y, 0, 1, triangle, level)
    lower = _crossing(x, y, 1, 2, triangle, level)
    short_edge = np.where(level < y[triangle, 1], upper, lower)
    start = np.clip(np.ceil(np.minimum(long_edge, short_edge) - 0.5), 0, width).astype(np.int32)
    length = np.clip(np.ceil(np.maximum(long_edge, short_edge) - 0.5), 0, width).astype(np.int32) - start

    slope_x, slope_y = _depth_slopes(x, y, z)
    at_start = (
        z[triangle, 0]
        + slope_x[triangle] * (start.astype(np.float32) + np.float32(0.5) - x[triangle, 0])
        + slope_y[triangle] * (level - y[triangle, 0])
    )
    span = np.repeat(np.arange(len(length), dtype=np.int32), length)
    step = _runs(length)
    owner = triangle[span]
    depth = at_start[span] + slope_x[owner] * step.astype(np.float32)
    low, high = float(z.min()) - 1, float(z.max()) + 1
    packed = np.clip((depth - np.float32(low)) * np.float32(2.0**30 / (high - low)), 0, 2.0**31).astype(np.int64)
    packed = (packed << _TRIANGLE_BITS) | owner
    winner = np.full(height * width, -1, np.int64)
    np.maximum.at(winner, (row * width + start)[span] + step, packed)
    return winner


def _runs(count: NDArray[np.int32]) -> NDArray[np.int32]:
    """0, 1, ... count[0] - 1, 0, 1, ... count[1] - 1, and so on."""
    total = np.cumsum(count, dtype=np.int64)
    length = int(total[-1]) if len(total) else 0
    return np.arange(length, dtype=np.int32) - np.repeat((total - count).astype(np.int32), count)


def _crossing(
    x: Floats, y: Floats, top: int, foot: int, triangle: NDArray[np.int32], level: NDArray[np.float32]
) -> Floats:
    slope = (x[:, foot] - x[:, top]) / np.maximum(y[:, foot] - y[:, top], np.float32(1e-6))
    return np.asarray(x[triangle, top] + slope[triangle] * (level - y[triangle, top]), np.float32)


def _depth_slopes(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
    ax, ay, az = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0], z[:, 1] - z[:, 0]
    bx, by, bz = x[:, 2] - x[:, 0], y[:, 2] - y[:, 0], z[:, 2] - z[:, 0]
    area = ax * by - bx * ay
    # A triangle seen edge-on has no slope of its own; it covers no pixel center worth speaking of.
    scale = np.where(np.abs(area) > 1e-3, 1 / np.where(np.abs(area) > 1e-3, area, 1), 0)
    return (az * by - bz * ay) * scale, (ax * bz - bx * az) * scale


def _weights(xyz: Floats, corners: NDArray[np.int32], x: Floats, y: Floats) -> Floats:
    """Barycentric coordinates of points in their triangles, kept inside them: (N, 3)."""
    a, b, c = (xyz[corners[:, i], :2] for i in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    area = np.where(np.abs(area) < 1e-9, np.float32(1e-9), area)
    second = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (y - a[:, 1])) / area
    third = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
    weights = np.clip(np.stack([1 - second - third, second, third], -1), 0, 1)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)
