"""`catalens tryon`: a garment on a person's photo."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import catalens
from catalens import options
from catalens.cli.options import (
    AsJson,
    Certificate,
    CertificateKey,
    Device,
    Precision,
    existing,
    option,
    signature_of,
)
from catalens.cli.output import refuse_overwrite, say, write_json
from catalens.cli.renamed import GONE_IN

if TYPE_CHECKING:
    from catalens.types import ImageArray, Worn


def tryon(
    person: Annotated[Path, typer.Argument(help="Photo of the person.", metavar="PERSON")],
    garments: Annotated[
        list[str],
        typer.Argument(
            help="Photo of the garment, or a product's sku with --catalog; several are put on in this order. Last, the "
            "file to write (.jpg, .png, .webp); PERSON-tryon.jpg without one.",
            metavar="GARMENT... [OUT]",
        ),
    ],
    catalog: Annotated[
        Path | None, typer.Option("--catalog", "-c", help="Folder of the catalog that the skus are from.")
    ] = None,
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
    """Put garments on a person (experimental: most results are wrong); pixels outside their region do not change."""
    from catalens.images.draw import format_of, save_image
    from catalens.images.mark import COMPOSITE
    from catalens.tasks.tryon import try_on
    from catalens.tasks.tryon.several import put_on
    from catalens.trust.provenance import write_generated

    names, out = _named(person, garments)
    signature = signature_of(certificate, key)
    format_of(out)  # before the work, not after it
    if sheet:
        save = out.with_name(f"{out.stem}-sheet{out.suffix}")
        say(f"note: --sheet is now --save {save.name}; the old form works until {GONE_IN}")
    if save is not None:
        format_of(save)
    refuse_overwrite(out, person, *names)
    refuse_overwrite(save, person, *names, out)
    photo, clothes = catalens.read_image(person), _photos(names, catalog)
    wear = partial(try_on, kind=kind, model=model, seed=seed, accept_licence=accept_licence, device=device, dtype=dtype)
    worn = put_on(wear, photo, clothes)
    write_generated(worn.image, out, source="composite", signature=signature)
    if save is not None:
        save_image(save, sheet_of(photo, clothes, worn), mark=COMPOSITE)
        say(f"written: {save}")
    if as_json:
        write_json(worn.to_dict())
    else:
        for note in worn.notes:
            say(note)
    sure = "" if worn.confidence is None else f" (confidence {worn.confidence:.2f})"
    say(f"written: {out}; experimental{sure}: look at it before you use it")


def _named(person: Path, words: list[str]) -> tuple[list[str], Path]:
    """The garments, and the file to write: the last word where it may be one."""
    if len(words) > 1 and Path(words[-1]).suffix:
        return words[:-1], Path(words[-1])
    return words, Path(f"{person.stem}-tryon.jpg")


def _photos(names: list[str], catalog: Path | None) -> list[ImageArray]:
    """The garments' photos: files, and the first pictures of products."""
    if catalog is None:
        return [catalens.read_image(name) for name in names]
    with existing(catalog) as shop:
        return [
            catalens.read_image(name) if name not in shop and Path(name).is_file() else shop.photo_of(name)
            for name in names
        ]


def sheet_of(person: ImageArray, garments: Sequence[ImageArray], worn: Worn) -> ImageArray:
    """All photos, the result, and where it was drawn."""
    from catalens.images.draw import Tile, contact_sheet

    place = (person * 0.3 + 255 * 0.7).astype("uint8")
    place[worn.region] = person[worn.region]
    tiles = [
        Tile(person, "the person"),
        *(Tile(one, "a garment", worn.kind) for one in garments),
        Tile(worn.image, "worn", "; ".join(worn.notes), chosen=True),
        Tile(place, "where it was drawn", f"{worn.region.mean():.1%} of the photo"),
    ]
    return contact_sheet(tiles, title="Try-on (experimental)", columns=len(tiles))
