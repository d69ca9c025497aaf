"""docs/cli.md is generated from the commands: `python -m tests.test_cli_page` writes it, this test compares it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
COMMANDS = (
    "add", "search", "show", "remove", "export", "info", "doctor", "enhance", "check", "cutout", "detect", "segment",
    "look", "blur-faces", "tryon", "scene", "serve", "demo",
)  # fmt: skip
INTRO = """# Commands

Generated from the commands themselves (`make docs`). Data goes to stdout, all else to stderr; progress bars are drawn
on a terminal only. Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not found, 4 some rows or pictures failed, 5 findings,
6 refused by limits.
"""


def help_of(*words: str) -> str:
    # Plain text of one width, whatever terminal the test runs in.
    env = {**os.environ, "COLUMNS": "110", "TERM": "dumb", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    env.pop("CATALENS_CATALOG", None)
    command = [sys.executable, "-m", "catalens.cli.main", *words, "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout
    return "\n".join(line.rstrip() for line in text.strip().splitlines()).replace(
        "python -m catalens.cli.main", "catalens"
    )


def page() -> str:
    blocks = [f"## catalens {name}\n\n```text\n{help_of(name)}\n```\n" for name in COMMANDS]
    return "\n".join([INTRO, f"```text\n{help_of()}\n```\n", *blocks])


def test_the_page_says_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: make docs"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
