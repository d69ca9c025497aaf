"""Photos with labels from folders, tables and catalogs; what cannot be used is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from catalens.catalog import Catalog
from catalens.errors import FeedError, NotFoundError, UsageError
from catalens.learning.labelled import LabelledPhotos, read_labelled, read_labelled_catalog
from tests.fakes import FakeEncoder, make_products, write_photo


def test_an_empty_folder_has_no_photos(tmp_path: Path) -> None:
    found = read_labelled(tmp_path)
    assert (len(found), found.classes, found.skipped) == (0, (), ())


def test_folders_name_labels_and_folders_in_folders_levels(tmp_path: Path) -> None:
    for name in ("hats/a.png", "hats/b.png", "shoes/boots/c.png", "loose.png", "hats/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("png"):
            write_photo(tmp_path / name, seed=1)
        else:
            (tmp_path / name).write_text("no photo", "utf-8")
    found = read_labelled(tmp_path)
    assert found.counts() == {"hats": 2, "shoes > boots": 1}
    assert [failure.what for failure in found.skipped] == [str(tmp_path / "loose.png")]


def test_hidden_files_are_no_photos_and_those_of_telephones_are_named_later(tmp_path: Path) -> None:
    data = tmp_path / ".data"
    for name in ("hats/a.png", "hats/._a.png", ".thumbs/b.png", "__MACOSX/hats/._a.png", "hats/d.HEIC"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(b"")
    assert read_labelled(data).paths == (data / "hats/a.png", data / "hats/d.HEIC")


def test_a_table_with_missing_cells_and_several_labels(tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("image,kind\na.jpg,Hat\nb.jpg,red|hat\nc.jpg,\n,hat\nd.jpg, hat \n\n", "utf-8")
    found = read_labelled(table, label="kind")
    assert found.paths == (tmp_path / "a.jpg", tmp_path / "b.jpg", tmp_path / "d.jpg")
    assert found.labels == (("hat",), ("red", "hat"), ("hat",))
    assert found.is_multi
    assert [(failure.what, failure.why) for failure in found.skipped] == [
        ("c.jpg", "no label"),
        ("a row without a photo", "no photo"),
    ]
    assert found.notes == ("Hat and hat are taken as hat",)
    assert read_labelled(tmp_path, label="kind").labels == found.labels
    assert found.targets(("hat", "red")).tolist() == [[True, False], [True, True], [True, False]]


def test_of_several_tables_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    first, second = tmp_path / "first.csv", tmp_path / "more" / "second.csv"
    first.write_text("image,kind\na.jpg,hat\nb.jpg,shoe\nc.jpg,hat\nd.jpg,\ne.jpg,\ng.jpg,hat\n", "utf-8")
    second.write_text("image,kind\n../b.jpg,bag\n../c.jpg,Hat\n../d.jpg,bag\nf.jpg,shoe\n", "utf-8")
    found = read_labelled(first, second, label="kind")
    labels = {path.resolve().name: labels for path, labels in zip(found.paths, found.labels, strict=True)}
    assert labels == {
        **dict.fromkeys(("a.jpg", "c.jpg", "g.jpg"), ("hat",)),
        "b.jpg": ("bag",),
        "d.jpg": ("bag",),
        "f.jpg": ("shoe",),
    }
    assert found.notes == (
        "2 photos are labelled again, 1 of them otherwise: the last label counts; the first: "
        f"{tmp_path / 'more' / '../b.jpg'}, shoe and then bag",
        "Hat and hat are taken as hat",
    )
    assert [failure.what for failure in found.skipped] == ["e.jpg"]  # d has its label by now
    assert len(read_labelled(first, first, label="kind")) == 4
    assert read_labelled(first, label="kind").notes == ()


@pytest.mark.parametrize("header", ["image,kind", "image;kind", "image\tkind", "Image;kind", " IMAGE , kind "])
def test_tables_as_spreadsheets_write_them(tmp_path: Path, header: str) -> None:
    mark = next(mark for mark in ",;\t" if mark in header)
    (tmp_path / "t.csv").write_text(f"{header}\na.jpg{mark}red|hat\n", "utf-8-sig")
    assert read_labelled(tmp_path / "t.csv", label="kind").labels == (("red", "hat"),)


@pytest.mark.parametrize(
    ("content", "label", "error"),
    [
        (b"image,kind\n", "color", UsageError),
        (b"name,kind\nx,hat\n", "kind", UsageError),
        (b"", "kind", UsageError),
        (b"image,kind\n\xff\xfe,hat\n", "kind", FeedError),
    ],
    ids=["no such column", "no photos", "empty", "not UTF-8"],
)
def test_tables_that_cannot_be_used(tmp_path: Path, content: bytes, label: str, error: type[Exception]) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(error):
        read_labelled(tmp_path / "t.csv", label=label)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_labelled(tmp_path / "nothing")
    (tmp_path / "t.csv").write_text("image,kind\n", "utf-8")
    with pytest.raises(UsageError, match="no folder"):
        read_labelled(tmp_path / "t.csv")


def test_a_catalog_gives_products_with_the_attribute(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 4))
    found = read_labelled_catalog(tmp_path / "shop", label="color")
    assert found.counts() == {"blue": 2, "red": 2}
    assert len(read_labelled_catalog(tmp_path / "shop", label="nothing")) == 0
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        one = shop.get("sku-1")
        shop.add([replace(one, attributes={**one.attributes, "color_predicted_by": "a model"})])
    guessed = read_labelled_catalog(tmp_path / "shop", label="color")
    assert (len(guessed), guessed.notes) == (3, ("1 products whose color was predicted are left out",))
    assert isinstance(found.of([0]), LabelledPhotos)
