"""Does the service stay steady when more comes than it can do, and when what comes is hostile?

    python -m benchmarks.serve [--short] [--only load,hostile,attacks,tenants,faults,memory] [--catalog shop/]

`load`: a crowd at 0.5, 1 and 4 times what can be served, beside a plain thread-pool application, and 500 slow clients
(`serve_load`). `hostile`: mutants of pictures through library, HTTP and command, and bombs (`serve_hostile`).
`attacks`: heads, bodies and connections that would stop it, beside a plain application (`serve_attacks`).
`tenants`: requests with other tenants' keys (`serve_tenants`). `faults`: kill -9 while products are written, a stopped
worker, a full disk, a start with 100,000 products (`serve_faults`). `memory`: its slope over 50,000 requests
(`serve_memory`). All of it goes to this machine only. Random requests that fit the description of the API, 5,000 for
each route: CATALENS_EXAMPLES=5000 pytest tests/test_openapi.py.
`--short` takes less of everything, and less than five minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import serve_attacks, serve_faults, serve_hostile, serve_load, serve_memory, serve_tenants
from benchmarks.serving import copied_shop, rendered_shop, serving

Table = dict[str, dict[str, object]]


@dataclass(frozen=True)
class Amounts:
    """How much of each."""

    products: int = 2000
    seconds: float = 20.0
    slow: int = 500
    mutants: int = 20_000
    strangers: int = 10_000
    kills: int = 200
    many: int = 100_000
    requests: int = 50_000
    attack: float = 10.0
    plain: bool = True


SHORT = Amounts(
    products=300, seconds=10.0, mutants=2000, strangers=600, kills=3, many=10_000, requests=800, attack=2.0, plain=False
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="less of everything")
    parser.add_argument(
        "--only", default="load,hostile,attacks,tenants,faults,memory", help="some of the parts, with commas"
    )
    parser.add_argument("--seed", type=int, default=int(f"{datetime.date.today():%Y%m%d}"), help="today's date")
    parser.add_argument("--catalog", type=Path, help="measure a copy of this one; a rendered shop where absent")
    given = parser.parse_args()
    amounts = SHORT if given.short else Amounts()
    table: Table = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.catalog is None:
            shop, photos = rendered_shop(folder, products=amounts.products)
        else:
            shop, photos = copied_shop(folder, given.catalog)
        for part, run in _parts(folder, shop, photos, amounts, given.seed).items():
            if part in given.only.split(","):
                began = time.perf_counter()
                for row, said in run().items():
                    print(f"{row:<40}", "  ".join(f"{key} {value}" for key, value in said.items()), flush=True)
                    table[row] = said
                print(f"({part}: {time.perf_counter() - began:.0f} s)\n", flush=True)
    print(json.dumps({"benchmark": "serve", "seed": given.seed, "short": given.short, **table}))


def _parts(
    folder: Path, shop: Path, photos: list[bytes], amounts: Amounts, seed: int
) -> dict[str, Callable[[], Table]]:
    def hostile() -> Table:
        with serving(shop) as service:
            return serve_hostile.run(service, folder, count=amounts.mutants, seed=seed)

    def memory() -> Table:
        with serving(shop) as service:
            return {"memory": serve_memory.run(service, photos, requests=amounts.requests)}

    def faults() -> Table:
        return {
            "kill -9": serve_faults.kills(folder, count=amounts.kills, seed=seed),
            "start": serve_faults.restart(folder, products=amounts.many),
            "a stopped worker": serve_faults.stopped_worker(shop, photos),
            "a full disk": serve_faults.full_disk(folder),
        }

    return {
        "load": lambda: serve_load.run(shop, photos, seconds=amounts.seconds, slow=amounts.slow),
        "hostile": hostile,
        "attacks": lambda: serve_attacks.run(shop, seconds=amounts.attack, plain=amounts.plain),
        "tenants": lambda: {"strangers": serve_tenants.run(folder, count=amounts.strangers, seed=seed)},
        "faults": faults,
        "memory": memory,
    }


if __name__ == "__main__":
    main()
