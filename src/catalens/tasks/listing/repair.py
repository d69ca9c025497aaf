"""Fix a photo so that it meets rules: another format, white background, a closer crop, fewer bytes.

Nothing is enlarged and nothing invented: what only another photo can cure is left as a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from catalens.images.draw import FORMATS, encode_image, make_folder, write_atomically
from catalens.images.matting import composite, foreground_colors, refine_alpha
from catalens.images.prepare import resize
from catalens.images.srgb import composite_on_white
from catalens.tasks.cutout import own_alpha
from catalens.tasks.listing.measures import ENDINGS, AlphaOf
from catalens.tasks.listing.rules import Finding, Rule
from catalens.types import FloatArray, ImageArray

FORMAT = "JPEG"
QUALITIES = (94, 90, 84, 76, 66)
WHITE = 255
HAZE = 0.01
"""How far around the product something may shine through, as a share of the longer side."""
DOUBTFUL = 0.3
"""Share of an outline that is neither product nor background from which it is not followed: of 36 photos looked at, all
seven outlines above lost parts of the product or kept parts of a room, and two of 29 below.
"""
OF_THE_FILE = frozenset({"format", "ending_fits", "bytes"})
"""Measures that another file of the same picture may cure."""
EDGE = 0.02
"""White that is left around a product that is framed anew, as a share of its longer side."""


def repair(
    image: ImageArray, findings: Sequence[Finding], rules: Sequence[Rule], *, alpha_of: AlphaOf, mark: str | None = None
) -> tuple[bytes, str] | None:
    """Encode a photo anew so that as many findings as possible go.

    Transparency that the file has is kept, unless a rule asks for a white background.

    Args:
        image: HxWx3 or HxWx4 uint8.
        mark: of generated content, where the photo carries one (`images.mark`).

    Returns:
        The file's bytes, and the ending of its name. None where encoding it anew would cure nothing.
    """
    own = own_alpha(image) if image.shape[2] == 4 else None
    if own is None or any(rule.measure == "pure_white" for rule in rules) or _transparent_format(rules) is None:
        image = composite_on_white(image)
    original, broken = image, {finding.rule.measure for finding in findings}
    if "framed" in broken and own is None:
        image = _without_frame(image)
    if {"pure_white", "fill"} & broken:
        rough = alpha_of(image) if own is None else own
        alpha = refine_alpha(image, rough, reach=max(image.shape[:2]) / 200) if own is None else own
        if 0.005 < alpha.mean() < 0.98 and _doubt(rough) <= DOUBTFUL:
            if "pure_white" in broken and own is None:
                image = _on_white(image, alpha)
            if "fill" in broken:
                image = _closer(image, alpha, _limit(rules, "fill", 0.85))
    image = _smaller(image, rules)
    if image is original and not OF_THE_FILE & broken:
        return None
    return _encoded(image, rules, mark)


def write(data: bytes, path: Path) -> None:
    """Write a file that appears whole or not at all."""
    make_folder(path.parent)
    write_atomically(path, data)


def _doubt(alpha: FloatArray) -> float:
    """Share of the product's pixels that are hardly more product than background."""
    return float(((alpha > 0.1) & (alpha < 0.9)).sum() / max((alpha > 0.1).sum(), 1))


def _on_white(image: ImageArray, alpha: FloatArray) -> ImageArray:
    """The product on pure white; what is hardly covered is white to the last digit."""
    white = np.full_like(image, WHITE)
    laid = composite(foreground_colors(image, alpha), alpha, white)
    reach = 2 * max(1, round(HAZE * max(alpha.shape))) + 1
    near = cv2.dilate((alpha > 0.5).astype(np.uint8), np.ones((reach, reach), np.uint8))
    laid[(alpha < 0.02) | (near == 0)] = WHITE
    return laid


def _closer(image: ImageArray, alpha: FloatArray, fill: float) -> ImageArray:
    """The product's bounds, square, with so much white that it fills a little more than it has to."""
    rows, columns = np.flatnonzero((alpha > 0.3).any(1)), np.flatnonzero((alpha > 0.3).any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    longest = max(bottom - top, right - left)
    side = int(min(longest / min(fill + 0.03, 0.97), longest * (1 + 8 * EDGE)) + 1)
    canvas = np.full((side, side, image.shape[2]), np.median(_border(image), axis=0).astype(np.uint8), np.uint8)
    y, x = (side - (bottom - top)) // 2, (side - (right - left)) // 2
    # What lies around the product on the photo comes along as far as it goes.
    up, back = min(y, top), min(x, left)
    down, on = (
        min(side - y - (bottom - top), len(image) - bottom),
        min(side - x - (right - left), image.shape[1] - right),
    )
    canvas[y - up : y + bottom - top + down, x - back : x + right - left + on] = image[
        top - up : bottom + down, left - back : right + on
    ]
    return canvas


def _border(image: ImageArray) -> ImageArray:
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _without_frame(image: ImageArray) -> ImageArray:
    """Cut rows and columns off the edges as long as they are of the edge's color."""
    color = np.median(_border(image), axis=0)
    unlike = np.abs(image.astype(np.int16) - color.astype(np.int16)).max(2) > 24
    rows, columns = np.flatnonzero(unlike.mean(1) > 0.5), np.flatnonzero(unlike.mean(0) > 0.5)
    if not len(rows) or not len(columns):
        return image
    return np.ascontiguousarray(image[rows[0] + 2 : rows[-1] - 1, columns[0] + 2 : columns[-1] - 1])


def _smaller(image: ImageArray, rules: Sequence[Rule]) -> ImageArray:
    height, width = image.shape[:2]
    scale = min(
        1.0,
        _limit(rules, "longer_side", np.inf, test="at_most") / max(height, width),
        (_limit(rules, "megapixels", np.inf, test="at_most") * 1e6 / (height * width)) ** 0.5,
    )
    if scale >= 1:
        return image
    size = max(1, int(height * scale)), max(1, int(width * scale))
    if image.shape[2] == 3:
        return resize(image, size)
    alpha = image[..., 3:] / np.float32(255)  # colors weighted by what they cover: what is clear must not bleed in
    cover = cv2.resize(alpha, size[::-1], interpolation=cv2.INTER_AREA)[..., None]
    colors = cv2.resize(image[..., :3] * alpha, size[::-1], interpolation=cv2.INTER_AREA) / np.maximum(cover, 1e-3)
    return np.asarray(np.rint(np.concatenate([np.clip(colors, 0, 255), cover * 255], axis=2)), np.uint8)


def _encoded(image: ImageArray, rules: Sequence[Rule], mark: str | None) -> tuple[bytes, str]:
    known = _allowed_formats(rules)
    format = FORMAT if FORMAT in known or not known else known[0]
    if image.shape[2] == 4:
        format = _transparent_format(rules) or format
    most = _limit(rules, "bytes", np.inf, test="at_most")
    data = b""
    for quality in QUALITIES:
        data = encode_image(image, format=format, quality=quality, mark=mark)
        if len(data) <= most:
            break
    return data, ENDINGS[format][0]


def _allowed_formats(rules: Sequence[Rule]) -> list[str]:
    allowed = [rule.limit for rule in rules if rule.measure == "format" and isinstance(rule.limit, tuple)]
    return [name for name in dict.fromkeys(FORMATS.values()) if all(name in limit for limit in allowed)]


def _transparent_format(rules: Sequence[Rule]) -> str | None:
    """A format that rules allow and that may be transparent."""
    return next((name for name in _allowed_formats(rules) if name != FORMAT), None)


def _limit(rules: Sequence[Rule], measure: str, otherwise: float, *, test: str = "at_least") -> float:
    """The strictest limit that rules set on a measure."""
    limits = [float(rule.limit) for rule in rules if rule.measure == measure and rule.test == test and not isinstance(
        rule.limit, tuple)]  # fmt: skip
    if not limits:
        return otherwise
    return max(limits) if test == "at_least" else min(limits)
