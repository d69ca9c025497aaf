"""`catalens train augment`: show what an augmentation policy does to a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens import options
from catalens.cli.options import AsJson, option
from catalens.cli.output import refuse_overwrite, say, write, write_json
from catalens.cli.renamed import GONE_IN

SHOWN_SIDE = 480
"""Photos are read at about this side: a tile of the sheet is smaller."""


def augment(
    photo: Annotated[Path, typer.Argument(help="Photo to read.", metavar="PHOTO")],
    sheet: Annotated[Path | None, typer.Argument(hidden=True)] = None,
    policy: Annotated[str, option(options.Augment.policy)] = options.Augment.policy.default,
    show: Annotated[
        bool, typer.Option("--show", help="Write the contact sheet; without --save to PHOTO-POLICY.png.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(help="Draw each step, then augmented views, on a contact sheet (.jpg, .png, .webp).")
    ] = None,
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
    if sheet is not None:
        say("note: the sheet as a second argument is now --save SHEET; the old form works until " + GONE_IN)
    save = save or sheet or (Path(f"{photo.stem}-{chosen.name}.png") if show else None)
    refuse_overwrite(save, photo)
    image = catalens.read_image(photo, target=SHOWN_SIDE)
    if save is not None:
        save_image(save, policy_sheet(image, chosen, count=count, seed=seed))
        say(f"written: {save}")
    if as_json:
        write_json(asdict(chosen))
    else:
        write(*chosen.describe().splitlines())
