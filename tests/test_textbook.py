"""Formulas equal the library's call; the textbook's network is the same in both libraries and learns."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalens.errors import NotFoundError, UsageError
from catalens.settings import prefer_torch_for_keras
from recipes.textbook import two_convolutions
from recipes.textbook.formulas import attention, convolution, multi_head_attention
from recipes.textbook.gradients import machine, oriented_gradients

pytest.importorskip("torch", reason="torch is in the train extra")

import torch

from recipes.textbook import residual


@settings(max_examples=30)
@given(
    channels=st.integers(1, 3), outputs=st.integers(1, 3), side=st.integers(3, 9), kernel=st.integers(1, 3),
    stride=st.integers(1, 3), padding=st.integers(0, 2), seed=st.integers(0, 9),
)  # fmt: skip
def test_convolution_is_the_librarys(
    channels: int, outputs: int, side: int, kernel: int, stride: int, padding: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, weights, bias = (
        rng.normal(size=(channels, side, side + 1)),
        rng.normal(size=(outputs, channels, kernel, kernel)),
        rng.normal(size=outputs),
    )
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x)[None], torch.from_numpy(weights), torch.from_numpy(bias), stride=stride, padding=padding
    )[0]
    np.testing.assert_allclose(convolution(x, weights, bias, stride=stride, padding=padding), expected, atol=1e-10)


@settings(max_examples=30)
@given(n=st.integers(1, 5), m=st.integers(1, 6), dim=st.integers(1, 8), seed=st.integers(0, 9), masked=st.booleans())
def test_attention_is_the_librarys(n: int, m: int, dim: int, seed: int, masked: bool) -> None:
    rng = np.random.default_rng(seed)
    q, k, v = rng.normal(size=(n, dim)) * 9, rng.normal(size=(m, dim)), rng.normal(size=(m, dim + 1))
    mask = rng.random((n, m)) > 0.4
    mask[:, 0] = True
    used = mask if masked else None
    queries, keys, values = (torch.from_numpy(one)[None] for one in (q, k, v))
    expected = torch.nn.functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=None if used is None else torch.from_numpy(used)
    )[0]
    np.testing.assert_allclose(attention(q, k, v, mask=used), expected, atol=1e-10)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_several_heads_are_the_librarys(heads: int) -> None:
    rng = np.random.default_rng(heads)
    x = rng.normal(size=(5, 8))
    projections = tuple(rng.normal(size=(8, 8)) for _ in range(4))
    module = torch.nn.MultiheadAttention(8, heads, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.from_numpy(np.concatenate([one.T for one in projections[:3]])))
        module.out_proj.weight.copy_(torch.from_numpy(projections[3].T))
        given = torch.from_numpy(x)[None]
        expected = module(given, given, given)[0][0].numpy()
    np.testing.assert_allclose(multi_head_attention(x, projections, heads=heads), expected, atol=1e-10)  # type: ignore[arg-type]


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(UsageError):
        convolution(np.zeros((2, 4, 4)), np.zeros((1, 3, 3, 3)), np.zeros(1))
    with pytest.raises(UsageError):
        attention(np.zeros((1, 2)), np.zeros((1, 3)), np.zeros((1, 2)))
    with pytest.raises(UsageError):
        multi_head_attention(np.zeros((1, 6)), (np.zeros((6, 6)),) * 4, heads=4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras on torch with NumPy 2
def test_both_libraries_build_the_same_network() -> None:
    prefer_torch_for_keras()
    pytest.importorskip("keras", reason="keras is an extra")
    mine, theirs = two_convolutions.torch_network(), two_convolutions.keras_network()
    assert sum(one.numel() for one in mine.parameters()) == theirs.count_params() == 34_826
    weights = [one.detach().numpy() for one in mine.parameters()]
    # Keras keeps filters last and flattens height, width, channels.
    dense = weights[4].reshape(10, 64, 5, 5).transpose(2, 3, 1, 0).reshape(1600, 10)
    theirs.set_weights(
        [weights[0].transpose(2, 3, 1, 0), weights[1], weights[2].transpose(2, 3, 1, 0), weights[3], dense, weights[5]]
    )
    x = np.random.default_rng(0).random((3, 28, 28), np.float32)
    with torch.no_grad():
        expected = torch.softmax(mine(torch.from_numpy(x[:, None])), 1).numpy()
    np.testing.assert_allclose(theirs.predict(x[..., None], verbose=0), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
@pytest.mark.parametrize("library", ["torch", "keras"])
def test_it_learns_bars(library: str) -> None:
    if library == "keras":
        prefer_torch_for_keras()
        pytest.importorskip("keras", reason="keras is an extra")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 256)
    x = rng.random((256, 28, 28), np.float32) * np.float32(0.3)
    x[y == 1, 10:14] = 1
    x[y == 0, :, 10:14] = 1
    train = two_convolutions.train_torch if library == "torch" else two_convolutions.train_keras
    assert two_convolutions.accuracy(train(x, y, epochs=8, seed=0), x, y).value > 0.95


RECIPES = pytest.mark.parametrize(
    ("recipe", "options"), [(two_convolutions, ["--epochs", "1"]), (residual, ["--minutes", "0.01", "--out", "run"])]
)


@RECIPES
def test_without_the_pictures_the_command_ends_with_a_sentence(
    recipe: ModuleType, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recipe.main(["--data", str(tmp_path), *options]) == NotFoundError.exit_code
    assert "no photo set" in capsys.readouterr().err


@RECIPES
def test_with_them_it_says_how_many_it_told_right(
    recipe: ModuleType, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
    images = struct.pack(">4i", 2051, 60, 28, 28) + pixels.tobytes()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">2i", 2049, 60) + bytes(range(10)) * 6)
    )
    monkeypatch.setattr(two_convolutions, "HELD_OUT", 20)
    monkeypatch.chdir(tmp_path)
    assert recipe.main(["--data", str(tmp_path), *options]) == 0
    assert "n=20" in capsys.readouterr().out


def test_the_residual_network_has_less_than_a_million_weights() -> None:
    network = residual.residual_network()
    assert sum(one.numel() for one in network.parameters()) < 1_000_000
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(("value", "least"), [(0.0, 0), (1.0, (28 - 2) ** 2 - 8**2)])
def test_a_varied_picture_is_the_picture_with_little_hidden(value: float, least: int) -> None:
    varied = residual.varied(np.full((40, 28, 28), value, np.float32), np.random.default_rng(0))
    counts = (varied != 0).sum((1, 2))
    assert counts.max() <= 28 * 28 * value
    assert counts.min() >= least
    assert set(np.unique(varied).tolist()) <= {0.0, value}


def test_batches_are_of_the_size_of_their_time() -> None:
    drawer = residual.Drawer(np.zeros((300, 28, 28), np.float32), np.arange(300) % 10, seed=0)
    batches = drawer.batches()
    sides = []
    for share in (0.0, 0.5, 1.0):
        drawer.grow(share)
        sides.append(next(batches).x.shape[-1])
    assert sides == [20, 24, 28]


def test_gradients_tell_upright_from_level() -> None:
    pictures = np.zeros((2, 28, 28), np.float32)
    pictures[0, :, 12:16], pictures[1, 12:16] = 1, 1
    upright, level = oriented_gradients(pictures)
    assert upright.shape == (1296,)
    np.testing.assert_allclose(np.linalg.norm(upright.reshape(-1, 36), axis=1).max(), 1, atol=0.02)  # a block's length
    assert upright @ level < 0.2 * (upright @ upright)


def test_the_machine_learns_bars() -> None:
    rng = np.random.default_rng(0)
    places = rng.integers(4, 20, 200)
    pictures = np.zeros((200, 28, 28), np.float32)
    for row, place in enumerate(places.tolist()):
        bar = (slice(None), slice(place, place + 4))
        pictures[row][bar if row % 2 else bar[::-1]] = 1
    labels = np.arange(200) % 2
    described = oriented_gradients(pictures)
    taught = machine().fit(described[:160], labels[:160])
    assert (taught.predict(described[160:]) == labels[160:]).all()
