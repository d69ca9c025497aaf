"""`catalens outfit | score | room`: what goes with a product, a photo or a room, and whether things go together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalens import options
from catalens.cli.options import (
    DEFAULT_CATALOG,
    AsJson,
    CatalogFolder,
    Device,
    EncoderName,
    Precision,
    existing,
    option,
)
from catalens.cli.output import say, write, write_json
from catalens.errors import NotFoundError
from catalens.images.folder import photos_in

Save = Annotated[Path | None, typer.Option(help="Also write a page (.html).")]


def outfit(
    start: Annotated[list[str], typer.Argument(help="SKU of a product, or a photo of one item. May be repeated.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, option(options.Outfits.k, "-k")] = options.Outfits.k.default,
    kind: Annotated[list[str] | None, option(options.Outfits.kinds, "--kind", more="May be repeated.")] = None,
    budget: Annotated[float | None, option(options.Outfits.budget)] = options.Outfits.budget.default,
    occasion: Annotated[str | None, typer.Option(help="Occasion, such as work, party, sport or travel.")] = None,
    style: Annotated[str | None, typer.Option(help="Style, such as minimal, classic or street.")] = None,
    season: Annotated[str | None, typer.Option(help="Season, such as winter.")] = None,
    colors: Annotated[str | None, option(options.Outfits.colors)] = options.Outfits.colors.default,
    own: Annotated[Path | None, option(options.Outfits.own, more="A folder.")] = None,
    like: Annotated[list[str] | None, option(options.Outfits.like, more="May be repeated.")] = None,
    unlike: Annotated[list[str] | None, option(options.Outfits.unlike, more="May be repeated.")] = None,
    model: Annotated[str | None, option(options.Outfits.model)] = options.Outfits.model.default,
    encoder: EncoderName = options.Network.encoder.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    save: Save = None,
    as_json: AsJson = False,
) -> None:
    """Complete an outfit around a product or a photo, with reasons."""
    from catalens.styling.outfit_page import check_page, save_outfits

    if save is not None:
        check_page(save)  # before the work, not after it
    wardrobe = _photos(own) if own is not None else []
    with existing(catalog, encoder=encoder, device=device, dtype=dtype) as shop:
        found = shop.outfits(
            start, k=k, kinds=kind or (), budget=budget, colors=colors, own=wardrobe, like=like or (),
            unlike=unlike or (), wishes=[wish for wish in (occasion, style, season) if wish], model=model,
            device=device, dtype=dtype,
        )  # fmt: skip
    if save is not None:
        save_outfits(found, save)
        say(f"written: {save}")
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
    photos: Annotated[list[Path], typer.Argument(help="Two to eight photos of one item each.")],
    model: Annotated[str | None, option(options.Score.model)] = options.Score.model.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    as_json: AsJson = False,
) -> None:
    """Score how well items go together, with reasons."""
    from catalens.styling.outfit import score_photos

    found = score_photos(photos, model=model, device=device, dtype=dtype)
    if as_json:
        write_json(found.to_dict())
        return
    for note in found.notes:
        say(note)
    write("no score" if found.value is None else f"{found.value:.3f}")
    for path, kind in zip(photos, found.kinds, strict=True):
        write(f"  {kind:<10} {path}")
    for reason in found.reasons:
        write(f"  - {reason}")


def room(
    photo: Annotated[Path, typer.Argument(help="Photo of a room.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, option(options.Room.k, "-k")] = options.Room.k.default,
    kind: Annotated[list[str] | None, option(options.Room.kinds, "--kind", more="May be repeated.")] = None,
    budget: Annotated[float | None, option(options.Room.budget)] = options.Room.budget.default,
    style: Annotated[str | None, typer.Option(help="Style, such as minimal, or material, such as wood.")] = None,
    encoder: EncoderName = options.Network.encoder.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    save: Save = None,
    as_json: AsJson = False,
) -> None:
    """Furnish a room: products that fit its colors and furniture and that it lacks."""
    from catalens.styling.outfit_page import check_page, save_room

    if save is not None:
        check_page(save)
    with existing(catalog, encoder=encoder, device=device, dtype=dtype) as shop:
        found = shop.room(photo, k=k, kinds=kind or (), budget=budget, wishes=[style] if style else [])
    if save is not None:
        save_room(found, photo, save)
        say(f"written: {save}")
    if as_json:
        write_json(found.to_dict())
        return
    for note in found.notes:
        say(note)
    write("there: " + (", ".join(f"{one.label} {one.score:.2f}" for one in found.things) or "no known furniture"))
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
