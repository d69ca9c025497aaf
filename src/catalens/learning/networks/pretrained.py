"""The trainable network behind a card: its weights read back from the ONNX file, so that the wheel is enough.

An exported network has its batch norms folded into the convolutions, and may be quantised. Here the convolutions get
their weights back as floats, and each norm becomes the shift that it was folded to: in evaluation mode the network says
what the file says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from catalens.errors import MissingExtraError, ModelError
from catalens.models.card import Card

if TYPE_CHECKING:
    from catalens.learning.networks.encoder import EncoderNetwork

LOOK_LAYERS = 3
"""Layers of the branch for looks: the only ones over single points that come before the trunk."""
COUNTED, LOOKS = "/counted/", "/looks/"
"""Begin the names of the nodes that count colors, and of those of the branch for looks."""
HEAD, STEM = "/head/", ("/trunk.0/", "/trunk.2/")
"""Begin those of the layer that tells kinds, and those of the first one."""
ORIGIN = "head.origin"
"""Ends the name of what is added to what the last layer tells."""
BRANCHES = (COUNTED, LOOKS)
"""In the order in which the network has them, before the trunk."""
Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """One convolution or linear map: (O, I, K, K) weights, (O,) bias."""

    weights: Floats
    bias: Floats

    @property
    def kernel(self) -> int:
        return int(self.weights.shape[2])


def network_of(card: Card) -> EncoderNetwork:
    """The network of a card, to train on; in evaluation mode.

    Raises:
        MissingExtraError: torch or onnx is not installed.
        ModelError: the file holds a network of another kind.
    """
    layers = read_layers(card)
    try:
        from catalens.learning.networks.counting import BINS
        from catalens.learning.networks.encoder import EncoderNetwork
    except ImportError:
        raise MissingExtraError.of("torch", extra="train") from None
    counted = layers[:1] if layers and layers[0].weights.shape[1] == BINS else []
    layers = layers[len(counted) :]
    color_dim = len(counted[0].weights) if counted else 0
    look_dim = len(layers[LOOK_LAYERS - 1].weights) if len(layers) > LOOK_LAYERS and layers[0].kernel == 1 else 0
    dim = card.dim - look_dim - color_dim
    widths, blocks = _plan(layers[LOOK_LAYERS if look_dim else 0 :], dim, card)
    network = EncoderNetwork(widths=widths, blocks=blocks, dim=dim, look_dim=look_dim, color_dim=color_dim)
    _fill(network, counted, layers)
    return network.eval()


def read_layers(card: Card) -> list[Layer]:
    """The convolutions and linear maps of a card's ONNX file, as float32: those of the branches, then the trunk's, each
    from pictures to vectors.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError.of("onnx", extra="train") from None
    graph = onnx.load(str(card.weights)).graph
    constants = _constants(graph, onnx.numpy_helper.to_array)
    nodes = [node for node in graph.node if node.op_type in {"Conv", "Gemm"} and _is_fixed(node, constants)]
    # A quantised file lists branches and trunk mixed, as they can be computed.
    layers = [_layer(node, constants, card) for node in sorted(nodes, key=lambda node: _branch(node.name))]
    origin = next((value for name, value in constants.items() if name.endswith(ORIGIN)), None)
    if origin is None:
        raise _other_kind(card, f"{len(layers)} layers without a layout")
    return [*layers[:-1], replace(layers[-1], bias=np.array(origin, np.float32).reshape(-1))]


def _branch(name: str) -> int:
    """Place among `BRANCHES`; the trunk comes after them."""
    return next((place for place, branch in enumerate(BRANCHES) if branch in name), len(BRANCHES))


def _constants(graph: Any, to_array: Any) -> dict[str, NDArray[Any]]:
    """Initializers by name, with those that are quantised as floats under the name that the layers ask for."""
    found = {one.name: to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in found:
            axis = next((int(one.i) for one in node.attribute if one.name == "axis"), 1)
            values, scale, zero = (found[name] for name in node.input)
            shape = (
                [-1 if place == axis else 1 for place in range(values.ndim)] if scale.ndim and scale.size > 1 else []
            )
            floats = (values.astype(np.float32) - zero.reshape(shape or zero.shape)) * scale.reshape(
                shape or scale.shape
            )
            found[node.output[0]] = floats.astype(np.float32)
    return found


def _is_fixed(node: Any, constants: dict[str, NDArray[Any]]) -> bool:
    return len(node.input) > 1 and node.input[1] in constants


def _layer(node: Any, constants: dict[str, NDArray[Any]], card: Card) -> Layer:
    weights = np.asarray(constants[node.input[1]], np.float32)
    if node.op_type == "Gemm":
        if not any(one.name == "transB" and one.i for one in node.attribute):
            weights = weights.T
        weights = weights[:, :, None, None]
    bias = constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weights), np.float32)
    if weights.ndim != 4 or weights.shape[2] != weights.shape[3]:
        raise _other_kind(card, f"a layer of shape {weights.shape}")
    return Layer(np.array(weights, order="C"), np.array(bias, np.float32).reshape(-1))


def _plan(layers: list[Layer], dim: int, card: Card) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths and numbers of blocks of the stages; each begins with a convolution over patches of 4 or 2 pixels."""
    widths: list[int] = []
    threes: list[int] = []
    for layer in layers[:-1]:
        if layer.kernel in {2, 4} and layer.kernel == (2 if widths else 4):
            widths.append(len(layer.weights))
            threes.append(0)
        elif layer.kernel == 3 and widths:
            threes[-1] += 1
        else:
            raise _other_kind(card, f"a convolution of {layer.kernel} x {layer.kernel}")
    if (
        len(widths) < 2
        or layers[-1].weights.shape != (dim, sum(widths[-2:]), 1, 1)
        or any(count % 2 for count in threes)
    ):
        raise _other_kind(card, f"{len(layers)} layers that end in {layers[-1].weights.shape if layers else 'none'}")
    return tuple(widths), tuple(count // 2 for count in threes)


def _other_kind(card: Card, found: str) -> ModelError:
    return ModelError(
        f"{card.name} is not a network that can be tuned here: expected that of training/network.py and got {found}",
        cure="tune the bundled encoder; other networks serve with a head on their vectors",
    )


def _fill(network: EncoderNetwork, counted: list[Layer], layers: list[Layer]) -> None:
    """Weights of the counted colors' one layer, if there is one, which has no norm; and of those of looks and trunk."""
    import torch
    from torch import nn

    modules = list(network.modules())
    convolutions = [one for one in modules if isinstance(one, nn.Conv2d)]
    norms = [one for one in modules if isinstance(one, nn.BatchNorm2d)]
    with torch.no_grad():
        for convolution, layer in zip(convolutions, counted + layers, strict=True):
            convolution.weight.copy_(torch.from_numpy(layer.weights))
        for norm, layer in zip(norms, layers[:-1], strict=True):
            norm.running_var.fill_(1.0 - norm.eps)  # type: ignore[union-attr]
            norm.weight.fill_(1.0)
            norm.bias.copy_(torch.from_numpy(layer.bias))
        network.head.origin.copy_(torch.from_numpy(layers[-1].bias)[:, None, None])
