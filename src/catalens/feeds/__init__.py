"""A shop's export goes in: one file per catalogue format, recognised by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from catalens.errors import CatalensError, FeedError, NotFoundError, UsageError
from catalens.feeds.acp import AcpFeed
from catalens.feeds.addresses import fetched, is_address
from catalens.feeds.akeneo import AkeneoFeed
from catalens.feeds.amazon import AmazonFeed
from catalens.feeds.archives import Unpacked, feeds_in, gunzip, kind_of, unpack
from catalens.feeds.base import Feed, Item, Options, Reading, Sample
from catalens.feeds.bigcommerce import BigCommerceFeed
from catalens.feeds.etsy import EtsyFeed
from catalens.feeds.exported import ExportedFeed
from catalens.feeds.folder import FolderFeed
from catalens.feeds.google import GoogleFeed
from catalens.feeds.joined import joined, read_side
from catalens.feeds.jsonld import JsonLdFeed
from catalens.feeds.jsonlines import JsonLinesFeed
from catalens.feeds.magento import MagentoFeed
from catalens.feeds.medusa import MedusaFeed
from catalens.feeds.meta import MetaFeed
from catalens.feeds.prestashop import PrestaShopFeed
from catalens.feeds.shopify import ShopifyFeed
from catalens.feeds.spree import SpreeFeed
from catalens.feeds.table import TableFeed
from catalens.feeds.tables import Table
from catalens.feeds.text import encoding_of, head_of
from catalens.feeds.vendure import VendureFeed
from catalens.feeds.woocommerce import WooCommerceFeed
from catalens.images.folder import SUFFIXES, is_photo, photos_in
from catalens.images.paths import refuse_address
from catalens.types import Product

__all__ = ["FEEDS", "Feed", "Item", "Reading", "open_feed"]

FEEDS: tuple[Feed, ...] = (
    FolderFeed(),
    JsonLdFeed(),
    AcpFeed(),
    JsonLinesFeed(),
    ExportedFeed(),
    MagentoFeed(),
    WooCommerceFeed(),
    AmazonFeed(),
    BigCommerceFeed(),
    MedusaFeed(),
    VendureFeed(),
    EtsyFeed(),
    AkeneoFeed(),
    SpreeFeed(),
    PrestaShopFeed(),
    ShopifyFeed(),
    MetaFeed(),
    GoogleFeed(),
    TableFeed(),
)
"""All formats; the first that recognises a source reads it, so the particular come before the general."""

_LOOKED_AT = 50
"""Products of a feed in a folder that are looked at before it is used."""
_MARK = ".catalens-unpacked"


def open_feed(
    source: str | Path,
    *,
    media: Path | None = None,
    mapping: Mapping[str, str] | None = None,
    format: str | None = None,
    encoding: str | None = None,
    fetch: bool | frozenset[str] = False,
    join: Sequence[str | Path] = (),
) -> Reading:
    """Open a source by its format, recognised by itself unless named.

    Args:
        source: a feed (also in a ZIP or gzip file), a folder of photos, one that holds a feed, or a photo; or the
            address of a feed: of the web, or of an object store (`s3://`, `gs://`, `az://`).
        media: folder that picture paths start from; the feed's own where None.
        mapping: field -> column, where the guess is wrong.
        format: name of one of `FEEDS`.
        encoding: of its text, where the guess is wrong.
        fetch: read it from a public web address, or from one of these hosts.
        join: further tables of pictures, prices or other attributes, joined by sku.

    Raises:
        RemoteError: a web address that was not read.
        NotFoundError: nothing there.
        FeedError: nothing that can be read.
        UsageError: no such format or encoding, or a mapping of columns that are not there.
    """
    options = Options(media, mapping or {}, encoding)
    if is_address(source):
        place, held = fetched(str(source), fetch=fetch)
        reading = open_feed(place, media=media, mapping=mapping, format=format, encoding=encoding, join=join)
        return replace(reading, keeps=(held, reading.keeps))
    refuse_address(source, what="feed")
    path = Path(source)
    if media is not None and not media.is_dir() and _exists(path):
        raise NotFoundError(f"no media folder at {media}", cure="check --media")
    if format is not None and format not in {feed.name for feed in FEEDS}:
        raise UsageError(f"no format {format!r}", cure=f"name one of {', '.join(feed.name for feed in FEEDS)}")
    reading = _opened(path, options, format)
    return joined(reading, [read_side(Path(one), options) for one in join]) if join else reading


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _opened(path: Path, options: Options, format: str | None) -> Reading:
    kind = kind_of(path)
    if kind == "gzip":
        return _from_gzip(path, options, format)
    if kind == "zip":
        return _from_zip(path, options, format)
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if is_folder and format is None:
        return _from_folder(path, options)
    if is_folder and format != "folder":
        raise FeedError(f"{path} is a folder, no file of format {format}", cure="give the file of the feed")
    return _from_file(path, options, format)


def _from_file(path: Path, options: Options, format: str | None) -> Reading:
    sample = _sample(path, options.encoding)
    if format is not None:
        feed = next(feed for feed in FEEDS if feed.name == format)
        return feed.read(path, options)
    found = next((feed for feed in FEEDS if feed.recognises(sample)), None)
    if found is None:
        raise FeedError(
            f"{path} is of no format that is known ({', '.join(feed.name for feed in FEEDS)})",
            cure="export it as CSV with a header, or name its --format",
        )
    return found.read(path, options)


def _sample(path: Path, encoding: str | None) -> Sample:
    try:
        if path.is_dir() or (path.is_file() and path.suffix.lower() in SUFFIXES):
            return Sample(path)
        if path.exists() and not path.is_file():
            raise FeedError(f"{path} is no regular file", cure="give a file or a folder")
    except OSError as error:  # a name that is too long
        raise NotFoundError(f"no file at {path}: {error.strerror}", cure="check the path") from None
    except ValueError as error:
        raise NotFoundError(f"no file at {str(path)!r}: {error}", cure="check the path") from None
    table = _table(path, encoding)
    if table is not None and table.is_carried:
        return Sample(path, "", table.header)
    head = head_of(path, encoding_of(path, encoding))
    if head.lstrip("\ufeff \r\n\t").startswith(("<", "{", "[")):
        return Sample(path, head)
    return Sample(path, head, table.header if table is not None else ())


def _table(path: Path, encoding: str | None) -> Table | None:
    try:
        return Table(path, encoding=encoding)
    except FeedError:
        return None


def _from_folder(folder: Path, options: Options) -> Reading:
    """The feed that lies in a folder, with its pictures; the photos themselves where there is no such one."""
    photos = photos_in(folder)
    good: list[Path] = []
    why: list[str] = []
    for path in feeds_in(folder):
        try:
            head = [item for item in islice(_from_file(path, options, None), _LOOKED_AT) if isinstance(item, Product)]
        except CatalensError as error:
            why.append(f"{path.name} is not used: {error.what.splitlines()[0].replace(str(path), 'it')}")
            continue
        if head and (not photos or any(one.pictures or any(v.pictures for v in one.variants) for one in head)):
            good.append(path)
        else:
            why.append(f"{path.name} is not used: it names no picture that is there")
    if len(good) == 1:
        reading = _from_file(good[0], replace(options, media=options.media or folder), None)
        if photos:
            reading.told.say(
                f"the feed {good[0].name} of the folder is read; photos that it does not name are left out"
            )
        return reading
    reading = FolderFeed().read(folder, options)
    if good:
        names = ", ".join(path.name for path in good)
        reading.told.say(f"the folder holds {len(good)} feeds ({names}); name one to read it; the photos are read")
    for text in why:
        reading.told.say(text)
    return reading


def _from_gzip(path: Path, options: Options, format: str | None) -> Reading:
    held = Unpacked()
    name = path.stem if path.suffix.lower() in {".gz", ".gzip"} else path.name
    inside = held.folder / (name if Path(name).suffix else f"{name}.csv")
    gunzip(path, inside)
    if kind_of(inside):
        raise FeedError(f"{path} holds an archive in an archive", cure="unpack it by hand")
    reading = _from_file(inside, replace(options, name=path.name, beside=path), format)
    return replace(reading, keeps=held)


def _from_zip(path: Path, options: Options, format: str | None) -> Reading:
    """What a ZIP file holds. Pictures must stay where the catalog finds them: they are unpacked beside the file."""
    held = Unpacked()
    folder = held.folder / "feed"
    folder.mkdir()
    unpack(path, folder)
    note = ""
    if any(is_photo(one) for one in folder.rglob("*")):
        place = path.with_name(f"{path.stem}-unpacked")
        try:
            if place.exists() and not (place / _MARK).exists():
                raise FeedError(f"{place} is in the way of what {path.name} holds", cure="move it, or unpack by hand")
            shutil.rmtree(place, ignore_errors=True)
            shutil.move(folder, place)
            (place / _MARK).touch()
        except OSError as error:
            raise FeedError(
                f"{path} cannot be unpacked beside itself: {error.strerror}", cure="unpack it by hand"
            ) from None
        folder, note = place, f"unpacked into {place.name}; keep that folder, the catalog's pictures are in it"
    while (
        len(tops := [one for one in folder.iterdir() if not one.name.startswith((".", "__"))]) == 1 and tops[0].is_dir()
    ):
        folder = tops[0]
    if format is not None and (feeds := feeds_in(folder)):
        reading = _from_file(feeds[0], options, format)
    else:
        reading = _from_folder(folder, options)
    if note:
        reading.told.say(note)
    return replace(reading, keeps=held)
