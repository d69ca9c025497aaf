"""`train augment`, `label next`, `label curve`, `train search`: thin clients that print data and write files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import NotFoundError, UsageError
from catalens.images.read import read_image
from catalens.tasks.classifier_folder import load_classifier
from catalens.tasks.embed import encoder
from tests.fakes import write_photo
from tests.test_encoder_contract import tiny_card


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos of each of two labels, in a folder each."""
    data = tmp_path_factory.mktemp("photos")
    for place, label in enumerate(("flat", "wide")):
        for number in range(12):
            write_photo(data / label / f"{number}.png", seed=100 * place + number, size=(40, 24 + 60 * place))
    return data


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_augment_says_and_shows(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, sheet = folder / "flat" / "0.png", tmp_path / "sheet.png"
    words = run("train", "augment", photo, "--policy", "shop", "--show", sheet, "-n", "2")
    assert words.startswith("shop: studio photos")
    assert read_image(sheet).shape[2] == 3
    assert json.loads(run("train", "augment", photo, "--policy", "none", "--json"))["steps"] == []
    monkeypatch.chdir(tmp_path)
    run("train", "augment", photo, "--show", "-n", "2")
    assert (tmp_path / f"{Path(photo).stem}-phone.png").is_file()
    with pytest.raises(UsageError, match="wild"):
        run("train", "augment", photo, "--policy", "wild")
    with pytest.raises(NotFoundError):
        run("train", "augment", "missing.jpg")


def test_label_next_without_and_with_a_model(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    first, page, model = tmp_path / "first.csv", tmp_path / "next.html", tmp_path / "model"
    assert len(run("label", "next", "--data", folder, "-n", "3", "--out", first).splitlines()) == 3
    assert first.read_text("utf-8").startswith("path,label,why,predicted,score")
    run("train", "search", "--data", folder, "--trials", "1", "--out", model)
    found = json.loads(run("label", "next", "--data", folder, "--model", model, "-n", "3", "--out", page, "--json"))
    assert found["strategy"] == "mixed"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    for labelled in (page, first):
        labelled.write_text(f"path,label\n{folder / 'flat' / '0.png'},flat\n", "utf-8")
        with pytest.raises(UsageError, match=r"what is read|filled in"):
            run("label", "next", "--data", folder, "--labelled", page, "--out", labelled)
    with pytest.raises(UsageError, match="needs a classifier"):
        run("label", "next", "--data", folder, "--strategy", "margin")
    with pytest.raises(UsageError, match="no strategy called 'luck'"):
        run("label", "next", "--data", folder, "--strategy", "luck")
    with pytest.raises(NotFoundError):
        run("label", "next", "--data", tmp_path / "nothing")


def test_label_curve(folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "curve.html"
    found = json.loads(run("label", "curve", "--data", folder, "--draws", "1", "--save", report, "--json"))
    assert [point["photos_per_label"] for point in found["curves"][0]["points"]] == [2, 5, 8]  # of 12 a label
    assert "<svg" in report.read_text("utf-8")
    with pytest.raises(UsageError, match="tree"):
        run("label", "curve", "--data", folder, "--heads", "softmax,tree")


def test_train_search_writes_a_classifier(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    model = tmp_path / "mine"
    found = json.loads(
        run("train", "search", "--data", folder, "--trials", "2", "--policies", "none", "--out", model, "--json")
    )
    assert len(found["trials"]) == 2
    answer = json.loads(run("photo", "classify", folder / "wide" / "0.png", "--model", model, "--json"))
    assert "wide" in json.dumps(answer)
    (tmp_path / "own").mkdir()
    own = tiny_card(tmp_path / "own")
    run("train", "search", "--data", folder, "--trials", "1", "--encoder", own, "--out", model)
    assert load_classifier(model).encoder.name == encoder(own).name
