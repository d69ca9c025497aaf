"""Photos that the bundled encoder learned from: a classifier's figures on these flatter, for it has them by heart.

    python -m catalens.learning.seen --data DATA

writes their perceptual hashes beside the encoder's card.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens import settings
from catalens.evaluation.leaks import hashes, seen_before
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.tasks.embed import Encoder, origin_of

FILE = "seen.npy"
"""(N, 8) uint8 hashes, beside the card."""
TABLES = (
    "clothing/train.csv",
    "grocery/train.csv",
    "grocery/products.csv",
    "retail/products.csv",
    "streetstyle/photos.csv",
)
"""Tables of the photos that it learned from; Fashion-MNIST and what was rendered are no photos of products."""


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


def main() -> None:
    """Write the hashes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=settings.data_folder())
    data = parser.parse_args().data
    paths = []
    for name in TABLES:
        with (data / name).open(newline="", encoding="utf-8") as lines:
            paths += [(data / name).parent / row["image"] for row in csv.DictReader(lines)]
    found = np.unique(hashes(paths), axis=0)
    np.save(find_card(DEFAULT_ENCODER).weights.parent / FILE, found[found.any(1)])


if __name__ == "__main__":
    main()
