"""Keras networks in `.keras` files, on whichever backend Keras finds (TensorFlow, JAX, torch)."""

from __future__ import annotations

from pathlib import Path

from catalens import settings
from catalens.errors import MissingExtraError, ModelError
from catalens.models.runtime import Run, chosen


def load_keras(path: Path, *, output: str | None, threads: int) -> Run:
    """Load a file; what runs code of its own (Lambda layers) is refused. Keras' pictures have their channels last.

    Raises:
        MissingExtraError: Keras is not installed.
        ModelError: it is no network of Keras.
    """
    del threads  # the backend's own setting
    settings.prefer_torch_for_keras()
    try:
        import keras
    except ImportError:
        raise MissingExtraError.of("keras", extra="keras") from None
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # a damaged archive comes out of several libraries
        raise ModelError(f"{path} is no Keras network ({type(error).__name__})", cure="save it as .keras") from None
    return lambda batch: keras.ops.convert_to_numpy(
        chosen(network(batch.transpose(0, 2, 3, 1), training=False), output)
    )
