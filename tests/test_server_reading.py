"""The service reads text: on a photo that is sent, and on new pictures in the background."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

import catalens
from catalens.errors import MissingExtraError
from catalens.images.draw import save_image
from catalens.server.app import create_app
from catalens.server.services.options import ServeOptions
from catalens.server.services.text_reading import MOST, TextReading
from catalens.storage.reading import FIELD
from catalens.tasks.reading import Line
from catalens.types import PictureSource, Product, Where
from tests.pictures import picture
from tests.test_reading import FakeReader


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "PNG")
    return buffer.getvalue()


def sent(client: TestClient, **fields: object) -> tuple[int, dict[str, object]]:
    image = "data:image/png;base64," + base64.b64encode(photo()).decode()
    answer = client.post("/v1/read", json={"image": image, **fields})
    return answer.status_code, answer.json()


def test_a_photo_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Line("<b>OATLY</b>", 0.9, (1, 2, 3, 4)), Line("x", 0.3, (0, 0, 1, 1))
    monkeypatch.setattr("catalens.tasks.reading.text_reader", lambda: FakeReader(*lines))
    with TestClient(create_app(ServeOptions(tmp_path / "shop")), raise_server_exceptions=False) as client:
        status, answer = sent(client)
        wanted = {"text": "<b>OATLY</b>", "confidence": 0.9, "box": [1.0, 2.0, 3.0, 4.0]}
        assert (status, answer) == (200, {"lines": [wanted], "text": "<b>OATLY</b>"})
        assert sent(client, min_confidence=2)[0] == 400
        assert client.post("/v1/read", json={"image": "data:image/png;base64,bm90"}).status_code == 422


def test_without_the_extra_it_is_501(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingExtraError("reading text needs it", cure="install it")

    monkeypatch.setattr("catalens.tasks.reading.text_reader", missing)
    with TestClient(create_app(ServeOptions(tmp_path / "shop")), raise_server_exceptions=False) as client:
        status, answer = sent(client)
    assert (status, "reading text needs it" in str(answer)) == (501, True)


def test_new_pictures_are_read_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalens.catalog.text_reader", lambda: FakeReader(Line("OATLY", 0.9, (1, 2, 3, 4))))
    options = ServeOptions(tmp_path / "shop")
    reading = TextReading(options)
    assert reading.turn() == 0  # there is no catalog yet
    save_image(tmp_path / "a.png", picture())
    source = PictureSource(str(tmp_path / "a.png"), Where("a"))
    with catalens.open(options.catalog) as shop:
        shop.add([Product(f"p{place:02}", Where("a"), pictures=(source,)) for place in range(MOST + 2)])
    assert [reading.turn() for _ in range(3)] == [MOST, 2, 0]
    with catalens.open(options.catalog) as shop:
        assert all(product.attributes[FIELD] == ("OATLY",) for product in shop)


def test_a_photo_is_described(tmp_path: Path) -> None:
    image = "data:image/png;base64," + base64.b64encode(photo()).decode()
    with TestClient(create_app(ServeOptions(tmp_path / "shop")), raise_server_exceptions=False) as client:
        answer = client.post(
            "/v1/describe", json={"image": image, "languages": ["en", "zh"], "fields": "alt,attributes"}
        )
        assert answer.status_code == 200
        assert set(answer.json()) == {"attributes", "alt", "notes"}
        assert set(answer.json()["alt"]) == {"en", "zh"}
        assert answer.json()["attributes"] == catalens.describe(photo()).to_dict()["attributes"]
        for wrong in ({"languages": "xx"}, {"fields": ["price"]}, {"describer": "api:http://127.0.0.1/"}):
            assert client.post("/v1/describe", json={"image": image, **wrong}).status_code == 400
