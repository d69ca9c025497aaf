"""Active learning: which photos to label next, so that few labels teach much.

Uncertainty asks for the photos that a classifier hesitates about; coverage (k-center greedy, Sener and Savarese 2018,
"Active Learning for Convolutional Neural Networks: A Core-Set Approach") for those unlike all that is labelled; mixed
for uncertain photos that differ from one another (Zhdanov 2019, "Diverse mini-batch Active Learning").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from catalens.errors import UsageError, needs
from catalens.evaluation.leaks import near_duplicates
from catalens.tasks.classifier import Classifier
from catalens.tasks.embed import Encoder, embed_photos
from catalens.types import Failure, FloatArray, Progress

Strategy: TypeAlias = Literal["margin", "entropy", "coverage", "mixed"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

WIDER = 5
"""Mixed chooses among this many times the most uncertain photos."""


@dataclass(frozen=True)
class Proposal:
    """A photo to label: why, what the classifier takes it for ("" without one) and with what probability (0..1)."""

    path: Path
    why: str
    predicted: str
    score: float

    def to_dict(self) -> dict[str, object]:
        return {"path": str(self.path), "why": self.why, "predicted": self.predicted, "score": round(self.score, 4)}


@dataclass(frozen=True)
class Proposals:
    """Photos to label, the most useful first.

    Args:
        asked: how many photos there were to choose from.
        skipped: photos that cannot be read.
        known: how many were left out because they, or photos that look the same, are labelled already.
        alike: how many were left out because another one that looks the same may be proposed.
    """

    items: tuple[Proposal, ...]
    strategy: Strategy
    asked: int
    skipped: tuple[Failure, ...] = ()
    known: int = 0
    alike: int = 0

    def to_dict(self) -> dict[str, object]:
        return {
            "strategy": self.strategy,
            "asked": self.asked,
            "known": self.known,
            "alike": self.alike,
            "skipped": [failure.to_dict() for failure in self.skipped],
            "proposals": [item.to_dict() for item in self.items],
        }


def next_to_label(
    photos: Sequence[Path],
    *,
    encoder: Encoder,
    count: int = 20,
    strategy: Strategy = "mixed",
    model: Classifier | None = None,
    labelled: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Proposals:
    """Choose photos to label. Of photos that look the same one is proposed, and none that looks like a labelled one.

    What looks the same is told by `evaluation.leaks`, not by the encoder: its vectors are as near for two photos of one
    kind as for two copies of one photo.

    Args:
        encoder: that of the model, where there is one.
        model: a classifier trained on the labels so far; without one only "coverage" can choose.
        labelled: photos with labels. They are not proposed, and what they cover is not asked again; photos that the
            model keeps as examples count too.

    Raises:
        UsageError: a count below 1, no such strategy, or one that needs a model.
    """
    if count < 1:
        raise UsageError(f"expected at least 1 photo to propose and got {count}", cure="ask for one or more")
    if strategy not in STRATEGIES:
        raise UsageError(f"no strategy called {strategy!r}", cure=f"one of {', '.join(STRATEGIES)}")
    if model is None and strategy != "coverage":
        raise UsageError(f"{strategy} needs a classifier", cure="give a model, or choose by coverage")
    examples = None if model is None else model.examples
    done = [*labelled, *(Path(text) for text in (examples.paths if examples else ()))]
    fresh = _unlabelled(photos, done)
    once = _one_of_each(fresh)
    rows, vectors, skipped = _embedded(once, encoder, progress=progress, what="looking at photos")
    _, covered, _ = _embedded(labelled, encoder, progress=progress, what="looking at labelled photos")
    if examples is not None:
        covered = np.concatenate([covered, examples.vectors])
    likely = None if model is None else model.head.probabilities(vectors)
    several = model is not None and model.head.activation == "sigmoid"
    chosen = choose(vectors, likely, count=count, strategy=strategy, covered=covered, several=several)
    classes = () if model is None else model.classes
    items = []
    for place, row in enumerate(chosen):
        before = np.concatenate([covered, vectors[chosen[:place]]])
        one = None if likely is None else likely[row]
        new = _new(vectors[row], before)
        items.append(_proposal(once[rows[row]], one, classes, new, strategy, several=several))
    return Proposals(tuple(items), strategy, len(rows), skipped, len(photos) - len(fresh), len(fresh) - len(once))


def choose(
    vectors: FloatArray,
    likely: FloatArray | None,
    *,
    count: int,
    strategy: Strategy,
    covered: FloatArray | None = None,
    several: bool = False,
) -> list[int]:
    """Rows to label next, the most useful first, at most `count`.

    Args:
        vectors: (N, D) of unit length; likely: (N, C) probabilities, needed by all strategies but coverage.
        covered: (M, D) vectors of what is labelled.
        several: a photo may have several labels, whose probabilities stand by themselves.

    Raises:
        UsageError: a strategy that needs probabilities came without.
    """
    if strategy == "coverage":
        return k_center(vectors, count, covered=covered)
    if likely is None:
        raise UsageError(f"{strategy} needs a classifier", cure="give a model, or choose by coverage")
    doubt = (entropy if strategy == "entropy" else margin)(likely, several=several)
    order = np.argsort(-doubt, kind="stable")
    if strategy == "mixed":
        return _spread(vectors, order[: count * WIDER], doubt, count)
    return [int(row) for row in order[:count]]


def margin(likely: FloatArray, *, several: bool = False) -> NDArray[np.float64]:
    """(N, C) probabilities -> (N,) doubt 0..1: how near the two likeliest labels are to each other.

    Where a photo may have several labels: how near its most doubtful label is to even odds.
    """
    if several:
        return np.asarray(1 - np.abs(2 * likely.astype(np.float64) - 1).min(1, initial=1.0))
    best = np.sort(np.pad(likely.astype(np.float64), ((0, 0), (2, 0))), axis=1)
    return np.asarray(1 - (best[:, -1] - best[:, -2]))


def entropy(likely: FloatArray, *, several: bool = False) -> NDArray[np.float64]:
    """(N, C) probabilities -> (N,) entropy in nats; of all labels by themselves where a photo may have several."""
    p = np.clip(likely.astype(np.float64), 1e-12, 1.0)
    terms = p * np.log(p)
    if several:
        q = np.clip(1 - p, 1e-12, 1.0)
        terms = terms + q * np.log(q)
    return np.asarray(-terms.sum(1))


def k_center(vectors: FloatArray, count: int, *, covered: FloatArray | None = None) -> list[int]:
    """Rows chosen one by one, each the farthest from all chosen and covered ones: k-center greedy.

    The first, where nothing is covered, is the one nearest to the middle of all.
    """
    if not len(vectors) or count < 1:
        return []
    if covered is not None and len(covered):
        first, nearest = None, _nearest(vectors, covered)
    else:
        first, nearest = int((vectors @ vectors.mean(0)).argmax()), np.full(len(vectors), -1, np.float32)
    chosen: list[int] = []
    while len(chosen) < min(count, len(vectors)):
        row = int(nearest.argmin()) if chosen or first is None else first
        nearest = np.maximum(nearest, vectors @ vectors[row])
        nearest[row] = np.inf
        chosen.append(row)
    return chosen


def _spread(vectors: FloatArray, pool: NDArray[np.int64], doubt: NDArray[np.float64], count: int) -> list[int]:
    """One photo for each cluster of the pool, where a photo pulls as much as it is doubtful; in the pool's order."""
    with needs("scikit-learn", extra="train"):
        from sklearn.cluster import KMeans

    if len(pool) <= count:
        return [int(row) for row in pool]
    clusters = KMeans(count, n_init=1, random_state=0).fit(vectors[pool], sample_weight=doubt[pool] + 1e-6)
    distances = clusters.transform(vectors[pool])
    own = distances[np.arange(len(pool)), clusters.labels_]
    firsts = [
        min(np.flatnonzero(clusters.labels_ == one).tolist(), key=lambda place: own[place])
        for one in set(clusters.labels_.tolist())
    ]
    return [int(pool[place]) for place in sorted(firsts)]


def _nearest(vectors: FloatArray, others: FloatArray) -> FloatArray:
    """(N,) the largest cosine of each row to any of the others; -1 where there are none."""
    found = np.full(len(vectors), -1, np.float32)
    for start in range(0, len(others), 1024):
        if len(vectors):
            found = np.maximum(found, (vectors @ others[start : start + 1024].T).max(1))
    return found


def _unlabelled(photos: Sequence[Path], done: Sequence[Path]) -> list[Path]:
    """The photos that are none of those labelled and look like none of them."""
    places = {path.resolve() for path in done}
    fresh = [path for path in photos if path.resolve() not in places]
    seen = {row for row, _ in near_duplicates(fresh, [path for path in done if path.is_file()])}
    return [path for row, path in enumerate(fresh) if row not in seen]


def _one_of_each(photos: Sequence[Path]) -> list[Path]:
    """The photos without those that look like an earlier one."""
    again = {row for row, other in near_duplicates(photos, photos) if other < row}
    return [path for row, path in enumerate(photos) if row not in again]


def _embedded(
    photos: Sequence[Path], encoder: Encoder, *, progress: Progress | None, what: str
) -> tuple[list[int], FloatArray, tuple[Failure, ...]]:
    """Rows of the photos that can be read, their (N, D) vectors, and the failures."""
    found = embed_photos(photos, encoder, progress=progress, what=what)
    return list(found.rows), found.vectors, found.failed


def _new(vector: FloatArray, before: FloatArray) -> str:
    if not len(before):
        return "the most typical photo"
    return f"unlike those before it (cosine {float((before @ vector).max()):.2f} to the most alike)"


def _proposal(
    path: Path, likely: FloatArray | None, classes: tuple[str, ...], new: str, strategy: Strategy, *, several: bool
) -> Proposal:
    if likely is None:
        return Proposal(path, new, "", 0.0)
    first, second = (int(place) for place in np.argsort(-likely, kind="stable")[:2])
    doubt = f"hesitates between {classes[first]} ({likely[first]:.1%}) and {classes[second]} ({likely[second]:.1%})"
    if several:
        even = int(np.abs(likely - 0.5).argmin())
        doubt = f"is not sure of {classes[even]} ({likely[even]:.0%})"
    return Proposal(path, new if strategy == "coverage" else doubt, classes[first], float(likely[first]))
