"""The encoder of a catalog: loaded when first needed, refused where its vectors and the catalog's do not compare."""

from __future__ import annotations

import threading

import numpy as np

from catalens.errors import ModelError
from catalens.models.device import AUTO
from catalens.storage.pictures import deep_space
from catalens.storage.store import Store
from catalens.tasks.embed import Encoder
from catalens.tasks.embed import encoder as load_encoder
from catalens.types import FloatArray


class ChosenEncoder:
    """The encoder that a catalog was opened with. Any number of threads may ask for it.

    Args:
        chosen: a bundled encoder's name, a folder with a card, or an `Encoder`; the bundled one where None.
        device, dtype: where one that is named runs, and in which precision (`models.device`).
    """

    def __init__(self, chosen: str | Encoder | None, *, device: str = AUTO, dtype: str = AUTO) -> None:
        self._chosen, self._device, self._dtype = chosen, device, dtype
        self._loaded: Encoder | None = None
        self._loading = threading.Lock()

    def load(self) -> Encoder:
        """Return it, whatever the catalog holds."""
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load(self._chosen)
            return self._loaded

    def of(self, store: Store) -> Encoder:
        """Return it, provided that the catalog has vectors of its space (or none at all yet).

        Raises:
            ModelError: it has vectors of others only.
        """
        encoder = self.load()
        _refuse_other_space(store, encoder)
        return encoder

    def to_add(self, store: Store, *, asked: str | Encoder | None) -> Encoder:
        """Return the encoder for pictures that come in: the one that is asked for, whatever the catalog holds.

        Raises:
            ModelError: none was ever chosen, and the catalog has vectors of others only.
        """
        chosen = self._chosen if asked is None else asked
        # Each worker of an `add` runs the network by itself: cheaper by a fifth than all of them sharing threads.
        encoder = self._load(chosen, threads=1)
        if chosen is None:
            _refuse_other_space(store, encoder)
        return encoder

    def _load(self, chosen: str | Encoder | None, *, threads: int | None = None) -> Encoder:
        if chosen is None or isinstance(chosen, str):
            return load_encoder(chosen, threads=threads, device=self._device, dtype=self._dtype)
        return chosen


def unit_vector(vector: FloatArray, *, dim: int, sku: str) -> FloatArray:
    """(D,) of any length -> of unit length, checked.

    Raises:
        ModelError: it has another dimension, is not finite, or has no length.
    """
    if vector.shape != (dim,):
        raise ModelError(
            f"the vector of {sku} has {vector.size} numbers and the encoder gives {dim}",
            cure="name the encoder that made the vectors",
        )
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-6:
        raise ModelError(f"the vector of {sku} has no direction", cure="leave it out of the dump")
    return np.asarray(vector / np.float32(length), np.float32)


def _refuse_other_space(store: Store, encoder: Encoder) -> None:
    names = [space.name for space in store.spaces() if space.name.startswith("deep:")]
    if names and deep_space(encoder) not in names:
        built = ", ".join(name.removeprefix("deep:") for name in names)
        raise ModelError(
            f"{store.folder or 'the catalog'} was embedded by {built}, and the encoder is {encoder.name}: "
            "their vectors do not compare",
            cure="embed its pictures again with `catalens catalog upgrade`, which says first how long that takes, or "
            "open it with the encoder of that name: --encoder NAME",
        )
