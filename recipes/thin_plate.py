"""Thin-plate splines: the smoothest map of the plane that takes some points exactly onto others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalens.errors import UsageError
from catalens.types import FloatArray


def thin_plate(points: ArrayLike, onto: ArrayLike) -> Callable[[ArrayLike], FloatArray]:
    """The smoothest map that takes each of N points exactly onto its own (thin-plate spline, Bookstein 1989).

    Args:
        points, onto: (N, 2) xy, at least three that do not lie on one line.

    Returns:
        A function from (M, 2) xy to (M, 2) xy.

    Raises:
        UsageError: another number of points, too few, or all on one line.
    """
    here, there = (np.asarray(one, np.float64).reshape(-1, 2) for one in (points, onto))
    if len(here) != len(there) or len(here) < 3:
        raise UsageError(f"{len(here)} points and {len(there)}", cure="give at least three pairs")
    plane = np.column_stack([np.ones(len(here)), here])
    system = np.block([[_bending(here, here), plane], [plane.T, np.zeros((3, 3))]])
    try:
        solved = np.linalg.solve(system, np.concatenate([there, np.zeros((3, 2))]))
    except np.linalg.LinAlgError:
        raise UsageError("the points lie on one line, or one is there twice", cure="give others") from None

    def moved(asked: ArrayLike) -> FloatArray:
        array = np.asarray(asked, np.float64).reshape(-1, 2)
        bent = _bending(array, here) @ solved[: len(here)]
        return np.asarray(bent + np.column_stack([np.ones(len(array)), array]) @ solved[len(here) :], np.float32)

    return moved


def _bending(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) r^2 log r, of the distances r of all pairs."""
    square = ((a[:, None] - b[None]) ** 2).sum(2)
    return np.asarray(0.5 * square * np.log(np.maximum(square, 1e-12)), np.float64)
