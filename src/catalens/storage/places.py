"""Where the files of a catalog lie: those in its folder, and those that the service and its owner keep beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_TENANTS = ".tenants"
ERASURES_SUFFIX = ".erasures.jsonl"


@dataclass(frozen=True)
class Places:
    """Names of what lies beside a catalog. Tenants share uploads, jobs and answers with the catalog that is served.

    Args:
        folder: of the catalog: the served one, or `<served>.tenants/NAME`.
    """

    folder: Path

    @property
    def tenant(self) -> str:
        """Name of the tenant whose catalog it is; empty for the served one."""
        return self.folder.name if self.folder.parent.name.endswith(_TENANTS) else ""

    @property
    def served(self) -> Path:
        """Folder of the served catalog."""
        if not self.tenant:
            return self.folder
        return self.folder.parent.with_name(self.folder.parent.name.removesuffix(_TENANTS))

    def _beside(self, suffix: str) -> Path:
        return self.served.with_name(self.served.name + suffix)

    @property
    def keys(self) -> Path:
        """File of the API keys, as hashes."""
        return self._beside(".keys.json")

    @property
    def signing(self) -> Path:
        """File of the keys that sign addresses of pictures."""
        return self._beside(".signing.json")

    @property
    def uploads(self) -> Path:
        """Folder of uploads: feeds of jobs, photos of products."""
        return self._beside(".uploads")

    @property
    def pictures(self) -> Path:
        """Folder of the photos that came one by one: a tenant's own."""
        return self.uploads / "pictures" / (self.tenant or "-")

    @property
    def jobs(self) -> Path:
        """Folder of the records of jobs."""
        return self._beside(".jobs")

    @property
    def answers(self) -> Path:
        """Folder of the answers to writes with an Idempotency-Key."""
        return self._beside(".answers")

    @property
    def tenants(self) -> Path:
        """Folder of the catalogs of tenants."""
        return self._beside(_TENANTS)

    @property
    def missed(self) -> Path:
        """Database of searches that found nothing."""
        return self.folder.with_name(f"{self.folder.name}.searches.db")

    @property
    def audit(self) -> Path:
        """File that says who wrote what and when."""
        return self.folder.with_name(f"{self.folder.name}.audit.jsonl")

    @property
    def erasures(self) -> Path:
        """File of what was erased, as hashes: a backup that is put back is run through it."""
        return self.folder.with_name(f"{self.folder.name}{ERASURES_SUFFIX}")
