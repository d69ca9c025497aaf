"""`catalens photo enhance`: one photo in, a better one out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens import options
from catalens.cli.options import option
from catalens.cli.output import refuse_overwrite, say


def enhance(
    photo: Annotated[Path, typer.Argument(help="Photo to read.", metavar="PHOTO")],
    out: Annotated[Path, typer.Argument(help="File to write; its ending gives the format.", metavar="OUT")],
    sigma: Annotated[float | None, option(options.Enhance.sigma)] = options.Enhance.sigma.default,
    balance: Annotated[float, option(options.Enhance.balance)] = options.Enhance.balance.default,
    lift: Annotated[float, option(options.Enhance.lift)] = options.Enhance.lift.default,
    sharpness: Annotated[float, option(options.Enhance.sharpness)] = options.Enhance.sharpness.default,
) -> None:
    """Improve a photo gently: denoise, balance the white, raise the contrast, sharpen."""
    from catalens.images.draw import save_image
    from catalens.images.mark import read_mark

    refuse_overwrite(out, photo)
    better = catalens.enhance(photo, sigma=sigma, balance=balance, lift=lift, sharpness=sharpness)
    save_image(out, better, mark=read_mark(photo))
    say(f"written: {out}")
