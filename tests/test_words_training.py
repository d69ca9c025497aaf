"""The recipe of words: captions are told from pictures, and what is named on a photo of a garment is its color."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is in the train extra")
pytest.importorskip("onnx", reason="onnx is in the train extra")

import torch
from torch.nn import functional as F  # noqa: N812

from catalens.errors import NotFoundError
from catalens.learning.networks.encoder import DIM
from catalens.models.text import text_batch
from catalens.types import FloatArray, ImageArray
from recipes import cutouts, words
from recipes.facts import Caption, Facts, caption, kinds, truth
from recipes.photos import Photo
from recipes.towers import TextNetwork

RED, NAVY = frozenset({"red"}), frozenset({"navy"})
FACTS: tuple[Facts, ...] = (
    {"kind": kinds("dress"), "color": RED},
    {"kind": kinds("dress"), "color": NAVY},
    {"kind": kinds("dress")},
    {"kind": kinds("boots"), "color": RED},
    {},
)


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> words.Drawer:
    monkeypatch.setattr(words, "CAPTIONS", 16)
    monkeypatch.setattr(words, "PICTURES", 64)
    return words.Drawer(FACTS, np.full(len(FACTS), 0.2))


def test_captions_are_true_of_what_is_known(drawer: words.Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Caption] = []

    def noted(facts: Facts, rng: np.random.Generator) -> Caption:
        said.append(caption(facts, rng))
        return said[-1]

    monkeypatch.setattr(words, "caption", noted)
    batch = drawer.draw(np.random.default_rng(0))
    assert 4 not in batch.rows  # of which nothing is known
    each = [[truth(one.claims, FACTS[row]) for row in batch.rows] for one in said]
    np.testing.assert_array_equal(batch.truth, np.array(each, np.float32))
    assert {0.0, 1.0} < set(batch.truth.ravel().tolist())  # and there are some that nobody knows


def test_words_come_to_mean_their_pictures(drawer: words.Drawer) -> None:
    torch.manual_seed(0)
    pictures = F.normalize(torch.randn(len(FACTS), DIM))
    network = TextNetwork()
    run = words.run_of(network, pictures)
    rng = np.random.default_rng(0)
    for _ in range(30):
        run.learn(drawer.draw(rng), rate=words.RATE)
    grams, weights = text_batch(["red dress", "navy dress", "red boots"])
    with torch.no_grad():
        likest = (network(torch.from_numpy(grams), torch.from_numpy(weights)) @ pictures[[0, 1, 3]].T).argmax(1)
    assert likest.tolist() == [0, 1, 2]


def test_without_an_encoders_run_the_recipe_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--out", str(tmp_path / "out"), "--encoder", str(tmp_path), "--data", str(tmp_path), "--threads", "1"]
    assert words.main(given) == NotFoundError.exit_code
    assert "no checkpoint" in capsys.readouterr().err


class HalfCutter:
    """Takes the left half of each picture for the garment, or nothing of a black one."""

    def alpha(self, image: ImageArray) -> FloatArray:
        alpha = np.zeros(image.shape[:2], np.float32)
        alpha[:, : image.shape[1] // 2] = float(image.any())
        return alpha


@pytest.mark.parametrize(
    ("task", "color", "named"),
    [
        ("clothing", (0, 0, 0), None),  # nothing is cut out
        ("clothing", (200, 20, 30), RED),
        ("clothing", (30, 40, 90), NAVY),
        ("clothing", (128, 128, 128), None),  # grey may be white in a dim room
        ("grocery", (200, 20, 30), None),
    ],
)
def test_colors_are_named_on_photos_of_one_garment(
    monkeypatch: pytest.MonkeyPatch, task: str, color: tuple[int, int, int], named: frozenset[str] | None
) -> None:
    monkeypatch.setattr(cutouts, "cutter", HalfCutter)
    square = np.full((40, 40, 3), 255, np.uint8)
    square[10:30, :20] = color
    square[10:30, 20:] = (20, 160, 40) if any(color) else 0
    photo = Photo(Path(), task, "dress", "d", {"kind": kinds("dress")})
    (found,) = cutouts.with_colors([photo], square[None], np.array([[0, 10, 40, 30]], np.int32))
    assert found.facts.get("color") == named
    assert found.facts["kind"] == photo.facts["kind"]
