"""Queries as they are meant: negation right, and kind words of other languages that find English text.

    python -m benchmarks.query [--data ../shared/data/fashion-products] [--seed 0]

The catalog is a table of products with `id, title, category, colour` (`products.csv`); title, category and colour are
indexed, without pictures. Fields of the table say what is right, not the words by which it is found.

- **kind words**: for each category of five products or more whose name is a kind of the taxonomy, the kind's usual name
  in German, Spanish, French and Chinese, alone and with a color; right is a product of this kind or a narrower one (and
  of the color). The mean over queries of (right ones in the first ten) / min(10, all right ones).
- **negation**: category and a color, or a word of titles, that is not wanted, in five languages and several wordings. A
  query is right where it finds min(10, all right ones) products, none of which has what is excluded in its fields or
  title, and 9 of 10 of which are of the category.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import catalens
from catalens.catalog import Catalog
from catalens.taxonomy import Kind, looks, named
from catalens.types import Product, Where

FIRST, LEAST = 10, 5
LANGUAGES = ("de", "es", "fr", "zh")
EXCLUDING = {
    "en": ("{kind} not {look}", "{kind} without {look}", "{kind} -{look}", "no {look} {kind}"),
    "de": ("{kind} ohne {look}", "{kind} nicht {look}"),
    "es": ("{kind} sin {look}",),
    "fr": ("{kind} sans {look}",),
    "zh": ("{kind} 不要{look}", "不带{look}的{kind}"),
}
Row = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fashion-products"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print the queries that are wrong")
    asked = parser.parse_args()
    with (asked.data / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with tempfile.TemporaryDirectory() as folder, catalens.open(Path(folder) / "shop") as shop:
        shop.add([_product(row) for row in rows])
        figures = {
            **{f"kind words {language}": kind_words(shop, rows, language, show=asked.show) for language in LANGUAGES},
            **{
                f"negation {language}": negation(shop, rows, language, asked.seed, show=asked.show)
                for language in EXCLUDING
            },
        }
    for name, value in figures.items():
        print(f"{name:<16} {value:.3f}")
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


def _product(row: Row) -> Product:
    return Product(row["id"], Where("table"), row["title"], "", {"category": row["category"], "color": row["colour"]})


def kind_words(shop: Catalog, rows: Sequence[Row], language: str, *, show: bool = False) -> float:
    """Share of the first ten that is right, over kinds, and kinds with a color."""
    shares = []
    for kind, of_kind in _kinds(rows):
        name = kind.names[language][0]
        shares.append(_share(shop, name, {row["id"] for row in of_kind}, show=show))
        for color, count in Counter(row["colour"] for row in of_kind).items():
            spoken = _color(color, language)
            if spoken and count >= LEAST:
                query = f"{spoken}{name}" if language == "zh" else f"{name} {spoken}"
                right = {row["id"] for row in of_kind if row["colour"] == color}
                shares.append(_share(shop, query, right, show=show))
    return sum(shares) / len(shares)


def negation(shop: Catalog, rows: Sequence[Row], language: str, seed: int, *, show: bool = False) -> float:
    """Share of queries that are right, over categories and what is excluded."""
    pick, right = random.Random(seed), []
    for kind, of_kind in _kinds(rows):
        name = kind.names[language][0] if language != "en" else of_kind[0]["category"].lower()
        for look, has in _excluded(of_kind):
            spoken = look if language == "en" else next(iter(_translations(look, language)), "")
            left = [row for row in of_kind if not has(row)]
            if spoken and len(left) >= LEAST and len(left) < len(of_kind):
                query = pick.choice(EXCLUDING[language]).format(kind=name, look=spoken)
                by_id = {row["id"]: row for row in rows}
                found = [by_id[match.sku] for match in shop.search(text=query, k=FIRST)]
                ids = {row["id"] for row in of_kind}
                wanted = min(FIRST, len(left))
                good = (
                    len(found) >= wanted
                    and not any(map(has, found))
                    and sum(row["id"] in ids for row in found[:wanted]) >= 0.9 * wanted
                )
                right.append(good)
                if show and not good:
                    print(f"wrong: {query}: {[(row['title'], row['colour']) for row in found]}")
    return sum(right) / len(right)


def _excluded(of_kind: Sequence[Row]) -> Iterator[tuple[str, Callable[[Row], bool]]]:
    """(word, whether a product has it): the three commonest colors, and patterns that titles name."""
    for color, _ in Counter(row["colour"].lower() for row in of_kind if _known(row["colour"])).most_common(3):
        yield color, lambda row, color=color: _says(row, (color,)) or row["colour"].lower() == color  # type: ignore[misc]
    for pattern in (one for one in looks() if one.section in ("patterns", "materials")):
        words = pattern.names["en"]
        if any(_says(row, words) for row in of_kind):
            yield words[0], lambda row, words=words: _says(row, words)  # type: ignore[misc]


def _says(row: Row, words: Sequence[str]) -> bool:
    return any(re.search(rf"\b{re.escape(word)}\b", row["title"], re.IGNORECASE) for word in words)


def _kinds(rows: Sequence[Row]) -> list[tuple[Kind, list[Row]]]:
    """Kinds that categories name, with all products of these and of narrower ones."""
    kinds = {category: named(category) for category in {row["category"] for row in rows}}
    found = {}
    for kind in (kind for kind in kinds.values() if kind is not None):
        fitting = {category for category, other in kinds.items() if other is not None and kind.name in other.lineage}
        of_kind = [row for row in rows if row["category"] in fitting]
        if len(of_kind) >= LEAST:
            found[kind.name] = (kind, of_kind)
    return [found[name] for name in sorted(found)]


def _color(color: str, language: str) -> str:
    return next(iter(_translations(color.lower(), language)), "")


def _known(color: str) -> bool:
    return bool(_color(color, "de"))


def _translations(word: str, language: str) -> tuple[str, ...]:
    return next((one.names[language] for one in looks() if word in one.names["en"]), ())


def _share(shop: Catalog, query: str, right: set[str], *, show: bool) -> float:
    found = [match.sku for match in shop.search(text=query, k=FIRST)]
    share = sum(sku in right for sku in found) / min(FIRST, len(right))
    if show and share < 0.7:
        print(f"{share:.1f} {query}: {[match.title for match in shop.search(text=query, k=4)]}")
    return share


if __name__ == "__main__":
    main()
