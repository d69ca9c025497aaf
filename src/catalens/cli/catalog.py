"""`catalens add | show | remove | info | doctor`: what goes into a catalog, what is in it, is it well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens import options
from catalens.cli.options import (
    DEFAULT_CATALOG,
    AsJson,
    CatalogFolder,
    Device,
    EncoderName,
    Precision,
    ProgressKind,
    existing,
    option,
    pairs,
)
from catalens.cli.output import list_failures, progress_bar, say, write, write_json
from catalens.errors import UsageError
from catalens.feeds import Reading, open_feed
from catalens.feeds.addresses import is_address
from catalens.feeds.sources import with_sides
from catalens.models.device import AUTO
from catalens.storage.encoder import ChosenEncoder
from catalens.types import AddReport, Failure, Product

SOME_FAILED = 4
FINDINGS = 5
PREVIEWED = 10
"""Products that `add --dry-run` shows."""


def add(
    sources: Annotated[list[str], typer.Argument(help="Feeds, folders of photos or photos.", metavar="SOURCE...")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    media: Annotated[Path | None, option(options.Add.media)] = None,
    mapping: Annotated[list[str] | None, option(options.Add.mapping, "--map", more="May be repeated.")] = None,
    format: Annotated[str | None, option(options.Add.format)] = options.Add.format.default,
    encoding: Annotated[str | None, option(options.Add.encoding)] = None,
    join: Annotated[list[str] | None, option(options.Add.join, "--join", more="May be repeated.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first ten products as understood; write nothing.")
    ] = False,
    fetch: Annotated[bool, option(options.Add.fetch, "--fetch")] = False,
    blur_faces: Annotated[bool, option(options.Add.blur_faces, "--blur-faces")] = options.Add.blur_faces.default,
    clear_empty: Annotated[bool, option(options.Add.clear_empty, "--clear-empty")] = options.Add.clear_empty.default,
    prune: Annotated[bool, option(options.Add.prune, "--prune")] = options.Add.prune.default,
    source_name: Annotated[str | None, option(options.Add.source_name)] = options.Add.source_name.default,
    read_text: Annotated[bool, option(options.Add.read_text, "--read-text")] = options.Add.read_text.default,
    encoder: EncoderName = options.Add.encoder.default,
    text_encoder: Annotated[str | None, option(options.Network.text_encoder)] = None,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    progress: ProgressKind = "auto",
    as_json: AsJson = False,
) -> None:
    """Add or update products; the catalog is created if absent. What a source does not mention stays as it was."""
    if source_name and len(sources) > 1:
        raise UsageError(f"{len(sources)} sources and one name", cure="add them one by one")
    columns = pairs(mapping or [], option="--map", example="image=photo_file")
    feeds, sides = with_sides(sources, join or (), encoding=encoding)
    if dry_run or not catalog.exists():
        for source in feeds:  # what cannot be read at all makes no catalog
            if not dry_run and fetch and is_address(source):  # it is fetched once
                continue
            reading = open_feed(
                source, media=media, mapping=columns, format=format, encoding=encoding, fetch=fetch, join=sides
            )
            if dry_run:
                _preview(str(source), reading, as_json)
    if dry_run:
        return
    if read_text:
        from catalens.tasks.reading import text_reader

        text_reader()  # one that is not installed stops it before anything is added
    if not catalog.exists() and (encoder is not None or {device, dtype} != {AUTO}):
        ChosenEncoder(encoder, device=device, dtype=dtype).load()
    reports: list[AddReport] = []
    with (
        catalens.open(catalog, encoder=encoder, device=device, dtype=dtype, text_encoder=text_encoder) as shop,
        progress_bar(progress) as told,
    ):
        for source in feeds:
            report = shop.add(
                source,
                media=media,
                mapping=columns or None,
                format=format,
                fetch=fetch,
                blur_faces=blur_faces,
                progress=told,
                encoding=encoding,
                join=sides,
                clear_empty=clear_empty,
                prune=prune,
                source_name=source_name,
            )
            reports.append(report)
            if not as_json:
                tell(str(source), report)
        texts = shop.read_texts(progress=told) if read_text else None
    if texts is not None:
        say(
            f"text read on the pictures of {texts.read} products, found on {texts.with_text}; "
            f"{texts.known} known before"
        )
        list_failures(texts.failed)
    if as_json:
        results = [report.to_dict() for report in reports]
        write_json(results[0] if len(results) == 1 else results)
    if any(report.failed for report in reports) or (texts is not None and texts.failed):
        raise typer.Exit(SOME_FAILED)


def _preview(source: str, reading: Reading, as_json: bool) -> None:
    """Show the first products of a feed as they are understood."""
    products: list[Product] = []
    failures: list[Failure] = []
    for item in reading:
        if isinstance(item, Failure):
            failures.append(item)
        elif len(products) == PREVIEWED:
            break
        else:
            products.append(item)
    if as_json:
        notes, failed = list(reading.notes), [failure.to_dict() for failure in failures]
        shown = [product.to_dict() for product in products]
        write_json({"feed": reading.name, "notes": notes, "products": shown, "failed": failed})
        return
    for note in reading.notes:
        say(f"{source}: {note}")
    write(f"{source} ({reading.name}): nothing is written; {len(products)} products as understood:")
    for product in products:
        write(*_describe(product))
    list_failures(tuple(failures))


def tell(source: str, report: AddReport) -> None:
    """Print what became of a source."""
    for note in report.notes:
        say(f"{source}: {note}")
    write(
        f"{source} ({report.feed}): {report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.pictures} pictures embedded, {_counted(report.failed)}"
    )
    list_failures(report.failed)


def _counted(failed: Sequence[Failure]) -> str:
    """How many failed, and of what: rows are products or lines of a feed."""
    pictures = sum(one.is_picture for one in failed)
    counts = {"row": len(failed) - pictures, "picture": pictures}
    said = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items() if count)
    return f"{len(failed)} failed ({said})" if failed else "0 failed"


def show(
    sku: Annotated[str, typer.Argument(help="Product or variant.", metavar="SKU")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    as_json: AsJson = False,
) -> None:
    """Show one product with its variants and pictures."""
    with existing(catalog) as shop:
        product = shop.get(sku)
    if as_json:
        write_json(product.to_dict())
    else:
        write(*_describe(product))


def _describe(product: Product) -> list[str]:
    lines = [f"{product.sku}  {product.title}".rstrip()]
    if product.description:
        lines += ["", *product.description.splitlines(), ""]
    lines += [f"  {name}: {_value(value)}" for name, value in product.attributes.items()]
    lines += [f"  picture: {picture.location}" for picture in product.pictures]
    for variant in product.variants:
        attributes = ", ".join(f"{name} {_value(value)}" for name, value in variant.attributes.items())
        lines.append(f"  variant {variant.sku}: {attributes}; {len(variant.pictures)} pictures")
    return lines


def _value(value: object) -> str:
    return " | ".join(value) if isinstance(value, tuple) else str(value)


def remove(
    skus: Annotated[list[str], typer.Argument(help="Products to remove.", metavar="SKU...")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
) -> None:
    """Remove products with their text and vectors. The photo files are not touched."""
    existing(catalog).close()
    with catalens.open(catalog) as shop:
        write(f"{shop.remove(*skus)} removed")


def info(catalog: CatalogFolder = DEFAULT_CATALOG, as_json: AsJson = False) -> None:
    """Show what is in a catalog: counts, encoders, size on disk."""
    with existing(catalog) as shop:
        facts = shop.info().to_dict()
    if as_json:
        write_json(facts)
    else:
        for name, value in facts.items():
            write(f"{name.replace('_', ' '):<12} {_listed(value)}")


def _listed(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def doctor(
    catalog: CatalogFolder = DEFAULT_CATALOG,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired, and list what is lost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a catalog for damage, missing photos, stale indexes and leftovers of a full disk."""
    diagnosis = catalens.Catalog.diagnose(catalog, repair=repair)
    if as_json:
        write_json(diagnosis.to_dict())
    else:
        for finding in diagnosis.findings:
            write(str(finding))
        if not diagnosis.findings:
            write("no problems found")
    if not diagnosis.healthy:
        raise typer.Exit(FINDINGS)
