"""Drawn pictures and written files: sizes by hand, colors as Pillow reads them back, files whole or not at all."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalens.errors import StorageError, UsageError
from catalens.images.draw import (
    Tile,
    contact_sheet,
    distinct_names,
    draw_boxes,
    draw_masks,
    draw_text,
    encode_image,
    format_of,
    label_color,
    make_folder,
    save_image,
    thumbnail,
    write_atomically,
)
from catalens.images.mark import COMPOSITE, TRAINED, read_mark
from catalens.types import Detections, ImageArray, Masks

RED: ImageArray = np.full((40, 20, 3), (200, 10, 10), np.uint8)


@pytest.mark.parametrize(
    ("count", "columns", "size"),
    [
        (0, 5, (446, 312)),  # a sheet of one empty place: 36 + 72 + 240 + 62 + 36 by 36 + 240 + 36
        (1, 5, (446, 312)),
        (5, 5, (446, 1352)),  # 5 tiles of 240 with 4 gaps of 20
        (6, 5, (768, 1352)),
        (3, 0, (1090, 312)),  # at least one column
    ],
)
def test_a_contact_sheet_is_as_large_as_its_tiles(count: int, columns: int, size: tuple[int, int]) -> None:
    sheet = contact_sheet([Tile(None, "no picture")] * count, title="found", columns=columns)
    assert sheet.shape == (*size, 3)
    assert sheet.dtype == np.uint8


def test_a_chosen_tile_is_framed_and_its_picture_is_there() -> None:
    plain, chosen = (contact_sheet([Tile(RED, "bag", chosen=one)], title="") for one in (False, True))
    blue = (46, 92, 220)
    assert not (plain == blue).all(2).any()
    assert (chosen == blue).all(2).any()
    for sheet in (plain, chosen):
        assert sheet[36 + 72 + 120, 36 + 120].tolist() == [200, 10, 10]  # the middle of the tile


def test_a_thumbnail_is_the_whole_picture_on_white() -> None:
    small = thumbnail(RED, (40, 60))
    assert small.shape == (40, 60, 3)
    assert small[20, 30].tolist() == [200, 10, 10]
    assert small[:, :19].min() == 255
    assert small[:, 41:].min() == 255


def test_nothing_found_draws_nothing_and_the_photo_stays() -> None:
    photo = RED.copy()
    np.testing.assert_array_equal(draw_boxes(photo, Detections.empty((40, 20))), photo)
    boxes = np.array([[2, 20, 18, 38]], np.float32)
    drawn = draw_boxes(photo, Detections(boxes, np.array([0.9], np.float32), ("bag",), (40, 20)))
    np.testing.assert_array_equal(photo, RED)
    assert drawn[20, 10].tolist() == list(label_color("bag"))


def test_each_class_of_a_label_map_has_its_color_and_the_rest_is_paled() -> None:
    labels = np.zeros((40, 20), np.uint8)
    labels[20:] = 1
    drawn = draw_masks(RED, Masks(labels, ("background", "bag")))
    assert drawn[5, 10].tolist() == [int(0.35 * one + 0.65 * 245) for one in (200, 10, 10)]
    mixed = [0.45 * one + 0.55 * color for one, color in zip((200, 10, 10), label_color("bag"), strict=True)]
    np.testing.assert_allclose(drawn[35, 10], mixed, atol=1)
    assert drawn[20, 10].tolist() == [28, 28, 30]


@pytest.mark.parametrize(("text", "fits"), [("", True), ("bag", True), ("a very long name of a bag " * 4, False)])
def test_a_text_is_shortened_to_its_width(text: str, fits: bool) -> None:
    pen = ImageDraw.Draw(Image.new("RGB", (400, 40)))
    length = draw_text(pen, (0, 0), text, size=15, fill=(0, 0, 0), width=120)
    assert length <= 120
    assert (length == draw_text(pen, (0, 0), text, size=15, fill=(0, 0, 0))) == fits


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_pillow_reads_back_what_is_encoded(format: str) -> None:
    with Image.open(BytesIO(encode_image(RED, format=format))) as found:
        assert (found.format, found.size) == (format, (20, 40))
        np.testing.assert_allclose(np.asarray(found.convert("RGB"), np.int16), RED, atol=0 if format == "PNG" else 12)


def test_where_a_jpeg_would_be_transparent_it_is_white() -> None:
    clear = np.dstack([RED, np.zeros((40, 20), np.uint8)])
    with Image.open(BytesIO(encode_image(clear, format="JPEG"))) as found:
        assert np.asarray(found).min() >= 254


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".JPEG"])
@pytest.mark.parametrize("mark", [None, COMPOSITE, TRAINED])
def test_a_file_says_whether_it_was_generated(tmp_path: Path, suffix: str, mark: str | None) -> None:
    path = tmp_path / f"picture{suffix}"
    save_image(path, RED, mark=mark)
    assert read_mark(path) == mark
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["picture", "picture.gif", "picture.jpg.txt", ".png"])
def test_other_endings_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="ends in"):
        format_of(Path(name))


@pytest.mark.parametrize(
    ("photos", "names"),
    [
        ([], []),
        (["a/1.jpg", "a/2.jpg", "b/1.jpg"], ["1", "2", "1"]),
        (["a/1.jpg", "a/1.png", "a/1.PNG"], ["1", "1.png", "1.PNG"]),
        (["a/Bag.jpg", "a/bag.png"], ["Bag", "bag.png"]),
    ],
)
def test_names_without_endings_stay_apart(photos: list[str], names: list[str]) -> None:
    paths = [Path(photo) for photo in photos]
    assert list(distinct_names(paths).values()) == names


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "page.html"
    write_atomically(path, b"old", durable=durable)
    write_atomically(path, b"new", durable=durable)
    assert path.read_bytes() == b"new"
    with pytest.raises(StorageError, match="cannot be written"):
        write_atomically(tmp_path / "none" / "page.html", b"new", durable=durable)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thing").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        write_atomically(tmp_path / "folder", b"new", durable=durable)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "page.html"]


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="no folder can be made"):
        make_folder(tmp_path / "file" / "b")
