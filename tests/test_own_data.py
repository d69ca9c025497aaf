"""A detector and a parser from label files of one's own: they train, ship, answer, and name what they could not use."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import UsageError
from catalens.models.zoo import DEFAULT_ENCODER, find_card
from catalens.tasks.segment import Parser
from catalens.tasks.two_stage import TwoStageDetector
from tests.painted import PAINT, painted

pytest.importorskip("torch", reason="torch is in the train extra")

from catalens.learning.regions import train as own_data
from recipes import detector as detector_recipe
from recipes import parser as parser_recipe


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten photos of a bag with boxes and label maps; small networks' worth of time."""
    monkeypatch.setattr(detector_recipe, "BATCH", 2)
    monkeypatch.setattr(detector_recipe, "SIZE", (64, 64))
    monkeypatch.setattr(parser_recipe, "BATCH", 2)
    monkeypatch.setattr(parser_recipe, "SIZE", (64, 64))
    (tmp_path / "photos").mkdir()
    (tmp_path / "maps").mkdir()
    rows, images = [], []
    for number in range(10):
        box = (5 + number, 10, 45 + number, 50)
        image = painted((64, 80), ("bag", box))
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), image[..., ::-1])
        labels = (image == PAINT["bag"]).all(2).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "maps" / f"{number}.png"), labels)
        images.append({"id": number, "file_name": f"{number}.png"})
        rows.append({"image_id": number, "category_id": 1, "bbox": [box[0], 10, 40, 40]})
    rows.append({"image_id": 77, "category_id": 1, "bbox": [0, 0, 1, 1]})
    table = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "bag"}]}
    (tmp_path / "coco.json").write_text(json.dumps(table))
    return tmp_path


def test_a_detector_of_ones_own(labelled: Path) -> None:
    out = labelled / "bags"
    found = own_data.train_detector(labelled / "coco.json", photos=labelled / "photos", out=out, minutes=0.02)
    assert set(found.figures) == {"AP", "AP50"}
    assert "no image has the id 77" in str(found.failed[0])
    detector = TwoStageDetector(find_card(str(out)))
    assert detector.labels == ("bag",)
    assert find_card(DEFAULT_ENCODER).training["data"] in find_card(str(out)).training["start"]
    assert detector(painted((64, 80), ("bag", (10, 10, 50, 50)))).size == (64, 80)
    again = own_data.train_detector(
        labelled / "coco.json", photos=labelled / "photos", out=out, minutes=0.02, resume=True
    )
    assert again.photos == found.photos


def test_a_parser_of_ones_own(labelled: Path) -> None:
    out = labelled / "parts"
    (labelled / "maps" / "alone.png").write_bytes((labelled / "maps" / "1.png").read_bytes())
    command = ["train", "segmenter", "--data", str(labelled / "maps"), "--photos", str(labelled / "photos"),
               "--labels", "background,bag", "--out", str(out), "--minutes", "0.02", "--json"]  # fmt: skip
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [one["what"] for one in told["failed"]] == ["alone.png"]
    assert Parser(find_card(str(out))).names == ("background", "bag")
    photo = str(labelled / "photos" / "1.png")
    assert CliRunner().invoke(app, ["photo", "segment", photo, "--model", str(out)]).exit_code == 0


@pytest.mark.parametrize("kept", [0, 3])
def test_too_little_to_learn_from(labelled: Path, kept: int) -> None:
    table = json.loads((labelled / "coco.json").read_text())
    table["annotations"] = table["annotations"][:kept]
    table["images"] = table["images"][: max(kept, 1)]
    (labelled / "few.json").write_text(json.dumps(table))
    with pytest.raises(UsageError, match="no box on a photo" if not kept else "3 photos can be used"):
        own_data.train_detector(labelled / "few.json", photos=labelled / "photos", out=labelled / "x", minutes=0.01)
