"""A card is read whole or not at all."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from catalens.errors import ModelError, NotFoundError
from catalens.models.card import read_card
from catalens.models.zoo import DEFAULT_ENCODER, bundled_cards, find_card

GOOD = """
name = "tiny"
task = "embed"
weights = "tiny.onnx"
sha256 = "{digest}"
dim = 4
parameters = 12
opset = 17
precision = "float32"
license = "Apache-2.0"
[preprocess]
size = [8, 6]
fit = "letterbox"
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
pad = [255, 255, 255]
[training]
data = "none"
[[scores]]
name = "1-NN"
value = 0.5
n = 10
interval = [0.2, 0.8]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.onnx").write_bytes(b"weights")
    (tmp_path / "card.toml").write_text(GOOD.format(digest=hashlib.sha256(b"weights").hexdigest()), "utf-8")
    return tmp_path


def test_a_good_card_says_what_its_file_says(folder: Path) -> None:
    card = read_card(folder)
    assert (card.name, card.dim, card.preprocess.size, card.preprocess.fit) == ("tiny", 4, (8, 6), "letterbox")
    assert card.identity == f"tiny@{hashlib.sha256(b'weights').hexdigest()[:12]}"
    assert (card.scores[0].value, card.scores[0].n, card.scores[0].low, card.scores[0].high) == (0.5, 10, 0.2, 0.8)


@pytest.mark.parametrize(
    ("old", "new", "mention"),
    [
        ("dim = 4\n", "", "dim"),
        ("dim = 4\n", 'dim = "four"\n', "dim"),
        ("dim = 4\n", "dim = true\n", "dim"),
        ("dim = 4\n", "dim = 4\nsmell = 1\n", "smell"),
        ("[8, 6]", "[8]", "size"),
        ('"letterbox"', '"squeeze"', "squeeze"),
        ('"embed"', '"paint"', "paint"),
        ('"float32"', '"int3"', "int3"),
        ("opset = 17\n", "", "opset"),
        ('name = "tiny"', "name = tiny", "TOML"),
        ('data = "none"', "data = 1", "training"),
        ("interval = [0.2, 0.8]", 'interval = ["a", "b"]', "interval"),
    ],
)
def test_a_bad_card_is_refused_with_the_key(folder: Path, old: str, new: str, mention: str) -> None:
    path = folder / "card.toml"
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ModelError, match=mention):
        read_card(folder)


def test_other_weights_than_the_card_was_written_for_are_refused(folder: Path) -> None:
    (folder / "tiny.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match="not the file its card was written for"):
        read_card(folder)
    (folder / "tiny.onnx").unlink()
    with pytest.raises(NotFoundError, match="no weights"):
        read_card(folder)


def test_a_card_is_found_by_bundled_name_or_folder(folder: Path) -> None:
    assert DEFAULT_ENCODER in bundled_cards()
    assert find_card(DEFAULT_ENCODER).name == DEFAULT_ENCODER
    assert find_card(str(folder)).name == "tiny"
    with pytest.raises(NotFoundError, match=DEFAULT_ENCODER):
        find_card("no-such-encoder")


@pytest.mark.parametrize("name", bundled_cards())
def test_what_ships_is_small_free_and_measured(name: str) -> None:
    card = find_card(name)
    assert card.license == "Apache-2.0"
    assert card.weights.stat().st_size <= 12_000_000
    assert {"data", "start", "command", "seed", "cost"} <= card.training.keys()
    start = card.training["start"]
    # Trained from nothing, or taken from a package that a registry has under a permissive licence.
    assert start.endswith("random numbers") or re.search(r"(PyPI|npm).*sha256 [0-9a-f]{64}", start)
    assert card.scores
    assert all(0 <= score.low <= score.value <= score.high <= 1 and score.n > 0 for score in card.scores)
