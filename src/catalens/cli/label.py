"""`catalens label ...`: which photos to label, and how many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.options import AsJson, EncoderName, LabelledData
from catalens.cli.output import list_notes, progress_bar, refuse_overwrite, say, write, write_json
from catalens.errors import ImageError, NotFoundError, UsageError
from catalens.images.folder import photos_in

if TYPE_CHECKING:
    from catalens.learning.active import Strategy
    from catalens.tasks.classifier import Classifier
    from catalens.tasks.heads import HeadKind


def next_photos(
    data: Annotated[Path, typer.Option("--data", help="Folder of photos, with folders in it.")],
    model: Annotated[
        Path | None, typer.Option(help="Classifier trained on the labels so far; without one: --strategy coverage.")
    ] = None,
    count: Annotated[int, typer.Option("-n", help="How many photos.")] = 20,
    strategy: Annotated[
        str | None,
        typer.Option(help="margin or entropy (doubtful ones), coverage (unlike those labelled), mixed (the default)."),
    ] = None,
    labelled: Annotated[
        list[Path] | None, typer.Option(help="Photos that are labelled: a folder, or a CSV table; may be repeated.")
    ] = None,
    label_column: Annotated[str, typer.Option(help='Column of the labels of those, or "folder".')] = "folder",
    encoder: EncoderName = None,
    out: Annotated[Path | None, typer.Option(help="Write a table to fill in (.csv).")] = None,
    save: Annotated[Path | None, typer.Option(help="Also write a page of the photos (.html).")] = None,
    as_json: AsJson = False,
) -> None:
    """Choose the photos whose labels would help most."""
    from catalens.learning.active import next_to_label
    from catalens.learning.label_page import keep_labels, save_proposals
    from catalens.learning.labelled import read_labelled
    from catalens.tasks.embed import encoder as load_encoder

    for path in filter(None, (out, save)):
        refuse_overwrite(path, *(labelled or []))
        keep_labels(path)
    known = read_labelled(*(labelled or []), label=label_column).paths
    chosen = _strategy(strategy, has_model=model is not None)
    photos = _photos(data)
    classifier = _load(model, encoder)
    network = load_encoder(encoder) if classifier is None else classifier.encoder
    with progress_bar() as progress:
        found = next_to_label(
            photos, encoder=network, count=count, strategy=chosen, model=classifier, labelled=known, progress=progress
        )
    list_notes((), found.skipped)
    say(f"{found.asked} photos to choose from; {found.known} are labelled, {found.alike} look like another one")
    for path in filter(None, (out, save)):
        save_proposals(found, path)
        say(f"written: {path}")
    if as_json:
        write_json(found.to_dict())
    else:
        for item in found.items:
            write(f"{item.path}\t{item.why}")
    if found.skipped:
        raise typer.Exit(ImageError.exit_code)


def curve(
    data: LabelledData,
    label_column: Annotated[str, typer.Option(help='Column of the labels, or "folder".')] = "folder",
    heads: Annotated[str, typer.Option(help="Heads to compare: softmax, svm, svm-rbf, knn, lda.")] = "softmax",
    target: Annotated[float, typer.Option(help="Accuracy to reach, 0..1.")] = 0.9,
    draws: Annotated[int, typer.Option(help="Random draws of photos for each number.")] = 5,
    encoder: EncoderName = None,
    seed: Annotated[int, typer.Option(help="Of all random choices.")] = 0,
    save: Annotated[Path | None, typer.Option(help="Write a report: .html, .md or .json.")] = None,
    as_json: AsJson = False,
) -> None:
    """Predict how many photos per label reach an accuracy."""
    from catalens.evaluation.report import check_report
    from catalens.learning.curve_page import answer_of, save_curve
    from catalens.learning.labelled import read_labelled
    from catalens.learning.learning_curve import learning_curve
    from catalens.tasks.embed import encoder as load_encoder

    if save is not None:
        check_report(save)
    photos = read_labelled(*data, label=label_column)
    with progress_bar() as progress:
        found = learning_curve(
            photos, encoder=load_encoder(encoder), heads=chosen_heads(heads), target=target, draws=draws, seed=seed,
            progress=progress,
        )  # fmt: skip
    list_notes(found.notes, found.skipped)
    if save is not None:
        save_curve(found, save)
        say(f"written: {save}")
    if as_json:
        write_json(found.to_dict())
    for one in () if as_json else found.curves:
        for point in one.points:
            write(f"{one.head:<8} {point.photos:>5} of each label  accuracy {point.accuracy}")
        write(f"{one.head}: {answer_of(one)}")
    if found.skipped:
        raise typer.Exit(ImageError.exit_code)


def chosen_heads(text: str) -> tuple[HeadKind, ...]:
    """Heads from a text with commas.

    Raises:
        UsageError: a name that is no head, or none.
    """
    from catalens.tasks.heads import HEAD_KINDS

    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    wrong = [name for name in names if name not in HEAD_KINDS]
    if wrong or not names:
        raise UsageError(f"no head called {', '.join(wrong) or text!r}", cure=f"some of {', '.join(HEAD_KINDS)}")
    return tuple(kind for name in names for kind in HEAD_KINDS if kind == name)


def _strategy(text: str | None, *, has_model: bool) -> Strategy:
    from catalens.learning.active import STRATEGIES

    if text is None:
        return "mixed" if has_model else "coverage"
    found = next((one for one in STRATEGIES if one == text), None)
    if found is None:
        raise UsageError(f"no strategy called {text!r}", cure=f"one of {', '.join(STRATEGIES)}")
    return found


def _load(model: Path | None, encoder: str | None) -> Classifier | None:
    from catalens.tasks.classifier_folder import load_classifier

    if model is not None and encoder is not None:
        raise UsageError("--encoder beside --model", cure="a model has its own encoder: leave --encoder out")
    return None if model is None else load_classifier(model)


def _photos(data: Path) -> list[Path]:
    if not data.is_dir():
        raise NotFoundError(f"no folder at {data}", cure="give a folder of photos")
    found = photos_in(data)
    if not found:
        raise NotFoundError(f"no photo in {data}", cure="give a folder with JPEG, PNG, WebP or other pictures")
    return found
