"""Calibrate what `tasks.describe` states: `python -m recipes.describe DATA [--signals FILE]` writes `describing.toml`.

Scores from which statements are right in `WANTED` of the cases are chosen on photos that products may learn from: kinds
and colors on rendered goods and catalogues of demo shops, kinds, sleeves and photos without a person on clothes, worn
on the street. Half of them (by a hash of their names) say what that gives, and so does `fashion-products`, whose kinds,
colors and patterns nothing is chosen on. A photo whose label says nothing of an attribute is left out for it.
"""

from __future__ import annotations

import csv
import hashlib
import pickle
import re
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalens import taxonomy
from catalens.errors import CatalensError
from catalens.evaluation.intervals import bootstrap_mean
from catalens.features.color_names import COLOR_NAMES
from catalens.images.read import read_image
from catalens.tasks import describe
from catalens.tasks.attributes import PATTERNS
from catalens.tasks.describe import SECOND_COLOR, SLEEVES, Signals, color_key, signals_of
from catalens.tasks.embed import encoder

WANTED, LOWEST, FEWEST = 0.93, 0.8, 12
"""On the first half: share right of all that is stated, so that others keep 0.9; of the least sure statements, of which
so many are looked at; a threshold needs twice as many."""
STEPS = 8
OUT = Path(describe.__file__).parent / "describing.toml"
COLORS = {
    "grey": "gray", "charcoal": "gray", "steel": "gray", "silver": "gray", "maroon": "burgundy", "cream": "beige",
    "khaki": "beige", "skin": "beige", "tan": "brown", "mustard": "yellow", "teal": "turquoise", "magenta": "pink",
    "peach": "pink", "lavender": "purple", "mauve": "purple", "olive": "green", "bronze": "brown", "copper": "brown",
    "rust": "brown", "violet": "purple", "golden": "gold", "melange": "gray", "coffee": "brown", "nude": "beige",
}  # fmt: skip
"""Words for colors in labels -> the name that is right for them."""
SAID = {"solid": "plain", "stripe": "striped", "stripes": "striped", "check": "checked", "checks": "checked",
        "polka": "dotted", "flower": "floral", "print": "printed", "graphic": "printed"}  # fmt: skip
OF_PEOPLE = {"streetstyle": True, "clothing": False, "clothing-more": False}
"""Set -> whether its products are worn."""
OF_KIND = {"t-shirt": "short", "polo": "short", "longsleeve": "long", "long-sleeved top": "long", "undershirt": "none"}


@dataclass(frozen=True)
class Case:
    """A statement that could be made: its score, and whether it is right."""

    photo: str
    source: str
    score: float
    right: bool


@dataclass(frozen=True)
class Photo:
    """A photo of a set with its labels and raw scores."""

    name: str
    source: str
    row: Mapping[str, str]
    signals: Signals


def say(line: str) -> None:
    """Write a line of the report."""
    sys.stdout.write(line + "\n")


SETS = {
    "streetstyle": ("photos.csv", 150),
    "clothing": ("validation.csv", 300),
    "clothing-more": ("photos.csv", 500),
    "models3d": ("photos.csv", 400),
    **dict.fromkeys(("spree", "eshop", "contoso", "saleor", "solidus", "boutique"), ("photos.csv", 150)),
    "retail": ("products.csv", 84),
    "fashion-products": ("products.csv", 700),
}
"""Set -> its table and the most photos that are taken of it."""
MEASURED = "fashion-products"
"""Set that measures only."""


def photos_of(data: Path) -> list[tuple[str, Path, Mapping[str, str]]]:
    """Set, file and row of each photo that is used, the sets mixed: the first ones are a sample of all."""
    found: list[tuple[str, Path, Mapping[str, str]]] = []
    for source, (table, most) in SETS.items():
        with (data / source / table).open(encoding="utf-8", newline="") as lines:
            rows = sorted(csv.DictReader(lines), key=lambda row: zlib.crc32(row["image"].encode()))
        rows = [row for row in rows if row.get("background", "white") == "white"]
        found += [(source, data / source / row["image"], row) for row in rows[:most]]
    return sorted(found, key=lambda one: hashlib.sha256(str(one[1]).encode()).digest())


def signals(data: Path, kept: Path) -> list[Photo]:
    """Raw scores of all photos, kept in a file for the next run."""
    if kept.is_file():
        found: list[Photo] = pickle.loads(kept.read_bytes())
        return found
    network, found = encoder(), []
    for source, path, row in photos_of(data):
        try:
            found.append(Photo(path.name, source, row, signals_of(read_image(path, target=512), encoder=network)))
        except CatalensError as error:
            sys.stderr.write(f"{path}: {error}\n")
        if len(found) % 100 == 0:
            sys.stderr.write(f"{len(found)} photos\n")
            kept.write_bytes(pickle.dumps(found))
    kept.write_bytes(pickle.dumps(found))
    return found


def words_of(row: Mapping[str, str]) -> list[str]:
    """Words of a row's title and color."""
    texts = (row.get(name) or "" for name in ("title", "colour", "colours", "variant"))
    return re.findall(r"[a-z]+", " ".join(texts).lower())


def colors_of(row: Mapping[str, str]) -> set[str]:
    """Names of colors that a row's label or title says."""
    words = words_of(row)
    found = {COLORS.get(word, word) for word in words}
    found |= {"navy"} if "navy" in words else set()
    return {name for name in found if name in COLOR_NAMES}


def kinds_of(row: Mapping[str, str]) -> set[str]:
    """Kinds, and wider ones, that a row's category or title names."""
    texts = (row.get("category") or "", row.get("title") or "")
    named = [one.kind for text in texts for one in taxonomy.find(text, language="en")]
    return {name for kind in named for name in kind.lineage}


def cases(photos: Sequence[Photo]) -> dict[str, list[Case]]:
    """Attribute -> the statements about it."""
    found: dict[str, list[Case]] = {
        name: []
        for name in (
            "kind",
            "wider kind",
            "pattern",
            "sleeves",
            "worn",
            "flat",
            *dict.fromkeys(map(color_key, COLOR_NAMES)),
        )
    }

    def add(name: str, photo: Photo, score: float, right: bool) -> None:
        found[name].append(Case(photo.name, photo.source, score, right))

    for photo in photos:
        seen = photo.signals
        if kinds := kinds_of(photo.row):
            for place, (kind, score) in enumerate(seen.kind_candidates()):
                add("wider kind" if place else "kind", photo, score, kind in kinds)
        if colors := colors_of(photo.row):
            for place, (color, share) in enumerate(list(seen.colors.items())[:2]):
                if place == 0 or share >= SECOND_COLOR:
                    add(color_key(color), photo, seen.color_score(color), color in colors)
        patterns = {SAID.get(word, word) for word in words_of(photo.row)} & set(PATTERNS)
        if patterns:
            pattern, score = max(seen.patterns.items(), key=lambda one: one[1])
            add("pattern", photo, score, pattern in patterns)
        if photo.source in OF_PEOPLE:
            worn = OF_PEOPLE[photo.source]
            add("worn", photo, seen.person, worn)
            add("flat", photo, 1 - seen.person, not worn)
            if (sleeves := OF_KIND.get(photo.row.get("category", ""))) is not None:
                said, score = max(seen.sleeves.items(), key=lambda one: one[1])
                add("sleeves", photo, score, SLEEVES[said] == sleeves)
    return found


def is_chosen_on(case: Case) -> bool:
    """Whether a case is one of those that thresholds are chosen on."""
    return case.source != MEASURED and zlib.crc32(f"half {case.photo}".encode()) % 2 == 0


def threshold(first: Sequence[Case]) -> float | None:
    """The lowest score from which so many statements are right; None where too few are."""
    ordered = sorted(first, key=lambda case: -case.score)
    right = np.array([case.right for case in ordered], float)
    for stop in range(len(ordered), 2 * FEWEST - 1, -1):
        if stop < len(ordered) and ordered[stop].score == ordered[stop - 1].score:
            continue
        if right[:stop].mean() >= WANTED and right[stop - FEWEST : stop].mean() >= LOWEST:
            return ordered[stop - 1].score
    return None


def curve(first: Sequence[Case], least: float) -> tuple[list[float], list[float]]:
    """Mean score and share right in bins of equally many statements, made monotone by pooling neighbours."""
    stated = sorted((case for case in first if case.score >= least), key=lambda case: case.score)
    pools: list[list[float]] = []
    for part in np.array_split(np.arange(len(stated)), min(STEPS, max(1, len(stated) // 20))):
        some = [stated[place] for place in part]
        pools.append([float(np.mean([c.score for c in some])), float(np.mean([c.right for c in some])), len(some)])
        while len(pools) > 1 and pools[-2][1] > pools[-1][1]:
            (score, right, count), other = pools.pop(), pools.pop()
            total = other[2] + count
            pools.append([*(np.array(other[:2]) * other[2] + np.array([score, right]) * count) / total, total])
    return [round(float(one[0]), 4) for one in pools], [round(float(one[1]), 4) for one in pools]


def main(data: Path, kept: Path) -> None:
    """Write the table and print the figures of the second half."""
    photos = signals(data, kept)
    lines = [
        "# From which score an attribute is stated, how often that was right; written by recipes/describe.py.",
        "",
        f'encoder = "{encoder().name}"',
        "",
    ]
    told: dict[str, list[bool]] = {}
    for name, every in cases(photos).items():
        first = [case for case in every if is_chosen_on(case)]
        if (least := threshold(first)) is None:
            right = f", {np.mean([case.right for case in every]):.3f} right" if every else ""
            say(f"{name}: never stated; {len(every)} statements{right}")
            continue
        scores, shares = curve(first, least)
        lines += [f'[attributes."{name}"]', f"least = {least:.6f}", f"scores = {scores}", f"right = {shares}", ""]
        for where, second in (
            ("other half", [case for case in every if case.source != MEASURED and not is_chosen_on(case)]),
            (MEASURED, [case for case in every if case.source == MEASURED]),
        ):
            right_ones = [case.right for case in second if case.score >= least]
            told.setdefault(f"{where}: {name.split(' ')[0]}", []).extend(right_ones)
            if right_ones:
                say(f"{name}: from {least:.3f}; {where} {bootstrap_mean(right_ones)}, stated of {len(second)}")
    for name, right_ones in told.items():
        if name.endswith("color") and right_ones:
            say(f"{name}, all: {bootstrap_mean(right_ones)}")
    OUT.write_text("\n".join(lines), encoding="utf-8")
    describe.calibrations.cache_clear()
    others = [photo for photo in photos if photo.source == MEASURED]
    counts = [len({one.name for one in describe.stated(photo.signals)}) for photo in others]
    say(f"at least three attributes stated: {bootstrap_mean(np.array(counts) >= 3)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[3] if len(sys.argv) > 3 else "describe-signals.pkl"))
