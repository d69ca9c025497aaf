"""`catalens photo generate`, `train generator`, `evaluate generator`: product pictures that a network makes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens import options
from catalens.cli.options import AsJson, Device, Precision, option
from catalens.cli.output import list_failures, progress_bar, say, write, write_json
from catalens.cli.train_regions import Minutes, Out, Resume, Seed, need_torch, tell
from catalens.errors import UsageError

if TYPE_CHECKING:
    from catalens.tasks.generate import Made

Data = Annotated[Path, typer.Option("--data", help="Folder of labelled photos, or a CSV table.")]
LabelColumn = Annotated[str, typer.Option("--label-column", help='Column of the categories, or "folder".')]


def generate(
    out: Annotated[Path, typer.Argument(help="Folder to write the pictures to.")],
    kind: Annotated[str, option(options.Generate.kind)],
    color: Annotated[str | None, option(options.Generate.color)] = options.Generate.color.default,
    pattern: Annotated[str | None, option(options.Generate.pattern)] = options.Generate.pattern.default,
    n: Annotated[int, option(options.Generate.n, "-n")] = options.Generate.n.default,
    seed: Annotated[int | None, option(options.Generate.seed)] = options.Generate.seed.default,
    truncation: Annotated[float, option(options.Generate.truncation)] = options.Generate.truncation.default,
    walk: Annotated[bool, typer.Option("--walk", help="Interpolate between two pictures in -n steps.")] = False,
    save: Annotated[Path | None, typer.Option(help="Also write a contact sheet.")] = None,
    model: Annotated[str | None, option(options.Generate.model, "--model", "-m")] = options.Generate.model.default,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Overwrite existing files.")] = False,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    as_json: AsJson = False,
) -> None:
    """Generate pictures of products that do not exist (experimental), marked as generated."""
    from catalens.images.draw import Tile, contact_sheet, format_of, make_folder
    from catalens.tasks.generate import generator, make_pictures
    from catalens.trust.provenance import write_generated

    if save is not None:
        format_of(save)  # before the work, not after it
    if walk:
        make: Callable[..., Made] = generator(model, device=device, dtype=dtype).walk
    else:
        make = partial(make_pictures, model=model, device=device, dtype=dtype)
    made = make(kind=kind, color=color, pattern=pattern, n=n, seed=seed, truncation=truncation)
    name = f"{''.join(letter if letter.isalnum() else '-' for letter in kind)}-{made.seed}"
    paths = [out / f"{name}-{'walk-' if walk else ''}{number:03d}.png" for number in range(n)]
    for path in (*paths, *([] if save is None else [save])):
        if path.exists() and not overwrite:
            raise UsageError(f"{path} is there already", cure="give another folder or seed, or --overwrite")
    make_folder(out)
    for path, picture in zip(paths, made.pictures, strict=True):
        write_generated(picture, path)
    if save is not None:
        tiles = [
            Tile(picture, ", ".join(words.values()), path.name)
            for picture, words, path in zip(made.pictures, made.words, paths, strict=True)
        ]
        write_generated(contact_sheet(tiles, title=f"generated: {kind}, seed {made.seed}"), save)
    if as_json:
        rows = [{"path": str(path), **words} for path, words in zip(paths, made.words, strict=True)]
        write_json({"model": made.model, "seed": made.seed, "truncation": truncation, "pictures": rows})
        return
    for path in paths:
        write(str(path))
    say(f"seed {made.seed}: the same seed gives the same pictures")


def train(
    data: Data,
    out: Out,
    label_column: LabelColumn = "folder",
    minutes: Minutes = 30.0,
    seed: Seed = 0,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Train a generator on photos by kind, cut out on white; `catalens photo generate --model OUT` runs it."""
    need_torch(minutes)
    from catalens.learning.generator.train import train_generator

    with progress_bar() as progress:
        found = train_generator(
            data, label=label_column, out=out, minutes=minutes, seed=seed, resume=resume, progress=progress
        )  # fmt: skip
    tell(found, as_json, on="")


def evaluate(
    data: Data,
    label_column: LabelColumn = "folder",
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="Folder of the generator; else the bundled.")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Pictures to make.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of all random choices.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a generator against photos by kind: FID, KID, precision, recall, and whether it copies."""
    need_torch(1)
    from catalens.learning.generator.train import evaluate_generator
    from catalens.learning.labelled import read_labelled

    photos = read_labelled(data, label=label_column)
    with progress_bar() as progress:
        found, failed = evaluate_generator(photos, model=model, n=n, seed=seed, progress=progress)
    list_failures(photos.skipped + failed)
    if as_json:
        write_json({**found.to_dict(), "left out": len(photos.skipped) + len(failed)})
        return
    for name, figure in found.to_dict().items():
        if figure is not None:
            write(f"{name}: {figure}")
