"""Readers of try-on pairs: the layouts of VITON-HD and DressCode, and tables.

    viton-hd/test_pairs.txt                         lines: person garment
             test/image/ test/cloth/
    dresscode/upper_body/test_pairs_paired.txt      lines: person garment; also lower_body/, dresses/, _unpaired
              upper_body/images/
    street/pairs.csv                                columns: person, garment; perhaps kind, truth

What else lies there (agnostic pictures, maps of parts, poses, masks) is not needed. A missing file is reported
and its pair skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from catalens.errors import FeedError, NotFoundError, UsageError
from catalens.taxonomy import garments, rules
from catalens.types import Failure, Where

Layout: TypeAlias = Literal["viton-hd", "dresscode", "street"]
Setting: TypeAlias = Literal["paired", "unpaired"]

CATEGORIES: Mapping[str, str] = rules()["datasets"]["dresscode"]
"""DressCode's folders and the kinds of ours; its lower garments are trousers and skirts together."""
KINDS = ("auto", *garments())


@dataclass(frozen=True, slots=True)
class Pair:
    """A person and a garment to put on them.

    Args:
        kind: of the garment; "auto" where the layout does not say.
        truth: a photo of the person in that garment; None where there is none (unpaired).
    """

    person: Path
    garment: Path
    kind: str
    truth: Path | None


@dataclass(frozen=True)
class TryOnPairs:
    """Pairs that were read, and reports of skipped ones."""

    pairs: tuple[Pair, ...]
    failed: tuple[Failure, ...]


def read_pairs(folder: Path, *, layout: Layout, setting: Setting = "paired", split: str = "test") -> TryOnPairs:
    """Read the pairs of a data set.

    Args:
        setting: paired, where the person wears that garment on the photo; unpaired, where another one.
        split: test or train.

    Raises:
        UsageError: an unknown layout or setting.
        NotFoundError: no such folder, or no list of pairs in it.
        FeedError: a list that is no text, or a table without its columns.
    """
    if layout not in get_args(Layout) or setting not in get_args(Setting):
        raise UsageError(
            f"layout {layout!r}, setting {setting!r}",
            cure=f"take one of {', '.join(get_args(Layout))} and one of {', '.join(get_args(Setting))}",
        )
    if not folder.is_dir():
        raise NotFoundError(f"no folder {folder}", cure="name the folder of the data set")
    read: dict[str, Callable[[Path, Setting, str], Iterator[Pair | Failure]]] = {
        "viton-hd": _viton_hd, "dresscode": _dresscode, "street": _street,
    }  # fmt: skip
    found = [_there(one) for one in read[layout](folder, setting, split)]
    return TryOnPairs(
        tuple(one for one in found if isinstance(one, Pair)), tuple(one for one in found if isinstance(one, Failure))
    )


def _viton_hd(folder: Path, setting: Setting, split: str) -> Iterator[Pair | Failure]:
    """VITON-HD (Choi et al. 2021): one list of unpaired garments; the paired garment is the person's own."""
    home = folder / split
    for _, person, garment in _lines(folder / f"{split}_pairs.txt"):
        own = person if setting == "paired" else garment
        photo = home / "image" / person
        yield Pair(photo, home / "cloth" / own, CATEGORIES["upper_body"], photo if setting == "paired" else None)


def _dresscode(folder: Path, setting: Setting, split: str) -> Iterator[Pair | Failure]:
    """Dress Code (Morelli et al. 2022): lists in a folder for each of three categories."""
    name = "train_pairs.txt" if split == "train" else f"{split}_pairs_{setting}.txt"
    homes = [folder / category for category in CATEGORIES if (folder / category).is_dir()]
    homes = homes or ([folder] if folder.name in CATEGORIES else [])
    if not any((home / name).is_file() for home in homes):
        raise NotFoundError(f"no {name} in {', '.join(CATEGORIES)} of {folder}", cure="name the folder above these")
    for home in homes:
        if not (home / name).is_file():
            yield Failure(Where(str(home)), name, "the list is missing", "copy it there, or leave the folder away")
            continue
        for _, person, garment in _lines(home / name):
            photo = home / "images" / person
            truth = photo if setting == "paired" or split == "train" else None
            yield Pair(photo, home / "images" / garment, CATEGORIES[home.name], truth)


def _street(folder: Path, setting: Setting, split: str) -> Iterator[Pair | Failure]:
    """A table of photos; `truth` names the photo of the person in that garment."""
    del split
    path = folder / "pairs.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = {"person", "garment"} - set(table.fieldnames or ())
            if missing:
                raise FeedError(f"{path} has no column {min(missing)!r}", cure="name its columns person and garment")
            rows = list(table)
    except OSError as error:
        raise NotFoundError(f"no table {path}: {error.strerror}", cure="write one: person,garment,kind,truth") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"{path} is no CSV table: {error}", cure="save it as UTF-8 CSV") from None
    for number, row in enumerate(rows, start=2):
        kind, truth = (row.get("kind") or "auto").strip(), (row.get("truth") or "").strip()
        if kind not in KINDS:
            yield Failure(Where(str(path), number, "kind"), kind, "no such kind", f"take one of {', '.join(KINDS)}")
        elif setting == "paired" and not truth:
            yield Failure(Where(str(path), number, "truth"), row["person"], "no truth", "name one, or measure unpaired")
        else:
            shown = folder / truth if setting == "paired" else None
            yield Pair(folder / (row["person"] or ""), folder / (row["garment"] or ""), kind, shown)


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Number, person and garment of each line; a third word, DressCode's category, may follow."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise NotFoundError(f"no list {path}: {error.strerror}", cure="name the folder that has it") from None
    except UnicodeDecodeError:
        raise FeedError(f"{path} is no text", cure="name the folder of the data set as it was published") from None
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if len(words) >= 2:
            yield number, words[0], words[1]


def _there(one: Pair | Failure) -> Pair | Failure:
    """The pair, if all its files exist."""
    if isinstance(one, Failure):
        return one
    gone = next((path for path in (one.person, one.garment, one.truth) if path and not path.is_file()), None)
    if gone is None:
        return one
    return Failure(Where(str(gone.parent)), gone.name, "the file is missing", "copy it there; its pair is left out")
