"""The networks that ship, on real photos that they never learned from, and on pictures without anything."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import catalens
from catalens import settings
from catalens.errors import ModelError
from catalens.models.zoo import DEFAULT_FACES, DEFAULT_MATTE, DEFAULT_PARSER, bundled_cards, find_card
from catalens.tasks.faces import Anonymised, blur_faces, face_finder
from catalens.tasks.proposals import proposer
from catalens.types import Detections, ImageArray
from tests.pictures import encoded

STREET = settings.data_folder() / "streetstyle"
CLOTHING = settings.data_folder() / "clothing"
NOISE = np.random.default_rng(0).integers(0, 255, (200, 150, 3), np.uint8)
EMPTY = [np.full((120, 160, 3), value, np.uint8) for value in (0, 128, 255)]


def held_out(count: int) -> list[tuple[ImageArray, np.ndarray]]:
    """Street photos with masks, of the fifth that is never learned from: photo, and where a person is."""
    if not (STREET / "photos.csv").is_file():
        pytest.skip(f"no street photos at {STREET}")
    pytest.importorskip("torch", reason="torch is in the train extra")
    from recipes.parts import masked_photos

    return [(photo.image, photo.labels > 0) for photo in masked_photos(settings.data_folder(), held_out=True)[:count]]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


@pytest.mark.parametrize("name", sorted(bundled_cards()))
def test_every_card_says_what_a_user_needs(name: str) -> None:
    card = find_card(name)
    assert card.license == "Apache-2.0"
    assert {"data", "start", "command", "seed", "cost"} <= set(card.training)
    assert card.scores
    assert all(score.low <= score.value <= score.high and score.n > 0 for score in card.scores)


def test_all_weights_together_stay_small() -> None:
    from catalens.models.zoo import WEIGHTS

    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*.onnx")) < 60e6
    assert {DEFAULT_PARSER, DEFAULT_MATTE, DEFAULT_FACES} <= set(bundled_cards())


def test_people_are_told_from_the_street() -> None:
    scores = [overlap(catalens.segment(image).foreground(), person) for image, person in held_out(16)]
    assert np.median(scores) > 0.8


def test_people_are_cut_out() -> None:
    scores = [overlap(catalens.cutout(image)[..., 3] > 127, person) for image, person in held_out(16)]
    assert np.median(scores) > 0.75


def test_what_people_wear_is_found() -> None:
    for image, _ in held_out(6):
        found = catalens.detect(image)
        assert len(found) >= 2
        assert found.size == image.shape[:2]


@pytest.mark.parametrize("image", [*EMPTY, NOISE], ids=["black", "grey", "white", "noise"])
def test_nothing_is_found_on_nothing(image: ImageArray) -> None:
    assert len(face_finder()(image)) == 0
    assert catalens.segment(image).foreground().mean() < 0.2
    assert catalens.cutout(image).shape == (*image.shape[:2], 4)
    catalens.detect(image)


@pytest.mark.parametrize("size", [(1, 1), (20, 900), (900, 20), (3000, 2000)], ids=str)
def test_pictures_of_any_shape(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 200, np.uint8)
    assert catalens.segment(image).labels.shape == size
    assert catalens.cutout(image).shape == (*size, 4)
    assert catalens.detect(image).size == size
    assert blur_faces(image)[0].shape == image.shape


def test_faces_are_found_by_the_name_of_their_network() -> None:
    image = held_out(1)[0][0]
    found = catalens.detect(image, model="catalens-faces-xs")
    assert set(found.labels) == {"face"}
    np.testing.assert_allclose(found.boxes, face_finder()(image).boxes)
    with pytest.raises(ModelError, match="train detector"):
        proposer(model="catalens-faces-xs")


def test_a_hidden_face_is_found_no_more_and_never_hidden_the_same_way_twice() -> None:
    images = [image for image, _ in held_out(12)]
    with_faces = [image for image in images if len(face_finder()(image))]
    assert len(with_faces) >= len(images) // 2
    for image in with_faces:
        hidden, count = blur_faces(image)
        assert count >= 1
        boxes = face_finder()(image).boxes
        left, top, right, bottom = boxes[0].astype(int)
        assert np.abs(hidden[top:bottom, left:right].astype(int) - image[top:bottom, left:right]).mean() > 8
        assert not (blur_faces(image)[0] == hidden).all()


def test_photos_of_clothes_have_no_faces() -> None:
    if not (CLOTHING / "validation.csv").is_file():
        pytest.skip(f"no photos of clothes at {CLOTHING}")
    photos = sorted((CLOTHING / "images").glob("*.jpg"))[:60] or sorted(CLOTHING.rglob("*.jpg"))[:60]
    wrong = [photo.name for photo in photos if len(face_finder()(catalens.read_image(photo, target=500)))]
    assert len(wrong) <= 2, wrong


def test_faces_are_hidden_before_a_catalog_sees_them(tmp_path: Path) -> None:
    ((image, _),) = held_out(1)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_bytes(encoded(image, "PNG"))
    with catalens.open(tmp_path / "plain") as plain, catalens.open(tmp_path / "hidden") as hidden:
        plain.add(tmp_path / "photos")
        hidden.add(tmp_path / "photos", blur_faces=True)
        (match,) = hidden.search(image=image, k=1)
        (same,) = plain.search(image=image, k=1)
    assert match.score < same.score


def test_words_are_understood_in_both_languages() -> None:
    english, chinese = ("apple", "milk", "dress", "boots", "eggplant"), ("苹果", "牛奶", "连衣裙", "靴子", "茄子")
    used = catalens.encoder()
    said, meant = used.encode_texts(chinese), used.encode_texts(english)
    assert (said @ meant.T).argmax(1).tolist() == list(range(len(english)))


@pytest.mark.parametrize("turned", [-20, 0, 20])
@pytest.mark.parametrize("share", [0.3, 0.5])
def test_faces_that_fill_much_of_a_photo_are_found(share: float, turned: int) -> None:
    found = []
    for image, _ in held_out(12):
        faces = face_finder()(image)
        if not len(faces):
            continue
        left, top, right, bottom = faces.boxes[0]
        scale = 256 * share / float(bottom - top)
        matrix = cv2.getRotationMatrix2D(((left + right) / 2, (top + bottom) / 2), turned, scale)
        matrix[:, 2] += 128 - np.array([(left + right) / 2, (top + bottom) / 2])
        close = face_finder()(cv2.warpAffine(image, matrix, (256, 256), borderValue=(255, 255, 255)))
        found.append(any(box[3] - box[1] > 0.6 * 256 * share for box in close.boxes))
    assert len(found) >= 6
    assert np.mean(found) >= 0.75


def test_what_is_doubtful_is_hidden_and_counted() -> None:
    faces = Detections(np.zeros((3, 4), np.float32), np.array([0.9, 0.8, 0.7], np.float32), ("face",) * 3, (9, 9))
    done = Anonymised(np.zeros((9, 9, 3), np.uint8), faces)
    assert done.doubtful == 1
    assert str(done) == "3 faces, 1 of them doubtful: look at the photo"
    assert str(Anonymised(done.image, Detections(faces.boxes[:1], faces.scores[:1], ("face",), (9, 9)))) == "1 face"
