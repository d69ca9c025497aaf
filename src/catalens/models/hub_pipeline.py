"""Large networks that make pictures, through Diffusers: a background from words, a garment on a person.

Files come from a folder, from the cache, or once from the hub; code that lies beside weights is never run. On a GPU
where there is one, in half precision; on a processor such a network takes minutes for a picture.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from catalens import settings
from catalens.errors import MissingExtraError, ModelError, UsageError
from catalens.images.prepare import letterbox, resize
from catalens.models.hub_files import ask_hub, first_line, quiet, told
from catalens.models.makers import Maker, chosen
from catalens.types import ImageArray

SIDE = 1024
"""Of a painted background, in pixels, unless the network was made for less."""
STEPS = 30
"""Of the sampler."""
CATVTON_SIZE = (1024, 768)
"""(height, width) that CatVTON's mixed weights were made for: `mix-48k-1024`."""
CATVTON_STEPS, CATVTON_GUIDANCE = 50, 2.5
"""As in its own pipeline."""
CATVTON_WEIGHTS = "mix-48k-1024/attention/model.safetensors"
FASHN_CATEGORIES = {"dress": "one-pieces", "trousers": "bottoms", "skirt": "bottoms"}
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
) -> ImageArray:
    """Paint a picture from words.

    Args:
        model: a key of `models.makers`, an id on the hub, or a folder.
        size: (height, width), multiples of 8; the network's own where None.

    Returns:
        HWC uint8.

    Raises:
        UsageError: no words; or a licence that forbids commercial use or is not known, and was not accepted.
        MissingExtraError: diffusers, transformers or torch is not installed.
        NotFoundError: no such network here, and the hub cannot be reached or has none.
        ModelError: it is no network that paints from words.
    """
    if not words.strip():
        raise UsageError("no words to paint from", cure="describe the background")
    known, source = chosen(model, task="paint", accepted=accept_licence or settings.accepted_licence())
    pipeline, torch = _pipeline(source)
    height, width = size or _own_size(pipeline)
    wanted: dict[str, Any] = {
        "prompt": words,
        "height": height,
        "width": width,
        "num_inference_steps": steps or (known and known.steps) or STEPS,
        "generator": torch.Generator().manual_seed(seed),
    }
    takes = inspect.signature(pipeline.__call__).parameters
    if "mask_image" in takes:  # one that fills holes: the hole is the whole picture
        wanted |= {
            "image": Image.new("RGB", (width, height), (127, 127, 127)),
            "mask_image": Image.new("L", (width, height), 255),
        }
    if "prompt" not in takes:
        raise ModelError(f"{model} does not paint from words", cure="name a text-to-image pipeline")
    return _asked(lambda: pipeline(**wanted).images[0], model)


def _pipeline(source: str) -> tuple[Any, Any]:
    """A pipeline, ready to be called, and torch."""
    diffusers, torch = imports()
    with _told(source):
        pipeline = _load(diffusers.DiffusionPipeline, source, torch_dtype=_precision(torch))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(_device(torch)), torch


def _own_size(pipeline: Any) -> tuple[int, int]:
    """The size that a pipeline was made for, at most SIDE."""
    network = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    sample = getattr(getattr(network, "config", None), "sample_size", None)
    side = min(SIDE, sample * pipeline.vae_scale_factor) if isinstance(sample, int) else SIDE
    return side, side


def _asked(ask: Callable[[], Any], model: str) -> ImageArray:
    try:
        with warnings.catch_warnings(action="ignore"):
            return np.asarray(ask().convert("RGB"), np.uint8)
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
        raise ModelError(f"{model} cannot be called: {first_line(error)}", cure="name another network") from None


class TryOnNetwork:
    """A large try-on network.

    Args:
        model: `catvton` or `fashn-vton`, or one of them with a folder of its files: `catvton:FOLDER`.

    Raises:
        UsageError: its licence forbids commercial use and was not accepted.
        ModelError: it runs code of its own repository.
        MissingExtraError, NotFoundError: what it needs is not here.
    """

    def __init__(self, model: str, *, accept_licence: str | None = None) -> None:
        known, source = chosen(model, task="tryon", accepted=accept_licence or settings.accepted_licence())
        if known is None or known.library == "own code":
            raise _own_code(known, model)
        self.name, self.license = known.name, known.license
        self._network: CatVton | Fashn = CatVton(source) if known.library == "diffusers" else Fashn(source)

    def __call__(
        self, person: ImageArray, garment: ImageArray, mask: NDArray[np.bool_], *, kind: str, seed: int = 0
    ) -> ImageArray:
        """Draw the garment on the person.

        Args:
            person, garment: HWC uint8.
            mask: HxW of the person's photo, where it may draw.
            kind: of the garment.

        Returns:
            HWC uint8 of the photo's size; outside the mask it means nothing.
        """
        return self._network(person, garment, mask, kind=kind, seed=seed)


def _own_code(known: Maker | None, model: str) -> ModelError:
    if known is None:
        return ModelError(f"{model} is no try-on network that is known here", cure="take catvton or fashn-vton")
    return ModelError(
        f"{known.name} needs {' and '.join(known.needs)}: code that comes with weights is never run here",
        cure="run it from its own repository, or take catvton or fashn-vton",
    )


class CatVton:
    """CatVTON (Chong et al. 2024): the garment's latents below the person's, one inpainting U-Net over both.

    The U-Net is that of Stable Diffusion 1.5 inpainting without its attention to words; its attention within the
    picture has weights of its own.

    Args:
        source: id on the hub, or a folder with `unet/`, `vae/`, `scheduler/` and `attention/model.safetensors`.
    """

    def __init__(self, source: str) -> None:
        diffusers, self._torch = imports()
        base, fine, weights = _catvton_files(source)
        options = {"torch_dtype": _precision(self._torch)}
        with _told(source):
            self._unet = _load(diffusers.UNet2DConditionModel, base, subfolder="unet", **options)
            self._vae = _load(diffusers.AutoencoderKL, fine[0], **fine[1], **options)
            self._scheduler = _load(diffusers.DDIMScheduler, base, subfolder="scheduler")
            self._take(weights())
        self._device = _device(self._torch)
        self._unet.eval().to(self._device)
        self._vae.eval().to(self._device)
        sample = self._unet.config.sample_size * 2 ** (len(self._vae.config.block_out_channels) - 1)
        # The published base was made for 512 and its attention for 1024 by 768; a smaller base stays what it is.
        self.size = CATVTON_SIZE if sample >= 512 else (sample, sample)

    def _take(self, path: Path) -> None:
        """Put the published attention weights in, and attention to words out."""
        from safetensors.torch import load_file

        layers = [layer for name, layer in self._unet.named_modules() if name.endswith("attn1")]
        tensors = load_file(path)
        # The file numbers a list of modules of which every attention is one, and its parts others.
        numbers = sorted(int(name.split(".")[0]) for name in tensors if name.endswith(".to_q.weight"))
        if len(numbers) != len(layers):
            raise ModelError(
                f"{path} has weights for {len(numbers)} attentions and the network has {len(layers)}",
                cure="take weights that belong to this base",
            )
        for number, layer in zip(numbers, layers, strict=True):
            start = f"{number}."
            layer.load_state_dict(
                {name.removeprefix(start): one for name, one in tensors.items() if name.startswith(start)}
            )
        ways = self._unet.attn_processors
        self._unet.set_attn_processor({name: _Through() if "attn2" in name else way for name, way in ways.items()})

    def __call__(
        self, person: ImageArray, garment: ImageArray, mask: NDArray[np.bool_], *, kind: str, seed: int
    ) -> ImageArray:
        del kind  # the mask says where
        torch = self._torch
        window = _window(mask, self.size)
        shown = resize(person[window], self.size)
        hole = resize(mask[window].astype(np.uint8)[..., None].repeat(3, 2) * 255, self.size)[..., 0] > 127
        hidden = np.where(hole[..., None], np.uint8(127), shown)
        with torch.inference_mode():
            latents = self._draw(self._encoded(hidden), self._encoded(letterbox(garment, self.size)[0]), hole, seed)
            decoded = self._vae.decode(latents / self._vae.config.scaling_factor).sample[0]
        drawn = (decoded.float().clamp(-1, 1).cpu().numpy().transpose(1, 2, 0) + 1) * 127.5
        found = person.copy()
        found[window] = resize(np.round(drawn).astype(np.uint8), found[window].shape[:2])
        return found

    def _encoded(self, image: ImageArray) -> Any:
        """HWC uint8 -> (1, 4, h, w) latents."""
        torch = self._torch
        pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1)
        mean = self._vae.encode(pixels.to(self._device, self._vae.dtype)).latent_dist.mode()
        return mean * self._vae.config.scaling_factor

    def _draw(self, person: Any, garment: Any, hole: NDArray[np.bool_], seed: int) -> Any:
        """Denoise person above garment: (1, 4, h, w) twice, (H, W) -> (1, 4, h, w)."""
        torch = self._torch
        small = torch.nn.functional.interpolate(torch.from_numpy(hole[None, None]).float(), person.shape[-2:])
        small = small.to(person.device, person.dtype)
        holes = torch.cat([small, torch.zeros_like(small)], dim=2).repeat(2, 1, 1, 1)
        # Without and with the garment: guidance goes from the first towards the second (Ho & Salimans 2022).
        given = torch.cat([torch.cat([person, torch.zeros_like(garment)], 2), torch.cat([person, garment], 2)])
        noise = torch.randn(given[:1].shape, generator=torch.Generator().manual_seed(seed))
        latents = noise.to(person.device, person.dtype) * self._scheduler.init_noise_sigma
        self._scheduler.set_timesteps(CATVTON_STEPS)
        for time in self._scheduler.timesteps:
            seen = self._scheduler.scale_model_input(latents.repeat(2, 1, 1, 1), time)
            plain, guided = self._unet(torch.cat([seen, holes, given], 1), time, None).sample.chunk(2)
            step = plain + CATVTON_GUIDANCE * (guided - plain)
            latents = self._scheduler.step(step, time, latents).prev_sample
        return latents[:, :, : person.shape[2]]


class _Through:
    """In the place of attention to words: what comes in goes on."""

    def __call__(self, attn: object, hidden_states: Any, *rest: object, **more: object) -> Any:
        del attn, rest, more
        return hidden_states


def _catvton_files(source: str) -> tuple[str, tuple[str, dict[str, str]], Callable[[], Path]]:
    """Where its U-Net lies, its autoencoder, and a call that gives the file of its attention."""
    if Path(source).is_dir():
        return source, (source, {"subfolder": "vae"}), lambda: Path(source) / "attention" / "model.safetensors"

    def fetch() -> Path:
        import huggingface_hub

        cached = huggingface_hub.try_to_load_from_cache(source, CATVTON_WEIGHTS)
        if isinstance(cached, str):
            return Path(cached)
        ask_hub(source)
        return Path(huggingface_hub.hf_hub_download(source, CATVTON_WEIGHTS))

    return "stable-diffusion-v1-5/stable-diffusion-inpainting", ("stabilityai/sd-vae-ft-mse", {}), fetch


class Fashn:
    """FASHN VTON v1.5 through its own package, `fashn_vton`.

    Args:
        source: folder of its weights, as its script `download_weights.py` fills it.
    """

    def __init__(self, source: str) -> None:
        try:
            from fashn_vton import TryOnPipeline
        except ImportError:
            raise ModelError(
                "the package fashn_vton is not installed",
                cure="install it from github.com/fashn-AI/fashn-vton-1.5, get its weights, and name fashn-vton:FOLDER",
            ) from None
        if not Path(source).is_dir():
            raise ModelError("its weights are read from a folder", cure="name it: fashn-vton:FOLDER")
        with _told(source):
            self._pipeline = TryOnPipeline(weights_dir=source)

    def __call__(
        self, person: ImageArray, garment: ImageArray, mask: NDArray[np.bool_], *, kind: str, seed: int
    ) -> ImageArray:
        del mask, seed  # it takes neither
        category = FASHN_CATEGORIES.get(kind, "tops")
        shown, cloth = Image.fromarray(person), Image.fromarray(garment)
        drawn = _asked(
            lambda: self._pipeline(person_image=shown, garment_image=cloth, category=category).images[0], "fashn-vton"
        )
        return resize(drawn, (person.shape[0], person.shape[1]))


def _window(mask: NDArray[np.bool_], size: tuple[int, int]) -> tuple[slice, slice]:
    """The part of a photo around a mask, with a quarter more, in the proportions of `size` as far as the photo goes."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    height, width = 1.5 * (rows[-1] - rows[0] + 1), 1.5 * (columns[-1] - columns[0] + 1)
    height, width = max(height, width * size[0] / size[1]), max(width, height * size[1] / size[0])
    middle = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2
    slices = []
    for center, length, whole in zip(middle, (height, width), mask.shape, strict=True):
        start = int(np.clip(round(center - length / 2), 0, max(whole - length, 0)))
        slices.append(slice(start, min(whole, start + round(length))))
    return slices[0], slices[1]


def _load(kind: Any, source: str, **options: Any) -> Any:
    """One of the library's objects: from a folder, else from the cache, else from the hub. Runs no code of others."""
    if Path(source).is_dir():
        return kind.from_pretrained(source, local_files_only=True, **options)
    try:
        return kind.from_pretrained(source, local_files_only=True, **options)
    except (OSError, ValueError):  # not in the cache, or cut off there
        ask_hub(source)
        return kind.from_pretrained(source, **options)


@contextmanager
def _told(source: str) -> Iterator[None]:
    """What the library says of files that it cannot use, in one sentence; its advice to authors of files in none."""
    with warnings.catch_warnings(action="ignore"), told(source, cure=CURE):
        yield


def _device(torch: Any) -> Literal["cuda", "cpu"]:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _precision(torch: Any) -> Any:
    return torch.float16 if torch.cuda.is_available() else torch.float32
