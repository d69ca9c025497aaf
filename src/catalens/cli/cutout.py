"""`catalens cutout`: cut the product out of a photo, of a folder of photos, or of what is put into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

import catalens
from catalens import options
from catalens.cli.batch import each_photo
from catalens.cli.options import Device, Precision, option
from catalens.cli.output import refuse_overwrite, say
from catalens.errors import UnfitImageError, UsageError
from catalens.images.draw import save_image
from catalens.images.mark import read_mark
from catalens.images.read import read_rgba
from catalens.images.srgb import hex_color
from catalens.tasks.cutout import Cutout, Cutter, cutter
from catalens.tasks.edges import Edges
from catalens.tasks.prompted import PromptedCutter, outliner
from catalens.types import ImageArray

NAMED = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128), "gray": (128, 128, 128)}


def cutout(
    photo: Annotated[Path, typer.Argument(help="Photo to read, or a folder of photos.", metavar="PHOTO|FOLDER")],
    out: Annotated[Path, typer.Argument(help="File to write, or a folder.", metavar="OUT")],
    background: Annotated[str, option(options.Cutout.background)] = options.Cutout.background.default,
    bgcolor: Annotated[
        tuple[int, int, int, int] | None,
        typer.Option(
            "--bgcolor", "-bgc", help="Background as red, green, blue and alpha, each 0 to 255.", metavar="R G B A"
        ),
    ] = None,
    shadow: Annotated[str, option(options.Cutout.shadow)] = options.Cutout.shadow.default,
    crop: Annotated[bool, option(options.Cutout.crop, "--crop")] = options.Cutout.crop.default,
    margin: Annotated[str, option(options.Cutout.margin)] = options.Cutout.margin.default,
    model: Annotated[str | None, option(options.Cutout.model, "--model", "-m")] = options.Cutout.model.default,
    box: Annotated[str | None, option(options.Cutout.box)] = options.Cutout.box.default,
    points: Annotated[list[str] | None, option(options.Cutout.points, "--point")] = None,
    alpha_matting: Annotated[
        bool, option(options.Cutout.alpha_matting, "--alpha-matting", "-a")
    ] = options.Cutout.alpha_matting.default,
    alpha_matting_foreground_threshold: Annotated[
        int,
        option(options.Cutout.alpha_matting_foreground_threshold, "--alpha-matting-foreground-threshold", "-af"),
    ] = options.Cutout.alpha_matting_foreground_threshold.default,
    alpha_matting_background_threshold: Annotated[
        int,
        option(options.Cutout.alpha_matting_background_threshold, "--alpha-matting-background-threshold", "-ab"),
    ] = options.Cutout.alpha_matting_background_threshold.default,
    alpha_matting_erode_size: Annotated[
        int, option(options.Cutout.alpha_matting_erode_size, "--alpha-matting-erode-size", "-ae")
    ] = options.Cutout.alpha_matting_erode_size.default,
    refine: Annotated[str | None, option(options.Cutout.refine)] = options.Cutout.refine.default,
    post_process_mask: Annotated[
        bool, option(options.Cutout.post_process_mask, "--post-process-mask", "-ppm")
    ] = options.Cutout.post_process_mask.default,
    only_mask: Annotated[
        bool, option(options.Cutout.only_mask, "--only-mask", "-om")
    ] = options.Cutout.only_mask.default,
    watch: Annotated[bool, option(options.Cutout.watch, "--watch", "-w")] = options.Cutout.watch.default,
    device: Device = options.Network.device.default,
    dtype: Precision = options.Network.dtype.default,
) -> None:
    """Cut the product out of a photo, or of each photo in a folder; files that exist already are skipped."""
    edges = Edges(
        post_process_mask=post_process_mask,
        alpha_matting=alpha_matting,
        alpha_matting_foreground_threshold=alpha_matting_foreground_threshold,
        alpha_matting_background_threshold=alpha_matting_background_threshold,
        alpha_matting_erode_size=alpha_matting_erode_size,
        refine=refine,
        device=device,
        dtype=dtype,
    )
    threads = 1 if photo.is_dir() else None
    if box is not None or points:
        if photo.is_dir():
            raise UsageError("--box or --point for a folder", cure="name one photo: its pixels are meant")
        network: Cutter = _prompted(model, box, points or [], device=device, dtype=dtype)
    else:
        network = cutter(model, threads=threads, device=device, dtype=dtype)
    ground = _ground(background, bgcolor)
    how = _Options(
        ground,
        shadow,
        crop=crop,
        margin=margin,
        network=network,
        edges=edges,
        only_mask=only_mask,
        mark=read_mark(background) if isinstance(ground, np.ndarray) else None,
    )
    if photo.is_dir():
        each_photo(photo, out, how.suffix, how.write, what="cut out", watch=watch)
        return
    if watch:
        raise UsageError(f"--watch and {photo} is no folder", cure="name a folder that photos are put into")
    refuse_overwrite(out, photo, background)
    doubt = how.write(photo, out)
    say(f"written: {out}" + (f"; {doubt}" if doubt else ""))


def _prompted(model: str | None, box: str | None, points: list[str], *, device: str, dtype: str) -> PromptedCutter:
    if model is None:
        raise UsageError(
            "--box and --point need a promptable network",
            cure="catalens models pull efficient-sam, then --model efficient-sam; or --model sam2-tiny",
        )
    corners = None if box is None else _numbers(box, 4, "--box", "40,60,300,420")
    places = [_numbers(one, 2, "--point", "150,200") for one in points]
    return PromptedCutter(outliner(model, device=device, dtype=dtype), box=corners, points=places)


def _numbers(text: str, count: int, option: str, example: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count:
        raise UsageError(f"{option} is {text!r}", cure=f"give {count} numbers in pixels, such as {option} {example}")
    return found


class _Options:
    """How photos are cut out, checked once."""

    def __init__(
        self,
        ground: ImageArray | tuple[int, ...] | None,
        shadow: str,
        *,
        crop: bool,
        margin: str,
        network: Cutter,
        edges: Edges,
        only_mask: bool,
        mark: str | None,
    ) -> None:
        self._shadow, self._crop, self._edges, self._only_mask = shadow, crop, edges, only_mask
        self._margin = _share(margin)
        self._ground = ground
        self._mark = mark
        self._cutter = network
        is_part = isinstance(ground, tuple) and ground[3:] not in ((), (255,))
        self._is_clear = not only_mask and (ground is None or is_part)
        self.suffix = ".png" if self._is_clear or only_mask else ".jpg"

    def write(self, photo: Path, out: Path) -> str | None:
        """Returns what is doubtful about the outline; the file is written all the same."""
        rgba = read_rgba(photo)
        found = self._cutter.cut(rgba, shadow=self._shadow, edges=self._edges)  # type: ignore[arg-type]
        if found.box is None:
            raise UnfitImageError(f"{photo}: no product found; nothing is written", cure="take another photo")
        doubt = self._cutter.doubt(rgba, found)
        if self._crop:
            found = found.cropped(margin=self._margin)
        if self._is_clear and out.suffix.lower() in {".jpg", ".jpeg"}:
            raise UsageError(f"{out} cannot be transparent", cure="write a .png or .webp, or give --background")
        save_image(out, self._laid(found), mark=read_mark(photo) or self._mark)
        return doubt

    def _laid(self, found: Cutout) -> NDArray[np.uint8]:
        if self._only_mask:
            return np.asarray(np.round(found.alpha * 255), np.uint8)
        if self._ground is None:
            return found.rgba
        if isinstance(self._ground, tuple):
            color, cover = self._ground[:3], self._ground[3] if len(self._ground) > 3 else 255
            return found.on(color) if cover == 255 else _over(found.rgba, color, cover)  # type: ignore[arg-type]
        return found.on(self._ground)


def _over(rgba: ImageArray, color: tuple[int, ...], cover: int) -> ImageArray:
    """HxWx4 uint8 over a color that covers in part."""
    above = rgba[..., 3:] / np.float32(255)
    below = np.float32(cover / 255) * (1 - above)
    alpha = above + below
    mixed = (rgba[..., :3] * above + np.array(color, np.float32) * below) / np.maximum(alpha, 1e-6)
    return np.asarray(np.round(np.dstack([mixed, alpha * 255])), np.uint8)


def _ground(text: str, bgcolor: tuple[int, int, int, int] | None) -> ImageArray | tuple[int, ...] | None:
    name = text.strip().lower()
    if bgcolor is not None:
        if name != "transparent" or not all(0 <= one <= 255 for one in bgcolor):
            raise UsageError(
                f"--bgcolor is {' '.join(map(str, bgcolor))} and --background {text!r}",
                cure="give one of them; four numbers from 0 to 255 to --bgcolor",
            )
        return bgcolor if bgcolor[3] else None
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
