"""`catalens catalog export`: the products of a catalog as text, as a table, or as a feed for engines and agents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, existing
from catalens.cli.output import say, write, write_exact, write_json
from catalens.errors import UsageError
from catalens.feeds.channels import CHANNELS

if TYPE_CHECKING:
    from catalens.feeds.readiness import Readiness
    from catalens.tasks.attributes import Filled

FORMATS = ("jsonl", "csv", *CHANNELS)
ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", "": "jsonl"}
"""Ending of a file -> the format it is written in where none is named."""
NOT_READY = 5
"""Exit code of `--check` where some product cannot go into the feed."""


def export(
    catalog: CatalogFolder = DEFAULT_CATALOG,
    format: Annotated[
        str | None,
        typer.Option(help=f"Format: {', '.join(FORMATS)}; if absent, by the ending of --out, else jsonl."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; stdout if absent.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write no feed; count the fields that are missing or wrong.")
    ] = False,
    fill: Annotated[
        str | None, typer.Option(help="Fill these from photos where the shop says nothing: color,pattern,category.")
    ] = None,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Fill nothing below this confidence.")] = 0.5,
    picture_base: Annotated[
        str, typer.Option(help="Web address of the folder in which pictures that are files are published.")
    ] = "",
    currency: Annotated[str, typer.Option(help="Currency of prices that name none, such as EUR.")] = "",
    as_json: AsJson = False,
) -> None:
    """Export all products: jsonl, which `catalens add` reads back whole, csv, or a feed for engines and agents."""
    format = format or _format_of(out)
    if format not in FORMATS or ((check or fill or picture_base or currency) and format not in CHANNELS):
        what = "a feed" if format in FORMATS else "a format"
        raise UsageError(f"{format!r} is not {what}", cure=f"take --format {' or '.join(CHANNELS)}")
    filled: list[Filled] = []
    with existing(catalog) as shop:
        products = None
        if fill is not None:
            names = [name.strip() for name in fill.split(",") if name.strip()]
            products = list(shop.filled(names, min_confidence=min_confidence, told=filled.append))
        if check:
            found = shop.readiness(format, picture_base=picture_base, currency=currency, products=products)
            _show(found, filled, as_json)
            if found.ready < found.offers:
                raise typer.Exit(NOT_READY)
            return
        if out is None:
            for line in shop.export_lines(
                format=format, picture_base=picture_base, currency=currency, products=products
            ):
                write_exact(line)
        else:
            count = shop.export(out, format=format, picture_base=picture_base, currency=currency, products=products)
            say(f"{count} {'products' if format in {'jsonl', 'csv', 'acp'} else 'offers'} written to {out}")
    for attribute in sorted({one.attribute for one in filled}):
        say(f"{attribute}: {sum(one.attribute == attribute for one in filled)} filled from photos; look at some")


def _format_of(out: Path | None) -> str:
    """The format that a file's ending names; jsonl on stdout.

    Raises:
        UsageError: the ending names none.
    """
    if out is None:
        return "jsonl"
    if (named := ENDINGS.get(out.suffix.lower())) is None:
        raise UsageError(f"{out}: its ending says no format", cure=f"add --format, one of {', '.join(FORMATS)}")
    return named


def _show(found: Readiness, filled: list[Filled], as_json: bool) -> None:
    if as_json:
        write_json({**found.to_dict(), "filled": [one.to_dict() for one in filled]})
        return
    for field in found.fields:
        write(str(field))
    for one in filled:
        write(f"filled: {one.sku} {one.attribute} {one.value} ({one.confidence:.2f})")
    write(f"{found.ready} of {found.offers} offers are ready for {found.channel}")
