"""The index of words of an older catalog: made again, in its file or beside it in memory."""

from __future__ import annotations

import sqlite3

from catalens.json_text import parse_json
from catalens.text.tokens import index_text, index_values, name_keys

WORD_COLUMNS = "title, description, attributes, names, title_words, attribute_words, description_words"
INSERT_WORDS = f"INSERT INTO words (rowid, {WORD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_TEXTS = """
SELECT old.rowid, old.title, old.description, old.attributes, (
    SELECT json_group_array(sku) FROM (
        SELECT 0 AS place, sku FROM product WHERE id = old.rowid
        UNION ALL SELECT id, sku FROM variant WHERE product_id = old.rowid ORDER BY place
    )
)
FROM {source} AS old
"""


def copy_words(source_db: sqlite3.Connection, db: sqlite3.Connection, *, source: str) -> None:
    """Divide the texts of a table of words, and fill `words` with them.

    Args:
        source_db: a catalog of any version.
        db: has an empty table `words` of this version; may be the same.
        source: name of the table.
    """
    for id, title, description, others, skus in source_db.execute(_TEXTS.format(source=source)):
        names = name_keys(title, parse_json(skus))
        divided = (index_text(title), index_values(others), index_text(description))
        db.execute(INSERT_WORDS, (id, title, description, others, names, *divided))
