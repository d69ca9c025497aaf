"""Networks of others for segmentation, cut-outs and classification: in files, and of the Transformers library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import catalens
from catalens.errors import ModelError, UsageError
from catalens.models.file_card import read_file_card
from catalens.tasks.classify import labeller
from catalens.tasks.cutout import cutter
from catalens.tasks.segment import parser

pytest.importorskip("torch", reason="torch is in the train extra")

import torch

CARD = "size = [32, 32]\nfit = 'stretch'\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n"
RED, BLUE = np.array((230, 10, 10), np.uint8), np.array((10, 10, 230), np.uint8)


class Colors(torch.nn.Module):
    """Three maps: how dark, how red, how blue each place is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([0.4 - x.mean(1), x[:, 0], x[:, 2]], 1) * 20


class Redness(torch.nn.Module):
    """Two outputs, as matting networks have them: coarse, and a fine map of probabilities (N, H, W)."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.mean((1, 2, 3)), torch.sigmoid(40 * (x[:, 0] - 0.5))


class Means(torch.nn.Module):
    """How red and how blue a picture is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 10 * torch.stack([x[:, 0].mean((1, 2)), x[:, 2].mean((1, 2))], 1)


def script(folder: Path, network: torch.nn.Module, more: str) -> str:
    path = folder / "net.pt"
    torch.jit.save(torch.jit.script(network), path)
    path.with_suffix(".toml").write_text(CARD + more, "utf-8")
    return f"torch:{path}"


def onnx_file(folder: Path, network: torch.nn.Module, more: str, outputs: list[str]) -> str:
    pytest.importorskip("onnxscript", reason="onnxscript is in the train extra")
    path = folder / "net.onnx"
    shapes = {"x": {0: torch.export.Dim("n")}}
    example = torch.zeros(2, 3, 32, 32)
    torch.onnx.export(
        network.eval(), (example,), path, output_names=outputs, dynamic_shapes=shapes, dynamo=True, verbose=False
    )
    path.with_suffix(".toml").write_text(CARD + more, "utf-8")
    return f"onnx:{path}"


def halves() -> np.ndarray:
    """Red on the left, blue on the right; 48 x 80."""
    picture = np.empty((48, 80, 3), np.uint8)
    picture[:, :40], picture[:, 40:] = RED, BLUE
    return picture


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_segment_by_a_network_in_a_file(kind: str, tmp_path: Path) -> None:
    classes = 'classes = ["background", "red", "blue"]\n'
    model = onnx_file(tmp_path, Colors(), classes, ["y"]) if kind == "onnx" else script(tmp_path, Colors(), classes)
    found = catalens.segment(halves(), model=model)
    assert found.names == ("background", "red", "blue")
    assert found.labels.shape == (48, 80)
    assert (found.labels[:, :38] == 1).all()
    assert (found.labels[:, 42:] == 2).all()
    assert parser(model).runs_on.device == "cpu"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_cut_out_by_a_network_in_a_file(kind: str, tmp_path: Path) -> None:
    if kind == "onnx":
        model = onnx_file(tmp_path, Redness(), 'output = "alpha"\nvalues = "probabilities"\n', ["mean", "alpha"])
    else:
        model = script(tmp_path, Redness(), 'output = "1"\nvalues = "probabilities"\n')
    found = catalens.cutout(halves(), model=model)
    assert found.shape == (48, 80, 4)
    assert (found[:, :36, 3] == 255).all()
    assert (found[:, 44:, 3] == 0).all()


@pytest.mark.filterwarnings("ignore")
def test_classify_by_a_network_in_a_file(tmp_path: Path) -> None:
    model = script(tmp_path, Means(), 'classes = ["red", "blue"]\n')
    pictures = [np.full((20, 30, 3), RED), np.full((30, 20, 3), BLUE)]
    red, blue = catalens.classify(pictures, model=model)
    assert (red.names[0], blue.names) == ("red", ("blue", "red"))
    expected = 1 / (1 + np.exp(-10 * (230 - 10) / 255))
    assert red.scores[0] == pytest.approx(expected, abs=1e-4)
    assert catalens.classify([], model=model) == []
    assert len(catalens.classify(pictures, model=model, top=1)[0].names) == 1
    with pytest.raises(UsageError, match="both given"):
        catalens.classify(pictures, model=model, labels=["a", "b"])
    with pytest.raises(UsageError, match="at least one label"):
        catalens.classify(pictures, model=model, top=0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("network", "more", "task", "words"),
    [
        (Colors(), 'classes = ["background", "red"]', "segment", "3 classes apart and its card names 2"),
        (Colors(), 'classes = ["a", "b", "b"]', "segment", "name|Name each once"),
        (Colors(), "", "segment", "its card names 0"),
        (Means(), 'classes = ["red", "blue"]', "segment", "not a map of each"),
        (Colors(), "", "cutout", "3 maps and not one"),
        (Colors(), 'classes = ["a", "b", "c"]', "classify", "not one vector for each"),
        (Means(), 'classes = ["red"]', "classify", "2 classes apart and its card names 1"),
    ],
)
def test_networks_that_do_not_serve(network: torch.nn.Module, more: str, task: str, words: str, tmp_path: Path) -> None:
    model = script(tmp_path, network, more)
    calls: dict[str, Any] = {"segment": parser, "cutout": cutter, "classify": labeller}
    with pytest.raises(ModelError, match=words):
        calls[task](model)


@pytest.mark.parametrize("more", ['values = "odds"', "classes = [1, 2]", 'classes = "dress"\nvalue = 1'])
def test_small_cards_that_say_nonsense(more: str, tmp_path: Path) -> None:
    (tmp_path / "net.toml").write_text(CARD + more, "utf-8")
    with pytest.raises(ModelError, match="is no card"):
        read_file_card(tmp_path / "net.toml")


def test_forms_that_a_task_does_not_take_are_refused_with_those_it_does() -> None:
    picture = halves()
    for model in ("hf:ZhengPeng7/BiRefNet", "keras:MobileNetV2"):
        with pytest.raises(UsageError, match=r"Name a bundled network or a folder with a card\.toml, or onnx:FILE"):
            catalens.cutout(picture, model=model)
    with pytest.raises(UsageError, match=r"or a short name of `catalens models list`\.$"):
        catalens.try_on(picture, picture, model="onnx:net.onnx")


# Of the Transformers library, tiny and random


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers", reason="transformers is an extra")
    home = tmp_path_factory.mktemp("labelled")
    torch.manual_seed(0)
    labels = {"id2label": {0: "wall", 1: "dress", 2: "shoe"}, "label2id": {"wall": 0, "dress": 1, "shoe": 2}}
    segformer = transformers.SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 16], patch_sizes=[3, 3], strides=[2, 2],
        num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=8, **labels,
    )  # fmt: skip
    vit = transformers.ViTConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=16,
        **labels,
    )  # fmt: skip
    transformers.SegformerForSemanticSegmentation(segformer).save_pretrained(home / "segformer")
    transformers.ViTForImageClassification(vit).save_pretrained(home / "vit")
    transformers.ViTModel(vit).save_pretrained(home / "trunk")
    spec = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": {"height": 32, "width": 32}}
    for name in ("segformer", "vit", "trunk"):
        (home / name / "preprocessor_config.json").write_text(json.dumps(spec), "utf-8")
    return home


def test_segment_by_a_network_of_the_library(folders: Path) -> None:
    import transformers

    model = f"hf:{folders / 'segformer'}"
    picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    found = catalens.segment(picture, model=model)
    assert found.names == ("wall", "dress", "shoe")
    network = transformers.SegformerForSemanticSegmentation.from_pretrained(folders / "segformer").eval()
    pixels = torch.from_numpy((picture.transpose(2, 0, 1)[None] / 255 - 0.5) / 0.25).float()
    with torch.no_grad():
        logits = network(pixel_values=pixels).logits
    # Ours lie between places as the library's own post-processing lays them.
    full = torch.nn.functional.interpolate(logits, (32, 32), mode="bilinear", align_corners=False)
    assert (found.labels == full.argmax(1)[0].numpy()).mean() > 0.99
    assert catalens.segment(halves(), model=model).labels.shape == (48, 80)


def test_classify_by_a_network_of_the_library(folders: Path) -> None:
    import transformers

    picture = np.random.default_rng(2).integers(0, 256, (32, 32, 3), np.uint8)
    (found,) = catalens.classify([picture], model=f"hf:{folders / 'vit'}", top=3)
    network = transformers.ViTForImageClassification.from_pretrained(folders / "vit").eval()
    pixels = torch.from_numpy((picture.transpose(2, 0, 1)[None] / 255 - 0.5) / 0.25).float()
    with torch.no_grad():
        likely = network(pixel_values=pixels).logits.softmax(1)[0].numpy()
    expected = dict(zip(("wall", "dress", "shoe"), likely.tolist(), strict=True))
    assert dict(zip(found.names, found.scores, strict=True)) == pytest.approx(expected, abs=1e-4)
    with pytest.raises(ModelError, match="knows no words"):  # an encoder, without text
        catalens.classify([picture], model=f"hf:{folders / 'trunk'}", labels=["dress", "shoe"])


def test_a_network_of_the_library_without_a_head_is_refused(folders: Path) -> None:
    for call in (labeller, parser):
        with pytest.raises((ModelError, catalens.errors.NotFoundError)):
            call(f"hf:{folders / 'trunk'}")


def test_an_encoder_by_name_classifies_by_words() -> None:
    picture = halves()
    by_name = catalens.classify([picture], model="catalens-encoder-s", labels=["dress", "shoes"])
    assert by_name == catalens.classify([picture], labels=["dress", "shoes"])
    assert catalens.classify([picture], model="bundled") == catalens.classify([picture])
