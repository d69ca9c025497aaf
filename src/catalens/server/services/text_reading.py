"""Reads the text on new pictures of the served catalogs, a few products at a time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from catalens.catalog import Catalog
from catalens.errors import CatalensError
from catalens.server.services.options import ServeOptions
from catalens.storage.database import FILE_NAME

MOST = 8
"""Products of each catalog that are read in a turn, so that a turn ends soon and the writer's lock is let go."""


class TextReading:
    """Goes round through the catalog and those of tenants.

    Args:
        options: of the service.
    """

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self._after: dict[Path, str] = {}

    def turn(self) -> int:
        """Read some products of each catalog; returns how many. What another process is writing waits for the next."""
        places = self._options.places
        folders = [self._options.catalog, *(places.tenants.iterdir() if places.tenants.is_dir() else ())]
        count = 0
        for folder in folders:
            if (folder / FILE_NAME).is_file():
                with suppress(CatalensError), Catalog.open(folder) as shop:
                    found = shop.read_texts(after=self._after.get(folder, ""), most=MOST)
                    self._after[folder] = found.after
                    count += found.read
        return count
