"""The textbook's first network for pictures, in PyTorch and, layer for layer, in Keras: on Fashion-MNIST.

    python -m recipes.textbook.two_convolutions --library torch --epochs 6

28x28x1 -> 32 filters of 3x3, ReLU -> max-pooling 2x2 -> 64 filters of 3x3, ReLU -> max-pooling 2x2 -> softmax over ten
kinds. 34,826 weights. 10,000 of the 60,000 training pictures are held out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalens import settings
from catalens.errors import CatalensError, MissingExtraError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.types import FloatArray, IntArray
from recipes.thumbnails import fashion_mnist

HELD_OUT, BATCH, RATE = 10_000, 128, 1e-3


def torch_network() -> Any:
    """(N, 1, 28, 28) -> (N, 10) scores."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 10),
    )  # fmt: skip


def keras_network() -> Any:
    """(N, 28, 28, 1) -> (N, 10) probabilities."""
    settings.prefer_torch_for_keras()
    try:
        import keras
    except ImportError:
        raise MissingExtraError.of("keras", extra="keras") from None
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Flatten(), layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip


def split(data: Path, *, seed: int) -> tuple[FloatArray, IntArray, FloatArray, IntArray]:
    """Pictures (N, 28, 28) 0..1 and labels to learn from, and 10,000 held out."""
    pictures, labels = fashion_mnist(data)
    order = np.random.default_rng(seed).permutation(len(labels))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    scaled = pictures.astype(np.float32) / np.float32(255)
    numbers = labels.astype(np.int64)
    return scaled[train], numbers[train], scaled[test], numbers[test]


def train_torch(x: FloatArray, y: IntArray, *, epochs: int, seed: int) -> Any:
    """Adam on cross-entropy."""
    import torch

    torch.manual_seed(seed)
    network = torch_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), max(1, len(x) // BATCH)):
            scores = network(torch.from_numpy(x[rows][:, None]))
            loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(y[rows]))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return network


def train_keras(x: FloatArray, y: IntArray, *, epochs: int, seed: int) -> Any:
    """The same in Keras."""
    network = keras_network()
    import keras

    keras.utils.set_random_seed(seed)
    network.compile(optimizer=keras.optimizers.Adam(RATE), loss="sparse_categorical_crossentropy")
    network.fit(x[..., None], y, batch_size=BATCH, epochs=epochs, verbose=0)
    return network


def accuracy(network: Any, x: FloatArray, y: IntArray) -> Estimate:
    """Share of pictures that are told right, of a network of either library."""
    said: NDArray[np.int64]
    if hasattr(network, "predict"):
        said = network.predict(x[..., None], batch_size=512, verbose=0).argmax(1)
    else:
        import torch

        with torch.inference_mode():
            said = network(torch.from_numpy(x[:, None])).argmax(1).numpy()
    return bootstrap_mean(said == y)


def main(arguments: list[str] | None = None) -> int:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--library", choices=["torch", "keras"], default="torch")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=settings.data_folder())
    given = parser.parse_args(arguments)
    try:
        x, y, held_x, held_y = split(given.data, seed=given.seed)
        train = train_torch if given.library == "torch" else train_keras
        network = train(x, y, epochs=given.epochs, seed=given.seed)
        sys.stdout.write(f"{given.library}: accuracy on pictures held out {accuracy(network, held_x, held_y)}\n")
    except CatalensError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
