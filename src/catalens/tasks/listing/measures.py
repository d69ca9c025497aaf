"""Measurements of a listing photo: of the file, and of the picture in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.features.foreground import border_uniformity, foreground_guess
from catalens.images.blank import is_blank
from catalens.images.decode import Header
from catalens.images.prepare import resize
from catalens.tasks.cutout import cutter
from catalens.tasks.reading import TextLines
from catalens.tasks.segment import parser
from catalens.types import FloatArray, ImageArray

ENDINGS = {
    "JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",), "GIF": (".gif",), "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"), "AVIF": (".avif",), "HEIF": (".heic", ".heif"),
    "JPEG XL": (".jxl",),
}  # fmt: skip
NEARLY_WHITE = 235
FRAME = 0.03
"""Width of a frame at most, as a share of the shorter side: beyond it, it is the product's background."""
WORKING = 512
"""Longer side at which the picture is looked at, but for its background, in pixels."""
HALO = 0.02
"""Around the product, as a share of the longer side, where its edge and its compression still show."""
EDGE_WINDOW, EDGE_HEIGHT = 15, 24.0
"""Pixels in which an edge rises, and grey values that it rises by, for its steepness to be measured."""
BLOCK = 10
"""Pixels of the photo that the blocks of a JPEG file carry an edge."""
DARK, BRIGHT = 8, 247
"""Grey values (0..255) beyond which nothing can be told apart."""

PLAIN = 0.97
"""Share of the border that is alike where the background is plain: what is unlike it is the product."""
WALL = 0.9
"""Share of one edge that a product hardly covers: what does is a floor, a table, a wall."""
LIGHT, PALEST = 238, 250
"""Darkest channel of a background that is white but for haze; of what nobody tells from white, on a product either."""
MOSTLY = 0.3
"""Share of the border that is light where the photo was taken on white, whatever the product covers of it."""
SOME_WHITE = 0.02
"""Share of the border's pixels that are pure white from which its background may be."""
SPECK = 0.1
"""Pieces at the edge below this share of the largest one's area are shadows, not the product."""
NOT_PRODUCTS = ("skin", "hair")
WORN_AT_LEAST = 0.01
"""Share of a picture that skin and hair have together where somebody wears the product."""

AlphaOf = Callable[[ImageArray], FloatArray]
ConfidenceOf = Callable[[ImageArray, FloatArray], float]
"""Of a picture and an outline: the probability that it is right."""
TextOf = Callable[[ImageArray], TextLines]
MOST_SAID = 300
"""Characters of overlaid text that a finding quotes."""
OUTSIDE = 0.3
"""Share of a line's box outside the product from which it is no print on the product but lies over the photo."""


@dataclass(frozen=True, slots=True)
class Measures:
    """All that rules may be about.

    Args:
        format: by content; ending_fits: whether the file's name says so.
        longer_side, shorter_side, width, height: pixels; aspect: width by height; megapixels; bytes.
        blank: of one color all over, or noise.
        pure_white: share of the background's pixels that are 255 255 255; None where it cannot be told from the product
            and the picture's border is partly white.
        background: darkest channel of the background's median, 0..255.
        fill: the product's longer extent as a share of the frame's; area: its share of the picture. None where it
            cannot be told from its background.
        cut_off: whether the product touches the picture's edge, or, where somebody wears it, what is worn; None as
            above.
        framed: whether a line of one color, which is not white, runs along all four edges, unlike what it encloses.
        overlaid_text: share of the picture that looks like letters outside the product; where the photo was read, that
            its lines of text outside the product cover.
        sharpness: how steep the product's edges are for their height, at 512 pixels: 0.5 at best, 0.4 over the blur's
            sigma.
        exposure: the product's mean grey value, 0..255; clipped: share of it that is black or white beyond recovery.
        noise: standard deviation in even places, grey values.
        person: share of the picture that shows skin or hair; None where nobody looked.
        overlaid_words: what these lines say; "" where the photo was not read.
    """

    format: str
    ending_fits: bool
    longer_side: int
    shorter_side: int
    width: int
    height: int
    aspect: float
    megapixels: float
    bytes: int
    blank: bool
    pure_white: float | None
    background: int
    fill: float | None
    area: float | None
    cut_off: bool | None
    framed: bool
    overlaid_text: float
    sharpness: float
    exposure: float
    clipped: float
    noise: float
    person: float | None = None
    overlaid_words: str = ""

    def to_dict(self) -> dict[str, object]:
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int, float), "float": (int, float)}
TYPES = {field.name: _TYPES[str(field.type).removesuffix(" | None")] for field in fields(Measures)}
"""Of each measure: of what a rule's limit on it has to be."""


def border_alpha(image: ImageArray) -> FloatArray:
    """The product's outline without a network: what is unlike the picture's border; all of it where nobody can tell."""
    found = foreground_guess(image)
    top, bottom, left, right = (float(edge.mean()) for edge in _edges(found))
    if border_uniformity(image) < PLAIN and (
        max(top, bottom, left, right) > WALL or top * bottom > 0 or left * right > 0
    ):
        return np.ones(found.shape, np.float32)  # a floor, a wall, folds of a sheet
    return _without_specks(found).astype(np.float32)


def _edges(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], ...]:
    """Top, bottom, left, right."""
    return mask[0], mask[-1], mask[:, 0], mask[:, -1]


def _without_specks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without small pieces at the edge."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 3 or mask.all():
        return mask
    areas = stats[:, cv2.CC_STAT_AREA]
    at_edge = np.unique(np.concatenate(_edges(pieces)))
    specks = [piece for piece in at_edge.tolist() if piece and areas[piece] < SPECK * areas[1:].max()]
    return np.asarray(mask & ~np.isin(pieces, specks))


def outline(image: ImageArray) -> FloatArray:
    """The product's outline for a repair: as `cutout` finds it, but what is not white where the border is mostly white
    and uneven, for a network may lose pale clothes there.
    """
    white = _white_ground(image)
    return cutter().alpha(image) if white is None else np.asarray(~white, np.float32)


def outline_confidence(image: ImageArray, alpha: FloatArray) -> float:
    """Probability, 0..1, that `outline` is right; 1 where only what is white already becomes whiter."""
    return cutter().confidence(image, alpha) if _white_ground(image) is None else 1.0


def _white_ground(image: ImageArray) -> NDArray[np.bool_] | None:
    """Where the ground is nearly white, of a picture whose border is so for the most part; None for others."""
    if border_uniformity(image) >= PLAIN:
        return None
    darkest = image.min(axis=2)
    pieces = cv2.connectedComponents((darkest >= LIGHT).astype(np.uint8), connectivity=4)[1]
    bounds = np.concatenate(_edges(pieces))
    if (bounds > 0).mean() < MOSTLY:
        return None
    return np.asarray(np.isin(pieces, np.unique(bounds[bounds > 0])) | (darkest >= PALEST))


def measure(
    image: ImageArray,
    header: Header,
    *,
    name: str = "",
    alpha_of: AlphaOf = border_alpha,
    people: bool = False,
    worn: bool = False,
    text_of: TextOf | None = None,
) -> Measures:
    """Measure a photo.

    Args:
        image: HWC uint8, at its full size; header: of its file; name: of the file, for its ending.
        alpha_of: gives the product's alpha of a picture; people: look for them, by the parser.
        text_of: reads the text on it; what lies outside the product is overlaid.
        worn: where the outline touches the edge, ask the parser whether somebody wears the product, and judge that.
    """
    height, width = image.shape[:2]
    scale = min(1.0, WORKING / max(height, width))
    small = resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))
    product = alpha_of(small) > 0.5
    told = product.any() and not product.all()
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    inside = product if product.any() else np.ones_like(product)
    white, level = _background(image, product)
    overlaid, words = _letters(grey, product), ""
    if text_of is not None:
        overlaid, words = _lines_outside(text_of(image), product, scale)
    ending = Path(name).suffix.lower()
    return Measures(
        format=header.format,
        ending_fits=not ending or ending in ENDINGS.get(header.format, ()),
        longer_side=max(header.size),
        shorter_side=min(header.size),
        width=header.size[1],
        height=header.size[0],
        aspect=header.size[1] / header.size[0],
        megapixels=header.size[0] * header.size[1] / 1e6,
        bytes=header.bytes,
        blank=is_blank(image),
        pure_white=white,
        background=level,
        fill=_extent(product) if told else None,
        area=float(product.mean()) if told else None,
        cut_off=_is_cut_off(small, product, worn=worn) if told else None,
        framed=_is_framed(small),
        overlaid_text=overlaid,
        sharpness=_sharpness(grey, inside),
        exposure=float(grey[inside].mean()),
        clipped=float(((grey[inside] < DARK) | (grey[inside] > BRIGHT)).mean()),
        noise=_noise(grey),
        person=_person(small) if people else None,
        overlaid_words=words,
    )


def _extent(product: NDArray[np.bool_]) -> float:
    rows, columns = np.flatnonzero(product.any(1)), np.flatnonzero(product.any(0))
    return float(max((rows[-1] - rows[0] + 1) / len(product), (columns[-1] - columns[0] + 1) / product.shape[1]))


def _is_cut_off(image: ImageArray, product: NDArray[np.bool_], *, worn: bool) -> bool:
    """Whether the product touches an edge. A model's legs may: then it is about the largest thing that is worn."""
    if not any(edge.any() for edge in _edges(product)):
        return False
    parts = parser()(image) if worn else None
    if parts is None or sum(parts.areas.get(name, 0.0) for name in NOT_PRODUCTS) < WORN_AT_LEAST:
        return True
    garments = [name for name in parts.areas if name not in (*NOT_PRODUCTS, "background")]
    return not garments or any(edge.any() for edge in _edges(parts[max(garments, key=parts.areas.__getitem__)]))


def _background(image: ImageArray, product: NDArray[np.bool_]) -> tuple[float | None, int]:
    """Share of the background, at the photo's own size, that is pure white; the darkest channel of its median.

    Without a background of its own it is the border's where that has no white at all, else not known.
    """
    scale = max(product.shape) / max(image.shape[:2])
    reach = 2 * max(1, round(HALO * max(product.shape)), round(BLOCK * scale)) + 1
    near = cv2.dilate(product.astype(np.uint8), np.ones((reach, reach), np.uint8))
    free = cv2.resize(near, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) == 0
    if not free.any():
        bounds = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        white = float((bounds == 255).all(1).mean())
        return None if white > SOME_WHITE else 0.0, int(np.median(image.reshape(-1, 3), axis=0).min())
    pixels = image[free]
    return float((pixels == 255).all(1).mean()), int(np.median(pixels, axis=0).min())


def _person(image: ImageArray) -> float:
    areas = parser()(image).areas
    return sum(areas.get(name, 0.0) for name in NOT_PRODUCTS)


def _is_framed(image: ImageArray) -> bool:
    """Whether all four edges are of one even color, and a ring inside them differs from it all round.

    A white one is the margin of a product that fills its frame, as far as anybody can tell.
    """
    height, width = image.shape[:2]
    if min(height, width) < 24:
        return False
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).astype(np.int16)
    color = np.median(edges, axis=0)
    if np.abs(edges - color).max(1).mean() > 6 or color.min() > NEARLY_WHITE:
        return False
    lab = np.abs(image.astype(np.int16) - color).max(2) > 24
    for depth in range(1, round(FRAME * min(height, width)) + 2):
        sides = (
            lab[depth, depth:-depth],
            lab[-1 - depth, depth:-depth],
            lab[depth:-depth, depth],
            lab[depth:-depth, -1 - depth],
        )
        shares = [side.mean() for side in sides]
        if min(shares) > 0.9:
            return True
        if max(shares) > 0.1:
            return False
    return False


def _lines_outside(lines: TextLines, product: NDArray[np.bool_], scale: float) -> tuple[float, str]:
    """Share of the picture that lines of text outside the product cover, and what they say."""
    area, said = 0.0, []
    for line in lines:
        left, top, right, bottom = (round(edge * scale) for edge in line.box)
        under = product[top : max(bottom, top + 1), left : max(right, left + 1)]
        if under.size and 1 - under.mean() >= OUTSIDE:
            area += under.size
            said.append(line.text)
    return area / product.size, "; ".join(said)[:MOST_SAID]


def _letters(grey: NDArray[np.uint8], product: NDArray[np.bool_]) -> float:
    """Share of the picture covered by rows of small, sharp marks of like height outside the product."""
    free = cv2.dilate(product.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    marks = ((edges > 48) & free).astype(np.uint8)
    rows = cv2.morphologyEx(marks, cv2.MORPH_CLOSE, np.ones((3, 13), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(rows, connectivity=8)
    covered = 0
    for left, top, width, height, area in stats[1:count].tolist():
        if 6 <= height <= 0.15 * len(grey) and width >= 2.2 * height and area >= 0.35 * width * height:
            part = marks[top : top + height, left : left + width]
            strokes = int((np.diff(part.astype(np.int8), axis=1) == 1).sum(1).max(initial=0))
            covered += width * height if strokes >= 4 else 0
    return covered / grey.size


def _sharpness(grey: NDArray[np.uint8], product: NDArray[np.bool_]) -> float:
    """How steep edges are for their height: 0.5 for a step from one pixel to the next, 0.4 over its sigma for a blurred
    one; the upper quartile, for backgrounds may be out of focus.
    """
    values = grey.astype(np.float32)
    slope = np.hypot(cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=1), cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=1)) / 2
    window = np.ones((EDGE_WINDOW, EDGE_WINDOW), np.uint8)
    height = cv2.dilate(values, window) - cv2.erode(values, window)
    steepest = slope >= cv2.dilate(slope, window)
    edges = steepest & (height > EDGE_HEIGHT) & product
    if not edges.any():
        return 0.5  # nothing that could be blurred
    return float(np.quantile(slope[edges] / height[edges], 0.75))


def _noise(grey: NDArray[np.uint8]) -> float:
    """From differences of second order, which slopes do not move (Immerkaer 1996); the quieter half of the picture."""
    if min(grey.shape) < 3:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey.astype(np.float32), cv2.CV_32F, kernel))
    return float(np.median(response) / (0.6745 * 6))
