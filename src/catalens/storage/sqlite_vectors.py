"""Vectors in SQLite, each with its checksum."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from catalens.errors import CatalogDamagedError
from catalens.index.vector_store import Space
from catalens.storage.sqlite_connections import Connections, as_json
from catalens.storage.store import Ids
from catalens.types import FloatArray, IntArray

_CHUNK_ROWS = 4096
_VectorRow = tuple[int, int, bytes, int]
"""id, picture_id, data, crc."""


class SqliteVectors(Connections):
    """The vectors of `store.Store`."""

    def spaces(self) -> tuple[Space, ...]:
        return tuple(Space(*row) for row in self.fetch_all("SELECT id, name, dim FROM space ORDER BY id"))

    def space(self, name: str) -> Space | None:
        rows = self.fetch_all("SELECT id, name, dim FROM space WHERE name = ?", (name,))
        return Space(*rows[0]) if rows else None

    def space_sizes(self) -> dict[str, int]:
        sizes = "SELECT name, (SELECT count(*) FROM vector WHERE space_id = space.id) FROM space ORDER BY id"
        return dict(self.fetch_all(sizes))

    def vectors_after(self, space_id: int, vector_id: int) -> tuple[IntArray, IntArray, FloatArray]:
        where = "+space_id = ? AND id > ?"  # the plus keeps SQLite on the order of ids, which needs no sorting
        with self.reading() as db:
            db.execute("BEGIN")
            count = db.execute(f"SELECT count(*) FROM vector WHERE {where}", (space_id, vector_id)).fetchone()[0]
            rows = db.execute(
                f"SELECT id, picture_id, data, crc FROM vector WHERE {where} ORDER BY id", (space_id, vector_id)
            )
            return self._collect(_chunks(rows), count, _dim(db, space_id))

    def vectors_of(self, space_id: int, picture_ids: Iterable[int]) -> tuple[IntArray, FloatArray]:
        wanted = as_json([int(picture) for picture in picture_ids])
        with self.reading() as db:
            rows = db.execute(
                "SELECT id, picture_id, data, crc FROM vector WHERE space_id = ? "
                "AND picture_id IN (SELECT value FROM json_each(?)) ORDER BY picture_id",
                (space_id, wanted),
            ).fetchall()
            _, pictures, data = self._collect([rows], len(rows), _dim(db, space_id))
        return pictures, data

    def erased_after(self, space_id: int, seq: int) -> tuple[IntArray, int]:
        rows = self.fetch_all(
            "SELECT seq, vector_id FROM erased WHERE space_id = ? AND seq > ? ORDER BY seq", (space_id, seq)
        )
        return np.array([row[1] for row in rows], dtype=np.int64), int(rows[-1][0]) if rows else seq

    def last_vector(self, space_id: int) -> int:
        # Two questions: the first is answered from the end of the index of `vector`, the second reads `erased`.
        newest = self.fetch_all("SELECT max(id) FROM vector WHERE space_id = ?", (space_id,))[0][0] or 0
        erased = self.fetch_all("SELECT max(vector_id) FROM erased WHERE space_id = ?", (space_id,))[0][0] or 0
        return int(max(newest, erased))

    def raw_vectors(self, space_id: int, vector_ids: IntArray) -> dict[int, FloatArray]:
        rows = self.fetch_all(
            "SELECT id, data FROM vector WHERE space_id = ? AND id IN (SELECT value FROM json_each(?))",
            (space_id, as_json(vector_ids)),
        )
        return {id: np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(np.float32) for id, data in rows}

    def vectors_showing(self, space: str, product_ids: Ids) -> IntArray:
        rows = self.fetch_all(
            "SELECT id FROM vector WHERE space_id = (SELECT id FROM space WHERE name = ?) AND picture_id IN "
            "(SELECT picture_id FROM shown WHERE product_id IN (SELECT value FROM json_each(?)))",
            (space, as_json(product_ids)),
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def _collect(
        self, chunks: Iterable[list[_VectorRow]], count: int, dim: int
    ) -> tuple[IntArray, IntArray, FloatArray]:
        ids, pictures = np.empty(count, np.int64), np.empty(count, np.int64)
        data = np.empty((count, dim), np.float32)
        start = 0
        for rows in chunks:
            for vector_id, _, blob, crc in rows:
                if len(blob) != 4 * dim or zlib.crc32(blob) != crc:
                    raise CatalogDamagedError(
                        f"{self.path} is damaged: vector {vector_id} is not what was written",
                        cure="run: catalens catalog doctor --repair, which makes it again from the picture",
                    )
            stop = start + len(rows)
            ids[start:stop] = [row[0] for row in rows]
            pictures[start:stop] = [row[1] for row in rows]
            data[start:stop] = np.frombuffer(b"".join(row[2] for row in rows), "<f4").reshape(len(rows), dim)
            start = stop
        return ids, pictures, data


def _dim(db: sqlite3.Connection, space_id: int) -> int:
    row = db.execute("SELECT dim FROM space WHERE id = ?", (space_id,)).fetchone()
    return int(row[0]) if row else 0


def _chunks(rows: sqlite3.Cursor) -> Iterator[list[_VectorRow]]:
    while chunk := rows.fetchmany(_CHUNK_ROWS):
        yield chunk
