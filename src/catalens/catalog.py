"""The catalog: products with their pictures and vectors in one folder, durable on return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from catalens import options
from catalens.errors import CatalogBusyError, ConflictError, NotFoundError, UsageError
from catalens.feeds.archives import FEED_SUFFIXES
from catalens.feeds.channel_lines import channel_lines, names_of
from catalens.feeds.channels import CHANNELS
from catalens.feeds.position import Position
from catalens.feeds.readiness import Readiness, readiness
from catalens.feeds.sources import Source, open_sources
from catalens.images.folder import SUFFIXES
from catalens.images.read import ImageLike, read_image
from catalens.models.device import AUTO
from catalens.search.searcher import Searcher
from catalens.search.shop_words import ShopWords
from catalens.storage import export
from catalens.storage.audit import LOCAL, AuditLog
from catalens.storage.backup import Backup, back_up, restore
from catalens.storage.diagnosis import Diagnosis
from catalens.storage.doctor import diagnose
from catalens.storage.encoder import ChosenEncoder, unit_vector
from catalens.storage.erasure import Receipt, erase, finish_erasures, is_behind
from catalens.storage.info import CatalogInfo, count_all
from catalens.storage.ingest import Ingest
from catalens.storage.listed import compare
from catalens.storage.merge import patched
from catalens.storage.missed import MissedSearches
from catalens.storage.pictures import deep_space, picture_data
from catalens.storage.places import Places
from catalens.storage.reading import ProductTexts, TextReport
from catalens.storage.records import version_of
from catalens.storage.sqlite import SqliteStore
from catalens.storage.store import ShownPicture, Store
from catalens.storage.unknown_sku import unknown_sku
from catalens.storage.upgrade import UpgradePlan, UpgradeReport, plan_upgrade, upgrade
from catalens.tasks.attributes import Filled, filled
from catalens.tasks.embed import Encoder
from catalens.tasks.embed import encoder as load_encoder
from catalens.tasks.embed_text import TextEncoder
from catalens.tasks.reading import text_reader
from catalens.types import (
    AddReport,
    Attributes,
    AttributeValue,
    Facet,
    Failure,
    FloatArray,
    ImageArray,
    Matches,
    Product,
    Progress,
)

if TYPE_CHECKING:
    from catalens.styling.look import Look
    from catalens.styling.outfit import Outfits
    from catalens.styling.room import Room

_PAGE = 64
"""Products read at once: one of them takes up to 2 MB (`storage.records`)."""
_NO_ATTRIBUTES: Attributes = {}


class Catalog(ShopWords):
    """Products with their pictures, vectors and words, in a folder (`Catalog.open`) or in a store of your own.

    Changes are on disk when a call returns. One process writes at a time, any number read, and what one of them
    committed the others see in their next call. An object may be used from several threads.

    It is a collection of products: `for product in catalog`, `len(catalog)`, `sku in catalog`, `catalog[sku]`.

    Args:
        store: see `catalens.storage.store.Store`; it is closed with the catalog.
        encoder, device, dtype, text_encoder: as in `Catalog.open`.
        who: who writes, for the audit log: the id of an API key, or "local".
    """

    def __init__(
        self,
        store: Store,
        *,
        encoder: str | Encoder | None,
        device: str = AUTO,
        dtype: str = AUTO,
        who: str = LOCAL,
        text_encoder: str | TextEncoder | None = None,
    ) -> None:
        self._store, self._who = store, who
        self._audit = AuditLog(None if store.folder is None else Places(store.folder).audit, who=who)
        self._encoder = ChosenEncoder(encoder, device=device, dtype=dtype)
        self._searcher = Searcher(store, self.encoder, text_encoder=text_encoder)
        self._texts: ProductTexts | None = None
        self._missed = None if store.folder is None else MissedSearches(Places(store.folder).missed)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        encoder: str | Encoder | None = None,
        readonly: bool = False,
        device: str = AUTO,
        dtype: str = AUTO,
        who: str = LOCAL,
        text_encoder: str | TextEncoder | None = None,
    ) -> Catalog:
        """Open the catalog in a folder; create it if it does not exist, unless `readonly`.

        After a restore from a backup, the log of erasures is applied first.

        Args:
            path: a folder of its own. It holds `catalog.db`, `lock` and `index/`.
            encoder: embeds pictures and queries: a bundled encoder's name, a folder with a card, or an `Encoder`; the
                bundled one where None. It is loaded when it is first needed.
            readonly: create nothing and refuse to write.
            who: who writes, for the audit log: the id of an API key, or "local".
            device, dtype: where an encoder that is named runs, and in which precision (`models.device`).
            text_encoder: for search by meaning: what the catalog remembers where None. Another one than that embeds
                all texts first, as `set_text_encoder` does, unless `readonly`.

        Raises:
            NotFoundError: `readonly`, and there is no catalog.
            UsageError: nothing is there, and the name is that of a table or a picture.
            StorageError: a file, a folder with other things in it, or one that may not be written.
            CatalogVersionError, CatalogDamagedError, CatalogError: newer, damaged, another program's.
        """
        folder = options.path_of(path, name="path of the catalog")
        if not readonly:
            _refuse_file_name(folder)
        store = SqliteStore(folder, readonly=readonly)
        if is_behind(store):
            with suppress(CatalogBusyError), SqliteStore(folder) as writable:  # who writes now went through it
                finish_erasures(writable)
        shop = cls(store, encoder=encoder, device=device, dtype=dtype, who=who, text_encoder=text_encoder)
        if text_encoder is not None and not readonly:
            try:
                shop.set_text_encoder(text_encoder)
            except BaseException:
                shop.close()
                raise
        return shop

    @property
    def path(self) -> Path:
        """The folder.

        Raises:
            UsageError: it is kept in a store without one.
        """
        if self._store.folder is None:
            raise UsageError("this catalog lies in no folder", cure="ask its store where it is")
        return self._store.folder

    # In and out

    def add(
        self,
        source: Source,
        *,
        media: str | Path | None = options.Add.media.default,
        mapping: Mapping[str, str] | None = options.Add.mapping.default,
        format: str | None = options.Add.format.default,
        fetch: bool | frozenset[str] = options.Add.fetch.default,
        blur_faces: bool = options.Add.blur_faces.default,
        encoder: str | Encoder | None = options.Add.encoder.default,
        progress: Progress | None = None,
        encoding: str | None = None,
        join: Sequence[str | Path] = options.Add.join.default,
        clear_empty: bool = options.Add.clear_empty.default,
        prune: bool = options.Add.prune.default,
        source_name: str | None = options.Add.source_name.default,
        partial: bool = False,
    ) -> AddReport:
        """Add products, or update them.

        What the source does not mention, or cannot deliver now, stays as it was: products, variants and fields that it
        does not have, what it leaves empty, and pictures that cannot be read (each is a `Failure` in the report). A
        product whose record and files are as they were costs nothing. What is interrupted goes on from there the next
        time.

        Args:
            source: a feed, its address (of the web with `fetch`, or of an object store), a folder of photos or a photo;
                several of them; or products.
            media: folder that a feed's picture paths start from.
            mapping: field -> column, if the automatic choice is wrong.
            format: name of the feed's format, if it is not recognised.
            fetch: read pictures from public web addresses, too; or only from these hosts, also when redirected.
            blur_faces: hide faces before a picture is described, embedded or, fetched from the web, kept. The files of
                your own stay as they are, and so does what was taken in before.
            encoder: encoder to embed with; vectors of other encoders are kept.
            progress: called with (products done, expected number of products if the file's lines tell it, current step
                and file).
            encoding: of the feed's text, if it is not recognised.
            join: further tables of pictures, prices or other attributes, joined by sku; of several paths in `source`,
                those that hold nothing else are.
            clear_empty: clear what the source mentions and leaves empty: cells, and all that a `Product` or a line of
                our own export lacks. A column that is absent clears nothing.
            prune: remove products and variants that this source listed before and lists no longer; the report counts
                them without it. Nothing is removed where a row of the source could not be read.
            source_name: identifies the source in later calls; its path if None.
            partial: the source lists more than this: `compare` counts what vanished, once all parts are in.

        Raises:
            FeedError, NotFoundError, UsageError: the source cannot be read at all.
            CatalogBusyError: another process is writing.
            ModelError: the catalog was embedded by another encoder than the default one.
            StorageError: the disk is full or read-only. Committed products are kept.
        """
        name = source_name or ""
        sources = open_sources(
            source, media=media, mapping=mapping, format=format, encoding=encoding, name=name, fetch=fetch, join=join
        )
        if prune and partial:
            raise UsageError("a part of a source does not say what vanished from it", cure="call compare at the end")
        if prune and not (sources.readings or name):
            raise UsageError("products alone do not say of which source they are", cure="pass source_name, too")
        if name and len(sources.readings) > 1:
            raise UsageError(f"{len(sources.readings)} sources and one name", cure="add them one by one")
        position = None if progress is None else Position(progress)
        with self._store.writing():
            chosen = self._encoder.to_add(self._store, asked=encoder)
            ingest = Ingest(
                self._store, chosen, fetch=fetch, blur_faces=blur_faces, clear_empty=clear_empty, prune=prune,
                progress=position,
            )  # fmt: skip
            for part in sources.parts():
                items = part.items if position is None else position.watched(part.items, part.identity)
                ingest.run(items, feed=part.identity, partial=partial)
            report = ingest.report()
            if report.removed:
                self._store.checkpoint()
        counts = {name: getattr(report, name) for name in ("added", "updated", "unchanged", "removed")}
        self._audit.note("add", **counts, failed=len(report.failed))
        notes = (*sources.notes, *report.notes, *self._follow_texts(progress=progress))
        return replace(report, feed=sources.name, notes=notes)

    def bring_vectors(
        self, products: Iterable[Product], vectors: MutableMapping[str, FloatArray], *, encoder: str | Encoder
    ) -> int:
        """Write vectors that an encoder made elsewhere, each for the first picture of its product or variant.

        Args:
            products: in the catalog, with their pictures; those of others are left out.
            vectors: sku -> (D,); those of the products are taken out.
            encoder: that made them; its name is that of their space.

        Returns:
            How many were written. A picture keeps a vector that it has in this space.

        Raises:
            ModelError: they have another dimension than the encoder, or no length.
        """
        made_by = load_encoder(encoder) if isinstance(encoder, str) else encoder
        first: dict[str, FloatArray] = {}
        for product in products:
            shown = [(product.sku, product.pictures), *((one.sku, one.pictures) for one in product.variants)]
            for sku, pictures in shown:
                vector = vectors.pop(sku, None)
                if vector is not None and pictures:
                    first.setdefault(pictures[0].location, unit_vector(vector, dim=made_by.dim, sku=sku))
        space = deep_space(made_by)
        known = self._store.known_files(list(first), spaces=[space])
        lacking = {place: file.picture for place, file in known.items() if not file.complete}
        with self._store.writing(), self._store.change() as change:
            for place, picture in lacking.items():
                change.write_vectors(picture, {space: first[place]})
        return len(lacking)

    def read_texts(self, *, after: str = "", most: int | None = None, progress: Progress | None = None) -> TextReport:
        """Read the text on products' pictures into their attribute `read_text`, where it was not read before.

        Searches by words find it from then on, and searches by photo read the query photo, too.

        Args:
            after: go on behind the product of this sku.
            most: stop behind so many products that were read; the report's `after` says where to go on.
            progress: called with (products done, their number, what is done).

        Raises:
            MissingExtraError: the extra `ocr` is not installed.
            CatalogBusyError, StorageError: as `add`.
        """
        if self._texts is None:
            self._texts = ProductTexts(text_reader())
        found = self._texts.run(self._store, after=after, most=most, progress=progress)
        if found.read:
            self._audit.note("read_text", read=found.read, with_text=found.with_text)
        return found

    def compare(self, listed: Iterable[Product | Failure], *, source_name: str, prune: bool = False) -> AddReport:
        """Count, or remove, what a source listed before and lists no longer; for one that was added part by part.

        Args:
            listed: all products that the source lists now, and its failures.
            source_name: as each part was added with.
            prune: as in `add`.

        Raises:
            CatalogBusyError, StorageError: as `add`.
        """
        name = options.texts_of([source_name], name="source_name")[0]
        if isinstance(listed, str | Path) or not isinstance(listed, Iterable):
            raise UsageError(
                f"expected products and got {type(listed).__name__}", cure="pass all that the source lists"
            )
        sources = open_sources(iter(listed), media=None, mapping=None, format=None, name=name)
        with self._store.writing():
            found = compare(self._store, next(sources.parts()).items, name, prune=prune)
            if found.removed:
                self._store.checkpoint()
        if found.removed:
            self._audit.note("add", removed=found.removed)
            self._follow_texts()
        return AddReport(notes=found.notes, missing=found.missing, removed=found.removed)

    def put(self, product: Product, *, expected_version: str | None = None) -> AddReport:
        """Replace the product with this sku: empty fields are cleared.

        Args:
            expected_version: what `version` said when the caller read the product; "" where there must be none yet.

        Raises:
            ConflictError: the product has another version now; nothing was written.
            As `add`.
        """
        if not isinstance(product, Product):
            raise UsageError(f"expected a product and got {type(product).__name__}", cure="pass catalens.Product")
        with self._store.writing():
            self._expect(product.sku, expected_version)
            chosen = self._encoder.to_add(self._store, asked=None)
            ingest = Ingest(self._store, chosen, clear_empty=True)
            ingest.run([replace(product, mentions=None)])
        self._audit.note("put", skus=[product.sku])
        self._follow_texts()
        return ingest.report()

    def update(
        self,
        sku: str,
        *,
        title: str | None = None,
        description: str | None = None,
        attributes: Mapping[str, AttributeValue | None] = _NO_ATTRIBUTES,
        expected_version: str | None = None,
    ) -> Product:
        """Change some fields of a product; other fields, pictures and variants stay.

        Args:
            sku: a product's own; or that of a variant, whose title and attributes are changed then.
            title, description: the new text; None leaves it, "" clears it.
            attributes: those to set; the value None removes one. Others stay.
            expected_version: what `version` said when the caller read the product.

        Returns:
            The changed product; `version(sku)` is its new version.

        Raises:
            NotFoundError: no such sku.
            ConflictError: the product has another version now; nothing was written.
            UsageError: a value of a wrong type, or a description for a variant, which has none.
            CatalogBusyError, StorageError: as `add`.
        """
        with self._store.writing():
            self._expect(sku, expected_version)
            before = self.get(sku)
            after = patched(before, sku, title=title, description=description, attributes=attributes)
            if after != before:
                with self._store.change() as writer:
                    written = writer.written(before.sku)
                    if written is not None:
                        writer.write_product(after, written.shown, stale=written.stale, feed=written.feed)
        self._audit.note("update", skus=[before.sku])
        self._follow_texts()
        return after

    def version(self, sku: str) -> str:
        """Version of a product's record: another one whenever a field, a variant or a picture's place changed.

        Raises:
            NotFoundError: there is none.
        """
        return version_of(self.get(sku))

    def _expect(self, sku: str, version: str | None) -> None:
        if version is None:
            return
        found = self._store.product(sku)
        if version != ("" if found is None else version_of(found)):
            raise ConflictError(
                f"product {sku!r} has changed since it was read", cure="read it again and decide on what it says now"
            )

    def remove(self, *skus: str, expected_version: str | None = None) -> int:
        """Remove products, all or none; return how many. Photo files are not touched.

        Words, vectors and pictures that nothing else shows are overwritten on the disk, in the log, too.

        Args:
            expected_version: what `version` said of each of them; one that differs prevents all.

        Raises:
            NotFoundError: at least one sku is no product's; nothing was removed.
            ConflictError: a product has another version now; nothing was removed.
        """
        wanted = sorted(set(options.texts_of(skus, name="a sku")))
        with self._store.writing():
            for sku in wanted:
                self._expect(sku, expected_version)
            with self._store.change() as writer:
                if unknown := writer.unknown(wanted):
                    raise unknown_sku(self._store, unknown)
                writer.remove(wanted)
            self._store.checkpoint()
        if wanted:
            self._audit.note("remove", skus=wanted)
            self._follow_texts()
        return len(wanted)

    def erase(self, *skus: str, expected_version: str | None = None) -> Receipt:
        """Erase products and every copy of them: all of them or none.

        Beside what `remove` does: index files, uploads, records of jobs, stored answers, databases that repairs kept,
        signed addresses. Photos of your own are not touched; the receipt's `left` names them, and its `kept` the
        pictures that other products show, too. The erasure is noted,
        as hashes, in `<catalog>.erasures.jsonl`: keep it, for a backup that is put back is run through it.

        Args:
            expected_version: as of `remove`.

        Raises:
            NotFoundError: nothing of a sku was found anywhere; nothing was erased.
            ConflictError: a product has another version now; nothing was erased.
            CatalogBusyError: another process is writing, or a job is under way that may bring them back.
            StorageError: a file cannot be written; run it again.
        """
        for sku in options.texts_of(skus, name="a sku"):
            self._expect(sku, expected_version)
        receipt = erase(self._store, skus, who=self._who)
        self._forget_texts(skus)
        self._audit.note("erase", skus=skus, traces=len(receipt.traces))
        return receipt

    def get(self, sku: str) -> Product:
        """Return a product by its sku or by the sku of one of its variants.

        Raises:
            NotFoundError: there is none.
        """
        found = self._store.product(*options.texts_of([sku], name="the sku"))
        if found is None:
            raise unknown_sku(self._store, [sku])
        return found

    def __getitem__(self, sku: str) -> Product:
        """As `get`: `catalog["A-1"]`; an unknown sku is a `NotFoundError`, not a `KeyError`."""
        return self.get(sku)

    def __contains__(self, sku: object) -> bool:
        """Whether a product or one of its variants has this sku."""
        return isinstance(sku, str) and bool(self._store.product_ids([sku]))

    def __iter__(self) -> Iterator[Product]:
        """All products in the order of their skus."""
        return self.products()

    def __len__(self) -> int:
        """Number of products."""
        return self._store.product_count()

    def products(self, *, after: str | None = None) -> Iterator[Product]:
        """All products ordered by sku, starting after `after`."""
        last = "" if after is None else after
        while True:
            page = self._store.products_after(last, limit=_PAGE)
            if not page:
                return
            yield from page
            last = page[-1].sku

    def pictures(self, sku: str) -> tuple[ShownPicture, ...]:
        """Pictures of a product that were read, in their order; by its own sku or by that of one of its variants."""
        return self._store.shown_pictures(*options.texts_of([sku], name="the sku"))

    def photo_of(self, sku: str) -> ImageArray:
        """The first picture of a product, HWC uint8.

        Raises:
            NotFoundError: no such product, or it has no picture.
            ImageError, StorageError: its file cannot be read.
        """
        if sku not in self:
            raise unknown_sku(self._store, [sku])
        shown = self.pictures(sku)
        if not shown:
            raise NotFoundError(f"product {sku!r} has no picture", cure="name another product, or a file")
        return read_image(self.picture(shown[0].hash))

    def picture(self, hash: str) -> bytes:
        """The file of a picture, by the hash that a match or `pictures` says.

        Raises:
            NotFoundError: no such picture, or its file is gone.
            StorageError: its file cannot be read.
        """
        return picture_data(self._store, *options.texts_of([hash], name="the hash"))

    def has_picture(self, hash: str) -> bool:
        """Whether any product shows the picture of this hash (SHA-256, in hex)."""
        try:
            return bool(self._store.picture_ids(options.texts_of([hash], name="the hash")))
        except ValueError:
            return False

    def facets(self, *, most: int = 40) -> tuple[Facet, ...]:
        """Attributes to filter by, the most common first, with at most so many values each."""
        return self._store.facets(most=most)

    def export_lines(
        self,
        *,
        format: str = "jsonl",
        picture_base: str = "",
        currency: str = "",
        products: Sequence[Product] | None = None,
    ) -> Iterator[str]:
        """All products as lines of text.

        Args:
            format: "jsonl", which `add` reads back whole; "csv" for spreadsheets; or a feed: "google", "meta",
                "openai", "acp", "jsonld" (`feeds.channels`).
            picture_base: for feeds, address of the folder that pictures which are files are published in.
            currency: for feeds, of prices that name none, ISO 4217.
            products: for feeds, instead of those of the catalog, such as `filled` ones.

        Raises:
            UsageError: another format.
        """
        if format in CHANNELS:
            return channel_lines(
                self.products() if products is None else products,
                format,
                attribute_names=names_of(self.products() if products is None else products),
                picture_base=picture_base,
                currency=currency,
            )
        names = chain.from_iterable(product.attributes for product in self.products()) if format == "csv" else ()
        return export.lines(self.products(), format=format, attribute_names=names)

    def filled(
        self, attributes: Sequence[str], *, min_confidence: float = 0.5, told: Callable[[Filled], None] | None = None
    ) -> Iterator[Product]:
        """Products with attributes predicted from their photos where the shop states none; the catalog is not changed.

        Args:
            attributes: some of "color", "pattern", "category".
            min_confidence: fill nothing below it, 0..1.
            told: called of each attribute that is filled.

        Raises:
            UsageError: another attribute.
        """
        return filled(
            self.products(),
            attributes,
            encoder=self.encoder(),
            min_confidence=min_confidence,
            told=told or (lambda _: None),
        )

    def readiness(
        self,
        channel: str,
        *,
        picture_base: str = "",
        currency: str = "",
        products: Sequence[Product] | None = None,
    ) -> Readiness:
        """Missing and invalid values for the feed of a channel, counted by field. Arguments as of `export_lines`."""
        given = self.products() if products is None else products
        return readiness(given, channel, picture_base=picture_base, currency=currency)

    def export(
        self,
        path_or_file: str | Path | TextIO,
        *,
        format: str = "jsonl",
        picture_base: str = "",
        currency: str = "",
        products: Sequence[Product] | None = None,
    ) -> int:
        """Write all products to a file, which appears whole or not at all, or to an open one; return how many.

        Arguments as of `export_lines`. In tables the variants of a product have lines of their own and are counted.

        Raises:
            UsageError: another format.
            StorageError: the file cannot be written.
        """
        lines = self.export_lines(format=format, picture_base=picture_base, currency=currency, products=products)
        return export.write(path_or_file, lines) - export.FRAME.get(format, 0)

    # Searching

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
        """Find similar products, best first; `search.searcher.Searcher.search` says what each argument does."""
        return self._searcher.search(
            image,
            text,
            spelling=spelling,
            language=language,
            like=like,
            unlike=unlike,
            where=where,
            k=k,
            offset=offset,
            min_score=min_score,
            weights=weights,
            group=group,
            facets=facets,
            sort=sort,
            understand=understand,
            floor=floor,
            meaning=meaning,
        )

    def look(
        self,
        image: ImageLike,
        *,
        k: int = options.Look.k.default,
        where: str | None = options.Look.where.default,
        min_score: float = options.Look.min_score.default,
        model: str | None = options.Look.model.default,
        accept_licence: str | None = options.Look.accept_licence.default,
        device: str = options.Look.device.default,
        dtype: str = options.Look.dtype.default,
    ) -> Look:
        """Find similar products for each product on a photo; see `styling.look.shop_the_look`."""
        from catalens.styling.look import shop_the_look  # with it come two networks

        return shop_the_look(
            self.search, image, k=k, where=where, min_score=min_score, model=model, accept_licence=accept_licence,
            device=device, dtype=dtype,
        )  # fmt: skip

    def outfits(
        self,
        start: str | ImageLike | Sequence[str | ImageLike],
        *,
        k: int = options.Outfits.k.default,
        kinds: Sequence[str] = options.Outfits.kinds.default,
        budget: float | None = options.Outfits.budget.default,
        wishes: Sequence[str] = options.Outfits.wishes.default,
        colors: str | None = options.Outfits.colors.default,
        own: Sequence[ImageLike] = options.Outfits.own.default,
        like: Sequence[str] = options.Outfits.like.default,
        unlike: Sequence[str] = options.Outfits.unlike.default,
        model: str | None = options.Outfits.model.default,
        device: str = options.Outfits.device.default,
        dtype: str = options.Outfits.dtype.default,
    ) -> Outfits:
        """Complete an outfit around a product, a photo, or several of them.

        Args:
            start: sku of a product, a photo of one thing, or some of these.
            k: outfits; fewer where there are no more that differ.
            kinds: what to add (top, outerwear, dress, skirt, trousers, shoes, bag, hat, glasses, scarf, belt); what is
                missing beside `start` where empty.
            budget: maximum total price; products without a price are left out.
            wishes: an occasion, a season, a style, or any word that products should have in their text.
            colors: how the colors should stand: neutral, accent, analogous, complementary, contrast.
            own: photos of your own clothes, one item each: they may be proposed at no cost.
            like: skus of products that are liked: what looks like them is preferred.
            unlike: skus to avoid, with similar products.
            model: a bundled outfit network (the default where None), or a folder with a card.
            device, dtype: where it runs, and in which precision (`models.device`).

        Returns:
            Outfits, best first, each with its score, the score's parts and its reasons; `notes` say what could not be
            found.

        Raises:
            NotFoundError: no such product, or it has no picture.
            UsageError: a number, a kind or a name makes no sense.
            ImageError, ModelError: a photo, or a network, cannot be used.
        """
        from catalens.styling.outfit import OutfitRequest, complete_outfits  # with it comes a network

        asked = OutfitRequest(k, kinds, budget, wishes, colors, own, like, unlike)
        return complete_outfits(
            self._store, self._searcher.nearest, self.encoder(), start=start, asked=asked, model=model, device=device,
            dtype=dtype,
        )  # fmt: skip

    def room(
        self,
        image: ImageLike,
        *,
        k: int = options.Room.k.default,
        kinds: Sequence[str] = options.Room.kinds.default,
        budget: float | None = options.Room.budget.default,
        wishes: Sequence[str] = options.Room.wishes.default,
    ) -> Room:
        """Find products that fit a room and are not in it yet.

        Args:
            image: photo of a room.
            k: products of each kind.
            kinds: what to look for (sofa, armchair, chair, stool, table, lamp, pillow, vase, bowl, cup, bottle); all
                that the room does not show where empty.
            budget: the set, the first product of each kind, costs at most this.
            wishes: a style, a material, or any word that products should have in their text.

        Returns:
            What stands there, the room's colors, the goods with their reasons; `notes` say what could not be found.

        Raises:
            UsageError: a number or a kind makes no sense.
            ImageError, ModelError: the photo, or the encoder, cannot be used.
        """
        from catalens.styling.room import furnish  # with it come two networks

        return furnish(
            self._store, self._searcher.nearest, self.encoder(), image, k=k, kinds=kinds, budget=budget,
            wishes=wishes,
        )  # fmt: skip

    # Health

    def info(self) -> CatalogInfo:
        """Count what is in the catalog."""
        return count_all(self._store)

    def doctor(self, *, repair: bool = False, deep: bool = False) -> Diagnosis:
        """Check this catalog, and repair it if requested; use `diagnose` if it cannot be opened.

        Args:
            repair: restore what is possible.
            deep: read every photo and compare its content, not only its size and time.
        """
        try:
            return self._store.diagnose(repair=repair, deep=deep, load_encoder=self._encoder.load)
        finally:
            if repair:  # the store may be another now: indexes in memory are of the one before
                self._searcher = Searcher(self._store, self.encoder, text_encoder=self._searcher.meaning.chosen)

    def plan_upgrade(self) -> UpgradePlan:
        """What `upgrade` would do and how long it would take; nothing is written.

        Raises:
            ModelError, NotFoundError: the encoder cannot be loaded.
        """
        return plan_upgrade(self._store, self._encoder.load())

    def upgrade(self, plan: UpgradePlan | None = None, *, progress: Progress | None = None) -> UpgradeReport:
        """Bring the tables up to date, and embed each picture by the encoder that the catalog was opened with.

        What other encoders embedded stays. Pictures whose files are gone are named in the report.

        Args:
            plan: of `plan_upgrade`, where the caller has it already.
            progress: called with (pictures done, pictures to do, what is being done).

        Raises:
            CatalogBusyError, StorageError: as `add`. What is interrupted goes on from there the next time.
        """
        report = upgrade(self._store, self._encoder.load(), plan or self.plan_upgrade(), progress=progress)
        self._audit.note("upgrade", pictures=report.embedded, failed=len(report.failed))
        return report

    def backup(self, out: str | Path) -> Backup:
        """Copy the catalog into a new folder while it is in use; see `catalens.storage.backup.back_up`.

        Raises:
            UsageError: the folder is there and not empty, or the catalog lies in no folder itself.
            CatalogDamagedError, StorageError: the copy is not what was read; no room.
        """
        made = back_up(self.path, options.path_of(out, name="folder of the backup"))
        self._audit.note("backup", backup=made.sha256)
        return made

    @staticmethod
    def restore(
        backup: str | Path, path: str | Path, *, replace: bool = False, erasures: str | Path | None = None
    ) -> Backup:
        """Restore a catalog from a backup; see `catalens.storage.backup.restore`."""
        log = None if erasures is None else options.path_of(erasures, name="erasures")
        source, folder = options.path_of(backup, name="backup"), options.path_of(path, name="path of the catalog")
        return restore(source, folder, replace=replace, erasures=log)

    @staticmethod
    def diagnose(
        path: str | Path, *, repair: bool = False, deep: bool = False, encoder: str | Encoder | None = None
    ) -> Diagnosis:
        """Check a catalog that may be too damaged to open; see `catalens.storage.doctor.diagnose`."""
        folder = options.path_of(path, name="path of the catalog")
        return diagnose(folder, repair=repair, deep=deep, load_encoder=ChosenEncoder(encoder).load)

    # The encoder

    def encoder(self) -> Encoder:
        """Return the encoder of the catalog's vectors.

        Raises:
            ModelError: the catalog was embedded by another encoder than the one it was opened with.
        """
        return self._encoder.of(self._store)

    # Life

    def close(self) -> None:
        """Close the files. All changes are already on disk."""
        self._store.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = self._store.counts()
        name = type(self._store).__name__ if self._store.folder is None else repr(str(self._store.folder))
        return f"Catalog({name}: {counts.products} products, {counts.pictures} pictures)"


def open(
    path: str | Path,
    *,
    encoder: str | Encoder | None = None,
    readonly: bool = False,
    device: str = AUTO,
    dtype: str = AUTO,
    text_encoder: str | TextEncoder | None = None,
) -> Catalog:
    """Open the catalog in a folder; create it if it does not exist. See `Catalog.open`."""
    return Catalog.open(path, encoder=encoder, readonly=readonly, device=device, dtype=dtype, text_encoder=text_encoder)


def look(
    image: ImageLike,
    *,
    catalog: Catalog | str | Path,
    k: int = options.Look.k.default,
    where: str | None = options.Look.where.default,
    min_score: float = options.Look.min_score.default,
    model: str | None = options.Look.model.default,
    accept_licence: str | None = options.Look.accept_licence.default,
    device: str = options.Look.device.default,
    dtype: str = options.Look.dtype.default,
) -> Look:
    """Find each product that is on a photo in a catalog: `Catalog.look`, of an open one or of the one in a folder.

    Raises:
        As `Catalog.open` and `Catalog.look`; the catalog is only read.
    """
    with ExitStack() as opened:
        if not isinstance(catalog, Catalog):
            catalog = opened.enter_context(Catalog.open(catalog, readonly=True, device=device, dtype=dtype))
        return catalog.look(
            image, k=k, where=where, min_score=min_score, model=model, accept_licence=accept_licence, device=device,
            dtype=dtype,
        )  # fmt: skip


def _refuse_file_name(path: Path) -> None:
    """A catalog is a folder: refuse to make one where a feed's or a picture's name was given in its place."""
    if path.suffix.lower() in (*FEED_SUFFIXES, *SUFFIXES) and not path.exists():
        raise UsageError(
            f"{path} is named like a file, and a catalog is a folder",
            cure="name a folder for the catalog, such as shop, and add the file to it",
        )
