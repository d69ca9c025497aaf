"""Fine-tuning: the network comes back from its file, learns, goes on where it stopped, and becomes a card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import ModelError, StorageError, UsageError
from catalens.images.read import read_image
from catalens.learning.labelled import LabelledPhotos
from catalens.models.card import read_card
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.tasks.embed import OnnxEncoder, encoder, origin_of
from tests.fakes import write_photo

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from catalens.learning.finetune import CHECKPOINT, finetune  # noqa: E402
from catalens.learning.mixing import mixed  # noqa: E402
from catalens.learning.networks.encoder import DIM, EncoderNetwork  # noqa: E402
from catalens.learning.networks.export import export_encoder  # noqa: E402
from catalens.learning.networks.pretrained import network_of  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the card of a small random network of the same kind, its norms not at their start."""
    torch.manual_seed(0)
    network = EncoderNetwork(widths=(8, 12, 16), blocks=(1, 0, 2))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.3, 0.3)
            torch.nn.init.uniform_(module.running_mean, -0.3, 0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    folder = tmp_path_factory.mktemp("small")
    export_encoder(network, folder, training={"seed": "0"}, name="small")
    return folder


def photos(folder: Path, per_label: int, *, labels: tuple[str, ...] = ("flat", "wide")) -> LabelledPhotos:
    paths = [
        Path(write_photo(folder / f"{label}-{n}.png", seed=100 * place + n, size=(40, 24 + 40 * place)).location)
        for place, label in enumerate(labels)
        for n in range(per_label)
    ]
    return LabelledPhotos(tuple(paths), tuple((label,) for label in labels for _ in range(per_label)))


def test_a_float_network_comes_back_exactly(small: Path, tmp_path: Path) -> None:
    known = OnnxEncoder(read_card(small))
    pictures = [read_image(path) for path in photos(tmp_path, 3).paths]
    x = torch.from_numpy(np.stack([known.prepare(picture) for picture in pictures]))
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(network_of(read_card(small))(x)).numpy()
    np.testing.assert_allclose(vectors, known.encode_images(pictures), atol=1e-5)


def test_the_bundled_network_comes_back_but_for_the_rounding_of_activations(tmp_path: Path) -> None:
    known = encoder()
    pictures = [read_image(path) for path in photos(tmp_path, 4).paths]
    x = torch.from_numpy(np.stack([known.prepare(picture) for picture in pictures]))
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(network_of(find_card(DEFAULT_ENCODER))(x)).numpy()
    assert (vectors * known.encode_images(pictures)).sum(1).min() > 0.98


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, (DIM, 3, 5, 5), np.zeros(DIM * 75, np.float32))
    node = helper.make_node("Conv", ["pictures", "w"], ["vectors"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("pictures", "vectors")]
    onnx.save(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [weights])), tmp_path / "x.onnx")
    card = find_card(DEFAULT_ENCODER)
    with pytest.raises(ModelError, match="not a network that can be tuned"):
        network_of(replace(card, weights=tmp_path / "x.onnx"))


def test_tuning_learns_and_writes_a_card(small: Path, tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", 40)
    told: list[str] = []
    out = finetune(
        given, out=tmp_path / "out", encoder=str(small), epochs=4, policy="none", mix=0.0,
        progress=lambda done, total, what: told.append(what),
    )  # fmt: skip
    card = read_card(out)
    assert card.name == "small-tuned"
    assert card.precision == "float32"
    assert card.training["start"] == f"{read_card(small).identity}, fine-tuned; before: random numbers"
    assert "flat 40, wide 40" in card.training["data"]
    assert card.training["data"].endswith(f"before: {read_card(small).training['data']}")
    assert read_card(small).identity in origin_of(encoder(str(out)))
    assert "by 12 photos held out" in card.training["chosen"]  # 15 % of 80, of each label
    assert card.scores[0].n == 12
    assert sorted(path.name for path in out.iterdir()) == ["card.toml", "encoder.onnx"]
    tuned = encoder(str(out))
    assert tuned.name != encoder(str(small)).name
    vectors = tuned.encode_images(list(given.paths))
    assert vectors.shape == (80, DIM)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert {"reading photos"} < set(told)


def test_what_cannot_be_read_is_left_out_and_counted(small: Path, tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", 4)
    given.paths[0].write_bytes(b"no picture")
    card = read_card(finetune(given, out=tmp_path / "out", encoder=str(small), epochs=1))
    assert "flat 3, wide 4" in card.training["data"]
    assert "1 could not be read" in card.training["data"]


def test_it_goes_on_from_its_checkpoint(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle and started again, it ends with the weights of a run that was not stopped."""
    monkeypatch.setattr("catalens.learning.tuning.CHECKPOINT_EVERY_S", 0.0)
    given, out = photos(tmp_path / "photos", 20), tmp_path / "out"

    def stop(done: int, total: int | None, what: str) -> None:
        if what.startswith("tuning") and done >= 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(given, out=out, encoder=str(small), epochs=4, minutes=60, progress=stop)
    assert (out / CHECKPOINT).is_file()
    assert not (out / "card.toml").exists()
    starts: list[int] = []
    finetune(
        given, out=out, encoder=str(small), epochs=4, minutes=60,
        progress=lambda done, total, what: starts.append(done) if what.startswith("tuning") else None,
    )  # fmt: skip
    assert starts[0] >= 500
    straight = finetune(given, out=tmp_path / "straight", encoder=str(small), epochs=4, minutes=60)
    ask = list(given.paths[:6])
    cosines = (encoder(str(out)).encode_images(ask) * encoder(str(straight)).encode_images(ask)).sum(1)
    np.testing.assert_allclose(cosines, 1, atol=1e-4)


def test_several_labels_to_a_photo(small: Path, tmp_path: Path) -> None:
    one = photos(tmp_path / "photos", 4)
    given = LabelledPhotos(
        one.paths, tuple((*labels, "both") if n % 2 else labels for n, labels in enumerate(one.labels))
    )
    assert read_card(finetune(given, out=tmp_path / "out", encoder=str(small), epochs=1)).dim == DIM


def test_only_the_last_stages_learn_where_asked(small: Path, tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", 4)
    out = finetune(given, out=tmp_path / "out", encoder=str(small), epochs=1, stages=1)
    before, after = network_of(read_card(small)), network_of(read_card(out))
    assert torch.allclose(before.trunk[0].weight, after.trunk[0].weight, atol=1e-6)
    assert not torch.allclose(before.head.conv.weight, after.head.conv.weight, atol=1e-6)


def test_a_folder_with_something_else_is_left_alone(small: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(StorageError, match=r"holiday\.jpg"):
        finetune(photos(tmp_path / "photos", 4), out=tmp_path / "out", encoder=str(small))
    assert (tmp_path / "out" / "holiday.jpg").read_bytes() == b"mine"


def test_wrong_wishes_are_refused(small: Path, tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", 2)
    with pytest.raises(UsageError, match="minutes 0"):
        finetune(given, out=tmp_path / "out", minutes=0)
    with pytest.raises(UsageError, match="policy"):
        finetune(given, out=tmp_path / "out", policy="wild")
    with pytest.raises(UsageError, match="0 of 0 photos"):
        finetune(LabelledPhotos((), ()), out=tmp_path / "out", encoder=str(small))
    with pytest.raises(UsageError, match="with 1 labels"):
        finetune(photos(tmp_path / "one", 3, labels=("flat",)), out=tmp_path / "out", encoder=str(small))
    with pytest.raises(UsageError, match="epochs 0"):
        finetune(given, out=tmp_path / "out", epochs=0)


def test_mixed_batches_keep_their_sums_and_shapes() -> None:
    pixels = torch.arange(4 * 3 * 8 * 8, dtype=torch.float32).reshape(4, 3, 8, 8)
    targets = torch.eye(4)
    for seed in range(20):
        x, y = mixed(pixels, targets, np.random.default_rng(seed), chance=1.0)
        assert x.shape == pixels.shape
        np.testing.assert_allclose(y.sum(1), 1, atol=1e-6)
        assert float(x.min()) >= 0
        assert float(x.max()) <= float(pixels.max())
    x, y = mixed(pixels, targets, np.random.default_rng(0), chance=0.0)
    assert x is pixels
    assert y is targets
    x, _ = mixed(pixels[:1], targets[:1], np.random.default_rng(0), chance=1.0)
    assert torch.equal(x, pixels[:1])
