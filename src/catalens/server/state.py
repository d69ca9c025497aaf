"""What the service holds while it runs: catalogs by tenant, gates, keys, counts."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from catalens import settings
from catalens.catalog import Catalog
from catalens.errors import CatalensError, NotFoundError
from catalens.server.admission import Gate
from catalens.server.answers import Answers
from catalens.server.batching import BatchingEncoder
from catalens.server.decoding import Decoders
from catalens.server.intake import Intake
from catalens.server.jobs import Jobs
from catalens.server.keys import Keys
from catalens.server.metrics import Metrics
from catalens.server.rates import Rates
from catalens.server.signing import Signer
from catalens.server.thumbnails import Thumbnails
from catalens.storage.database import FILE_NAME
from catalens.tasks.embed import encoder

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
        url_hosts: hosts from which pictures are fetched (guarded: `images.remote`); none by default.
        max_body, max_feed: bytes.
        classifiers: folders of trained classifiers, each called by its folder's name.
        closed: a key is needed even while there is none: others than this machine can reach the service.
        hosts: names by which it may be called as long as there are no keys; any where empty.
        metrics: folder in which several worker processes count together, and keep how often a key called.
    """

    catalog: Path
    origins: tuple[str, ...] = ()
    url_hosts: frozenset[str] = frozenset()
    max_body: int = MAX_BODY
    max_feed: int = MAX_FEED
    classifiers: tuple[Path, ...] = ()
    closed: bool = False
    hosts: frozenset[str] = frozenset()
    metrics: Path | None = None

    def classifier(self, name: str) -> Path:
        """Folder of a classifier that is served.

        Raises:
            NotFoundError: none of that name is.
        """
        for folder in self.classifiers:
            if folder.name == name:
                return folder
        served = ", ".join(folder.name for folder in self.classifiers) or "none is served: serve --classifier FOLDER"
        raise NotFoundError(f"no classifier {name[:80]!r}", cure=f"name one that is served; {served}")

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

    def pictures_of(self, tenant: str) -> Path:
        """Folder of the photos of products that came one by one: a tenant's own, for one may delete what it sent."""
        return self.uploads / "pictures" / (tenant or "-")

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
        self.metrics = Metrics(options.metrics)
        self.rates = Rates(options.metrics)
        threads = settings.threads()
        gates = (
            Gate("search", running=threads, waiting=max(2, threads), deadline_s=4.0, metrics=self.metrics),
            Gate("analyse", running=threads, waiting=4 * threads, deadline_s=8.0, metrics=self.metrics),
            Gate("ingest", running=1, waiting=8, deadline_s=60.0, metrics=self.metrics),
            Gate("pictures", running=threads, waiting=128, deadline_s=20.0, metrics=self.metrics),
            Gate("fetch", running=4, waiting=8, deadline_s=4.0, metrics=self.metrics),
        )
        self.gates = {gate.name: gate for gate in gates}
        self.decoders = Decoders(threads)
        self.signer = Signer(options.signing)
        self.thumbnails = Thumbnails()
        self.answers = Answers(options.catalog.with_name(f"{options.catalog.name}.answers"))
        self._guard = threading.Lock()
        self._catalogs: dict[str, tuple[int, Catalog]] = {}
        self._encoder: BatchingEncoder | None = None
        self.jobs = Jobs(options.catalog.with_name(f"{options.catalog.name}.jobs"), Intake(self))

    def catalog(self, tenant: str) -> Catalog:
        """A tenant's catalog, open to read: it sees what others have written since.

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
            if shop is None or known != file:  # what another file took the place of is closed by who still reads it
                shop = Catalog.open(folder, readonly=True, encoder=self._batching())
                self._catalogs[tenant] = (file, shop)
            return shop

    def _batching(self) -> BatchingEncoder:
        if self._encoder is None:
            self._encoder = BatchingEncoder(encoder(), told=self._ran)
        return self._encoder

    def _ran(self, pictures: int, seconds: float) -> None:
        self.metrics.batch.observe(pictures)
        self.metrics.model_seconds.observe(seconds)

    def writing(self, tenant: str) -> Catalog:
        """A tenant's catalog to write to, made if absent."""
        return Catalog.open(self.options.folder_of(tenant))

    def close(self) -> None:
        """Let what runs end, then close all."""
        self.jobs.close()
        for gate in self.gates.values():
            gate.close()
        self.decoders.close()
        for _, shop in self._catalogs.values():
            with suppress(CatalensError):
                shop.close()
