"""Result of training on a user's photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalens.types import Failure


@dataclass(frozen=True)
class Learned:
    """What training on own photos gave.

    Args:
        folder: with the card; figures: of the photos held out, by name; failed: what could not be used.
    """

    folder: Path
    figures: dict[str, str]
    photos: int
    failed: tuple[Failure, ...]
