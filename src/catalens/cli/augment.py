"""`catalens augment`: show what an augmentation policy does to a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens import options
from catalens.cli.options import AsJson, option
from catalens.cli.output import refuse_overwrite, say, write, write_json

SHOWN_SIDE = 480
"""Photos are read at about this side: a tile of the sheet is smaller."""


def augment(
    photo: Annotated[Path, typer.Argument(help="Photo to read.", metavar="PHOTO")],
    sheet: Annotated[
        Path | None,
        typer.Argument(
            help="Contact sheet to write (.jpg, .png, .webp); PHOTO-POLICY.png if absent.", metavar="[SHEET]"
        ),
    ] = None,
    policy: Annotated[str, option(options.Augment.policy)] = options.Augment.policy.default,
    show: Annotated[
        bool, typer.Option("--show", help="Draw each step, then augmented views, on a contact sheet.")
    ] = False,
    count: Annotated[int, option(options.Augment.count, "-n")] = options.Augment.count.default,
    seed: Annotated[int, option(options.Augment.seed)] = options.Augment.seed.default,
    as_json: AsJson = False,
) -> None:
    """Show what an augmentation policy does to a photo during training."""
    from dataclasses import asdict

    from catalens.images.draw import save_image
    from catalens.learning.policies import policy as find_policy
    from catalens.learning.policies import policy_sheet

    chosen = find_policy(policy)
    if show and sheet is None:
        sheet = Path(f"{photo.stem}-{chosen.name}.png")
    refuse_overwrite(sheet, photo)
    image = catalens.read_image(photo, target=SHOWN_SIDE)
    if sheet is not None:
        save_image(sheet, policy_sheet(image, chosen, count=count, seed=seed))
        say(f"written: {sheet}")
    if as_json:
        write_json(asdict(chosen))
    else:
        write(*chosen.describe().splitlines())
