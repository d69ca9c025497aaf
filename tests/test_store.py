"""The store: what is written is there for every reader, at once and for good; what goes wrong is said in a sentence."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from catalens.errors import (
    CatalensError,
    CatalogBusyError,
    CatalogDamagedError,
    CatalogError,
    CatalogVersionError,
    NotFoundError,
    StorageError,
    UsageError,
)
from catalens.storage import database
from catalens.storage.database import sqlite_boundary
from catalens.storage.lock import WriterLock
from catalens.storage.sqlite import SqliteStore as Store
from tests.fakes import FakeEncoder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "shop", wait_s=0.2)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; those of pytest they may not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def space_id(store: Store, name: str) -> int | None:
    space = store.space(name)
    return None if space is None else space.id


def put_vectors(store: Store, rows: np.ndarray, *, space: str = "color") -> None:
    """Write rows as the vectors of pictures 1, 2, ... by plain SQL."""
    with store.transaction() as db:
        db.execute("INSERT OR IGNORE INTO space (name, dim) VALUES (?, ?)", (space, rows.shape[1]))
        (space_id,) = db.execute("SELECT id FROM space WHERE name = ?", (space,)).fetchone()
        for number, row in enumerate(rows.astype("<f4"), start=1):
            db.execute(
                "INSERT OR IGNORE INTO picture (id, hash, path, height, width) VALUES (?, ?, '/x', 1, 1)",
                (number, bytes([number])),
            )
            data = row.tobytes()
            db.execute(
                "INSERT INTO vector (space_id, picture_id, data, crc) VALUES (?, ?, ?, ?)",
                (space_id, number, data, zlib.crc32(data)),
            )


def test_a_new_store_is_empty(store: Store) -> None:
    counts = store.counts()
    assert (counts.products, counts.variants, counts.pictures, counts.vectors, counts.unread) == (0, 0, 0, 0, 0)
    assert store.spaces() == ()
    assert store.space("color") is None
    ids, pictures, data = store.vectors_after(1, 0)
    assert (ids.shape, pictures.shape, data.shape) == ((0,), (0,), (0, 0))
    assert store.vectors_of(1, [])[1].shape == (0, 0)
    erased, seq = store.erased_after(1, 0)
    assert (len(erased), seq) == (0, 0)


def test_sqlite_is_set_up_for_durability(store: Store) -> None:
    with store.transaction() as db:
        pragmas = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
        pragmas |= {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("foreign_keys", "secure_delete")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_vectors_come_back_as_they_were_written(store: Store) -> None:
    rows = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    put_vectors(store, rows)
    space = space_id(store, "color")
    assert space is not None
    ids, pictures, data = store.vectors_after(space, 0)
    assert ids.tolist() == pictures.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(data, rows)
    assert store.vectors_after(space, 3)[0].tolist() == [4, 5]
    some, data = store.vectors_of(space, [4, 2, 99, 2])
    assert some.tolist() == [2, 4]
    np.testing.assert_array_equal(data, rows[[1, 3]])


def test_erased_vectors_are_told_once_and_their_ids_never_come_again(store: Store) -> None:
    put_vectors(store, np.eye(3, dtype=np.float32))
    with store.transaction() as db:
        db.execute("DELETE FROM picture WHERE id IN (2, 3)")
    space = space_id(store, "color") or 0
    erased, seq = store.erased_after(space, 0)
    assert sorted(erased.tolist()) == [2, 3]
    assert len(store.erased_after(space, seq)[0]) == 0
    put_vectors(store, np.eye(2, dtype=np.float32), space="shape")
    assert store.vectors_after(space_id(store, "shape") or 0, 0)[0].min() > 3


def test_a_damaged_vector_is_an_error_and_never_an_answer(store: Store) -> None:
    put_vectors(store, np.eye(3, dtype=np.float32))
    with store.transaction() as db:
        db.execute("UPDATE vector SET crc = crc + 1 WHERE id = 2")
    space = space_id(store, "color") or 0
    with pytest.raises(CatalogDamagedError, match=r"vector 2 .*doctor --repair"):
        store.vectors_after(space, 0)
    with pytest.raises(CatalogDamagedError):
        store.vectors_of(space, [2])
    assert store.vectors_of(space, [1])[0].tolist() == [1]


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as db:
            db.execute("INSERT INTO space (name, dim) VALUES ('color', 3)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.spaces() == ()


def test_data_version_changes_with_each_commit_of_anybody(store: Store) -> None:
    other = Store(store.folder)
    before = store.data_version()
    assert store.data_version() == before
    put_vectors(other, np.eye(1, dtype=np.float32))
    after = store.data_version()
    assert after != before
    put_vectors(store, np.eye(1, dtype=np.float32), space="shape")
    assert store.data_version() != after
    other.close()


def test_readers_are_not_blocked_by_a_writer(store: Store) -> None:
    put_vectors(store, np.eye(2, dtype=np.float32))
    with store.writing(), store.transaction() as db:
        db.execute("INSERT INTO space (name, dim) VALUES ('shape', 3)")
        assert Store(store.folder, readonly=True).counts().vectors == 2
        assert len(store.spaces()) == 1  # not committed yet
    assert len(store.spaces()) == 2


def test_many_threads_read_while_one_writes(store: Store) -> None:
    errors: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(50):
                counts = store.counts()
                assert counts.vectors == 3 * len(store.spaces()) or counts.vectors % 3 == 0
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        put_vectors(store, np.eye(3, dtype=np.float32), space=f"space {number}")
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_reader_refuses_to_write(store: Store) -> None:
    with pytest.raises(StorageError):
        store.fetch_all("DELETE FROM space")
    readonly = Store(store.folder, readonly=True)
    with pytest.raises(StorageError, match="read-only"):
        readonly.writing()


def test_the_second_writer_learns_who_is_the_first(store: Store) -> None:
    with store.writing(), pytest.raises(CatalogBusyError, match=rf"process {os.getpid()} on .* since 20"):
        Store(store.folder, wait_s=0.1).writing().__enter__()
    with store.writing():
        pass


def test_the_lock_is_free_when_its_holder_was_killed(store: Store) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from catalens.storage.lock import WriterLock;"
        f"WriterLock(Path({str(store.folder / 'lock')!r}), wait_s=0).__enter__(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with WriterLock(store.folder / "lock", wait_s=0):
        pass


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(UsageError, match="closed"):
        store.counts()
    with pytest.raises(UsageError, match="closed"):
        store.data_version()


def occupied(path: Path) -> Path:
    path.mkdir()
    (path / "holiday.jpg").write_bytes(b"")
    return path


def a_file(path: Path) -> Path:
    path.write_text("hello")
    return path


def below_a_file(path: Path) -> Path:
    return a_file(path) / "shop"


def with_database(path: Path, content: bytes) -> Path:
    path.mkdir()
    (path / "catalog.db").write_bytes(content)
    return path


def of_another_program(path: Path) -> Path:
    path.mkdir()
    db = sqlite3.connect(path / "catalog.db")
    db.execute("CREATE TABLE music (id)")
    db.close()
    return path


def newer(path: Path) -> Path:
    Store(path).close()
    db = sqlite3.connect(path / "catalog.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], type[CatalensError], str]] = {
    "a file": (a_file, StorageError, "expected a folder"),
    "below a file": (below_a_file, StorageError, "expected a folder"),
    "a folder with other things": (occupied, StorageError, "holiday.jpg"),
    "no database": (lambda path: with_database(path, b"hello " * 1000), CatalogDamagedError, "damaged"),
    "another program's": (of_another_program, CatalogError, "another program"),
    "newer": (newer, CatalogVersionError, "newer version"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_catalog_is_refused_and_left_as_it_was(tmp_path: Path, case: str) -> None:
    make, kind, mention = REFUSED[case]
    folder = make(tmp_path / "shop")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for readonly in (False, True):
        with pytest.raises(kind if not readonly else (kind, NotFoundError)) as caught:
            Store(folder, readonly=readonly)
        assert "\n" not in str(caught.value)
        assert readonly or mention in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_catalog_that_is_not_there_is_not_made_for_a_reader(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Store(tmp_path / "shop", readonly=True)
    assert list(tmp_path.iterdir()) == []


def test_a_catalog_whose_maker_was_killed_is_made_whole(tmp_path: Path) -> None:
    folder = with_database(tmp_path / "shop", b"")
    with pytest.raises(NotFoundError):
        Store(folder, readonly=True)
    assert Store(folder).counts().products == 0


def test_many_processes_may_make_it_at_once(tmp_path: Path) -> None:
    folder = str(tmp_path / "shop")
    code = f"from catalens.storage.sqlite import SqliteStore; print(SqliteStore({folder!r}).counts().products)"
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)]
    assert [child.communicate()[0] for child in children] == [b"0\n"] * 4


def test_many_threads_may_make_it_at_the_same_moment(tmp_path: Path) -> None:
    at_once = threading.Barrier(4)

    def make(folder: Path) -> int:
        at_once.wait()
        with Store(folder) as shop:
            return shop.counts().products

    with ThreadPoolExecutor(4) as pool:
        for turn in range(40):
            assert list(pool.map(make, [tmp_path / str(turn)] * 4)) == [0] * 4


def test_a_full_disk_is_said_and_loses_nothing(store: Store) -> None:
    put_vectors(store, np.eye(2, dtype=np.float32))

    def fill() -> None:
        with store.transaction() as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages + 1}")
            db.execute("INSERT INTO picture (hash, bytes, height, width) VALUES (x'00', zeroblob(1000000), 1, 1)")

    with pytest.raises(StorageError, match="disk is full"):
        fill()
    assert store.counts().vectors == 2
    put_vectors(store, np.eye(1, dtype=np.float32), space="shape")


def test_a_file_that_may_not_grow_is_a_full_disk(store: Store) -> None:
    """The system's own limit on file sizes stands for a disk without room for the log."""
    put_vectors(store, np.eye(2, dtype=np.float32))
    code = (
        "import resource, sys\n"
        "from catalens.storage.sqlite import SqliteStore\n"
        "from catalens.errors import StorageError\n"
        f"store = SqliteStore({str(store.folder)!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try:\n"
        "    with store.writing(), store.transaction() as db:\n"
        "        db.execute('INSERT INTO picture (hash, bytes, height, width) VALUES (1, zeroblob(9000000), 1, 1)')\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    assert store.counts().pictures == 2
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 400_000


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give up its rights")
def test_a_folder_that_may_not_be_written_can_be_read(open_folder: Path) -> None:
    store = Store(open_folder / "shop")
    put_vectors(store, np.eye(2, dtype=np.float32))
    store.close()
    os.seteuid(65534)
    try:
        with pytest.raises(StorageError, match="may not be read"):
            Store(open_folder / "shop", readonly=True)
    finally:
        os.seteuid(0)
    for path in (open_folder / "shop", *(open_folder / "shop").iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    os.seteuid(65534)
    try:
        with Store(open_folder / "shop", readonly=True) as reader:
            assert reader.counts().vectors == 2
        with pytest.raises(StorageError), Store(open_folder / "shop") as writer, writer.writing():
            pass
    finally:
        os.seteuid(0)


ERRORS: dict[str, tuple[int | None, str, type[CatalensError]]] = {
    "full": (sqlite3.SQLITE_FULL, "database or disk is full", StorageError),
    "read-only": (sqlite3.SQLITE_READONLY, "attempt to write a readonly database", StorageError),
    "input/output": (sqlite3.SQLITE_IOERR, "disk I/O error", StorageError),
    "cannot open": (sqlite3.SQLITE_CANTOPEN, "unable to open database file", StorageError),
    "busy": (sqlite3.SQLITE_BUSY, "database is locked", CatalogBusyError),
    "corrupt": (sqlite3.SQLITE_CORRUPT, "database disk image is malformed", CatalogDamagedError),
    "no database": (sqlite3.SQLITE_NOTADB, "file is not a database", CatalogDamagedError),
    "lost table": (sqlite3.SQLITE_ERROR, "no such table: product", CatalogDamagedError),
    "damaged text": (None, "Could not decode to UTF-8 column 'title'", CatalogDamagedError),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_of_sqlite_become_ours(tmp_path: Path, case: str) -> None:
    code, text, kind = ERRORS[case]
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code
    with pytest.raises(kind, match=r"\. \S"), sqlite_boundary(tmp_path / "catalog.db"):
        raise error


def test_a_fault_of_the_program_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError), sqlite_boundary(tmp_path):
        raise sqlite3.OperationalError('near "SELEKT": syntax error')


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
"""No file may hold a byte more: what a full disk says to a program that begins."""


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that stands for a full disk")
@pytest.mark.parametrize("log", ["no log", "a log", "a log and its index"])
def test_a_new_process_reads_on_a_full_disk(store: Store, tmp_path: Path, log: str) -> None:
    put_vectors(store, np.eye(2, dtype=np.float32))
    copy = tmp_path / "copy"
    if log == "no log":
        store.close()
    shutil.copytree(store.folder, copy)
    if log == "a log":
        (copy / "catalog.db-shm").unlink()
    code = FULL_DISK + (
        "from catalens.storage.sqlite import SqliteStore\n"
        "from catalens.storage.doctor import diagnose\n"
        "from catalens.errors import StorageError\n"
        "from pathlib import Path\n"
        f"folder = Path({str(copy)!r})\n"
        "with SqliteStore(folder, readonly=True) as store:\n"
        "    findings = diagnose(folder, load_encoder=None).findings\n"
        "    print(store.counts().vectors, [one for one in findings if one.severity == 'loss'])\n"
        "with SqliteStore(folder) as store:\n"
        "    try:\n"
        "        with store.writing(), store.change() as writer:\n"
        "            writer.remove(['x'])\n"
        "            writer._db.execute('INSERT INTO space (name, dim) VALUES (1, 1)')\n"
        "    except StorageError as error:\n"
        "        print('refused')\n"
        "    print(store.counts().vectors)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "2 []\nrefused\n2\n"), done.stderr


def test_what_another_wrote_meanwhile_is_read_where_the_disk_was_full(store: Store, tmp_path: Path) -> None:
    put_vectors(store, np.eye(2, dtype=np.float32))
    store.close()
    real, modes = database.reading_mode, []

    def failing(path: Path, mode: database.Mode, timeout_s: float) -> None:
        modes.append(mode)
        if mode == "write" and len(modes) == 1:
            raise StorageError("no room for the index of the log")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_try", failing)
        reader = Store(store.folder, readonly=True)
    assert (reader.counts().vectors, modes, real(reader.path)) == (2, ["write", "immutable"], "write")
    before = reader.data_version()
    with Store(store.folder) as writer:
        put_vectors(writer, np.eye(3, dtype=np.float32), space="other")
    assert reader.counts().vectors == 5
    assert reader.data_version() != before
    reader.close()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_files_are_their_owners_alone(store: Store) -> None:
    put_vectors(store, np.eye(2, dtype=np.float32))
    assert store.folder is not None
    modes = {path.name: path.stat().st_mode & 0o777 for path in (store.folder, *store.folder.iterdir())}
    assert modes == {
        store.folder.name: 0o700, "catalog.db": 0o600, "catalog.db-wal": 0o600, "catalog.db-shm": 0o600, "lock": 0o600,
    }  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_an_open_folder_stays_open_and_the_doctor_notes_it(store: Store) -> None:
    assert store.folder is not None
    store.folder.chmod(0o755)
    with Store(store.folder) as again:
        diagnosis = again.diagnose(repair=False, deep=False, load_encoder=FakeEncoder)
        assert (diagnosis.healthy, [one.severity for one in diagnosis.findings]) == (True, ["note"])
    assert store.folder.stat().st_mode & 0o777 == 0o755
