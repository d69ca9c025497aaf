"""Pairs from the layouts of others, files that are missing, and the table that is made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import catalens.tasks.tryon
from catalens.cli.main import app
from catalens.errors import FeedError, ImageError, NotFoundError, UsageError
from catalens.evaluation.ssim import ssim
from catalens.evaluation.tryon_data import Pair, read_pairs
from catalens.evaluation.tryon_table import tryon_table
from catalens.images.draw import save_image
from catalens.types import ImageArray, Worn
from tests.fakes import FakeEncoder


def photo(path: Path, level: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_image(path, np.full((64, 48, 3), level, np.uint8))
    return path


@pytest.fixture
def viton(tmp_path: Path) -> Path:
    for n in range(6):
        photo(tmp_path / "test" / "image" / f"{n}.jpg", 90 + 10 * n)
        photo(tmp_path / "test" / "cloth" / f"{n}.jpg", 30 + 20 * n)
    (tmp_path / "test_pairs.txt").write_text("".join(f"{n}.jpg {(n + 1) % 6}.jpg\n" for n in range(6)) + "\n", "utf-8")
    return tmp_path


@pytest.fixture
def dresscode(tmp_path: Path) -> Path:
    for category in ("upper_body", "dresses"):
        for n in range(2):
            photo(tmp_path / category / "images" / f"{n}_0.jpg")
            photo(tmp_path / category / "images" / f"{n}_1.jpg")
        lines = {"paired": "0_0.jpg\t0_1.jpg\n1_0.jpg\t1_1.jpg\n", "unpaired": "0_0.jpg\t1_1.jpg\n"}
        for setting, text in lines.items():
            (tmp_path / category / f"test_pairs_{setting}.txt").write_text(text, "utf-8")
    return tmp_path


# Reading


@pytest.mark.parametrize(("setting", "garment"), [("paired", "2.jpg"), ("unpaired", "3.jpg")])
def test_viton_hd(viton: Path, setting: str, garment: str) -> None:
    found = read_pairs(viton, layout="viton-hd", setting=setting)  # type: ignore[arg-type]
    assert len(found.pairs) == 6
    assert not found.failed
    one = found.pairs[2]
    assert (one.person.name, one.garment.name, one.kind) == ("2.jpg", garment, "top")
    assert one.truth == (one.person if setting == "paired" else None)


@pytest.mark.parametrize(("setting", "count"), [("paired", 4), ("unpaired", 2)])
def test_dresscode(dresscode: Path, setting: str, count: int) -> None:
    found = read_pairs(dresscode, layout="dresscode", setting=setting)  # type: ignore[arg-type]
    assert len(found.pairs) == count
    assert {one.kind for one in found.pairs} == {"top", "dress"}
    alone = read_pairs(dresscode / "dresses", layout="dresscode", setting=setting)  # type: ignore[arg-type]
    assert {one.kind for one in alone.pairs} == {"dress"}


def test_what_is_missing_is_named_and_nothing_else_is_lost(viton: Path, dresscode: Path) -> None:
    (viton / "test" / "cloth" / "3.jpg").unlink()
    found = read_pairs(viton, layout="viton-hd")
    assert len(found.pairs) == 5
    assert [one.what for one in found.failed] == ["3.jpg"]
    (dresscode / "dresses" / "test_pairs_paired.txt").unlink()
    found = read_pairs(dresscode, layout="dresscode")
    assert {one.kind for one in found.pairs} == {"top"}
    assert "the list is missing" in str(found.failed[0])


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    for name in ("p.jpg", "g.jpg", "t.jpg"):
        photo(tmp_path / name)
    rows = ["person,garment,kind,truth", "p.jpg,g.jpg,skirt,t.jpg", "p.jpg,g.jpg,hat,t.jpg", "p.jpg,g.jpg,,"]
    (tmp_path / "pairs.csv").write_text("\n".join(rows), "utf-8")
    paired = read_pairs(tmp_path, layout="street")
    assert paired.pairs == (Pair(tmp_path / "p.jpg", tmp_path / "g.jpg", "skirt", tmp_path / "t.jpg"),)
    assert [one.why for one in paired.failed] == ["no such kind", "no truth"]
    unpaired = read_pairs(tmp_path, layout="street", setting="unpaired")
    assert [one.kind for one in unpaired.pairs] == ["skirt", "auto"]


@pytest.mark.parametrize(
    ("files", "layout", "error", "words"),
    [
        ({}, "viton-hd", NotFoundError, "no list"),
        ({}, "dresscode", NotFoundError, "no test_pairs_paired.txt"),
        ({}, "street", NotFoundError, "no table"),
        ({}, "viton", UsageError, "layout 'viton'"),
        ({"test_pairs.txt": b"\xff\xfe\xff"}, "viton-hd", FeedError, "is no text"),
        ({"pairs.csv": b"a,b\n"}, "street", FeedError, "no column 'garment'"),
        ({"pairs.csv": b"\xff\xff,\xff\n"}, "street", FeedError, "is no CSV"),
    ],
)
def test_folders_that_cannot_be_used(
    files: dict[str, bytes], layout: str, error: type[Exception], words: str, tmp_path: Path
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(error, match=words):
        read_pairs(tmp_path, layout=layout)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="no folder"):
        read_pairs(tmp_path / "none", layout="viton-hd")


# The table


def same(person: ImageArray, garment: ImageArray, kind: str) -> Worn:
    """The person as they are: what a perfect network gives where everybody wears their own garment."""
    del garment
    return Worn(person.copy(), np.zeros(person.shape[:2], bool), (), kind)


def test_ssim_of_equal_pictures_is_one_and_of_others_less() -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is in the dev extra")
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 40, 30, 3), np.uint8)
    assert ssim(a, a).mean() == pytest.approx(1)
    theirs = metrics.structural_similarity(
        a, b, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )[1]
    np.testing.assert_allclose(ssim(a, b)[8:-8, 8:-8], theirs.mean(2)[8:-8, 8:-8], atol=1e-3)


def test_a_perfect_network_scores_so(viton: Path) -> None:
    pairs = read_pairs(viton, layout="viton-hd").pairs
    table = tryon_table(pairs, same, encoder=FakeEncoder(), setting="paired", resolution=(64, 48))
    assert table.ssim is not None
    assert table.perceptual is not None
    assert table.generation is not None
    assert table.ssim.value == pytest.approx(1)
    assert table.perceptual.value == pytest.approx(0, abs=1e-6)
    assert table.generation.fid == pytest.approx(0, abs=1e-4)
    said = "\n".join(table.lines())
    for words in (
        "resolution",
        "64x48",
        "repaint",
        "yes",
        "FID resize",
        "KID scale",
        "SSIM",
        FakeEncoder().name,
        "note: FID",
    ):
        assert words in said


def test_what_is_refused_is_named_and_few_pictures_have_no_distribution(viton: Path) -> None:
    def choosy(person: ImageArray, garment: ImageArray, kind: str) -> Worn:
        if garment.mean() > 60:
            raise ImageError("no person was found", cure="give another photo")
        image = person.copy()
        image[0, 0] ^= 255  # outside the region
        return Worn(image, np.zeros(person.shape[:2], bool), (), kind)

    pairs = read_pairs(viton, layout="viton-hd", setting="unpaired").pairs
    table = tryon_table(pairs, choosy, encoder=FakeEncoder(), setting="unpaired", resolution=(64, 48))
    assert (table.ssim, table.perceptual, table.generation) == (None, None, None)
    assert 1 <= len(table.failed) <= 5
    assert table.protocol.to_dict()["repaint"] == "no"
    assert "at least 5" in "\n".join(table.lines())


@pytest.mark.parametrize(
    ("pairs", "resolution", "words"), [(0, (64, 48), "no pairs"), (1, (8, 8), "resolution is 8x8")]
)
def test_what_cannot_be_measured(pairs: int, resolution: tuple[int, int], words: str, viton: Path) -> None:
    some = read_pairs(viton, layout="viton-hd").pairs[:pairs]
    with pytest.raises(UsageError, match=words):
        tryon_table(some, same, encoder=FakeEncoder(), setting="paired", resolution=resolution)


def test_the_command(viton: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalens.tasks.tryon, "try_on", lambda person, garment, kind, **_: same(person, garment, kind))
    words = ["evaluate", "tryon", "--data", str(viton), "--layout", "viton-hd", "--resolution", "64x48", "--limit", "5"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "SSIM                 1.000" in result.stdout
    wrong = CliRunner().invoke(app, [*words[:6], "--resolution", "large"])
    assert "--resolution is 'large'" in str(wrong.exception)
