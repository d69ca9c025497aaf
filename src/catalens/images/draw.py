"""Pictures of results: thumbnails, contact sheets, files."""

from __future__ import annotations

import colorsys
import math
import os
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from catalens.errors import StorageError, UsageError
from catalens.files import sync
from catalens.images.lettering import drawable_text
from catalens.images.mark import xmp_packet
from catalens.images.prepare import Preprocess
from catalens.types import Detections, ImageArray, Masks

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}

HUES = 508
"""Seed of the label checksum: of the bundled networks' labels the common garments are then 33 degrees of hue
apart at least, all others 6."""
FINE = 90
"""JPEG quality from which colors are kept at full size."""
TILE, GAP, MARGIN = 240, 20, 36
_PAPER, _CARD, _INK, _QUIET, _ACCENT = (247, 247, 245), (255, 255, 255), (28, 28, 30), (120, 120, 124), (46, 92, 220)
_CAPTION = 62
"""Height below a tile for its two lines of caption, in pixels."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture on a contact sheet with two lines below it; `chosen` draws it with a colored frame."""

    image: ImageArray | None
    caption: str
    note: str = ""
    chosen: bool = False


def thumbnail(image: ImageArray, size: tuple[int, int]) -> ImageArray:
    """The whole picture on white at (height, width)."""
    return Preprocess(size=size, fit="letterbox").place(image)[0]


def contact_sheet(tiles: Sequence[Tile], *, title: str, columns: int = 5) -> ImageArray:
    """Draw tiles in rows under a title. Returns HWC uint8."""
    columns = max(1, min(columns, len(tiles)))
    rows = max(1, -(-len(tiles) // columns))
    head = 72
    width = 2 * MARGIN + columns * TILE + (columns - 1) * GAP
    height = MARGIN + head + rows * (TILE + _CAPTION) + (rows - 1) * GAP + MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    draw_text(pen, (MARGIN, MARGIN), title, size=28, fill=_INK, width=width - 2 * MARGIN)
    for index, tile in enumerate(tiles):
        left = MARGIN + index % columns * (TILE + GAP)
        top = MARGIN + head + index // columns * (TILE + _CAPTION + GAP)
        _draw_tile(sheet, pen, tile, left, top)
    return np.asarray(sheet)


def _draw_tile(sheet: Image.Image, pen: ImageDraw.ImageDraw, tile: Tile, left: int, top: int) -> None:
    frame = (left, top, left + TILE, top + TILE + _CAPTION)
    outline, width = (_ACCENT, 3) if tile.chosen else ((226, 226, 222), 1)
    pen.rounded_rectangle(frame, radius=12, fill=_CARD, outline=outline, width=width)
    inner = TILE - 24
    if tile.image is None:
        line, font = drawable_text("no picture", 15)
        pen.text((left + TILE // 2, top + TILE // 2), line, fill=_QUIET, font=font, anchor="mm")
    else:
        sheet.paste(Image.fromarray(thumbnail(tile.image, (inner, inner))), (left + 12, top + 12))
    draw_text(pen, (left + 12, top + TILE - 2), tile.caption, size=15, fill=_INK, width=inner)
    draw_text(pen, (left + 12, top + TILE + 24), tile.note, size=13, fill=_QUIET, width=inner)


def draw_boxes(image: ImageArray, found: Detections) -> ImageArray:
    """Draw boxes, labels and scores of detections, one color a label.

    A name in letters that no font here has is a number, as `numbered` counts them.
    """
    drawn = Image.fromarray(image).copy()
    pen = ImageDraw.Draw(drawn)
    unit = max(image.shape[:2]) / 1000
    width, text = max(1, round(3 * unit)), max(11, round(20 * unit))
    numbers = numbered(found.labels)
    for one in reversed(list(found)):
        color = label_color(one.label)
        left, top = one.box[:2]
        pen.rectangle(one.box, outline=color, width=width)
        said, font = drawable_text(
            f"{one.label} {one.score:.2f}", text, instead=f"{numbers[one.label]} {one.score:.2f}"
        )
        length = pen.textlength(f"  {said}", font=font)
        above = top - text * 1.35 if top > text * 1.35 else top
        pen.rectangle((left, above, left + length, above + text * 1.35), fill=color)
        pen.text((left, above + text * 0.1), f" {said}", fill=(255, 255, 255), font=font)
    return np.asarray(drawn)


def draw_masks(image: ImageArray, masks: Masks) -> ImageArray:
    """Draw each class of a label map in its color with an outline over the paled picture."""
    table = np.array([(245, 245, 243), *(label_color(name) for name in masks.names[1:])], np.uint8)
    colors = table[masks.labels]
    edges = cv2.morphologyEx(masks.labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    mixed = np.where(masks.labels[..., None] > 0, 0.45 * image + 0.55 * colors, 0.35 * image + 0.65 * 245)
    mixed[edges] = (28, 28, 30)
    return np.asarray(mixed, np.uint8)


def label_color(label: str) -> tuple[int, int, int]:
    """RGB color of a label: always the same, and dark enough for white text."""
    hue = zlib.crc32(label.encode(), HUES) % 360 / 360
    red, green, blue = colorsys.hls_to_rgb(hue, 0.42, 0.62)
    return round(red * 255), round(green * 255), round(blue * 255)


def numbered(labels: Sequence[str]) -> dict[str, str]:
    """A number for each label, "(1)" for the first."""
    return {label: f"({number})" for number, label in enumerate(dict.fromkeys(labels), start=1)}


def draw_text(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    *,
    size: int,
    fill: tuple[int, int, int],
    width: float = math.inf,
    instead: str = "",
) -> float:
    """Draw a text on one line, shortened with an ellipsis to `width`. Returns its length in pixels.

    Args:
        place: its left and top; size: of letters, in pixels.
        instead: written where no font here has the letters of the text.
    """
    line, font = drawable_text(text[:300], size, instead=instead)
    if pen.textlength(line, font=font) > width:
        while line and pen.textlength(f"{line}…", font=font) > width:
            line = line[:-1]
        line = f"{line.rstrip()}…"
    pen.text(place, line, fill=fill, font=font)
    return pen.textlength(line, font=font)


def encode_image(image: ImageArray, *, format: str, quality: int = 88, mark: str | None = None) -> bytes:
    """Encode HWC uint8 (three or four channels) as JPEG, PNG, WEBP or AVIF.

    Args:
        mark: of generated content (`images.mark`), the only metadata that is ever written.
    """
    picture = Image.fromarray(image)
    if format == "JPEG" and picture.mode != "RGB":
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    buffer = BytesIO()
    options: dict[str, Any] = {"optimize": True} if format == "PNG" else {"quality": quality}
    if format == "JPEG" and quality >= FINE:
        options["subsampling"] = 0  # colors at full size: edges of products are colored
    if mark is not None and format == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp_packet(mark).decode())
    elif mark is not None:
        options["xmp"] = xmp_packet(mark)
    picture.save(buffer, format=format, **options)
    return buffer.getvalue()


def save_image(path: str | Path, image: ImageArray, *, quality: int = 92, mark: str | None = None) -> None:
    """Save a picture atomically in the format of its suffix (.jpg, .png, .webp).

    Args:
        mark: as of `encode_image`.

    Raises:
        UsageError: another ending.
        StorageError: the file cannot be written.
    """
    path = Path(path)
    write_atomically(path, encode_image(image, format=format_of(path), quality=quality, mark=mark))


def format_of(path: Path) -> str:
    """Picture format of a file's suffix.

    Raises:
        UsageError: an ending that is not written.
    """
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise UsageError(f"{path} ends in {path.suffix!r}", cure=f"end it in {', '.join(FORMATS)}")
    return format


def distinct_names(photos: Sequence[Path]) -> dict[Path, str]:
    """Names without endings for what is made of photos: two in a folder that differ only in their endings get different
    ones.
    """
    found: dict[Path, str] = {}
    taken: set[tuple[Path, str]] = set()
    for path in photos:
        found[path] = path.name if (path.parent, path.stem.casefold()) in taken else path.stem
        taken.add((path.parent, found[path].casefold()))
    return found


def make_folder(path: Path) -> None:
    """Create a folder and its parents where they do not exist.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError.of(error, f"no folder can be made at {path}", cure="name another one") from None


def write_atomically(path: Path, data: bytes, *, durable: bool = False, mode: int = 0o666) -> None:
    """Write a file atomically; with `durable` it is on the disk (fsync) when this returns.

    Args:
        mode: permissions from the first byte on, before the umask; 0o600 for a secret.

    Raises:
        StorageError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        temporary.unlink(missing_ok=True)  # of a process of the same number that was killed
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            sync(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True) if path.parent.is_dir() else None
        raise StorageError.of(error, f"{path} cannot be written", cure="check the folder and its space") from None
