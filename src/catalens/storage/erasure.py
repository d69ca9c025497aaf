"""Erasure that can be proven: everything of a product goes, a receipt says what was found, a log outlives backups."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from catalens.errors import CatalogBusyError, NotFoundError
from catalens.files import append_line
from catalens.index.space_index import purge_index_files
from catalens.json_text import parse_json
from catalens.storage.audit import LOCAL, now, sku_hash
from catalens.storage.copies import Copies, Trace, Words
from catalens.storage.database import storage_error
from catalens.storage.missed import MissedSearches
from catalens.storage.places import Places
from catalens.storage.records import digest, pictures_of
from catalens.storage.shop_files import ShopFiles
from catalens.storage.store import Store
from catalens.storage.text_vectors import TextVectors
from catalens.types import Product

_TAIL_BYTES = 1 << 16
_PAGE = 500
_SHARED = "another product shows the same picture"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that an erased product had in common with another one, which keeps it.

    Args:
        place, what, name: as of a `Trace`; why: who has it still.
    """

    place: str
    what: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, where it was found, and when. It names no sku, text or file, so that it may be kept.

    Args:
        number: of the last line in the log of erasures; 0 where the store lies in no folder.
        at: UTC, ISO 8601; who: id of the API key, or "local".
        skus: SHA-256 of each, in hex; traces: what was found and is no more.
        complete: nothing of them is left in any file of the catalog's: nothing is kept, nothing pending.
        kept: what is there still, and why: pictures that other products show, too.
        pending: a reader has an old state open, so that the next call that writes empties the log of the database.
        left: paths of photos that are the owner's own, not copies of the catalog's: they were not touched.
    """

    number: int
    at: str
    who: str
    skus: tuple[str, ...]
    traces: tuple[Trace, ...]
    complete: bool
    kept: tuple[Kept, ...] = ()
    pending: bool = False
    left: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All but `left`, which names files and is only counted; for comparison with `sha256` of the rest.

        The hash is taken of canonical JSON: keys sorted, no blanks.
        """
        facts = {name: value for name, value in asdict(self).items() if name != "left"}
        facts["photos_left"] = len(self.left)
        canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return {**facts, "sha256": hashlib.sha256(canonical.encode()).hexdigest()}


class ErasureLog:
    """`<catalog>.erasures.jsonl`: one line an erased product, hashes only, numbered without a gap being needed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self) -> int:
        """Number of the last line; 0 where there is none."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            return max((int(line["n"]) for line in _lines(file)), default=0)
        return 0

    def after(self, number: int) -> list[dict[str, Any]]:
        """Lines behind a number, in their order."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            return [line for line in _lines(file) if line["n"] > number]
        return []

    def append(self, hashes: Iterable[tuple[str, Iterable[str]]], *, who: str, after: int) -> int:
        """Note erasures, (hash of the sku, hashes of its pictures) each; they are on the disk when this returns.

        Raises:
            StorageError: the log cannot be written.
        """
        number, lines = max(self.last(), after), []
        for sku, pictures in hashes:
            number += 1
            lines.append(json.dumps({"n": number, "at": now(), "who": who, "sku": sku, "pictures": sorted(pictures)}))
        try:
            append_line(self.path, "\n".join(lines).encode())
        except OSError as error:
            raise storage_error(self.path, error) from error
        return number

    def take_over(self, other: ErasureLog, *, after: int | None = None) -> None:
        """Append what another log of the same catalog has and this one lacks.

        Args:
            after: number behind which its lines count; behind the last one here where None: the other is older.
        """
        number = self.last()
        known = set() if after is None else {(line["sku"], line.get("at")) for line in self.after(after)}
        lines = []
        for line in other.after(number if after is None else after):
            if (line["sku"], line.get("at")) not in known:
                number = max(number + 1, line["n"])
                lines.append(json.dumps({**line, "n": number}))
        if lines:
            append_line(self.path, "\n".join(lines).encode())


def _lines(file: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in file:
        with suppress(ValueError, TypeError, KeyError):
            found = parse_json(line)
            int(found["n"]), str(found["sku"])
            yield found


def erase(store: Store, skus: Iterable[str], *, who: str = LOCAL) -> Receipt:
    """Erase products from a store and from everything beside it, all of them or none.

    The log is written first: what a crash interrupts is finished when the catalog is opened next.

    Raises:
        NotFoundError: nothing of a sku was found anywhere; nothing was erased.
        CatalogBusyError: another process is writing, or a job that is under way may bring the products back.
        StorageError: a file cannot be written; run it again.
    """
    wanted = sorted(set(skus))
    copies = _copies(store)
    with store.writing():
        found = {sku: store.product(sku) for sku in wanted}
        products = {sku: product for sku, product in found.items() if product is not None and product.sku == sku}
        if copies is not None:
            _refuse_under_way(copies)
        lost = [sku for sku in wanted if sku not in products and not (copies and copies.mention(sku))]
        if lost:
            raise NotFoundError(f"nothing of {', '.join(map(repr, lost[:5]))} was found", cure="check the sku")
        shown = {sku: {picture.hash for picture in store.shown_pictures(sku)} for sku in products}
        number = store.erasures_done()
        if store.folder is not None and wanted:
            log = ErasureLog(Places(store.folder).erasures)
            number = log.append(((sku_hash(sku), shown.get(sku, ())) for sku in wanted), who=who, after=number)
        return _erase(store, copies, wanted, products, shown, Named(wanted, products.values()), number=number, who=who)


def _erase(
    store: Store,
    copies: Copies | None,
    skus: Sequence[str],
    products: dict[str, Product],
    shown: dict[str, set[str]],
    named: Named,
    *,
    number: int,
    who: str,
) -> Receipt:
    """The records first, as long as the catalog knows what to look for; that it was done, last."""
    traces = [Trace("database", "product", sku_hash(sku), digest(product).hex()) for sku, product in products.items()]
    words = Words(skus, products.values())
    try:
        told = [] if copies is None else copies.purge_records(words)
        with store.change() as writer:
            writer.remove(list(products))
        every = set(chain.from_iterable(shown.values()))
        shared = store.picture_ids(sorted(every)).keys()
        gone = frozenset(every - shared)
        kept = tuple(Kept("database", "picture", hash, _SHARED) for hash in sorted(shared))
        traces += [Trace("database", "picture", hash, hash) for hash in sorted(gone)] + told
        left: set[str] = set()
        if store.folder is not None and copies is not None:
            traces += [Trace("index", "vectors", path.stem, "") for path in purge_index_files(store.folder, store)]
            traces += copies.purge_files(words, gone=gone)
            left = _photos_left(products.values(), Places(store.folder).uploads)
        if store.folder is not None:
            traces += _purge_words(store.folder, skus, named)
    except OSError as error:
        raise storage_error(store.folder or Path(), error) from error
    with store.change() as writer:
        writer.note_erasures(number)
    pending = not store.checkpoint()
    return Receipt(
        number, now(), who, tuple(map(sku_hash, skus)), tuple(traces), complete=not (pending or kept), kept=kept,
        pending=pending, left=tuple(sorted(left)),
    )  # fmt: skip


class Named(Container[str]):
    """Skus of erased products and of their variants, in the case given or in small letters.

    Args:
        hashes: of skus that are known by their hash alone.
    """

    def __init__(self, skus: Iterable[str], products: Iterable[Product], hashes: Iterable[str] = ()) -> None:
        every = {*skus, *(variant.sku for product in products for variant in product.variants)}
        self._skus = frozenset(chain(every, map(str.casefold, every)))
        self._hashes = frozenset(hashes)

    def __contains__(self, sku: object) -> bool:
        return sku in self._skus or (bool(self._hashes) and isinstance(sku, str) and sku_hash(sku) in self._hashes)


def _purge_words(folder: Path, skus: Sequence[str], named: Named) -> Iterator[Trace]:
    """Take erased skus out of the shop's own words, and out of the searches that found nothing."""
    for name, text in ShopFiles(folder).forget(named).items():
        yield Trace("words", "line", name, hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())
    MissedSearches(Places(folder).missed).forget(skus)


def _photos_left(products: Iterable[Product], uploads: Path) -> set[str]:
    local = (Path(one.location) for product in products for _, one in pictures_of(product) if not one.is_remote)
    return {str(path) for path in local if not path.is_relative_to(uploads) and path.exists()}


def _copies(store: Store) -> Copies | None:
    return None if store.folder is None else Copies(Places(store.folder), named=store.named_locations)


def _refuse_under_way(copies: Copies) -> None:
    jobs = copies.open_jobs()
    if jobs:
        raise CatalogBusyError(
            f"job {jobs[0]} is under way and may bring the products back",
            cure="erase again when the job is done: GET /v1/jobs",
        )


def finish_erasures(store: Store) -> int:
    """Run a catalog through the log of erasures: one that was put back from a backup, or an erasure that was cut off.

    Returns:
        Products that were erased by it.

    Raises:
        CatalogBusyError: another process is writing.
        StorageError: the catalog cannot be written.
    """
    if store.folder is None or not is_behind(store):
        return 0
    with store.writing():
        return run_through(store, ErasureLog(Places(store.folder).erasures), copies=_copies(store))


def run_through(store: Store, log: ErasureLog, *, copies: Copies | None = None) -> int:
    """Erase what a log names from a store, whose writer's lock is held; return how many products that were.

    The vectors of all texts go: which of them were of these products is not known.
    """
    lines = log.after(store.erasures_done())
    if not lines:
        return 0
    hashes = {line["sku"] for line in lines}
    products: dict[str, Product] = {}
    last = ""
    while page := store.products_after(last, limit=_PAGE):
        products |= {product.sku: product for product in page if sku_hash(product.sku) in hashes}
        last = page[-1].sku
    shown = {sku: {picture.hash for picture in store.shown_pictures(sku)} for sku in products}
    number = max(int(line["n"]) for line in lines)
    named = Named(products, products.values(), hashes)
    _erase(store, copies, list(products), products, shown, named, number=number, who=LOCAL)
    TextVectors(store.folder).clear()
    return len(products)


def is_behind(store: Store) -> bool:
    """Whether the log has erasures that the catalog was not run through."""
    return store.folder is not None and ErasureLog(Places(store.folder).erasures).last() > store.erasures_done()
