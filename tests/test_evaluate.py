"""Runs, reports, comparisons, leaks; and `catalens evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from catalens.catalog import Catalog
from catalens.cli.main import app
from catalens.errors import CatalensError, FeedError, NotFoundError, UsageError
from catalens.evaluation.classifiers import classifier_run
from catalens.evaluation.compare import compare
from catalens.evaluation.compare_report import comparison_html, comparison_markdown
from catalens.evaluation.leaks import near_duplicates, perceptual_hash
from catalens.evaluation.report import report_html, report_json, report_markdown, save_report, worst
from catalens.evaluation.runs import Item, Run, read_run
from catalens.evaluation.search_data import evaluate_catalog, evaluate_tables
from catalens.evaluation.searches import rank, search_run
from catalens.learning.classifier import train_classifier
from catalens.learning.classifier_evaluation import cross_validated, evaluate_classifier
from catalens.learning.labelled import read_labelled
from catalens.tasks.classifier_folder import save_classifier
from catalens.tasks.embed import encoder
from tests.fakes import FakeEncoder, make_products, write_photo
from tests.test_classify import PAINTS, card, model, walls, write_wall

__all__ = ["card", "model", "walls"]  # fixtures of the classifier


def run_of(values: list[float], *, task: str = "classifier") -> Run:
    names = [f"p{number}.jpg" for number in range(len(values))]
    items = tuple(Item(name, value, ("a",), ("b",), 0.5) for name, value in zip(names, values, strict=True))
    return Run(task, "accuracy", {"model": "m"}, {}, items)


def write_others(folder: Path) -> Path:
    for n in range(4):
        write_photo(folder / "others" / "ab"[n % 2] / f"{n}.png", seed=100 + n)
    return folder / "others"


def some_run(**given: Any) -> Run:
    likely = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.55, 0.45]], np.float32)
    names = ["<b>.jpg", "b.jpg", "c.jpg", "d.jpg"]
    right = ["hat", "hat", "coat", "shoe"]
    about = {"model": "m|1", "data": "four"}
    return classifier_run(names=names, right=right, likely=likely, classes=("hat", "coat"), about=about, **given)


def test_a_classifier_run_keeps_strangers_apart() -> None:
    run = some_run(threshold=0.58, leaked=[0])
    assert run.figures["accuracy"].value == pytest.approx(1 / 3)
    assert run.figures["accuracy"].n == 3
    assert run.figures["accuracy without photos of the training set"].value == 0.0
    assert run.figures["unknown photos accepted as known"].value == 0.0
    assert run.figures["its own that pass as known"].value == 1.0
    assert run.details["strangers"] == 1
    assert run.figures["AUROC of unknown"].n == 4
    assert "top-5" not in run.figures  # of two labels
    assert "mean of the photos" in report_markdown(run)
    assert "mean of the labels" in report_html(run)
    assert run.notes == ("1 photos have labels that the model does not have, and count as unknown: shoe 1",)
    assert [item.name for item in worst(run.items)] == ["b.jpg", "c.jpg"]
    far = some_run(threshold=0.58, nearness=np.array([1, 1, 0.9, 0.1], np.float32))
    assert far.figures["its own that pass as known"].value == pytest.approx(2 / 3)  # 0.6 * 0.9 does not
    assert far.figures["accuracy"] == run.figures["accuracy"]
    assert far.details["calibration_error"] == run.details["calibration_error"]
    with pytest.raises(UsageError, match="none of 1 photos"):
        classifier_run(names=["a"], right=["x"], likely=np.ones((1, 1), np.float32), classes=("y",), about={})


def test_reports_say_the_figures_and_escape_names(tmp_path: Path) -> None:
    run = some_run()
    page = report_html(run)
    assert "<b>.jpg" not in page
    assert "0.333" in page
    assert "<script" not in page
    text = report_markdown(run)
    assert "| accuracy | 0.333 |" in text
    assert "m\\|1" in text
    for ending in (".html", ".md", ".json"):
        save_report(run, tmp_path / f"r{ending}")
    again = read_run(tmp_path / "r.json")
    assert [item.name for item in again.items] == [item.name for item in run.items]
    assert dict(again.about) == dict(run.about)
    assert report_json(again) == report_json(run)
    with pytest.raises(UsageError):
        save_report(run, tmp_path / "r.pdf")


def test_a_report_tells_which_labels_are_confused_however_many_there_are() -> None:
    classes = [f"label {number:03}" for number in range(141)]
    likely = np.eye(141, dtype=np.float32)[[1, 1, 1, 2, 4]]
    right = ["label 000", "label 000", "label 001", "label 003", "label 004"]
    run = classifier_run(names=[f"{n}/1.jpg" for n in range(5)], right=right, likely=likely, classes=classes, about={})
    page, text = report_html(run), report_markdown(run)
    assert "<tr><td>label 000</td><td>label 001</td><td>2 of 2</td></tr>" in page
    assert text.index("| label 000 | label 001 | 2 | 2 |") < text.index("| label 003 | label 002 | 1 | 1 |")
    assert (
        "<tr><td>label 140</td><td>-</td><td>-</td><td>-</td><td>0</td></tr>" in page
    )  # no photo: not measured, not 0
    assert "| label 140 | - | - | - | 0 |" in text
    assert "0/1.jpg" in page
    assert "Rows are what the photos show" not in page
    assert "Most often confused" not in report_html(run_of([1.0]))


def test_a_search_report_marks_what_was_right_and_begins_with_what_found_nothing() -> None:
    found = [["x", "a"], ["x", "y"], ["a"]]
    run = search_run(names=["one", "two", "a/b"], found=found, wanted=[{"a"}, {"a"}, {"x"}], about={})
    assert [item.name for item in worst(run.items)] == ["a/b", "two", "one"]
    page = report_html(run)
    assert 'found: <span class="bad">x</span>, <span class="good">a</span>' in page
    assert 'found: <span class="bad">x</span>, <span class="quiet">y</span>' in page
    assert "asked: a/b<" in page


def test_a_comparison_shows_what_changed() -> None:
    names = ("old.json", "new.json")
    nothing = comparison_html(compare(run_of([1.0]), run_of([1.0])), names)
    assert "Right only in" not in nothing
    found = compare(run_of([1, 1, 0, 0, 1]), run_of([1, 0, 1, 1, 1]))
    page, text = comparison_html(found, names), comparison_markdown(found, names)
    assert page.index("Right only in new.json</h2><p>2 of 2") < page.index("Right only in old.json</h2><p>1 of 1")
    assert page.count('<div class="mistake">') == 3
    assert text.splitlines()[0] == "# old.json and new.json"
    assert len(found.to_dict()["changed"]) == 3  # type: ignore[arg-type]
    graded = compare(run_of([0.1, 0.5, 0.9]), run_of([0.2, 0.9, 0.8]))
    assert [round(other.value - one.value, 6) for one, other in graded.changed] == [0.4, 0.1, -0.1]
    assert "Better in new.json" in comparison_html(graded, names)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 99}', '{"version": 1}', "\x00"])
def test_files_that_are_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "r.json").write_text(content, "utf-8")
    with pytest.raises(UsageError):
        read_run(tmp_path / "r.json")
    with pytest.raises(NotFoundError):
        read_run(tmp_path / "nothing.json")


def test_mcnemars_exact_test_by_hand() -> None:
    found = compare(run_of([1, 1, 0, 0, 0, 0, 0]), run_of([1, 1, 1, 1, 1, 1, 1]))
    assert (found.only_first, found.only_second) == (0, 5)
    assert found.p_value == pytest.approx(2 * 0.5**5)
    assert found.difference.value == pytest.approx(5 / 7)
    same = compare(run_of([1, 0]), run_of([1, 0]))
    assert (same.p_value, same.difference.value) == (1.0, 0.0)


def test_a_difference_that_never_is_has_none_in_its_interval() -> None:
    same = compare(run_of([1, 1, 1]), run_of([1, 1, 1]))
    assert (same.difference.value, same.difference.low, same.difference.high) == (0, 0, 0)
    assert same.first.low == pytest.approx(0.025 ** (1 / 3))
    better = compare(run_of([0, 0, 0]), run_of([1, 1, 1])).difference
    assert (better.value, better.high) == (1, 1)
    assert better.low < 1


def test_graded_items_go_through_permutations() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(60) * 0.5
    better = compare(run_of(base.tolist()), run_of((base + 0.2).tolist()))
    assert better.p_value < 0.001
    assert "permutation" in better.test
    assert compare(run_of([0.1, 0.5]), run_of([0.5, 0.1])).p_value == 1.0


def test_queries_of_one_product_are_turned_together() -> None:
    def run(values: list[float]) -> Run:
        items = [Item(f"q{n}", value, ("a",), (), group="one") for n, value in enumerate(values)]
        return Run("search", "hit@1", {}, {}, (*items, Item("other", 1.0, ("b",), ())))

    # Six photos of one product got right say no more than one: the two ways to turn two groups are equally far.
    found = compare(run([0.0] * 6), run([1.0] * 6))
    assert found.p_value == 1.0
    assert found.test == "paired permutation of 2 groups, 10000 draws"
    assert not found.is_graded
    assert (found.difference.low, found.difference.high) == (0, 1)


def test_a_photo_that_was_labelled_anew_is_no_pair() -> None:
    first = run_of([1, 1])
    second = Run("classifier", "accuracy", {}, {}, (first.items[0], Item("p1.jpg", 1.0, ("z",), ("z",))))
    found = compare(first, second)
    assert (found.first.n, found.left_out) == (1, 1)


def test_runs_over_data_that_lies_elsewhere_are_compared(model: Path, tmp_path: Path) -> None:
    for name, paint in PAINTS.items():
        write_wall(tmp_path / "here" / name / "0.png", paint, seed=9000)
    runs = []
    for folder in ("here", "there"):
        (tmp_path / folder).exists() or (tmp_path / "here").rename(tmp_path / folder)
        run = evaluate_classifier(model, read_labelled(tmp_path / folder), data=tmp_path / folder).run
        save_report(run, tmp_path / f"{folder}.json")
        runs.append(read_run(tmp_path / f"{folder}.json"))
    assert [item.name for item in runs[0].items] == [f"{name}/0.png" for name in sorted(PAINTS)]
    assert compare(*runs).left_out == 0


def test_runs_that_cannot_be_compared() -> None:
    with pytest.raises(UsageError):
        compare(run_of([1.0]), run_of([1.0], task="search"))
    with pytest.raises(UsageError):
        compare(run_of([]), run_of([1.0]))
    assert compare(run_of([1.0]), run_of([1.0, 0.0])).left_out == 1


def test_leaks_are_found_though_recompressed(tmp_path: Path) -> None:
    for seed in range(6):
        blots = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"{seed}.png"), cv2.resize(blots, (120, 100), interpolation=cv2.INTER_CUBIC))
    first = cv2.imread(str(tmp_path / "3.png"))
    assert first is not None
    cv2.imwrite(str(tmp_path / "copy.jpg"), cv2.resize(first, None, fx=0.7, fy=0.7), [cv2.IMWRITE_JPEG_QUALITY, 60])
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    train = [tmp_path / f"{seed}.png" for seed in range(6)]
    assert near_duplicates([tmp_path / "broken.jpg", tmp_path / "copy.jpg"], train) == [(1, 3)]
    assert near_duplicates([], train) == near_duplicates(train, []) == []


def test_a_query_is_no_answer_to_itself_and_ties_go_by_id() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert rank(vectors, vectors, ["b", "a", "c"], own=["b", "a", None]) == [["a", "c"], ["b", "c"], ["c", "a", "b"]]
    assert rank(vectors[:0], vectors, ["b", "a", "c"], own=[]) == []


def test_queries_without_right_answers_are_left_out_and_told() -> None:
    run = search_run(names=["q", "r"], found=[["a"], ["b"]], wanted=[{"a"}, set()], about={})
    assert run.figures["hit@1"].n == 1
    assert "1 queries" in run.notes[0]
    with pytest.raises(UsageError):
        search_run(names=["q"], found=[["a"]], wanted=[set()], about={})


def test_a_catalog_is_asked_with_words(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 5))
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"Thing 3": {"sku-3": 1}, "Thing 1": {"sku-1": 1, "gone": 1}}), "utf-8")
    run = evaluate_catalog(tmp_path / "shop", queries=None, truth=truth)
    assert run.figures["hit@1"].value == 1.0
    assert "gone" in run.notes[0]
    table = tmp_path / "queries.csv"
    table.write_text("words,sku\nThing 2,sku-2\n", "utf-8")
    assert evaluate_catalog(tmp_path / "shop", queries=table, truth=None).figures["MRR"].value == 1.0


def test_a_catalog_is_asked_with_photos(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 5))
    write_photo(tmp_path / "new.png", seed=77)
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    rows = ["photos/2.png,sku-2", "new.png,sku-1", "gone.jpg,sku-1", "broken.jpg,sku-1", " ,sku-1"]
    (tmp_path / "asked.csv").write_text("\n".join(["image,sku", *rows]), "utf-8")
    run = evaluate_catalog(tmp_path / "shop", queries=tmp_path / "asked.csv", truth=None, encoder=FakeEncoder())
    assert [item.name for item in run.items] == ["photos/2.png", "new.png"]
    assert run.items[0].value == 1.0
    assert run.notes == (
        "2 photos could not be read: gone.jpg, broken.jpg",
        "1 queries look like a picture of the catalog, and find it",
    )


def test_right_answers_that_are_no_skus_are_named(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()) as shop:
        shop.add(make_products(tmp_path / "photos", 3))
    (tmp_path / "asked.csv").write_text("words,kind\nThing 2,dress\n", "utf-8")
    with pytest.raises(UsageError, match=r"dress.*--same"):
        evaluate_catalog(tmp_path / "shop", queries=tmp_path / "asked.csv", truth=None, same="kind")


def test_photos_that_share_a_sku_are_told_apart(tmp_path: Path) -> None:
    for n in range(4):
        write_photo(tmp_path / f"{n}.png", seed=n // 2, size=(40, 30 + n % 2))  # two views of each of two products
    (tmp_path / "t.csv").write_text("image;sku\n" + "".join(f"{n}.png;s{n // 2}\n" for n in range(4)), "utf-8")
    run = evaluate_tables(tmp_path / "t.csv", tmp_path / "t.csv", same="sku", encoder=FakeEncoder())
    assert [item.wanted for item in run.items] == [("1.png",), ("0.png",), ("3.png",), ("2.png",)]
    assert max(one.high for one in run.figures.values()) <= 1.0


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("truth", "[]", FeedError),
        ("truth", "{}", UsageError),
        ("truth", "no json", FeedError),
        ("queries", "a,b\n1,2\n", UsageError),
        ("queries", "", UsageError),
    ],
)
def test_questions_that_make_no_sense(tmp_path: Path, name: str, content: str, error: type[CatalensError]) -> None:
    path = tmp_path / "file"
    path.write_text(content, "utf-8")
    with Catalog.open(tmp_path / "shop", encoder=FakeEncoder()):
        pass
    given: dict[str, Any] = {"queries": None, "truth": None, name: path}
    with pytest.raises(error):
        evaluate_catalog(tmp_path / "shop", **given)
    with pytest.raises(UsageError):
        evaluate_catalog(tmp_path / "shop", queries=None, truth=None)


def run_command(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_from_the_command_line(walls: Path, model: Path, card: str, tmp_path: Path) -> None:
    for name, paint in PAINTS.items():
        for seed in range(3):
            write_wall(tmp_path / "new" / name / f"{seed}.png", paint, seed=7000 + seed)
    write_wall(tmp_path / "new" / "yellow" / "0.png", (240, 220, 30), seed=1)
    words: list[str | Path] = ["evaluate", "classifier", "--data", tmp_path / "new"]
    result = run_command(*words, "--model", model, "--save", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    assert "accuracy: 1.000" in result.stdout
    result = run_command(*words, "--head", "knn", "--encoder", card, "--save", tmp_path / "b.html", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["task"] == "classifier"
    assert (tmp_path / "b.html").read_text("utf-8").startswith("<!doctype html>")
    both = [tmp_path / "a.json", tmp_path / "a.json"]
    result = run_command("evaluate", "compare", *both, "--save", tmp_path / "c.html")
    assert "p = 1.0000" in result.stdout
    assert "p = 1.0000" in (tmp_path / "c.html").read_text("utf-8")
    result = run_command("evaluate", "compare", *both, "--save", tmp_path / "a.json")
    assert isinstance(result.exception, UsageError)  # a run is not written over
    lines = ["image,paint", *(f"{path},{path.parent.name}" for path in sorted((tmp_path / "new").rglob("*.png")))]
    (tmp_path / "t.csv").write_text("\n".join(lines), "utf-8")
    result = run_command("evaluate", "search", "--data", tmp_path / "t.csv", "--same", "paint", "--encoder", card)
    assert "hit@1: 1.000" in result.stdout, result.output


def test_all_photos_that_it_learned_from_are_told_though_they_are_gone(card: str, tmp_path: Path) -> None:
    for n in range(40):
        write_photo(tmp_path / "old" / "ab"[n % 2] / f"{n}.png", seed=n)
    read = read_labelled(tmp_path / "old")
    report = train_classifier(read, name="m", head="knn", encoder=encoder(card), encoder_name=card, test_share=0.1)
    model = save_classifier(report.classifier, tmp_path / "model")
    (tmp_path / "old").rename(tmp_path / "new")
    found = evaluate_classifier(model, read_labelled(tmp_path / "new"), data=tmp_path / "new")
    assert len(found.leaks) == 40 - report.held_out == 36
    assert found.run.figures["accuracy without photos of the training set"].n == 4
    assert found.run.about["leak check"] == "against 36 training photos, 36 found"
    assert not evaluate_classifier(model, read_labelled(write_others(tmp_path)), data=tmp_path).leaks


def test_a_photo_twice_is_a_leak_of_cross_validation(card: str, tmp_path: Path) -> None:
    for n in range(8):
        write_photo(tmp_path / "ab"[n % 2] / f"{n}.png", seed=n)
    (tmp_path / "a" / "again.png").write_bytes((tmp_path / "a" / "0.png").read_bytes())
    found = cross_validated(read_labelled(tmp_path), data=tmp_path, head="knn", encoder=card)
    assert found.leaks == ((str(tmp_path / "a" / "0.png"), str(tmp_path / "a" / "again.png")),)
    assert found.run.figures["accuracy without photos of the training set"].n == 7


def test_photos_that_cross_validation_leaves_out_are_told(card: str, tmp_path: Path) -> None:
    for n in range(8):
        write_photo(tmp_path / "ab"[n % 2] / f"{n}.png", seed=n)
    write_photo(tmp_path / "alone" / "1.png", seed=9)
    (tmp_path / "a" / "broken.png").write_bytes(b"no picture")
    found = cross_validated(read_labelled(tmp_path), data=tmp_path, head="knn", encoder=card)
    assert found.run.notes == ("a label needs two photos to be measured; those with fewer were left out: alone",)
    assert found.run.about["data"] == f"8 photos of {tmp_path.name}; 1 more could not be used"
    assert "those with fewer were left out: alone" in report_html(found.run)


@pytest.mark.parametrize(
    "words",
    [
        ("search",),
        ("search", "--data", "a.csv", "--queries", "b.csv"),
        ("search", "--data", "nothing.csv"),
        ("classifier", "--data", "nothing"),
        ("compare", "a.json", "b.json"),
    ],
)
def test_commands_that_make_no_sense(words: tuple[str, ...]) -> None:
    result = run_command("evaluate", *words)
    assert isinstance(result.exception, CatalensError | SystemExit)
    assert result.exit_code != 0


@pytest.mark.parametrize("words", [("evaluate", "classifier"), ("evaluate", "search"), ("label", "curve")])
@pytest.mark.parametrize(("report", "error"), [("x.pdf", UsageError), ("gone/x.html", NotFoundError)])
def test_a_report_that_cannot_be_written_is_told_before_the_work(
    words: tuple[str, ...], report: str, error: type[CatalensError]
) -> None:
    result = run_command(*words, "--data", "no-data-either", "--save", report)
    assert isinstance(result.exception, error)
    assert "report" in str(result.exception)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (1, [181, 200, 244, 204, 116, 252, 158, 254]),
        (2, [145, 144, 208, 152, 216, 205, 207, 231]),
        (3, [227, 224, 224, 224, 181, 31, 79, 224]),
    ],
)
def test_perceptual_hashes_are_those_of_opencv(step: int, expected: list[int]) -> None:
    """What `cv2.img_hash.PHash` of OpenCV 5.0 gave, so that hashes kept by earlier versions stay comparable."""
    y, x = np.mgrid[0:48, 0:64]
    assert perceptual_hash(((x * step * 3 + y * y // step) % 256).astype(np.uint8)).tolist() == expected
