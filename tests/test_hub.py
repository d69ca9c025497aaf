"""Networks of the Transformers library, tiny and random; licences; advice; OpenVINO."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import CatalensError, MissingExtraError, ModelError, NotFoundError, UsageError
from catalens.evaluation import advice
from catalens.evaluation.advice import Requirements, advise
from catalens.models.hub import encoder as hub
from catalens.models.known import find_known, known_networks
from catalens.models.runtimes import openvino
from catalens.models.zoo import DEFAULT_ENCODER, find_card, resolve
from catalens.tasks.embed import FORMS, encoder

transformers = pytest.importorskip("transformers", reason="transformers is an extra")
torch = pytest.importorskip("torch", reason="torch is an extra")

SIDE = 32
SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": 16,
}
WORDS = {
    "vocab_size": 40,
    "max_position_embeddings": 12,
    **{k: v for k, v in SMALL.items() if "size" not in k or k in ("hidden_size", "intermediate_size")},
}


def vit() -> Any:
    return transformers.ViTModel(transformers.ViTConfig(**SMALL))


def dinov2() -> Any:
    return transformers.Dinov2Model(transformers.Dinov2Config(**{**SMALL, "mlp_ratio": 2}))


def resnet() -> Any:
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])
    return transformers.ResNetModel(config)


def convnext() -> Any:
    return transformers.ConvNextModel(transformers.ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2))


def swin() -> Any:
    config = transformers.SwinConfig(
        image_size=SIDE, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4
    )
    return transformers.SwinModel(config)


def clip() -> Any:
    config = transformers.CLIPConfig(text_config={**WORDS, "eos_token_id": 3}, vision_config=SMALL, projection_dim=12)
    return transformers.CLIPModel(config)


def siglip() -> Any:
    return transformers.SiglipModel(transformers.SiglipConfig(text_config=WORDS, vision_config=SMALL))


FAMILIES: dict[str, Callable[[], Any]] = {
    "vit": vit, "dinov2": dinov2, "resnet": resnet, "convnext": convnext, "swin": swin, "clip": clip, "siglip": siglip,
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny network of each family, as `save_pretrained` writes it."""
    home = tmp_path_factory.mktemp("hub")
    torch.manual_seed(0)
    for name, make in FAMILIES.items():
        make().save_pretrained(home / name)
        config: dict[str, Any] = {
            "image_mean": [0.5] * 3,
            "image_std": [0.25] * 3,
            "size": {"height": SIDE, "width": SIDE},
        }
        if name == "clip":
            config |= {"size": {"shortest_edge": SIDE}, "do_center_crop": True, "crop_size": SIDE}
        (home / name / "preprocessor_config.json").write_text(json.dumps(config), "utf-8")
        if name in ("clip", "siglip"):
            write_tokenizer(home / name)
    return home


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<pad>", "<unk>", "<s>", "</s>", "red", "blue", "dress", "shoe"]
    plain = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", unk_token="<unk>", eos_token="</s>", model_max_length=12
    ).save_pretrained(folder)


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    return [rng.integers(0, 256, (40 + i, 60, 3), np.uint8) for i in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_keeps_the_encoders_promises(folders: Path, family: str) -> None:
    network = encoder(f"hf:{folders / family}")
    assert network.encode_images([]).shape == (0, network.dim)
    vectors = network.encode_images(pictures(3))
    assert vectors.shape == (3, network.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(network.encode_images(pictures(3)[1:2])[0], vectors[1], atol=1e-4)
    assert network.has_text == (family in ("clip", "siglip"))
    assert not network.has_regions
    with pytest.raises(ModelError):
        network.encode_regions(pictures(1))


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_words_lie_in_the_space_of_pictures(folders: Path, family: str) -> None:
    network = encoder(f"hf:{folders / family}")
    vectors = network.encode_texts(["red dress", "shoe"])
    assert vectors.shape == (2, network.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert network.encode_texts([]).shape == (0, network.dim)
    with pytest.raises(ModelError):
        network.encode_texts("red")
    with pytest.raises(ModelError):
        encoder(f"hf:{folders / 'vit'}").encode_texts(["red"])


def test_pictures_are_what_the_network_itself_computes(folders: Path) -> None:
    network = encoder(f"hf:{folders / 'vit'}")
    image = np.full((SIDE, SIDE, 3), 191, np.uint8)
    model = transformers.AutoModel.from_pretrained(folders / "vit").eval()
    pixels = torch.full((1, 3, SIDE, SIDE), (191 / 255 - 0.5) / 0.25)
    with torch.no_grad():
        token = model(pixel_values=pixels).last_hidden_state[0, 0].numpy()
    np.testing.assert_allclose(network.encode_images([image])[0], token / np.linalg.norm(token), atol=1e-4)


def test_another_weight_is_another_space(folders: Path, tmp_path: Path) -> None:
    model = transformers.AutoModel.from_pretrained(folders / "vit")
    with torch.no_grad():
        next(iter(model.parameters())).add_(1e-3)
    model.save_pretrained(tmp_path / "vit")
    text = (folders / "vit" / "preprocessor_config.json").read_text("utf-8")
    (tmp_path / "vit" / "preprocessor_config.json").write_text(text, "utf-8")
    assert encoder(f"hf:{tmp_path / 'vit'}").name != encoder(f"hf:{folders / 'vit'}").name


@pytest.mark.parametrize("damage", ["empty", "no weights", "no preprocessor", "no size", "no config"])
def test_folders_that_cannot_be_used(folders: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    for path in (folders / "vit").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    if damage == "no size":
        (folder / "preprocessor_config.json").write_text("{}", "utf-8")
    for name in {
        "empty": ["*"],
        "no weights": ["*.safetensors"],
        "no preprocessor": ["pre*"],
        "no config": ["config*"],
    }.get(damage, []):
        for path in folder.glob(name):
            path.unlink()
    with pytest.raises((NotFoundError, ModelError)):
        encoder(f"hf:{folder}")


def test_a_missing_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match="transformers"):
        hub.HubNetwork(str(tmp_path))
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match="openvino"):
        openvino.load_openvino(tmp_path / "net.onnx", output=None, threads=1)


def test_cards_of_others_are_complete() -> None:
    assert len(known_networks("embed")) >= 14
    for one in known_networks("embed"):
        assert one.dim
        assert one.dim > 0
        assert one.source
        assert one.words == bool(one.languages)
        assert all(0 < score.value < 1 for score in one.scores)
    assert find_known("nothing") is None


@pytest.mark.parametrize(
    ("name", "accepted", "allowed"),
    [
        ("openai/clip-vit-base-patch32", None, True),
        ("apple/MobileCLIP-S2", None, False),
        ("apple/MobileCLIP-S2", "apple-amlr", True),
        ("jinaai/jina-clip-v2", "MIT", False),
        ("somebody/something", None, False),
        ("somebody/something", "unknown", True),
    ],
)
def test_licences_that_limit_shops_are_refused(name: str, accepted: str | None, allowed: bool) -> None:
    if allowed:
        resolve(f"hf:{name}", task="embed", forms=FORMS, accept_licence=accepted)
    else:
        with pytest.raises(UsageError, match="accept-licence"):
            resolve(f"hf:{name}", task="embed", forms=FORMS, accept_licence=accepted)
        with pytest.raises(UsageError):
            encoder(f"hf:{name}")


def test_a_name_that_is_spelled_otherwise_offers_near_ones() -> None:
    with pytest.raises(NotFoundError, match=r"no network called 'siglip-basee'\. Perhaps siglip-base, siglip2-base"):
        encoder("siglip-basee")
    with pytest.raises(NotFoundError, match="Name one of catalens-encoder-s"):
        encoder("nothing-like-it")


def test_openvino_computes_the_same() -> None:
    pytest.importorskip("openvino", reason="openvino is an extra")
    images = pictures(4)
    ours, theirs = encoder(), encoder(runtime="openvino")
    assert (ours.name, ours.has_regions) == (theirs.name, theirs.has_regions)
    assert (ours.encode_images(images) * theirs.encode_images(images)).sum(1).min() > 0.97


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_the_model_commands() -> None:
    listed = json.loads(run("models", "list", "--json").stdout)
    assert len(listed) >= 15
    rows = {row.split("\t")[0]: row.split("\t") for row in run("models", "list").stdout.splitlines()}
    assert rows["catalens-encoder-s"][2:4] == ["pictures and words", "576 numbers"]
    assert rows["catalens-detector-s"][2:4] == ["pictures", "boxes of 16 classes"]
    assert rows["catalens-faces-xs"][3] == "boxes of 1 class"
    assert rows["catalens-parser-s"][3] == "masks of 16 classes"
    assert all(len(row) == 6 and all(row) for row in rows.values())
    for name in rows:
        assert run("models", "show", name).exit_code == 0
    assert isinstance(run("models", "advise", "--task", "detect").exception, UsageError)
    assert "Apache-2.0" in run("models", "show", "catalens-encoder-s").stdout
    assert "CC-BY-NC-4.0" in run("models", "show", "jina-clip-v2").stdout
    assert isinstance(run("models", "show", "nothing").exception, CatalensError | SystemExit)


def test_others_are_scaled_by_what_the_bundled_network_multiplies() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is in the train extra")

    network = onnx.load(find_card(DEFAULT_ENCODER).weights)
    network.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = onnx.shape_inference.infer_shapes(network).graph
    sizes = {one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in graph.value_info}
    stored = {one.name: list(one.dims) for one in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            weights = node.input[1]
            while weights not in stored:
                weights = made[weights].input[0]  # out of what dequantises them
            total += int(np.prod(sizes[node.output[0]]) * np.prod(stored[weights][1:]))
    assert total / 1e9 == pytest.approx(advice.BUNDLED_GFLOPS, rel=0.02)


def test_advice_fits_the_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "bundled_ms", lambda **_: 5.0)  # what a machine is busy with is no matter here
    monkeypatch.setattr(advice, "index_ms", lambda *_, **__: 2.0)
    found = advise(Requirements(count=1_000_000, latency_ms=50))
    assert found.best is not None
    assert found.best.encoder == "catalens-encoder-s"
    assert found.best.index.startswith("IVF")
    assert found.best.latency_ms <= 50
    assert any("commercial" in why for _, why in found.refused) or all(
        one.commercial or one.gflops is None for one in known_networks("embed")
    )
    with pytest.raises(UsageError, match="--labels"):
        advise(Requirements(task="classify", labels_each=0))
    none = advise(Requirements(memory_mb=1.0))
    assert none.best is None
    assert {name for name, _ in none.refused} == {"catalens-encoder-s", *(one.key for one in known_networks("embed"))}
    assert len(none.refused) == len(known_networks("embed")) + 1
    assert advise(Requirements(task="classify", labels_each=3)).best.head == "lda"  # type: ignore[union-attr]
    better = advise(Requirements(task="search")).better
    assert better is not None
    assert next(one.words for one in known_networks("embed") if one.key == better.encoder)  # as the bundled one does
    assert "rule of thumb" in advise(Requirements(device="gpu")).best.timed  # type: ignore[union-attr]
    assert advise(Requirements(price_per_hour=0)).best.per_million == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Requirements(count=0), "got --products 0"),
        (Requirements(count=-5, latency_ms=-1), "got --products -5, --latency-ms -1"),
        (Requirements(latency_ms=math.nan), "got --latency-ms nan"),
        (Requirements(memory_mb=math.inf), "got --memory-mb inf"),
        (Requirements(price_per_hour=-1), "got --price-per-hour -1"),
        (Requirements(price_per_hour=math.nan), "got --price-per-hour nan"),
    ],
)
def test_advice_for_numbers_that_are_none(wish: Requirements, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        advise(wish)
