"""Detectors of the Transformers library: DETR, RT-DETR, YOLOS by their own labels; OWL, Grounding DINO by any words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalens import settings
from catalens.errors import ModelError, UsageError, first_line
from catalens.images.prepare import Preprocess
from catalens.models.device import AUTO, place_torch
from catalens.models.hub.files import find, hub_errors, imports, load, quiet
from catalens.models.hub.processor import norm_of, read_settings, sides_of
from catalens.types import FloatArray, ImageArray

BY_WORDS = frozenset({"owlvit", "owlv2", "grounding-dino", "mm-grounding-dino"})
"""Families that find what they are told to look for."""
ON_SQUARES = frozenset({"owlv2"})
"""Families whose pictures are made square below and to the right, in grey; boxes are shares of that square."""
LAST_IS_NOTHING = frozenset({"detr", "yolos", "table-transformer"})
"""Families whose last class is "nothing": softmax; the others say yes or no to each class."""
GREY = 127
STOP = " . "
"""Between the words of a sentence that names what to look for."""
LONGEST = 1333
"""Longer side, in pixels, where a processor names only the shorter one."""


@dataclass(frozen=True)
class Resizing:
    """What a processor does to pictures: to `sides`; or, where `longest` is given, the shorter side to the first of
    them, and the longer one to `longest` at most.
    """

    sides: tuple[int, int]
    longest: int | None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def spec(self, size: tuple[int, int]) -> Preprocess:
        """For a picture of (height, width)."""
        sides = self.sides
        if self.longest is not None:
            scale = min(self.sides[0] / min(size), self.longest / max(size))
            sides = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        return Preprocess(size=sides, fit="stretch", mean=self.mean, std=self.std)


def resizing_of(table: Mapping[str, object]) -> Resizing:
    """The resizing that an image processor's settings stand for.

    Raises:
        ValueError, TypeError, KeyError: they say no size, or something else than numbers.
    """
    mean, std = norm_of(table)
    size = table["size"]
    by_shorter = isinstance(size, Mapping) and "shortest_edge" in size
    longest = size.get("longest_edge") or LONGEST if isinstance(size, Mapping) and by_shorter else None
    return Resizing(sides_of(size), None if longest is None else int(longest), mean, std)


class HubDetector:
    """Finds things on a picture.

    Args:
        source: a folder, or an id on the hub.
        words: what to look for; only for the families that take words, which need some.
        device, dtype: as `models.device` says; "auto" is float32, for boxes are placed to the pixel.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        NotFoundError: nothing of that name here, and the hub cannot be reached or has none.
        ModelError: it is no detector, or weights are missing.
        UsageError: words for a detector that has labels of its own, or none for one that has not; a device that is
            not there.
    """

    def __init__(
        self,
        source: str,
        *,
        words: Sequence[str] = (),
        threads: int | None = None,
        device: str = AUTO,
        dtype: str = AUTO,
    ) -> None:
        transformers, self._torch = imports()
        self._torch.set_num_threads(threads or settings.threads())
        self.runs_on = place_torch(self._torch, device, "float32" if dtype == AUTO else dtype)
        with quiet(transformers), hub_errors(source):
            config = load(transformers.AutoConfig, source)
            self._family = str(config.model_type)
            takes_words = self._family in BY_WORDS
            if takes_words != bool(words):
                raise UsageError(
                    f"{source} {'looks for words and got none' if takes_words else 'has labels of its own'}",
                    cure='say what to look for, as in --labels "dress,bag"' if takes_words else "leave --labels out",
                )
            auto = transformers.AutoModelForZeroShotObjectDetection if takes_words else (
                transformers.AutoModelForObjectDetection)  # fmt: skip
            model, info = load(auto, source, output_loading_info=True)
            self._resizing = read_settings(source, find=lambda name: find(source, name), understood=resizing_of)
            self._tokenizer = load(transformers.AutoTokenizer, source) if takes_words else None
        missing = sorted(info["missing_keys"])
        if missing:
            raise ModelError(
                f"{source} has no weights for {len(missing)} parts of the network, such as {missing[0]}",
                cure="take weights that belong to its config.json",
            )
        self._model = model.eval().to(self.runs_on.device, getattr(self._torch, self.runs_on.dtype))
        own = [str(name) for _, name in sorted(config.id2label.items())]
        self.labels: tuple[str, ...] = tuple(words) if takes_words else tuple(own)

    def __call__(self, image: ImageArray) -> tuple[FloatArray, FloatArray]:
        """HWC uint8 -> (Q, 4) boxes xyxy in pixels, (Q, labels) scores 0..1.

        Raises:
            ModelError: the network does not take it.
        """
        height, width = image.shape[:2]
        whole = (height, width)
        if self._family in ON_SQUARES:
            side = max(whole)
            image = np.pad(image, ((0, side - height), (0, side - width), (0, 0)), constant_values=GREY)
            whole = (side, side)
        x, _ = self._resizing.spec(whole).apply(image)
        try:
            with self._torch.inference_mode():
                pixels = self._torch.from_numpy(x[None]).to(self._model.device, self._model.dtype)
                found = self._model(pixel_values=pixels, **self._asked())
                boxes = found.pred_boxes[0].float().cpu().numpy()
                scores = self._scores(found.logits[0].float().cpu())
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise ModelError(
                f"a network of the family {self._family!r} does not take this picture: {first_line(error)}",
                cure="name a detector with its own image processor beside it",
            ) from None
        half = boxes[:, 2:] / 2
        corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
        return np.asarray(corners * np.array([whole[1], whole[0]] * 2), np.float32), scores

    def _asked(self) -> dict[str, Any]:
        if self._tokenizer is None:
            return {}
        if "dino" in self._family:
            return dict(self._tokenizer(_sentence(self.labels), return_tensors="pt").to(self._model.device))
        tokens = self._tokenizer(list(self.labels), padding=True, truncation=True, return_tensors="pt")
        return {name: tokens[name].to(self._model.device) for name in ("input_ids", "attention_mask")}

    def _scores(self, logits: Any) -> FloatArray:
        if "dino" in self._family:
            return self._of_words(logits.sigmoid().numpy())
        if self._family in LAST_IS_NOTHING:
            return np.asarray(logits.softmax(-1)[:, :-1].numpy(), np.float32)
        return np.asarray(logits.sigmoid().numpy()[:, : len(self.labels)], np.float32)

    def _of_words(self, tokens: FloatArray) -> FloatArray:
        """(Q, tokens) -> (Q, labels): the best token of each label's words in the sentence."""
        places = self._tokenizer(  # type: ignore[misc]  # whoever takes words has one
            _sentence(self.labels), return_offsets_mapping=True
        )["offset_mapping"]
        scores, start = np.zeros((len(tokens), len(self.labels)), np.float32), 0
        for column, label in enumerate(self.labels):
            end = start + len(label)
            mine = [row for row, (first, last) in enumerate(places) if start <= first < last <= end]
            if mine:
                scores[:, column] = tokens[:, mine].max(1)
            start = end + len(STOP)
        return scores


def _sentence(labels: Sequence[str]) -> str:
    return STOP.join(label.lower() for label in labels) + " ."
