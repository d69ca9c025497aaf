"""Fix a photo so that it meets rules: another format, white background, a closer crop, fewer bytes.

Nothing is enlarged and nothing invented: what only another photo can cure is left as a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.images.draw import FORMATS, encode_image, make_folder, write_atomically
from catalens.images.matting import composite, foreground_colors, refine_alpha
from catalens.images.prepare import resize
from catalens.images.srgb import composite_on_white
from catalens.tasks.cutout import own_alpha
from catalens.tasks.listing.measures import ENDINGS, AlphaOf, ConfidenceOf, Measures
from catalens.tasks.listing.rules import Finding, Rule
from catalens.tasks.outline import TRUSTED
from catalens.types import FloatArray, ImageArray

Mask: TypeAlias = NDArray[np.bool_]

FORMAT, LOSSLESS = "JPEG", "PNG"
QUALITIES = (94, 90, 84, 76, 66)
WHITE = 255
HAZE = 0.01
"""How far around the product something may shine through, as a share of the longer side."""
UNCERTAIN = ("fill", "area", "cut_off", "pure_white")
"""Measures that are not known of every photo."""
SAME = 0.9
"""IoU, and ratio of areas, of the product before and after a repair from which it is the same."""
UNSURE = 0.3
"""Share of an outline that is neither product nor background from which it is not followed: of 36 photos looked at, all
seven outlines above lost parts of the product or kept parts of a room, and two of 29 below.
"""
OF_THE_FILE = frozenset({"format", "ending_fits", "bytes"})
"""Measures that another file of the same picture may cure."""
EDGE = 0.02
"""White that is left around a product that is framed anew, as a share of its longer side."""


class Look(NamedTuple):
    """What a repair is judged by.

    Args:
        measure: of HWC uint8, as the photo itself was measured; measure_file: of a file's bytes and its ending.
        judge: of those measures, the rules that are broken.
        alpha_of: the product; confidence_of: whether that outline is right.
    """

    measure: Callable[[ImageArray], Measures]
    measure_file: Callable[[bytes, str], Measures]
    judge: Callable[[Measures], tuple[Finding, ...]]
    alpha_of: AlphaOf
    confidence_of: ConfidenceOf


class Repaired(NamedTuple):
    """A photo's new file (None where nothing is written) with its ending, what was not done and why, and what is
    measured of the file.
    """

    data: bytes | None
    ending: str
    refused: tuple[str, ...]
    measures: Measures | None = None


class _Step(NamedTuple):
    """A picture that may replace another, and the product's mask on it; for the sake of one measure."""

    image: ImageArray
    product: Mask | None


def repair(
    image: ImageArray,
    measures: Measures,
    rules: Sequence[Rule],
    look: Look,
    *,
    photo: bytes,
    mark: str | None = None,
) -> Repaired:
    """Encode a photo anew so that as many findings as possible go.

    Each change is looked at again: it stays where its finding is gone, the product is as it was, and no other rule is
    broken by it. Transparency that the file has is kept, unless a rule asks for a white background.

    Args:
        image: HxWx3 or HxWx4 uint8; measures: of it; photo: its file.
        rules: those that apply to it.
        mark: of generated content, where the photo carries one (`images.mark`).
    """
    own = own_alpha(image) if image.shape[2] == 4 else None
    if own is None or any(rule.measure == "pure_white" for rule in rules) or _transparent_format(rules) is None:
        image = composite_on_white(image)
    before, original, refused, outline = measures, image, list[str](), own
    for measure in ("framed", "pure_white", "fill"):
        found = look.judge(measures)
        if measure not in {one.rule.measure for one in found}:
            continue
        try:
            step, outline = _step(measure, image, rules, look, own=own, outline=outline)
            measures = _kept(measure, step, measures, found, look)
            image = step.image
        except _RefusedError as why:
            refused.append(f"{measure} is not repaired: {why}")
    made = _smaller(image, rules)
    if made is not image and _breaks(made, measures, look):
        made = image
        refused.append("the size is not repaired: a smaller photo breaks other rules")
    of_the_file = OF_THE_FILE & {one.rule.measure for one in look.judge(before)}
    if made is original and not of_the_file:
        return Repaired(None, "", tuple(refused))
    if made is original and of_the_file == {"ending_fits"}:  # the file is right, its name is not
        files: Iterable[tuple[bytes, str]] = [(photo, ENDINGS[before.format][0])]
    else:
        files = _encoded(made, rules, mark)
    return _first_that_holds(files, before, refused, look)


def _first_that_holds(
    files: Iterable[tuple[bytes, str]], before: Measures, refused: Sequence[str], look: Look
) -> Repaired:
    """The first file that breaks no rule that held before; none where all do."""
    found, why = {one.rule for one in look.judge(before)}, ""
    for data, ending in files:
        after = look.measure_file(data, ending)
        worse = [
            one
            for one in look.judge(after)
            if one.level != "advice" and one.rule not in found and getattr(before, one.rule.measure) is not None
        ]
        if not worse:
            return Repaired(data, ending, tuple(refused), after)
        why = why or f"no file is written: it breaks another rule: {worse[0]}"
    return Repaired(None, "", (*refused, why))


class _RefusedError(Exception):
    """A repair that is not made; says why."""


def _step(
    measure: str,
    image: ImageArray,
    rules: Sequence[Rule],
    look: Look,
    *,
    own: FloatArray | None,
    outline: FloatArray | None,
) -> tuple[_Step, FloatArray | None]:
    """One change of a picture, and the outline that it follows, which the next may follow, too.

    Raises:
        _RefusedError: it cannot be made, or the outline is in doubt.
    """
    if measure == "framed":
        if own is not None:
            raise _RefusedError("the photo is cut out already")
        return _Step(_without_frame(image), None), None
    if outline is None:
        outline = _outline(image, look)
    if not 0.005 < outline.mean() < 0.98:
        raise _RefusedError("product and background cannot be separated")
    if measure == "pure_white":
        if own is not None:
            raise _RefusedError("the photo is cut out already")
        return _Step(_on_white(image, outline), outline > 0.5), outline
    fill, aspect = _limit(rules, "fill", 0.85), _aspect(rules)
    closer, product = (_closer(one, outline, fill, aspect) for one in (image, _as_picture(outline)))
    return _Step(closer, product[..., 0] > 127 if own is None else None), outline


def _outline(image: ImageArray, look: Look) -> FloatArray:
    """The product's outline along the picture's edges.

    Raises:
        _RefusedError: it is in doubt.
    """
    rough = look.alpha_of(image)
    confidence = look.confidence_of(image, rough)
    if confidence < TRUSTED or _doubt(rough) > UNSURE:
        raise _RefusedError(f"the product's outline is doubtful (confidence {confidence:.2f})")
    return refine_alpha(image, rough, reach=max(image.shape[:2]) / 200)


def _as_picture(alpha: FloatArray) -> ImageArray:
    return np.asarray(np.rint(alpha * 255), np.uint8)[..., None]


def _kept(measure: str, step: _Step, before: Measures, found: Sequence[Finding], look: Look) -> Measures:
    """What is measured after a change that may stay.

    Raises:
        _RefusedError: it does not cure, it breaks another rule, or it changes the product.
    """
    after = look.measure(step.image)
    still = look.judge(after)
    unknown = (name for name in UNCERTAIN if getattr(before, name) is not None and getattr(after, name) is None)
    lost = next(unknown, None)
    if lost is not None:
        raise _RefusedError(f"{lost} could not be judged any more")
    if step.product is not None:
        _require_same_product(step.product, look.alpha_of(step.image) > 0.5)
    if measure in {one.rule.measure for one in still}:
        raise _RefusedError("it would not be cured")
    worse = next((one for one in still if _is_worse(one, before, found)), None)
    if worse is not None:
        raise _RefusedError(f"it breaks another rule: {worse}")
    return after


def _breaks(image: ImageArray, before: Measures, look: Look) -> bool:
    found = look.judge(before)
    return any(_is_worse(one, before, found) for one in look.judge(look.measure(image)))


def _is_worse(one: Finding, before: Measures, found: Sequence[Finding]) -> bool:
    """Whether a change broke a rule that held, or moved a size further from its limit; advice aside."""
    earlier = getattr(before, one.rule.measure)
    if one.level == "advice" or earlier is None:
        return False
    held = all(other.rule != one.rule for other in found)
    return held or (one.rule.test == "at_least" and float(cast(float, one.value)) < float(earlier))


def _require_same_product(before: Mask, after: Mask) -> None:
    """Raises:
    _RefusedError: the product on a changed picture is another one, or of another area, than the one put there.
    """
    overlap = float((before & after).sum() / max(int((before | after).sum()), 1))
    area = float(after.sum() / max(int(before.sum()), 1))
    if overlap < SAME or not SAME < area < 1 / SAME:
        raise _RefusedError(f"the product would change (overlap {overlap:.2f}, area {area:.2f} of it)")


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


def _closer(image: ImageArray, alpha: FloatArray, fill: float, aspect: float) -> ImageArray:
    """The product's bounds, of an aspect (width by height), with so much white that it fills a little more than it has
    to.
    """
    rows, columns = np.flatnonzero((alpha > 0.3).any(1)), np.flatnonzero((alpha > 0.3).any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    longest = max(bottom - top, (right - left) / aspect)
    height = int(min(longest / min(fill + 0.03, 0.97), longest * (1 + 8 * EDGE)) + 1)
    width = round(height * aspect)
    canvas = np.full((height, width, image.shape[2]), np.median(_border(image), axis=0).astype(np.uint8), np.uint8)
    y, x = (height - (bottom - top)) // 2, (width - (right - left)) // 2
    # What lies around the product on the photo comes along as far as it goes.
    up, back = min(y, top), min(x, left)
    down, on = (
        min(height - y - (bottom - top), len(image) - bottom),
        min(width - x - (right - left), image.shape[1] - right),
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


def _encoded(image: ImageArray, rules: Sequence[Rule], mark: str | None) -> Iterator[tuple[bytes, str]]:
    """Files of a picture with their endings, the preferred one first; the lossless one where rules allow it."""
    known = _allowed_formats(rules)
    format = FORMAT if FORMAT in known or not known else known[0]
    if image.shape[2] == 4:
        format = _transparent_format(rules) or format
    most = _limit(rules, "bytes", np.inf, test="at_most")
    yield _within(image, format, most, mark), ENDINGS[format][0]
    if format != LOSSLESS and (LOSSLESS in known or not known):
        yield encode_image(image, format=LOSSLESS, mark=mark), ENDINGS[LOSSLESS][0]


def _within(image: ImageArray, format: str, most: float, mark: str | None) -> bytes:
    """A file of at most so many bytes, if it can be."""
    data = b""
    for quality in QUALITIES:
        data = encode_image(image, format=format, quality=quality, mark=mark)
        if len(data) <= most:
            break
    return data


def _allowed_formats(rules: Sequence[Rule]) -> list[str]:
    allowed = [rule.limit for rule in rules if rule.measure == "format" and isinstance(rule.limit, tuple)]
    return [name for name in dict.fromkeys(FORMATS.values()) if all(name in limit for limit in allowed)]


def _transparent_format(rules: Sequence[Rule]) -> str | None:
    """A format that rules allow and that may be transparent."""
    return next((name for name in _allowed_formats(rules) if name != FORMAT), None)


def _aspect(rules: Sequence[Rule]) -> float:
    """Width by height of a crop: square, or as near to it as the rules allow."""
    least, most = _limit(rules, "aspect", 0.0), _limit(rules, "aspect", np.inf, test="at_most")
    return float(np.clip(1.0, 1.01 * least, 0.99 * most))  # inside the limits: sides are whole pixels


def _limit(rules: Sequence[Rule], measure: str, otherwise: float, *, test: str = "at_least") -> float:
    """The strictest limit that rules set on a measure."""
    limits = [float(rule.limit) for rule in rules if rule.measure == measure and rule.test == test and not isinstance(
        rule.limit, tuple)]  # fmt: skip
    if not limits:
        return otherwise
    return max(limits) if test == "at_least" else min(limits)
