"""The encoder's recipe on a handful of random pictures: it learns, goes on where it was, and ships what it learned."""

from __future__ import annotations

import copy
import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is in the train extra")
pytest.importorskip("onnx", reason="onnx is in the train extra")

import torch

from catalens import settings
from catalens.errors import CatalensError, NotFoundError
from catalens.models.card import read_card
from catalens.models.text import text_batch
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.tasks.embed import OnnxEncoder, encoder
from catalens.training import encoder as recipe
from catalens.training import loop, teacher
from catalens.training.export import PREPROCESS, export_encoder
from catalens.training.facts import kinds
from catalens.training.heldout import held_out, score_held_out
from catalens.training.lesson import Lesson, sampling_weights
from catalens.training.network import COLOR_DIM, SHARES, EncoderNetwork, inherit, joined
from catalens.training.photos import Photo, squared, training_photos
from catalens.training.views import blended, random_box, view
from catalens.types import FloatArray, ImageArray

SIDE = 64
STEPS = 2


KINDS = ("dress", "coat", "hat")


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    """Two hundred random pictures of three tasks."""
    rng = np.random.default_rng(0)
    coat = {"kind": kinds("coat"), "color": frozenset({"red"})}
    photos = [
        *(Photo(Path(), "clothing", KINDS[i % 3], f"c{i}", {"kind": kinds(KINDS[i % 3])}) for i in range(70)),
        *(
            Photo(Path(), "grocery", str(i % 5), f"g{i % 5}", {"kind": frozenset({f"juice {i % 5}"})})
            for i in range(70)
        ),
        *(Photo(Path(), "street", str(i), f"s{i}", coat, frozenset({"coat"})) for i in range(60)),
    ]
    squares = [*rng.integers(0, 256, (100, SIDE, SIDE, 3), np.uint8), *rng.integers(0, 256, (100, 40, 40, 3), np.uint8)]
    sides = np.array([len(square) for square in squares])
    whole = np.stack([sides * 0, sides * 0, sides, sides], axis=1).astype(np.int32)
    return Lesson(squares, photos, whole, sampling_weights(photos), np.zeros(200, np.bool_))


def ask(views: ImageArray) -> FloatArray:
    """A teacher that knows views by their mean color."""
    features = np.zeros((len(views), teacher.DIM), np.float32)
    features[:, :3] = views.mean((1, 2)) + 1
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def some_batches(lesson: Lesson) -> list[recipe.Batch]:
    drawer, rng = recipe.Drawer(lesson, ask), np.random.default_rng(0)
    return [drawer.draw(rng, size=32) for _ in range(STEPS + 1)]


@pytest.fixture(scope="module")
def run(lesson: Lesson, some_batches: list[recipe.Batch]) -> loop.Run[recipe.Batch]:
    torch.set_num_threads(1)  # threads that wait for one another are slow on a busy machine
    started = recipe.Learner(lesson, seed=0, device="cpu").run()
    for batch in some_batches[:STEPS]:
        losses = started.learn(batch, rate=1e-3)
        assert set(losses) == {"teacher", "labels", "tags", "instance", "looks", "color", "words"}
        assert np.isfinite(list(losses.values())).all()
    return started


def test_a_run_goes_on_to_the_same_weights(
    run: loop.Run[recipe.Batch], lesson: Lesson, some_batches: list[recipe.Batch], tmp_path: Path
) -> None:
    run.save(tmp_path / "checkpoint.pt")
    runs = [recipe.Learner(lesson, seed=seed, device="cpu").run() for seed in (5, 6)]
    for other in runs:
        other.load(tmp_path / "checkpoint.pt")
        assert other.step == run.step == STEPS
        other.learn(some_batches[STEPS], rate=1e-3)
    first, second = (other.network.state_dict() for other in runs)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["pictures.head.weight"], run.network.state_dict()["pictures.head.weight"])


def test_a_run_begins_with_what_another_learned(
    run: loop.Run[recipe.Batch], lesson: Lesson, some_batches: list[recipe.Batch], tmp_path: Path
) -> None:
    run.save(tmp_path / "checkpoint.pt")
    other = recipe.Learner(lesson, seed=9, device="cpu").run()
    other.inherit(tmp_path / "checkpoint.pt")
    assert other.step == 0
    mine, theirs = other.network.state_dict(), run.average.network.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    other.learn(some_batches[0], rate=1e-3)


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(run: loop.Run[recipe.Batch], tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint"):
        copy.copy(run).load(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_what_ships_gives_what_was_learned(
    run: loop.Run[recipe.Batch], lesson: Lesson, tmp_path: Path, precision: str
) -> None:
    network, words = recipe.averaged(run)
    known = ("dress", "coat", "连衣裙")
    export_encoder(
        network, words, tmp_path, known=known, photos=lesson.squares, training={"seed": "0"},
        precision=precision,  # type: ignore[arg-type]
    )  # fmt: skip
    card = read_card(tmp_path)
    assert (card.precision, card.preprocess, card.training["start"]) == (precision, PREPROCESS, "random numbers")
    assert card.parameters == sum(p.numel() for tower in (network, words) for p in tower.parameters())
    files = ["card.toml", "encoder.onnx", "text.onnx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*files, *(["float32"] if precision == "int8" else [])]
    )
    pictures = np.stack([PREPROCESS.apply(square)[0] for square in lesson.squares[:3]])
    with torch.no_grad():
        expected = torch.nn.functional.normalize(network.eval()(torch.from_numpy(pictures))).numpy()
    encoder = OnnxEncoder(card)
    vectors = encoder.encode_prepared(pictures)
    if precision == "float32":
        np.testing.assert_allclose(vectors, expected, atol=1e-4)
    else:
        assert (vectors * expected).sum(axis=1).min() > 0.95
        np.testing.assert_allclose(vectors[:, -COLOR_DIM:], expected[:, -COLOR_DIM:], atol=0.01)  # counted in floats
    means = encoder.encode_regions(list(lesson.squares[:3])).mean(axis=(1, 2))
    np.testing.assert_allclose(means / np.linalg.norm(means, axis=1, keepdims=True), vectors, atol=0.02)
    _words_agree(encoder, words)


def _words_agree(encoder: OnnxEncoder, words: torch.nn.Module) -> None:
    texts = ["a dress", "coat", "红色连衣裙", "qwxyz"]
    grams, weights = text_batch(texts)
    with torch.no_grad():
        said = torch.nn.functional.normalize(words.eval()(torch.from_numpy(grams), torch.from_numpy(weights))).numpy()
    found = encoder.encode_texts(texts)
    assert (found[:3] * said[:3]).sum(axis=1).min() > 0.99  # in 8 bits
    assert not found[3].any()


def test_training_ends_by_the_clock_with_a_log_and_a_picture(lesson: Lesson, tmp_path: Path) -> None:
    started = recipe.Learner(lesson, seed=0, device="cpu").run()
    small = ((1.0, 32),)
    recipe.teach(lesson, ask, started, out=tmp_path, minutes=0.005, rate=recipe.RATE, seed=0, sizes=small)
    steps = started.step
    assert steps
    assert (tmp_path / "log.jsonl").read_text("utf-8").count("\n") == 1
    assert cv2.imread(str(tmp_path / "curves.png")) is not None
    recipe.teach(lesson, ask, started, out=tmp_path, minutes=0.005, rate=recipe.RATE, seed=0, sizes=small)
    assert started.step == steps


def test_the_rate_warms_up_and_ends_at_nothing() -> None:
    rates = [loop.rate_at(share, peak=recipe.RATE) for share in np.linspace(0, 1, 101)]
    assert max(rates) == pytest.approx(recipe.RATE, rel=0.01)
    assert rates.index(max(rates)) == pytest.approx(100 * loop.WARM_UP, abs=1)
    assert rates[0] < 1e-5
    assert rates[-1] < 1e-5


def test_photos_held_out_are_never_shop_pictures_and_know_themselves() -> None:
    hat, shop = Photo(Path("a"), "clothing", "hat", "a", {}), Photo(Path("b"), "grocery", "1", "b", {})
    photos = [hat] * 50 + [replace(shop, is_shop_picture=True)] * 50
    assert not held_out(photos, 0.0, seed=0).any()
    held = held_out(photos, 0.5, seed=0)
    assert 10 < held[:50].sum() < 40
    assert not held[50:].any()
    scores = score_held_out(EncoderNetwork(), [*np.zeros((100, 8, 8, 3), np.uint8)], photos, held)
    assert {task: score.value for task, score in scores.items()} == {"clothing": 1.0}
    assert not score_held_out(EncoderNetwork(), [*np.zeros((100, 8, 8, 3), np.uint8)], photos, np.zeros(100, np.bool_))


def test_a_batch_is_of_products_their_like_and_blends(lesson: Lesson, some_batches: list[recipe.Batch]) -> None:
    batch = some_batches[0]
    assert batch.pixels.shape == (recipe.BATCH, 32, 32, 3)
    assert batch.features.shape == (recipe.BATCH, teacher.DIM)
    rows = batch.rows.numpy()
    assert len(rows) == len(batch.colors) == 2 * recipe.PRODUCTS
    photos = [lesson.photos[row] for row in rows.tolist()]
    assert [photo.product for photo in photos[::2]] == [photo.product for photo in photos[1::2]]
    firsts = [recipe.kind_of(photo) for photo in photos[: 2 * recipe.GROUPS : 2]]
    like = [recipe.kind_of(photo) for photo in photos[2 * (recipe.PRODUCTS - 3 * recipe.GROUPS) :: 2]]
    assert like == [kind for kind in firsts for _ in range(recipe.ALIKE - 1)]


def test_what_is_held_out_is_never_drawn(lesson: Lesson) -> None:
    held = np.arange(200) % 2 == 0
    chances = np.where(held, 0.0, lesson.chances)
    aside = replace(lesson, chances=chances / chances.sum(), held=held)
    assert not held[recipe.Drawer(aside, ask).draw(np.random.default_rng(0), size=32).rows.numpy()].any()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 24), st.integers(1, 24), st.integers(0, 99))
def test_views_lie_on_their_square(left: int, top: int, width: int, height: int, seed: int) -> None:
    inner = np.array([left, top, left + width, top + height], np.int32)
    box = random_box(inner, SIDE, np.random.default_rng(seed))
    assert (box[:2] >= 0).all()
    assert (box[:2] + box[2] <= SIDE + 1e-3).all()
    assert box[2] >= 0.5 * 0.85 * max(width, height) - 1e-3


def test_a_view_has_the_side_that_was_asked_for() -> None:
    square = np.zeros((SIDE, SIDE, 3), np.uint8)
    seen = view(square, np.array([0, 0, SIDE], np.float32), size=48, rng=np.random.default_rng(0))
    assert (seen.shape, seen.dtype) == ((48, 48, 3), np.uint8)


def test_blends_lie_between_what_they_are_of() -> None:
    views = np.stack([np.full((4, 4, 3), 40, np.uint8), np.full((4, 4, 3), 200, np.uint8)])
    blends = blended(views, 64, np.random.default_rng(0))
    assert (blends.shape, blends.dtype) == ((64, 4, 4, 3), np.uint8)
    assert blends.min() >= 40
    assert blends.max() <= 200
    assert len(np.unique(blends)) > 10
    assert blended(views, 0, np.random.default_rng(0)).shape[0] == 0


def test_weights_with_a_zero_point_are_asked_as_whole_numbers() -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is in the train extra")
    ops, rng = openvino.opset13, np.random.default_rng(0)
    stored = rng.integers(0, 256, (5, 3, 2, 2), np.uint8)
    picture = ops.parameter([1, teacher.INPUT, teacher.INPUT, 3], np.uint8)
    floats = ops.multiply(
        ops.subtract(ops.convert(ops.constant(stored), "f32"), ops.constant(np.float32(120))),
        ops.constant(np.float32(0.01)),
    )
    turned = ops.transpose(ops.convert(picture, "f32"), ops.constant(np.array([0, 3, 1, 2])))
    seen = ops.convolution(turned, floats, [2, 2], [0, 0], [0, 0], [1, 1])
    pool = ops.avg_pool(seen, [112, 112], [0, 0], [0, 0], [112, 112], exclude_pad=True)
    network = teacher.pooled(openvino.Model([ops.relu(pool).output(0)], [picture]))
    views = rng.integers(0, 256, (teacher.BATCH, teacher.INPUT, teacher.INPUT, 3), np.uint8)
    said = openvino.Core().compile_model(network, "CPU")(views)[0].reshape(teacher.BATCH, 5)
    means = views.reshape(-1, 112, 2, 112, 2, 3).mean((1, 3))
    expected = np.einsum("nyxc,ocyx->no", means, (stored.astype(np.float64) - 120) * 0.01)
    np.testing.assert_allclose(said, expected, rtol=0.02, atol=1.0)


@pytest.mark.skipif(not settings.teacher_folder().is_dir(), reason="no teachers: CATALENS_TEACHERS names no folder")
def test_teachers_know_a_view_again() -> None:
    pytest.importorskip("openvino", reason="openvino is in the train extra")
    views = np.random.default_rng(0).integers(0, 256, (9, 7, 7, 3), np.uint8).repeat(32, axis=1).repeat(32, axis=2)
    asked = teacher.Teachers(settings.teacher_folder(), views, threads=1)
    said, paler = asked(views), asked(np.asarray(views * 0.9, np.uint8))
    assert said.shape == (9, teacher.DIM)
    np.testing.assert_allclose(np.linalg.norm(said, axis=1), 1, atol=1e-3)
    assert (said @ paler.T).argmax(1).tolist() == list(range(9))


def write_sets(data: Path) -> None:
    """One tiny photo in each set."""
    kiwi = {"title": "Kiwi", "category": "Kiwi", "department": "Fruit"}
    bag = {"category": "bag", "style": "bag", "title": "Red Bag"}
    tables = {
        ("clothing", "train.csv"): {"id": "1", "image": "a.png", "category": "hat"},
        ("grocery", "train.csv"): {"id": "1", "image": "a.png", "product_id": "7"},
        ("grocery", "products.csv"): {"id": "7", "image": "a.png", **kiwi},
        ("retail", "products.csv"): {"id": "1", "image": "a.png", **bag},
        ("streetstyle", "photos.csv"): {"id": "1", "image": "a.png", "tags": "coat|hat"},
    }
    for (name, table), row in tables.items():
        (data / name).mkdir(exist_ok=True)
        cv2.imwrite(str(data / name / "a.png"), np.zeros((10, 20, 3), np.uint8))
        with (data / name / table).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerow(row)


def test_photos_are_listed_with_their_labels_and_squared_on_white(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="clothing"):
        training_photos(tmp_path)
    write_sets(tmp_path)
    photos = training_photos(tmp_path)
    assert [(p.task, p.label, p.is_shop_picture) for p in photos] == [
        ("clothing", "hat", False),
        ("grocery", "7", True),
        ("grocery", "7", False),
        ("retail", "bag", False),
        ("street", "1", False),
    ]
    assert photos[-1].tags == {"coat", "hat"}
    assert [dict(photo.facts) for photo in photos[1:4]] == [
        {"kind": {"kiwi", "fruit", "food"}},
        {"kind": {"kiwi", "fruit", "food"}},
        {"kind": {"bag"}, "color": {"red"}},
    ]
    squares, inner = squared(photos, side=20)
    assert inner.tolist() == [[0, 5, 20, 15]] * 5
    assert (squares[:, :5] == 255).all()
    assert (squares[:, 5:15] == 0).all()


def test_without_photos_or_teachers_the_recipe_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--out", str(tmp_path / "out"), "--data", str(tmp_path), "--teachers", str(tmp_path), "--threads", "1"]
    assert recipe.main(given) == NotFoundError.exit_code
    assert "no photo set" in capsys.readouterr().err
    with pytest.raises(NotFoundError, match="no teacher"):
        teacher.Teachers(tmp_path, np.zeros((1, 224, 224, 3), np.uint8), threads=1)


def test_a_run_begins_with_an_encoder_by_name(lesson: Lesson) -> None:
    begun = recipe.Learner(lesson, seed=0, device="cpu").run()
    assert "random numbers" in recipe.begin(begun, None, np.zeros((0, 8, 8, 3), np.uint8))
    views = np.stack([cv2.resize(square, (224, 224)) for square in lesson.squares[:16]])
    assert DEFAULT_ENCODER in recipe.begin(begun, Path(DEFAULT_ENCODER), np.asarray(views, np.uint8))
    said = encoder().encode_images(list(views))
    with torch.no_grad():
        pictures = torch.from_numpy(np.stack([PREPROCESS.apply(one)[0] for one in views]))
        learned = torch.nn.functional.normalize(recipe.averaged(begun)[0].eval()(pictures)).numpy()
    assert (said * learned).sum(1).min() > 0.98  # in 8 bits
    with pytest.raises(CatalensError):
        recipe.begin(begun, Path("no-such-run"), views)


@pytest.mark.parametrize("dims", [(4, 0), (4, 6), (8, 6)], ids=["no looks", "looks are new", "more room"])
def test_a_network_takes_over_what_a_smaller_one_learned(dims: tuple[int, int]) -> None:
    small = EncoderNetwork(widths=(8, 8), blocks=(1, 1), dim=4, look_dim=0)
    dim, look_dim = dims
    network = EncoderNetwork(widths=(8, 8), blocks=(1, 1), dim=dim, look_dim=look_dim)
    inherit(network, small.state_dict())
    x = torch.rand(2, 3, 32, 32)
    network.eval(), small.eval()
    assert torch.equal(network.parts(x)[0][:, :4], small.parts(x)[0])


@pytest.mark.parametrize(
    ("dims", "shares"),
    [((6, 5), SHARES), ((6, 0), (2 / 3, 1 / 3)), ((0, 5), (2 / 3, 1 / 3)), ((0, 0), (1.0,))],
    ids=["all", "no colors", "no looks", "kinds alone"],
)
def test_regions_average_to_the_vector_and_each_part_has_its_share(
    dims: tuple[int, int], shares: tuple[float, ...]
) -> None:
    look_dim, color_dim = dims
    network = EncoderNetwork(widths=(8, 8), blocks=(1, 1), dim=4, look_dim=look_dim, color_dim=color_dim).eval()
    x = torch.rand(3, 3, 32, 32)
    vectors = network(x)
    torch.testing.assert_close(network.regions(x).mean((2, 3)), vectors)
    parts = vectors.split([one for one in (4, look_dim, color_dim) if one], 1)
    for part, share in zip(parts, shares, strict=True):
        torch.testing.assert_close(part.square().sum(1), torch.full((3,), share))
    places, looks, colors = network.parts(x)
    torch.testing.assert_close(joined(places.mean((2, 3)), looks, colors), vectors)
