"""Strangers: random requests over every route with the key of another tenant; nothing of the first one may leak."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

import catalens
from benchmarks.serving import serving
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.options import ServeOptions
from catalens.types import Product, Where

OWN = "zephyrine"
"""What the skus of the first tenant's products begin with: strangers ask for these, and may put such of their own."""
MARK = "quetzalite"
"""A word that only the first tenant's products have, and that no request says."""


def run(folder: Path, *, count: int, seed: int) -> dict[str, object]:
    """So many requests; counts the answers that hold anything of the other tenant's."""
    options = ServeOptions((folder / "house").absolute())
    for tenant in ("", "one", "two"):
        with catalens.open(options.folder_of(tenant)) as shop:
            sku, word = (OWN, MARK) if tenant == "one" else ("plain", "plain")
            shop.add([Product(f"{sku}-{n}", Where("x"), f"{word} {n}", attributes={word: word}) for n in range(20)])
    keys = ApiKeys(options.keys)
    every = ["search", "read", "analyse", "write"]
    _, owner = keys.create(scopes=every, tenant="one")
    wrong = [keys.create(scopes=every, tenant="two")[1], keys.create(scopes=every)[1]]
    wrong.append(keys.revoke(keys.create(scopes=every, tenant="one")[0].id).id)
    statuses: Counter[str] = Counter()
    leaked = 0
    with serving(options.catalog) as service, httpx.Client(base_url=service.address, timeout=60) as client:
        mine = {"Authorization": f"Bearer {owner}"}
        products = [{"sku": f"{OWN}-{MARK}", "title": MARK}]
        job = client.post("/v1/products", json={"products": products}, headers=mine).json()["id"]
        routes = client.get("/openapi.json").json()["paths"]
        rng = random.Random(seed)
        for method, path, body in _requests(routes, job, rng, count):
            head = {"Authorization": f"Bearer {rng.choice([*wrong, 'ck_' + 'x' * 43, 'none'])}", "X-Tenant": "one"}
            said = {"tenant": "one"} if body is None else {}
            answer = client.request(method, path, json=body, headers=head, params=said)
            statuses[f"{answer.status_code // 100}xx"] += 1
            leaked += MARK in answer.text
        left = client.get("/v1/products?limit=200", headers=mine).json()["products"]
        intact = sum(MARK in one["title"] for one in left)
    return {"n": count, "leaked": leaked, "of the owner's 21 products intact": intact, **dict(sorted(statuses.items()))}


def _requests(
    routes: dict[str, dict[str, Any]], job: str, rng: random.Random, count: int
) -> Iterator[tuple[str, str, object]]:
    calls = [(method.upper(), path) for path, methods in routes.items() for method in methods]
    for _ in range(count):
        method, path = rng.choice(calls)
        sku = f"{OWN}-{rng.randrange(20)}"
        filled = path.replace("{sku}", sku).replace("{id}", job).replace("{tenant}", "one")
        filled = filled.replace("{hash}", f"{rng.getrandbits(256):064x}").replace("{side}", "320")
        body: object = None
        if method in ("POST", "PUT"):
            body = rng.choice(
                [
                    {"text": "thing", "k": 50}, {"like": [sku]}, {"sku": sku}, {"title": "stolen"}, {},
                    {"where": {"title": {"exists": True}}}, {"input": "a"}, {"products": [{"sku": "mine"}]},
                ]
            )  # fmt: skip
        yield method, filled, body
