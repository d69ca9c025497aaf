"""Draw explanations: heatmaps, linked regions, bars for the parts of a score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from catalens.errors import CatalensError
from catalens.images.draw import draw_text, thumbnail
from catalens.images.read import read_image
from catalens.trust.explain import ClassExplanation, MatchExplanation
from catalens.types import FloatArray, ImageArray

PANEL, GAP, PAPER = 420, 24, (250, 250, 248)
INK, QUIET = (28, 28, 30), (107, 107, 112)
COLD, HOT = 0.25, 0.75
"""Heat below which a pixel is shown pale, and above which in full color."""
MARKS = ((46, 92, 220), (217, 72, 95), (42, 157, 111), (224, 138, 30))
SMALL = 118
BAR_HEIGHT, BAR_LABEL, BAR_LENGTH = 30, 90, 0.45


def overlay_heatmap(image: ImageArray, heat: FloatArray) -> ImageArray:
    """Heatmap over a picture: pale and grey where it is cold, in full color under a warm tint where it is hot."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    pale = grey.astype(np.float32) * 0.45 + 255 * 0.55
    colored = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    warm = np.asarray(cv2.cvtColor(colored, cv2.COLOR_BGR2RGB), np.float32)
    share = np.clip((heat - COLD) / (HOT - COLD), 0, 1)[..., None]
    lit = 0.8 * image + 0.2 * warm
    return np.asarray(np.clip(pale * (1 - share) + lit * share, 0, 255), np.uint8)


def draw_class_explanation(explanation: ClassExplanation) -> ImageArray:
    """Draw a photo, its heatmap and the most similar training photos side by side.

    A label in letters that no font here has is "(1)".
    """
    photos = [(one.similarity, _photo(one.path)) for one in explanation.neighbors]
    there = [(similarity, photo) for similarity, photo in photos if photo is not None]
    height = 96 + PANEL + GAP + ((SMALL + 78) if there else 0)
    sheet = Image.new("RGB", (2 * PANEL + 3 * GAP, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    label, sure = explanation.label, f"{explanation.probability:.2f}"
    length = draw_text(pen, (GAP, 20), f"{label} {sure}", size=26, fill=INK, instead=f"(1) {sure}")
    other = "the classifier says another label"
    draw_text(pen, (2 * GAP + length, 29), explanation.beside, size=16, fill=QUIET, instead=other)
    faith = explanation.faithfulness
    caption = (
        f"{explanation.method}: {faith.insertion:.2f} with its hottest places first, "
        f"{faith.random_insertion:.2f} in random order"
    )
    draw_text(pen, (GAP, 58), caption, size=15, fill=QUIET)
    for column, picture in enumerate((explanation.image, overlay_heatmap(explanation.image, explanation.heat))):
        _place(sheet, picture, GAP + column * (PANEL + GAP), 96, PANEL)
    if there:
        top = 96 + PANEL + GAP
        draw_text(pen, (GAP, top), "learned from, most alike first", size=15, fill=QUIET)
        for column, (similarity, photo) in enumerate(there):
            left = GAP + column * (SMALL + 26)
            _place(sheet, photo, left, top + 28, SMALL)
            draw_text(pen, (left, top + 32 + SMALL), f"{similarity:.2f}", size=14, fill=QUIET)
    return np.asarray(sheet, np.uint8)


def draw_match_explanation(explanation: MatchExplanation, *, title: str = "") -> ImageArray:
    """Draw query and product side by side with heatmaps, linked regions and the parts of the score."""
    rows = max(1, len(explanation.parts))
    sheet = Image.new("RGB", (2 * PANEL + 3 * GAP, 96 + PANEL + 2 * GAP + rows * BAR_HEIGHT + 20), PAPER)
    pen = ImageDraw.Draw(sheet)
    head = "Why they match"
    draw_text(pen, (GAP, 20), title or head, size=26, fill=INK, width=2 * PANEL + GAP, instead=head)
    draw_text(pen, (GAP, 58), f"cosine {explanation.cosine:.3f}; regions of one color match", size=15, fill=QUIET)
    sides = ((explanation.query, explanation.heat_query), (explanation.product, explanation.heat_product))
    placed = [
        _place(sheet, overlay_heatmap(picture, heat), GAP + column * (PANEL + GAP), 96, PANEL)
        for column, (picture, heat) in enumerate(sides)
    ]
    for number, pair in enumerate(explanation.pairs):
        color = MARKS[number % len(MARKS)]
        boxes = [_moved(box, place) for box, place in zip((pair.query_box, pair.product_box), placed, strict=True)]
        ends = [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in boxes]
        pen.line(ends, fill=color, width=2)
        for box in boxes:
            pen.rounded_rectangle(box, radius=8, outline=color, width=4)
    _bars(pen, explanation.parts or {"deep": explanation.cosine}, 96 + PANEL + GAP)
    return np.asarray(sheet, np.uint8)


def _bars(pen: ImageDraw.ImageDraw, parts: Mapping[str, float], top: int) -> None:
    longest = max([0.01, *(abs(value) for value in parts.values())])
    whole = BAR_LENGTH * (2 * PANEL + GAP)
    for row, (name, value) in enumerate(sorted(parts.items(), key=lambda one: -one[1])):
        y = top + row * BAR_HEIGHT
        draw_text(pen, (GAP, y + 3), name, size=16, fill=INK)
        left = GAP + BAR_LABEL
        pen.rounded_rectangle((left, y + 6, left + max(4, whole * max(value, 0) / longest), y + 20), 5, fill=MARKS[0])
        draw_text(pen, (left + whole + 14, y + 3), f"{value:.3f}", size=15, fill=QUIET)


def _place(sheet: Image.Image, picture: ImageArray, left: int, top: int, side: int) -> tuple[float, float, float]:
    """Paste a picture centred into a square; returns its left, top and scale."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    x, y = left + (side - size[1]) // 2, top + (side - size[0]) // 2
    sheet.paste(Image.fromarray(thumbnail(picture, size)), (x, y))
    return float(x), float(y), scale


def _moved(box: FloatArray, place: tuple[float, float, float]) -> tuple[float, float, float, float]:
    left, top, scale = place
    x0, y0, x1, y1 = (float(value) for value in box)
    return left + x0 * scale, top + y0 * scale, left + x1 * scale, top + y1 * scale


def _photo(path: str) -> ImageArray | None:
    """A training photo; None where it is missing or unreadable."""
    try:
        return read_image(Path(path), target=2 * SMALL)
    except CatalensError:
        return None
