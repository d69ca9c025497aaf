"""Networks of others that are worth using: what is published of them. Their weights are not part of this package."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from catalens.errors import NotFoundError, UsageError


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A figure that others measured."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Published:
    """A network of others.

    Args:
        key: by which it is called here; hub: where its weights are.
        family: of networks, as Transformers names it.
        library: that runs it. Where it is not "transformers", or it runs code from the hub, which is never done here,
            its network for pictures is exported to ONNX first.
        license: SPDX name where it has one; commercial: whether a shop may use it.
        gflops: multiplications and additions of one picture, in billions of multiply-adds; None where not published.
        size: side of its pictures, pixels.
        languages: of its words; empty where it knows none.
        forbids: what the licence forbids, in words; empty where it allows commercial use.
        source: of these facts and figures.
    """

    key: str
    name: str
    hub: str
    family: str
    library: Literal["transformers", "open_clip", "mobileclip", "code on the hub"]
    license: str
    commercial: bool
    forbids: str
    dim: int
    parameters: int
    gflops: float | None
    size: int
    languages: tuple[str, ...]
    words: bool
    source: str
    scores: tuple[PublishedScore, ...]


@cache
def published() -> tuple[Published, ...]:
    """All of them, by key."""
    return tuple(_read(path) for path in sorted(Path(__file__).parent.glob("*.toml")))


def find_published(name: str) -> Published | None:
    """One of them by its key or its place on the hub; None where it is not one of them."""
    return next((one for one in published() if name in (one.key, one.hub)), None)


def check_license(hub: str, *, accepted: str | None) -> None:
    """Refuse a network from the hub that a shop may not use, or of which that is not known.

    Args:
        accepted: name of the licence that the caller accepts.

    Raises:
        NotFoundError: it is a path, and no folder is there.
        UsageError: it forbids commercial use, or is unknown, and was not accepted.
    """
    known = find_published(hub)
    if known is None and (hub.startswith((".", "/", "~")) or hub.count("/") > 1 or not hub):
        raise NotFoundError(f"no folder {hub!r}", cure="check the path, or name an id on the hub: hf:OWNER/NAME")
    if known is not None and known.commercial:
        return
    require_accepted(
        hub, license=known.license if known else None, forbids=known.forbids if known else "", accepted=accepted
    )


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


def _read(path: Path) -> Published:
    table = tomllib.loads(path.read_text("utf-8"))
    return Published(
        key=path.stem,
        name=table["name"],
        hub=table["hub"],
        family=table["family"],
        library=table.get("library", "transformers"),
        license=table["license"],
        commercial=table["commercial"],
        forbids=table.get("forbids", ""),
        dim=table["dim"],
        parameters=table["parameters"],
        gflops=table.get("gflops"),
        size=table["size"],
        languages=tuple(table["languages"]),
        words=table["words"],
        source=table["source"],
        scores=tuple(PublishedScore(one["name"], one["value"]) for one in table.get("scores", [])),
    )
