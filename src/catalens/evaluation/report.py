"""Reports of runs: HTML with the worst mistakes as pictures, Markdown, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, TypeVar, cast

from catalens.errors import CatalensError, NotFoundError, UsageError
from catalens.evaluation.runs import Item, Run
from catalens.images.draw import write_atomically
from catalens.images.html import html_page, image_tag
from catalens.images.read import read_image

T = TypeVar("T")

MISTAKES = 24
CONFUSED = 20
"""Number of most confused pairs to list."""
MATRIX = 60
"""Number of labels beyond which the confusion matrix is left out."""
THUMB = 200

STYLE = """
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(210px,45%),1fr));gap:14px;margin-top:20px}
.tile,.mistake{background:var(--card);border:1px solid var(--line);border-radius:16px;padding:16px 18px}
.tile b{display:block;font-size:26px;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;margin-top:18px}table{border-collapse:collapse;font-size:14px;
font-variant-numeric:tabular-nums}th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}.confusion td{border:0;text-align:center;min-width:38px;
border-radius:6px}.confusion th{border:0;font-weight:500;color:var(--quiet)}
.grid{display:grid;gap:16px;grid-template-columns:repeat(auto-fill,minmax(min(210px,45%),1fr));margin-top:20px}
.wide{grid-template-columns:repeat(auto-fill,minmax(420px,1fr))}.mistake{padding:0;overflow:hidden}
.mistake img{width:100%;aspect-ratio:1;object-fit:contain;background:#fff;display:block}
.row{display:grid;grid-template-columns:repeat(4,1fr);gap:2px}.mistake .text{padding:12px 14px;font-size:14px;
overflow-wrap:anywhere}.bad{color:var(--bad)}.good{color:var(--good)}svg{max-width:440px;width:100%;height:auto;
margin-top:16px}dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;font-size:14px;margin-top:16px}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}@media(max-width:560px){.wide{grid-template-columns:1fr}
th,td{padding:5px}}
"""


def save_report(run: Run, path: Path) -> None:
    """Save a run as .html, .md or .json, by suffix; see `write_as`."""
    write_as(path, run, html=report_html, markdown=report_markdown, json=report_json)


def write_as(
    path: Path, what: T, *, html: Callable[[T], str], markdown: Callable[[T], str], json: Callable[[T], str]
) -> None:
    """Write a report as .html, .md or .json, by suffix, atomically.

    Raises:
        UsageError, NotFoundError: as `check_report`.
        StorageError: the file cannot be written.
    """
    check_report(path)
    form = {".md": markdown, ".json": json}.get(path.suffix.lower(), html)
    write_atomically(path, form(what).encode("utf-8"))


def check_report(path: Path) -> None:
    """Check that a report can be written to a path, before the work of making it.

    Raises:
        UsageError: another ending than .html, .md or .json.
        NotFoundError: there is no such folder.
    """
    if path.suffix.lower() not in {".html", ".htm", ".md", ".json"}:
        raise UsageError(
            f"a report cannot be written as {path.suffix or path.name!r}", cure="write .html, .md or .json"
        )
    if not path.parent.is_dir():
        raise NotFoundError(f"no folder {path.parent} for the report", cure="make it, or name another")


def report_json(run: Run) -> str:
    """Run as JSON, readable by `runs.read_run`."""
    return json.dumps(run.to_dict(), ensure_ascii=False, indent=1) + "\n"


def report_markdown(run: Run) -> str:
    """Markdown report: metrics, data, metrics by label, worst mistakes by name."""
    lines = [f"# {_title(run)}", "", "| figure | value | 95 % interval | n |", "|---|---|---|---|"]
    lines += [
        f"| {_cell(name)} | {one.value:.3f} | {one.low:.3f} to {one.high:.3f} | {one.n} |"
        for name, one in run.figures.items()
    ]
    lines += ["", *(f"- {_cell(note)}" for note in run.notes), *([""] if run.notes else [])]
    lines += [f"- {name}: {_cell(text)}" for name, text in run.about.items()]
    labels = _labels(run)
    if labels:
        lines += ["", "| label | precision | recall | F1 | n |", "|---|---|---|---|---|"]
        lines += [f"| {_cell(str(one['label']))} | {' | '.join(_shares(one))} | {one['support']} |" for one in labels]
    confused = _most_confused(run)
    if confused:
        lines += ["", "| is | was taken for | photos | of |", "|---|---|---|---|"]
        lines += [f"| {_cell(own)} | {_cell(said)} | {count} | {total} |" for own, said, count, total in confused]
    wrong = worst(run.items)
    if wrong:
        lines += ["", "Worst mistakes:", ""]
        lines += [
            f"- {_cell(item.name)}: {_cell(', '.join(item.said[:1]) or 'nothing')} for {_cell(', '.join(item.wanted))}"
            for item in wrong
        ]
    return "\n".join(lines) + "\n"


def report_html(run: Run) -> str:
    """Self-contained HTML report: metrics, labels, confusion, calibration, worst mistakes as pictures."""
    parts = [
        f"<h1>{escape(_title(run))}</h1>",
        f"<p>{escape(run.about.get('data', ''))}</p>",
        *(f"<p>{escape(note)}</p>" for note in run.notes),
        _tiles(run),
        _mistakes(run),
        _label_table(_labels(run)),
        _confused_table(run),
        _confusion(run),
        _reliability(run),
        _about(run),
    ]
    return html_page("".join(parts), title=_title(run), style=STYLE)


def worst(items: Sequence[Item], *, count: int = MISTAKES) -> list[Item]:
    """Wrong items by descending confidence, then those without any right answer, then by name."""
    wrong = [item for item in items if item.value < 1]
    return sorted(wrong, key=lambda item: (-item.confidence, bool({*item.said} & {*item.wanted}), item.name))[:count]


def _title(run: Run) -> str:
    said = {"classifier": "classification", "detector": "detection", "segmenter": "parts"}.get(run.task, run.task)
    return f"{run.about.get('model', run.task)}: {said}"


def _cell(text: str) -> str:
    """Text escaped for a Markdown table cell, on one line."""
    flat = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in flat)


def _labels(run: Run) -> list[dict[str, Any]]:
    """Metrics by label, then macro and weighted means."""
    found = cast(list[dict[str, Any]], run.details.get("labels", []))
    if not found or "weighted_precision" not in run.details:
        return found
    findings = cast(dict[str, Any], run.details)
    n = findings["accuracy"]["n"]
    return [
        *found,
        _mean(
            "mean of the labels",
            findings["macro_precision"],
            findings["macro_recall"],
            findings["macro_f1"]["value"],
            n,
        ),
        _mean(
            "mean of the photos",
            findings["weighted_precision"],
            findings["weighted_recall"],
            findings["weighted_f1"],
            n,
        ),
    ]


def _mean(name: str, precision: float, recall: float, f1: float, n: int) -> dict[str, Any]:
    return {"label": name, "precision": precision, "recall": recall, "f1": f1, "support": n}


def _shares(label: dict[str, Any]) -> tuple[str, ...]:
    """Precision, recall and F1 of a label; dashes, not 0, where no photo has it."""
    if not label["support"]:
        return ("-",) * 3
    return tuple(f"{label[name]:.3f}" for name in ("precision", "recall", "f1"))


def _most_confused(run: Run) -> list[tuple[str, str, int, int]]:
    """Most confused pairs: true label, predicted label, count, number of photos; most frequent first."""
    counts, classes = run.details.get("confusion"), run.details.get("classes")
    if not isinstance(counts, list) or not isinstance(classes, list):
        return []
    pairs = [
        (str(own), str(said), int(count), int(sum(row)))
        for own, row in zip(classes, counts, strict=True)
        for said, count in zip(classes, row, strict=True)
        if own != said and count
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], -pair[2] / pair[3], pair[:2]))[:CONFUSED]


def _tiles(run: Run) -> str:
    tiles = "".join(
        f'<div class="tile"><span class="quiet">{escape(name)}</span><b>{one.value:.3f}</b>'
        f'<span class="quiet">{one.low:.3f} to {one.high:.3f}, n={one.n}</span></div>'
        for name, one in run.figures.items()
    )
    return f'<div class="tiles">{tiles}</div>'


def _mistakes(run: Run) -> str:
    wrong = worst(run.items)
    if not wrong:
        return ""
    total = sum(item.value < 1 for item in run.items)
    cards = "".join(_search_card(item) if run.task == "search" else _photo_card(item) for item in wrong)
    shown = f"{len(wrong)} of {total} mistakes" + ("" if run.task == "search" else ", the surest first")
    kind = "grid wide" if run.task == "search" else "grid"
    return f'<section><h2>Mistakes</h2><p>{shown}</p><div class="{kind}">{cards}</div></section>'


def _photo_card(item: Item) -> str:
    picture = picture_tag(item.pictures[0] if item.pictures else "", item.name)
    said, wanted = escape(", ".join(item.said[:1])), escape(", ".join(item.wanted))
    return (
        f'<div class="mistake">{picture}<div class="text"><span class="bad">{said} {item.confidence:.2f}</span><br>'
        f'is <span class="good">{wanted}</span><br>'
        f'<span class="quiet">{escape(short_name(item.name))}</span></div></div>'
    )


def _search_card(item: Item) -> str:
    pictures = "".join(picture_tag(path, "") for path in item.pictures[:4])
    said = ", ".join(_found(one, item, first=not place) for place, one in enumerate(item.said[:3])) or "nothing"
    wanted = escape(", ".join(map(short_name, item.wanted[:3])))
    asked = escape(short_name(item.name))
    return (
        f'<div class="mistake"><div class="row">{pictures}</div><div class="text">asked: {asked}'
        f'<br>found: {said}<br>wanted: <span class="good">{wanted}</span></div></div>'
    )


def _found(one: str, item: Item, *, first: bool) -> str:
    """Answers of a wrong query; right ones among the later answers are marked."""
    kind = "bad" if first else "good" if one in item.wanted else "quiet"
    return f'<span class="{kind}">{escape(short_name(one))}</span>'


def short_name(name: str) -> str:
    """File name of a photo with its folder, which tells apart photos of one name; text queries unchanged."""
    return "/".join(Path(name).parts[-2:]) if Path(name).suffix else name


def picture_tag(path: str, alt: str) -> str:
    """`<img>` tag of a picture file; a placeholder where it is missing."""
    try:
        return image_tag(read_image(Path(path), target=THUMB), alt or Path(path).name, side=THUMB) if path else ""
    except CatalensError:
        return ""


def _label_table(labels: list[dict[str, Any]]) -> str:
    if not labels:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(one['label']))}</td>{''.join(f'<td>{share}</td>' for share in _shares(one))}"
        f"<td>{one['support']}</td></tr>"
        for one in labels
    )
    return f"<section><h2>Labels</h2>{_table(('label', 'precision', 'recall', 'F1', 'photos'), rows)}</section>"


def _confused_table(run: Run) -> str:
    pairs = _most_confused(run)
    if not pairs:
        return ""
    rows = "".join(
        f"<tr><td>{escape(own)}</td><td>{escape(said)}</td><td>{count} of {total}</td></tr>"
        for own, said, count, total in pairs
    )
    table = _table(("is", "was taken for", "photos"), rows)
    return f"<section><h2>Most often confused</h2>{table}</section>"


def _table(names: Sequence[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _confusion(run: Run) -> str:
    counts, classes = run.details.get("confusion"), run.details.get("classes")
    if not isinstance(counts, list) or not isinstance(classes, list) or len(classes) > MATRIX:
        return ""
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in classes)
    rows = ""
    for name, row in zip(classes, counts, strict=True):
        total = max(sum(row), 1)
        cells = "".join(_shaded(count, count / total, right=classes[place] == name) for place, count in enumerate(row))
        rows += f'<tr><th scope="row">{escape(str(name))}</th>{cells}</tr>'
    return (
        "<section><h2>Confusion</h2><p>Rows are what the photos show, columns what was said.</p>"
        f'<div class="scroll"><table class="confusion"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody>'
        "</table></div></section>"
    )


def _shaded(count: int, share: float, *, right: bool) -> str:
    color = "--good" if right else "--bad"
    shade = f"background:color-mix(in srgb,var({color}) {100 * min(share, 1) * 0.8:.0f}%,transparent)"
    return f'<td style="{shade}">{count or ""}</td>'


def _reliability(run: Run) -> str:
    bins = run.details.get("reliability")
    if not isinstance(bins, list) or not bins:
        return ""
    most = max(int(one[0]) for one in bins)
    dots = "".join(
        f'<circle cx="{40 + 340 * sure:.1f}" cy="{380 - 340 * right:.1f}" r="{4 + 10 * (count / most) ** 0.5:.1f}" '
        f'fill="var(--accent)" fill-opacity=".75"><title>{count} answers: {sure:.2f} sure, {right:.2f} right</title>'
        "</circle>"
        for count, sure, right in bins
    )
    axis = 'stroke="var(--line)" fill="none"'
    text = 'fill="var(--quiet)" font-size="13" font-family="inherit"'
    return (
        "<section><h2>Calibration</h2><p>A dot is a group of answers: how sure they were, and how often right. On the "
        f"diagonal they are what they say. Mean distance from it: {run.details.get('calibration_error')}.</p>"
        f'<svg viewBox="0 0 400 420" role="img" aria-label="Reliability diagram"><path d="M40 40V380H380" {axis}/>'
        f'<path d="M40 380L380 40" {axis} stroke-dasharray="5 5"/>{dots}<text x="40" y="402" {text}>0</text>'
        f'<text x="330" y="402" {text}>sure 1.0</text><text x="4" y="52" {text}>right</text></svg></section>'
    )


def _about(run: Run) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in run.about.items())
    return f"<section><h2>How it was measured</h2><dl>{rows}</dl></section>"
