"""Large networks through Diffusers: their files, and pictures from words.

Files come from a folder, from the cache, or once from the hub; code that lies beside weights is never run. On a GPU
where there is one, in half precision; on a processor such a network takes minutes for a picture.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from catalens import settings
from catalens.errors import MissingExtraError, ModelError, UsageError, first_line
from catalens.models.device import AUTO, RunsOn, place_torch
from catalens.models.hub.files import ask_hub, hub_errors, quiet
from catalens.models.zoo import Form, resolve
from catalens.types import ImageArray

SIDE = 1024
"""Of a painted background, in pixels, unless the network was made for less."""
STEPS = 30
"""Of the sampler."""
FORMS: tuple[Form, ...] = ("known", "hf")
"""What `model` may be here: a short name, an id on the hub, a folder."""
CURE = "give a folder as diffusers' save_pretrained writes it"


def imports() -> tuple[Any, Any]:
    """The libraries `diffusers` and `torch`.

    Raises:
        MissingExtraError: one of them, or transformers, is not installed.
    """
    try:
        import diffusers
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError.of(error.name or "diffusers", extra="diffusers") from None
    torch.set_num_threads(settings.threads())
    diffusers.utils.logging.set_verbosity_error()
    with quiet(transformers):
        diffusers.DiffusionPipeline  # noqa: B018  (loads the lazy module: what it says about torchvision is kept quiet)
    return diffusers, torch


def paint(
    words: str,
    *,
    model: str,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    steps: int | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> ImageArray:
    """Paint a picture from words.

    Args:
        model: a short name of `models.known`, an id on the hub, or a folder.
        size: (height, width), multiples of 8; the network's own where None.
        device, dtype: as `models.device` says.

    Returns:
        HWC uint8.

    Raises:
        UsageError: no words; or a licence that forbids commercial use or is not known, and was not accepted.
        MissingExtraError: diffusers, transformers or torch is not installed.
        NotFoundError: no such network here, and the hub cannot be reached or has none.
        ModelError: it is no network that paints from words.
    """
    return paint_many(
        words,
        model=model,
        seeds=[seed],
        size=size,
        steps=steps,
        accept_licence=accept_licence,
        device=device,
        dtype=dtype,
    )[0]


def paint_many(
    words: str,
    *,
    model: str,
    seeds: Sequence[int],
    size: tuple[int, int] | None = None,
    steps: int | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> list[ImageArray]:
    """A picture for each seed, the network loaded once; else as `paint`."""
    if not words.strip():
        raise UsageError("no words to paint from", cure="describe the background")
    found = resolve(model, task="paint", forms=FORMS, accept_licence=accept_licence)
    pipeline, torch = _pipeline(found.place, device, dtype)
    height, width = size or _own_size(pipeline)
    wanted: dict[str, Any] = {
        "prompt": words,
        "height": height,
        "width": width,
        "num_inference_steps": steps or (found.known and found.known.steps) or STEPS,
    }
    takes = inspect.signature(pipeline.__call__).parameters
    if "mask_image" in takes:  # one that fills holes: the hole is the whole picture
        wanted |= {
            "image": Image.new("RGB", (width, height), (127, 127, 127)),
            "mask_image": Image.new("L", (width, height), 255),
        }
    if "prompt" not in takes:
        raise ModelError(f"{model} does not paint from words", cure="name a text-to-image pipeline")
    made = []
    with called(model):
        for seed in seeds:
            found_one = pipeline(**wanted, generator=torch.Generator().manual_seed(seed)).images[0]
            made.append(np.asarray(found_one.convert("RGB"), np.uint8))
    return made


def _pipeline(source: str, device: str, dtype: str) -> tuple[Any, Any]:
    """A pipeline, ready to be called, and torch."""
    diffusers, torch = imports()
    runs_on = place_torch(torch, device, dtype)
    with files_of(source):
        pipeline = load(diffusers.DiffusionPipeline, source, torch_dtype=precision(torch, runs_on))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(runs_on.device), torch


def _own_size(pipeline: Any) -> tuple[int, int]:
    """The size that a pipeline was made for, at most SIDE."""
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    sample = getattr(getattr(network, "config", None), "sample_size", None)
    side = min(SIDE, sample * pipeline.vae_scale_factor) if isinstance(sample, int) else SIDE
    return side, side


@contextmanager
def called(model: str) -> Iterator[None]:
    """What goes wrong while a network works, in one sentence; the library's notes to its authors in none.

    Raises:
        ModelError: it did not work.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
        raise ModelError(f"{model} cannot be called: {first_line(error)}", cure="name another network") from None


def load(kind: Any, source: str, **options: Any) -> Any:
    """One of the library's objects: from a folder, else from the cache, else from the hub. Runs no code of others."""
    if Path(source).is_dir():
        return kind.from_pretrained(source, local_files_only=True, **options)
    try:
        return kind.from_pretrained(source, local_files_only=True, **options)
    except (OSError, ValueError):  # not in the cache, or cut off there
        ask_hub(source)
        return kind.from_pretrained(source, **options)


@contextmanager
def files_of(source: str) -> Iterator[None]:
    """What the library says of files that it cannot use, in one sentence; its advice to authors of files in none."""
    import transformers

    with quiet(transformers), hub_errors(source, cure=CURE):
        yield


def precision(torch: Any, runs_on: RunsOn) -> Any:
    """The library's word for a precision."""
    return getattr(torch, runs_on.dtype)


def encoded(vae: Any, image: ImageArray) -> Any:
    """HWC uint8 -> (1, C, h, w) latents of an autoencoder, not scaled."""
    import torch

    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1)
    return vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist.mode()


def decoded(vae: Any, latents: Any) -> ImageArray:
    """(1, C, h, w) latents, not scaled -> HWC uint8."""
    values = vae.decode(latents).sample[0].float().clamp(-1, 1).cpu().numpy()
    return np.asarray(np.round((values.transpose(1, 2, 0) + 1) * 127.5), np.uint8)
