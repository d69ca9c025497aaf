"""Resident memory of the vector index, each size in a process of its own: made from nothing, and read from its file.

    python -m benchmarks.memory [--sizes 100000,1000000] [--dim 256]

`private` is what no other process can share (Linux: RssAnon), `mapped` are pages of files in memory (RssFile), which
the system takes back when it needs them. Both are less what the process held before (Python, NumPy and FAISS loaded).
`bytes/vector` is private memory after 200 searches, without and with a filter. The vectors come in parts, as a store
gives them; `raw` is what the float32 vectors alone would take.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from catalens.index.file import Stamp, read_index, write_index
from catalens.index.vector_index import VectorIndex
from catalens.types import FloatArray

PART = 50_000
QUERIES = 200


def memory_mb() -> dict[str, float]:
    """Memory of this process by kind, in 2**20 bytes."""
    names = {"RssAnon": "private", "RssFile": "mapped", "VmHWM": "peak"}
    found = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in names:
            found[names[name]] = int(value.split()[0]) / 1024
    return found


def part(number: int, size: int, dim: int) -> FloatArray:
    """Vectors of 1,000 clusters of 32 dimensions, mapped into `dim`."""
    shared, own = np.random.default_rng(0), np.random.default_rng(1 + number)
    centers, spread = shared.standard_normal((1000, 32), np.float32), shared.standard_normal((32, dim), np.float32)
    points = centers[own.integers(0, 1000, size)] + 0.5 * own.standard_normal((size, 32), np.float32)
    return points @ spread + 0.3 * own.standard_normal((size, dim), np.float32)


def searched_ms(index: VectorIndex, dim: int) -> float:
    """Median-free mean time of a search in ms, half of them with a filter that passes a tenth."""
    queries, passing = part(10_000, QUERIES, dim), np.arange(0, len(index), 10)
    started = time.perf_counter()
    for number, query in enumerate(queries):
        index.search(query[None], k=10, passing=passing if number % 2 else None)
    return 1000 * (time.perf_counter() - started) / QUERIES


def make(path: Path, count: int, dim: int) -> dict[str, float]:
    before, started = memory_mb(), time.perf_counter()
    index = VectorIndex(dim)
    for number, start in enumerate(range(0, count, PART)):
        size = min(PART, count - start)
        index.add(np.arange(start, start + size), part(number, size, dim))
    built_s = time.perf_counter() - started
    search_ms, after = searched_ms(index, dim), memory_mb()
    trained = index.fold().trained
    if trained is not None:
        write_index(path, trained, Stamp("deep", dim, "cosine", count, 0))
    return {**grown(before, after), "seconds": built_s, "search_ms": search_ms}


def read(path: Path, _count: int, dim: int) -> dict[str, float]:
    before, started = memory_mb(), time.perf_counter()
    index = VectorIndex(dim)
    index.adopt(read_index(path)[0])
    read_s = time.perf_counter() - started
    search_ms, after = searched_ms(index, dim), memory_mb()
    return {**grown(before, after), "seconds": read_s, "search_ms": search_ms}


def grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {kind: after[kind] - before[kind] for kind in ("private", "mapped")} | {"peak": after["peak"]}


def in_fresh_process(step: str, path: Path, count: int, dim: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.memory", "--step", step, "--file", str(path)]
    finished = subprocess.run(
        [*command, "--sizes", str(count), "--dim", str(dim)], capture_output=True, text=True, check=True
    )
    measured: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return {
        "vectors": count,
        "how": step,
        **{name: round(value, 2) for name, value in measured.items()},
        "bytes_per_vector": round(measured["private"] * 2**20 / count),
        "raw_mb": round(count * dim * 4 / 2**20),
        "file_mb": round(path.stat().st_size / 2**20) if path.exists() else 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", default="100000,1000000")
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--step", choices=("make", "read"), help="what a child process measures")
    parser.add_argument("--file", type=Path, default=Path("index.faiss"), help="where a child process writes or reads")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    if given.step:
        print(json.dumps((make if given.step == "make" else read)(given.file, sizes[0], given.dim)))
        return
    rows = []
    print(f"{'vectors':>9} {'how':<5}{'private MB':>11}{'mapped MB':>10}{'bytes/vector':>13}{'raw MB':>8}", end="")
    print(f"{'file MB':>9}{'peak MB':>9}{'seconds':>9}{'ms/search':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for count in sizes:
            for step in ("make", "read"):
                row = in_fresh_process(step, Path(folder) / f"{count}.faiss", count, given.dim)
                rows.append(row)
                print(f"{count:>9,} {step:<5}{row['private']:>11,.0f}{row['mapped']:>10,.0f}", end="")
                print(f"{row['bytes_per_vector']:>13,}{row['raw_mb']:>8,}{row['file_mb']:>9,}", end="")
                print(f"{row['peak']:>9,.0f}{row['seconds']:>9.1f}{row['search_ms']:>10.2f}", flush=True)
    print(json.dumps({"benchmark": "memory", "dim": given.dim, "rows": rows}))


if __name__ == "__main__":
    main()
