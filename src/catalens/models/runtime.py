"""What a runtime for networks in files is: a function that loads a file and gives back how to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from catalens.types import FloatArray

Run: TypeAlias = Callable[[FloatArray], Any]
"""(N, 3, H, W) float32 -> an array of N rows."""


class Loader(Protocol):
    """Loads a network from a file.

    Raises:
        MissingExtraError: the runtime is not installed.
        ModelError: it is no network of this runtime.
    """

    def __call__(self, path: Path, *, output: str | None, threads: int) -> Run: ...


def chosen(found: Any, output: str | None) -> Any:
    """One of what a network gave: by name, by number, else the first.

    Raises:
        KeyError, IndexError, ValueError: there is none of that name.
    """
    if isinstance(found, Mapping):
        return found[output] if output is not None else next(iter(found.values()))
    if isinstance(found, list | tuple):
        return found[int(output) if output is not None else 0]
    return found
