"""`catalens photo scene`: a product put into a scene."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalens import options
from catalens.cli.options import Certificate, CertificateKey, Device, Precision, option, signature_of
from catalens.cli.output import refuse_overwrite, say
from catalens.errors import UsageError


def scene(
    product: Annotated[Path, typer.Argument(help="Photo of the product, or a cut-out.", metavar="PRODUCT")],
    files: Annotated[
        list[str], typer.Argument(help="Background, unless an option gives it; then the file to write.", metavar="OUT")
    ],
    prompt_or_photo: Annotated[str | None, option(options.Scene.background, "--prompt-or-photo")] = None,
    place: Annotated[str | None, option(options.Scene.place)] = None,
    scale: Annotated[float, option(options.Scene.scale)] = options.Scene.scale.default,
    harmony: Annotated[float, option(options.Scene.harmony)] = options.Scene.harmony.default,
    shadow: Annotated[float, option(options.Scene.shadow)] = options.Scene.shadow.default,
    horizon: Annotated[float, option(options.Scene.horizon)] = options.Scene.horizon.default,
    painter: Annotated[
        str | None, option(options.Scene.painter, "--painter", "--model", more="See docs/scene.md.")
    ] = options.Scene.painter.default,
    model: Annotated[str | None, option(options.Scene.model, "--cutout-model")] = options.Scene.model.default,
    accept_licence: Annotated[str | None, option(options.Network.accept_licence)] = None,
    seed: Annotated[int, option(options.Scene.seed)] = options.Scene.seed.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    certificate: Certificate = None,
    key: CertificateKey = None,
) -> None:
    """Put a product into a scene (experimental), with matching light, shadow and size."""
    from catalens.images.draw import format_of
    from catalens.tasks.scene import scene as put_into
    from catalens.trust.provenance import write_generated

    background, out = _named(prompt_or_photo, files)
    format_of(out)  # before the work, not after it
    refuse_overwrite(out, product, background)
    signature = signature_of(certificate, key)
    spot = None if place is None else options.point_of(place, name="--place")
    found = put_into(
        product,
        background,
        place=spot,
        scale=scale,
        harmony=harmony,
        shadow=shadow,
        horizon=horizon,
        model=model,
        painter=painter,
        seed=seed,
        accept_licence=accept_licence,
        device=device,
        dtype=dtype,
    )
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
            cure="write: catalens photo scene PRODUCT --prompt-or-photo BACKGROUND OUT",
        )
    return names[0], Path(names[1])
