"""How good is the bundled encoder on real photos that it never learned from?

    python benchmarks/encoder.py [--encoder NAME] [--beside NAME ...] [--write-card FOLDER]

Side by side with other encoders, with raw 16x16 pixels and with color + texture + shape. Every figure is a mean over
queries with its 95 % bootstrap interval. Before any of them, near-duplicates between the training photos and the
queries are counted.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

from catalens import settings
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.features import describe
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.models.card import FILE
from catalens.tasks.embed import Encoder, encoder
from catalens.types import FloatArray, ImageArray
from recipes.nearest import nearest_is_correct

Describe = Callable[[Sequence[Path]], FloatArray]
Row = dict[str, str]
WORDS_AT = 10
NEAR = 3
"""Bits of 64 in which two difference hashes may differ for the pictures to count as the same."""


def rows(folder: Path, name: str) -> list[Row]:
    with (folder / name).open(newline="", encoding="utf-8") as lines:
        return [{**row, "path": str(folder / row["image"])} for row in csv.DictReader(lines)]


def paths(table: Sequence[Row]) -> list[Path]:
    return [Path(row["path"]) for row in table]


def units(vectors: Sequence[FloatArray]) -> FloatArray:
    stacked = np.stack(vectors).astype(np.float32)
    return np.asarray(stacked / np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-9), np.float32)


def raw_pixels(pictures: Sequence[Path]) -> FloatArray:
    return units([resize(read_image(p), (16, 16)).astype(np.float32).ravel() - 127.5 for p in pictures])


def handmade(pictures: Sequence[Path]) -> FloatArray:
    return units([np.concatenate(list(describe(read_image(p)).values())) for p in pictures])


def clothing(data: Path, embed: Describe, *, without: Sequence[int] = ()) -> Estimate:
    train, queries = rows(data / "clothing", "train.csv"), rows(data / "clothing", "validation.csv")
    right = nearest_is_correct(
        embed(paths(queries)), [q["category"] for q in queries], embed(paths(train)), [t["category"] for t in train]
    )
    return bootstrap_mean(np.delete(right, list(without)))


def grocery(data: Path, embed: Describe) -> tuple[Estimate, Estimate]:
    """Photo -> a photo of the same product; photo -> the product's own shop picture."""
    train, queries = rows(data / "grocery", "train.csv"), rows(data / "grocery", "val.csv")
    shop = rows(data / "grocery", "products.csv")
    asked, wanted = embed(paths(queries)), [q["product_id"] for q in queries]
    among = nearest_is_correct(asked, wanted, embed(paths(train)), [t["product_id"] for t in train])
    own = nearest_is_correct(asked, wanted, embed(paths(shop)), [s["id"] for s in shop])
    return bootstrap_mean(among), bootstrap_mean(own)


def magento(data: Path, embed: Describe) -> Estimate:
    """A view of a product -> another view of the same product and color, by file name: `mh01-black_main.jpg`."""
    pictures = sorted((data / "magento" / "media").rglob("*.jpg"))
    labels = [path.stem.partition("_")[0] for path in pictures]
    several = [row for row, label in enumerate(labels) if labels.count(label) > 1]
    vectors = embed([pictures[row] for row in several])
    names = [labels[row] for row in several]
    return bootstrap_mean(nearest_is_correct(vectors, names, vectors, names, left_out=range(len(names))))


def fashion(data: Path, embed: Describe) -> Estimate:
    table = rows(data / "fashion-products", "products.csv")
    vectors, names = embed(paths(table)), [row["category"] for row in table]
    return bootstrap_mean(nearest_is_correct(vectors, names, vectors, names, left_out=range(len(names))))


def probe(embed: Describe, train: Sequence[Row], queries: Sequence[Row], label: str) -> Estimate:
    """Accuracy of a linear head on frozen vectors; its C is chosen on a fifth of the training photos."""
    known, asked = embed(paths(train)), embed(paths(queries))
    names, wanted = np.array([row[label] for row in train]), np.array([row[label] for row in queries])
    part = StratifiedShuffleSplit(1, test_size=0.2, random_state=0)
    search = GridSearchCV(LogisticRegression(max_iter=2000), {"C": [1.0, 3.0, 10.0, 30.0, 100.0, 300.0]}, cv=part)
    return bootstrap_mean(search.fit(known, names).predict(asked) == wanted)


def clothing_probe(data: Path, embed: Describe) -> Estimate:
    train, queries = rows(data / "clothing", "train.csv"), rows(data / "clothing", "validation.csv")
    return probe(embed, train, queries, "category")


def grocery_probe(data: Path, embed: Describe) -> Estimate:
    train, queries = rows(data / "grocery", "train.csv"), rows(data / "grocery", "val.csv")
    return probe(embed, train, queries, "product_id")


def words(data: Path, network: Encoder) -> Estimate:
    """Of the ten pictures nearest to "color category", how many are both; over pairs that ten pictures or more show."""
    table = rows(data / "fashion-products", "products.csv")
    shown = Counter((row["colour"], row["category"]) for row in table)
    pairs = sorted(pair for pair, count in shown.items() if count >= WORDS_AT)
    pictures = network.encode_images(paths(table))
    asked = network.encode_texts([" ".join(pair).lower() for pair in pairs])
    nearest = np.argsort(-(asked @ pictures.T), axis=1)[:, :WORDS_AT]
    right = [
        [(table[row]["colour"], table[row]["category"]) == pair for row in found.tolist()]
        for pair, found in zip(pairs, nearest, strict=True)
    ]
    return bootstrap_mean(np.mean(right, axis=1))


def difference_hash(image: ImageArray) -> int:
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return int("".join("1" if bit else "0" for bit in (grey[:, 1:] > grey[:, :-1]).ravel()), 2)


def near_duplicates(data: Path) -> dict[str, list[int]]:
    """Rows of the queries whose difference hash comes within a few bits of a training photo's, by set."""
    found = {}
    for name, train, queries in (("clothing", "train.csv", "validation.csv"), ("grocery", "train.csv", "val.csv")):
        known = [difference_hash(read_image(p)) for p in paths(rows(data / name, train))]
        asked = [difference_hash(read_image(p)) for p in paths(rows(data / name, queries))]
        found[name] = [row for row, a in enumerate(asked) if any((a ^ k).bit_count() <= NEAR for k in known)]
    return found


def measure(data: Path, embed: Describe) -> dict[str, Estimate]:
    same, own = grocery(data, embed)
    return {
        "clothing category 1-NN": clothing(data, embed),
        "clothing category linear probe": clothing_probe(data, embed),
        "grocery product 1-NN": same,
        "grocery photo -> shop picture R@1": own,
        "grocery product linear probe": grocery_probe(data, embed),
        "magento view -> other view R@1": magento(data, embed),
        "fashion-products category 1-NN": fashion(data, embed),
    }


def write_scores(card: Path, scores: dict[str, Estimate]) -> None:
    """Put the figures into a card, in place of those it has."""
    kept = card.read_text("utf-8").partition("\n[[scores]]")[0].rstrip("\n")
    blocks = [
        f'\n[[scores]]\nname = "{name}"\nvalue = {s.value:.4f}\nn = {s.n}\ninterval = [{s.low:.4f}, {s.high:.4f}]'
        for name, s in scores.items()
    ]
    card.write_text("\n".join([kept, *blocks]) + "\n", "utf-8")


def measure_encoder(data: Path, network: Encoder) -> dict[str, Estimate]:
    known: dict[Path, FloatArray] = {}

    def embed(pictures: Sequence[Path]) -> FloatArray:
        new = [path for path in pictures if path not in known]
        known.update(zip(new, network.encode_images(new), strict=True))
        return np.stack([known[path] for path in pictures])

    scores = measure(data, embed)
    if network.has_text:
        scores["fashion-products words -> picture P@10"] = words(data, network)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--encoder", default=None)
    parser.add_argument("--beside", nargs="*", default=[], help="other encoders, such as the same before quantising")
    parser.add_argument("--plain", action="store_true", help="leave out what needs no network")
    parser.add_argument("--write-card", type=Path, default=None, help="folder of the card that takes the scores")
    given = parser.parse_args()
    data, network = settings.data_folder(), encoder(given.encoder)
    duplicates = near_duplicates(data)
    print(f"queries that look like a training photo, by row: {duplicates}")
    distinct = clothing(data, network.encode_images, without=duplicates["clothing"])
    print(f"clothing category 1-NN of {network.name} without those: {distinct}\n")
    others = [encoder(name) for name in given.beside]
    table = {one.name: measure_encoder(data, one) for one in (network, *others)}
    if not given.plain:
        table["color + texture + shape"] = measure(data, handmade)
        table["raw 16x16 pixels"] = measure(data, raw_pixels)
    for name, scores in table.items():
        print(name)
        for score, estimate in scores.items():
            print(f"  {score:<40} {estimate}")
    if given.write_card is not None:
        write_scores(given.write_card / FILE, table[network.name])
    result = {name: {score: e.to_dict() for score, e in scores.items()} for name, scores in table.items()}
    print(json.dumps({"benchmark": "encoder", "near_duplicates": duplicates, **result}))


if __name__ == "__main__":
    main()
