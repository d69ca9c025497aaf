"""Known networks of each family, tiny and random, fetched from a loopback server and run under their names."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

import catalens
from catalens import settings
from catalens.cli import batch
from catalens.cli.main import app
from catalens.errors import CatalensError, UsageError
from catalens.images.trimap import UNKNOWN, matte_unknown, smooth_mask, trimap_of
from catalens.models.file_card import file_card_of
from catalens.models.known import find_known
from catalens.models.runtimes.yolox import COCO, YoloxNetwork
from catalens.tasks.cutout import cutter
from catalens.tasks.detect import detector
from catalens.tasks.edges import Edges, refiner
from catalens.tasks.embed import encoder
from catalens.tasks.prompted import PromptedCutter, outliner
from tests.test_pull import Served, cache, fetched, on_hub, served, tiny_onnx

__all__ = ["cache", "served"]  # fixtures

transformers = pytest.importorskip("transformers", reason="transformers is an extra")
torch = pytest.importorskip("torch", reason="torch is an extra")

SIDE = 64


def disc(size: tuple[int, int] = (96, 128)) -> NDArray[np.uint8]:
    """A light disc in the middle of a dark, structured picture."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    picture = np.dstack([20 + (x * 7 + y * 3) % 23] * 3).astype(np.uint8)
    picture[(y - height / 2) ** 2 + (x - width / 2) ** 2 < (height / 3) ** 2] = (220, 215, 210)
    return picture


def pulled(name: str, folder: Path, served: Served) -> None:
    """Put a network under a known name into the cache, as the hub sends it."""
    known = find_known(name)
    assert known is not None
    on_hub(served, known.hub, {path.name: path.read_bytes() for path in folder.iterdir()})
    fetched(known, hub=served.address)


def placed(name: str, *files: bytes) -> None:
    """Put files under a known name into the cache, as if they had been pulled."""
    known = find_known(name)
    assert known is not None
    folder = settings.models_folder() / known.key
    folder.mkdir(parents=True)
    rows = []
    for one, data in zip(known.files, files, strict=True):
        (folder / one.name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        rows.append({"name": one.name, "bytes": len(data), "sha256": digest, "trusted": True})
    table = {"name": known.key, "license": known.license, "origin": known.source, "files": rows}
    (folder / "pinned.json").write_text(json.dumps(table), "utf-8")


def settings_of(size: object, **more: object) -> dict[str, object]:
    return {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": size, **more}


def saved(folder: Path, model: Any, processor: dict[str, object]) -> Path:
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), "utf-8")
    return folder


def test_u2net_is_fed_as_it_was_trained() -> None:
    """By hand: stretched to 320, divided by the largest value, ImageNet's mean and std."""
    known = find_known("u2net")
    assert known is not None
    assert known.input is not None
    card = file_card_of(known.input)
    picture = np.full((10, 20, 3), (100, 50, 200), np.uint8)
    x, _ = card.preprocess.apply(picture)
    assert x.shape == (3, 320, 320)
    expected = [(100 / 200 - 0.485) / 0.229, (50 / 200 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    np.testing.assert_allclose(x.mean((1, 2)), expected, atol=1e-4)
    assert np.isfinite(card.preprocess.apply(np.zeros((5, 5, 3), np.uint8))[0]).all()


@pytest.mark.parametrize(
    ("name", "size", "first"),
    [
        ("u2net", 320, (1 - 0.485) / 0.229),
        ("isnet-general-use", 1024, 100 / 255 - 0.5),
        ("birefnet", 1024, (100 / 255 - 0.485) / 0.229),
        ("rmbg", 1024, (100 / 255 - 0.485) / 0.229),
    ],
)
def test_each_family_has_its_own_preprocessing(name: str, size: int, first: float) -> None:
    known = find_known(name)
    assert known is not None
    assert known.input is not None
    x, _ = file_card_of(known.input).preprocess.apply(np.full((30, 40, 3), 100, np.uint8))
    assert x.shape == (3, size, size)
    assert x[0].mean() == pytest.approx(first, abs=1e-4)


def test_cut_out_by_a_pulled_name_in_python_and_on_the_command_line(cache: Path, tmp_path: Path) -> None:
    data = tiny_onnx()
    placed("u2net_human_seg", data)
    photo = tmp_path / "photo.png"
    Image.fromarray(disc()).save(photo)
    for name in ("u2net_human_seg", "u2net-human-seg"):
        found = catalens.cutout(photo, model=name)
        assert found.shape == (96, 128, 4)
        assert found[48, 64, 3] == 255
        assert found[4, 4, 3] == 0
    assert cutter("u2net_human_seg").runs_on.device == "cpu"
    out = tmp_path / "out.png"
    assert run("cutout", str(photo), str(out), "-m", "u2net_human_seg").exit_code == 0
    np.testing.assert_array_equal(np.asarray(Image.open(out)), catalens.cutout(photo, model="u2net_human_seg"))


def test_yolox_boxes_by_hand(tmp_path: Path) -> None:
    """What is given for one place of the grid of stride 8 is one box: (grid + xy) * 8, exp(wh) * 8, from the corner."""
    from onnx import TensorProto, helper

    place, label = 3 * 8 + 2, COCO.index("chair")  # row 3, column 2 of 8x8
    rows = np.zeros((1, 84, 85), np.float32)
    rows[0, place, :5] = (0.5, 0.5, np.log(4), np.log(2), 0.9)
    rows[0, place, 5 + label] = 0.8
    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["images"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "none"], ["zero"]),
            helper.make_node("Add", ["rows", "zero"], ["output"]),
        ],
        "yolox",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 84, 85])],
        [
            helper.make_tensor("none", TensorProto.FLOAT, [], [0.0]),
            helper.make_tensor("rows", TensorProto.FLOAT, rows.shape, rows.ravel()),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path = tmp_path / "yolox.onnx"
    path.write_bytes(made.SerializeToString())
    found = detector(f"onnx:{path}")(np.zeros((128, 96, 3), np.uint8))  # made half as large
    assert found.labels == ("chair",)
    assert found.scores[0] == pytest.approx(0.72)
    middle, half = np.array([2.5, 3.5]) * 8 * 2, np.array([4, 2]) * 8
    np.testing.assert_allclose(found.boxes[0], [*(middle - half), *(middle + half)], atol=1e-3)


def test_yolox_of_its_authors_finds_the_people_of_a_street() -> None:
    path, street = settings.teacher_folder() / "yolox_nano.onnx", settings.data_folder() / "streetstyle" / "photos"
    photos = sorted(street.glob("*.jpg"))[:8] if path.is_file() and street.is_dir() else []
    if not photos:
        pytest.skip("needs the shared networks and photos")
    network, found = YoloxNetwork(path), 0
    for photo in photos:
        image = catalens.read_image(photo)
        boxes, scores = network(image)
        assert (boxes.shape[1], scores.shape[1]) == (4, 80)
        best = boxes[scores[:, COCO.index("person")].argmax()]
        inside = (best[:2] > -0.1 * image.shape[0]).all() and (best[2:] < 1.1 * max(image.shape)).all()
        found += bool(inside and scores[:, COCO.index("person")].max() > 0.5)
    assert found >= 7


LABELS = {"id2label": {0: "dress", 1: "bag"}, "label2id": {"dress": 0, "bag": 1}}


def rt_detr_v2() -> Any:
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1], out_features=["stage2", "stage3", "stage4"]
    )
    return transformers.RTDetrV2ForObjectDetection(
        transformers.RTDetrV2Config(**_small_detr(backbone), encoder_in_channels=[8, 8, 16])
    )


def d_fine() -> Any:
    backbone = transformers.HGNetV2Config(
        stem_channels=[3, 8, 8], stage_in_channels=[8, 8, 8, 8], stage_mid_channels=[8] * 4,
        stage_out_channels=[8, 8, 8, 16], stage_num_blocks=[1] * 4, stage_numb_of_layers=[1] * 4,
        hidden_sizes=[8, 8, 8, 16], depths=[1] * 4, embedding_size=8,
        stage_downsample=[False, True, True, True], stage_light_block=[False] * 4, stage_kernel_size=[3] * 4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    return transformers.DFineForObjectDetection(
        transformers.DFineConfig(**_small_detr(backbone), encoder_in_channels=[8, 8, 16])
    )


def _small_detr(backbone: Any) -> dict[str, Any]:
    return {
        "backbone_config": backbone, "encoder_hidden_dim": 16, "d_model": 16, "encoder_layers": 1, "decoder_layers": 2,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
        "num_queries": 7, "num_denoising": 0, "decoder_in_channels": [16] * 3, "feat_strides": [8, 16, 32],
        "num_feature_levels": 3, "decoder_n_points": 2, "anchor_image_size": None, **LABELS,
    }  # fmt: skip


def rf_detr() -> Any:
    backbone = transformers.RfDetrDinov2Config(
        image_size=SIDE, patch_size=16, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2,
        num_windows=2, out_features=["stage1", "stage2"],
    )  # fmt: skip
    return transformers.RfDetrForObjectDetection(
        transformers.RfDetrConfig(
            backbone_config=backbone, d_model=16, decoder_layers=1, decoder_self_attention_heads=2,
            decoder_cross_attention_heads=2, decoder_ffn_dim=16, num_queries=6, group_detr=1, **LABELS,
        )
    )  # fmt: skip


DETECTORS: dict[str, Callable[[], Any]] = {
    "rt-detr-v2-r18": rt_detr_v2,
    "d-fine-nano": d_fine,
    "rf-detr-nano": rf_detr,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_by_name(name: str, cache: Path, served: Served, tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder = saved(tmp_path / name, DETECTORS[name](), settings_of({"height": SIDE, "width": SIDE}, do_normalize=False))
    pulled(name, folder, served)
    network = detector(name)
    assert network.labels == ("dress", "bag")
    for size in ((40, 60), (200, 90)):
        found = network(np.full((*size, 3), 127, np.uint8))
        assert found.size == size
        assert (found.boxes >= 0).all()
        assert (found.boxes[:, 2] <= size[1]).all()
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert catalens.detect(disc(), model=name, min_score=0.999, masks=False).boxes.shape[1] == 4
    with pytest.raises(UsageError, match="labels of its own"):
        detector(name, words=("dress",))


@pytest.mark.filterwarnings("ignore")
def test_dinov3_as_an_encoder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = transformers.DINOv3ViTConfig(
        image_size=SIDE, patch_size=16, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    folder = saved(tmp_path / "net", transformers.DINOv3ViTModel(config), settings_of({"height": SIDE, "width": SIDE}))
    vectors = encoder(f"hf:{folder}").encode_images([disc(), disc((80, 70))])
    assert vectors.shape == (2, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_vitmatte_refines_only_what_is_unknown(cache: Path, served: Served, tmp_path: Path) -> None:
    torch.manual_seed(0)
    backbone = transformers.VitDetConfig(
        num_channels=4, image_size=SIDE, patch_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        mlp_ratio=2, out_features=["stage1"],
    )  # fmt: skip
    config = transformers.VitMatteConfig(
        backbone_config=backbone, hidden_size=16, convstream_hidden_sizes=[4, 4, 4], fusion_hidden_sizes=[8, 8, 8, 8]
    )
    folder = saved(
        tmp_path / "net",
        transformers.VitMatteForImageMatting(config),
        {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size_divisibility": 32},
    )
    pulled("vitmatte-small", folder, served)
    assert refiner("vitmatte-small").runs_on.device == "cpu"
    alpha = np.zeros((70, 90), np.float32)
    alpha[20:50, 30:60] = 1
    found = Edges(refine="vitmatte-small", alpha_matting_erode_size=4).apply(disc((70, 90)), alpha)
    trimap = trimap_of(alpha, foreground=240, background=10, erode=4)
    assert found.shape == alpha.shape
    assert (found[trimap == 255] == 1).all()
    assert (found[trimap == 0] == 0).all()
    assert not np.array_equal(found, alpha)


@pytest.mark.filterwarnings("ignore")
def test_sam2_outlines_what_a_box_or_points_show(cache: Path, served: Served, tmp_path: Path) -> None:
    torch.manual_seed(0)
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=8, num_attention_heads=1, image_size=[SIDE, SIDE], blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64], num_attention_heads_per_stage=[1, 1, 2, 4],
        window_size_per_stage=[8, 4, 4, 4], global_attention_blocks=[3],
        window_positional_embedding_background_size=[2, 2],
    )  # fmt: skip
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[64, 32, 16, 8], fpn_hidden_size=32,
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
    )  # fmt: skip
    config = transformers.Sam2Config(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 32, "image_size": SIDE, "patch_size": 16},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2, "mlp_dim": 32, "iou_head_hidden_dim": 32},
    )
    folder = saved(tmp_path / "net", transformers.Sam2Model(config), settings_of({"height": SIDE, "width": SIDE}))
    pulled("sam2-tiny", folder, served)
    network = outliner("sam2-tiny")
    asks: list[dict[str, Any]] = [{"box": (30, 20, 90, 80)}, {"box": None, "points": [(64, 48), (60, 40)]}]
    for asked in asks:
        by = PromptedCutter(network, **asked)
        alpha = by.alpha(disc())
        assert alpha.shape == (96, 128)
        assert 0 <= by.confidence(disc(), alpha) <= 1
    with pytest.raises(UsageError, match="beyond the photo"):
        PromptedCutter(network, box=(0, 0, 500, 20)).alpha(disc())


def test_prompts_that_say_nothing() -> None:
    def network(*_: object) -> tuple[NDArray[np.float32], float]:
        return np.zeros((4, 4), np.float32), 0.5

    for wrong in ({"box": None}, {"box": (5, 5, 2, 9)}, {"box": (1, 2, 3)}, {"box": None, "points": [(1, 2, 3)]}):
        with pytest.raises(UsageError):
            PromptedCutter(network, **wrong)  # type: ignore[arg-type]


def efficient_sam() -> tuple[bytes, bytes]:
    """An encoder that keeps the picture, and a decoder that outlines what is light, whatever the prompt."""
    from onnx import TensorProto, helper

    def made(nodes: list[Any], inputs: list[Any], outputs: list[Any], stored: list[Any]) -> bytes:
        graph = helper.make_graph(nodes, "tiny", inputs, outputs, stored)
        opset = [helper.make_opsetid("", 18)]
        return bytes(helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString())

    value = helper.make_tensor_value_info
    encoder = made(
        [helper.make_node("Identity", ["batched_images"], ["image_embeddings"])],
        [value("batched_images", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [value("image_embeddings", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [],
    )
    decoder = made(
        [
            helper.make_node("ReduceMean", ["image_embeddings", "one"], ["grey"]),
            helper.make_node("Sub", ["grey", "half"], ["centred"]),
            helper.make_node("Mul", ["centred", "twenty"], ["mask"]),
            helper.make_node("Unsqueeze", ["mask", "one"], ["output_masks"]),
            helper.make_node("ReduceMax", ["batched_point_labels"], ["most"], keepdims=0),
            helper.make_node("ReduceMax", ["batched_point_coords"], ["far"], keepdims=0),
            helper.make_node("Cast", ["orig_im_size"], ["size"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMax", ["size"], ["side"], keepdims=0),
            helper.make_node("Sum", ["most", "far", "side"], ["all"]),
            helper.make_node("Mul", ["all", "none"], ["zero"]),
            helper.make_node("Add", ["scores", "zero"], ["iou_predictions"]),
        ],
        [
            value("image_embeddings", TensorProto.FLOAT, [1, 3, "h", "w"]),
            value("batched_point_coords", TensorProto.FLOAT, [1, 1, "n", 2]),
            value("batched_point_labels", TensorProto.FLOAT, [1, 1, "n"]),
            value("orig_im_size", TensorProto.INT64, [2]),
        ],
        [
            value("output_masks", TensorProto.FLOAT, [1, 1, 1, "h", "w"]),
            value("iou_predictions", TensorProto.FLOAT, [1, 1, 1]),
        ],
        [
            helper.make_tensor("one", TensorProto.INT64, [1], [1]),
            helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5]),
            helper.make_tensor("twenty", TensorProto.FLOAT, [1], [20.0]),
            helper.make_tensor("none", TensorProto.FLOAT, [], [0.0]),
            helper.make_tensor("scores", TensorProto.FLOAT, [1, 1, 1], [0.75]),
        ],
    )
    return encoder, decoder


def test_efficient_sam_in_two_files(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = find_known("efficient-sam")
    assert known is not None
    placed("efficient-sam", *efficient_sam())
    with pytest.raises(CatalensError, match="not the file that was pulled"):
        outliner("efficient-sam")  # its hashes are those that are published
    small = replace(known, files=tuple(replace(file, sha256="") for file in known.files))
    monkeypatch.setattr("catalens.models.zoo.find_known", lambda _: small)
    by = PromptedCutter(outliner("efficient-sam"), box=(20, 10, 110, 90))
    alpha = by.alpha(disc())
    assert by.confidence(disc(), alpha) == pytest.approx(0.75)
    assert alpha[48, 64] > 0.95
    assert alpha[4, 4] < 0.05
    photo, out = tmp_path / "a.png", tmp_path / "b.png"
    Image.fromarray(disc()).save(photo)
    found = run("cutout", str(photo), str(out), "--model", "efficient-sam", "--point", "64,48")
    assert found.exit_code == 0, found.output
    assert np.asarray(Image.open(out))[4, 4, 3] == 0


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photos" / "disc.png"
    path.parent.mkdir()
    picture = np.where(disc((240, 320)) > 100, np.uint8(60), np.uint8(255))
    Image.fromarray(cv2.GaussianBlur(picture, (0, 0), 3)).save(path)
    return path


def test_a_trimap_by_hand() -> None:
    alpha = np.array([[0, 0, 0, 0.5, 1, 1, 1]], np.float32).repeat(5, 0)
    assert trimap_of(alpha, foreground=240, background=10, erode=0)[2].tolist() == [0, 0, 0, UNKNOWN, 255, 255, 255]
    wide = trimap_of(alpha, foreground=240, background=10, erode=1)[2].tolist()
    assert wide == [0, 0, UNKNOWN, UNKNOWN, UNKNOWN, 255, 255]
    assert (trimap_of(alpha, foreground=255, background=0, erode=0) == UNKNOWN).all()


def test_matting_finds_the_true_alpha_of_a_blend() -> None:
    """A ramp between two colors: the alpha of each pixel is known."""
    true = np.clip((np.arange(120, dtype=np.float32) - 40) / 40, 0, 1)[None].repeat(60, 0)
    front, back = np.array([200, 40, 40], np.float32), np.array([30, 60, 190], np.float32)
    picture = np.round(true[..., None] * front + (1 - true[..., None]) * back).astype(np.uint8)
    hard = (true > 0.5).astype(np.float32)
    trimap = trimap_of(hard, foreground=240, background=10, erode=22)
    found = matte_unknown(picture, hard, trimap, reach=22)
    assert np.abs(found - true).mean() < 0.05 < np.abs(hard - true).mean()
    assert np.abs(found - true).max() < 0.2


def test_a_smooth_mask_has_no_threads_and_no_half_pixels() -> None:
    alpha = np.zeros((60, 60), np.float32)
    alpha[15:45, 15:45] = 0.9
    alpha[30, 45:60] = 1  # a thread of one pixel
    found = smooth_mask(alpha)
    assert set(np.unique(found)) == {0, 1}
    assert found[30, 55] == 0
    assert found[30, 30] == 1


def test_the_options_of_rembg(photo: Path, tmp_path: Path) -> None:
    def made(*words: str, name: str = "out.png") -> NDArray[np.uint8]:
        out = tmp_path / name
        out.unlink(missing_ok=True)
        found = run("cutout", str(photo), str(out), *words)
        assert found.exit_code == 0, found.output
        return np.asarray(Image.open(out))

    plain = made()
    mask = made("--only-mask")
    np.testing.assert_array_equal(mask, plain[..., 3])
    assert mask.ndim == 2
    hard = made("-om", "-ppm")
    assert set(np.unique(hard)) == {0, 255}
    matted = made("-a", "-af", "250", "-ab", "5", "-ae", "6")
    assert not np.array_equal(matted[..., 3], plain[..., 3])
    assert np.abs(matted[..., 3].astype(int) - plain[..., 3]).mean() < 10
    assert made("--bgcolor", "10", "20", "30", "255")[2, 2].tolist() == [10, 20, 30]
    half = made("-bgc", "10", "20", "30", "128")
    assert half[2, 2].tolist() == [10, 20, 30, 128]
    assert half[120, 160, 3] == 255
    assert made("-bgc", "0", "0", "0", "0").tolist() == plain.tolist()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bgcolor", "1", "2", "3", "300"], "from 0 to 255"),
        (["--bgcolor", "1", "2", "3", "255", "--background", "white"], "give one of them"),
        (["--watch"], "is no folder"),
        (["--box", "1,2,3"], "promptable network"),
        (["--box", "1,2,3", "--model", "sam2-tiny"], "give 4 numbers"),
        (["--point", "a,b", "--model", "sam2-tiny"], "give 2 numbers"),
        (["--refine", "u2net"], "is for 'matte'"),
        (["--refine", "nothing"], "no network called"),
    ],
)
def test_options_that_do_not_fit(photo: Path, tmp_path: Path, words: list[str], said: str) -> None:
    found = run("cutout", str(photo), str(tmp_path / "out.png"), *words)
    assert isinstance(found.exception, CatalensError), found.output
    assert said.casefold() in str(found.exception).casefold()
    assert not (tmp_path / "out.png").exists()


def test_a_watched_folder(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, looks = tmp_path / "out", 0

    def look(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            (photo.parent / "later.png").write_bytes(photo.read_bytes()[:100])  # still being written
        elif looks == 2:
            (photo.parent / "later.png").write_bytes(photo.read_bytes())
        elif looks == 5:
            (photo.parent / batch.STOP).touch()
        assert looks < 20

    monkeypatch.setattr(time, "sleep", look)
    found = run("cutout", str(photo.parent), str(out), "--watch")
    assert found.exit_code == 0, found.output
    assert sorted(path.name for path in out.iterdir()) == ["disc.png", "later.png"]
    assert not (photo.parent / batch.STOP).exists()
    assert np.asarray(Image.open(out / "later.png")).shape == (240, 320, 4)


def test_the_service_runs_what_its_operator_pulled_and_named(cache: Path, photo: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from fastapi.testclient import TestClient

    from catalens.server.app import create_app
    from catalens.server.services.allowed_models import allow_models
    from catalens.server.services.options import ServeOptions

    with pytest.raises(CatalensError, match="catalens models pull u2net_human_seg"):
        allow_models(["u2net_human_seg"])  # a service that would fail later does not start
    with pytest.raises(CatalensError, match="forbids commercial use"):
        allow_models(["rmbg"])
    placed("u2net_human_seg", tiny_onnx())
    with TestClient(create_app(ServeOptions(tmp_path / "shop", models=allow_models(["u2net_human_seg"])))) as client:
        sent = {"image": ("disc.png", photo.read_bytes(), "image/png")}
        found = client.post("/v1/cutout", files=sent, data={"model": "u2net_human_seg"})
        assert (found.status_code, found.headers["content-type"]) == (200, "image/png"), found.text
        for name in ("u2net", "isnet-general-use", "https://example.com/net.onnx", "u2net-human-seg"):
            refused = client.post("/v1/cutout", files=sent, data={"model": name})
            assert (refused.status_code, "u2net_human_seg" in refused.json()["detail"]) == (404, True)
