"""`catalens recolor`: a product in other colors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from catalens import options
from catalens.cli.options import AsJson, Device, Precision, option
from catalens.cli.output import refuse_overwrite, say, write_json
from catalens.errors import UsageError
from catalens.tasks.recolor import recolor as recolor_photo


def recolor(
    photo: Annotated[Path, typer.Argument(help="Photo of the product.", metavar="PHOTO")],
    out: Annotated[Path, typer.Argument(help="Folder for the pictures.", metavar="FOLDER")] = Path(),
    colors: Annotated[str | None, option(options.Recolor.colors, more="With commas: red,navy,#aabbcc.")] = None,
    swatch: Annotated[Path | None, option(options.Recolor.swatch)] = None,
    format: Annotated[str, option(options.Recolor.format)] = options.Recolor.format.default,
    model: Annotated[str | None, option(options.Recolor.model)] = options.Recolor.model.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    as_json: AsJson = False,
) -> None:
    """Show a product in other colors, one picture a color: shading, prints, labels, skin and background stay."""
    from catalens.images.draw import make_folder
    from catalens.trust.provenance import write_generated

    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is no folder", cure="name a folder for the pictures")
    names = [name.strip() for name in (colors or "").split(",") if name.strip()]
    made = recolor_photo(photo, colors=names, swatch=swatch, model=model, device=device, dtype=dtype)
    make_folder(out)
    told = []
    for one in made:
        target = out / f"{photo.stem}-{re.sub('[^0-9a-z]+', '-', one.color.lower()).strip('-')}.{format}"
        refuse_overwrite(target, photo)
        write_generated(one.image, target, source="composite")
        say(f"written: {target} (color difference {one.error:.1f}, {one.area:.0%} of the product)")
        told.append({"file": str(target), **one.to_dict()})
    if as_json:
        write_json(told)
