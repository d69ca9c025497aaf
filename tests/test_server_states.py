"""Random products, deletes, searches and restarts: the service holds what it acknowledged, and nothing else."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="fastapi is in the serve extra")

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import catalens
from catalens.server.app import create_app
from catalens.server.services.options import ServeOptions

SKUS = st.sampled_from(["A", "B", "C/1", "d ü"])
WORDS = ("lamp", "chair", "kettle")


class Shop(RuleBasedStateMachine):
    """A service over a catalog, and what it must hold: sku -> title."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.expected: dict[str, str] = {}
        with catalens.open(self.folder / "shop"):
            pass
        self.start()

    def start(self) -> None:
        self.client = TestClient(create_app(ServeOptions(self.folder / "shop")))
        self.client.__enter__()

    @rule(sku=SKUS, word=st.sampled_from(WORDS), key=st.none() | st.uuids())
    def put(self, sku: str, word: str, key: object) -> None:
        headers = {"Idempotency-Key": str(key)} if key else {}
        for _ in range(2 if key else 1):
            answer = self.client.put(f"/v1/products/{sku}", json={"title": f"{word} {sku}"}, headers=headers)
            assert answer.json()["added"] == (sku not in self.expected)
        self.expected[sku] = f"{word} {sku}"

    @rule(sku=SKUS)
    def delete(self, sku: str) -> None:
        status = self.client.delete(f"/v1/products/{sku}").status_code
        assert status == (204 if self.expected.pop(sku, None) else 404)

    @rule(skus=st.lists(SKUS, min_size=1, max_size=3, unique=True), word=st.sampled_from(WORDS))
    def bulk(self, skus: list[str], word: str) -> None:
        products = [{"sku": sku, "title": f"{word} {sku}"} for sku in skus]
        job = self.client.post("/v1/products", json={"products": products}).json()
        while job["state"] in ("waiting", "running"):
            time.sleep(0.005)
            job = self.client.get(f"/v1/jobs/{job['id']}").json()
        assert (job["state"], job["failed_count"]) == ("done", 0)
        self.expected |= {one["sku"]: one["title"] for one in products}

    @rule(word=st.sampled_from(WORDS))
    def search(self, word: str) -> None:
        matches = self.client.post("/v1/search", json={"text": word, "k": 50}).json()["matches"]
        assert {one["sku"] for one in matches} == {sku for sku, title in self.expected.items() if word in title}

    @rule()
    def restart(self) -> None:
        self.client.__exit__(None, None, None)
        self.start()

    @invariant()
    def holds_what_it_acknowledged(self) -> None:
        listed = self.client.get("/v1/products?limit=200").json()["products"]
        assert {one["sku"]: one["title"] for one in listed} == self.expected

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.client.__exit__(None, None, None)
            shutil.rmtree(self.folder)


Shop.TestCase.settings = settings(
    max_examples=3, stateful_step_count=12, database=None, suppress_health_check=list(HealthCheck)
)
TestShop = Shop.TestCase
