"""The image processor file of a Transformers network, read as our own preprocessing spec.

The library's processors resize, then perhaps cut out the middle; torchvision is not needed for either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from catalens.errors import ModelError, NotFoundError
from catalens.images.prepare import Fit, Placement, Preprocess, resize
from catalens.models.untrusted import read_json
from catalens.types import ImageArray

FILE, NESTED = "preprocessor_config.json", "processor_config.json"
"""Where the image processor is described: by itself, or, from version 5 of the library on, beside the tokenizer."""

CROP_SHARE = 224 / 256
"""What ConvNeXt's processor (ResNet's too) keeps of a side below `WHOLE_FROM` where it does not say so itself."""
WHOLE_FROM = 384

Triple = tuple[float, float, float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MiddleOf(Preprocess):
    """The middle of a picture that would be resized first: the same pixels, and nothing is resized to be thrown away.

    Args:
        resized: pixels of the shorter side, or (height, width), that the cut of `size` is taken from.
    """

    resized: int | tuple[int, int]

    def place(self, image: ImageArray) -> tuple[ImageArray, Placement]:
        height, width = image.shape[:2]
        if isinstance(self.resized, int):
            scale = self.resized / min(height, width), self.resized / min(height, width)
        else:
            scale = self.resized[0] / height, self.resized[1] / width
        kept = [
            min(side, max(1, round(cut / by))) for side, cut, by in zip((height, width), self.size, scale, strict=True)
        ]
        top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
        prepared = resize(image[top : top + kept[0], left : left + kept[1]], self.size)
        by_x, by_y = self.size[1] / kept[1], self.size[0] / kept[0]
        return prepared, Placement((height, width), self.size, (by_x, by_y), (-left * by_x, -top * by_y))


def read_processor(source: str, *, find: Callable[[str], Path | None]) -> Preprocess:
    """How pictures are prepared for a network; arguments and errors are those of `read_settings`."""
    return read_settings(source, find=find, understood=preprocess_of)


def read_settings(
    source: str, *, find: Callable[[str], Path | None], understood: Callable[[Mapping[str, object]], T]
) -> T:
    """What the file of a network's image processor says.

    Args:
        source: named in errors.
        find: gives the path of one of the network's files, None where it has no such file.
        understood: makes something of its table.

    Raises:
        NotFoundError: there is no image processor.
        ModelError: it cannot be understood.
    """
    for name in (FILE, NESTED):
        path = find(name)
        if path is None:
            continue
        try:
            table = read_json(path)
            table = table.get("image_processor", table) if name == NESTED else table
            return understood(table)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, ModelError) as error:
            raise ModelError(
                f"{source}: {name} cannot be understood: {error}", cure="save the processor again"
            ) from None
    raise NotFoundError(f"no {FILE} in {source}", cure="save the network's image processor beside it")


def preprocess_of(table: Mapping[str, object]) -> Preprocess:
    """The spec that an image processor's settings stand for.

    Raises:
        ValueError, TypeError, KeyError: they say no size, or something else than numbers.
    """
    mean, std = norm_of(table)
    kind = str(table.get("image_processor_type") or table.get("feature_extractor_type") or "")
    if "crop_pct" in table or kind.startswith("ConvNext"):
        return _like_convnext(table, mean, std)
    if not table.get("do_center_crop"):
        fit: Fit = "stretch" if _is_square(table) else "crop"
        return Preprocess(size=sides_of(table["size"]), fit=fit, mean=mean, std=std)
    resized, size = table["size"], sides_of(table.get("crop_size", table["size"]))
    if isinstance(resized, Mapping) and "height" in resized:
        both = sides_of(resized)
        if both == size:
            return Preprocess(size=size, fit="stretch", mean=mean, std=std)
        return MiddleOf(size=size, resized=both, mean=mean, std=std)
    return _middle(size, sides_of(resized)[0], mean, std)


def _middle(size: tuple[int, int], shorter: int, mean: Triple, std: Triple) -> Preprocess:
    if size == (shorter, shorter):
        return Preprocess(size=size, fit="crop", mean=mean, std=std)
    return MiddleOf(size=size, resized=shorter, mean=mean, std=std)


def _like_convnext(table: Mapping[str, object], mean: Triple, std: Triple) -> Preprocess:
    size = sides_of(table["size"])
    if size[0] >= WHOLE_FROM:
        return Preprocess(size=size, fit="stretch", mean=mean, std=std)
    return _middle(size, int(size[0] / _number(table.get("crop_pct") or CROP_SHARE)), mean, std)


def _is_square(table: Mapping[str, object]) -> bool:
    """Whether a size says both sides; one that says the shorter is cut to a square, so that pictures make a batch."""
    size = table["size"]
    return not (isinstance(size, Mapping) and "height" not in size)


def sides_of(size: object) -> tuple[int, int]:
    """(height, width) that a processor's size stands for; the shorter side twice where it says only that.

    Raises:
        ValueError: it says neither.
    """
    if isinstance(size, int) and size > 0:
        return size, size
    if isinstance(size, Mapping) and "height" in size:
        return int(size["height"]), int(size["width"])
    if isinstance(size, Mapping) and "shortest_edge" in size:
        return int(size["shortest_edge"]), int(size["shortest_edge"])
    raise ValueError(f"size is {size!r}")


def norm_of(table: Mapping[str, object]) -> tuple[Triple, Triple]:
    """Mean and std of values in 0..1.

    EfficientNet's processor may take 1 off first (`rescale_offset`), and divides by std twice (`include_top`).
    """
    scale = 255 * _number(table.get("rescale_factor", 1 / 255)) if table.get("do_rescale", True) else 255.0
    offset = 1.0 if table.get("rescale_offset") else 0.0
    normalizes = table.get("do_normalize", True)
    mean = _triple(table.get("image_mean", 0.5)) if normalizes else (0.0, 0.0, 0.0)
    std = _triple(table.get("image_std", 0.5)) if normalizes else (1.0, 1.0, 1.0)
    power = 2 if table.get("include_top") and normalizes else 1
    return (
        ((mean[0] + offset) / scale, (mean[1] + offset) / scale, (mean[2] + offset) / scale),
        (std[0] ** power / scale, std[1] ** power / scale, std[2] ** power / scale),
    )


def _triple(values: object) -> Triple:
    if isinstance(values, int | float):
        return (float(values),) * 3
    if isinstance(values, list | tuple) and len(values) == 3:
        return float(values[0]), float(values[1]), float(values[2])
    raise ValueError(f"expected three numbers and got {values!r}")


def _number(value: object) -> float:
    if isinstance(value, int | float) and value > 0:
        return float(value)
    raise ValueError(f"expected a number above 0 and got {value!r}")
