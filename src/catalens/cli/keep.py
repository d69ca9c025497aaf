"""`catalens catalog erase | backup | restore | audit`: what is kept of a catalog, and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import catalens
from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, existing, existing_folder
from catalens.cli.output import say, write, write_json
from catalens.storage.audit import read_audit
from catalens.storage.places import Places

if TYPE_CHECKING:
    from catalens.storage.backup import Backup


def erase(
    skus: Annotated[list[str], typer.Argument(help="Products to erase.", metavar="SKU...")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    as_json: AsJson = False,
) -> None:
    """Erase products and every copy of them (uploads, job records, indexes), and print a receipt."""
    existing(catalog).close()
    with catalens.open(catalog) as shop:
        receipt = shop.erase(*skus)
    if as_json:
        write_json({**receipt.to_dict(), "left": list(receipt.left)})
    else:
        for trace in receipt.traces:
            write(f"{trace.place:<10} {trace.what:<10} {trace.name}")
        write(
            f"{len(receipt.skus)} erased at {receipt.at}, with {len(receipt.traces)} parts; "
            f"SHA-256 of the receipt: {receipt.to_dict()['sha256']}"
        )
    for kept in receipt.kept:
        say(f"kept: {kept.what} {kept.name}: {kept.why}")
    if receipt.pending:
        say("a reader has an old state open: the log of the database is emptied by the next call that writes")
    for path in receipt.left:
        say(f"your own photo file stays, delete it yourself if it must go: {path}")


def backup(
    out: Annotated[Path, typer.Argument(help="New folder for the backup.", metavar="FOLDER")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    as_json: AsJson = False,
) -> None:
    """Copy a catalog with its uploaded photos and tenants while it is in use; the copy is checked."""
    with existing(catalog) as shop:
        _tell(shop.backup(out), as_json, done=f"copied to {out}")


def restore(
    backup: Annotated[Path, typer.Argument(help="Folder that `catalens catalog backup` wrote.", metavar="FOLDER")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the catalog that is there; it is kept.")] = False,
    erasures: Annotated[
        Path | None,
        typer.Option(help="Log of erasures (CATALOG.erasures.jsonl) of a catalog that is restored under another name."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a catalog back from a backup; what was erased since stays erased, as the logs of erasures say."""
    _tell(
        catalens.Catalog.restore(backup, catalog, replace=replace, erasures=erasures),
        as_json,
        done=f"restored to {catalog}",
    )


def _tell(made: Backup, as_json: bool, *, done: str) -> None:
    if as_json:
        write_json({name: getattr(made, name) for name in made.__slots__})
        return
    tenants = f", {len(made.tenants)} tenants" if made.tenants else ""
    counts = f"{made.products} products, {made.pictures} pictures, {made.photos} uploaded photos{tenants}"
    write(f"{done}: {counts}; backup of {made.at}")


def audit(catalog: CatalogFolder = DEFAULT_CATALOG, as_json: AsJson = False) -> None:
    """Print who wrote what and when: a key's id or "local", without skus or texts."""
    path = Places(catalog.absolute()).audit
    if not path.exists():
        existing_folder(catalog)
    for line in read_audit(path):
        if as_json:
            write(json.dumps(line))
            continue
        facts = " ".join(f"{name}={value}" for name, value in line.items() if name not in {"at", "who", "what", "skus"})
        write(f"{line.get('at')}  {line.get('who'):<10} {line.get('what')}  {facts}".rstrip())
