"""Networks made by others that are worth using, one TOML file each. Their weights are not part of this package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from catalens.errors import UsageError

Task: TypeAlias = Literal["embed", "segment", "detect", "classify", "tryon", "paint"]
"""What such a network does; "paint" is a picture from words."""
Library: TypeAlias = Literal[
    "transformers", "diffusers", "open_clip", "mobileclip", "fashn_vton", "code on the hub", "own code"
]


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A figure that its authors or others published."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """What is published of a network.

    Args:
        key: its short name here; hub: where its weights are.
        library: what runs it. Code that comes with weights is never run: such networks are exported to ONNX first
            ("code on the hub"), or refused ("own code").
        license: SPDX name where it has one; commercial: whether a shop may use it; forbids: what it forbids, in words.
        source: of these facts and figures.
        parameters: None where not published.
        family: of networks, as Transformers names it.
        dim: numbers of an embedding; size: side of its pictures, pixels.
        gflops: billions of multiply-adds for one picture; None where not published.
        words: whether it embeds text, too; languages: of that text.
        steps: of its sampler, where it needs another number than usual.
        needs: what it does not work without, besides its own weights.
    """

    key: str
    name: str
    task: Task
    hub: str
    library: Library
    license: str
    commercial: bool
    source: str
    forbids: str = ""
    parameters: int | None = None
    family: str = ""
    dim: int | None = None
    size: int | None = None
    gflops: float | None = None
    words: bool = False
    languages: tuple[str, ...] = ()
    steps: int | None = None
    needs: tuple[str, ...] = ()
    scores: tuple[PublishedScore, ...] = ()


@cache
def known_networks(*tasks: Task) -> tuple[KnownNetwork, ...]:
    """All of them by key; only those for some tasks, where any is given."""
    found = (_read(path) for path in sorted(Path(__file__).parent.glob("*.toml")))
    return tuple(one for one in found if not tasks or one.task in tasks)


def find_known(name: str) -> KnownNetwork | None:
    """One of them by its short name or its place on the hub; None where it is not one of them."""
    return next((one for one in known_networks() if name in (one.key, one.hub)), None)


def require_accepted(network: str, *, license: str | None, forbids: str, accepted: str | None) -> None:
    """Let a network through if its licence was accepted by name.

    Args:
        license: None where it is not known.

    Raises:
        UsageError: it was not.
    """
    name = license or "unknown"
    if accepted is not None and accepted.casefold() == name.casefold():
        return
    why = "the licence of its weights is not known here" if license is None else f"{name} forbids {forbids}"
    raise UsageError(f"{network}: {why}", cure=f"read it, then accept it by name: catalens --accept-licence {name} ...")


def _read(path: Path) -> KnownNetwork:
    table: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))
    scores = tuple(PublishedScore(**one) for one in table.get("scores", []))
    lists = {name: tuple(table.get(name, [])) for name in ("languages", "needs")}
    return KnownNetwork(**{"key": path.stem, **table, **lists, "scores": scores})
