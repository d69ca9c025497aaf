"""Worker process that reads strangers' feeds and archives: `python -m catalens.server.jobs.feed_worker TASK`.

The task is a JSON object: what to do ("read", "preview" or "unpack"), the folders, the limits of
`feed_reader.FeedLimits`. Items go to a file as JSON lines; the file of the answer, written last, holds what the feed is
called or why it cannot be read. A worker that ends without an answer broke a limit: see its exit status.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from catalens.errors import CatalensError, FeedError
from catalens.feeds import Item, Reading, open_feed
from catalens.feeds.archives import find_feed, kind_of, unpack
from catalens.feeds.base import Options
from catalens.feeds.sources import with_mentions
from catalens.feeds.table import columns_read
from catalens.json_text import parse_json
from catalens.server.jobs.feed_items import dump_item
from catalens.storage.records import checked
from catalens.types import Failure

OUT_OF_MEMORY, TOO_MUCH_OUTPUT = 3, 4
"""Exit statuses."""
_PR_SET_PDEATHSIG = 1
MAX_NOTES, MAX_NOTE = 100, 500
"""Notes about a feed that are kept, and characters of each."""


def main(task: dict[str, Any]) -> int:
    """Do a task; returns the exit status."""
    _limit(task)
    try:
        answer = {"read": _read, "preview": _preview, "unpack": _unpack}[task["do"]](task)
    except CatalensError as error:
        what = _without(task["folder"], error.what)
        answer = {"error": {"kind": type(error).__name__, "what": what, "cure": error.cure}}
    except MemoryError:
        return OUT_OF_MEMORY
    except OSError as error:
        if error.errno == errno.EFBIG:
            return TOO_MUCH_OUTPUT
        answer = {"error": {"kind": "StorageError", "what": f"the feed cannot be kept: {error.strerror}", "cure": ""}}
    _write_answer(Path(task["answer"]), answer)
    return 0


def _limit(task: dict[str, Any]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # where the service dies, its worker does too
    if os.getppid() != task["parent"]:
        sys.exit("the service ended")
    os.nice(10)  # searches come first
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that grows too large is an OSError then
    resource.setrlimit(resource.RLIMIT_CPU, (task["cpu_s"], task["cpu_s"] + 5))  # at the second one it is killed
    for kind, most in (
        (resource.RLIMIT_AS, used + task["memory"]),
        (resource.RLIMIT_FSIZE, task["output"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _read(task: dict[str, Any]) -> dict[str, Any]:
    tempfile.tempdir = str(Path(task["items"]).parent)  # what it leaves is deleted with the upload
    reading = _opened(task)
    count = 0
    with Path(task["items"]).open("w", encoding="utf-8") as out:
        for item in with_mentions(reading):
            count += 1
            if count > task["most"]:
                raise FeedError(f"the feed has more than {task['most']:,} products", cure="send several smaller ones")
            out.write(dump_item(_as_sent(checked(item))) + "\n")
        out.flush()
        os.fsync(out.fileno())
    notes = [_without(task["folder"], note)[:MAX_NOTE] for note in reading.notes[:MAX_NOTES]]
    return {"name": reading.name, "notes": notes}


def _as_sent(item: Item) -> Item:
    """An item; what says that a file lacks says it of what was sent, not of a folder of this machine."""
    if isinstance(item, Failure) and "--media" in item.cure:
        why = "it did not come with the feed" if item.why.startswith("no such file in") else item.why
        return replace(item, why=why, cure="send it in one ZIP archive with the feed")
    return item


def _opened(task: dict[str, Any]) -> Reading:
    feed = find_feed(Path(task["folder"]))
    return open_feed(feed, format=task["format"], mapping=task["mapping"], encoding=task["encoding"])


def _preview(task: dict[str, Any]) -> dict[str, Any]:
    """The first products as they are understood, and the columns of a table, also where it cannot be read so."""
    found: dict[str, Any] = {"name": "", "notes": [], "products": [], "failed": [], "columns": [], "problem": None}
    try:
        reading = _opened(task)
        for item in map(_as_sent, islice(reading, task["shown"] * 4)):
            if isinstance(item, Failure):
                found["failed"].append(item.to_dict())
            elif len(found["products"]) < task["shown"]:
                found["products"].append(item.to_dict())
        found["name"] = reading.name
        found["notes"] = [note[:MAX_NOTE] for note in reading.notes[:MAX_NOTES]]
    except CatalensError as error:
        found["problem"] = {"what": error.what, "cure": error.cure}
    if found["name"] in {"", "table"}:
        with suppress(CatalensError):
            options = Options(mapping=task["mapping"] or {}, encoding=task["encoding"])
            found["columns"] = [asdict(one) for one in columns_read(find_feed(Path(task["folder"])), options)]
    found["failed"] = found["failed"][: task["shown"]]
    told: dict[str, Any] = parse_json(_without(task["folder"], json.dumps(found)))
    return told


def _unpack(task: dict[str, Any]) -> dict[str, Any]:
    is_archive = kind_of(Path(task["archive"])) == "zip"
    if is_archive:
        unpack(Path(task["archive"]), Path(task["folder"]))
    return {"unpacked": is_archive}


def _without(folder: str, text: str) -> str:
    """A text without paths of this machine."""
    return text.replace(f"{folder}/", "").replace(folder, "the feed")


def _write_answer(path: Path, answer: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as out:
        json.dump(answer, out)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main(parse_json(sys.argv[1])))
