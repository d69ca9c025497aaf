"""`catalens train search`: find the settings of a classifier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.label import chosen_heads
from catalens.cli.options import AsJson, EncoderName
from catalens.cli.output import list_failures, progress_bar, say, write, write_json

if TYPE_CHECKING:
    from catalens.training.hyperparameters import Search


def search(
    data: Annotated[Path, typer.Option("--data", help="Folder of labelled photos, or a CSV table.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write the classifier to.")],
    label: Annotated[str, typer.Option(help='"folder", or a column\'s name.')] = "folder",
    trials: Annotated[int, typer.Option(help="Settings to try at most.")] = 20,
    minutes: Annotated[float, typer.Option(help="Time at most.")] = 5.0,
    heads: Annotated[str, typer.Option(help="Heads to choose from.")] = "softmax,svm,svm-rbf,knn",
    policies: Annotated[str, typer.Option(help="Augmentation policies to choose from.")] = "none,shop,phone",
    encoder: EncoderName = None,
    test_share: Annotated[float, typer.Option(help="Share of the photos held out to measure on.")] = 0.2,
    reject: Annotated[
        float, typer.Option(help='Share of pictures of other things that may pass as known; the rest is "unknown".')
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Of all random choices.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Try heads, their regularisation and augmentation, and keep the classifier that does best."""
    from catalens.tasks.classifier_folder import save_classifier
    from catalens.tasks.embed import encoder as load_encoder
    from catalens.training.hyperparameters import search_settings
    from catalens.training.labelled import read_labelled
    from catalens.training.policies import policy as find_policy

    names = tuple(find_policy(part.strip()).name for part in policies.split(",") if part.strip())
    photos = read_labelled(data, label=label)
    with progress_bar() as progress:
        found = search_settings(
            photos, name=out.name, encoder=load_encoder(encoder), trials=trials, minutes=minutes,
            heads=chosen_heads(heads), policies=names, test_share=test_share, reject=reject, seed=seed,
            progress=progress,
        )  # fmt: skip
    save_classifier(found.classifier, out)
    for note in found.notes:
        say(f"note: {note}")
    if found.skipped:
        say(f"{len(found.skipped)} photos were skipped:")
        list_failures(found.skipped)
    if as_json:
        write_json(found.to_dict())
    else:
        _print(found, out)


def _print(found: Search, out: Path) -> None:
    for trial in sorted(found.trials, key=lambda one: (one.pruned, -one.accuracy)):
        accuracy = "ended early" if trial.pruned else f"{trial.accuracy:.3f}"
        write(f"{trial.number:>4}  {accuracy:<11}  {trial.seconds:6.1f} s  {trial.settings}")
    write(f"written: {out}")
    write(f"best: {found.best.settings}")
    if found.found is not None:
        write(f"accuracy on photos held out: {found.found}; of the usual settings: {found.usual}")
    write(f"time: {found.seconds:.1f} s for {len(found.trials)} trials")
