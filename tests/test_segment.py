"""Parts of a photo, what is found on it, and its cut-out, with networks that go by paint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalens.errors import ModelError, UsageError
from catalens.geometry import iou
from catalens.models.zoo import find_card
from catalens.tasks.cutout import Cutter, cutout_of
from catalens.tasks.detect import PartsDetector
from catalens.tasks.segment import Parser
from catalens.types import Detections, ImageArray, Masks
from tests.painted import PAINT, matte_folder, painted, parser_folder

PERSON = (("hair", (90, 20, 130, 40)), ("skin", (90, 40, 130, 80)), ("top", (70, 80, 150, 180)),
          ("trousers", (80, 180, 140, 300)), ("shoes", (70, 300, 100, 320)), ("shoes", (120, 300, 150, 320)),
          ("bag", (170, 170, 210, 220)))  # fmt: skip


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Parser:
    return Parser(find_card(parser_folder(tmp_path_factory.mktemp("parser"))))


@pytest.fixture(scope="module")
def cutter(tmp_path_factory: pytest.TempPathFactory) -> Cutter:
    return Cutter(find_card(matte_folder(tmp_path_factory.mktemp("matte"))))


@pytest.mark.parametrize("size", [(1, 1), (20, 3000), (3000, 20), (64, 64), (360, 240), (1500, 1100)], ids=str)
def test_a_picture_of_any_shape_gets_a_label_for_each_pixel(parser: Parser, size: tuple[int, int]) -> None:
    masks = parser(np.full((*size, 3), 255, np.uint8))
    assert masks.labels.shape == size
    assert masks.areas == {"background": 1.0}
    assert not masks.foreground().any()


@pytest.mark.parametrize("scale", [1, 4])
def test_parts_lie_where_they_are_painted(parser: Parser, scale: int) -> None:
    image = painted((360, 240), *PERSON).repeat(scale, 0).repeat(scale, 1)
    masks = parser(image)
    for name, color in PAINT.items():
        wanted = (image == color).all(2)
        if wanted.any():
            assert (masks[name] & wanted).sum() / (masks[name] | wanted).sum() > 0.85, name
    assert masks["skirt"].mean() < 0.005  # between red and blue
    with pytest.raises(UsageError, match="no part is called 'sock'"):
        _ = masks["sock"]


def test_probabilities_sum_to_one(parser: Parser) -> None:
    likely = parser.probabilities(painted((100, 100), ("top", (20, 20, 80, 80))))
    np.testing.assert_allclose(likely.sum(0), 1, atol=1e-5)


def test_masks_say_what_they_are() -> None:
    masks = Masks(np.array([[0, 0], [0, 1]], np.uint8), ("background", "top"))
    assert repr(masks) == "Masks(2x2: background 75.0%, top 25.0%)"
    assert masks.to_dict() == {
        "size": [2, 2],
        "parts": [{"name": "background", "area": 0.75}, {"name": "top", "area": 0.25}],
    }


def boxes_of(found: Detections) -> dict[str, list[float]]:
    return {one.label: [*one.box] for one in found}


@pytest.mark.parametrize(
    "image",
    [np.full((50, 50, 3), 255, np.uint8), np.full((3000, 20, 3), 255, np.uint8)],
    ids=["white", "narrow"],
)
def test_nothing_on_a_picture_is_no_error(parser: Parser, cutter: Cutter, image: ImageArray) -> None:
    found = PartsDetector(parser, cutter)(image)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert list(found) == []
    assert found.to_dict()["detections"] == []


@pytest.mark.parametrize("scale", [1, 3])
def test_what_a_person_wears_is_found(parser: Parser, cutter: Cutter, scale: int) -> None:
    image = painted((360, 240), *PERSON).repeat(scale, 0).repeat(scale, 1)
    found = PartsDetector(parser, cutter)(image)
    assert sorted(found.labels) == ["bag", "shoes", "top", "trousers"]
    expected = {"bag": (170, 170, 210, 220), "shoes": (70, 300, 150, 320), "top": (70, 80, 150, 180)}
    for name, box in expected.items():
        assert iou(boxes_of(found)[name], np.array(box, np.float32) * scale)[0, 0] > 0.8, name
    assert found.masks is not None
    assert found.masks.shape == (4, 360 * scale, 240 * scale)
    assert (np.diff(found.scores) <= 0).all()


def test_without_a_person_goods_are_products(parser: Parser, cutter: Cutter) -> None:
    image = painted((300, 400), ("bag", (20, 20, 120, 200)), ("top", (200, 50, 380, 250)))
    found = PartsDetector(parser, cutter)(image)
    assert found.labels == ("product", "product")
    assert iou(found.boxes, [[20, 20, 120, 200], [200, 50, 380, 250]]).max(0).min() > 0.9


def test_some_of_what_was_found() -> None:
    boxes = np.array([[0, 0, 4, 4], [1, 1, 2, 2], [0, 0, 1, 1]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.5, 0.1], np.float32), ("a", "b", "a"), (4, 4))
    assert found[found.scores > 0.4].labels == ("a", "b")
    assert found[:1].boxes.tolist() == [[0, 0, 4, 4]]
    assert found[[2, 0]].labels == ("a", "a")
    assert found[[False, True, False]].labels == ("b",)
    assert found[1].labels == found[-2].labels == ("b",)
    assert len(found[[]]) == 0
    with pytest.raises(UsageError, match="no category id for b"):
        found.to_coco(categories={"a": 7})
    assert repr(found[:1]) == "Detections(4x4: a 0.90)"
    assert repr(found[[1] * 12]).endswith("b 0.50 and 2 more)")
    assert found.to_coco(categories={"a": 7, "b": 9})[1] == {
        "image_id": 1, "category_id": 9, "bbox": [1.0, 1.0, 1.0, 1.0], "score": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("size", [(1, 1), (40, 2000), (200, 300), (1300, 900)], ids=str)
def test_an_alpha_has_the_size_of_its_picture(cutter: Cutter, size: tuple[int, int]) -> None:
    assert cutter.alpha(np.full((*size, 3), 255, np.uint8)).shape == size


def test_a_product_is_cut_out(cutter: Cutter) -> None:
    image = painted((300, 400), ("top", (100, 50, 300, 250)))
    alpha = cutter.alpha(image)
    inside = np.zeros((300, 400), np.bool_)
    inside[50:250, 100:300] = True
    assert ((alpha > 0.5) & inside).sum() / ((alpha > 0.5) | inside).sum() > 0.97
    found = cutout_of(image, alpha)
    assert found.box is not None
    np.testing.assert_allclose(found.box, (100, 50, 300, 250), atol=4)
    assert found.rgba.shape == (300, 400, 4)
    # Laid on red, nothing of the old white is left around it.
    red = found.on((255, 0, 0))
    assert int(red[..., 1].max()) < 40
    assert (red[0, 0] == (255, 0, 0)).all()


@pytest.mark.parametrize(("margin", "size"), [(0.0, (200, 200)), (0.1, (240, 240)), (1.0, (600, 600))])
def test_a_crop_has_its_margin_even_beyond_the_picture(cutter: Cutter, margin: float, size: tuple[int, int]) -> None:
    image = painted((300, 400), ("top", (100, 50, 300, 250)))
    cropped = cutout_of(image, cutter.alpha(image), shadow="soft").cropped(margin=margin)
    np.testing.assert_allclose(cropped.alpha.shape, size, atol=8)
    assert cropped.shade is not None
    assert cropped.colors.shape[:2] == cropped.alpha.shape == cropped.shade.shape


def test_a_picture_without_a_product_stays_empty(cutter: Cutter) -> None:
    image = np.full((60, 80, 3), 255, np.uint8)
    found = cutout_of(image, cutter.alpha(image), shadow="soft")
    assert found.box is None
    assert not found.rgba[..., 3].any()
    assert found.cropped(margin=0.1).alpha.shape == (60, 80)


@pytest.mark.parametrize("shadow", ["keep", "soft", "none"])
def test_shadows(cutter: Cutter, shadow: str) -> None:
    image = painted((300, 300), ("top", (100, 50, 200, 250)))
    image[252:262, 100:200] = 225  # a shadow on the table
    alpha = np.zeros((300, 300), np.float32)
    alpha[50:250, 100:200] = 1
    found = cutout_of(image, alpha, shadow=shadow)  # type: ignore[arg-type]
    below = float(found.on((255, 255, 255))[256, 150].mean())
    assert (below < 250) == (shadow != "none")
    assert (found.on((255, 255, 255))[5, 5] == 255).all()


@pytest.mark.parametrize("darker", [0, 40], ids=["even light", "darker to one side"])
def test_a_kept_shadow_begins_at_the_product_and_is_no_wall(darker: int) -> None:
    light = np.tile(240 - darker * np.linspace(0, 1, 300), (300, 1))
    shadow = np.where(np.hypot(*(np.mgrid[:300, :300] - 150)) < 90, 0.7, 1.0)  # of a disk with a radius of 60
    image = np.stack([(light * shadow).astype(np.uint8)] * 3, axis=-1)
    alpha = (np.hypot(*(np.mgrid[:300, :300] - 150)) < 60).astype(np.float32)
    shade = cutout_of(image, alpha, shadow="keep").shade
    assert shade is not None
    np.testing.assert_allclose(shade[150, 212:232], 0.7, atol=0.03)
    assert (shade[:50] == 1).all()
    assert (shade[:, :50] == 1).all()


@pytest.mark.parametrize("grey", [0, 255])
def test_on_black_and_on_white_there_is_no_shadow_to_keep(grey: int) -> None:
    alpha = np.zeros((60, 80), np.float32)
    alpha[20:40, 20:40] = 1
    shade = cutout_of(np.full((60, 80, 3), grey, np.uint8), alpha, shadow="keep").shade
    assert shade is not None
    assert (shade == 1).all()


def test_a_shadow_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="keep, soft, none"):
        cutout_of(np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8), np.float32), shadow="hard")  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [Parser, Cutter])
def test_a_network_for_something_else_is_refused(make: type, tmp_path: Path) -> None:
    folder = matte_folder(tmp_path) if make is Parser else parser_folder(tmp_path)
    with pytest.raises(ModelError, match="not for"):
        make(find_card(folder))
    with pytest.raises(ModelError, match="is for"):
        find_card(folder, task="embed")


def test_what_was_weighted_in_training_is_not_in_the_answer() -> None:
    torch = pytest.importorskip("torch", reason="torch is in the train extra")
    from catalens.learning.networks.pyramid import DenseNetwork
    from recipes.parser import unweighted

    network = DenseNetwork(3, presence=True).eval()
    pictures = torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        before = network(pictures)
        after = unweighted(network, torch.tensor([0.5, 1.0, 4.0]))(pictures)
        assert torch.equal(network(pictures), before)
    moved = (before - after).permute(0, 2, 3, 1).reshape(-1, 3)
    assert torch.allclose(moved, torch.tensor([-0.6931, 0.0, 1.3863]).expand_as(moved), atol=1e-3)


@pytest.mark.parametrize(
    ("label", "likely", "able", "named_as"),
    [
        (255, (0.0, 0.0, 0.0), "111", 255),  # sure of nothing
        (255, (0.1, 0.9, 0.0), "111", 1),
        (255, (0.3, 0.7, 0.0), "111", 255),  # not sure enough
        (255, (0.0, 0.7, 0.3), "101", 2),  # told that it is not 1, the other is sure
        (255, (0.9, 0.1, 0.0), "111", 0),
        (254, (0.9, 0.1, 0.0), "111", 254),  # a person is not background
        (254, (0.0, 0.9, 0.1), "111", 1),
        (0, (0.0, 1.0, 0.0), "111", 0),  # named already
    ],
)
def test_places_are_named_where_an_earlier_parser_is_sure(
    label: int, likely: tuple[float, ...], able: str, named_as: int
) -> None:
    pytest.importorskip("torch")
    from recipes.parts import named

    places = np.array(likely, np.float32)[:, None, None]
    found = named(np.full((1, 1), label, np.uint8), places, np.array([one == "1" for one in able]))
    assert found.tolist() == [[named_as]]
    assert found.dtype == np.uint8
