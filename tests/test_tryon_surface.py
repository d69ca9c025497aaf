"""Try-on as people meet it: the command and the route, over whatever network does the work."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import catalens
import catalens.cli.tryon
from catalens.cli.main import app
from catalens.errors import ImageError, UsageError
from catalens.images.draw import save_image
from catalens.images.mark import COMPOSITE, read_mark
from catalens.tasks.tryon.several import put_on
from catalens.types import ImageArray, Worn
from tests.pictures import encoded

PERSON = np.full((160, 120, 3), (200, 200, 210), np.uint8)
GARMENT = np.full((80, 60, 3), (180, 30, 40), np.uint8)


def wear(person: ImageArray, garment: ImageArray, *, kind: str = "auto", **_: object) -> Worn:
    """Paints a box in the garment's color: what the surface has to carry, and nothing more."""
    if min(person.shape[:2]) < 64:
        raise ImageError("no person was found", cure="give a photo of one")
    image, region = person.copy(), np.zeros(person.shape[:2], bool)
    region[40:100, 30:90] = True
    image[region] = garment.mean((0, 1)).astype(np.uint8)
    return Worn(image, region, ("sleeves are guessed",), "top" if kind == "auto" else kind)


@pytest.fixture(autouse=True)
def worn(monkeypatch: pytest.MonkeyPatch) -> None:
    import catalens.server.routes.tryon as route
    import catalens.tasks.tryon as task

    monkeypatch.setattr(task, "try_on", wear)
    monkeypatch.setattr(route, "try_on", wear)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    save_image(tmp_path / "person.png", PERSON)
    save_image(tmp_path / "garment.png", GARMENT)
    save_image(tmp_path / "tiny.png", PERSON[:50, :50])
    return tmp_path


# The command


@pytest.mark.parametrize(("kind", "said"), [("auto", "top"), ("dress", "dress")])
def test_the_command_writes_the_picture_with_its_mark(kind: str, said: str, photos: Path) -> None:
    out = photos / "out.png"
    words = ["tryon", str(photos / "person.png"), str(photos / "garment.png"), str(out), "--kind", kind, "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert f'"kind": "{said}"' in result.stdout
    image = catalens.read_image(out)
    assert np.array_equal(image[:40], PERSON[:40])
    assert tuple(image[60, 60]) == (180, 30, 40)
    assert read_mark(out) == COMPOSITE


def test_the_sheet_lies_beside_it(photos: Path) -> None:
    words = ["tryon", str(photos / "person.png"), str(photos / "garment.png"), str(photos / "out.jpg"), "--sheet"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert catalens.read_image(photos / "out-sheet.jpg").shape[1] > 900
    assert read_mark(photos / "out-sheet.jpg") == COMPOSITE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["person.png", "garment.png", "out.jpg", "--kind", "hat"], "--kind is 'hat'"),
        (["person.png", "none.png", "out.jpg"], "no file at"),
        (["tiny.png", "garment.png", "out.jpg"], "no person"),
        (["person.png", "garment.png", "out.tiff"], "ends in '.tiff'"),
    ],
)
def test_the_command_tells_what_is_wrong(
    words: list[str], said: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    result = CliRunner().invoke(app, ["tryon", *words])
    assert said in str(result.exception)
    assert not (photos / "out.jpg").exists()


# The route


@pytest.fixture
def client(tmp_path: Path) -> Iterator[object]:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from fastapi.testclient import TestClient

    from catalens.server.app import create_app
    from catalens.server.services.options import ServeOptions

    with TestClient(create_app(ServeOptions(tmp_path / "none")), raise_server_exceptions=False) as client:
        yield client


def data_url(image: ImageArray) -> str:
    return "data:image/png;base64," + base64.b64encode(encoded(image, "PNG")).decode()


@pytest.mark.parametrize("way", ["multipart", "json"])
def test_the_route_gives_picture_box_and_notes(client: object, way: str, tmp_path: Path) -> None:
    if way == "multipart":
        files = {
            name: (f"{name}.png", encoded(image, "PNG")) for name, image in (("image", PERSON), ("garment", GARMENT))
        }
        answer = client.post("/v1/tryon", files=files, data={"kind": "dress"})  # type: ignore[attr-defined]
    else:
        said = {"image": data_url(PERSON), "garment": data_url(GARMENT), "kind": "dress"}
        answer = client.post("/v1/tryon", json=said)  # type: ignore[attr-defined]
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["kind"], found["box"], found["notes"], found["size"]) == (
        "dress", [30, 40, 90, 100], ["sleeves are guessed"], [160, 120],
    )  # fmt: skip
    data = base64.b64decode(found["image"].partition(",")[2])
    assert read_mark(data) == COMPOSITE
    assert np.abs(catalens.read_image(data)[60, 60].astype(int) - (180, 30, 40)).max() < 4
    assert answer.headers["cache-control"] == "no-store"
    assert not list(tmp_path.rglob("*.png"))  # nothing is stored
    assert not list(tmp_path.rglob("*.jpg"))


@pytest.mark.parametrize("media", ["image/png", "image/webp", "image/jpeg"])
def test_the_picture_itself_where_it_is_asked_for(client: object, media: str) -> None:
    said = {"image": data_url(PERSON), "garment": data_url(GARMENT)}
    answer = client.post("/v1/tryon", json=said, headers={"accept": media})  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == media
    assert read_mark(answer.content) == COMPOSITE


@pytest.mark.parametrize(
    ("said", "status", "detail"),
    [
        ({}, 400, "no picture came"),
        ({"image": data_url(PERSON)}, 400, "no picture called 'garment'"),
        ({"image": data_url(PERSON), "garment": "x"}, 400, "garment is no data URL"),
        ({"image": data_url(PERSON), "garment": data_url(GARMENT), "kind": "hat"}, 400, "kind is 'hat'"),
        ({"image": data_url(PERSON), "garment": data_url(GARMENT), "colour": "red"}, 400, "unknown field 'colour'"),
        ({"image": data_url(PERSON[:50, :50]), "garment": data_url(GARMENT)}, 422, "no person was found"),
    ],
)
def test_what_is_wrong_is_a_problem(client: object, said: dict[str, str], status: int, detail: str) -> None:
    answer = client.post("/v1/tryon", json=said)  # type: ignore[attr-defined]
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


# Products of a catalog, several garments


def test_products_are_put_on_by_their_skus(photos: Path, built_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    with catalens.Catalog.open(built_shop, readonly=True) as shop:
        first, second = [one.sku for one in shop.products()][:2]
        colors = [tuple(shop.photo_of(sku).mean((0, 1)).astype(np.uint8)) for sku in (first, second)]
    run = CliRunner().invoke
    done = run(app, ["tryon", "person.png", first, "--catalog", str(built_shop)])
    assert done.exit_code == 0, done.output
    assert "experimental" in done.stderr
    pixels = catalens.read_image(photos / "person-tryon.jpg")[60, 60].astype(int)
    assert np.abs(pixels - np.array(colors[0], int)).max() < 6
    done = run(app, ["tryon", "person.png", first, second, "out.png", "--catalog", str(built_shop), "--json"])
    assert '"kind": "top, top"' in done.stdout
    assert tuple(catalens.read_image(photos / "out.png")[60, 60]) == colors[1]
    done = run(app, ["tryon", "person.png", "garment.png", first, "out.png", "--catalog", str(built_shop)])
    assert done.exit_code == 0
    for words in (["nothing"], ["nothing", "out.png"]):
        done = run(app, ["tryon", "person.png", *words, "--catalog", str(built_shop)])
        assert "nothing" in str(done.exception)


def test_the_route_takes_skus(built_shop: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
    from fastapi.testclient import TestClient

    from catalens.server.app import create_app
    from catalens.server.services.options import ServeOptions

    with catalens.Catalog.open(built_shop, readonly=True) as shop:
        skus = [one.sku for one in shop.products()][:5]
    with TestClient(create_app(ServeOptions(built_shop))) as client:
        worn = client.post("/v1/tryon", json={"image": data_url(PERSON), "skus": skus[:2]})
        assert worn.status_code == 200, worn.text
        assert (worn.json()["kind"], worn.json()["experimental"]) == ("top, top", True)
        form = {"skus": json.dumps(skus[:2])}  # a list in a form, as clients write it
        person = {"image": ("a.png", encoded(PERSON, "PNG"), "image/png")}
        assert client.post("/v1/tryon", data=form, files=person).json()["kind"] == "top, top"
        for said, status in (({"skus": ["none"]}, 404), ({"skus": skus}, 400), ({}, 400)):
            assert client.post("/v1/tryon", json={"image": data_url(PERSON), **said}).status_code == status


def test_garments_are_put_on_one_after_another() -> None:
    with pytest.raises(UsageError, match="no garment"):
        put_on(wear, PERSON, [])
    one, two = wear(PERSON, GARMENT), put_on(wear, PERSON, [GARMENT, GARMENT[..., ::-1]])
    assert np.array_equal(put_on(wear, PERSON, [GARMENT]).image, one.image)
    assert tuple(two.image[60, 60]) == (40, 30, 180)
    assert two.notes == one.notes
    assert np.array_equal(two.region, one.region)
