"""`catalens train search`: find the settings of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.label import chosen_heads
from catalens.cli.options import AsJson, EncoderName, LabelledData
from catalens.cli.output import list_notes, progress_bar, write, write_json
from catalens.cli.train import list_leaks, source_of
from catalens.errors import ImageError
from catalens.types import Failure

if TYPE_CHECKING:
    from catalens.learning.hyperparameters import Search
    from catalens.learning.labelled import LabelledPhotos


def search(
    data: LabelledData,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the classifier to.")],
    label_column: Annotated[str, typer.Option(help='Column of the labels, or "folder".')] = "folder",
    trials: Annotated[int, typer.Option(help="Settings to try at most.")] = 20,
    minutes: Annotated[float, typer.Option(help="Time at most.")] = 5.0,
    heads: Annotated[
        str, typer.Option(help="Heads to choose from; or finetune alone: its rate, stages, policy and mixing.")
    ] = "softmax,svm,svm-rbf,knn,lda",
    policies: Annotated[
        str | None, typer.Option(help="Augmentation policies to choose from, as in none,shop,phone.")
    ] = None,
    encoder: EncoderName = None,
    test_share: Annotated[float, typer.Option(help="Share of the photos held out to measure on.")] = 0.2,
    reject: Annotated[
        float, typer.Option(help='Share of unknown photos that may be accepted as known; the rest is "unknown".')
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Of all random choices.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Try heads, their regularisation and augmentation (or settings of fine-tuning); keep what does best."""
    from catalens.learning.labelled import read_labelled
    from catalens.learning.split import check_shares
    from catalens.tasks.classifier_folder import check_place

    check_place(out)
    check_shares(test_share=test_share, reject=reject)
    photos = read_labelled(*data, label=label_column)
    asked = _Request(out, encoder, trials, minutes, _policies(policies), test_share, reject, seed)
    if heads.strip() == "finetune":
        _tune(photos, asked, as_json=as_json)
    else:
        _search(photos, asked, heads, as_json=as_json)


@dataclass(frozen=True)
class _Request:
    """Options of a search; `policies` is empty where all may be tried."""

    out: Path
    encoder: str | None
    trials: int
    minutes: float
    policies: tuple[str, ...]
    test_share: float
    reject: float
    seed: int


def _policies(text: str | None) -> tuple[str, ...]:
    from catalens.learning.policies import policy as find_policy

    return tuple(find_policy(part.strip()).name for part in (text or "").split(",") if part.strip())


def _search(photos: LabelledPhotos, asked: _Request, heads: str, *, as_json: bool) -> None:
    from catalens.learning.hyperparameters import POLICIES, search_settings
    from catalens.tasks.classifier_folder import save_classifier
    from catalens.tasks.embed import encoder as load_encoder

    name = source_of(asked.encoder)
    with progress_bar() as progress:
        found = search_settings(
            photos, name=asked.out.resolve().name, encoder=load_encoder(name), encoder_name=name,
            trials=asked.trials, minutes=asked.minutes, heads=chosen_heads(heads), policies=asked.policies or POLICIES,
            test_share=asked.test_share, reject=asked.reject, seed=asked.seed, progress=progress,
        )  # fmt: skip
    save_classifier(found.classifier, asked.out)
    list_notes(found.notes, found.skipped)
    if as_json:
        write_json(found.to_dict())
    else:
        _print(found, asked.out)
    _end(found.skipped)


def _tune(photos: LabelledPhotos, asked: _Request, *, as_json: bool) -> None:
    """Search for the tuning on the photos that the head will learn from, then train the head on its encoder."""
    import tempfile

    from catalens.learning.classifier import train_classifier
    from catalens.learning.split import embed_labelled, held_out
    from catalens.learning.tuning_search import POLICIES, search_tuning
    from catalens.tasks.classifier_folder import save_classifier
    from catalens.tasks.embed import encoder as load_encoder

    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        # Only photos that can be read, so that the same ones are held out before and after.
        readable = embed_labelled(photos, load_encoder(asked.encoder), progress=progress)
        test = held_out(readable.photos, asked.test_share, seed=asked.seed)
        tuned = search_tuning(
            readable.photos.of((~test).nonzero()[0].tolist()), out=Path(folder) / "encoder", encoder=asked.encoder,
            trials=asked.trials, minutes=asked.minutes, policies=asked.policies or POLICIES, seed=asked.seed,
            progress=progress,
        )  # fmt: skip
        report = train_classifier(
            readable.photos, name=asked.out.resolve().name, head="softmax", encoder=load_encoder(str(tuned.folder)),
            test_share=asked.test_share, reject=asked.reject, seed=asked.seed, progress=progress,
        )  # fmt: skip
        save_classifier(report.classifier, asked.out, tuned=tuned.folder)
    list_notes(photos.notes + report.notes, photos.skipped + readable.skipped)
    if as_json:
        write_json({**report.to_dict(), "trials": [trial.to_dict() for trial in tuned.trials]})
    else:
        for trial in sorted(tuned.trials, key=lambda one: -one.accuracy):
            write(f"{trial.number:>4}  {trial.accuracy:.3f}  {trial.seconds:6.1f} s  {trial}")
        write(f"written: {asked.out}")
        write(f"best: {tuned.best}")
        write(f"accuracy on photos held out: {report.accuracy}")
        list_leaks(report.leaks)
    _end(photos.skipped + readable.skipped)


def _end(skipped: tuple[Failure, ...]) -> None:
    if skipped:
        raise typer.Exit(ImageError.exit_code)


def _print(found: Search, out: Path) -> None:
    for trial in sorted(found.trials, key=lambda one: (one.pruned, -one.accuracy)):
        accuracy = "ended early" if trial.pruned else f"{trial.accuracy:.3f}"
        write(f"{trial.number:>4}  {accuracy:<11}  {trial.seconds:6.1f} s  {trial.settings}")
    write(f"written: {out}")
    write(f"best: {found.best.settings}")
    if found.found is not None:
        write(f"accuracy on photos held out: {found.found}; with the default settings: {found.usual}")
        list_leaks(found.leaks)
    write(f"time: {found.seconds:.1f} s for {len(found.trials)} trials")
