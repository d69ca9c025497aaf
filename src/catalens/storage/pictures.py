"""Pictures on their way in: a file's bytes -> hash, size and vectors; and out again: a hash -> its file's bytes."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from catalens import features
from catalens.errors import CatalensError, ImageError, ModelError, NotFoundError, RemoteError, StorageError
from catalens.images.draw import encode_image
from catalens.images.mark import read_mark
from catalens.images.read import MAX_BYTES, read_header, read_image, read_pixels
from catalens.images.remote import fetch_image_bytes
from catalens.images.srgb import composite_on_white
from catalens.storage.store import ReadPicture, Store
from catalens.tasks.embed import Encoder, decode_target
from catalens.tasks.faces import blur_faces
from catalens.types import Failure, FloatArray, ImageArray, PictureSource

FEATURE_SPACES = tuple(sorted(features.DIMS))


def deep_space(encoder: Encoder) -> str:
    """Name the space of an encoder's vectors."""
    return f"deep:{encoder.name}"


class PictureEmbedder:
    """Describes and embeds pictures: one vector in each of `spaces`.

    Args:
        encoder: embeds them.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.target = decode_target(encoder)
        self.spaces = (deep_space(encoder), *FEATURE_SPACES)

    def prepare(self, image: ImageArray) -> FloatArray:
        """As the encoder takes it."""
        return self._encoder.prepare(image)

    def embed(self, prepared: Sequence[FloatArray]) -> FloatArray:
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

    def vectors_of(self, data: bytes) -> dict[str, FloatArray]:
        """All vectors of one picture, from its file's bytes. Raises what `read_image` raises."""
        image = read_image(data, target=self.target)
        return {**features.describe(image), self.spaces[0]: self.embed([self.prepare(image)])[0]}


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
        self._embedder = PictureEmbedder(encoder)
        self._fetch = fetch
        self._blurs = blur_faces
        self._guard = threading.Lock()
        self._under_way: set[bytes] = set()
        self.spaces = self._embedder.spaces

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
                results.append(Failure.of_picture(source.where, source.location, why, error.cure))
                continue
            if image is not None:
                picture = replace(picture, vectors=features.describe(image))
                prepared.append(self._embedder.prepare(image))
                embedded.append((len(results), picture))
            results.append(picture)
        for (place, picture), vector in zip(embedded, self._embedder.embed(prepared), strict=True):
            results[place] = replace(picture, vectors={**picture.vectors, self.spaces[0]: vector})
        return results

    def _read_one(self, source: PictureSource, *, again: bool) -> tuple[ReadPicture, ImageArray | None]:
        """Return the picture, and its pixels where it is to be embedded."""
        data, mtime_ns = self._bytes_of(source)
        hash = hashlib.sha256(data).digest()
        is_new = self._is_new(hash)
        try:
            target = None if self._blurs else self._embedder.target
            read = read_pixels if self._blurs else read_image
            image = read(_Named(data, source.location), target=target) if again or is_new else None
            size = read_header(data).size
        except CatalensError:
            self.forget({hash})
            raise
        kept = data if source.is_remote else None
        if self._blurs and image is not None:
            image, faces = blur_faces(image)
            if kept is not None and faces:
                format = "JPEG" if image.shape[2] == 3 else "PNG"
                kept = encode_image(image, format=format, quality=92, mark=read_mark(data))
            image = composite_on_white(image)
        return ReadPicture(source, hash, len(data), mtime_ns, size, {}, kept), image

    def forget(self, hashes: set[bytes]) -> None:
        """Take note that these are in the catalog now, or cannot be."""
        with self._guard:
            self._under_way -= hashes

    def _is_new(self, hash: bytes) -> bool:
        with self._guard:
            if hash in self._under_way:
                return False
            self._under_way.add(hash)
        return not self._store.has_vectors(hash, spaces=self.spaces)

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
                # A read of the cap itself would take 80 MB of memory first, for every file.
                return file.read(min(found.st_size, MAX_BYTES) + 1), found.st_mtime_ns
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}", cure="check its rights") from error


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


def picture_data(store: Store, hash: str) -> bytes:
    """The file of a picture of the catalog, by SHA-256 of the file in hex.

    Raises:
        NotFoundError: the catalog has no such picture, or its file is gone.
        StorageError: its file cannot be read, or is another one now.
    """
    try:
        found = store.picture_file(bytes.fromhex(hash))
    except ValueError:
        found = None
    if found is None:
        raise NotFoundError(f"no picture {hash[:12]} in the catalog", cure="ask for a hash that a match has")
    if found.data is not None:
        return found.data
    path = Path(found.path or "")
    try:
        if path.exists() and not _is_plain(path):
            raise _replaced(hash)
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"the file of picture {hash[:12]} is gone", cure="add its source again") from None
    except OSError as error:
        raise StorageError(
            f"the file of picture {hash[:12]} cannot be read: {error.strerror}", cure="check its rights"
        ) from None
    if hashlib.sha256(data).hexdigest() != hash.lower():
        raise _replaced(hash)
    return data


def _replaced(hash: str) -> StorageError:
    return StorageError(f"the file of picture {hash[:12]} is another one now", cure="add its source again")
