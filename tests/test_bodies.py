"""Bodies: sizes, depth, pictures apart from the text, forms in memory and on disk."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

from catalens.errors import UsageError
from catalens.server.app import create_app
from catalens.server.dependencies.json_body import MAX_DEPTH, MAX_TEXT, from_data_url, parse_body, parse_json
from catalens.server.dependencies.multipart import MAX_PARTS, PartFile, boundary_of, find_parts
from catalens.server.http.problems import TYPES, RefusedError
from catalens.server.services.options import ServeOptions
from tests.pictures import encoded

PHOTO = encoded(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8), "PNG")
URL = "data:image/png;base64," + base64.b64encode(PHOTO).decode()
JSON = {"content-type": "application/json"}


@pytest.fixture
def client(shop_folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeOptions(shop_folder)), raise_server_exceptions=False) as client:
        yield client


# JSON


def test_pictures_are_taken_out_of_the_text() -> None:
    assert len(URL) > 4096
    said = {"image": URL, "k": 3, "own": [URL, 'a "data:x', "data:" + "b" * 20], "text": '"data:"'}
    found = parse_body(json.dumps(said).encode())
    first, second = found.value["image"], found.value["own"][0]
    assert [found.pictures[name] for name in (first, second)] == [PHOTO, PHOTO]
    assert {**found.value, "image": URL, "own": [URL, *found.value["own"][1:]]} == said


def test_a_slash_may_be_written_with_a_backslash() -> None:
    body = json.dumps({"image": URL}).replace("/", "\\/").encode()
    assert list(parse_body(body).pictures.values()) == [PHOTO]


def test_large_pictures_are_whole() -> None:
    data = np.random.default_rng(1).integers(0, 255, 3 * 2**20 + 1, np.uint8).tobytes()
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    assert list(parse_body(json.dumps({"image": url}).encode()).pictures.values()) == [data]
    assert from_data_url(url) == data


@pytest.mark.parametrize(
    "url",
    ["data:image/png," + "a" * 5000, URL + "!", URL[:-1] + "\\n", "data:image/png;base64," + "ab==" * 2000],
)
def test_pictures_that_are_no_base64(url: str) -> None:
    with pytest.raises(UsageError, match=r"data URL|base64"):
        parse_body(f'{{"image": "{url}"}}'.encode())


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":', b"[" * 100_000, b'{"a": NaN}', rb'"\ud800"', b"\xff\xfe{"])
def test_bodies_that_are_no_json(body: bytes) -> None:
    with pytest.raises(UsageError):
        parse_body(body)


def test_depth_is_bounded() -> None:
    assert parse_json("[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1))
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(UsageError, match="deep"):
        parse_json("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": "dress"}', 200),
        (json.dumps({"image": URL, "k": 1}).encode(), 200),
        (json.dumps({"text": "a" * MAX_TEXT}).encode(), 413),
        (json.dumps({f"unknown{n}": n for n in range(200_000)}).encode(), 413),
        (json.dumps({"image": URL, "text": "a" * MAX_TEXT}).encode(), 413),
        (json.dumps({f"unknown{n}": n for n in range(20_000)}).encode(), 400),
        (b'{"where": [' + b"[]," * 300_000 + b"1]}", 400),
        (json.dumps({"where": ["a" * 100_000]}).encode(), 400),
        (b'{"image": "' + b"a" * MAX_TEXT + b'"}', 413),
    ],
)
def test_a_search_has_little_text(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post("/v1/search", content=body, headers=JSON)
    assert answer.status_code == status, answer.text[:200]
    assert status == 200 or len(answer.text) < 2_000


@pytest.mark.parametrize("path", ["/v1/products/A", "/v1/products", "/v1/embeddings"])
def test_bodies_without_pictures_are_small(client: TestClient, path: str) -> None:
    method = "PUT" if path.endswith("/A") else "POST"
    answer = client.request(method, path, content=json.dumps({"title": "a" * MAX_TEXT}), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (413, TYPES + "body-too-large")
    answer = client.request(method, path, content=b'{"title": 3, "unknown": 4}', headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (422, TYPES + "bad-fields")
    assert client.request(method, path, content=b"title=a").status_code == 415


# Forms


def form(*parts: tuple[str, bytes], boundary: str = "xX-9", end: str = "--") -> bytes:
    out = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary.encode(), head.encode(), data) for head, data in parts)
    return out + f"--{boundary}{end}\r\n".encode()


WIDE = b"\r" * (2**20 - 1) + b"\r\n--xX" * 1000
"""Wider than what is looked through at a time, with beginnings of a boundary."""
NAME = 'Content-Disposition: form-data; name="{}"'.format
FILE = 'Content-Disposition: form-data; name="image"; filename="{}"'.format


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"--xX-9--\r\n", []),
        (form((NAME("a"), b"")), [("a", None, b"")]),
        (form((NAME("a"), b"1"), (NAME("a"), b"2\r\n--xX-8")), [("a", None, b"1"), ("a", None, b"2\r\n--xX-8")]),
        (b"a preamble\r\n" + form((NAME("a"), b"1")), [("a", None, b"1")]),
        (form((FILE("a.jpg"), PHOTO)), [("image", "a.jpg", PHOTO)]),
        (form((FILE("") + "\r\nContent-Type: image/png", b"x")), [("image", "", b"x")]),
        (form((FILE('a\\"b;c.jpg'), b"x")), [("image", 'a"b;c.jpg', b"x")]),
        (form((NAME("image") + "; filename*=UTF-8''%E5%9B%BE.png", b"x")), [("image", "图.png", b"x")]),
        (form((FILE("图.png").lower(), b"x")), [("image", "图.png", b"x")]),
        (form(("X: y\r\n" + NAME("a"), b"1")), [("a", None, b"1")]),
        (form((NAME("a"), WIDE)), [("a", None, WIDE)]),
    ],
)  # fmt: skip
def test_forms(body: bytes, expected: list[tuple[str, str | None, bytes]]) -> None:
    file = io.BytesIO(body)
    parts = find_parts(file, boundary_of("multipart/form-data; boundary=xX-9"))
    assert [(part.name, part.filename, part.read(file)) for part in parts] == expected
    for part, (_, _, data) in zip(parts, expected, strict=True):
        piece, pieces = PartFile(file, part), list[bytes]()
        while got := piece.read(1000):
            pieces.append(got)
        assert b"".join(pieces) == data


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        b"--xX-9",
        b"--xX-9\r\n",
        form((NAME("a"), b"1"), end=""),
        b"--xX-9\r\n" + NAME("a").encode() + b"\r\n\r\nendless",
        b"--xX-9 and more\r\n" + NAME("a").encode() + b"\r\n\r\n1\r\n--xX-9--",
        form(("Content-Disposition: form-data", b"1")),
        form(("X: " + "y" * 5000 + "\r\n" + NAME("a"), b"1")),
        form((NAME("a").encode("latin-1").decode() + '; filename="' + '";a="' * 900, b"1")),
        form(*[(NAME("a"), b"1")] * (MAX_PARTS + 1)),
    ],
)
def test_forms_that_are_none(body: bytes) -> None:
    with pytest.raises(UsageError, match="form is not readable"):
        find_parts(io.BytesIO(body), b"xX-9")


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", "a; boundary=" + "b" * 71])
def test_forms_without_a_boundary(kind: str) -> None:
    with pytest.raises(UsageError):
        boundary_of(kind)


def test_a_form_of_lookalikes_is_looked_through_once() -> None:
    boundary = b"-" * 69 + b"x"
    body = io.BytesIO(b"--" + boundary + b"\r\n" + NAME("a").encode() + b"\r\n\r\n" + b"\r\n--" + b"-" * 2**22)
    with pytest.raises(UsageError, match="ends within"):
        find_parts(body, boundary)


def test_fields_of_a_form(client: TestClient) -> None:
    photo = {"image": ("a.png", PHOTO)}
    assert client.post("/v1/search", files=photo, data={"k": "2"}).status_code == 200
    assert client.post("/v1/search", files=photo, data={"kk": "2"}).status_code == 400
    assert client.post("/v1/search", files={"picture": PHOTO}).status_code == 400
    assert client.post("/v1/search", files=photo, data={"text": "a" * (MAX_TEXT + 1)}).status_code == 413
    odd = form((NAME("text"), b"\xff\xfe"))
    kind = {"content-type": "multipart/form-data; boundary=xX-9"}
    assert client.post("/v1/search", content=odd, headers=kind).status_code == 400


def test_feeds_as_forms(client: TestClient) -> None:
    feed = {"feed": ("a.csv", b"sku,title\nF-1,dress\n")}
    assert client.post("/v1/feeds", files=feed, data={"blur_faces": "true"}).status_code == 202
    for files, data in (
        ({"fed": feed["feed"]}, {}), (None, {"feed": "a"}), (feed, {"kind": "a"}), (feed, {"format": "a" * 300}),
        (feed, {"blur_faces": "perhaps"}), ([("feed", feed["feed"])] * 2, {}),
    ):  # fmt: skip
        answer = client.post("/v1/feeds", files=files or {"x": b""}, data=data)
        assert answer.status_code == 400, (files, data)
    assert client.post("/v1/feeds?blur_faces=true", files=feed).status_code == 400


def test_a_size_without_its_pictures_is_told() -> None:
    with pytest.raises(RefusedError, match="beside its pictures") as found:
        parse_body(b'{"a": "' + b"a" * MAX_TEXT + b'"}')
    assert found.value.status == 413
