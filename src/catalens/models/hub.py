"""Networks of the Transformers library, from a folder or the hub: CLIP, SigLIP, DINOv2, ViT, ResNet, ConvNeXt, Swin ...

Pictures are prepared by our own code from the network's `preprocessor_config.json`, so that torchvision is not needed.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import MissingExtraError, ModelError, NotFoundError
from catalens.images.prepare import Fit, Preprocess
from catalens.types import FloatArray

CLASS_TOKEN = frozenset({"vit", "dinov2", "dinov2_with_registers", "deit", "beit"})
"""Families whose first token is what they say of the whole picture; others pool by themselves."""


class HubNetwork:
    """A network of the Transformers library as an encoder's network: pictures, and words where it knows them.

    Args:
        source: a folder, or an id on the hub, which is downloaded once and then read from the cache.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it is no network for pictures.
    """

    def __init__(self, source: str, *, threads: int | None = None) -> None:
        transformers, torch = _imports()
        self._torch = torch
        torch.set_num_threads(threads or settings.threads())
        with _quiet(transformers), _told(source):
            self._model = transformers.AutoModel.from_pretrained(source).eval()
            self.preprocess = _preprocess(_preprocessor(transformers, source), source)
        self._family = str(self._model.config.model_type)
        self._tokenizer = _tokenizer(transformers, source) if hasattr(self._model, "get_text_features") else None
        self.identity = f"{Path(source).name}@{_digest(self._model)}"
        self.dim = int(self(np.zeros((1, 3, *self.preprocess.size), np.float32)).shape[1])

    @property
    def has_text(self) -> bool:
        """Whether it knows words."""
        return self._tokenizer is not None

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) prepared -> (N, D), not yet of unit length."""
        pixels = self._torch.from_numpy(np.ascontiguousarray(batch, np.float32))
        with self._torch.inference_mode():
            if hasattr(self._model, "get_image_features"):
                found = _pooled(self._model.get_image_features(pixel_values=pixels), self._family)
            else:
                found = _pooled(self._model(pixel_values=pixels), self._family)
        return np.asarray(found.float().flatten(1).numpy(), np.float32)

    def texts(self, texts: Sequence[str]) -> FloatArray:
        """N texts -> (N, D), not yet of unit length."""
        if self._tokenizer is None:
            raise ModelError(f"{self.identity} knows no words", cure="name an encoder that does")
        padding = "max_length" if "siglip" in self._family else True
        tokens = self._tokenizer(list(texts), padding=padding, truncation=True, return_tensors="pt")
        given = {name: tokens[name] for name in ("input_ids", "attention_mask") if name in tokens}
        with self._torch.inference_mode():
            found = _pooled(self._model.get_text_features(**given), self._family)
        return np.asarray(found.float().numpy(), np.float32)


def _pooled(output: Any, family: str) -> Any:
    """The vector of the whole: features as they are, the class token, or what the network pooled."""
    if hasattr(output, "shape"):
        return output
    if family in CLASS_TOKEN:
        return output.last_hidden_state[:, 0]
    pooled = getattr(output, "pooler_output", None)
    return pooled if pooled is not None else output.last_hidden_state.mean(1)


def _imports() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError.of(error.name or "transformers", extra="transformers") from None
    return transformers, torch


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Without the library's own advice and progress bars."""
    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        transformers.logging.set_verbosity(level)


@contextmanager
def _told(source: str) -> Iterator[None]:
    """What the library says of a name that it cannot use, in one sentence."""
    try:
        yield
    except (NotFoundError, ModelError):
        raise
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        said = str(error).strip().splitlines()
        reason = said[0] if said else type(error).__name__
        raise NotFoundError(
            f"{source} cannot be loaded: {reason}",
            cure="give a folder with config.json, weights and preprocessor_config.json, or check name and network",
        ) from None


def _preprocessor(transformers: Any, source: str) -> Mapping[str, Any]:
    name = "preprocessor_config.json"
    found = Path(source) / name if Path(source).is_dir() else transformers.utils.cached_file(source, name)
    try:
        return dict(json.loads(Path(found).read_text("utf-8")))
    except FileNotFoundError:
        raise NotFoundError(f"no {name} in {source}", cure="save the network's image processor beside it") from None


def _preprocess(config: Mapping[str, Any], source: str) -> Preprocess:
    """Our preparation from the library's; what is shrunk by its shorter side and cropped is "crop", else "stretch"."""
    crops = bool(config.get("do_center_crop")) or "shortest_edge" in (config.get("size") or {})
    size = _sides(config.get("crop_size") if config.get("do_center_crop") else config.get("size"))
    if size is None:
        raise ModelError(f"{source}: no size in its preprocessor", cure="mend preprocessor_config.json")
    scale = float(config.get("rescale_factor", 1 / 255)) * 255 if config.get("do_rescale", True) else 255.0
    normalized = config.get("do_normalize", True)
    mean = [float(one) / scale for one in (config.get("image_mean", [0.5] * 3) if normalized else [0.0] * 3)]
    std = [float(one) / scale for one in (config.get("image_std", [0.5] * 3) if normalized else [1.0] * 3)]
    fit: Fit = "crop" if crops else "stretch"
    return Preprocess(size=size, fit=fit, mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))


def _sides(size: object) -> tuple[int, int] | None:
    if isinstance(size, int):
        return size, size
    if isinstance(size, Mapping):
        if "height" in size:
            return int(size["height"]), int(size["width"])
        if "shortest_edge" in size:
            return int(size["shortest_edge"]), int(size["shortest_edge"])
    return None


def _tokenizer(transformers: Any, source: str) -> Any:
    with _quiet(transformers), _told(source):
        return transformers.AutoTokenizer.from_pretrained(source)


def _digest(model: Any) -> str:
    """Twelve digits that change with any weight."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
