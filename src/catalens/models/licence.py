"""Licences as SPDX expressions, and whether a list of allowed ones covers them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from catalens.errors import ModelError, NotFoundError, UsageError
from catalens.models.untrusted import read_toml

UNKNOWN = "unknown"
"""In place of a licence that nobody states. It is allowed only where the list has this word."""
_TOKENS = re.compile(r"[()]|[^\s()]+")


def is_expression(text: str) -> bool:
    """Whether a text has the form of an SPDX expression, such as "MIT AND (0BSD OR Zlib)"."""
    try:
        return bool(text) and text != UNKNOWN and _covered(text, frozenset()) is not None
    except UsageError:
        return False


def is_allowed(licence: str, allowed: Collection[str]) -> bool:
    """Whether allowed licences cover an SPDX expression: each part of an AND, one part of an OR.

    An exception (`Apache-2.0 WITH LLVM-exception`) only adds permissions, and so the licence alone is enough. A text
    that is no expression must stand on the list as it is.

    Args:
        allowed: SPDX names in any case; "unknown" for licences that nobody states.
    """
    names = frozenset(name.casefold() for name in allowed)
    if licence.casefold() in names:
        return True
    try:
        return licence != UNKNOWN and _covered(licence, names)
    except UsageError:
        return False


def require_allowed(what: str, licence: str, allowed: Collection[str]) -> None:
    """Refuse what a list of allowed licences does not cover.

    Raises:
        UsageError: it does not.
    """
    if not is_allowed(licence, allowed):
        raise UsageError(
            f"the licence of {what} is {licence}, which CATALENS_ALLOW_LICENCES or --allow-licences does not allow "
            f"(it has {', '.join(sorted(allowed)) or 'none'})",
            cure="use another network, or add the licence to the list after reading it",
        )


@dataclass(frozen=True, slots=True)
class FileLicence:
    """What such a card says of where a network is from; "" where it says nothing."""

    license: str = ""
    origin: str = ""


def read_file_licence(path: Path) -> FileLicence:
    """Licence and origin as the card beside a network's file says them; empty where there is no card.

    Raises:
        ModelError: the card cannot be read, or says nonsense.
    """
    try:
        table = read_toml(path)
    except NotFoundError:
        return FileLicence()
    found = FileLicence(table.get("license", ""), table.get("origin", ""))
    if not all(isinstance(one, str) for one in (found.license, found.origin)):
        raise ModelError(f"{path} is no card: license and origin are texts", cure='write license = "Apache-2.0"')
    return found


def _covered(expression: str, names: frozenset[str]) -> bool:
    tokens = _TOKENS.findall(expression)
    covered = _either(tokens, names, depth=0)
    if tokens:
        raise _malformed(expression)
    return covered


def _either(tokens: list[str], names: frozenset[str], *, depth: int) -> bool:
    covered = _both(tokens, names, depth=depth)
    while tokens and tokens[0].upper() == "OR":
        del tokens[0]
        covered |= _both(tokens, names, depth=depth)
    return covered


def _both(tokens: list[str], names: frozenset[str], *, depth: int) -> bool:
    covered = _one(tokens, names, depth=depth)
    while tokens and tokens[0].upper() == "AND":
        del tokens[0]
        covered &= _one(tokens, names, depth=depth)
    return covered


def _one(tokens: list[str], names: frozenset[str], *, depth: int) -> bool:
    name = tokens.pop(0) if tokens else ""
    if name == "(" and depth < 20:  # expressions of packages are two deep; strangers' text may not end the stack
        covered = _either(tokens, names, depth=depth + 1)
        if tokens[:1] != [")"]:
            raise _malformed(name)
        del tokens[0]
        return covered
    if not re.fullmatch(r"[A-Za-z0-9.+:-]+", name) or name.upper() in {"AND", "OR", "WITH"}:
        raise _malformed(name)
    found = name.casefold() in names
    if tokens and tokens[0].upper() == "WITH":
        exception = tokens[1] if len(tokens) > 1 else ""
        if not re.fullmatch(r"[A-Za-z0-9.+:-]+", exception):
            raise _malformed(name)
        del tokens[:2]
        found |= f"{name} WITH {exception}".casefold() in names
    return found


def _malformed(text: str) -> UsageError:
    return UsageError(f"{text!r} is no licence expression", cure="write SPDX names with AND, OR, WITH and parentheses")
