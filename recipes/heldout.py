"""Photos kept aside to make choices on (sizes, schedules), so that the validation sets are asked only once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.learning.networks.encoder import EncoderNetwork
from catalens.types import FloatArray, ImageArray
from recipes.nearest import nearest_is_correct
from recipes.photos import Photo
from recipes.towers import prepared

TASKS = ("clothing", "grocery")


def held_out(photos: Sequence[Photo], share: float, *, seed: int) -> NDArray[np.bool_]:
    """(N,) True for a random share (0..1) of the clothing and grocery photos; shop pictures stay."""
    chance = np.random.default_rng([seed, 1]).random(len(photos))
    eligible = np.array([photo.task in TASKS and not photo.is_shop_picture for photo in photos], np.bool_)
    return eligible & (chance < share)


def score_held_out(
    network: EncoderNetwork, squares: Sequence[ImageArray], photos: Sequence[Photo], held: NDArray[np.bool_]
) -> dict[str, Estimate]:
    """1-NN accuracy of the photos held out among those learned from, by task; nothing where none are held out.

    Args:
        squares: N of (S, S, 3) uint8, the photos; held: (N,).
    """
    scores = {}
    for task in TASKS:
        rows = np.array([photo.task == task for photo in photos], np.bool_)
        queries, gallery = np.flatnonzero(rows & held), np.flatnonzero(rows & ~held)
        if len(queries) and len(gallery):
            right = nearest_is_correct(
                _vectors(network, [squares[row] for row in queries.tolist()]),
                [photos[row].label for row in queries.tolist()],
                _vectors(network, [squares[row] for row in gallery.tolist()]),
                [photos[row].label for row in gallery.tolist()],
            )
            scores[task] = bootstrap_mean(right)
    return scores


def _vectors(network: EncoderNetwork, squares: Sequence[ImageArray]) -> FloatArray:
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        found = [torch.nn.functional.normalize(network(batch)) for batch in prepared(squares, device=device)]
    return torch.cat(found).cpu().numpy()
