"""A shop's export goes in: one file per catalogue format, recognised by themselves."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from catalens.errors import FeedError, NotFoundError, UsageError
from catalens.feeds.base import Feed, Item, Reading, Sample
from catalens.feeds.folder import FolderFeed
from catalens.feeds.google import GoogleFeed
from catalens.feeds.jsonlines import JsonLinesFeed
from catalens.feeds.magento import MagentoFeed
from catalens.feeds.shopify import ShopifyFeed
from catalens.feeds.table import TableFeed
from catalens.feeds.tables import delimiter_of
from catalens.feeds.text import encoding_of, head_of
from catalens.images.folder import SUFFIXES

__all__ = ["FEEDS", "Feed", "Item", "Reading", "open_feed"]

FEEDS: tuple[Feed, ...] = (FolderFeed(), JsonLinesFeed(), MagentoFeed(), ShopifyFeed(), GoogleFeed(), TableFeed())
"""All formats; the first that recognises a source reads it, so the particular come before the general."""


def open_feed(
    source: str | Path,
    *,
    media: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    format: str | None = None,
) -> Reading:
    """Open a source by its format, recognised by itself unless named.

    Args:
        source: a feed, a folder of photos or a photo.
        media: folder that picture paths start from; the feed's own where None.
        mapping: field -> column, where the guess is wrong.
        format: name of one of `FEEDS`.

    Raises:
        NotFoundError: nothing there.
        FeedError: nothing that can be read.
        UsageError: no such format, or a mapping of columns that are not there.
    """
    path = Path(source)
    sample = _sample(path)
    if media is not None and not media.is_dir():
        raise NotFoundError(f"no media folder at {media}", cure="check --media")
    if format is not None:
        feed = next((feed for feed in FEEDS if feed.name == format), None)
        if feed is None:
            raise UsageError(f"no format {format!r}", cure=f"name one of {', '.join(feed.name for feed in FEEDS)}")
    else:
        feed = next((feed for feed in FEEDS if feed.recognises(sample)), None)
        if feed is None:
            raise FeedError(
                f"{path} is of no format that is known ({', '.join(feed.name for feed in FEEDS)})",
                cure="export it as CSV with a header, or name its --format",
            )
    return feed.read(path, media=media, mapping=mapping)


def _sample(path: Path) -> Sample:
    try:
        if path.is_dir() or (path.is_file() and path.suffix.lower() in SUFFIXES):
            return Sample(path)
        if path.exists() and not path.is_file():
            raise FeedError(f"{path} is no regular file", cure="give a file or a folder")
    except OSError as error:  # a name that is too long
        raise NotFoundError(f"no file at {path}: {error.strerror}", cure="check the path") from None
    head = head_of(path, encoding_of(path))
    first = next(iter(head.splitlines()), "")
    delimiter = delimiter_of(first)
    try:
        header = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        header = []
    return Sample(path, head, tuple(cell.strip() for cell in header))
