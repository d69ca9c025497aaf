"""How well does a head tell photos of other things from its own?

    python benchmarks/unknown.py [--draws 8]

Heads learn some labels of clothing (all but two) and of fashion-products (all but five of those with 20 photos).
Strangers are photos of the labels left out, and photos of groceries. AUROC of "unknown" and, with 5 % of strangers
allowed, what passes: means over draws. "knn, votes alone" is the head as it would be if nearness did not count.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import catalens
from catalens import settings
from catalens.learning.classifier import threshold_passed_by
from catalens.learning.heads import fit, unseen_label_scores
from catalens.tasks.embed import embed_photos
from catalens.tasks.heads import HeadKind
from catalens.types import FloatArray

HEADS: tuple[HeadKind, ...] = ("softmax", "knn", "lda")
REJECT, ENOUGH, LEARNED = 0.05, 20, 0.7
"""Share of strangers allowed; photos that a label has at least; share of them that is learned."""
Photos = tuple[FloatArray, np.ndarray]
"""Vectors and labels."""


def embedded(table: Path, label: str) -> Photos:
    with table.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = embed_photos([table.parent / row["image"] for row in rows], catalens.encoder())
    return found.vectors, np.array([rows[row][label] for row in found.rows])


def clothing(data: Path, draws: int) -> Iterator[tuple[Photos, FloatArray, FloatArray]]:
    """What is learned, photos of the same labels, and photos of others, for each draw."""
    vectors, labels = embedded(data / "clothing" / "train.csv", "category")
    new, wanted = embedded(data / "clothing" / "validation.csv", "category")
    for seed in range(draws):
        out = np.random.default_rng(seed).choice(sorted(set(labels)), 2, replace=False)
        known = ~np.isin(labels, out)
        yield (vectors[known], labels[known]), new[~np.isin(wanted, out)], new[np.isin(wanted, out)]


def fashion(data: Path, draws: int) -> Iterator[tuple[Photos, FloatArray, FloatArray]]:
    vectors, labels = embedded(data / "fashion-products" / "products.csv", "category")
    often = sorted(name for name, count in Counter(labels.tolist()).items() if count >= ENOUGH)
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        out = rng.choice(often, 5, replace=False)
        own = np.isin(labels, often) & ~np.isin(labels, out)
        learned = own & (rng.random(len(labels)) < LEARNED)
        yield (vectors[learned], labels[learned]), vectors[own & ~learned], vectors[np.isin(labels, out)]


def measured(learned: Photos, own: FloatArray, others: dict[str, FloatArray], seed: int) -> Iterator[list[object]]:
    """Rows of a head, whose photos are asked, AUROC, share of its own and of these that pass."""
    vectors, labels = learned
    classes = sorted(set(labels.tolist()))
    targets = labels[:, None] == np.array(classes)
    for kind in HEADS:
        fitted = fit(vectors, targets, classes, kind=kind, seed=seed)
        strange = unseen_label_scores(vectors, targets, fitted, kind=kind, seed=seed)
        threshold = threshold_passed_by(strange[~np.isnan(strange)], REJECT)
        sure = {
            name: fitted.head.probabilities(asked).max(1) * fitted.head.nearness(asked)
            for name, asked in {"own": own, **others}.items()
        }
        votes = {name: fitted.head.probabilities(asked).max(1) for name, asked in {"own": own, **others}.items()}
        for name in others:
            yield [kind, name, auroc(sure, name), (sure["own"] >= threshold).mean(), (sure[name] >= threshold).mean()]
            if kind == "knn":
                yield ["knn, votes alone", name, auroc(votes, name)]


def auroc(sure: dict[str, FloatArray], name: str) -> float:
    right = np.repeat([1, 0], [len(sure["own"]), len(sure[name])])
    return float(roc_auc_score(right, np.concatenate([sure["own"], sure[name]])))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=8)
    given = parser.parse_args()
    data = settings.data_folder()
    grocery, _ = embedded(data / "grocery" / "val.csv", "product")
    result: dict[str, object] = {"benchmark": "unknown", "draws": given.draws}
    for name, draws in (("clothing", clothing(data, given.draws)), ("fashion-products", fashion(data, given.draws))):
        rows: dict[tuple[str, str], list[list[float]]] = {}
        for seed, (learned, own, out) in enumerate(draws):
            for head, asked, *figures in measured(learned, own, {"left out": out, "groceries": grocery}, seed):
                rows.setdefault((str(head), str(asked)), []).append([float(str(one)) for one in figures])
        for (head, asked), values in rows.items():
            mean = np.mean(values, 0)
            passing = f", own that pass {mean[1]:.2f}, strangers that pass {mean[2]:.3f}" if len(mean) > 1 else ""
            print(f"{name:18} {head:18} {asked:10} AUROC {mean[0]:.3f}{passing}", flush=True)
            result[f"{name}, {head}, {asked}"] = np.round(mean, 4).tolist()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
