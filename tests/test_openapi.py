"""Random requests that fit the service's own description, and such that do not: no crash, nothing undescribed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")
pytest.importorskip("schemathesis", reason="schemathesis is in the dev extra")

import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from catalens.server.app import create_app
from catalens.server.services.options import ServeOptions
from tests.test_reading import FakeReader

CHECKS = [
    schemathesis.checks.not_a_server_error, content_type_conformance, response_schema_conformance,
    status_code_conformance,
]  # fmt: skip


EXAMPLES = int(os.environ.get("CATALENS_EXAMPLES", "12"))
"""For each route; 200 where there is time for it, 5,000 beside the benchmark of the service."""


def test_every_route_keeps_what_it_says(built_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("reading", "describe"):  # an extra reads, which need not be installed
        monkeypatch.setattr(f"catalens.tasks.{module}.text_reader", FakeReader)
    folder = Path(shutil.copytree(built_shop, tmp_path / "shop"))
    app = create_app(ServeOptions(folder))
    with TestClient(app):  # closes what the service holds
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        for found in schema.get_all_operations():
            operation = found.ok()  # type: ignore[union-attr]  # a route that cannot be read raises here

            @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy())
            def keeps_it(case: schemathesis.Case[Any]) -> None:
                case.call_and_validate(checks=CHECKS)

            keeps_it()
