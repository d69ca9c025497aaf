"""`catalens enhance`: one photo in, a better one out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import catalens
from catalens.cli.output import keep_original, say


def enhance(
    photo: Annotated[Path, typer.Argument(help="Photo to read.", metavar="PHOTO")],
    out: Annotated[Path, typer.Argument(help="File to write; its ending says the format.", metavar="OUT")],
) -> None:
    """Denoise, balance the white, lift the contrast and sharpen, each gently."""
    from catalens.images.draw import save_image
    from catalens.images.mark import mark_of

    keep_original(out, photo)
    save_image(out, catalens.enhance(photo), mark=mark_of(photo))
    say(f"written: {out}")
