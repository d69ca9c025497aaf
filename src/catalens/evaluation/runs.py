"""Evaluation runs: metrics, model, data, and the outcome of every item, so that runs can be compared."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from catalens.errors import NotFoundError, UsageError
from catalens.evaluation.intervals import Estimate
from catalens.json_text import parse_json

VERSION = 1


@dataclass(frozen=True)
class Item:
    """Outcome of one item.

    Args:
        name: what it is, the same in every run over the same data, wherever that lies: a path in it, an id, words.
        value: what its figure counts, 0..1: right or wrong, or a query's average precision.
        wanted, said: what is right, and what was answered, best first.
        confidence: of the answer, 0..1.
        pictures: files that show the item, and its answers.
        group: what it belongs to, such as a product: items of one group are not independent; "" where all are.
    """

    name: str
    value: float
    wanted: tuple[str, ...]
    said: tuple[str, ...]
    confidence: float = 0.0
    pictures: tuple[str, ...] = ()
    group: str = ""

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": round(self.value, 6),
            "wanted": list(self.wanted),
            "said": list(self.said),
            "confidence": round(self.confidence, 6),
            "pictures": list(self.pictures),
            **({"group": self.group} if self.group else {}),
        }


@dataclass(frozen=True)
class Run:
    """Result of an evaluation.

    Args:
        task: "classifier", "search", "detector" or "segmenter".
        about: the model with its card's hash, the data with counts, the setting, the seed, the machine.
        figures: by name, each with n and interval.
        details: what else there is, as JSON: figures of each label, the confusion, calibration.
        main: name of the figure that `Item.value` is averaged to.
    """

    task: str
    main: str
    about: Mapping[str, str]
    figures: Mapping[str, Estimate]
    items: tuple[Item, ...] = field(repr=False)
    details: Mapping[str, object] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "version": VERSION,
            "task": self.task,
            "main": self.main,
            "about": dict(self.about),
            "figures": {name: estimate.to_dict() for name, estimate in self.figures.items()},
            "notes": list(self.notes),
            "details": dict(self.details),
            "items": [item.to_dict() for item in self.items],
        }


def read_run(path: Path) -> Run:
    """Read a run from JSON.

    Raises:
        NotFoundError: nothing there.
        UsageError: it is no run, or one of a newer version.
    """
    try:
        table = parse_json(path.read_text("utf-8"))
        if table["version"] != VERSION:
            raise UsageError(f"{path} is a run of version {table['version']}", cure="update catalens")
        figures = {
            name: Estimate(float(one["value"]), int(one["n"]), float(one["low"]), float(one["high"]))
            for name, one in table["figures"].items()
        }
        items = tuple(
            Item(
                str(one["name"]),
                float(one["value"]),
                tuple(map(str, one["wanted"])),
                tuple(map(str, one["said"])),
                float(one["confidence"]),
                tuple(map(str, one["pictures"])),
                str(one.get("group", "")),
            )
            for one in table["items"]
        )
        about = {str(key): str(value) for key, value in table["about"].items()}
        return Run(
            str(table["task"]), str(table["main"]), about, figures, items, table["details"], tuple(table["notes"])
        )
    except FileNotFoundError:
        raise NotFoundError(f"no run at {path}", cure="write one with --save run.json") from None
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise UsageError(f"{path} is no run of an evaluation", cure="write one with --save run.json") from None


def name_in(data: Path, photo: Path) -> str:
    """Name of a photo within its dataset, independent of where the dataset lies."""
    base = data if data.is_dir() else data.parent
    return photo.relative_to(base).as_posix() if photo.is_relative_to(base) else str(photo)


def machine() -> dict[str, str]:
    """Processor, cores, system and package versions that results depend on; no host name."""
    names = [line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    packages = ", ".join(f"{name} {version(name)}" for name in ("catalens", "numpy", "onnxruntime"))
    return {
        "machine": f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "versions": f"Python {platform.python_version()}, {packages}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _cpu_lines() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
