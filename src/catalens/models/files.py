"""Networks in files of other tools, each with a small card beside it: ONNX, TorchScript or an exported program, Keras.

Beside `net.onnx` lies `net.toml`, which says how pictures are prepared:

    size = [224, 224]        # height, width
    fit = "crop"             # or letterbox, stretch
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]

A pickle is never loaded.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np

from catalens import settings
from catalens.errors import MissingExtraError, ModelError, NotFoundError
from catalens.images.prepare import Fit, Preprocess
from catalens.models.onnx import open_session
from catalens.types import FloatArray

Kind: TypeAlias = Literal["onnx", "torch", "keras"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Run: TypeAlias = Callable[[FloatArray], Any]


class FileNetwork:
    """A network in a file: (N, 3, H, W) prepared pictures in, vectors out; what else it gives is flattened.

    Raises:
        NotFoundError: no file, or no card beside it.
        ModelError: the card or the file cannot be used.
        MissingExtraError: what it runs on is not installed.
    """

    has_text = False

    def __init__(self, kind: Kind, path: Path, *, threads: int | None = None) -> None:
        if not path.is_file():
            raise NotFoundError(f"no network at {path}", cure="check the path")
        self.preprocess = _card(path.with_suffix(".toml"))
        self.identity = f"{path.stem}@{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
        loaders = {"onnx": _onnx, "torch": _torch, "keras": _keras}
        self._run = loaders[kind](path, threads or settings.threads())
        self.dim = int(self(np.zeros((1, 3, *self.preprocess.size), np.float32)).shape[1])

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 -> (N, D) float32, not yet of unit length."""
        try:
            found = np.asarray(self._run(np.ascontiguousarray(batch, np.float32)), np.float32)
        except Exception as error:  # each runtime raises its own
            raise ModelError(
                f"{self.identity} does not take pictures of {batch.shape[1:]}: {type(error).__name__}",
                cure="mend the size on its card, and export it with a free number of pictures",
            ) from None
        return found.reshape(len(batch), -1)


def _card(path: Path) -> Preprocess:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        height, width = (int(one) for one in table["size"])
        mean, std = ([float(one) for one in table.get(name, [0.5] * 3)] for name in ("mean", "std"))
        fit = table.get("fit", "crop")
        if fit not in get_args(Fit) or min(height, width) < 1:
            raise ValueError(f"fit {fit!r}, size {table['size']}")
        triple = (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])
    except FileNotFoundError:
        raise NotFoundError(f"no card at {path}", cure="write one: size, fit, mean, std (docs/models.md)") from None
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelError(f"{path} is no card: {error}", cure="write size, fit, mean and std") from None
    return Preprocess(size=(height, width), fit=cast(Fit, fit), mean=triple[0], std=triple[1])


def _onnx(path: Path, threads: int) -> Run:
    session = open_session(path, threads=threads)
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


def _torch(path: Path, threads: int) -> Run:
    """TorchScript (.pt), or an exported program (.pt2): archives of code and weights, not pickles of objects."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError.of("torch", extra="train") from None
    torch.set_num_threads(threads)
    try:
        is_program = path.suffix == ".pt2"
        network = torch.export.load(path).module() if is_program else torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:  # a plain pickle fails here, in one of many ways
        raise ModelError(
            f"{path} is neither TorchScript nor an exported program ({type(error).__name__})",
            cure="write it with torch.jit.save or torch.export.save; a pickle is never loaded",
        ) from None

    def run(batch: FloatArray) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(batch)).float().numpy()

    return run


def _keras(path: Path, threads: int) -> Run:
    """A `.keras` file, on whichever backend Keras finds; its pictures have their channels last."""
    del threads  # the backend's own setting
    settings.prefer_torch_for_keras()
    try:
        import keras
    except ImportError:
        raise MissingExtraError.of("keras", extra="keras") from None
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ModelError(f"{path} is no Keras network ({type(error).__name__})", cure="save it as .keras") from None
    return lambda batch: keras.ops.convert_to_numpy(network(batch.transpose(0, 2, 3, 1), training=False))
