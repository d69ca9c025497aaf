"""Feeds in ZIP and gzip: unpacked with care, nothing outside its folder and no more than was announced."""

from __future__ import annotations

import gzip
import lzma
import shutil
import stat
import tempfile
import weakref
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from catalens.errors import FeedError

MAX_FILES, MAX_BYTES = 50_000, 2 * 2**30
"""Files and bytes of an unpacked archive."""
MAX_RATIO, RATIO_FREE_BYTES = 200, 64 * 2**20
"""Largest compression ratio, checked above so many bytes: feeds of text reach 30, ZIP bombs 1,000 and more."""
ZIP_MAGIC = b"PK\x03\x04"
GZIP_MAGIC = b"\x1f\x8b"
FEED_SUFFIXES = frozenset(
    {".csv", ".tsv", ".xml", ".jsonl", ".txt", ".json", ".xlsx", ".parquet", ".ndjson", ".rss", ".atom"}
)


class Unpacked:
    """A temporary folder that is removed when nobody reads from it any more."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="catalens-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def kind_of(path: Path) -> str:
    """What a file is packed as: "zip", "gzip" or "". A workbook is a ZIP too, and none here."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError:
        return ""
    if head[:2] == GZIP_MAGIC:
        return "gzip"
    if head != ZIP_MAGIC:
        return ""
    try:
        with zipfile.ZipFile(path) as packed:
            return "" if "xl/workbook.xml" in packed.namelist() else "zip"
    except (zipfile.BadZipFile, ValueError, OSError):
        return "zip"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP archive into a folder of its own; nothing lands outside it, and no more than announced.

    Raises:
        FeedError: no archive that can be read, one with odd names, or too large.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [one for one in packed.infolist() if not one.is_dir()]
            most = min(MAX_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * archive.stat().st_size))
            if len(members) > MAX_FILES or sum(one.file_size for one in members) > most:
                raise FeedError(
                    f"the archive has {len(members)} files, or too large ones; at most {MAX_FILES} and "
                    f"{most >> 20} MB are taken",
                    cure="send several smaller ones",
                )
            for one in members:
                place = _member_path(folder, one)
                place.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(one) as source, place.open("xb") as out:
                    shutil.copyfileobj(source, out)  # zipfile gives no more than the header announced
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise FeedError("two things in the archive have one name", cure="pack it again as ZIP") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError) as error:
        raise FeedError(f"the archive cannot be unpacked: {error}", cure="pack it again as ZIP") from None


def gunzip(archive: Path, out: Path) -> None:
    """Unpack a gzip file.

    Raises:
        FeedError: broken, or too large.
    """
    most = min(MAX_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * archive.stat().st_size))
    done = 0
    try:
        with gzip.open(archive) as source, out.open("wb") as file:
            while part := source.read(1024 * 1024):
                done += len(part)
                if done > most:
                    raise FeedError(f"{archive} unpacks to more than {most >> 20} MB", cure="unpack it by hand")
                file.write(part)
    except (OSError, EOFError, zlib.error) as error:
        raise FeedError(f"{archive} cannot be unpacked: {error}", cure="pack it anew") from None


def _member_path(folder: Path, member: zipfile.ZipInfo) -> Path:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    odd = "\x00" in member.filename or any(len(part.encode("utf-8", "replace")) > 200 for part in name.parts)
    if name.is_absolute() or ".." in name.parts or not name.parts or is_link or odd:
        raise FeedError(f"the archive has a file {member.filename!r}", cure="pack plain files with relative names")
    return folder.joinpath(*name.parts)


def feeds_in(folder: Path) -> list[Path]:
    """Files on top of a folder that may be feeds, by their endings."""
    tops = (path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    return sorted(path for path in tops if path.suffix.lower() in FEED_SUFFIXES and path.is_file())


def find_feed(folder: Path) -> Path:
    """The feed in what was unpacked: a file on top that is no picture, else the folder of photos itself."""
    tops = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    if len(tops) == 1 and tops[0].is_dir():
        return find_feed(tops[0])
    feeds = feeds_in(folder)
    if not feeds:  # one without an ending, such as `products`: its content says what it is
        files = [path for path in tops if path.is_file() and (len(tops) == 1 or not path.suffix)]
        feeds = files if len(files) == 1 else []
    return feeds[0] if feeds else folder
