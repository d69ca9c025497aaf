"""docs/cli.md is generated from the commands: `python -m tests.test_cli_page` writes it, this test compares it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from catalens.cli.main import app

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
INTRO = """# Commands

Generated from the commands themselves (`make docs`). Data goes to stdout, all else to stderr; progress bars are drawn
on a terminal only. Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not found, 4 some rows or pictures failed, 5 findings,
6 refused by limits.

What a command writes:

- **OUT**, the last argument, or `--out` where there is no photo to begin with: what the command makes (a picture, a
  table, a network, a backup).
- `--save FILE`: what the command shows, as a page (.html) or a contact sheet; it is written beside the answer.
- `--json`: the answer on stdout, for programs.

What names classes: `--labels` is a list of them, `--label` is one, `--label-column` is the column of a table (or
`folder`). Names of the last release go on working until 0.3.0, with a note on stderr.
"""


def commands(group: TyperGroup, *before: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, in the order in which they were added; a group comes before what it holds."""
    for name, command in group.commands.items():
        if not command.hidden:
            yield (*before, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, *before, name)


def help_of(*words: str) -> str:
    # Plain text of one width, whatever terminal the test runs in.
    env = {"COLUMNS": "110", "TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C.UTF-8", "CATALENS_CATALOG": None}
    result = CliRunner().invoke(app, [*words, "--help"], env=env, prog_name="catalens")
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())


def page() -> str:
    every = [" ".join(words) for words in commands(typer.main.get_command(app))]  # type: ignore[arg-type]
    blocks = [f"## catalens {name}\n\n```text\n{help_of(*name.split())}\n```\n" for name in every]
    return "\n".join([INTRO, f"```text\n{help_of()}\n```\n", *blocks])


def test_the_page_says_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make docs"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
