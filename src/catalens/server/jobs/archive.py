"""ZIP archives of feeds and photos, unpacked within limits of size, number and names of files."""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from catalens.errors import FeedError

MAX_FILES, MAX_BYTES = 50_000, 2 * 2**30
"""Files and bytes of an unpacked archive."""
MAX_RATIO, RATIO_FREE_BYTES = 200, 64 * 2**20
"""Largest compression ratio, checked above so many bytes: feeds of text reach 30, ZIP bombs 1,000 and more."""
ZIP_MAGIC = b"PK\x03\x04"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP archive into a folder; nothing is written outside it, nor more than its headers announce.

    Raises:
        FeedError: the archive is damaged, too large, or has unsafe file names.
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
        raise FeedError("two things in the archive have one name", cure="pack it anew as ZIP") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError) as error:
        raise FeedError(f"the archive cannot be unpacked: {error}", cure="pack it anew as ZIP") from None


def _member_path(folder: Path, member: zipfile.ZipInfo) -> Path:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    odd = "\x00" in member.filename or any(len(part.encode("utf-8", "replace")) > 200 for part in name.parts)
    if name.is_absolute() or ".." in name.parts or not name.parts or is_link or odd:
        raise FeedError(f"the archive has a file {member.filename!r}", cure="pack plain files with relative names")
    return folder.joinpath(*name.parts)


def find_feed(folder: Path) -> Path:
    """Path of the feed in an unpacked archive: a table, XML or JSON file at the top, else the folder of photos."""
    tops = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    if len(tops) == 1 and tops[0].is_dir():
        return find_feed(tops[0])
    feeds = [path for path in tops if path.suffix.lower() in {".csv", ".tsv", ".xml", ".jsonl", ".txt", ".json"}]
    return feeds[0] if feeds else folder
