"""Bring a catalog up to date: its tables, and a vector of the present encoder for each of its pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from catalens import settings
from catalens.errors import CatalensError
from catalens.storage.pictures import PictureEmbedder, deep_space, picture_data
from catalens.storage.schema import VERSION
from catalens.storage.store import Store
from catalens.tasks.embed import Encoder
from catalens.types import Failure, FloatArray, Progress, Where

MEASURED = 8
"""Pictures that are embedded to estimate the time for all."""
CHUNK = 64
"""Pictures in a transaction: what is interrupted goes on from there."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """What an upgrade has to do.

    Args:
        tables: version of the catalog's tables, and the one that this program writes.
        before: the encoders whose vectors the catalog has; encoder: the one that it is opened with.
        pictures: to be embedded by it; all: of the catalog.
        seconds: estimated time, measured on the first few; 0 for none.
    """

    tables: tuple[int, int]
    before: tuple[str, ...]
    encoder: str
    pictures: int
    all: int
    seconds: float

    @property
    def is_needed(self) -> bool:
        return self.pictures > 0 or self.tables[0] != self.tables[1]

    def to_dict(self) -> dict[str, object]:
        return {
            "tables": list(self.tables),
            "before": list(self.before),
            "encoder": self.encoder,
            "pictures": self.pictures,
            "all": self.all,
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What an upgrade did; `failed` are pictures whose files are gone or are others now."""

    plan: UpgradePlan
    embedded: int = 0
    failed: tuple[Failure, ...] = ()

    def to_dict(self) -> dict[str, object]:
        failed = [failure.to_dict() for failure in self.failed]
        return {"plan": self.plan.to_dict(), "embedded": self.embedded, "failed": failed}


def plan_upgrade(store: Store, encoder: Encoder) -> UpgradePlan:
    """What it takes to have a vector of an encoder for each picture; nothing is written."""
    lacking, total = _lacking(store, encoder)
    names = (space.name for space in store.spaces())
    before = tuple(sorted(name.removeprefix("deep:") for name in names if name.startswith("deep:")))
    seconds = _estimated(store, encoder, lacking) if lacking else 0.0
    return UpgradePlan((store.info()[0], VERSION), before, encoder.name, len(lacking), total, seconds)


def upgrade(store: Store, encoder: Encoder, plan: UpgradePlan, *, progress: Progress | None = None) -> UpgradeReport:
    """Embed what lacks a vector of the encoder; what other encoders embedded stays.

    Raises:
        CatalogBusyError, StorageError: as of `add`. What was written before stays.
    """
    failed: list[Failure] = []
    embedded = 0
    embedder = PictureEmbedder(encoder)
    with store.writing(), ThreadPoolExecutor(settings.threads()) as pool:
        lacking, _ = _lacking(store, encoder)
        with store.change():
            pass  # brings the tables up to date
        for chunk in _chunks(lacking):
            made = pool.map(lambda pair: _made(store, embedder, *pair), chunk)
            good = {}
            for (hash, _), vectors in zip(chunk, made, strict=True):
                if isinstance(vectors, Failure):
                    failed.append(vectors)
                else:
                    good[hash] = vectors
            ids = store.picture_ids(list(good))
            with store.change() as writer:
                for hash, id in ids.items():
                    writer.write_vectors(id, good[hash])
            embedded += len(ids)
            if progress is not None:
                progress(embedded + len(failed), len(lacking), "embedding pictures")
    return UpgradeReport(plan, embedded, tuple(failed))


def _lacking(store: Store, encoder: Encoder) -> tuple[list[tuple[str, str]], int]:
    """Pictures without a vector of an encoder, as (hash, sku), and the number of all pictures."""
    seen: dict[str, str] = {}
    for sku in _skus(store):
        for picture in store.shown_pictures(sku):
            seen.setdefault(picture.hash, sku)
    spaces = [deep_space(encoder)]
    lacking = [one for one in seen.items() if not store.has_vectors(bytes.fromhex(one[0]), spaces=spaces)]
    return lacking, len(seen)


def _skus(store: Store) -> Iterator[str]:
    last = ""
    while page := store.products_after(last, limit=_PAGE):
        yield from (product.sku for product in page)
        last = page[-1].sku


def _made(store: Store, embedder: PictureEmbedder, hash: str, sku: str) -> dict[str, FloatArray] | Failure:
    try:
        return embedder.vectors_of(picture_data(store, hash))
    except CatalensError as error:
        return Failure(Where(f"product {sku}"), hash[:12], error.what, error.cure)


def _estimated(store: Store, encoder: Encoder, lacking: Sequence[tuple[str, str]]) -> float:
    """Seconds for all, from the first that can be read; 0 where none can."""
    embedder = PictureEmbedder(encoder)
    tried = 0
    taken = 0.0
    for hash, sku in lacking[:MEASURED]:
        started = time.perf_counter()
        if not isinstance(_made(store, embedder, hash, sku), Failure):
            tried += 1
            # The first one loads the network: it counts only where it is the only one.
            taken = time.perf_counter() - started if tried <= 2 else taken + time.perf_counter() - started
    return len(lacking) * taken / max(1, tried - 1) / settings.threads()


def _chunks(items: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
