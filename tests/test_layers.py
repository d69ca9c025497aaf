"""Imports go one way: no circle between files or folders, no room that knows the rooms above it; nor in the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import catalens
from tests.import_graph import (
    Graph,
    arrows_up,
    circles,
    file_graph,
    folder_graph,
    packages_imported,
    script_graph,
)

HOUSE = Path(catalens.__file__).parent
RECIPES = Path(__file__).parent.parent / "recipes"
WEB = Path("server") / "web"
FLOORS = (
    {
        "errors",
        "files",
        "json_text",
        "types",
        "show",
        "geometry",
        "settings",
        "options",
        "printable",
        "progress",
        "taxonomy",
        "text",
    },
    {"images", "features"},
    {"models"},
    {"tasks"},
    {"feeds", "storage", "index"},
    {"search", "styling"},
    {"catalog"},
    {"evaluation", "trust"},
    {"learning"},
    {"notebook", "server", "cli", "__main__"},
)
SERVER_FLOORS = ({"http"}, {"services"}, {"middleware", "jobs"}, {"dependencies"}, {"routes"}, {"app"}, {"run"})
FILES = sorted(path for root in (HOUSE, RECIPES) for path in root.rglob("*.py"))


def server_graph(graph: Graph) -> Graph:
    """The graph of the server alone; its folders are the rooms."""
    inside = {name: name.removeprefix("catalens.") for name in graph if name.startswith("catalens.server.")}
    return {inside[name]: frozenset(inside[one] for one in graph[name] if one in inside) for name in inside}


def faults_of(root: Path) -> list[str]:
    """What is wrong with the imports of a package, as texts."""
    graph = file_graph(root)
    found = [f"circle of files {circle}" for circle in circles(graph)]
    found += [f"circle of folders {circle}" for circle in circles(folder_graph(graph, root))]
    if root.name == "catalens":
        found += [f"upwards {arrow}" for arrow in arrows_up(graph, FLOORS)]
        found += [f"upwards {arrow}" for arrow in arrows_up(server_graph(graph), SERVER_FLOORS)]
        found += [f"circle of scripts {circle}" for circle in circles(script_graph(root / WEB))]
    return found


@pytest.mark.parametrize("root", [HOUSE, RECIPES], ids=["catalens", "recipes"])
def test_no_circle_and_no_arrow_up(root: Path) -> None:
    assert faults_of(root) == []


def test_every_room_has_a_floor() -> None:
    rooms = {path.name.removesuffix(".py") for path in HOUSE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__pycache__"} <= set().union(*FLOORS)


def test_what_is_installed_imports_neither_recipes_nor_tests() -> None:
    wrong = {str(path): packages_imported(path) & {"recipes", "tests", "benchmarks"} for path in HOUSE.rglob("*.py")}
    assert {path: found for path, found in wrong.items() if found} == {}


def test_only_what_trains_imports_what_the_base_install_lacks() -> None:
    trains = {"sklearn", "scipy", "matplotlib", "optuna"}
    users = {path.relative_to(HOUSE).parts[0] for path in HOUSE.rglob("*.py") if packages_imported(path) & trains}
    assert users == {"learning"}


def test_no_drawer_for_odds_and_ends() -> None:
    names = {path.stem for path in FILES}
    names |= {path.name for root in (HOUSE, RECIPES) for path in root.rglob("*") if path.is_dir()}
    assert not names & {"utils", "util", "helpers", "common", "misc"}


def test_only_settings_reads_the_environment() -> None:
    reads = re.compile(r"\bos\.(environ|getenv|putenv)|from os import[^\n]*\b(environ|getenv|putenv)")
    readers = [path for path in FILES if reads.search(path.read_text("utf-8"))]
    assert readers == [HOUSE / "settings.py"]


# What is planted must be found: in a small package, and in a copy of this one.

CLEAN = {
    "__init__.py": "if TYPE_CHECKING:\n from catalens.tasks.detect import detect\n from catalens.errors import Error",
    "errors.py": "import os",
    "images/__init__.py": "from catalens.images.read import read",
    "images/read.py": "import catalens\nfrom catalens import errors\nx = catalens.__version__, catalens.Error",
    "tasks/detect.py": "import catalens.tasks.segment",
    "tasks/segment.py": "",
    "tasks/tryon/__init__.py": "import catalens.tasks.detect",
    "server/http/__init__.py": "",
    "server/services/keys.py": "import catalens.server.http",
    "server/app.py": "import catalens.server.services.keys",
    "cli/serve.py": "import catalens.server.app",
    "server/web/app.js": 'import { t } from "./words.js";\nconst show = () => import("./view.js");',
    "server/web/view.js": 'import { t } from "./words.js";',
    "server/web/words.js": "export const t = 1;",
}
PLANTED: dict[str, tuple[dict[str, str], str]] = {
    "files": ({"tasks/segment.py": "from catalens.tasks import detect"}, "circle of files"),
    "files, in a function": ({"tasks/segment.py": "def f():\n import catalens.tasks.detect"}, "circle of files"),
    "files, for types": ({"tasks/segment.py": "if TYPE_CHECKING:\n from catalens import detect"}, "circle of files"),
    "files, by public name": ({"tasks/segment.py": "import catalens\nf = catalens.detect"}, "circle of files"),
    "three files": (
        {"tasks/segment.py": "import catalens.tasks.pose", "tasks/pose.py": "import catalens.tasks.detect"},
        "circle of files",
    ),
    "folder and subfolder": ({"tasks/segment.py": "import catalens.tasks.tryon"}, "circle of folders"),
    "folders": (
        {"search/a.py": "import catalens.styling.a", "styling/a.py": "", "styling/b.py": "import catalens.search.a"},
        "circle of folders",
    ),
    "up": ({"images/read.py": "from catalens.tasks import segment"}, "upwards"),
    "up, in a function": ({"images/read.py": "def f():\n from catalens.tasks.segment import x"}, "upwards"),
    "up, by public name": ({"images/read.py": "import catalens\nf = catalens.detect"}, "upwards"),
    "up, for types": ({"images/read.py": "if TYPE_CHECKING:\n from catalens import detect"}, "upwards"),
    "up, in the server": ({"server/http/__init__.py": "import catalens.server.app"}, "upwards"),
    "scripts": ({"server/web/view.js": 'import { show } from "./app.js";'}, "circle of scripts"),
    "scripts, when needed": ({"server/web/words.js": 'const t = () => import("./app.js");'}, "circle of scripts"),
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def test_a_clean_package_has_no_fault(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path / "catalens", {"__init__.py": ""})) == []
    assert faults_of(write(tmp_path / "catalens", CLEAN)) == []


@pytest.mark.parametrize(("files", "fault"), PLANTED.values(), ids=list(PLANTED))
def test_a_planted_fault_is_found(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    found = faults_of(write(tmp_path / "catalens", {**CLEAN, **files}))
    assert [one for one in found if one.startswith(fault)], found


def test_a_circle_planted_in_this_code_is_found(tmp_path: Path) -> None:
    copy = tmp_path / "catalens"
    for path in (*HOUSE.rglob("*.py"), *HOUSE.rglob("*.js")):
        write(copy, {str(path.relative_to(HOUSE)): path.read_text("utf-8")})
    for one, other in (("detect", "segment"), ("segment", "detect")):
        with (copy / "tasks" / f"{one}.py").open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef planted() -> None:\n    from catalens.tasks import {other}\n")
    planted = [one for one in faults_of(copy) if one.startswith("circle of files")]
    assert len(planted) == 1
    assert {"catalens.tasks.detect", "catalens.tasks.segment"} <= set(re.findall(r"[\w.]+", planted[0]))
