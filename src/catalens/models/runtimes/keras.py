"""Keras networks in `.keras` files, on whichever backend Keras finds (TensorFlow, JAX, torch)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from catalens import settings
from catalens.errors import MissingExtraError, ModelError, UsageError
from catalens.models.device import AUTO, RunsOn, place_torch, wanted_device, wanted_dtype
from catalens.models.runtimes.base import Run, chosen
from catalens.types import FloatArray


def load_keras(
    path: Path, *, output: str | None, threads: int, device: str = AUTO, dtype: str = AUTO
) -> tuple[Run, RunsOn]:
    """Load a file; what runs code of its own (Lambda layers) is refused. Keras' pictures have their channels last.

    Raises:
        MissingExtraError: Keras is not installed.
        ModelError: it is no network of Keras.
        UsageError: a device that is not there; a precision other than the file's.
    """
    del threads  # the backend's own setting
    keras, scope, runs_on = import_keras(device, dtype)
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
