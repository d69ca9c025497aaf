"""Put a garment on a person. A stand-in with the agreed signature: the garment is pasted onto the chest."""

from __future__ import annotations

import numpy as np

from catalens.errors import ImageError
from catalens.images.prepare import resize
from catalens.images.read import ImageLike, read_image
from catalens.types import Worn


def try_on(person: ImageLike, garment: ImageLike, *, kind: str = "auto") -> Worn:
    """Put a garment on a person."""
    photo, cloth = read_image(person), read_image(garment)
    height, width = photo.shape[:2]
    if min(height, width) < 64:
        raise ImageError(f"the person's photo is {width}x{height}", cure="give one with at least 64 pixels a side")
    rows, columns = slice(height // 4, height * 5 // 8), slice(width // 4, width * 3 // 4)
    image, region = photo.copy(), np.zeros((height, width), bool)
    region[rows, columns] = True
    image[rows, columns] = resize(cloth, (rows.stop - rows.start, columns.stop - columns.start))
    return Worn(image, region, ("a plain paste",), "top" if kind == "auto" else kind)
