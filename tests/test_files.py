"""Networks in files of other tools: tiny ones, with a card beside them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import ModelError, NotFoundError
from catalens.tasks.embed import encoder
from tests.test_encoder_contract import tiny_card

torch = pytest.importorskip("torch", reason="torch is in the train extra")

CARD = "size = [8, 6]\nfit = 'stretch'\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n"


class Means(torch.nn.Module):
    """Mean color of the upper and of the lower half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, :, :4].mean((2, 3)), x[:, :, 4:].mean((2, 3))], 1)


def write(folder: Path, kind: str) -> str:
    """A tiny network of a kind, with its card; its name for `encoder`."""
    example = torch.zeros(2, 3, 8, 6)
    path = folder / {"script": "net.pt", "program": "net.pt2", "onnx": "tiny.onnx", "keras": "net.keras"}[kind]
    path.with_suffix(".toml").write_text(CARD, "utf-8")
    if kind == "onnx":
        tiny_card(folder)
        return f"onnx:{path}"
    if kind == "script":
        torch.jit.save(torch.jit.trace(Means(), example), path)
    elif kind == "program":
        count = torch.export.Dim("n")
        torch.export.save(torch.export.export(Means(), (example,), dynamic_shapes=({0: count},)), path)
    else:
        from catalens import settings

        settings.prefer_torch_for_keras()
        keras = pytest.importorskip("keras", reason="keras is an extra")
        layers = [keras.layers.Input((8, 6, 3)), keras.layers.AveragePooling2D(2), keras.layers.Flatten()]
        keras.Sequential(layers).save(path)
        return f"keras:{path}"
    return f"torch:{path}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["onnx", "script", "program", "keras"])
def test_a_network_in_a_file_keeps_the_encoders_promises(tmp_path: Path, kind: str) -> None:
    network = encoder(write(tmp_path, kind))
    assert network.encode_images([]).shape == (0, network.dim)
    images = [np.random.default_rng(seed).integers(0, 256, (20 + seed, 30, 3), np.uint8) for seed in range(3)]
    vectors = network.encode_images(images)
    assert vectors.shape == (3, network.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(network.encode_images(images[1:2])[0], vectors[1], atol=1e-5)
    assert not network.has_text
    with pytest.raises(ModelError):
        network.encode_texts(["red"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_network_for_one_picture_at_a_time_takes_many(tmp_path: Path) -> None:
    torch.export.save(torch.export.export(Means(), (torch.zeros(1, 3, 8, 6),)), tmp_path / "net.pt2")
    (tmp_path / "net.toml").write_text(CARD, "utf-8")
    network = encoder(f"torch:{tmp_path / 'net.pt2'}")
    images = [np.full((8, 6, 3), shade, np.uint8) for shade in (10, 200, 90)]
    vectors = network.encode_images(images)
    assert vectors.shape == (3, 6)
    np.testing.assert_allclose(network.encode_images(images[2:])[0], vectors[2], atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_sees_what_its_card_prepares(tmp_path: Path) -> None:
    image = np.zeros((8, 6, 3), np.uint8)
    image[:4] = (255, 0, 0)
    vector = encoder(write(tmp_path, "script")).encode_images([image])[0]
    np.testing.assert_allclose(vector, [1, 0, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize("kind", ["onnx", "torch", "keras"])
def test_files_that_are_no_network(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"net.{ {'onnx': 'onnx', 'torch': 'pt', 'keras': 'keras'}[kind] }"
    with pytest.raises(NotFoundError, match="no network"):
        encoder(f"{kind}:{path}")
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(NotFoundError, match="no card"):
        encoder(f"{kind}:{path}")
    path.with_suffix(".toml").write_text(CARD, "utf-8")
    with pytest.raises(ModelError):
        encoder(f"{kind}:{path}")


@pytest.mark.parametrize("card", ["", "size = 8", "size = [8, 6]\nfit = 'no'", "size = [0, 6]", "size = ["])
def test_cards_that_say_nonsense(tmp_path: Path, card: str) -> None:
    (tmp_path / "net.onnx").write_bytes(b"x")
    (tmp_path / "net.toml").write_text(card, "utf-8")
    with pytest.raises(ModelError, match="no card"):
        encoder(f"onnx:{tmp_path / 'net.onnx'}")
