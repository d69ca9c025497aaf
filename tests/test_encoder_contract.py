"""What every encoder promises: rows in order, unit length, the same vector alone and in a batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalens.errors import ImageError, ModelError, NotFoundError
from catalens.images.read import read_image
from catalens.models.zoo import bundled_cards
from catalens.tasks.embed import Encoder, decode_target, encoder
from tests.test_card import GOOD


def tiny_card(folder: Path) -> str:
    """A card of a network with random weights: the mean color of the picture, mapped to four numbers."""
    onnx = pytest.importorskip("onnx", reason="onnx is in the train extra")
    values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    nodes = [
        onnx.helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        onnx.helper.make_node("Flatten", ["mean"], ["flat"]),
        onnx.helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "tiny",
        [onnx.helper.make_tensor_value_info("x", 1, ["n", 3, 8, 6])],
        [onnx.helper.make_tensor_value_info("y", 1, ["n", 4])],
        [onnx.numpy_helper.from_array(values, "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "tiny.onnx")
    digest = hashlib.sha256((folder / "tiny.onnx").read_bytes()).hexdigest()
    (folder / "card.toml").write_text(GOOD.format(digest=digest), "utf-8")
    return str(folder)


@pytest.fixture(params=[*bundled_cards("embed"), "a folder with a card"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Encoder:
    return encoder(request.param if request.param in bundled_cards("embed") else tiny_card(tmp_path))


def pictures(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    return [rng.integers(0, 256, (20 + 13 * i, 50 - i, 3), np.uint8) for i in range(count)]


def test_none_one_and_many(model: Encoder) -> None:
    assert model.encode_images([]).shape == (0, model.dim)
    with pytest.raises(ImageError, match="a list"):
        model.encode_images(pictures(1)[0])  # type: ignore[arg-type]  # rows of it would be pictures
    stack: Any = np.stack([pictures(1)[0]] * 2)
    assert model.encode_images(stack).shape == (2, model.dim)
    for count in (1, 3, 35):
        vectors = model.encode_images(pictures(count))
        assert vectors.shape == (count, model.dim)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_alone_and_in_a_batch_are_the_same_and_in_order(model: Encoder) -> None:
    many = pictures(5)
    together = model.encode_images(many)
    alone = np.concatenate([model.encode_images([picture]) for picture in many])
    # A vector's last steps are 1/100 apart in int8: one that stands between two may fall either way.
    assert (together * alone).sum(1).min() > 0.999
    np.testing.assert_allclose(together, alone, atol=0.02)
    assert len(np.unique(np.round(together, 3), axis=0)) == 5


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a[:, :, 0],
        lambda a: np.dstack([a, np.full(a.shape[:2], 128, np.uint8)]),
        lambda a: a[:1, :1],
        lambda a: a[:1],
        lambda a: np.zeros_like(a),
        lambda a: np.repeat(np.repeat(a, 40, 0), 40, 1),
        Image.fromarray,
    ],
    ids=["grey", "alpha", "1x1", "1xN", "black", "huge", "PIL"],
)
def test_odd_pictures_have_vectors_too(model: Encoder, convert: Callable[[np.ndarray], object]) -> None:
    vector = model.encode_images([convert(pictures(1)[0])])  # type: ignore[list-item]
    assert np.isfinite(vector).all()
    np.testing.assert_allclose(np.linalg.norm(vector), 1, atol=1e-5)


def test_a_file_is_read_like_its_array(model: Encoder, tmp_path: Path) -> None:
    picture = pictures(1)[0]
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_allclose(model.encode_images([tmp_path / "a.png"]), model.encode_images([picture]), atol=1e-5)


def test_prepared_pictures_give_the_same_vectors(model: Encoder) -> None:
    many = pictures(3)
    prepared = np.stack([model.prepare(picture) for picture in many])
    np.testing.assert_allclose(model.encode_prepared(prepared), model.encode_images(many), atol=1e-5)
    assert model.encode_prepared(prepared[:0]).shape == (0, model.dim)


def test_bad_pictures_are_named(model: Encoder, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        model.encode_images([tmp_path / "a.jpg"])
    with pytest.raises(NotFoundError, match=r"b\.jpg"):
        model.encode_images([tmp_path / "b.jpg"])
    with pytest.raises(ImageError, match="list"):
        model.encode_images("a.jpg")


def test_names_of_spaces_differ_and_stay(model: Encoder) -> None:
    name, at, digest = model.name.partition("@")
    assert name
    assert at
    assert len(digest) == 12


def test_weights_that_are_no_network_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(b"no network")
    digest = hashlib.sha256(b"no network").hexdigest()
    (tmp_path / "card.toml").write_text(GOOD.format(digest=digest), "utf-8")
    with pytest.raises(ModelError, match="does not load"):
        encoder(str(tmp_path))


@pytest.mark.parametrize(("size", "target"), [((1, 1), 1), ((8, 6), 12), ((224, 224), 336), ((97, 300), 450)])
def test_photos_are_decoded_at_no_less_than_the_network_sees(size: tuple[int, int], target: int) -> None:
    assert decode_target(SimpleNamespace(size=size)) == target
    assert target >= max(size)


def test_a_large_photo_is_read_at_its_decode_target(model: Encoder, tmp_path: Path) -> None:
    side = 3 * max(model.size)  # of which a quarter would be too small
    Image.new("RGB", (side, side // 2), (200, 30, 30)).save(tmp_path / "large.jpg", quality=30)
    seen = read_image(tmp_path / "large.jpg", target=decode_target(model))
    assert max(seen.shape[:2]) >= max(model.size)
