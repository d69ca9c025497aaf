"""What teacher networks say of views: features that a student learns to predict. Read only, never shipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from catalens.errors import MissingExtraError, NotFoundError
from catalens.types import FloatArray, ImageArray

if TYPE_CHECKING:
    from openvino import Model, Node

FILES = ("mobilenet_edgetpu_224_1.0_uint8.tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite")
"""Two are better than one: side by side their features tell clothes apart more surely than either's."""
INPUT = 224
"""Side of the views, in pixels."""
DIM = 2560
"""1280 numbers of each."""
BATCH = 8
Ask: TypeAlias = Callable[[ImageArray], FloatArray]
"""(N, 224, 224, 3) uint8 views -> (N, 2560) float32 of unit length."""


class Teachers:
    """The networks of `FILES`, asked for the layer before their classifiers: less its mean, of unit length.

    Args:
        folder: of the files.
        views: (N, 224, 224, 3) uint8, some hundred, over which the mean is taken.
        threads: of the processor.

    Raises:
        NotFoundError: a file is absent.
        MissingExtraError: OpenVINO is.
    """

    def __init__(self, folder: Path, views: ImageArray, *, threads: int) -> None:
        files = [weights_in(folder, file=file) for file in FILES]
        try:
            from openvino import Core
        except ImportError:
            raise MissingExtraError.of("openvino", extra="train") from None
        core = Core()
        settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        self._networks = [core.compile_model(pooled(core.read_model(str(file))), "CPU", settings) for file in files]
        self._means = [features.mean(axis=0) for features in self._features(views)]

    def __call__(self, views: ImageArray) -> FloatArray:
        """(N, 224, 224, 3) uint8 -> (N, 2560) float32 of unit length; each network's half counts as much."""
        found = []
        for features, mean in zip(self._features(views), self._means, strict=True):
            centered = features - mean
            found.append(centered / (np.linalg.norm(centered, axis=1, keepdims=True) + 1e-6))
        return np.asarray(np.concatenate(found, axis=1) / len(found) ** 0.5, np.float32)

    def _features(self, views: ImageArray) -> list[FloatArray]:
        """(N, 1280) of each network."""
        spare = -len(views) % BATCH
        padded = np.concatenate([views, np.zeros((spare, *views.shape[1:]), np.uint8)])
        batches = [padded[start : start + BATCH] for start in range(0, len(padded), BATCH)]
        return [
            np.concatenate([network(batch)[0].reshape(BATCH, -1).copy() for batch in batches])[: len(views)]
            for network in self._networks
        ]


def pooled(model: Model) -> Model:
    """The model up to its last pooling, for batches of 8, with weights that the processor has whole-number products
    for: one of the files has a zero point in each layer's weights, and ran at a fifth of the speed.
    """
    from openvino import Model
    from openvino import opset13 as ops

    nodes = model.get_ordered_ops()
    for node in nodes:
        if node.get_type_name() in {"Convolution", "GroupConvolution"}:
            weights = _constant(node.input(1).get_source_output().get_node())
            kept = 1 if node.get_type_name() == "Convolution" else 2
            scale = np.abs(weights).max(axis=tuple(range(kept, weights.ndim)), keepdims=True) / 127 + 1e-12
            whole = np.rint(weights / scale).astype(np.int8)
            floats = ops.convert(ops.constant(whole), "f32")
            again = ops.multiply(floats, ops.constant(scale.astype(np.float32)))
            node.input(1).replace_source_output(again.output(0))
    last = [node for node in nodes if node.get_type_name() in {"AvgPool", "ReduceMean"}][-1]
    pooled = Model([last.output(0)], model.get_parameters())
    pooled.reshape([BATCH, INPUT, INPUT, 3])
    return pooled


def _constant(node: Node) -> NDArray[Any]:
    """The value of weights that are stored as whole numbers, with what makes floats of them."""
    kind = node.get_type_name()
    if kind == "Constant":
        return np.asarray(node.data)
    parts = [_constant(source.get_source_output().get_node()) for source in node.inputs()]
    steps: dict[str, Callable[[], NDArray[Any]]] = {
        "Convert": lambda: parts[0].astype(np.float32),
        "Subtract": lambda: parts[0] - parts[1],
        "Multiply": lambda: parts[0] * parts[1],
        "Transpose": lambda: parts[0].transpose(parts[1]),
        "Reshape": lambda: parts[0].reshape(tuple(node.output(0).get_shape())),
        "Unsqueeze": lambda: parts[0].reshape(tuple(node.output(0).get_shape())),
    }
    return steps[kind]()


def weights_in(teachers: Path, *, file: str) -> Path:
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
