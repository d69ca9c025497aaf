"""OOTDiffusion (Xu et al. 2024): one U-Net reads the garment, another draws the person and looks at what the first saw.

Both are U-Nets of Stable Diffusion 1.5. What goes into each block of the first stands beside what goes into the same
block of the second, whose attention within the picture reaches over both ("outfitting fusion").
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalens.errors import ModelError
from catalens.images.prepare import resize
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import find
from catalens.models.hub.files import imports as transformers_and_torch
from catalens.models.hub.files import load as load_transformer
from catalens.models.hub.person_view import PersonView, view_of
from catalens.models.hub.pipeline import decoded, encoded, files_of, imports, load, precision
from catalens.models.hub.processor import read_processor
from catalens.taxonomy import garments, rules
from catalens.types import FloatArray, ImageArray

SIZE = (1024, 768)
"""(height, width) that it was made for."""
STEPS, GUIDANCE = 20, 2.0
"""As its README calls it."""
HALF_BODY, FULL_BODY = "ootd_hd", "ootd_dc"
VISION = "openai/clip-vit-large-patch14"
CHECKPOINT = "checkpoint-36000"


class OotDiffusion:
    """The networks; the two U-Nets are loaded when a kind first asks for them.

    Args:
        source: id on the hub, or a folder with its `checkpoints/`, and `checkpoints/clip-vit-large-patch14` beside.
    """

    def __init__(self, source: str, *, device: str = AUTO, dtype: str = AUTO) -> None:
        self._diffusers, self._torch = imports()
        self.runs_on = place_torch(self._torch, device, dtype)
        transformers, _ = transformers_and_torch()
        self._source, home = source, "checkpoints/ootd"
        vision = str(Path(source) / "checkpoints" / Path(VISION).name) if Path(source).is_dir() else VISION
        with files_of(source):
            self._vae = self._part(self._diffusers.AutoencoderKL, f"{home}/vae")
            self._scheduler = self._diffusers.UniPCMultistepScheduler.from_config(
                load(self._diffusers.UniPCMultistepScheduler, source, subfolder=f"{home}/scheduler").config
            )
            self._tokens = load(transformers.CLIPTokenizer, source, subfolder=f"{home}/tokenizer")
            self._words = load(transformers.CLIPTextModel, source, subfolder=f"{home}/text_encoder").eval()
            self._look = load_transformer(transformers.CLIPVisionModelWithProjection, vision).eval()
            self._preprocess = read_processor(vision, find=lambda name: find(vision, name))
        self._pairs: dict[str, tuple[Any, Any, list[Any]]] = {}

    def _part(self, kind: Any, folder: str) -> Any:
        options = {"subfolder": folder, "torch_dtype": precision(self._torch, self.runs_on)}
        return load(kind, self._source, **options).eval().to(self.runs_on.device)

    def _pair(self, name: str) -> tuple[Any, Any, list[Any]]:
        """The two U-Nets of a set of weights, the second one looking at what the first one saw."""
        if name not in self._pairs:
            home = f"checkpoints/ootd/{name}/{CHECKPOINT}"
            with files_of(self._source):
                reads, draws = (
                    self._part(self._diffusers.UNet2DConditionModel, f"{home}/{net}")
                    for net in ("unet_garm", "unet_vton")
                )
            seen: list[Any] = []
            for block in _blocks(reads):
                block.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
            ways = {f"{name}.attn1.processor": block for name, block in _named_blocks(draws)}
            if len(ways) != len(_blocks(reads)):
                raise ModelError(
                    f"the two networks of {self._source} do not fit each other", cure="take them as published"
                )
            beside = {name: _Beside(block.norm1, seen, number) for number, (name, block) in enumerate(ways.items())}
            draws.set_attn_processor({**draws.attn_processors, **beside})
            self._pairs[name] = reads, draws, seen
        return self._pairs[name]

    def __call__(
        self, person: ImageArray, garment: ImageArray, mask: NDArray[np.bool_], *, kind: str, seed: int
    ) -> ImageArray:
        # Words of the full-body weights; upper garments are for the half-body ones, which take none.
        category = rules()["datasets"]["ootdiffusion"].get(garments()[kind].span)
        reads, draws, seen = self._pair(FULL_BODY if category else HALF_BODY)
        size = SIZE if draws.config.sample_size >= 64 else (draws.config.sample_size * self._scale,) * 2
        view = view_of(person, mask, size)
        torch = self._torch
        with torch.inference_mode():
            said = self._said(garment, category).to(draws.device, draws.dtype).repeat(2, 1, 1)
            cloth = encoded(self._vae, resize(garment, size))
            seen.clear()
            reads(torch.cat([cloth, torch.zeros_like(cloth)]), 0, encoder_hidden_states=said)
            latents = self._draw(draws, view, said, seed)
            return view.onto(person, decoded(self._vae, latents / self._vae.config.scaling_factor))

    @property
    def _scale(self) -> int:
        """Pixels to a latent."""
        return int(2 ** (len(self._vae.config.block_out_channels) - 1))

    def _said(self, garment: ImageArray, category: str | None) -> Any:
        """(1, 2 or 4, D): the category in words, and what the garment looks like."""
        torch = self._torch
        length = 2 if category is None else 3
        tokens = self._tokens(
            [category or ""], max_length=length, padding="max_length", truncation=True, return_tensors="pt"
        )
        words = self._words(tokens.input_ids)[0]
        pixels: FloatArray = self._preprocess.apply(garment)[0][None]
        looks = self._look(pixel_values=torch.from_numpy(pixels)).image_embeds[:, None]
        # The half-body weights were made with the garment in the place of the words' end.
        return torch.cat([words[:, :1] if category is None else words, looks], dim=1)

    def _draw(self, draws: Any, view: PersonView, said: Any, seed: int) -> Any:
        """Denoise the hole of a view; outside it the latents follow the photo's own."""
        torch, scheduler = self._torch, self._scheduler
        hidden, own = encoded(self._vae, view.hidden), encoded(self._vae, view.shown) * self._vae.config.scaling_factor
        hole = torch.nn.functional.interpolate(torch.from_numpy(view.hole[None, None]).float(), own.shape[-2:])
        hole = hole.to(own.device, own.dtype)
        noise = torch.randn(own.shape, generator=torch.Generator().manual_seed(seed)).to(own.device, own.dtype)
        scheduler.set_timesteps(STEPS)
        latents, times = noise * scheduler.init_noise_sigma, scheduler.timesteps
        for number, time in enumerate(times):
            given = scheduler.scale_model_input(latents.repeat(2, 1, 1, 1), time)
            both = draws(torch.cat([given, hidden.repeat(2, 1, 1, 1)], 1), time, encoder_hidden_states=said).sample
            with_garment, without = both.chunk(2)
            latents = scheduler.step(without + GUIDANCE * (with_garment - without), time, latents).prev_sample
            kept = own if number + 1 == len(times) else scheduler.add_noise(own, noise, times[number + 1 : number + 2])
            latents = (1 - hole) * kept + hole * latents
        return latents


class _Beside:
    """Attention within a picture that reaches over what another network saw in the same place."""

    def __init__(self, norm: Any, seen: list[Any], number: int) -> None:
        self._norm, self._seen, self._number = norm, seen, number

    def __call__(self, attn: Any, hidden_states: Any, *rest: object, **more: object) -> Any:
        """(N, L, D) -> (N, L, D); scaled dot products, as Diffusers' own processor computes them."""
        del rest, more
        import torch

        reach = torch.cat([hidden_states, self._norm(self._seen[self._number])], dim=1)
        query, key, value = (
            part.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for part in (attn.to_q(hidden_states), attn.to_k(reach), attn.to_v(reach))
        )
        found = torch.nn.functional.scaled_dot_product_attention(query, key, value)
        return attn.to_out[1](attn.to_out[0](found.transpose(1, 2).flatten(2)))


def _named_blocks(network: Any) -> list[tuple[str, Any]]:
    """The transformer blocks of a U-Net in the order in which a picture goes through them."""
    named = [(name, one) for name, one in network.named_modules() if name.endswith(".transformer_blocks.0")]
    order = {"down_blocks": 0, "mid_block": 1, "up_blocks": 2}
    return sorted(named, key=lambda pair: order[pair[0].split(".")[0]])


def _blocks(network: Any) -> list[Any]:
    return [block for _, block in _named_blocks(network)]
