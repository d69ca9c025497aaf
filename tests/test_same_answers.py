"""The same call through the library, the command and HTTP gives the same answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient

import catalens
from catalens.cli.main import app as commands
from catalens.server.app import create_app
from catalens.server.services.options import ServeOptions
from catalens.tasks import listing

Answer = Any


@dataclass(frozen=True)
class Call:
    """One call in its three forms, and what of their answers must be the same."""

    library: Callable[[catalens.Catalog, Path], Answer]
    command: tuple[str, ...]
    """PHOTO stands for the photo."""
    route: str
    fields: dict[str, str]
    same: Callable[[Answer], Answer]
    photo: bool = True


def matches(answer: Answer) -> Answer:
    return [(one["sku"], round(one["score"], 4)) for one in answer["matches"]]


def boxes(answer: Answer) -> Answer:
    return [(one["label"], *(round(edge) for edge in one["box"])) for one in answer["detections"]]


def labels(answer: Answer) -> Answer:
    return [(one["name"], round(one["score"], 4)) for one in answer["labels"]]


def findings(answer: Answer) -> Answer:
    return sorted((one["rule"], one["level"]) for one in answer["findings"])


def parts(answer: Answer) -> Answer:
    return [(one["name"], round(one["area"], 3)) for one in answer["parts"]]


CALLS = {
    "search by photo": Call(
        lambda shop, photo: shop.search(image=photo, k=4).to_dict(),
        ("search", "PHOTO", "-k", "4", "--json", "--catalog", "SHOP"),
        "/v1/search", {"k": "4"}, matches,
    ),
    "search by words": Call(
        lambda shop, _: shop.search(text="red dress", k=4, where="price<90").to_dict(),
        ("search", "--text", "red dress", "-k", "4", "--where", "price<90", "--json", "--catalog", "SHOP"),
        "/v1/search", {"text": "red dress", "k": "4", "where": "price<90"}, matches, photo=False,
    ),
    "words of which one is not known": Call(
        lambda shop, _: shop.search(text="red платье", k=4).to_dict(),
        ("search", "red платье", "-k", "4", "--json", "--catalog", "SHOP"),
        "/v1/search", {"text": "red платье", "k": "4"},
        lambda answer: [*matches(answer), *answer["notes"]], photo=False,
    ),
    "detect": Call(
        lambda _, photo: catalens.detect(photo, min_score=0.3).to_dict(),
        ("detect", "PHOTO", "--min-score", "0.3", "--json"),
        "/v1/detect", {"min_score": "0.3"}, boxes,
    ),
    "classify": Call(
        lambda _, photo: catalens.classify([photo], labels=["dress", "shoes", "bag"])[0].to_dict(),
        ("classify", "PHOTO", "--labels", "dress,shoes,bag", "--json"),
        "/v1/classify", {"labels": "dress,shoes,bag"}, labels,
    ),
    "segment": Call(
        lambda _, photo: catalens.segment(photo).to_dict(), ("segment", "PHOTO", "--json"), "/v1/segment", {}, parts,
    ),
    "check": Call(
        lambda _, photo: {"findings": [one.to_dict() for one in listing.check(photo, rules=["amazon"])]},
        ("check", "PHOTO", "--rules", "amazon", "--json", "--fail-on", "never"),
        "/v1/check", {"rules": "amazon"}, findings,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def client(built_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(ServeOptions(built_shop))) as client:
        yield client


@pytest.mark.parametrize("name", CALLS)
def test_three_ways_one_answer(client: TestClient, built_shop: Path, export: Path, name: str) -> None:
    call = CALLS[name]
    photo = min((export / "queries").glob("*.jpg"))
    with catalens.Catalog.open(built_shop, readonly=True) as shop:
        expected = call.same(call.library(shop, photo))
    names = {"PHOTO": str(photo), "SHOP": str(built_shop)}
    said = CliRunner().invoke(commands, [names.get(part, part) for part in call.command])
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)
    assert call.same(answer[0] if isinstance(answer, list) else answer) == expected  # of one photo
    files = {"image": ("a.jpg", photo.read_bytes(), "image/jpeg")} if call.photo else None
    http = (
        client.post(call.route, files=files, data=call.fields)
        if files
        else client.post(
            call.route, json={field: int(value) if value.isdigit() else value for field, value in call.fields.items()}
        )
    )
    assert http.status_code == 200, http.text
    assert call.same(http.json()) == expected
