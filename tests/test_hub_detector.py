"""Detectors of the Transformers library, tiny and random: they load, take any picture, and keep to the protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalens.errors import CatalensError, ModelError, NotFoundError, UsageError
from catalens.models.hub.detector import HubDetector, resizing_of
from catalens.tasks.detect import detector
from tests.test_hub import write_tokenizer

transformers = pytest.importorskip("transformers", reason="transformers is an extra")
torch = pytest.importorskip("torch", reason="torch is an extra")

SMALL = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
         "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "num_queries": 5}  # fmt: skip
LABELS = {"id2label": {0: "dress", 1: "bag", 2: "shoe"}, "label2id": {"dress": 0, "bag": 1, "shoe": 2}}


def detr() -> Any:
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = transformers.DetrConfig(
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        backbone_config=backbone,
        **SMALL,
        **LABELS,
    )
    return transformers.DetrForObjectDetection(config)


def yolos() -> Any:
    config = transformers.YolosConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=[64, 64],
        patch_size=16, num_detection_tokens=5, **LABELS,
    )  # fmt: skip
    return transformers.YolosForObjectDetection(config)


def rt_detr() -> Any:
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, backbone=None, use_timm_backbone=False, use_pretrained_backbone=False,
        encoder_hidden_dim=16, encoder_in_channels=[8, 16, 16], encoder_layers=1, encoder_ffn_dim=16,
        encoder_attention_heads=2, d_model=16, num_queries=5, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16,
        decoder_layers=1, decoder_attention_heads=2, num_denoising=0, **LABELS,
    )  # fmt: skip
    return transformers.RTDetrForObjectDetection(config)


def owl(version: str) -> Any:
    words = {"vocab_size": 60, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
             "num_attention_heads": 2, "max_position_embeddings": 16}  # fmt: skip
    sight = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
             "image_size": 64, "patch_size": 16}  # fmt: skip
    kind = "OwlViT" if version == "1" else "Owlv2"
    config = getattr(transformers, f"{kind}Config")(text_config=words, vision_config=sight, projection_dim=16)
    return getattr(transformers, f"{kind}ForObjectDetection")(config)


FAMILIES: dict[str, tuple[Callable[[], Any], dict[str, object], bool]] = {
    "detr": (detr, {"shortest_edge": 64, "longest_edge": 96}, False),
    "yolos": (yolos, {"shortest_edge": 64, "longest_edge": 96}, False),
    "rt-detr": (rt_detr, {"height": 64, "width": 64}, False),
    "owlvit": (lambda: owl("1"), {"height": 64, "width": 64}, True),
    "owlv2": (lambda: owl("2"), {"height": 64, "width": 64}, True),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny detector of each family, as `save_pretrained` writes it."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("detectors")
    for name, (make, size, takes_words) in FAMILIES.items():
        make().save_pretrained(root / name)
        (root / name / "preprocessor_config.json").write_text(json.dumps({"size": size, "do_normalize": True}))
        if takes_words:
            write_tokenizer(root / name)
    return root


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("size", [(64, 64), (40, 120), (300, 200)], ids=str)
def test_it_keeps_to_the_protocol(folders: Path, family: str, size: tuple[int, int]) -> None:
    words = ("red dress", "bag") if FAMILIES[family][2] else ()
    finder = detector(f"hf:{folders / family}", words=words)
    assert finder.labels == (words or ("dress", "bag", "shoe"))
    image = np.random.default_rng(1).integers(0, 255, (*size, 3), np.uint8)
    found = finder(image)
    assert found.size == size
    assert set(found.labels) <= set(finder.labels)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2] <= size[1]).all()
    assert (found.boxes[:, 3] <= size[0]).all()
    assert (np.diff(found.scores) <= 1e-6).all()


def test_words_are_for_those_that_take_them(folders: Path) -> None:
    with pytest.raises(UsageError, match="got none"):
        detector(f"hf:{folders / 'owlv2'}")
    with pytest.raises(UsageError, match="labels of its own"):
        detector(f"hf:{folders / 'yolos'}", words=("dress",))
    with pytest.raises(UsageError, match="labels of its own"):
        detector(None, words=("dress",))


def test_what_is_no_detector_is_refused(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(CatalensError):
        HubDetector(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "yolos"}')
    with pytest.raises((NotFoundError, ModelError)):
        HubDetector(str(tmp_path))
    with pytest.raises(UsageError, match="licence"):
        detector("hf:somebody/unknown-detector")
    del folders


@pytest.mark.parametrize(
    ("size", "picture", "expected"),
    [
        ({"height": 64, "width": 48}, (300, 200), (64, 48)),
        ({"shortest_edge": 100, "longest_edge": 400}, (200, 300), (100, 150)),
        ({"shortest_edge": 100, "longest_edge": 120}, (200, 300), (80, 120)),
        ({"shortest_edge": 100}, (20, 3000), (9, 1333)),
    ],
)
def test_resizing(size: dict[str, int], picture: tuple[int, int], expected: tuple[int, int]) -> None:
    assert resizing_of({"size": size}).spec(picture).size == expected
