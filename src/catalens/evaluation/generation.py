"""Metrics of image generation: Frechet and kernel distance, precision and recall, rate of training-set copies.

All compare features: (N, D) rows, one a picture, of a network that reports must name. Values over other features or
another number of pictures are not comparable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError
from catalens.evaluation.intervals import Estimate
from catalens.types import FloatArray, IntArray

Rows = NDArray[np.float64]

ENOUGH = 10_000
"""Pictures from which a Frechet distance is usually quoted (Heusel et al. 2017)."""
KID_SCALE = 1000
"""Factor by which kernel distances are reported."""
SUBSETS, SUBSET = 50, 1000
"""Number and size of the subsets over which kernel distances are averaged (Binkowski et al. 2018)."""
NEIGHBOR = 3
"""k of the k-nearest-neighbor radius (Kynkaanniemi et al. 2019, section 2)."""
COPY = 1 / 3
"""Ratio of nearest to second-nearest distance below which a picture is a copy (Yoon et al. 2023)."""
CHUNK = 256


@dataclass(frozen=True)
class GenerationScores:
    """Metrics of generated pictures against held-out real ones.

    Args:
        features: name of what described the pictures.
        made, real: how many pictures.
        fid: Frechet distance, lower is better; kid: kernel distance times `KID_SCALE`, and where 95 % of its draws lie.
        precision: share of made pictures that lie among real ones; recall: of real ones among made ones.
    """

    features: str
    made: int
    real: int
    fid: float
    kid: Estimate
    precision: float
    recall: float

    @property
    def warning(self) -> str | None:
        """Warning about small samples, if any."""
        return small_sample_warning(min(self.made, self.real))

    def to_dict(self) -> dict[str, object]:
        return {
            "features": self.features,
            "made": self.made,
            "real": self.real,
            "FID": round(self.fid, 3),
            f"KID x {KID_SCALE}": self.kid.to_dict(),
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "warning": self.warning,
        }


def generation_scores(real: FloatArray, made: FloatArray, *, features: str, seed: int = 0) -> GenerationScores:
    """All figures at once. real (N, D) and made (M, D): features of pictures.

    Raises:
        UsageError: fewer than five rows, rows of other lengths, or numbers that are not finite.
    """
    precision, recall = precision_recall(real, made)
    return GenerationScores(
        features, len(made), len(real), frechet_distance(real, made), kernel_distance(real, made, seed=seed), precision,
        recall,
    )  # fmt: skip


def small_sample_warning(n: int) -> str | None:
    """Warning for metrics over few pictures; None where there are enough."""
    if n >= ENOUGH:
        return None
    return (
        f"FID over {n:,} pictures is too high by an unknown amount and moves from draw to draw; {ENOUGH:,} are usual. "
        "KID has no such bias"
    )


def frechet_distance(real: FloatArray, made: FloatArray) -> float:
    """Squared Frechet distance of normal distributions fitted to both sets (FID, Heusel et al. 2017).

    Raises:
        UsageError: fewer than two rows, rows of other lengths, or numbers that are not finite.
    """
    a, b = _pair(real, made, least=2)
    root = _root(_covariance(a))
    # The root of a product of two covariances has the trace of the root of this symmetric one.
    shared = np.linalg.eigvalsh(root @ _covariance(b) @ root)
    spread = np.trace(_covariance(a)) + np.trace(_covariance(b)) - 2 * np.sqrt(np.clip(shared, 0, None)).sum()
    return max(0.0, float(((a.mean(0) - b.mean(0)) ** 2).sum() + spread))


def _covariance(rows: Rows) -> Rows:
    return np.atleast_2d(np.cov(rows, rowvar=False))


def _root(matrix: Rows) -> Rows:
    """Square root of a positive semidefinite matrix; tiny negative eigenvalues count as rounding."""
    values, vectors = np.linalg.eigh(matrix)
    root: Rows = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root


def kernel_distance(
    real: FloatArray, made: FloatArray, *, subsets: int = SUBSETS, size: int = SUBSET, seed: int = 0
) -> Estimate:
    """Squared maximum mean discrepancy under (x.y / D + 1)^3, unbiased (Binkowski et al. 2018, KID), times `KID_SCALE`.

    It may fall a little below 0. The mean over draws; the interval holds 95 % of them.

    Args:
        subsets: draws; size: rows of each set in a draw, at most as many as there are.

    Raises:
        UsageError: fewer than two rows, rows of other lengths, or numbers that are not finite.
    """
    a, b = _pair(real, made, least=2)
    rng = np.random.default_rng(seed)
    count = min(size, len(a), len(b))
    draws = []
    for _ in range(subsets):
        x, y = (rows[rng.choice(len(rows), count, replace=False)] for rows in (a, b))
        draws.append(_discrepancy(x, y) * KID_SCALE)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(float(np.mean(draws)), count, float(low), float(high))


def _discrepancy(x: Rows, y: Rows) -> float:
    """Unbiased MMD estimate: pairs of a row with itself are left out."""
    count = len(x)

    def kernel(a: Rows, b: Rows) -> Rows:
        return np.asarray((a @ b.T / a.shape[1] + 1) ** 3)

    inside = sum((values.sum() - np.trace(values)) / (count * (count - 1)) for values in (kernel(x, x), kernel(y, y)))
    return float(inside - 2 * kernel(x, y).mean())


def precision_recall(real: FloatArray, made: FloatArray, *, neighbor: int = NEIGHBOR) -> tuple[float, float]:
    """Precision and recall of generated features by k-nearest-neighbor manifolds (Kynkaanniemi et al. 2019).

    A row is among the others where it is as near to one of them as that one's own third neighbor.

    Raises:
        UsageError: too few rows, rows of other lengths, or numbers that are not finite.
    """
    a, b = _pair(real, made, least=neighbor + 1)
    return _share_inside(b, a, neighbor), _share_inside(a, b, neighbor)


def _share_inside(asked: Rows, rows: Rows, neighbor: int) -> float:
    reach = np.concatenate([np.partition(_squares(part, rows), neighbor, axis=1)[:, neighbor] for part in _parts(rows)])
    inside = np.concatenate([(_squares(part, rows) <= reach).any(1) for part in _parts(asked)])
    return float(inside.mean())


def nearest(made: FloatArray, training: FloatArray, *, k: int = 1) -> tuple[IntArray, FloatArray]:
    """The k nearest training rows of each made one, nearest first: (N, k) their numbers, (N, k) the distances.

    Raises:
        UsageError: fewer than k rows, rows of other lengths, or numbers that are not finite.
    """
    a, b = _pair(made, training, least=1)
    if not 0 < k <= len(b):
        raise UsageError(f"the {k} nearest of {len(b)}", cure="ask for fewer")
    rows, squares = [], []
    for part in _parts(a):
        found = _squares(part, b)
        best = np.argpartition(found, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(best, np.argsort(np.take_along_axis(found, best, 1), axis=1, kind="stable"), 1)
        rows.append(order)
        squares.append(np.take_along_axis(found, order, 1))
    distances = np.sqrt(np.concatenate(squares)).astype(np.float32)
    return np.concatenate(rows).astype(np.int64), distances


def copies(made: FloatArray, training: FloatArray, *, share: float = COPY) -> NDArray[np.bool_]:
    """(N,) whether generated rows are copies: much nearer to one training row than to any other.

    Two equal training rows hide a copy of either: leave out doubles first.

    Raises:
        UsageError: fewer than two training rows, rows of other lengths, or numbers that are not finite.
    """
    _, distances = nearest(made, training, k=2)
    return np.asarray(distances[:, 0] < share * distances[:, 1], np.bool_)


def _pair(a: FloatArray, b: FloatArray, *, least: int) -> tuple[Rows, Rows]:
    """Both sets as checked float64 rows."""
    for rows in (a, b):
        if rows.ndim != 2 or len(rows) < least or rows.shape[1] != b.shape[1]:
            raise UsageError(
                f"features of shapes {a.shape} and {b.shape}", cure=f"give at least {least} rows each, of one length"
            )
        if not np.isfinite(rows).all():
            raise UsageError("features that are not finite", cure="look at what the network gives")
    return np.asarray(a, np.float64), np.asarray(b, np.float64)


def _parts(rows: Rows) -> list[Rows]:
    """Slices small enough that their distance matrix fits into memory."""
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]


def _squares(a: Rows, b: Rows) -> Rows:
    """(N, D), (M, D) -> (N, M) squared distances."""
    squares: Rows = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
    return np.maximum(squares, 0, out=squares)
