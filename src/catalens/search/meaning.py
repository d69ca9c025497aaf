"""Products by the meaning of their texts, where the catalog has a text encoder: what "Regenmantel" is in English.

Cosines of such encoders cannot be compared with how well words fit, so that ranks are fused: the product at rank r of
those whose texts are nearest to the query gets (K + 1) / (K + r), the term of reciprocal rank fusion (Cormack, Clarke,
Buettcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods").
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from catalens.errors import UsageError
from catalens.index.vector_index import VectorIndex
from catalens.storage.shop_files import ShopFiles
from catalens.storage.store import CandidateTexts, Store
from catalens.storage.text_vectors import Stamp, TextVectors, key_of
from catalens.tasks.embed_text import BATCH, TextEncoder, text_encoder
from catalens.taxonomy import kinds
from catalens.types import FloatArray, IntArray, Progress

NONE = "none"
"""In place of an encoder's name: no text encoder."""
K = 60
"""As Cormack et al. chose."""
NEAREST = 200
"""Products that have a rank."""
_LONGEST = 400
"""Characters of a product's text that are read."""
_PROBES, _LEAST_PROBES, _PERCENTILE = 48, 8, 90.0
"""Kinds that the catalog lacks whose best cosine says what is no answer, and how much of that is below the floor."""
_PAGE = 512


@dataclass(frozen=True, slots=True)
class Near:
    """Products whose texts are near to a query: product -> rank from 1; `answers`: those above the floor."""

    ranks: Mapping[int, int] = field(default_factory=dict)
    answers: frozenset[int] = frozenset()

    def worth(self, product: int, text_score: float) -> float:
        """0..1: the product's rank, as far as its text does not have the words (squared: what is written decides)."""
        rank = self.ranks.get(product)
        if rank is None or not (text_score > 0 or product in self.answers):
            return 0.0
        return (K + 1) / (K + rank) * (1 - text_score) ** 2


class Meaning:
    """The text encoder of a catalog and the vectors of its products; follows what any process commits.

    Any number of threads may use it.

    Args:
        store, files: of the catalog.
        chosen: an encoder, or its name (`tasks.embed_text`); what the catalog remembers where None.
    """

    def __init__(self, store: Store, files: ShopFiles, chosen: str | TextEncoder | None) -> None:
        self._store, self._files, self.chosen = store, files, chosen
        self._vectors = TextVectors(store.folder)
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._name = ""
        self._seen: tuple[int, Stamp] | None = None
        self._digests: dict[int, bytes] = {}
        self._keys: dict[int, bytes] = {}
        self._lacking: dict[int, str] = {}
        self._floor = 2.0
        self._index: VectorIndex | None = None

    @property
    def name(self) -> str:
        """Name of the encoder, as it was chosen; "" where the catalog has none."""
        if self.chosen is None:
            return self._files.read("text-encoder.txt").strip()
        chosen = self.chosen if isinstance(self.chosen, str) else self.chosen.name
        return "" if chosen == NONE else chosen

    def choose(self, chosen: str | TextEncoder, *, progress: Progress | None = None) -> int:
        """Take another encoder, embed all texts by it, and remember its name; return how many were embedded.

        Raises:
            MissingExtraError, NotFoundError, ModelError, UsageError: it cannot be loaded; nothing was changed.
            StorageError: as `sync`.
        """
        if chosen == "":
            raise UsageError("the name of the text encoder is empty", cure=f'name one, or "{NONE}"')
        if isinstance(chosen, str):
            chosen = _whole_path(chosen)
            if chosen != NONE:
                text_encoder(chosen)
        with self._lock:
            self.chosen = chosen
            self._forget()
        if chosen == NONE:
            self._vectors.clear()
            self._files.write("text-encoder.txt", "")
            return 0
        if isinstance(chosen, str) and self._files.read("text-encoder.txt").strip() != chosen:
            self._files.write("text-encoder.txt", f"{chosen}\n")
        return self.sync(progress=progress)

    def sync(self, *, progress: Progress | None = None) -> int:
        """Embed the texts that have no vector yet, delete the vectors that no product has; return how many are new.

        Raises:
            MissingExtraError, NotFoundError, ModelError: the encoder cannot be loaded.
            StorageError: the disk is full or read-only.
        """
        if not self.name:
            return 0
        with self._lock:
            encoder = self._refreshed()
            texts = list(dict.fromkeys(self._lacking.values()))
            for start in range(0, len(texts), BATCH):
                some = texts[start : start + BATCH]
                made = encoder.encode_products(some)
                self._vectors.write(
                    {key_of(encoder.name, text): vector for text, vector in zip(some, made, strict=True)}
                )
                if progress is not None:
                    progress(min(start + BATCH, len(texts)), len(texts), "embedding texts")
            self._refreshed()
            self._vectors.keep_only(set(self._keys.values()))
            if texts:
                self._vectors.set_floor(encoder.name, self._measured(encoder))
        return len(texts)

    def clear(self) -> None:
        """Delete all vectors; the next `sync` makes them again.

        Raises:
            StorageError: the file cannot be removed.
        """
        with self._lock:
            self._vectors.clear()
            self._forget()

    def nearest(self, text: str, *, passing: IntArray | None) -> tuple[Near, tuple[str, ...]]:
        """Products near to a query, and notes on what is not whole.

        Args:
            passing: ids of the products that may be found; None for all.

        Raises:
            MissingExtraError, NotFoundError, ModelError, UsageError: the encoder cannot be loaded.
        """
        with self._lock:
            encoder = self._refreshed()
            index, floor, lacking = self._index, self._floor, len(self._lacking)
        notes: tuple[str, ...] = ()
        if lacking:
            cure = "catalens catalog words --text-encoder NAME makes them"
            notes = (f"{lacking} products have no text vector yet: {cure}",)
        if index is None or not len(index):
            return Near(), notes
        cosines, ids = index.search(
            encoder.encode_queries([text[:_LONGEST]]), k=min(NEAREST, len(index)), passing=passing
        )
        found = [(int(id), float(one)) for id, one in zip(ids[0], cosines[0], strict=True) if id >= 0]
        ranks = {id: rank for rank, (id, _) in enumerate(found, start=1)}
        return Near(ranks, frozenset(id for id, cosine in found if cosine > floor)), notes

    def _refreshed(self) -> TextEncoder:
        """The encoder, with the index as the store has it now."""
        encoder = text_encoder(self.name) if isinstance(self.chosen, str | None) else self.chosen
        if encoder.name != self._name:
            self._forget()
            self._name = encoder.name
        seen = self._store.data_version(), self._vectors.stamp()
        if seen == self._seen:
            return encoder
        if self._index is None:
            self._index = VectorIndex(encoder.dim)
        if self._seen is None or seen[0] != self._seen[0]:
            self._follow(encoder)
        self._take_in(encoder)
        self._floor = self._vectors.floor(encoder.name)
        self._seen = seen
        return encoder

    def _follow(self, encoder: TextEncoder) -> None:
        """Forget what went or changed, and note the texts of what is new."""
        now = self._store.product_digests()
        changed = [id for id, digest in now.items() if self._digests.get(id) != digest]
        gone = [*changed, *(self._digests.keys() - now.keys())]
        if self._index is not None and gone:
            self._index.remove(np.array(gone, np.int64))
        for id in gone:
            self._keys.pop(id, None)
            self._lacking.pop(id, None)
        for start in range(0, len(changed), _PAGE):
            some = changed[start : start + _PAGE]
            first: dict[int, CandidateTexts] = {}
            for candidate, said in self._store.texts(self._store.candidates_of_products(some)).items():
                first.setdefault(candidate.product, said)
            for id, said in first.items():
                if text := text_of(said):
                    self._keys[id], self._lacking[id] = key_of(encoder.name, text), text
        self._digests = now

    def _take_in(self, encoder: TextEncoder) -> None:
        found = self._vectors.read([self._keys[id] for id in self._lacking], dim=encoder.dim)
        there = [id for id in self._lacking if self._keys[id] in found]
        if there and self._index is not None:
            self._index.add(np.array(there, np.int64), np.stack([found[self._keys[id]] for id in there]))
        for id in there:
            del self._lacking[id]

    def _measured(self, encoder: TextEncoder) -> float:
        """Cosine that the best product seldom reaches for a kind of product that the catalog does not have."""
        if self._index is None or not len(self._index):
            return 2.0
        names = self._store.word_counts([word for kind in kinds() for word in kind.name.split()])
        absent = [kind.name for kind in kinds() if not any(word in names for word in kind.name.split())]
        probes = absent[:: max(1, len(absent) // _PROBES)][:_PROBES]
        if len(probes) < _LEAST_PROBES:
            return 2.0
        cosines, _ = self._index.search(_queries(encoder, probes), k=1)
        return float(np.percentile(cosines[:, 0], _PERCENTILE))


def text_of(said: CandidateTexts) -> str:
    """What is embedded of a product: its title, the texts of its attributes, its description, cut to 400 characters."""
    values = [value for value in said.attributes.values() if isinstance(value, str) and "://" not in value]
    parts = (said.title, ", ".join(values), said.description)
    return ". ".join(part.strip() for part in parts if part.strip())[:_LONGEST]


def _queries(encoder: TextEncoder, texts: Sequence[str]) -> FloatArray:
    return np.concatenate([encoder.encode_queries(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)])


def _whole_path(name: str) -> str:
    """A folder's name, to be remembered: whole, so that it holds wherever the catalog is opened from."""
    scheme, colon, rest = name.partition(":")
    return f"{scheme}:{Path(rest).resolve()}" if colon and rest and Path(rest).is_dir() else name
