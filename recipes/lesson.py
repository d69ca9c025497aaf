"""All that the encoder's training reads, put together: pictures, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens.types import ImageArray, Progress
from recipes.cutouts import cut_outs, with_colors
from recipes.dressed import dressed_people
from recipes.facts import kinds
from recipes.heldout import held_out
from recipes.photos import Photo, squared, training_photos
from recipes.rendered import PICTURES, rendered_products
from recipes.synthetic import Spec
from recipes.thumbnails import thumbnails

THUMBNAILS = 12000
"""Pictures that are dyed."""
DRESSED = 3
"""Times that each person is dressed in other colors."""
SHARES = {
    "clothing": 0.25,
    "grocery": 0.21,
    "street": 0.11,
    "retail": 0.02,
    "cutout": 0.10,
    "dressed": 0.09,
    "rendered": 0.15,
    "thumbnail": 0.07,
}
"""Of what is drawn, by set. Chosen by judgement: the sets of real photos first."""
SHOP_PICTURE = 6.0
"""How much more often than others of its set a shop picture is drawn, for there is one of each product."""
NAMED = {
    "sneaker": "sneakers", "boot": "boots", "pump": "heels", "loafer": "loafers", "sandal": "sandals",
    "top": "camisole", "running shoe": "running shoes", "derby": "formal shoes", "ballet flat": "flats",
    "vest": "undershirt",
}  # fmt: skip
"""Rendered kinds that the vocabulary calls otherwise."""


@dataclass(frozen=True)
class Lesson:
    """All that training reads of N pictures."""

    squares: Sequence[ImageArray]
    """N of (S, S, 3) uint8; S differs by set."""
    photos: Sequence[Photo]
    inner: NDArray[np.int32]
    """(N, 4) xyxy of each photo inside its square, in pixels."""
    chances: NDArray[np.float64]
    """(N,) of each picture to be drawn; 0 for those held out."""
    held: NDArray[np.bool_]


def lesson(
    *, data: Path, cache: Path, seed: int, rendered: int, hold_out: float = 0.0, progress: Progress | None = None
) -> Lesson:
    """Read, cut out, dress, dye and render the pictures.

    What takes long, rendering so many products, is kept in `cache`. A share `hold_out` of the labelled photos is never
    drawn: choices are made on those.
    """
    photos = training_photos(data)
    whole, inner = squared(photos, progress=progress)
    photos = with_colors(photos, whole, inner, progress=progress)
    cut_squares, cuts = cut_outs(photos, data, progress=progress)
    dressed_squares, dressed = dressed_people(DRESSED, data, seed=seed)
    dyed_squares, dyed = thumbnails(THUMBNAILS, data, seed=seed)
    pictures, specs = rendered_products(rendered, seed=3, cache=cache, progress=progress)
    squares = [*whole, *cut_squares, *dressed_squares, *pictures, *dyed_squares]
    everything = [*photos, *cuts, *dressed, *_rendered_photos(specs), *dyed]
    inside = np.array([[0, 0, len(square), len(square)] for square in squares], np.int32)
    inside[: len(photos)] = inner
    held = held_out(everything, hold_out, seed=seed)
    chances = np.where(held, 0.0, sampling_weights(everything))
    return Lesson(squares, everything, inside, chances / chances.sum(), held)


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
