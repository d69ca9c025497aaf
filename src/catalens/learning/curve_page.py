"""A learning curve as a report: a page with the curve drawn in it, Markdown, or JSON."""

from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path

from catalens.evaluation.report import write_as
from catalens.images.html import html_page
from catalens.learning.learning_curve import Curve, LearningCurve

TITLE = "How many photos to label"
WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 16, 48
COLORS = ("var(--accent)", "var(--bad)", "var(--good)", "#8a63d2")

_STYLE = """
.answer{font-size:20px;color:var(--ink);margin-top:18px}svg{width:100%;max-width:860px;height:auto;margin-top:24px;
background:var(--card);border:1px solid var(--line);border-radius:16px}svg text{fill:var(--quiet);font-size:13px}
.grid{stroke:var(--line)}.target{stroke:var(--ink);stroke-dasharray:2 5}.legend{display:flex;flex-wrap:wrap;gap:16px;
margin-top:12px;font-size:14px}.dot{display:inline-block;width:10px;height:10px;border-radius:5px;margin-right:6px}
.scroll{overflow-x:auto;margin-top:24px}table{border-collapse:collapse;font-size:14px;
font-variant-numeric:tabular-nums}th,td{padding:6px 14px;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}@media(max-width:560px){svg{min-width:560px}svg text{font-size:15px}
th,td{padding:6px 5px}}
"""


def save_curve(curve: LearningCurve, path: Path) -> None:
    """Write a curve as .html, .md or .json, by the ending; as `evaluation.report.write_as`."""
    write_as(path, curve, html=curve_html, markdown=curve_markdown, json=curve_json)


def answer_of(curve: Curve) -> str:
    """The answer in words, also where there is none."""
    if curve.answer is None:
        tried = ", ".join(str(point.photos) for point in curve.points)
        return f"Too few photos to say: only {tried} of each label could be tried, and three numbers are needed."
    return str(curve.answer)


def curve_json(curve: LearningCurve) -> str:
    """All of it."""
    return json.dumps(curve.to_dict(), ensure_ascii=False, indent=1) + "\n"


def curve_markdown(curve: LearningCurve) -> str:
    """Answers, and a table of each head."""
    lines = [f"# {TITLE}", ""]
    for one in curve.curves:
        lines += [f"{one.head}: {answer_of(one)}", "", "| photos of each label | photos | accuracy | 95 % interval |"]
        lines += ["|---|---|---|---|"]
        lines += [
            f"| {point.photos} | {point.total} | {point.accuracy.value:.3f} "
            f"| {point.accuracy.low:.3f} to {point.accuracy.high:.3f} |"
            for point in one.points
        ]
        lines.append("")
    return "\n".join([*lines, *(f"- {note}" for note in [_about(curve), *curve.notes])]) + "\n"


def curve_html(curve: LearningCurve) -> str:
    """A page that holds everything: answers, the drawn curve, the table."""
    answers = "".join(
        f'<p class="answer"><strong>{escape(one.head)}</strong>: {escape(answer_of(one))}</p>' for one in curve.curves
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in curve.notes)
    body = f"<h1>{TITLE}</h1><p>{escape(_about(curve))}</p>{answers}"
    body += f'<div class="scroll">{curve_svg(curve)}</div>{_legend(curve)}{_table(curve)}'
    return html_page(body + notes, title=TITLE, style=_STYLE)


def _about(curve: LearningCurve) -> str:
    return (
        f"{curve.photos} photos with {len(curve.classes)} labels; accuracy on {curve.test_photos} of them that no "
        f"classifier saw, mean of {curve.draws} draws for each number; encoder {curve.encoder}, seed {curve.seed}."
    )


def curve_svg(curve: LearningCurve) -> str:
    """Accuracy over photos of each label on a logarithmic axis: points with intervals, the fitted law, the target."""
    sizes = [point.photos for one in curve.curves for point in one.points]
    ends = [one.answer.photos for one in curve.curves if one.answer is not None and one.answer.photos]
    first, last = min(sizes), max([*sizes, *ends]) * 1.25
    values = [point.accuracy.low for one in curve.curves for point in one.points]
    bottom = math.floor(min([*values, curve.target]) * 10) / 10
    plot = _Plot(first, last, bottom)
    parts = [_axes(plot), plot.line([(first, curve.target), (last, curve.target)], 'class="target"')]
    for place, one in enumerate(curve.curves):
        parts.append(_drawn(one, plot, COLORS[place % len(COLORS)], aside=6 * (place - (len(curve.curves) - 1) / 2)))
    said = " ".join(f"{one.head}: {answer_of(one)}" for one in curve.curves)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">{"".join(parts)}'
        f'<text x="{plot.x(last) - 4:.0f}" y="{plot.y(curve.target) - 6:.0f}" text-anchor="end">'
        f"target {curve.target:.0%}</text></svg>"
    )


class _Plot:
    """Places of values in the drawing."""

    def __init__(self, first: float, last: float, bottom: float) -> None:
        self.first, self.last, self.bottom = first, last, bottom

    def x(self, photos: float) -> float:
        share = math.log(photos / self.first) / max(math.log(self.last / self.first), 1e-9)
        return LEFT + 14 + share * (WIDTH - LEFT - RIGHT - 28)

    def y(self, accuracy: float) -> float:
        return TOP + (1 - accuracy) / max(1 - self.bottom, 1e-9) * (HEIGHT - TOP - BOTTOM)

    def line(self, points: list[tuple[float, float]], look: str) -> str:
        path = " ".join(f"{self.x(photos):.1f},{self.y(accuracy):.1f}" for photos, accuracy in points)
        return f'<polyline fill="none" points="{path}" {look}/>'


def _axes(plot: _Plot) -> str:
    parts = []
    for tenth in range(round(plot.bottom * 10), 11):
        y = plot.y(tenth / 10)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth * 10} %</text>')
    for photos in (one * 10**power for power in range(6) for one in (1, 2, 5)):
        if plot.first <= photos <= plot.last:
            x = plot.x(photos)
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{photos}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">photos of each label</text>')
    return "".join(parts)


def _drawn(curve: Curve, plot: _Plot, color: str, *, aside: float) -> str:
    """One head's law and points; the points lie `aside` by so many pixels, for heads not to hide one another."""
    parts = []
    if curve.law is not None:
        steps = [plot.first * (plot.last / plot.first) ** (step / 60) for step in range(61)]
        shown = [(n, accuracy) for n in steps if (accuracy := curve.law.accuracy(n)) >= plot.bottom]
        parts.append(plot.line(shown, f'stroke="{color}" stroke-width="2" stroke-dasharray="7 5"'))
    for point in curve.points:
        x, one = plot.x(point.photos) + aside, point.accuracy
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{plot.y(one.low):.1f}" y2="{plot.y(one.high):.1f}" '
            f'stroke="{color}" stroke-width="2"/><circle cx="{x:.1f}" cy="{plot.y(one.value):.1f}" r="5" '
            f'fill="{color}"/>'
        )
    return "".join(parts)


def _legend(curve: LearningCurve) -> str:
    heads = "".join(
        f'<span><i class="dot" style="background:{COLORS[place % len(COLORS)]}"></i>{escape(one.head)}</span>'
        for place, one in enumerate(curve.curves)
    )
    return f'<div class="legend">{heads}<span class="quiet">bars: 95 % intervals; dashed: the fitted law</span></div>'


def _table(curve: LearningCurve) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.head)}</td><td>{point.photos}</td><td>{point.total}</td>"
        f"<td>{point.accuracy.value:.1%}</td><td>{point.accuracy.low:.1%} to {point.accuracy.high:.1%}</td></tr>"
        for one in curve.curves
        for point in one.points
    )
    names = "<tr><th>head</th><th>photos of each label</th><th>photos</th><th>accuracy</th><th>95 % interval</th></tr>"
    return f'<div class="scroll"><table><thead>{names}</thead><tbody>{rows}</tbody></table></div>'
