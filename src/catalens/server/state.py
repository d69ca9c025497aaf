"""What the service holds while it runs: catalogs by tenant, gates, keys, counts."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Histogram

import catalens
from catalens import settings
from catalens.catalog.catalog import Catalog
from catalens.errors import CatalensError
from catalens.server.admission import Gate
from catalens.server.decoding import Decoders
from catalens.server.intake import Intake
from catalens.server.jobs import Jobs
from catalens.server.keys import Keys
from catalens.server.signing import Signer
from catalens.server.thumbnails import Thumbnails

MAX_BODY = 40 * 2**20
"""Bytes of a request's body: a picture of the largest size that is read, and a little around it."""
MAX_FEED = 512 * 2**20
"""Bytes of a feed, with its photos where they come along."""


@dataclass(frozen=True)
class ServeOptions:
    """How the service runs.

    Args:
        catalog: folder of the catalog; tenants have theirs beside it, in `<catalog>.tenants/NAME`.
        origins: web pages that browsers may call from.
        url_hosts: hosts from which pictures of feeds are fetched (guarded: `images.remote`); none by default.
        max_body, max_feed: bytes.
    """

    catalog: Path
    origins: tuple[str, ...] = ()
    url_hosts: frozenset[str] = frozenset()
    max_body: int = MAX_BODY
    max_feed: int = MAX_FEED

    @property
    def keys(self) -> Path:
        """File of the keys."""
        return self.catalog.with_name(f"{self.catalog.name}.keys.json")

    @property
    def signing(self) -> Path:
        """File of the keys that sign addresses of pictures."""
        return self.catalog.with_name(f"{self.catalog.name}.signing.json")

    @property
    def uploads(self) -> Path:
        """Folder of what came over HTTP: feeds of jobs, photos of products."""
        return self.catalog.with_name(f"{self.catalog.name}.uploads")

    def may_fetch(self, url: str) -> bool:
        """Whether a picture's web address may be read."""
        try:
            return (urlsplit(url).hostname or "") in self.url_hosts
        except ValueError:
            return False

    def folder_of(self, tenant: str) -> Path:
        """Folder of a tenant's catalog."""
        return self.catalog if not tenant else self.catalog.with_name(f"{self.catalog.name}.tenants") / tenant


class State:
    """Everything that outlives a request."""

    def __init__(self, options: ServeOptions) -> None:
        self.options = options
        self.started = time.monotonic()
        self.keys = Keys(options.keys)
        threads = settings.threads()
        self.gates = {
            "search": Gate("search", running=threads, waiting=8 * threads, deadline_s=4.0),
            "analyse": Gate("analyse", running=threads, waiting=4 * threads, deadline_s=8.0),
            "ingest": Gate("ingest", running=1, waiting=8, deadline_s=60.0),
            "pictures": Gate("pictures", running=threads, waiting=128, deadline_s=20.0),
        }
        self.decoders = Decoders(threads)
        self.signer = Signer(options.signing)
        self.thumbnails = Thumbnails()
        self.jobs = Jobs(options.catalog.with_name(f"{options.catalog.name}.jobs"), Intake(self))
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "catalens_requests_total", "Requests by route and status.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "catalens_request_seconds", "Time of a request by route.", ["route"], registry=self.registry
        )
        self._guard = threading.Lock()
        self._catalogs: dict[str, Catalog] = {}

    def catalog(self, tenant: str) -> Catalog:
        """A tenant's catalog, open.

        Raises:
            NotFoundError: there is none yet.
        """
        with self._guard:
            if tenant not in self._catalogs:
                self._catalogs[tenant] = catalens.Catalog.open(self.options.folder_of(tenant), readonly=True)
            return self._catalogs[tenant]

    def writing(self, tenant: str) -> Catalog:
        """A tenant's catalog to write to, made if absent; what reads it is opened anew afterwards."""
        return catalens.Catalog.open(self.options.folder_of(tenant))

    def reopen(self, tenant: str) -> None:
        """Forget a tenant's catalog: the next call opens it as it is then."""
        with self._guard:
            old = self._catalogs.pop(tenant, None)
        if old is not None:
            with suppress(CatalensError):
                old.close()

    def close(self) -> None:
        """Let what runs end, then close all."""
        self.jobs.close()
        for gate in self.gates.values():
            gate.close()
        self.decoders.close()
        for tenant in list(self._catalogs):
            self.reopen(tenant)
