"""`catalens augment`: show what an augmentation policy does to a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens.cli.options import AsJson
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
    policy: Annotated[str, typer.Option(help="none, shop, phone or strong.")] = "phone",
    show: Annotated[bool, typer.Option("--show", help="Draw each step, then views, on a contact sheet.")] = False,
    count: Annotated[int, typer.Option("-n", help="How many views.")] = 16,
    seed: Annotated[int, typer.Option(help="The same seed gives the same views.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Say and show what an augmentation policy does: the photos that training makes of yours."""
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
        write(chosen.describe())
