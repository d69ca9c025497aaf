"""Quotas of tenants: products, bytes on the disk, jobs at once."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from catalens.server.http.problems import RefusedError
from catalens.server.services.options import ServeOptions
from catalens.storage.database import FILE_NAME

MEASURED_S = 60.0
"""Seconds for which the bytes of a tenant are not measured again; what this process adds is counted meanwhile."""
IN_FLIGHT_OF_ONE, IN_FLIGHT = 2, 4
"""Largest feeds (`ServeOptions.max_feed`) that one tenant, and all together, may be sending at a time."""
SPARE_BYTES = 256 * 2**20
"""Bytes of the disk that uploads leave free for the catalog itself."""
CURE = "delete some, or ask who runs the service for more"


class UploadsInFlight:
    """Bytes of feeds that are being sent: they lie on the disk and belong to no job yet. Used on the event loop only.

    Args:
        folder: of the uploads; largest: bytes of one feed.
    """

    def __init__(self, folder: Path, *, largest: int) -> None:
        self._folder, self._of_one, self._of_all = folder, IN_FLIGHT_OF_ONE * largest, IN_FLIGHT * largest
        self._sent: dict[str, int] = {}

    @contextmanager
    def of(self, tenant: str) -> Iterator[Callable[[int], None]]:
        """A function that counts bytes of one upload, and refuses too many; at the end they count no more.

        Raises:
            RefusedError: as many are being sent as may at a time (429), or the disk is nearly full (507).
        """
        mine = 0

        def count(size: int) -> None:
            nonlocal mine
            mine += size
            self._sent[tenant] = self._sent.get(tenant, 0) + size
            sent, most = self._sent[tenant], self._of_one
            if sent <= most:
                sent, most = sum(self._sent.values()), self._of_all
            if sent > most:
                what = f"feeds of more than {most >> 20} MB are being sent at a time"
                raise RefusedError(
                    429, "too-busy", what, cure="send one after the other", headers={"Retry-After": "60"}
                )
            if shutil.disk_usage(self._folder).free < SPARE_BYTES:
                raise RefusedError(507, "storage-full", "the disk is nearly full", cure="make room on the disk")

        try:
            yield count
        finally:
            self._sent[tenant] -= mine
            if not self._sent[tenant]:
                del self._sent[tenant]


class Quotas:
    """What a tenant may still add.

    Args:
        uploads_of: folders of a tenant's uploads.
    """

    def __init__(self, options: ServeOptions, *, uploads_of: Callable[[str], Iterable[Path]]) -> None:
        self._options, self._uploads_of = options, uploads_of
        self._measured: dict[str, tuple[float, int]] = {}
        self._guard = threading.Lock()

    def products_left(self, count: int) -> int:
        """Products that may be added to a catalog of so many."""
        return self._options.max_products - count

    def bytes_left(self, tenant: str) -> int:
        """Bytes that a tenant may still send."""
        with self._guard:
            until, used = self._measured.get(tenant, (0.0, 0))
        if time.monotonic() > until:
            used = self._measure(tenant)
            with self._guard:
                self._measured[tenant] = time.monotonic() + MEASURED_S, used
        return self._options.max_gigabytes * 2**30 - used

    def add_bytes(self, tenant: str, count: int) -> None:
        """Count bytes that were added."""
        with self._guard:
            until, used = self._measured.get(tenant, (0.0, 0))
            self._measured[tenant] = until, used + count

    def refusal(self, what: str) -> tuple[str, str]:
        """Why something was refused, and the cure."""
        return f"the quota is used up: {what}", CURE

    def check_products(self, count: int) -> None:
        """Refuse one more product in a catalog of so many.

        Raises:
            RefusedError: 403.
        """
        if self.products_left(count) <= 0:
            what = f"the catalog holds {count:,} products, as many as it may"
            raise RefusedError(403, "quota-products", what, cure=CURE)

    def check_bytes(self, tenant: str, count: int) -> None:
        """Refuse so many bytes more.

        Raises:
            RefusedError: 507.
        """
        if self.bytes_left(tenant) < count:
            most = self._options.max_gigabytes
            raise RefusedError(507, "quota-bytes", f"this would take more than {most:,} GB on the disk", cure=CURE)

    def check_jobs(self, running: int) -> None:
        """Refuse one more job beside those of the tenant that wait or run.

        Raises:
            RefusedError: 429.
        """
        if running >= self._options.max_jobs:
            raise RefusedError(
                429, "quota-jobs", f"{running} jobs wait or run already, as many as may at once",
                cure="try again when one is done", headers={"Retry-After": "60"},
            )  # fmt: skip

    def _measure(self, tenant: str) -> int:
        catalog = self._options.folder_of(tenant) / FILE_NAME
        folders = (self._options.pictures_of(tenant), *self._uploads_of(tenant))
        return sum(map(_bytes_of, folders)) + (catalog.stat().st_size if catalog.is_file() else 0)


def _bytes_of(folder: Path) -> int:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return 0
    return sum(_bytes_of(Path(one.path)) if one.is_dir(follow_symlinks=False) else _size(one) for one in entries)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:  # gone meanwhile
        return 0
