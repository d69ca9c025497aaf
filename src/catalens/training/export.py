"""A trained encoder as what ships: an ONNX file and its card."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from catalens.images.prepare import Preprocess
from catalens.models.card import FILE, Precision
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.training.network import DIM, EncoderNetwork
from catalens.types import FloatArray, ImageArray

TEST_SIZE = 160
"""Side of what the network is asked with: that of the last part of training."""
PREPROCESS = Preprocess(
    size=(TEST_SIZE, TEST_SIZE), fit="letterbox", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), pad=(255, 255, 255)
)
OPSET = 17
CALIBRATION, CALIBRATION_BATCH = 256, 32
"""Photos that the ranges of activations are taken from; more did not change them."""

DATA = (
    "clothing-dataset-small train (CC0), GroceryStoreDataset train and its shop pictures (MIT), "
    "AWS retail-demo-store (MIT-0), Clothing Co-Parsing photos and tags (Apache-2.0); "
    "targets: features of MobileNet EdgeTPU 1.0 224 (Apache-2.0) and the labels"
)


def export_encoder(
    network: EncoderNetwork,
    folder: Path,
    *,
    photos: ImageArray,
    training: Mapping[str, str],
    precision: Precision = "int8",
) -> Path:
    """Write `encoder.onnx` and `card.toml`.

    Args:
        network: trained.
        photos: (N, S, S, 3) uint8 training photos, that the ranges of int8 are taken from.
        training: what the card says of the training, beside its data.

    Returns:
        The card's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "encoder.onnx"
    if precision == "int8":
        exact = folder / "encoder-float32.onnx"
        _write_onnx(network, exact)
        _quantize(exact, weights, photos)
        exact.unlink()
    else:
        _write_onnx(network, weights)
    card = folder / FILE
    card.write_text(_card(network, weights, training, precision), "utf-8")
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
    onnx.checker.check_model(str(path))


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # the base class is untyped
    """Photos, prepared as the network is asked with them, batch by batch."""

    def __init__(self, photos: ImageArray) -> None:
        rows = np.unique(np.linspace(0, len(photos) - 1, CALIBRATION).astype(int))
        self._batches: Iterator[FloatArray] = (
            np.stack([PREPROCESS.apply(photos[row])[0] for row in rows[start : start + CALIBRATION_BATCH]])
            for start in range(0, len(rows), CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, FloatArray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pictures": batch}


def _quantize(exact: Path, weights: Path, photos: ImageArray) -> None:
    """Static int8. Weights keep 7 bits: CPUs without VNNI add pairs of products in 16 bits and would overflow."""
    quant_pre_process(exact, exact, skip_symbolic_shape=True)
    quantize_static(
        exact, weights, _Calibration(photos), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip


def _card(network: EncoderNetwork, weights: Path, training: Mapping[str, str], precision: Precision) -> str:
    told = {"data": DATA, "start": "random numbers", **training}
    lines = [
        f'name = "{DEFAULT_ENCODER}"',
        'task = "embed"',
        f'weights = "{weights.name}"',
        f'sha256 = "{hashlib.sha256(weights.read_bytes()).hexdigest()}"',
        f"dim = {DIM}",
        f"parameters = {sum(p.numel() for p in network.parameters())}",
        f"opset = {OPSET}",
        f'precision = "{precision}"',
        'license = "Apache-2.0"',
        "",
        "[preprocess]",
        f"size = {list(PREPROCESS.size)}",
        f'fit = "{PREPROCESS.fit}"',
        f"mean = {list(PREPROCESS.mean)}",
        f"std = {list(PREPROCESS.std)}",
        f"pad = {list(PREPROCESS.pad)}",
        "",
        "[training]",
        *(f'{name} = "{text}"' for name, text in told.items()),
        "",
    ]
    return "\n".join(lines)
