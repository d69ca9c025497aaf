"""The shop's own synonyms: a group of words that mean the same on each line, apart by commas or tabs.

sneaker, trainer, 运动鞋
# a comment
couch, sofa, settee
"""

from __future__ import annotations

import re
import unicodedata

from catalens.errors import UsageError

_BETWEEN = re.compile(r"[,，、;；\t]")
MOST_GROUPS, MOST_WORDS, LONGEST_WORD = 5_000, 50, 80


def read_synonyms(text: str) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more words, in the order of the lines.

    Raises:
        UsageError: a line of one word, or too many lines or words; says which line.
    """
    groups: list[tuple[str, ...]] = []
    for number, line in enumerate(unicodedata.normalize("NFKC", text).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = tuple(dict.fromkeys(" ".join(word.split()) for word in _BETWEEN.split(line) if word.strip()))
        if not 2 <= len(words) <= MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
            raise UsageError(
                f"line {number} of the synonyms: expected 2 to {MOST_WORDS} words of at most {LONGEST_WORD} characters,"
                f" got {line.strip()[:60]!r}",
                cure="write words that mean the same on one line, as in: sneaker, trainer, 运动鞋",
            )
        groups.append(words)
    if len(groups) > MOST_GROUPS:
        raise UsageError(f"expected at most {MOST_GROUPS} lines of synonyms, got {len(groups)}", cure="leave some out")
    return tuple(groups)
