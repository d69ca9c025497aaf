"""The decode boundary: one kind of error, no warning, any number of threads."""

from __future__ import annotations

import struct
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from catalens.errors import ImageError, ImageLimitError
from catalens.images.read import read_image
from catalens.types import ImageArray
from tests.pictures import ARROW, encoded, picture


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ValueError("tile cannot extend outside image"), ImageError),
        (RuntimeError("codec"), ImageError),
        (SyntaxError("bad"), ImageError),
        (struct.error("unpack"), ImageError),
        (KeyError("MPO"), ImageError),
        (OSError("image file is truncated (3 bytes not processed)"), ImageError),
        (MemoryError(), ImageLimitError),
        (Image.DecompressionBombError("too large"), ImageLimitError),
        (RecursionError(), ImageError),
    ],
)
def test_whatever_a_decoder_raises(raised: Exception, kind: type[ImageError], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(kind) as caught:
        read_image(encoded(ARROW, "PNG"))
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None


def test_threads_give_the_same_and_leave_the_warning_filters_alone() -> None:
    before = list(warnings.filters)
    data = [encoded(picture((20 + n, 30)), ("JPEG", "PNG", "TIFF")[n % 3]) for n in range(24)]
    alone = [read_image(item) for item in data]
    start = threading.Barrier(8)

    def read_all(_: int) -> list[ImageArray]:
        start.wait(10)
        return [read_image(item) for item in data]

    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(read_all, range(8)):
            assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert list(warnings.filters) == before
