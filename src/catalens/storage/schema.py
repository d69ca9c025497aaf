"""The tables of a catalog. SQLite is the one truth; every other file in the folder can be rebuilt from it."""

from __future__ import annotations

VERSION = 3
"""Written to `PRAGMA user_version`; a catalog with a larger number was made by a newer version."""

WORDS = """
CREATE VIRTUAL TABLE words USING fts5 (
    title UNINDEXED, description UNINDEXED, attributes UNINDEXED,
    names, title_words, attribute_words, description_words,
    tokenize = "ascii"
)
"""
"""Words of the products; rowid = product.id. The first three are the texts as they are, of which a damaged record is
restored. The others are divided and folded by `catalens.text`, so that blanks are all that this tokenizer looks for."""

VOCABULARY = "CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row)"
"""Each word of `words` with the number of products that have it."""

MIGRATIONS = {
    1: (
        "ALTER TABLE product ADD COLUMN feed TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE shown ADD COLUMN stale INTEGER NOT NULL DEFAULT 0",
    ),
    2: (
        "ALTER TABLE words RENAME TO old_words",
        WORDS,
        VOCABULARY,
    ),
}
"""Version -> what makes the next one of it, run by the first that writes. Tables that hold the truth get only columns
with a default, at the end: readers of the older version, and the repair of a damaged file of it, go on working. The
words are derived: `word_index.copy_words` makes them again, also when `catalens.text` will divide texts in another
way."""

APPLICATION_ID = 0x43544C4E
"""Written to `PRAGMA application_id` ("CTLN"), so that another program's SQLite file is not mistaken for a catalog."""

PAGE_SIZE = 8192
"""Bytes. Seven vectors of 256 float32 fill a page to 92 %; of SQLite's default of 4096 three fill 79 %."""

TABLES = """
CREATE TABLE product (
    id          INTEGER PRIMARY KEY,
    sku         TEXT NOT NULL UNIQUE,
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    attributes  TEXT NOT NULL,          -- JSON object
    source      TEXT NOT NULL,          -- JSON [file, line] of the row it came from
    digest      BLOB NOT NULL,          -- SHA-256 of the product's record
    feed        TEXT NOT NULL DEFAULT ''  -- identity of the source that lists it; '' where none does
);
CREATE TABLE variant (
    id          INTEGER PRIMARY KEY,
    product_id  INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    sku         TEXT NOT NULL UNIQUE,
    title       TEXT NOT NULL,
    attributes  TEXT NOT NULL           -- JSON object
);
CREATE INDEX variant_product ON variant (product_id);

-- Attributes of products and variants again, one row a value, so that filters use an index.
CREATE TABLE facet (
    product_id  INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,          -- lower case
    number      REAL,                   -- NULL where the value is no number
    text        TEXT NOT NULL           -- case-folded
);
CREATE INDEX facet_product ON facet (product_id);
CREATE INDEX facet_number ON facet (name, number, product_id);
CREATE INDEX facet_text ON facet (name, text, product_id);

CREATE TABLE picture (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: an id that was read before stays true
    hash        BLOB NOT NULL UNIQUE,   -- SHA-256 of the file's bytes
    path        TEXT,                   -- absolute path it was read from; NULL where only the bytes are kept
    bytes       BLOB,                   -- the file itself, where there is no path to rely on (fetched pictures)
    height      INTEGER NOT NULL,
    width       INTEGER NOT NULL
);
-- Files that were read before: same size and time means that they need not be read again.
CREATE TABLE file (
    path        TEXT PRIMARY KEY,       -- or a web address; its time is 0
    size        INTEGER NOT NULL,
    mtime_ns    INTEGER NOT NULL,
    picture_id  INTEGER NOT NULL REFERENCES picture (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX file_picture ON file (picture_id);
CREATE TABLE shown (                    -- which picture shows which product, or which variant of it
    product_id  INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    variant_id  INTEGER REFERENCES variant (id) ON DELETE CASCADE,
    picture_id  INTEGER NOT NULL REFERENCES picture (id),
    position    INTEGER NOT NULL,       -- counts through the product's own pictures, then its variants'
    location    TEXT NOT NULL,          -- where the source said that it lies
    stale       INTEGER NOT NULL DEFAULT 0  -- 1 where the source could not deliver it the last time it named it
);
CREATE INDEX shown_product ON shown (product_id, position);
CREATE INDEX shown_variant ON shown (variant_id);
CREATE INDEX shown_picture ON shown (picture_id);
CREATE TABLE unread (                   -- pictures that a source names and that could not be read
    product_id  INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    variant_id  INTEGER REFERENCES variant (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    location    TEXT NOT NULL
);
CREATE INDEX unread_product ON unread (product_id, position);
CREATE INDEX unread_variant ON unread (variant_id);

-- A space is a set of vectors that may be compared: one per encoder, one per hand-made feature.
CREATE TABLE space (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,   -- 'deep:<encoder name>', 'color', 'texture', 'shape'
    dim         INTEGER NOT NULL
);
CREATE TABLE vector (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: an index follows by 'id > last seen'
    space_id    INTEGER NOT NULL REFERENCES space (id),
    picture_id  INTEGER NOT NULL REFERENCES picture (id) ON DELETE CASCADE,
    data        BLOB NOT NULL,          -- float32 little-endian
    crc         INTEGER NOT NULL,       -- CRC-32 of data
    UNIQUE (space_id, picture_id)
);
CREATE INDEX vector_picture ON vector (picture_id);
CREATE TABLE erased (                   -- vectors that are gone: an index follows by 'seq > last seen'
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    vector_id   INTEGER NOT NULL,
    space_id    INTEGER NOT NULL
);
CREATE TRIGGER vector_erased AFTER DELETE ON vector BEGIN
    INSERT INTO erased (vector_id, space_id) VALUES (OLD.id, OLD.space_id);
END;
"""
TABLES += f"{WORDS}; {VOCABULARY};"
