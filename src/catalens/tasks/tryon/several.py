"""Several garments on one person, one after another: trousers, then a top, then a coat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from catalens.errors import UsageError
from catalens.types import ImageArray, Worn

Wear = Callable[[ImageArray, ImageArray], Worn]
"""A person and a garment, HWC uint8 -> the person with the garment on."""


def put_on(wear: Wear, person: ImageArray, garments: Sequence[ImageArray]) -> Worn:
    """Put garments on a person in the order given.

    Args:
        wear: puts one on, such as `try_on`; person, garments: HWC uint8.

    Returns:
        The last picture; `region` is all that was changed, `kind` and `notes` are those of all garments.

    Raises:
        UsageError: no garment.
        As `wear`.
    """
    if not garments:
        raise UsageError("no garment to put on", cure="name a photo of one, or a product of a catalog")
    worn = wear(person, garments[0])
    for garment in garments[1:]:
        over = wear(worn.image, garment)
        worn = replace(
            over,
            region=worn.region | over.region,
            kind=f"{worn.kind}, {over.kind}",
            confidence=_least(worn.confidence, over.confidence),
            notes=tuple(dict.fromkeys((*worn.notes, *over.notes))),
        )
    return worn


def _least(one: float | None, other: float | None) -> float | None:
    """Of two confidences; None where either is not known."""
    return None if one is None or other is None else min(one, other)
