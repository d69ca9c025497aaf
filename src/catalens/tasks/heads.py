"""Heads: vectors of an encoder in, probabilities of labels out. Plain arrays; what fits them is in `learning.heads`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from catalens.errors import ModelError
from catalens.types import FloatArray

HeadKind: TypeAlias = Literal["softmax", "svm", "svm-rbf", "knn", "lda"]
HEAD_KINDS: tuple[HeadKind, ...] = ("softmax", "svm", "svm-rbf", "knn", "lda")

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Activation: TypeAlias = Literal["softmax", "sigmoid"]
"""softmax: exactly one label holds; sigmoid: each may hold or not."""


class Head(Protocol):
    """Turns (N, D) vectors of unit length into (N, C) scores, one for each label; higher is likelier."""

    kind: ClassVar[str]

    @property
    def dim(self) -> int:
        """D."""

    def scores(self, vectors: FloatArray) -> FloatArray:
        """(N, D) -> (N, C)."""

    def nearness(self, vectors: FloatArray) -> FloatArray:
        """(N, D) -> (N,) 0..1, how near to what was learned; 1 where the head kept nothing to tell it by."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it consists of, by name."""


@dataclass(frozen=True)
class LinearHead:
    """scores = vectors @ weights + bias: logistic regression and the linear SVM."""

    weights: FloatArray
    """(D, C)."""
    bias: FloatArray
    """(C,)."""

    kind: ClassVar[str] = "linear"

    @property
    def dim(self) -> int:
        return int(self.weights.shape[0])

    def scores(self, vectors: FloatArray) -> FloatArray:
        return np.asarray(vectors @ self.weights + self.bias, np.float32)

    def nearness(self, vectors: FloatArray) -> FloatArray:
        return np.ones(len(vectors), np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"weights": self.weights, "bias": self.bias}


@dataclass(frozen=True)
class DiscriminantHead:
    """Linear discriminant analysis: labels are normal distributions of one covariance, a score is a log likelihood."""

    axes: FloatArray
    """(D, D), in which that covariance is a ball: vectors @ axes."""
    means: FloatArray
    """(C, D), of the labels along the axes."""
    bias: FloatArray
    """(C,)."""
    unit: float
    """What scores are divided by."""
    usual: float
    """Squared distance that photos learned from have to the nearest mean, along the axes."""

    kind: ClassVar[str] = "discriminant"

    @property
    def dim(self) -> int:
        return int(self.axes.shape[0])

    def scores(self, vectors: FloatArray) -> FloatArray:
        return np.asarray((vectors @ self.axes @ self.means.T + self.bias) / self.unit, np.float32)

    def nearness(self, vectors: FloatArray) -> FloatArray:
        """By the Mahalanobis distance to the nearest label (Lee et al. 2018, section 2.1): a half where it is usual."""
        along = vectors @ self.axes
        return np.asarray(1 / (1 + _squared_distances(along, self.means).min(1) / self.usual), np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        numbers = {"unit": np.array([self.unit], np.float32), "usual": np.array([self.usual], np.float32)}
        return {"axes": self.axes, "means": self.means, "bias": self.bias, **numbers}


@dataclass(frozen=True)
class KernelHead:
    """scores = exp(-gamma |v - s|^2) @ coefficients + bias, over support vectors s: the SVM with the RBF kernel."""

    support: FloatArray
    """(S, D)."""
    coefficients: FloatArray
    """(S, C)."""
    bias: FloatArray
    """(C,)."""
    gamma: float

    kind: ClassVar[str] = "kernel"

    @property
    def dim(self) -> int:
        return int(self.support.shape[1])

    def scores(self, vectors: FloatArray) -> FloatArray:
        kernel = np.exp(-self.gamma * _squared_distances(vectors, self.support))
        return np.asarray(kernel @ self.coefficients + self.bias, np.float32)

    def nearness(self, vectors: FloatArray) -> FloatArray:
        return np.ones(len(vectors), np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        found = {"support": self.support, "coefficients": self.coefficients, "bias": self.bias}
        return {**found, "gamma": np.array([self.gamma], np.float32)}


@dataclass(frozen=True)
class NearestHead:
    """Votes of the k nearest training vectors, each weighing exp(cosine / sharpness); a score is a vote's logarithm."""

    vectors: FloatArray
    """(S, D) of unit length."""
    labels: NDArray[np.bool_]
    """(S, C), which labels each has."""
    k: int
    sharpness: float

    kind: ClassVar[str] = "nearest"

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    def scores(self, vectors: FloatArray) -> FloatArray:
        cosines = vectors @ self.vectors.T
        k = min(self.k, cosines.shape[1])
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(cosines, nearest, axis=1)
        weights = np.exp((near - near.max(1, keepdims=True)) / self.sharpness)
        votes = np.einsum("nk,nkc->nc", weights, self.labels[nearest].astype(np.float32))
        return np.asarray(np.log((votes + 1e-3) / (weights.sum(1, keepdims=True) + 1e-3)), np.float32)

    def nearness(self, vectors: FloatArray) -> FloatArray:
        """The squared cosine to the nearest: the share of a vector's squared length that lies along it.

        Votes carry no distance: the k nearest agree on a photo of something else, too.
        """
        return np.asarray(np.clip((vectors @ self.vectors.T).max(1), 0, 1) ** 2, np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        numbers = {"k": np.array([self.k]), "sharpness": np.array([self.sharpness], np.float32)}
        return {"vectors": self.vectors, "labels": self.labels, **numbers}


def head_from(kind: str, arrays: Arrays) -> Head:
    """Put a head together again from its arrays.

    Raises:
        ModelError: no such kind, or an array is missing or of another shape.
    """
    try:
        if kind == LinearHead.kind:
            head: Head = LinearHead(_floats(arrays["weights"], 2), _floats(arrays["bias"], 1))
        elif kind == DiscriminantHead.kind:
            axes, means = _floats(arrays["axes"], 2), _floats(arrays["means"], 2)
            unit, usual = float(arrays["unit"][0]), float(arrays["usual"][0])
            head = DiscriminantHead(axes, means, _floats(arrays["bias"], 1), unit, usual)
        elif kind == KernelHead.kind:
            support, coefficients = _floats(arrays["support"], 2), _floats(arrays["coefficients"], 2)
            head = KernelHead(support, coefficients, _floats(arrays["bias"], 1), float(arrays["gamma"][0]))
        elif kind == NearestHead.kind:
            vectors, labels = _floats(arrays["vectors"], 2), np.asarray(arrays["labels"], np.bool_)
            head = NearestHead(vectors, labels, int(arrays["k"][0]), float(arrays["sharpness"][0]))
        else:
            raise ModelError(f"no head of kind {kind!r}", cure="train the classifier again, or update catalens")
        head.scores(np.zeros((1, head.dim), np.float32))
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise ModelError(f"the head's arrays do not fit: {error}", cure="train the classifier again") from None
    return head


def _squared_distances(rows: FloatArray, others: FloatArray) -> FloatArray:
    """(N, D), (S, D) -> (N, S); rounding leaves none below 0."""
    squares = (rows**2).sum(1)[:, None] + (others**2).sum(1) - 2 * rows @ others.T
    return np.asarray(np.maximum(squares, 0), np.float32)


def _floats(array: NDArray[Any], axes: int) -> FloatArray:
    if array.ndim != axes or not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"expected floats with {axes} axes, got {array.dtype} of shape {array.shape}")
    return np.ascontiguousarray(array, np.float32)


def probabilities(scores: FloatArray, *, activation: Activation, scale: FloatArray, shift: FloatArray) -> FloatArray:
    """Scores -> probabilities: softmax or sigmoid of scale * scores + shift.

    One scale and no shift are temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks"); a
    scale and a shift for each label are Platt's (1999).

    Args:
        scores: (N, C); scale, shift: (C,) or (1,).
    """
    logits = scores * scale + shift
    if activation == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)
    powers = np.exp(logits - logits.max(1, keepdims=True)) if len(logits) else logits
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


@dataclass(frozen=True)
class CalibratedHead:
    """A head with the names of its labels, whose scores have become probabilities."""

    classes: tuple[str, ...]
    head: Head
    activation: Activation
    scale: FloatArray
    """(C,) or (1,); see `probabilities`."""
    shift: FloatArray

    def probabilities(self, vectors: FloatArray) -> FloatArray:
        """(N, D) vectors of unit length -> (N, C); rows sum to 1 where exactly one label holds."""
        scores = self.head.scores(vectors)
        return probabilities(scores, activation=self.activation, scale=self.scale, shift=self.shift)

    def nearness(self, vectors: FloatArray) -> FloatArray:
        """(N,) 0..1; probability times nearness is what an answer must reach to be no "unknown"."""
        return self.head.nearness(vectors)
