"""The blocks of the pages that people read: README.md, README.zh-CN.md and docs/*.md.

A block that is not run has a comment in the line before it: `<!-- not run: REASON -->`, or `<!-- theirs: PACKAGE -->`
for code of another project.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
PAGES = (*READMES, *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^>]*) -->\n)?^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and what the comment before it says ("" without one)."""

    language: str
    text: str
    mark: str

    @property
    def is_run(self) -> bool:
        return not self.mark.startswith(("not run: ", "theirs: "))


def blocks(page: Path, language: str | None = None) -> list[Block]:
    """All fenced blocks of a page in order, or those of one language."""
    found = [
        Block(one["language"], one["text"], (one["mark"] or "").strip())
        for one in _BLOCK.finditer(page.read_text("utf-8"))
    ]
    return [block for block in found if language is None or block.language == language]


def commands(block: Block) -> list[list[str]]:
    """The words of each `catalens ...` line of a console block, without the name, comments and variables before it."""
    found = []
    for line in block.text.replace("\\\n", " ").splitlines():
        for part in re.split(r"\s;\s|\s&&\s|\s\|\s|\s>\s", line.removeprefix("$ ")):
            words = shlex.split(part.strip(), comments=True) if "catalens " in part else []
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words and words[0] == "catalens":
                found.append(words[1:])
    return found
