"""What a step of the encoder's training shows and says: chosen ahead, by processes of their own where a GPU learns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from catalens.models.text import text_batch
from catalens.types import FloatArray, IntArray
from recipes.facts import Truths, caption
from recipes.photos import Photo

ALIKE, GROUPED = 4, 8
"""Products of one kind that are drawn together, one such group for every eight products: told from its like, a product
is known by more than its kind. The others come as they may."""
WHOLE = 0.4
"""Chance that the first of the two views is the whole photo, as it is asked with later."""
SIBLING = 0.7
"""Chance that the second view is of any picture of the product, where there are several, rather than of the same."""
AHEAD = 4
"""Plans that each process has ready."""


@dataclass(frozen=True)
class Plan:
    """Two pictures of each of n products, 2i and 2i + 1, and captions of those of which something is known."""

    rows: IntArray
    """(2n,) of the lesson."""
    whole: NDArray[np.bool_]
    """(2n,) which pictures are seen whole."""
    grams: IntArray
    weights: FloatArray
    """(m, L) both: the captions, as the text network takes them."""
    truth: FloatArray
    """(m, 2n) which captions are true of which pictures, as `facts.truth` says."""


class Planner:
    """Chooses pictures and captions.

    Args:
        photos: N of the lesson; chances: (N,) of each to be drawn.
        products: in a step, a multiple of 8.
    """

    def __init__(self, photos: Sequence[Photo], chances: NDArray[np.float64], *, products: int) -> None:
        self._photos, self._chances, self._products = photos, chances, products
        self._truths = Truths([photo.facts for photo in photos])
        self._siblings = _members([photo.product for photo in photos], chances)
        self._like = _members([kind_of(photo) for photo in photos], chances)

    def plan(self, rng: np.random.Generator) -> Plan:
        """Products, each in two pictures where there are more, and a caption for each."""
        chosen = self._chosen(rng)
        rows = np.stack([chosen, [self._partner(row, rng) for row in chosen.tolist()]], axis=1).ravel()
        whole = (np.arange(len(rows)) % 2 == 0) & (rng.random(len(rows)) < WHOLE)
        facts = [self._photos[row].facts for row in chosen.tolist()]
        captions = [caption(one, rng) for one in facts if one]
        grams, weights = text_batch([one.text for one in captions])
        return Plan(rows, whole, grams, weights, self._truths.of(captions, rows))

    def _chosen(self, rng: np.random.Generator) -> IntArray:
        """Rows of the lesson: some groups of the like, and others."""
        groups = self._products // GROUPED
        chosen = rng.choice(len(self._chances), self._products - (ALIKE - 1) * groups, replace=False, p=self._chances)
        like = [rng.choice(self._like[row], ALIKE - 1) for row in chosen[:groups].tolist()]
        return np.asarray(np.concatenate([chosen, *like]), np.int64)

    def _partner(self, row: int, rng: np.random.Generator) -> int:
        siblings = self._siblings[row]
        return int(rng.choice(siblings)) if len(siblings) > 1 and rng.random() < SIBLING else row


class _Plans(IterableDataset[Plan]):
    def __init__(self, planner: Planner, seed: int) -> None:
        self._planner, self._seed = planner, seed

    def __iter__(self) -> Iterator[Plan]:
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id] if worker else self._seed)
        while True:
            yield self._planner.plan(rng)


def plans(planner: Planner, *, seed: int, processes: int = 0) -> Iterator[Plan]:
    """Plans for ever, made by so many processes beside this one, or by this one."""
    ahead = AHEAD if processes else None
    loader = DataLoader(_Plans(planner, seed), batch_size=None, num_workers=processes, prefetch_factor=ahead)
    return iter(loader)


def kind_of(photo: Photo) -> str:
    """What a photo has in common with its like: groceries and people in the street are of one kind each."""
    return photo.task if photo.task in {"grocery", "street", "retail"} else f"{photo.task} {photo.label}"


def _members(names: Sequence[str], chances: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Of each row the rows of the same name that may be drawn."""
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if chances[row] > 0:
            found.setdefault(name, []).append(row)
    arrays = {name: np.array(rows, np.int64) for name, rows in found.items()}
    return [arrays.get(name, np.zeros(0, np.int64)) for name in names]
