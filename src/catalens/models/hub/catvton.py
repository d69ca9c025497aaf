"""CatVTON (Chong et al. 2024): a garment's latents below the person's, one inpainting U-Net over both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalens.errors import ModelError
from catalens.images.prepare import letterbox
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import ask_hub
from catalens.models.hub.person_view import view_of
from catalens.models.hub.pipeline import decoded, encoded, files_of, imports, load, precision
from catalens.types import ImageArray

SIZE = (1024, 768)
"""(height, width) that its mixed weights were made for: `mix-48k-1024`."""
STEPS, GUIDANCE = 50, 2.5
"""As in its own pipeline."""
WEIGHTS = "mix-48k-1024/attention/model.safetensors"
BASE, AUTOENCODER = "stable-diffusion-v1-5/stable-diffusion-inpainting", "stabilityai/sd-vae-ft-mse"


class CatVton:
    """The U-Net of Stable Diffusion 1.5 inpainting without attention to words, and its autoencoder.

    The attention within the picture has weights of its own.

    Args:
        source: id on the hub, or a folder with `unet/`, `vae/`, `scheduler/` and `attention/model.safetensors`.
    """

    def __init__(self, source: str, *, device: str = AUTO, dtype: str = AUTO) -> None:
        diffusers, self._torch = imports()
        self.runs_on = place_torch(self._torch, device, dtype)
        base, fine, weights = _catvton_files(source)
        options = {"torch_dtype": precision(self._torch, self.runs_on)}
        with files_of(source):
            self._unet = load(diffusers.UNet2DConditionModel, base, subfolder="unet", **options)
            self._vae = load(diffusers.AutoencoderKL, fine[0], **fine[1], **options)
            self._scheduler = load(diffusers.DDIMScheduler, base, subfolder="scheduler")
            self._take(weights())
        self._unet.eval().to(self.runs_on.device)
        self._vae.eval().to(self.runs_on.device)
        sample = self._unet.config.sample_size * 2 ** (len(self._vae.config.block_out_channels) - 1)
        # The published base was made for 512 and its attention for 1024 by 768; a smaller base stays what it is.
        self.size = SIZE if sample >= 512 else (sample, sample)

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
        view = view_of(person, mask, self.size)
        with self._torch.inference_mode():
            below = self._encoded(letterbox(garment, self.size)[0])
            latents = self._draw(self._encoded(view.hidden), below, view.hole, seed)
            drawn = decoded(self._vae, latents / self._vae.config.scaling_factor)
        return view.onto(person, drawn)

    def _encoded(self, image: ImageArray) -> Any:
        return encoded(self._vae, image) * self._vae.config.scaling_factor

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
        self._scheduler.set_timesteps(STEPS)
        for time in self._scheduler.timesteps:
            seen = self._scheduler.scale_model_input(latents.repeat(2, 1, 1, 1), time)
            plain, guided = self._unet(torch.cat([seen, holes, given], 1), time, None).sample.chunk(2)
            step = plain + GUIDANCE * (guided - plain)
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

        cached = huggingface_hub.try_to_load_from_cache(source, WEIGHTS)
        if isinstance(cached, str):
            return Path(cached)
        ask_hub(source)
        return Path(huggingface_hub.hf_hub_download(source, WEIGHTS))

    return BASE, (AUTOENCODER, {}), fetch
