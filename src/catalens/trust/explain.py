"""Explain predictions and matches: saliency maps, matching regions and similar training photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.errors import UsageError
from catalens.images.read import ImageLike, read_image
from catalens.options import Method
from catalens.show import Shown
from catalens.tasks.classifier import Classifier
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.embed import Encoder
from catalens.tasks.heads import LinearHead
from catalens.trust.regions import Regions, cosine_contributions, describe_regions, score_contributions
from catalens.trust.saliency import Faithfulness, ScoreOf, faithfulness, occlusion, rise
from catalens.types import FloatArray, ImageArray

SIDE = 480
"""Longest side of explained pictures, in pixels."""
NEIGHBORS, PAIRS = 6, 4
FAINT = 0.2
"""Pairs that contribute less than this share of the strongest pair are left out."""


@dataclass(frozen=True)
class Neighbor:
    """A similar training photo of the predicted class: path and cosine."""

    path: str
    similarity: float


@dataclass(frozen=True)
class ClassExplanation(Shown):
    """Explanation of a predicted label.

    Args:
        image: as it was explained, HWC uint8.
        label: the one asked about; probability: its own.
        said: what the classifier says of the picture: one label, perhaps of a coarser level, or all that hold; none
            where it takes it for unknown.
        heat: (H, W) 0..1, where the label's score comes from.
        neighbors: training photos of the label, most alike first.
    """

    image: ImageArray = field(repr=False)
    label: str
    probability: float
    said: tuple[str, ...]
    method: str
    heat: FloatArray = field(repr=False)
    faithfulness: Faithfulness
    neighbors: tuple[Neighbor, ...] = ()

    @property
    def beside(self) -> str:
        """Sentence on what the classifier predicts instead of the label; "" where it predicts the label."""
        if not self.said:
            return "the classifier takes this photo for unknown"
        return "" if self.label in self.said else f"the classifier says {', '.join(self.said)}"

    def to_dict(self) -> dict[str, object]:
        return {
            "label": self.label,
            "probability": round(self.probability, 6),
            "said": list(self.said),
            "unknown": not self.said,
            "method": self.method,
            "faithfulness": self.faithfulness.to_dict(),
            "neighbors": [{"path": one.path, "similarity": round(one.similarity, 4)} for one in self.neighbors],
            "heat": _coarse(self.heat),
        }


def explain_class(
    image: ImageLike,
    classifier: Classifier | str | Path,
    *,
    label: str | None = options.Explain.label.default,
    method: Method = options.Explain.method.default,
    seed: int = options.Explain.seed.default,
) -> ClassExplanation:
    """Explain why a classifier predicts a label for a picture.

    Args:
        image: path, bytes, open file, array or PIL picture.
        classifier: one, or the folder of a saved one.
        label: the one asked about; the likeliest where None.
        method: "cam" divides the score exactly among regions (a linear head on an encoder with regions); "occlusion"
            and "rise" cover parts of the picture and work for all; "auto" is "cam" where that is possible.

    Raises:
        UsageError: no such label, or a method that the classifier does not allow.
        NotFoundError, ModelError: there is no classifier, or it cannot be used.
        ImageError: the picture cannot be read.
    """
    if not isinstance(classifier, Classifier):
        classifier = load_classifier(options.path_of(classifier, name="classifier"))
    pixels = read_image(image, target=SIDE)
    vectors = classifier.encoder.encode_images([pixels])
    row = classifier.head.probabilities(vectors)[0]
    column = int(row.argmax()) if label is None else _column(label, classifier)

    def score(pictures: Sequence[ImageArray]) -> NDArray[np.floating]:
        return classifier.probabilities(pictures)[:, column]

    def margin(pictures: Sequence[ImageArray]) -> NDArray[np.floating]:
        return _margins(classifier, pictures)[:, column]

    answer = classifier.labels_of(row, nearness=float(classifier.head.nearness(vectors)[0]), top=1)
    chosen = _method(method, classifier)
    heat = _heat(pixels, classifier, column, chosen, margin, seed)
    return ClassExplanation(
        image=pixels,
        label=classifier.classes[column],
        probability=float(row[column]),
        said=() if answer.unknown else answer.names,
        method=chosen,
        heat=heat,
        faithfulness=faithfulness(pixels, heat, score, seed=seed),
        neighbors=_neighbors(vectors[0], classifier, column),
    )


@dataclass(frozen=True)
class RegionPair:
    """A pair of similar regions of query and product: boxes (4,) xyxy in pixels, and its share of the cosine."""

    query_box: FloatArray
    product_box: FloatArray
    share: float


@dataclass(frozen=True)
class MatchExplanation(Shown):
    """Explanation of a match between a query picture and a product picture.

    Args:
        cosine: of their vectors; the shares of all pairs of regions sum to it.
        heat_query, heat_product: (H, W) 0..1, where the likeness comes from.
        pairs: the strongest, which share no region; fewer where the others add next to nothing.
        parts: what each part added to the score of the search.
    """

    query: ImageArray = field(repr=False)
    product: ImageArray = field(repr=False)
    cosine: float
    heat_query: FloatArray = field(repr=False)
    heat_product: FloatArray = field(repr=False)
    pairs: tuple[RegionPair, ...]
    parts: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        return {
            "cosine": round(self.cosine, 6),
            "parts": dict(self.parts),
            "pairs": [
                {
                    "query_box": np.round(pair.query_box).tolist(),
                    "product_box": np.round(pair.product_box).tolist(),
                    "share": round(pair.share, 5),
                }
                for pair in self.pairs
            ],
            "heat_query": _coarse(self.heat_query),
            "heat_product": _coarse(self.heat_product),
        }


def explain_match(
    image: ImageLike, product: ImageLike, *, encoder: Encoder, parts: Mapping[str, float] | None = None
) -> MatchExplanation:
    """Explain which regions of two pictures match; encoders without regions get unpaired occlusion maps.

    Args:
        image: the query; product: a product's photo. Path, bytes, open file, array or PIL picture.
        parts: what a search says of the match (`types.Match.parts`).

    Raises:
        ImageError: a picture cannot be read.
        UsageError: no encoder.
    """
    if not hasattr(encoder, "encode_images"):
        cure = "pass what catalens.encoder() returns"
        raise UsageError(f"expected an encoder and got {type(encoder).__name__}", cure=cure)
    asked, found = read_image(image, target=SIDE), read_image(product, target=SIDE)
    vectors = encoder.encode_images([asked, found])
    cosine = float(vectors[0] @ vectors[1])
    if not encoder.has_regions:
        heats = [
            occlusion(mine, lambda pictures, other=other: encoder.encode_images(pictures) @ other)  # type: ignore[misc]
            for mine, other in ((asked, vectors[1]), (found, vectors[0]))
        ]
        return MatchExplanation(asked, found, cosine, heats[0], heats[1], (), parts or {})
    mine, other = describe_regions(asked, encoder), describe_regions(found, encoder)
    shares = cosine_contributions(mine, other)
    return MatchExplanation(
        query=asked,
        product=found,
        cosine=cosine,
        heat_query=mine.heat(shares.sum((2, 3))),
        heat_product=other.heat(shares.sum((0, 1))),
        pairs=_pairs(shares, mine, other),
        parts=parts or {},
    )


def _column(label: str, classifier: Classifier) -> int:
    if label not in classifier.classes:
        raise UsageError(f"{classifier.name} has no label {label!r}", cure=f"one of {', '.join(classifier.classes)}")
    return classifier.classes.index(label)


def _method(method: Method, classifier: Classifier) -> Method:
    options.check(options.Explain.method, method)
    is_linear = isinstance(classifier.head.head, LinearHead) and classifier.encoder.has_regions
    if method == "cam" and not is_linear:
        raise UsageError("cam needs a linear head on an encoder with regions", cure="use occlusion or rise")
    return ("cam" if is_linear else "occlusion") if method == "auto" else method


def _heat(
    image: ImageArray, classifier: Classifier, column: int, method: Method, score: ScoreOf, seed: int
) -> FloatArray:
    if method == "occlusion":
        return occlusion(image, score)
    if method == "rise":
        return rise(image, score, seed=seed)
    head = classifier.head.head
    weights = head.arrays()["weights"]
    regions = describe_regions(image, classifier.encoder)
    # What all labels share says nothing for this one.
    return regions.heat(score_contributions(regions, weights[:, column] - weights.mean(1)))


def _margins(classifier: Classifier, pictures: Sequence[ImageArray]) -> FloatArray:
    """(N, C) margin of each label over the best other one; unlike a probability it does not saturate at 1."""
    head = classifier.head
    scores = head.head.scores(classifier.encoder.encode_images(pictures)) * head.scale + head.shift
    if head.activation == "sigmoid":
        return np.asarray(scores, np.float32)
    best = np.sort(scores, axis=1)
    others = np.where(scores == best[:, -1:], best[:, -2:-1], best[:, -1:])
    return np.asarray(scores - others, np.float32)


def _neighbors(vector: FloatArray, classifier: Classifier, column: int) -> tuple[Neighbor, ...]:
    examples = classifier.examples
    if examples is None:
        return ()
    rows = np.flatnonzero(examples.labels == column)
    cosines = examples.vectors[rows] @ vector
    order = np.argsort(-cosines, kind="stable")[:NEIGHBORS].tolist()
    return tuple(Neighbor(examples.paths[rows[place]], float(cosines[place])) for place in order)


def _pairs(shares: FloatArray, query: Regions, product: Regions) -> tuple[RegionPair, ...]:
    """Strongest pairs, each region used once, neighbours of used regions left out."""
    left = shares.copy()
    found: list[RegionPair] = []
    while len(found) < PAIRS:
        row, column, other_row, other_column = np.unravel_index(int(left.argmax()), left.shape)
        share = float(left[row, column, other_row, other_column])
        if share <= 0 or (found and share < FAINT * found[0].share):
            break
        boxes = query.box(int(row), int(column)), product.box(int(other_row), int(other_column))
        if all((box[2:] - box[:2]).min() > 4 for box in boxes):  # not in the padding
            found.append(RegionPair(*boxes, share))
        left[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = -np.inf
        left[:, :, max(other_row - 1, 0) : other_row + 2, max(other_column - 1, 0) : other_column + 2] = -np.inf
    return tuple(found)


def _coarse(heat: FloatArray, cells: int = 8) -> list[list[float]]:
    """Grid rounded to three digits, as float64 so that JSON stays short."""
    small = cv2.resize(heat, (cells, cells), interpolation=cv2.INTER_AREA)
    return [[round(float(value), 3) for value in row] for row in small]
