"""The doctor: looks a catalog over, restores what can be restored, and names what is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from catalens.errors import CatalogDamagedError
from catalens.index.space_index import INDEX_FOLDER
from catalens.storage import checks
from catalens.storage.checks import Case
from catalens.storage.database import FILE_NAME, connect, has_tables, reading_mode, sqlite_boundary, working_mode
from catalens.storage.diagnosis import Diagnosis, Finding
from catalens.storage.lock import WriterLock
from catalens.storage.salvage import salvage
from catalens.storage.sqlite_connections import LOCK_NAME
from catalens.storage.sqlite_vectors import SqliteVectors
from catalens.tasks.embed import Encoder

_CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    checks.references,
    checks.words_index,
    checks.products,
    checks.stray_words,
    checks.orphans,
    checks.vectors,
    checks.pictures,
    checks.files,
    checks.indexes,
    checks.modes,
)
_WAIT_S = 5.0


def diagnose(
    folder: Path, *, repair: bool = False, deep: bool = False, load_encoder: Callable[[], Encoder]
) -> Diagnosis:
    """Look over the catalog in a folder, however damaged it is.

    Looked at: SQLite's own check of every page and index; references; the record of every product against its digest;
    words and filter values against the products; every vector against its CRC-32; products without a
    picture; every photo by size and time; the index files; remains of an interrupted or full-disk write.

    Args:
        folder: of the catalog.
        repair: restore what can be: rows that can still be read go into a new database (the damaged one is kept
            beside it as `catalog.db.damaged-...`), vectors are made again from the photos, words, filter values and
            indexes from the products.
        deep: read every photo and compare its content, not only size and time.
        load_encoder: called where vectors must be made again.

    Raises:
        NotFoundError: no catalog there.
        CatalogVersionError, CatalogError: made by a newer version, or another program's; nothing is touched.
        CatalogBusyError: `repair`, and another process is writing.
        StorageError: no room for the repair; nothing was changed.
    """
    path = folder.absolute() / FILE_NAME
    reading_mode(path)
    with ExitStack() as stack:
        if repair:
            stack.enter_context(WriterLock(path.with_name(LOCK_NAME), wait_s=_WAIT_S))
        findings = list(_leftovers(path.parent, repair=repair))
        damage = _damage(path)
        if damage:
            findings += _treat(path, damage, repair=repair)
            if not repair:
                return Diagnosis(tuple(findings))
        store = stack.enter_context(
            SqliteVectors(path.parent, readonly=working_mode(path, timeout_s=_WAIT_S) != "write")
        )
        case = Case(store, repair, deep, load_encoder)
        for check in _CHECKS:
            findings += check(case)
    return Diagnosis(tuple(findings))


def _damage(path: Path) -> list[str]:
    """What SQLite says against the file; a newer or foreign one raises."""
    try:
        with sqlite_boundary(path):
            db = connect(path, mode=working_mode(path, timeout_s=_WAIT_S), timeout_s=_WAIT_S)
            try:
                if not has_tables(db, path):
                    return []
                rows = [str(row[0]) for row in db.execute("PRAGMA integrity_check(20)")]
            finally:
                db.close()
    except CatalogDamagedError as error:
        return [error.what]
    return [] if rows == ["ok"] else rows


def _treat(path: Path, damage: list[str], *, repair: bool) -> Iterator[Finding]:
    what = "the database is damaged: " + "; ".join(line.strip() for line in damage[:3])
    if not repair:
        yield Finding(what, str(path), "error", "run: catalens catalog doctor --repair (the damaged file is kept)")
        return
    result = salvage(path)
    checks.remove_file(path.with_name(INDEX_FOLDER))
    yield Finding(
        what, str(path), "error", f"what could be read was saved; the old file is {result.kept_as.name}", True
    )
    for sku in result.lost:
        yield Finding("the product can no longer be read", f"product {sku}", "loss", "add its source again")
    for sku in result.incomplete:
        yield Finding("parts of the record could not be read", f"product {sku}", "loss", "add its source again")


def _leftovers(folder: Path, *, repair: bool) -> Iterator[Finding]:
    """Files that an interrupted write, or one on a full disk, has left behind."""
    for path in sorted(folder.glob("*.tmp")):
        if repair:
            checks.remove_file(path)
        cure = "deleted" if repair else "run: catalens catalog doctor --repair"
        yield Finding("remains of a write that was interrupted", str(path), "warning", cure, repair)
