"""Writing into SQLite: pictures, vectors and products, inside one transaction."""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import numpy as np

from catalens.errors import CatalogDamagedError, ModelError
from catalens.storage.records import digest, facets, indexed, pictures_of, searchable
from catalens.storage.sqlite_products import read_product
from catalens.storage.store import ReadPicture, WrittenProduct
from catalens.storage.word_index import INSERT_WORDS
from catalens.types import FloatArray, Product, Variant

ERASURES = "catalens erasures"
"""Name of the counter of erasures in `sqlite_sequence`."""


class SqliteWriter:
    """`store.StoreWriter`; `collect` is called when its transaction ends.

    Args:
        db: inside a transaction, on a connection of its own.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._spaces = {name: (id, dim) for id, name, dim in db.execute("SELECT id, name, dim FROM space")}
        db.execute("CREATE TEMP TABLE loose (picture_id INTEGER PRIMARY KEY)")
        db.execute(
            "CREATE TEMP TRIGGER let_go AFTER DELETE ON main.shown "
            "BEGIN INSERT OR IGNORE INTO loose VALUES (OLD.picture_id); END"
        )

    # Products

    def written(self, sku: str) -> WrittenProduct | None:
        row = self._db.execute("SELECT id, digest, feed FROM product WHERE sku = ?", (sku,)).fetchone()
        if row is None:
            return None
        id, digest, feed = row
        rows = self._db.execute("SELECT location, picture_id, stale FROM shown WHERE product_id = ?", (id,)).fetchall()
        stale = frozenset(location for location, _, is_stale in rows if is_stale)
        return WrittenProduct(digest, {location: picture for location, picture, _ in rows}, stale, feed)

    def product(self, sku: str) -> Product | None:
        row = self._db.execute(
            "SELECT id FROM product WHERE sku = ?1 UNION ALL SELECT product_id FROM variant WHERE sku = ?1", (sku,)
        ).fetchone()
        return None if row is None else read_product(self._db, row[0])

    def write_product(
        self, product: Product, shown: Mapping[str, int], *, stale: Set[str] = frozenset(), feed: str = ""
    ) -> None:
        write_product(self._db, product, shown, feed)
        if stale:
            self.note(product.sku, stale=stale, feed=feed)

    def note(self, sku: str, *, stale: Set[str], feed: str) -> None:
        (id,) = self._db.execute("UPDATE product SET feed = ? WHERE sku = ? RETURNING id", (feed, sku)).fetchone()
        self._db.execute("UPDATE shown SET stale = 0 WHERE product_id = ? AND stale", (id,))
        self._db.executemany(
            "UPDATE shown SET stale = 1 WHERE product_id = ? AND location = ?", [(id, each) for each in sorted(stale)]
        )

    def skus_of_feed(self, feed: str, *, after: str, limit: int) -> list[str]:
        sql = "SELECT sku FROM product WHERE feed = ? AND sku > ? ORDER BY sku LIMIT ?"
        return [row[0] for row in self._db.execute(sql, (feed, after, limit))]

    def unknown(self, skus: Sequence[str]) -> list[str]:
        return [sku for sku in skus if not self._db.execute("SELECT 1 FROM product WHERE sku = ?", (sku,)).fetchone()]

    def remove(self, skus: Sequence[str]) -> None:
        each = [(sku,) for sku in skus]
        self._db.executemany("DELETE FROM words WHERE rowid = (SELECT id FROM product WHERE sku = ?)", each)
        self._db.executemany("DELETE FROM product WHERE sku = ?", each)
        if each:
            # Until its parts are merged, the word index keeps the words of what was deleted.
            self._db.execute("INSERT INTO words (words) VALUES ('optimize')")

    def note_erasures(self, number: int) -> None:
        # Beside the counters of ids, which nothing resets and a repair takes over: no table of its own for one number.
        known = self._db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (number, ERASURES)).rowcount
        if not known:
            self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (ERASURES, number))

    # Pictures

    def find_picture(self, hash: bytes) -> int | None:
        """Find a picture by its content."""
        row = self._db.execute("SELECT id FROM picture WHERE hash = ?", (hash,)).fetchone()
        return int(row[0]) if row else None

    def has_picture(self, picture_id: int) -> bool:
        return self._db.execute("SELECT 1 FROM picture WHERE id = ?", (picture_id,)).fetchone() is not None

    def write_picture(self, picture: ReadPicture) -> int:
        """Write a picture, its vectors and the file it came from; return its id.

        A file that held another picture before now shows this one, wherever it is shown.
        """
        location = picture.source.location
        self._db.execute(
            "INSERT INTO picture (hash, path, bytes, height, width) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (hash) DO NOTHING",
            (picture.hash, None if picture.source.is_remote else location, picture.data, *picture.size),
        )
        picture_id = self.find_picture(picture.hash)
        if picture_id is None:
            raise CatalogDamagedError(
                "a picture that was just written is not there", cure="run: catalens catalog doctor"
            )
        self.write_vectors(picture_id, picture.vectors)
        before = self._db.execute("SELECT picture_id FROM file WHERE path = ?", (location,)).fetchone()
        self._db.execute(
            "INSERT INTO file (path, size, mtime_ns, picture_id) VALUES (?, ?, ?, ?) ON CONFLICT (path) DO UPDATE "
            "SET size = excluded.size, mtime_ns = excluded.mtime_ns, picture_id = excluded.picture_id",
            (location, picture.file_size, picture.mtime_ns, picture_id),
        )
        if before is not None and before[0] != picture_id:
            self._repoint(location, before=int(before[0]), now=picture_id)
        self._follow(picture_id, location)
        return picture_id

    def _follow(self, picture_id: int, location: str) -> None:
        """A picture whose file was moved is found where the same content lies now."""
        (path,) = self._db.execute("SELECT path FROM picture WHERE id = ?", (picture_id,)).fetchone()
        if path is not None and path != location and not Path(path).exists():
            self._db.execute("UPDATE picture SET path = ? WHERE id = ?", (location, picture_id))

    def write_vectors(self, picture_id: int, vectors: Mapping[str, FloatArray]) -> None:
        """Write the vectors of a picture, by the names of their spaces; those that are there stay."""
        for name, vector in vectors.items():
            data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
            self._db.execute(
                "INSERT INTO vector (space_id, picture_id, data, crc) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (space_id, picture_id) DO NOTHING",
                (self._space(name, len(vector)), picture_id, data, zlib.crc32(data)),
            )

    def _space(self, name: str, dim: int) -> int:
        if name not in self._spaces:
            row = self._db.execute("INSERT INTO space (name, dim) VALUES (?, ?) RETURNING id", (name, dim)).fetchone()
            self._spaces[name] = (int(row[0]), dim)
        id, expected = self._spaces[name]
        if dim != expected:
            raise ModelError(
                f"vectors of {name} have {expected} numbers in this catalog and {dim} from this encoder",
                cure="give the encoder another name: another network makes another space",
            )
        return int(id)

    def _repoint(self, location: str, *, before: int, now: int) -> None:
        self._db.execute(
            "UPDATE shown SET picture_id = ? WHERE picture_id = ? AND location = ?", (now, before, location)
        )
        self._db.execute("INSERT OR IGNORE INTO loose VALUES (?)", (before,))
        self._db.execute(
            "UPDATE picture SET path = (SELECT path FROM file WHERE picture_id = ?1 LIMIT 1) "
            "WHERE id = ?1 AND path = ?2",
            (before, location),
        )

    def collect(self) -> None:
        """Delete what nothing shows any more, with its vectors and its files."""
        self._db.execute(
            "DELETE FROM picture WHERE id IN (SELECT picture_id FROM loose) "
            "AND NOT EXISTS (SELECT 1 FROM shown WHERE shown.picture_id = picture.id)"
        )
        self._let_go_of_files()

    def _let_go_of_files(self) -> None:
        """Forget files that no product names any more, where a picture of the same content lies at another place."""
        is_shown = "EXISTS (SELECT 1 FROM shown WHERE picture_id = {0}.{1} AND location = {0}.path)"
        rows = self._db.execute(
            "SELECT id FROM picture WHERE id IN (SELECT picture_id FROM loose) AND path IS NOT NULL "
            f"AND NOT {is_shown.format('picture', 'id')}"
        ).fetchall()
        for (id,) in rows:
            places = self._db.execute("SELECT location FROM shown WHERE picture_id = ? ORDER BY rowid", (id,))
            if there := next((place for (place,) in places if os.path.isfile(place)), None):  # noqa: PTH113
                self._db.execute("UPDATE picture SET path = ? WHERE id = ?", (there, id))
        self._db.execute(
            "DELETE FROM file WHERE picture_id IN (SELECT picture_id FROM loose) "
            f"AND NOT {is_shown.format('file', 'picture_id')} "
            "AND NOT EXISTS (SELECT 1 FROM picture WHERE id = file.picture_id AND picture.path = file.path)"
        )


def write_product(db: sqlite3.Connection, product: Product, shown: Mapping[str, int], feed: str = "") -> None:
    """Write one product with everything that hangs on it, in the place of what was there under its sku.

    Args:
        db: inside a transaction.
        product: as `cleaned` returns it.
        shown: location of a picture -> id of the picture; locations that are not in it are noted as unread.
        feed: identity of the source that lists it; "" where none does.
    """
    row = {
        "sku": product.sku,
        "title": product.title,
        "description": product.description,
        "attributes": _json(dict(product.attributes)),
        "source": _json([product.where.source, product.where.line]),
        "digest": digest(product),
        "feed": feed,
    }
    (product_id,) = db.execute(
        "INSERT INTO product (sku, title, description, attributes, source, digest, feed) "
        "VALUES (:sku, :title, :description, :attributes, :source, :digest, :feed) "
        "ON CONFLICT (sku) DO UPDATE SET title = :title, description = :description, attributes = :attributes, "
        "source = :source, digest = :digest, feed = :feed RETURNING id",
        row,
    ).fetchone()
    for table in ("shown", "unread", "variant"):
        db.execute(f"DELETE FROM {table} WHERE product_id = ?", (product_id,))
    variant_ids = {variant.sku: _write_variant(db, product_id, variant) for variant in product.variants}
    for position, (sku, picture) in enumerate(pictures_of(product)):
        variant_id = None if sku is None else variant_ids[sku]
        place = (product_id, variant_id, position, picture.location)
        if picture.location in shown:
            db.execute(
                "INSERT INTO shown (product_id, variant_id, position, location, picture_id) VALUES (?, ?, ?, ?, ?)",
                (*place, shown[picture.location]),
            )
        else:
            db.execute("INSERT INTO unread (product_id, variant_id, position, location) VALUES (?, ?, ?, ?)", place)
    write_derived(db, product_id, product)


def _write_variant(db: sqlite3.Connection, product_id: int, variant: Variant) -> int:
    _take_from_another(db, variant.sku)
    row = db.execute(
        "INSERT INTO variant (product_id, sku, title, attributes) VALUES (?, ?, ?, ?) RETURNING id",
        (product_id, variant.sku, variant.title, _json(dict(variant.attributes))),
    ).fetchone()
    return int(row[0])


def _take_from_another(db: sqlite3.Connection, variant_sku: str) -> None:
    """A variant that another product had moves; that product is written anew without it, and counts as changed."""
    row = db.execute("SELECT product_id FROM variant WHERE sku = ?", (variant_sku,)).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM variant WHERE sku = ?", (variant_sku,))
    db.execute("UPDATE product SET digest = x'' WHERE id = ?", row)
    write_derived(db, row[0], read_product(db, row[0]))


def write_derived(db: sqlite3.Connection, product_id: int, product: Product) -> None:
    """Write what follows from a product: its facets and its words."""
    db.execute("DELETE FROM facet WHERE product_id = ?", (product_id,))
    db.executemany(
        "INSERT INTO facet (product_id, name, number, text) VALUES (?, ?, ?, ?)",
        [(product_id, *facet) for facet in facets(product)],
    )
    db.execute("DELETE FROM words WHERE rowid = ?", (product_id,))
    db.execute(INSERT_WORDS, (product_id, *searchable(product), *indexed(product)))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
