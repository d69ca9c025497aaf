"""Networks in files of other tools: ONNX, OpenVINO, TorchScript, Keras. `models.file_card` reads the card beside each.

A pickle is never loaded. A further runtime is a function like those in `LOADERS`, and its line there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from catalens import settings
from catalens.errors import ModelError, NotFoundError, UsageError, first_line
from catalens.models.device import AUTO
from catalens.models.file_card import FileCard, Kind, read_file_card
from catalens.models.runtimes.base import Loader
from catalens.models.runtimes.keras import load_keras
from catalens.models.runtimes.onnx import load_onnx
from catalens.models.runtimes.openvino import load_openvino
from catalens.models.runtimes.torch import load_torch
from catalens.models.untrusted import regular_file
from catalens.types import FloatArray

LOADERS: Mapping[Kind, Loader] = {
    "onnx": load_onnx,
    "openvino": load_openvino,
    "torch": load_torch,
    "keras": load_keras,
}
NEARLY = 1e-4
"""How close to 0 and 1 probabilities are kept, so that their logits are finite."""


class FileNetwork:
    """A network in a file: (N, 3, H, W) prepared pictures in, one vector for each out.

    Args:
        card: how it is fed, and what it gives; read from beside the file where None.
        device, dtype: as `models.device` says.

    Raises:
        NotFoundError: no file, or no card beside it.
        ModelError: the card or the file cannot be used.
        MissingExtraError: its runtime is not installed.
        UsageError: a device that is not there.
    """

    has_text = False

    def __init__(
        self,
        kind: Kind,
        path: Path,
        *,
        card: FileCard | None = None,
        threads: int | None = None,
        device: str = AUTO,
        dtype: str = AUTO,
    ) -> None:
        if not path.exists():
            raise NotFoundError(f"no network at {path}", cure="check the path")
        regular_file(path)
        card = card or read_file_card(path.with_suffix(".toml"))
        self.preprocess, self.classes, self._values = card.preprocess, card.classes, card.values
        self.identity = f"{path.stem}@{_digest(path, card)}"
        count = threads or settings.threads()
        self._run, self.runs_on = LOADERS[kind](path, output=card.output, threads=count, device=device, dtype=dtype)
        self._is_single = False
        """Whether it was exported for one picture at a time, as is learned when it refuses more."""
        self._outputs = self(np.zeros((1, 3, *card.preprocess.size), np.float32)).shape[1]

    @property
    def dim(self) -> int:
        """Numbers that it gives for a picture, or for each place of one."""
        return int(self._outputs)

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 -> (N, D) float32, not yet of unit length.

        Raises:
            ModelError: it does not take this batch, or gives something else than one vector for each picture.
        """
        found = self._answers(batch)
        if found.shape[:1] != (len(batch),) or max(found.shape[2:], default=1) > 1:
            raise ModelError(
                f"{self.identity} gives {found.shape} for {len(batch)} pictures and not one vector for each",
                cure="name another output on its card, or average over places before you export it",
            )
        return found.reshape(len(batch), -1)

    def _answers(self, batch: FloatArray) -> FloatArray:
        if self._is_single and len(batch) > 1:
            return np.concatenate([self._answers(batch[row : row + 1]) for row in range(len(batch))])
        try:
            return np.asarray(self._run(np.ascontiguousarray(batch, np.float32)), np.float32)
        except Exception as error:  # each runtime raises its own
            if len(batch) > 1:
                self._is_single = True
                return self._answers(batch)
            raise ModelError(
                f"{self.identity} does not take pictures of {batch.shape[1:]}: {first_line(error)}",
                cure="fix size and output on its card",
            ) from None

    def _logits(self, found: FloatArray) -> FloatArray:
        """What it gives as logits, whose softmax (of one output: sigmoid) are its probabilities."""
        if self._values == "logits":
            return found
        if self._values == "minmax":
            axes = tuple(range(1, found.ndim))
            least, most = found.min(axes, keepdims=True), found.max(axes, keepdims=True)
            found = (found - least) / np.maximum(most - least, np.float32(1e-6))
        likely = np.clip(found, NEARLY, 1 - NEARLY)
        return np.asarray(np.log(likely / (1 - likely)) if found.shape[1] == 1 else np.log(likely), np.float32)


class FileClassifier(FileNetwork):
    """A classifier in a file: (N, 3, H, W) -> (N, classes) logits. Arguments and errors are those of `FileNetwork`."""

    def __init__(
        self, kind: Kind, path: Path, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO
    ) -> None:
        super().__init__(kind, path, threads=threads, device=device, dtype=dtype)
        _check_classes(self.classes, self.dim, path)

    def __call__(self, batch: FloatArray) -> FloatArray:
        return self._logits(super().__call__(batch))


class FileDense(FileNetwork):
    """A network in a file that says something of every place: (N, 3, H, W) -> (N, C, h, w) logits.

    Arguments and errors are those of `FileNetwork`.
    """

    is_fixed = True

    def __call__(self, batch: FloatArray) -> FloatArray:
        found = self._answers(batch)
        found = found[:, None] if found.ndim == 3 else found
        if found.ndim != 4 or len(found) != len(batch) or min(found.shape[2:]) < 2:
            raise ModelError(
                f"{self.identity} gives {found.shape} for {len(batch)} pictures and not a map of each",
                cure="name another output on its card: (N, classes, height, width)",
            )
        return self._logits(found)


class FileParser(FileDense):
    """One that tells classes of places apart. Arguments and errors are those of `FileNetwork`."""

    def __init__(
        self, kind: Kind, path: Path, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO
    ) -> None:
        super().__init__(kind, path, threads=threads, device=device, dtype=dtype)
        _check_classes(self.classes, self.dim, path)


def file_kind(form: str) -> Kind:
    """The runtime of a form of `models.zoo` that is a file.

    Raises:
        UsageError: it is none.
    """
    if form not in LOADERS:
        raise UsageError(f"{form!r} is no file", cure=f"take one of {', '.join(LOADERS)}")
    return cast(Kind, form)


def _check_classes(classes: tuple[str, ...], count: int, path: Path) -> None:
    if len(classes) != count or count < 2 or len(set(classes)) < count:
        raise ModelError(
            f"{path} tells {count} classes apart and its card names {len(classes)}",
            cure='name each once, in order, as in classes = ["background", "dress"]',
        )


def _digest(path: Path, card: FileCard) -> str:
    """Twelve digits that change with the file and with how its card prepares pictures."""
    digest = hashlib.sha256(f"FileCard(preprocess={card.preprocess!r}, output={card.output!r})".encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:12]
