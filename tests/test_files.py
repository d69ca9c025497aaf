"""Networks in files of other tools: tiny ones, with a card beside them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from catalens import settings
from catalens.errors import ModelError, NotFoundError
from catalens.tasks.embed import encoder
from tests.test_encoder_contract import tiny_card

pytest.importorskip("torch", reason="torch is in the train extra")

import torch

CARD = "size = [8, 6]\nfit = 'stretch'\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n"


class Means(torch.nn.Module):
    """Mean color of the upper and of the lower half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x[:, :, :4].mean((2, 3)), x[:, :, 4:].mean((2, 3))], 1)


class OneAtATime(Means):
    """The same, for one picture only."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.reshape(1, 3, 8, 6))


def write(folder: Path, kind: str) -> str:
    """A tiny network of a kind, with its card; its name for `encoder`."""
    example = torch.zeros(2, 3, 8, 6)
    path = folder / {"script": "net.pt", "onnx": "tiny.onnx", "keras": "net.keras"}[kind]
    path.with_suffix(".toml").write_text(CARD, "utf-8")
    if kind == "onnx":
        tiny_card(folder)
        return f"onnx:{path}"
    if kind == "script":
        torch.jit.save(torch.jit.trace(Means(), example), path)  # type: ignore[no-untyped-call]
    else:
        settings.prefer_torch_for_keras()
        keras = pytest.importorskip("keras", reason="keras is an extra")
        layers = [keras.layers.Input((8, 6, 3)), keras.layers.AveragePooling2D(2), keras.layers.Flatten()]
        keras.Sequential(layers).save(path)
        return f"keras:{path}"
    return f"torch:{path}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["onnx", "script", "keras"])
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
    torch.jit.save(torch.jit.trace(OneAtATime(), torch.zeros(1, 3, 8, 6)), tmp_path / "net.pt")  # type: ignore[no-untyped-call]
    (tmp_path / "net.toml").write_text(CARD, "utf-8")
    network = encoder(f"torch:{tmp_path / 'net.pt'}")
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


@pytest.mark.parametrize("name", ["hf:", "onnx:", "torch:", "keras:", "openvino:"])
def test_a_kind_without_a_name(name: str) -> None:
    with pytest.raises(NotFoundError, match="names no network"):
        encoder(name)


@pytest.mark.parametrize("ending", [".pt", ".pt2"])
def test_no_archive_of_torch_is_refused_without_a_stack_trace(
    tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / f"net{ending}").write_bytes(b"no network")
    (tmp_path / "net.toml").write_text(CARD, "utf-8")
    with pytest.raises(ModelError, match=r"pickle is never loaded"):
        encoder(f"torch:{tmp_path / f'net{ending}'}")
    assert not caplog.records


@pytest.mark.parametrize(
    "card",
    ["", "size = 8", "size = [8, 6]\nfit = 'no'", "size = [0, 6]", "size = [", "size = [8, 6]\nmeen = [0, 0, 0]"],
)
def test_cards_that_say_nonsense(tmp_path: Path, card: str) -> None:
    (tmp_path / "net.onnx").write_bytes(b"x")
    (tmp_path / "net.toml").write_text(card, "utf-8")
    with pytest.raises(ModelError, match="no card"):
        encoder(f"onnx:{tmp_path / 'net.onnx'}")


def test_an_unknown_application_of_keras_offers_near_names() -> None:
    with pytest.raises(NotFoundError, match="Take MobileNetV2"):
        encoder("keras:MobilNetV2")
    with pytest.raises(NotFoundError, match="Take one of ConvNeXtBase"):
        encoder("keras:qqq")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_application_of_keras_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.prefer_torch_for_keras()
    keras = pytest.importorskip("keras", reason="keras is an extra")
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("a test asked the network"))
    network = keras.applications.MobileNetV2(include_top=False, pooling="avg", weights=None, input_shape=(224, 224, 3))
    (tmp_path / "models").mkdir()
    published = tmp_path / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    with pytest.importorskip("h5py").File(published, "w") as file:  # the layout in which Keras publishes them
        keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(file, network)
    loaded = encoder("keras:MobileNetV2")
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    vectors = loaded.encode_images([picture])
    expected = keras.ops.convert_to_numpy(network(picture[None].astype(np.float32) / 127.5 - 1))
    np.testing.assert_allclose(vectors[0], expected[0] / np.linalg.norm(expected), atol=1e-4)
    assert loaded.dim == 1280
    assert loaded.name.startswith("MobileNetV2@")
    assert not loaded.has_text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_without_a_network_an_application_of_keras_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.prefer_torch_for_keras()
    pytest.importorskip("keras", reason="keras is an extra")
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(NotFoundError, match="could not be fetched"):
        encoder("keras:MobileNetV3Small")
