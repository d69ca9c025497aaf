"""Perceptual hashes of the photos that the bundled encoder learned from, written beside its card.

python -m recipes.seen --data DATA
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from catalens import settings
from catalens.evaluation.leaks import hashes
from catalens.learning.seen import FILE
from catalens.models.zoo import DEFAULT_ENCODER, find_card

TABLES = (
    "clothing/train.csv",
    "grocery/train.csv",
    "grocery/products.csv",
    "retail/products.csv",
    "streetstyle/photos.csv",
)
"""Tables of the photos that it learned from; Fashion-MNIST and what was rendered are no photos of products."""


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
