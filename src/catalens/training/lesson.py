"""All that the encoder's training reads, put together: pictures, their views, what the teacher says, what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens.training import teacher
from catalens.training.cutouts import cut_outs
from catalens.training.facts import kinds
from catalens.training.heldout import held_out
from catalens.training.photos import Photo, squared, training_photos
from catalens.training.rendered import PICTURES, rendered_products
from catalens.training.synthetic import Spec
from catalens.training.thumbnails import thumbnails
from catalens.training.views import view_boxes
from catalens.types import FloatArray, ImageArray, Progress

RENDERED, THUMBNAILS = 5000, 12000
"""Products that are rendered; pictures that are dyed."""
CROPS = 4
"""Random views of a photo that the teacher describes, beside the whole one; twice as many of shop pictures."""
SHARES = {
    "clothing": 0.25,
    "grocery": 0.21,
    "street": 0.10,
    "retail": 0.02,
    "cutout": 0.14,
    "rendered": 0.20,
    "thumbnail": 0.08,
}
"""Of what is drawn, by set. Chosen by judgement: the sets of real photos first."""
SHOP_PICTURE = 6.0
"""How much more often than others of its set a shop picture is drawn, for there is one of each product."""
NAMED = {
    "sneaker": "sneakers", "boot": "boots", "pump": "heels", "loafer": "loafers", "sandal": "sandals",
    "top": "camisole",
}  # fmt: skip
"""Rendered kinds that the vocabulary calls otherwise."""


@dataclass(frozen=True)
class Lesson:
    """All that training reads of N pictures and their V views."""

    squares: Sequence[ImageArray]
    """N of (S, S, 3) uint8; S differs by set."""
    photos: Sequence[Photo]
    owners: NDArray[np.int64]
    """(V,) the picture of each view, ascending; the first of each is the whole."""
    boxes: FloatArray
    """(V, 3) left, top, side in pixels of the square."""
    features: NDArray[np.float16]
    """(V, 1280) unit length, what the teacher says; zeros where it was not asked."""
    chances: NDArray[np.float64]
    """(N,) of each picture to be drawn; 0 for those held out."""
    held: NDArray[np.bool_]


def lesson(
    *, data: Path, teachers: Path, cache: Path, seed: int, hold_out: float = 0.0, progress: Progress | None = None
) -> Lesson:
    """Read, cut out, dye and render the pictures, choose the views and ask the teacher about them.

    What takes long (rendering, the teacher's answers) is kept in `cache`. A share `hold_out` of the labelled photos is
    never drawn: choices are made on those.
    """
    photos = training_photos(data)
    teacher.weights_in(teachers)  # before the long work, not after it
    whole, inner = squared(photos, progress=progress)
    cut_squares, cuts = cut_outs(photos, data, progress=progress)
    dyed_squares, dyed = thumbnails(THUMBNAILS, data, seed=seed)
    rendered, specs = rendered_products(RENDERED, seed=3, cache=cache, progress=progress)
    squares = [*whole, *cut_squares, *rendered, *dyed_squares]
    everything = [*photos, *cuts, *_rendered_photos(specs), *dyed]
    boxes_inside = np.array([[0, 0, len(square), len(square)] for square in squares], np.int32)
    boxes_inside[: len(photos)] = inner
    sides = np.array([len(square) for square in squares], np.int64)
    crops = np.array([_crops(photo) for photo in everything], np.int64)
    owners, boxes = view_boxes(boxes_inside, sides, crops, seed=seed)
    features = _features(squares, everything, owners, boxes, teachers=teachers, cache=cache, progress=progress)
    held = held_out(everything, hold_out, seed=seed)
    chances = np.where(held, 0.0, sampling_weights(everything))
    return Lesson(squares, everything, owners, boxes, features, chances / chances.sum(), held)


def _crops(photo: Photo) -> int:
    if photo.is_shop_picture:
        return 2 * CROPS
    return {"rendered": 1, "thumbnail": 0, "cutout": 1}.get(photo.task, CROPS)


def _rendered_photos(specs: Sequence[Spec]) -> list[Photo]:
    """What is known of the pictures of each product: all."""
    found = []
    for number, spec in enumerate(specs):
        kind = NAMED.get(spec.kind, spec.kind)
        if "toe post" in spec.details:
            kind = "flip flops"
        facts = {
            "kind": kinds(kind),
            "color": frozenset({spec.color}),
            "pattern": frozenset({spec.pattern}),
            "material": frozenset({spec.material}),
        }
        if spec.details:
            facts["style"] = frozenset(spec.details)
        photo = Photo(Path(), "rendered", spec.kind, f"rendered {number}", facts)
        found += [photo] * PICTURES
    return found


def _features(
    squares: Sequence[ImageArray],
    photos: Sequence[Photo],
    owners: NDArray[np.int64],
    boxes: FloatArray,
    *,
    teachers: Path,
    cache: Path,
    progress: Progress | None,
) -> NDArray[np.float16]:
    """Ask the teacher about all views of photos, and the whole of cut-outs and of each product's first rendering."""
    is_whole = np.diff(owners, prepend=-1) > 0
    first = np.array([row == 0 or photo is not photos[row - 1] for row, photo in enumerate(photos)], np.bool_)
    task = np.array([photo.task for photo in photos])
    asked = ~np.isin(task, ("cutout", "rendered", "thumbnail"))[owners]
    asked |= is_whole & (np.isin(task, ("cutout", "rendered")) & first)[owners]
    features = np.zeros((len(owners), teacher.DIM), np.float16)
    features[asked] = teacher.centered_features(
        squares, owners[asked], boxes[asked], teachers=teachers, cache=cache, progress=progress
    )
    return features


def sampling_weights(photos: Sequence[Photo]) -> NDArray[np.float64]:
    """Chance of each picture to be drawn: each set its share, rare labels more often than theirs."""
    labels, inverse, counts = np.unique(
        [f"{photo.task} {photo.label if photo.task != 'street' else ''}" for photo in photos],
        return_inverse=True,
        return_counts=True,
    )
    del labels
    weights = counts[inverse] ** -0.4
    weights[[photo.is_shop_picture for photo in photos]] *= SHOP_PICTURE
    tasks = np.array([photo.task for photo in photos])
    for task in set(tasks.tolist()):
        weights[tasks == task] *= SHARES[task] / weights[tasks == task].sum()
    return np.asarray(weights / weights.sum(), np.float64)
