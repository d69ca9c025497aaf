"""Pictures that a network makes: the same for the same seed, through library, command and service."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.errors import ModelError, NotFoundError, UsageError
from catalens.models.zoo import DEFAULT_MATTE, find_card
from catalens.tasks.generate import Generator, generator

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a generator of 32x32 pictures that learned nothing."""
    torch = pytest.importorskip("torch", reason="torch is in the train extra")
    from catalens.learning.generator.gan import ExportedGenerator, export
    from catalens.learning.generator.network import Shape, StyleGenerator
    from catalens.learning.generator.pictures import Words

    torch.manual_seed(1)
    words = Words(("dress", "coat"), ("red", "blue"), ("plain", "striped"))
    made = ExportedGenerator(StyleGenerator(Shape(words.counts, 4, (8, 8))))
    folder = tmp_path_factory.mktemp("untaught")
    export(made, folder, name="untaught", words=words, scores=(), training={"data": "none"})
    return folder


def test_pictures_of_a_kind() -> None:
    made = catalens.generate(kind="dress", color="red", n=3, seed=7)
    assert made.shape == (3, 128, 128, 3)
    assert made.dtype == np.uint8
    assert np.array_equal(made, catalens.generate(kind="dress", color="red", n=3, seed=7))
    assert np.array_equal(made[:1], catalens.generate(kind="dress", color="red", seed=7))
    assert not np.array_equal(made, catalens.generate(kind="dress", color="red", n=3, seed=8))
    assert made[:, :8, :8].mean() > 240  # the ground is white


def test_the_color_asked_for_is_seen() -> None:
    for color, channel in (("red", 0), ("green", 1), ("blue", 2)):
        middle = catalens.generate(kind="sweater", color=color, pattern="plain", n=4, seed=1)[:, 50:80, 50:80]
        assert middle.mean((0, 1, 2)).argmax() == channel


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "dresss"}, "Did you mean dress"),
        ({"kind": ""}, "no kind"),
        ({"kind": "dress", "color": "redd"}, "Did you mean red"),
        ({"kind": "dress", "pattern": "zebra"}, "no pattern"),
        ({"kind": "dress", "n": 0}, "0 pictures"),
        ({"kind": "dress", "n": 1.5}, "1.5 pictures"),
        ({"kind": "dress", "seed": -1}, "seed is -1"),
        ({"kind": "dress", "truncation": 1.5}, "truncation"),
        ({"kind": "dress", "truncation": float("nan")}, "truncation"),
    ],
)
def test_what_cannot_be_made(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        catalens.generate(**options)  # type: ignore[arg-type]


def test_what_is_not_said_differs_and_truncation_0_does_not(untaught: Path) -> None:
    network = generator(str(untaught))
    made = network.make(kind="dress", n=12, seed=3)
    assert {words["color"] for words in made.words} == {"red", "blue"}
    assert {words["pattern"] for words in made.words} == {"plain", "striped"}
    middle = network.make(kind="coat", color="red", pattern="plain", n=3, seed=3, truncation=0)
    assert np.array_equal(middle.pictures[0], middle.pictures[2])
    assert network.make(kind="dress").seed >= 0


def test_a_walk_leads_from_one_picture_to_the_other(untaught: Path) -> None:
    network = generator(str(untaught))
    ends = network.make(kind="dress", color="red", pattern="plain", n=2, seed=5).pictures.astype(int)
    way = network.walk(kind="dress", color="red", pattern="plain", n=5, seed=5).pictures.astype(int)
    assert np.abs(way[[0, -1]] - ends).max() <= 1  # a cosine of a right angle is not quite 0
    assert np.array_equal(
        network.walk(kind="dress", color="red", pattern="plain", n=1, seed=5).pictures.astype(int)[0], way[0]
    )


def test_wrong_networks(untaught: Path) -> None:
    with pytest.raises(ModelError, match="matte"):
        Generator(find_card(DEFAULT_MATTE))
    with pytest.raises(NotFoundError):
        generator("no-such-folder")
    with pytest.raises(UsageError, match="can be dress, coat"):
        generator(str(untaught)).make(kind="sofa")


def test_the_command(untaught: Path, tmp_path: Path) -> None:
    out, sheet = tmp_path / "made", tmp_path / "sheet.png"
    asked = ["generate", "--kind", "dress", "--color", "red", "-n", "2", "--seed", "7", "--model", str(untaught)]
    result = RUNNER.invoke(app, [*asked, "--save", str(sheet), "--json", str(out)])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["seed"] == 7
    files = [Path(row["path"]) for row in found["pictures"]]
    assert [file.name for file in files] == ["dress-7-000.png", "dress-7-001.png"]
    wanted = generator(str(untaught)).make(kind="dress", color="red", n=2, seed=7).pictures
    assert all(np.array_equal(catalens.read_image(file), one) for file, one in zip(files, wanted, strict=True))
    assert catalens.read_image(sheet).shape[2] == 3
    again = RUNNER.invoke(app, [*asked, str(out)])
    assert isinstance(again.exception, UsageError)
    assert "is there already" in str(again.exception)
    assert RUNNER.invoke(app, [*asked, "--overwrite", str(out)]).exit_code == 0
    assert len(list(out.iterdir())) == 2


def test_the_service_gives_the_same_pictures(shop_folder: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from fastapi.testclient import TestClient

    from catalens.server.app import create_app
    from catalens.server.services.options import ServeOptions

    with TestClient(create_app(ServeOptions(shop_folder)), raise_server_exceptions=False) as client:
        answer = client.post("/v1/generate", json={"kind": "skirt", "color": "navy", "n": 2, "seed": 4})
        assert answer.status_code == 200, answer.text
        files = [base64.b64decode(one["image"].partition(",")[2]) for one in answer.json()["pictures"]]
        made = np.stack([catalens.read_image(file) for file in files])
        assert np.array_equal(made, catalens.generate(kind="skirt", color="navy", n=2, seed=4))
        for body, said in (
            ({}, "no kind"),
            ({"kind": "skrit"}, "skirt"),
            ({"kind": "skirt", "n": 0}, "n is 0"),
            ({"kind": "skirt", "n": 17}, "n is 17"),
        ):
            refused = client.post("/v1/generate", json=body)
            assert refused.status_code == 400, refused.text
            assert said in refused.json()["detail"]
