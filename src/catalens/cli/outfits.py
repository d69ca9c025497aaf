"""`catalens outfit | score`: what goes with a product or a photo, and whether things go together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, existing
from catalens.cli.output import say, write, write_json
from catalens.errors import NotFoundError, UsageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif"})


def outfit(
    start: Annotated[list[str], typer.Argument(help="Product by its sku, or a photo of one thing; or several.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, typer.Option("-k", help="Outfits.")] = 5,
    kind: Annotated[list[str] | None, typer.Option(help="What to add, as in: shoes; repeatable.")] = None,
    budget: Annotated[float | None, typer.Option(help="All that is to be bought costs at most this.")] = None,
    occasion: Annotated[str | None, typer.Option(help="Word to be found in products, as in: work.")] = None,
    style: Annotated[str | None, typer.Option(help="Word to be found in products, as in: minimal.")] = None,
    season: Annotated[str | None, typer.Option(help="Word to be found in products, as in: winter.")] = None,
    own: Annotated[Path | None, typer.Option(help="Folder with photos of your own things; they cost nothing.")] = None,
    unlike: Annotated[list[str] | None, typer.Option(help="Sku that is not wanted; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """Complete an outfit around a product or a photo, with reasons."""
    wardrobe = _photos(own) if own is not None else []
    with existing(catalog) as shop:
        found = shop.outfits(
            start, k=k, kinds=kind or (), budget=budget, own=wardrobe, unlike=unlike or (),
            wishes=[wish for wish in (occasion, style, season) if wish],
        )  # fmt: skip
    if as_json:
        write_json([one.to_dict() for one in found])
        return
    if not found:
        say("nothing in the catalog goes with it, or nothing that can be paid")
    for number, one in enumerate(found, start=1):
        write(f"{number}.  {one.score:.3f}  {one.price:.2f}")
        for item in one.items:
            cost = "" if item.price is None else f"  {item.price:.2f}"
            write(f"    {item.kind:<10} {item.name}  {item.title}{cost}")
        for reason in one.reasons:
            write(f"    - {reason}")


def score(
    photos: Annotated[list[Path], typer.Argument(help="Photos of one thing each, two to eight.")],
    as_json: AsJson = False,
) -> None:
    """Say whether things go together, and why."""
    from catalens.catalog.outfit import OutfitItem, reasons_for
    from catalens.tasks.outfit import MOST, outfit_model, pieces_of_photos

    if not 2 <= len(photos) <= MOST:
        raise UsageError(f"got {len(photos)} photos", cure=f"give two to {MOST}")
    pieces = pieces_of_photos(photos)
    value = float(outfit_model().scores([pieces])[0])
    items = [OutfitItem(str(path), piece.kind, picture=path) for path, piece in zip(photos, pieces, strict=True)]
    reasons = reasons_for(items, value)
    if as_json:
        write_json({"score": value, "kinds": [piece.kind for piece in pieces], "reasons": list(reasons)})
        return
    write(f"{value:.3f}")
    for item in items:
        write(f"  {item.kind:<10} {item.name}")
    for reason in reasons:
        write(f"  - {reason}")


def _photos(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not found:
        raise NotFoundError(f"no photos in {folder}", cure="name a folder with photos, one thing each")
    return found
