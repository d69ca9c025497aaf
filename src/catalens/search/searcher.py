"""Search: by photo, by words, by liked and disliked products, within a filter; every match says why.

The way of a query: what is asked becomes vectors and words (`query`); the deep index and the word index each name
candidates, among the products that the filter lets pass; every candidate is scored exactly on all parts, from the
vectors in the store; the best picture of each product is its match.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalens import options
from catalens.errors import FilterError, MissingExtraError, ModelError, NotFoundError, StorageError, UsageError
from catalens.features.similarity import similarity
from catalens.images.read import ImageLike
from catalens.index.space_index import SpaceIndex
from catalens.index.vector_index import EXACT_BELOW
from catalens.search.facets import facets_of, ordered
from catalens.search.filter_cache import FilterCache, Filtered
from catalens.search.filters import read_filter
from catalens.search.meaning import Meaning, Near
from catalens.search.merchandising import Rule, added_by, applying, read_rules
from catalens.search.query import Query, QueryBuilder, Request, photo_or_words
from catalens.search.ranking import read_scores, reasons, text_scores
from catalens.search.shop import ShopReader
from catalens.search.shown import shown
from catalens.search.text import QueryWords, find_by_words, needed_terms
from catalens.search.understand import Understood
from catalens.search.understand import understand as read_words
from catalens.storage.filter_terms import And, Filter, Has, Not
from catalens.storage.shop_files import ShopFiles, Stamp
from catalens.storage.store import Candidate, CandidateTexts, Store
from catalens.tasks.embed import Encoder
from catalens.tasks.embed_text import TextEncoder
from catalens.types import FloatArray, IntArray, Match, Matches

_LEAST_CANDIDATES, _CANDIDATES_PER_RESULT = 200, 10
_COUNT = replace(options.Search.k, minimum=0)
"""In Python k may be 0, which finds nothing."""
_DIGITS = 6
"""Decimals of scores and parts: what differs less is float32's rounding, so that it is equal, and goes by sku."""
_EVERYTHING = Not(Has(""))
"""A filter that lets all products pass."""
WEAK = "only weak matches were found, and they were left out; floor=False (--no-floor) lists them"
FLOOR, KIND_FLOOR = 0.1, 0.45
"""Cosine of a picture and words below which a product without any of the words is no answer: of all words, and of a
kind of product in a catalog whose texts name kinds. Over 439 goods and 1,000 clothes with the bundled encoder, the best
picture of another kind than the one asked for has 0.34 and 0.24 (median; 0.45 at most): looks alone do not tell that a
kind is there."""


@dataclass(frozen=True, slots=True)
class _Scored:
    candidate: Candidate
    score: float
    parts: Mapping[str, float]
    has_title: bool = False


class Searcher:
    """Searches the catalog of a store. Any number of threads may use it; it follows what any process commits.

    Args:
        store: the truth.
        load_encoder: gives the encoder of the catalog's deep space; called when a photo is searched for.
        exact_below: see `VectorIndex`.
        text_encoder: see `Meaning`.
    """

    def __init__(
        self,
        store: Store,
        load_encoder: Callable[[], Encoder],
        *,
        exact_below: int = EXACT_BELOW,
        text_encoder: str | TextEncoder | None = None,
    ) -> None:
        self._store = store
        self._queries = QueryBuilder(store, load_encoder)
        self.files = ShopFiles(store.folder)
        self.shop = ShopReader(store, self.files, self._queries.reader)
        self.meaning = Meaning(store, self.files, text_encoder)
        self._filters = FilterCache(store)
        self._exact_below = exact_below
        self._lock = threading.Lock()
        self._indexes: dict[str, SpaceIndex] = {}
        self._rules: tuple[Stamp, tuple[Rule, ...]] | None = None

    def search(
        self,
        image: ImageLike | None = None,
        text: str | None = options.Search.text.default,
        *,
        spelling: bool = options.Search.spelling.default,
        language: str | None = options.Search.language.default,
        like: Sequence[str] = options.Search.like.default,
        unlike: Sequence[str] = options.Search.unlike.default,
        where: str | Mapping[str, object] | None = options.Search.where.default,
        k: int = options.Search.k.default,
        offset: int = options.Search.offset.default,
        min_score: float | None = options.Search.min_score.default,
        weights: Mapping[str, float] | None = options.Search.weights.default,
        group: bool = options.Search.group.default,
        facets: Sequence[str] = options.Search.facets.default,
        sort: options.Sort = options.Search.sort.default,
        understand: bool = options.Search.understand.default,
        floor: bool = options.Search.floor.default,
        meaning: bool = options.Search.meaning.default,
    ) -> Matches:
        """Find similar products, best first; equal scores by sku.

        Args:
            image: photo to find similar products for: a path, bytes, a file, HWC uint8, or a PIL picture. A string that
                is no file's path is words (see `query.photo_or_words`).
            text: words to find in titles, descriptions and attributes, and in what pictures look like, where the
                encoder knows words.
            spelling: correct words that neither the catalog nor the encoder knows by the catalog's own; `corrected` of
                the answer names them.
            language: of the catalog's texts, for stems and stop words (ISO 639-1); None to guess it from them.
            like: skus of products (or variants) to find the like of; they are left out of the matches.
            unlike: skus of products to keep away from.
            where: filter on attributes, written or as a mapping (see `catalens.search.filters`); it is applied
                before, so that k products are found where so many pass. Alone it lists what passes, by sku.
            k: how many matches; fewer where there are no more.
            offset: how many of the best to leave out.
            min_score: leave out what scores less.
            weights: part -> weight, over `catalens.search.weights.DEFAULT_WEIGHTS`: deep, color, texture, shape,
                text, words, read, liked. The weights of what is asked are scaled to sum to 1.
            group: one match for each product, its best picture; False for one match for each picture that shows it.
            facets: attributes to count the values of among the products of the query (see `hits`); `total` is counted
                then, too.
            sort: "best", or the products of the query by "price", "-price", "title" or "newest"; one match each.
            understand: read negation, prices and sizes in the words, and look for other words that name the same.
            floor: by words alone, leave out products that have none of them and look less like them than `FLOOR`
                (`KIND_FLOOR` where words name a kind of product and the catalog's texts do, too).
            meaning: find products by the meaning of their texts, too, where the catalog has a text encoder
                (`search.meaning`).

        Returns:
            Matches whose `parts` sum to their score, at most 1.

        Raises:
            UsageError: nothing is asked, or a number or a weight makes no sense; FilterError for the filter.
            NotFoundError: no photo there, or no product of a sku in `like` or `unlike`.
            ImageError, ModelError: the photo or the encoder cannot be used.
        """
        started = time.perf_counter()
        _check_options(k, offset, min_score, language)
        if isinstance(image, str):
            image, words = photo_or_words(image)
            if words and text:
                raise UsageError("words came twice, as the query and as text", cure="give them once")
            text = words or text
        options.check_all(options.Search, facets=facets, sort=sort)
        said = self._understood(text, language) if understand and isinstance(text, str) and text.strip() else None
        terms = [*([] if where is None else [read_filter(where)]), *(said.filters if said else ())]
        term = None if not terms else terms[0] if len(terms) == 1 else And(tuple(terms))
        # A query of nothing but "with" or "un" is its words.
        meant = said if said and not said.is_empty else None
        passing = None if term is None else self._filters.products(term)
        near, notes = self._near(text, meant, passing) if meaning else (None, ())
        problem = self.shop.problem if said else ""
        notes = (*(said.notes if said else ()), *notes, *([problem] if problem else []))
        request = Request(image, text, like, unlike, term, weights, spelling, language, meant, near)
        if term is not None and passing is not None and not len(passing.products):
            notes += tuple(f"no product has an attribute {name!r}" for name in self._filters.unknown_attributes(term))
        query = Query({}) if request.asks_for_all else self._queries.build(request)
        left_out = self.shop.excluded_products(said.excluded) if said else frozenset[int]()
        try:
            added = self._added(text)
        except (UsageError, FilterError, StorageError) as error:
            # A file that is half written by hand stops no search.
            added, notes = {}, (*notes, f"the shop's rules were not applied: {error.what}")
        query = replace(query, left_out=query.left_out | left_out, added=added)
        is_listed = request.asks_for_all or sort != "best"
        hits = self.hits(query, term) if facets or is_listed else None
        if sort != "best" and hits is not None:
            matches = self._sorted(query, hits, sort, k=k, offset=offset)
        elif request.asks_for_all and hits is not None:
            matches = self._listed(hits, k=k, offset=offset, min_score=min_score)
        else:
            scored = self._scored(query, passing, wanted=k + offset, group=group) if k else []
            kept = [one for one in scored if _is_enough(one, query, min_score, floor=floor)]
            if scored and not kept and floor and min_score is None:
                notes += (WEAK,)
            matches = self._matches(kept[offset : offset + k], query.words if query.words.words else query.read)
        if term is not None and group:
            matches = [shown(self._store, match, term) for match in matches]
        return Matches(
            tuple(matches),
            str(request),
            1000 * (time.perf_counter() - started),
            notes + query.notes,
            query.words.corrected,
            said.chips if said else (),
            None if hits is None else len(hits),
            facets_of(self._store, facets, term, lambda within: self.hits(query, within)) if facets else (),
        )

    def _understood(self, text: str, language: str | None) -> Understood:
        shop = self.shop.shop()
        return read_words(text, shop if language is None else replace(shop, languages=(language,)))

    def _near(
        self, text: str | None, meant: Understood | None, passing: Filtered | None
    ) -> tuple[Near | None, tuple[str, ...]]:
        """Products whose texts mean what is looked for, and notes; None without words or a text encoder."""
        asked = (text if meant is None or meant.is_plain else meant.text) or ""
        if not isinstance(asked, str) or not asked.strip():
            return None, ()
        try:
            if not self.meaning.name:
                return None, ()
            return self.meaning.nearest(asked, passing=None if passing is None else passing.products)
        except (MissingExtraError, ModelError, NotFoundError, StorageError, UsageError) as error:
            # What is written is found without a text encoder; that meaning was not asked is said, without a path.
            why = f"{error.what}; {error.cure}" if isinstance(error, MissingExtraError) else "its encoder does not load"
            return None, (f"texts were not compared by meaning: {why}",)

    def hits(self, query: Query, term: Filter | None) -> IntArray:
        """Ids of the products of a query within a filter: of words those with all of them, or with any of them where
        none has all; else all that pass. What is excluded is none of them.
        """
        passing = None if term is None else self._filters.products(term).products
        if query.words.words:
            needed = needed_terms(query.words)
            limit = self._store.product_count() or 1
            ids = self._store.find_words(needed, every=True, product_ids=passing, limit=limit) if needed else []
            if not ids and len(needed) > 1:
                ids = self._store.find_words(needed, every=False, product_ids=passing, limit=limit)
            if not ids and query.near is not None:
                ids = list(query.near.answers)
            found = np.array(sorted(ids), np.int64)
        else:
            found = self._filters.products(_EVERYTHING).products if passing is None else passing
        return np.setdiff1d(found, np.fromiter(query.left_out, np.int64)) if query.left_out else found

    def _sorted(self, query: Query, hits: IntArray, sort: options.Sort, *, k: int, offset: int) -> list[Match]:
        page = ordered(self._store, hits, sort, limit=k, offset=offset)
        candidates = self._store.candidates_of_products(page)
        scored = {one.candidate.product: one for one in self._ranked(query, candidates, group=True)}
        return self._matches([scored[product] for product in page if product in scored], query.words)

    def rules(self) -> tuple[Rule, ...]:
        """The shop's rules for what stands first.

        Raises:
            UsageError: a line of the file is no rule.
        """
        stamp = self.files.stamp("rules.txt")
        with self._lock:
            if self._rules is None or self._rules[0] != stamp:
                self._rules = stamp, read_rules(self.files.read("rules.txt"))
            return self._rules[1]

    def _added(self, text: str | None) -> dict[int, float]:
        """What the shop's rules add to products' scores for a query's words."""
        holding = applying(self.rules(), text or "")
        if not holding:
            return {}
        products = self._store.product_ids([sku for rule in holding for sku in rule.skus])
        passing = {
            rule: frozenset(self._filters.products(rule.filter).products.tolist())
            for rule in holding if rule.filter is not None
        }  # fmt: skip
        return added_by(holding, products, passing)

    def nearest(
        self, space: str, direction: FloatArray, *, where: str | Mapping[str, object] | None = None, k: int = 10
    ) -> Matches:
        """Products whose pictures lie nearest to a vector (D,) of a space, best first: part "looked for", a cosine.

        Raises:
            FilterError: the filter cannot be understood.
        """
        started = time.perf_counter()
        passing = None if where is None else self._filters.products(read_filter(where))
        vectors, _ = self._nearest(space, direction, passing, max(_LEAST_CANDIDATES, _CANDIDATES_PER_RESULT * k))
        candidates = _let_pass(passing, self._store.candidates_of_vectors(vectors))
        cosines = self._similarities(space, direction, candidates).tolist()
        scored = [
            _Scored(one, round(cosine, _DIGITS), {"looked for": cosine})
            for one, cosine in zip(candidates, cosines, strict=True)
        ]
        scored.sort(key=lambda one: (-one.score, one.candidate.product, one.candidate.position))
        matches = self._matches(_best_of_each_product(scored)[:k])
        return Matches(tuple(matches), f"near a vector of {space}", 1000 * (time.perf_counter() - started))

    # Candidates

    def _scored(self, query: Query, passing: Filtered | None, *, wanted: int, group: bool) -> list[_Scored]:
        """All candidates with their scores, best first; at least `wanted` where there are so many."""
        products = self._store.product_count()
        limit = max(_LEAST_CANDIDATES, _CANDIDATES_PER_RESULT * wanted)
        while True:
            candidates, all_seen = self._candidates(query, passing, limit, wanted)
            scored = self._ranked(query, candidates, group=group)
            if len(scored) >= min(wanted, products) or all_seen:
                return scored
            limit *= 4

    def _candidates(
        self, query: Query, passing: Filtered | None, limit: int, wanted: int
    ) -> tuple[list[Candidate], bool]:
        """Candidates, and whether there are no more of them."""
        found: dict[Candidate, None] = {}
        all_seen = True
        for space, direction in query.directions():
            vectors, exhausted = self._nearest(space, direction, passing, limit)
            found.update(dict.fromkeys(self._store.candidates_of_vectors(vectors)))
            all_seen = all_seen and exhausted
        if pinned := [product for product, added in query.added.items() if added > 1]:
            found.update(dict.fromkeys(self._store.candidates_of_products(pinned)))
        if query.words.words:
            allowed = None if passing is None else passing.products
            enough = wanted + len(query.left_out)
            if query.near is not None:
                found.update(dict.fromkeys(self._store.candidates_of_products(list(query.near.ranks))))
            named = find_by_words(self._store, query.words, products=allowed, wanted=enough, limit=limit)
            found.update(dict.fromkeys(self._store.candidates_of_products(named)))
            all_seen = all_seen and len(named) < limit
        if query.read.words:
            allowed = None if passing is None else passing.products
            read = find_by_words(self._store, query.read, products=allowed, wanted=wanted, limit=limit)
            found.update(dict.fromkeys(self._store.candidates_of_products(read)))
        kept = [one for one in _let_pass(passing, list(found)) if one.product not in query.left_out]
        return kept, all_seen

    def _nearest(
        self, space: str, direction: FloatArray, passing: Filtered | None, limit: int
    ) -> tuple[IntArray, bool]:
        """Ids of the vectors nearest to a direction, and whether that is all there are."""
        index = self._index(space).refresh()
        if index is None:
            return np.empty(0, np.int64), True
        allowed = None if passing is None else self._filters.vectors(passing, space)
        wanted = min(limit, len(index))
        _, ids = index.search(direction[None], k=wanted, passing=allowed)
        found = ids[0][ids[0] >= 0]
        return found, len(found) < limit

    def _index(self, space: str) -> SpaceIndex:
        with self._lock:
            if space not in self._indexes:
                self._indexes[space] = SpaceIndex(
                    self._store,
                    space,
                    folder=self._store.folder,
                    writable=not self._store.readonly,
                    exact_below=self._exact_below,
                )
            return self._indexes[space]

    # Scores

    def _ranked(self, query: Query, candidates: Sequence[Candidate], *, group: bool) -> list[_Scored]:
        titled: set[int] = set()
        parts = {part: self._similarities(space, vector, candidates) for part, (space, vector) in query.vectors.items()}
        if query.words.words:
            indexed = self._store.indexed_words(list({one.product for one in candidates}))
            by_words = text_scores(query.words, indexed)
            titled = {product for product, words in indexed.items() if words.title}
            parts["text"] = np.array([by_words.get(one.product, 0.0) for one in candidates], np.float32)
            if "words" in parts:  # what is seen counts as far as it is not written
                parts["words"] = parts["words"] * (1 - parts["text"])
            if query.near is not None:
                near = [query.near.worth(one.product, by_words.get(one.product, 0.0)) for one in candidates]
                parts["meaning"] = np.array(near, np.float32)
        if query.read.words:
            by_read = read_scores(query.read, self._store.indexed_words(list({one.product for one in candidates})))
            parts["read"] = np.array([by_read.get(one.product, 0.0) for one in candidates], np.float32)
        skus = self._store.skus(sorted({one.product for one in candidates}))
        scored = []
        for place, candidate in enumerate(candidates):
            if candidate.product in skus:  # else removed a moment ago
                made = {
                    part: round(query.shares[part] * float(values[place]), _DIGITS) for part, values in parts.items()
                }
                if candidate.product in query.added:
                    made["rules"] = round(query.added[candidate.product], _DIGITS)
                scored.append(
                    _Scored(candidate, round(math.fsum(made.values()), _DIGITS), made, candidate.product in titled)
                )
        scored.sort(key=lambda one: (-one.score, skus[one.candidate.product], one.candidate.position))
        return _best_of_each_product(scored) if group else scored

    def _similarities(self, space: str, query: FloatArray, candidates: Sequence[Candidate]) -> FloatArray:
        """Cosine (N,) of the query with each candidate's picture; 0 without a picture or a vector."""
        found = np.zeros(len(candidates), np.float32)
        known = self._store.space(space)
        pictures = sorted({one.picture for one in candidates if one.picture is not None})
        if known is None or not pictures:
            return found
        ids, vectors = self._store.vectors_of(known.id, pictures)
        cosines = dict(zip(ids.tolist(), similarity(query[None], vectors)[0].tolist(), strict=True))
        for place, one in enumerate(candidates):
            if one.picture is not None:
                found[place] = cosines.get(one.picture, 0.0)
        return found

    # Matches

    def _listed(self, products: IntArray, *, k: int, offset: int, min_score: float | None) -> list[Match]:
        if min_score is not None and min_score > 0:
            return []
        listed = self._store.in_sku_order(products, limit=k, offset=offset)
        first: dict[int, Candidate] = {}
        for candidate in self._store.candidates_of_products(listed):
            first.setdefault(candidate.product, candidate)
        return self._matches([_Scored(first[product], 0.0, {}) for product in listed if product in first])

    def _matches(self, scored: Sequence[_Scored], words: QueryWords | None = None) -> list[Match]:
        texts = self._store.texts([one.candidate for one in scored])
        matches = [(one, _match(one, texts[one.candidate])) for one in scored if one.candidate in texts]
        if words is None or not words.words:
            return [match for _, match in matches]
        indexed = self._store.indexed_words([one.candidate.product for one, _ in matches])
        return [
            replace(match, reasons=reasons(words, indexed[one.candidate.product]))
            if one.candidate.product in indexed
            else match
            for one, match in matches
        ]


def _is_enough(one: _Scored, query: Query, min_score: float | None, *, floor: bool) -> bool:
    """Whether a product is an answer: by its score without the shop's rules, and for words alone by its likeness."""
    added = one.parts.get("rules", 0.0)
    if min_score is not None and one.score - added < min_score:
        return False
    if not floor or not query.is_words_only or added > 1 or one.parts.get("text", 0.0) > 0:
        return True
    if one.parts.get("meaning", 0.0) > 0:
        return True
    least = KIND_FLOOR if query.has_kind and one.has_title else FLOOR
    return one.parts.get("words", 0.0) >= least * query.shares.get("words", 0.0) > 0


def _let_pass(passing: Filtered | None, candidates: list[Candidate]) -> list[Candidate]:
    if passing is None:
        return candidates
    allowed = passing.among([one.product for one in candidates])
    return [one for one in candidates if one.product in allowed]


def _match(one: _Scored, texts: CandidateTexts) -> Match:
    return Match(
        texts.sku,
        one.score,
        one.parts,
        texts.title,
        {**texts.attributes, **texts.variant_attributes},
        picture=texts.path,
        picture_hash=texts.hash,
        variant=texts.variant,
    )


def _best_of_each_product(scored: Sequence[_Scored]) -> list[_Scored]:
    best: dict[int, _Scored] = {}
    for one in scored:
        best.setdefault(one.candidate.product, one)
    return list(best.values())


def _check_options(k: int, offset: int, min_score: float | None, language: str | None) -> None:
    options.check(_COUNT, k)
    options.check_all(options.Search, offset=offset, min_score=min_score, language=language)
