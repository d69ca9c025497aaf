"""What recipes share: their options, what was given by them, and how they end as commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cv2
import torch

from catalens import settings
from catalens.errors import CatalensError
from catalens.evaluation.intervals import Estimate
from catalens.progress import progress_bar
from catalens.types import Progress

S = TypeVar("S")


class Given(argparse.Namespace):
    """What a recipe was given: of these the options that it has, and its own."""

    command: str
    """The whole of it, as a card says it."""
    out: Path
    minutes: float
    start: Path | None
    rate: float
    seed: int
    device: str
    threads: int
    resume: bool
    data: Path
    teachers: Path

    def cost(self, seconds: float, *, views: int) -> str:
        """What a training cost, as a card says it."""
        return f"{seconds / 60:.0f} minutes on {self.device}, {self.threads} threads, {views} views"

    def training(self, cost: str) -> dict[str, str]:
        """The rows on a card's training that all recipes have: how to do it again, and at what cost."""
        return {"command": self.command, "seed": str(self.seed), "cost": cost}


class RecipeParser(argparse.ArgumentParser):
    """The options of a recipe, `python -m recipes.NAME`; those that it alone has are added as usual.

    Args:
        module: the recipe's docstring, whose first line says what it is.
    """

    def __init__(self, name: str, module: str | None) -> None:
        super().__init__(prog=f"python -m recipes.{name}", description=(module or "").split("\n")[0])

    def add_shared(self, *names: str) -> None:
        """Add options that several recipes have; `set_defaults` says for how many minutes and at which rate."""
        options: dict[str, dict[str, Any]] = {
            "--out": {"type": Path, "required": True, "help": "folder for checkpoints, curves, card and weights"},
            "--minutes": {"type": float, "help": "time for training, that of earlier runs included"},
            "--rate": {"type": float, "help": "highest learning rate"},
            "--seed": {"type": int, "default": 0},
            "--device": {"default": "cpu", "help": "cpu or cuda"},
            "--threads": {"type": int, "default": settings.threads()},
            "--resume": {"action": "store_true", "help": "go on from the checkpoint in --out"},
            "--data": {"type": Path, "default": settings.data_folder()},
            "--teachers": {"type": Path, "default": settings.teacher_folder()},
        }
        for name in names:
            self.add_argument(name, **options[name])

    def read(self, arguments: list[str] | None) -> Given:
        """What was given, by default on the command line; torch takes its threads and its seed from it."""
        given = self.parse_args(arguments, namespace=Given())
        given.command = f"{self.prog} {' '.join(arguments or sys.argv[1:])}"
        torch.set_num_threads(given.threads)
        torch.manual_seed(given.seed)
        torch.backends.cudnn.benchmark = True  # batches are of one size for long
        cv2.setNumThreads(1)  # views are drawn beside the training, in a thread of their own
        return given


class Command(Protocol):
    """Runs with these arguments, by default those of the process; returns an exit code."""

    def __call__(self, arguments: list[str] | None = None) -> int: ...


def as_command(main: Callable[[list[str] | None], None]) -> Command:
    """A recipe's `main` that returns an exit code: 0, or that of an error, which is said in one sentence."""

    @wraps(main)
    def command(arguments: list[str] | None = None) -> int:
        try:
            main(arguments)
        except CatalensError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
        return 0

    return command


@contextmanager
def progress_of(what: str) -> Iterator[Progress]:
    """A bar while something is prepared; what it gives may be told how far that is."""
    with progress_bar() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


def say_held_out(scores: Mapping[str, Estimate]) -> None:
    """Write on standard error what a network is worth on what it did not learn from."""
    for name, one in scores.items():
        sys.stderr.write(f"held out: {name} {one}\n")


def size_at(share: float, sizes: Sequence[tuple[float, S]]) -> S:
    """The size of pictures after this share (0..1) of the time: of (until which share, size) the first."""
    return next(size for until, size in sizes if share <= until)
