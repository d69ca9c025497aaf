"""Graphs of imports: between files and folders of Python code, and between the page's modules.

Every import counts, wherever it stands: at the top, in a function, or for type checkers only. `from catalens import x`
and `catalens.x` count as an import of the module that x comes from.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

Graph = Mapping[str, frozenset[str]]
JS_IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.[^"']+)["']""")


def file_graph(root: Path) -> Graph:
    """Module -> modules of the same package that it imports.

    Args:
        root: folder of the package. Its own `__init__` is no node, for it names everything; what it imports for type
            checkers tells which module each public name comes from.
    """
    trees = {module_of(root, path): ast.parse(path.read_text("utf-8")) for path in sorted(root.rglob("*.py"))}
    face = trees.pop(root.name, ast.Module([], []))
    homes = {
        f"{root.name}.{alias.name}": f"{node.module}.{alias.name}"
        for node in ast.walk(face)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    graph = {}
    for name, tree in trees.items():
        targets = (_target(homes.get(word, word), root.name, trees) for word in _imported(tree, root.name))
        graph[name] = frozenset(target for target in targets if target is not None and target != name)
    return graph


def module_of(root: Path, path: Path) -> str:
    parts = (root.name, *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(tree: ast.AST, package: str) -> Iterable[str]:
    """Dotted names that a file takes from a package: modules, or names in modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name != package)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == package:
            yield f"{package}.{node.attr}"


def _target(word: str, package: str, modules: Container[str]) -> str | None:
    """The module that a dotted name leads to; None where it is outside the package."""
    assert not word.startswith("."), f"import {word} from the package's root: relative imports are not followed"
    while word.startswith(f"{package}."):
        if word in modules:
            return word
        word = word.rpartition(".")[0]
    return None


def folder_graph(graph: Graph, root: Path) -> Graph:
    """Folder -> folders that its files import; a file in the root folder is a node of its own."""
    merged: dict[str, set[str]] = {}
    for name, targets in graph.items():
        here = folder_of(name, root)
        merged.setdefault(here, set()).update(folder_of(target, root) for target in targets)
    return {folder: frozenset(targets - {folder}) for folder, targets in merged.items()}


def folder_of(module: str, root: Path) -> str:
    parts = module.split(".")[1:]
    return ".".join(parts) if len(parts) == 1 or root.joinpath(*parts).is_dir() else ".".join(parts[:-1])


def script_graph(folder: Path) -> Graph:
    """File -> files that it imports, among the ES modules of a folder."""
    paths = {path.resolve(): str(path.relative_to(folder)) for path in sorted(folder.rglob("*.js"))}
    return {
        name: frozenset(
            paths[target]
            for said in JS_IMPORT.findall(path.read_text("utf-8"))
            if (target := (path.parent / said).resolve()) in paths
        )
        for path, name in paths.items()
    }


def circles(graph: Graph) -> list[list[str]]:
    """Strongly connected components of more than one node, sorted (Tarjan, SIAM J. Comput. 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph.get(node, ()):
            if target not in index:
                visit(target)
            if target in stack:
                low[node] = min(low[node], low[target])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(found)


def arrows_up(graph: Graph, floors: Iterable[Iterable[str]]) -> list[str]:
    """Imports that lead to a higher floor, as texts; rooms are the first parts of the modules' names."""
    level = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    return sorted(
        f"{name} -> {target}"
        for name, targets in graph.items()
        for target in targets
        if level[target.split(".")[1]] > level[name.split(".")[1]]
    )


def packages_imported(path: Path) -> set[str]:
    """First parts of the absolute imports of a file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
    return found
