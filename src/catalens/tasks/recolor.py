"""Show a product in other colors: its main color moves, shading, prints, labels, skin and background stay.

Colors move in CIELAB: lightness by a curve through the old and the new color, chroma in proportion to the shading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from catalens import options
from catalens.errors import UnfitImageError, UsageError
from catalens.features.color import named_colors
from catalens.features.color_names import color_names
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image, read_rgba
from catalens.images.srgb import hex_color
from catalens.models.device import AUTO
from catalens.show import Shown
from catalens.tasks.colors import SIDE, body_of, worn_parts
from catalens.tasks.cutout import cutter
from catalens.taxonomy import rules
from catalens.types import FloatArray, ImageArray, Masks

CLOTH = {
    "black": (28, 28, 31), "white": (244, 244, 241), "gray": (132, 133, 136), "grey": (132, 133, 136),
    "charcoal": (58, 60, 64), "red": (196, 30, 42), "burgundy": (110, 20, 42), "rust": (168, 74, 38),
    "orange": (232, 118, 36), "yellow": (244, 208, 52),
    "beige": (214, 194, 160), "camel": (184, 140, 88), "brown": (104, 68, 44), "olive": (104, 106, 58),
    "green": (38, 122, 66), "mint": (166, 220, 196), "teal": (18, 112, 116), "turquoise": (58, 186, 186),
    "blue": (42, 92, 178), "navy": (30, 40, 78), "light blue": (150, 190, 224), "purple": (106, 56, 134),
    "lavender": (180, 164, 212), "pink": (238, 152, 182),
}  # fmt: skip
"""Colors as cloth has them (sRGB); any other name is CSS's."""
DARKEST, LIGHTEST = 5.0, 97.0
"""CIELAB lightness between which a product's main color is believable on a photo."""
GREY = 9.0
"""CIELAB chroma of a main color below which it counts as grey: what belongs to it is then told by lightness."""
STEEPEST, FLATTEST = 1.25, 0.3
"""Limits of the contrast of shading, new over old: more shows noise, less hides folds."""
SOFT = 0.25
"""Width of the transition from what is of the main color to what is not, as a share of the limit."""
TEXTURE = 0.3
"""Share of the deviation in chroma, such as of a melange, that is kept."""
PART = 0.2
"""On a person: share of the largest area of the main color below which another area is another thing."""
UPPER, LOWER = (tuple(rules()["mistaken"][half]) for half in ("upper", "lower"))
"""Classes of the parser that it mistakes for one another within one garment."""
ISLAND = 0.1
"""Share of the garment up to which an area of another class is a mistake."""
CORRECTIONS = 4
"""Times that the curve is corrected by the mean of what it gave."""


@dataclass(frozen=True, slots=True, eq=False)
class Recolored(Shown):
    """A product in another color.

    Args:
        image: HxWx3 uint8, or HxWx4 as the photo had transparency.
        color: as it was asked for; rgb: sRGB 0..255.
        error: CIEDE2000 between the color and the mean of the product's main area.
        area: share of the product that took the color, 0..1.
    """

    image: ImageArray
    color: str
    rgb: tuple[int, int, int]
    error: float
    area: float

    def to_dict(self) -> dict[str, object]:
        return {
            "color": self.color, "rgb": list(self.rgb), "error": round(self.error, 2), "area": round(self.area, 3),
        }  # fmt: skip


@dataclass(frozen=True)
class _Base:
    """What is recolored: HxWx3 CIELAB of the product, (H, W) share of each pixel that moves; its mean main color."""

    lab: FloatArray
    share: FloatArray
    main: FloatArray

    @property
    def core(self) -> NDArray[np.bool_]:
        return self.share > 0.9 if (self.share > 0.9).any() else self.share >= self.share.max()


def recolor(
    image: ImageLike,
    *,
    colors: Sequence[str] = options.Recolor.colors.default,
    swatch: ImageLike | None = None,
    model: str | None = options.Recolor.model.default,
    device: str = AUTO,
    dtype: str = AUTO,
) -> tuple[Recolored, ...]:
    """A product in other colors, one picture a color.

    Args:
        image: of the product: path, bytes, open file, array or PIL picture.
        colors: names such as "navy" (`CLOTH`, then CSS), or #rrggbb.
        swatch: a photo of cloth whose main color is one more.
        model: a cut-out network, as of `cutout`; device, dtype: where it runs.

    Raises:
        ImageError: a picture cannot be read, or shows no product.
        UsageError: no color, or an unknown one.
        NotFoundError, ModelError, MissingExtraError: the network cannot be found or used.
    """
    targets = [(name, color_of(name)) for name in colors]
    if swatch is not None:
        targets.append(("swatch", swatch_color(swatch)))
    if not targets:
        raise UsageError("no colors", cure="give some, such as red,navy,#aabbcc, or a swatch")
    rgba = read_rgba(image)
    found = cutter(model, device=device, dtype=dtype).cut(rgba, shadow="none")
    parts = worn_parts(np.ascontiguousarray(rgba[..., :3]), found.alpha > 0.5)
    alpha = found.alpha if parts is None else np.where(body_of(parts), np.float32(0), found.alpha)
    if found.box is None or not (alpha > 0.5).any():
        raise UnfitImageError("no product was found on the photo", cure="take another photo of it")
    base = _base(found.colors, alpha)
    if parts is not None:
        base = _Base(base.lab, _of_one_garment(base.share, parts), base.main)
    return tuple(_recolored(rgba, found.colors, base, alpha, name, rgb) for name, rgb in targets)


def color_of(name: str) -> tuple[int, int, int]:
    """SRGB of a color by its name or #rrggbb.

    Raises:
        UsageError: there is none.
    """
    text = name.strip().lower()
    if found := CLOTH.get(text) or hex_color(text):
        return found
    if text.replace(" ", "") not in ImageColor.colormap:
        raise UsageError(f"no color {name!r}", cure=f"take #rrggbb, a CSS name or one of {', '.join(sorted(CLOTH))}")
    red, green, blue = ImageColor.getrgb(text.replace(" ", ""))[:3]
    return red, green, blue


def swatch_color(swatch: ImageLike) -> tuple[int, int, int]:
    """The main color of a photo of cloth, sRGB."""
    pixels = _small(read_image(swatch))
    return named_colors(pixels, np.ones(pixels.shape[:2], np.bool_))[0].rgb


def _base(colors: ImageArray, alpha: FloatArray) -> _Base:
    """The product's main color, and what of it is of that color."""
    lab = _to_lab(colors)
    small, inside = _small(colors), _small(np.asarray(alpha > 0.5, np.uint8)) > 0
    main = named_colors(small, inside)[0].name
    own = small[inside]
    chosen = np.array([name == main for name in color_names(own)])
    seed = np.median(_to_lab((own[chosen] if chosen.any() else own)[None])[0], axis=0)
    share = np.zeros_like(alpha)
    for _ in range(2):  # again around the mean of what was found
        share = _belongs(lab, np.asarray(seed, np.float32)) * alpha
        core = share > 0.9
        seed = lab[core].mean(axis=0) if core.any() else seed
    return _Base(lab, np.asarray(share, np.float32), np.asarray(seed, np.float32))


def _of_one_garment(share: FloatArray, parts: Masks) -> FloatArray:
    """Shares of the garment that has most of the main color, without those far smaller areas that are other things:
    the trousers below a white sweater, the shoes beside grey shorts.
    """
    areas = {name: float(share[parts.labels == code].sum()) for code, name in enumerate(parts.names)}
    garment = max((name for name in areas if name in UPPER + LOWER), key=lambda name: areas[name], default="")
    like = UPPER if garment in UPPER else LOWER
    other = np.isin(parts.labels, [code for code, name in enumerate(parts.names) if code and name not in like])
    # Islands of another class inside the garment are mistakes of the parser.
    _, islands, sizes, _ = cv2.connectedComponentsWithStats(other.astype(np.uint8), connectivity=8)
    large = sizes[:, cv2.CC_STAT_AREA] > ISLAND * areas.get(garment, 0.0)
    share = np.where(other & large[islands], np.float32(0), share)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats((share > 0.1).astype(np.uint8), connectivity=8)
    sizes = stats[:, cv2.CC_STAT_AREA].copy()
    sizes[0] = 0
    return np.where((sizes > PART * sizes.max())[pieces], share, np.float32(0))


def _belongs(lab: FloatArray, main: FloatArray) -> FloatArray:
    """(H, W) 0..1: whether a color is the main one in more or less light, softly."""
    light = lab[..., 0]
    base = float(np.hypot(main[1], main[2]))
    if base < GREY:
        tint = np.hypot(lab[..., 1] - main[1], lab[..., 2] - main[2])
        if main[0] > 50:
            return np.asarray(_ramp(tint, 7.0) * _ramp(100 - light, 145 - float(main[0])), np.float32)
        return np.asarray(_ramp(tint, 12.0) * _ramp(light, float(main[0]) + 38), np.float32)
    along = (lab[..., 1] * main[1] + lab[..., 2] * main[2]) / base
    across = np.abs(lab[..., 1] * main[2] - lab[..., 2] * main[1]) / base
    # In shade chroma falls with lightness; in a highlight it falls towards white.
    expected = base * np.where(
        light <= main[0], light / max(main[0], 1.0), (100 - light) / max(100 - float(main[0]), 1.0)
    ).clip(0, 1)
    enough = np.clip((along - 0.3 * expected) / np.maximum(SOFT * expected, 1.0), 0, 1)
    turned = _ramp(across, 1.0, limits=6 + 0.4 * np.maximum(along, 0))
    return np.asarray(enough * turned, np.float32)


def _ramp(values: FloatArray, limit: float, *, limits: FloatArray | None = None) -> FloatArray:
    """1 up to a limit, falling to 0 over `SOFT` of it."""
    top = np.float32(max(limit, 1.0)) if limits is None else limits
    return np.asarray(np.clip((top * (1 + SOFT) - values) / (top * SOFT), 0, 1), np.float32)


def _recolored(
    rgba: ImageArray, colors: ImageArray, base: _Base, alpha: FloatArray, name: str, rgb: tuple[int, int, int]
) -> Recolored:
    wanted = _to_lab(np.array([[rgb]], np.uint8))[0, 0]
    wanted[0] = np.clip(wanted[0], DARKEST, LIGHTEST)
    core, aim = base.core, wanted.copy()
    for _ in range(CORRECTIONS):
        mean = _to_lab(_to_rgb(_moved(base.lab[core], base.main, aim)[None]))[0].mean(axis=0)
        aim = aim + (wanted - mean)
        aim[0] = np.clip(aim[0], 1.0, 99.0)
    rows, columns = np.nonzero(base.share > 0)
    new = _to_rgb(_moved(base.lab[rows, columns], base.main, aim)[None])[0]
    out = rgba.copy()
    pixels = rgba[rows, columns, :3].astype(np.float32)
    change = new.astype(np.float32) - colors[rows, columns]
    out[rows, columns, :3] = np.rint(np.clip(pixels + base.share[rows, columns, None] * change, 0, 255)).astype(
        np.uint8
    )
    image = out if rgba[..., 3].min() < 255 else np.ascontiguousarray(out[..., :3])
    target = _to_lab(np.array([[rgb]], np.uint8))[0, 0]
    error = ciede2000(_to_lab(np.ascontiguousarray(out[..., :3]))[core].mean(axis=0), target)
    return Recolored(image, name, rgb, error, float(base.share.sum() / max(float(alpha.sum()), 1.0)))


def _moved(lab: FloatArray, main: FloatArray, aim: FloatArray) -> FloatArray:
    """(N, 3) CIELAB around one color -> the same around another."""
    old, new = float(main[0]), float(aim[0])
    slopes = new / max(old, 1.0), (100 - new) / max(100 - old, 1.0)
    down, up = float(np.clip(slopes[0], FLATTEST, STEEPEST)), min(slopes[1], STEEPEST)
    away = lab[:, 0] - old
    light = np.clip(new + away * np.where(away < 0, down, up), 0, 100)
    shading = np.where(light < new, light / max(new, 1.0), (100 - light) / max(100 - new, 1.0))[:, None]
    before = np.where(away < 0, lab[:, 0] / max(old, 1.0), (100 - lab[:, 0]) / max(100 - old, 1.0))[:, None]
    texture = TEXTURE * (lab[:, 1:] - main[1:] * np.clip(before, 0, 1))
    chroma = aim[1:] * np.clip(shading, 0, 1) + texture
    return np.asarray(np.concatenate([light[:, None], chroma], axis=1), np.float32)


def ciede2000(first: FloatArray, second: FloatArray) -> float:
    """Difference of two CIELAB colors (3,) by CIEDE2000 (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = (map(float, one) for one in (first, second))
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 1.5 - 0.5 * np.sqrt(mean_c7 / (mean_c7 + 25.0**7))
    c1, c2 = np.hypot(a1 * g, b1), np.hypot(a2 * g, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * g)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1 - 0.17 * np.cos(np.radians(hue - 30)) + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6)) - 0.2 * np.cos(np.radians(4 * hue - 63))
    )  # fmt: skip
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    dl, dc = (l2 - l1) / s_l, (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    rotation = (
        -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    )
    return float(np.sqrt(max(dl**2 + dc**2 + dh**2 + rotation * dc * dh, 0.0)))


def _small(image: ImageArray) -> ImageArray:
    scale = SIDE / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    if scale >= 1:
        return image
    if image.ndim == 2:
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    return resize(image, (height, width))


def _to_lab(rgb: ImageArray) -> FloatArray:
    """HxWx3 uint8 sRGB -> CIELAB, L 0..100."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _to_rgb(lab: FloatArray) -> ImageArray:
    rgb = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.rint(np.clip(rgb, 0, 1) * 255), np.uint8)
