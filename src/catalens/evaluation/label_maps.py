"""Evaluation of the parser on photos with label maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens.errors import CatalensError, NotFoundError, UsageError
from catalens.evaluation.runs import Item, Run, machine
from catalens.evaluation.segmentation import confusion, segmentation_scores
from catalens.images.folder import SUFFIXES
from catalens.images.read import read_codes, read_image
from catalens.models.zoo import DEFAULT_PARSER, find_card
from catalens.tasks.segment import Parser, parser
from catalens.types import Failure, ImageArray, IntArray, Progress, Where

PIXELS = "pixels that are right"
UNCOUNTED = 255


def evaluate_label_maps(
    maps: Path,
    *,
    photos: Path,
    model: str = DEFAULT_PARSER,
    names: str = "",
    seed: int = 0,
    progress: Progress | None = None,
) -> Run:
    """Evaluate a parser.

    Args:
        model: the bundled parser's name, or a folder with a card.
        maps: folder of 8-bit label maps, `0001.png` for the photo `0001.jpg`; 255 is not counted.
        names: of the codes, separated by commas; empty for the parser's own order. Codes whose name the parser does not
            know are not counted.

    Raises:
        NotFoundError: no label maps.
        UsageError: none of the names is one of the parser's, or none of the maps can be used.
    """
    network = parser(model)
    table = _codes(names, network.names)
    files = sorted(maps.glob("*.png"))
    if not files:
        raise NotFoundError(f"no label maps in {maps}", cure="give .png files of one channel")
    counts: list[IntArray] = []
    items: list[Item] = []
    failed: list[Failure] = []
    for done, file in enumerate(files, start=1):
        try:
            counts.append(confusion(*_pair(file, photos, network, table), classes=len(network.names)))
            items.append(_item(file, counts[-1], network.names, photos))
        except CatalensError as error:
            failed.append(Failure(Where(str(file)), file.name, error.what, error.cure))
        if progress is not None:
            progress(done, len(files), "looking")
    if not counts:
        first = failed[0]
        raise UsageError(f"none of {len(files)} label maps can be used; {first.what}: {first.why}", cure=first.cure)
    scores = segmentation_scores(counts, network.names, seed=seed)
    return Run(
        task="segmenter",
        main=PIXELS,
        about={"model": find_card(model).identity, "data": f"{maps}: {len(counts)} label maps", "seed": str(seed)}
        | machine(),
        figures={PIXELS: scores.accuracy, "foreground IoU": scores.foreground, "mean IoU of the ten largest":
                 scores.largest, **{f"IoU of {name}": one for name, one in scores.iou.items()}},
        items=tuple(items),
        notes=tuple(map(str, failed)),
    )  # fmt: skip


def _item(file: Path, counts: IntArray, names: tuple[str, ...], photos: Path) -> Item:
    """Per-photo outcome: pixel accuracy, the most missed class, and what was predicted there."""
    wrong = counts * ~np.eye(len(counts), dtype=np.bool_)
    wanted, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
    share = float(np.trace(counts) / max(counts.sum(), 1))
    return Item(file.stem, share, (names[wanted],), (names[said],), 1 - share, (str(photo_of(file, photos) or ""),))


def _pair(
    file: Path, photos: Path, network: Parser, table: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """True and predicted label map of a photo, at one size."""
    image, labels = read_label_map(file, photos=photos)
    return table[labels], network(image).labels


def read_label_map(file: Path, *, photos: Path) -> tuple[ImageArray, NDArray[np.uint8]]:
    """A photo, HWC uint8, and its label map, HxW uint8.

    Raises:
        NotFoundError: there is no photo of the map's name.
        UsageError: the map is of another size.
        ImageError: the photo cannot be read, or the map: 8 bits of one channel, grey or with a palette.
    """
    labels = read_codes(file)
    photo = photo_of(file, photos)
    if photo is None:
        raise NotFoundError(f"no photo {file.stem} in {photos}", cure="put it there, or remove its map")
    image = read_image(photo)
    if image.shape[:2] != labels.shape:
        raise UsageError(
            f"the map has {labels.shape} pixels and its photo {image.shape[:2]}", cure="give a map of the photo's size"
        )
    return image, labels


def photo_of(file: Path, photos: Path) -> Path | None:
    """Photo with the name of a label map; None if absent. A map is not its own photo."""
    endings = (*SUFFIXES, *map(str.upper, SUFFIXES))
    named = (photos / f"{file.stem}{ending}" for ending in endings)
    return next((path for path in named if path.is_file() and path.resolve() != file.resolve()), None)


def _codes(names: str, known: tuple[str, ...]) -> NDArray[np.uint8]:
    """(256,) code of a map -> the parser's class."""
    given = [name.strip() for name in names.split(",")] if names else list(known)
    if not set(given) & set(known):
        raise UsageError(f"none of {names} is a class of the parser", cure=f"name some of {', '.join(known)}")
    table = np.full(256, UNCOUNTED, np.uint8)
    for code, name in enumerate(given[:UNCOUNTED]):
        if name in known:
            table[code] = known.index(name)
    return table
