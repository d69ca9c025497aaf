"""`catalens describe`: attributes, alt text and title of products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import catalens
from catalens import options
from catalens.cli.classify import all_photos
from catalens.cli.options import AsJson, existing, option
from catalens.cli.output import list_failures, progress_bar, say, write, write_json
from catalens.errors import CatalensError, ImageError, MissingExtraError, RemoteError, UsageError

if TYPE_CHECKING:
    from catalens.tasks.describe import Description


def describe(
    photos: Annotated[
        list[Path] | None, typer.Argument(help="Photos, or folders of photos.", metavar="PHOTO|FOLDER...")
    ] = None,
    catalog: Annotated[
        Path | None,
        typer.Option("--catalog", "-c", help="Instead, describe the products of this catalog and write proposals."),
    ] = None,
    lang: Annotated[
        str, option(options.Describe.languages, "--lang", also=",...", more="Separate several with commas.")
    ] = ",".join(options.Describe.languages.default),
    fields: Annotated[
        str, option(options.Describe.fields, also=",...", more="Separate several with commas.")
    ] = ",".join(options.Describe.fields.default),
    read_text: Annotated[bool, option(options.Describe.read_text, "--read-text")] = options.Describe.read_text.default,
    describer: Annotated[str | None, option(options.Describe.describer)] = options.Describe.describer.default,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --catalog: write nothing; say what would be written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Describe products from their photos: attributes that are likely right, an alt text and a title.

    With --catalog what the shop does not say itself is written beside FIELD_predicted_by, to review.
    """
    if (catalog is None) == (not photos):
        raise UsageError("expected either photos or --catalog", cure="name photos, or a catalog")
    languages, wanted = _listed(lang), _listed(fields)
    options.check(options.Describe.fields, wanted, name="--fields")
    one, by = _describer(describer, languages, read_text)
    if catalog is not None:
        _describe_catalog(catalog, one, by, wanted, dry_run=dry_run, as_json=as_json)
        return
    rows, failed, paths = [], 0, all_photos(photos or [])
    for path in paths:
        try:
            found = one(path)
        except (MissingExtraError, RemoteError):
            raise
        except CatalensError as error:
            if len(paths) == 1:
                raise
            failed += 1
            say(str(error))
            continue
        rows.append({"photo": str(path), **{name: value for name, value in found.to_dict().items()
                                            if name in (*wanted, "notes")}})  # fmt: skip
        if not as_json:
            write(*_lines(path, found, wanted))
    if as_json:
        write_json(rows[0] if len(paths) == 1 else rows)
    if failed:
        raise typer.Exit(ImageError.exit_code)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _describer(
    address: str | None, languages: Sequence[str], read_text: bool
) -> tuple[Callable[[Path], Description], str]:
    """What describes a photo, and its name."""
    from catalens.tasks.describe import check_languages

    check_languages(languages)
    if address is None:
        return lambda path: catalens.describe(
            path, languages=languages, read=read_text
        ), f"catalens {catalens.__version__}"
    if read_text:
        raise UsageError("--read-text beside --describer", cure="the model reads the text itself: leave one out")
    from catalens.tasks.describer import ApiDescriber

    model = ApiDescriber(address)
    return lambda path: model.describe(path, languages=languages), model.name


def _lines(path: Path, found: Description, wanted: Sequence[str]) -> list[str]:
    lines = [f"{path}:"]
    if "attributes" in wanted:
        for one in found.attributes:
            share = "" if one.share is None else f", {one.share:.0%} of it"
            confidence = "" if one.confidence is None else f"  ({one.confidence:.2f}{share})"
            lines.append(f"  {one.name}: {one.value}{confidence}")
        lines += [] if found.attributes else ["  nothing is known surely enough"]
    for name, texts in (("title", found.title), ("alt", found.alt)):
        lines += [f"  {name} {language}: {text}" for language, text in texts.items() if text and name in wanted]
    return lines + [f"  note: {note}" for note in found.notes]


def _describe_catalog(
    folder: Path,
    one: Callable[[Path], Description],
    by: str,
    fields: Sequence[str],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from catalens.learning.describing import describe_catalog

    existing(folder).close()  # a mistyped name makes no catalog
    with catalens.Catalog.open(folder, readonly=dry_run) as shop, progress_bar() as progress:
        report = describe_catalog(shop, one, by=by, fields=fields, dry_run=dry_run, progress=progress)
    list_failures(report.failed)
    if as_json:
        write_json(report.to_dict())
    else:
        for sku, values in report.described.items() if dry_run else ():
            write(f"{sku}:", *(f"  {name}: {value}" for name, value in values.items()))
        write(
            f"{len(report.described)} {'would be ' if dry_run else ''}described, "
            f"of {report.nothing} nothing new is known, {report.without_photo} have no photo"
        )
    if report.failed:
        raise typer.Exit(ImageError.exit_code)
