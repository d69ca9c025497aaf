"""`catalens train ...`: learn from one's own photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.options import AsJson, EncoderName
from catalens.cli.output import list_notes, progress_bar, say, write, write_json
from catalens.errors import ImageError, ModelError, NotFoundError, UsageError
from catalens.models.untrusted import MAX_CARD, regular_file

if TYPE_CHECKING:
    from catalens.learning.classifier import TrainReport
    from catalens.learning.labelled import LabelledPhotos

Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help="Folder of photos, or a CSV table with a column of photos; may be repeated, the last counts.",
    ),
]
LabelColumn = Annotated[
    str, typer.Option(help='Column of the labels; "folder": the name of the folder that a photo lies in.')
]
FromCatalog = Annotated[
    Path | None, typer.Option("--catalog", "-c", help="Train on a catalog instead; --label-column is an attribute.")
]


@dataclass(frozen=True)
class _Request:
    """Options of a training."""

    out: Path
    encoder: str | None
    test_share: float
    reject: float
    seed: int
    taxonomy: list[str] | None
    """Lines of the file."""


def classifier(
    out: Annotated[Path, typer.Option("--out", help="Folder to write the classifier to.")],
    data: Data = None,
    label_column: LabelColumn = "folder",
    catalog: FromCatalog = None,
    head: Annotated[
        str, typer.Option(help="softmax, svm, svm-rbf, knn, lda, or finetune (torch, minutes).")
    ] = "softmax",
    encoder: EncoderName = None,
    test_share: Annotated[float, typer.Option(help="Share of the photos held out to measure on.")] = 0.2,
    reject: Annotated[
        float, typer.Option(help='Share of unknown photos that may be accepted as known; the rest is "unknown".')
    ] = 0.05,
    taxonomy: Annotated[
        Path | None, typer.Option(help="File of Google's product taxonomy with ids, to note the ids of labels.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="Time for finetune.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Of all random choices.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a classifier on labelled photos."""
    from catalens.learning.split import check_shares
    from catalens.tasks.classifier_folder import check_place

    check_place(out)
    check_shares(test_share=test_share, reject=reject)
    lines = None if taxonomy is None else _taxonomy_lines(taxonomy)
    photos = read_photos(data, label_column, catalog)
    say(f"{len(photos)} photos with {len(photos.classes)} labels")
    asked = _Request(out, encoder, test_share, reject, seed, lines)
    report = _finetuned(photos, asked, minutes) if head == "finetune" else _with_head(photos, asked, head)
    list_notes(report.notes, report.skipped)
    if as_json:
        write_json(report.to_dict())
    else:
        _print(report, out)
    if report.skipped:
        raise typer.Exit(ImageError.exit_code)


def read_photos(data: list[Path] | None, label: str, catalog: Path | None) -> LabelledPhotos:
    """The labelled photos that the options name."""
    from catalens.learning.labelled import read_labelled, read_labelled_catalog

    if bool(data) == (catalog is not None):
        raise UsageError("expected either --data or --catalog", cure="say where the photos are")
    if catalog is not None:
        if label == "folder":
            raise UsageError(
                "--catalog needs the name of an attribute", cure="write --label-column category, for example"
            )
        found = read_labelled_catalog(catalog, label=label)
        if not len(found):
            why = "".join(f"; {note}" for note in found.notes)
            raise UsageError(f"no product has a photo and {label!r}{why}", cure="name an attribute, such as category")
        return found
    return read_labelled(*(data or []), label=label)


def _with_head(photos: LabelledPhotos, asked: _Request, head: str, *, tuned: Path | None = None) -> TrainReport:
    from dataclasses import replace

    from catalens.learning.classifier import taxonomy_ids, train_classifier
    from catalens.tasks.classifier_folder import save_classifier
    from catalens.tasks.embed import encoder as load_encoder
    from catalens.tasks.heads import HEAD_KINDS

    chosen = next((kind for kind in HEAD_KINDS if kind == head), None)
    if chosen is None:
        raise UsageError(f"no head called {head!r}", cure=f"one of {', '.join(HEAD_KINDS)}, finetune")
    name = str(tuned or source_of(asked.encoder))
    with progress_bar() as progress:
        report = train_classifier(
            photos,
            name=asked.out.resolve().name,
            head=chosen,
            encoder=load_encoder(name),
            encoder_name=name,
            test_share=asked.test_share,
            reject=asked.reject,
            seed=asked.seed,
            progress=progress,
        )
    ids = taxonomy_ids(report.classifier.classes, asked.taxonomy or [])
    report = replace(report, classifier=replace(report.classifier, taxonomy=ids))
    save_classifier(report.classifier, asked.out, tuned=tuned)
    if asked.taxonomy is not None:
        say(f"{len(ids)} of {len(report.classifier.classes)} labels have an id in the taxonomy")
    return report


def source_of(encoder: str | None) -> str:
    """By which name the encoder is found from any folder."""
    from catalens.models.zoo import DEFAULT_ENCODER

    name = encoder or DEFAULT_ENCODER
    scheme, colon, path = name.rpartition(":")
    return scheme + colon + str(Path(path).absolute()) if Path(path).exists() else name


def _finetuned(photos: LabelledPhotos, asked: _Request, minutes: float) -> TrainReport:
    """Tune the encoder on the photos that the head will learn from, never on those held out."""
    import tempfile
    from dataclasses import replace

    from catalens.learning.finetune import finetune
    from catalens.learning.split import embed_labelled, held_out
    from catalens.tasks.embed import encoder as load_encoder

    # Photos that cannot be read are dropped first: the same photos are then held out here and by the head.
    embedded = embed_labelled(photos, load_encoder(asked.encoder))
    skipped = photos.skipped + embedded.skipped
    photos = replace(embedded.photos, skipped=skipped, notes=photos.notes)
    test = held_out(photos, asked.test_share, seed=asked.seed)
    learned = photos.of((~test).nonzero()[0].tolist())
    with tempfile.TemporaryDirectory() as folder:
        tuned = Path(folder) / "encoder"
        with progress_bar() as progress:
            finetune(learned, out=tuned, encoder=asked.encoder, minutes=minutes, seed=asked.seed, progress=progress)
        return _with_head(photos, asked, "softmax", tuned=tuned)


def _taxonomy_lines(path: Path) -> list[str]:
    try:
        return regular_file(path, most=MAX_CARD).read_text("utf-8-sig").splitlines()
    except NotFoundError:
        raise NotFoundError(f"no taxonomy at {path}", cure="docs/data.md says where Google publishes it") from None
    except (UnicodeDecodeError, ModelError, OSError):
        raise UsageError(f"{path} is no text in UTF-8", cure="give the taxonomy with ids, as a text file") from None


def _print(report: TrainReport, out: Path) -> None:
    write(f"written: {out}")
    counts = ", ".join(f"{name} {count}" for name, count in report.counts.items())
    write(f"photos: {report.photos} ({counts}), {report.held_out} of them held out")
    if report.accuracy is not None:
        write(f"accuracy on photos held out: {report.accuracy}")
        write(f"macro F1: {report.macro_f1:.3f}")
    if report.calibration_error is not None:
        write(f"calibration error: {report.calibration_error:.3f}")
    if report.classifier.unknown is not None:
        one = report.classifier.unknown
        own = f"{one.kept:.0%} in cross-validation" if report.passing is None else f"{report.passing} of those held out"
        what = "probability times nearness " if report.classifier.head.head.kind == "nearest" else ""
        passing = f"{one.false_acceptance:.0%} of other things pass; of its own {own}"
        write(f"unknown below {what}{one.threshold:.6g}: {passing}")
    list_leaks(report.leaks)
    write(f"time: {report.seconds:.1f} s")


def list_leaks(leaks: tuple[tuple[str, str], ...]) -> None:
    """Photos held out and the ones learned from that they look like: how many, and the first."""
    write(f"held-out photos that look like a training photo: {len(leaks)}")
    for asked, known in leaks[:10]:
        write(f"  {asked} = {known}")
