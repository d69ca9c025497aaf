"""Networks of the Transformers library, from a folder or the hub: CLIP, SigLIP, DINOv2, ViT, ResNet, ConvNeXt, Swin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import ModelError, first_line
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import find, hub_errors, imports, load, quiet
from catalens.models.hub.processor import read_processor
from catalens.types import FloatArray

CLASS_TOKEN = frozenset({"vit", "dinov2", "dinov2_with_registers", "deit", "vit_msn"})
"""Families whose first token is what they say of the whole picture; others pool by themselves."""
LOWERCASED = frozenset({"siglip", "siglip2"})
"""Families taught with small letters, every text padded to the longest, the padding not masked (Zhai et al. 2023)."""


class HubNetwork:
    """A network of the Transformers library as an encoder's network: pictures, and words where it knows them.

    Args:
        source: a folder, or an id on the hub.
        device, dtype: as `models.device` says. The identity of the vector space is that of the weights as published.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        UsageError: a device that is not there, or half precision on the processor.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it is no network for pictures, some of its weights are missing, or it asks to run its own code.
    """

    def __init__(self, source: str, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        transformers, torch = imports()
        self._torch = torch
        torch.set_num_threads(threads or settings.threads())
        self.runs_on = place_torch(torch, device, dtype)
        with quiet(transformers), hub_errors(source):
            model, info = load(transformers.AutoModel, source, output_loading_info=True)
            self.preprocess = read_processor(source, find=lambda name: find(source, name))
            self._tokenizer = load(transformers.AutoTokenizer, source) if hasattr(model, "get_text_features") else None
        self._model = model.eval().float()
        self._family = str(model.config.model_type)
        missing = _unused(info["missing_keys"], self._family, source)
        self.identity = f"{Path(source).name}@{self._digest(missing)}"
        self._move()
        blank = np.zeros((1, 3, *self.preprocess.size), np.float32)
        found = self(blank)
        if not np.isfinite(found).all() and dtype == AUTO:  # too large for half precision
            self.runs_on = place_torch(torch, device, "float32")
            self._move()
            found = self(blank)
        self.dim = int(found.shape[1])

    def _move(self) -> None:
        self._model = self._model.to(self.runs_on.device, getattr(self._torch, self.runs_on.dtype))

    @property
    def has_text(self) -> bool:
        """Whether it knows words."""
        return self._tokenizer is not None

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) prepared -> (N, D), not yet of unit length.

        Raises:
            ModelError: it takes something else than pictures.
        """
        pixels = self._torch.from_numpy(np.ascontiguousarray(batch, np.float32)).to(
            self._model.device, self._model.dtype
        )
        ask = getattr(self._model, "get_image_features", self._model)
        return self._asked(lambda: ask(pixel_values=pixels), f"pictures of {batch.shape[1:]}")

    def texts(self, texts: Sequence[str]) -> FloatArray:
        """N texts -> (N, D), not yet of unit length.

        Raises:
            ModelError: it knows no words.
        """
        if self._tokenizer is None:
            raise ModelError(f"{self.identity} knows no words", cure="name an encoder that does")
        whole = self._family in LOWERCASED
        tokens = self._tokenizer(
            [text.lower() for text in texts] if whole else list(texts),
            padding="max_length" if whole else True,
            truncation=True,
            max_length=getattr(getattr(self._model.config, "text_config", None), "max_position_embeddings", None),
            return_tensors="pt",
        )
        names = ("input_ids",) if whole else ("input_ids", "attention_mask")
        given = {name: tokens[name].to(self._model.device) for name in names if name in tokens}
        return self._asked(lambda: self._model.get_text_features(**given), f"{len(texts)} texts")

    def _asked(self, ask: Callable[[], Any], what: str) -> FloatArray:
        try:
            with self._torch.inference_mode():
                found = _pooled(ask(), self._family).flatten(1).float().cpu().numpy()
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ModelError(
                f"a network of the family {self._family!r} does not take {what}: {first_line(error)}",
                cure="name a network for pictures with its own image processor beside it",
            ) from None
        return np.asarray(found, np.float32)

    def _digest(self, left_out: Collection[str]) -> str:
        """Twelve digits that change with any weight and with how pictures are prepared."""
        digest = hashlib.sha256(repr(self.preprocess).encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            if name not in left_out:
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(tensor.detach().numpy()).data)
        return digest.hexdigest()[:12]


def _pooled(output: Any, family: str) -> Any:
    """The vector of the whole: features as they are, the class token, or what the network pooled."""
    if hasattr(output, "shape"):
        return output
    if family in CLASS_TOKEN:
        return output.last_hidden_state[:, 0]
    pooled = getattr(output, "pooler_output", None)
    return pooled if pooled is not None else output.last_hidden_state.mean(1)


def _unused(missing: Collection[str], family: str, source: str) -> frozenset[str]:
    """Weights that are not in the files and not asked for: the library fills them with new random numbers.

    Raises:
        ModelError: one that is asked for is not there.
    """
    unused = {name for name in missing if family in CLASS_TOKEN and name.startswith("pooler.")}
    needed = sorted(set(missing) - unused)
    if needed:
        raise ModelError(
            f"{source} has no weights for {len(needed)} parts of the network, such as {needed[0]}",
            cure="its vectors would be noise: take weights that belong to its config.json",
        )
    return frozenset(unused)
