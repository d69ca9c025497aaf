"""A network runs as its card says, or says in one sentence why not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import ModelError
from catalens.models.card import read_card
from catalens.models.runtimes.onnx import OnnxNetwork
from catalens.models.zoo import bundled_cards, find_card
from tests.test_encoder_contract import tiny_card


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(tiny_card(tmp_path))


def test_it_computes_what_its_weights_say(folder: Path) -> None:
    network = OnnxNetwork(read_card(folder), threads=1)
    weights = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    batch = np.random.default_rng(1).normal(size=(5, 3, 8, 6)).astype(np.float32)
    np.testing.assert_allclose(network(batch), batch.mean(axis=(2, 3)) @ weights, atol=1e-5)


def test_calls_from_several_threads_agree(folder: Path) -> None:
    network = OnnxNetwork(read_card(folder), threads=1)
    batches = [np.full((2, 3, 8, 6), value, np.float32) for value in range(20)]
    with ThreadPoolExecutor(4) as pool:
        for found, batch in zip(pool.map(network, batches), batches, strict=True):
            np.testing.assert_array_equal(found, network(batch))


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 3, 6, 8), np.float32),
        np.zeros((3, 8, 6), np.float32),
        np.zeros((1, 3, 8, 6), np.uint8),
    ],
    ids=["turned", "no batch axis", "uint8"],
)
def test_other_batches_are_refused(folder: Path, batch: np.ndarray) -> None:
    with pytest.raises(ModelError, match="does not take"):
        OnnxNetwork(read_card(folder), threads=1)(batch)


@pytest.mark.parametrize(
    ("old", "new", "mention"), [("dim = 4", "dim = 5", "vectors"), ("[8, 6]", "[8, 8]", "pictures")]
)
def test_a_card_of_another_network_is_refused(folder: Path, old: str, new: str, mention: str) -> None:
    path = folder / "card.toml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(ModelError, match=mention):
        OnnxNetwork(read_card(folder))


@pytest.mark.parametrize("name", bundled_cards())
def test_bundled_cards_tell_the_truth_about_their_file(name: str) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is in the train extra")
    card = find_card(name)
    model = onnx.load(card.weights)
    assert next(entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}) == card.opset
    assert any(node.op_type == "QuantizeLinear" for node in model.graph.node) == (card.precision == "int8")
    if card.task == "embed":
        OnnxNetwork(card, threads=1)
