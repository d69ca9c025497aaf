"""The sample shop: products that the package renders by itself, with exact masks, boxes, attributes and words.

A product is a `Spec`: words and a seed. `render` turns it into a picture; `sample_shop` and `write_shop` make a whole
catalogue. numpy, OpenCV and Pillow only.
"""

from __future__ import annotations

from catalens.learning.synthetic.colors import COLORS
from catalens.learning.synthetic.kind import Kind
from catalens.learning.synthetic.kinds import KINDS
from catalens.learning.synthetic.patterns import PATTERNS
from catalens.learning.synthetic.render import Rendered, Shot, photograph, render
from catalens.learning.synthetic.scene import BACKGROUNDS
from catalens.learning.synthetic.shop import SampleProduct, sample_shop, write_shop
from catalens.learning.synthetic.spec import Spec, completed

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
