"""Keras networks in `.keras` files, on whichever backend Keras finds (TensorFlow, JAX, torch)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from catalens import settings
from catalens.errors import MissingExtraError, ModelError, UsageError
from catalens.json_text import parse_json
from catalens.models.device import AUTO, RunsOn, place_torch, wanted_device, wanted_dtype
from catalens.models.runtimes.base import Run, chosen
from catalens.models.untrusted import MAX_CARD, regular_file
from catalens.types import FloatArray

SAFE_FROM = (3, 13, 2)
"""The first version of Keras whose safe mode refuses all known ways of a file to run code or read other files."""
_KERAS_REFUSED = frozenset({"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
"""Classes of Keras that run code of the file, or read other files."""


def load_keras(
    path: Path, *, output: str | None, threads: int, device: str = AUTO, dtype: str = AUTO
) -> tuple[Run, RunsOn]:
    """Load a file; what runs code of its own (Lambda layers) is refused. Keras' pictures have their channels last.

    Raises:
        MissingExtraError: Keras is not installed.
        ModelError: it is no network of Keras, or not of Keras' own layers alone; Keras is too old to load it safely.
        UsageError: a device that is not there; a precision other than the file's.
    """
    del threads  # the backend's own setting
    keras, scope, runs_on = import_keras(device, dtype)
    _check_version(keras.__version__)
    _check(path)
    try:
        with scope():
            network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # a damaged archive comes out of several libraries
        raise ModelError(f"{path} is no Keras network ({type(error).__name__})", cure="save it as .keras") from None

    def run(batch: FloatArray) -> Any:
        with scope():
            return keras.ops.convert_to_numpy(chosen(network(batch.transpose(0, 2, 3, 1), training=False), output))

    return run, runs_on


def import_keras(device: str, dtype: str) -> tuple[Any, Callable[[], AbstractContextManager[None]], RunsOn]:
    """Keras, a scope within which it uses a device, and that device; "auto" leaves it to the backend.

    Raises:
        MissingExtraError: Keras is not installed.
        UsageError: a device that is not there; a precision other than the file's.
    """
    wanted = wanted_device(device)
    if dtype not in {AUTO, "float32"}:
        wanted_dtype(dtype)
        raise UsageError(f"a Keras network runs as it was saved, not in {dtype}", cure='leave dtype="auto"')
    settings.prefer_torch_for_keras()
    try:
        import keras
    except ImportError:
        raise MissingExtraError.of("keras", extra="keras") from None
    if keras.backend.backend() == "torch":
        import torch

        runs_on = place_torch(torch, wanted, "float32")
        name = runs_on.device.replace("cuda", "gpu")
    elif wanted == AUTO:
        return keras, nullcontext, RunsOn(keras.backend.backend())
    else:
        name = wanted.replace("cuda", "gpu")
        runs_on = RunsOn(wanted)
    full = name if ":" in name else f"{name}:0"
    return keras, lambda: keras.device(full), runs_on


def _check_version(version: str) -> None:
    found = tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:3])
    if found < SAFE_FROM:
        raise ModelError(
            f"Keras {version} lets a file run code", cure=f"update it: keras>={'.'.join(map(str, SAFE_FROM))}"
        )


def _check(path: Path) -> None:
    """Check that a `.keras` archive is made of Keras' own layers alone.

    Raises:
        ModelError: it is none, names classes of other packages, or layers that run code of the file.
    """
    regular_file(path)
    try:
        if path.suffix != ".keras":
            raise ValueError("its name does not end in .keras")
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > MAX_CARD:
                raise ValueError("its configuration is too large")
            table = parse_json(archive.read("config.json"))
        refused = sorted(set(_foreign_classes(table)))
    except Exception as error:  # a damaged archive fails in many ways
        raise ModelError(f"{path} is no Keras network ({type(error).__name__})", cure="save it as .keras") from None
    if refused:
        raise ModelError(
            f"{path} runs code or reads files of its own: {', '.join(refused)}", cure="build it of Keras' own layers"
        )


def _foreign_classes(value: Any) -> Iterator[str]:
    """What of a configuration is not of Keras, or not harmless."""
    if isinstance(value, Mapping):
        module, name = value.get("module"), value.get("class_name")
        if isinstance(module, str) and module != "builtins" and module.partition(".")[0] != "keras":
            yield f"{module}.{name}"
        if name in _KERAS_REFUSED or (module == "builtins" and name != "function" and "config" in value):
            yield str(name)
        if isinstance(value.get("vocabulary"), str):
            yield "a vocabulary in another file"
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for child in children:
        yield from _foreign_classes(child)
