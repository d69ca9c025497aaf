"""Large networks that make pictures: their licences, and the calls themselves on tiny random ones."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import CatalensError, ImageError, MissingExtraError, ModelError, NotFoundError, UsageError
from catalens.images.draw import save_image
from catalens.images.read import read_image
from catalens.models.hub import catvton as hub_catvton
from catalens.models.hub import ootdiffusion as hub_ootdiffusion
from catalens.models.hub import pipeline as hub_pipeline
from catalens.models.hub.pipeline import paint
from catalens.models.hub.tryon import TryOnNetwork
from catalens.models.known import known_networks
from catalens.models.parts import CLASSES
from catalens.models.zoo import Form, resolve
from catalens.tasks import hub_tryon
from catalens.types import Masks

PERSON = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)
GARMENT = np.full((40, 40, 3), (180, 20, 30), np.uint8)


def mask() -> np.ndarray:
    found = np.zeros((96, 64), bool)
    found[30:60, 16:48] = True
    return found


# Cards and licences

MAKERS: dict[str, tuple[Form, ...]] = {"tryon": ("known",), "paint": hub_pipeline.FORMS}


def test_every_card_says_its_licence_and_where_its_facts_come_from() -> None:
    assert {"catvton", "fashn-vton", "idm-vton", "ootdiffusion", "sdxl", "sd-inpaint"} <= {
        one.key for one in known_networks("tryon", "paint")
    }
    for one in known_networks("tryon", "paint"):
        assert one.source
        assert one.hub.count("/") == 1
        assert one.commercial != bool(one.forbids)
        assert one.commercial != ("NC" in one.license)


@pytest.mark.parametrize(
    ("name", "task", "accepted", "error", "words"),
    [
        ("catvton", "tryon", None, UsageError, "CC-BY-NC-SA-4.0 forbids commercial use"),
        ("zhengchong/CatVTON", "tryon", "MIT", UsageError, "--accept-licence CC-BY-NC-SA-4.0"),
        ("somebody/something", "paint", None, UsageError, "not known here"),
        ("sdxl", "tryon", None, UsageError, "is for 'paint'"),
        ("catvtn", "tryon", None, NotFoundError, "no network called 'catvtn'"),
        ("./nowhere", "paint", None, NotFoundError, "no network called"),
        ("fashn-vton:/nowhere", "tryon", None, NotFoundError, "no folder '/nowhere'"),
        ("", "paint", None, NotFoundError, "no network called"),
    ],
)
def test_what_is_refused(name: str, task: Any, accepted: str | None, error: type[CatalensError], words: str) -> None:
    with pytest.raises(error, match=words):
        resolve(name, task=task, forms=MAKERS[task], accept_licence=accepted)


def test_what_is_let_through(tmp_path: Path) -> None:
    def place(name: str, task: Literal["tryon", "paint"], accepted: str | None = None) -> tuple[str | None, str]:
        found = resolve(name, task=task, forms=MAKERS[task], accept_licence=accepted)
        return None if found.known is None else found.known.name, found.place

    assert place("catvton", "tryon", "cc-by-nc-sa-4.0")[1] == "zhengchong/CatVTON"
    assert place("somebody/something", "paint", "unknown") == (None, "somebody/something")
    assert place("sdxl", "paint")[1] == "stabilityai/stable-diffusion-xl-base-1.0"
    assert place(str(tmp_path), "paint") == (None, str(tmp_path))
    assert place(f"fashn-vton:{tmp_path}", "tryon") == ("FASHN VTON v1.5", str(tmp_path))


def test_code_that_comes_with_weights_is_never_run() -> None:
    with pytest.raises(ModelError, match="never run here"):
        TryOnNetwork("idm-vton", accept_licence="CC-BY-NC-SA-4.0")


@pytest.mark.parametrize(
    "call",
    [lambda: paint("a table", model="sdxl"), lambda: TryOnNetwork("catvton", accept_licence="CC-BY-NC-SA-4.0")],
)
def test_without_the_package_its_extra_is_named(call: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtraError, match=r"catalens\[diffusers\]"):
        call()


# FASHN's own package, stood in for by one with its documented call


def test_fashn_is_called_as_its_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="fashn_vton is not installed"):
        TryOnNetwork(f"fashn-vton:{tmp_path}")
    asked: list[dict[str, Any]] = []

    class TryOnPipeline:
        def __init__(self, *, weights_dir: str) -> None:
            assert weights_dir == str(tmp_path)

        def __call__(self, *, person_image: Image.Image, garment_image: Image.Image, category: str) -> Any:
            asked.append({"size": person_image.size, "category": category})
            return SimpleNamespace(images=[Image.new("RGB", (576, 864), (1, 2, 3))])

    package = ModuleType("fashn_vton")
    package.TryOnPipeline = TryOnPipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fashn_vton", package)
    drawn = TryOnNetwork(f"fashn-vton:{tmp_path}")(PERSON, GARMENT, mask(), kind="skirt")
    assert drawn.shape == PERSON.shape
    assert asked == [{"size": (64, 96), "category": "bottoms"}]


# Only inside its place does a pixel change


def parts(name: str) -> Masks:
    labels = np.zeros((96, 64), np.uint8)
    labels[30:60, 16:48] = 1
    labels[25:34, 16:48] = 2
    return Masks(labels, ("background", name, "hair"))


@pytest.mark.parametrize(("worn", "kind"), [("top", "auto"), ("dress", "top"), ("trousers", "skirt")])
def test_outside_its_place_nothing_changes(worn: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Red:
        name, license = "Red", "MIT"

        def __init__(self, model: str, *, accept_licence: str | None, device: str, dtype: str) -> None:
            assert (device, dtype) == ("auto", "auto")
            assert (model, accept_licence) == ("red", "MIT")

        def __call__(self, person: np.ndarray, *_: object, **__: object) -> np.ndarray:
            return np.full_like(person, (255, 0, 0))

    monkeypatch.setattr(hub_tryon, "TryOnNetwork", Red)
    monkeypatch.setattr(hub_tryon, "segment", lambda _, **__: parts(worn))
    found = hub_tryon.try_on_by("red", PERSON, GARMENT, kind=kind, accept_licence="MIT")
    assert np.array_equal(found.image[~found.region], PERSON[~found.region])
    assert tuple(found.image[45, 32]) == (255, 0, 0)
    assert not found.region[:34, 16:48][parts(worn)["hair"][:34, 16:48]].any()
    assert found.region[62, 32]  # a little room for another cut
    assert found.notes == ("drawn by Red (MIT)",)
    monkeypatch.setattr(hub_tryon, "segment", lambda _, **__: parts("hat"))
    with pytest.raises(ImageError, match="no place for a"):
        hub_tryon.try_on_by("red", PERSON, GARMENT, kind=kind, accept_licence="MIT")


@pytest.mark.parametrize(
    ("garment", "goes", "stays"),
    [
        ("top", ("top", "outerwear", "dress"), ("scarf", "accessory", "bag", "hair")),
        ("trousers", ("trousers", "skirt", "dress", "belt", "legwear"), ("top", "outerwear", "shoes", "accessory")),
        ("skirt", ("trousers", "skirt", "dress", "belt", "legwear"), ("top", "outerwear", "shoes")),
        ("dress", ("dress", "top", "skirt", "trousers", "belt", "legwear"), ("scarf", "shoes", "glasses")),
        ("outerwear", ("outerwear", "top", "dress"), ("scarf", "hat", "accessory")),
    ],
)
def test_what_a_garment_may_be_drawn_over(garment: str, goes: tuple[str, ...], stays: tuple[str, ...]) -> None:
    """Each part alone on a photo: a place or none; beside what goes, it keeps its pixels."""
    for name in goes:
        assert hub_tryon.region_for(blocks(name), garment)[2:6, 2:6].all(), name
    for name in stays:
        assert not hub_tryon.region_for(blocks(goes[0], name), garment)[2:6, 8:12].any(), name


def blocks(*names: str) -> Masks:
    """Parts side by side, each six pixels wide."""
    labels = np.zeros((12, 24), np.uint8)
    for place, name in enumerate(names):
        labels[1:7, 1 + 6 * place : 7 + 6 * place] = CLASSES.index(name)
    return Masks(labels, CLASSES)


# Tiny random pipelines

UNET: dict[str, Any] = {
    "block_out_channels": (8, 16), "layers_per_block": 1, "sample_size": 8, "out_channels": 4, "norm_num_groups": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 16, "attention_head_dim": 4,
}  # fmt: skip
VAE: dict[str, Any] = {
    "block_out_channels": (4, 8), "latent_channels": 4, "norm_num_groups": 4, "sample_size": 16,
    "down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pipelines as `save_pretrained` writes them: one from words, one that fills holes, CatVTON's parts."""
    diffusers = pytest.importorskip("diffusers", reason="diffusers is an extra")
    transformers = pytest.importorskip("transformers", reason="transformers is an extra")
    torch = pytest.importorskip("torch", reason="torch is an extra")
    from safetensors.torch import save_file

    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("makers")
    words = {"<|startoftext|>": 0, "<|endoftext|>": 1} | {letter: n for n, letter in enumerate("abcdefghij", start=2)}
    tokenizer = transformers.CLIPTokenizer(vocab=words, merges=[], model_max_length=16)
    config = transformers.CLIPTextConfig(
        vocab_size=12, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=16, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    shared = {
        "vae": diffusers.AutoencoderKL(**VAE),
        "text_encoder": transformers.CLIPTextModel(config),
        "tokenizer": tokenizer,
        "scheduler": diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
    painter = diffusers.StableDiffusionPipeline(unet=diffusers.UNet2DConditionModel(**UNET, in_channels=4), **shared)
    painter.save_pretrained(home / "words")
    filler = diffusers.UNet2DConditionModel(**UNET, in_channels=9)
    diffusers.StableDiffusionInpaintPipeline(unet=filler, **shared).save_pretrained(home / "holes")
    filler.save_pretrained(home / "catvton" / "unet")
    shared["vae"].save_pretrained(home / "catvton" / "vae")
    shared["scheduler"].save_pretrained(home / "catvton" / "scheduler")
    layers = [layer for name, layer in filler.named_modules() if name.endswith("attn1")]
    other = {f"{8 * n}.{name}": one + 0.1 for n, layer in enumerate(layers) for name, one in layer.state_dict().items()}
    (home / "catvton" / "attention").mkdir()
    save_file(other, home / "catvton" / "attention" / "model.safetensors")
    write_ootdiffusion(home / "ootdiffusion", shared)
    return home


def write_ootdiffusion(home: Path, shared: dict[str, Any]) -> None:
    """Its folders as they are published, both sets of U-Nets, and the network that looks at garments."""
    import diffusers
    import transformers

    for name in ("vae", "text_encoder", "tokenizer", "scheduler"):
        shared[name].save_pretrained(home / "checkpoints" / "ootd" / name)
    for kind in ("ootd_hd", "ootd_dc"):
        checkpoint = home / "checkpoints" / "ootd" / kind / "checkpoint-36000"
        diffusers.UNet2DConditionModel(**UNET, in_channels=4).save_pretrained(checkpoint / "unet_garm")
        diffusers.UNet2DConditionModel(**UNET, in_channels=8).save_pretrained(checkpoint / "unet_vton")
    config = transformers.CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8,
        projection_dim=16,
    )  # fmt: skip
    vision = home / "checkpoints" / "clip-vit-large-patch14"
    transformers.CLIPVisionModelWithProjection(config).save_pretrained(vision)
    said = '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": {"height": 16, "width": 16}}'
    (vision / "preprocessor_config.json").write_text(said, "utf-8")


def test_without_the_hub_it_is_one_sentence(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(source: str) -> None:
        raise NotFoundError(f"{source} is not on this machine, and the hub does not give it: no network")

    monkeypatch.setattr(hub_pipeline, "ask_hub", away)
    monkeypatch.setattr(hub_catvton, "ask_hub", away)
    with pytest.raises(NotFoundError, match="the hub does not give it"):
        paint("a bed", model="catalens-tests/nothing", accept_licence="unknown")
    for name in ("catvton", "ootdiffusion"):
        with pytest.raises(NotFoundError, match="the hub does not give it"):
            TryOnNetwork(name, accept_licence="CC-BY-NC-SA-4.0")


@pytest.mark.parametrize("name", ["words", "holes"])
def test_a_pipeline_paints_from_words_the_same_for_the_same_seed(name: str, folders: Path) -> None:
    made = [paint("a bed", model=str(folders / name), seed=seed, steps=2) for seed in (1, 1, 2)]
    assert made[0].shape == (16, 16, 3)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


@pytest.mark.parametrize(
    ("words", "model", "error"), [("", "words", UsageError), ("a", "catvton", NotFoundError), ("a", "", NotFoundError)]
)
def test_what_cannot_be_painted(words: str, model: str, error: type[CatalensError], folders: Path) -> None:
    with pytest.raises(error):
        paint(words, model=str(folders / model), steps=1)


def test_catvton_draws_with_its_own_attention(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_catvton, "STEPS", 2)
    network = TryOnNetwork(f"catvton:{folders / 'catvton'}", accept_licence="CC-BY-NC-SA-4.0")
    drawn = network(PERSON, GARMENT, mask(), kind="top", seed=3)
    assert drawn.shape == PERSON.shape
    assert np.array_equal(drawn, network(PERSON, GARMENT, mask(), kind="top", seed=3))
    other = network(PERSON, 255 - GARMENT, mask(), kind="top", seed=3)
    assert not np.array_equal(drawn, other)  # the garment is seen
    plain = hub_pipeline.load(__import__("diffusers").UNet2DConditionModel, str(folders / "catvton"), subfolder="unet")
    assert isinstance(network._network, hub_catvton.CatVton)
    ours = network._network._unet
    before = {name: one for name, one in plain.named_parameters() if "attn1.to_q" in name}
    after = dict(ours.named_parameters())
    assert before
    for name, one in before.items():
        np.testing.assert_allclose(after[name].detach().numpy(), one.detach().numpy() + 0.1, atol=1e-6)


def test_catvton_weights_that_do_not_belong_to_it(folders: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(folders / "catvton", tmp_path / "net"))
    file = folder / "attention" / "model.safetensors"
    save_file({name: one for name, one in load_file(file).items() if name.startswith("0.")}, file)
    with pytest.raises(ModelError, match="weights for 1 attentions"):
        TryOnNetwork(f"catvton:{folder}", accept_licence="CC-BY-NC-SA-4.0")
    file.unlink()
    with pytest.raises(NotFoundError, match="cannot be loaded"):
        TryOnNetwork(f"catvton:{folder}", accept_licence="CC-BY-NC-SA-4.0")


@pytest.mark.parametrize("kind", ["top", "dress"])
def test_ootdiffusion_looks_at_the_garment(kind: str, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_ootdiffusion, "STEPS", 2)
    network = TryOnNetwork(f"ootdiffusion:{folders / 'ootdiffusion'}", accept_licence="CC-BY-NC-SA-4.0")
    drawn = network(PERSON, GARMENT, mask(), kind=kind, seed=3)
    assert drawn.shape == PERSON.shape
    assert np.array_equal(drawn, network(PERSON, GARMENT, mask(), kind=kind, seed=3))
    assert not np.array_equal(drawn, network(PERSON, 255 - GARMENT, mask(), kind=kind, seed=3))


def test_attention_beside_is_attention_over_both_of_which_the_first_half_is_kept(folders: Path) -> None:
    import torch

    diffusers = pytest.importorskip("diffusers")
    network = hub_pipeline.load(diffusers.UNet2DConditionModel, str(folders / "catvton"), subfolder="unet")
    block = hub_ootdiffusion._blocks(network)[0]
    mine, other = torch.randn(2, 2, 6, 16).unbind(0)
    with torch.no_grad():
        whole = block.attn1(block.norm1(torch.cat([mine, other], 1)))[:, :6]
        beside = hub_ootdiffusion._Beside(block.norm1, [other], 0)(block.attn1, block.norm1(mine))
    np.testing.assert_allclose(beside.numpy(), whole.numpy(), atol=1e-5)


def test_the_commands_know_them(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_pipeline, "STEPS", 1)
    words = [
        "scene",
        str(tmp_path / "product.png"),
        "a bed",
        str(tmp_path / "out.png"),
        "--model",
        str(folders / "words"),
    ]
    alpha = np.dstack([GARMENT, np.pad(np.full((20, 20), 255, np.uint8), 10)])
    save_image(tmp_path / "product.png", alpha)
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (tmp_path / "out.png").is_file()
    photos = [str(tmp_path / name) for name in ("out.png", "out.png", "worn.png")]
    refused = CliRunner().invoke(app, ["tryon", *photos, "--model", "catvton"])
    assert "forbids commercial use" in str(refused.exception)


def test_the_service_paints_with_a_network_that_is_allowed(folders: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from fastapi.testclient import TestClient

    from catalens.server.app import create_app
    from catalens.server.services.allowed_models import allow_models
    from catalens.server.services.options import ServeOptions

    network = str(folders / "words")
    with TestClient(create_app(ServeOptions(tmp_path / "shop", models=allow_models([f"paint={network}"])))) as client:
        asked = {"kind": "dress", "n": 1, "seed": 1, "model": "words"}
        sent = client.post("/v1/generate", json=asked).json()["pictures"][0]
        assert sent["kind"] == "dress"
        found = read_image(base64.b64decode(sent["image"].partition(",")[2]))
        np.testing.assert_array_equal(found, catalens.generate(kind="dress", seed=1, model=network)[0])
        save_image(tmp_path / "product.png", np.dstack([GARMENT, np.pad(np.full((20, 20), 255, np.uint8), 10)]))
        photo = {"image": (tmp_path / "product.png").read_bytes()}
        answer = client.post(
            "/v1/scene", files=photo, data={"background": "a bed", "painter": "words", "format": "png"}
        )
        wanted = catalens.scene(tmp_path / "product.png", "a bed", painter=network).image
        np.testing.assert_array_equal(read_image(answer.content), wanted)
        refused = client.post("/v1/scene", files=photo, data={"background": "a bed", "painter": network})
        assert (refused.status_code, "words" in refused.json()["detail"]) == (404, True)


def test_the_list_of_models_shows_their_licences() -> None:
    listed = CliRunner().invoke(app, ["models", "list"]).stdout
    for one in known_networks("tryon", "paint"):
        assert f"{one.key}\thf:{one.hub}" in listed
    assert "CC-BY-NC-SA-4.0" in CliRunner().invoke(app, ["models", "show", "catvton"]).stdout
