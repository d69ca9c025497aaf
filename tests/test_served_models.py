"""Networks that requests may name: those that are bundled, and those that `catalens serve --model` allows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from socket import socket
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient
from typer.testing import CliRunner

from catalens import settings
from catalens.cli.main import app as commands
from catalens.errors import CatalensError, ModelError, NotFoundError, UsageError
from catalens.models.zoo import DEFAULTS, WEIGHTS
from catalens.server.app import create_app
from catalens.server.services.allowed_models import allow_models
from catalens.server.services.options import ServeOptions
from catalens.server.services.served_models import PURPOSES, ServedModels, bundled_names


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nets")
    for folder, bundled in (("ours", "detect"), ("other/ours", "detect"), ("looks", "embed")):
        shutil.copytree(WEIGHTS / DEFAULTS[bundled], root / folder)  # type: ignore[index]
    shutil.copytree(WEIGHTS / "catalens-faces-xs", root / "heads")
    (root / "net.onnx").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def client(nets: Path) -> Iterator[TestClient]:
    options = ServeOptions(nets / "shop", models=allow_models([str(nets / "ours"), str(nets / "heads")]))
    with TestClient(create_app(options)) as client:
        yield client


def test_nothing_is_allowed_unasked() -> None:
    assert allow_models([]) == ()
    assert ServedModels().by_purpose() == {
        "embed": ("catalens-encoder-s",),
        "segment": ("catalens-parser-s",),
        "matte": ("u2netp",),
        "detect": ("ensemble", "catalens-detector-s", "catalens-faces-xs", "nanodet-g", "parts"),
        "faces": ("catalens-faces-xs",),
        "classify": ("catalens-encoder-s",),
        "outfit": ("catalens-outfit-xs",),
        "tryon": ("catalens-tryon-s",),
        "generate": ("catalens-generator-s",),
    }
    assert ServedModels().source("paint", None) is None


@pytest.mark.parametrize(
    ("given", "name", "purposes"),
    [
        ("NETS/ours", "ours", ("detect",)),
        ("detect=NETS/ours", "ours", ("detect",)),
        ("NETS/heads", "heads", ("faces", "detect")),
        ("NETS/looks", "looks", ("embed", "classify")),
        ("matte=onnx:NETS/net.onnx", "net", ("matte",)),
        ("segment=hf:NETS", "NETS", ("segment",)),
        ("dinov2-small", "dinov2-small", ("embed", "classify")),
        ("hf:facebook/dinov2-small", "dinov2-small", ("embed", "classify")),
        ("sdxl", "sdxl", ("paint", "generate")),
        ("fashn-vton:NETS", "fashn-vton", ("tryon",)),
    ],
)
def test_what_is_allowed(nets: Path, given: str, name: str, purposes: Sequence[str]) -> None:
    (found,) = allow_models([given.replace("NETS", str(nets))])
    assert (found.name, found.purposes) == (name.replace("NETS", nets.name), tuple(purposes))


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (["NETS/gone"], NotFoundError, "no network called"),
        (["matte=onnx:NETS/gone.onnx"], NotFoundError, "no file"),
        (["onnx:NETS/net.onnx"], UsageError, "Write TASK="),
        (["hf:someone/something"], UsageError, "Write TASK="),
        (["tryon=onnx:NETS/net.onnx"], UsageError, "is not loaded from onnx:FILE"),
        (["segment=NETS/ours"], ModelError, "is for 'detect'"),
        (["NETS/ours", "NETS/other/ours"], UsageError, "two networks are called 'ours'"),
        (["catalens-encoder-s"], UsageError, "two networks are called"),
        (["catvton"], UsageError, "CC-BY-NC-SA-4.0 forbids"),
        (["detect=hf:someone/something"], UsageError, "licence"),
    ],
)
def test_what_cannot_be_allowed(nets: Path, given: list[str], error: type[CatalensError], said: str) -> None:
    with pytest.raises(error, match=said):
        allow_models([one.replace("NETS", str(nets)) for one in given])


def test_serve_refuses_before_it_starts(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALENS_ACCEPT_LICENCE", "")
    words = ["serve", "--catalog", str(nets / "shop"), "--port", "0", "--model", "catvton"]
    assert "forbids" in str(CliRunner().invoke(commands, words).exception)
    served: list[ServeOptions] = []

    def listen(options: ServeOptions, listener: socket, *, workers: int) -> None:
        listener.close()
        served.append(options)

    monkeypatch.setattr("catalens.server.run.listen", listen)
    found = CliRunner().invoke(commands, [*words, "--accept-licence", "CC-BY-NC-SA-4.0", "--model", str(nets / "ours")])
    assert (found.exit_code, settings.accepted_licence()) == (0, "CC-BY-NC-SA-4.0")
    assert [one.name for one in served[0].models] == ["catvton", "ours"]


@pytest.mark.parametrize(
    ("route", "named"),
    [
        ("detect", "ours"),
        ("segment", "catalens-parser-s"),
        ("cutout", "u2netp"),
        ("classify", "catalens-encoder-s"),
        ("tryon", "catalens-tryon-s"),
        ("generate", "catalens-generator-s"),
        ("blur-faces", "heads"),
        ("scene", "u2netp"),
        ("score", "catalens-outfit-xs"),
        ("outfit", "catalens-outfit-xs"),
        ("look", "ours"),
    ],
)
@pytest.mark.parametrize("asked", ["nowhere", "PATH", "hf:someone/something", "onnx:/etc/passwd", "../ours", "sdxl"])
def test_a_request_names_only_what_is_served(
    client: TestClient, nets: Path, route: str, named: str, asked: str
) -> None:
    sent = {"model": asked.replace("PATH", str(nets / "ours")), **({"kind": "dress"} if route == "generate" else {})}
    answer = client.post(f"/v1/{route}", json=sent)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:catalens:problem:not-found"), answer.text
    assert named in answer.json()["detail"].partition("served")[2]


def test_embeddings_name_only_what_is_served(client: TestClient) -> None:
    answer = client.post("/v1/embeddings", json={"input": "dress", "model": "ours"})
    assert (answer.status_code, "catalens-encoder-s" in answer.json()["detail"]) == (404, True)


def test_the_description_names_what_is_served(client: TestClient) -> None:
    found = client.get("/openapi.json").json()

    def names(route: str, field: str = "model") -> Any:
        form = found["paths"][f"/v1/{route}"]["post"]["requestBody"]["content"]["multipart/form-data"]
        return form["schema"]["properties"][field].get("enum")

    assert names("detect") == [
        "ensemble",
        "catalens-detector-s",
        "catalens-faces-xs",
        "nanodet-g",
        "parts",
        "ours",
        "heads",
    ]
    assert names("blur-faces") == ["catalens-faces-xs", "heads"]
    assert names("cutout") == names("scene") == ["u2netp"]
    assert names("scene", "painter") is None
    assert found["components"]["schemas"]["Embeddings"]["properties"]["model"]["enum"] == ["catalens-encoder-s"]


def test_the_list_says_what_is_served_for_what(client: TestClient) -> None:
    found = client.get("/v1/models").json()
    assert found["served"]["faces"] == ["catalens-faces-xs", "heads"]
    assert list(found["served"]) == [one for one in PURPOSES if bundled_names(one)]
    own = [(one["id"], one["task"], one["license"]) for one in found["data"] if one["id"] in ("ours", "heads")]
    assert own == [("ours", "detect", "Apache-2.0"), ("heads", "faces", "Apache-2.0")]
