"""Options that people try first because other programs have them: the error names the one that is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand

MEANT: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("--limit", "--top", "--top-k", "--topk", "--max", "--count", "--number", "-n", "-l"), ("-k", "--limit")
    ),
    **dict.fromkeys(("--marketplace", "--channel", "--ruleset", "--pack"), ("--rules",)),
    **dict.fromkeys(("--output", "--outfile", "-o"), ("--out", "--save")),
    **dict.fromkeys(("--where", "--query-filter"), ("--filter",)),
    **dict.fromkeys(("--db", "--database", "--index", "-c"), ("--catalog",)),
    **dict.fromkeys(("--model", "--embedder"), ("--encoder", "--network")),
    **dict.fromkeys(("--column", "--columns", "--mapping"), ("--map",)),
    "--preview": ("--dry-run",),
}
"""What is typed -> what may be meant; the first ones that a command has are named."""


class Guided(TyperCommand):
    """A command that answers an unknown option with the one that is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:  # an unknown option's has its name and the options that look like it
            known = {name for parameter in self.params for name in parameter.opts}
            if meant := [one for one in MEANT.get(getattr(error, "option_name", ""), ()) if one in known]:
                error.possibilities = meant  # type: ignore[attr-defined]
            raise
