"""Backups: a whole, checked copy of a catalog while it is in use, and the way back, through the log of erasures."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from catalens.errors import CatalogDamagedError, NotFoundError, UsageError
from catalens.files import PRIVATE_FILE, make_private_folder, private_opener, sync
from catalens.images.draw import write_atomically
from catalens.index.space_index import INDEX_FOLDER
from catalens.json_text import parse_json
from catalens.printable import printable
from catalens.storage.audit import LOCAL, AuditLog, now
from catalens.storage.database import FILE_NAME, connect, sqlite_boundary, storage_error
from catalens.storage.erasure import ErasureLog, run_through
from catalens.storage.lock import WriterLock
from catalens.storage.places import ERASURES_SUFFIX, Places
from catalens.storage.records import digest
from catalens.storage.shop_files import NAMES
from catalens.storage.sqlite import SqliteStore
from catalens.storage.sqlite_connections import LOCK_NAME
from catalens.storage.sqlite_products import read_product

MANIFEST = "backup.json"
_UPLOADS, _ERASURES, _AUDIT, _TENANTS = "uploads", "erasures.jsonl", "audit.jsonl", "tenants"
_WAIT_S = 5.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Args:
        at: UTC, ISO 8601; fingerprint: SHA-256 over all products, pictures and vectors; sha256: of the database file.
        uploads: folder that uploaded photos came from; photos: how many came along.
        erasures: line of the log of erasures that the catalog was run through.
        tenants: names of tenants whose catalogs came along.
        catalog: folder that it was made of; empty in backups of older versions.
    """

    at: str
    products: int
    pictures: int
    vectors: int
    fingerprint: str
    sha256: str
    uploads: str
    photos: int
    erasures: int
    tenants: tuple[str, ...] = ()
    catalog: str = ""


def back_up(folder: Path, out: Path) -> Backup:
    """Copy a catalog into a new folder while others read and write it; it is there whole and checked, or not at all.

    With the catalog come uploaded photos, its logs of erasures and of writes, and the catalogs of tenants; not: photos
    that lie elsewhere, API keys (those revoked since would work again), jobs, indexes (they are made again).

    Raises:
        NotFoundError: no catalog there.
        UsageError: `out` is there and not empty.
        CatalogDamagedError: the copy is not what was read.
        StorageError: no room, or no right to write.
    """
    out = out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already", cure="name a new folder: backups are not overwritten")
    work = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        made = _write(folder.absolute(), work)
        work.replace(out)
        sync(out.parent)
    except OSError as error:
        raise storage_error(out, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return made


def _write(folder: Path, work: Path) -> Backup:
    places = Places(folder)
    make_private_folder(work)
    with SqliteStore(folder, readonly=True) as store:
        erasures = store.erasures_done()
        with store.reading() as db:
            db.execute("BEGIN")  # what is copied is what is counted
            facts = _facts(db)
            named = [Path(str(row[0])) for row in db.execute(_LOCATIONS)]
            with closing(connect(work / FILE_NAME, mode="create", timeout_s=_WAIT_S)) as copy:
                db.backup(copy)
    _check(work / FILE_NAME, facts)
    photos = sum(
        _copy(path, work / _UPLOADS / path.relative_to(places.uploads))
        for path in named
        if _is_in(path, places.uploads)
    )
    for source, name in ((places.erasures, _ERASURES), (places.audit, _AUDIT), *((folder / one, one) for one in NAMES)):
        _copy(source, work / name)
    tenants = [] if places.tenant else sorted(one.parent.name for one in places.tenants.glob(f"*/{FILE_NAME}"))
    for tenant in tenants:
        make_private_folder(work / _TENANTS)
        _write(places.tenants / tenant, work / _TENANTS / tenant)
    made = Backup(
        now(), **facts, sha256=_sha256(work / FILE_NAME), uploads=str(places.uploads), photos=photos, erasures=erasures,
        tenants=tuple(tenants), catalog=str(folder),
    )  # fmt: skip
    write_atomically(work / MANIFEST, json.dumps(asdict(made), indent=1).encode(), durable=True, mode=PRIVATE_FILE)
    return made


_LOCATIONS = (
    "SELECT location FROM shown UNION SELECT location FROM unread UNION SELECT path FROM picture WHERE path > ''"
)


def _facts(db: sqlite3.Connection) -> dict[str, Any]:
    """Counts, and SHA-256 over all that is written once: records, contents of pictures, vectors."""
    facts: dict[str, Any] = {
        f"{table}s": db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("product", "picture", "vector")
    }
    hash = hashlib.sha256()
    for sql in (
        "SELECT sku, digest FROM product ORDER BY sku",
        "SELECT hash FROM picture ORDER BY hash",
        "SELECT picture.hash, space_id, crc FROM vector JOIN picture ON picture.id = picture_id ORDER BY vector.id",
    ):
        for row in db.execute(sql):
            hash.update(repr(row).encode())
    return facts | {"fingerprint": hash.hexdigest()}


def _check(path: Path, facts: dict[str, Any]) -> None:
    with sqlite_boundary(path), closing(connect(path, mode="immutable", timeout_s=_WAIT_S)) as db:
        whole = db.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
        if not whole or _facts(db) != {
            name: facts[name] for name in ("products", "pictures", "vectors", "fingerprint")
        }:
            raise CatalogDamagedError(
                f"{path} is not what was copied", cure="run: catalens catalog doctor, and check the disk"
            )


def restore(backup: Path, folder: Path, *, replace: bool = False, erasures: Path | None = None) -> Backup:
    """Put a catalog back from a backup: checked, and run through the logs of erasures before anybody can open it.

    All logs count that are found: that of the backup, that beside `folder`, that beside the catalog which the backup
    was made of, and `erasures`. Where only the backup's is left, the program's log is warned.

    Args:
        backup: folder that `back_up` wrote.
        folder: of the catalog.
        erasures: a log of erasures (`<catalog>.erasures.jsonl`), for a catalog that comes back elsewhere; those of its
            tenants are looked for beside it.
        replace: where a catalog is there, put the backup in its place and keep its database as
            `catalog.db.replaced-...`.

    Raises:
        NotFoundError: no backup there, or no file at `erasures`.
        UsageError: a catalog is there, and not `replace`.
        CatalogDamagedError: the backup is not what was written; nothing was changed.
        CatalogBusyError: another process is writing.
        StorageError: no room, or no right to write; nothing was changed.
    """
    folder = folder.absolute()
    made = read_backup(backup)
    if (folder / FILE_NAME).exists() and not replace:
        raise UsageError(f"a catalog is at {folder} already", cure="name another folder, or say replace (--replace)")
    if erasures is not None and not erasures.is_file():
        raise NotFoundError(f"no log of erasures at {erasures}", cure="name <catalog>.erasures.jsonl")
    _check(backup / FILE_NAME, asdict(made))
    logs = _logs(made, folder, erasures)
    try:
        _put_back(backup, folder, made, logs)
        for tenant in made.tenants:
            named = None if erasures is None else _of_tenant(erasures, tenant)
            place = Places(folder).tenants / tenant
            restore(backup / _TENANTS / tenant, place, replace=replace, erasures=named)
    except OSError as error:
        raise storage_error(folder, error) from error
    AuditLog(Places(folder).audit, who=LOCAL).note("restore", backup=made.sha256)
    return made


def read_backup(backup: Path) -> Backup:
    """What a backup says that it holds, its database compared with that.

    Raises:
        NotFoundError, CatalogDamagedError: as `restore`.
    """
    path = backup / MANIFEST
    try:
        found = parse_json(path.read_text("utf-8"))
        made = Backup(**{**found, "tenants": tuple(found["tenants"])})
        if _sha256(backup / FILE_NAME) != made.sha256:
            raise ValueError("another database")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no backup at {backup}", cure="make one: catalens catalog backup FOLDER") from None
    except (ValueError, KeyError, TypeError) as error:
        raise CatalogDamagedError(f"{path} does not fit its backup: {error}", cure="take another backup") from None
    return made


def _logs(made: Backup, folder: Path, erasures: Path | None) -> list[ErasureLog]:
    """Logs of erasures that may know more than the backup; a warning where there is no place to look for one."""
    source = Path(made.catalog) if made.catalog else folder
    places = [Places(folder).erasures, Places(source).erasures, *([] if erasures is None else [erasures])]
    found = [path for path in dict.fromkeys(places) if path.is_file()]
    if not found and not (source / FILE_NAME).is_file():
        _LOG.warning(
            "No log of erasures is at %s: what was erased after this backup of %s is back in the catalog. Where "
            "something was, restore once more with --erasures FILE (erasures=) and --replace.",
            printable(" or ".join(map(str, dict.fromkeys(places)))),
            printable(made.at),
        )
    return [ErasureLog(path) for path in found]


def _of_tenant(erasures: Path, tenant: str) -> Path | None:
    """The log of a tenant, beside that of the catalog that is served."""
    served = erasures.absolute().with_name(erasures.name.removesuffix(ERASURES_SUFFIX))
    path = Places(Places(served).tenants / tenant).erasures
    return path if path.is_file() else None


def _put_back(backup: Path, folder: Path, made: Backup, logs: Sequence[ErasureLog]) -> None:
    places, work = Places(folder), folder / "restore.tmp"
    make_private_folder(folder)
    with WriterLock(folder / LOCK_NAME, wait_s=_WAIT_S):
        shutil.rmtree(work, ignore_errors=True)
        try:
            make_private_folder(work)
            for name in (FILE_NAME, *NAMES):
                _copy(backup / name, work / name)
            log = ErasureLog(places.erasures)
            log.take_over(ErasureLog(backup / _ERASURES))
            for other in logs:
                if other.path != log.path:
                    log.take_over(other, after=made.erasures)
            with SqliteStore(work) as store:
                run_through(store, log)
                _move_uploads(store, backup / _UPLOADS, Path(made.uploads), places.uploads)
                store.checkpoint()
            sync(work / FILE_NAME)
            _exchange(work / FILE_NAME, folder / FILE_NAME)
            for name in NAMES:
                if not _copy(work / name, folder / name):
                    (folder / name).unlink(missing_ok=True)
            shutil.rmtree(folder / INDEX_FOLDER, ignore_errors=True)
            sync(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _exchange(new: Path, path: Path) -> None:
    """Put a database in the place of another, which is kept; an old log must not be played into the new one."""
    if path.exists():
        with suppress(CatalogDamagedError), sqlite_boundary(path), closing(_open(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy2(path, path.with_name(f"{path.name}.replaced-{datetime.now():%Y%m%d-%H%M%S-%f}"))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    new.replace(path)


def _open(path: Path) -> sqlite3.Connection:
    return connect(path, mode="write", timeout_s=_WAIT_S)


def _move_uploads(store: SqliteStore, source: Path, before: Path, after: Path) -> None:
    """Copy the uploaded photos that are named, and name them where they lie now."""
    with store.reading() as db:
        named = [Path(str(row[0])) for row in db.execute(_LOCATIONS)]
    for path in named:
        if _is_in(path, before) and not (after / path.relative_to(before)).exists():
            _copy(source / path.relative_to(before), after / path.relative_to(before))
    if before == after:
        return
    old, new = f"{before}/", f"{after}/"
    with store.transaction() as db:
        within = "substr({0}, 1, length(?1)) = ?1"
        ids = [row[0] for table in ("shown", "unread") for row in db.execute(
            f"SELECT DISTINCT product_id FROM {table} WHERE {within.format('location')}", (old,)
        )]  # fmt: skip
        for table, column in (("shown", "location"), ("unread", "location"), ("file", "path"), ("picture", "path")):
            db.execute(
                f"UPDATE {table} SET {column} = ?2 || substr({column}, length(?1) + 1) WHERE {within.format(column)}",
                (old, new),
            )
        for id in sorted(set(ids)):  # the places of its pictures are part of a record
            written = digest(read_product(db, id))
            db.execute("UPDATE product SET digest = ? WHERE id = ? AND digest != x''", (written, id))


def _is_in(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) and ".." not in path.parts


def _copy(source: Path, target: Path) -> bool:
    """Copy a file durably and privately; False where there is none."""
    if not source.is_file():
        return False
    for parent in reversed([one for one in target.parents if not one.exists()]):
        make_private_folder(parent)
    with source.open("rb") as read, open(target, "wb", opener=private_opener) as file:
        shutil.copyfileobj(read, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
