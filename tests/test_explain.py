"""Explanations: maps find what the score rests on, shares of regions sum to the score, pictures are drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from catalens.catalog import Catalog
from catalens.cli.main import app
from catalens.errors import CatalensError, ModelError, UsageError
from catalens.images.read import ImageLike, read_image
from catalens.tasks.classifier import Classifier, Examples, Unknown
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.heads import CalibratedHead, LinearHead, NearestHead
from catalens.trust.drawing import draw_class_explanation, draw_match_explanation
from catalens.trust.explain import _pairs, explain_class, explain_match
from catalens.trust.regions import Regions, cosine_contributions, describe_regions, score_contributions
from catalens.trust.saliency import faithfulness, occlusion, rise
from catalens.types import FloatArray, ImageArray
from tests.fakes import FakeEncoder, make_products
from tests.test_classify import card, model, walls
from tests.test_encoder_contract import tiny_card

__all__ = ["card", "model", "walls"]  # fixtures


class Grid(FakeEncoder):
    """An encoder of which each region is its mean color; a picture is the mean of 4 x 4 of them."""

    @property
    def dim(self) -> int:
        return 3

    @property
    def has_regions(self) -> bool:
        return True

    def encode_regions(self, images: Sequence[ImageLike]) -> FloatArray:
        if not images:
            return np.empty((0, 4, 4, 3), np.float32)
        return np.stack([self.prepare(read_image(image)) - np.float32(0.45) for image in images])

    def encode_prepared(self, batch: FloatArray) -> FloatArray:
        means = batch.mean((1, 2)) - np.float32(0.45)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def spot(*, top: int, left: int, side: int = 64, color: tuple[int, int, int] = (230, 30, 30)) -> ImageArray:
    """A grey square with a quarter-sized spot."""
    image = np.full((side, side, 3), 120, np.uint8)
    image[top : top + side // 4, left : left + side // 4] = color
    return image


def redness(pictures: Sequence[ImageArray]) -> np.ndarray:
    return np.array([(p[..., 0].astype(float) - p[..., 1]).mean() for p in pictures])


def colorist(head: Any = None) -> Classifier:
    linear = LinearHead(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    one = np.ones(1, np.float32)
    return Classifier(
        "c", CalibratedHead(("red", "green", "blue"), head or linear, "softmax", 4 * one, 0 * one), Grid()
    )


@pytest.mark.parametrize("how", [occlusion, rise])
def test_maps_are_hot_where_the_score_comes_from(how: Any) -> None:
    heat = how(spot(top=40, left=8), redness)
    assert heat.shape == (64, 64)
    assert (heat.min(), heat.max()) == (0, 1)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 32 <= row < 64
    assert column < 32
    assert heat[40:56, 8:24].mean() > 2 * heat[:16, 40:].mean()


def test_a_score_that_never_moves_has_no_map() -> None:
    assert not occlusion(spot(top=0, left=0), lambda pictures: np.ones(len(pictures))).any()


def test_rise_is_the_same_for_the_same_seed() -> None:
    image = spot(top=8, left=8)
    np.testing.assert_array_equal(rise(image, redness, masks=40, seed=3), rise(image, redness, masks=40, seed=3))


@pytest.mark.parametrize("given", [{"window": 0}, {"step": 0.5}, {"window": 2}])
def test_windows_out_of_range(given: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        occlusion(spot(top=0, left=0), redness, **given)
    with pytest.raises(UsageError):
        rise(spot(top=0, left=0), redness, masks=0)


def test_a_good_map_is_more_faithful_than_chance() -> None:
    image = spot(top=16, left=16)
    found = faithfulness(image, occlusion(image, redness, window=0.25, step=0.0625), redness)
    assert found.deletion < found.random_deletion
    assert found.insertion > found.random_insertion


def test_shares_of_regions_sum_to_the_score_and_the_cosine() -> None:
    first, second = spot(top=0, left=0)[:48], spot(top=32, left=32, color=(200, 60, 20))
    encoder = Grid()
    one, other = describe_regions(first, encoder), describe_regions(second, encoder)
    units = [regions.vectors.mean((0, 1)) / regions.length for regions in (one, other)]
    weights = np.array([1, -2, 0.5], np.float32)
    assert score_contributions(one, weights).sum() == pytest.approx(float(units[0] @ weights), abs=1e-5)
    assert cosine_contributions(one, other).sum() == pytest.approx(float(units[0] @ units[1]), abs=1e-5)
    assert one.heat(np.ones((4, 4), np.float32)).shape == (48, 64)
    with pytest.raises(ModelError):
        describe_regions(first, FakeEncoder())


def test_why_this_label() -> None:
    image = spot(top=40, left=8, color=(250, 60, 60))
    classifier = colorist()
    found = explain_class(image, classifier)
    assert (found.label, found.method) == ("red", "cam")
    assert found.heat[40:56, 8:24].mean() > 0.6
    assert found.heat[:16, 40:].mean() < 0.3
    assert explain_class(image, classifier, label="blue", method="occlusion").label == "blue"
    assert explain_class(image, classifier, method="rise").heat.shape == image.shape[:2]
    voting = colorist(NearestHead(np.eye(3, dtype=np.float32), np.eye(3, dtype=bool), 1, 0.1))
    assert explain_class(image, voting).method == "occlusion"
    heat = json.loads(json.dumps(found.to_dict()))["heat"]
    assert [len(row) for row in heat] == [8] * 8
    assert all(value == round(value, 3) for row in heat for value in row)


@pytest.mark.parametrize(
    ("changed", "label", "said", "beside"),
    [
        ({}, None, ("red",), ""),
        ({}, "blue", ("red",), "the classifier says red"),
        ({"unknown": Unknown(1.1, 0.05, 0.9)}, None, (), "the classifier takes this photo for unknown"),
        ({"thresholds": np.array([0, 0, 2], np.float32)}, "green", ("red", "green"), ""),
        ({"thresholds": np.array([2, 2, 2], np.float32)}, None, (), "the classifier takes this photo for unknown"),
    ],
)
def test_what_the_classifier_says_beside(
    changed: dict[str, Any], label: str | None, said: tuple[str, ...], beside: str
) -> None:
    found = explain_class(spot(top=0, left=0, color=(250, 60, 60)), replace(colorist(), **changed), label=label)
    assert (found.said, found.beside) == (said, beside)
    assert found.to_dict()["unknown"] is (not said)
    assert draw_class_explanation(found).ndim == 3


@pytest.mark.parametrize("given", [{"label": "purple"}, {"method": "guess"}])
def test_questions_that_make_no_sense(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        explain_class(spot(top=0, left=0), colorist(), **given)
    voting = colorist(NearestHead(np.eye(3, dtype=np.float32), np.eye(3, dtype=bool), 1, 0.1))
    with pytest.raises(UsageError, match="linear head"):
        explain_class(spot(top=0, left=0), voting, method="cam")


def test_the_photos_it_was_learned_from(tmp_path: Path) -> None:
    vectors = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0]], np.float32)
    classifier = replace(
        colorist(), examples=Examples(vectors, np.array([0, 0, 1]), ("gone.jpg", str(tmp_path / "b.jpg"), "c.jpg"))
    )
    found = explain_class(spot(top=0, left=0, color=(255, 0, 0)), classifier, label="red")
    assert {one.path for one in found.neighbors} == {"gone.jpg", str(tmp_path / "b.jpg")}
    assert found.neighbors[0].similarity >= found.neighbors[1].similarity
    assert draw_class_explanation(found).ndim == 3


def test_pairs_that_add_next_to_nothing_are_not_drawn() -> None:
    shares = np.full((4, 4, 4, 4), 1e-4, np.float32)
    shares[0, 0, 3, 3], shares[3, 3, 0, 0] = 0.1, 0.05
    regions = Regions(np.ones((4, 4, 3), np.float32), (64, 64))
    found = _pairs(shares, regions, regions)
    assert [round(pair.share, 3) for pair in found] == [0.1, 0.05]
    assert _pairs(np.zeros_like(shares), regions, regions) == ()


def test_why_this_match() -> None:
    query, product = spot(top=0, left=0, color=(250, 60, 60)), spot(top=48, left=48, color=(240, 70, 60))
    found = explain_match(query, product, encoder=Grid(), parts={"deep": 0.5, "color": 0.2, "text": -0.1})
    assert found.cosine == pytest.approx(1, abs=0.02)
    first = found.pairs[0]
    assert first.query_box.tolist() == [0, 0, 16, 16]
    assert first.product_box.tolist() == [48, 48, 64, 64]
    assert len({tuple(pair.query_box) for pair in found.pairs}) == len(found.pairs)
    assert all(pair.share >= 0.2 * first.share for pair in found.pairs)
    assert draw_match_explanation(found, title="Spot").shape[2] == 3
    plain = explain_match(query, product, encoder=FakeEncoder())
    assert plain.pairs == ()
    assert plain.heat_query.shape == (64, 64)
    json.dumps(plain.to_dict())


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_from_the_command_line(walls: Path, model: Path, tmp_path: Path) -> None:
    photo = walls / "red" / "1.png"
    result = run("photo", "explain", photo, "--model", model, "--save", tmp_path / "why.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("red")
    assert read_image(tmp_path / "why.png").shape[2] == 3
    assert load_classifier(model).name == "paints"
    assert explain_class(photo, model).label == "red"
    assert repr(load_classifier(model)).startswith("Classifier('paints': 4 labels, linear head on ")


def test_a_match_from_the_command_line(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop") as shop:
        shop.add(make_products(tmp_path / "photos", 3))
    words: list[str | Path] = ["explain", "--catalog", tmp_path / "shop", tmp_path / "photos" / "1.png", "sku-1"]
    result = run(*words, "--save", tmp_path / "match.jpg", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["score"] > 0.9


def test_a_match_in_a_catalog_of_another_encoder(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    own = tiny_card(tmp_path / "own")
    with Catalog.open(tmp_path / "shop", encoder=own) as shop:
        shop.add(make_products(tmp_path / "photos", 3))
    words: list[str | Path] = ["explain", "--catalog", tmp_path / "shop", tmp_path / "photos" / "1.png", "sku-1"]
    assert isinstance(run(*words).exception, ModelError)
    assert run(*words, "--encoder", own).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--model", "m", "--encoder", "e"),
        (), ("--model", "m", "--catalog", "c"), ("--catalog", "c"), ("--model", "nothing"), ("sku-1", "--model", "m"),
        ("sku-1", "--catalog", "c", "--label", "red"),
    ],
)  # fmt: skip
def test_commands_that_make_no_sense(words: tuple[str, ...]) -> None:
    result = run("photo", "explain", "photo.jpg", *words)
    assert isinstance(result.exception, CatalensError | SystemExit)
    assert result.exit_code != 0
