"""How cloth lies: folds and wrinkles as displacement of a grid along its normals.

Fold shapes are ridged noise (Musgrave, in Ebert et al., Texturing and Modeling, ch. 16) bent by slower noise, stretched
along the direction in which the cloth is pulled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from recipes.synthetic.mesh import Grid, normals
from recipes.synthetic.textures import noise


def displaced(points: Grid, height: Grid, *, wrap: bool = True) -> Grid:
    """Move a grid along its normals by `height` (rows, columns), in product units."""
    return np.asarray(points + height[..., None] * normals(points, wrap=wrap))


def wrinkles(
    shape: tuple[int, ...], cells: tuple[int, int], rng: np.random.Generator, *, sharp: float = 1.0, slant: float = 0.0
) -> Grid:
    """Ridged noise of mean about 0: soft crests with narrower valleys between.

    Args:
        shape: (rows, columns, ...) of the grid.
        cells: folds down and across.
        sharp: 0 smooth waves, 1 crests.
        slant: shift across, as a share of the columns, from the top to the bottom.
    """
    rows, columns = shape[0], shape[1]
    bend = noise((3, 3), (rows, columns), rng) * 0.5
    first = noise(cells, (rows, columns), rng)
    second = noise((cells[0] * 2, cells[1] * 2), (rows, columns), rng)
    field = first + 0.35 * second + 0.3 * bend
    ridged = 0.55 - np.abs(field * 1.3)
    mixed = (1 - sharp) * field + sharp * ridged
    if slant:
        shift = (np.linspace(0, 1, rows)[:, None] * slant * columns + np.arange(columns)).astype(int) % columns
        mixed = np.take_along_axis(mixed, shift, axis=1)
    return np.asarray(mixed, float)


def hanging(
    shape: tuple[int, ...], count: float, rng: np.random.Generator, *, start: float = 0.2, end: float = 1.0
) -> Grid:
    """Folds that fall from above and deepen downwards: (rows, columns), -1 to 1."""
    rows, columns = shape[0], shape[1]
    down = np.linspace(0, 1, rows)[:, None]
    wander = noise((3, 4), (rows, columns), rng) * 0.9 + noise((2, 9), (rows, columns), rng) * 0.6
    angle = np.linspace(0, 2 * np.pi, columns)[None] * count + wander * 1.6 + rng.uniform(0, 6.28)
    wave = np.sin(angle)
    strength = 0.6 + 0.4 * noise((2, max(int(count), 2)), (rows, columns), rng)
    grow = np.clip((down - start) / max(end - start, 1e-3), 0, 1) ** 1.2
    return np.asarray(np.sign(wave) * np.abs(wave) ** 0.8 * strength * grow)


def pull(
    shape: tuple[int, ...], at: tuple[float, float], toward: float, rng: np.random.Generator, *, reach: float = 0.35
) -> Grid:
    """Folds that radiate from a point (s, t in 0-1), as under an arm or beside a button: (rows, columns), -1 to 1.

    Args:
        toward: direction in which they run, radians in (s, t); they fade 60 degrees away from it.
        reach: how far they run, in s and t.
    """
    rows, columns = shape[0], shape[1]
    ds = np.linspace(0, 1, columns)[None] - at[0]
    dt = np.linspace(0, 1, rows)[:, None] - at[1]
    radius = np.hypot(ds, dt)
    angle = np.arctan2(dt, ds) - toward
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    fan = np.exp(-((angle / 0.8) ** 2)) * np.exp(-((radius / reach) ** 2)) * np.clip(radius / (0.15 * reach), 0, 1)
    count = rng.uniform(7, 10)
    return np.asarray(np.sin(count * angle + rng.uniform(0, 6.28) + 1.5 * radius / reach) * fan)


def bunched(shape: tuple[int, ...], at: ArrayLike, width: float, count: float, rng: np.random.Generator) -> Grid:
    """Creases across a tube where it bends or piles up (elbow, knee, cuff): (rows, columns), -1 to 1.

    Args:
        at: where along the rows, 0-1; several places may be given.
        width: how far they spread, 0-1.
        count: creases along the whole tube.
    """
    rows, columns = shape[0], shape[1]
    down = np.linspace(0, 1, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns)[None]
    total = np.zeros((rows, columns))
    for place in np.atleast_1d(np.asarray(at, float)):
        lean = rng.uniform(-0.9, 0.9)
        phase = 2 * np.pi * count * down + lean * np.sin(around + rng.uniform(0, 6.28))
        phase = phase + noise((4, 3), (rows, columns), rng) * 2.2
        side = 0.45 + 0.55 * noise((3, 3), (rows, columns), rng)
        total += np.sin(phase) * np.exp(-(((down - place) / width) ** 2)) * side
    return total
