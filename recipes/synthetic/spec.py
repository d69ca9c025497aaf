"""What a product is, in words and a seed: all that a picture of it follows from."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from catalens.errors import UsageError
from recipes.synthetic.colors import COLORS, NEUTRAL, shade
from recipes.synthetic.draft import Draft
from recipes.synthetic.finish import Finish, Linear
from recipes.synthetic.kind import Kind
from recipes.synthetic.kinds import KINDS
from recipes.synthetic.mesh import Part


@dataclass(frozen=True, slots=True)
class Spec:
    """One product.

    Args:
        kind: a name in `KINDS`.
        color: a name in `COLORS`.
        pattern: one that the kind comes in, in this material.
        material: one of the kind's; empty lets the seed choose.
        details: forms from the kind's options, at most one of each group; the seed chooses the others.
        seed: the individual: proportions, folds, shade.
    """

    kind: str
    color: str
    pattern: str = "plain"
    material: str = ""
    details: tuple[str, ...] = ()
    seed: int = 0


def completed(spec: Spec) -> Spec:
    """The spec with its material and one detail of every group, as its seed chooses them.

    Raises:
        UsageError: a name is not known, or does not go with the kind.
    """
    kind = _kind_of(spec)
    rng = np.random.default_rng([spec.seed, _code(spec.kind), 1])
    material = spec.material or str(rng.choice(_materials(kind, spec)))
    _check("material", material, kind.materials, spec.kind)
    _check("pattern", spec.pattern, kind.patterns(material), f"{material} {spec.kind}")
    known = {name for group in kind.options for name in group if name}
    for name in spec.details:
        _check("detail", name, tuple(sorted(known)), spec.kind)
    details = []
    for group in kind.options:
        asked = [name for name in spec.details if name in group]
        if len(asked) > 1:
            raise UsageError(f"{' and '.join(asked)} exclude each other", cure="give one of them")
        details.append(asked[0] if asked else str(rng.choice(group)))
    return replace(spec, material=material, details=tuple(name for name in details if name))


def _kind_of(spec: Spec) -> Kind:
    _check("kind", spec.kind, tuple(KINDS), "product")
    _check("color", spec.color, COLORS, "product")
    if spec.seed < 0:
        raise UsageError(f"a seed is at least 0, not {spec.seed}", cure="give a whole number that is not negative")
    return KINDS[spec.kind]


def _materials(kind: Kind, spec: Spec) -> list[str]:
    """Materials that take both the color and the pattern."""
    fit = [name for name in kind.materials if spec.pattern in kind.patterns(name)]
    return [name for name in fit if spec.color in kind.colors(name)] or fit or list(kind.materials)


def _check(what: str, value: str, known: tuple[str, ...], owner: str) -> None:
    if value not in known:
        raise UsageError(f"no {what} {value!r} for a {owner}", cure=f"one of: {', '.join(known)}")


def _code(name: str) -> int:
    return zlib.crc32(name.encode())


_MUTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: tuple(c for c in NEUTRAL if c != name) for name in COLORS}
)


def built(spec: Spec) -> list[Part]:
    """The surfaces of a completed spec's product."""
    kind = KINDS[spec.kind]
    rng = np.random.default_rng([spec.seed, _code(spec.kind), _code(spec.color), 2])
    main = Finish(
        color=_linear(spec.color, rng, spec.material),
        material=spec.material,
        pattern=spec.pattern,
        accents=_accents(spec.color, rng),
        period=kind.period * float(rng.uniform(0.8, 1.35)),
        angle=_angle(spec.pattern, rng),
        seed=int(rng.integers(12)),
    )
    details = frozenset(spec.details)
    return kind.build(Draft(np.random.default_rng([spec.seed, _code(spec.kind), 3]), main, details))


def _accents(color: str, rng: np.random.Generator) -> tuple[Linear, Linear]:
    """A color that stands out from the main one, and a second."""
    first = (
        str(rng.choice(_MUTED[color])) if rng.random() < 0.65 else str(rng.choice([c for c in COLORS if c != color]))
    )
    if color in {"black", "navy"} and first in {"black", "navy"}:
        first = "white"
    second = str(rng.choice([c for c in COLORS if c not in {color, first}]))
    return _linear(first, rng), _linear(second, rng)


def _linear(name: str, rng: np.random.Generator, material: str = "") -> Linear:
    red, green, blue = (float(value) for value in shade(name, rng, material=material))
    return red, green, blue


def _angle(pattern: str, rng: np.random.Generator) -> float:
    """Stripes run across, along or at a slant; checks are straight or on the bias."""
    if pattern == "plain":
        return 0.0
    if pattern == "striped":
        return float(rng.choice([0.0, 0.0, np.pi / 2, np.pi / 4]))
    return float(rng.choice([0.0, 0.0, 0.0, np.pi / 4]))
