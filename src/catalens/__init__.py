"""Catalens: open visual computing for e-commerce. Everything a shop does with a product photo, in one package.

>>> import catalens
>>> shop = catalens.open("shop/")                      # doctest: +SKIP
>>> report = shop.add("products.csv")                  # doctest: +SKIP
>>> matches = shop.search(image="photo.jpg", k=10)     # doctest: +SKIP

Names are loaded when they are first used: importing the package itself brings in nothing heavy.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (without it the first import fails on syntax, or on a package)
    _said = (
        "Catalens needs Python 3.11 or newer, and this is Python {}.{}: make an environment with a newer one, as in: "
    )
    _said = _said.format(*sys.version_info) + "python3.11 -m venv .venv"
    # `python -m catalens` prints the sentence alone.
    raise SystemExit("catalens: " + _said) if sys.argv[:1] == ["-m"] else ImportError(_said)

from importlib import import_module
from typing import TYPE_CHECKING

from catalens.show import render_with

if TYPE_CHECKING:
    from catalens import errors
    from catalens.catalog import Catalog, look, open
    from catalens.errors import CatalensError
    from catalens.images.enhance import enhance
    from catalens.images.read import read_image
    from catalens.tasks.classify import classify
    from catalens.tasks.cutout import cutout
    from catalens.tasks.describe import describe
    from catalens.tasks.detect import detect
    from catalens.tasks.embed import Encoder, encoder
    from catalens.tasks.faces import blur_faces
    from catalens.tasks.generate import generate
    from catalens.tasks.listing import check
    from catalens.tasks.outfit import compatibility
    from catalens.tasks.scene import scene
    from catalens.tasks.segment import segment
    from catalens.tasks.tryon import try_on
    from catalens.trust.explain import explain_class, explain_match
    from catalens.types import Detections, Labels, Masks, Match, Matches, Product, Variant

__version__ = "0.2.0"

_HOMES = {
    "CatalensError": "catalens.errors",
    "Catalog": "catalens.catalog",
    "Detections": "catalens.types",
    "Encoder": "catalens.tasks.embed",
    "Labels": "catalens.types",
    "Masks": "catalens.types",
    "Match": "catalens.types",
    "Matches": "catalens.types",
    "Product": "catalens.types",
    "Variant": "catalens.types",
    "blur_faces": "catalens.tasks.faces",
    "check": "catalens.tasks.listing",
    "classify": "catalens.tasks.classify",
    "compatibility": "catalens.tasks.outfit",
    "cutout": "catalens.tasks.cutout",
    "describe": "catalens.tasks.describe",
    "detect": "catalens.tasks.detect",
    "encoder": "catalens.tasks.embed",
    "enhance": "catalens.images.enhance",
    "explain_class": "catalens.trust.explain",
    "explain_match": "catalens.trust.explain",
    "generate": "catalens.tasks.generate",
    "look": "catalens.catalog",
    "open": "catalens.catalog",
    "read_image": "catalens.images.read",
    "scene": "catalens.tasks.scene",
    "segment": "catalens.tasks.segment",
    "try_on": "catalens.tasks.tryon",
}

__all__ = [
    "CatalensError",
    "Catalog",
    "Detections",
    "Encoder",
    "Labels",
    "Masks",
    "Match",
    "Matches",
    "Product",
    "Variant",
    "__version__",
    "blur_faces",
    "check",
    "classify",
    "compatibility",
    "cutout",
    "describe",
    "detect",
    "encoder",
    "enhance",
    "errors",
    "explain_class",
    "explain_match",
    "generate",
    "look",
    "open",
    "read_image",
    "scene",
    "segment",
    "try_on",
]


render_with(lambda result: str(import_module("catalens.notebook").html_of(result)))


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("catalens.errors")
    if name in _HOMES:
        try:
            value = getattr(import_module(_HOMES[name]), name)
        except ImportError as error:
            from catalens.errors import UnusablePackageError, is_package_missing

            if not is_package_missing(error):
                raise
            raise UnusablePackageError.of(error) from error
        globals()[name] = value
        return value
    raise AttributeError(f"module 'catalens' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
