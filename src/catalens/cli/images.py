"""`catalens enhance`: one photo in, a better one out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens.cli.output import refuse_overwrite, say


def enhance(
    photo: Annotated[Path, typer.Argument(help="Photo to read.", metavar="PHOTO")],
    out: Annotated[Path, typer.Argument(help="File to write; its ending says the format.", metavar="OUT")],
) -> None:
    """Denoise, balance the white, lift the contrast and sharpen, each gently."""
    from catalens.images.draw import save_image
    from catalens.images.mark import read_mark

    refuse_overwrite(out, photo)
    save_image(out, catalens.enhance(catalens.read_image(photo)), mark=read_mark(photo))
    say(f"written: {out}")
