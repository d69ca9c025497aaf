"""Networks made by others that are worth using, one TOML file each. Their weights are not part of this package."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from catalens.errors import UsageError

Task: TypeAlias = Literal["embed", "segment", "matte", "detect", "classify", "outline", "refine", "tryon", "paint"]
"""What such a network does; "outline" is an outline from a box or points, "refine" a finer alpha from a coarse one,
"paint" a picture from words."""
Library: TypeAlias = Literal[
    "onnxruntime",
    "transformers",
    "diffusers",
    "open_clip",
    "mobileclip",
    "fashn_vton",
    "code on the hub",
    "own code",
]


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A figure that its authors or others published."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file at its maker's address.

    Args:
        url: https address.
        bytes: size, None where it is not known.
        sha256: published or confirmed independently; "" where there is none: the first download is trusted and pinned.
        md5: as published; it finds damage, not forgery.
    """

    url: str
    bytes: int | None = None
    sha256: str = ""
    md5: str = ""

    @property
    def name(self) -> str:
        """Of the file."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """What is published of a network.

    Args:
        key: its short name here; hub: where its weights are, "" where they are `files`.
        aliases: its names in other tools.
        files: of a network that is not a repository on the hub; input: the card of the first (`file_card`).
        remarks: of its authors and of this project on data and licence.
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
    library: Library
    license: str
    commercial: bool
    source: str
    hub: str = ""
    forbids: str = ""
    aliases: tuple[str, ...] = ()
    files: tuple[KnownFile, ...] = ()
    input: Mapping[str, Any] | None = None
    remarks: str = ""
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

    @property
    def where(self) -> str:
        """Its place on the hub, or the address of its file."""
        return f"hf:{self.hub}" if self.hub else self.files[0].url

    @property
    def megabytes(self) -> float | None:
        """To fetch; None where not all of it is known."""
        sizes = [one.bytes for one in self.files]
        return sum(sizes) / 1e6 if sizes and None not in sizes else None  # type: ignore[arg-type]  # none is None


@cache
def known_networks(*tasks: Task) -> tuple[KnownNetwork, ...]:
    """All of them by key; only those for some tasks, where any is given."""
    found = (_read(path) for path in sorted(Path(__file__).parent.glob("*.toml"), key=lambda path: path.stem))
    return tuple(one for one in found if not tasks or one.task in tasks)


def find_known(name: str) -> KnownNetwork | None:
    """One of them by its short name or its place on the hub; None where it is not one of them."""
    return next((one for one in known_networks() if name and name in (one.key, one.hub, *one.aliases)), None)


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
    lists = {name: tuple(table.get(name, [])) for name in ("aliases", "languages", "needs")}
    files = tuple(KnownFile(**one) for one in table.get("files", []))
    return KnownNetwork(**{"key": path.stem, **table, **lists, "scores": scores, "files": files})
