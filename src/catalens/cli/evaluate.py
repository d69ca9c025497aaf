"""`catalens evaluate ...`: how good is it, on what, and how sure is that?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.options import AsJson, EncoderName
from catalens.cli.output import (
    FAILURES_SHOWN,
    list_failures,
    list_notes,
    progress_bar,
    refuse_overwrite,
    say,
    write,
    write_json,
)
from catalens.errors import ImageError, UsageError

if TYPE_CHECKING:
    from catalens.evaluation.runs import Run
    from catalens.evaluation.tryon_table import Wear


def _report(path: Path | None) -> Path | None:
    """The place of a report, refused before anything is measured where none can be written there."""
    from catalens.evaluation.report import check_report

    if path is not None:
        check_report(path)
    return path


Save = Annotated[Path | None, typer.Option("--save", callback=_report, help="Write a report: .html, .md or .json.")]
Seed = Annotated[int, typer.Option(help="Of all random choices.")]


def classifier(
    data: Annotated[Path, typer.Option("--data", help="Folder of labelled photos, or a CSV table.")],
    label: Annotated[str, typer.Option("--label-column", help='Column of the labels, or "folder".')] = "folder",
    model: Annotated[Path | None, typer.Option("--model", "-m", help="Folder of the classifier.")] = None,
    head: Annotated[
        str, typer.Option(help="Without --model: measure this head by cross-validation on the photos.")
    ] = "softmax",
    train: Annotated[
        Path | None, typer.Option("--train", help="Training photos of the model, to check for leakage.")
    ] = None,
    encoder: EncoderName = None,
    save: Save = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a classifier on labelled photos; or, without one, a kind of head by cross-validation."""
    from catalens.learning.classifier_evaluation import cross_validated, evaluate_classifier
    from catalens.learning.labelled import read_labelled

    photos = read_labelled(data, label=label)
    with progress_bar() as progress:
        if model is not None:
            learned = None if train is None else read_labelled(train, label=label)
            found = evaluate_classifier(model, photos, data=data, train=learned, seed=seed, progress=progress)
        else:
            found = cross_validated(photos, data=data, head=head, encoder=encoder, seed=seed, progress=progress)
    skipped = photos.skipped + found.skipped
    list_notes(found.run.notes, skipped)
    say(f"photos that look like a training photo: {found.run.about['leak check']}")
    for asked, known in found.leaks[:10]:
        say(f"  {asked} = {known}")
    beside = {"skipped": [one.to_dict() for one in skipped], "leaks": [list(pair) for pair in found.leaks]}
    _finish(found.run, save, as_json, beside)
    if skipped:
        raise typer.Exit(ImageError.exit_code)


def search(
    data: Annotated[Path | None, typer.Option("--data", help="CSV table of photos; each is one query.")] = None,
    same: Annotated[
        str, typer.Option("--same", help="Column: photos with the same value are right answers.")
    ] = "product",
    queries: Annotated[
        Path | None, typer.Option("--queries", help="CSV table of queries, with --gallery or --catalog.")
    ] = None,
    gallery: Annotated[Path | None, typer.Option("--gallery", help="CSV table of products to search.")] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", "-c", help="Search a catalog instead.")] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help='Right answers as JSON: {"query": {"sku": 1}}, for --catalog.')
    ] = None,
    encoder: EncoderName = None,
    save: Save = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure how well photos, or words, find what they should."""
    from catalens.evaluation.search_data import evaluate_catalog, evaluate_tables
    from catalens.tasks.embed import encoder as load_encoder

    with progress_bar() as progress:
        if catalog is not None:
            run = evaluate_catalog(
                catalog, queries=queries, truth=truth, same=same, encoder=encoder, seed=seed, progress=progress
            )
        elif data is not None and queries is None and gallery is None:
            run = evaluate_tables(data, data, same=same, encoder=load_encoder(encoder), seed=seed, progress=progress)
        elif queries is not None and gallery is not None and data is None:
            run = evaluate_tables(
                queries, gallery, same=same, encoder=load_encoder(encoder), seed=seed, progress=progress
            )
        else:
            raise UsageError(
                "expected --data, or --queries with --gallery, or --catalog with --queries or --truth",
                cure="say where the photos are",
            )
    list_notes(run.notes)
    _finish(run, save, as_json)


def detector(
    data: Annotated[Path, typer.Option("--data", help="A COCO file, or a folder of VOC files.")],
    photos: Annotated[Path | None, typer.Option(help="Folder of the photos; that of --data if absent.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help='A detector: a folder with a card, "parts", or hf:FOLDER_OR_ID.')
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help='What to look for, as in "dress,bag"; for detectors that take words.')
    ] = None,
    save: Save = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a detector on photos with boxes: average precision, overall and by label."""
    from catalens.evaluation.boxes import evaluate_boxes

    words = [] if labels is None else [word.strip() for word in labels.split(",") if word.strip()]
    with progress_bar() as progress:
        run = evaluate_boxes(data, photos=photos, model=model, words=words, seed=seed, progress=progress)
    _finish_regions(run, save, as_json)


def segmenter(
    data: Annotated[Path, typer.Option("--data", help="Folder of label maps (.png), named like the photos.")],
    photos: Annotated[Path, typer.Option(help="Folder of the photos.")],
    labels: Annotated[str, typer.Option(help="Classes in the order of their codes, separated by commas.")] = "",
    model: Annotated[str | None, typer.Option("--model", "-m", help="A parser: a folder with a card.")] = None,
    save: Save = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a parser on photos with label maps: pixels, IoU of each class, people against background."""
    from catalens.evaluation.label_maps import evaluate_label_maps
    from catalens.models.zoo import DEFAULT_PARSER

    with progress_bar() as progress:
        run = evaluate_label_maps(
            data, photos=photos, model=model or DEFAULT_PARSER, names=labels, seed=seed, progress=progress
        )
    _finish_regions(run, save, as_json)


def _finish_regions(run: Run, report: Path | None, as_json: bool) -> None:
    for note in run.notes[:FAILURES_SHOWN]:
        say(f"  {note}")
    if len(run.notes) > FAILURES_SHOWN:
        say(f"  ... and {len(run.notes) - FAILURES_SHOWN} more; --json lists all of them.")
    _finish(run, report, as_json)


def tryon(
    data: Annotated[Path, typer.Option("--data", help="Folder of the data set.")],
    layout: Annotated[str, typer.Option(help="viton-hd, dresscode, or street: a table pairs.csv of your own.")],
    setting: Annotated[str, typer.Option(help="paired: the person's own garment; unpaired: another one.")] = "paired",
    split: Annotated[str, typer.Option(help="test or train.")] = "test",
    limit: Annotated[int | None, typer.Option(help="Measure on so many pairs, drawn at random.")] = None,
    resolution: Annotated[str, typer.Option(help="Height x width, as in 256x192, 512x384 or 1024x768.")] = "512x384",
    model: Annotated[str | None, typer.Option(help="A large network of others, as of tryon --model.")] = None,
    encoder: EncoderName = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure try-on on pairs of a data set: SSIM, perceptual distance, FID and KID, with the protocol's settings."""
    import numpy as np

    from catalens.evaluation.tryon_data import read_pairs
    from catalens.evaluation.tryon_table import tryon_table
    from catalens.tasks.embed import encoder as load_encoder

    found = read_pairs(data, layout=layout, setting=setting, split=split)  # type: ignore[arg-type]  # checked there
    list_failures(found.failed)
    pairs = list(found.pairs)
    if limit is not None and limit < len(pairs):
        chosen = np.random.default_rng(seed).choice(len(pairs), max(limit, 0), replace=False)
        pairs = [pairs[row] for row in sorted(chosen.tolist())]
    network = load_encoder(encoder)
    with progress_bar() as progress:
        table = tryon_table(
            pairs, _wear(model), encoder=network, setting=setting, resolution=_height_width(resolution),
            seed=seed, progress=progress,
        )  # fmt: skip
    list_failures(table.failed)
    if as_json:
        write_json({**table.to_dict(), "pairs": len(pairs), "missing": len(found.failed)})
        return
    for line in table.lines():
        write(line)


def _wear(model: str | None) -> Wear:
    from catalens.tasks.tryon import try_on

    return lambda person, garment, kind: try_on(person, garment, kind=kind, model=model)


def _height_width(text: str) -> tuple[int, int]:
    try:
        height, width = (int(side) for side in text.lower().split("x"))
    except ValueError:
        raise UsageError(f"--resolution is {text!r}", cure="write height x width, as in 512x384") from None
    return height, width


def compare(
    first: Annotated[Path, typer.Argument(help="A run, as --save FILE.json wrote it.", metavar="FIRST")],
    second: Annotated[Path, typer.Argument(help="Another, over the same data.", metavar="SECOND")],
    save: Save = None,
    as_json: AsJson = False,
) -> None:
    """Compare two runs item by item, with a paired test."""
    from catalens.evaluation.compare import compare as compare_runs
    from catalens.evaluation.compare_report import comparison_lines, save_comparison
    from catalens.evaluation.runs import read_run

    refuse_overwrite(save, first, second)
    found = compare_runs(read_run(first), read_run(second))
    names = (first.name, second.name) if first.name != second.name else (str(first), str(second))
    if save is not None:
        save_comparison(found, save, names=names)
        say(f"written: {save}")
    if as_json:
        write_json(found.to_dict())
        return
    for line in comparison_lines(found, names):
        write(line)


def _finish(run: Run, report: Path | None, as_json: bool, beside: Mapping[str, object] | None = None) -> None:
    from catalens.evaluation.report import save_report

    if report is not None:
        save_report(run, report)
        say(f"written: {report}")
    if as_json:
        write_json({name: value for name, value in run.to_dict().items() if name != "items"} | dict(beside or {}))
        return
    for name, estimate in run.figures.items():
        write(f"{name}: {estimate}")
