"""What other search engines hold, read from their dumps: documents of Marqo, points of Qdrant, documents of Typesense.

Marqo: answers of `GET /documents` (with `expose_facets=true` for vectors), or a document a line. Qdrant: answers of
`POST /points/scroll` with payload and vectors, or a point a line; its snapshots are binary and not read. Typesense: the
lines of `GET /documents/export`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from catalens.errors import FeedError, UsageError
from catalens.feeds.base import Item, Notes, Options
from catalens.feeds.cells import Reader
from catalens.feeds.draft import Draft, grouped
from catalens.feeds.jsonlines import object_drafts, values
from catalens.feeds.objects import text_of
from catalens.feeds.pictures import Pictures
from catalens.feeds.text import encoding_of
from catalens.types import Failure, FloatArray, Where

ENGINES = ("marqo", "qdrant", "typesense")
SHORTEST_LENGTH = 1e-6
"""Euclidean length from which a vector has a direction."""
SHORTEST = 16
"""Numbers in a list from which a field of Typesense is a vector."""
_OWN = frozenset({"_id", "_found", "_score", "_lexical_score", "_tensor_score", "_highlights", "_tensor_facets"})


@dataclass(slots=True)
class Dump:
    """A dump being read: items, once; `vectors` are those of documents that came, by sku, until they are taken."""

    notes: Notes
    items: Iterator[Item]
    vectors: dict[str, FloatArray] = field(default_factory=dict)


def open_dump(
    source: Path, engine: str, *, options: Options, vector: str | None = None, dim: int | None = None
) -> Dump:
    """Open a dump.

    Args:
        engine: one of `ENGINES`.
        options: as of feeds; a mapping names the keys of fields where the guess is wrong.
        vector: name of the vector, or of the field whose vector it is, where documents have several.
        dim: keep vectors of so many numbers for `Dump.vectors`; others are failures. None to leave vectors out.

    Raises:
        FeedError: not there, or no JSON.
        UsageError: another engine.
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}", cure=f"name one of {', '.join(ENGINES)}, csv-of-urls")
    with source.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[:1] not in (b"{", b"["):
        raise FeedError(
            f"{source} is no JSON, as dumps of {engine} are",
            cure="scroll the points with payload and vectors, a snapshot is not read" if engine == "qdrant" else "",
        )
    notes, name = Notes(), options.name or source.name
    reader = Reader(name, Pictures.of(options.beside or source, options.media, absolute=True), notes)
    dump = Dump(notes, iter(()))
    found = values(source, encoding_of(source, options.encoding), name)
    drafts = _drafts(found, engine, name, options.mapping, vector, dump, dim)
    dump.items = reader.products(grouped(drafts))
    return dump


def _drafts(
    found: Iterator[tuple[int, object]],
    engine: str,
    name: str,
    mapping: Mapping[str, str],
    vector: str | None,
    dump: Dump,
    dim: int | None,
) -> Iterator[Draft | Failure]:
    for line, value in found:
        where = Where(name, line)
        for one in _inside(value):
            if isinstance(one, Failure):
                yield one
                continue
            if not isinstance(one, Mapping):
                yield Failure(where, "document", "no JSON object", "dump the documents again")
                continue
            record, vectors = _READ[engine]({str(key): item for key, item in one.items()})
            for draft in object_drafts(record, line, where, mapping):
                if isinstance(draft, Draft) and dim is not None:
                    yield from _take(draft, vectors, vector, dump, where, dim)
                else:
                    yield draft


def _inside(value: object) -> Iterator[object]:
    """Documents of an answer: its results, points, hits."""
    if isinstance(value, Mapping):
        for key in ("result", "results", "points", "hits", "documents"):
            inner = value.get(key)
            if isinstance(inner, list | Mapping):
                for item in inner if isinstance(inner, list) else [inner]:
                    yield from _inside(item)
                return
        document = value.get("document")
        yield document if isinstance(document, Mapping) else value
    elif isinstance(value, list):
        for item in value:
            yield from _inside(item)
    else:
        yield value


def _take(
    draft: Draft, vectors: Mapping[str, object], wanted: str | None, dump: Dump, where: Where, dim: int
) -> Iterator[Draft | Failure]:
    """The draft; the vector of it is kept by its sku."""
    members = draft.variants or [draft]
    if wanted is None and len(vectors) > 1:
        dump.notes.count(
            f"{{}} document has several vectors ({', '.join(sorted(vectors))}); name one with --vector",
            f"{{}} documents have several vectors ({', '.join(sorted(vectors))}); name one with --vector",
        )
    elif vectors and (name := wanted or next(iter(vectors))) in vectors:
        made = _vector(vectors[name], dim)
        if isinstance(made, str):
            what, cure = members[0].sku or "document", "the product goes in without it; dump it again"
            yield Failure(where, what, f"the vector {name[:80]!r} {made}", cure)
        elif members[0].sku:
            dump.vectors[members[0].sku] = made
    yield draft


def _vector(value: object, dim: int) -> FloatArray | str:
    """(dim,) float32 of a list of finite numbers with a length above zero; else what is wrong with it."""
    if not isinstance(value, list) or not all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in value
    ):
        return "is no list of numbers"
    if len(value) != dim:
        return f"has {len(value)} numbers and those of the encoder have {dim}"
    try:
        with np.errstate(over="ignore"):
            made = np.asarray(value, np.float64).astype(np.float32)
    except OverflowError:  # a whole number of hundreds of digits
        return "holds a number that is too large"
    length = float(np.linalg.norm(made))
    if not np.isfinite(made).all() or not np.isfinite(length):
        return "holds a number that is not finite, or too large"
    return made if length >= SHORTEST_LENGTH else "is all zeros, or nearly: it has no direction"


def _of_marqo(document: dict[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """A facet holds a field with its text, or the address of its picture, beside `_embedding`."""
    facets = document.get("_tensor_facets")
    vectors: dict[str, object] = {}
    for facet in facets if isinstance(facets, list) else []:
        if isinstance(facet, Mapping) and "_embedding" in facet:
            name = next((str(key) for key in facet if key != "_embedding"), "")
            vectors.setdefault(name, facet["_embedding"])
    return _named(document, document.get("_id")), vectors


def _of_qdrant(point: dict[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    payload = point.get("payload")
    record = {str(key): item for key, item in payload.items()} if isinstance(payload, Mapping) else {}
    said = point.get("vector", point.get("vectors"))
    vectors = said if isinstance(said, Mapping) else {} if said is None else {"vector": said}
    dense: dict[str, object] = {str(name): item for name, item in vectors.items() if isinstance(item, list)}
    return _named(record, point.get("id")), dense


def _of_typesense(document: dict[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    vectors = {
        key: item
        for key, item in document.items()
        if isinstance(item, list) and len(item) >= SHORTEST and all(isinstance(one, int | float) for one in item)
    }
    rest = {key: item for key, item in document.items() if key not in vectors}
    return _named(rest, rest.get("id")), dict(vectors)


_READ = {"marqo": _of_marqo, "qdrant": _of_qdrant, "typesense": _of_typesense}


def _named(record: Mapping[str, object], id: object) -> dict[str, object]:
    """The record without what the engine adds; its id is the sku where it has none of its own."""
    kept = {key: item for key, item in record.items() if key not in _OWN}
    if not any(text_of(kept.get(key)) for key in ("sku", "id", "product_id", "item_id")) and id is not None:
        kept = {"sku": str(id), **kept}
    return kept


COUNTERPARTS: Mapping[str, str] = {
    "model": "the encoder of the vectors: --vectors hf:MODEL takes them in",
    "modelProperties": "a model of your own: a folder with a card, or hf:FOLDER",
    "normalizeEmbeddings": "vectors are always of unit length",
    "treatUrlsAndPointersAsImages": "columns of pictures are recognised; --fetch reads addresses",
    "vectors": "one space an encoder, named by it",
    "size": "given by the encoder",
    "distance": "cosine",
    "name": "the folder of the catalog",
    "fields": "attributes are typed by their values; all can be filtered by",
}
"""Setting of an engine -> what stands for it here."""


def settings_notes(settings: object) -> list[str]:
    """What becomes of an engine's settings (Marqo's index settings, Qdrant's collection info, Typesense's schema)."""
    found: dict[str, str] = {}
    queue = [settings]
    while queue and len(found) < 200:
        one = queue.pop(0)
        if not isinstance(one, Mapping):
            continue
        for key, value in one.items():
            name = str(key)
            if name in {"result", "config", "params", "index_defaults"} and isinstance(value, Mapping):
                queue.append(value)
            elif name not in {"status", "time", "usage"} and value not in (None, "", [], {}):
                found.setdefault(name, COUNTERPARTS.get(name, "has no counterpart and is left out"))
    return [f"setting {name}: {what}" for name, what in found.items()]
