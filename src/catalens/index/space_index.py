"""A vector index kept in step with one space of a store, and the file that spares making it anew."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catalens.index.file import SUFFIX, IndexFileError, Stamp, read_index, read_stamp, write_index
from catalens.index.rows import Metric
from catalens.index.vector_index import EXACT_BELOW, Trained, VectorIndex
from catalens.index.vector_store import Space, VectorStore
from catalens.types import FloatArray

_LOG = logging.getLogger(__name__)

INDEX_FOLDER = "index"

_PROBED = 16
"""Rows of a file that are compared with the store, to see that it was made of this store and not of a copy's past."""

_ROUNDING = 1e-3
"""Largest difference of a component that 16 bit rows explain, with room."""


@dataclass(frozen=True, slots=True)
class IndexFinding:
    """An index file that is of no use, and what becomes of it."""

    path: Path
    what: str
    cure: str = "delete the file: the next search makes it anew"


class SpaceIndex:
    """The vectors of one space, by vector id, as the store has them when `refresh` returns.

    Args:
        store: the truth.
        name: of the space; it need not exist yet.
        folder: of the catalog; the index file lies in its `index/`. None keeps the index in memory only.
        writable: whether the file may be written.
        metric: see `VectorIndex`.
        exact_below: vectors below which no file is needed.
    """

    def __init__(
        self,
        store: VectorStore,
        name: str,
        *,
        folder: Path | None = None,
        writable: bool = True,
        metric: Metric = "cosine",
        exact_below: int = EXACT_BELOW,
    ) -> None:
        self._store = store
        self._name = name
        self._folder = folder
        self._writable = writable
        self._metric: Metric = metric
        self._exact_below = exact_below
        self._lock = threading.Lock()
        self._version: int | None = None
        self._index: VectorIndex | None = None
        self._space_id = 0
        self._last_vector = 0
        self._last_erased = 0

    def refresh(self) -> VectorIndex | None:
        """Take over what was committed since, by any process; None while the space does not exist."""
        with self._lock:
            version = self._store.data_version()
            if version != self._version:
                self._follow()
                self._version = version
            return self._index

    def _follow(self) -> None:
        if self._index is None and not self._open():
            return
        index = self._index
        if index is None:
            return
        # Vectors first: one that is erased in between is then in both answers, and goes.
        ids, _, vectors = self._store.vectors_after(self._space_id, self._last_vector)
        erased, self._last_erased = self._store.erased_after(self._space_id, self._last_erased)
        index.remove(erased)
        if len(ids):
            kept = ~np.isin(ids, erased)
            index.add(ids[kept], vectors[kept])
            self._last_vector = int(ids[-1])
        self._save(index)

    def _open(self) -> bool:
        space = self._store.space(self._name)
        if space is None:
            return False
        self._space_id = space.id
        self._index = VectorIndex(space.dim, metric=self._metric, exact_below=self._exact_below)
        if self._path is not None and self._path.exists():
            self._load(self._path, self._index)
        return True

    @property
    def _path(self) -> Path | None:
        return None if self._folder is None else self._folder / INDEX_FOLDER / f"{self._space_id}{SUFFIX}"

    def _load(self, path: Path, index: VectorIndex) -> None:
        try:
            trained, stamp = read_index(path)
            _compare(stamp, name=self._name, dim=index.dim, metric=self._metric)
            index.adopt(trained)
            _compare_rows(self._store, index, self._space_id, stamp)
        except IndexFileError as error:
            _LOG.warning("the index file %s is made anew: %s", path, error)
            self._index = VectorIndex(index.dim, metric=self._metric, exact_below=self._exact_below)
            return
        self._last_vector, self._last_erased = stamp.last_vector, stamp.last_erased

    def _save(self, index: VectorIndex) -> None:
        """Write the file where lists were made or extended since it was written; then go on with the mapped rows."""
        trained = index.snapshot.trained
        if self._path is None or not self._writable or trained is None or isinstance(trained.rows.codes, np.memmap):
            return
        stamp = Stamp(self._name, index.dim, self._metric, self._last_vector, self._last_erased)
        trained = index.fold().trained
        if trained is None:
            return
        try:
            write_index(self._path, trained, stamp)
            mapped, _ = read_index(self._path)
        except (OSError, IndexFileError) as error:
            _LOG.warning("the index file %s could not be written, the index stays in memory: %s", self._path, error)
            return
        self._index = VectorIndex(index.dim, metric=self._metric, exact_below=self._exact_below)
        self._index.adopt(mapped)


def _compare(stamp: Stamp, *, name: str, dim: int, metric: Metric) -> None:
    if (stamp.space, stamp.dim, stamp.metric) != (name, dim, metric):
        raise IndexFileError(f"it was made of the space {stamp.space} with {stamp.dim} dimensions ({stamp.metric})")


def _compare_rows(store: VectorStore, index: VectorIndex, space_id: int, stamp: Stamp) -> None:
    """Compare some rows with the store's, and the ends of both.

    Raises:
        IndexFileError: the file was made of another store, or of a later state than the store is in.
    """
    trained = index.snapshot.trained
    if trained is None:
        return
    if stamp.last_vector > store.last_vector(space_id):
        raise IndexFileError("it was made of vectors that the catalog does not have")
    alive = np.flatnonzero(trained.rows.ids >= 0)
    rows = alive[:: max(1, len(alive) // _PROBED)]
    stored = store.raw_vectors(space_id, trained.rows.ids[rows])
    for row in rows:
        vector = stored.get(int(trained.rows.ids[row]))
        if vector is not None and not _is_same(trained.rows.vectors(np.array([row])), vector, index.metric):
            raise IndexFileError("it was made of another catalog")


def _is_same(row: FloatArray, vector: FloatArray, metric: Metric) -> bool:
    if vector.shape != row[0].shape:
        return False
    length = float(np.linalg.norm(vector)) if metric == "cosine" else 1.0
    return bool(np.allclose(row[0] * length, vector, rtol=0, atol=_ROUNDING * max(1e-6, float(np.abs(vector).max()))))


def purge_index_files(folder: Path, store: VectorStore) -> list[Path]:
    """Overwrite what was erased in the index files of a catalog's folder; return those that held any of it.

    A file that is of no use is deleted.

    Raises:
        OSError: a file cannot be written; it was deleted.
    """
    changed: list[Path] = []
    spaces = {space.id: space for space in store.spaces()}
    for path in sorted((folder / INDEX_FOLDER).glob("*")):
        try:
            trained, stamp = _check(path, spaces, store)
            erased, last = store.erased_after(int(path.stem), stamp.last_erased)
            if len(trained.rows.finder.find(erased)):
                trained = replace(trained, rows=trained.rows.without(erased))
                write_index(path, trained, replace(stamp, last_erased=last))
                changed.append(path)
        except (OSError, IndexFileError) as error:
            path.unlink(missing_ok=True)
            changed.append(path)
            if isinstance(error, OSError):
                raise
    return changed


def check_index_files(folder: Path, store: VectorStore) -> list[IndexFinding]:
    """Look over the index files of a catalog's folder. One that only lags behind the store is not a finding.

    Args:
        folder: of the catalog.
        store: its store.
    """
    found: list[IndexFinding] = []
    spaces = {space.id: space for space in store.spaces()}
    for path in sorted((folder / INDEX_FOLDER).glob("*")):
        try:
            _check(path, spaces, store)
        except IndexFileError as error:
            found.append(IndexFinding(path, str(error)))
    return found


def _check(path: Path, spaces: dict[int, Space], store: VectorStore) -> tuple[Trained, Stamp]:
    if path.suffix != SUFFIX:
        raise IndexFileError("it was left behind when an index was written")
    space_id = int(path.stem) if path.stem.isdecimal() else -1
    space = spaces.get(space_id)
    if space is None:
        raise IndexFileError("it belongs to no space of the catalog")
    metric = read_stamp(path).metric
    trained, stamp = read_index(path)
    _compare(stamp, name=space.name, dim=space.dim, metric=metric)
    index = VectorIndex(space.dim, metric=metric)
    index.adopt(trained)
    _compare_rows(store, index, space_id, stamp)
    return trained, stamp
