"""Names of commands and options of the last release: they go on working for one release, with a note on stderr."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

GONE_IN = "0.3.0"
"""The release that no longer knows the old names."""

COMMANDS = {
    **{
        name: f"catalog {name}"
        for name in ("audit", "backup", "doctor", "erase", "export", "info", "remove", "restore", "show", "tag")
    },
    **{
        name: f"photo {name}"
        for name in ("blur-faces", "classify", "detect", "enhance", "explain", "generate", "scene", "segment")
    },
    "import": "catalog import",
    "room": "style room",
    "score": "style score",
    "augment": "train augment",
    "licences": "models licences",
}

_COLUMN, _REPORT = {"--label": "--label-column"}, {"--report": "--save"}
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "evaluate classifier": _COLUMN | _REPORT,
    "evaluate search": _REPORT,
    "evaluate detector": _REPORT,
    "evaluate segmenter": _REPORT | {"--names": "--labels"},
    "evaluate compare": _REPORT,
    "evaluate generator": _COLUMN,
    "label curve": _COLUMN | _REPORT,
    "label next": _COLUMN,
    "train classifier": _COLUMN,
    "train search": _COLUMN,
    "train generator": _COLUMN,
    "train segmenter": {"--names": "--labels"},
    "models advise": {"--labels": "--per-label"},
    "photo generate": {"--sheet": "--save"},
}
"""Command -> its old options and what they are called now."""

ROOT_OPTION_WITH_VALUE = "--accept-licence"


def command_at(words: Sequence[str]) -> int:
    """Index of the first word that is no option of the program itself; the number of words if there is none."""
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] == ROOT_OPTION_WITH_VALUE else 1
    return min(index, len(words))


def renamed(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """A command line with today's names, and a note for each old one; `help NAME` becomes `NAME --help`."""
    at = command_at(words)
    before, rest, notes = list(words[:at]), list(words[at:]), []
    if rest[:1] == ["help"]:
        return [*before, *rest[1:], "--help"], []
    if rest and rest[0] in COMMANDS:
        notes.append(_note(f"catalens {rest[0]}", f"catalens {COMMANDS[rest[0]]}"))
        rest[:1] = COMMANDS[rest[0]].split()
    options = OPTIONS.get(" ".join(rest[:2]), {})
    for index, word in enumerate(rest):
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in options:
            notes.append(_note(name, options[name]))
            rest[index] = options[name] + equals + value
    return before + rest, notes


def _note(old: str, new: str) -> str:
    return f"note: {old} is now {new}; the old name works until {GONE_IN}"
