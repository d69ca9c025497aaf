"""Train, save, load, classify, tag, from Python and from the command line."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import catalens
from catalens import settings
from catalens.catalog import Catalog
from catalens.cli.main import app
from catalens.errors import CatalensError, ImageError, ModelError, NotFoundError, StorageError, UsageError
from catalens.evaluation.leaks import hashes
from catalens.learning.classifier import taxonomy_ids, threshold_passed_by, train_classifier
from catalens.learning.classifier_evaluation import cross_validated, evaluate_classifier
from catalens.learning.labelled import read_labelled
from catalens.learning.seen import learned_from
from catalens.learning.tagging import tag_catalog
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.tasks.classifier import Classifier, Unknown
from catalens.tasks.classifier_folder import load_classifier, save_classifier
from catalens.tasks.embed import OnnxEncoder, encoder
from catalens.tasks.zero_shot import classify_by_words
from catalens.types import FloatArray, Labels, PictureSource, Product, Where
from tests.fakes import FakeEncoder
from tests.test_encoder_contract import tiny_card
from tests.test_search import Painter

PAINTS = {"red": (200, 30, 30), "green": (30, 160, 50), "blue": (40, 60, 190), "white": (240, 240, 240)}


def write_wall(path: Path, paint: tuple[int, int, int], *, seed: int) -> Path:
    """A wall of a paint, a little uneven."""
    noise = np.random.default_rng(seed).normal(0, 12, (24, 24, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.array(paint) + noise, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight walls of each of four paints, in folders, and a file that is no photo."""
    folder = tmp_path_factory.mktemp("walls")
    for number, (name, paint) in enumerate(PAINTS.items()):
        for seed in range(8):
            write_wall(folder / name / f"{seed}.png", paint, seed=100 * number + seed)
    (folder / "red" / "broken.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_card(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def model(walls: Path, card: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = train_classifier(
        read_labelled(walls), name="paints", head="softmax", encoder=encoder(card), encoder_name=card
    )
    assert [failure.what for failure in report.skipped] == ["broken.jpg"]
    assert report.counts == dict.fromkeys(sorted(PAINTS), 8)
    assert report.held_out == 8
    assert report.accuracy is not None
    assert report.accuracy.value == 1.0
    return save_classifier(report.classifier, tmp_path_factory.mktemp("models") / "paints")


def test_a_saved_classifier_answers(model: Path, walls: Path) -> None:
    classifier = load_classifier(model)
    assert classifier.classes == tuple(sorted(PAINTS))
    photos = [walls / name / "0.png" for name in PAINTS]
    answers = classifier.classify(photos, top=2)
    assert [answer.names[0] for answer in answers] == list(PAINTS)
    assert all(len(answer.names) == 2 for answer in answers)
    assert catalens.classify(photos, model=model)[0].names[0] == "red"
    assert classifier.classify([]) == []
    assert classifier.scores[0].n == 8
    assert classifier.training["encoder"] == classifier.encoder.card.origin  # type: ignore[attr-defined]
    assert classifier.examples is not None
    assert len(classifier.examples.paths) == len(classifier.examples.vectors) == 4 * 6


def test_what_it_never_saw_is_unknown() -> None:
    labels = Labels(("a", "b"), (0.4, 0.3), unknown=True)
    assert labels.best == "unknown"
    assert labels.to_dict()["label"] == "unknown"
    assert Labels(("a",), (0.9,)).best == "a"
    assert Labels((), ()).best == "unknown"


@pytest.mark.parametrize(
    ("likely", "share", "passing"),
    [
        ([0.5], 0.05, 0),
        ([0.9] * 10, 0.05, 0),  # all alike: none may pass
        ([0.1 * n for n in range(1, 11)], 0.05, 0),  # one of ten would be a tenth
        ([0.1 * n for n in range(1, 11)], 0.3, 3),
        ([0.99 + 1e-4 * n for n in range(100)], 0.05, 5),
        ([1.0, 1.0, 0.2], 0.4, 0),
    ],
)
def test_no_more_strangers_pass_than_were_allowed(likely: list[float], share: float, passing: int) -> None:
    asked = np.array(likely, np.float32)
    assert (asked >= threshold_passed_by(asked.astype(np.float64), share)).sum() == passing


def test_a_classifier_that_could_not_be_loaded_is_not_saved(walls: Path, card: str, tmp_path: Path) -> None:
    report = train_classifier(read_labelled(walls), name="x", head="knn", encoder=encoder(card))
    with pytest.raises(UsageError, match="encoder_name"):
        save_classifier(report.classifier, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_threshold_near_one_is_the_same_when_it_is_loaded(model: Path, tmp_path: Path) -> None:
    threshold = float(np.nextafter(np.float32(1), np.float32(0)))
    classifier = replace(load_classifier(model), unknown=Unknown(threshold, 0.05, 0.9))
    assert load_classifier(save_classifier(classifier, tmp_path / "model")).unknown == classifier.unknown


def test_levels_sum_their_fine_labels(model: Path) -> None:
    classifier = load_classifier(model)
    leveled = Classifier(
        "levels",
        type(classifier.head)(
            ("x > a", "x > b", "y > c", "y"), classifier.head.head, "softmax", *np.ones((2, 1), np.float32)
        ),
        classifier.encoder,
    )
    assert leveled.levels == 2
    coarse = leveled.at_level(np.array([0.3, 0.3, 0.3, 0.1], np.float32), 1)
    assert coarse.names == ("x", "y")
    assert coarse.scores == pytest.approx((0.6, 0.4))
    strict = replace(leveled, unknown=Unknown(0.7, 0.05, 0.9), taxonomy={"y > c": 5})
    assert strict.labels_of(np.array([0.8, 0.1, 0.1, 0.0], np.float32)).best == "x > a"
    unsure = strict.labels_of(np.array([0.4, 0.5, 0.1, 0.0], np.float32), top=3)
    assert unsure.names == ("x", "x > b", "x > a")  # which kind of x nobody knows
    assert unsure.scores == pytest.approx((0.9, 0.5, 0.4))
    assert strict.labels_of(np.array([0.3, 0.2, 0.4, 0.1], np.float32)).unknown
    assert strict.labels_of(np.array([0.8, 0.1, 0.1, 0.0], np.float32), nearness=0.5).unknown  # near to nothing known
    assert strict.labels_of(np.array([0.8, 0.1, 0.1, 0.0], np.float32), nearness=0.8).best == "x"
    known = strict.labels_of(np.array([0.0, 0.1, 0.9, 0.0], np.float32), top=2).to_dict()["labels"]
    assert known == [{"name": "y > c", "score": 0.9, "taxonomy_id": 5}, {"name": "x > b", "score": 0.1}]


@pytest.mark.parametrize("damage", ["weights", "pickle", "dims", "classes", "encoder", "task", "toml", "missing"])
def test_a_damaged_classifier_is_refused(model: Path, tmp_path: Path, damage: str) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    text = (folder / "card.toml").read_text("utf-8")
    head = folder / "head.npz"
    if damage == "weights":
        head.write_bytes(head.read_bytes() + b"x")
    elif damage == "pickle":
        import hashlib

        old = hashlib.sha256(head.read_bytes()).hexdigest()
        np.savez(head, weights=np.array([{"a": 1}], object), allow_pickle=True)
        text = text.replace(old, hashlib.sha256(head.read_bytes()).hexdigest())
    elif damage == "missing":
        head.unlink()
    changes = {
        "dims": ('"linear"', '"nearest"'),
        "classes": ('"white"]', '"white", "black"]'),
        "encoder": ("identity = ", 'identity = "other@000000000000" # '),
        "task": ('task = "classify"', 'task = "embed"'),
        "toml": ("name", "name ="),
    }
    (folder / "card.toml").write_text(text.replace(*changes.get(damage, ("", ""))), "utf-8")
    with pytest.raises((ModelError, NotFoundError)):
        load_classifier(folder)


def test_a_pickle_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelError, match="pickles are never read"):
        load_classifier(tmp_path / "model.pkl")
    with pytest.raises(ModelError, match="pickles are never read"):
        encoder(str(tmp_path / "model.pkl"))
    with pytest.raises(NotFoundError, match="train classifier"):
        load_classifier(tmp_path / "nothing")


@pytest.mark.parametrize("objects", [b"", np.array([{"a": 1}], object)], ids=["a pickle", "an array of objects"])
def test_a_pickle_with_the_right_hash_is_no_head_either(model: Path, tmp_path: Path, objects: Any) -> None:
    save_classifier(load_classifier(model), tmp_path / "m")
    head, card = tmp_path / "m" / "head.npz", tmp_path / "m" / "card.toml"
    before = hashlib.sha256(head.read_bytes()).hexdigest()
    if isinstance(objects, bytes):
        head.write_bytes(pickle.dumps({"a": 1}))
    else:
        np.savez(head, scale=objects)
    after = hashlib.sha256(head.read_bytes()).hexdigest()
    card.write_text(card.read_text("utf-8").replace(before, after), "utf-8")
    with pytest.raises(ModelError, match=r"plain arrays: pickles are never read\. Train"):
        load_classifier(tmp_path / "m")


def test_saving_never_overwrites_what_is_no_classifier(model: Path, tmp_path: Path) -> None:
    classifier = load_classifier(model)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(StorageError):
        save_classifier(classifier, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text("utf-8") == "dear"
    save_classifier(classifier, tmp_path / "new")
    save_classifier(classifier, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "new"]


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    walls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("photos were read")

    monkeypatch.setattr("catalens.learning.labelled.read_labelled", never)
    (tmp_path / "file").write_text("", "utf-8")
    for command, out in (("classifier", walls), ("search", walls), ("classifier", tmp_path / "file" / "model")):
        assert isinstance(run("train", command, "--data", walls, "--out", out).exception, StorageError)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_classifier_that_is_trained_anew_answers_at_once(walls: Path, card: str, model: Path, tmp_path: Path) -> None:
    photo, place = walls / "red" / "1.png", tmp_path / "model"
    save_classifier(load_classifier(model), place, tuned=Path(card))
    assert catalens.classify([photo], model=place)[0].names[0] == "red"
    (tmp_path / "other").mkdir()
    other = tiny_card(tmp_path / "other")
    Path(other, "card.toml").write_text(Path(other, "card.toml").read_text("utf-8").replace("0.5", "0.4"), "utf-8")
    read = read_labelled(walls)
    renamed = replace(read, labels=tuple((f"new {labels[0]}",) for labels in read.labels))
    report = train_classifier(renamed, name="x", head="softmax", encoder=encoder(other))
    save_classifier(report.classifier, place, tuned=Path(other))
    assert catalens.classify([photo], model=place)[0].names[0] == "new red"


def test_a_classifier_in_the_folder_where_one_is(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    for place in (".", tmp_path / "link"):
        save_classifier(load_classifier(model), place)
        assert load_classifier(tmp_path / "here").classes == tuple(sorted(PAINTS))


@pytest.mark.parametrize("kept", [(), ("red",), ("red", "nothing")])
def test_too_few_labels(walls: Path, card: str, tmp_path: Path, kept: tuple[str, ...]) -> None:
    for name in kept:
        (tmp_path / name).mkdir()
    if kept:
        shutil.copy(walls / "red" / "0.png", tmp_path / "red")
    with pytest.raises(UsageError):
        train_classifier(read_labelled(tmp_path), name="x", head="softmax", encoder=encoder(card))


def test_where_no_photo_can_be_read_the_first_is_named(card: str, tmp_path: Path) -> None:
    (tmp_path / "photos.csv").write_text("image,label\nbroken.jpg,hat\ngone.jpg,dress\n", "utf-8")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    photos = read_labelled(tmp_path / "photos.csv", label="label")
    with pytest.raises(UsageError, match=r"none of 2 photos .* broken\.jpg"):
        train_classifier(photos, name="x", head="softmax", encoder=encoder(card))


def test_one_photo_of_a_label_is_learned_and_told(walls: Path, card: str, tmp_path: Path) -> None:
    for name in PAINTS:
        (tmp_path / name).mkdir()
        for number in range(1 if name == "blue" else 5):
            shutil.copy(walls / name / f"{number}.png", tmp_path / name)
    report = train_classifier(read_labelled(tmp_path), name="x", head="svm", encoder=encoder(card))
    assert report.classifier.classify([walls / "blue" / "0.png"], top=1)[0].names == ("blue",)
    assert any("blue" in note for note in report.notes)


def test_photos_that_the_encoder_learned_from_are_told() -> None:
    folder = settings.data_folder() / "clothing"
    if not folder.is_dir():
        pytest.skip(f"no photos at {folder} (set CATALENS_DATA)")
    tables = (read_labelled(folder / name, label="category") for name in ("train.csv", "validation.csv"))
    known, new = (table.of([0, 200, len(table) - 1]).paths for table in tables)
    bundled = find_card(DEFAULT_ENCODER)
    assert learned_from(hashes((*known, *new)), encoder()).tolist() == [True] * 3 + [False] * 3
    again = replace(bundled, name="tuned", training={"start": f"mine@0; before: {bundled.identity}, fine-tuned"})
    assert learned_from(hashes(known), OnnxEncoder(again)).all()  # what it began with had them by heart
    assert not learned_from(hashes(known), FakeEncoder()).any()
    assert not learned_from(hashes(known), OnnxEncoder(replace(bundled, name="another"))).any()
    assert learned_from(hashes(()), encoder()).shape == (0,)


def test_several_labels_each(walls: Path, card: str, tmp_path: Path) -> None:
    lines = ["image,tags"]
    for name, tags in {"red": "warm|strong", "green": "strong", "white": "pale", "blue": "cold|strong"}.items():
        lines += [f"{walls / name / f'{number}.png'},{tags}" for number in range(8)]
    (tmp_path / "tags.csv").write_text("\n".join(lines), "utf-8")
    photos = read_labelled(tmp_path / "tags.csv", label="tags")
    report = train_classifier(photos, name="tags", head="svm-rbf", encoder=encoder(card), encoder_name=card)
    classifier = load_classifier(save_classifier(report.classifier, tmp_path / "model"))
    assert set(classifier.classify([walls / "red" / "1.png"])[0].names) == {"warm", "strong"}
    assert classifier.classify([walls / "white" / "1.png"])[0].names == ("pale",)
    strange = replace(photos, labels=(("loud",), ("loud", "warm", "strong"), *photos.labels[2:]))
    found = evaluate_classifier(tmp_path / "model", strange, data=tmp_path / "tags.csv")
    assert found.run.figures["all labels right"].value == 1.0
    assert found.run.figures["all labels right"].n == len(photos) - 1
    assert found.run.notes == ("2 labels are none of the model's, and 1 photos have no other",)
    assert "F1 without photos of the training set" in found.run.figures
    with pytest.raises(UsageError, match="several labels"):
        cross_validated(photos, data=tmp_path / "tags.csv", head="softmax", encoder=card)


def test_a_photo_with_two_labels_in_two_folders_is_told(walls: Path, card: str, tmp_path: Path) -> None:
    shutil.copytree(walls, tmp_path / "walls")
    (tmp_path / "walls" / "red" / "broken.jpg").unlink()
    shutil.copy(walls / "red" / "3.png", tmp_path / "walls" / "green" / "x.png")
    report = train_classifier(read_labelled(tmp_path / "walls"), name="x", head="knn", encoder=encoder(card))
    told = [note for note in report.notes if "look the same" in note]
    assert len(told) == 1
    assert told[0].startswith("1 pairs")
    assert f"{tmp_path / 'walls' / 'green' / 'x.png'} (green) = {tmp_path / 'walls' / 'red' / '3.png'} (red)" in told[0]


def test_ids_of_a_taxonomy() -> None:
    lines = ["# version", "1 - Apparel", "2 - Apparel > Hats", "3 - Toys > Hats", "4 - Apparel > Shoes", ""]
    assert taxonomy_ids(["shoes", "Hats", "apparel > hats", "cars"], lines) == {"shoes": 4, "apparel > hats": 2}


def test_by_words(tmp_path: Path) -> None:
    wall = write_wall(tmp_path / "wall.png", (30, 60, 200), seed=0)
    found = classify_by_words([wall], ["red", "green", "blue"], encoder=Painter(), top=2)[0]
    assert found.names[0] == "blue"
    assert len(found.names) == 2
    assert sum(found.scores) <= 1 + 1e-6
    assert classify_by_words([], ["red", "blue"], encoder=Painter()) == []


def test_a_label_of_strange_words_is_left_out_and_told(tmp_path: Path) -> None:
    wall = write_wall(tmp_path / "wall.png", (30, 60, 200), seed=0)
    found = classify_by_words([wall], ["red", "платье", "blue"], encoder=Painter())[0]
    assert found.names == ("blue", "red")
    assert found.notes == ('"платье" is not known: this label was left out',)
    assert found.to_dict()["notes"] == list(found.notes)
    result = run("photo", "classify", wall, "--labels", "dress, ,skirt,платье,")
    assert result.exit_code == 0, result.output
    assert "платье" in result.stderr
    assert "платье" not in result.stdout
    result = run("photo", "classify", wall, "--labels", "dress,платье")
    assert isinstance(result.exception, UsageError)
    assert "платье" in str(result.exception)


@pytest.mark.parametrize(
    ("labels", "network", "error"),
    [
        ([], Painter(), UsageError),
        (["red"], Painter(), UsageError),
        (["red", "red"], Painter(), UsageError),
        (["red", " "], Painter(), UsageError),
        (["red", "Red"], Painter(), UsageError),
        (["red", "qwxyz"], Painter(), UsageError),
        (["asdf", "qwxyz"], Painter(), UsageError),
        (["red", "blue"], FakeEncoder(), ModelError),
    ],
)
def test_words_that_cannot_be_chosen_from(labels: list[str], network: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        classify_by_words([], labels, encoder=network)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"images": "photo.jpg"}, NotFoundError),
        ({"images": np.zeros(30, np.uint8)}, ImageError),
        ({"images": [], "model": "m", "labels": ["a", "b"]}, UsageError),
        ({"images": [], "model": "/nowhere"}, NotFoundError),
    ],
)
def test_calls_that_make_no_sense(given: dict[str, Any], error: type[CatalensError]) -> None:
    with pytest.raises(error):
        catalens.classify(**given)


@pytest.fixture
def shop(walls: Path, tmp_path: Path) -> Catalog:
    products = [
        Product(
            sku,
            Where("feed.csv"),
            sku,
            attributes={"color": color} if color else {},
            pictures=(PictureSource(str(walls / photo), Where("feed.csv")),) if photo else (),
        )
        for sku, photo, color in (
            ("a", "red/0.png", ""),
            ("b", "blue/0.png", "purple"),
            ("c", "", ""),
            ("d", "green/0.png", ""),
        )
    ]
    catalog = Catalog.open(tmp_path / "shop", encoder=FakeEncoder())
    catalog.add(products)
    return catalog


def test_tagging_leaves_what_a_person_wrote(shop: Catalog, model: Path) -> None:
    classifier = load_classifier(model)
    report = tag_catalog(shop, classifier, field="color", only_missing=True, dry_run=True)
    assert {one.sku: one.value for one in report.tagged} == {"a": "red", "d": "green"}
    assert "color" not in shop.get("a").attributes
    report = tag_catalog(shop, classifier, field="color", only_missing=True)
    assert (len(report.tagged), report.filled, report.without_photo) == (2, 1, 1)
    assert shop.get("a").attributes["color"] == "red"
    assert shop.get("a").attributes["color_predicted_by"] == "paints"
    assert 0 < float(shop.get("a").attributes["color_probability"]) <= 1  # type: ignore[arg-type]
    assert dict(shop.get("b").attributes) == {"color": "purple"}
    again = tag_catalog(shop, classifier, field="color", only_missing=True)
    assert (len(again.tagged), again.filled) == (2, 1)
    assert tag_catalog(shop, classifier, field="color").replaced == 1
    for one in ("a", "b"):
        shop.add([replace(shop.get(one), attributes={"color": {"a": "red", "b": "green"}[one]})])
    assert tag_catalog(shop, classifier, field="color").replaced == 1  # red was red
    assert shop.get("b").attributes["color"] == "blue"
    doubting = replace(classifier, unknown=Unknown(1.1, 0.05, 0.0))
    assert tag_catalog(shop, doubting, field="color").doubtful == 3


def test_tagging_keeps_what_others_write_meanwhile(shop: Catalog, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classify = Classifier.classify

    def edit_then_classify(self: Classifier, images: list[Path], *, top: int = 5) -> list[Labels]:
        shop.add([replace(shop.get("a"), title="a new title")])
        if any(product.sku == "d" for product in shop.products()):
            shop.remove("d")
        return classify(self, images, top=top)

    monkeypatch.setattr(Classifier, "classify", edit_then_classify)
    report = tag_catalog(shop, load_classifier(model), field="color")
    assert {one.sku for one in report.tagged} == {"a", "b"}
    assert (shop.get("a").title, shop.get("a").attributes["color"]) == ("a new title", "red")
    assert [product.sku for product in shop.products()] == ["a", "b", "c"]


def test_what_a_person_has_checked_is_their_own(shop: Catalog, model: Path) -> None:
    tag_catalog(shop, load_classifier(model), field="color")
    checked = {**shop.get("a").attributes, "color": "crimson", "color_predicted_by": ""}
    shop.add([replace(shop.get("a"), attributes=checked)])
    assert tag_catalog(shop, load_classifier(model), field="color", only_missing=True).filled == 1
    assert shop.get("a").attributes["color"] == "crimson"


@pytest.mark.parametrize("field", ["", " ", "sku", "title", "pictures", "x_probability", "x_predicted_by"])
def test_fields_that_cannot_be_written(shop: Catalog, model: Path, field: str) -> None:
    with pytest.raises(UsageError):
        tag_catalog(shop, load_classifier(model), field=field)


def test_labels_are_not_written_over_numbers(shop: Catalog, model: Path) -> None:
    shop.add([replace(shop.get("a"), attributes={"price": 9.99, "sold": True})])
    for only_missing in (False, True):
        with pytest.raises(UsageError, match=r"price is a number, as in 9\.99 of a"):
            tag_catalog(shop, load_classifier(model), field="price", only_missing=only_missing)
    assert shop.get("a").attributes["price"] == 9.99
    classifier = load_classifier(model)
    sizes = tuple(str(36 + number) for number in range(len(classifier.classes)))
    sized = replace(classifier, head=replace(classifier.head, classes=sizes))
    assert tag_catalog(shop, sized, field="price", dry_run=True).tagged  # sizes are numbers and labels


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_from_the_command_line(walls: Path, card: str, shop: Catalog, tmp_path: Path) -> None:
    shop.close()
    out = tmp_path / "mine"
    result = run("train", "classifier", "--data", walls, "--out", out, "--encoder", card, "--head", "svm", "--json")
    assert result.exit_code == ImageError.exit_code, result.output  # one of them is broken, and told
    assert json.loads(result.stdout)["counts"] == dict.fromkeys(sorted(PAINTS), 8)
    result = run("photo", "classify", walls / "red" / "1.png", "--model", out, "--json")
    assert json.loads(result.stdout)[0]["labels"][0]["name"] == "red"
    result = run("photo", "classify", walls / "red" / "1.png", walls / "red" / "broken.jpg", "--model", out)
    assert result.exit_code == ImageError.exit_code
    assert "red" in result.stdout
    result = run("photo", "classify", tmp_path / "gone.jpg", walls / "red" / "1.png", "--model", out)
    assert result.exit_code == ImageError.exit_code
    assert "red" in result.stdout
    assert "gone.jpg" in result.stderr
    assert isinstance(run("photo", "classify", tmp_path / "gone.jpg", "--model", out).exception, NotFoundError)
    with Catalog.open(tmp_path / "other", encoder=card) as other:
        here = Where("t")
        other.add([Product("a", here, pictures=(PictureSource(str(walls / "red" / "1.png"), here),))])
    result = run(
        "catalog", "tag", "--catalog", tmp_path / "other", "--model", out, "--field", "paint", "--encoder", card
    )
    assert result.exit_code == 0, result.output
    result = run("catalog", "tag", "--catalog", shop.path, "--model", out, "--field", "paint", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "a: red" in result.stdout


def test_the_card_of_a_classifier_is_shown(model: Path) -> None:
    classifier = load_classifier(model)
    shown = run("models", "show", model).stdout
    assert all(said in shown for said in (*PAINTS, classifier.encoder.name, classifier.training["encoder"]))
    found = json.loads(run("models", "show", model, "--json").stdout)
    assert (found["task"], found["where"], found["scores"][0]["n"]) == ("classify", str(model), 8)


@pytest.mark.parametrize(
    "words",
    [
        ("train", "classifier", "--out", "x"),
        ("train", "classifier", "--out", "x", "--data", ".", "--head", "tree"),
        ("train", "classifier", "--out", "x", "--catalog", "shop"),
        ("tag", "--field", "a", "--model", "x", "--min-score", "2"),
    ],
)
def test_commands_that_make_no_sense(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert isinstance(result.exception, UsageError | SystemExit)


@pytest.mark.parametrize(
    "words",
    [
        ("--test-share", "2"),
        ("--test-share", "0.99"),
        ("--reject", "1"),
        ("--taxonomy", "gone.txt"),
        ("--taxonomy", "."),
    ],
)
def test_wishes_that_make_no_sense_are_told_before_the_work(
    words: tuple[str, str], walls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("photos were read")

    monkeypatch.setattr("catalens.learning.labelled.read_labelled", never)
    given = ("train", "classifier", "--data", walls, "--out", tmp_path / "m", *words)
    assert isinstance(run(*given).exception, CatalensError)


def test_tagging_makes_no_catalog(model: Path, tmp_path: Path) -> None:
    result = run("catalog", "tag", "--catalog", tmp_path / "shpo", "--model", model, "--field", "color")
    assert isinstance(result.exception, NotFoundError)
    assert not (tmp_path / "shpo").exists()


@pytest.mark.parametrize("vectors", [np.zeros((0, 4), np.float32)])
def test_no_vectors_no_answers(model: Path, vectors: FloatArray) -> None:
    assert load_classifier(model).head.probabilities(vectors).shape == (0, 4)


def test_a_classifier_is_served_by_its_folders_name(model: Path, walls: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from fastapi.testclient import TestClient

    from catalens.server.app import create_app
    from catalens.server.services.options import ServeOptions

    photo = (walls / "red" / "0.png").read_bytes()
    with TestClient(create_app(ServeOptions(tmp_path / "shop", classifiers=(model,)))) as client:

        def ask(**fields: str) -> tuple[int, dict[str, Any]]:
            answer = client.post("/v1/classify", files={"image": photo}, data=fields)
            return answer.status_code, answer.json()

        status, said = ask(model="paints", top="1")
        assert (status, said) == (200, catalens.classify([photo], model=model, top=1)[0].to_dict())
        assert said["labels"][0]["name"] == "red"
        status, problem = ask(model="other")
        assert (status, "paints" in problem["detail"]) == (404, True)
        assert ask(model="paints", labels="red,blue")[0] == 400
        own = [one for one in client.get("/v1/models").json()["data"] if one["task"] == "classify"]
        assert [(one["id"], one["labels"]) for one in own] == [("paints", sorted(PAINTS))]


def test_what_is_served_is_looked_at_first(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    for folders, error in (([tmp_path / "gone"], NotFoundError), ([model, model], UsageError)):
        given = [part for folder in folders for part in ("--classifier", str(folder))]
        found = CliRunner().invoke(app, ["serve", "--catalog", str(tmp_path / "shop"), *given])
        assert isinstance(found.exception, error)
