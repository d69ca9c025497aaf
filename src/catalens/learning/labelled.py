"""Photos with labels, from folders, a table or a catalog; what cannot be used is named and left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catalens.catalog import Catalog
from catalens.errors import NotFoundError, UsageError
from catalens.feeds.tables import read_cells
from catalens.images.folder import photos_in
from catalens.storage.merge import PREDICTED_BY
from catalens.types import Failure, Where

PATH_COLUMNS = ("image", "path", "photo", "picture", "file", "filename")
SEPARATOR = "|"
"""Between the labels of one photo, where it has several."""


@dataclass(frozen=True)
class LabelledPhotos:
    """Photos and the labels of each, in the same order.

    `skipped` names what could not be used; `notes` says what was guessed or changed.
    """

    paths: tuple[Path, ...]
    labels: tuple[tuple[str, ...], ...]
    skipped: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels, sorted."""
        return tuple(sorted({label for labels in self.labels for label in labels}))

    @property
    def is_multi(self) -> bool:
        """Whether a photo has several labels."""
        return any(len(labels) > 1 for labels in self.labels)

    def counts(self) -> dict[str, int]:
        """Photos of each label."""
        return dict(sorted(Counter(label for labels in self.labels for label in labels).items()))

    def of(self, rows: Sequence[int]) -> LabelledPhotos:
        """Some of the photos; what was skipped and noted stays with the whole."""
        return LabelledPhotos(tuple(self.paths[row] for row in rows), tuple(self.labels[row] for row in rows))

    def targets(self, classes: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """(N, C), which labels each photo has; labels that are no class are left out."""
        place = {name: column for column, name in enumerate(classes)}
        found = np.zeros((len(self), len(classes)), np.bool_)
        for row, labels in enumerate(self.labels):
            found[row, [place[label] for label in labels if label in place]] = True
        return found


def read_labelled(*data: Path, label: str = "folder") -> LabelledPhotos:
    """List photos with their labels. Labels that differ only in case and spaces are one, spelled as most often.

    Args:
        data: folders, or CSV tables; a folder with one table is that table where `label` is one of its columns. Of
            the labels that several give to a photo, those of the last count.
        label: "folder" (a photo's label is the folder that it lies in, below `data`; folders in folders make
            "a > b"), or the name of a column. A cell may hold several labels, separated by "|".

    Raises:
        NotFoundError: nothing there.
        UsageError: no such column.
        FeedError: the table cannot be read.
    """
    return _merged(_joined([_read(one, label) for one in data]))


def _read(data: Path, label: str) -> LabelledPhotos:
    if not data.exists():
        raise NotFoundError(f"nothing at {data}", cure="give a folder of photos or a CSV table")
    if label != "folder":
        return _in_table(_table(data, label), label)
    if not data.is_dir():
        raise UsageError(f"{data} is no folder", cure="name the column of labels with --label-column")
    return _in_folders(data)


def _joined(parts: Sequence[LabelledPhotos]) -> LabelledPhotos:
    """All photos, those that are in several parts with the labels of the last."""
    if len(parts) == 1:
        return parts[0]
    found: dict[Path, tuple[Path, tuple[str, ...]]] = {}
    again, torn = 0, []
    for part in parts:
        before = dict(found)
        for path, labels in zip(part.paths, part.labels, strict=True):
            key = path.resolve()
            if key in before:
                again += 1
                old = before[key][1]
                if {*map(_folded, old)} != {*map(_folded, labels)}:
                    torn.append(f"{path}, {SEPARATOR.join(old)} and then {SEPARATOR.join(labels)}")
            found[key] = path, labels
    first = f"; the first: {torn[0]}" if torn else ""
    note = f"{again} photos are labelled again, {len(torn)} of them otherwise: the last label counts{first}"
    rows = [(failure, Path(failure.where.source).parent / failure.what) for part in parts for failure in part.skipped]
    return LabelledPhotos(
        paths=tuple(path for path, _ in found.values()),
        labels=tuple(labels for _, labels in found.values()),
        skipped=tuple(failure for failure, path in rows if path.resolve() not in found),
        notes=(note,) if again else (),
    )


def read_labelled_catalog(folder: Path, *, label: str) -> LabelledPhotos:
    """The first picture of each product of a catalog, labelled with an attribute.

    Products without it are left out, and those of which a classifier said it (`catalog.tagging`): nothing is learned
    from guesses.
    """
    paths, labels, guessed = [], [], 0
    with Catalog.open(folder, readonly=True) as shop:
        for product in shop.products():
            value = product.attributes.get(label)
            local = [Path(picture.location) for picture in product.pictures if not picture.is_remote]
            texts = value if isinstance(value, tuple) else (str(value),) if value not in (None, "") else ()
            if texts and product.attributes.get(label + PREDICTED_BY):
                guessed += 1
            elif local and texts:
                paths.append(local[0])
                labels.append(tuple(text.strip() for text in texts if text.strip()))
    notes = (f"{guessed} products whose {label} was predicted are left out",) if guessed else ()
    return _merged(LabelledPhotos(tuple(paths), tuple(labels), notes=notes))


def _in_folders(data: Path) -> LabelledPhotos:
    found = photos_in(data)
    loose = [path for path in found if path.parent == data]
    inside = [path for path in found if path.parent != data]
    skipped = tuple(_without_label(path, data, "it lies in no folder of a label") for path in loose)
    labels = tuple((" > ".join(path.parent.relative_to(data).parts),) for path in inside)
    return LabelledPhotos(tuple(inside), labels, skipped)


def _table(data: Path, label: str) -> Path:
    """The table itself, or the one in a folder that has the column."""
    if data.is_file():
        return data
    tables = [path for path in sorted(data.glob("*.csv")) if label in _columns(path)]
    if len(tables) != 1:
        raise UsageError(
            f"{data} has {len(tables)} tables with a column {label!r}",
            cure="name the table, or use --label-column folder",
        )
    return tables[0]


def _columns(table: Path) -> list[str]:
    return [name.strip() for name in next(read_cells(table), [])]


def _in_table(table: Path, label: str) -> LabelledPhotos:
    columns = _columns(table)
    if label not in columns:
        raise UsageError(f"{table} has no column {label!r}", cure=f"it has {', '.join(columns) or 'none'}")
    small = [name.casefold() for name in columns]
    path_column = next((name for name in PATH_COLUMNS if name in small), None)
    if path_column is None:
        raise UsageError(f"{table} has no column for photos", cure=f"call it one of {', '.join(PATH_COLUMNS)}")
    at, named = small.index(path_column), columns.index(label)
    paths, labels, skipped = [], [], []
    for number, row in enumerate(read_cells(table), start=1):
        if number == 1 or not any(row):
            continue
        where = Where(str(table), number, label)
        cells = [cell.strip() for cell in row] + [""] * len(columns)
        given = tuple(dict.fromkeys(part.strip() for part in cells[named].split(SEPARATOR) if part.strip()))
        if cells[at] and given:
            paths.append(table.parent / cells[at])
            labels.append(given)
        else:
            what = cells[at] or "a row without a photo"
            skipped.append(Failure(where, what, "no label" if cells[at] else "no photo", "fill in the cell"))
    return LabelledPhotos(tuple(paths), tuple(labels), tuple(skipped))


def _without_label(path: Path, data: Path, why: str) -> Failure:
    return Failure(Where(str(data)), str(path), why, "move it into a folder named like its label")


def _merged(photos: LabelledPhotos) -> LabelledPhotos:
    """The same, with one spelling for labels that differ only in case and spaces."""
    spellings: dict[str, Counter[str]] = {}
    for labels in photos.labels:
        for label in labels:
            spellings.setdefault(_folded(label), Counter())[label] += 1
    chosen = {folded: max(sorted(counts), key=lambda name: counts[name]) for folded, counts in spellings.items()}
    notes = tuple(
        f"{' and '.join(sorted(counts))} are taken as {chosen[folded]}"
        for folded, counts in sorted(spellings.items())
        if len(counts) > 1
    )
    spelled = tuple(tuple(dict.fromkeys(chosen[_folded(label)] for label in labels)) for labels in photos.labels)
    return replace(photos, labels=spelled, notes=photos.notes + notes)


def _folded(label: str) -> str:
    return " ".join(label.casefold().split())
