"""Recipe: the classifier that names boxes, from the encoder's vectors and what two detectors say.

    python -m recipes.namer --out runs/namer

Photos of single products: demo shops, rendered and scanned goods, clothes, shop pictures of groceries. Half of the
products are kept aside (`is_held_out`), and measured at the end. The label is the first of `CLASSES` that a product's
title means; all others are "product". Multinomial logistic regression (L-BFGS).
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from catalens.errors import ImageError
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.features.foreground import border_uniformity, foreground_guess
from catalens.geometry import mask_to_box
from catalens.images.read import read_image
from catalens.learning.networks.export import score_rows, write_card
from catalens.models.card import Card
from catalens.models.zoo import DEFAULT_DETECTOR, DEFAULT_ENCODER, NAMER, THINGS, find_card
from catalens.progress import progress_bar
from catalens.tasks.embed import encoder
from catalens.tasks.ensemble import SEEN
from catalens.tasks.naming import NAMED_FROM, evidence_of
from catalens.tasks.things import ThingFinder
from catalens.tasks.two_stage import TwoStageDetector
from catalens.taxonomy import Kind, find, named
from catalens.types import FloatArray
from recipes.recipe import RecipeParser, as_command, say_held_out

SHOPS = ("spree", "eshop", "contoso", "saleor", "solidus", "boutique")
VIEWS = {"models3d": "0345", "scans3d": "04"}
CLASSES = (
    "top", "outerwear", "dress", "skirt", "trousers", "shorts", "shoes", "boots", "bag", "hat", "glasses", "scarf",
    "belt", "legwear", "watch", "sofa", "chair", "stool", "table", "bed", "lamp", "plant", "cup", "bowl",
    "bottle", "vase", "pillow", "book", "television", "laptop", "smartphone", "toaster", "clock", "fruit", "vegetable",
    "jewelry", "ball",
)  # fmt: skip
WIDE = ("furniture", "beauty")
"""Groups of the taxonomy that are a class for what has none of its own."""
FEWEST = 4
"""Pictures that a class needs."""
SCALE_SEEN, SCALE_SAID = 8.0, 3.0
"""By which the encoder's numbers and the detectors' scores are multiplied before the penalty; chosen by five folds."""
PENALTY, ROUNDS, OPSET = 1e-3, 80, 17
FOLDS, WANTED, SEEN_AT_LEAST = 5, 0.85, 4
"""Folds by product; precision that names are to have; pictures from which it is believed."""
STEPS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
"""Probabilities that are tried as the least of a class."""
PLAIN = 0.9
"""Evenness of the border from which a picture's product is what differs from it; else the whole picture is taken."""


@dataclass(frozen=True)
class Row:
    """A picture of one product. box: xyxy, or None where it is not known."""

    source: str
    product: str
    image: Path
    title: str
    box: FloatArray | None

    @property
    def is_held_out(self) -> bool:
        """Half of the products, by their ids; of the clothes the validation photos."""
        if self.source == "clothing":
            return self.image.parts[-3] == "validation"
        return (
            self.source not in ("retail", "grocery")
            and int(hashlib.sha1(self.product.encode()).hexdigest(), 16) % 2 == 1
        )


def rows_of(data: Path) -> Iterator[Row]:
    """The pictures, those held out included."""
    for source in (*SHOPS, *VIEWS):
        for one in table(data / source / "photos.csv"):
            if one["view"] in VIEWS[source] if source in VIEWS else True:
                box = np.array(one["box"].split(","), np.float32) if one.get("box") else None
                yield Row(source, one["product_id"], data / source / one["image"], one["title"], box)
    for one in table(data / "clothing-more" / "photos.csv")[::4]:
        if one["category"]:
            yield Row("clothing-more", one["item_id"], data / "clothing-more" / one["image"], one["category"], None)
    for name, step in (("train", 8), ("validation", 2)):
        for one in table(data / "clothing" / f"{name}.csv")[::step]:
            yield Row("clothing", one["id"], data / "clothing" / one["image"], one["category"], None)
    for one in table(data / "retail" / "products.csv"):
        yield Row("retail", one["id"], data / "retail" / one["image"], f"{one['title']}; {one['style']}", None)
    for one in table(data / "grocery" / "products.csv")[::2]:
        yield Row("grocery", one["id"], data / "grocery" / one["image"], one["category"], None)


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def class_of(title: str) -> str:
    """The class that a title means."""
    one = kind_of(title)
    if one is None:
        return "product"
    own = next((name for name in (one.detected, *one.lineage) if name in CLASSES), "")
    return own or (one.group if one.group in WIDE else "product")


def kind_of(title: str) -> Kind | None:
    """The kind that a title names, or the last that it mentions."""
    mentions = find(title)
    return named(title.split(";")[0]) or (mentions[-1].kind if mentions else None)


def evidence(rows: Sequence[Row], threads: int) -> tuple[FloatArray, list[Row]]:
    """(N, D) what the classifier sees of the pictures that can be read, and those."""
    things = ThingFinder(find_card(THINGS), threads=threads)
    garments = TwoStageDetector(find_card(DEFAULT_DETECTOR), threads=threads)
    seen = encoder(DEFAULT_ENCODER, threads=threads)
    heard = (things.labels, garments.labels)
    found, kept = [], []
    with progress_bar() as bar:
        for row in bar.track(rows, description="evidence"):
            try:
                image = read_image(row.image)
            except ImageError:
                continue
            whole = np.array([0, 0, image.shape[1], image.shape[0]], np.float32)
            box = row.box
            if box is None:
                box = mask_to_box(foreground_guess(image)) if border_uniformity(image) > PLAIN else whole
            others = (things(image, min_score=SEEN), garments(image))
            found.append(evidence_of(image, np.asarray(box, np.float32)[None], others, heard, seen)[0])
            kept.append(row)
    return np.stack(found), kept


def fit(
    vectors: FloatArray, labels: NDArray[np.int64], scale: FloatArray, *, count: int
) -> tuple[FloatArray, FloatArray]:
    """Weights (D, C) and biases (C,); rare classes weigh by the root of their number."""
    x, y = torch.from_numpy(vectors * scale), torch.from_numpy(labels)
    weights = torch.zeros(x.shape[1], count, requires_grad=True)
    bias = torch.zeros(count, requires_grad=True)
    each = torch.bincount(y, minlength=count).clamp(min=1).float() ** -0.5
    share = each[y] / each[y].mean()
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def step() -> float:
        optimizer.zero_grad()
        losses = torch.nn.functional.cross_entropy(x @ weights + bias, y, reduction="none")
        loss = (losses * share).mean() + PENALTY * (weights**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    optimizer.step(step)  # type: ignore[no-untyped-call]
    return weights.detach().numpy() * scale[:, None], bias.detach().numpy()


def exponents(likely: FloatArray, right: NDArray[np.bool_]) -> FloatArray:
    """(C,) powers of the probabilities: from `NAMED_FROM` on, `WANTED` of the names of each class are right.

    Args:
        likely: (N, C) of pictures whose products were not learned from; right: (N,) whether the likeliest is.
    """
    found = np.ones(likely.shape[1], np.float32)
    chosen, best = likely.argmax(1), likely.max(1)
    for column in range(1, likely.shape[1]):
        mine = chosen == column
        steps = [step for step in STEPS if (mine & (best >= step)).sum() >= SEEN_AT_LEAST]
        good = [step for step in steps if _lower(right[mine & (best >= step)]) >= WANTED]
        found[column] = np.log(NAMED_FROM) / np.log(good[0] if good else STEPS[-1])
    return found


def _lower(right: NDArray[np.bool_]) -> float:
    """A share that few pictures do not make certain (Laplace)."""
    return float(right.sum() + 1) / (len(right) + 2)


def softmax(logits: FloatArray) -> FloatArray:
    """(N, C) logits -> probabilities."""
    likely = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(likely / likely.sum(1, keepdims=True), np.float32)


def in_folds(vectors: FloatArray, labels: NDArray[np.int64], scale: FloatArray, rows: Sequence[Row]) -> FloatArray:
    """(N, C) probabilities of pictures by classifiers that did not learn from their products."""
    fold = np.array([int(hashlib.sha1(f"{row.product}x".encode()).hexdigest(), 16) % FOLDS for row in rows])
    found = np.zeros((len(rows), int(labels.max()) + 1), np.float32)
    for one in range(FOLDS):
        weights, bias = fit(vectors[fold != one], labels[fold != one], scale, count=found.shape[1])
        found[fold == one] = softmax(vectors[fold == one] @ weights + bias)
    return found


def network_of(weights: FloatArray, bias: FloatArray, powers: FloatArray) -> onnx.ModelProto:
    """Takes "evidence" (N, D), gives "likely" (N, C) probabilities, each to the power of its class."""
    dim, count = weights.shape
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["evidence", "weights", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["shares"], axis=1),
            helper.make_node("Pow", ["shares", "powers"], ["likely"]),
        ],
        "namer",
        [helper.make_tensor_value_info("evidence", TensorProto.FLOAT, ["n", dim])],
        [helper.make_tensor_value_info("likely", TensorProto.FLOAT, ["n", count])],
        [
            numpy_helper.from_array(weights.astype(np.float32), "weights"),
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(powers, "powers"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def measured(likely: FloatArray, rows: Sequence[Row], classes: Sequence[str]) -> dict[str, Estimate]:
    """Precision where a name is given, and the share of pictures that have one."""
    sure = (likely.max(1) >= NAMED_FROM) & (likely.argmax(1) > 0)
    chosen = likely.argmax(1).tolist()
    right = np.array([_is_right(classes[one], row.title) for one, row in zip(chosen, rows, strict=True)])
    found = {
        "precision of names": bootstrap_mean(right[sure].astype(float)),
        "named": bootstrap_mean(sure.astype(float)),
    }
    for source in sorted({row.source for row in rows}):
        mine = sure & np.array([row.source == source for row in rows])
        if mine.any():
            found[f"precision of names, {source}"] = bootstrap_mean(right[mine].astype(float))
    return found


def _is_right(name: str, title: str) -> bool:
    one = kind_of(title)
    return name == class_of(title) or (one is not None and name in one.lineage)


@as_command
def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from the command line."""
    parser = RecipeParser("namer", __doc__)
    parser.add_shared("--out", "--data", "--threads", "--seed")
    given = parser.read(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    cache = given.out / "evidence.npz"
    every = list(rows_of(given.data))
    if cache.exists():
        kept = np.load(cache)
        by_image = {str(one.image.relative_to(given.data)): one for one in every}
        vectors, rows = kept["vectors"], [by_image[name] for name in kept["images"].tolist()]
    else:
        vectors, rows = evidence(every, given.threads)
        np.savez(cache, vectors=vectors, images=[str(row.image.relative_to(given.data)) for row in rows])
    held = np.array([row.is_held_out for row in rows])
    names = [class_of(row.title) for row in rows]
    taught = [name for name, out in zip(names, held.tolist(), strict=True) if not out]
    classes = ("product", *(name for name in (*CLASSES, *WIDE) if taught.count(name) >= FEWEST))
    labels = np.array([classes.index(name) if name in classes else 0 for name in names], np.int64)
    seen = find_card(DEFAULT_ENCODER)
    scale = np.full(vectors.shape[1], SCALE_SAID, np.float32)
    scale[: seen.dim] = SCALE_SEEN
    own = [row for row, out in zip(rows, held.tolist(), strict=True) if not out]
    likely = in_folds(vectors[~held], labels[~held], scale, own)
    right = [_is_right(classes[one], row.title) for one, row in zip(likely.argmax(1).tolist(), own, strict=True)]
    unlike_clothes = np.array([row.source != "clothing" for row in own])  # which the encoder has by heart
    powers = exponents(likely[unlike_clothes], np.array(right)[unlike_clothes])
    weights, bias = fit(vectors[~held], labels[~held], scale, count=len(classes))
    path = given.out / "network.onnx"
    path.write_bytes(network_of(weights, bias, powers).SerializeToString())
    likely = softmax(vectors[held] @ weights + bias) ** powers
    scores = measured(likely, [row for row, out in zip(rows, held.tolist(), strict=True) if out], classes)
    say_held_out(scores)
    training = {
        "data": "products of demo shops (spree BSD-3, eshop, contoso MIT, saleor, solidus BSD-3, boutique Apache-2.0), "
        "rendered models of sweethome3d (CC0, CC BY) and scans (CC BY 4.0, MIT, Apache-2.0), clothing-dataset (CC0), "
        "AWS retail-demo-store (MIT-0), GroceryStoreDataset shop pictures (MIT); labels: titles, by the taxonomy",
        "start": f"evidence of {DEFAULT_ENCODER}, {THINGS} and {DEFAULT_DETECTOR}; zeros, no random numbers",
        **given.training(f"seconds on a processor, {int((~held).sum())} pictures"),
        "held out": f"half of the products of each source, {int(held.sum())} pictures",
    }
    write_card(
        Card(
            NAMER, "name", path, hashlib.sha256(path.read_bytes()).hexdigest(), seen.preprocess, vectors.shape[1],
            "Apache-2.0", int(weights.size + bias.size + powers.size), OPSET, "float32", training, score_rows(scores),
            classes=classes,
        )
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
