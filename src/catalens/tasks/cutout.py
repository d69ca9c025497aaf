"""Cut a product out of its photo: alpha, foreground colors, another background.

The network says roughly where the product is; the outline then follows the picture's edges at its own size, and colors
at the edge are freed from the old background's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import options
from catalens.errors import ModelError, UsageError
from catalens.features.foreground import EVEN, border_uniformity
from catalens.images.blank import is_blank
from catalens.images.even import even_alpha
from catalens.images.matting import composite, foreground_colors, refine_alpha
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_rgba
from catalens.images.srgb import composite_on_white
from catalens.models.card import Card
from catalens.models.device import AUTO, RunsOn
from catalens.models.runtimes.base import DenseNetwork
from catalens.models.runtimes.file import FileDense, file_kind
from catalens.models.runtimes.onnx import OnnxDenseNetwork
from catalens.models.zoo import DEFAULT_MATTE, Form, loaded_once, resolve
from catalens.options import Shadow
from catalens.show import Shown
from catalens.tasks.edges import Edges
from catalens.tasks.outline import TRUSTED, outline_confidence, separate_products
from catalens.tasks.segment import canvas_for, logits_of
from catalens.types import FloatArray, ImageArray

FORMS: tuple[Form, ...] = ("card", "onnx", "openvino", "torch")
"""What `model` may be here."""
SOLID, EMPTY = 0.97, 0.03
"""Alpha above and below which a pixel is taken for all product or none of it."""
SURE, DOUBTFUL = 0.45, 0.12
"""Alpha from which a place is surely product; below which what it encloses is surely not."""
SPECK = 0.004
"""Islands smaller than this share of the product are dust."""
FITTED, LIT = 20_000, 0.97
"""Pixels that the background's light is fitted to; share of it below which a pixel lies in a shadow."""
CLEAR = 0.005
"""Share of a file's pixels that are clear from which it counts as cut out; rounded corners are less."""
SHADOW_DEPTH = 0.28
"""How dark a drawn shadow is in its middle."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout(Shown):
    """A product without its background.

    Args:
        colors: HWC uint8, the product's own; beyond its outline they mean nothing.
        alpha: HxW float32 in 0..1, how much of each pixel it covers.
        shade: HxW float32 in 0..1, how much light reaches the background: below 1 where the product's shadow lies; None
            where there is none.
    """

    colors: ImageArray
    alpha: FloatArray
    shade: FloatArray | None

    @property
    def rgba(self) -> ImageArray:
        """HxWx4 uint8; a shadow is black that covers in part."""
        cover, colors = self.alpha, self.colors
        if self.shade is not None:
            cover = self.alpha + (1 - self.shade) * (1 - self.alpha)
            share = np.asarray(self.alpha / np.maximum(cover, 1e-6), np.float32)
            colors = composite(colors, share, np.zeros_like(colors))
        seen = cv2.convertScaleAbs(cover, alpha=255)
        return np.asarray(cv2.merge([*cv2.split(cv2.copyTo(colors, seen)), seen]), np.uint8)

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """Bounds of the product, xyxy in whole pixels; None where there is none."""
        left, top, width, height = cv2.boundingRect((self.alpha > 0.1).view(np.uint8))
        return (left, top, left + width, top + height) if width else None

    def __repr__(self) -> str:
        height, width = self.alpha.shape
        return f"Cutout({height}x{width}: {'nothing' if self.box is None else f'product at {self.box}'})"

    def to_dict(self) -> dict[str, object]:
        return {"size": list(self.alpha.shape), "box": None if self.box is None else list(self.box)}

    def on(self, background: ImageArray | tuple[int, int, int]) -> ImageArray:
        """Lay it on a color, or on a picture that is scaled to fill: HWC uint8."""
        height, width = self.alpha.shape
        if isinstance(background, tuple):
            ground = np.full((height, width, 3), background, np.uint8)
        else:
            ground = _filling(background, (height, width))
        if self.shade is not None:
            ground = composite(ground, self.shade, np.zeros_like(ground))
        return composite(self.colors, self.alpha, ground)

    def cropped(self, *, margin: float) -> Cutout:
        """Its bounds with a margin, a share of the longer side, on all sides; the picture grows where it has to."""
        if not 0 <= margin <= 2:
            raise UsageError(f"margin is {margin}", cure="give a share from 0 to 2, such as 0.08")
        if self.box is None:
            return self
        left, top, right, bottom = self.box
        more = round(margin * max(right - left, bottom - top))
        cut = slice(max(top - more, 0), bottom + more), slice(max(left - more, 0), right + more)
        missing = (
            (max(more - top, 0), max(bottom + more - self.alpha.shape[0], 0)),
            (max(more - left, 0), max(right + more - self.alpha.shape[1], 0)),
        )
        return Cutout(
            np.pad(self.colors[cut], (*missing, (0, 0)), mode="edge"),
            np.pad(self.alpha[cut], missing),
            None if self.shade is None else np.pad(self.shade[cut], missing, constant_values=1.0),
        )


class Cutter:
    """A network that says how much of each place the product covers, by its card. Calls from threads are safe.

    Raises:
        ModelError: the card is for something else, or its weights cannot be used.
    """

    def __init__(self, card: Card, *, threads: int | None = None, device: str = AUTO, dtype: str = AUTO) -> None:
        if card.task != "matte":
            raise ModelError(f"{card.name} is for {card.task!r}, not for 'matte'", cure="name a cut-out network")
        self._network: DenseNetwork = OnnxDenseNetwork(card, threads=threads, device=device, dtype=dtype)

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""
        return self._network.runs_on

    def alpha(self, image: ImageArray) -> FloatArray:
        """HWC uint8 -> HxW float32 in 0..1, how much of each pixel the product covers.

        Where the picture's border is even, what is like it is background; the network says what is shadow.
        """
        if is_blank(image):
            return np.zeros(image.shape[:2], np.float32)
        guess = self._guess(image)
        found = even_alpha(image, guess)
        return guess if found is None else found

    def confidence(self, image: ImageArray, alpha: FloatArray) -> float:
        """Probability, 0..1, that an outline of HWC uint8 is right (`tasks.outline`): trusted from `TRUSTED`."""
        return 0.0 if is_blank(image) else outline_confidence(self._network, image, alpha)

    def doubt(self, rgba: ImageArray, found: Cutout) -> str | None:
        """What is doubtful about a cut-out of HxWx4 uint8, in words; None where it is trusted or its alpha is the
        file's.
        """
        if own_alpha(rgba) is not None:
            return None
        image = composite_on_white(rgba)
        confidence, several = self.confidence(image, found.alpha), separate_products(found.alpha)
        if confidence >= TRUSTED:
            if several < 2 or border_uniformity(image) >= EVEN:  # before a plain ground it may be a pair
                return None
            return f"several products? {several} separate parts (confidence {confidence:.2f})"
        return f"outline doubtful (confidence {confidence:.2f}{f', {several} separate parts' if several > 1 else ''})"

    def cut(
        self,
        rgba: ImageArray,
        *,
        shadow: Shadow = options.Cutout.shadow.default,
        decontaminate: bool = options.Cutout.decontaminate.default,
        edges: Edges | None = None,
    ) -> Cutout:
        """Cut out of HxWx4 uint8; a picture that is cut out already (`own_alpha`) keeps its alpha and colors.

        Args:
            edges: what is done to the alpha's edge before; nothing where None.
        """
        own = own_alpha(rgba)
        if own is not None:
            return cutout_of(np.ascontiguousarray(rgba[..., :3]), own, shadow=shadow, decontaminate=False)
        image = composite_on_white(rgba)
        found = self.alpha(image)
        if edges is not None:
            found = edges.apply(image, found)
        alpha = np.minimum(found, rgba[..., 3] / np.float32(255))
        return cutout_of(image, alpha, shadow=shadow, decontaminate=decontaminate)

    def _guess(self, image: ImageArray) -> FloatArray:
        """The network's alpha, refined along edges."""
        coarse = _sigmoid(logits_of(self._network, image, image.shape[:2])[0])
        # One place of the network's answer covers this many pixels.
        seen = self._network.preprocess.size
        if not self._network.is_fixed:
            seen = canvas_for(self._network.preprocess, image.shape[:2]).size
        reach = max(image.shape[:2]) / max(seen) * 2
        return _clean(refine_alpha(image, coarse, reach=reach), reach=reach)


class ForeignCutter(Cutter):
    """A cut-out network of others, one map of logits, as a cutter.

    Raises:
        ModelError: it gives several maps.
    """

    def __init__(self, network: FileDense) -> None:
        if network.dim != 1:
            raise ModelError(
                f"{network.identity} gives {network.dim} maps and not one, how much the product covers",
                cure="name another output on its card, or ask `segment` with it",
            )
        self._network = network

    def alpha(self, image: ImageArray) -> FloatArray:
        """As of `Cutter`, by the network alone."""
        return np.zeros(image.shape[:2], np.float32) if is_blank(image) else self._guess(image)


def own_alpha(rgba: ImageArray) -> FloatArray | None:
    """HxWx4 uint8 -> alpha that the file brings, HxW float32 in 0..1; None where it clears less than `CLEAR` of it."""
    alpha = rgba[..., 3]
    return None if alpha.mean() > 255 * (1 - CLEAR) else np.asarray(alpha / np.float32(255), np.float32)


def cutout_of(
    image: ImageArray,
    alpha: FloatArray,
    *,
    shadow: Shadow = options.Cutout.shadow.default,
    decontaminate: bool = options.Cutout.decontaminate.default,
) -> Cutout:
    """Put a cut-out together from a picture and its alpha.

    Raises:
        ImageError: they differ in size.
        UsageError: another shadow.
    """
    options.check(options.Cutout.shadow, shadow)
    colors = foreground_colors(image, alpha) if decontaminate else image
    shade: FloatArray | None
    if shadow == "keep":
        shade = _kept_shadow(image, alpha)
    elif shadow == "soft":
        shade = _drawn_shadow(alpha)
    else:
        shade = None
    return Cutout(colors, alpha, shade)


@loaded_once(DEFAULT_MATTE)
def cutter(
    name: str | None = None,
    *,
    threads: int | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> Cutter:
    """A cut-out network by name; loaded once. Arguments and errors are those of `cutout`."""
    found = resolve(name, task="matte", forms=FORMS, accept_licence=accept_licence)
    if found.form == "card":
        return Cutter(found.own_card(), threads=threads, device=device, dtype=dtype)
    path, card = found.file()
    kind = file_kind(found.form)
    return ForeignCutter(FileDense(kind, path, card=card, threads=threads, device=device, dtype=dtype))


def cutout(
    image: ImageLike,
    *,
    model: str | None = options.Cutout.model.default,
    shadow: Shadow = options.Cutout.shadow.default,
    decontaminate: bool = options.Cutout.decontaminate.default,
    edges: Edges | None = None,
    accept_licence: str | None = None,
    device: str = AUTO,
    dtype: str = AUTO,
) -> ImageArray:
    """Cut the product out of a photo.

    Args:
        image: path, bytes, open file, array or PIL picture.
        model: a bundled cut-out network (the default where None) or a folder with a card; a known one that
            `catalens models pull` fetched (u2net, isnet-general-use, birefnet ...); onnx:FILE, openvino:FILE or
            torch:FILE of a network that gives one map, with a small card beside it (`models.runtimes.file`).
        shadow: "keep" the photo's own where its background is even, draw a "soft" one, or "none".
        decontaminate: remove the old background's color from edges.
        edges: alpha matting, a refining network or a smooth outline (`tasks.edges.Edges`).
        accept_licence: name of a licence that limits commercial use and that you accept for this network.
        device, dtype: device and precision (`models.device`).

    Returns:
        HxWx4 uint8 of the photo's own size. All transparent where the photo shows no product. A picture that is cut out
        already keeps its transparency.

    Raises:
        ImageError: the picture cannot be read.
        NotFoundError, ModelError, MissingExtraError: the network cannot be found or used.
        UsageError: another shadow; an unsupported form or device; a licence that was not accepted.
    """
    network = cutter(model, accept_licence=accept_licence, device=device, dtype=dtype)
    return network.cut(read_rgba(image), shadow=shadow, decontaminate=decontaminate, edges=edges).rgba


def _sigmoid(logits: FloatArray) -> FloatArray:
    """In place."""
    np.negative(logits, out=logits)
    cv2.exp(logits, dst=logits)
    logits += 1
    return np.divide(1, logits, out=logits)


def _clean(alpha: FloatArray, *, reach: float) -> FloatArray:
    """All or nothing where it is nearly that; dust and haze away; holes that the network was not sure of closed.

    May write into `alpha`.
    """
    np.copyto(alpha, 1, where=alpha > SOLID)
    cv2.threshold(alpha, EMPTY, 0, cv2.THRESH_TOZERO, dst=alpha)
    solid = (alpha > SURE).view(np.uint8)
    side = 2 * max(2, round(reach)) + 1
    if cv2.countNonZero(solid) > SPECK * solid.size:  # away with what is far from all that is sure
        alpha = np.asarray(cv2.copyTo(alpha, cv2.dilate(solid, np.ones((side, side), np.uint8))), np.float32)
    _, parts, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        (alpha > 0.1).view(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    sizes = stats[:, cv2.CC_STAT_AREA]
    dust = sizes < SPECK * sizes[1:].sum()
    dust[0] = False
    if dust.any():
        alpha[dust[parts]] = 0
    _close_doubtful_holes(alpha)
    return alpha


def _close_doubtful_holes(alpha: FloatArray) -> None:
    """What the product encloses is a hole only where something in it is clearly background; in place."""
    outlines, tree = cv2.findContours((alpha >= SOLID).view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for outline, (*_, parent) in zip(outlines, tree[0] if len(outlines) else (), strict=True):
        if parent < 0:
            continue
        left, top, width, height = cv2.boundingRect(outline)
        window = alpha[top : top + height, left : left + width]
        inside = np.zeros(window.shape, np.uint8)
        cv2.drawContours(inside, [outline], -1, 1, cv2.FILLED, offset=(-left, -top))
        if window[inside > 0].min() > DOUBTFUL:
            window[inside > 0] = 1


def _filling(background: ImageArray, size: tuple[int, int]) -> ImageArray:
    """The middle of a picture, filling (height, width)."""
    scale = max(size[0] / background.shape[0], size[1] / background.shape[1])
    inner = max(size[0], round(background.shape[0] * scale)), max(size[1], round(background.shape[1] * scale))
    top, left = (inner[0] - size[0]) // 2, (inner[1] - size[1]) // 2
    return resize(background, inner)[top : top + size[0], left : left + size[1]]


def _kept_shadow(image: ImageArray, alpha: FloatArray) -> FloatArray:
    """How much darker the background is near the product than far from it; nothing where it is not even."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    reach = 2 * max(2, round(0.01 * max(alpha.shape))) + 1
    free = cv2.dilate(alpha, np.ones((reach, reach), np.uint8)) < EMPTY
    # Nothing to tell it from, or a pattern, a floor below a wall: no shadow.
    if free.mean() < 0.02 or (grey[free] <= 0.6 * np.quantile(grey[free], 0.85)).mean() > 0.15:
        return np.ones_like(alpha)
    lit = np.maximum(_lit(grey, free), 1)
    # Beside the product, where its edge still shows, it is as dark as a little farther out.
    sigma = max(1.0, 0.006 * max(alpha.shape))
    seen, weight = (cv2.GaussianBlur(one, (0, 0), sigma) for one in (np.where(free, grey / lit, 0), free * 1.0))
    shade = np.clip(np.divide(seen, weight, out=np.ones_like(grey), where=weight > 1e-3), 0, 1)
    return np.asarray(np.where(shade > LIT, 1.0, shade), np.float32)


def _lit(grey: FloatArray, free: NDArray[np.bool_]) -> FloatArray:
    """The background's light without shadows: of second order, so that a wall that grows darker to its edge is none."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in grey.shape)
    rows, columns = (place[:: max(1, len(place) // FITTED)] for place in np.nonzero(free))
    points, values = _second_order(y[rows], x[columns]), grey[rows, columns]
    fit: NDArray[np.floating] = np.zeros(len(points))
    for _ in range(3):  # without what turns out to be darker than it should
        fit = np.linalg.lstsq(np.stack(points, axis=1), values, rcond=None)[0]
        kept = values >= LIT * np.tensordot(fit, points, 1)
        points, values = [one[kept] for one in points], values[kept]
    terms = _second_order(y[:, None], x[None])
    return np.asarray(sum(weight * one for weight, one in zip(fit, terms, strict=True)), np.float32)


def _second_order(y: FloatArray, x: FloatArray) -> list[FloatArray]:
    return [np.ones_like(x), x, y, x * x, x * y, y * y]


def _drawn_shadow(alpha: FloatArray) -> FloatArray:
    """A soft pool of shade below the product, as if it stood or lay on a table lit from above."""
    rows, columns = np.flatnonzero((alpha > 0.5).any(1)), np.flatnonzero((alpha > 0.5).any(0))
    if not len(rows):
        return np.ones_like(alpha)
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    pool = np.zeros_like(alpha)
    low = alpha[rows[-1] - max(1, height // 8) : rows[-1] + 1]
    touched = np.flatnonzero((low > 0.5).any(0))
    center = (int((touched[0] + touched[-1]) // 2), int(rows[-1]))
    axes = (max(1, int(touched[-1] - touched[0]) // 2 + width // 40), max(1, height // 40 + 2))
    cv2.ellipse(pool, center, axes, 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(pool, (0, 0), max(1.0, 0.018 * max(height, width)))
    return np.asarray(1 - SHADOW_DEPTH * soft / max(float(soft.max()), 1e-6), np.float32)
