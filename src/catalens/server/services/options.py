"""Options of the service, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from catalens.options import Serve
from catalens.server.services.served_models import ServedModel, ServedModels
from catalens.storage.places import Places

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
        models: further networks that requests may name.
        closed: a key is needed even while there is none: others than this machine can reach the service.
        hosts: names by which it may be called as long as there are no keys; any where empty.
        max_products, max_gigabytes, max_jobs: quotas of each tenant: products of its catalog; catalog, pictures and
            uploads on the disk; jobs that wait or run.
        keep_jobs_days: days for which records of ended jobs are kept, and uploads of those that failed.
        read_text: read the text on new pictures in the background.
        metrics: folder in which several worker processes count together, and keep how often a key called.
    """

    catalog: Path
    origins: tuple[str, ...] = ()
    url_hosts: frozenset[str] = frozenset()
    max_body: int = MAX_BODY
    max_feed: int = MAX_FEED
    classifiers: tuple[Path, ...] = ()
    models: tuple[ServedModel, ...] = ()
    closed: bool = False
    hosts: frozenset[str] = frozenset()
    max_products: int = Serve.max_products.default
    max_gigabytes: int = Serve.max_gigabytes.default
    max_jobs: int = Serve.max_jobs.default
    keep_jobs_days: int = Serve.keep_jobs_days.default
    read_text: bool = Serve.read_text.default
    metrics: Path | None = None

    @property
    def networks(self) -> ServedModels:
        """The networks that requests may name."""
        own = (ServedModel(folder.name, str(folder), ("classify",)) for folder in self.classifiers)
        return ServedModels((*own, *self.models))

    @property
    def places(self) -> Places:
        """Where the files beside the catalog lie."""
        return Places(self.catalog)

    @property
    def keys(self) -> Path:
        """File of the keys."""
        return self.places.keys

    @property
    def signing(self) -> Path:
        """File of the keys that sign addresses of pictures."""
        return self.places.signing

    @property
    def uploads(self) -> Path:
        """Folder of uploads: feeds of jobs, photos of products."""
        return self.places.uploads

    def pictures_of(self, tenant: str) -> Path:
        """Folder of the photos of products that came one by one: a tenant's own, for one may delete what it sent."""
        return Places(self.folder_of(tenant)).pictures

    @property
    def roots(self) -> tuple[str, ...]:
        """Folders of this machine whose paths are not told to callers."""
        return (str(self.catalog.parent), *(str(folder.parent) for folder in self.classifiers))

    def may_fetch(self, url: str) -> bool:
        """Whether a picture's web address may be read."""
        try:
            return (urlsplit(url).hostname or "") in self.url_hosts
        except ValueError:
            return False

    def folder_of(self, tenant: str) -> Path:
        """Folder of a tenant's catalog."""
        return self.catalog if not tenant else self.places.tenants / tenant
