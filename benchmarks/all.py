"""Measure what the README's table states, and print the table (Markdown) and one line of JSON.

    python -m benchmarks.all --short [--only encoder,detect]
    python -m benchmarks.all [--only ...]

Each figure comes from one of the other benchmarks, which is run in a process of its own; `--short` takes their short
forms (about ten minutes on two idle cores). One that fails, or whose photos are missing, is reported and leaves the
others alone. Counts by eye are not measured here: docs/limits.md has them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Args:
        script: module in `benchmarks`; short, full: its arguments for the two forms.
        figure: the text of the row, from the last line of JSON that fits it.
    """

    task: str
    script: str
    short: tuple[str, ...]
    full: tuple[str, ...]
    figure: Callable[[Figures], str]


def interval(found: Figures) -> str:
    """A value with its 95 % interval, such as `0.87 [0.83, 0.90], n = 341`."""
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}], n = {found['n']}"


def _encoder(*names: tuple[str, str]) -> Callable[[Figures], str]:
    def figure(found: Figures) -> str:
        (scores,) = (value for key, value in found.items() if key.startswith("catalens-encoder"))
        return "; ".join(f"{said}: {interval(scores[name])}" for name, said in names)

    return figure


def _few(found: Figures) -> str:
    if (found["set"], found["per_label"], found["head"]) != ("fashion-products", 20, "lda"):
        raise KeyError("lda with 20 photos")
    return f"{found['per_label']} photos per class, {found['labels']} unseen classes: {found['accuracy']:.2f} accuracy"


def _detect(found: Figures) -> str:
    return f"street photos: AP50 {interval(found['catalens-detector-s']['AP50'])}"


def _look(found: Figures) -> str:
    return f"right category among the first five for a detected item: {interval(found['things found']['look'])}"


def _outfit(found: Figures) -> str:
    rows = [row for row in found["links"] if (row["links"], row["way"]) == ("related", "outfits")]
    return f"related products of a shop among ten: {interval(rows[0])}, {rows[0]['times']} the largest categories"


def _kill(found: Figures) -> str:
    return f"{found['kills']} times `kill -9`, {found['acknowledged_calls']} acknowledged calls: {found['lost']} lost"


def _power(found: Figures) -> str:
    return (
        f"{found['cuts']} simulated power cuts, {found['acknowledged_calls']} acknowledged calls: {found['lost']} lost"
    )


def _serve(found: Figures) -> str:
    return f"at four times its capacity: p99 {found['catalens at 4x']['p99 ms']} ms"


BY_PHOTO = _encoder(
    ("grocery photo -> shop picture R@1", "grocery photo, its product first among 81"),
    ("clothing category 1-NN", "clothing category by the nearest neighbour"),
)
BY_WORDS = _encoder(("fashion-products words -> picture P@10", "photos without text, first ten right"))
PLAIN, DETECTOR = ("--plain",), ("--model", "catalens-detector-s", "--without-proposals")
ROWS = (
    Row("Search by photo", "encoder", PLAIN, PLAIN, BY_PHOTO),
    Row("Search by words", "encoder", PLAIN, PLAIN, BY_WORDS),
    Row("Classification", "few_labels", ("heads", "--seeds", "2"), ("heads", "--seeds", "8"), _few),
    Row("Detection", "detect", DETECTOR, DETECTOR, _detect),
    Row("Shop the look", "look", (), (), _look),
    Row("Outfits", "outfit", ("--only", "links"), ("--only", "links"), _outfit),
    Row("Catalog", "kill", ("--kills", "100", "--seconds", "60"), (), _kill),
    Row("Catalog", "power", ("--cuts", "40"), ("--cuts", "400"), _power),
    Row("Service", "serve", ("--short", "--only", "load"), ("--only", "load"), _serve),
)


def measured(script: str, arguments: tuple[str, ...]) -> list[Figures]:
    """Run a benchmark; its lines of JSON.

    Raises:
        RuntimeError: it failed, or printed none; with its last line.
    """
    command = [sys.executable, "-m", f"benchmarks.{script}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines() if line[:1] + line[-1:] == "{}"]
    if done.returncode or not found:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return found


def text_of(row: Row, lines: Sequence[Figures]) -> str:
    """The row's figure, from the last line that has it; "not measured" if none has."""
    for line in reversed(lines):
        with contextlib.suppress(KeyError, IndexError, ValueError):
            return row.figure(line)
    return f"not measured: benchmarks.{row.script} printed no such figure"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="the short form of each benchmark")
    parser.add_argument(
        "--only", default=",".join(dict.fromkeys(row.script for row in ROWS)), help="names, with commas"
    )
    given = parser.parse_args()
    results: dict[tuple[str, tuple[str, ...]], list[Figures]] = {}
    table: list[tuple[str, str, str]] = []
    failed = 0
    for row in ROWS:
        if row.script not in given.only.split(","):
            continue
        arguments = row.short if given.short else row.full
        began = time.perf_counter()
        try:
            if (row.script, arguments) not in results:
                results[row.script, arguments] = measured(row.script, arguments)
            text = text_of(row, results[row.script, arguments])
        except RuntimeError as error:
            text = f"not measured: {error}"
        failed += text.startswith("not measured")
        table.append((row.task, row.script, text))
        print(f"{row.script}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print("| Task | Benchmark | Measured |\n|---|---|---|")
    for task, script, text in table:
        print(f"| {task} | `{script}` | {text} |")
    rows = [{"task": task, "benchmark": script, "figure": text} for task, script, text in table]
    print(json.dumps({"benchmark": "all", "short": given.short, "rows": rows}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
