"""Cut the power at many moments: replay what a writer wrote, without what it had not synced, in part and out of order.

    python -m benchmarks.power [--cuts 300] [--calls 24] [--seed 0]

A writer adds, updates, removes and erases products, stores answers and submits jobs, and says what it has acknowledged.
strace (Linux) records each write, truncation, rename, deletion and sync of it. A cut replays the record up to a random
moment onto an empty folder as a disk may have it then: what was synced is there; of all else, any part may be, in pages
of 4 KB and in any order; names that no sync of their folder followed may lack. Then the catalog is opened, every
product is compared with what was acknowledged, and the doctor looks it over.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.kill import State, make_photos, random_calls
from catalens.catalog import Catalog
from catalens.errors import CatalensError
from catalens.server.jobs.queue import Job, JobQueue
from catalens.server.middleware.idempotency import IdempotencyCache
from catalens.storage import ingest
from catalens.types import Product
from tests.fakes import FakeEncoder

PAGE = 4096
"""Bytes that a disk writes whole."""
REOPEN = 5
"""Calls after which the writer closes the catalog, which empties SQLite's log."""
CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,lseek"
MODES = ("all kept", "all lost", "any part", "any part")


@dataclass(frozen=True)
class Op:
    """One thing that was done to the disk.

    Args:
        kind: "write", "truncate", "sync", "create", "mkdir", "rename", "unlink", "sync folder" or "acknowledge".
        file: number of the file, 0 of a folder; path, to: names.
        at: where a write begins, the size of a truncation, or the call that was acknowledged.
    """

    kind: str
    file: int = 0
    path: str = ""
    to: str = ""
    at: int = 0
    data: bytes = b""


@dataclass
class Tally:
    """What happened over all cuts."""

    cuts: int = 0
    operations: int = 0
    syncs: int = 0
    acknowledged_calls: int = 0
    unopened: int = 0
    lost: int = 0
    half_there: int = 0
    records_lost: int = 0
    doctor_errors: int = 0
    seconds: float = 0.0
    first: str = ""

    @property
    def clean(self) -> bool:
        return self.unopened == self.lost == self.half_there == self.records_lost == self.doctor_errors == 0


# The writer


def plan(folder: Path, *, calls: int, seed: int) -> list[State]:
    photos = make_photos(folder / "photos", seed=seed)
    planned = random_calls({}, photos, random.Random(seed))[:calls]
    assert len(planned) == calls
    return planned


def write(folder: Path, *, calls: int, seed: int) -> None:
    """Make the calls; each is acknowledged by a line to /dev/null, which the trace has."""
    ingest.BATCH_PRODUCTS = 4  # several transactions in one call
    planned = plan(folder, calls=calls, seed=seed)
    disk = folder / "disk"
    disk.mkdir()
    answers = IdempotencyCache(disk / "shop.answers")
    queue = JobQueue(disk / "others.jobs", lambda job, _: job)
    told = os.open(os.devnull, os.O_WRONLY)
    shop = Catalog.open(disk / "shop", encoder=FakeEncoder())
    for number, call in enumerate(planned):
        if number % REOPEN == REOPEN - 1:
            shop.close()
            shop = Catalog.open(disk / "shop", encoder=FakeEncoder())
        products = [product for product in call.values() if product is not None]
        if products:
            shop.add(products, clear_empty=True)  # each is the whole product
        elif number % 2:
            shop.erase(*call)
        else:
            shop.remove(*call)
        answers.once(f"key {number}", "", ["call", number], lambda number=number: {"call": number})  # type: ignore[misc]
        queue.submit(Job(f"job{number}", "", "feed.csv", ""))
        os.write(told, f"acknowledged {number}\n".encode())
    queue.close()
    shop.close()


def record(folder: Path, *, calls: int, seed: int) -> list[Op]:
    """Run the writer under strace; return what it did below `folder`/disk.

    Raises:
        RuntimeError: strace cannot trace here, or the writer failed.
    """
    trace = folder / "trace"
    words = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    me = [sys.executable, "-m", "benchmarks.power", "--write", str(folder), "--calls", str(calls), "--seed", str(seed)]
    done = subprocess.run([*words, *me], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return list(read_trace(trace, folder / "disk"))


# The trace

_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD = re.compile(r"^(\d+)<([^>]*)>")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _whole_calls(path: Path) -> Iterator[str]:
    """Calls, in the order in which they ended."""
    begun: dict[str, str] = {}
    with path.open(encoding="latin-1") as lines:
        for line in lines:
            found = _LINE.match(line)
            if found is None:
                continue
            thread, text = found.groups()
            if text.endswith("<unfinished ...>"):
                begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
            elif text.startswith("<... "):
                yield begun.pop(thread, "") + text.partition("resumed>")[2].lstrip()
            else:
                yield text


@dataclass
class _Files:
    """Names, sizes and positions, as they were while the trace went on."""

    root: str
    numbers: dict[str, int] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    appending: set[int] = field(default_factory=set)

    def made(self, path: str) -> int:
        number = len(self.sizes) + 1
        self.numbers[path], self.sizes[number] = number, 0
        return number


def read_trace(path: Path, root: Path) -> Iterator[Op]:
    """What was done below a folder."""
    files = _Files(str(root))
    for text in _whole_calls(path):
        found = _CALL.match(text)
        if found is not None and int(found[3]) >= 0:
            yield from _ops(files, found[1], found[2], int(found[3]))


def _ops(files: _Files, name: str, arguments: str, result: int) -> Iterator[Op]:
    handle = _FD.match(arguments)
    of = handle[2] if handle else ""
    if "\\x" in of:
        of = _bytes(of).decode()
    texts = [_bytes(text).decode("utf-8", "replace") for text in _TEXT.findall(arguments)] if name not in _DATA else []
    texts = [text for text in texts if text.startswith(files.root + "/")]
    if name == "openat" and texts:
        flags = arguments.rpartition('"')[2]
        files.positions[result] = 0
        files.appending.discard(result)
        if "O_APPEND" in flags:
            files.appending.add(result)
        if "O_CREAT" in flags and texts[0] not in files.numbers:
            yield Op("create", files.made(texts[0]), texts[0])
        elif "O_TRUNC" in flags and files.sizes.get(number := files.numbers[texts[0]]):
            files.sizes[number] = 0
            yield Op("truncate", number, at=0)
    elif name in _DATA:
        data = _TEXT.search(arguments)
        content = _bytes(data[1]) if data else b""
        if content.startswith(b"acknowledged "):
            yield Op("acknowledge", at=int(content.split()[1]))
        elif handle and of in files.numbers:
            yield _written(files, name, arguments, int(handle[1]), files.numbers[of], content[:result])
    elif name == "lseek" and handle and of in files.numbers:
        files.positions[int(handle[1])] = result
    elif name == "ftruncate" and of in files.numbers:
        size = int(arguments.rpartition(",")[2])
        files.sizes[files.numbers[of]] = size
        yield Op("truncate", files.numbers[of], at=size)
    elif name in ("fsync", "fdatasync") and of.startswith(files.root):
        yield Op("sync", files.numbers[of]) if of in files.numbers else Op("sync folder", path=of)
    elif name.startswith("rename") and len(texts) == 2:
        files.numbers[texts[1]] = files.numbers.pop(texts[0])
        yield Op("rename", path=texts[0], to=texts[1])
    elif name.startswith("mkdir") and texts:
        yield Op("mkdir", path=texts[0])
    elif name.startswith("unlink") and texts and files.numbers.pop(texts[0], 0):
        yield Op("unlink", path=texts[0])


_DATA = ("write", "pwrite64")


def _written(files: _Files, name: str, arguments: str, handle: int, number: int, data: bytes) -> Op:
    if name == "pwrite64":
        at = int(arguments.rpartition(",")[2])
    else:
        at = files.sizes[number] if handle in files.appending else files.positions.get(handle, 0)
        files.positions[handle] = at + len(data)
    files.sizes[number] = max(files.sizes[number], at + len(data))
    return Op("write", number, at=at, data=data)


# The cut


def cut(ops: list[Op], moment: int, *, rng: random.Random) -> dict[str, bytes]:
    """What a disk may hold when the power fails after `moment` operations: path -> content."""
    done = ops[:moment]
    synced: dict[int, int] = {}
    named: dict[str, int] = {}
    for at, op in enumerate(done):
        if op.kind == "sync":
            synced[op.file] = at
        elif op.kind == "sync folder":
            named[op.path] = at
    mode = rng.choice(MODES)
    contents: dict[int, bytearray] = {}
    names: dict[str, int] = {}
    cut_off: dict[str, int] = {}
    for at, op in enumerate(done):
        if op.kind in ("write", "truncate"):
            _apply(
                contents.setdefault(op.file, bytearray()), op, "all kept" if at < synced.get(op.file, -1) else mode, rng
            )
        elif op.kind in ("create", "rename", "unlink", "mkdir"):
            folder = (op.to or op.path).rpartition("/")[0]
            if at > named.get(folder, -1) and cut_off.setdefault(folder, _last_name(mode, at, moment, rng)) < at:
                continue  # a folder keeps a beginning of what was done to its names since its sync
            _name(names, op)
    folders = {path for path, number in names.items() if number == 0}
    made = {op.path for op in done if op.kind == "mkdir"}
    return {
        path: bytes(contents.get(number, b""))
        for path, number in names.items()
        if number and not any(str(one) in made - folders for one in Path(path).parents)
    }


def _last_name(mode: str, first: int, moment: int, rng: random.Random) -> int:
    return {"all kept": moment, "all lost": first - 1}.get(mode, rng.randrange(first - 1, moment + 1))


def _apply(content: bytearray, op: Op, mode: str, rng: random.Random) -> None:
    if op.kind == "truncate":
        if mode == "all kept" or (mode == "any part" and rng.random() < 0.5):
            del content[op.at :]
            content.extend(bytes(op.at - len(content)))
        return
    for start in range(0, len(op.data), PAGE):
        if mode == "all kept" or (mode == "any part" and rng.random() < 0.5):
            part, at = op.data[start : start + PAGE], op.at + start
            content.extend(bytes(max(0, at - len(content))))
            content[at : at + len(part)] = part


def _name(names: dict[str, int], op: Op) -> None:
    if op.kind in ("create", "mkdir"):
        names[op.path] = op.file
    elif op.path in names:
        number = names.pop(op.path)
        if op.kind == "rename":
            names[op.to] = number


# The comparison


def check(disk: Path, state: State, under_way: State, acknowledged: int, tally: Tally) -> None:
    """Compare a disk with what was acknowledged; a call that was under way may be done for some products."""
    if acknowledged >= 0 or (disk / "shop" / "catalog.db").exists():
        try:
            with Catalog.open(disk / "shop", encoder=FakeEncoder()) as shop:
                found: State = {product.sku: product for product in shop.products()}
                errors = [one for one in shop.doctor().findings if one.severity in ("error", "loss")]
        except CatalensError as error:
            tally.unopened += 1
            tally.first = tally.first or str(error)
            return
        after = state | under_way
        for sku in state.keys() | after.keys() | found.keys():
            there = found.get(sku)
            if not any(_same(there, allowed) for allowed in (state.get(sku), after.get(sku))):
                tally.half_there += there is not None
                tally.lost += there is None
                tally.first = tally.first or f"{sku} after call {acknowledged}"
        tally.doctor_errors += len(errors)
        tally.first = tally.first or "".join(map(str, errors[:1]))
    answers = IdempotencyCache(disk / "shop.answers")
    for number in range(acknowledged + 1):
        answer = answers.once(f"key {number}", "", ["call", number], lambda: None)
        job = disk / "others.jobs" / f"job{number}.json"
        tally.records_lost += answer != {"call": number} or _id_of(job) != f"job{number}"


def _id_of(job: Path) -> object:
    """The id in a record; None where it is lost or only half there."""
    try:
        return json.loads(job.read_text())["id"]
    except (OSError, ValueError):
        return None


def _same(found: Product | None, expected: Product | None) -> bool:
    return (found and found.to_dict()) == (expected and expected.to_dict())


def run(folder: Path, *, cuts: int, calls: int, seed: int) -> Tally:
    """Record a writer and cut the power so many times."""
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    ops = record(folder, calls=calls, seed=seed)
    shutil.rmtree(folder / "photos")
    planned = plan(folder, calls=calls, seed=seed)  # the same photos: what is compared has their places
    tally = Tally(operations=len(ops), syncs=sum(op.kind.startswith("sync") for op in ops))
    rng = random.Random(seed)
    for number in range(cuts):
        moment = round((number + rng.random()) / cuts * len(ops))
        acknowledged = max((op.at for op in ops[:moment] if op.kind == "acknowledge"), default=-1)
        disk = folder / f"cut{number}"
        (disk / "shop").mkdir(parents=True)
        for path, content in cut(ops, moment, rng=rng).items():
            place = disk / Path(path).relative_to(folder / "disk")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        state: State = {}
        for call in planned[: acknowledged + 1]:
            state |= call
        under_way = planned[acknowledged + 1] if acknowledged + 1 < calls else {}
        check(disk, state, under_way, acknowledged, tally)
        shutil.rmtree(disk)
        tally.cuts += 1
        tally.acknowledged_calls += acknowledged + 1
    tally.seconds = round(time.perf_counter() - started, 1)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--calls", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write is not None:
        write(arguments.write, calls=arguments.calls, seed=arguments.seed)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder) / "power", cuts=arguments.cuts, calls=arguments.calls, seed=arguments.seed)
    for name, value in asdict(tally).items():
        print(f"{name.replace('_', ' '):<20} {value:>10}")
    print(json.dumps({"benchmark": "power", "seed": arguments.seed, **asdict(tally)}))
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
