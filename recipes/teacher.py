"""What teacher networks say of views: features that a student learns to predict. Read only, never shipped."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.errors import MissingExtraError, NotFoundError
from recipes.teacher_network import TeacherNetwork

if TYPE_CHECKING:
    from openvino import Model, Node

FILES = ("mobilenet_edgetpu_224_1.0_uint8.tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite")
"""Two are better than one: side by side their features tell clothes apart more surely than either's."""
INPUT = 224
"""Side of the views, in pixels."""
DIM = 2560
"""1280 numbers of each."""
BATCH = 8
Ask: TypeAlias = Callable[[Tensor], Tensor]
"""(N, 3, 224, 224) views, 0..255 -> (N, 2560) float32 of unit length, on the same device."""


class Teachers:
    """The networks of `FILES`, asked for the layer before their classifiers: less its mean, of unit length.

    Args:
        folder: of the files.
        views: (N, 3, 224, 224) 0..255, some hundred, over which the mean is taken; what is asked comes from their
            device.
        threads: of the processor.

    Raises:
        NotFoundError: a file is absent.
        MissingExtraError: what runs or reads them is.
    """

    def __init__(self, folder: Path, views: Tensor, *, threads: int) -> None:
        files = [weights_in(folder, file=file) for file in FILES]
        device = views.device
        if device.type == "cpu" and _multiplies_whole_numbers():
            self._networks = [_on_processor(file, threads) for file in files]
        else:
            self._networks = [_elsewhere(file, device) for file in files]
        self._means = [network(views).mean(0) for network in self._networks]

    def __call__(self, views: Tensor) -> Tensor:
        """(N, 3, 224, 224) 0..255 -> (N, 2560) float32 of unit length; each network's half counts as much."""
        asked = zip(self._networks, self._means, strict=True)
        halves: list[Tensor] = [F.normalize(network(views) - mean) for network, mean in asked]
        return torch.cat(halves, 1) / math.sqrt(len(halves))


def _on_processor(file: Path, threads: int) -> Ask:
    """A network in whole numbers, by OpenVINO, on batches of 8."""
    try:
        from openvino import Core
    except ImportError:
        raise MissingExtraError.of("openvino", extra="train") from None
    core = Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    network = core.compile_model(pooled(core.read_model(str(file))), "CPU", settings)

    def ask(views: Tensor) -> Tensor:
        pixels = views.round().byte().permute(0, 2, 3, 1)
        padded = torch.cat([pixels, pixels.new_zeros(-len(pixels) % BATCH, *pixels.shape[1:])]).numpy()
        batches = [padded[start : start + BATCH] for start in range(0, len(padded), BATCH)]
        found = [torch.from_numpy(network(batch)[0].reshape(BATCH, -1).copy()) for batch in batches]
        return torch.cat(found)[: len(views)]

    return ask


def _multiplies_whole_numbers() -> bool:
    """Whether the processor has VNNI. Others add pairs of products in 16 bits, where these networks overflow."""
    cpu = Path("/proc/cpuinfo")
    return cpu.is_file() and "vnni" in cpu.read_text("utf-8")


def _elsewhere(file: Path, device: torch.device) -> Ask:
    """A network by torch, in half precision where that is quick."""
    kind = torch.float32 if device.type == "cpu" else torch.float16
    network = TeacherNetwork(file).to(device, kind, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def ask(views: Tensor) -> Tensor:
        features: Tensor = network(views.to(kind, memory_format=torch.channels_last))
        return features.float()

    return ask


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
