"""`catalens scene`: a product put into a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalens.cli.options import Certificate, CertificateKey, signature_of
from catalens.cli.output import keep_original, say
from catalens.errors import UsageError


def scene(
    product: Annotated[Path, typer.Argument(help="Photo of the product, or a cut-out.", metavar="PRODUCT")],
    files: Annotated[
        list[str], typer.Argument(help="Background, where no option names it; then the file to write.", metavar="OUT")
    ],
    prompt_or_photo: Annotated[
        str | None, typer.Option(help="Background: a photo, a color such as #f4f4f2, or words such as 'rustic table'.")
    ] = None,
    place: Annotated[
        str | None, typer.Option(help="Where it stands: x,y as shares of width and height, as in 0.5,0.85.")
    ] = None,
    scale: Annotated[float, typer.Option(help="Times the size that the place asks for.")] = 1.0,
    harmony: Annotated[float, typer.Option(help="How much of the scene's light it takes on, 0 to 1.")] = 0.6,
    shadow: Annotated[float, typer.Option(help="How dark its shadow is, 0 to 1.")] = 1.0,
    horizon: Annotated[float, typer.Option(help="Height at which the camera looks straight ahead, 0 to 1.")] = 0.4,
    model: Annotated[
        str | None, typer.Option(help="Paint the words by a large network of others, such as sdxl; see docs/scene.md.")
    ] = None,
    accept_licence: Annotated[str | None, typer.Option(help="Accept this licence of that network.")] = None,
    seed: Annotated[int, typer.Option(help="Of that network.")] = 0,
    certificate: Certificate = None,
    key: CertificateKey = None,
) -> None:
    """Put a product into a scene: cut out, in the scene's light, with a shadow, at the size that its place asks for."""
    from catalens.images.draw import format_of
    from catalens.tasks.scene import scene as put_into
    from catalens.trust.provenance import write_generated

    background, out = _named(prompt_or_photo, files)
    format_of(out)  # before the work, not after it
    keep_original(out, product, background)
    signature = signature_of(certificate, key)
    spot = None if place is None else _spot(place)
    ground = background
    if model is not None and not Path(background).is_file():
        from catalens.models.hub.pipeline import paint

        ground = paint(background, model=model, seed=seed, accept_licence=accept_licence)  # type: ignore[assignment]
    found = put_into(product, ground, place=spot, scale=scale, harmony=harmony, shadow=shadow, horizon=horizon)
    write_generated(found.image, out, source="composite", signature=signature)
    for note in found.notes:
        say(note)
    say(f"written: {out}")


def _named(option: str | None, files: list[str]) -> tuple[str, Path]:
    """The background and the file to write, from the option and what stands after the product."""
    names = files if option is None else [option, *files]
    if len(names) != 2:
        raise UsageError(
            f"expected a background and one file to write and got {len(names)} names",
            cure="write: catalens scene PRODUCT --prompt-or-photo BACKGROUND OUT",
        )
    return names[0], Path(names[1])


def _spot(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--place is {text!r}", cure="write it like 0.5,0.85") from None
    return x, y
