"""Which photos to label: doubt, coverage, both; each look once; nothing that is labelled already."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalens.errors import UsageError
from catalens.learning.active import STRATEGIES, Strategy, choose, entropy, k_center, margin, next_to_label
from catalens.learning.label_page import proposals_html, save_proposals
from catalens.learning.labelled import read_labelled
from catalens.tasks.classifier import Classifier
from catalens.tasks.heads import CalibratedHead, LinearHead
from tests.fakes import FakeEncoder, write_photo

NONE = np.empty((0, 2), np.float32)


def units(*degrees: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("likely", "doubt"),
    [
        (np.empty((0, 3)), []),
        ([[1.0, 0.0]], [0.0]),
        ([[0.5, 0.5]], [1.0]),
        ([[0.2, 0.7, 0.1], [0.4, 0.3, 0.3]], [0.5, 0.9]),
        ([[1.0]], [0.0]),
    ],
)
def test_margin_by_hand(likely: list[list[float]], doubt: list[float]) -> None:
    np.testing.assert_allclose(margin(np.array(likely, np.float32)), doubt, atol=1e-6)


def test_margin_of_several_labels_is_the_most_doubtful_one() -> None:
    likely = np.array([[0.9, 0.5], [0.1, 0.8]], np.float32)
    np.testing.assert_allclose(margin(likely, several=True), [1.0, 0.4], atol=1e-6)


def test_entropy_by_hand() -> None:
    likely = np.array([[1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0]], np.float32)
    np.testing.assert_allclose(entropy(likely), [0, np.log(4), np.log(2)], atol=1e-6)
    np.testing.assert_allclose(entropy(likely[:1] * 0 + 0.5, several=True), [4 * np.log(2)], atol=1e-6)


def test_k_center_takes_the_farthest_each_time() -> None:
    circle = units(0, 5, 90, 170)
    assert k_center(NONE, 3) == []
    assert k_center(circle, 0) == []
    assert k_center(circle, 3, covered=units(2)) == [3, 2, 1]
    assert len(k_center(circle, 9)) == 4


def test_k_center_begins_in_the_middle_where_nothing_is_covered() -> None:
    assert k_center(units(0, 40, 80), 1) == [1]


@pytest.mark.parametrize("strategy", ["margin", "entropy", "mixed"])
def test_doubtful_photos_come_first(strategy: Strategy) -> None:
    vectors = units(0, 10, 20, 90, 100, 180)
    likely = np.array([[0.99, 0.01], [0.9, 0.1], [0.5, 0.5], [0.45, 0.55], [0.1, 0.9], [0.01, 0.99]], np.float32)
    assert choose(vectors, likely, count=2, strategy=strategy)[0] in {2, 3}
    assert choose(NONE, np.empty((0, 2), np.float32), count=2, strategy=strategy) == []
    assert sorted(choose(vectors, likely, count=9, strategy=strategy)) == list(range(6))


def test_mixed_does_not_take_two_of_a_kind() -> None:
    vectors = units(*[0 + 0.1 * i for i in range(6)], *[90 + 0.1 * i for i in range(4)])
    likely = np.tile(np.array([0.5, 0.5], np.float32), (10, 1))
    likely[:6] += np.array([0.001, -0.001], np.float32)  # the second group is the more doubtful one
    chosen = choose(vectors, likely, count=2, strategy="mixed")
    assert {row < 6 for row in chosen} == {True, False}
    assert all(row >= 6 for row in choose(vectors, likely, count=2, strategy="margin"))


def test_strategies_of_doubt_need_probabilities() -> None:
    with pytest.raises(UsageError, match="needs a classifier"):
        choose(units(0), None, count=1, strategy="margin")


def model(*, seed: int = 0) -> Classifier:
    encoder = FakeEncoder()
    weights = np.random.default_rng(seed).normal(size=(encoder.dim, 3)).astype(np.float32)
    head = LinearHead(weights, np.zeros(3, np.float32))
    one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
    return Classifier("three", CalibratedHead(("a", "b", "c"), head, "softmax", one, none), encoder)


def photos(folder: Path, count: int) -> list[Path]:
    return [Path(write_photo(folder / f"{number}.png", seed=number).location) for number in range(count)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_proposes_photos_once(strategy: Strategy, tmp_path: Path) -> None:
    folder = photos(tmp_path, 12)
    found = next_to_label(folder, encoder=FakeEncoder(), count=5, strategy=strategy, model=model())
    assert len({item.path for item in found.items}) == 5
    assert found.asked == 12
    assert all(0 < item.score <= 1 and item.predicted in {"a", "b", "c"} for item in found.items)


def test_copies_are_proposed_once_and_labelled_ones_never(tmp_path: Path) -> None:
    folder = photos(tmp_path, 4)
    copy = tmp_path / "copy.jpg"
    Image.open(folder[0]).resize((64, 48)).save(copy, quality=80)
    found = next_to_label([*folder, copy], encoder=FakeEncoder(), count=9, strategy="coverage", labelled=[folder[1]])
    assert {item.path for item in found.items} == {folder[0], folder[2], folder[3]}
    assert (found.known, found.alike) == (1, 1)


def test_a_copy_of_a_labelled_photo_is_not_asked_for(tmp_path: Path) -> None:
    folder = photos(tmp_path, 3)
    copy = tmp_path / "copy.jpg"
    Image.open(folder[0]).save(copy, quality=90)
    found = next_to_label([copy, folder[2]], encoder=FakeEncoder(), count=9, strategy="coverage", labelled=[folder[0]])
    assert [item.path for item in found.items] == [folder[2]]


def test_no_photos_and_broken_ones(tmp_path: Path) -> None:
    assert next_to_label([], encoder=FakeEncoder(), strategy="coverage").items == ()
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    found = next_to_label([broken], encoder=FakeEncoder(), strategy="mixed", model=model())
    assert found.items == ()
    assert [failure.what for failure in found.skipped] == ["broken.jpg"]


def test_wrong_wishes_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        next_to_label([], encoder=FakeEncoder(), count=0)
    with pytest.raises(UsageError, match="needs a classifier"):
        next_to_label([], encoder=FakeEncoder(), strategy="margin")
    with pytest.raises(UsageError, match=r"Margin, entropy|margin, entropy"):
        next_to_label([], encoder=FakeEncoder(), strategy="luck")  # type: ignore[arg-type]


def test_the_table_can_be_filled_in_and_learned_from(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", 3)
    found = next_to_label(folder, encoder=FakeEncoder(), count=2, strategy="entropy", model=model())
    table = tmp_path / "next.csv"
    save_proposals(found, table)
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["path"] for row in rows] == [str(item.path) for item in found.items]
    table.write_text(table.read_text("utf-8").replace(",,", ",shoe,", 1), "utf-8")
    learned = read_labelled(table, label="label")
    assert learned.paths == (found.items[0].path,)
    assert learned.labels == (("shoe",),)
    with pytest.raises(UsageError, match="1 labels that were filled in"):
        save_proposals(found, table)
    assert read_labelled(table, label="label").labels == learned.labels


def test_a_photo_with_several_sure_labels_does_not_hesitate_between_them(tmp_path: Path) -> None:
    one = model()
    # Scores that are nought but for the bias: sigmoids of 4, 4 and 0.1.
    head = LinearHead(np.zeros((one.encoder.dim, 3), np.float32), np.array([4, 4, 0.1], np.float32))
    several = replace(one, head=replace(one.head, head=head, activation="sigmoid"))
    found = next_to_label(photos(tmp_path, 1), encoder=one.encoder, strategy="margin", model=several)
    assert [item.why for item in found.items] == ["is not sure of c (52%)"]


def test_the_page_escapes_hostile_names(tmp_path: Path) -> None:
    write_photo(tmp_path / "<script>alert(1)<.png", seed=1)
    found = next_to_label(sorted(tmp_path.iterdir()), encoder=FakeEncoder(), strategy="coverage")
    page = proposals_html(found)
    assert "<script>" not in page
    assert f"{tmp_path.name}/&lt;script&gt;" in page  # with its folder: many photos are called 1.jpg
    assert "data:image/webp" in page
    with pytest.raises(UsageError, match=r"csv or .html"):
        save_proposals(found, tmp_path / "next.txt")
