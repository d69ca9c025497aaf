"""The sample shop: products that the package renders by itself, with exact masks, boxes, attributes and words.

A product is a `Spec`: words and a seed. `render` turns it into a picture; `sample_shop` and `write_shop` make a whole
catalogue. numpy, OpenCV and Pillow only.
"""

from __future__ import annotations

from catalens.training.synthetic.colors import COLORS
from catalens.training.synthetic.kind import Kind
from catalens.training.synthetic.kinds import KINDS
from catalens.training.synthetic.patterns import PATTERNS
from catalens.training.synthetic.render import Rendered, Shot, photograph, render
from catalens.training.synthetic.scene import BACKGROUNDS
from catalens.training.synthetic.shop import SampleProduct, sample_shop, write_shop
from catalens.training.synthetic.spec import Spec, completed

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
