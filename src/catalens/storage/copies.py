"""Copies of products beside their catalog: uploads, records of jobs, stored answers, what repairs and crashes left."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from catalens.files import PRIVATE_FILE
from catalens.images.draw import write_atomically
from catalens.json_text import parse_json
from catalens.storage.audit import sku_hash
from catalens.storage.places import Places
from catalens.storage.records import pictures_of
from catalens.types import Product, Variant

_TOLD = ("source", "failed", "notes", "problem", "feed")
"""Fields of a job's record that may tell of products."""
_LEAST = 8
"""Characters from which a text value of an attribute is looked for in records: shorter ones stand everywhere."""
_UNDER_WAY_S = 60.0
"""Age from which a file that no product shows is nobody's: a younger one may be on its way into the catalog."""
_ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Trace:
    """One place where something of an erased product was found, and is no more. It names no sku, text or file.

    Args:
        place: "database", "index", "upload", "job", "answer", "leftover"; what: that was there.
        name: of the job, the index or the picture.
        sha256: of its content as it was found, in hex.
    """

    place: str
    what: str
    name: str
    sha256: str


class Words:
    """What tells of products: their skus, titles, texts and file names, found as whole words."""

    def __init__(self, skus: Iterable[str], products: Iterable[Product]) -> None:
        texts, locations = set(skus), set[str]()
        for product in products:
            texts |= {product.sku, product.title, product.description}
            records: tuple[Product | Variant, ...] = (product, *product.variants)
            for record in records:
                texts |= {record.sku, record.title}
                for value in record.attributes.values():
                    each = value if isinstance(value, tuple) else (value,)
                    texts |= {one for one in each if isinstance(one, str) and len(one) >= _LEAST}
            locations |= {picture.location for _, picture in pictures_of(product)}
        self.skus = frozenset(skus)
        self.locations = frozenset(locations)
        texts |= {Path(location).name for location in locations}
        self._texts = sorted((text for text in texts if text.strip()), key=len, reverse=True)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, self._texts)) + r")(?![\w-])")

    def stand_in(self, text: str) -> bool:
        return bool(self._texts) and self._pattern.search(text) is not None

    def blanked(self, value: Any) -> Any:
        """A value of JSON with every text that tells of them replaced."""
        if isinstance(value, str):
            return _ERASED if self.stand_in(value) else value
        if isinstance(value, Mapping):
            return {name: self.blanked(each) for name, each in value.items()}
        return [self.blanked(each) for each in value] if isinstance(value, list) else value


class Copies:
    """The copies beside one catalog.

    Args:
        named: those of some locations that the catalog names.
    """

    def __init__(self, places: Places, *, named: Callable[[Sequence[str]], set[str]]) -> None:
        self._places, self._named = places, named

    def open_jobs(self) -> list[str]:
        """Ids of the tenant's jobs that wait or run: each may bring a product back."""
        return [id for id, record in self._jobs() if record.get("state") in ("waiting", "running")]

    def mention(self, sku: str) -> bool:
        """Whether a record or a feed beside the catalog has this sku."""
        words = Words([sku], [])
        records = (path for path, _ in self._records() if words.stand_in(path.read_text("utf-8", "replace")))
        feeds = (path for path in self._of_ended_jobs() if _holds(path, [sku.encode()]))
        return next(records, None) is not None or next(feeds, None) is not None

    def purge_records(self, words: Words) -> list[Trace]:
        """Overwrite what tells of products; to be done as long as the catalog still knows what to look for.

        Raises:
            StorageError, OSError: a file cannot be written or deleted; the others are done.
        """
        return [*self._purge_records(words), *self._purge_answers(words)]

    def purge_files(self, words: Words, *, gone: frozenset[str]) -> list[Trace]:
        """Delete files that the catalog does not name any more; `gone` are hashes of pictures that it had.

        Raises:
            OSError: a file cannot be deleted; the others are done.
        """
        return [*self._purge_uploads(words, gone), *self._purge_leftovers()]

    # Jobs

    def _jobs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in sorted(self._places.jobs.glob("*.json")):
            record = _read_json(path)
            if isinstance(record, dict) and record.get("tenant", "") == self._places.tenant:
                yield path.stem, record

    def _records(self) -> Iterator[tuple[Path, str]]:
        """Files of the tenant's jobs, each with its job."""
        for id, _ in self._jobs():
            yield self._places.jobs / f"{id}.json", id
            for path in sorted((self._places.jobs / f"{id}.items").glob("*.json")):
                yield path, id

    def _purge_records(self, words: Words) -> Iterator[Trace]:
        for path, id in self._records():
            before = _read_json(path)
            after = before
            if isinstance(before, dict):
                after = before | {name: words.blanked(before[name]) for name in _TOLD if name in before}
            elif isinstance(before, list):
                blank = {"sku": "", "result": _ERASED, "why": ""}
                after = [blank if words.blanked(item) != item else item for item in before]
            if after != before:
                sha256 = _hash(path)
                write_atomically(path, json.dumps(after).encode(), durable=True, mode=PRIVATE_FILE)
                yield Trace("job", "record" if isinstance(before, dict) else "outcomes", id, sha256)

    # Uploads

    def _of_ended_jobs(self) -> Iterator[Path]:
        for id, record in self._jobs():
            if record.get("state") not in ("waiting", "running"):
                yield from _files(self._places.uploads / id)

    def _purge_uploads(self, words: Words, gone: frozenset[str]) -> Iterator[Trace]:
        """Of an upload that was taken in, only the photos that products name are needed."""
        ended = list(self._of_ended_jobs())
        single = [
            path
            for path in _files(self._places.pictures)
            if path.stem in gone or str(path) in words.locations or _age(path) > _UNDER_WAY_S
        ]
        for path in self._unnamed([*ended, *single]):
            yield from _delete(path, "upload", path.relative_to(self._places.uploads).parts[0])
        known = {path.stem for path in self._places.jobs.glob("*.json")} | {"pictures"}
        needles = [sku.encode() for sku in words.skus]
        for folder in sorted(self._places.uploads.glob("*")):  # of jobs whose records are gone, or of broken requests
            if folder.name in known or _age(folder) < _UNDER_WAY_S:
                continue
            for path in self._unnamed(_files(folder)):
                if _holds(path, needles) or _hash(path) in gone:
                    yield from _delete(path, "upload", "an upload without a job")

    def _unnamed(self, paths: Iterable[Path]) -> list[Path]:
        names = [str(path) for path in paths]
        named = self._named(names) if names else set()
        return [Path(name) for name in names if name not in named]

    # The rest

    def _purge_answers(self, words: Words) -> Iterator[Trace]:
        hashes = {sku_hash(sku) for sku in words.skus}
        for path in sorted(self._places.answers.glob("*.json")):
            answer = _read_json(path)
            if not isinstance(answer, dict) or answer.get("about") in {None, *hashes}:  # None: of an older version
                yield from _delete(path, "answer", path.stem)

    def _purge_leftovers(self) -> Iterator[Trace]:
        """Databases that a repair or a restore kept, and files of writes that never ended."""
        folder = self._places.folder
        for pattern in ("catalog.db.*", "*.tmp", "index/*.tmp"):
            for path in sorted(folder.glob(pattern)):
                yield from _delete(path, "leftover", path.name)
        for root in (self._places.jobs, self._places.answers, self._places.uploads):
            for path in sorted(root.rglob(".*.new")) if root.is_dir() else []:
                if _age(path) > _UNDER_WAY_S:
                    yield from _delete(path, "leftover", root.suffix)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _delete(path: Path, place: str, name: str) -> Iterator[Trace]:
    if path.is_dir() and not path.is_symlink():
        for inner in _files(path):
            yield from _delete(inner, place, name)
        shutil.rmtree(path, ignore_errors=True)
        return
    sha256 = _hash(path)
    path.unlink(missing_ok=True)
    yield Trace(place, "file", name, sha256)


def _hash(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    """Whether a file has any of these texts in it, read a block at a time."""
    overlap = max((len(one) for one in needles), default=1) - 1
    with suppress(OSError), path.open("rb") as file:
        tail = b""
        while block := file.read(1 << 20):
            text = tail + block
            if any(one in text for one in needles):
                return True
            tail = text[len(text) - overlap :] if overlap else b""
    return False


def _age(path: Path) -> float:
    with suppress(OSError):
        return time.time() - path.lstat().st_mtime
    return 0.0


def _read_json(path: Path) -> Any:
    with suppress(OSError, ValueError):
        return parse_json(path.read_text("utf-8"))
    return None
