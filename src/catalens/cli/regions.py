"""`catalens photo detect | segment | cutout | blur-faces | look`: what is where on a photo."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

import catalens
from catalens import options, settings
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
from catalens.cli.output import progress_bar, refuse_overwrite, say, warn_missing_glyphs, write, write_json
from catalens.errors import ImageError, NotFoundError, UnfitImageError, UsageError
from catalens.images.folder import SUFFIXES, photos_in
from catalens.types import Detections

if TYPE_CHECKING:
    from catalens.tasks.cutout import Cutter
    from catalens.types import ImageArray

NAMED = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128), "gray": (128, 128, 128)}

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


def cutout(
    photo: Annotated[Path, typer.Argument(help="Photo to read, or a folder of photos.", metavar="PHOTO|FOLDER")],
    out: Annotated[Path, typer.Argument(help="File to write, or a folder.", metavar="OUT")],
    background: Annotated[str, option(options.Cutout.background)] = options.Cutout.background.default,
    shadow: Annotated[str, option(options.Cutout.shadow)] = options.Cutout.shadow.default,
    crop: Annotated[bool, option(options.Cutout.crop, "--crop")] = options.Cutout.crop.default,
    margin: Annotated[str, option(options.Cutout.margin)] = options.Cutout.margin.default,
    model: Annotated[str | None, option(options.Cutout.model)] = options.Cutout.model.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
) -> None:
    """Cut the product out of a photo, or of each photo in a folder; files that exist already are skipped."""
    from catalens.tasks.cutout import cutter

    network = cutter(model, threads=1 if photo.is_dir() else None, device=device, dtype=dtype)
    how = _Options(background, shadow, crop=crop, margin=margin, network=network)
    if photo.is_dir():
        _each(photo, out, how.suffix, how.write, what="cut out")
    else:
        refuse_overwrite(out, photo, background)
        doubt = how.write(photo, out)
        say(f"written: {out}" + (f"; {doubt}" if doubt else ""))


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
        _each(photo, out, ".jpg", write_hidden, what="written")
    else:
        refuse_overwrite(out, photo)
        write_hidden(photo, out)


def _each(source: Path, out: Path, suffix: str, make: Callable[[Path, Path], str | None], *, what: str) -> None:
    """Make a file in `out` of each photo in a folder, several at a time; what is there already stays, what fails is
    named, and so is what `make` says is doubtful about a file.
    """
    from catalens.images.draw import distinct_names, make_folder

    refuse_overwrite(out, source)
    photos = photos_in(source, but=out)
    if not photos:
        raise NotFoundError(f"no photos in {source}", cure="name a photo or a folder with photos")
    if (out.exists() and not out.is_dir()) or (out.suffix.lower() in SUFFIXES and not out.exists()):
        raise UsageError(f"{out} is no folder", cure="name one for the pictures of a folder")
    names = distinct_names(photos)

    def one(path: Path) -> str:
        target = out / path.relative_to(source).with_name(names[path] + suffix)
        try:
            if target.exists():
                return "there already"
            make_folder(target.parent)
            doubt = make(path, target)
        except (ImageError, NotFoundError) as error:
            say(str(error) if str(path) in error.what else f"{path}: {error}")
            return "failed"
        if doubt:
            say(f"{path}: {doubt}")
        return "doubtful" if doubt else what

    told = {what: 0, "doubtful": 0, "there already": 0, "failed": 0}
    with progress_bar() as progress, ThreadPoolExecutor(settings.threads()) as pool:
        for done, became in enumerate(pool.map(one, photos), start=1):
            told[became] += 1
            if progress is not None:
                progress(done, len(photos), what)
    say(", ".join(f"{count} {name}" for name, count in told.items() if count or name in (what, "failed")))
    if told["failed"] or told["doubtful"]:
        raise typer.Exit(ImageError.exit_code)


class _Options:
    """How photos are cut out, checked once."""

    def __init__(self, background: str, shadow: str, *, crop: bool, margin: str, network: Cutter) -> None:
        from catalens.images.mark import read_mark

        self._shadow, self._crop = shadow, crop
        self._margin = _share(margin)
        self._ground = _ground(background)
        self._mark = read_mark(background) if isinstance(self._ground, np.ndarray) else None
        self._cutter = network
        self.suffix = ".png" if self._ground is None else ".jpg"

    def write(self, photo: Path, out: Path) -> str | None:
        """Returns what is doubtful about the outline; the file is written all the same."""
        from catalens.images.draw import save_image
        from catalens.images.mark import read_mark
        from catalens.images.read import read_rgba

        rgba = read_rgba(photo)
        found = self._cutter.cut(rgba, shadow=self._shadow)  # type: ignore[arg-type]
        if found.box is None:
            raise UnfitImageError(f"{photo}: no product found; nothing is written", cure="take another photo")
        doubt = self._cutter.doubt(rgba, found)
        if self._crop:
            found = found.cropped(margin=self._margin)
        if self._ground is None and out.suffix.lower() in {".jpg", ".jpeg"}:
            raise UsageError(f"{out} cannot be transparent", cure="write a .png or .webp, or give --background")
        laid = found.rgba if self._ground is None else found.on(self._ground)
        save_image(out, laid, mark=read_mark(photo) or self._mark)
        return doubt


def _ground(text: str) -> ImageArray | tuple[int, int, int] | None:
    from catalens.images.srgb import hex_color

    name = text.strip().lower()
    if name == "transparent":
        return None
    color = NAMED.get(name) or hex_color(text)
    if color is not None:
        return color
    if not Path(text).is_file():
        raise UsageError(
            f"--background is {text!r}", cure="take transparent, white, black, a color such as #f4f4f2, or a photo"
        )
    return catalens.read_image(text)


def _share(text: str) -> float:
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 2:
        raise UsageError(f"--margin is {text!r}", cure="give a share such as 8% or 0.08")
    return share


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
