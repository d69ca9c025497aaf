"""A trained encoder as what ships: an ONNX file and its card."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from catalens.models.card import FILE
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.training.network import DIM, EncoderNetwork

TEST_SIZE = 160
MEAN, STD = 0.5, 0.25
OPSET = 17

DATA = (
    "clothing-dataset-small train (CC0), GroceryStoreDataset train and its shop pictures (MIT), "
    "AWS retail-demo-store (MIT-0), Clothing Co-Parsing photos and tags (Apache-2.0); "
    "targets: features of MobileNet EdgeTPU 1.0 224 (Apache-2.0) and the labels"
)


def export_encoder(network: EncoderNetwork, folder: Path, *, training: Mapping[str, str]) -> Path:
    """Write `encoder.onnx` (weights as float16, computed in float32) and `card.toml`; returns the card's path."""
    weights = folder / "encoder.onnx"
    _write_onnx(network, weights)
    onnx.save(_halved(onnx.load(weights)), weights)
    card = folder / FILE
    card.write_text(_card(network, weights, training), "utf-8")
    return card


class _Unit(nn.Module):
    """The network with its vectors scaled to unit length."""

    def __init__(self, network: EncoderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(self.network(x))


def _write_onnx(network: EncoderNetwork, path: Path) -> None:
    model = _Unit(network).eval().to("cpu")
    example = torch.zeros(2, 3, TEST_SIZE, TEST_SIZE)
    axes = {"pictures": {0: "n"}, "vectors": {0: "n"}}
    with warnings.catch_warnings():  # the exporter that folds norms into convolutions is called deprecated
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (example,), str(path), input_names=["pictures"], output_names=["vectors"],
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep large weights as float16 and cast them when the file is loaded: half the size, the same speed."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and values.size >= 1024:
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def _card(network: EncoderNetwork, weights: Path, training: Mapping[str, str]) -> str:
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    told = {"data": DATA, "start": "random numbers", **training}
    lines = [
        f'name = "{DEFAULT_ENCODER}"',
        'task = "embed"',
        f'weights = "{weights.name}"',
        f'sha256 = "{digest}"',
        f"dim = {DIM}",
        f"parameters = {sum(p.numel() for p in network.parameters())}",
        'license = "Apache-2.0"',
        "",
        "[preprocess]",
        f"size = [{TEST_SIZE}, {TEST_SIZE}]",
        'fit = "letterbox"',
        f"mean = [{MEAN}, {MEAN}, {MEAN}]",
        f"std = [{STD}, {STD}, {STD}]",
        "pad = [255, 255, 255]",
        "",
        "[training]",
        *(f'{name} = "{text}"' for name, text in told.items()),
        "",
    ]
    return "\n".join(lines)
