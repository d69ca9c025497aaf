"""Photos with boxes and label maps of others: what can be used is used, what cannot is named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from catalens.errors import FeedError, ImageError, NotFoundError, UsageError
from catalens.evaluation import boxes, label_maps
from catalens.evaluation.annotations import read_annotations
from catalens.geometry import iou
from catalens.images.read import read_codes
from catalens.tasks.proposals import SelectiveSearch, propose, proposer
from catalens.types import Detections, ImageArray
from tests.painted import PAINT, painted, parser_folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(tmp_path / name), painted((60, 80), ("bag", (10, 10, 50, 40)))[..., ::-1])
    return tmp_path


def coco(folder: Path, annotations: list[object], *, images: tuple[str, ...] = ("a.jpg", "b.jpg")) -> Path:
    file = folder / "coco.json"
    listed = [{"id": number, "file_name": name} for number, name in enumerate(images)]
    names = [{"id": 7, "name": "bag"}, {"id": 5, "name": "hat"}]
    file.write_text(json.dumps({"images": listed, "annotations": annotations, "categories": names}))
    return file


@pytest.mark.parametrize("count", [0, 1, 3])
def test_coco(photos: Path, count: int) -> None:
    boxes: list[object] = [{"image_id": 0, "category_id": 7, "bbox": [10, 10, 40, 30]}] * count
    found = read_annotations(coco(photos, boxes))
    assert not found.failed
    assert [photo.path.name for photo in found.photos] == ["a.jpg", "b.jpg"]
    assert found.photos[0].truth.boxes.tolist() == [[10, 10, 50, 40]] * count
    assert found.photos[0].truth.labels == ("bag",) * count
    assert found.photos[1].truth.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"image_id": 9, "category_id": 7, "bbox": [0, 0, 5, 5]}, "no image has the id 9"),
        ({"image_id": 0, "category_id": 8, "bbox": [0, 0, 5, 5]}, "no category has the id 8"),
        ({"image_id": 0, "category_id": 7, "bbox": [200, 0, 5, 5]}, "shows nothing"),
        ({"image_id": 0, "category_id": 7, "bbox": [5, 5, 0, 9]}, "shows nothing"),
        ({"image_id": 0, "category_id": 7, "bbox": [5, 5, -3, 9]}, "shows nothing"),
        ({"image_id": 0, "category_id": 7, "bbox": [5, 5]}, "not understood"),
        ({"image_id": 0, "category_id": 7, "bbox": ["x", 5, 1, 1]}, "not understood"),
        ({"image_id": 0}, "it has no 'bbox'"),
        ({"image_id": [0], "category_id": 7, "bbox": [0, 0, 5, 5]}, "not understood"),
        ({"image_id": 0, "category_id": {}, "bbox": [0, 0, 5, 5]}, "not understood"),
        ({"image_id": 0, "category_id": 7, "bbox": [float("nan"), 0, 5, 5]}, "shows nothing"),
        (5, "not understood"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_goes_on(photos: Path, row: object, said: str) -> None:
    good = {"image_id": 0, "category_id": 7, "bbox": [70, 50, 40, 40]}
    found = read_annotations(coco(photos, [row, good]))
    assert len(found.failed) == 1
    assert said in str(found.failed[0])
    assert found.photos[0].truth.boxes.tolist() == [[70, 50, 80, 60]]  # cut to the photo's bounds


def test_a_photo_that_is_missing_is_named(photos: Path) -> None:
    found = read_annotations(coco(photos, [], images=("a.jpg", "c.jpg")))
    assert [photo.path.name for photo in found.photos] == ["a.jpg"]
    assert "c.jpg" in str(found.failed[0])


def voc(folder: Path, name: str, *, xmax: str = "50") -> None:
    (folder / f"{name}.xml").write_text(
        f"<annotation><filename>{name}.jpg</filename><object><name>bag</name><bndbox><xmin>10</xmin><ymin>10</ymin>"
        f"<xmax>{xmax}</xmax><ymax>40</ymax></bndbox></object></annotation>"
    )


def test_voc(photos: Path) -> None:
    voc(photos, "a")
    voc(photos, "b", xmax="nan?")
    good = (photos / "a.xml").read_text().partition("<object>")[2]
    (photos / "b.xml").write_text((photos / "b.xml").read_text().replace("</annotation>", f"<object>{good}"))
    (photos / "c.xml").write_text("<annotation>")
    (photos / "d.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>')
    found = read_annotations(photos)
    # A box that cannot be understood takes no other with it.
    assert [photo.truth.boxes.tolist() for photo in found.photos] == [[[10, 10, 50, 40]]] * 2
    assert len(found.failed) == 3


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"images": 3}', "\x00", "[" * 100_000], ids=range(6))
def test_no_annotations(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FeedError, match="no COCO file"):
        read_annotations(tmp_path / "x.json")
    with pytest.raises(FeedError, match=r"no \.xml files"):
        read_annotations(tmp_path)
    with pytest.raises(NotFoundError, match="no annotations"):
        read_annotations(tmp_path / "y.json")


def test_a_folder_of_photos_that_is_not_there_is_named(photos: Path) -> None:
    with pytest.raises(NotFoundError, match="no folder of photos at "):
        read_annotations(
            coco(photos, [{"image_id": 0, "category_id": 9, "bbox": [1, 1, 9, 9]}]), photos=photos / "nowhere"
        )


def test_label_maps(tmp_path: Path) -> None:
    model = str(parser_folder(tmp_path / "model"))
    maps, photos = tmp_path / "maps", tmp_path / "photos"
    maps.mkdir()
    photos.mkdir()
    with pytest.raises(NotFoundError, match="no label maps"):
        label_maps.evaluate_label_maps(maps, photos=photos, model=model)
    image = painted((128, 128), ("top", (20, 20, 100, 100)))
    labels = np.where((image == PAINT["top"]).all(2), 1, 0).astype(np.uint8)
    labels[:5] = 200  # a code without a name is not counted
    for name in ("a", "alone", "small"):
        cv2.imwrite(str(maps / f"{name}.png"), labels if name != "small" else labels[:50])
        if name != "alone":
            cv2.imwrite(str(photos / f"{name}.png"), image[..., ::-1])
    (maps / "broken.png").write_bytes(b"no picture")
    run = label_maps.evaluate_label_maps(maps, photos=photos, model=model, names="background,top")
    assert run.figures[label_maps.PIXELS].value > 0.95
    assert run.figures[label_maps.PIXELS].n == 1
    assert run.figures["mean IoU of the ten largest"].value > 0.9  # of the two that occur
    assert len(run.notes) == 3
    assert [item.name for item in run.items] == ["a"]
    with pytest.raises(UsageError, match="none of 4 label maps can be used; a"):
        label_maps.evaluate_label_maps(maps, photos=tmp_path, model=model)
    with pytest.raises(UsageError, match="none of sky"):
        label_maps.evaluate_label_maps(maps, photos=photos, model=model, names="sky,sea")


def test_a_label_map_is_not_its_own_photo(tmp_path: Path) -> None:
    for name in ("a.png", "a.TIFF", "b.png"):
        (tmp_path / name).touch()
    assert label_maps.photo_of(tmp_path / "a.png", tmp_path) == tmp_path / "a.TIFF"
    assert label_maps.photo_of(tmp_path / "b.png", tmp_path) is None


@pytest.mark.parametrize(
    ("mode", "codes"),
    [("L", [0, 3, 200]), ("P", [0, 3, 200]), ("1", [0, 0, 1]), ("RGB", None), ("I;16", None)],
)
def test_label_maps_are_grey_or_have_a_palette(tmp_path: Path, mode: str, codes: list[int] | None) -> None:
    file = tmp_path / "map.png"
    values = np.array([[0, 3, 200]], np.uint8)
    if mode == "P":  # as Pascal VOC has them; colors that say nothing of the codes
        picture = Image.fromarray(values, mode="P")
        picture.putpalette(list(range(255, -1, -1)) * 3)
    elif mode == "I;16":
        picture = Image.fromarray(values.astype(np.uint16))
    else:
        picture = Image.fromarray(values).convert(mode)
    picture.save(file)
    if codes is None:
        with pytest.raises(ImageError, match="no 8-bit map"):
            read_codes(file)
    else:
        assert read_codes(file).tolist() == [codes]


def test_a_detector_is_measured_on_what_it_has_labels_for(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        labels = ("bag", "shoes")

        def __call__(self, image: ImageArray) -> Detections:
            box = np.array([[10, 10, 50, 40]], np.float32)
            return Detections(box, np.ones(1, np.float32), ("bag",), (image.shape[0], image.shape[1]))

    monkeypatch.setattr(boxes, "detector", lambda *_, **__: Finder())
    rows: list[object] = [{"image_id": 0, "category_id": 5, "bbox": [50, 40, 20, 20]}]
    with pytest.raises(UsageError, match="no box of a name"):
        boxes.evaluate_boxes(coco(photos, rows), model="parts")
    rows += [{"image_id": 0, "category_id": 7, "bbox": [10, 10, 40, 30]}, {"image_id": 9, "category_id": 7, "bbox": []}]
    run = boxes.evaluate_boxes(coco(photos, rows), model="parts")
    assert run.figures["AP"].value == 1
    assert [item.value for item in run.items] == [1]
    assert len(run.notes) == 2
    assert "no label 'hat': 1 boxes" in run.notes[1]
    (photos / "more").mkdir()
    (photos / "b.jpg").rename(photos / "more" / "a.jpg")
    rows = [{"image_id": number, "category_id": 7, "bbox": [10, 10, 40, 30]} for number in (0, 1)]
    run = boxes.evaluate_boxes(coco(photos, rows, images=("a.jpg", "more/a.jpg")), model="parts")
    assert [item.name for item in run.items] == ["a.jpg", "more/a.jpg"]  # two items to compare by


@pytest.mark.parametrize("size", [(2, 2), (20, 2000), (200, 300)], ids=str)
def test_selective_search_proposes_what_stands_out(size: tuple[int, int]) -> None:
    image = painted(size, ("bag", (60, 50, 160, 150)))
    boxes = SelectiveSearch()(image)
    assert boxes.shape[1] == 4
    if size == (200, 300):
        assert iou([[60, 50, 160, 150]], boxes).max() > 0.8
        assert len(propose(image, way="selective-search", count=3)) <= 3


def test_ways_of_proposing_are_two() -> None:
    with pytest.raises(UsageError, match="no way"):
        proposer("guess")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="count is 0"):
        propose(np.zeros((9, 9, 3), np.uint8), way="selective-search", count=0)
