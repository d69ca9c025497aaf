"""What the generators are worth, from the folders of their runs; time and memory of the one that ships.

    python -m benchmarks.generate [--fashion runs/fashion] [--clothes runs/generator] [--rounds 5]

Quality is read from the `figures.json` that the recipes wrote (`python -m recipes.generator_fashion` and
`generator_clothes`). Time is the median over rounds of one call, after a first one; memory the most that a process of
its own held, beyond what it held before the network was loaded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.memory import memory_mb
from catalens.models.zoo import DEFAULT_GENERATOR, find_card
from catalens.tasks.generate import Generator


def quality(path: Path | None) -> dict[str, Any]:
    """The figures of a run; nothing where no run is named."""
    if path is None:
        return {}
    found: dict[str, Any] = json.loads((path / "figures.json").read_text("utf-8"))
    return found


def speed(threads: int, n: int, rounds: int) -> dict[str, float]:
    """Milliseconds a picture, and MB, in this process."""
    before = memory_mb()["private"]
    network = Generator(find_card(DEFAULT_GENERATOR), threads=threads)
    network.make(kind="dress", n=n, seed=0)
    times = []
    for seed in range(rounds):
        started = time.perf_counter()
        network.make(kind="dress", n=n, seed=seed)
        times.append(1000 * (time.perf_counter() - started) / n)
    return {"ms": round(statistics.median(times), 2), "MB": round(memory_mb()["peak"] - before, 1)}


def alone(threads: int, n: int, rounds: int) -> dict[str, float]:
    """The same in a process of its own."""
    code = f"import json; from benchmarks.generate import speed; print(json.dumps(speed({threads}, {n}, {rounds})))"
    found: dict[str, float] = json.loads(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fashion", type=Path, help="folder of a run on Fashion-MNIST")
    parser.add_argument("--clothes", type=Path, help="folder of a run on product pictures")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    result: dict[str, Any] = {"benchmark": "generate"}
    for name, folder in (("fashion", given.fashion), ("clothes", given.clothes)):
        result[name] = quality(folder)
        for part, figures in result[name].items():
            print(f"{name}: {part}: {json.dumps(figures)}")
    for threads in (1, 2):
        for n in (1, 16):
            found = alone(threads, n, given.rounds)
            result[f"{threads} threads, {n} at a time"] = found
            print(f"{threads} threads, {n:>2} at a time   {found['ms']:7.1f} ms a picture   {found['MB']:6.0f} MB")
    card = find_card(DEFAULT_GENERATOR)
    result["weights MB"] = round(card.weights.stat().st_size / 1e6, 2)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
