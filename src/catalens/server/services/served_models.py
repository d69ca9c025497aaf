"""Networks that requests may name: the bundled ones of each task, and those that the operator allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import get_args

from catalens.errors import NotFoundError
from catalens.models.zoo import BUILT_IN_DETECTOR, DEFAULT_FACES, DEFAULTS, ENSEMBLE, bundled_cards
from catalens.options import Purpose

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True)
class ServedModel:
    """A network that the operator allows.

    Args:
        name: as requests call it.
        source: as `model=` of the library takes it.
        purposes: what it may be asked for, its task first.
        license, parameters: as far as its card says them.
    """

    name: str
    source: str
    purposes: tuple[Purpose, ...]
    license: str | None = None
    parameters: int | None = None


@dataclass(frozen=True)
class ServedModels:
    """All networks that requests may name; a path or a place on the hub is never one."""

    allowed: tuple[ServedModel, ...] = ()

    def names(self, purpose: Purpose) -> tuple[str, ...]:
        """Names for a purpose, the default first."""
        own = (one.name for one in self.allowed if purpose in one.purposes)
        return tuple(dict.fromkeys((*bundled_names(purpose), *own)))

    def by_purpose(self) -> Mapping[str, tuple[str, ...]]:
        """The names for every purpose that has any."""
        found: dict[str, tuple[str, ...]] = {purpose: self.names(purpose) for purpose in PURPOSES}
        return {purpose: names for purpose, names in found.items() if names}

    def source(self, purpose: Purpose, name: str | None) -> str | None:
        """What `model=` of the library is given for a name; None for none.

        Raises:
            NotFoundError: nothing of that name is served for this purpose; those that are served are named.
        """
        if name is None or name in bundled_names(purpose):
            return name
        for one in self.allowed:
            if one.name == name and purpose in one.purposes:
                return one.source
        served = ", ".join(self.names(purpose)) or "none is served: serve --model NAME"
        raise NotFoundError(f"no network {name[:80]!r} to {_VERBS[purpose]}", cure=f"name one that is served; {served}")


_VERBS: Mapping[Purpose, str] = {
    "embed": "embed", "segment": "segment", "matte": "cut out", "detect": "detect", "faces": "find faces",
    "classify": "classify", "outfit": "judge outfits", "tryon": "try on", "generate": "generate", "paint": "paint",
}  # fmt: skip


@cache
def bundled_names(purpose: Purpose) -> tuple[str, ...]:
    """Bundled networks for a purpose, the default first."""
    if purpose == "paint":
        return ()
    if purpose == "faces":
        return (DEFAULT_FACES,)
    task = "embed" if purpose == "classify" else purpose
    first, more = ((ENSEMBLE,), (BUILT_IN_DETECTOR,)) if purpose == "detect" else ((DEFAULTS[task],), ())
    return tuple(dict.fromkeys((*first, *bundled_cards(task), *more)))
