"""Find a card by name: bundled with the package, or a folder."""

from __future__ import annotations

from pathlib import Path

from catalens.errors import ModelError, NotFoundError
from catalens.models.card import FILE, Card, Task, read_card, read_table

WEIGHTS = Path(__file__).parent / "weights"
DEFAULT_ENCODER = "catalens-encoder-s"
DEFAULT_PARSER = "catalens-parser-s"
DEFAULT_MATTE = "catalens-matte-s"
DEFAULT_DETECTOR = "catalens-detector-s"
DEFAULT_FACES = "catalens-faces-xs"
DEFAULT_OUTFIT = "catalens-outfit-xs"
DEFAULT_POSE = "catalens-pose-xs"
DEFAULT_TRYON = "catalens-tryon-s"
DEFAULT_GENERATOR = "catalens-generator-s"


def bundled_cards(task: Task | None = None) -> tuple[str, ...]:
    """Names of the networks that ship with the package, sorted; only those for a task, where one is given."""
    names = sorted(path.parent.name for path in WEIGHTS.glob(f"*/{FILE}"))
    return tuple(name for name in names if task is None or read_table(WEIGHTS / name).text("task") == task)


def find_card(name: str, *, task: Task | None = None) -> Card:
    """Find the card of a bundled network by its name, or of a folder by its path.

    Raises:
        NotFoundError: neither a bundled name nor a folder with a card.
        ModelError: the card or its weights cannot be used, or are for another task than the one given.
    """
    folder = WEIGHTS / name if name in bundled_cards() else Path(name)
    if not (folder / FILE).is_file():
        raise NotFoundError(
            f"no network called {name!r}",
            cure=f"name one of {', '.join(bundled_cards(task))}, or a folder with a {FILE}",
        )
    card = read_card(folder)
    if task is not None and card.task != task:
        raise ModelError(
            f"{card.name} is for {card.task!r}, not for {task!r}", cure=f"name one of {', '.join(bundled_cards(task))}"
        )
    return card
