"""`catalens outfit | score | room`: what goes with a product, a photo or a room, and whether things go together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, existing
from catalens.cli.output import say, write, write_json
from catalens.errors import NotFoundError, UsageError
from catalens.images.folder import photos_in


def outfit(
    start: Annotated[list[str], typer.Argument(help="Product by its sku, or a photo of one thing; or several.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, typer.Option("-k", help="Outfits.")] = 5,
    kind: Annotated[list[str] | None, typer.Option(help="What to add, as in: shoes; repeatable.")] = None,
    budget: Annotated[float | None, typer.Option(help="All that is to be bought costs at most this.")] = None,
    occasion: Annotated[str | None, typer.Option(help="As in: work, party, sport, travel; or another word.")] = None,
    style: Annotated[str | None, typer.Option(help="As in: minimal, classic, street; or another word.")] = None,
    season: Annotated[str | None, typer.Option(help="As in: winter; or another word.")] = None,
    colors: Annotated[
        str | None, typer.Option(help="How they stand: neutral, accent, analogous, complementary, contrast.")
    ] = None,
    own: Annotated[Path | None, typer.Option(help="Folder with photos of your own things; they cost nothing.")] = None,
    like: Annotated[list[str] | None, typer.Option(help="Sku that is liked; repeatable.")] = None,
    unlike: Annotated[list[str] | None, typer.Option(help="Sku that is not wanted; repeatable.")] = None,
    model: Annotated[str | None, typer.Option(help="Folder of an outfit network of your own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Complete an outfit around a product or a photo, with reasons."""
    wardrobe = _photos(own) if own is not None else []
    with existing(catalog) as shop:
        found = shop.outfits(
            start, k=k, kinds=kind or (), budget=budget, colors=colors, own=wardrobe, like=like or (),
            unlike=unlike or (), wishes=[wish for wish in (occasion, style, season) if wish], model=model,
        )  # fmt: skip
    if as_json:
        write_json(found.to_dict())
        return
    for note in found.notes:
        say(note)
    for number, one in enumerate(found, start=1):
        write(f"{number}.  {one.score:.3f}  {one.price:.2f}")
        for item in one.items:
            cost = "" if item.price is None else f"  {item.price:.2f}"
            write(f"    {item.kind:<10} {item.name}  {item.title}{cost}")
        for reason in one.reasons:
            write(f"    - {reason}")
        write(f"    = {' + '.join(f'{name} {value:.2f}' for name, value in one.parts.items())}")


def score(
    photos: Annotated[list[Path], typer.Argument(help="Photos of one thing each, two to eight.")],
    as_json: AsJson = False,
) -> None:
    """Say whether things go together, and why."""
    from catalens.styling.outfit import main_color, reasons_for
    from catalens.tasks.outfit import MOST, doubts_of, outfit_model, pieces_of_photos

    if not 2 <= len(photos) <= MOST:
        raise UsageError(f"got {len(photos)} photos", cure=f"give two to {MOST}")
    pieces = pieces_of_photos(photos)
    value = float(outfit_model().scores([pieces])[0])
    colors = [main_color(piece.kind, path) for path, piece in zip(photos, pieces, strict=True)]
    reasons, doubts = reasons_for([color for color in colors if color is not None], value), doubts_of(pieces)
    if as_json:
        kinds = [piece.kind for piece in pieces]
        write_json({"score": value, "kinds": kinds, "reasons": list(reasons), "notes": list(doubts)})
        return
    for doubt in doubts:
        say(doubt)
    write(f"{value:.3f}")
    for path, piece in zip(photos, pieces, strict=True):
        write(f"  {piece.kind:<10} {path}")
    for reason in reasons:
        write(f"  - {reason}")


def room(
    photo: Annotated[Path, typer.Argument(help="Photo of a room.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, typer.Option("-k", help="Products of each kind.")] = 3,
    kind: Annotated[list[str] | None, typer.Option(help="What to look for, as in: lamp; repeatable.")] = None,
    budget: Annotated[float | None, typer.Option(help="The first ones of all kinds cost at most this.")] = None,
    style: Annotated[str | None, typer.Option(help="As in: minimal; or a material, as in: wood.")] = None,
    as_json: AsJson = False,
) -> None:
    """Furnish a room: goods that fit its colors and what stands there, and are not there yet."""
    with existing(catalog) as shop:
        found = shop.room(photo, k=k, kinds=kind or (), budget=budget, wishes=[style] if style else [])
    if as_json:
        write_json(found.to_dict())
        return
    for note in found.notes:
        say(note)
    write("there: " + (", ".join(f"{one.label} {one.score:.2f}" for one in found.things) or "nothing that is known"))
    write("colors: " + ", ".join(f"{one.name} {one.area:.0%}" for one in found.palette))
    for name, goods in found.goods.items():
        write(name)
        for good in goods:
            cost = "" if good.item.price is None else f"  {good.item.price:.2f}"
            write(f"  {good.score:.3f}  {good.item.name}  {good.item.title}{cost}  ({'; '.join(good.reasons)})")
    if found.goods:
        write(f"the first of each kind: {found.price:.2f}")


def _photos(folder: Path) -> list[Path]:
    found = photos_in(folder) if folder.is_dir() else []
    if not found:
        raise NotFoundError(f"no photos in {folder}", cure="name a folder with photos, one thing each")
    return found
