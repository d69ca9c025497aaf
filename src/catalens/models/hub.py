"""Networks of the Transformers library, from a folder or the hub: CLIP, SigLIP, DINOv2, ViT, ResNet, ConvNeXt, Swin ...

A network from the hub is downloaded once; what is in the cache is used without asking the hub again. Code that lies
beside weights is never run.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import CatalensError, MissingExtraError, ModelError, NotFoundError
from catalens.models.processor import read_processor
from catalens.models.published import find_published
from catalens.types import FloatArray

CLASS_TOKEN = frozenset({"vit", "dinov2", "dinov2_with_registers", "deit", "vit_msn"})
"""Families whose first token is what they say of the whole picture; others pool by themselves."""
LOWERCASED = frozenset({"siglip", "siglip2"})
"""Families taught with small letters, every text padded to the longest, the padding not masked (Zhai et al. 2023)."""
HUB_WAIT_S = 5.0
"""How long the hub may take to say that it has a network."""


class HubNetwork:
    """A network of the Transformers library as an encoder's network: pictures, and words where it knows them.

    Args:
        source: a folder, or an id on the hub.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it is no network for pictures, some of its weights are missing, or it asks to run its own code.
    """

    def __init__(self, source: str, *, threads: int | None = None) -> None:
        transformers, torch = _imports()
        self._torch = torch
        torch.set_num_threads(threads or settings.threads())
        _refuse_own_code(source)
        with _quiet(transformers), _told(source):
            model, info = _load(transformers.AutoModel, source, output_loading_info=True)
            self.preprocess = read_processor(source, find=lambda name: _find(source, name))
            self._tokenizer = _load(transformers.AutoTokenizer, source) if hasattr(model, "get_text_features") else None
        self._model = model.eval().float()
        self._family = str(model.config.model_type)
        missing = _unused(info["missing_keys"], self._family, source)
        self.identity = f"{Path(source).name}@{self._digest(missing)}"
        self.dim = int(self(np.zeros((1, 3, *self.preprocess.size), np.float32)).shape[1])

    @property
    def has_text(self) -> bool:
        """Whether it knows words."""
        return self._tokenizer is not None

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) prepared -> (N, D), not yet of unit length.

        Raises:
            ModelError: it takes something else than pictures.
        """
        pixels = self._torch.from_numpy(np.ascontiguousarray(batch, np.float32))
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
        given = {name: tokens[name] for name in names if name in tokens}
        return self._asked(lambda: self._model.get_text_features(**given), f"{len(texts)} texts")

    def _asked(self, ask: Callable[[], Any], what: str) -> FloatArray:
        try:
            with self._torch.inference_mode():
                found = _pooled(ask(), self._family).flatten(1).numpy()
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ModelError(
                f"a network of the family {self._family!r} does not take {what}: {_first_line(error)}",
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


def _imports() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError.of(error.name or "transformers", extra="transformers") from None
    return transformers, torch


def _refuse_own_code(source: str) -> None:
    known = None if Path(source).is_dir() else find_published(source)
    if known is not None and known.library != "transformers":
        raise ModelError(
            f"{known.name} runs in {known.library}, not in Transformers alone",
            cure=f"export its network for pictures to ONNX and name it onnx:FILE ({known.source})",
        )


def _load(kind: Any, source: str, **options: bool) -> Any:
    """One of the library's objects: from a folder, else from the cache, else from the hub."""
    import huggingface_hub

    is_folder = Path(source).is_dir()
    if is_folder or isinstance(huggingface_hub.try_to_load_from_cache(source, "config.json"), str):
        try:
            return kind.from_pretrained(source, trust_remote_code=False, local_files_only=True, **options)
        except (OSError, ValueError):  # in the cache: a download that was cut off, which goes on below
            if is_folder:
                raise
    _ask_hub(source)
    return kind.from_pretrained(source, trust_remote_code=False, **options)


def _find(source: str, name: str) -> Path | None:
    """One file of a network, None where it has none of that name."""
    import huggingface_hub

    if Path(source).is_dir():
        path = Path(source) / name
        return path if path.is_file() else None
    cached = huggingface_hub.try_to_load_from_cache(source, name)
    if cached is not None:  # a path, or what stands for "the hub has none"
        return Path(cached) if isinstance(cached, str) else None
    _ask_hub(source)
    try:
        return Path(huggingface_hub.hf_hub_download(source, name))
    except huggingface_hub.errors.EntryNotFoundError:
        return None


def _ask_hub(source: str) -> None:
    """Ask once, and quickly, whether the hub has a network: the library's own tries go on for half a minute.

    Raises:
        NotFoundError: the hub cannot be reached, or does not give it.
    """
    import huggingface_hub

    try:
        huggingface_hub.model_info(source, timeout=HUB_WAIT_S)
    except Exception as error:  # its HTTP client, and with it what is raised, differs by version
        raise NotFoundError(
            f"{source} is not on this machine, and the hub does not give it: {_first_line(error)}",
            cure="check the name and the network, or name a folder: hf:FOLDER",
        ) from None


@contextmanager
def _told(source: str) -> Iterator[None]:
    """What the library says of a name that it cannot use, in one sentence."""
    try:
        yield
    except CatalensError:
        raise
    except Exception as error:  # damaged files come out of a dozen libraries in as many ways
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"{source} asks to run code of its own, which is never done",
                cure="export its network for pictures to ONNX and name it onnx:FILE",
            ) from None
        raise NotFoundError(
            f"{source} cannot be loaded: {_first_line(error)}",
            cure="give a folder with config.json, weights, preprocessor_config.json and, for words, a tokenizer",
        ) from None


def _first_line(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return said[0].rstrip(".") if said else type(error).__name__


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Without the libraries' own advice; with their progress bars on a terminal only."""
    level, bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    hub = logging.getLogger("huggingface_hub")
    hub_level = hub.level
    transformers.logging.set_verbosity_error()
    hub.setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        transformers.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        transformers.logging.set_verbosity(level)
        hub.setLevel(hub_level)
        if bars:
            transformers.logging.enable_progress_bar()
