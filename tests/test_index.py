"""The vector index against plain numpy: exact, approximate, filtered, changed, on disk, by many threads."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from catalens.errors import UsageError
from catalens.index.file import IndexFileError, Stamp, read_index, write_index
from catalens.index.rows import FloatRows, RowFinder, ShortRows, best
from catalens.index.space_index import SpaceIndex, check_index_files
from catalens.index.vector_index import VectorIndex
from catalens.index.vector_store import Space
from catalens.storage.schema import TABLES
from catalens.types import FloatArray, IntArray

Metric = Literal["cosine", "euclidean"]
METRICS: tuple[Metric, ...] = ("cosine", "euclidean")


def clustered(n: int, dim: int, *, seed: int, centers: int = 40) -> FloatArray:
    random = np.random.default_rng(seed)
    middle = np.random.default_rng(0).standard_normal((centers, dim))
    return np.asarray(middle[random.integers(0, centers, n)] + 0.4 * random.standard_normal((n, dim)), np.float32)


def all_scores(queries: FloatArray, vectors: FloatArray, metric: Metric) -> NDArray[np.float64]:
    """(Q, N) in float64, the plain way."""
    left, right = queries.astype(np.float64), vectors.astype(np.float64)
    if metric == "euclidean":
        return np.asarray(-np.linalg.norm(left[:, None] - right[None], axis=2))
    left /= np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-30)
    right /= np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-30)
    return np.asarray(left @ right.T)


def expected(
    queries: FloatArray, ids: IntArray, vectors: FloatArray, metric: Metric, k: int, passing: IntArray | None = None
) -> tuple[NDArray[np.float64], IntArray]:
    scores = all_scores(queries, vectors, metric)
    if passing is not None:
        scores = np.where(np.isin(ids, passing), scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(scores, order, axis=1)
    return found, np.where(np.isfinite(found), ids[order], -1)


def recall(found: IntArray, true: IntArray) -> float:
    hits = [len(np.intersect1d(one[one >= 0], other[other >= 0])) for one, other in zip(found, true, strict=True)]
    return sum(hits) / int((true >= 0).sum())


# The exact regime


@pytest.mark.parametrize("metric", METRICS)
def test_empty(metric: Metric) -> None:
    index = VectorIndex(4, metric=metric)
    scores, ids = index.search(np.ones((2, 4)), k=3)
    assert len(index) == 0
    assert ids.tolist() == [[-1] * 3] * 2
    assert np.isneginf(scores).all()
    assert index.search(np.empty((0, 4)), k=3)[1].shape == (0, 3)
    index.add([], np.empty((0, 4)))
    assert index.remove([]) == 0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "dim"), [(1, 1), (3, 2), (257, 7), (1000, 33)])
@pytest.mark.parametrize("passing", [None, 0.0, 0.05, 0.7])
def test_exact_is_what_numpy_says(metric: Metric, n: int, dim: int, passing: float | None) -> None:
    random = np.random.default_rng(n)
    ids, vectors = random.permutation(5 * n)[:n], clustered(n, dim, seed=1)
    allowed = None if passing is None else random.permutation(ids[random.random(n) < passing])
    index = VectorIndex(dim, metric=metric)
    index.add(ids, vectors)
    queries = clustered(4, dim, seed=2)
    scores, found = index.search(queries, k=5, passing=allowed)
    true_scores, true_ids = expected(queries, ids, vectors, metric, min(5, n), allowed)
    np.testing.assert_allclose(scores[:, : min(5, n)], true_scores, atol=2e-6)
    assert recall(found, true_ids) == 1.0 if (true_ids >= 0).any() else (found == -1).all()


def test_hand_values() -> None:
    vectors = np.array([[3, 4], [0, 2], [-1, 0], [0, 0]])
    index = VectorIndex(2)
    index.add([10, 11, 12, 13], vectors)
    scores, ids = index.search([[0, 5]], k=4)
    assert ids[0].tolist() == [11, 10, 12, 13]
    np.testing.assert_allclose(scores[0], [1, 0.8, 0, 0], atol=1e-7)
    index = VectorIndex(2, metric="euclidean")
    index.add([10, 11, 12, 13], vectors)
    scores, ids = index.search([[0, 2]], k=2)
    assert ids[0].tolist() == [11, 13]
    np.testing.assert_allclose(scores[0], [0, -2], atol=1e-7)


def test_equal_scores_go_by_id() -> None:
    index = VectorIndex(2)
    index.add([7, 3, 9, 1], [[1, 0]] * 4)
    assert index.search([[1, 0]], k=3)[1].tolist() == [[1, 3, 7]]


def test_add_replace_remove() -> None:
    index = VectorIndex(2)
    index.add([1, 2], [[1, 0], [0, 1]])
    index.add([1, 3], [[0, -1], [1, 0]])
    assert len(index) == 3
    assert index.search([[1, 0]], k=1)[1].tolist() == [[3]]
    assert index.search([[0, -1]], k=1)[1].tolist() == [[1]]
    assert index.remove([3, 99]) == 1
    assert index.remove([3]) == 0
    assert index.search([[1, 0]], k=5)[1].tolist() == [[1, 2, -1, -1, -1]]
    assert index.search([[1, 0]], k=5, passing=np.array([3, 2, 2, 99, -1]))[1].tolist() == [[2, -1, -1, -1, -1]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda index: index.add([1], [[1, 2, 3]]), r"shape \(N, 2\)"),
        (lambda index: index.add([1], [1, 2]), r"shape \(N, 2\)"),
        (lambda index: index.add([1, 2], [[1, 2]]), "as many ids as vectors"),
        (lambda index: index.add([1, 1], [[1, 2], [3, 4]]), "distinct ids"),
        (lambda index: index.add([-1], [[1, 2]]), "integers from 0 on"),
        (lambda index: index.add([0.5], [[1, 2]]), "integers from 0 on"),
        (lambda index: index.add([1], [[np.nan, 2]]), "finite"),
        (lambda index: index.search([[np.inf, 2]], k=1), "finite"),
        (lambda index: index.search([1, 2], k=1), r"shape \(N, 2\)"),
        (lambda index: index.search([[1, 2]], k=-1), "k of at least 0"),
        (lambda index: VectorIndex(0), "at least 1"),
        (lambda index: VectorIndex(2, metric="manhattan"), "cosine or euclidean"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_says_what_was_expected(call: Any, says: str) -> None:
    index = VectorIndex(2)
    index.add([5], [[1, 0]])
    with pytest.raises(UsageError, match=says):
        call(index)
    assert index.search([[1, 0]], k=1)[1].tolist() == [[5]]


def test_k_of_zero_and_k_beyond_all() -> None:
    index = VectorIndex(2)
    index.add([5], [[1, 0]])
    assert index.search([[1, 0]], k=0)[1].shape == (1, 0)
    assert index.search([[1, 0]], k=10_000)[1].shape == (1, 10_000)


# The approximate regime


@pytest.fixture(scope="module", params=METRICS)
def trained(request: pytest.FixtureRequest) -> tuple[VectorIndex, IntArray, FloatArray]:
    ids, vectors = 3 * np.arange(6000) + 5, clustered(6000, 32, seed=3)
    index = VectorIndex(32, metric=request.param, exact_below=5000)
    index.add(ids, vectors)
    return index, ids, vectors


@pytest.mark.parametrize("share", [None, 0.5, 0.1, 0.01, 0.0005])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_recall(trained: tuple[VectorIndex, IntArray, FloatArray], share: float | None, k: int) -> None:
    index, ids, vectors = trained
    assert not index.is_exact
    random = np.random.default_rng(9)
    passing = None if share is None else ids[random.random(len(ids)) < share]
    queries = clustered(50, 32, seed=4)
    scores, found = index.search(queries, k=k, passing=passing)
    true_scores, true_ids = expected(queries, ids, vectors, index.metric, k, passing)
    assert recall(found, true_ids) >= 0.95
    assert (scores[:, 1:] <= scores[:, :-1]).all()
    assert (found >= 0).sum() == (true_ids >= 0).sum()
    if passing is not None:
        assert np.isin(found[found >= 0], passing).all()
    np.testing.assert_allclose(scores[:, 0], true_scores[:, 0], atol=1e-3)


@pytest.mark.parametrize("metric", METRICS)
def test_a_filter_far_from_the_query_still_fills_k(metric: Metric) -> None:
    vectors = clustered(3000, 16, seed=5, centers=3)
    index = VectorIndex(16, metric=metric, exact_below=1000)
    index.add(np.arange(3000), vectors)
    query = vectors[:1]
    farthest = np.argsort(all_scores(query, vectors, metric)[0])[:700]
    _, found = index.search(query, k=20, passing=farthest)
    _, true = expected(query, np.arange(3000), vectors, metric, 20, farthest)
    assert (found >= 0).all()
    assert recall(found, true) >= 0.9


@pytest.mark.parametrize("metric", METRICS)
def test_changes_take_effect_at_once_in_the_trained_part_and_the_tail(metric: Metric) -> None:
    vectors = clustered(1500, 16, seed=6)
    index = VectorIndex(16, metric=metric, exact_below=1000)
    index.add(np.arange(1000), vectors[:1000])
    index.add(np.arange(1000, 1500), vectors[1000:])  # the tail
    assert not index.is_exact
    assert len(index.snapshot.tail.ids) == 500
    for gone in (3, 1200):
        assert index.search(vectors[gone : gone + 1], k=1)[1].tolist() == [[gone]]
        assert index.remove([gone]) == 1
        assert gone not in index.search(vectors[gone : gone + 1], k=50)[1]
    index.add([3], vectors[1200:1201])
    assert index.search(vectors[1200:1201], k=1)[1].tolist() == [[3]]
    index.fold()
    assert len(index.snapshot.tail.ids) == 0
    assert len(index) == 1499
    assert index.search(vectors[1200:1201], k=1)[1].tolist() == [[3]]
    assert 1200 not in index.search(vectors[1200:1201], k=50)[1]


def test_a_large_tail_is_folded_in_and_growth_trains_anew() -> None:
    vectors = clustered(9000, 8, seed=7)
    index = VectorIndex(8, exact_below=1000)
    index.add(np.arange(1000), vectors[:1000])
    first = index.snapshot.trained
    index.add(np.arange(1000, 3500), vectors[1000:3500])
    second = index.snapshot.trained
    assert first is not None
    assert second is not None
    assert len(index.snapshot.tail.ids) == 0
    assert second.lists.trained_on == first.lists.trained_on == 1000
    index.add(np.arange(3500, 9000), vectors[3500:])
    third = index.snapshot.trained
    assert third is not None
    assert third.lists.trained_on == 9000
    assert index.search(vectors[::500], k=1)[1][:, 0].tolist() == list(range(0, 9000, 500))


def test_many_removals_train_anew() -> None:
    vectors = clustered(2000, 8, seed=8)
    index = VectorIndex(8, exact_below=1000)
    index.add(np.arange(2000), vectors)
    index.remove(np.arange(800))
    index.add([5000], vectors[:1])
    now = index.snapshot.trained
    assert now is not None
    assert len(now.rows.ids) == 1201
    assert index.search(vectors[:1], k=1)[1].tolist() == [[5000]]


def test_searches_go_on_while_vectors_come_and_go() -> None:
    vectors = clustered(3000, 16, seed=9)
    index = VectorIndex(16, exact_below=1500)
    index.add(np.arange(100), vectors[:100])
    stop = threading.Event()

    def search() -> int:
        done = 0
        while not stop.is_set() or done == 0:
            scores, ids = index.search(vectors[:5], k=3)
            assert ids[:, 0].tolist() == [0, 1, 2, 3, 4]
            assert np.isfinite(scores).all()
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search) for _ in range(4)]
        try:
            for start in range(100, 3000, 100):
                index.add(np.arange(start, start + 100), vectors[start : start + 100])
                index.remove(np.arange(start, start + 20))
        finally:
            stop.set()
        assert all(one.result() > 0 for one in searches)
    assert len(index) == 3000 - 29 * 20


# Rows


@given(
    ids=st.lists(st.one_of(st.integers(0, 60), st.integers(0, 2**40)), unique=True, max_size=30),
    wanted=st.lists(st.one_of(st.integers(-1, 60), st.integers(0, 2**40)), max_size=30),
)
def test_row_finder(ids: list[int], wanted: list[int]) -> None:
    array = np.array(ids, dtype=np.int64)
    found = RowFinder(array).find(np.array(wanted, dtype=np.int64))
    assert found.tolist() == [row for row, id in enumerate(ids) if id in wanted]


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 99)), max_size=30), st.integers(1, 8))
def test_best(pairs: list[tuple[float, int]], k: int) -> None:
    scores, ids = np.array([p[0] for p in pairs], np.float32), np.array([p[1] for p in pairs], np.int64)
    found = best(scores, ids, k)
    assert list(zip(*(part.tolist() for part in found), strict=True)) == sorted(pairs, key=lambda p: (-p[0], p[1]))[:k]


@given(st.integers(0, 40), st.integers(1, 9), st.floats(1e-20, 1e20))
@settings(max_examples=50)
def test_short_rows_round_to_a_65534th_of_the_largest(n: int, dim: int, size: float) -> None:
    vectors = (np.random.default_rng(n).standard_normal((n, dim)) * size).astype(np.float32)
    decoded = ShortRows.of(np.arange(n), vectors).vectors(slice(None))
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    assert (np.abs(decoded - vectors) <= largest / 65_000).all()


def test_a_value_of_rows_does_not_see_what_is_appended_later() -> None:
    one = FloatRows.empty(2).append(np.array([1]), np.ones((1, 2), np.float32))
    two = one.append(np.array([2]), 2 * np.ones((1, 2), np.float32))
    three = two.without(np.array([1]))
    assert (one.ids.tolist(), two.ids.tolist(), three.living) == ([1], [1, 2], 1)


# In step with a store, and on disk


class Memory:
    """A store in memory: the tables, and what an index asks."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.executescript(TABLES)
        self.version = 0

    def add(self, ids: ArrayLike, vectors: FloatArray, *, space: int = 1) -> None:
        self.db.execute("INSERT OR IGNORE INTO space VALUES (?, ?, ?)", (space, f"s{space}", vectors.shape[1]))
        for id, vector in zip(np.asarray(ids).tolist(), vectors, strict=True):
            row = (id, space, 10_000_000 + id, vector.astype("<f4").tobytes(), 0)
            self.db.execute("INSERT INTO vector VALUES (?, ?, ?, ?, ?)", row)
        self.version += 1

    def remove(self, *ids: int) -> None:
        self.db.executemany("DELETE FROM vector WHERE id = ?", [(id,) for id in ids])
        self.version += 1

    def data_version(self) -> int:
        return self.version

    def fetch_all(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self.db.execute(sql, parameters).fetchall()

    def spaces(self) -> tuple[Space, ...]:
        return tuple(Space(*row) for row in self.fetch_all("SELECT id, name, dim FROM space"))

    def space(self, name: str) -> Space | None:
        return next((space for space in self.spaces() if space.name == name), None)

    def last_vector(self, space_id: int) -> int:
        ids = "SELECT id FROM vector WHERE space_id = ?1 UNION SELECT vector_id FROM erased WHERE space_id = ?1"
        return max([0, *(int(row[0]) for row in self.fetch_all(ids, (space_id,)))])

    def raw_vectors(self, space_id: int, vector_ids: IntArray) -> dict[int, FloatArray]:
        rows = self.fetch_all("SELECT id, data FROM vector WHERE space_id = ?", (space_id,))
        return {id: np.frombuffer(data, "<f4") for id, data in rows if id in vector_ids}

    def vectors_after(self, space_id: int, vector_id: int) -> tuple[IntArray, IntArray, FloatArray]:
        rows = self.fetch_all(
            "SELECT id, picture_id, data FROM vector WHERE space_id = ? AND id > ? ORDER BY id", (space_id, vector_id)
        )
        dim = self.fetch_all("SELECT dim FROM space WHERE id = ?", (space_id,))[0][0]
        data = np.frombuffer(b"".join(row[2] for row in rows), "<f4").reshape(-1, dim)
        return np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], np.int64), data

    def erased_after(self, space_id: int, seq: int) -> tuple[IntArray, int]:
        rows = self.fetch_all("SELECT vector_id, seq FROM erased WHERE space_id = ? AND seq > ?", (space_id, seq))
        return np.array([row[0] for row in rows], np.int64), max([seq, *(row[1] for row in rows)])


@pytest.fixture
def memory() -> Iterator[Memory]:
    made = Memory()
    yield made
    made.db.close()


VECTORS = clustered(2500, 16, seed=10)


def open_index(memory: Memory, folder: Path | None, *, writable: bool = True) -> VectorIndex:
    found = SpaceIndex(memory, "s1", folder=folder, exact_below=1000, writable=writable).refresh()
    assert found is not None
    return found


def test_a_space_that_does_not_exist_yet(memory: Memory) -> None:
    following = SpaceIndex(memory, "s1")
    assert following.refresh() is None
    memory.add([1], VECTORS[:1])
    found = following.refresh()
    assert found is not None
    assert len(found) == 1


def test_what_is_committed_is_taken_over(memory: Memory) -> None:
    memory.add(np.arange(1, 11), VECTORS[:10])
    following = SpaceIndex(memory, "s1")
    first = following.refresh()
    assert first is not None
    memory.remove(3, 4)
    memory.add([20], VECTORS[20:21])
    memory.add([21], VECTORS[:1], space=2)
    memory.remove(20)
    memory.add([22], VECTORS[22:23])
    now = following.refresh()
    assert now is not None
    assert sorted(now.search(VECTORS[:1], k=20)[1][0].tolist()) == [-1] * 11 + [1, 2, 5, 6, 7, 8, 9, 10, 22]


def test_a_vector_erased_while_it_is_read_is_not_found(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may erase between the two questions of one `refresh`: the vector is in both answers then."""
    memory.add(np.arange(1, 11), VECTORS[:10])
    following = SpaceIndex(memory, "s1")
    whole = memory.vectors_after

    def read_and_erase(space_id: int, vector_id: int) -> tuple[IntArray, IntArray, FloatArray]:
        found = whole(space_id, vector_id)
        memory.remove(5)
        return found

    monkeypatch.setattr(memory, "vectors_after", read_and_erase)
    now = following.refresh()
    assert now is not None
    assert sorted(now.search(VECTORS[4:5], k=10)[1][0].tolist()) == [-1, 1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_what_was_erased_after_the_file_was_written_is_not_found(memory: Memory, tmp_path: Path) -> None:
    memory.add(np.arange(1, 2001), VECTORS[:2000])
    open_index(memory, tmp_path)
    memory.remove(7, 1500)
    for folder in (tmp_path, None):
        found = open_index(memory, folder)
        assert len(found) == 1998
        assert not {7, 1500} & set(found.search(VECTORS[[6, 1499]], k=50)[1].ravel().tolist())


def test_below_the_limit_no_file_is_written(memory: Memory, tmp_path: Path) -> None:
    memory.add(np.arange(1, 11), VECTORS[:10])
    open_index(memory, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert check_index_files(tmp_path, memory) == []


def test_the_file_spares_reading_all_vectors(memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.add(np.arange(1, 2001), VECTORS[:2000])
    made = open_index(memory, tmp_path)
    assert [path.name for path in (tmp_path / "index").iterdir()] == ["1.faiss"]
    memory.remove(7)
    memory.add(np.arange(2001, 2101), VECTORS[2000:2100])
    asked: list[int] = []
    whole = memory.vectors_after

    def noted(space: int, after: int) -> Any:
        asked.append(after)
        return whole(space, after)

    monkeypatch.setattr(memory, "vectors_after", noted)
    read = open_index(memory, tmp_path)
    assert asked == [2000]
    assert len(read) == len(made) + 99
    assert isinstance(read.snapshot.trained, object)
    assert read.search(VECTORS[[6, 50, 2050]], k=1)[1][1:].tolist() == [[51], [2051]]
    assert 7 not in read.search(VECTORS[6:7], k=20)[1]
    assert check_index_files(tmp_path, memory) == []


def test_searching_gives_the_same_from_the_file(memory: Memory, tmp_path: Path) -> None:
    memory.add(np.arange(1, 2001), VECTORS[:2000])
    in_memory, in_file = open_index(memory, None), open_index(memory, tmp_path)
    queries, passing = clustered(20, 16, seed=11), np.arange(1, 2001, 7)
    for allowed in (None, passing):
        one, two = in_memory.search(queries, k=5, passing=allowed), in_file.search(queries, k=5, passing=allowed)
        np.testing.assert_array_equal(one[1], two[1])


def test_read_only_writes_nothing(memory: Memory, tmp_path: Path) -> None:
    memory.add(np.arange(1, 2001), VECTORS[:2000])
    assert len(open_index(memory, tmp_path, writable=False)) == 2000
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_logged(
    memory: Memory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory.add(np.arange(1, 2001), VECTORS[:2000])
    (tmp_path / "index").write_text("a file in the way")
    with caplog.at_level(logging.WARNING):
        assert len(open_index(memory, tmp_path)) == 2000
    assert "could not be written" in caplog.text


@pytest.fixture
def filled(memory: Memory, tmp_path: Path) -> tuple[Memory, Path, Path]:
    memory.add(np.arange(1, 1501), VECTORS[:1500])
    open_index(memory, tmp_path)
    return memory, tmp_path, tmp_path / "index" / "1.faiss"


def test_a_flipped_bit_anywhere_is_found_and_healed(
    filled: tuple[Memory, Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    memory, folder, path = filled
    whole = path.read_bytes()
    places = np.linspace(0, len(whole) - 1, 60).astype(int)
    padding = 0
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            read_index(path)
            padding += 1
        except IndexFileError:
            pass
    assert padding <= 1  # only the few bytes between sections are not covered
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    assert [finding.what for finding in check_index_files(folder, memory)] == ["its lists are damaged"]
    with caplog.at_level(logging.WARNING):
        assert len(open_index(memory, folder)) == 1500
    assert "made anew" in caplog.text
    assert check_index_files(folder, memory) == []


@pytest.mark.parametrize("content", [b"", b"CTLNIDX1", b"nonsense" * 100, b"CTLNIDX1" + b"\xff" * 16 + b"{}"])
def test_files_that_are_no_index(filled: tuple[Memory, Path, Path], content: bytes) -> None:
    memory, folder, path = filled
    path.write_bytes(content)
    assert len(check_index_files(folder, memory)) == 1
    assert len(open_index(memory, folder)) == 1500


def test_a_file_cut_short_or_with_something_behind(filled: tuple[Memory, Path, Path]) -> None:
    memory, folder, path = filled
    whole = path.read_bytes()
    for content in (whole[:-1], whole + b"\0"):
        path.write_bytes(content)
        assert [finding.what for finding in check_index_files(folder, memory)] == ["it is not as long as its head says"]


def test_the_file_of_another_catalog_is_not_believed(
    filled: tuple[Memory, Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, folder, _ = filled
    other = Memory()
    other.add(np.arange(1, 1501), clustered(1500, 16, seed=77))
    assert [finding.what for finding in check_index_files(folder, other)] == ["it was made of another catalog"]
    found = open_index(other, folder)
    assert found.search(clustered(1500, 16, seed=77)[:3], k=1)[1].tolist() == [[1], [2], [3]]
    other.db.close()


def test_the_file_of_a_later_state_is_not_believed(filled: tuple[Memory, Path, Path]) -> None:
    _, folder, _ = filled
    earlier = Memory()
    earlier.add(np.arange(1, 1201), VECTORS[:1200])
    assert [finding.what for finding in check_index_files(folder, earlier)] == [
        "it was made of vectors that the catalog does not have"
    ]
    assert len(open_index(earlier, folder)) == 1200
    earlier.db.close()


def test_files_that_belong_to_nothing(filled: tuple[Memory, Path, Path]) -> None:
    memory, folder, path = filled
    (path.parent / "9.faiss").write_bytes(path.read_bytes())
    (path.parent / "1.faiss.123.tmp").write_bytes(b"")
    assert [(finding.path.name, finding.what) for finding in check_index_files(folder, memory)] == [
        ("1.faiss.123.tmp", "it was left behind when an index was written"),
        ("9.faiss", "it belongs to no space of the catalog"),
    ]


def test_writing_is_all_or_nothing(filled: tuple[Memory, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, path = filled
    before = path.read_bytes()
    trained, stamp = read_index(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("catalens.index.file.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_index(path, trained, Stamp("s1", 16, "cosine", stamp.last_vector + 1, 0))
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["1.faiss"]
