"""The one reader of JSON: what is nested too deeply is an error like any other, wherever a text came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 100
"""Objects and arrays within each other: what reads a value may follow them by recursion."""


class TooDeepError(ValueError):
    """Objects and arrays are nested too deeply."""


def parse_json(
    text: str | bytes,
    *,
    strict: bool = True,
    constant: Callable[[str], Any] | None = None,
    depth: int = MAX_DEPTH,
) -> Any:
    """The value of a JSON text.

    Args:
        strict: refuse control characters within texts.
        constant: called with NaN, Infinity or -Infinity; they are numbers where None.
        depth: objects and arrays that may lie within each other.

    Raises:
        TooDeepError: more than `depth` do.
        ValueError: no JSON, not in UTF-8, or a number of thousands of digits.
    """
    said = f"nested more than {depth} levels deep"
    try:
        found = json.loads(text, strict=strict, parse_constant=constant)
    except RecursionError:
        raise TooDeepError(said) from None
    opening = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if opening > depth and _is_deeper(found, depth):
        raise TooDeepError(said)
    return found


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
        level = [child for one in level for child in (one.values() if isinstance(one, dict) else one)]
    return True
