"""The bill of materials: CycloneDX's own schema, and what must be in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

import catalens
from catalens.cli.main import app
from catalens.models.card import Task
from catalens.models.zoo import bundled_cards, find_card
from catalens.trust.licences import Part, inventory
from catalens.trust.sbom import _TASKS, cyclonedx

MADE = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def whole() -> Any:
    return cyclonedx(inventory(["idm-vton", "sd-inpaint", "hf:someone/something"]), made=MADE)


@pytest.mark.parametrize("parts", [(), (Part("package", "Some_Thing", "1", "unknown", "PyPI"),), None])
def test_it_follows_the_published_schema(parts: tuple[Part, ...] | None, whole: Any) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="cyclonedx-python-lib is in the dev extra")
    schema = pytest.importorskip("cyclonedx.schema")
    bill = whole if parts is None else cyclonedx(parts)
    assert validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_the_schema_refuses_what_is_no_bill() -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="cyclonedx-python-lib is in the dev extra")
    schema = pytest.importorskip("cyclonedx.schema")
    broken = cyclonedx((Part("package", "a", "1", "MIT", "PyPI"),)) | {"components": [{"name": "a"}]}
    assert validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_weights_have_a_model_card_and_the_hashes_of_their_files(whole: Any) -> None:
    models = {one["name"]: one for one in whole["components"] if one["type"] == "machine-learning-model"}
    for name in bundled_cards():
        card, found = find_card(name), models[name]
        assert found["licenses"] == [{"expression": "Apache-2.0"}]
        assert card.sha256 in [file["hashes"][0]["content"] for file in found["components"]]
        metrics = found["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
        assert [one["type"] for one in metrics] == [score.name for score in card.scores]
        assert found["modelCard"]["modelParameters"]["datasets"]


def test_every_reference_leads_somewhere_and_names_are_unique(whole: Any) -> None:
    refs = [one["bom-ref"] for one in whole["components"]]
    assert len(refs) == len(set(refs))
    known = {*refs, whole["metadata"]["component"]["bom-ref"]}
    for edge in whole["dependencies"]:
        assert {edge["ref"], *edge["dependsOn"]} <= known
    for one in whole["components"]:
        for data in one.get("modelCard", {}).get("modelParameters", {}).get("datasets", []):
            assert data["ref"] in known


def test_packages_have_a_package_address(whole: Any) -> None:
    packages = {one["name"]: one for one in whole["components"] if one["type"] == "library"}
    assert packages["numpy"]["purl"] == f"pkg:pypi/numpy@{packages['numpy']['version']}"
    assert whole["metadata"]["component"]["version"] == catalens.__version__


def test_what_is_not_known_is_said_so(whole: Any) -> None:
    named = {one["name"]: one["licenses"] for one in whole["components"]}
    assert named["hf:someone/something"] == [{"license": {"name": "unknown"}}]
    assert named["sd-inpaint"] == [{"license": {"name": "CreativeML Open RAIL-M"}}]


def test_the_same_contents_give_the_same_document() -> None:
    parts = (Part("package", "a", "1", "MIT", "PyPI"),)
    assert cyclonedx(parts, made=MADE) == cyclonedx(parts, made=MADE)
    assert cyclonedx((), made=MADE)["serialNumber"] != cyclonedx(parts, made=MADE)["serialNumber"]


def test_the_command_writes_it() -> None:
    result = CliRunner().invoke(app, ["models", "licences", "--format", "cyclonedx"])
    bill = json.loads(result.stdout)
    assert (result.exit_code, bill["bomFormat"], bill["specVersion"]) == (0, "CycloneDX", "1.6")


def test_every_task_of_a_card_has_a_name_in_the_model_card() -> None:
    assert set(get_args(Task)) == set(_TASKS)
