"""Results show themselves in notebooks; how is written in `catalens.notebook`, above all of them.

The package joins the two: results know neither Pillow nor HTML and stay at the bottom of the house.
"""

from __future__ import annotations

from collections.abc import Callable

_renderers: list[Callable[[object], str]] = []
"""None or one: what draws a result as HTML."""


def render_with(render: Callable[[object], str]) -> None:
    """Let results be drawn by this: a result -> a piece of HTML that needs nothing from elsewhere."""
    _renderers[:] = [render]


class Shown:
    """A result that notebooks show as a small table with thumbnails."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        return _renderers[0](self) if _renderers else None
