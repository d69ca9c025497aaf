"""Evaluation of search from ranked answers."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np

from catalens.errors import UsageError
from catalens.evaluation.retrieval import retrieval_figures
from catalens.evaluation.runs import Item, Run, machine
from catalens.types import FloatArray

DEPTH = 100
"""Ranks that count: relevant answers beyond are misses."""
SHOWN = 5


def rank(
    queries: FloatArray, gallery: FloatArray, ids: Sequence[str], *, own: Sequence[str | None], depth: int = DEPTH
) -> list[list[str]]:
    """Ids of the gallery by cosine, best first, for each query; the query's own id is left out, ties go by id.

    Args:
        queries: (Q, D) of unit length; gallery: (G, D), its ids (G,).
        own: (Q,) the query's id in the gallery, None where it is not in it.
    """
    by_id = np.argsort(np.asarray(ids), kind="stable")
    sorted_gallery = gallery[by_id]
    found = []
    for start in range(0, len(queries), 256):
        scores = queries[start : start + 256] @ sorted_gallery.T
        order = np.argsort(-scores, axis=1, kind="stable")[:, : depth + 1]
        for row, places in enumerate(order.tolist()):
            names = [ids[by_id[place]] for place in places]
            found.append([name for name in names if name != own[start + row]][:depth])
    return found


def search_run(
    *,
    names: Sequence[str],
    found: Sequence[Sequence[str]],
    wanted: Sequence[AbstractSet[str]],
    about: dict[str, str],
    photos: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    pictures: dict[str, str] | None = None,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> Run:
    """Evaluation run over ranked answers.

    Args:
        names: (Q,) the queries: photos or words; photos: (Q,) their files, "" for words; the names where None.
        found: (Q,) ids, best first; wanted: (Q,) the right ids.
        groups: (Q,) queries that are not independent of one another, such as photos of one product.
        pictures: id -> file, for the report.

    Raises:
        UsageError: no queries with a right answer.
    """
    rows = [row for row, right in enumerate(wanted) if right]
    if not rows:
        raise UsageError("no query has a right answer", cure="check the labels or the ground truth")
    left = len(wanted) - len(rows)
    chosen = None if groups is None else [groups[row] for row in rows]
    measured = retrieval_figures([found[row] for row in rows], [wanted[row] for row in rows], groups=chosen, seed=seed)
    shown = pictures or {}
    files = [name if Path(name).suffix else "" for name in names] if photos is None else photos
    items = tuple(
        Item(
            names[row],
            float(bool(found[row]) and found[row][0] in wanted[row]),
            tuple(sorted(wanted[row])[:SHOWN]),
            tuple(found[row][:SHOWN]),
            0.0,
            (files[row], *(shown.get(one, "") for one in found[row][:SHOWN])),
            "" if groups is None else groups[row],
        )
        for row in rows
    )
    all_notes = (*notes, *([f"{left} queries have no right answer and were left out"] if left else []))
    about = {**about, "depth": str(DEPTH), "seed": str(seed), **machine()}
    return Run("search", "hit@1", about, measured.named(), items, notes=all_notes)
