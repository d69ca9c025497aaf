"""State of the service: open catalogs by tenant, limiters, API keys, metrics, jobs."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from catalens import settings
from catalens.catalog import Catalog
from catalens.errors import CatalensError
from catalens.options import Option
from catalens.server.jobs.feed_import import FeedImport
from catalens.server.jobs.feed_reader import FeedReader
from catalens.server.jobs.queue import JobQueue
from catalens.server.middleware.concurrency import ConcurrencyLimiter
from catalens.server.middleware.idempotency import IdempotencyCache
from catalens.server.middleware.rate_limit import RateLimiter
from catalens.server.services.api_keys import ApiKeys
from catalens.server.services.batching import BatchingEncoder
from catalens.server.services.decode_pool import DecodePool
from catalens.server.services.metrics import Metrics
from catalens.server.services.options import ServeOptions
from catalens.server.services.quotas import Quotas, UploadsInFlight
from catalens.server.services.signed_urls import UrlSigner
from catalens.server.services.thumbnails import ThumbnailCache
from catalens.storage.audit import LOCAL
from catalens.storage.database import FILE_NAME
from catalens.tasks.embed import encoder

DAY_S = 86_400.0


class State:
    """Everything that outlives a request; one object for each process.

    Args:
        reader: reads feeds; the usual one where None.
    """

    def __init__(self, options: ServeOptions, *, reader: FeedReader | None = None) -> None:
        self.options = options
        self.started = time.monotonic()
        self.api_keys = ApiKeys(options.keys)
        self.metrics = Metrics(options.metrics)
        self.rate_limiter = RateLimiter(options.metrics)
        threads = settings.threads()
        limiter = partial(ConcurrencyLimiter, metrics=self.metrics)
        limiters = (
            limiter("search", running=threads, waiting=max(2, threads), deadline_s=4.0),
            limiter("analyse", running=threads, waiting=4 * threads, deadline_s=8.0),
            limiter("ingest", running=1, waiting=8, deadline_s=60.0),
            limiter("pictures", running=threads, waiting=128, deadline_s=20.0),
            limiter("parse", running=2, waiting=128, deadline_s=10.0),
            limiter("fetch", running=4, waiting=8, deadline_s=4.0),
        )
        self.limiters = {limiter.name: limiter for limiter in limiters}
        self.decode_pool = DecodePool(threads)
        self.url_signer = UrlSigner(options.signing)
        self.thumbnails = ThumbnailCache()
        self.idempotency = IdempotencyCache(options.places.answers)
        self._guard = threading.Lock()
        self._catalogs: dict[str, tuple[int, Catalog]] = {}
        self._encoder: BatchingEncoder | None = None
        self.quotas = Quotas(options, uploads_of=self._uploads_of)
        self.in_flight = UploadsInFlight(options.uploads, largest=options.max_feed)
        self.feed_reader = reader or FeedReader()
        feed_import = FeedImport(
            options,
            open_catalog=lambda tenant, who: self.writable_catalog(tenant, who=who),
            decode_pool=self.decode_pool,
            reader=self.feed_reader,
            quotas=self.quotas,
        )
        self.jobs = JobQueue(
            options.places.jobs,
            feed_import,
            forget=feed_import.forget,
            keep_s=DAY_S * options.keep_jobs_days,
            paused=True,
        )
        self.delete_old()
        self.jobs.resume()

    def delete_old(self) -> None:
        """Delete records and uploads of jobs by their age, and what interrupted uploads left."""
        self.jobs.delete_old()
        for folder in self.options.uploads.glob(".*"):
            with suppress(OSError):
                if folder.stat().st_mtime < time.time() - DAY_S:
                    shutil.rmtree(folder)

    def _uploads_of(self, tenant: str) -> list[Path]:
        return [self.options.uploads / job.id for job in self.jobs.all(tenant=tenant)]

    def network(self, option: Option[Any], name: str | None) -> str | None:
        """What the library takes for a name that a request gives for an option; None for none.

        Raises:
            NotFoundError: no network of that name is served.
        """
        assert option.network is not None
        return self.options.networks.source(option.network, name)

    def catalog(self, tenant: str) -> Catalog:
        """A tenant's catalog, open for reading; sees what other processes have written since.

        Raises:
            NotFoundError: there is none (yet, or any more).
        """
        folder = self.options.folder_of(tenant)
        with self._guard:
            try:
                file = (folder / FILE_NAME).stat().st_ino
            except OSError:
                file = 0
            known, shop = self._catalogs.get(tenant, (0, None))
            if shop is None or known != file:  # a replaced catalog is closed when its last reader lets go of it
                shop = Catalog.open(folder, readonly=True, encoder=self._batching())
                self._catalogs[tenant] = (file, shop)
            return shop

    def _batching(self) -> BatchingEncoder:
        if self._encoder is None:
            self._encoder = BatchingEncoder(encoder(), on_batch=self._count_batch)
        return self._encoder

    def _count_batch(self, pictures: int, seconds: float) -> None:
        self.metrics.batch.observe(pictures)
        self.metrics.model_seconds.observe(seconds)

    def writable_catalog(self, tenant: str, *, who: str = LOCAL) -> Catalog:
        """A tenant's catalog, open for writing by `who` (see `storage.audit`); created if absent."""
        return Catalog.open(self.options.folder_of(tenant), who=who)

    def close(self) -> None:
        """Wait for running calls, then close everything."""
        self.jobs.close()
        self.feed_reader.close()
        for limiter in self.limiters.values():
            limiter.close()
        self.decode_pool.close()
        for _, shop in self._catalogs.values():
            with suppress(CatalensError):
                shop.close()
