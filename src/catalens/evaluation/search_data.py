"""Evaluation of search on tables of photos or on ground truth in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalens.catalog import Catalog
from catalens.errors import FeedError, ImageError, NotFoundError, UsageError
from catalens.evaluation.leaks import near_duplicates
from catalens.evaluation.runs import Run, name_in
from catalens.evaluation.searches import DEPTH, rank, search_run
from catalens.feeds.tables import read_cells
from catalens.json_text import parse_json
from catalens.tasks.embed import Encoder, embed_photos
from catalens.types import FloatArray, Progress

PICTURES = ("image", "path", "photo", "picture", "file", "image_name")
IDS = ("id", "sku", "item_id")


@dataclass(frozen=True)
class _Row:
    id: str
    path: Path
    same: str


@dataclass(frozen=True)
class _Query:
    """A query (photo, or its name as text) and the relevant skus."""

    name: str
    right: set[str]
    photo: Path | None = None


def evaluate_tables(
    queries: Path, gallery: Path, *, same: str, encoder: Encoder, seed: int = 0, progress: Progress | None = None
) -> Run:
    """Search with each photo of one table for photos of another with the same value in a column.

    Where both are one table, each photo is asked with once and left out of its own answers.

    Raises:
        NotFoundError, UsageError, FeedError: a table is absent, lacks a column, or is none.
    """
    is_one = queries.resolve() == gallery.resolve()
    asked = _rows(queries, same)
    known = asked if is_one else _rows(gallery, same)
    asked_vectors, asked, unread = _embed(asked, encoder, progress)
    known_vectors, known, also = (asked_vectors, asked, []) if is_one else _embed(known, encoder, progress)
    right: dict[str, set[str]] = {}
    for row in known:
        right.setdefault(row.same, set()).add(row.id)
    wanted = [right.get(row.same, set()) - ({row.id} if is_one else set()) for row in asked]
    own = [row.id if is_one else None for row in asked]
    found = rank(asked_vectors, known_vectors, [row.id for row in known], own=own)
    twins = 0 if is_one else len(near_duplicates([row.path for row in asked], [row.path for row in known]))
    notes = [f"{len(unread) + len(also)} photos could not be read: {', '.join((unread + also)[:5])}"] * bool(
        unread + also
    )
    notes += [f"{twins} queries look like a picture of the gallery"] * bool(twins)
    return search_run(
        names=[name_in(queries, row.path) for row in asked],
        photos=[str(row.path) for row in asked],
        found=found,
        wanted=wanted,
        groups=[row.same for row in asked],
        about={
            "model": encoder.name,
            "data": f"{len(asked)} queries of {queries.name}, {len(known)} pictures of {gallery.name}",
            "right": f"the same {same}",
        },
        pictures={row.id: str(row.path) for row in known},
        notes=notes,
        seed=seed,
    )


def evaluate_catalog(
    folder: Path,
    *,
    queries: Path | None,
    truth: Path | None,
    same: str = "sku",
    encoder: str | Encoder | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Search a catalog with photos or texts and compare with the relevant products.

    Args:
        queries: table with a column for photos (or "words") and one of skus, called `same` or "sku".
        encoder: the catalog's, where that is not the bundled one.
        truth: JSON {query: {sku: 1}}; a query that is a file beside it is a photo, any other is words.

    A photo that cannot be read is left out and named; one that is the catalog's own finds itself, which is noted.

    Raises:
        UsageError: both or neither of them, nothing in them, or no sku of the catalog.
    """
    if (queries is None) == (truth is None):
        raise UsageError("expected either --queries or --truth", cure="give the right answers in one of them")
    asked = _truth(truth) if truth is not None else _expected(queries or Path(), same)
    with Catalog.open(folder, readonly=True, encoder=encoder) as shop:
        products = list(shop.products())
        done = _ask(shop, asked, progress)
    skus = {product.sku for product in products}
    strange = sorted({sku for query in asked for sku in query.right if sku not in skus})
    if not any(query.right & skus for query in done.queries) and strange:
        raise UsageError(
            f"none of the right answers is a sku of {folder}: {', '.join(strange[:5])}",
            cure="name the column of skus with --same" if truth is None else "write skus",
        )
    own = [Path(one.location) for product in products for one in product.pictures if not one.is_remote]
    twins = {row for row, _ in near_duplicates([query.photo for query in done.queries if query.photo is not None], own)}
    notes = [
        *[f"{len(done.unread)} photos could not be read: {', '.join(done.unread[:5])}"] * bool(done.unread),
        *[f"{len(strange)} right answers are not in the catalog: {', '.join(strange[:5])}"] * bool(strange),
        *[f"{len(twins)} queries look like a picture of the catalog, and find it"] * bool(twins),
    ]
    return search_run(
        names=[query.name for query in done.queries],
        photos=["" if query.photo is None else str(query.photo) for query in done.queries],
        found=done.found,
        wanted=[query.right & skus for query in done.queries],
        about={"model": f"catalog {folder.name}", "data": f"{len(done.queries)} queries, {len(skus)} products"},
        pictures=done.pictures,
        notes=notes,
        seed=seed,
    )


@dataclass(frozen=True)
class _Asked:
    """Answered queries with their skus, best first; names of failed ones; pictures by sku."""

    queries: list[_Query] = field(default_factory=list)
    found: list[list[str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)


def _ask(shop: Catalog, queries: Sequence[_Query], progress: Progress | None) -> _Asked:
    done = _Asked()
    for number, query in enumerate(queries, start=1):
        try:
            matches = shop.search(image=query.photo, text=None if query.photo else query.name, k=DEPTH)
        except (ImageError, NotFoundError):
            done.unread.append(query.name)
        else:
            done.queries.append(query)
            done.found.append([match.sku for match in matches])
            done.pictures.update({match.sku: str(match.picture) for match in matches if match.picture is not None})
        if progress is not None:
            progress(number, len(queries), "searching")
    return done


def _rows(table: Path, same: str) -> list[_Row]:
    lines = _table(table)
    columns = list(lines[0]) if lines else []
    picture = next((name for name in PICTURES if name in columns), None)
    if picture is None or same not in columns:
        missing = f"column {same!r}" if picture else "column of photos"
        raise UsageError(f"{table} has no {missing}", cure=f"it has {', '.join(columns) or 'no rows'}")
    # A sku that several photos share names products, not photos.
    name = next((one for one in IDS if one in columns and _tells_apart(lines, one, picture)), picture)
    return [_Row(row[name], table.parent / row[picture], row[same]) for row in lines if row[picture] and row[same]]


def _tells_apart(lines: list[dict[str, str]], column: str, picture: str) -> bool:
    """Whether the values of a column are unique."""
    return len({row[column] for row in lines}) == len({row[picture] for row in lines})


def _table(path: Path) -> list[dict[str, str]]:
    lines = read_cells(path)
    columns = next(lines, [])
    return [dict(zip(columns, [*cells, *("" for _ in columns)], strict=False)) for cells in lines if cells]


def _embed(rows: list[_Row], encoder: Encoder, progress: Progress | None) -> tuple[FloatArray, list[_Row], list[str]]:
    """Vectors of rows with readable photos, those rows, and the names of the others."""
    found = embed_photos([row.path for row in rows], encoder, progress=progress)
    return found.vectors, [rows[row] for row in found.rows], [failure.what for failure in found.failed]


def _truth(path: Path) -> list[_Query]:
    try:
        table = parse_json(path.read_text("utf-8"))
        asked = [(str(query), {str(sku) for sku, worth in right.items() if worth}) for query, right in table.items()]
    except FileNotFoundError:
        raise NotFoundError(f"no ground truth at {path}", cure="give a JSON file") from None
    except (ValueError, AttributeError):
        raise FeedError(f"{path} is no ground truth", cure='write it like {"red dress": {"sku-1": 1}}') from None
    if not asked:
        raise UsageError(f"{path} has no queries", cure='write it like {"red dress": {"sku-1": 1}}')
    beside = [(query, path.parent / query, right) for query, right in asked]
    return [_Query(query, right, photo if photo.is_file() else None) for query, photo, right in beside]


def _expected(table: Path, same: str) -> list[_Query]:
    lines = _table(table)
    columns = list(lines[0]) if lines else []
    asked = next((name for name in (*PICTURES, "words", "query") if name in columns), None)
    answer = next((name for name in (same, "sku", "product_id") if name in columns), None)
    if asked is None or answer is None:
        raise UsageError(f"{table} has no column of queries and skus", cure=f"it has {', '.join(columns) or 'no rows'}")
    is_photo = asked in PICTURES
    return [
        _Query(row[asked], set(filter(None, row[answer].split("|"))), table.parent / row[asked] if is_photo else None)
        for row in lines
        if row[asked].strip()
    ]
