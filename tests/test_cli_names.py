"""Names of commands: old ones go on working with a note, mistyped ones are answered, the help is short and light."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from catalens.cli import main
from catalens.cli.commands import GROUPS, VERBS
from catalens.cli.main import nearest
from catalens.cli.renamed import COMMANDS, OPTIONS, renamed

RUNNER = CliRunner()
SCREEN = (100, 40)
"""Columns and lines of a terminal window that the first page of the help fits into."""


@pytest.mark.parametrize(
    ("words", "expected", "notes"),
    [
        ([], [], 0),
        (["--version"], ["--version"], 0),
        (["search", "show"], ["search", "show"], 0),
        (["show", "X"], ["catalog", "show", "X"], 1),
        (["--accept-licence", "MIT", "info"], ["--accept-licence", "MIT", "catalog", "info"], 1),
        (["--accept-licence=MIT", "licences", "--json"], ["--accept-licence=MIT", "models", "licences", "--json"], 1),
        (["--accept-licence"], ["--accept-licence"], 0),
        (["evaluate", "search", "--report", "a.html"], ["evaluate", "search", "--save", "a.html"], 1),
        (["train", "classifier", "--label=kind"], ["train", "classifier", "--label-column=kind"], 1),
        (["explain", "a.jpg", "--label", "x"], ["photo", "explain", "a.jpg", "--label", "x"], 1),
        (["generate", "--sheet", "a.png", "out"], ["photo", "generate", "--save", "a.png", "out"], 2),
        (["label", "curve", "--", "--report"], ["label", "curve", "--", "--report"], 0),
        (["help", "search"], ["search", "--help"], 0),
    ],
)
def test_old_names_become_new_ones(words: list[str], expected: list[str], notes: int) -> None:
    found, said = renamed(words)
    assert found == expected
    assert len(said) == notes
    assert all("works until 0.3.0" in note for note in said)


def test_what_old_names_stand_for_is_there() -> None:
    names = {f"{group.name} {verb.name}" for group in GROUPS for verb in group.verbs}
    assert set(COMMANDS.values()) <= names
    assert OPTIONS.keys() <= names
    assert not COMMANDS.keys() & {one.name for one in (*VERBS, *GROUPS)}


@pytest.mark.parametrize("old", COMMANDS)
def test_an_old_name_runs_and_is_noted_on_stderr(old: str) -> None:
    result = RUNNER.invoke(main.app, [old, "--help"], prog_name="catalens")
    assert (result.exit_code, result.stderr.count("\n")) == (0, 1)
    assert f"catalens {old} is now catalens {COMMANDS[old]}" in result.stderr
    assert f"Usage: catalens {COMMANDS[old]}" in result.stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("", []), ("xyzzy", []), ("serach", ["search"]), ("detekt", ["photo detect"]), ("cut-out", ["cutout"])],
)
def test_a_mistyped_command_is_answered_with_what_was_meant(typed: str, meant: list[str]) -> None:
    assert nearest(typed)[: len(meant)] == meant
    result = RUNNER.invoke(main.application([typed]), [typed], prog_name="catalens")
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert all(f"catalens {name}" in said for name in meant)


def test_without_arguments_three_examples_are_shown() -> None:
    result = RUNNER.invoke(main.application([]), [])
    assert result.exit_code == 2
    assert sum(line.startswith("  catalens ") for line in result.stdout.splitlines()) == 3


def test_the_first_page_of_the_help_fits_a_screen() -> None:
    columns, lines = SCREEN
    env = {"COLUMNS": str(columns), "TERM": "dumb"}
    shown = RUNNER.invoke(main.application(["--help"]), ["--help"], env=env).stdout.strip().splitlines()
    assert len(shown) <= lines
    assert max(map(len, shown)) <= columns
    for name in (*VERBS, *GROUPS):
        assert sum(line.strip("│ ").startswith(f"{name.name} ") for line in shown) == 1


@pytest.mark.parametrize("words", [["--help"], ["photo", "--help"], ["serach"], []])
def test_the_help_loads_no_arrays_and_no_networks(words: list[str]) -> None:
    code = (
        "import sys\nfrom catalens.cli.main import run\n"
        f"sys.argv = ['catalens', *{words!r}]\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'PIL', 'onnxruntime', 'faiss', 'cv2'} & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.splitlines()[-1] == "[]"
