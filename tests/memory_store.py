"""A store in memory: plain dictionaries, no SQL. What `storage.store.Store` promises, in the plainest way."""

from __future__ import annotations

import copy
import math
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from catalens.errors import ModelError, StorageError
from catalens.index.vector_store import Space
from catalens.storage.diagnosis import Diagnosis
from catalens.storage.filter_terms import And, Compare, Contains, Filter, Has, In, Not, Or, Value, read_number
from catalens.storage.records import Facet as FacetRow
from catalens.storage.records import digest, facets, indexed, pictures_of
from catalens.storage.store import (
    FACET_SHARED,
    MOST_FACETS,
    Candidate,
    CandidateTexts,
    Counts,
    Ids,
    IndexedWords,
    KnownFile,
    Order,
    PictureFile,
    ReadPicture,
    ShownPicture,
    Term,
    WrittenProduct,
)
from catalens.types import Facet, FloatArray, IntArray, NumberArray, PictureSource, Product

COLUMN_WEIGHTS = (1.0, 4.0, 2.0, 1.0)
"""Of the names, the title, the attributes, the description."""
NO_VARIANT: set[int | None] = {None}
NOTHING: list[tuple[int | None, int | None, int]] = [(None, None, 0)]
K1, B = 1.2, 0.75
"""BM25's constants, as FTS5 has them."""


@dataclass(frozen=True)
class Row:
    """A product with what is derived from it. `shown`: (variant's sku, position, location, picture) in order."""

    product: Product
    digest: bytes
    shown: tuple[tuple[str | None, int, str, int | None], ...]
    variants: Mapping[str, int]
    facets: Sequence[FacetRow]
    words: IndexedWords
    stale: Set[str] = frozenset()
    feed: str = ""

    @classmethod
    def of(cls, product: Product, locations: Mapping[str, int], variants: Mapping[str, int], *, changed: bool) -> Row:
        shown = tuple(
            (sku, place, picture.location, locations.get(picture.location))
            for place, (sku, picture) in enumerate(pictures_of(product))
        )
        written = b"" if changed else digest(product)
        return cls(product, written, shown, variants, facets(product), IndexedWords(*indexed(product)))

    @property
    def candidates(self) -> list[tuple[int | None, int, int]]:
        """(variant's id, picture, position) of the pictures that were read."""
        return [
            (None if sku is None else self.variants[sku], picture, place)
            for sku, place, _, picture in self.shown
            if picture is not None
        ]


@dataclass(frozen=True)
class Picture:
    hash: bytes
    path: str | None
    data: bytes | None
    size: tuple[int, int]


@dataclass
class State:
    """All that is kept."""

    products: dict[int, Row] = field(default_factory=dict)
    pictures: dict[int, Picture] = field(default_factory=dict)
    files: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    spaces: dict[str, Space] = field(default_factory=dict)
    vectors: dict[int, tuple[int, int, FloatArray]] = field(default_factory=dict)
    erased: list[tuple[int, int]] = field(default_factory=list)
    last_id: int = 0
    erasures: int = 0

    def copy(self) -> State:
        copied = State(last_id=self.last_id)
        for name, value in vars(self).items():
            setattr(copied, name, copy.copy(value))
        return copied

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def named(self, sku: str) -> int | None:
        return next((id for id, row in self.products.items() if row.product.sku == sku), None)

    def owner(self, variant: str) -> int | None:
        rows = self.products.items()
        return next((id for id, row in rows if variant in {one.sku for one in row.product.variants}), None)

    def pictures_shown(self) -> set[int]:
        return {picture for row in self.products.values() for _, picture, _ in row.candidates}

    def picture_of(self, hash: bytes) -> int | None:
        return next((id for id, picture in self.pictures.items() if picture.hash == hash), None)


class MemoryWriter:
    """`StoreWriter` on a copy of the state."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.loose = state.pictures_shown()

    def find_picture(self, hash: bytes) -> int | None:
        return self.state.picture_of(hash)

    def has_picture(self, picture_id: int) -> bool:
        return picture_id in self.state.pictures

    def write_picture(self, picture: ReadPicture) -> int:
        location = picture.source.location
        id = self.find_picture(picture.hash)
        if id is None:
            id = self.state.new_id()
            path = None if picture.source.is_remote else location
            self.state.pictures[id] = Picture(picture.hash, path, picture.data, picture.size)
        self.write_vectors(id, picture.vectors)
        _, _, before = self.state.files.get(location, (0, 0, id))
        self.state.files[location] = (picture.file_size, picture.mtime_ns, id)
        if before != id:
            self._repoint(location, before, id)
        found = self.state.pictures[id]
        if found.path not in (None, location) and not Path(found.path or "").exists():
            self.state.pictures[id] = replace(found, path=location)
        return id

    def _repoint(self, location: str, before: int, now: int) -> None:
        self.loose.add(before)
        for id, row in self.state.products.items():
            shown = tuple(
                (sku, place, where, now if (where, picture) == (location, before) else picture)
                for sku, place, where, picture in row.shown
            )
            self.state.products[id] = replace(row, shown=shown)
        old = self.state.pictures.get(before)
        if old is not None and old.path == location:
            other = next((path for path, (*_, picture) in self.state.files.items() if picture == before), None)
            self.state.pictures[before] = replace(old, path=other)

    def write_vectors(self, picture_id: int, vectors: Mapping[str, FloatArray]) -> None:
        for name, vector in vectors.items():
            if name not in self.state.spaces:
                self.state.spaces[name] = Space(len(self.state.spaces) + 1, name, len(vector))
            space = self.state.spaces[name]
            if len(vector) != space.dim:
                raise ModelError(f"{name} has vectors of {space.dim} numbers, not {len(vector)}", cure="name another")
            there = {(space, picture) for space, picture, _ in self.state.vectors.values()}
            if (space.id, picture_id) not in there:
                self.state.vectors[self.state.new_id()] = (space.id, picture_id, np.array(vector, np.float32))

    def written(self, sku: str) -> WrittenProduct | None:
        id = self.state.named(sku)
        if id is None:
            return None
        row = self.state.products[id]
        shown = {where: picture for _, _, where, picture in row.shown if picture is not None}
        return WrittenProduct(row.digest, shown, frozenset(row.stale & shown.keys()), row.feed)

    def product(self, sku: str) -> Product | None:
        id = self.state.named(sku) or self.state.owner(sku)
        return None if id is None else self.state.products[id].product

    def note(self, sku: str, *, stale: Set[str], feed: str) -> None:
        id = self.state.named(sku) or 0
        row = self.state.products[id]
        shown = {where for _, _, where, picture in row.shown if picture is not None}
        self.state.products[id] = replace(row, stale=shown & stale, feed=feed)

    def skus_of_feed(self, feed: str, *, after: str, limit: int) -> list[str]:
        rows = self.state.products.values()
        return sorted(row.product.sku for row in rows if row.feed == feed and row.product.sku > after)[:limit]

    def write_product(
        self, product: Product, shown: Mapping[str, int], *, stale: Set[str] = frozenset(), feed: str = ""
    ) -> None:
        id = self.state.named(product.sku) or self.state.new_id()
        mine = {variant.sku for variant in product.variants}
        for other, row in list(self.state.products.items()):
            if other != id and mine & row.variants.keys():
                kept = tuple(variant for variant in row.product.variants if variant.sku not in mine)
                locations = {where: picture for _, _, where, picture in row.shown if picture is not None}
                changed = replace(row.product, variants=kept)
                without = Row.of(changed, locations, row.variants, changed=True)
                self.state.products[other] = replace(without, stale=row.stale, feed=row.feed)
        variants = {variant.sku: self.state.new_id() for variant in product.variants}
        self.state.products[id] = Row.of(_placed(product), shown, variants, changed=False)
        self.note(product.sku, stale=stale, feed=feed)

    def unknown(self, skus: Sequence[str]) -> list[str]:
        return [sku for sku in skus if self.state.named(sku) is None]

    def remove(self, skus: Sequence[str]) -> None:
        for sku in skus:
            del self.state.products[self.state.named(sku) or 0]

    def note_erasures(self, number: int) -> None:
        self.state.erasures = number

    def collect(self) -> None:
        gone = self.loose - self.state.pictures_shown()
        for id in gone:
            self.state.pictures.pop(id, None)
        self.state.files = {path: file for path, file in self.state.files.items() if file[2] not in gone}
        for id, (space, picture, _) in list(self.state.vectors.items()):
            if picture in gone:
                del self.state.vectors[id]
                self.state.erased.append((id, space))


class MemoryStore:
    """`storage.store.Store` without a folder. One process, one writer."""

    folder: Path | None = None

    def __init__(self, *, readonly: bool = False) -> None:
        self.readonly = readonly
        self._state, self._version = State(), 0

    def data_version(self) -> int:
        return self._version

    # Counts

    def counts(self) -> Counts:
        rows, state = self._state.products.values(), self._state
        unread = sum(picture is None for row in rows for *_, picture in row.shown)
        variants = sum(len(row.product.variants) for row in rows)
        return Counts(len(rows), variants, len(state.pictures), len(state.vectors), unread)

    def product_count(self) -> int:
        return len(self._state.products)

    def space_sizes(self) -> dict[str, int]:
        counted = Counter(space for space, _, _ in self._state.vectors.values())
        return {space.name: counted[space.id] for space in self.spaces()}

    # Vectors

    def spaces(self) -> tuple[Space, ...]:
        return tuple(self._state.spaces.values())

    def space(self, name: str) -> Space | None:
        return self._state.spaces.get(name)

    def _dim(self, space_id: int) -> int:
        return next((space.dim for space in self.spaces() if space.id == space_id), 0)

    def vectors_after(self, space_id: int, vector_id: int) -> tuple[IntArray, IntArray, FloatArray]:
        found = [
            (id, picture, data)
            for id, (space, picture, data) in sorted(self._state.vectors.items())
            if space == space_id and id > vector_id
        ]
        ids, pictures = (np.array([row[place] for row in found], np.int64) for place in (0, 1))
        return ids, pictures, np.array([row[2] for row in found], np.float32).reshape(len(found), self._dim(space_id))

    def vectors_of(self, space_id: int, picture_ids: Iterable[int]) -> tuple[IntArray, FloatArray]:
        wanted = {int(picture) for picture in picture_ids}
        _, pictures, data = self.vectors_after(space_id, 0)
        order = np.array([row for row in np.argsort(pictures) if int(pictures[row]) in wanted], np.int64)
        return pictures[order], data[order]

    def erased_after(self, space_id: int, seq: int) -> tuple[IntArray, int]:
        found = [id for id, space in self._state.erased[seq:] if space == space_id]
        return np.array(found, np.int64), len(self._state.erased)

    def last_vector(self, space_id: int) -> int:
        alive = [id for id, (space, *_) in self._state.vectors.items() if space == space_id]
        return max([0, *alive, *(id for id, space in self._state.erased if space == space_id)])

    def raw_vectors(self, space_id: int, vector_ids: IntArray) -> dict[int, FloatArray]:
        wanted = set(vector_ids.tolist())
        vectors = self._state.vectors.items()
        return {id: data for id, (space, _, data) in vectors if space == space_id and id in wanted}

    # Products

    def product(self, sku: str) -> Product | None:
        found = self.product_ids([sku])
        return self._state.products[found[sku]].product if found else None

    def products_after(self, sku: str, *, limit: int) -> list[Product]:
        products = (row.product for row in self._state.products.values())
        return sorted((one for one in products if one.sku > sku), key=lambda one: one.sku)[:limit]

    def product_ids(self, skus: Sequence[str]) -> dict[str, int]:
        rows = self._state.products.items()
        known = {variant.sku: id for id, row in rows for variant in row.product.variants}
        known |= {row.product.sku: id for id, row in rows}
        return {sku: known[sku] for sku in skus if sku in known}

    def skus(self, product_ids: Ids) -> dict[int, str]:
        return {id: row.product.sku for id, row in self._rows(product_ids)}

    def product_digests(self) -> dict[int, bytes]:
        return {id: row.digest for id, row in self._state.products.items()}

    def in_sku_order(self, product_ids: Ids, *, limit: int, offset: int) -> list[int]:
        rows = sorted(self._rows(product_ids), key=lambda one: one[1].product.sku)
        return [id for id, _ in rows][offset : offset + limit]

    def in_order(self, product_ids: Ids, *, by: Order, limit: int, offset: int) -> list[int]:
        rows = self._rows(product_ids)
        if by == "title":
            rows.sort(key=lambda one: (one[1].product.title.lower(), one[1].product.sku))
        else:
            rows.reverse()
        return [id for id, _ in rows][offset : offset + limit]

    def numbers_of(self, name: str, product_ids: Ids) -> tuple[IntArray, NumberArray]:
        found = {
            id: min(numbers)
            for id, row in self._rows(product_ids)
            if (numbers := [number for known, number, _ in row.facets if known == name and number is not None])
        }
        return np.array(list(found), np.int64), np.array(list(found.values()), np.float64)

    def values_among(self, name: str, product_ids: Ids, *, most: int) -> list[tuple[str, int]]:
        rows = self._rows(product_ids)
        counted = Counter(text for _, row in rows for text in {text for known, _, text in row.facets if known == name})
        return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:most]

    def _rows(self, product_ids: Ids | None) -> list[tuple[int, Row]]:
        wanted = self._state.products.keys() if product_ids is None else set(map(int, product_ids))
        return [(id, row) for id, row in sorted(self._state.products.items()) if id in wanted]

    # Pictures

    def shown_pictures(self, sku: str) -> tuple[ShownPicture, ...]:
        found: dict[str, ShownPicture] = {}
        for _, row in self._rows(list(self.product_ids([sku]).values())):
            for variant, _, _, picture in row.shown:
                if picture is not None:
                    it = self._state.pictures[picture]
                    found.setdefault(it.hash.hex(), ShownPicture(it.hash.hex(), variant, it.size))
        return tuple(found.values())

    def picture_file(self, hash: bytes) -> PictureFile | None:
        id = self._state.picture_of(hash)
        if id is None:
            return None
        picture = self._state.pictures[id]
        return PictureFile(None if picture.path is None else Path(picture.path), picture.data)

    def picture_ids(self, hashes: Sequence[str]) -> dict[str, int]:
        known = {picture.hash.hex(): id for id, picture in self._state.pictures.items()}
        return {hash: known[hash] for hash in hashes if hash in known}

    def named_locations(self, locations: Sequence[str]) -> set[str]:
        shown = {where for row in self._state.products.values() for _, _, where, _ in row.shown}
        read = {picture.path for picture in self._state.pictures.values()}
        return set(locations) & (shown | self._state.files.keys() | read)

    def known_files(self, locations: Sequence[str], *, spaces: Sequence[str]) -> dict[str, KnownFile]:
        files = {location: self._state.files[location] for location in locations if location in self._state.files}
        return {
            location: KnownFile(size, mtime_ns, picture, self._is_complete(picture, spaces))
            for location, (size, mtime_ns, picture) in files.items()
        }

    def has_vectors(self, hash: bytes, *, spaces: Sequence[str]) -> bool:
        id = self._state.picture_of(hash)
        return id is not None and self._is_complete(id, spaces)

    def _is_complete(self, picture_id: int, spaces: Sequence[str]) -> bool:
        there = {space for space, picture, _ in self._state.vectors.values() if picture == picture_id}
        return {space.id for name in spaces if (space := self.space(name))} <= there and all(map(self.space, spaces))

    # Candidates

    def candidates_of_vectors(self, vector_ids: Ids) -> list[Candidate]:
        vectors = self._state.vectors
        pictures = {vectors[int(id)][1] for id in vector_ids if int(id) in vectors}
        return [one for one in self.candidates_of_products(list(self._state.products)) if one.picture in pictures]

    def candidates_of_products(self, product_ids: Ids) -> list[Candidate]:
        return [Candidate(id, *shown) for id, row in self._rows(product_ids) for shown in row.candidates or NOTHING]

    def candidate_of(self, sku: str) -> Candidate | None:
        ((id, row),) = self._rows(list(self.product_ids([sku]).values())) or ((0, None),)
        if row is None:
            return None
        own = row.product.sku == sku
        named = {number for name, number in row.variants.items() if own or name == sku} or NO_VARIANT
        shown = [Candidate(id, *one) for one in row.candidates]
        return min(shown, key=lambda one: (one.variant not in named, one.position), default=None)

    def texts(self, candidates: Sequence[Candidate]) -> dict[Candidate, CandidateTexts]:
        found = {}
        for one in candidates:
            row = self._state.products.get(one.product)
            if row is None:
                continue
            product = row.product
            variant = next((each for each in product.variants if row.variants[each.sku] == one.variant), None)
            picture = self._state.pictures.get(one.picture or 0)
            found[one] = CandidateTexts(
                product.sku,
                product.title,
                product.description,
                product.attributes,
                None if variant is None else variant.sku,
                {} if variant is None else variant.attributes,
                None if picture is None or picture.path is None else Path(picture.path),
                None if picture is None else picture.hash.hex(),
            )
        return found

    # Filters

    def passing_products(self, term: Filter) -> IntArray:
        return np.array([id for id, row in self._rows(None) if passes(term, row.facets)], np.int64)

    def vectors_showing(self, space: str, product_ids: Ids) -> IntArray:
        pictures = {picture for _, row in self._rows(product_ids) for _, picture, _ in row.candidates}
        known = self._state.spaces.get(space)
        vectors = self._state.vectors.items()
        found = [id for id, (number, picture, _) in vectors if known and number == known.id and picture in pictures]
        return np.array(found, np.int64)

    def known_attributes(self, names: Iterable[str]) -> set[str]:
        known = {name for _, row in self._rows(None) for name, _, _ in row.facets}
        return {name for name in names if name.lower() in known}

    def attribute_values(self, name: str) -> list[str]:
        return sorted({text for _, row in self._rows(None) for known, _, text in row.facets if known == name})

    def facets(self, *, most: int) -> tuple[Facet, ...]:
        rows: dict[str, list[tuple[int, float | None, str]]] = {}
        for id, row in self._rows(None):
            for name, number, text in row.facets:
                rows.setdefault(name, []).append((id, number, text))
        found = []
        ordered = sorted(rows.items(), key=lambda one: (-len({id for id, *_ in one[1]}), one[0]))
        for name, values in ordered[:MOST_FACETS]:
            numbers = [number for _, number, _ in values if number is not None]
            counted = Counter(text for _, text in {(id, text) for id, _, text in values})
            common = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
            if len(numbers) == len(values) and len(counted) > FACET_SHARED:
                found.append(Facet(name, (), (min(numbers), max(numbers))))
            elif common[0][1] >= FACET_SHARED:
                found.append(Facet(name, tuple(common[:most]), more=len(common) > most))
        return tuple(found)

    # Words

    def find_words(
        self,
        terms: Sequence[Term],
        *,
        every: bool,
        product_ids: Ids | None,
        limit: int,
        in_descriptions: bool = True,
    ) -> list[int]:
        ids = list(self._state.products) if product_ids is None else product_ids
        scores, counts = self._relevance(terms, columns=4 if in_descriptions else 3)
        found = [id for id, _ in self._rows(ids) if counts[id] == len(terms) or (counts[id] and not every)]
        return sorted(found, key=lambda product: (-scores[product], product))[:limit]

    def _relevance(self, terms: Sequence[Term], *, columns: int) -> tuple[dict[int, float], Counter[int]]:
        """BM25, and how many of the terms each product has."""
        every = self._rows(None)
        sizes = {id: sum(len(column.split()) for column in row.words) for id, row in every}
        length = sum(sizes.values()) / max(1, len(every))
        scores: dict[int, float] = defaultdict(float)
        counts: Counter[int] = Counter()
        for term in terms:
            having: set[int] = set()
            for place, form in enumerate(term.forms):
                pattern = re.compile(
                    rf"(?<!\S){re.escape(form)}" + ("" if term.is_prefix and place == 0 else r"(?!\S)")
                )
                found = {
                    id: sum(
                        weight * len(pattern.findall(column))
                        for weight, column in zip(COLUMN_WEIGHTS[:columns], row.words[:columns], strict=True)
                    )
                    for id, row in every
                }
                found = {id: frequency for id, frequency in found.items() if frequency}
                rarity = max(1e-6, math.log((len(every) - len(found) + 0.5) / (len(found) + 0.5)))
                for id, frequency in found.items():
                    scores[id] += rarity * frequency * (K1 + 1) / (frequency + K1 * (1 - B + B * sizes[id] / length))
                having |= found.keys()
            counts.update(having)
        return scores, counts

    def indexed_words(self, product_ids: Ids) -> dict[int, IndexedWords]:
        return {id: row.words for id, row in self._rows(product_ids)}

    def word_counts(self, words: Sequence[str]) -> dict[str, int]:
        counts = self._vocabulary()
        return {word: counts[word] for word in words if counts[word]}

    def words_from(self, beginning: str, *, limit: int) -> list[tuple[str, int]]:
        found = [one for one in self._vocabulary().items() if one[0].startswith(beginning)]
        return sorted(found, key=lambda one: (-one[1], one[0].encode()))[:limit]

    def _vocabulary(self) -> Counter[str]:
        return Counter(word for _, row in self._rows(None) for word in {*" ".join(row.words).split()})

    def has_words(self, terms: Sequence[Term]) -> list[bool]:
        return [bool(self.find_words([term], every=True, product_ids=None, limit=1)) for term in terms]

    # Writing

    def writing(self) -> nullcontext[None]:
        if self.readonly:
            raise StorageError("this store is read-only", cure="open another")
        return nullcontext()

    @contextmanager
    def change(self) -> Iterator[MemoryWriter]:
        writer = MemoryWriter(self._state.copy())
        yield writer
        writer.collect()
        self._state, self._version = writer.state, self._version + 1

    def erasures_done(self) -> int:
        return self._state.erasures

    def checkpoint(self) -> bool:
        return True

    def info(self) -> tuple[int, int]:
        return 1, 0

    def diagnose(self, *, repair: bool, deep: bool, load_encoder: Callable[[], Any]) -> Diagnosis:
        return Diagnosis()

    def close(self) -> None: ...


def _placed(product: Product) -> Product:
    """With the place of the product for each of its pictures, which is all that a store keeps of where it was named."""

    def placed(pictures: tuple[PictureSource, ...]) -> tuple[PictureSource, ...]:
        return tuple(replace(picture, where=where) for picture in pictures)

    where = replace(product.where, column=None)
    variants = tuple(replace(variant, pictures=placed(variant.pictures)) for variant in product.variants)
    return replace(product, where=where, pictures=placed(product.pictures), variants=variants)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def passes(term: Filter, facets: Iterable[FacetRow]) -> bool:
    """Whether a product with these facets passes: the meaning of a filter without a database."""
    return _passes(term, tuple(facets))


def _passes(term: Filter, facets: tuple[FacetRow, ...]) -> bool:
    match term:
        case Has(name):
            return any(facet[0] == name.lower() for facet in facets)
        case Compare(name, "!=", value):
            return _passes(Has(name), facets) and not _passes(Compare(name, "=", value), facets)
        case Compare(name, sign, value):
            return any(facet[0] == name.lower() and _compares(facet, sign, value) for facet in facets)
        case In(name, values):
            return any(_passes(Compare(name, "=", value), facets) for value in values)
        case Contains(name, text):
            return any(facet[0] == name.lower() and text.casefold() in facet[2] for facet in facets)
        case Not(inner):
            return not _passes(inner, facets)
        case And(terms):
            return all(_passes(inner, facets) for inner in terms)
        case Or(terms):
            return any(_passes(inner, facets) for inner in terms)


def _compares(facet: FacetRow, sign: str, value: Value) -> bool:
    _, number, text = facet
    if isinstance(value, str) and sign != "=":
        as_number = read_number(value.strip())
        if as_number is None:
            return number is None and _COMPARISONS[sign](text, value.strip().casefold())
        value = as_number
    if isinstance(value, str):
        return text == value.strip().casefold()
    return number is not None and _COMPARISONS[sign](number, value)
