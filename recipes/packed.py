"""A lesson as one small file, for a machine that has a GPU and not the photos.

python -m recipes.packed --out lesson.npz
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens.errors import NotFoundError
from catalens.types import ImageArray
from recipes.lesson import Lesson, lesson
from recipes.photos import Photo
from recipes.recipe import Given, RecipeParser, as_command, progress_of

QUALITY = 75
"""Of the WebP pictures, 0 to 100."""


def pack(taught: Lesson, path: Path) -> None:
    """Write a lesson as one file, its pictures as WebP."""
    coded = [cv2.imencode(".webp", cv2.cvtColor(square, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1]
             for square in taught.squares]  # fmt: skip
    facts = [{name: sorted(held) for name, held in photo.facts.items()} for photo in taught.photos]
    photos = [
        {"task": one.task, "label": one.label, "product": one.product, "facts": known, "tags": sorted(one.tags),
         "shop": one.is_shop_picture}
        for one, known in zip(taught.photos, facts, strict=True)
    ]  # fmt: skip
    np.savez_compressed(
        path,
        pictures=np.concatenate(coded),
        ends=np.cumsum([len(one) for one in coded]),
        photos=np.frombuffer(json.dumps(photos).encode(), np.uint8),
        inner=taught.inner,
        chances=taught.chances,
        held=taught.held,
    )


def unpacked(path: Path) -> Lesson:
    """Read what `pack` wrote; pictures have lost a little of what cannot be seen.

    Raises:
        NotFoundError: there is no such file.
    """
    try:
        with np.load(path) as file:
            kept = dict(file)
    except FileNotFoundError:
        raise NotFoundError(f"no lesson at {path}", cure="python -m recipes.packed packs one") from None
    codes = np.split(kept["pictures"], kept["ends"][:-1])
    with ThreadPoolExecutor() as pool:
        squares = list(pool.map(_decoded, codes))
    photos = [
        Photo(Path(), one["task"], one["label"], one["product"],
              {name: frozenset(held) for name, held in one["facts"].items()}, frozenset(one["tags"]), one["shop"])
        for one in json.loads(kept["photos"].tobytes())
    ]  # fmt: skip
    return Lesson(squares, photos, kept["inner"], kept["chances"], kept["held"])


def add_lesson(parser: RecipeParser) -> None:
    """Options of recipes that learn from a lesson, as `lesson_of` reads them."""
    parser.add_argument("--rendered", type=int, default=5000, help="products that are rendered")
    parser.add_argument("--lesson", type=Path, help="photos and what is known of them, as recipes.packed packs them")


def lesson_of(given: Given, *, cache: Path, hold_out: float = 0.0) -> Lesson:
    """The lesson that is given, or made of the photos, as `lesson.lesson`."""
    if given.lesson is not None:
        return unpacked(given.lesson)
    with progress_of("reading photos") as progress:
        return lesson(
            data=given.data, cache=cache, seed=given.seed, rendered=given.rendered, hold_out=hold_out,
            progress=progress,
        )  # fmt: skip


def _decoded(code: NDArray[np.uint8]) -> ImageArray:
    return np.asarray(cv2.cvtColor(cv2.imdecode(code, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Pack the encoder's lesson."""
    parser = RecipeParser("packed", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="the file, .npz")
    parser.add_argument("--rendered", type=int, default=5000, help="products that are rendered")
    parser.add_argument("--cache", type=Path, help="folder where they are kept, by default that of --out")
    parser.add_shared("--seed", "--threads", "--data")
    given = parser.read(arguments)
    cache = given.cache or given.out.parent / "cache"
    with progress_of("reading photos") as progress:
        taught = lesson(data=given.data, cache=cache, seed=given.seed, rendered=given.rendered, progress=progress)
    pack(taught, given.out)


if __name__ == "__main__":
    sys.exit(main())
