"""Large networks of others that make pictures: what is published of them. Their weights are not in this package."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from catalens.errors import NotFoundError, UsageError
from catalens.models.published import require_accepted

Task: TypeAlias = Literal["tryon", "paint"]


@dataclass(frozen=True, slots=True)
class Maker:
    """A network that makes pictures.

    Args:
        key: by which it is called here; hub: where its weights are.
        task: "tryon", a garment on a person; "paint", a picture from words.
        library: that runs it; "own code" where it runs code of its own repository, which is never done here.
        license: SPDX name where it has one; commercial: whether a shop may use it; forbids: what else, in words.
        parameters: None where not published.
        steps: of its sampler, where it wants another number than usual.
        needs: what it does not work without, besides its own weights.
        source: of these facts.
    """

    key: str
    name: str
    task: Task
    hub: str
    library: Literal["diffusers", "fashn_vton", "own code"]
    license: str
    commercial: bool
    forbids: str
    parameters: int | None
    steps: int | None
    needs: tuple[str, ...]
    source: str


@cache
def makers() -> tuple[Maker, ...]:
    """All of them, by key."""
    return tuple(_read(path) for path in sorted(Path(__file__).parent.glob("*.toml")))


def chosen(name: str, *, task: Task, accepted: str | None) -> tuple[Maker | None, str]:
    """A network by name, once its licence allows it.

    Args:
        name: a key, a key with a folder of its files (`catvton:FOLDER`), a folder of your own, or an id on the hub.
        accepted: name of the licence that the caller accepts.

    Returns:
        What is known of it (None for one of your own, and for an id that is not known here), and where its files are.

    Raises:
        NotFoundError: a path where no folder is.
        UsageError: it is for something else; or its licence forbids commercial use, or is unknown, and was not
            accepted.
    """
    key, colon, folder = name.partition(":")
    known = next((one for one in makers() if one.key == key or one.hub == name), None)
    if known is None and name and Path(name).is_dir():
        return None, name
    if known is None and (name.startswith((".", "/", "~")) or name.count("/") != 1):
        names = ", ".join(one.key for one in makers() if one.task == task)
        raise NotFoundError(f"no network called {name!r}", cure=f"take {names}, an id on the hub, or a folder")
    if known is not None and known.task != task:
        names = ", ".join(one.key for one in makers() if one.task == task)
        raise UsageError(f"{known.key} is for {known.task!r}, not for {task!r}", cure=f"take one of {names}")
    if known is None or not known.commercial:
        license, forbids = (known.license, known.forbids) if known is not None else (None, "")
        require_accepted(name, license=license, forbids=forbids, accepted=accepted)
    if colon and not Path(folder).is_dir():
        raise NotFoundError(f"no folder {folder!r}", cure=f"write {key}:FOLDER")
    return known, folder if colon else (name if known is None else known.hub)


def _read(path: Path) -> Maker:
    table = tomllib.loads(path.read_text("utf-8"))
    return Maker(
        key=path.stem,
        name=table["name"],
        task=table["task"],
        hub=table["hub"],
        library=table["library"],
        license=table["license"],
        commercial=table["commercial"],
        forbids=table.get("forbids", ""),
        parameters=table.get("parameters"),
        steps=table.get("steps"),
        needs=tuple(table.get("needs", [])),
        source=table["source"],
    )
