"""A crowd asks by photo: at half the rate that can be served, at that rate, and at four times that; and slow clients.

Beside it, in the same run, a plain application of the same parts: a thread pool with everything let in; for a shorter
time, since its queue grows as long as the crowd lasts. `cores of the crowd` is what the crowd took of the machine, and
the service lacked.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.crowd import beside_slow, crowd, in_turns, searches
from benchmarks.serving import Service, catalens_serve, free_port, start

PLAIN = """
import sys
from concurrent.futures import ThreadPoolExecutor
import asyncio, uvicorn
from fastapi import FastAPI, File, UploadFile
import catalens
shop = catalens.Catalog.open(sys.argv[1], readonly=True)
app, pool = FastAPI(), ThreadPoolExecutor(64)
@app.get("/healthz")
def healthz(): return {}
@app.post("/v1/search")
async def search(image: UploadFile = File()):
    data = await image.read()
    loop = asyncio.get_running_loop()
    return (await loop.run_in_executor(pool, lambda: shop.search(image=data, k=10))).to_dict()
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


def run(shop: Path, photos: list[bytes], *, seconds: float, slow: int) -> dict[str, dict[str, object]]:
    """Both applications under the three loads; the first one beside slow clients, too."""
    table: dict[str, dict[str, object]] = {}
    peak, requests = 0.0, searches(photos)
    for name, lasts in (("catalens", seconds), ("plain", seconds / 4)):
        service = catalens_serve(shop) if name == "catalens" else _plain(shop)
        try:
            asyncio.run(in_turns(service.port, requests, seconds=3))  # everything is loaded
            found = asyncio.run(in_turns(service.port, requests, seconds=lasts / 2)).goodput
            peak = peak or found
            before = service.memory_mb()
            for load in (0.5, 1.0, 4.0):
                result = asyncio.run(crowd(service.port, requests, rate=load * peak, seconds=lasts))
                table[f"{name} at {load:g}x"] = result.to_dict()
            after = service.memory_mb()
            memory = {"before MB": round(before), "after MB": round(after)}
            table[f"{name} memory"] = {"capacity": round(found, 1), **memory}
            if name == "catalens":
                table.update(_beside_slow(service.port, requests, rate=peak / 2, seconds=seconds, slow=slow))
        finally:
            service.stop()
    table["ratios"] = _ratios(table, peak, slow)
    return table


def _plain(shop: Path) -> Service:
    port = free_port()
    return start([sys.executable, "-c", PLAIN, str(shop), str(port)], port, ready="/healthz")


def _beside_slow(
    port: int, requests: list[bytes], *, rate: float, seconds: float, slow: int
) -> dict[str, dict[str, object]]:
    """The same load without and with slow clients, one right after the other."""
    alone = asyncio.run(crowd(port, requests, rate=rate, seconds=seconds)).to_dict()
    both = beside_slow(port, requests, rate=rate, seconds=seconds, slow=slow)
    return {"at 0.5x again, alone": alone, f"at 0.5x beside {slow} slow clients": asyncio.run(both).to_dict()}


def _ratios(table: dict[str, dict[str, object]], peak: float, slow: int) -> dict[str, object]:
    p99 = {name: float(str(row["p99 ms"])) for name, row in table.items() if "p99 ms" in row}
    served = float(str(table["catalens at 4x"]["answers a second"]))
    return {
        "p99 at 4x / at 0.5x": round(p99["catalens at 4x"] / p99["catalens at 0.5x"], 2),
        "goodput at 4x / peak": round(served / peak, 2),
        "p99 of the plain one at 4x / ours": round(p99["plain at 4x"] / p99["catalens at 4x"], 1),
        "p99 beside slow clients / alone": round(
            p99[f"at 0.5x beside {slow} slow clients"] / p99["at 0.5x again, alone"], 2
        ),
    }
