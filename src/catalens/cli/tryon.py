"""`catalens tryon`: a garment on a person's photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import catalens
from catalens import options
from catalens.cli.options import AsJson, Certificate, CertificateKey, Device, Precision, option, signature_of
from catalens.cli.output import refuse_overwrite, say, write_json
from catalens.cli.renamed import GONE_IN

if TYPE_CHECKING:
    from catalens.types import ImageArray, Worn


def tryon(
    person: Annotated[Path, typer.Argument(help="Photo of the person.", metavar="PERSON")],
    garment: Annotated[Path, typer.Argument(help="Photo of the garment.", metavar="GARMENT")],
    out: Annotated[Path, typer.Argument(help="File to write (.jpg, .png, .webp).", metavar="OUT")],
    kind: Annotated[str, option(options.TryOn.kind)] = options.TryOn.kind.default,
    save: Annotated[
        Path | None, typer.Option(help="Also write a contact sheet: both photos, the result, the changed region.")
    ] = None,
    sheet: Annotated[bool, typer.Option("--sheet", hidden=True)] = False,
    model: Annotated[str | None, option(options.TryOn.model)] = options.TryOn.model.default,
    accept_licence: Annotated[str | None, option(options.Network.accept_licence)] = None,
    seed: Annotated[int, option(options.TryOn.seed)] = options.TryOn.seed.default,
    certificate: Certificate = None,
    key: CertificateKey = None,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    as_json: AsJson = False,
) -> None:
    """Put a garment on a person (experimental); pixels outside the garment's region do not change."""
    from catalens.images.draw import format_of, save_image
    from catalens.images.mark import COMPOSITE
    from catalens.tasks.tryon import try_on
    from catalens.trust.provenance import write_generated

    signature = signature_of(certificate, key)
    format_of(out)  # before the work, not after it
    if sheet:
        save = out.with_name(f"{out.stem}-sheet{out.suffix}")
        say(f"note: --sheet is now --save {save.name}; the old form works until {GONE_IN}")
    if save is not None:
        format_of(save)
    refuse_overwrite(out, person, garment)
    refuse_overwrite(save, person, garment, out)
    photo, cloth = catalens.read_image(person), catalens.read_image(garment)
    worn = try_on(
        photo, cloth, kind=kind, model=model, seed=seed, accept_licence=accept_licence, device=device, dtype=dtype
    )
    write_generated(worn.image, out, source="composite", signature=signature)
    if save is not None:
        save_image(save, sheet_of(photo, cloth, worn), mark=COMPOSITE)
        say(f"written: {save}")
    if as_json:
        write_json(worn.to_dict())
    else:
        for note in worn.notes:
            say(note)
    say(f"written: {out}")


def sheet_of(person: ImageArray, garment: ImageArray, worn: Worn) -> ImageArray:
    """Both photos, the result, and where it was drawn."""
    from catalens.images.draw import Tile, contact_sheet

    place = (person * 0.3 + 255 * 0.7).astype("uint8")
    place[worn.region] = person[worn.region]
    tiles = [
        Tile(person, "the person"),
        Tile(garment, "the garment", worn.kind),
        Tile(worn.image, "worn", "; ".join(worn.notes), chosen=True),
        Tile(place, "where it was drawn", f"{worn.region.mean():.1%} of the photo"),
    ]
    return contact_sheet(tiles, title="Try-on", columns=4)
