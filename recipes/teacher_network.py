"""A teacher as a torch network, read from its file: for a device that its own runtime knows nothing of.

Weights are whole numbers in the file, and floats here.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.errors import MissingExtraError, ModelError

WHOLE = {2: np.int32, 3: np.uint8, 9: np.int8}
"""Types of the file's constants, by its numbers for them."""
ACTIVATIONS = {0: None, 1: math.inf, 3: 6.0}
"""What activation functions cut to, from 0 on, by the file's numbers for them: none, ReLU and ReLU6."""


class TeacherNetwork(nn.Module):
    """(N, 3, H, W) pixels 0..255 -> (N, 1280): a classifier's layer before the last.

    Args:
        file: a .tflite of convolutions and sums, with one input.

    Raises:
        MissingExtraError: what reads such files is not installed.
        ModelError: it has layers of other kinds.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        graph, codes, buffers = _read(file)
        self._source = int(graph.inputs[0])
        scale, zero = _quantization(graph.tensors[self._source])
        self._scale, self._zero = float(scale[0]), float(zero[0])
        self._steps: list[tuple[list[int], int]] = []
        """For each layer the tensors that it takes and the one that it gives."""
        self.layers = nn.ModuleList()
        for operator in graph.operators:
            kind, made = codes[operator.opcodeIndex], int(operator.outputs[0])
            if kind in {"AVERAGE_POOL_2D", "MEAN"}:
                self._last = int(operator.inputs[0])
                break
            taken, layer = _layer(kind, operator, graph.tensors, buffers, file)
            self._steps.append((taken, made))
            self.layers.append(layer)

    def forward(self, pixels: Tensor) -> Tensor:
        found = {self._source: (pixels - self._zero) * self._scale}
        for (taken, made), layer in zip(self._steps, self.layers, strict=True):
            found[made] = layer(*(found[one] for one in taken))
        return found[self._last].mean((2, 3))


class _Convolution(nn.Module):
    """One convolution with the padding that TensorFlow calls SAME, and its activation function."""

    def __init__(self, weights: Tensor, bias: Tensor, *, stride: int, groups: int, most: float | None) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weights, requires_grad=False), nn.Parameter(bias, requires_grad=False)
        self._stride, self._groups, self._most = stride, groups, most

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[2]
        spare = [max((-(-side // self._stride) - 1) * self._stride + kernel - side, 0) for side in x.shape[2:]]
        before, after = spare[0] // 2, spare[0] - spare[0] // 2
        if before != after:
            x, before = F.pad(x, (before, after, before, after)), 0
        y = F.conv2d(x, self.weight, self.bias, self._stride, before, 1, self._groups)
        return y if self._most is None else y.clamp_(0, self._most)


class _Sum(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first + second


def _read(file: Path) -> tuple[Any, list[str], list[Any]]:
    """The file's graph, the names of its kinds of layers, its constants."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise MissingExtraError.of("ai-edge-litert", extra="train") from None
    model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
    return model.subgraphs[0], codes, [buffer.data for buffer in model.buffers]


def _layer(kind: str, operator: Any, tensors: list[Any], buffers: list[Any], file: Path) -> tuple[list[int], nn.Module]:
    """The tensors that a layer takes, and the layer."""
    if kind == "QUANTIZE":
        return [int(operator.inputs[0])], nn.Identity()
    if kind == "ADD":
        return operator.inputs.tolist(), _Sum()
    if kind not in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
        raise ModelError(f"{file} has a layer {kind}", cure="a teacher is made of convolutions and sums")
    weights, bias = (_floats(tensors[one], buffers) for one in operator.inputs[1:])
    # (O, H, W, I) in the file, (1, H, W, O) where each channel has a kernel of its own.
    alone = kind == "DEPTHWISE_CONV_2D"
    weights = weights.permute(3, 0, 1, 2) if alone else weights.permute(0, 3, 1, 2)
    options = operator.builtinOptions
    layer = _Convolution(
        weights.contiguous(),
        bias,
        stride=int(options.strideH),
        groups=len(weights) if alone else 1,
        most=ACTIVATIONS[options.fusedActivationFunction],
    )
    return [int(operator.inputs[0])], layer


def _floats(tensor: Any, buffers: list[Any]) -> Tensor:
    """A constant with its scale, as float32."""
    whole = np.frombuffer(buffers[tensor.buffer].tobytes(), WHOLE[tensor.type]).reshape(tensor.shape)
    scale, zero = _quantization(tensor)
    if len(scale) > 1:
        shape = [-1 if axis == tensor.quantization.quantizedDimension else 1 for axis in range(whole.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return torch.from_numpy(((whole.astype(np.float64) - zero) * scale).astype(np.float32))


def _quantization(tensor: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and zero point: one of each, or one for each channel."""
    found = tensor.quantization
    scale = np.asarray(found.scale, np.float64)
    zero = np.zeros(len(scale)) if found.zeroPoint is None else np.asarray(found.zeroPoint, np.float64)
    return scale, zero
