"""`catalens train detector | segmenter`: what is where on a photo, learned from label files of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalens.cli.options import AsJson
from catalens.cli.output import list_failures, say, write, write_json
from catalens.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from catalens.learning.learned import Learned

Out = Annotated[Path, typer.Option("--out", help="Folder to write the network and its card to.")]
Minutes = Annotated[float, typer.Option(help="Time for training, including that of a resumed run.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume from the checkpoint in --out.")]
Seed = Annotated[int, typer.Option(help="Of all random choices.")]


def detector(
    data: Annotated[Path, typer.Option("--data", help="A COCO file, or a folder of VOC files.")],
    out: Out,
    photos: Annotated[Path | None, typer.Option(help="Folder of the photos; that of --data if absent.")] = None,
    minutes: Minutes = 30.0,
    seed: Seed = 0,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Train a two-stage detector on photos with boxes; `catalens photo detect --model OUT` runs it."""
    need_torch(minutes)
    from catalens.learning.regions.train import train_detector

    tell(train_detector(data, out=out, photos=photos, minutes=minutes, seed=seed, resume=resume), as_json)


def segmenter(
    data: Annotated[Path, typer.Option("--data", help="Folder of label maps (.png), named like the photos.")],
    photos: Annotated[Path, typer.Option(help="Folder of the photos.")],
    labels: Annotated[str, typer.Option(help="Classes in the order of their codes, the background first.")],
    out: Out,
    minutes: Minutes = 30.0,
    seed: Seed = 0,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Train a parser on photos with label maps; `catalens photo segment --model OUT` runs it."""
    need_torch(minutes)
    from catalens.learning.regions.train import train_segmenter

    classes = [name.strip() for name in labels.split(",") if name.strip()]
    found = train_segmenter(data, photos=photos, names=classes, out=out, minutes=minutes, seed=seed, resume=resume)
    tell(found, as_json)


def need_torch(minutes: float) -> None:
    """Refuse what cannot be trained: no time, or no torch."""
    if minutes <= 0:
        raise UsageError(f"--minutes is {minutes:g}", cure="give a time above 0")
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError.of("torch", extra="train") from None


def tell(found: Learned, as_json: bool, *, on: str = ", on photos held out") -> None:
    """Write what a network is worth, with what `on` says behind the name of each figure, and where it is."""
    list_failures(found.failed)
    if as_json:
        failed = [failure.to_dict() for failure in found.failed]
        write_json({"folder": str(found.folder), "photos": found.photos, **found.figures, "failed": failed})
        return
    for name, figure in found.figures.items():
        write(f"{name}{on}: {figure}")
    say(f"written: {found.folder}")
