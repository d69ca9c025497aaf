"""Files of the pictures that tenants sent: each content once, named by its SHA-256."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from catalens.catalog import Catalog
from catalens.errors import NotFoundError, StorageError
from catalens.files import PRIVATE_FILE, make_private_folder
from catalens.images.draw import write_atomically
from catalens.images.read import read_header

_ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_OTHER = ".img"
_FRESH_S = 60.0
"""A younger file may belong to a request that has not written its product yet."""


def keep_picture(folder: Path, data: bytes, *, anew: bool = False) -> Path:
    """Keep an encoded picture on the disk; returns its absolute path.

    Args:
        anew: write it even where it lies there already.

    Raises:
        ImageError: the data is no picture.
        StorageError: it cannot be written.
    """
    ending = _ENDINGS.get(read_header(data).format, _OTHER)
    place = folder.absolute() / f"{hashlib.sha256(data).hexdigest()}{ending}"
    if anew or not place.is_file() or place.stat().st_size != len(data):
        make_private_folder(place.parent)
        write_atomically(place, data, durable=True, mode=PRIVATE_FILE)
    return place


def has_picture(shop: Catalog, hash: str) -> bool:
    """Whether a catalog shows a picture."""
    try:
        shop.picture(hash)
    except NotFoundError:
        return False
    except StorageError:  # its file is another one now
        return True
    return True


def delete_unshown(shop: Catalog, hashes: Iterable[str], folder: Path) -> None:
    """Delete the files of those pictures that the catalog no longer shows."""
    for hash in hashes:
        for path in [folder / f"{hash}{ending}" for ending in (*_ENDINGS.values(), _OTHER)]:
            if path.is_file() and path.stat().st_mtime < time.time() - _FRESH_S and not has_picture(shop, hash):
                path.unlink(missing_ok=True)


def delete_all_unshown(shop: Catalog, folder: Path) -> None:
    """Delete all files in a folder of pictures that the catalog does not show."""
    found = (path.stem for path in folder.glob("*") if not shop.has_picture(path.stem))
    delete_unshown(shop, found, folder)
