"""Reports of comparisons: HTML with pictures of changed items, Markdown, or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from catalens.evaluation.compare import Comparison
from catalens.evaluation.report import MISTAKES, STYLE, picture_tag, short_name, write_as
from catalens.evaluation.runs import Item
from catalens.images.html import html_page

Pairs = Sequence[tuple[Item, Item]]


def save_comparison(found: Comparison, path: Path, *, names: tuple[str, str]) -> None:
    """Write a comparison as .html, .md or .json, by the ending; as `report.write_as`.

    Args:
        names: of the two runs.
    """
    write_as(
        path,
        found,
        html=lambda one: comparison_html(one, names),
        markdown=lambda one: comparison_markdown(one, names),
        json=lambda one: json.dumps(one.to_dict(), ensure_ascii=False, indent=1) + "\n",
    )


def comparison_lines(found: Comparison, names: tuple[str, str]) -> list[str]:
    """Result of the comparison as sentences."""
    difference = found.difference
    how = "the first was better on" if found.is_graded else "only the first was right:"
    lines = [
        f"{found.figure} of {names[0]}: {found.first}",
        f"{found.figure} of {names[1]}: {found.second}",
        f"difference: {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]",
        f"{how} {found.only_first}; {how.replace('first', 'second')} {found.only_second}",
        f"p = {found.p_value:.4f} ({found.test})",
    ]
    if found.left_out:
        lines.append(f"{found.left_out} items were measured by one of them only, or with another label, and left out")
    return lines


def comparison_markdown(found: Comparison, names: tuple[str, str]) -> str:
    """Markdown report: result and changed items by name."""
    lines = [f"# {_title(names)}", "", *(f"- {line}" for line in comparison_lines(found, names))]
    for heading, pairs in _sides(found, names):
        lines += ["", f"{heading}:", "", *(f"- {one.name}: {_said(one)} / {_said(other)}" for one, other in pairs)]
    return "\n".join(lines) + "\n"


def comparison_html(found: Comparison, names: tuple[str, str]) -> str:
    """Self-contained HTML report."""
    said = "".join(f"<p>{escape(line)}</p>" for line in comparison_lines(found, names))
    sections = "".join(
        f'<section><h2>{escape(heading)}</h2><p>{len(pairs)} of {total}</p><div class="grid">'
        f"{''.join(_card(one, other, names) for one, other in pairs)}</div></section>"
        for (heading, pairs), total in zip(_sides(found, names), (found.only_second, found.only_first), strict=True)
        if pairs
    )
    return html_page(f"<h1>{escape(_title(names))}</h1>{said}{sections}", title=_title(names), style=STYLE)


def _title(names: tuple[str, str]) -> str:
    return f"{names[0]} and {names[1]}"


def _sides(found: Comparison, names: tuple[str, str]) -> list[tuple[str, Pairs]]:
    """Items on which the second run is better, then those on which the first is: headings and first items."""
    better = [(one, other) for one, other in found.changed if other.value > one.value][:MISTAKES]
    worse = [(one, other) for one, other in found.changed if other.value < one.value][:MISTAKES]
    how = "Better in" if found.is_graded else "Right only in"
    return [(f"{how} {names[1]}", better), (f"{how} {names[0]}", worse)]


def _said(item: Item) -> str:
    return short_name(item.said[0]) if item.said else "nothing"


def _card(one: Item, other: Item, names: tuple[str, str]) -> str:
    kinds = ("good", "bad") if one.value > other.value else ("bad", "good")
    said = "".join(
        f'{escape(name)}: <span class="{kind}">{escape(_said(item))}</span><br>'
        for name, kind, item in zip(names, kinds, (one, other), strict=True)
    )
    picture = picture_tag(one.pictures[0] if one.pictures else "", one.name)
    return (
        f'<div class="mistake">{picture}<div class="text">{said}'
        f'<span class="quiet">{escape(short_name(one.name))}</span></div></div>'
    )
