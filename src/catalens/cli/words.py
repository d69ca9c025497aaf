"""`catalens suggest | words | searches`: typeahead, the shop's synonyms and rules, searches that found nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens import options
from catalens.cli.options import DEFAULT_CATALOG, AsJson, CatalogFolder, ProgressKind, existing, option
from catalens.cli.output import progress_bar, say, write, write_json
from catalens.errors import NotFoundError, UsageError


def suggest(
    text: Annotated[str, typer.Argument(help="Beginning of a query.", metavar="TEXT")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, option(options.Suggest.k, "-k")] = options.Suggest.k.default,
    as_json: AsJson = False,
) -> None:
    """Complete the beginning of a query: words, categories and products."""
    with existing(catalog) as shop:
        found = shop.suggest(text, k=k)
    if as_json:
        write_json(found.to_dict())
        return
    rows = [("word", word) for word in found.words] + [("category", name) for name in found.categories]
    rows += [("product", f"{sku}  {title}") for sku, title in found.products]
    for kind, said in rows:
        write(f"{kind:<9} {said}")
    if not rows:
        say("nothing begins so")


def words(
    catalog: CatalogFolder = DEFAULT_CATALOG,
    synonyms: Annotated[
        Path | None,
        typer.Option(
            help="Replace the synonyms by those of this file: words that mean the same on a line; empty clears."
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            help='Replace the rules by those of this file: "QUERY | pin|boost|bury | SKUS or FILTER"; empty clears.'
        ),
    ] = None,
    text_encoder: Annotated[str | None, option(options.Network.text_encoder)] = None,
    progress: ProgressKind = "auto",
    as_json: AsJson = False,
) -> None:
    """Show or replace the shop's synonyms, its rules for what stands first, and its text encoder."""
    texts = {name: _text(path) for name, path in (("synonyms", synonyms), ("rules", rules)) if path is not None}
    if texts or text_encoder is not None:
        existing(catalog).close()
        with catalens.open(catalog) as shop, progress_bar(progress) as told:
            counts = {"synonyms": shop.set_synonyms, "rules": shop.set_rules}
            said = {name: counts[name](text) for name, text in texts.items()}
            if text_encoder is not None:
                said["texts embedded"] = shop.set_text_encoder(text_encoder, progress=told)
        write_json(said) if as_json else write(", ".join(f"{count} {name}" for name, count in said.items()))
        return
    with existing(catalog) as shop:
        own, ruled, chosen = shop.synonyms(), shop.rules(), shop.text_encoder
    if as_json:
        write_json({"synonyms": own, "rules": [rule.to_dict() for rule in ruled], "text_encoder": chosen})
        return
    if chosen:
        say(f"text encoder: {chosen}")
    for line in own.splitlines():
        write(line)
    for rule in ruled:
        write(str(rule))
    if not own and not ruled:
        say("no synonyms and no rules of its own")


def searches(
    catalog: CatalogFolder = DEFAULT_CATALOG,
    most: Annotated[int, option(options.Searches.most)] = options.Searches.most.default,
    clear: Annotated[bool, typer.Option("--clear", help="Forget them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Searches of the service that found nothing, the most frequent first: words and counts, nothing of who asked."""
    with existing(catalog) as shop:
        if clear:
            shop.clear_missed_searches()
            return
        found = shop.missed_searches(most=most)
    if as_json:
        write_json([one.to_dict() for one in found])
        return
    for one in found:
        write(f"{one.count:>6}  {one.last_day}  {one.text}")
    if not found:
        say("no search found nothing")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"no file at {path}", cure="check the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8", cure="save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", cure="name a text file") from None
