"""A search request as query embeddings and terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from catalens import features
from catalens.errors import MissingExtraError, ModelError, NotFoundError, UsageError
from catalens.images.paths import looks_like_photo, nothing_at, refuse_address
from catalens.images.read import ImageLike, read_image
from catalens.models.known_words import DoubtfulWord
from catalens.models.text import is_chinese, words_of
from catalens.options import Search, check_all
from catalens.search.forms import EXACT, NARROWER, SYNONYM
from catalens.search.meaning import Near
from catalens.search.text import Alternative, QueryWords, WordReader, split_words
from catalens.search.understand import Excluded, Understood
from catalens.search.weights import DEFAULT_WEIGHTS, PICTURE_PARTS, shares
from catalens.storage.filter_terms import Filter
from catalens.storage.reading import CONFIDENT, READ_BY
from catalens.storage.store import Store
from catalens.storage.unknown_sku import unknown_sku
from catalens.tasks.embed import Encoder, decode_target
from catalens.tasks.reading import read_text, text_reader
from catalens.text.tokens import spellings
from catalens.types import FloatArray

_LIKE, _UNLIKE = np.float32(0.75), np.float32(0.15)
"""Rocchio's shares of the liked and the disliked (Manning, Raghavan, Schuetze 2008, section 9.1.1)."""
_EXCLUDED = np.float32(0.4)
"""Share of the excluded words' vector that is taken off that of the words."""


def photo_or_words(query: str) -> tuple[Path | None, str | None]:
    """Tell a photo's path from words: what is a file is a photo, and all else is words unless it is named like one.

    Raises:
        UsageError: it is empty, a folder, or a web address.
        NotFoundError: it looks like a picture's path, and there is no such file.
    """
    if not query.strip():
        raise UsageError("the query is empty", cure="give a photo's path, or words")
    refuse_address(query, what="photo")
    path = Path(query)
    try:
        is_there = path.is_file()
    except (OSError, ValueError):  # too long for a file name, or with a character that none has: words
        is_there = False
    if is_there:
        return path, None
    if query != path.name and path.is_dir():
        raise UsageError(f"{query} is a folder", cure="name a photo in it")
    if looks_like_photo(query):
        raise nothing_at(path, what="photo")
    return None, query


@dataclass(frozen=True)
class Request:
    """What the caller gave, all but the paging. `where` has the filters of the understood words in it."""

    image: ImageLike | None
    text: str | None
    like: Sequence[str]
    unlike: Sequence[str]
    where: Filter | None
    weights: Mapping[str, float] | None
    spelling: bool = True
    language: str | None = None
    understood: Understood | None = None
    near: Near | None = None

    def __post_init__(self) -> None:
        for name, skus in (("like", self.like), ("unlike", self.unlike)):
            if isinstance(skus, str):
                raise UsageError(f"expected a list of skus for {name}, got one text", cure=f"write {name}=[{skus!r}]")
        if self.text is not None and not isinstance(self.text, str):
            raise UsageError(f"expected words as text, got {type(self.text).__name__}", cure="give a text")
        if self.text and self.text.strip() and not self.words and not self.is_understood:
            raise UsageError(f"expected words, got {self.text!r}", cure="write at least one letter or digit")
        if self.asks_for_all and self.where is None and not self.is_understood:
            raise UsageError("nothing is asked for", cure="give a photo, words, liked products or a filter")

    @property
    def is_understood(self) -> bool:
        """Whether its words exclude something or are a filter."""
        return self.understood is not None and not self.understood.is_plain

    @property
    def looked_for(self) -> str:
        """The words that are looked for: without what is excluded or a filter."""
        return (self.text or "") if self.understood is None else self.understood.text

    @property
    def words(self) -> tuple[str, ...]:
        return split_words(self.looked_for)

    @property
    def asks_for_all(self) -> bool:
        """Whether it asks for nothing by which products could be ranked."""
        return self.image is None and not self.words and not self.like and not self.unlike

    def __str__(self) -> str:
        said = []
        if self.image is not None:
            said.append(f"photo {self.image}" if isinstance(self.image, str | Path) else "photo")
        if self.words or self.is_understood:
            said.append(f'words "{self.text}"')
        if self.like:
            said.append(f"like {', '.join(self.like)}")
        if self.unlike:
            said.append(f"unlike {', '.join(self.unlike)}")
        if self.where is not None:
            said.append(f"where {self.where}")
        return "; ".join(said)


@dataclass(frozen=True)
class Query:
    """A request as vectors and words.

    Args:
        shares: part -> share of the score; they sum to 1 and name the parts that count.
        vectors: part -> (name of its space, unit vector (D,)).
        words: to look for; empty where words do not count.
        read: words that were read on the photo and that the catalog has.
        left_out: ids of products that are not to be found.
        added: product id -> what the shop's rules add to its score.
        has_kind: whether the words name a kind of product.
        is_words_only: whether nothing but words is asked, so that what hardly fits them is no answer.
        near: products whose texts mean the same; None where no text encoder is asked.
        notes: which words are not known: no product has them, and the encoder was not taught them; or that there is no
            encoder to ask the pictures with.
    """

    shares: Mapping[str, float]
    vectors: Mapping[str, tuple[str, FloatArray]] = field(default_factory=dict)
    words: QueryWords = field(default_factory=QueryWords)
    read: QueryWords = field(default_factory=QueryWords)
    left_out: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
    added: Mapping[int, float] = field(default_factory=dict)
    is_words_only: bool = False
    has_kind: bool = False
    near: Near | None = None

    def directions(self) -> list[tuple[str, FloatArray]]:
        """Where candidates lie, as (space, vector): one direction in the deep space, or one in each other space.

        A score is linear in a product's vector, so that photo, words and liked products together make one direction.
        """
        deep = [(part, self.vectors[part]) for part in ("deep", "words", "liked") if part in self.vectors]
        if not deep:
            return list(self.vectors.values())
        total = np.sum([np.float32(self.shares[part]) * vector for part, (_, vector) in deep], axis=0)
        return [(deep[0][1][0], np.asarray(total, np.float32))]


class QueryBuilder:
    """Turns requests into queries.

    Args:
        store: knows the liked products.
        load_encoder: gives the encoder of the catalog's deep space; called when a photo or words are asked with.
    """

    def __init__(self, store: Store, load_encoder: Callable[[], Encoder]) -> None:
        self._store = store
        self._load_encoder = load_encoder
        self.reader = WordReader(store)

    def build(self, request: Request) -> Query:
        """Read the photo, find the liked products.

        Raises:
            UsageError: a weight makes no sense.
            NotFoundError: no photo there, or no product of a sku.
            ImageError, ModelError: the photo or the encoder cannot be used.
        """
        check_all(Search, like=request.like, unlike=request.unlike)
        liked, unliked = self._products(request.like), self._products(request.unlike)
        asked = [*PICTURE_PARTS] if request.image is not None else []
        read = QueryWords()
        if request.image is not None and self._reads(request):
            pixels = read_image(request.image)
            request, read = replace(request, image=pixels), self._read_photo(pixels)
            asked += ["read"] if read.words else []
        words, described, notes = self._described(request) if request.words else (QueryWords(), {}, ())
        asked += [*(["text"] if request.words else []), *described, *(["meaning"] if request.near else [])]
        asked += ["liked"] if liked or unliked else []
        counted = shares(request.weights, asked)
        vectors: dict[str, tuple[str, FloatArray]] = {}
        if request.image is not None:
            vectors.update(self._picture_vectors(request.image, [part for part in PICTURE_PARTS if part in counted]))
        vectors.update({part: vector for part, vector in described.items() if part in counted})
        if "liked" in counted:
            vectors.update(self._liked_vector(liked, unliked))
        words_only = "text" in counted and request.image is None and not liked and not unliked
        counted_words = words if "text" in counted else QueryWords()
        has_kind = request.understood is not None and request.understood.has_kind
        # Where nothing else is asked, disliked products are the last of all.
        left_out = [*liked, *(unliked if liked or asked != ["liked"] else ())]
        return Query(
            counted, vectors, counted_words, read, frozenset(left_out), notes,
            is_words_only=words_only, has_kind=has_kind, near=request.near if "meaning" in counted else None,
        )  # fmt: skip

    def _reads(self, request: Request) -> bool:
        """Whether the photo's text counts: the catalog's pictures were read, and the reader is installed."""
        weight = (request.weights or {}).get("read", DEFAULT_WEIGHTS["read"])
        if weight == 0 or not self._store.known_attributes([READ_BY]):
            return False
        try:
            text_reader()
        except MissingExtraError:
            return False
        return True

    def _read_photo(self, image: ImageLike) -> QueryWords:
        """Words on a photo, misread letters corrected by the catalog's words, without those that no product has."""
        lines = sorted(read_text(image, min_confidence=CONFIDENT), key=lambda line: line.box[1] - line.box[3])
        words = self.reader.read(" ".join(dict.fromkeys(line.text for line in lines)))
        told = [one for one in words.words if one.is_known and not one.is_optional and _tells(one.typed)]
        return replace(words, words=tuple(told), key="", title="", corrected={})

    def _picture_vectors(self, image: ImageLike, parts: Sequence[str]) -> dict[str, tuple[str, FloatArray]]:
        found: dict[str, tuple[str, FloatArray]] = {}
        if "deep" in parts:
            encoder = self._load_encoder()
            pixels = read_image(image, target=decode_target(encoder))
            vector = encoder.encode_prepared(encoder.prepare(pixels)[None])[0]
            found["deep"] = (f"deep:{encoder.name}", vector)
        else:
            pixels = read_image(image)
        if set(parts) - {"deep"}:
            described = features.describe(pixels)
            found.update({part: (part, described[part]) for part in parts if part != "deep"})
        return found

    def _described(self, request: Request) -> tuple[QueryWords, dict[str, tuple[str, FloatArray]], tuple[str, ...]]:
        """The words, what pictures of them look like that the encoder knows, and notes on those that nobody knows.

        Where there are no pictures, or the encoder knows no words, all words are such that no product has.
        """
        encoder: Encoder | None = None
        notes: tuple[str, ...] = ()
        if self._deep_spaces():
            try:
                encoder = self._load_encoder()
            except (ModelError, NotFoundError) as error:
                # What is written in products is found without an encoder; that the pictures were not asked is told.
                notes = (f"words were looked for in texts alone, not in pictures: {error.what}",)
        words = self._read_words(request, known=encoder.known_words if encoder is not None else frozenset())
        notes += tuple(f'showing "{now}" for "{before}"' for before, now in words.corrected.items())
        if encoder is None:
            return words, {}, (*notes, *self._unwritten([DoubtfulWord(one) for one in words_of(words.text)], request))
        if not encoder.has_text:
            missing = ", ".join(f'"{word}"' for word in words_of(words.text) if not self.reader.is_written(word))
            return (
                words,
                {},
                (*notes, *((f"{encoder.name} knows no words, and no product has {missing}",) if missing else ())),
            )
        understood = request.understood
        spoken = words.text if understood is None or words.corrected else understood.spoken
        doubtful = encoder.doubtful_words(spoken)
        ignored = {one.word for one in doubtful if not one.is_read}
        known = " ".join(word for word in words_of(spoken) if word not in ignored) if ignored else spoken
        vector = encoder.encode_texts([known])[0]
        if understood is not None and understood.excluded and vector.any():
            vector = _away(vector, encoder, understood.excluded)
        described = {"words": (f"deep:{encoder.name}", vector)} if vector.any() else {}
        # What the words were translated to was not typed by anybody: nothing is said of it.
        typed = {*words_of(request.text or ""), *words_of(words.text)}
        return words, described, (*notes, *self._unwritten([one for one in doubtful if one.word in typed], request))

    def _read_words(self, request: Request, *, known: Set[str]) -> QueryWords:
        """The words of a request with the forms by which products may have them."""
        alternatives: list[Alternative] = []
        foreign: Set[str] = frozenset()
        if request.understood is not None:
            alternatives = self._alternatives(request.understood)
            foreign = request.understood.foreign
            known = known | (request.understood.known - foreign)
        return self.reader.read(
            request.looked_for,
            whole=request.text,
            language=request.language,
            spelling=request.spelling,
            alternatives=alternatives,
            known=known,
            foreign=foreign,
        )

    def _alternatives(self, understood: Understood) -> list[Alternative]:
        """Other words for the query's; for a kind that no product has in any of them, narrower kinds, too.

        A query in another language than the catalog's, and one in Chinese, always gets them: a parent word such as
        "上衣" or "zapatos" is what all of its kind are called there, and what has the word itself still ranks first.
        """
        forms = {
            one: [form for other in (one.word, *one.others) for form in spellings(other)] for one in understood.asked
        }
        counts = self.reader.counts(list({form for every in forms.values() for form in every}))
        found = []
        for one, every in forms.items():
            if one.others:
                worth, how = (EXACT, "translation") if understood.is_translated else (SYNONYM, "synonym")
                found.append(Alternative(one.start, one.end, one.others, how, worth))
            is_parent = understood.is_translated or is_chinese(one.word)
            if one.narrower and (is_parent or not any(counts.get(form, 0) for form in every)):
                found.append(Alternative(one.start, one.end, one.narrower, "narrower", NARROWER))
        return found

    def _unwritten(self, words: Sequence[DoubtfulWord], request: Request) -> tuple[str, ...]:
        """Notes on those words that no product has, by no other word either."""
        named = frozenset[str]() if request.understood is None else request.understood.known
        return tuple(str(one) for one in words if one.word not in named and not self.reader.is_written(one.word))

    def _liked_vector(self, liked: Sequence[int], unliked: Sequence[int]) -> dict[str, tuple[str, FloatArray]]:
        space = self._deep_space()
        if space is None:
            return {}
        toward, away = self._mean(space, liked), self._mean(space, unliked)
        direction = np.asarray(_LIKE * toward - (_UNLIKE if liked else np.float32(1)) * away, np.float32)
        length = np.float32(np.linalg.norm(direction))
        return {"liked": (space, direction / length)} if length > 0 else {}

    def _deep_space(self) -> str | None:
        """Name of the deep space; the encoder is loaded only where there are several to choose from."""
        spaces = self._deep_spaces()
        if len(spaces) > 1:
            return f"deep:{self._load_encoder().name}"
        return spaces[0] if spaces else None

    def _deep_spaces(self) -> list[str]:
        return [space.name for space in self._store.spaces() if space.name.startswith("deep:")]

    def _mean(self, space_name: str, products: Sequence[int]) -> FloatArray:
        """Mean (D,) over products of the mean of their pictures; zeros for none."""
        space = self._store.space(space_name)
        if space is None:
            return np.zeros(0, np.float32)
        total = np.zeros(space.dim, np.float32)
        pictures: dict[int, set[int]] = {product: set() for product in products}
        for shown in self._store.candidates_of_products(products):
            if shown.picture is not None:
                pictures[shown.product].add(shown.picture)
        ids, vectors = self._store.vectors_of(space.id, set().union(*pictures.values()))
        for its in pictures.values():
            mine = np.isin(ids, list(its))
            if mine.any():
                total += vectors[mine].mean(axis=0) / np.float32(len(products))
        return total

    def _products(self, skus: Sequence[str]) -> list[int]:
        """Ids of products by their own sku or a variant's, each once."""
        ids = self._store.product_ids(skus)
        for sku in skus:
            if sku not in ids:
                raise unknown_sku(self._store, [sku])
        return list(dict.fromkeys(ids[sku] for sku in skus))


def _tells(word: str) -> bool:
    """Whether a word that was read may name a product: a price or a scrap of letters does not."""
    return len(word) > 2 - (not word.isascii()) and not word.isdecimal()


def _away(vector: FloatArray, encoder: Encoder, excluded: Sequence[Excluded]) -> FloatArray:
    """A unit vector (D,) of words, turned away from what looks like the excluded ones that the encoder knows."""
    texts = [one.english for one in excluded if not encoder.doubtful_words(one.english)]
    if not texts:
        return vector
    turned = vector - _EXCLUDED * encoder.encode_texts(texts).mean(axis=0)
    length = np.float32(np.linalg.norm(turned))
    return np.asarray(turned / length, np.float32) if length > 0 else vector
