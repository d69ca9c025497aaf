"""Classifiers and semantic segmentation of the Transformers library, with labels of their own.

ViT, ConvNeXt, Swin, ResNet ... for image classification; SegFormer, BEiT, UPerNet, DPT, MobileViT ... for segmentation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import ModelError, first_line
from catalens.images.prepare import Fit, Preprocess
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import find, hub_errors, imports, load, quiet
from catalens.models.hub.processor import read_processor
from catalens.types import FloatArray


class _Labelled:
    """What both have in common.

    Args:
        source: a folder, or an id on the hub.
        device, dtype: as `models.device` says; "auto" is float32.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it is for something else, or weights are missing.
        UsageError: a device that is not there, or half precision on the processor.
    """

    AUTO_CLASS = ""

    def __init__(self, source: str, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        transformers, self._torch = imports()
        self._torch.set_num_threads(threads or settings.threads())
        self.runs_on = place_torch(self._torch, device, "float32" if dtype == AUTO else dtype)
        with quiet(transformers), hub_errors(source):
            model, info = load(getattr(transformers, self.AUTO_CLASS), source, output_loading_info=True)
            self.preprocess = read_processor(source, find=lambda name: find(source, name))
        missing = sorted(info["missing_keys"])
        if missing:
            raise ModelError(
                f"{source} has no weights for {len(missing)} parts of the network, such as {missing[0]}",
                cure="take weights that were trained for this task",
            )
        self._model = model.eval().to(self.runs_on.device, getattr(self._torch, self.runs_on.dtype))
        self.name = source
        self.labels = tuple(str(name) for _, name in sorted(model.config.id2label.items()))

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 prepared -> (N, labels) or (N, labels, h, w) logits.

        Raises:
            ModelError: the network does not take this batch.
        """
        pixels = self._torch.from_numpy(np.ascontiguousarray(batch, np.float32))
        try:
            with self._torch.inference_mode():
                found: Any = self._model(pixel_values=pixels.to(self._model.device, self._model.dtype)).logits
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ModelError(
                f"{self.name} does not take pictures of {batch.shape[1:]}: {first_line(error)}",
                cure="name a network for pictures with its own image processor beside it",
            ) from None
        return np.asarray(found.float().cpu().numpy(), np.float32)


class HubClassifier(_Labelled):
    """An image classifier: (N, 3, H, W) -> (N, labels) logits. Arguments and errors as above."""

    AUTO_CLASS = "AutoModelForImageClassification"


class HubSegmenter(_Labelled):
    """A network for semantic segmentation: (N, 3, H, W) -> (N, labels, h, w) logits. Arguments and errors as above."""

    AUTO_CLASS = "AutoModelForSemanticSegmentation"
    is_fixed = True

    def __init__(self, source: str, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        super().__init__(source, threads=threads, device=device, dtype=dtype)
        spec = self.preprocess  # the whole picture is shown, also where a classifier would cut out its middle
        fit: Fit = "stretch" if spec.fit == "stretch" else "letterbox"
        self.preprocess = Preprocess(size=spec.size, fit=fit, mean=spec.mean, std=spec.std)
