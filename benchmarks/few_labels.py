"""Few labels on real photos: does choosing them pay, does fine-tuning, and which head makes the most of them?

    python benchmarks/few_labels.py active [--seeds 10]
    python benchmarks/few_labels.py finetune [--minutes 3] [--per-label 50]
    python benchmarks/few_labels.py heads [--seeds 10]

`clothing` is what the bundled encoder learned from, labels included: its figures there flatter. `fashion-products` it
never saw (evaluation only).
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from catalens import settings
from catalens.evaluation.intervals import bootstrap_mean
from catalens.learning.active import STRATEGIES, choose
from catalens.learning.finetune import finetune
from catalens.learning.heads import fit, fit_head
from catalens.learning.labelled import LabelledPhotos
from catalens.tasks.embed import encoder
from catalens.tasks.heads import HeadKind

Table = tuple[list[Path], list[str]]
EACH, ROUNDS = 20, 12
"""Labels to a round, and rounds, of active learning."""
HEADS: tuple[HeadKind, ...] = ("softmax", "knn", "lda")
SIZES = (5, 10, 20)
"""Photos of each label, that heads learn from."""


def table(folder: Path, name: str) -> Table:
    with (folder / name).open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return [folder / row["image"] for row in rows], [row["category"] for row in rows]


def clothing(data: Path) -> tuple[Table, Table]:
    """Its own split."""
    return table(data / "clothing", "train.csv"), table(data / "clothing", "validation.csv")


def fashion(data: Path, *, least: int) -> tuple[Table, Table]:
    """Two thirds to learn from and one to test on, of categories with at least so many photos."""
    photos, labels = table(data / "fashion-products", "products.csv")
    counts = Counter(labels)
    rows = np.random.default_rng(0).permutation([row for row, name in enumerate(labels) if counts[name] >= least])
    cut = len(rows) * 2 // 3
    parts = [([photos[row] for row in part], [labels[row] for row in part]) for part in (rows[:cut], rows[cut:])]
    return parts[0], parts[1]


def needed(curve: Sequence[float], target: float, start: int) -> float | None:
    """Labels until the curve first reaches the target, between rounds on a straight line; None if it does not."""
    for place, (before, after) in enumerate(pairwise(curve)):
        if after >= target:
            return round(start + EACH * (place + (target - before) / max(after - before, 1e-9)), 1)
    return None


def active(name: str, train: Table, test: Table, *, seeds: int) -> None:
    """Accuracy by labels for each strategy; labels needed for what random choice reaches after two thirds of them."""
    network = encoder()
    vectors, asked = network.encode_images(train[0]), network.encode_images(test[0])
    classes = sorted(set(train[1]))
    truth = np.array([classes.index(label) for label in train[1]])
    wanted = np.array([classes.index(label) if label in classes else -1 for label in test[1]])
    one_hot = np.eye(len(classes), dtype=np.bool_)
    curves: dict[str, list[list[float]]] = {}
    for strategy in ("random", *STRATEGIES):
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            known = [int(rng.choice(np.flatnonzero(truth == label))) for label in range(len(classes))]
            curve = []
            for _ in range(ROUNDS + 1):
                head = fit(vectors[known], one_hot[truth[known]], classes, kind="softmax", grid={"C": (10.0,)}).head
                curve.append(float((head.probabilities(asked).argmax(1) == wanted).mean()))
                rest = np.setdiff1d(np.arange(len(vectors)), known)
                if strategy == "random":
                    known += rng.choice(rest, EACH, replace=False).tolist()
                else:
                    kind = next(one for one in STRATEGIES if one == strategy)
                    likely = head.probabilities(vectors[rest])
                    picked = choose(vectors[rest], likely, count=EACH, strategy=kind, covered=vectors[known])
                    known += rest[picked].tolist()
            curves.setdefault(strategy, []).append(curve)
    means = {strategy: np.mean(all_of_it, axis=0).tolist() for strategy, all_of_it in curves.items()}
    target = means["random"][ROUNDS * 2 // 3]
    for strategy, all_of_it in curves.items():
        gains = np.mean(np.array(all_of_it) - np.array(curves["random"]), axis=1)
        figure = {
            "set": name, "photos": len(vectors), "labels": len(classes), "test": len(asked), "seeds": seeds,
            "strategy": strategy, "accuracy_by_round": [round(value, 3) for value in means[strategy]],
            "mean_gain_over_random": bootstrap_mean(gains).to_dict(), "target": round(target, 3),
            "labels_to_target": needed(means[strategy], target, len(classes)),
        }  # fmt: skip
        print(json.dumps(figure), flush=True)


def drawn(labels: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Rows of so many photos of each label, at random."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == one))[:count] for one in np.unique(labels)])


def heads(name: str, train: Table, test: Table, *, seeds: int) -> None:
    """Accuracy of each head by photos of a label, beside softmax on the same photos."""
    network = encoder()
    vectors, asked = network.encode_images(train[0]), network.encode_images(test[0])
    labels, truth = np.array(train[1]), np.array(test[1])
    for size in SIZES:
        draws = [drawn(labels, size, seed=seed) for seed in range(seeds)]
        rights: dict[HeadKind, list[float]] = {}
        for kind in HEADS:
            for rows in draws:
                head = fit_head(vectors[rows], labels[rows].tolist(), kind=kind)
                said = np.array(head.classes)[head.probabilities(asked).argmax(1)]
                rights.setdefault(kind, []).append(float((said == truth).mean()))
        for kind, right in rights.items():
            figure = {
                "set": name, "labels": len(np.unique(labels)), "per_label": size, "test": len(truth), "seeds": seeds,
                "head": kind, "accuracy": round(float(np.mean(right)), 4),
            }  # fmt: skip
            if kind != "softmax":
                figure["more_than_softmax"] = bootstrap_mean(np.array(right) - np.array(rights["softmax"])).to_dict()
            print(json.dumps(figure), flush=True)


def tuned(name: str, train: Table, test: Table, *, per_label: int, minutes: float, seed: int) -> None:
    """The softmax head on frozen vectors and on those of the fine-tuned encoder, same photos."""
    rows = drawn(np.array(train[1]), per_label, seed=seed)
    photos = LabelledPhotos(tuple(train[0][row] for row in rows), tuple((train[1][row],) for row in rows))
    with tempfile.TemporaryDirectory() as folder:
        out = finetune(photos, out=Path(folder) / "tuned", minutes=minutes, seed=seed)
        for label, network in (("frozen", encoder()), ("fine-tuned", encoder(str(out)))):
            head = fit_head(network.encode_images(photos.paths), photos.labels, kind="softmax")
            said = np.array(head.classes)[head.probabilities(network.encode_images(test[0])).argmax(1)]
            accuracy = bootstrap_mean(said == np.array(test[1])).to_dict()
            print(json.dumps({"set": name, "encoder": label, "photos": len(photos), "accuracy": accuracy}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("active", "finetune", "heads"))
    parser.add_argument("--data", type=Path, default=settings.data_folder())
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--per-label", type=int, default=50)
    given = parser.parse_args()
    if given.what == "active":
        active("clothing", *clothing(given.data), seeds=given.seeds)
        active("fashion-products", *fashion(given.data, least=15), seeds=given.seeds)
        return
    if given.what == "heads":
        heads("fashion-products", *fashion(given.data, least=40), seeds=given.seeds)
        heads("clothing", *clothing(given.data), seeds=given.seeds)
        return
    sets = {"fashion-products": fashion(given.data, least=75), "clothing": clothing(given.data)}
    for name, (train, test) in sets.items():
        tuned(name, train, test, per_label=given.per_label, minutes=given.minutes, seed=given.seed)


if __name__ == "__main__":
    main()
