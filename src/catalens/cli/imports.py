"""`catalens catalog import`: what another search engine holds, into a catalog."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens import options
from catalens.cli.catalog import SOME_FAILED, tell
from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, EncoderName, ProgressKind, option, pairs
from catalens.cli.output import progress_bar, say, write_json
from catalens.errors import NotFoundError, UsageError
from catalens.feeds.base import Options
from catalens.feeds.engines import ENGINES, open_dump, settings_notes
from catalens.json_text import parse_json
from catalens.tasks.embed import encoder as load_encoder
from catalens.types import AddReport, Product

BATCH = 256
"""Products that are taken in together with their vectors."""


def bring(
    engine: Annotated[str, typer.Argument(help=f"{', '.join(ENGINES)} or csv-of-urls.", metavar="ENGINE")],
    source: Annotated[Path, typer.Argument(help="Dump of its documents (JSON, JSON Lines), or the table.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    mapping: Annotated[list[str] | None, option(options.Add.mapping, "--map", more="May be repeated.")] = None,
    fetch: Annotated[bool, option(options.Add.fetch, "--fetch")] = False,
    media: Annotated[Path | None, option(options.Add.media)] = None,
    vectors: Annotated[
        str | None, typer.Option(help="Encoder that made the vectors: import them under its name.")
    ] = None,
    vector: Annotated[
        str | None, typer.Option(help="Name of the vector, or of its field, where documents have several.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="The engine's settings (JSON): says what has no counterpart.")
    ] = None,
    encoder: EncoderName = options.Add.encoder.default,
    progress: ProgressKind = "auto",
    as_json: AsJson = False,
) -> None:
    """Import from another engine: documents, pictures by their addresses, vectors of a known encoder."""
    columns = pairs(mapping or [], option="--map", example="image=photo_url")
    if settings is not None:
        for note in settings_notes(_read(settings)):
            say(note)
    if engine == "csv-of-urls" and (vectors or vector):
        raise UsageError("a table of addresses has no vectors", cure="leave --vectors out")
    if engine != "csv-of-urls" and not source.is_file():
        raise NotFoundError(f"no file at {source}", cure="check the path")
    made_by = None if vectors is None else load_encoder(vectors)
    with catalens.open(catalog, encoder=encoder) as shop, progress_bar(progress) as told:
        if engine == "csv-of-urls":
            report = shop.add(source, mapping=columns, media=media, fetch=fetch, progress=told)
        else:
            dim = None if made_by is None else made_by.dim
            dump = open_dump(source, engine, options=Options(media, columns), vector=vector, dim=dim)
            reports, brought = [AddReport(feed=engine)], 0
            while batch := list(islice(dump.items, BATCH)):
                reports.append(shop.add(batch, fetch=fetch, progress=told))
                if made_by is not None:
                    products = [item for item in batch if isinstance(item, Product)]
                    brought += shop.bring_vectors(products, dump.vectors, encoder=made_by)
            report = replace(_together(reports), feed=engine, notes=dump.notes.told())
            if vectors is not None:
                say(f"{brought} vectors taken in; search with --encoder {vectors}")
    if as_json:
        write_json(report.to_dict())
    else:
        tell(str(source), report)
    if report.failed:
        raise typer.Exit(SOME_FAILED)


def _together(reports: list[AddReport]) -> AddReport:
    counts = {
        name: sum(getattr(one, name) for one in reports) for name in ("added", "updated", "unchanged", "pictures")
    }
    return AddReport(**counts, failed=tuple(chain.from_iterable(one.failed for one in reports)))


def _read(path: Path) -> object:
    try:
        return parse_json(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no JSON: {error}", cure="save the engine's answer") from None
