"""The encoder's two networks, for pictures and for words, as what ships: ONNX files in 8 bits and their card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from catalens.learning.networks.encoder import DIM, EncoderNetwork, part_lengths
from catalens.learning.networks.export import PREPROCESS, export_encoder, export_onnx, quantize, sha256
from catalens.learning.networks.pretrained import COUNTED, HEAD, LOOKS, STEM
from catalens.models.card import Precision, TextTower
from catalens.models.text import BUCKETS
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.types import ImageArray

GRAM_DIM, HIDDEN = 128, 512
TOGETHER = 32
"""Pictures that are looked at at once."""
PLACES = ("Conv", "Add", "Relu")
"""Operators of the trunk and of branches, which take nearly all the time."""
EXACT = (COUNTED, LOOKS, HEAD, *STEM)
"""Begin the names of the encoder's layers that stay in floating point: the first, and small ones whose numbers are a
vector's own. In whole numbers they made a third of what vectors lose by them, and take next to no time.
"""
MOST = 99.999
"""Of the encoder's activations, percent: a few beyond are cut off, so that the others are told apart more finely."""

DATA = (
    "clothing-dataset-small train (CC0), GroceryStoreDataset train and its shop pictures (MIT), "
    "AWS retail-demo-store (MIT-0), Clothing Co-Parsing photos, tags and masks (Apache-2.0), "
    "Fashion-MNIST train, dyed (MIT), people of the street photos dressed in other colors, "
    "rendered products of our own; words: a vocabulary of our own; "
    "targets: features of MobileNet EdgeTPU 1.0 224 and MobileNetV2 1.0 224 (Apache-2.0), colors and the labels"
)


class TextNetwork(nn.Module):
    """A weighted mean over vectors of character n-grams, and one hidden layer.

    (N, L) n-grams and (N, L) weights (`models.text.text_batch`) -> (N, dim) vectors, not yet of unit length.
    """

    def __init__(self, *, dim: int = DIM) -> None:
        super().__init__()
        self.grams = nn.Embedding(BUCKETS, GRAM_DIM)
        nn.init.normal_(self.grams.weight, std=0.5)
        self.norm = nn.LayerNorm(GRAM_DIM)
        self.hidden = nn.Linear(GRAM_DIM, HIDDEN)
        self.out = nn.Linear(HIDDEN, dim)
        self.straight = nn.Linear(GRAM_DIM, dim)

    def forward(self, grams: Tensor, weights: Tensor) -> Tensor:
        mean = self.norm((self.grams(grams) * weights[..., None]).sum(1))
        vectors: Tensor = self.out(F.gelu(self.hidden(mean))) + self.straight(mean)
        return vectors


def joined(kinds: Tensor, looks: Tensor | None, colors: Tensor | None) -> Tensor:
    """(N, dim), (N, look_dim) and (N, color_dim) of any length -> (N, their sum) of unit length."""
    parts = zip((kinds, looks, colors), part_lengths(looks, colors), strict=True)
    return torch.cat([F.normalize(one) * root for one, root in parts if one is not None], 1)


def prepared(squares: Sequence[ImageArray], *, device: torch.device) -> Iterator[torch.Tensor]:
    """Batches of pictures as the encoder is asked with them."""
    for start in range(0, len(squares), TOGETHER):
        some = [PREPROCESS.apply(square)[0] for square in squares[start : start + TOGETHER]]
        yield torch.from_numpy(np.stack(some)).to(device)


def export_towers(
    network: EncoderNetwork,
    words: TextNetwork | None,
    folder: Path,
    *,
    known: Sequence[str] = (),
    photos: Sequence[ImageArray],
    training: Mapping[str, str],
    precision: Precision = "int8",
    name: str = DEFAULT_ENCODER,
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
        exact = export_towers(
            network, words, folder / "float32", known=known, photos=photos, training=training, precision="float32",
            name=name,
        ).with_name(weights.name)  # fmt: skip
        quantize(exact, weights, photos, PREPROCESS, ops=PLACES, but=EXACT, percentile=MOST)
        if words is not None:  # vectors of n-grams and layers in 8 bits; sums and activations stay in floating point
            exact = exact.with_name(text.name)
            kinds = ["Gather", "MatMul", "Gemm"]
            quantize_dynamic(exact, text, op_types_to_quantize=kinds, weight_type=QuantType.QInt8)
    return export_encoder(
        network,
        folder,
        training={"data": DATA, "start": "random numbers", **training},
        name=name,
        precision=precision,
        weights=weights if precision == "int8" else None,
        text=None if words is None else TextTower(text, sha256(text), "ngrams-1", tuple(known)),
        text_parameters=0 if words is None else sum(p.numel() for p in words.parameters()),
    )


def _write_words(words: TextNetwork, path: Path) -> None:
    example = (torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3))
    axes = {"grams": {0: "n", 1: "l"}, "weights": {0: "n", 1: "l"}, "vectors": {0: "n"}}
    export_onnx(words, example, path, inputs=["grams", "weights"], outputs=["vectors"], axes=axes)
