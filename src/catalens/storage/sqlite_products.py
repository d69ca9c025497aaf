"""Products and pictures in SQLite, read back exactly as their source gave them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from catalens.errors import CatalogDamagedError
from catalens.json_text import parse_json
from catalens.storage.sqlite_connections import Connections, as_json, marks
from catalens.storage.store import Counts, Ids, KnownFile, Order, PictureFile, ShownPicture
from catalens.types import AttributeValue, PictureSource, Product, Variant, Where


class SqliteProducts(Connections):
    """The products and pictures of `store.Store`, to be read."""

    def counts(self) -> Counts:
        tables = ("product", "variant", "picture", "vector", "unread")
        counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        return Counts(*self.fetch_all(f"SELECT {counted}")[0])

    def product_count(self) -> int:
        return int(self.fetch_all("SELECT count(*) FROM product")[0][0])

    def product(self, sku: str) -> Product | None:
        found = self.product_ids([sku])
        with self.reading() as db:
            return next(iter(read_products(db, list(found.values()))), None)

    def products_after(self, sku: str, *, limit: int) -> list[Product]:
        with self.reading() as db:
            db.execute("BEGIN")  # one state for all statements
            ids = db.execute("SELECT id FROM product WHERE sku > ? ORDER BY sku LIMIT ?", (sku, limit)).fetchall()
            return read_products(db, [row[0] for row in ids])

    def product_ids(self, skus: Sequence[str]) -> dict[str, int]:
        variants = self.fetch_in("SELECT sku, product_id FROM variant WHERE sku IN ({marks})", skus)
        return dict([*variants, *self.fetch_in("SELECT sku, id FROM product WHERE sku IN ({marks})", skus)])

    def skus(self, product_ids: Ids) -> dict[int, str]:
        wanted = "SELECT id, sku FROM product WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self.fetch_all(wanted, (as_json(product_ids),)))

    def product_digests(self) -> dict[int, bytes]:
        return dict(self.fetch_all("SELECT id, digest FROM product"))

    def in_sku_order(self, product_ids: Ids, *, limit: int, offset: int) -> list[int]:
        rows = self.fetch_all(
            "SELECT id FROM product WHERE id IN (SELECT value FROM json_each(?)) ORDER BY sku LIMIT ? OFFSET ?",
            (as_json(product_ids), limit, offset),
        )
        return [row[0] for row in rows]

    def in_order(self, product_ids: Ids, *, by: Order, limit: int, offset: int) -> list[int]:
        order = "title COLLATE NOCASE, sku" if by == "title" else "id DESC"
        rows = self.fetch_all(
            f"SELECT id FROM product WHERE id IN (SELECT value FROM json_each(?)) ORDER BY {order} LIMIT ? OFFSET ?",
            (as_json(product_ids), limit, offset),
        )
        return [row[0] for row in rows]

    def shown_pictures(self, sku: str) -> tuple[ShownPicture, ...]:
        rows = self.fetch_all(
            "SELECT picture.hash, variant.sku, picture.height, picture.width FROM shown "
            "JOIN picture ON picture.id = shown.picture_id LEFT JOIN variant ON variant.id = shown.variant_id "
            "WHERE shown.product_id IN (SELECT id FROM product WHERE sku = ?1 "
            "UNION ALL SELECT product_id FROM variant WHERE sku = ?1) ORDER BY shown.position",
            (sku,),
        )
        found: dict[str, ShownPicture] = {}
        for hash, variant, height, width in rows:
            found.setdefault(hash.hex(), ShownPicture(hash.hex(), variant, (height, width)))
        return tuple(found.values())

    def picture_file(self, hash: bytes) -> PictureFile | None:
        rows = self.fetch_all("SELECT path, bytes FROM picture WHERE hash = ?", (hash,))
        return next((PictureFile(None if path is None else Path(path), data) for path, data in rows), None)

    def picture_ids(self, hashes: Sequence[str]) -> dict[str, int]:
        wanted = [bytes.fromhex(hash) for hash in hashes]
        rows = self.fetch_in("SELECT hash, id FROM picture WHERE hash IN ({marks})", wanted)
        return {hash.hex(): picture for hash, picture in rows}

    def named_locations(self, locations: Sequence[str]) -> set[str]:
        rows = self.fetch_all(
            "SELECT value FROM json_each(?1) WHERE value IN (SELECT location FROM shown UNION ALL "
            "SELECT location FROM unread UNION ALL SELECT path FROM file UNION ALL SELECT path FROM picture)",
            (as_json(locations),),
        )
        return {str(row[0]) for row in rows}

    def known_files(self, locations: Sequence[str], *, spaces: Sequence[str]) -> dict[str, KnownFile]:
        rows = self.fetch_all(
            f"SELECT path, size, mtime_ns, picture_id, {_has_vectors('file.picture_id', spaces)} "
            "FROM file WHERE path IN (SELECT value FROM json_each(?))",
            (*spaces, as_json(locations)),
        )
        return {path: KnownFile(size, mtime, picture, bool(done)) for path, size, mtime, picture, done in rows}

    def has_vectors(self, hash: bytes, *, spaces: Sequence[str]) -> bool:
        sql = f"SELECT {_has_vectors('picture.id', spaces)} FROM picture WHERE hash = ?"
        rows = self.fetch_all(sql, (*spaces, hash))
        return bool(rows and rows[0][0])


def _has_vectors(picture: str, spaces: Sequence[str]) -> str:
    """SQL: whether the picture (an SQL expression) has a vector in each of the spaces, bound in this order."""
    return (
        "(SELECT count(*) FROM vector JOIN space ON space.id = vector.space_id "
        f"WHERE vector.picture_id = {picture} AND space.name IN ({marks(len(spaces))})) = {len(spaces)}"
    )


def read_products(db: sqlite3.Connection, product_ids: Sequence[int]) -> list[Product]:
    """Read products back as their source gave them, in this order; those that are gone lack.

    Raises:
        CatalogDamagedError: a row is not what was written.
        sqlite3.Error: the caller translates it.
    """
    wanted = as_json(product_ids)
    among = "IN (SELECT value FROM json_each(:ids))"
    records = {
        row[0]: row[1:]
        for row in db.execute(
            f"SELECT id, sku, title, description, attributes, source FROM product WHERE id {among}", {"ids": wanted}
        )
    }
    variants: dict[int, list[tuple[int, str, str, str]]] = {id: [] for id in records}
    for product, *variant in db.execute(
        f"SELECT product_id, id, sku, title, attributes FROM variant WHERE product_id {among} ORDER BY id",
        {"ids": wanted},
    ):
        variants.setdefault(product, []).append(tuple(variant))
    places: dict[int, list[tuple[int | None, str]]] = {id: [] for id in records}
    for product, variant_id, location, _ in db.execute(
        f"SELECT product_id, variant_id, location, position FROM shown WHERE product_id {among} UNION ALL "
        f"SELECT product_id, variant_id, location, position FROM unread WHERE product_id {among} ORDER BY position",
        {"ids": wanted},
    ):
        places.setdefault(product, []).append((variant_id, location))
    return [_product(id, records[id], variants[id], places[id]) for id in product_ids if id in records]


def _product(
    id: int,
    record: tuple[str, str, str, str, str],
    variants: Sequence[tuple[int, str, str, str]],
    places: Sequence[tuple[int | None, str]],
) -> Product:
    try:
        sku, title, description, attributes, source = record
        where = Where(*parse_json(source))

        def pictures(variant_id: int | None) -> tuple[PictureSource, ...]:
            return tuple(PictureSource(location, where) for variant, location in places if variant == variant_id)

        return Product(
            sku=sku,
            where=where,
            title=title,
            description=description,
            attributes=read_attributes(attributes),
            pictures=pictures(None),
            variants=tuple(
                Variant(sku=sku, title=title, attributes=read_attributes(text), pictures=pictures(variant))
                for variant, sku, title, text in variants
            ),
        )
    except (TypeError, ValueError) as error:
        raise _damaged(id) from error


def _damaged(id: int) -> CatalogDamagedError:
    return CatalogDamagedError(
        f"the record of product {id} is not what was written",
        cure="run: catalens catalog doctor --repair, then add its source again",
    )


def read_product(db: sqlite3.Connection, product_id: int) -> Product:
    """Read one product that is there; see `read_products`."""
    found = read_products(db, [product_id])
    if not found:
        raise _damaged(product_id)
    return found[0]


def read_attributes(text: str) -> dict[str, AttributeValue]:
    """Read attributes from their JSON.

    Raises:
        TypeError, ValueError: it is none.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
