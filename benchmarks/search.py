"""Vector search with and without filters: recall@10 and queries per second, one query at a time, on one core.

    python -m benchmarks.search [--vectors 100000] [--dim 256] [--queries 200] [--rounds 3] [--only catalens,faiss]

Side by side, on the same clustered vectors (a mixture of Gaussians of 32 dimensions, mapped into D and normalised):

- `catalens`: `VectorIndex.search`, given the passing ids, the same ones for every query.
- `catalens new`: the same, given other passing ids than for any of the last nine queries.
- `faiss`: FAISS by hand, given a selector that was made beforehand: IVF flat, IVF SQ8 and IVF RaBitQ with re-ranking,
  with all numbers of probes; the fastest setting that reaches what catalens reached (less 0.005) counts.
- `faiss ids`: the same given the passing ids, as catalens is, made into FAISS's selector for them (`IDSelectorBatch`).
- `lancedb` (IVF_RQ and IVF_HNSW_SQ) and `milvus` (Milvus Lite, HNSW), with a boolean column as filter; the fastest of
  their settings that reach 0.95. Where they are not installed the table says so: pip install
  'catalens[bench]'.

Filters pass a random tenth or hundredth of the vectors. Engines take turns within each round; figures are medians.
"""

from __future__ import annotations

import os

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})  # before numpy and FAISS start their threads

import argparse
import importlib.util
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from catalens.index.vector_index import VectorIndex
from catalens.types import FloatArray, IntArray

K = 10
TARGET = 0.95
BUDGET_S = 2.0
"""Longest time for one engine, one filter and one round; the queries that fit are counted."""

Search = Callable[[FloatArray], Sequence[int]]
"""One query (D,) -> ids found, best first."""


@dataclass(frozen=True)
class Data:
    """Vectors (N, D) with ids (N,), queries (Q, D) that are not among them, and true nearest ids by filter (Q, K)."""

    vectors: FloatArray
    ids: IntArray
    queries: FloatArray
    passing: Mapping[str, NDArray[np.bool_]]
    truth: Mapping[str, IntArray]


def clustered(vectors: int, queries: int, dim: int, *, seed: int = 0, clusters: int = 1000, latent: int = 32) -> Data:
    random = np.random.default_rng(seed)
    centers = random.standard_normal((clusters, latent))
    spread = random.standard_normal((latent, dim)) / np.sqrt(latent)
    count = vectors + queries
    points = centers[random.integers(0, clusters, count)] + 0.5 * random.standard_normal((count, latent))
    drawn = (points @ spread + 0.1 * random.standard_normal((count, dim))).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    kept, asked = np.ascontiguousarray(drawn[:vectors]), np.ascontiguousarray(drawn[vectors:])
    ids = 4 * np.arange(vectors) + 1  # a catalog has four spaces, whose vectors' ids take turns
    chance = random.random(vectors)
    passing = {"none": np.ones(vectors, np.bool_), "10 %": chance < 0.1, "1 %": chance < 0.01}
    scores = asked @ kept.T
    truth = {}
    for name, mask in passing.items():
        truth[name] = ids[np.argsort(-np.where(mask, scores, -np.inf), axis=1)[:, :K]]
    return Data(kept, ids, asked, passing, truth)


def recall(found: Sequence[Sequence[int]], truth: IntArray) -> float:
    return float(np.mean([np.isin(true, one).mean() for true, one in zip(truth, found, strict=False)]))


def measure(search: Search, data: Data, name: str, *, budget_s: float = BUDGET_S) -> tuple[float, float]:
    """Recall and queries per second, as many queries as the budget allows (at least five)."""
    search(data.queries[0])
    found: list[Sequence[int]] = []
    started = time.perf_counter()
    for query in data.queries:
        found.append(search(query))
        if len(found) >= 5 and time.perf_counter() - started > budget_s:
            break
    seconds = time.perf_counter() - started
    return recall(found, data.truth[name]), len(found) / seconds


def fastest(
    candidates: Iterator[tuple[str, Search]], data: Data, name: str, target: float
) -> tuple[str, Search] | None:
    """The fastest of those candidates that reach the target on the first queries."""
    best: tuple[float, str, Search] | None = None
    for settings, search in candidates:
        reached, speed = measure(search, data, name, budget_s=BUDGET_S / 4)
        if reached >= target and (best is None or speed > best[0]):
            best = (speed, settings, search)
    return None if best is None else best[1:]


# Engines: each gives, for a filter, the settings it takes and its search


class Catalens:
    """The index of this package; with `changing`, no filter comes twice in a row of ten."""

    def __init__(self, data: Data, *, changing: bool) -> None:
        self.index = VectorIndex(data.vectors.shape[1])
        self.index.add(data.ids, data.vectors)
        self.data, self.changing = data, changing

    def prepare(self, name: str, _target: float) -> tuple[str, Search] | None:
        if name == "none":
            return "as trained", lambda query: self.index.search(query[None], k=K)[1][0].tolist()
        passing = self.data.ids[self.data.passing[name]]
        # One id more or less makes another filter of the same work; this one no query is near.
        others = [np.append(passing, self.data.ids[-1] + 4 + turn) for turn in range(10)]
        filters = itertools.cycle(others if self.changing else [passing])
        return "as trained", lambda query: self.index.search(query[None], k=K, passing=next(filters))[1][0].tolist()


class Faiss:
    """FAISS by hand; `from_ids` has it make its selector from the passing ids for every query."""

    def __init__(self, data: Data, *, from_ids: bool) -> None:
        dim, lists = data.vectors.shape[1], int(2 * len(data.ids) ** 0.5)
        self.data, self.from_ids = data, from_ids
        self.indexes: dict[str, Any] = {}
        for kind in ("Flat", "SQ8", "RaBitQ"):
            index: Any = faiss.index_factory(dim, f"IVF{lists},{kind}", faiss.METRIC_INNER_PRODUCT)
            index.cp.niter, index.cp.max_points_per_centroid = 10, 64
            index.train(data.vectors)
            index.add(data.vectors)
            self.indexes[kind] = index
        self.flat = faiss.IndexFlatIP(dim)
        self.flat.add(data.vectors)

    def prepare(self, name: str, target: float) -> tuple[str, Search] | None:
        return fastest(self.candidates(name), self.data, name, target)

    def candidates(self, name: str) -> Iterator[tuple[str, Search]]:
        for kind, index in self.indexes.items():
            for probes in (4, 8, 16, 32, 64, 128, 256, index.nlist):
                for factor in (4, 8, 16, 32) if kind == "RaBitQ" else (1,):
                    refined = index if factor == 1 else faiss.IndexRefine(index, self.flat)
                    yield f"IVF {kind} nprobe={probes} x{factor}", self.search(refined, name, probes, factor)

    def search(self, index: Any, name: str, probes: int, factor: int) -> Search:
        mask = self.data.passing[name]
        bits, rows = np.packbits(mask, bitorder="little"), np.flatnonzero(mask)

        def make() -> Any:
            if name == "none":
                return None
            if self.from_ids:
                return faiss.IDSelectorBatch(rows)
            return faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))

        ready = None if self.from_ids else make()

        def search(query: FloatArray) -> Sequence[int]:
            parameters = _parameters(make() if self.from_ids else ready, probes, factor)
            found = index.search(query[None], K, params=parameters)[1][0]
            ids: list[int] = self.data.ids[found[found >= 0]].tolist()
            return ids

        return search


def _parameters(selector: Any, probes: int, factor: int) -> Any:
    """What a search by hand passes; `x1` is without re-ranking."""
    inner: Any = faiss.SearchParametersIVF() if factor == 1 else faiss.IVFRaBitQSearchParameters()
    inner.nprobe = probes
    if selector is not None:
        inner.sel = selector
    if factor == 1:
        return inner
    inner.qb = 8
    outer: Any = faiss.IndexRefineSearchParameters()
    outer.k_factor, outer.base_index_params = factor, inner
    return outer


class Lance:
    """LanceDB with two kinds of index."""

    def __init__(self, data: Data, folder: Path) -> None:
        import lancedb
        import pyarrow as pa

        self.data, self.tables = data, {}
        columns = {
            "id": pa.array(data.ids),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(data.vectors.ravel()), data.vectors.shape[1]),
            "tenth": pa.array(data.passing["10 %"]),
            "hundredth": pa.array(data.passing["1 %"]),
        }
        base = lancedb.connect(folder / "lance")
        for kind in ("IVF_RQ", "IVF_HNSW_SQ"):
            table = base.create_table(kind, pa.table(columns))
            table.create_index(metric="dot", index_type=kind, vector_column_name="vector")
            for column in ("tenth", "hundredth"):
                table.create_scalar_index(column, index_type="BITMAP")
            self.tables[kind] = table

    def prepare(self, name: str, target: float) -> tuple[str, Search] | None:
        return fastest(self.candidates(name), self.data, name, target)

    def candidates(self, name: str) -> Iterator[tuple[str, Search]]:
        condition = {"none": None, "10 %": "tenth = true", "1 %": "hundredth = true"}[name]
        for kind in self.tables:
            for probes in (4, 16, 64):
                for refine in (4, 16):
                    yield f"{kind} nprobes={probes} refine={refine}", self.search(kind, condition, probes, refine)

    def search(self, kind: str, condition: str | None, probes: int, refine: int) -> Search:
        def search(query: FloatArray) -> Sequence[int]:
            asked = self.tables[kind].search(query).distance_type("dot").nprobes(probes).refine_factor(refine)
            if condition is not None:
                asked = asked.where(condition, prefilter=True)
            ids: list[int] = asked.limit(K).select(["id", "_distance"]).to_arrow()["id"].to_pylist()
            return ids

        return search


class Milvus:
    """Milvus Lite."""

    def __init__(self, data: Data, folder: Path) -> None:
        from pymilvus import DataType, MilvusClient

        self.data, self.client = data, MilvusClient(str(folder / "milvus.db"))
        schema = self.client.create_schema()
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=data.vectors.shape[1])
        schema.add_field("tenth", DataType.BOOL)
        schema.add_field("hundredth", DataType.BOOL)
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 16, "efConstruction": 100})
        self.client.create_collection("products", schema=schema, index_params=index)
        for start in range(0, len(data.ids), 5000):
            self.client.insert(
                "products", [self.row(place) for place in range(start, min(start + 5000, len(data.ids)))]
            )
        self.client.flush("products")
        self.client.load_collection("products")

    def row(self, place: int) -> dict[str, Any]:
        tenth, hundredth = (bool(self.data.passing[name][place]) for name in ("10 %", "1 %"))
        vector = self.data.vectors[place].tolist()
        return {"id": int(self.data.ids[place]), "vector": vector, "tenth": tenth, "hundredth": hundredth}

    def prepare(self, name: str, target: float) -> tuple[str, Search] | None:
        return fastest(self.candidates(name), self.data, name, target)

    def candidates(self, name: str) -> Iterator[tuple[str, Search]]:
        condition = {"none": "", "10 %": "tenth == true", "1 %": "hundredth == true"}[name]
        for effort in (32, 128):
            yield f"HNSW ef={effort}", self.search(condition, effort)

    def search(self, condition: str, effort: int) -> Search:
        parameters = {"metric_type": "IP", "params": {"ef": effort}}

        def search(query: FloatArray) -> Sequence[int]:
            found = self.client.search(
                "products", data=[query.tolist()], filter=condition, limit=K, search_params=parameters
            )
            return [int(hit["id"]) for hit in found[0]]

        return search


def engines(data: Data, folder: Path, only: Sequence[str]) -> Iterator[tuple[str, Catalens | Faiss | Lance | Milvus]]:
    makers: dict[str, tuple[str, Callable[[], Catalens | Faiss | Lance | Milvus]]] = {
        "catalens": ("numpy", lambda: Catalens(data, changing=False)),
        "catalens new": ("numpy", lambda: Catalens(data, changing=True)),
        "faiss": ("faiss", lambda: Faiss(data, from_ids=False)),
        "faiss ids": ("faiss", lambda: Faiss(data, from_ids=True)),
        "lancedb": ("lancedb", lambda: Lance(data, folder)),
        "milvus": ("milvus_lite", lambda: Milvus(data, folder)),
    }
    for name, (package, make) in makers.items():
        if name not in only:
            continue
        if importlib.util.find_spec(package) is None:
            print(f"{name}: {package} is not installed; pip install 'catalens[bench]'", flush=True)
            continue
        started = time.perf_counter()
        engine = make()
        print(f"{name}: built in {time.perf_counter() - started:.1f} s", flush=True)
        yield name, engine


def run(data: Data, folder: Path, *, only: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    made = list(engines(data, folder, only))
    rows: list[dict[str, Any]] = []
    for filter_name in data.passing:
        ready: list[tuple[str, str, Search]] = []
        ours = TARGET
        for name, engine in made:
            target = ours - 0.005 if name.startswith("faiss") else TARGET
            prepared = engine.prepare(filter_name, target)
            if prepared is None:
                print(f"{name}: no setting reaches {target:.3f} with filter {filter_name}", flush=True)
                continue
            ready.append((name, *prepared))
            if name == "catalens":
                ours = max(TARGET, measure(prepared[1], data, filter_name)[0])
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in ready}
        for _ in range(rounds):
            for name, _, search in ready:
                measured[name].append(measure(search, data, filter_name))
        for name, settings, _ in ready:
            reached, speeds = measured[name][0][0], [speed for _, speed in measured[name]]
            rows.append(
                {
                    "filter": filter_name,
                    "engine": name,
                    "recall": round(reached, 4),
                    "qps": round(statistics.median(speeds), 1),
                    "settings": settings,
                }
            )
    return rows


def ratios(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    speed = {(row["filter"], row["engine"]): row["qps"] for row in rows}
    return {
        f"catalens/{engine}, filter {name}": round(speed[name, "catalens"] / value, 2)
        for (name, engine), value in speed.items()
        if not engine.startswith("catalens") and (name, "catalens") in speed
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="catalens,catalens new,faiss,faiss ids,lancedb,milvus")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core for every engine's threads
    faiss.omp_set_num_threads(1)
    data = clustered(given.vectors, given.queries, given.dim, seed=given.seed)
    print(f"{given.vectors:,} x {given.dim}, {given.queries} queries, k={K}, seed {given.seed}, one core", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = run(data, Path(folder), only=given.only.split(","), rounds=given.rounds)
    print(f"\n{'filter':<8}{'engine':<14}{'recall@10':>10}{'queries/s':>11}  settings")
    for row in rows:
        print(f"{row['filter']:<8}{row['engine']:<14}{row['recall']:>10.3f}{row['qps']:>11,.0f}  {row['settings']}")
    print(json.dumps({"benchmark": "search", **vars(given), "rows": rows, "ratios": ratios(rows)}))


if __name__ == "__main__":
    main()
