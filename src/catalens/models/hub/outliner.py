"""SAM 2 (Ravi et al. 2024) of the Transformers library: a picture with a box or points -> one outline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import ModelError, first_line
from catalens.images.prepare import Preprocess
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import find, hub_errors, imports, load, quiet
from catalens.models.hub.processor import norm_of, read_settings, sides_of
from catalens.types import FloatArray, ImageArray


class HubOutliner:
    """Outlines what a box or points show.

    Args:
        source: a folder, or an id on the hub.
        device, dtype: as `models.device` says; "auto" is float32.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it is for something else, or weights are missing.
    """

    def __init__(self, source: str, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        transformers, self._torch = imports()
        self._torch.set_num_threads(threads or settings.threads())
        self.runs_on = place_torch(self._torch, device, "float32" if dtype == AUTO else dtype)
        with quiet(transformers), hub_errors(source):
            model, info = load(transformers.Sam2Model, source, output_loading_info=True)
            mean, std, size = read_settings(
                source, find=lambda name: find(source, name), understood=lambda table: (*norm_of(table), table["size"])
            )
            self._preprocess = Preprocess(size=sides_of(size), fit="stretch", mean=mean, std=std)
        missing = sorted(info["missing_keys"])
        if missing:
            raise ModelError(
                f"{source} has no weights for {len(missing)} parts of the network, such as {missing[0]}",
                cure="name a SAM 2 network",
            )
        self._model = model.eval().to(self.runs_on.device, getattr(self._torch, self.runs_on.dtype))
        self.name = source

    def __call__(self, image: ImageArray, points: FloatArray, labels: Sequence[int]) -> tuple[FloatArray, float]:
        """Outline one thing.

        Args:
            image: HWC uint8.
            points: (N, 2) xy in pixels of the picture.
            labels: of each point: 1 on the thing, 0 beside it, 2 and 3 the top left and bottom right corner of a box.

        Returns:
            (h, w) float32 logits of the stretched picture, and the network's own estimate of the IoU.

        Raises:
            ModelError: the network does not take it.
        """
        x, placement = self._preprocess.apply(image)
        moved, kinds = placement.to_network_points(points), np.asarray(labels)
        given: dict[str, Any] = {}
        if (kinds < 2).any():
            given["input_points"] = self._torch.from_numpy(moved[kinds < 2][None, None])
            given["input_labels"] = self._torch.from_numpy(kinds[kinds < 2].astype(np.int64)[None, None])
        if (kinds >= 2).any():
            given["input_boxes"] = self._torch.from_numpy(moved[kinds >= 2].reshape(1, 1, 4))
        try:
            with self._torch.inference_mode():
                pixels = self._torch.from_numpy(x[None]).to(self._model.device, self._model.dtype)
                prompts = {name: value.to(self._model.device) for name, value in given.items()}
                found = self._model(pixel_values=pixels, **prompts)
                scores = found.iou_scores[0, 0].float().cpu().numpy()
                best = int(scores.argmax())
                return found.pred_masks[0, 0, best].float().cpu().numpy(), float(np.clip(scores[best], 0, 1))
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ModelError(
                f"{self.name} does not take this picture: {first_line(error)}", cure="name a SAM 2 network"
            ) from None
