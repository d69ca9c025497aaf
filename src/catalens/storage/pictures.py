"""Pictures on their way in: a file's bytes -> hash, size and vectors -> rows."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
import stat
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catalens import features
from catalens.errors import CatalensError, CatalogDamagedError, ImageError, ModelError, RemoteError
from catalens.images.draw import encode_image
from catalens.images.mark import mark_of
from catalens.images.read import MAX_BYTES, read_header, read_image
from catalens.images.remote import fetch_image_bytes
from catalens.storage.store import Store
from catalens.tasks.embed import Encoder, decode_target
from catalens.tasks.faces import blur_faces
from catalens.types import Failure, FloatArray, ImageArray, PictureSource

FEATURE_SPACES = tuple(sorted(features.DIMS))

_HAS_ALL = (
    "(SELECT count(*) FROM vector JOIN space ON space.id = vector.space_id WHERE vector.picture_id = {picture} "
    "AND space.name IN ({names})) = {count}"
)


def deep_space(encoder: Encoder) -> str:
    """Name the space of an encoder's vectors."""
    return f"deep:{encoder.name}"


def has_vectors(picture: str, spaces: Sequence[str]) -> str:
    """SQL: whether the picture (an SQL expression) has a vector in each of the spaces, bound in this order."""
    return _HAS_ALL.format(picture=picture, names=", ".join("?" * len(spaces)), count=len(spaces))


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """A picture that was read: what its rows need.

    `vectors` maps a space's name to one vector; it is empty where the catalog has this content already. `data` is kept
    where there is no file to rely on.
    """

    source: PictureSource
    hash: bytes
    file_size: int
    mtime_ns: int
    size: tuple[int, int]
    vectors: Mapping[str, FloatArray]
    data: bytes | None = None


class PictureReader:
    """Reads, describes and embeds pictures, each content once; called by several threads at a time.

    Args:
        store: asked which contents it has already.
        encoder: embeds them.
        fetch: read web addresses, too, or those of some hosts.
        blur_faces: hide faces before a picture is described, embedded or kept.
    """

    def __init__(
        self, store: Store, encoder: Encoder, *, fetch: bool | frozenset[str], blur_faces: bool = False
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._fetch = fetch
        self._target = decode_target(encoder)
        self._blurs = blur_faces
        self._guard = threading.Lock()
        self._under_way: set[bytes] = set()
        self.spaces = (deep_space(encoder), *FEATURE_SPACES)

    def read(self, sources: Sequence[PictureSource], *, again: bool = False) -> list[ReadPicture | Failure]:
        """Read some pictures; one result each, in their order.

        Args:
            sources: at most a batch of the encoder.
            again: embed even what the catalog has or another thread is at work on.

        Raises:
            ModelError: the encoder did not give what it promises.
        """
        results: list[ReadPicture | Failure] = []
        embedded: list[tuple[int, ReadPicture]] = []
        prepared: list[FloatArray] = []
        for source in sources:
            try:
                picture, image = self._read_one(source, again=again)
            except CatalensError as error:
                # The failure names the picture already.
                why = error.what.removeprefix(f"{source.location} ").removesuffix(f": {source.location}")
                results.append(Failure(source.where, source.location, why, error.cure))
                continue
            if image is not None:
                picture = replace(picture, vectors=features.describe(image))
                prepared.append(self._encoder.prepare(image))
                embedded.append((len(results), picture))
            results.append(picture)
        for (place, picture), vector in zip(embedded, self._embed(prepared), strict=True):
            results[place] = replace(picture, vectors={**picture.vectors, self.spaces[0]: vector})
        return results

    def _read_one(self, source: PictureSource, *, again: bool) -> tuple[ReadPicture, ImageArray | None]:
        """Return the picture, and its pixels where it is to be embedded."""
        data, mtime_ns = self._bytes_of(source)
        hash = hashlib.sha256(data).digest()
        is_new = self._is_new(hash)
        try:
            target = None if self._blurs else self._target
            image = read_image(_Named(data, source.location), target=target) if again or is_new else None
            size = read_header(data).size
        except CatalensError:
            self.forget({hash})
            raise
        kept = data if source.is_remote else None
        if self._blurs and image is not None:
            image, faces = blur_faces(image)
            if kept is not None and faces:
                kept = encode_image(image, format="JPEG", quality=92, mark=mark_of(data))
        return ReadPicture(source, hash, len(data), mtime_ns, size, {}, kept), image

    def vectors_of(self, data: bytes) -> dict[str, FloatArray]:
        """All vectors of one picture, from its file's bytes. Raises what `read_image` raises."""
        image = read_image(data, target=self._target)
        return {**features.describe(image), self.spaces[0]: self._embed([self._encoder.prepare(image)])[0]}

    def forget(self, hashes: set[bytes]) -> None:
        """Take note that these are in the catalog now, or cannot be."""
        with self._guard:
            self._under_way -= hashes

    def _is_new(self, hash: bytes) -> bool:
        with self._guard:
            if hash in self._under_way:
                return False
            self._under_way.add(hash)
        sql = f"SELECT {has_vectors('picture.id', self.spaces)} FROM picture WHERE hash = ?"
        rows = self._store.fetch_all(sql, (*self.spaces, hash))
        return not (rows and rows[0][0])

    def _bytes_of(self, source: PictureSource) -> tuple[bytes, int]:
        """Return the file's bytes and its time of change in ns (0 for a web address)."""
        if source.is_remote:
            if not self._fetch:
                raise RemoteError("a web address, which is read only on request", cure="pass fetch=True (--fetch)")
            if isinstance(self._fetch, frozenset):
                return fetch_image_bytes(source.location, allow_hosts=self._fetch), 0
            return fetch_image_bytes(source.location), 0
        path = Path(source.location)
        if not _is_plain(path):
            read_header(path)  # says in its own words what is the matter
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                # A read of the cap itself would take 32 MB of memory first, for every file.
                return file.read(min(found.st_size, MAX_BYTES) + 1), found.st_mtime_ns
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}", cure="check its rights") from error

    def _embed(self, prepared: Sequence[FloatArray]) -> FloatArray:
        shape = (len(prepared), self._encoder.dim)
        if not prepared:
            return np.empty(shape, np.float32)
        vectors = self._encoder.encode_prepared(np.stack(prepared))
        if vectors.shape != shape or not np.isfinite(vectors).all():
            raise ModelError(
                f"expected finite vectors of shape {shape} from {self._encoder.name} and got shape {vectors.shape}",
                cure="choose another encoder",
            )
        return vectors


class _Named(io.BytesIO):
    """Bytes that know their name, for the reader's messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def _is_plain(path: Path) -> bool:
    """A regular file that is neither empty nor too large: opening anything else might block or never end."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and 0 < found.st_size <= MAX_BYTES


class PictureRows:
    """Writes pictures inside one transaction, and collects those that nothing shows any more when it ends.

    Args:
        db: inside a transaction, on a connection of its own.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._spaces = {name: (id, dim) for id, name, dim in db.execute("SELECT id, name, dim FROM space")}
        db.execute("CREATE TEMP TABLE loose (picture_id INTEGER PRIMARY KEY)")
        db.execute(
            "CREATE TEMP TRIGGER let_go AFTER DELETE ON main.shown "
            "BEGIN INSERT OR IGNORE INTO loose VALUES (OLD.picture_id); END"
        )

    def find(self, hash: bytes) -> int | None:
        """Find a picture by its content."""
        row = self._db.execute("SELECT id FROM picture WHERE hash = ?", (hash,)).fetchone()
        return int(row[0]) if row else None

    def is_there(self, picture_id: int) -> bool:
        return self._db.execute("SELECT 1 FROM picture WHERE id = ?", (picture_id,)).fetchone() is not None

    def write(self, picture: ReadPicture) -> int:
        """Write a picture, its vectors and the file it came from; return its id.

        A file that held another picture before now shows this one, wherever it is shown.
        """
        location = picture.source.location
        self._db.execute(
            "INSERT INTO picture (hash, path, bytes, height, width) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (hash) DO NOTHING",
            (picture.hash, None if picture.source.is_remote else location, picture.data, *picture.size),
        )
        picture_id = self.find(picture.hash)
        if picture_id is None:
            raise CatalogDamagedError("a picture that was just written is not there", cure="run: catalens doctor")
        self.write_vectors(picture_id, picture.vectors)
        before = self._db.execute("SELECT picture_id FROM file WHERE path = ?", (location,)).fetchone()
        self._db.execute(
            "INSERT INTO file (path, size, mtime_ns, picture_id) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE "
            "SET size = excluded.size, mtime_ns = excluded.mtime_ns, picture_id = excluded.picture_id",
            (location, picture.file_size, picture.mtime_ns, picture_id),
        )
        if before is not None and before[0] != picture_id:
            self._repoint(location, before=int(before[0]), now=picture_id)
        self._follow(picture_id, location)
        return picture_id

    def _follow(self, picture_id: int, location: str) -> None:
        """A picture whose file was moved is found where the same content lies now."""
        (path,) = self._db.execute("SELECT path FROM picture WHERE id = ?", (picture_id,)).fetchone()
        if path is not None and path != location and not Path(path).exists():
            self._db.execute("UPDATE picture SET path = ? WHERE id = ?", (location, picture_id))

    def write_vectors(self, picture_id: int, vectors: Mapping[str, FloatArray]) -> None:
        """Write the vectors of a picture, by the names of their spaces; those that are there stay."""
        for name, vector in vectors.items():
            data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
            self._db.execute(
                "INSERT INTO vector (space_id, picture_id, data, crc) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (space_id, picture_id) DO NOTHING",
                (self._space(name, len(vector)), picture_id, data, zlib.crc32(data)),
            )

    def _space(self, name: str, dim: int) -> int:
        if name not in self._spaces:
            row = self._db.execute("INSERT INTO space (name, dim) VALUES (?, ?) RETURNING id", (name, dim)).fetchone()
            self._spaces[name] = (int(row[0]), dim)
        id, expected = self._spaces[name]
        if dim != expected:
            raise ModelError(
                f"vectors of {name} have {expected} numbers in this catalog and {dim} from this encoder",
                cure="give the encoder another name: another network makes another space",
            )
        return int(id)

    def _repoint(self, location: str, *, before: int, now: int) -> None:
        self._db.execute(
            "UPDATE shown SET picture_id = ? WHERE picture_id = ? AND location = ?", (now, before, location)
        )
        self._db.execute("INSERT OR IGNORE INTO loose VALUES (?)", (before,))
        self._db.execute(
            "UPDATE picture SET path = (SELECT path FROM file WHERE picture_id = ?1 LIMIT 1) "
            "WHERE id = ?1 AND path = ?2",
            (before, location),
        )

    def collect(self) -> None:
        """Delete what nothing shows any more, with its vectors and its files."""
        self._db.execute(
            "DELETE FROM picture WHERE id IN (SELECT picture_id FROM loose) "
            "AND NOT EXISTS (SELECT 1 FROM shown WHERE shown.picture_id = picture.id)"
        )
