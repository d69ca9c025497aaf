"""The interface of runtimes for networks in files: load a file, return how and where to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from catalens.images.prepare import Preprocess
from catalens.models.device import RunsOn
from catalens.types import FloatArray

Run: TypeAlias = Callable[[FloatArray], Any]
"""(N, 3, H, W) float32 -> an array of N rows."""


class Loader(Protocol):
    """Loads a network from a file.

    Raises:
        MissingExtraError: the runtime is not installed.
        ModelError: it is no network of this runtime.
        UsageError: it has no such device or precision.
    """

    def __call__(
        self, path: Path, *, output: str | None, threads: int, device: str = "auto", dtype: str = "auto"
    ) -> tuple[Run, RunsOn]: ...


class DenseNetwork(Protocol):
    """A network that says something of every place of a picture, in whatever runtime."""

    @property
    def preprocess(self) -> Preprocess:
        """How pictures are prepared."""

    @property
    def is_fixed(self) -> bool:
        """Whether it takes pictures of that size only; else of any whose sides are multiples of 32."""

    @property
    def runs_on(self) -> RunsOn:
        """The device and precision."""

    def __call__(self, batch: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 prepared -> (N, C, h, w) float32 logits, h and w often a few times smaller.

        Raises:
            ModelError: the network does not take this batch.
        """


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
