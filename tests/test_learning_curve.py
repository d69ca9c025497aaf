"""How many photos to label: the law is found again where it is known, and what cannot be said is said so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import UsageError
from catalens.learning.curve_page import answer_of, curve_html, curve_markdown, save_curve
from catalens.learning.labelled import LabelledPhotos
from catalens.learning.learning_curve import LearningCurve, drawn, learning_curve
from catalens.learning.power_law import Answer, PowerLaw, extrapolate, fit_law
from tests.fakes import FakeEncoder, write_photo

SIZES = np.array([5, 10, 20, 50, 100])
NARROW = np.full(5, 0.01)


@pytest.mark.parametrize("law", [PowerLaw(0.8, 0.5, 0.05), PowerLaw(0.5, 0.3, 0.0), PowerLaw(1.2, 1.0, 0.2)])
def test_a_known_law_is_found_again(law: PowerLaw) -> None:
    accuracies = np.array([law.accuracy(size) for size in SIZES])
    found = fit_law(SIZES, accuracies, NARROW)
    np.testing.assert_allclose([found.a, found.b, found.c], [law.a, law.b, law.c], atol=0.01)


def test_the_answer_by_hand() -> None:
    law = PowerLaw(1.0, 0.5, 0.0)  # error 1 / sqrt(n): 0.1 at 100
    assert law.photos_for(0.9) == pytest.approx(100)
    assert law.accuracy(25) == pytest.approx(0.8)
    assert PowerLaw(1.0, 0.5, 0.2).photos_for(0.9) == np.inf
    assert PowerLaw(0.0, 0.5, 0.05).photos_for(0.9) == 1


def noisy(law: PowerLaw, *, spread: float) -> tuple[np.ndarray, np.ndarray]:
    accuracies = np.array([law.accuracy(size) for size in SIZES])
    return accuracies, accuracies + np.random.default_rng(0).normal(0, spread, (200, len(SIZES)))


def test_the_interval_holds_the_number_and_widens_with_noise() -> None:
    law = PowerLaw(0.9, 0.5, 0.0)  # 0.9 at 81
    _, sure = extrapolate(SIZES, *noisy(law, spread=0.003), target=0.9)
    _, unsure = extrapolate(SIZES, *noisy(law, spread=0.02), target=0.9)
    assert sure.photos is not None
    assert abs(sure.photos - 81) <= 1
    assert sure.low is not None
    assert sure.high is not None
    assert sure.low <= 81 <= sure.high
    assert unsure.low is not None
    assert unsure.low < sure.low
    assert unsure.high is None or unsure.high > sure.high
    assert str(sure).startswith(f"About {sure.photos} photos of each label give 90% accuracy")


def test_a_curve_that_levels_off_below_says_so() -> None:
    _, answer = extrapolate(SIZES, *noisy(PowerLaw(0.8, 0.7, 0.2), spread=0.003), target=0.9)
    assert answer.photos is None
    assert "does not reach 90% accuracy" in str(answer)
    assert "levels off at 80%" in str(answer)


def test_a_number_too_far_away_is_not_given() -> None:
    _, answer = extrapolate(SIZES, *noisy(PowerLaw(0.9, 0.2, 0.0), spread=0.001), target=0.9)  # 59,049 photos
    assert answer.photos is None
    assert answer.furthest == 2000
    assert "2000 photos of each label give about 80%" in str(answer)


@pytest.mark.parametrize(
    ("photos", "low", "high", "said"),
    [
        (60, 40, 90, "(95 % interval: 40 to 90)"),
        (60, 40, None, "(95 % interval: 40 to more than 100)"),
        (99, None, None, "(95 % interval: more than 100 to more than 100)"),
        (None, 70, None, "does not reach 90% accuracy (though 70 might, at the 95 % interval's end)"),
        (None, None, None, "does not reach 90% accuracy: 100 photos"),
    ],
)
def test_an_answer_says_its_interval(photos: int | None, low: int | None, high: int | None, said: str) -> None:
    assert said in str(Answer(0.9, photos, low, high, 100, 0.5, 0.89, 0.95))


def test_larger_draws_contain_smaller_ones() -> None:
    labels = np.array(["a"] * 10 + ["b"] * 3)
    few, more = drawn(labels, np.ones(13, np.bool_), 2, seed=0), drawn(labels, np.ones(13, np.bool_), 5, seed=0)
    assert len(few) == 4
    assert len(more) == 8  # all three of the rarer label
    assert set(few) <= set(more)


def make(folder: Path, per_label: int, *, labels: tuple[str, ...] = ("red", "blue")) -> LabelledPhotos:
    """Photos of random blocks: nothing to learn, but for those of "red" being one picture."""
    paths = [
        Path(write_photo(folder / f"{label}-{number}.png", seed=0 if label == "red" else 1 + number).location)
        for label in labels
        for number in range(per_label)
    ]
    return LabelledPhotos(tuple(paths), tuple((label,) for label in labels for _ in range(per_label)))


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> LearningCurve:
    photos = make(tmp_path_factory.mktemp("photos"), 16)
    return learning_curve(photos, encoder=FakeEncoder(), heads=("softmax", "knn"), draws=2, target=0.95)


def test_a_curve_has_a_point_for_each_size_that_there_are_photos_for(curve: LearningCurve) -> None:
    assert [one.head for one in curve.curves] == ["softmax", "knn"]
    assert [point.photos for point in curve.curves[0].points] == [2, 5, 10]  # 11 of each are left to learn from
    assert [point.total for point in curve.curves[0].points] == [4, 10, 20]
    assert curve.test_photos == 10
    for point in curve.curves[0].points:
        assert point.accuracy.low <= point.accuracy.value <= point.accuracy.high
    assert curve.curves[0].points[-1].accuracy.value > 0.9


def test_the_same_seed_gives_the_same_curve(curve: LearningCurve, tmp_path: Path) -> None:
    again = learning_curve(make(tmp_path, 16), encoder=FakeEncoder(), heads=("knn",), draws=2, target=0.95)
    assert again.curves[0] == curve.curves[1]


def test_reports(curve: LearningCurve, tmp_path: Path) -> None:
    for name in ("curve.html", "curve.md", "curve.json"):
        save_curve(curve, tmp_path / name)
    assert json.loads((tmp_path / "curve.json").read_text("utf-8")) == curve.to_dict()
    page = curve_html(curve)
    assert page.count("<circle") == 6
    assert "<script" not in page
    assert str(curve.curves[0].answer) in curve_markdown(curve)
    with pytest.raises(UsageError, match="json"):
        save_curve(curve, tmp_path / "curve.pdf")


def test_two_sizes_are_too_few_for_an_answer(tmp_path: Path) -> None:
    curve = learning_curve(make(tmp_path, 8), encoder=FakeEncoder(), draws=1)
    assert [point.photos for point in curve.curves[0].points] == [2, 5]
    assert curve.curves[0].answer is None
    assert "Too few photos" in answer_of(curve.curves[0])
    assert "Too few photos" in curve_html(curve)


def test_all_photos_are_tried_where_they_are_many_more_than_the_last_number(tmp_path: Path) -> None:
    curve = learning_curve(make(tmp_path, 12), encoder=FakeEncoder(), draws=1)
    assert [point.photos for point in curve.curves[0].points] == [2, 5, 8]  # of 12, a third is tested on
    assert curve.curves[0].answer is not None
    asked = learning_curve(make(tmp_path, 12), encoder=FakeEncoder(), draws=1, sizes=(2, 5))
    assert [point.photos for point in asked.curves[0].points] == [2, 5]


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    for photos in (LabelledPhotos((), ()), make(tmp_path, 1), make(tmp_path, 9, labels=("blue",))):
        with pytest.raises(UsageError, match=r"too few for a curve|none of 0 photos"):
            learning_curve(photos, encoder=encoder)
    several = LabelledPhotos(make(tmp_path, 1).paths, (("a", "b"), ("a",)))
    with pytest.raises(UsageError, match="several labels"):
        learning_curve(several, encoder=encoder)
    with pytest.raises(UsageError, match=r"target 1.5"):
        learning_curve(make(tmp_path, 1), encoder=encoder, target=1.5)


def test_broken_photos_are_named_and_left_out(tmp_path: Path) -> None:
    photos = make(tmp_path, 8)
    photos.paths[0].write_bytes(b"no picture")
    curve = learning_curve(photos, encoder=FakeEncoder(), draws=1)
    assert curve.photos == 15
    assert [failure.what for failure in curve.skipped] == ["red-0.png"]
