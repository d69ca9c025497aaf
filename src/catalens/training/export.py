"""A trained encoder as what ships: an ONNX file and its card."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from catalens.images.prepare import Preprocess
from catalens.models.card import FILE, Precision
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.training.network import EncoderNetwork, TextNetwork
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
    "AWS retail-demo-store (MIT-0), Clothing Co-Parsing photos, tags and masks (Apache-2.0), "
    "Fashion-MNIST train, dyed (MIT), rendered products of our own; words: a vocabulary of our own; "
    "targets: features of MobileNet EdgeTPU 1.0 224 (Apache-2.0), colors and the labels"
)


def export_encoder(
    network: EncoderNetwork,
    words: TextNetwork | None,
    folder: Path,
    *,
    known: Sequence[str] = (),
    photos: Sequence[ImageArray],
    training: Mapping[str, str],
    precision: Precision = "int8",
    name: str = DEFAULT_ENCODER,
    data: str = DATA,
) -> Path:
    """Write `encoder.onnx`, `text.onnx` and `card.toml`; beside int8 also `float32/`, the same before quantising.

    Args:
        network: trained; words: its text tower, None where there is none; known: what that was taught.
        photos: N of (S, S, 3) uint8, training photos, that the ranges of int8 are taken from.
        training: what the card says of the training, beside its data.

    Returns:
        The card's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights, text = folder / "encoder.onnx", folder / "text.onnx"
    if words is not None:
        _write_words(words, text)
    tower = text if words is not None else None
    if precision == "int8":
        exact = export_encoder(
            network, words, folder / "float32", known=known, photos=photos, training=training, precision="float32",
            name=name, data=data,
        ).with_name(weights.name)  # fmt: skip
        _quantize(exact, weights, photos)
        if words is not None:
            _quantize_words(exact.with_name(text.name), text)
    else:
        _write_onnx(network, weights)
    card = folder / FILE
    size = sum(p.numel() for tower in (network, words) if tower is not None for p in tower.parameters())
    told = {"data": data, "start": "random numbers", **training}
    text_of_card = _card(
        name, weights, tower, known, dim=network.dim, parameters=size, training=told, precision=precision
    )
    card.write_text(text_of_card, "utf-8")
    return card


class _Unit(nn.Module):
    """The network with its vectors scaled to unit length, and the regions that they are the mean of."""

    def __init__(self, network: EncoderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        regions = self.network.regions(x)
        return nn.functional.normalize(regions.mean((2, 3))), regions.permute(0, 2, 3, 1)


def _write_onnx(network: EncoderNetwork, path: Path) -> None:
    example = torch.zeros(2, 3, TEST_SIZE, TEST_SIZE)
    axes = {"pictures": {0: "n"}, "vectors": {0: "n"}, "regions": {0: "n"}}
    _export(_Unit(network), (example,), path, inputs=["pictures"], outputs=["vectors", "regions"], axes=axes)


def _write_words(words: TextNetwork, path: Path) -> None:
    example = (torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3))
    axes = {"grams": {0: "n", 1: "l"}, "weights": {0: "n", 1: "l"}, "vectors": {0: "n"}}
    _export(words, example, path, inputs=["grams", "weights"], outputs=["vectors"], axes=axes)


def _export(
    model: nn.Module,
    example: tuple[torch.Tensor, ...],
    path: Path,
    *,
    inputs: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
) -> None:
    model = model.eval().to("cpu")
    with warnings.catch_warnings():  # the exporter that folds norms into convolutions is called deprecated
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, example, str(path), input_names=inputs, output_names=outputs,
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    onnx.checker.check_model(str(path))


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # the base class is untyped
    """Photos, prepared as the network is asked with them, batch by batch."""

    def __init__(self, photos: Sequence[ImageArray]) -> None:
        rows = np.unique(np.linspace(0, len(photos) - 1, CALIBRATION).astype(int))
        self._batches: Iterator[FloatArray] = (
            np.stack([PREPROCESS.apply(photos[row])[0] for row in rows[start : start + CALIBRATION_BATCH]])
            for start in range(0, len(rows), CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, FloatArray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pictures": batch}


def _quantize(exact: Path, weights: Path, photos: Sequence[ImageArray]) -> None:
    """Static int8. Weights keep 7 bits: CPUs without VNNI add pairs of products in 16 bits and would overflow."""
    prepared = weights.with_suffix(".prepared.onnx")
    quant_pre_process(exact, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared, weights, _Calibration(photos), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    prepared.unlink()


def _quantize_words(exact: Path, weights: Path) -> None:
    """The n-grams' vectors and the layers in 8 bits; sums and activations stay in floating point."""
    quantize_dynamic(exact, weights, op_types_to_quantize=["Gather", "MatMul", "Gemm"], weight_type=QuantType.QInt8)


def _card(
    name: str,
    weights: Path,
    text: Path | None,
    known: Sequence[str],
    *,
    dim: int,
    parameters: int,
    training: Mapping[str, str],
    precision: Precision,
) -> str:
    lines = [
        f'name = "{name}"',
        'task = "embed"',
        f'weights = "{weights.name}"',
        f'sha256 = "{_sha256(weights)}"',
        f"dim = {dim}",
        f"parameters = {parameters}",
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
    ]
    if text is not None:
        lines += ["[text]", f'weights = "{text.name}"', f'sha256 = "{_sha256(text)}"', 'tokens = "ngrams-1"']
        lines += [f"known = {json.dumps(list(known), ensure_ascii=False)}", ""]
    lines += [
        "[training]",
        *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in training.items()),
        "",
    ]
    return "\n".join(lines)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
