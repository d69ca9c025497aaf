"""Drawn letters come from a font that has them; a text that no font has is a number, never a row of boxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import UsageError
from catalens.images import draw, lettering
from catalens.images.draw import Tile, contact_sheet, draw_boxes, numbered
from catalens.images.lettering import drawable_text, missing_glyphs
from catalens.types import Detections

PHOTO = np.full((100, 100, 3), 90, np.uint8)


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with no fonts but Pillow's own."""
    monkeypatch.setattr(lettering, "NAMES", ())
    monkeypatch.delenv("CATALENS_FONT", raising=False)
    lettering._installed.cache_clear()
    yield
    lettering._installed.cache_clear()


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("", ""),
        ("  red\n dress ", "red dress"),
        ("Kleid für Mädchen", "Kleid fur Madchen"),
        ("dress \U0001f457", "dress"),
        ("裙子", "(1)"),
        ("dress 裙子", "(1)"),
        ("\U0001f457", "(1)"),
    ],
)
@pytest.mark.usefixtures("no_fonts")
def test_letters_that_no_font_has_are_never_boxes(text: str, drawn: str) -> None:
    said, font = drawable_text(text, 20, instead="(1)")
    assert said == drawn
    assert all(bytes(font.getmask(letter)) != bytes(font.getmask("\uffff")) for letter in said)
    assert missing_glyphs([text, text]) == ((text,) if drawn == "(1)" else ())


@pytest.mark.usefixtures("no_fonts")
def test_pictures_say_a_number_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*labels: str) -> np.ndarray:
        boxes = np.array([[10, 30, 60, 60], [50, 60, 90, 90]], np.float32)
        return draw_boxes(PHOTO, Detections(boxes, np.full(2, 0.5, np.float32), labels, (100, 100)))

    monkeypatch.setattr(draw, "label_color", lambda label: (200, 30, 30))
    assert numbered(["bag", "裙子", "bag"]) == {"bag": "(1)", "裙子": "(2)"}
    np.testing.assert_array_equal(drawn("bag", "裙子"), drawn("bag", "(2)"))
    titled, bare = (contact_sheet([Tile(None, caption, "0.9  SKU-7")], title=caption) for caption in ("漢字 עברית", ""))
    np.testing.assert_array_equal(titled, bare)  # left out: the line below names the product


@pytest.mark.usefixtures("no_fonts")
def test_a_font_of_ones_own_has_more_letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.setenv("CATALENS_FONT", str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")))
    said, font = drawable_text("платье Mädchen", 20, instead="(1)")
    assert said == "платье Mädchen"
    assert font.getname()[0] == "DejaVu Sans"  # type: ignore[union-attr]
    assert drawable_text("裙子", 20, instead="(1)")[0] == "(1)"
    monkeypatch.setenv("CATALENS_FONT", str(tmp_path / "none.ttf"))
    assert drawable_text("dress", 20)[0] == "dress"  # no other font is asked for
    with pytest.raises(UsageError, match="CATALENS_FONT"):
        drawable_text("платье", 20)
