"""Text on photos: lines with boxes and confidences, read by PP-OCRv4 (Apache-2.0; English and Chinese).

The networks come with the package `rapidocr-onnxruntime`. It asks for a second OpenCV, which would replace the one
that Catalens needs: install it without its dependencies (`CURE`).
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol, cast

import cv2
import numpy as np

from catalens import options, settings
from catalens.errors import MissingExtraError
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image
from catalens.show import Shown
from catalens.types import FloatArray, ImageArray

CURE = 'run: pip install "catalens[ocr]" && pip install --no-deps "rapidocr-onnxruntime>=1.4.4,<2"'
LONGEST = 1280
"""Pixels of the longer side at which a photo is read: beyond it memory grows, and package print is large enough."""
NARROWEST = 2.0
"""Longer side over shorter side of what the detection network is given: narrower photos are padded, for it enlarges the
shorter side to 736 pixels."""
MOST_LINES, LONGEST_LINE = 100, 500
"""Lines of a photo that are read, the largest; characters of a line."""
WIDEST = 25.0
"""Width over height of a line: wider ones are no print, and the network's memory grows with the square of the width."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text.

    Args:
        text: on one line, without control and invisible characters.
        confidence: mean probability of its characters, 0..1.
        box: x1, y1, x2, y2 in pixels of the photo.
    """

    text: str
    confidence: float
    box: tuple[float, float, float, float]

    def to_dict(self) -> dict[str, object]:
        box = [round(edge, 1) for edge in self.box]
        return {"text": self.text, "confidence": round(self.confidence, 3), "box": box}


class TextLines(tuple[Line, ...], Shown):
    """The lines of a photo from top to bottom; empty where nothing was read."""

    __slots__ = ()

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self)

    def __repr__(self) -> str:
        return f"TextLines({'; '.join(line.text for line in self) or 'none'})"

    def to_dict(self) -> dict[str, object]:
        return {"lines": [line.to_dict() for line in self], "text": self.text}


class TextReader(Protocol):
    """Reads text on pictures. Calls from several threads are safe."""

    @property
    def name(self) -> str:
        """Name and version, to know what was read by whom."""

    def read(self, image: ImageArray) -> list[Line]:
        """HWC uint8 RGB -> its lines, boxes in its pixels."""


class RapidReader:
    """PP-OCRv4 by `rapidocr-onnxruntime`: detection, turning by half a turn, recognition.

    Raises:
        MissingExtraError: it is not installed.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        try:
            from rapidocr_onnxruntime import RapidOCR
        except ImportError as error:
            missing = error.name or "rapidocr-onnxruntime"
            raise MissingExtraError(f"reading text needs {missing}, which is not installed", cure=CURE) from None
        count = threads or settings.threads()
        self._engine: Any = RapidOCR(intra_op_num_threads=count, inter_op_num_threads=1)
        self._lock = threading.Lock()
        self.name = f"rapidocr-onnxruntime {version('rapidocr-onnxruntime')}"

    def read(self, image: ImageArray) -> list[Line]:
        padded = _padded(image)
        if padded is None:
            return []
        bgr = np.ascontiguousarray(padded[..., ::-1])
        with self._lock:
            found, _ = self._engine.text_det(bgr)
            quads = _kept([] if found is None else list(found))
            if not quads:
                return []
            crops, _, _ = self._engine.text_cls(self._engine.get_crop_img_list(bgr, quads))
            texts, _ = self._engine.text_rec(crops)
        limit = np.array([image.shape[1], image.shape[0]], np.float32)
        lines = []
        for quad, (text, confidence, *_) in zip(quads, texts, strict=True):
            clean, inside = _clean(text), np.clip(quad, 0, limit)
            if clean:
                corners = (*inside.min(axis=0).tolist(), *inside.max(axis=0).tolist())
                lines.append(Line(clean, float(confidence), cast(tuple[float, float, float, float], corners)))
        return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def _padded(image: ImageArray) -> ImageArray | None:
    """A picture not narrower than the detection network takes, padded at the right or below; None for one of no use."""
    height, width = image.shape[:2]
    if min(height, width) < 8:
        return None
    down, right = max(0, round(width / NARROWEST) - height), max(0, round(height / NARROWEST) - width)
    return np.asarray(cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _kept(quads: Sequence[FloatArray]) -> list[FloatArray]:
    """The largest quadrangles (4, 2) that may be a line of print."""

    def sides(quad: FloatArray) -> tuple[float, float]:
        return float(np.linalg.norm(quad[0] - quad[1])), float(np.linalg.norm(quad[0] - quad[3]))

    sized = [(sides(quad), np.asarray(quad, np.float32)) for quad in quads]
    fit = [(w * h, quad) for (w, h), quad in sized if min(w, h) >= 3 and max(w, h) <= WIDEST * min(w, h)]
    fit.sort(key=lambda one: -one[0])
    return [quad for _, quad in fit[:MOST_LINES]]


def _clean(text: str) -> str:
    """Text on one line without control, bidirectional, private and unassigned characters."""
    normal = unicodedata.normalize("NFC", text)
    spaced = (" " if unicodedata.category(one) in ("Cc", "Zs", "Zl", "Zp") else one for one in normal)
    kept = "".join(one for one in spaced if unicodedata.category(one)[0] != "C")
    return " ".join(kept.split())[:LONGEST_LINE]


@cache
def text_reader() -> TextReader:
    """The reader, loaded once.

    Raises:
        MissingExtraError: it is not installed.
    """
    return RapidReader()


def read_text(
    image: ImageLike,
    *,
    min_confidence: float = options.ReadText.min_confidence.default,
    reader: TextReader | None = None,
) -> TextLines:
    """Read the text on a photo, from top to bottom.

    Args:
        image: path, bytes, open file, array or PIL picture. Large photos are read at 1,280 pixels.
        min_confidence: leave out lines below it, 0..1.
        reader: another reader than the one of the extra `ocr`.

    Raises:
        MissingExtraError: the reader is not installed.
        UsageError, NotFoundError, ImageError: as of `read_image`.
    """
    options.check(options.ReadText.min_confidence, min_confidence)
    reader = reader or text_reader()
    pixels = read_image(image)
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    lines = reader.read(resize(pixels, size) if scale < 1 else pixels)
    return TextLines(
        Line(
            line.text,
            line.confidence,
            cast(tuple[float, float, float, float], tuple(edge / scale for edge in line.box)),
        )
        for line in lines
        if line.confidence >= min_confidence
    )
