"""`catalens photo detect | segment | blur-faces | look`: what is where on a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

import catalens
from catalens import options
from catalens.cli.batch import each_photo
from catalens.cli.options import (
    DEFAULT_CATALOG,
    AsJson,
    CatalogFolder,
    Device,
    EncoderName,
    Precision,
    existing,
    option,
)
from catalens.cli.output import refuse_overwrite, say, warn_missing_glyphs, write, write_json
from catalens.errors import UsageError
from catalens.types import Detections

if TYPE_CHECKING:
    from catalens.types import ImageArray

Photo = Annotated[Path, typer.Argument(help="Photo to read.", metavar="PHOTO")]


def detect(
    photo: Photo,
    save: Annotated[Path | None, typer.Option(help="Write the photo with boxes (.jpg, .png, .webp).")] = None,
    min_score: Annotated[float, option(options.Detect.min_score)] = options.Detect.min_score.default,
    model: Annotated[str | None, option(options.Detect.model)] = options.Detect.model.default,
    labels: Annotated[str | None, option(options.Detect.labels)] = None,
    proposals: Annotated[str | None, option(options.Detect.proposals)] = options.Detect.proposals.default,
    tiles: Annotated[int, option(options.Detect.tiles)] = options.Detect.tiles.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    as_json: AsJson = False,
) -> None:
    """Detect the products on a photo: boxes in pixels, labels, scores."""
    from catalens.images.draw import draw_boxes, numbered, save_image
    from catalens.images.mark import read_mark

    refuse_overwrite(save, photo)
    image = catalens.read_image(photo)
    words = [] if labels is None else [word.strip() for word in labels.split(",") if word.strip()]
    if proposals is not None and (labels is not None or tiles != 1):
        raise UsageError("--proposals beside --labels or --tiles", cure="proposals have no names: leave one out")
    if proposals is None:
        found = catalens.detect(
            image, min_score=min_score, model=model, labels=words, masks=False, tiles=tiles, device=device, dtype=dtype
        )
    else:
        found = _proposed(image, proposals, model=model, device=device, dtype=dtype)
    if save is not None:
        save_image(save, draw_boxes(image, found), mark=read_mark(photo))
        say(f"written: {save}")
        warn_missing_glyphs(numbered(found.labels))
    if as_json:
        write_json(found.to_dict())
        return
    if not len(found):
        say("no product found")
    for one in found:
        write(f"{one.score:.2f}  {one.label}  {' '.join(f'{side:.0f}' for side in one.box)}")


def _proposed(image: ImageArray, way: str, *, model: str | None, device: str, dtype: str) -> Detections:
    from catalens.tasks.proposals import propose

    boxes = propose(image, way=way, model=model, device=device, dtype=dtype)  # type: ignore[arg-type]  # checked there
    scores = np.linspace(1, 0, len(boxes), endpoint=False, dtype=np.float32)
    return Detections(boxes, scores, ("thing",) * len(boxes), (image.shape[0], image.shape[1]))


def segment(
    photo: Photo,
    save: Annotated[Path | None, typer.Option(help="Write the photo with its parts colored.")] = None,
    model: Annotated[str | None, option(options.Segment.model)] = options.Segment.model.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    as_json: AsJson = False,
) -> None:
    """Segment a photo of a person: garments, shoes, bag, hair, skin, background."""
    from catalens.images.draw import draw_masks, save_image
    from catalens.images.mark import read_mark

    refuse_overwrite(save, photo)
    image = catalens.read_image(photo)
    masks = catalens.segment(image, model=model, device=device, dtype=dtype)
    if save is not None:
        save_image(save, draw_masks(image, masks), mark=read_mark(photo))
        say(f"written: {save}")
    if as_json:
        write_json(masks.to_dict())
    else:
        for name, share in masks.areas.items():
            write(f"{share:6.1%}  {name}")


def blur_faces(
    photo: Annotated[Path, typer.Argument(help="Photo to read, or a folder of photos.", metavar="PHOTO|FOLDER")],
    out: Annotated[Path, typer.Argument(help="File to write, or a folder.", metavar="OUT")],
    min_score: Annotated[float, option(options.BlurFaces.min_score)] = options.BlurFaces.min_score.default,
    model: Annotated[str | None, option(options.BlurFaces.model)] = options.BlurFaces.model.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
) -> None:
    """Anonymise faces irreversibly on a photo, or on each photo in a folder; photos without faces are written too."""
    from catalens.images.draw import save_image
    from catalens.images.mark import read_mark
    from catalens.tasks import faces

    def write_hidden(source: Path, target: Path) -> str | None:
        done = faces.anonymise(source, min_score=min_score, model=model, device=device, dtype=dtype)
        save_image(target, done.image, mark=read_mark(source))
        say(f"{source}: {done}")
        return None

    if photo.is_dir():
        each_photo(photo, out, ".jpg", write_hidden, what="written")
    else:
        refuse_overwrite(out, photo)
        write_hidden(photo, out)


def look(
    photo: Photo,
    catalog: CatalogFolder = DEFAULT_CATALOG,
    k: Annotated[int, option(options.Look.k, "-k")] = options.Look.k.default,
    where: Annotated[str | None, option(options.Look.where)] = options.Look.where.default,
    min_score: Annotated[float, option(options.Look.min_score)] = options.Look.min_score.default,
    model: Annotated[str | None, option(options.Look.model)] = options.Look.model.default,
    encoder: EncoderName = options.Network.encoder.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
    save: Annotated[Path | None, typer.Option(help="Also write a page (.html).")] = None,
    as_json: AsJson = False,
) -> None:
    """Shop the look: find each product on a photo in the catalog."""
    from catalens.styling.look_page import save_look

    with existing(catalog, encoder=encoder, device=device, dtype=dtype) as shop:
        found = shop.look(photo, k=k, where=where, min_score=min_score, model=model, device=device, dtype=dtype)
    if save is not None:
        save_look(found, save)
        say(f"written: {save}")
    if as_json:
        write_json(found.to_dict())
        return
    if not found.parts:
        say("no product found on the photo")
    for part in found.parts:
        write(f"{part.found.label} {part.found.score:.2f}")
        for match in part.matches:
            write(f"  {match.score:.3f}  {match.sku}  {match.title}".rstrip())
        if not len(part.matches):
            write("  nothing like it in the catalog")
