"""Shop the look: detect every product on a photo and search the catalog for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from catalens import options
from catalens.images.prepare import crop
from catalens.images.read import ImageLike, read_image
from catalens.show import Shown
from catalens.tasks.detect import Detector, detector, with_masks
from catalens.taxonomy import Kind, all_named, classes, find, kinds, people_of
from catalens.types import Detection, Detections, ImageArray, Match, Matches

MARGIN = 0.06
"""Of a box that is kept around a product, as a share of its longer side."""
FADED = 0.75
"""How far what is not the product is faded to white: something of where it is worn stays."""
DEPARTMENT = ("gender", "age_group", "department")
"""Attributes in which a catalog says for whom a product is."""
VOTES, MAJORITY = 3, 0.6
"""Best matches of each part that vote for whom the photo's clothes are, and the least that must; share that decides."""
PARTS = 8
"""Products of a photo that are searched for, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class LookPart:
    """A product on the photo: where it is, what it looks like alone, and what the catalog has like it."""

    found: Detection
    picture: ImageArray
    matches: Matches

    def to_dict(self) -> dict[str, object]:
        return {**self.found.to_dict(), "matches": self.matches.to_dict()["matches"]}


@dataclass(frozen=True, slots=True, eq=False)
class Look(Shown):
    """A photo and the products on it, from the largest to the smallest."""

    image: ImageArray
    parts: tuple[LookPart, ...]

    def __repr__(self) -> str:
        said = ", ".join(f"{part.found.label} {len(part.matches)} matches" for part in self.parts)
        return f"Look({self.image.shape[0]}x{self.image.shape[1]}: {said or 'no product'})"

    def to_dict(self) -> dict[str, object]:
        return {"size": list(self.image.shape[:2]), "parts": [part.to_dict() for part in self.parts]}


def shop_the_look(
    search: Callable[..., Matches],
    image: ImageLike,
    *,
    k: int = options.Look.k.default,
    where: str | None = options.Look.where.default,
    min_score: float = options.Look.min_score.default,
    model: str | None = options.Look.model.default,
    accept_licence: str | None = options.Look.accept_licence.default,
    device: str = options.Look.device.default,
    dtype: str = options.Look.dtype.default,
    finder: Detector | None = None,
) -> Look:
    """Find each product of a photo in a catalog.

    Args:
        search: that of the catalog.
        image: path, bytes, open file, array or PIL picture.
        k: matches for each product.
        where: filter for all searches.
        min_score: leave out products on the photo that are less sure.
        model, accept_licence, device, dtype: of the detector, as of `tasks.detect.detect`.
        finder: in its place.

    Returns:
        The products, the largest first, each with matches of its own category; of all where the catalog names none.
        What is worn is matched within the department (men, women, children) of most of the best matches, where the
        catalog says it.

    Raises:
        ImageError: the picture cannot be read.
        NotFoundError, ModelError, UsageError: the detector cannot be found or used.
    """
    options.check_all(options.Look, k=k, min_score=min_score)
    pixels = read_image(image)
    find = finder or detector(model, accept_licence=accept_licence, device=device, dtype=dtype)
    found = find(pixels)
    found = found[found.scores >= min_score]
    areas = (found.boxes[:, 2] - found.boxes[:, 0]) * (found.boxes[:, 3] - found.boxes[:, 1])
    found = with_masks(found[np.argsort(-areas, kind="stable")[:PARTS]], pixels)
    pictures = [_alone(pixels, found, row) for row in range(len(found))]
    near = [
        _matches(search, picture, one.label, k=k, where=where) for picture, one in zip(pictures, found, strict=True)
    ]
    wearer = _wearer([matches for matches, one in zip(near, found, strict=True) if _is_worn(one.label)])
    parts = [
        LookPart(one, picture, replace(matches, items=_for(wearer if _is_worn(one.label) else "", matches.items)[:k]))
        for one, picture, matches in zip(found, pictures, near, strict=True)
    ]
    return Look(pixels, tuple(parts))


def _alone(image: ImageArray, found: Detections, row: int) -> ImageArray:
    """The product's box with a margin; what is not the product faded."""
    if found.masks is not None:
        kept = np.where(found.masks[row][..., None], 0.0, FADED)
        image = np.round(image * (1 - kept) + 255 * kept).astype(np.uint8)
    return np.ascontiguousarray(crop(image, found.boxes[row], margin=MARGIN)[0])


def _matches(search: Callable[..., Matches], picture: ImageArray, label: str, *, k: int, where: str | None) -> Matches:
    """What there is of the part's own category, the best first; found by a filter where the nearest have too few of it.

    Nothing where the catalog names categories and none of them is the part's; the best of all where it names none.
    """
    near = search(image=picture, k=k * 6, where=where)
    words = _category_words(label)
    kept = _of_category(near, label)
    if words and len(kept) < k:
        named = " or ".join(f'category ~ "{word}"' for word in words)
        more = search(image=picture, k=k * 6, where=named if where is None else f"({where}) and ({named})")
        kept = _of_category(more, label) or kept
    if not words or not (kept or any(one.part for match in near for one in _kinds_said(match))):
        kept = near.items
    return Matches(query=label, items=kept, took_ms=near.took_ms)


def _wearer(parts: Sequence[Matches]) -> str:
    """For whom the photo's clothes are, men, women or children: what most of the best matches of its parts are said to
    be for; "" where the catalog does not say it, or they differ.
    """
    votes = [_audience(match) for part in parts for match in part.items[:VOTES]]
    votes = [who for who in votes if len(who) == 1]
    counts = Counter(next(iter(who)) for who in votes)
    who, most = counts.most_common(1)[0] if counts else ("", 0)
    return who if len(votes) >= VOTES and most >= MAJORITY * len(votes) else ""


def _for(wearer: str, items: tuple[Match, ...]) -> tuple[Match, ...]:
    """Those that are for the wearer or for anybody; all where there are none."""
    fitting = tuple(one for one in items if not wearer or not _audience(one) or wearer in _audience(one))
    return fitting or items


def _audience(match: Match) -> frozenset[str]:
    """For whom a product is, as its department, category and title say."""
    said = (match.attributes.get(name, "") for name in (*DEPARTMENT, "category"))
    return people_of(" ".join([*(" ".join(one) if isinstance(one, tuple) else str(one) for one in said), match.title]))


def _is_worn(label: str) -> bool:
    return label in classes("detector") and label != "product"


@cache
def _category_words(label: str) -> tuple[str, ...]:
    """Words of which a shop's category holds one where it sells what a detector calls so; none that holds another."""
    names = {name for one in kinds() if one.is_seen_as(label) for name in (*one.names["en"], *one.last)}
    return tuple(sorted(name for name in names if not any(other in name for other in names - {name})))


def _of_category(matches: Matches, label: str) -> tuple[Match, ...]:
    return tuple(match for match in matches if any(one.is_seen_as(label) for one in _kinds_said(match)))


def _kinds_said(match: Match) -> tuple[Kind, ...]:
    """Kinds that a product's category names; its title where it has none."""
    category = match.attributes.get("category", "")
    named = " > ".join(category) if isinstance(category, tuple) else str(category)
    text = named or match.title
    return (*(mention.kind for mention in find(text)), *all_named(text))
