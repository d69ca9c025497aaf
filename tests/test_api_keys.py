"""API keys that version 0.1.0 wrote open the service with the scopes and the tenant that they had."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import catalens
from catalens.server.app import create_app
from catalens.server.services.options import ServeOptions
from catalens.types import Product, Where

WRITTEN = Path(__file__).parent / "fixtures" / "v0_1_0" / "keys.json"
SECRETS = {
    "": "ck_cs4cU8OCweTCfFIzxaz7IW9wKlhtggltyiEUhuhKamI",
    "acme": "ck_L4yid6JYh9qBxe14S7wG330CSq9i2tnv5gMp0J1RkPE",
}
"""Tenant -> the secret that `catalens keys create` of version 0.1.0 printed; the keys were made for this test."""


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    options = ServeOptions(tmp_path / "catalog")
    shutil.copy(WRITTEN, tmp_path / "catalog.keys.json")
    for tenant in SECRETS:
        with catalens.open(options.folder_of(tenant)) as shop:
            shop.add([Product(f"of-{tenant or 'house'}", Where("test"))])
    return TestClient(create_app(options))


def with_key(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(("tenant", "sku"), [("", "of-house"), ("acme", "of-acme")])
def test_a_key_of_0_1_0_opens_the_catalog_of_its_tenant(client: TestClient, tenant: str, sku: str) -> None:
    found = client.get("/v1/products", headers=with_key(SECRETS[tenant])).json()
    assert [product["sku"] for product in found["products"]] == [sku]


@pytest.mark.parametrize(("tenant", "status"), [("", 403), ("acme", 200)])
def test_a_key_of_0_1_0_has_the_scopes_that_it_was_made_with(client: TestClient, tenant: str, status: int) -> None:
    answer = client.put("/v1/products/new", json={"title": "new"}, headers=with_key(SECRETS[tenant]))
    assert answer.status_code == status


@pytest.mark.parametrize("headers", [{}, with_key("ck_" + "x" * 43)])
def test_with_the_keys_of_0_1_0_no_other_call_is_let_in(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/v1/products", headers=headers).status_code == 401
