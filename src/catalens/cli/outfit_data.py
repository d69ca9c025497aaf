"""`catalens evaluate outfit | train outfit`: outfits that somebody put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from catalens.cli.options import AsJson, EncoderName
from catalens.cli.output import list_failures, progress_bar, say, write, write_json
from catalens.errors import MissingExtraError

if TYPE_CHECKING:
    from catalens.evaluation.intervals import Estimate
    from catalens.evaluation.outfit_data import Split

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="A folder of Polyvore Outfits, a folder of Shop the Look, or a CSV table: outfit, image, kind.",
    ),
]
SplitName = Annotated[str, typer.Option("--split", help="Of Polyvore Outfits: disjoint or nondisjoint.")]
Seed = Annotated[int, typer.Option(help="Of all random choices.")]


def evaluate(
    data: Data,
    split: SplitName = "disjoint",
    model: Annotated[str | None, typer.Option("--model", "-m", help="Folder of an outfit network.")] = None,
    encoder: EncoderName = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure how well outfits are judged and blanks filled, beside rules that need no network."""
    from catalens.evaluation.outfit_data import prepare, read_outfit_data
    from catalens.evaluation.outfits import merge_metrics, model_judge, outfit_figures, simple_judges
    from catalens.evaluation.room_data import is_shop_the_look, scene_figures
    from catalens.models.zoo import DEFAULT_OUTFIT
    from catalens.tasks.embed import encoder as load_encoder
    from catalens.tasks.outfit import outfit_model

    used = load_encoder(encoder)
    if is_shop_the_look(data):
        with progress_bar() as progress:
            figures, failed = scene_figures(data, encoder=used, seed=seed, progress=progress)
        list_failures(failed)
        _tell(merge_metrics(figures), as_json, left_out=len(failed))
        return
    read = read_outfit_data(data, split=cast("Split", split))
    with progress_bar() as progress:
        found = prepare(read, encoder=used, learn=False, seed=seed, progress=progress)
    list_failures(found.failed)
    judges = {
        "network": model_judge(outfit_model(model or DEFAULT_OUTFIT), found.held_out),
        **simple_judges(found.held_out),
    }
    figures = {name: outfit_figures(found.trial, judge) for name, judge in judges.items()}
    _tell(merge_metrics(figures), as_json, left_out=len(found.failed))


def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the network and its card to.")],
    split: SplitName = "disjoint",
    encoder: EncoderName = None,
    minutes: Annotated[float, typer.Option(help="Time for training.")] = 10.0,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train a network on outfits; `catalens outfit --model OUT` uses it."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError.of("torch", extra="train") from None
    from catalens.learning.outfits.train import train_outfit

    with progress_bar() as progress:
        found = train_outfit(
            data, out=out, split=cast("Split", split), encoder=encoder, minutes=minutes, seed=seed, progress=progress
        )
    list_failures(found.failed)
    say(f"learned from {found.outfits} outfits; written: {found.folder}")
    _tell(found.figures, as_json, left_out=len(found.failed))


def _tell(figures: dict[str, Estimate], as_json: bool, *, left_out: int) -> None:
    if as_json:
        write_json({"figures": {name: one.to_dict() for name, one in figures.items()}, "left out": left_out})
        return
    for name, one in figures.items():
        write(f"{name}: {one}")
