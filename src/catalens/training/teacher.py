"""What a teacher network says of views: features that a student learns to predict. Read only, never shipped."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens import settings
from catalens.errors import MissingExtraError, NotFoundError
from catalens.training.views import cut
from catalens.types import FloatArray, ImageArray, Progress

FILE = "mobilenet_edgetpu_224_1.0_uint8.tflite"
LAYER = "MobilenetEdgeTPU/Logits/AvgPool"
"""The layer before the classifier."""
DIM = 1280
INPUT = 224
CHUNK = 512


def weights_in(teachers: Path, *, file: str = FILE) -> Path:
    """A teacher's file in a folder.

    Raises:
        NotFoundError: it is not there.
    """
    weights = teachers / file
    if not weights.is_file():
        raise NotFoundError(
            f"no teacher at {weights}", cure="docs/data.md says what it is; --teachers names its folder"
        )
    return weights


def opened(teachers: Path, file: str) -> Callable[[NDArray[np.generic]], NDArray[np.generic]]:
    """A teacher of another task: a function from its input, (1, H, W, 3), to its first output.

    Raises:
        NotFoundError: the teacher is absent.
        MissingExtraError: its runtime is.
    """
    weights = weights_in(teachers, file=file)
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise MissingExtraError.of("ai-edge-litert", extra="train") from None
    network = Interpreter(str(weights), num_threads=1)
    network.allocate_tensors()
    source, target = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]

    def ask(picture: NDArray[np.generic]) -> NDArray[np.generic]:
        network.set_tensor(source, picture)
        network.invoke()
        return np.asarray(network.get_tensor(target))

    return ask


def centered_features(
    squares: Sequence[ImageArray],
    owners: NDArray[np.int64],
    boxes: FloatArray,
    *,
    teachers: Path,
    cache: Path,
    progress: Progress | None = None,
) -> NDArray[np.float16]:
    """Describe every view by the teacher: its features less their mean, unit length.

    Args:
        squares: N of (S, S, 3) uint8, squared photos; owners: (V,) the photo of each view; boxes: (V, 3) left, top,
            side.
        cache: folder that keeps the features, for the same views are described only once.

    Returns:
        (V, 1280) float16.
    """
    weights = weights_in(teachers)
    some = b"".join(square.tobytes() for square in squares[:: max(1, len(squares) // 64)])
    digest = hashlib.sha256(boxes.tobytes() + owners.tobytes() + some)
    path = cache / f"teacher-{digest.hexdigest()[:16]}.npy"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        chunks = [np.arange(start, min(start + CHUNK, len(owners))) for start in range(0, len(owners), CHUNK)]
        views = (([squares[owner] for owner in owners[chunk].tolist()], boxes[chunk]) for chunk in chunks)
        found: list[NDArray[np.float16]] = []
        with ProcessPoolExecutor(settings.threads(), mp_context=get_context("spawn")) as pool:
            for chunk in pool.map(partial(_describe, weights), views):
                found.append(chunk)
                if progress is not None:
                    progress(len(found) * CHUNK, len(owners), "asking the teacher")
        np.save(path, np.concatenate(found))
    features = np.load(path).astype(np.float32)
    features -= features.mean(axis=0)
    features /= np.linalg.norm(features, axis=1, keepdims=True) + 1e-6
    return np.asarray(features, np.float16)


def _describe(weights: Path, views: tuple[Sequence[ImageArray], FloatArray]) -> NDArray[np.float16]:
    """N of (S, S, 3) squares and (n, 3) boxes -> (n, 1280) features, in a process of its own."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise MissingExtraError.of("ai-edge-litert", extra="train") from None
    # Without preserve_all_tensors the layer's memory is used again before it can be read.
    with warnings.catch_warnings(action="ignore"):  # it warns of the memory that this takes
        network = Interpreter(str(weights), num_threads=1, experimental_preserve_all_tensors=True)
    network.allocate_tensors()
    layer = next(tensor for tensor in network.get_tensor_details() if tensor["name"] == LAYER)
    scale, zero = layer["quantization"]
    source = network.get_input_details()[0]["index"]
    features = np.empty((len(views[0]), DIM), np.float16)
    for row, (square, box) in enumerate(zip(*views, strict=True)):
        network.set_tensor(source, cut(square, box, size=INPUT)[None])
        network.invoke()
        features[row] = (network.get_tensor(layer["index"]).reshape(DIM).astype(np.float32) - zero) * scale
    return features
