"""Feeds by their addresses: web addresses, guarded as pictures are, and object stores through fsspec."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from catalens.errors import FeedError, MissingExtraError, NotFoundError, UsageError, first_line
from catalens.feeds.archives import Unpacked
from catalens.images.paths import copied_by
from catalens.images.remote import fetch_image_bytes

WEB = ("http", "https")
STORES = ("s3", "gs", "gcs", "az", "abfs", "memory")
"""Schemes that fsspec reads."""
MOST_BYTES, MOST_S = 256 * 2**20, 300.0
"""Of a feed that is fetched: bytes, and seconds for all of it."""


def is_address(source: str | Path) -> bool:
    """Whether a source is an address and no path."""
    return isinstance(source, str) and urlsplit(source[:2000]).scheme.lower() in {*WEB, *STORES} and "://" in source


def fetched(address: str, *, fetch: bool | frozenset[str]) -> tuple[Path, Unpacked]:
    """A copy of a feed in a temporary folder, under the name that the address ends in, and what keeps it there.

    Args:
        fetch: whether public web addresses may be read, or those of some hosts.

    Raises:
        UsageError: a web address, and nothing may be fetched.
        RemoteError: refused, too large, too slow, or not there.
        NotFoundError, FeedError, MissingExtraError: the object store has it not, or cannot be read.
    """
    held = Unpacked()
    name = PurePosixPath(urlsplit(address).path).name or "feed"
    place = held.folder / "".join(one for one in name if one.isprintable() and one not in '<>:"|?*\\')[-100:]
    if urlsplit(address).scheme.lower() in STORES:
        _copy(address, place)
        return place, held
    if not fetch:
        raise UsageError(f"{address} is a web address", cure=f"add --fetch to read it, or: {copied_by(address)}")
    hosts = None if fetch is True else fetch
    data = fetch_image_bytes(
        address, allow_hosts=hosts, max_bytes=MOST_BYTES, deadline_s=MOST_S, accept="*/*", what="feed"
    )
    place.write_bytes(data)
    return place, held


def _copy(address: str, place: Path) -> None:
    try:
        import fsspec  # type: ignore[import-untyped]
    except ImportError:
        raise _lacks(address, "fsspec is not installed") from None
    try:
        with fsspec.open(address, "rb") as file:
            _copy_bounded(file, place, address)
    except ImportError as error:
        raise _lacks(address, first_line(error)) from None
    except FileNotFoundError:
        raise NotFoundError(f"nothing at {address}", cure="check the address") from None
    except (FeedError, UsageError):
        raise
    except Exception as error:  # the packages of the stores raise errors of their own
        raise FeedError(f"{address} was not read: {first_line(error)}", cure="check the address and the keys") from None


def _lacks(address: str, why: str) -> MissingExtraError:
    return MissingExtraError(
        f"{address} cannot be read: {why}", cure=f'run pip install "catalens[stores]", or: {copied_by(address)}'
    )


def _copy_bounded(file: Any, place: Path, address: str) -> None:
    left = MOST_BYTES
    with place.open("wb") as out:
        while data := file.read(2**20):
            left -= len(data)
            if left < 0:
                raise FeedError(f"{address} has more than {MOST_BYTES >> 20} MB", cure="download it")
            out.write(data)
