"""The inverse power law of learning curves: error(n) = a n^-b + c, for n photos of each label.

Cortes et al. 1994, "Learning Curves: Asymptotic Values and Rate of Convergence"; Figueroa et al. 2012, "Predicting
sample size required for classification performance".
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.errors import needs

FURTHEST = 20
"""The law is asked for at most this many times the largest number tried: beyond, it is a guess."""


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """error(n) = a n^-b + c, in shares of photos; n photos of each label."""

    a: float
    b: float
    c: float

    def accuracy(self, photos: float) -> float:
        """With so many photos of each label."""
        return float(1 - np.clip(self.a * photos**-self.b + self.c, 0, 1))

    def photos_for(self, accuracy: float) -> float:
        """The least number that reaches it; infinite where none does."""
        left = 1 - accuracy - self.c
        if left <= 0:
            return float("inf")
        return float(max(1.0, (self.a / left) ** (1 / max(self.b, 1e-6)))) if self.a > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How many photos of each label reach the target.

    Args:
        photos: the number; None where the curve does not reach the target, or only beyond what it can say.
        low, high: 95 % interval; None where that end lies beyond.
        furthest: the largest number that the curve is asked for.
        reaches: share (0..1) of the refitted curves that reach the target by then.
        there: accuracy that the curve gives for that number.
        limit: accuracy that it tends to with ever more.
    """

    target: float
    photos: int | None
    low: int | None
    high: int | None
    furthest: int
    reaches: float
    there: float
    limit: float

    def __str__(self) -> str:
        wanted = f"{self.target:.0%} accuracy"
        if self.photos is None:
            levels_off = self.limit < self.target
            ends = f"it levels off at {self.limit:.0%}" if levels_off else "beyond that it cannot say"
            perhaps = "" if self.low is None else f" (though {self.low} might, at the 95 % interval's end)"
            return (
                f"The curve does not reach {wanted}{perhaps}: {self.furthest} photos of each label give about "
                f"{self.there:.0%}, and {ends}. Clearer labels, better photos or fine-tuning may help more than more "
                "labels."
            )
        low, high = (f"more than {self.furthest}" if end is None else str(end) for end in (self.low, self.high))
        return f"About {self.photos} photos of each label give {wanted} (95 % interval: {low} to {high})."

    def to_dict(self) -> dict[str, object]:
        return {
            "target": self.target,
            "photos_per_label": self.photos,
            "low": self.low,
            "high": self.high,
            "furthest": self.furthest,
            "reaches": round(self.reaches, 3),
            "accuracy_at_furthest": round(self.there, 4),
            "limit": round(self.limit, 4),
            "text": str(self),
        }


def extrapolate(
    sizes: NDArray[np.int64], accuracies: NDArray[np.float64], resampled: NDArray[np.float64], *, target: float
) -> tuple[PowerLaw, Answer]:
    """Fit the law and answer for the target.

    Args:
        sizes: (S,) at least three; accuracies: (S,) 0..1; resampled: (R, S) the same, measured otherwise.
    """
    spread = np.maximum(resampled.std(0), 1e-3)
    law = fit_law(sizes, accuracies, spread)
    furthest = int(sizes[-1]) * FURTHEST
    wanted = np.sort([fit_law(sizes, row, spread).photos_for(target) for row in resampled])
    reaches = float((wanted <= furthest).mean())
    best = law.photos_for(target)
    low, high = (
        _whole(float(wanted[place]), furthest) for place in (int(0.025 * len(wanted)), int(0.975 * len(wanted)) - 1)
    )
    photos = _whole(best, furthest)
    return law, Answer(target, photos, low, high, furthest, reaches, law.accuracy(furthest), law.accuracy(np.inf))


def _whole(photos: float, furthest: int) -> int | None:
    return int(np.ceil(photos)) if photos <= furthest else None


def fit_law(sizes: NDArray[np.int64], accuracies: NDArray[np.float64], spread: NDArray[np.float64]) -> PowerLaw:
    """Least squares on the errors, each weighed by its spread; a in 0..2, b in 0..3, c in 0..1."""
    with needs("scipy", extra="train"):
        from scipy.optimize import OptimizeWarning, curve_fit

    errors = 1 - accuracies
    start = (float(np.clip(errors[0] * sizes[0] ** 0.5, 1e-3, 1.9)), 0.5, float(np.clip(errors[-1] / 2, 1e-3, 0.9)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # of the covariance, which is not asked for
        found, _ = curve_fit(
            lambda n, a, b, c: a * n**-b + c, sizes.astype(np.float64), errors, p0=start, sigma=spread,
            bounds=((0, 0, 0), (2, 3, 1)), max_nfev=2000,
        )  # fmt: skip
    return PowerLaw(*(float(value) for value in found))
