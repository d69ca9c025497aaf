"""The sample shop: rendered products, with exact masks, boxes, attributes and words.

A product is a `Spec`: words and a seed. `render` turns it into a picture; `sample_shop` and `write_shop` make a whole
catalogue. numpy, OpenCV and Pillow only.
"""

from __future__ import annotations

from recipes.synthetic.colors import COLORS
from recipes.synthetic.kind import Kind
from recipes.synthetic.kinds import KINDS
from recipes.synthetic.patterns import PATTERNS
from recipes.synthetic.render import Rendered, Shot, photograph, render
from recipes.synthetic.scene import BACKGROUNDS
from recipes.synthetic.shop import SampleProduct, sample_shop, write_shop
from recipes.synthetic.spec import Spec, completed

__all__ = [
    "BACKGROUNDS",
    "COLORS",
    "KINDS",
    "PATTERNS",
    "Kind",
    "Rendered",
    "SampleProduct",
    "Shot",
    "Spec",
    "completed",
    "photograph",
    "render",
    "sample_shop",
    "write_shop",
]
