"""People of the masked street photos as a shop shows them: on an even ground, in clothes of many colors.

No two photos of the sets that may be learned from show one garment, nor one garment in two colors. Here they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalens.images.prepare import Preprocess
from catalens.learning.regions.grounds import dyed_parts, on_even_ground
from catalens.learning.regions.segmenter import Parsed
from catalens.models.parts import CLASSES
from catalens.taxonomy import garments
from catalens.types import ImageArray
from recipes.cutouts import facts_of, label_names
from recipes.parts import masked_photos
from recipes.photos import NOT_PRODUCTS, Photo
from recipes.vocabulary import concept_of

SIDE = 160
"""Side of the squares, in pixels."""
GARMENTS = tuple(CLASSES.index(name) for name in CLASSES if name not in {"background", "skin", "hair"})
MAIN = tuple(name for name in CLASSES if name in garments())
"""What a picture may be of; where it covers at least `COVERS` of the person."""
COVERS = 0.12
SHOTS = 2
"""Pictures of each, which differ in their ground and in what is around the garment."""
AIR = (0.1, 0.5)
"""Room around the garment, of its longer side."""


def dressed_people(times: int, data: Path, *, seed: int) -> tuple[list[ImageArray], list[Photo]]:
    """Dress each person so many times; each time one of the garments is what the picture is of.

    Those held out from the parser stay aside, for its trunk is learned here.

    Returns:
        Squares of 160 x 160; what is known of each. A person dressed anew is another product.
    """
    rng = np.random.default_rng([seed, 11])
    names = label_names(data / "streetstyle")
    squares: list[ImageArray] = []
    found: list[Photo] = []
    for person in masked_photos(data, held_out=False):
        for time in range(times):
            main = _main(person, rng)
            if main is not None:
                dyed = dyed_parts(person.image, person.labels, GARMENTS, rng)
                mask = person.labels == main
                facts = facts_of(_name(person, main, names), dyed, mask)
                squares += [_shot(dyed, person.labels > 0, mask, rng) for _ in range(SHOTS)]
                found += [Photo(Path(), "dressed", CLASSES[main], f"dressed {person.number} {time}", facts)] * SHOTS
    return squares, found


def _main(person: Parsed, rng: np.random.Generator) -> int | None:
    counts = np.bincount(person.labels.ravel(), minlength=256)[: len(CLASSES)]
    least = COVERS * counts[1:].sum()
    able = [code for code in map(CLASSES.index, MAIN) if counts[code] > max(least, 200)]
    return int(rng.choice(able)) if able else None


def _name(person: Parsed, main: int, names: Mapping[int, str]) -> str:
    """What the photo's own mask calls most of a garment: a shirt, where the merged one says top."""
    assert person.finer is not None  # of a masked photo
    name = names[int(np.bincount(person.finer[person.labels == main]).argmax())]
    return CLASSES[main] if name in NOT_PRODUCTS else concept_of(name)


def _shot(
    image: ImageArray, person: NDArray[np.bool_], garment: NDArray[np.bool_], rng: np.random.Generator
) -> ImageArray:
    """A square around the garment, on some even ground."""
    rows, columns = np.flatnonzero(garment.any(1)), np.flatnonzero(garment.any(0))
    air = int(rng.uniform(*AIR) * max(rows[-1] - rows[0], columns[-1] - columns[0]))
    top, left = max(rows[0] - air, 0), max(columns[0] - air, 0)
    shown = on_even_ground(image, person, rng)[top : rows[-1] + air, left : columns[-1] + air]
    return Preprocess(size=(SIDE, SIDE), fit="letterbox").place(np.ascontiguousarray(shown))[0]
