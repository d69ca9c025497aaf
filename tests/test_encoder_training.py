"""The encoder's recipe on a handful of random pictures: it learns, goes on where it was, and ships what it learned."""

from __future__ import annotations

import copy
import csv
import itertools
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import dctn
from sklearn.decomposition import PCA

pytest.importorskip("torch", reason="torch is in the train extra")
pytest.importorskip("onnx", reason="onnx is in the train extra")

import torch

from catalens import settings
from catalens.errors import CatalensError, NotFoundError
from catalens.learning.networks import loop
from catalens.learning.networks.encoder import (
    COLOR_DIM,
    FINER,
    POWER,
    SHARES,
    WAVES,
    EncoderNetwork,
    Layout,
    inherit,
)
from catalens.learning.networks.export import PREPROCESS
from catalens.models.card import read_card
from catalens.models.text import text_batch
from catalens.models.zoo import DEFAULT_ENCODER
from catalens.tasks.embed import OnnxEncoder, encoder
from recipes import encoder as recipe
from recipes import teacher
from recipes.facts import kinds
from recipes.heldout import held_out, score_held_out
from recipes.lesson import Lesson, sampling_weights
from recipes.packed import pack, unpacked
from recipes.photos import Photo, squared, training_photos
from recipes.plans import ALIKE, GROUPED, Planner, kind_of, plans
from recipes.teacher_network import TeacherNetwork
from recipes.towers import TextNetwork, export_towers, joined
from recipes.views import Chance, Squares, blended, random_boxes, resized, views

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


PRODUCTS = 48
CPU = torch.device("cpu")


def ask(views: torch.Tensor) -> torch.Tensor:
    """A teacher that knows views by their mean color."""
    features = torch.zeros(len(views), teacher.DIM)
    features[:, :3] = views.mean((2, 3)) + 1
    return torch.nn.functional.normalize(features)


def drawer_of(lesson: Lesson) -> recipe.Drawer:
    return recipe.Drawer(Squares(lesson.squares, lesson.inner, device=CPU), ask, seed=0)


def planner_of(lesson: Lesson) -> Planner:
    return Planner(lesson.photos, lesson.chances, products=PRODUCTS)


@pytest.fixture(scope="module")
def some_batches(lesson: Lesson) -> list[recipe.Batch]:
    drawer, rng = drawer_of(lesson), np.random.default_rng(0)
    return [drawer.draw(planner_of(lesson).plan(rng), size=32) for _ in range(STEPS + 1)]


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
    assert not torch.equal(first["pictures.trunk.0.weight"], run.network.state_dict()["pictures.trunk.0.weight"])


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
    network = recipe.finish(run, lesson, seed=0)
    words = cast(TextNetwork, run.average.network.get_submodule("words"))
    known = ("dress", "coat", "连衣裙")
    export_towers(
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
    drawer, planned = drawer_of(lesson), plans(planner_of(lesson), seed=0)
    recipe.teach(planned, drawer, started, out=tmp_path, minutes=0.005, rate=recipe.RATE, sizes=small)
    steps = started.step
    assert steps
    assert (tmp_path / "log.jsonl").read_text("utf-8").count("\n") == 1
    assert cv2.imread(str(tmp_path / "curves.png")) is not None
    recipe.teach(planned, drawer, started, out=tmp_path, minutes=0.005, rate=recipe.RATE, sizes=small)
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
    count = round(PRODUCTS * (2 + recipe.BLENDS))
    assert batch.pixels.shape == (count, 3, 32, 32)
    assert batch.features.shape == (count, teacher.DIM)
    rows = batch.rows.numpy()
    assert len(rows) == 2 * PRODUCTS
    groups = PRODUCTS // GROUPED
    photos = [lesson.photos[row] for row in rows.tolist()]
    assert [photo.product for photo in photos[::2]] == [photo.product for photo in photos[1::2]]
    firsts = [kind_of(photo) for photo in photos[: 2 * groups : 2]]
    like = [kind_of(photo) for photo in photos[2 * (PRODUCTS - 3 * groups) :: 2]]
    assert like == [kind for kind in firsts for _ in range(ALIKE - 1)]


def test_what_is_held_out_is_never_drawn(lesson: Lesson) -> None:
    held = np.arange(200) % 2 == 0
    chances = np.where(held, 0.0, lesson.chances)
    aside = replace(lesson, chances=chances / chances.sum(), held=held)
    assert not held[planner_of(aside).plan(np.random.default_rng(0)).rows].any()


def test_plans_are_made_alike_by_processes_of_their_own(lesson: Lesson) -> None:
    here, beside = (next(plans(planner_of(lesson), seed=3, processes=count)) for count in (0, 1))
    assert here.rows.shape == beside.rows.shape == here.whole.shape == (2 * PRODUCTS,)
    assert here.truth.shape == (len(here.grams), 2 * PRODUCTS)
    assert set(np.unique(here.truth[~np.isnan(here.truth)])) == {0.0, 1.0}


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 24), st.integers(1, 24), st.integers(0, 99))
def test_views_lie_on_their_square(left: int, top: int, width: int, height: int, seed: int) -> None:
    inner = torch.tensor([[left, top, left + width, top + height]] * 3, dtype=torch.float32)
    boxes = random_boxes(inner, torch.full((3,), float(SIDE)), Chance(seed, device=CPU))
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= SIDE + 1e-3).all()
    assert (boxes[:, 2] >= 0.5 * 0.85 * max(width, height) - 1e-3).all()


def test_a_square_is_seen_where_it_is_and_white_beside_it() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (side, side, 3), np.uint8) for side in (16, 32, 16)]
    squares = Squares(pictures, np.zeros((3, 4), np.int32), device=CPU)
    rows = torch.tensor([2, 1, 0])
    whole = torch.eye(2, 3)[None].repeat(3, 1, 1)
    for row, seen in zip(rows.tolist(), squares.warped(rows, whole, size=32), strict=True):
        expected = torch.from_numpy(pictures[row]).permute(2, 0, 1)[None].float()
        expected = torch.nn.functional.interpolate(expected, (32, 32), mode="bilinear")
        inside = slice(1, -1)  # at the edge half of a pixel lies beyond
        torch.testing.assert_close(seen[:, inside, inside], expected[0, :, inside, inside], atol=0.01, rtol=0)
    far = whole.clone()
    far[:, :, 2] = 5.0
    assert (squares.warped(rows, far, size=8) == 255).all()


def test_views_have_the_side_that_was_asked_for_and_pixels_that_may_be() -> None:
    squares = Squares([np.zeros((SIDE, SIDE, 3), np.uint8)] * 2, np.zeros((2, 4), np.int32), device=CPU)
    boxes = torch.tensor([[0.0, 0.0, SIDE], [10.0, 20.0, 30.0]])
    for seed in range(5):
        seen = views(squares, torch.tensor([0, 1]), boxes, Chance(seed, device=CPU), size=64)
        assert seen.shape == (2, 3, 64, 64)
        assert seen.min() >= 0
        assert seen.max() <= 255
        assert resized(seen, 48).shape == (2, 3, 48, 48)


def test_blends_lie_between_what_they_are_of() -> None:
    seen = torch.stack([torch.full((3, 4, 4), 40.0), torch.full((3, 4, 4), 200.0)])
    blends = blended(seen, 64, Chance(0, device=CPU))
    assert blends.shape == (64, 3, 4, 4)
    assert blends.min() >= 40
    assert blends.max() <= 200
    assert len(np.unique(blends.numpy())) > 10
    assert len(blended(seen, 0, Chance(0, device=CPU))) == 0


def test_a_packed_lesson_is_the_lesson(lesson: Lesson, tmp_path: Path) -> None:
    grey = [np.full((side, side, 3), side, np.uint8) for side in (40, 64)] * 100
    pack(replace(lesson, squares=grey), tmp_path / "lesson.npz")
    again = unpacked(tmp_path / "lesson.npz")
    assert again.photos == lesson.photos
    for name in ("inner", "chances", "held"):
        np.testing.assert_array_equal(getattr(again, name), getattr(lesson, name))
    for mine, theirs in zip(again.squares, grey, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2)  # WebP keeps nearly all of it
    with pytest.raises(NotFoundError, match="no lesson"):
        unpacked(tmp_path / "none.npz")


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
    seen = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (9, 3, 7, 7))).float()
    seen = seen.repeat_interleave(32, 2).repeat_interleave(32, 3)
    asked = teacher.Teachers(settings.teacher_folder(), seen, threads=1)
    said, paler = asked(seen), asked(seen * 0.9)
    assert said.shape == (9, teacher.DIM)
    torch.testing.assert_close(said.norm(dim=1), torch.ones(9))
    assert (said @ paler.T).argmax(1).tolist() == list(range(9))


@pytest.mark.skipif(not settings.teacher_folder().is_dir(), reason="no teachers: CATALENS_TEACHERS names no folder")
@pytest.mark.skipif(not settings.data_folder().is_dir(), reason="no photos: CATALENS_DATA names no folder")
def test_teachers_say_the_same_in_floats_for_other_devices() -> None:
    pytest.importorskip("openvino", reason="openvino is in the train extra")
    paths = sorted((settings.data_folder() / "retail").rglob("*.jpg"))[::6]
    pixels, _ = squared([Photo(path, "retail", "", "", {}) for path in paths])
    seen = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    said = teacher.Teachers(settings.teacher_folder(), seen, threads=1)(seen)
    for file, half in zip(teacher.FILES, torch.split(said, teacher.DIM // 2, 1), strict=True):
        features = TeacherNetwork(settings.teacher_folder() / file)(seen)
        assert torch.nn.functional.cosine_similarity(features - features.mean(0), half).mean() > 0.95


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
        teacher.Teachers(tmp_path, torch.zeros(1, 3, 224, 224), threads=1)


def test_a_run_begins_with_an_encoder_by_name(lesson: Lesson) -> None:
    begun = recipe.Learner(lesson, seed=0, device="cpu").run()
    assert "random numbers" in recipe.begin(begun, None, torch.zeros(0, 3, 8, 8))
    seen = np.stack([np.asarray(cv2.resize(square, (224, 224)), np.uint8) for square in lesson.squares[:16]])
    given = torch.from_numpy(seen).permute(0, 3, 1, 2).float()
    assert DEFAULT_ENCODER in recipe.begin(begun, Path(DEFAULT_ENCODER), given)
    said = encoder().encode_images(list(seen))
    with torch.no_grad():
        pictures = torch.from_numpy(np.stack([PREPROCESS.apply(one)[0] for one in seen]))
        network = begun.average.network.get_submodule("pictures").eval()
        learned = torch.nn.functional.normalize(network(pictures)).numpy()
    assert (said * learned).sum(1).min() > 0.98  # in 8 bits
    with pytest.raises(CatalensError):
        recipe.begin(begun, Path("no-such-run"), given)


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
    [((6, 5), SHARES), ((6, 0), (0.7 / 0.82, 0.12 / 0.82)), ((0, 5), (0.7 / 0.88, 0.18 / 0.88)), ((0, 0), (1.0,))],
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


def test_what_a_picture_is_are_the_principal_directions_along_each_wave() -> None:
    torch.manual_seed(0)
    dim = 24
    network = EncoderNetwork(widths=(8, 12, 13), blocks=(1, 1, 1), dim=dim, look_dim=0, color_dim=0).eval()
    x = torch.rand(60, 3, 128, 96) * 4 - 2
    network.fit(torch.split(x, 16))
    shown = []
    with torch.no_grad():
        _, middle, last = _stages(network, x)
        finer = middle.reshape(60, 12, 8, 2, 6, 2).mean((3, 5))
        for places, share in ((last, 1 - FINER), (finer, FINER)):
            weaker = places.numpy().astype(np.float64) ** POWER
            length = np.sqrt((weaker**2).sum(1).mean((1, 2)))[:, None, None, None]
            shown.append(weaker / length * share**0.5)
        kinds = network.parts(x)[0].mean((2, 3)).numpy()
    transformed = dctn(np.concatenate(shown, axis=1), axes=(2, 3), norm="ortho") / 48**0.5
    start = 0
    for (down, across), count in WAVES.items():
        rows = dim - sum(one * dim // sum(WAVES.values()) for one in WAVES.values()) if not start else 0
        rows += count * dim // sum(WAVES.values())
        if not rows:
            continue
        expected = PCA(rows, svd_solver="full").fit_transform(transformed[:, :, down, across])
        np.testing.assert_allclose(np.abs(kinds[:, start : start + rows]), np.abs(expected), atol=2e-3)
        start += rows
    assert start == dim


def test_where_things_are_is_told_and_whether_they_are_mirrored_is_not() -> None:
    torch.manual_seed(0)
    layout = Layout(3, 30)
    layout.fit([torch.rand(80, 3, 7, 7)])
    places = torch.zeros(4, 3, 7, 7)
    places[0, 0, :3], places[1, 0, 4:] = 1.0, 1.0  # above, below
    places[2, 0, :, :3], places[3, 0, :, 4:] = 1.0, 1.0  # left, right
    with torch.no_grad():
        above, below, left, right = layout(places).mean((2, 3))
    torch.testing.assert_close(left, right)
    assert (above - below).norm() > 0.1


def _stages(network: EncoderNetwork, x: torch.Tensor) -> list[torch.Tensor]:
    """What each stage sees; a stage begins with a convolution of its own."""
    found: list[torch.Tensor] = []
    for layer in network.trunk:
        if isinstance(layer, torch.nn.Conv2d):
            found.append(x)
        x = layer(x)
    return [*found[1:], x]


def test_each_batch_is_learned_from_some_times_and_later(some_batches: list[recipe.Batch]) -> None:
    fresh = [replace(some_batches[0], rows=torch.tensor([number])) for number in range(100)]
    pixels = some_batches[0].pixels
    given, turned = [], 0
    for batch in recipe.again(iter(fresh), seed=0):
        given.append(int(batch.rows))
        turned += torch.equal(batch.pixels, pixels.flip(3))
        assert torch.equal(batch.pixels, pixels) or torch.equal(batch.pixels, pixels.flip(3))
    assert 0.3 < turned / (len(given) - len(fresh)) < 0.7
    counts = np.bincount(given, minlength=100)
    assert counts.max() == recipe.TIMES
    assert counts.sum() == 100 * recipe.TIMES - recipe.KEPT  # the rest still waits
    assert list(dict.fromkeys(given)) == list(range(100))


@pytest.mark.parametrize("made", [[], [1], [*range(20)], [None, 2]], ids=["none", "one", "many", "none among them"])
def test_what_is_made_ahead_comes_in_order(made: list[int | None]) -> None:
    assert list(loop.prefetched(iter(made))) == made


def test_what_fails_ahead_fails_here() -> None:
    ahead = loop.prefetched(1 // number for number in (1, 0))
    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError):
        next(ahead)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_batches_made_beside_are_those_made_in_turn(some_batches: list[recipe.Batch]) -> None:
    device = torch.device("cuda")
    there = [recipe.Batch(*(tensor.to(device) for tensor in vars(batch).values())) for batch in some_batches]
    given = list(itertools.islice(recipe.beside(iter(there), device), len(there)))
    assert all(torch.equal(mine.pixels, its.pixels) for mine, its in zip(given, there, strict=True))
