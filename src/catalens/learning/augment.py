"""Augmentation: a photo as it might also have been taken. Named steps, each pure and with an amount one can read.

Every step takes a picture (HWC uint8 sRGB), an amount and a random generator, and gives a new picture of the same size;
at amount 0 the picture stays as it is. None changes what color a product has by more than the light of another lamp
would, for color is what products are told apart by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import ImageError, UsageError
from catalens.types import ImageArray

StepName: TypeAlias = Literal[
    "background", "flip", "crop", "turn", "perspective", "light", "contrast", "white balance", "blur", "noise",
    "low resolution", "jpeg", "erasing",
]  # fmt: skip
MaskArray: TypeAlias = NDArray[np.bool_]
"""HxW, True where the product is."""
Change: TypeAlias = Callable[[ImageArray, float, np.random.Generator], ImageArray]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a policy.

    Args:
        name: what it does; `STEPS` says what its amount means.
        chance: 0..1, in how many pictures it is done.
        low, high: the amount is drawn evenly between them; 0 changes nothing.

    Raises:
        UsageError: no such step, or a value out of its range.
    """

    name: StepName
    chance: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if self.name not in get_args(StepName):
            raise UsageError(f"no step called {self.name!r}", cure=f"one of {', '.join(get_args(StepName))}")
        if not (0 <= self.chance <= 1 and 0 <= self.low <= self.high <= STEPS[self.name].most):
            raise UsageError(
                f"{self.name} got chance {self.chance:g} and amounts {self.low:g} to {self.high:g}",
                cure=f"give a chance in 0..1 and amounts in 0..{STEPS[self.name].most:g}, the lower first",
            )

    def apply(self, image: ImageArray, rng: np.random.Generator, *, mask: MaskArray | None = None) -> ImageArray:
        """The picture after this step, or as it was where chance says so. The picture given is not written to."""
        if rng.random() >= self.chance:
            return image
        return change(image, self.name, rng.uniform(self.low, self.high), rng, mask=mask)

    def scaled(self, strength: float) -> Step:
        """The same with its amounts times `strength`, at most as much as it knows."""
        most = STEPS[self.name].most
        return replace(self, low=min(self.low * strength, most), high=min(self.high * strength, most))

    def describe(self) -> str:
        """One line for people."""
        about = STEPS[self.name]
        span = about.words(self.high) if self.low == self.high else about.words(self.low, self.high)
        return f"{self.name}: in {self.chance * 100:.0f} % of the pictures {span}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Steps that are done one after the other. `purpose` says in a sentence what photos it stands for."""

    name: str
    purpose: str
    steps: tuple[Step, ...] = ()

    def apply(self, image: ImageArray, rng: np.random.Generator, *, mask: MaskArray | None = None) -> ImageArray:
        """A new view of a picture, of the same size; the same generator state gives the same view.

        Args:
            image: HWC uint8, three channels; it is not written to.
            mask: HxW bool, True where the product is. Without one the background stays.

        Raises:
            ImageError: another shape or type.
        """
        _check(image, mask)
        for step in self.steps:
            image = step.apply(image, rng, mask=mask if step.name == "background" else None)
        return image

    def views(self, image: ImageArray, count: int, *, seed: int = 0, mask: MaskArray | None = None) -> list[ImageArray]:
        """`count` views; view i is the same however many are asked for."""
        return [self.apply(image, np.random.default_rng([seed, number]), mask=mask) for number in range(count)]

    def scaled(self, strength: float) -> Policy:
        """The same with all amounts times `strength`; at 0 it changes nothing.

        Raises:
            UsageError: a strength below 0.
        """
        if not strength >= 0:
            raise UsageError(f"expected a strength from 0 and got {strength:g}", cure="1 is the policy as it is")
        return replace(self, steps=tuple(step.scaled(strength) for step in self.steps))

    def describe(self) -> str:
        """What it does, in words: a line for its purpose and one for each step."""
        return "\n".join([f"{self.name}: {self.purpose}", *(f"  {step.describe()}" for step in self.steps)])


class About(NamedTuple):
    """What a step does and what its amount means: `phrase` with one amount or a span of them put in."""

    change: Change
    most: float
    phrase: str
    scale: float = 1.0
    digits: int = 0

    def words(self, *amounts: float) -> str:
        """The phrase with the amounts in their unit."""
        texts = [f"{amount * self.scale:.{self.digits}f}" for amount in amounts]
        return self.phrase.format(" to ".join(texts))


def change(
    image: ImageArray, name: StepName, amount: float, rng: np.random.Generator, *, mask: MaskArray | None = None
) -> ImageArray:
    """Do one step by this amount; what it leaves open (side, place, sign) is drawn."""
    if amount <= 0:
        return image
    if name == "background":
        return image if mask is None else _other_background(image, mask, rng)
    return STEPS[name].change(image, amount, rng)


def _check(image: ImageArray, mask: MaskArray | None) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ImageError(
            f"expected a picture HWC uint8 with three channels and got {image.dtype} of shape {image.shape}",
            cure="read it with catalens.read_image",
        )
    if mask is not None and (mask.shape != image.shape[:2] or mask.dtype != np.bool_):
        raise ImageError(
            f"expected a mask of shape {image.shape[:2]}, bool, and got {mask.dtype} of shape {mask.shape}",
            cure="give the mask of this picture",
        )


def _flipped(image: ImageArray, _amount: float, _rng: np.random.Generator) -> ImageArray:
    return np.ascontiguousarray(image[:, ::-1])


def _cropped(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    height, width = image.shape[:2]
    tall, wide = max(1, round(height * (1 - amount))), max(1, round(width * (1 - amount)))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    return _resized(np.ascontiguousarray(image[top : top + tall, left : left + wide]), (height, width))


def _turned(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    height, width = image.shape[:2]
    angle = amount * _sign(rng)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    return np.asarray(
        cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def _tilted(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    """Each corner moves by up to `amount` of the side: the camera held at an angle."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-amount, amount, (4, 2)).astype(np.float32) * np.array([width, height], np.float32)
    matrix = cv2.getPerspectiveTransform(moved, corners)
    return np.asarray(
        cv2.warpPerspective(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        ), np.uint8,
    )  # fmt: skip


_LINEAR = np.where(
    np.arange(256) <= 0.04045 * 255, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4
)
"""sRGB 0..255 as light 0..1 (IEC 61966-2-1)."""


def _as_srgb(light: NDArray[np.float64]) -> ImageArray:
    light = np.clip(light, 0, 1)
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(curve * 255), np.uint8)


def _relit(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    """More or less light by `amount` stops, as a longer or shorter exposure gives."""
    return _through(image, _as_srgb(_LINEAR * 2 ** (amount * _sign(rng))))


def _contrasted(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    middle = float(image.mean())
    factor = math.exp(amount * _sign(rng))
    return _through(image, np.clip(np.rint((np.arange(256) - middle) * factor + middle), 0, 255).astype(np.uint8))


def _warmed(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    """Red up and blue down by half of `amount` stops each, or the reverse: the light of a warmer or colder lamp."""
    half = amount / 2 * _sign(rng)
    channels = [_as_srgb(_LINEAR * 2**stops) for stops in (half, 0.0, -half)]
    return _through(image, np.stack(channels, axis=1))


def _blurred(image: ImageArray, amount: float, _rng: np.random.Generator) -> ImageArray:
    sigma = amount * max(image.shape[:2])
    return np.asarray(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.05)), np.uint8)


def _noisy(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    noisy = image + rng.standard_normal(image.shape, np.float32) * np.float32(amount)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _coarse(image: ImageArray, amount: float, _rng: np.random.Generator) -> ImageArray:
    """As if from a thumbnail that has `1 - amount` of the pixels a side."""
    height, width = image.shape[:2]
    small = _resized(image, (max(1, round(height * (1 - amount))), max(1, round(width * (1 - amount)))))
    return _resized(small, (height, width))


def _compressed(image: ImageArray, amount: float, _rng: np.random.Generator) -> ImageArray:
    """Written as a JPEG of quality 100 - `amount` and read again."""
    if max(image.shape[:2]) > 65_500:  # what the format can hold
        return image
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(100 - amount)])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1])


def _erased(image: ImageArray, amount: float, rng: np.random.Generator) -> ImageArray:
    """A rectangle of `amount` of the picture under noise (random erasing, Zhong et al. 2020)."""
    height, width = image.shape[:2]
    aspect = math.exp(rng.uniform(math.log(0.5), math.log(2.0)))
    tall = min(height, round(math.sqrt(amount * height * width / aspect)))
    wide = min(width, round(math.sqrt(amount * height * width * aspect)))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    covered = image.copy()
    covered[top : top + tall, left : left + wide] = rng.integers(0, 256, (tall, wide, 3), np.uint8)
    return covered


def _other_background(image: ImageArray, mask: MaskArray, rng: np.random.Generator) -> ImageArray:
    """The product on a plain ground that runs from one soft color to another; the edge blends over two pixels."""
    height, width = image.shape[:2]
    first, second = rng.uniform(96, 256, (2, 3)), rng.uniform(96, 256, (2, 3)).mean(0)
    along = np.linspace(0, 1, height)[:, None, None]
    ground = np.broadcast_to(first[0] * (1 - along) + second * along, (height, width, 3))
    cover = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)[..., None]
    return np.asarray(np.rint(image * cover + ground * (1 - cover)), np.uint8)


def _kept(image: ImageArray, _amount: float, _rng: np.random.Generator) -> ImageArray:
    return image


def _resized(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size[::-1], interpolation=kind), np.uint8)


def _through(image: ImageArray, table: ImageArray) -> ImageArray:
    """Each value replaced by the table's: (256,) for all channels, (256, 3) for each."""
    return np.asarray(cv2.LUT(image, table[None] if table.ndim == 2 else table), np.uint8)


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


STEPS: Mapping[StepName, About] = MappingProxyType(
    {
        "background": About(_kept, 1.0, "another ground, where the product's mask is known"),
        "flip": About(_flipped, 1.0, "mirrored left to right"),
        "crop": About(_cropped, 0.9, "{} % of each side cut away", 100),
        "turn": About(_turned, 180.0, "turned by {} degrees, either way"),
        "perspective": About(_tilted, 0.25, "corners moved by {} % of the side", 100),
        "light": About(_relit, 3.0, "{} stops more or less light", 1, 1),
        "contrast": About(_contrasted, 1.5, "{} % more or less contrast", 100),
        "white balance": About(_warmed, 2.0, "{} stops warmer or colder", 1, 2),
        "blur": About(_blurred, 0.05, "blurred by {} % of the side", 100, 1),
        "noise": About(_noisy, 64.0, "noise of {} levels of 255"),
        "low resolution": About(_coarse, 0.95, "{} % of the pixels of a side lost", 100),
        "jpeg": About(_compressed, 95.0, "{} points of JPEG quality lost"),
        "erasing": About(_erased, 0.5, "{} % of the area covered", 100),
    }
)
"""What each step does, the most of it, and how its amount reads."""
