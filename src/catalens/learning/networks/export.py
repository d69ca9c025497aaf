"""A trained network as an ONNX file and its card."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from catalens.evaluation.intervals import Estimate
from catalens.images.prepare import Preprocess
from catalens.learning.networks.encoder import EncoderNetwork
from catalens.models.card import FILE, Card, Precision, Score, Task, TextTower
from catalens.models.runtimes.onnx import DETECTED
from catalens.types import FloatArray, ImageArray

TEST_SIZE = 224
"""Side of what the network is asked with: more than it learned with, for views of parts of photos show things larger
than a whole photo does (Touvron et al. 2019)."""
PREPROCESS = Preprocess(
    size=(TEST_SIZE, TEST_SIZE), fit="letterbox", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), pad=(255, 255, 255)
)
OPSET = 17
LICENSE = "Apache-2.0"
"""Of what is trained here."""
CALIBRATION, CALIBRATION_BATCH = 256, 32
"""Photos that the ranges of activations are taken from; more did not change them."""


def export_encoder(
    network: EncoderNetwork,
    folder: Path,
    *,
    training: Mapping[str, str],
    name: str,
    precision: Precision = "float32",
    weights: Path | None = None,
    text: TextTower | None = None,
    text_parameters: int = 0,
) -> Path:
    """Write `encoder.onnx` and `card.toml` of a trained encoder.

    Args:
        training: what the card says of the training.
        weights: the file, where it is written already; then `precision` is what it is in.
        text: the tower for words, where there is one, and how many parameters that has.

    Returns:
        The card's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if weights is None:
        weights = folder / "encoder.onnx"
        _write_encoder(network, weights)
    parameters = _count(network) + text_parameters
    return write_card(
        Card(
            name, "embed", weights, sha256(weights), PREPROCESS, network.dim, LICENSE, parameters, OPSET, precision,
            {"start": "random numbers", **training}, (), text=text,
        )
    )  # fmt: skip


def export_dense(
    network: nn.Module,
    folder: Path,
    *,
    name: str,
    task: Task,
    classes: Sequence[str],
    preprocess: Preprocess,
    photos: Sequence[ImageArray],
    training: Mapping[str, str],
    dim: int | None = None,
    scores: Sequence[Score] = (),
    precision: Precision = "int8",
) -> Path:
    """Write `network.onnx` and `card.toml` of a network with an output for every place of a picture.

    It takes pictures of any size that is a multiple of 32. Beside int8, `float32/` holds the same before quantising.
    `dim` counts the numbers for a place; None: one for each class, or one where there are none.

    Returns:
        The card's path.
    """
    card = Card(
        name, task, folder, "", preprocess, dim or max(len(classes), 1), LICENSE, _count(network), OPSET, precision,
        training, tuple(scores), classes=tuple(classes),
    )  # fmt: skip
    axes = {0: "n", 2: "h", 3: "w"}
    write = partial(
        export_onnx, network, (torch.zeros(2, 3, *preprocess.size),), inputs=["pictures"], outputs=["places"],
        axes={"pictures": axes, "places": axes},
    )  # fmt: skip
    return _write(card, folder, write, lambda exact, weights: quantize(exact, weights, photos, preprocess))


def export_detector(
    network: nn.Module,
    folder: Path,
    *,
    name: str,
    classes: Sequence[str],
    preprocess: Preprocess,
    photos: Sequence[ImageArray],
    training: Mapping[str, str],
    scores: Sequence[Score] = (),
    precision: Precision = "int8",
) -> Path:
    """Write `network.onnx` and `card.toml` of a two-stage detector, for one picture at a time, of any size.

    Returns:
        The card's path.
    """
    card = Card(
        name, "detect", folder, "", preprocess, len(classes), LICENSE, _count(network), OPSET, precision, training,
        tuple(scores), classes=tuple(classes),
    )  # fmt: skip
    write = partial(
        export_onnx, network, (torch.zeros(1, 3, *preprocess.size),), inputs=["pictures"], outputs=list(DETECTED),
        axes={"pictures": {2: "h", 3: "w"}, **{name: {0: "k"} for name in DETECTED}},
    )  # fmt: skip
    quantized = partial(quantize, photos=photos, preprocess=preprocess, batch=1, ops=("Conv", "Gemm"))
    return _write(card, folder, write, quantized)  # boxes need their digits


def _write(card: Card, folder: Path, write: Callable[[Path], None], quantized: Callable[[Path, Path], None]) -> Path:
    """Write weights and card; for int8 first both in float32, in a folder of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "network.onnx"
    if card.precision == "int8":
        exact = _write(replace(card, precision="float32"), folder / "float32", write, quantized)
        quantized(exact.with_name(weights.name), weights)
    else:
        write(weights)
    return write_card(replace(card, weights=weights, sha256=sha256(weights)))


def _count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def score_rows(scores: Mapping[str, Estimate]) -> tuple[Score, ...]:
    """Measured figures as a card has them."""
    return tuple(Score(name, one.value, one.n, one.low, one.high) for name, one in scores.items())


class _Unit(nn.Module):
    """The network with its vectors scaled to unit length, and the regions that they are the mean of."""

    def __init__(self, network: EncoderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        regions = self.network.regions(x)
        return nn.functional.normalize(regions.mean((2, 3))), regions.permute(0, 2, 3, 1)


def _write_encoder(network: EncoderNetwork, path: Path) -> None:
    example = torch.zeros(2, 3, TEST_SIZE, TEST_SIZE)
    axes = {"pictures": {0: "n"}, "vectors": {0: "n"}, "regions": {0: "n"}}
    export_onnx(_Unit(network), (example,), path, inputs=["pictures"], outputs=["vectors", "regions"], axes=axes)


def export_onnx(
    model: nn.Module,
    example: tuple[torch.Tensor, ...],
    path: Path,
    *,
    inputs: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
) -> None:
    """Write an ONNX file in evaluation mode, and check it; norms are folded into convolutions."""
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

    def __init__(self, photos: Sequence[ImageArray], preprocess: Preprocess, *, batch: int) -> None:
        rows = np.unique(np.linspace(0, len(photos) - 1, CALIBRATION).astype(int))
        rows = rows[: max(len(rows) // batch, 1) * batch]  # percentiles are taken of batches of one size
        self._batches: Iterator[FloatArray] = (
            np.stack([preprocess.apply(photos[row])[0] for row in rows[start : start + batch]])
            for start in range(0, len(rows), batch)
        )

    def get_next(self) -> dict[str, FloatArray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pictures": batch}


def quantize(
    exact: Path,
    weights: Path,
    photos: Sequence[ImageArray],
    preprocess: Preprocess,
    *,
    batch: int = CALIBRATION_BATCH,
    ops: Sequence[str] = (),
    but: tuple[str, ...] = (),
    percentile: float | None = None,
) -> None:
    """Static int8, of some operators or, where none is named, of all that can be.

    Weights keep 7 bits: CPUs without VNNI add pairs of products in 16 bits and would overflow.

    Args:
        but: beginnings of the names of nodes that stay as they are.
        percentile: 0..100 of the activations seen that ranges hold; None: all.
    """
    prepared = weights.with_suffix(".prepared.onnx")
    quant_pre_process(exact, prepared, skip_symbolic_shape=True)
    exactly = [node.name for node in onnx.load(str(prepared)).graph.node if node.name.startswith(but)]
    ranges: dict[str, Any] = {}
    if percentile is not None:
        ranges = {
            "calibrate_method": CalibrationMethod.Percentile,
            "extra_options": {"CalibPercentile": percentile},
        }
    quantize_static(
        prepared, weights, _Calibration(photos, preprocess, batch=batch), quant_format=QuantFormat.QDQ,
        per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        op_types_to_quantize=list(ops), nodes_to_exclude=exactly, **ranges,
    )  # fmt: skip
    prepared.unlink()


def write_card(card: Card) -> Path:
    """Write a card beside its weights; `models.card.read_card` reads it."""
    spec = card.preprocess
    lines = [
        f'name = "{card.name}"',
        f'task = "{card.task}"',
        f'weights = "{card.weights.name}"',
        f'sha256 = "{card.sha256}"',
        f"dim = {card.dim}",
        f"parameters = {card.parameters}",
        f"opset = {card.opset}",
        f'precision = "{card.precision}"',
        f'license = "{card.license}"',
        *([f"classes = {_json(list(card.classes))}"] if card.classes else []),
        "",
        "[preprocess]",
        f"size = {list(spec.size)}",
        f'fit = "{spec.fit}"',
        f"mean = {list(spec.mean)}",
        f"std = {list(spec.std)}",
        f"pad = {list(spec.pad)}",
    ]
    if card.text is not None:
        lines += ["", "[text]", f'weights = "{card.text.weights.name}"', f'sha256 = "{card.text.sha256}"']
        lines += [f'tokens = "{card.text.tokens}"', f"known = {_json(list(card.text.known))}"]
    lines += ["", "[training]", *(f"{_json(key)} = {_json(value)}" for key, value in card.training.items())]
    for score in card.scores:
        lines += ["", "[[scores]]", f'name = "{score.name}"', f"value = {score.value:.4f}", f"n = {score.n}"]
        lines += [f"interval = [{score.low:.4f}, {score.high:.4f}]"]
    path = card.weights.with_name(FILE)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _json(value: object) -> str:
    """TOML writes texts and lists of texts as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def sha256(weights: Path) -> str:
    """Hash of a file, in hexadecimal."""
    return hashlib.sha256(weights.read_bytes()).hexdigest()
