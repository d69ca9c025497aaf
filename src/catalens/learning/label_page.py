"""Photos selected for labelling, as a CSV table to fill in or an HTML page."""

from __future__ import annotations

import csv
import io
from html import escape
from pathlib import Path

from catalens.errors import CatalensError, UsageError
from catalens.images.draw import write_atomically
from catalens.images.html import SIDE, html_page, image_tag
from catalens.images.read import read_image
from catalens.learning.active import Proposal, Proposals

FORMS = (".csv", ".html", ".htm")
TITLE = "Photos to label next"

_STYLE = """
ol{list-style:none;margin:28px 0 0;padding:0;display:grid;gap:18px;
grid-template-columns:repeat(auto-fill,minmax(min(208px,45%),1fr))}li{background:var(--card);
border:1px solid var(--line);border-radius:16px;overflow:hidden}
li .pic{background:#fff;aspect-ratio:1;display:grid;place-items:center;color:#777;
font-size:14px}li img{width:100%;height:100%;object-fit:contain}.text{padding:12px 16px 16px;font-size:14px;
overflow-wrap:anywhere}.text b{display:block;font-size:15px;margin-bottom:4px}
"""


def save_proposals(proposals: Proposals, path: Path) -> None:
    """Write proposals as .csv (to fill in) or .html (to look at), by the ending; whole or not at all.

    Raises:
        UsageError: another ending, or a table there in which labels were filled in.
        StorageError: the file cannot be written.
    """
    keep_labels(path)
    form = proposals_csv if path.suffix.lower() == ".csv" else proposals_html
    write_atomically(path, form(proposals).encode("utf-8"))


def keep_labels(path: Path) -> None:
    """Whether proposals can be written there without losing labels that were filled in.

    Raises:
        UsageError: another ending than .csv or .html, or a table that is there and has some.
    """
    if path.suffix.lower() not in FORMS:
        raise UsageError(f"{path.name} ends in {path.suffix!r}", cure="write .csv or .html")
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            filled = sum(bool((row.get("label") or "").strip()) for row in csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error):
        return
    if filled:
        raise UsageError(f"{path} has {filled} labels that were filled in", cure="name another file, or move it away")


def proposals_csv(proposals: Proposals) -> str:
    """A row for each photo: path (absolute), label (empty, to fill in), why, predicted, score."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["path", "label", "why", "predicted", "score"])
    for item in proposals.items:
        score = f"{item.score:.4f}" if item.predicted else ""
        rows.writerow([str(item.path.absolute()), "", item.why, item.predicted, score])
    return text.getvalue()


def proposals_html(proposals: Proposals) -> str:
    """A page with the pictures, the most useful first."""
    count = len(proposals.items)
    intro = f"{count} of {proposals.asked} photos, chosen by {proposals.strategy}, the most useful first."
    cards = "".join(_card(item) for item in proposals.items) or "<li><div class='text'>Nothing to label.</div></li>"
    return html_page(f"<h1>{TITLE}</h1><p>{intro}</p><ol>{cards}</ol>", title=TITLE, style=_STYLE)


def _card(item: Proposal) -> str:
    try:
        shown = image_tag(read_image(item.path, target=SIDE), item.path.name)
    except CatalensError:
        shown = "no picture"
    predicted = f"<b>{escape(item.predicted)}?</b>" if item.predicted else ""
    name = "/".join(item.path.parts[-2:])  # photos of several folders are called 1.jpg
    words = f'{escape(item.why)}<div class="quiet">{escape(name)}</div>'
    return f'<li><div class="pic">{shown}</div><div class="text">{predicted}{words}</div></li>'
