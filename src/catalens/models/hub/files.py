"""Networks of the Transformers library as files: in a folder, in the cache, on the hub.

A network from the hub is downloaded once; what is in the cache is used without asking the hub again. Code that lies
beside weights is never run.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catalens.errors import CatalensError, MissingExtraError, ModelError, NotFoundError, first_line

HUB_WAIT_S = 5.0
"""How long the hub may take to say that it has a network."""


def imports() -> tuple[Any, Any]:
    """The libraries `transformers` and `torch`.

    Raises:
        MissingExtraError: one of them is not installed.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError.of(error.name or "transformers", extra="transformers") from None
    return transformers, torch


def load(kind: Any, source: str, **options: bool) -> Any:
    """One of the library's objects: from a folder, else from the cache, else from the hub."""
    import huggingface_hub

    is_folder = Path(source).is_dir()
    if is_folder or isinstance(huggingface_hub.try_to_load_from_cache(source, "config.json"), str):
        try:
            return kind.from_pretrained(source, trust_remote_code=False, local_files_only=True, **options)
        except (OSError, ValueError):  # in the cache: a download that was cut off, which goes on below
            if is_folder:
                raise
    ask_hub(source)
    return kind.from_pretrained(source, trust_remote_code=False, **options)


def find(source: str, name: str) -> Path | None:
    """One file of a network, None where it has none of that name."""
    import huggingface_hub

    if Path(source).is_dir():
        path = Path(source) / name
        return path if path.is_file() else None
    cached = huggingface_hub.try_to_load_from_cache(source, name)
    if cached is not None:  # a path, or what stands for "the hub has none"
        return Path(cached) if isinstance(cached, str) else None
    ask_hub(source)
    try:
        return Path(huggingface_hub.hf_hub_download(source, name))
    except huggingface_hub.errors.EntryNotFoundError:
        return None


def ask_hub(source: str) -> None:
    """Ask once, and quickly, whether the hub has a network: the library's own tries go on for half a minute.

    Raises:
        NotFoundError: the hub cannot be reached, or does not give it.
    """
    import huggingface_hub

    try:
        huggingface_hub.model_info(source, timeout=HUB_WAIT_S)
    except Exception as error:  # its HTTP client, and with it what is raised, differs by version
        raise NotFoundError(
            f"{source} is not on this machine, and the hub does not give it: {first_line(error)}",
            cure="check the name and the network, or name a folder: hf:FOLDER",
        ) from None


@contextmanager
def hub_errors(
    source: str,
    *,
    cure: str = "give a folder with config.json, weights, preprocessor_config.json and, for words, a tokenizer",
) -> Iterator[None]:
    """What the library says of a name that it cannot use, in one sentence, with the cure."""
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
            f"{source} cannot be loaded: {first_line(error)}",
            cure=cure,
        ) from None


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
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
