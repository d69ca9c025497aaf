"""Salvage: every row that can still be read from a damaged database goes into a new one; the damaged one is kept."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from catalens.errors import CatalogDamagedError
from catalens.files import PRIVATE_FOLDER, sync
from catalens.json_text import parse_json
from catalens.storage.database import connect, create_tables, has_tables, migrate, sqlite_boundary, storage_error
from catalens.storage.records import digest
from catalens.storage.schema import PAGE_SIZE
from catalens.storage.sqlite_products import read_product
from catalens.storage.sqlite_write import write_derived

WORK_FOLDER = "salvage.tmp"

# Parents before children. Facets and words are made again from the products.
_TABLES = {
    "product": "id, sku, title, description, attributes, source, digest, feed",
    "variant": "id, product_id, sku, title, attributes",
    "picture": "id, hash, path, bytes, height, width",
    "shown": "rowid, product_id, variant_id, picture_id, position, location, stale",
    "unread": "rowid, product_id, variant_id, position, location",
    "space": "id, name, dim",
    "vector": "id, space_id, picture_id, data, crc",
    "erased": "seq, vector_id, space_id",
}
_PROBED = 100_000
"""Rows looked for one by one where the end of a table cannot be read."""

_SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What came of it: where the damaged file is kept, and the skus of products that are lost or incomplete."""

    kept_as: Path
    lost: tuple[str, ...]
    incomplete: tuple[str, ...]


def salvage(path: Path) -> Salvaged:
    """Put a new database with all readable rows in the place of a damaged one.

    Every row is checked on the way: vectors by their CRC-32, products by the digest of their record. The old file stays
    until the new one is complete and on the disk.

    Args:
        path: `catalog.db`; the caller holds the writer's lock and has no connection open.

    Raises:
        StorageError: no room for the copy; nothing was changed.
    """
    work = path.with_name(WORK_FOLDER)
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(PRIVATE_FOLDER)
        for suffix in _SUFFIXES:
            if (source := path.with_name(path.name + suffix)).exists():
                shutil.copy2(source, work / f"old.db{suffix}")
        new = work / "new.db"
        lost, incomplete = _copy(_readable(work / "old.db"), new)
        sync(new)
        kept_as = path.with_name(f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}")
        for suffix in _SUFFIXES:
            if (source := path.with_name(path.name + suffix)).exists():
                shutil.copy2(source, kept_as.with_name(kept_as.name + suffix))
        for suffix in _SUFFIXES[1:]:  # an old log must not be played into the new file
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        new.replace(path)
        sync(path.parent)
        shutil.rmtree(work)
    except OSError as error:
        raise storage_error(path, error) from error
    return Salvaged(kept_as, tuple(lost), tuple(incomplete))


def _readable(old: Path) -> sqlite3.Connection:
    """Open the copy; where its first page (head and table of tables) is damaged, put a fresh one in its place."""
    try:
        db = connect(old, mode="write", timeout_s=1)
        try:
            if has_tables(db, old):
                migrate(db)
                return db
        except (CatalogDamagedError, sqlite3.Error):
            pass
        db.close()
    except CatalogDamagedError:
        pass
    _replace_first_page(old)
    return connect(old, mode="write", timeout_s=1)


def _replace_first_page(old: Path) -> None:
    """A new catalog has the same tables at the same pages: they are made in one go, in the same order."""
    fresh = old.with_name("fresh.db")
    db = connect(fresh, mode="create", timeout_s=1)
    create_tables(db, fresh)
    db.close()
    pages = fresh.read_bytes()
    page = bytearray(pages[:PAGE_SIZE])
    # What the file lacks at its end is filled up with the empty pages, so that no table begins behind it.
    size = max(old.stat().st_size // PAGE_SIZE * PAGE_SIZE, len(pages))
    # SQLite file format, section 1.3: size in pages at 28, free pages at 32 and 36 (given up: they hold nothing);
    # the counters at 24 and 92 must be equal for the size to be believed.
    page[28:40] = struct.pack(">III", size // PAGE_SIZE, 0, 0)
    page[92:96] = page[24:28]
    with old.open("r+b") as file:
        file.write(page)
        end = old.stat().st_size // PAGE_SIZE * PAGE_SIZE
        file.seek(end)
        file.truncate()
        file.write(pages[end:])


def _copy(old: sqlite3.Connection, path: Path) -> tuple[list[str], list[str]]:
    """Copy what can be read; return the skus of lost and of incomplete products."""
    with sqlite_boundary(path):
        db = connect(path, mode="create", timeout_s=1)
        try:
            create_tables(db, path)
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("BEGIN")
            for table, columns in _TABLES.items():
                _copy_rows(old, db, table, columns)
            _copy_files(old, db)
            _copy_counters(old, db)
            _drop_danglers(db)
            incomplete = _check_products(db)
            db.execute("COMMIT")
            kept = {row[0] for row in db.execute("SELECT sku FROM product")}
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            db.close()
            lost = sorted(_skus(old) - kept)
            old.close()
    return lost, incomplete


def _copy_rows(old: sqlite3.Connection, db: sqlite3.Connection, table: str, columns: str) -> None:
    marks = ", ".join("?" * len(columns.split(",")))
    insert = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
    for row in _rows(old, table, columns):
        if table == "vector" and not (isinstance(row[3], bytes) and zlib.crc32(row[3]) == row[4]):
            continue
        try:
            db.execute(insert, row)
        except sqlite3.IntegrityError:  # a NULL where none may be: the row is not what was written
            continue


def _rows(old: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[object, ...]]:
    """Rows from the front up to the damage, from the back up to it, and one by one in between."""
    select = f"SELECT {columns} FROM {table} NOT INDEXED"
    first = 0
    for row in _until_damage(old, f"{select} ORDER BY rowid"):
        first = int(str(row[0]))
        yield row
    last = None
    for row in _until_damage(old, f"{select} WHERE rowid > {first} ORDER BY rowid DESC"):
        last = int(str(row[0]))
        yield row
    if last is None and not _is_damaged(old, f"{select} WHERE rowid > {first} ORDER BY rowid DESC LIMIT 1"):
        return
    for id in range(first + 1, last if last is not None else first + _PROBED):
        yield from _until_damage(old, f"{select} WHERE rowid = {id}")


def _until_damage(old: sqlite3.Connection, sql: str) -> Iterator[tuple[object, ...]]:
    try:
        yield from old.execute(sql)
    except sqlite3.Error:
        return


def _is_damaged(old: sqlite3.Connection, sql: str) -> bool:
    try:
        old.execute(sql).fetchall()
    except sqlite3.Error:
        return True
    return False


def _copy_files(old: sqlite3.Connection, db: sqlite3.Connection) -> None:
    """What is lost here is only read again."""
    for order in ("ASC", "DESC"):
        for row in _until_damage(old, f"SELECT path, size, mtime_ns, picture_id FROM file ORDER BY path {order}"):
            db.execute("INSERT OR IGNORE INTO file VALUES (?, ?, ?, ?)", row)


def _copy_counters(old: sqlite3.Connection, db: sqlite3.Connection) -> None:
    """Ids that were given once must not be given again."""
    for name, seq in _until_damage(old, "SELECT name, seq FROM sqlite_sequence"):
        if isinstance(seq, int) and 0 <= seq < 2**62:
            db.execute(
                "INSERT INTO sqlite_sequence SELECT ?1, 0 WHERE ?1 NOT IN (SELECT name FROM sqlite_sequence)", (name,)
            )
            db.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (seq, name))


def _drop_danglers(db: sqlite3.Connection) -> None:
    """Delete rows whose parent was lost, until none is left."""
    while found := db.execute("PRAGMA foreign_key_check").fetchall():
        for table, rowid, _, _ in found:
            if rowid is None:  # `file` has no rowid
                db.execute("DELETE FROM file WHERE picture_id NOT IN (SELECT id FROM picture)")
            else:
                db.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))


def _check_products(db: sqlite3.Connection) -> list[str]:
    """Make facets and words again; products that are not what was written are marked to be taken in anew."""
    incomplete = []
    for id, sku, written in db.execute("SELECT id, sku, digest FROM product").fetchall():
        mend_texts(db, id)
        product = read_product(db, id)
        if written and digest(product) != written:
            db.execute("UPDATE product SET digest = x'' WHERE id = ?", (id,))
            incomplete.append(str(sku))
        write_derived(db, id, product)
    return incomplete


def mend_texts(db: sqlite3.Connection, product_id: int) -> None:
    """Bring the texts of a product and its variants back into a readable form; what was not readable is gone."""
    _mend(db, "product", ("sku", "title", "description", "attributes", "source"), "id", product_id)
    _mend(db, "variant", ("sku", "title", "attributes"), "product_id", product_id)
    for table in ("shown", "unread"):
        _mend(db, table, ("location",), "product_id", product_id)


def _mend(db: sqlite3.Connection, table: str, columns: tuple[str, ...], key: str, product_id: int) -> None:
    blobs = ", ".join(f"CAST({column} AS BLOB)" for column in columns)
    for rowid, *values in db.execute(f"SELECT rowid, {blobs} FROM {table} WHERE {key} = ?", (product_id,)).fetchall():
        for column, value in zip(columns, values, strict=True):
            text = bytes(value or b"").decode("utf-8", "replace")
            if column == "attributes" and not _is_json(text, dict):
                text = "{}"
            if column == "source" and not _is_source(text):
                text = '["",null]'
            if text.encode("utf-8") != value:
                db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (text, rowid))


def _is_json(text: str, kind: type) -> bool:
    try:
        return isinstance(parse_json(text), kind)
    except ValueError:
        return False


def _is_source(text: str) -> bool:
    return _is_json(text, list) and len(parse_json(text)) == 2


def _skus(old: sqlite3.Connection) -> set[str]:
    """Skus that the table or its index still know."""
    found: set[str] = set()
    for source in ("product NOT INDEXED", "product INDEXED BY sqlite_autoindex_product_1"):
        found.update(str(row[0]) for row in _until_damage(old, f"SELECT sku FROM {source}"))
    return found
