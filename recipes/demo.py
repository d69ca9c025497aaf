"""The main job on a shop that the renderer makes: add it, search it by photo and by words, write a report.

python -m recipes.demo demo
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens.cli.output import list_failures, progress_bar, say, write
from catalens.errors import CatalensError
from catalens.search.page import Section, save_report
from catalens.types import Matches
from recipes.synthetic import write_shop

WORDS = ("red striped dress", "black leather bag", "wooden chair")
SHOWN = 5


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to write the shop, its catalog and the report to.")] = Path(
        "demo"
    ),
    products: Annotated[int, typer.Option(min=30, help="How many products to render.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed renders the same shop.")] = 0,
) -> None:
    """Render a sample shop, add it, search it by photo and by words, and write a report."""
    started = time.perf_counter()
    with progress_bar() as progress:
        feed = write_shop(folder / "export", n=products, seed=seed, progress=progress)
    rendered = time.perf_counter()
    write(f"rendered {products} products into {folder / 'export'} in {rendered - started:.0f} s")
    with catalens.open(folder / "shop") as shop:
        with progress_bar() as progress:
            report = shop.add(feed, progress=progress)
        write(
            f"added {report.added}, updated {report.updated}, unchanged {report.unchanged}; "
            f"{report.pictures} pictures embedded in {time.perf_counter() - rendered:.1f} s"
        )
        list_failures(report.failed)
        _search(shop, folder)
    write(f"\nThe report with pictures: {folder / 'report.html'}")
    program = "catalens" if shutil.which("catalens") else Path(sys.executable).with_name("catalens")
    write("Now type, for instance:")
    photo = min((folder / "export" / "queries").glob("*.jpg"))
    write(f"  {program} search {photo} --catalog {folder / 'shop'} --where 'price<60' --save page.html")
    write(f'  {program} search "navy checked shirt" --catalog {folder / "shop"}')
    write(f"  {program} add YOUR-EXPORT.csv --catalog my-shop/")


def _search(shop: catalens.Catalog, folder: Path) -> None:
    sections = []
    for photo in sorted((folder / "export" / "queries").glob("*.jpg")):
        matches = shop.search(image=photo, k=10)
        _tell(f"photo {photo.name}", matches)
        sections.append(Section(f"By photo: {photo.stem}", matches, query_picture=catalens.read_image(photo)))
    for words in WORDS:
        matches = shop.search(text=words, k=10)
        _tell(f'words "{words}"', matches)
        sections.append(Section(f"By words: {words}", matches))
    save_report(
        sections,
        folder / "report.html",
        title="Catalens on a sample shop",
        intro="Every product here is rendered; the photos asked with show a product of the "
        "shop in another scene, turned and in other light.",
    )


def _tell(question: str, matches: Matches) -> None:
    write(f"\n{question}  ({matches.took_ms:.0f} ms)")
    for rank, match in enumerate(matches[:SHOWN], start=1):
        write(f"  {rank}  {match.score:.3f}  {match.sku}  {match.title}")
    if not matches:
        say("  no products found")


if __name__ == "__main__":
    try:
        typer.run(demo)
    except CatalensError as error:
        say(str(error))
        sys.exit(error.exit_code)
