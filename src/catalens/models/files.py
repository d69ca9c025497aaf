"""Networks in files of other tools, each with a small card beside it: ONNX, TorchScript or an exported program, Keras.

Beside `net.onnx` lies `net.toml`, which says how pictures are prepared:

    size = [224, 224]        # height, width
    fit = "crop"             # or letterbox, stretch
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]
    output = "image_embeds"  # which output to take, where a network has several

A pickle is never loaded. A further runtime is a function like those in `LOADERS`, and its line there.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np

from catalens import settings
from catalens.errors import ModelError, NotFoundError
from catalens.images.prepare import Fit, Preprocess
from catalens.models.keras_file import load_keras
from catalens.models.onnx import load_onnx
from catalens.models.openvino import load_openvino
from catalens.models.runtime import Loader
from catalens.models.torch_file import load_torch
from catalens.types import FloatArray

Kind: TypeAlias = Literal["onnx", "openvino", "torch", "keras"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LOADERS: Mapping[Kind, Loader] = {
    "onnx": load_onnx,
    "openvino": load_openvino,
    "torch": load_torch,
    "keras": load_keras,
}


KEYS = frozenset({"size", "fit", "mean", "std", "output"})
"""What such a card may say."""


@dataclass(frozen=True, slots=True)
class FileCard:
    """What lies beside a network's file. `output` names the one that is taken; None for the first."""

    preprocess: Preprocess
    output: str | None


class FileNetwork:
    """A network in a file: (N, 3, H, W) prepared pictures in, one vector for each out.

    Raises:
        NotFoundError: no file, or no card beside it.
        ModelError: the card or the file cannot be used.
        MissingExtraError: what it runs on is not installed.
    """

    has_text = False

    def __init__(self, kind: Kind, path: Path, *, threads: int | None = None) -> None:
        if not path.is_file():
            raise NotFoundError(f"no network at {path}", cure="check the path")
        card = read_file_card(path.with_suffix(".toml"))
        self.preprocess = card.preprocess
        self.identity = f"{path.stem}@{_digest(path, card)}"
        self._run = LOADERS[kind](path, output=card.output, threads=threads or settings.threads())
        self._is_single = False
        """Whether it was exported for one picture at a time, as is learned when it refuses more."""
        self.dim = int(self(np.zeros((1, 3, *card.preprocess.size), np.float32)).shape[1])

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 -> (N, D) float32, not yet of unit length.

        Raises:
            ModelError: it does not take this batch, or gives something else than one vector for each picture.
        """
        if self._is_single and len(batch) > 1:
            return np.concatenate([self(batch[row : row + 1]) for row in range(len(batch))])
        try:
            found = np.asarray(self._run(np.ascontiguousarray(batch, np.float32)), np.float32)
        except Exception as error:  # each runtime raises its own
            if len(batch) > 1:
                self._is_single = True
                return self(batch)
            raise ModelError(
                f"{self.identity} does not take pictures of {batch.shape[1:]}: {_first_line(error)}",
                cure="mend size and output on its card",
            ) from None
        if found.shape[:1] != (len(batch),) or max(found.shape[2:], default=1) > 1:
            raise ModelError(
                f"{self.identity} gives {found.shape} for {len(batch)} pictures and not one vector for each",
                cure="name another output on its card, or average over places before you export it",
            )
        return found.reshape(len(batch), -1)


def read_file_card(path: Path) -> FileCard:
    """The card beside a network's file.

    Raises:
        NotFoundError: there is none.
        ModelError: it says nonsense.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        height, width = (int(one) for one in table["size"])
        mean, std = (_triple(table.get(name, [0.5] * 3)) for name in ("mean", "std"))
        fit, output = table.get("fit", "crop"), table.get("output")
        if fit not in get_args(Fit) or min(height, width) < 1 or min(std) <= 0 or not isinstance(output, str | None):
            raise ValueError(f"fit {fit!r}, size {table['size']}, std {std}, output {output!r}")
        if table.keys() - KEYS:  # a misspelled "mean" would be taken for none, and vectors be wrong in silence
            raise ValueError(f"unknown keys {sorted(table.keys() - KEYS)}")
    except FileNotFoundError:
        raise NotFoundError(f"no card at {path}", cure="write one: size, fit, mean, std (docs/models.md)") from None
    except (ValueError, KeyError, TypeError) as error:  # of which that it is no TOML
        raise ModelError(f"{path} is no card: {error}", cure="write size, fit, mean, std and output") from None
    return FileCard(Preprocess(size=(height, width), fit=cast(Fit, fit), mean=mean, std=std), output)


def _triple(values: Any) -> tuple[float, float, float]:
    if not isinstance(values, list) or len(values) != 3:
        raise ValueError(f"expected three numbers and got {values!r}")
    return float(values[0]), float(values[1]), float(values[2])


def _digest(path: Path, card: FileCard) -> str:
    """Twelve digits that change with the file and with what its card says."""
    digest = hashlib.sha256(repr(card).encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:12]


def _first_line(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return said[0].rstrip(".") if said else type(error).__name__
