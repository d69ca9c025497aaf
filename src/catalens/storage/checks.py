"""What the doctor looks at in a database that SQLite can read: is the catalog in step with itself and its files."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from catalens.errors import CatalensError, CatalogDamagedError, StorageError
from catalens.index.space_index import check_index_files
from catalens.storage.database import storage_error, version_of
from catalens.storage.diagnosis import Finding, Severity
from catalens.storage.pictures import FEATURE_SPACES, PictureEmbedder
from catalens.storage.records import digest, facets, indexed, searchable
from catalens.storage.salvage import mend_texts
from catalens.storage.schema import VERSION
from catalens.storage.sqlite_products import read_product
from catalens.storage.sqlite_vectors import SqliteVectors
from catalens.storage.sqlite_write import SqliteWriter, write_derived
from catalens.storage.word_index import WORD_COLUMNS
from catalens.tasks.embed import Encoder
from catalens.types import Product

_ADD_AGAIN = "add its source again"
_GONE = "the photo is not there any more"
_NAMED = 5
"""Products that one finding names."""


@dataclass(frozen=True, slots=True)
class Case:
    """The catalog that is looked at, and how."""

    store: SqliteVectors
    repair: bool
    deep: bool
    load_encoder: Callable[[], Encoder]

    def finding(self, what: str, where: str, *, cure: str, done: str = "", severity: Severity = "error") -> Finding:
        """Return a finding; with `done` (what the repair did) it counts as repaired where repairing was asked for."""
        if self.repair and done:
            return Finding(what, where, severity, done, repaired=True)
        return Finding(what, where, severity, cure)


def references(case: Case) -> Iterator[Finding]:
    """Rows that point at what is not there."""
    found = case.store.fetch_all("PRAGMA foreign_key_check")
    if not found:
        return
    if case.repair:
        with case.store.transaction() as db:
            rows = SqliteWriter(db)
            for table, rowid, _, _ in found:
                if rowid is None:  # `file` has no rowid
                    db.execute("DELETE FROM file WHERE picture_id NOT IN (SELECT id FROM picture)")
                else:
                    db.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
            rows.collect()
    for table in sorted({row[0] for row in found}):
        yield case.finding(
            f"{sum(row[0] == table for row in found)} rows point at what is not there",
            f"table {table}",
            cure="run: catalens catalog doctor --repair",
            done="they were deleted",
        )


def words_index(case: Case) -> Iterator[Finding]:
    """The index of the words against the words. Where nothing may be written it cannot be asked."""
    if case.store.readonly:
        return
    try:
        with case.store.transaction(migrating=False) as db:
            db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    except StorageError:  # a full disk: it is asked the next time
        if case.repair:
            raise
    except CatalogDamagedError:
        if case.repair:
            with case.store.transaction() as db:
                db.execute("INSERT INTO words (words) VALUES ('rebuild')")
        yield case.finding(
            "the index of the words is damaged",
            "table words",
            cure="run: catalens catalog doctor --repair",
            done="built again",
        )


def products(case: Case) -> Iterator[Finding]:
    """Every product against the digest of its record, and its facets and words against the product."""
    for id, sku in case.store.fetch_all("SELECT id, CAST(sku AS BLOB) FROM product ORDER BY id"):
        state = _state(case.store, id)
        if state is not None:
            yield _mended(case, id, f"product {bytes(sku).decode('utf-8', 'replace')}", state)


def _mended(case: Case, product_id: int, name: str, state: str) -> Finding:
    """Say what is wrong with a product and, where asked for, put it right as far as that is possible."""
    restored = False
    if case.repair:
        with case.store.transaction() as db:
            if state == "record":
                mend_texts(db, product_id)
                restored = _restore(db, product_id)
            write_derived(db, product_id, read_product(db, product_id))
    if state == "derived":
        what = "words or filter values are out of step"
        return case.finding(what, name, cure="run: catalens catalog doctor --repair", done="they were made again")
    if restored:
        return case.finding("the record was damaged", name, cure=_ADD_AGAIN, done="it was restored from its words")
    return Finding("the record is not what was written", name, "loss", _ADD_AGAIN)


def stray_words(case: Case) -> Iterator[Finding]:
    """Words of products that are not there."""
    stray = case.store.fetch_all("SELECT rowid FROM words WHERE rowid NOT IN (SELECT id FROM product)")
    if not stray:
        return
    if case.repair:
        with case.store.transaction() as db:
            db.executemany("DELETE FROM words WHERE rowid = ?", stray)
    yield case.finding(
        f"words of {len(stray)} products that are not there",
        "table words",
        cure="run: catalens catalog doctor --repair",
        done="they were deleted",
    )


def _state(store: SqliteVectors, product_id: int) -> str | None:
    """None where a product is right; "record" or "derived" for what is not."""
    try:
        with store.reading() as db:
            product = read_product(db, product_id)
            (written,) = db.execute("SELECT digest FROM product WHERE id = ?", (product_id,)).fetchone()
            if written and digest(product) != written:
                return "record"
            return None if _in_step(db, product_id, product) else "derived"
    except CatalogDamagedError:
        return "record"


def _in_step(db: sqlite3.Connection, product_id: int, product: Product) -> bool:
    found = db.execute("SELECT name, number, text FROM facet WHERE product_id = ?", (product_id,)).fetchall()
    columns: str = "title, description, attributes"
    expected: tuple[str, ...] = searchable(product)
    if version_of(db) >= VERSION:  # in an older one they are made again by the first that writes
        columns, expected = WORD_COLUMNS, expected + indexed(product)
    words = db.execute(f"SELECT {columns} FROM words WHERE rowid = ?", (product_id,)).fetchall()
    return sorted(found, key=repr) == sorted(facets(product), key=repr) and words == [expected]


def _restore(db: sqlite3.Connection, product_id: int) -> bool:
    """Title and description stand in the words, too: take them from there if the record is right with them."""
    (written,) = db.execute("SELECT digest FROM product WHERE id = ?", (product_id,)).fetchone()
    words = db.execute("SELECT title, description FROM words WHERE rowid = ?", (product_id,)).fetchone()
    if words is not None:
        before = db.execute("SELECT title, description FROM product WHERE id = ?", (product_id,)).fetchone()
        set_texts = "UPDATE product SET title = ?, description = ? WHERE id = ?"
        db.execute(set_texts, (*words, product_id))
        if digest(read_product(db, product_id)) == written:
            return True
        db.execute(set_texts, (*before, product_id))
    db.execute("UPDATE product SET digest = x'' WHERE id = ?", (product_id,))
    return False


def vectors(case: Case) -> Iterator[Finding]:
    """Every vector against its CRC-32, and every picture for having all its vectors."""
    bad = _bad_vectors(case.store)
    if bad and case.repair:
        with case.store.transaction() as db:
            db.executemany("DELETE FROM vector WHERE id = ?", [(id,) for id, _ in bad])
    lacking = {picture: "a vector is damaged" for _, picture in bad}
    lacking.update(dict.fromkeys(_without_vectors(case.store), "it lacks vectors"))
    if not lacking:
        return
    remade, why = _remake(case, sorted(lacking)) if case.repair else (set[int](), "")
    for picture, what in sorted(lacking.items()):
        where = f"picture {picture} ({_path(case.store, picture)})"
        if picture in remade:
            yield case.finding(what, where, cure="", done="embedded again")
        elif case.repair:
            yield Finding(what, where, "loss", f"{_ADD_AGAIN}{why}")
        else:
            yield case.finding(what, where, cure="run: catalens catalog doctor --repair")


def _bad_vectors(store: SqliteVectors) -> list[tuple[int, int]]:
    dims = {space.id: space.dim for space in store.spaces()}
    bad = []
    with store.reading() as db:
        for id, space, picture, data, crc in db.execute("SELECT id, space_id, picture_id, data, crc FROM vector"):
            if not isinstance(data, bytes) or zlib.crc32(data) != crc or len(data) != 4 * dims.get(space, 0):
                bad.append((int(id), int(picture)))
    return bad


def _without_vectors(store: SqliteVectors) -> list[int]:
    """Pictures that lack a hand-made feature, or have no encoder's vector at all."""
    names = ", ".join(f"'{name}'" for name in FEATURE_SPACES)
    of_picture = "FROM vector JOIN space ON space.id = vector.space_id WHERE vector.picture_id = picture.id"
    rows = store.fetch_all(
        f"SELECT id FROM picture WHERE (SELECT count(*) {of_picture} AND name IN ({names})) < {len(FEATURE_SPACES)} "
        f"OR NOT EXISTS (SELECT 1 {of_picture} AND name LIKE 'deep:%')"
    )
    return [int(row[0]) for row in rows]


def _path(store: SqliteVectors, picture_id: int) -> str:
    rows = store.fetch_all("SELECT path FROM picture WHERE id = ?", (picture_id,))
    return str(rows[0][0] or "fetched") if rows else "gone"


def _remake(case: Case, pictures: list[int]) -> tuple[set[int], str]:
    """Embed pictures again whose content is still what it was; return those, and why the rest could not be."""
    try:
        embedder = PictureEmbedder(case.load_encoder())
    except CatalensError as error:
        return set(), f" ({error.what})"
    remade = set()
    for picture in pictures:
        data = _content(case.store, picture)
        if data is None:
            continue
        try:
            made = embedder.vectors_of(data)
        except CatalensError:
            continue
        with case.store.transaction() as db:
            SqliteWriter(db).write_vectors(picture, made)
        remade.add(picture)
    left = set(_without_vectors(case.store))
    return remade - left, ""


def _content(store: SqliteVectors, picture_id: int) -> bytes | None:
    """Return the bytes of a picture where they are still what was embedded."""
    hash, path, data = store.fetch_all("SELECT hash, path, bytes FROM picture WHERE id = ?", (picture_id,))[0]
    places = [path, *(row[0] for row in store.fetch_all("SELECT path FROM file WHERE picture_id = ?", (picture_id,)))]
    for content in (data, *map(_read, places)):
        if content is not None and hashlib.sha256(content).digest() == hash:
            return bytes(content)
    return None


def _read(path: str | None) -> bytes | None:
    try:
        return Path(path).read_bytes() if path and Path(path).is_file() else None
    except (OSError, ValueError):
        return None


def orphans(case: Case) -> Iterator[Finding]:
    """Pictures that nothing shows."""
    found = case.store.fetch_all("SELECT id FROM picture WHERE id NOT IN (SELECT picture_id FROM shown)")
    if not found:
        return
    if case.repair:
        with case.store.transaction() as db:
            db.executemany("DELETE FROM picture WHERE id = ?", found)
    yield case.finding(
        f"{len(found)} pictures that no product shows",
        "table picture",
        cure="run: catalens catalog doctor --repair",
        done="they were deleted",
    )


def pictures(case: Case) -> Iterator[Finding]:
    """Products without a picture: those whose source names some, and those that never had one."""
    rows = case.store.fetch_all(
        "SELECT sku, (SELECT count(*) FROM unread WHERE unread.product_id = product.id) FROM product "
        "WHERE id NOT IN (SELECT product_id FROM shown) ORDER BY sku"
    )
    for sku, unread in rows:
        if unread:
            what = f"none of its {unread} pictures could be read" if unread > 1 else "its picture could not be read"
            yield Finding(what, f"product {sku}", "warning", f"put the photos in their place and {_ADD_AGAIN}")
    bare = [sku for sku, unread in rows if not unread]
    if bare:
        named = ", ".join(bare[:_NAMED]) + (f" and {len(bare) - _NAMED} more" if len(bare) > _NAMED else "")
        what = f"{len(bare)} products have no picture" if len(bare) > 1 else "it has no picture"
        yield Finding(what, f"product {named}", "note", "it is found by its words only")


def files(case: Case) -> Iterator[Finding]:
    """Every photo that a product shows: is it there, is it still the same, and did its source deliver it."""
    stale = "shown.stale" if case.store.tables_version() > 1 else "0"
    rows = case.store.fetch_all(
        f"SELECT DISTINCT shown.location, picture.hash, file.size, file.mtime_ns, picture.bytes IS NULL, {stale} "
        "FROM shown JOIN picture ON picture.id = shown.picture_id LEFT JOIN file ON file.path = shown.location "
        "ORDER BY shown.location"
    )
    for location, hash, size, mtime_ns, is_file, is_stale in rows:
        what = _of_file(location, hash, (size, mtime_ns), deep=case.deep) if is_file else ""
        if what == _GONE:
            yield Finding(what, location, "warning", f"put it back, or {_ADD_AGAIN}")
        elif what or is_stale:
            yield Finding(what or "its source could not deliver the photo; the old one is kept", location, "warning",
                          _ADD_AGAIN)  # fmt: skip


def _of_file(location: str, hash: bytes, known: tuple[int, int], *, deep: bool) -> str:
    """What is the matter with a photo; "" where nothing is."""
    try:
        found = Path(location).stat()
    except (OSError, ValueError):
        return _GONE
    if (found.st_size, found.st_mtime_ns) == known and not deep:
        return ""
    content = _read(location)
    is_same = content is not None and hashlib.sha256(content).digest() == hash
    return "" if is_same else "the photo has changed since it was embedded"


def indexes(case: Case) -> Iterator[Finding]:
    """The index files; they are derived, and made again by the next search that wants one."""
    for found in check_index_files(case.store.folder, case.store):
        if case.repair:
            remove_file(found.path)
        yield case.finding(
            found.what,
            str(found.path),
            cure="run: catalens catalog doctor --repair",
            done="deleted; search makes it again",
        )


def modes(case: Case) -> Iterator[Finding]:
    """Whether others than their owner may read the folder and its files; catalogs of version 0.1.0 allow it."""
    if os.name != "posix":
        return
    folder = case.store.folder
    open_ones = [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077]
    if open_ones and folder.stat().st_mode & 0o011:  # nobody gets to a file whose folder is closed
        yield Finding(
            "other users of this machine may read the catalog",
            str(folder),
            "note",
            f"close it: chmod -R go-rwx {folder}, unless they should",
        )


def remove_file(path: Path) -> None:
    """Remove a file or a folder, if it is there.

    Raises:
        StorageError: it may not be removed.
    """
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error
