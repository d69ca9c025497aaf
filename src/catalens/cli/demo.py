"""`catalens demo`: search the sample shop by photo and by words, and write a report."""

from __future__ import annotations

import csv
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens.cli.output import list_failures, progress_bar, say, write
from catalens.errors import NotFoundError
from catalens.types import Matches

CHECKOUT = Path(catalens.__file__).parents[2] / "examples" / "shop"
"""Where the sample shop lies in a checkout; a wheel does not have it."""
HERE = Path("examples") / "shop"
"""The same, seen from the checkout's own folder, where the package itself is installed elsewhere."""
WORDS = (
    "red striped dress",
    "yellow armchair",
    "coffee machine",
    "brown leather sofa",
    "绿色 椅子",
    "toy for children",
)
SHOWN, SHOWN_ON_PAGE = 3, 5


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder for the catalog and the report.")] = Path("demo"),
    sample: Annotated[
        Path | None, typer.Option("--shop", help="Folder of the sample shop; examples/shop of the checkout if absent.")
    ] = None,
) -> None:
    """Search a sample shop of 439 products by photo and by words, and write a report with pictures."""
    sample = find_sample_shop(sample)
    started = time.perf_counter()
    with catalens.open(folder / "shop") as shop:
        with progress_bar() as progress:
            report = shop.add(sample / "shopify.csv", progress=progress)
        write(
            f"{len(shop)} products in the catalog; {report.pictures} pictures embedded in "
            f"{time.perf_counter() - started:.1f} s"
        )
        list_failures(report.failed)
        search_and_report(
            shop,
            folder / "report.html",
            photos=_queries(sample),
            words=WORDS,
            title="Catalens on a sample shop",
            intro="The query photos are views that the shop does not have: each shows one of its products from "
            "another side.",
        )
    write("", f"The report with pictures: {folder / 'report.html'}")
    program = "catalens" if shutil.which("catalens") else Path(sys.executable).with_name("catalens")
    write("Try, for instance:")
    write(f"  {program} search \"red shoes\" --catalog {folder / 'shop'} --where 'price<90' --save page.html")
    write(f"  {program} search {sample / 'queries' / 'LAM-008.jpg'} --catalog {folder / 'shop'}")
    write(f"  {program} serve --catalog {folder / 'shop'}")
    write(f"  {program} add YOUR-EXPORT.csv --catalog my-shop/")


def find_sample_shop(folder: Path | None = None) -> Path:
    """The folder of the sample shop: `shopify.csv`, `queries.csv` and their pictures.

    Args:
        folder: where it is; in a checkout it is found without.

    Raises:
        NotFoundError: it is not there.
    """
    for place in (CHECKOUT, HERE) if folder is None else (folder,):
        if all((place / name).is_file() for name in ("shopify.csv", "queries.csv")):
            return place
    what = "this installation has no sample shop" if folder is None else f"no sample shop at {folder}"
    raise NotFoundError(
        what, cure="it is the folder examples/shop of the source code: get that, and name the folder with --shop"
    )


def _queries(sample: Path) -> list[tuple[Path, str]]:
    with (sample / "queries.csv").open(encoding="utf-8", newline="") as lines:
        return [(sample / query["photo"], query["title"]) for query in csv.DictReader(lines)]


def search_and_report(
    shop: catalens.Catalog,
    report: Path,
    *,
    photos: Sequence[tuple[Path, str]],
    words: Sequence[str],
    title: str,
    intro: str,
) -> None:
    """Search a shop by photo and by words, print what is found, and write it as a page with pictures.

    Args:
        report: the page.
        photos: query photos, each with the title of its product; "" where the shop does not have it.
        words: queries in words.
        title, intro: of the page.
    """
    from catalens.search.page import Section, save_report

    sections, first = [], 0
    for photo, expected in photos:
        matches = shop.search(image=photo, k=SHOWN_ON_PAGE)
        first += bool(matches) and matches[0].title == expected
        heading = f"By photo: {expected or photo.parent.name}"
        sections.append(Section(heading, matches, query_picture=catalens.read_image(photo)))
    known = sum(bool(expected) for _, expected in photos)
    write("", f"by photo: {first} of {known} query photos find their product first")
    for query in words:
        matches = shop.search(text=query, k=SHOWN_ON_PAGE)
        _tell(f'words "{query}"', matches)
        sections.append(Section(f"By words: {query}", matches))
    save_report(sections, report, title=title, intro=intro)


def _tell(query: str, matches: Matches) -> None:
    write("", f"{query}  ({matches.took_ms:.0f} ms)")
    for rank, match in enumerate(matches[:SHOWN], start=1):
        write(f"  {rank}  {match.score:.3f}  {match.sku}  {match.title}")
    if not matches:
        say("  no products found")
