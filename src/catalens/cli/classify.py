"""`catalens photo classify` says what photos show; `catalens catalog tag` writes it into a catalog."""

from __future__ import annotations

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
    existing,
    option,
)
from catalens.cli.output import list_failures, progress_bar, say, write, write_json
from catalens.errors import ImageError, NotFoundError, UsageError
from catalens.images.folder import photos_in
from catalens.types import Labels


def classify(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", metavar="PHOTO|FOLDER...")],
    model: Annotated[str | None, option(options.Classify.model, "--model", "-m")] = options.Classify.model.default,
    labels: Annotated[str | None, option(options.Classify.labels)] = None,
    top: Annotated[int, option(options.Classify.top)] = options.Classify.top.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    as_json: AsJson = False,
) -> None:
    """Classify photos with your classifier, with labels of your choice, or with common product categories."""
    from catalens.tasks.classify import labeller

    words = None if labels is None else [word for word in labels.split(",") if word.strip()]
    ask = labeller(model, labels=words, device=device, dtype=dtype)
    answers: list[tuple[Path, Labels]] = []
    failed = False
    every = all_photos(photos)
    for photo in every:
        try:
            answers += [(photo, found) for found in ask([photo], top)]
        except (ImageError, NotFoundError) as error:
            if len(every) == 1:
                raise
            failed = True
            say(f"{photo}: {error}")
    for note in answers[0][1].notes if answers else ():  # the same for all
        say(note)
    if as_json:
        write_json([{"photo": str(photo), **found.to_dict()} for photo, found in answers])
    else:
        for photo, found in answers:
            ids = [f" ({id})" if id else "" for id in found.ids or (0,) * len(found.names)]
            said = ", ".join(
                f"{name}{id} {_rounded(score)}" for name, id, score in zip(found.names, ids, found.scores, strict=True)
            )
            write(f"{photo}: {f'unknown (nearest: {said})' if found.unknown else said}")
    if failed:
        raise typer.Exit(ImageError.exit_code)


def all_photos(given: list[Path]) -> list[Path]:
    """Photos, with those in each folder that is named.

    Raises:
        NotFoundError: a folder without photos.
    """
    found: list[Path] = []
    for path in given:
        inside = photos_in(path) if path.is_dir() else [path]
        if not inside:
            raise NotFoundError(f"no photos in {path}", cure="name photos, or a folder with photos")
        found += inside
    return found


def _rounded(probability: float) -> str:
    """Two digits, four where two would call it certain."""
    return f"{probability:.4f}" if 0.995 <= probability < 1 else f"{probability:.2f}"


def tag(
    field: Annotated[str, typer.Option("--field", help="Attribute to write, such as category.")],
    model: Annotated[Path, typer.Option("--model", "-m", help="Folder that `catalens train classifier` wrote.")],
    catalog: CatalogFolder = DEFAULT_CATALOG,
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Leave products that have the attribute.")
    ] = False,
    min_score: Annotated[float, typer.Option(help="Lowest probability to write.")] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be written.")] = False,
    encoder: EncoderName = None,
    as_json: AsJson = False,
) -> None:
    """Write what a classifier sees into a catalog's products, with its probability, to review.

    Beside FIELD it writes FIELD_probability and FIELD_predicted_by; find the doubtful with
    --where "FIELD_probability < 0.7". What is unknown or below --min-score is left as it is.
    """
    from catalens.learning.tagging import tag_catalog
    from catalens.tasks.classifier_folder import load_classifier

    if not 0 <= min_score <= 1:
        raise UsageError(f"--min-score expects a probability and got {min_score}", cure="give a number from 0 to 1")
    existing(catalog).close()  # a mistyped name makes no catalog
    with catalens.Catalog.open(catalog, encoder=encoder, readonly=dry_run) as shop, progress_bar() as progress:
        report = tag_catalog(
            shop,
            load_classifier(model),
            field=field,
            only_missing=only_missing,
            min_score=min_score,
            dry_run=dry_run,
            progress=progress,
        )
    list_failures(report.failed)
    if as_json:
        write_json(report.to_dict())
    else:
        for one in report.tagged if dry_run else ():
            write(f"{one.sku}: {one.value} {one.probability:.2f}")
        write(f"{len(report.tagged)} {'would be ' if dry_run else ''}tagged, {report.doubtful} unknown or doubtful")
        kept = f"{report.filled} had {field} already" if only_missing else f"{report.replaced} had another {field}"
        write(f"{kept}, {report.without_photo} have no photo")
    if report.failed:
        raise typer.Exit(ImageError.exit_code)
