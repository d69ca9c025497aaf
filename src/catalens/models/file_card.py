"""The small card beside a network's file, and what it says of the file's licence.

Beside `net.onnx` lies `net.toml`, which says how pictures are prepared, and what comes out:

    size = [224, 224]        # height, width
    fit = "crop"             # or letterbox, stretch
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]
    output = "image_embeds"  # which output to take, where a network has several
    classes = ["shirt", ...] # of a classifier or a network for segmentation, in the order of its outputs
    values = "logits"        # or "probabilities", what it gives for them; "minmax": scaled to 0..1 for each picture
    divisor = "brightest"    # pixels are divided by the largest value of the picture, not by 255
    license = "Apache-2.0"   # of the weights, an SPDX name
    origin = "..."           # where they are from
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np

from catalens.errors import ModelError, NotFoundError
from catalens.images.prepare import Fit, Placement, Preprocess
from catalens.models.untrusted import read_toml, size_of
from catalens.types import FloatArray, ImageArray

Kind: TypeAlias = Literal["onnx", "openvino", "torch", "keras"]
"""The tool that a file is of, and what stands before its path in a name."""
Values: TypeAlias = Literal["logits", "probabilities", "minmax"]
Divisor: TypeAlias = Literal["255", "brightest"]
KEYS = frozenset({"size", "fit", "mean", "std", "output", "classes", "values", "divisor", "license", "origin"})
"""What such a card may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByBrightest(Preprocess):
    """Preprocessing that divides the pixels by the largest value of the resized picture, as U2-Net was trained."""

    def apply(self, image: ImageArray) -> tuple[FloatArray, Placement]:
        prepared, placement = Preprocess.apply(self, image)
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (self.mean, self.std))
        shares = prepared * std + mean
        return np.asarray((shares / max(float(shares.max()), 1e-6) - mean) / std, np.float32), placement


@dataclass(frozen=True, slots=True)
class FileCard:
    """What lies beside a network's file. `output` names the one that is taken; None for the first."""

    preprocess: Preprocess
    output: str | None
    classes: tuple[str, ...] = ()
    values: Values = "logits"


@dataclass(frozen=True, slots=True)
class FileLicence:
    """What such a card says of where a network is from; "" where it says nothing."""

    license: str = ""
    origin: str = ""


def read_file_card(path: Path) -> FileCard:
    """The card beside a network's file.

    Raises:
        NotFoundError: there is none.
        ModelError: it says nonsense.
    """
    try:
        return file_card_of(read_toml(path))
    except NotFoundError:
        raise NotFoundError(f"no card at {path}", cure="write one: size, fit, mean, std (docs/models.md)") from None
    except (ModelError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ModelError(f"{path} is no card: {error}", cure="write size, fit, mean, std and output") from None


def file_card_of(table: Mapping[str, Any]) -> FileCard:
    """What the table of a card says.

    Raises:
        ValueError, KeyError, TypeError, OverflowError: it says nonsense.
    """
    height, width = size_of(*table["size"])
    mean, std = (_triple(table.get(name, [0.5] * 3)) for name in ("mean", "std"))
    fit, output, values = table.get("fit", "crop"), table.get("output"), table.get("values", "logits")
    classes, divisor = table.get("classes", []), table.get("divisor", "255")
    if fit not in get_args(Fit) or min(std) <= 0 or not isinstance(output, str | None):
        raise ValueError(f"fit {fit!r}, size {table['size']}, std {std}, output {output!r}")
    if values not in get_args(Values) or not all(isinstance(one, str) for one in classes):
        raise ValueError(f"values {values!r}, classes {classes!r}")
    if divisor not in get_args(Divisor):
        raise ValueError(f"divisor {divisor!r}")
    if table.keys() - KEYS:  # a misspelled "mean" would be taken for none, and vectors be wrong in silence
        raise ValueError(f"unknown keys {sorted(table.keys() - KEYS)}")
    kind = ByBrightest if divisor == "brightest" else Preprocess
    preprocess = kind(size=(height, width), fit=cast(Fit, fit), mean=mean, std=std)
    return FileCard(preprocess, output, tuple(classes), cast(Values, values))


def read_file_licence(path: Path) -> FileLicence:
    """Licence and origin as the card beside a network's file says them; empty where there is no card.

    Raises:
        ModelError: the card cannot be read, or says nonsense.
    """
    try:
        table = read_toml(path)
    except NotFoundError:
        return FileLicence()
    found = FileLicence(table.get("license", ""), table.get("origin", ""))
    if not all(isinstance(one, str) for one in (found.license, found.origin)):
        raise ModelError(f"{path} is no card: license and origin are texts", cure='write license = "Apache-2.0"')
    return found


def _triple(values: Any) -> tuple[float, float, float]:
    if not isinstance(values, list) or len(values) != 3:
        raise ValueError(f"expected three numbers and got {values!r}")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"expected finite numbers and got {values!r}")
    return float(values[0]), float(values[1]), float(values[2])
