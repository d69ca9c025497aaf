"""A trained encoder as what ships: an ONNX file and its card."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
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
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from catalens.evaluation.intervals import Estimate
from catalens.images.prepare import Preprocess
from catalens.learning.networks.encoder import EncoderNetwork, TextNetwork
from catalens.learning.networks.pretrained import COUNTED, HEAD, LOOKS, STEM
from catalens.models.card import FILE, Card, Precision, Score, Task, TextTower
from catalens.models.runtimes.onnx import DETECTED
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.types import FloatArray, ImageArray

TEST_SIZE = 224
"""Side of what the network is asked with: more than it learned with, for views of parts of photos show things larger
than a whole photo does (Touvron et al. 2019)."""
PREPROCESS = Preprocess(
    size=(TEST_SIZE, TEST_SIZE), fit="letterbox", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), pad=(255, 255, 255)
)
TOGETHER = 32
"""Pictures that are looked at at once."""
OPSET = 17
LICENSE = "Apache-2.0"
"""Of what is trained here."""
PLACES = ("Conv", "Add", "Relu")
"""Operators of the trunk and of branches, which take nearly all the time."""
EXACT = (COUNTED, LOOKS, HEAD, *STEM)
"""Begin the names of the encoder's layers that stay in floating point: the first, and small ones whose numbers are a
vector's own. In whole numbers they made a third of what vectors lose by them, and take next to no time.
"""
MOST = 99.999
"""Of the encoder's activations, percent: a few beyond are cut off, so that the others are told apart more finely."""
CALIBRATION, CALIBRATION_BATCH = 256, 32
"""Photos that the ranges of activations are taken from; more did not change them."""

DATA = (
    "clothing-dataset-small train (CC0), GroceryStoreDataset train and its shop pictures (MIT), "
    "AWS retail-demo-store (MIT-0), Clothing Co-Parsing photos, tags and masks (Apache-2.0), "
    "Fashion-MNIST train, dyed (MIT), people of the street photos dressed in other colors, "
    "rendered products of our own; words: a vocabulary of our own; "
    "targets: features of MobileNet EdgeTPU 1.0 224 and MobileNetV2 1.0 224 (Apache-2.0), colors and the labels"
)


def prepared(squares: Sequence[ImageArray], *, device: torch.device) -> Iterator[torch.Tensor]:
    """Batches of pictures as the encoder is asked with them."""
    for start in range(0, len(squares), TOGETHER):
        some = [PREPROCESS.apply(square)[0] for square in squares[start : start + TOGETHER]]
        yield torch.from_numpy(np.stack(some)).to(device)


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
    if precision == "int8":
        exact = export_encoder(
            network, words, folder / "float32", known=known, photos=photos, training=training, precision="float32",
            name=name, data=data,
        ).with_name(weights.name)  # fmt: skip
        quantize(exact, weights, photos, PREPROCESS, ops=PLACES, but=EXACT, percentile=MOST)
        if words is not None:
            _quantize_words(exact.with_name(text.name), text)
    else:
        _write_onnx(network, weights)
    card = Card(
        name=name,
        task="embed",
        weights=weights,
        sha256=sha256(weights),
        preprocess=PREPROCESS,
        dim=network.dim,
        license=LICENSE,
        parameters=sum(p.numel() for tower in (network, words) if tower is not None for p in tower.parameters()),
        opset=OPSET,
        precision=precision,
        training={"data": data, "start": "random numbers", **training},
        scores=(),
        text=None if words is None else TextTower(text, sha256(text), "ngrams-1", tuple(known)),
    )
    return write_card(card)


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
    """Write `network.onnx` and `card.toml` of a network that says something of every place of a picture.

    It takes pictures of any size that is a multiple of 32. Beside int8, `float32/` holds the same before quantising.
    `dim` counts the numbers that it gives of a place; None: one for each class, or one where there are none.

    Returns:
        The card's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "network.onnx"
    if precision == "int8":
        exact = export_dense(
            network, folder / "float32", name=name, task=task, classes=classes, preprocess=preprocess, photos=photos,
            training=training, dim=dim, scores=scores, precision="float32",
        ).with_name(weights.name)  # fmt: skip
        quantize(exact, weights, photos, preprocess)
    else:
        axes = {0: "n", 2: "h", 3: "w"}
        export_onnx(
            network, (torch.zeros(2, 3, *preprocess.size),), weights, inputs=["pictures"], outputs=["places"],
            axes={"pictures": axes, "places": axes},
        )  # fmt: skip
    parameters = sum(p.numel() for p in network.parameters())
    return write_card(
        Card(
            name, task, weights, sha256(weights), preprocess, dim or max(len(classes), 1), LICENSE, parameters, OPSET,
            precision, training, tuple(scores), classes=tuple(classes),
        )
    )  # fmt: skip


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
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "network.onnx"
    if precision == "int8":
        exact = export_detector(
            network, folder / "float32", name=name, classes=classes, preprocess=preprocess, photos=photos,
            training=training, scores=scores, precision="float32",
        ).with_name(weights.name)  # fmt: skip
        quantize(exact, weights, photos, preprocess, batch=1, ops=("Conv", "Gemm"))  # boxes need their digits
    else:
        export_onnx(
            network, (torch.zeros(1, 3, *preprocess.size),), weights, inputs=["pictures"], outputs=list(DETECTED),
            axes={"pictures": {2: "h", 3: "w"}, **{name: {0: "k"} for name in DETECTED}},
        )  # fmt: skip
    parameters = sum(p.numel() for p in network.parameters())
    return write_card(
        Card(
            name, "detect", weights, sha256(weights), preprocess, len(classes), LICENSE, parameters, OPSET,
            precision, training, tuple(scores), classes=tuple(classes),
        )
    )  # fmt: skip


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


def _write_onnx(network: EncoderNetwork, path: Path) -> None:
    example = torch.zeros(2, 3, TEST_SIZE, TEST_SIZE)
    axes = {"pictures": {0: "n"}, "vectors": {0: "n"}, "regions": {0: "n"}}
    export_onnx(_Unit(network), (example,), path, inputs=["pictures"], outputs=["vectors", "regions"], axes=axes)


def _write_words(words: TextNetwork, path: Path) -> None:
    example = (torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3))
    axes = {"grams": {0: "n", 1: "l"}, "weights": {0: "n", 1: "l"}, "vectors": {0: "n"}}
    export_onnx(words, example, path, inputs=["grams", "weights"], outputs=["vectors"], axes=axes)


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


def _quantize_words(exact: Path, weights: Path) -> None:
    """The n-grams' vectors and the layers in 8 bits; sums and activations stay in floating point."""
    quantize_dynamic(exact, weights, op_types_to_quantize=["Gather", "MatMul", "Gemm"], weight_type=QuantType.QInt8)


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
