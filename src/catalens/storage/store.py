"""The contract of a store: products, pictures, vectors and words, without a word of how they are kept.

`Catalog`, search, styling and ingest know this protocol and the records below, and nothing else of a store. The
embedded one is `catalens.storage.sqlite`; another store is one more file, and `tests/test_store_contract.py` says
whether it is right. Ids are positive integers of the store's own; what they count means nothing to others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeAlias

from catalens.index.vector_store import VectorStore
from catalens.storage.diagnosis import Diagnosis
from catalens.storage.filter_terms import Filter
from catalens.tasks.embed import Encoder
from catalens.types import Attributes, Facet, FloatArray, IntArray, NumberArray, PictureSource, Product

Ids: TypeAlias = Sequence[int] | IntArray


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in a catalog. `unread` are pictures that a source names and that could not be read."""

    products: int
    variants: int
    pictures: int
    vectors: int
    unread: int


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of a product: SHA-256 of its file in hex, the variant that it shows, (height, width) in pixels."""

    hash: str
    variant: str | None
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PictureFile:
    """Where the bytes of a picture are: in a file, or (fetched pictures) in the store itself."""

    path: Path | None
    data: bytes | None


Order: TypeAlias = Literal["title", "newest"]

FACET_SHARED = 2
"""A text attribute is worth filtering by where at least one of its values is shared by so many products."""


MOST_FACETS = 200
"""Only so many attributes, those of most products, are looked at: anyone may send other names with each product."""


@dataclass(frozen=True, slots=True)
class Term:
    """What to look for, in any of its forms; where `is_prefix`, the first form may be the beginning of a word.

    A form is a word as the index has it (`text.tokens.index_text`), or several with a blank between, which stand one
    after the other.
    """

    forms: tuple[str, ...]
    is_prefix: bool = False


class IndexedWords(NamedTuple):
    """The words of a product as `records.indexed` returns them, one blank between two: keys of its title and its skus,
    title, values of attributes, description.
    """

    names: str
    title: str
    attributes: str
    description: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product, and a picture that shows it or one of its variants (None where it has none), by their ids."""

    product: int
    variant: int | None
    picture: int | None
    position: int


@dataclass(frozen=True, slots=True)
class CandidateTexts:
    """What a candidate is called and where its picture lies: `hash` is SHA-256 of the file, in hex."""

    sku: str
    title: str
    description: str
    attributes: Attributes
    variant: str | None
    variant_attributes: Attributes
    path: Path | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file (or web address) that was read before.

    Args:
        size: bytes; mtime_ns: its time of change, 0 for an address.
        complete: its picture has a vector in each of the spaces that were asked about.
    """

    size: int
    mtime_ns: int
    picture: int
    complete: bool


@dataclass(frozen=True, slots=True)
class WrittenProduct:
    """A product as it stands.

    Args:
        digest: of its record; empty where a variant was taken from it.
        shown: location of a picture -> id of the picture.
        stale: those locations that its source could not deliver the last time it named them.
        feed: identity of the source that lists it; "" where none does.
    """

    digest: bytes
    shown: Mapping[str, int]
    stale: frozenset[str] = frozenset()
    feed: str = ""


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """A picture that was read, to be written.

    Args:
        hash: SHA-256 of the file's bytes; file_size: bytes; mtime_ns: 0 for a web address.
        size: (height, width) in pixels.
        vectors: space's name -> vector (D,); empty where the store has this content already.
        data: the bytes to keep, where there is no file to rely on.
    """

    source: PictureSource
    hash: bytes
    file_size: int
    mtime_ns: int
    size: tuple[int, int]
    vectors: Mapping[str, FloatArray]
    data: bytes | None = None


class StoreWriter(Protocol):
    """What may be done within one `Store.change`."""

    def find_picture(self, hash: bytes) -> int | None:
        """Find a picture by its content."""

    def has_picture(self, picture_id: int) -> bool:
        """Whether there is a picture of this id (still)."""

    def write_picture(self, picture: ReadPicture) -> int:
        """Write a picture, its vectors and the file it came from; return its id.

        A file that held another picture before now shows this one, wherever it is shown. A picture whose file is gone
        is found from then on where the same content was read last.

        Raises:
            ModelError: a vector has another number of components than the others of its space.
        """

    def write_vectors(self, picture_id: int, vectors: Mapping[str, FloatArray]) -> None:
        """Write vectors of a picture, space's name -> (D,); those that are there stay.

        Raises:
            ModelError: as above.
        """

    def written(self, sku: str) -> WrittenProduct | None:
        """A product as it stands, by its own sku."""

    def product(self, sku: str) -> Product | None:
        """As `Store.product`, within this change."""

    def write_product(
        self, product: Product, shown: Mapping[str, int], *, stale: Set[str] = frozenset(), feed: str = ""
    ) -> None:
        """Write one product with its variants, filter values and words, in the place of what has its sku.

        A variant that another product had moves; the digest of that product is empty from then on, so that its source
        brings it back.

        Args:
            product: as `records.cleaned` returns it.
            shown: location of a picture -> id of the picture; locations that are not in it are noted as unread.
            stale, feed: as in `WrittenProduct`.
        """

    def note(self, sku: str, *, stale: Set[str], feed: str) -> None:
        """Write these of a product that is there; all else stays."""

    def skus_of_feed(self, feed: str, *, after: str, limit: int) -> list[str]:
        """Products that a source lists, in the order of their skus, from behind one on."""

    def unknown(self, skus: Sequence[str]) -> list[str]:
        """Those that are no product's own sku."""

    def remove(self, skus: Sequence[str]) -> None:
        """Remove products by their own skus, with all that only they have."""

    def note_erasures(self, number: int) -> None:
        """Note that the log of erasures was gone through up to this line."""


class Store(VectorStore, Protocol):
    """Products with their pictures, vectors, words and filter values: the truth of a catalog.

    Readers see the last committed state and wait for nobody. An object may be used from several threads. An index in
    `folder` follows the store; where there is no folder it stays in memory.
    """

    @property
    def folder(self) -> Path | None: ...

    @property
    def readonly(self) -> bool: ...

    # Counts

    def counts(self) -> Counts:
        """Products, variants, pictures, vectors, unread pictures."""

    def product_count(self) -> int:
        """Number of products."""

    def space_sizes(self) -> dict[str, int]:
        """Name of each space -> its vectors, the oldest space first."""

    # Products

    def product(self, sku: str) -> Product | None:
        """A product as its source gave it, by its own sku or by that of one of its variants."""

    def products_after(self, sku: str, *, limit: int) -> list[Product]:
        """Products in the order of their skus, from behind one on."""

    def product_ids(self, skus: Sequence[str]) -> dict[str, int]:
        """Sku (a product's own, or that of one of its variants) -> id of the product; unknown ones lack."""

    def skus(self, product_ids: Ids) -> dict[int, str]:
        """Product id -> sku; those that are gone lack."""

    def product_digests(self) -> dict[int, bytes]:
        """Product id -> digest of its record: another one whenever its text changed."""

    def in_sku_order(self, product_ids: Ids, *, limit: int, offset: int) -> list[int]:
        """A page of products, in the order of their skus."""

    def in_order(self, product_ids: Ids, *, by: Order, limit: int, offset: int) -> list[int]:
        """A page of products by their titles, or the newest first; equal ones by sku."""

    def numbers_of(self, name: str, product_ids: Ids) -> tuple[IntArray, NumberArray]:
        """Products (N,), ascending, with a number as a value of an attribute (its name in small letters), and their
        least one (N,) of float64.
        """

    # Pictures

    def shown_pictures(self, sku: str) -> tuple[ShownPicture, ...]:
        """Pictures of a product (or of the product of a variant) that were read, in their order, each once."""

    def picture_file(self, hash: bytes) -> PictureFile | None:
        """Where the bytes of a picture are, by SHA-256 of its file."""

    def picture_ids(self, hashes: Sequence[str]) -> dict[str, int]:
        """Hash in hex -> picture id; unknown ones lack."""

    def named_locations(self, locations: Sequence[str]) -> set[str]:
        """Those that a product names, readable or not, or that a picture was read from."""

    def known_files(self, locations: Sequence[str], *, spaces: Sequence[str]) -> dict[str, KnownFile]:
        """Location -> what was read from it before; `complete` where its picture has a vector in each space."""

    def has_vectors(self, hash: bytes, *, spaces: Sequence[str]) -> bool:
        """Whether the picture of this content is there with a vector in each of the spaces."""

    def vectors_of(self, space_id: int, picture_ids: Iterable[int]) -> tuple[IntArray, FloatArray]:
        """Vectors of some pictures in a space: picture ids (N,) ascending, data (N, dim). Pictures without one lack.

        Raises:
            CatalogDamagedError: a vector is not what was written.
        """

    # Candidates of a search

    def candidates_of_vectors(self, vector_ids: Ids) -> list[Candidate]:
        """What the pictures of some vectors show, by product and position."""

    def candidates_of_products(self, product_ids: Ids) -> list[Candidate]:
        """All that shows some products, by product and position; those without a picture once, without one."""

    def candidate_of(self, sku: str) -> Candidate | None:
        """The first picture of a product; pictures of its variants (of the named one, if it is one) come first."""

    def texts(self, candidates: Sequence[Candidate]) -> dict[Candidate, CandidateTexts]:
        """What candidates are called; those whose product is gone lack."""

    # Filters

    def passing_products(self, term: Filter) -> IntArray:
        """Ids (N,) of the products that a filter lets pass, ascending; `filter_terms` says what a term means."""

    def vectors_showing(self, space: str, product_ids: Ids) -> IntArray:
        """Ids (N,) of the vectors in a space, by its name, whose pictures show any of the products."""

    def known_attributes(self, names: Iterable[str]) -> set[str]:
        """Those attributes that any product has; case does not matter."""

    def attribute_values(self, name: str) -> list[str]:
        """Values of an attribute (its name in small letters) as folded texts, each once, sorted; at most 5,000."""

    def facets(self, *, most: int) -> tuple[Facet, ...]:
        """Attributes that are worth filtering by, those of most products first, each with at most so many values."""

    def values_among(self, name: str, product_ids: Ids, *, most: int) -> list[tuple[str, int]]:
        """Values of an attribute (its name in small letters) of some products as folded texts, with how many of these
        have each, the most frequent first, equal ones by text.
        """

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
        """Ids of products with all of the terms (`every`) or any of them, by BM25, the most relevant first.

        Args:
            terms: at least one.
            product_ids: those that may be found; None for all.
            limit: how many at most.
            in_descriptions: whether words of descriptions count, too.
        """

    def indexed_words(self, product_ids: Ids) -> dict[int, IndexedWords]:
        """The words of products; those that are gone lack."""

    def word_counts(self, words: Sequence[str]) -> dict[str, int]:
        """Word as the index has it -> number of products that have it; those of none lack."""

    def words_from(self, beginning: str, *, limit: int) -> list[tuple[str, int]]:
        """Words of the index that begin so, each with the number of products that have it, the most frequent first.

        Args:
            beginning: as the index has words; "" for all.
            limit: how many at most.
        """

    def has_words(self, terms: Sequence[Term]) -> list[bool]:
        """For each term, whether any product has it."""

    # Writing

    def writing(self) -> AbstractContextManager[object]:
        """The writer's lock, for a `with` block.

        Raises:
            StorageError: the store was opened read-only.
            CatalogBusyError: another process is writing.
        """

    def change(self) -> AbstractContextManager[StoreWriter]:
        """All or nothing; durable when the block ends, and pictures that nothing shows any more are gone then.

        To be used inside `writing`.
        """

    def checkpoint(self) -> bool:
        """Leave nothing of what was removed in a log. False where a reader prevents it; the next writer does it."""

    # Life

    def erasures_done(self) -> int:
        """Line up to which the log of erasures was gone through; 0 for a new store."""

    def info(self) -> tuple[int, int]:
        """Version of the tables, and how much room all of it takes, in bytes."""

    def diagnose(self, *, repair: bool, deep: bool, load_encoder: Callable[[], Encoder]) -> Diagnosis:
        """Look the store over and, if asked for, restore what can be; what was read from it before is stale then."""

    def close(self) -> None:
        """Close it; nothing is pending. A second time does nothing."""
