"""Find a card by name: bundled with the package, or a folder."""

from __future__ import annotations

from pathlib import Path

from catalens.errors import NotFoundError
from catalens.models.card import FILE, Card, read_card

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_ENCODER = "catalens-encoder-s"


def bundled_cards() -> tuple[str, ...]:
    """Names of the networks that ship with the package, sorted."""
    return tuple(sorted(path.parent.name for path in WEIGHTS.glob(f"*/{FILE}")))


def find_card(name: str) -> Card:
    """Find the card of a bundled network by its name, or of a folder by its path.

    Raises:
        NotFoundError: neither a bundled name nor a folder with a card.
        ModelError: the card or its weights cannot be used.
    """
    if name in bundled_cards():
        return read_card(WEIGHTS / name)
    folder = Path(name)
    if (folder / FILE).is_file():
        return read_card(folder)
    raise NotFoundError(
        f"no encoder called {name!r}", cure=f"name one of {', '.join(bundled_cards())}, or a folder with a {FILE}"
    )
