"""The power fails: nothing acknowledged is lost, whatever of the unsynced writes got to the disk."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks import power
from benchmarks.power import Op, cut, read_trace

RNG = random.Random(0)


def texts(*parts: str) -> list[str]:
    return ["".join(f"\\x{byte:02x}" for byte in part.encode()) for part in parts]


def test_a_trace_is_read(tmp_path: Path) -> None:
    old, new, folder = (f"{tmp_path}/{name}" for name in ("disk/old", "disk/new", "disk/more"))
    a, b, c, data, said = texts(old, new, folder, "hello", "acknowledged 7\n")
    (tmp_path / "trace").write_text(
        f'10 openat(AT_FDCWD, "{a}", O_WRONLY|O_CREAT|O_CLOEXEC, 0600) = 3<{old}>\n'
        f'10 write(3<{old}>, "{data}", 5) = 5\n'
        f'10 write(3<{old}>, "{data}", 5 <unfinished ...>\n'
        f"11 fsync(4<{tmp_path}/disk>)                = 0\n"
        "10 <... write resumed>) = 2\n"
        f'10 pwrite64(3<{old}>, "{data}", 5, 100) = 5\n'
        f"10 fdatasync(3<{old}>)                     = 0\n"
        f'10 rename("{a}", "{b}")                    = 0\n'
        f'10 mkdir("{c}", 0700)                      = 0\n'
        f'10 unlink("{a}")                           = -1 ENOENT (No such file or directory)\n'
        f'10 unlink("{b}")                           = 0\n'
        f'10 write(5</dev/null>, "{said}", 15)       = 15\n'
        "10 +++ exited with 0 +++\n"
    )
    assert list(read_trace(tmp_path / "trace", tmp_path / "disk")) == [
        Op("create", 1, old),
        Op("write", 1, at=0, data=b"hello"),
        Op("sync folder", path=f"{tmp_path}/disk"),
        Op("write", 1, at=5, data=b"he"),
        Op("write", 1, at=100, data=b"hello"),
        Op("sync", 1),
        Op("rename", path=old, to=new),
        Op("mkdir", path=folder),
        Op("unlink", path=new),
        Op("acknowledge", at=7),
    ]


def test_what_is_synced_is_there_and_the_rest_may_lack() -> None:
    ops = [
        Op("create", 1, "/d/a"), Op("write", 1, at=0, data=b"one"), Op("sync", 1), Op("sync folder", path="/d"),
        Op("write", 1, at=3, data=b"two"), Op("create", 2, "/d/b"), Op("write", 2, at=0, data=b"new"),
        Op("rename", path="/d/b", to="/d/a"),
    ]  # fmt: skip
    assert cut([], 0, rng=RNG) == {}
    assert {tuple(cut(ops, 4, rng=RNG).items()) for _ in range(50)} == {(("/d/a", b"one"),)}
    found = {tuple(sorted(cut(ops, 8, rng=RNG).items())) for _ in range(300)}
    assert {(("/d/a", b"one"),), (("/d/a", b"onetwo"),), (("/d/a", b""),), (("/d/a", b"new"),)} <= found
    assert all(dict(one)["/d/a"] in (b"one", b"onetwo", b"", b"new") for one in found)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Op]]:
    if (
        shutil.which("strace") is None
        or subprocess.run(["strace", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("strace is not there, or may not trace")
    folder = tmp_path_factory.mktemp("power")
    return folder, power.record(folder, calls=3, seed=1)


def cuts(recorded: tuple[Path, list[Op]], monkeypatch: pytest.MonkeyPatch, *, without: str = "") -> power.Tally:
    folder, ops = recorded
    kept = [op for op in ops if not without or not op.kind.startswith(without)]
    monkeypatch.setattr(power, "record", lambda *_, **__: kept)
    shutil.rmtree(folder / "photos", ignore_errors=True)
    (folder / "photos").mkdir()
    return power.run(folder, cuts=10, calls=3, seed=1)


def test_nothing_acknowledged_is_lost(recorded: tuple[Path, list[Op]], monkeypatch: pytest.MonkeyPatch) -> None:
    tally = cuts(recorded, monkeypatch)
    assert (tally.clean, tally.first) == (True, "")
    assert tally.acknowledged_calls > 3


def test_a_writer_that_does_not_sync_is_found_out(
    recorded: tuple[Path, list[Op]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not cuts(recorded, monkeypatch, without="sync").clean
