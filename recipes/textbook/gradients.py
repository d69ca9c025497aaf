"""Histograms of oriented gradients and a support vector machine (Dalal and Triggs 2005) on Fashion-MNIST.

python -m recipes.textbook.gradients
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC

from catalens import settings
from catalens.errors import CatalensError
from catalens.evaluation.intervals import bootstrap_mean
from catalens.features.shape import gradient_histograms
from catalens.types import FloatArray
from recipes.textbook.two_convolutions import split

CELL = 4
"""Side of a cell, pixels. Blocks are 2 x 2 cells and overlap by half."""
COMPONENTS, PENALTY = 160, 8.0
"""Principal components that are kept of 1,296 numbers, for the machine's time grows with them; its C."""


def oriented_gradients(pictures: FloatArray) -> FloatArray:
    """(N, 28, 28) 0..1 -> (N, 1296): of each block of 2 x 2 cells, how strong the gradients of each direction are."""
    whole = np.round(pictures * 255).astype(np.uint8)
    return np.stack([gradient_histograms(picture, cell=CELL) for picture in whole])


def machine() -> Pipeline:
    """Principal components, then an SVM with Gaussian kernel."""
    return make_pipeline(PCA(COMPONENTS, random_state=0), SVC(C=PENALTY, gamma="scale", cache_size=1000))


def main(arguments: list[str] | None = None) -> int:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=int, default=50_000, help="pictures to learn from, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=settings.data_folder())
    given = parser.parse_args(arguments)
    try:
        x, y, held_x, held_y = split(given.data, seed=given.seed)
        taught = machine().fit(oriented_gradients(x[: given.photos]), y[: given.photos])
        right = taught.predict(oriented_gradients(held_x)) == held_y
        sys.stdout.write(f"HOG and SVM: accuracy on pictures held out {bootstrap_mean(right)}\n")
    except CatalensError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
