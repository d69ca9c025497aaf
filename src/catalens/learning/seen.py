"""Photos that the bundled encoder was trained on: scores on them are inflated and reported separately."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catalens.evaluation.leaks import seen_before
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.tasks.embed import Encoder, origin_of

FILE = "seen.npy"
"""(N, 8) uint8 hashes, beside the card."""


def learned_from(asked: NDArray[np.uint8], encoder: Encoder) -> NDArray[np.bool_]:
    """(N,) whether an encoder learned from each photo; all False where it is neither the bundled one nor tuned from it.

    Args:
        asked: (N, 8) the photos' hashes (`evaluation.leaks`).
    """
    card = find_card(DEFAULT_ENCODER)
    known = card.weights.parent / FILE
    if card.identity not in origin_of(encoder) or not known.is_file():
        return np.zeros(len(asked), np.bool_)
    return seen_before(asked, np.load(known, allow_pickle=False))
