"""A folder of photos at work: several at a time, what fails named, what is there left alone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from catalens.cli.main import app
from catalens.errors import NotFoundError, StorageError, UsageError
from catalens.images.draw import save_image
from catalens.tasks.cutout import Cutter
from catalens.tasks.faces import MIN_SCORE, blur_faces
from tests.painted import painted


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.png", "a.jpg", "deep/b.png"):
        save_image(folder / name, painted((80, 60), ("bag", (10, 10, 50, 60))))
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize(("command", "suffix"), [("cutout", ".png"), ("blur-faces", ".jpg")])
def test_a_folder_goes_on_where_it_was_stopped(photos: Path, tmp_path: Path, command: str, suffix: str) -> None:
    out = tmp_path / "out"
    found = CliRunner().invoke(app, [command, str(photos), str(out)])
    assert found.exit_code == 4
    assert "broken.jpg" in found.stderr
    made = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*"))
    assert made == sorted([f"a{suffix}", f"a.png{suffix}", f"deep/b{suffix}"])
    (out / f"a{suffix}").write_bytes(b"mine")
    (out / f"deep/b{suffix}").unlink()
    (photos / "z.jpg").symlink_to(photos / "nowhere.jpg")
    again = CliRunner().invoke(app, [command, str(photos), str(out)])
    assert again.exit_code == 4
    assert re.search(r"^1 .*, 2 there already, 2 failed$", again.stderr, re.MULTILINE)
    assert "z.jpg" in again.stderr
    assert (out / f"a{suffix}").read_bytes() == b"mine"
    assert np.asarray(Image.open(out / f"deep/b{suffix}")).shape[:2] == (80, 60)


@pytest.mark.parametrize("command", ["cutout", "blur-faces"])
def test_a_folder_cannot_be_written_to_a_file(photos: Path, command: str) -> None:
    found = CliRunner().invoke(app, [command, str(photos), str(photos / "broken.jpg")])
    assert isinstance(found.exception, UsageError)
    assert (photos / "broken.jpg").read_bytes() == b"no picture"


@pytest.mark.parametrize(
    "words",
    [
        ("cutout", "PHOTO", "PHOTO", "--background", "white"),
        ("cutout", "other.png", "PHOTO", "--background", "PHOTO"),
        ("blur-faces", "PHOTO", "PHOTO"),
        ("detect", "PHOTO", "--save", "PHOTO"),
        ("segment", "PHOTO", "--save", "PHOTO"),
        ("explain", "PHOTO", "--model", "mine", "--save", "PHOTO"),
        ("augment", "PHOTO", "--show", "PHOTO"),
        ("search", "PHOTO", "--save", "PHOTO"),
        ("enhance", "PHOTO", "PHOTO"),
        ("scene", "PHOTO", "studio", "PHOTO"),
        ("scene", "other.png", "PHOTO", "PHOTO"),
        ("tryon", "PHOTO", "other.png", "PHOTO"),
        ("tryon", "other.png", "PHOTO", "PHOTO"),
    ],
    ids=" ".join,
)
def test_originals_are_never_overwritten(photos: Path, words: tuple[str, ...]) -> None:
    photo = photos / "deep" / ".." / "a.png"
    before = photo.read_bytes()
    found = CliRunner().invoke(app, [str(photo) if word == "PHOTO" else word for word in words])
    assert isinstance(found.exception, UsageError)
    assert "never overwritten" in str(found.exception)
    assert photo.read_bytes() == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


@pytest.mark.parametrize("command", ["cutout", "blur-faces"])
def test_a_folder_is_not_written_to_itself(photos: Path, command: str) -> None:
    """Else the photos' own names are "there already", and faces that should be hidden are not."""
    before = contents(photos)
    found = CliRunner().invoke(app, [command, str(photos), str(photos / "deep" / "..")])
    assert isinstance(found.exception, UsageError)
    assert "never overwritten" in str(found.exception)
    assert contents(photos) == before


@pytest.mark.parametrize("command", ["cutout", "blur-faces"])
def test_what_was_written_inside_a_folder_is_no_photo_of_it(photos: Path, command: str) -> None:
    words = [command, str(photos), str(photos / "out")]
    CliRunner().invoke(app, words)
    once = contents(photos)
    again = CliRunner().invoke(app, words)
    assert re.search(r"^0 .*, 3 there already, 1 failed$", again.stderr, re.MULTILINE)
    assert contents(photos) == once


@pytest.mark.parametrize("command", ["cutout", "blur-faces"])
def test_a_file_where_a_folder_has_to_be_is_named(photos: Path, tmp_path: Path, command: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "deep").write_bytes(b"mine")
    found = CliRunner().invoke(app, [command, str(photos), str(out)])
    assert isinstance(found.exception, StorageError)
    assert str(out / "deep") in str(found.exception)


def test_faces_are_found_as_the_figures_of_the_docs_say() -> None:
    photo = get_command(app).commands["photo"]  # type: ignore[attr-defined]
    (option,) = [one for one in photo.commands["blur-faces"].params if one.name == "min_score"]
    assert option.default == MIN_SCORE
    with pytest.raises(UsageError, match="min_score is 3"):
        blur_faces(np.zeros((9, 9, 3), np.uint8), min_score=3)


@pytest.mark.parametrize("more", [("--tiles", "4"), ("--labels", "bag")], ids=" ".join)
def test_what_proposals_know_nothing_of_is_refused(photos: Path, more: tuple[str, str]) -> None:
    found = CliRunner().invoke(app, ["photo", "detect", str(photos / "a.png"), "--proposals", "rpn", *more])
    assert isinstance(found.exception, UsageError)


def test_proposals_are_those_of_the_detector_that_is_named(photos: Path) -> None:
    found = CliRunner().invoke(
        app, ["photo", "detect", str(photos / "a.png"), "--proposals", "rpn", "--model", "nowhere"]
    )
    assert isinstance(found.exception, NotFoundError)


def test_hidden_files_are_no_photos_and_a_photo_is_named_once(photos: Path, tmp_path: Path) -> None:
    (photos / "._a.jpg").write_bytes(b"what another system leaves beside each photo")
    found = CliRunner().invoke(app, ["cutout", str(photos), str(tmp_path / "out")])
    assert "._a.jpg" not in found.stderr
    assert found.stderr.count("broken.jpg") == 1


@pytest.mark.parametrize(("confidence", "code", "said"), [(0.9, 0, False), (0.3, 4, True)])
def test_a_doubtful_outline_is_written_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confidence: float, code: int, said: bool
) -> None:
    monkeypatch.setattr(Cutter, "confidence", lambda *_: confidence)
    (tmp_path / "in").mkdir()
    save_image(tmp_path / "in" / "a.png", painted((80, 60), ("bag", (10, 10, 50, 60))))
    found = CliRunner().invoke(app, ["cutout", str(tmp_path / "in"), str(tmp_path / "out")])
    assert found.exit_code == code
    assert ("a.png: outline doubtful (confidence 0.30" in found.stderr) == said
    assert ("1 doubtful" in found.stderr) == said
    one = CliRunner().invoke(app, ["cutout", str(tmp_path / "in" / "a.png"), str(tmp_path / "b.png")])
    assert one.exit_code == 0
    assert ("outline doubtful" in one.stderr) == said
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(("plain", "said"), [(True, False), (False, True)])
def test_several_products_before_an_uneven_ground_are_said_to_be_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: bool, said: bool
) -> None:
    """A pair of shoes on white is in two parts, too: that is no doubt."""
    alpha = np.zeros((60, 80), np.float32)
    alpha[20:40, 10:30], alpha[20:40, 50:70] = 1, 1
    monkeypatch.setattr(Cutter, "confidence", lambda *_: 0.9)
    monkeypatch.setattr(Cutter, "alpha", lambda *_: alpha)
    image = np.full((60, 80, 3), 255, np.uint8)
    if not plain:
        image[:] = np.random.default_rng(0).integers(0, 255, (60, 80, 3))
    image[alpha > 0] = (160, 30, 40)
    (tmp_path / "in").mkdir()
    save_image(tmp_path / "in" / "a.png", image)
    found = CliRunner().invoke(app, ["cutout", str(tmp_path / "in"), str(tmp_path / "out")])
    assert ("several products? 2 separate parts" in found.stderr) == said
    assert found.exit_code == (4 if said else 0)
    save_image(tmp_path / "ground.png", np.full((120, 160, 3), 180, np.uint8))
    staged = CliRunner().invoke(
        app, ["photo", "scene", str(tmp_path / "in" / "a.png"), str(tmp_path / "ground.png"), str(tmp_path / "c.png")]
    )
    assert staged.exit_code == 0
    assert ("several products? 2 separate parts" in staged.stderr) == said
