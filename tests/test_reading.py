"""Text on photos: read, kept with products, found by words and by photo, told by `check`."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

import catalens
from catalens.catalog import Catalog
from catalens.cli.main import app
from catalens.errors import MissingExtraError, UsageError
from catalens.search import query
from catalens.storage.reading import FIELD, READ_BY, ProductTexts
from catalens.tasks.listing import check, checking
from catalens.tasks.reading import Line, RapidReader, _clean, _kept, _padded, read_text
from catalens.types import FloatArray, ImageArray, PictureSource, Product, Where
from tests.fakes import FakeEncoder

installed = pytest.mark.skipif(find_spec("rapidocr_onnxruntime") is None, reason="the extra ocr is not installed")


class FakeReader:
    """Reads what it was told to, wherever; counts the pictures."""

    name = "fake 1"

    def __init__(self, *lines: Line) -> None:
        self.lines, self.pictures = list(lines), 0

    def read(self, image: ImageArray) -> list[Line]:
        self.pictures += 1
        return self.lines


class ByColor(FakeReader):
    """Reads a word for a picture's color: what the packages of these tests say."""

    def read(self, image: ImageArray) -> list[Line]:
        self.pictures += 1
        word = ("OATLY", "alpro", "VALI0", "")[int(image.reshape(-1, 3).sum(axis=0).argmax())]
        return [Line(word, 0.9, (0, 0, 9, 9))]


def line(text: str, confidence: float = 0.9, box: tuple[float, float, float, float] = (10, 20, 30, 40)) -> Line:
    return Line(text, confidence, box)


def drawn(text: str, size: tuple[int, int] = (640, 480)) -> ImageArray:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((40, 60), text, fill="navy", font=ImageFont.load_default(56))
    return np.asarray(image)


@pytest.mark.parametrize(
    ("side", "lines", "least", "wanted"),
    [
        (64, [], 0.0, []),
        (64, [line("a")], 0.5, [("a", (10, 20, 30, 40))]),
        (64, [line("a", 0.4), line("b", 0.6)], 0.5, [("b", (10, 20, 30, 40))]),
        (2560, [line("a")], 0.5, [("a", (20, 40, 60, 80))]),  # read at half its size, told in its own pixels
    ],
)
def test_lines_come_with_boxes_of_the_photo(
    side: int, lines: Sequence[Line], least: float, wanted: list[tuple[str, tuple[float, ...]]]
) -> None:
    found = read_text(np.zeros((side, side, 3), np.uint8), min_confidence=least, reader=FakeReader(*lines))
    assert [(one.text, one.box) for one in found] == wanted
    assert found.text == "\n".join(text for text, _ in wanted)


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan"), "a"])
def test_a_confidence_that_is_none_is_refused(least: float) -> None:
    with pytest.raises(UsageError, match="min_confidence"):
        read_text(np.zeros((9, 9, 3), np.uint8), min_confidence=least, reader=FakeReader())


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", ""),
        ("  two\twords\n", "two words"),
        ("\x1b[31mred\x07", "[31mred"),
        ("a\u202eb\u200bc\u2066", "abc"),
        ("\ue000x\ud800", "x"),
        ("<script>1</script>", "<script>1</script>"),  # text stays text: who shows it escapes it
        ("x" * 5000, "x" * 500),
    ],
)
def test_text_is_one_line_of_characters_that_can_be_seen(given: str, wanted: str) -> None:
    assert _clean(given) == wanted


def quad(left: float, top: float, width: float, height: float) -> FloatArray:
    right, bottom = left + width, top + height
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


@pytest.mark.parametrize(
    ("quads", "kept"),
    [
        ([], 0),
        ([quad(0, 0, 2, 2)], 0),  # a speck
        ([quad(0, 0, 1200, 4)], 0),  # the network's memory grows with the square of the width
        ([quad(0, 0, 60, 20)] * 3000, 100),
    ],
)
def test_time_and_memory_are_bounded_by_what_is_read(quads: list[FloatArray], kept: int) -> None:
    assert len(_kept(quads)) == kept


@pytest.mark.parametrize(
    ("size", "wanted"), [((1, 1), None), ((7, 300), None), ((40, 1000), (500, 1000)), ((900, 20), (900, 450))]
)
def test_narrow_pictures_are_padded(size: tuple[int, int], wanted: tuple[int, int] | None) -> None:
    found = _padded(np.zeros((*size, 3), np.uint8))
    assert (None if found is None else found.shape[:2]) == wanted


def test_without_the_extra_the_cure_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr_onnxruntime", None)
    with pytest.raises(MissingExtraError) as raised:
        RapidReader()
    assert "pip install --no-deps" in raised.value.cure
    assert "catalens[ocr]" in raised.value.cure


@installed
@pytest.mark.parametrize(
    ("text", "wanted"), [("", ""), ("ORGANIC TEA", "ORGANICTEA"), ("Best before 2027", "Bestbefore2027")]
)
def test_drawn_text_is_read(text: str, wanted: str) -> None:
    found = read_text(drawn(text))
    assert found.text.replace(" ", "") == wanted
    if wanted:
        left, top, right, bottom = found[0].box
        assert 20 < left < 60 < right <= 640
        assert 50 < top < 90 < bottom < 150


@installed
def test_the_command_reads(tmp_path: Path) -> None:
    Image.fromarray(drawn("ORGANIC TEA")).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    result = CliRunner().invoke(app, ["read", str(tmp_path / "a.png"), "--json"])
    assert (result.exit_code, "ORGANIC" in result.stdout) == (0, True)
    result = CliRunner().invoke(app, ["read", str(tmp_path)])
    assert (result.exit_code, "ORGANIC" in result.stdout, "b.png" in result.stderr) == (4, True, True)


def product(folder: Path, sku: str, color: tuple[int, int, int]) -> Product:
    photo = folder / f"{sku}.png"
    Image.new("RGB", (32, 32), color).save(photo)
    return Product(sku, Where(sku), "carton", pictures=(PictureSource(str(photo), Where(sku)),))


RED, GREEN, BLUE = (200, 40, 40), (40, 200, 40), (40, 40, 200)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    reader = ByColor()
    monkeypatch.setattr("catalens.catalog.text_reader", lambda: reader)
    monkeypatch.setattr(query, "text_reader", lambda: reader)
    monkeypatch.setattr("catalens.tasks.reading.text_reader", lambda: reader)
    shop = catalens.open(tmp_path / "shop", encoder=FakeEncoder())
    shop.add([product(tmp_path, sku, color) for sku, color in (("r", RED), ("g", GREEN), ("b", BLUE))])
    return shop


def test_an_empty_catalog_has_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalens.catalog.text_reader", lambda: FakeReader())
    with catalens.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        assert shop.read_texts().to_dict() == {"read": 0, "with text": 0, "known": 0, "failed": []}


def test_text_is_a_field_that_words_find_and_is_read_once(shop: Catalog, tmp_path: Path) -> None:
    first, again = shop.read_texts(), shop.read_texts()
    assert (first.read, first.with_text, again.read, again.known) == (3, 3, 0, 3)
    assert shop.get("r").attributes[FIELD] == ("OATLY",)
    assert [match.sku for match in shop.search(text="oatly")] == ["r"]
    assert shop.search(text="oatlly")[0].sku == "r"  # an edit away
    shop.add([product(tmp_path, "r", GREEN)])
    assert (shop.read_texts().read, shop.get("r").attributes[FIELD]) == (1, ("alpro",))
    shop.add([product(tmp_path, "r", GREEN)])
    assert shop.read_texts().read == 0  # the source says nothing of it: it stays


def test_what_the_shop_says_itself_stays(shop: Catalog, tmp_path: Path) -> None:
    shop.add([replace(product(tmp_path, "r", RED), attributes={FIELD: "Oat drink"})])
    assert shop.read_texts().known == 1
    assert shop.get("r").attributes == {FIELD: "Oat drink"}


def test_it_goes_on_where_it_stopped(shop: Catalog) -> None:
    first = shop.read_texts(most=2)
    rest = shop.read_texts(after=first.after, most=2)
    assert (first.read, first.after, rest.read, rest.after) == (2, "g", 1, "")


def test_a_photo_whose_file_is_gone_is_tried_again(shop: Catalog, tmp_path: Path) -> None:
    (tmp_path / "r.png").rename(tmp_path / "away.png")
    assert [failure.what for failure in shop.read_texts().failed] == ["r"]
    assert READ_BY not in shop.get("r").attributes
    (tmp_path / "away.png").rename(tmp_path / "r.png")
    assert shop.read_texts().read == 1


def test_the_text_of_the_photo_counts_in_a_search(shop: Catalog) -> None:
    photo = np.full((32, 32, 3), (40, 200, 40), np.uint8)
    assert "read" not in shop.search(photo)[0].parts  # nothing was read yet
    shop.read_texts()
    match = shop.search(photo)[0]
    assert (match.sku, match.parts["read"] > 0, match.reasons) == ("g", True, ('"alpro" in attributes',))
    assert all(one.score <= 1 for one in shop.search(photo))
    assert "read" not in shop.search(photo, weights={"read": 0})[0].parts


def test_without_the_extra_a_catalog_with_texts_is_searched_as_before(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.read_texts()

    def missing() -> None:
        raise MissingExtraError("none", cure="install it")

    monkeypatch.setattr(query, "text_reader", missing)
    assert "read" not in shop.search(np.full((32, 32, 3), 90, np.uint8))[0].parts


def test_the_reader_reads_equal_pictures_once(shop: Catalog, tmp_path: Path) -> None:
    shop.add([product(tmp_path, "twin", RED)])
    reader = ByColor()
    assert ProductTexts(reader).run(shop._store).read == 4
    assert reader.pictures == 3


def listing(*, product: tuple[int, int, int, int] = (400, 200, 800, 1000)) -> bytes:
    image = Image.new("RGB", (1200, 1200), "white")
    ImageDraw.Draw(image).rectangle(product, fill=(160, 30, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("box", "quoted"),
    [
        ((450, 500, 750, 560), None),  # print on the product
        ((20, 1080, 380, 1160), "SALE -50%"),
        ((200, 600, 700, 680), "SALE -50%"),  # a watermark across the outline
    ],
)
def test_check_quotes_text_that_lies_over_the_photo(
    box: tuple[float, float, float, float], quoted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "text_reader", lambda: FakeReader(Line("SALE -50%", 0.99, box)))
    overlay = [one for one in check(listing(), rules=["amazon"], read_text=True) if one.rule.name == "overlay"]
    assert [one.text for one in overlay] == ([] if quoted is None else [quoted])
    assert all(f'("{quoted}")' in str(one) and one.to_dict()["text"] == quoted for one in overlay)
    assert not [one for one in check(listing(), rules=["amazon"]) if one.rule.name == "overlay"]
