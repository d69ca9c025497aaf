"""How the bundled weights were made: one recipe a network, each `python -m recipes.NAME`. Not installed.

A module here that is no recipe says so when it is run, rather than ending well without having done anything.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
IS_RUN = '\nif __name__ == "__main__":'


def _refuse_what_does_not_run() -> None:
    """End with 2 where `python -m` names a module without a main part."""
    if sys.argv[:1] != ["-m"]:  # it is so only while `python -m` looks for the module
        return
    asked = sys.orig_argv[sys.orig_argv.index("-m") + 1] if "-m" in sys.orig_argv else ""
    package, _, name = asked.partition(".")
    file = HERE.joinpath(*name.split(".")).with_suffix(".py")
    if package == __name__ and name and file.is_file() and IS_RUN not in file.read_text("utf-8"):
        recipes = ", ".join(sorted(one.stem for one in HERE.glob("*.py") if IS_RUN in one.read_text("utf-8")))
        sys.stderr.write(f"{asked} is no recipe and does nothing by itself; recipes are {recipes}\n")
        sys.exit(2)


_refuse_what_does_not_run()
