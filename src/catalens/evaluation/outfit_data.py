"""Readers of outfit datasets: Polyvore Outfits, Shop the Look, and tables.

A table has one row an item: `outfit` (its outfit), `image`, `kind` (classified from the picture where empty).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from catalens import features
from catalens.errors import CatalensError, FeedError, NotFoundError, UsageError
from catalens.evaluation.outfits import Rows, Trial, Wardrobe, sample_trial
from catalens.images.read import read_image
from catalens.json_text import parse_json
from catalens.styling.pieces import class_named
from catalens.tasks.embed import Encoder
from catalens.tasks.outfit import KINDS, MOST, kinds_of
from catalens.taxonomy import rules
from catalens.types import Failure, FloatArray, Progress, Where

Split: TypeAlias = Literal["disjoint", "nondisjoint"]

HELD_OUT = 5
"""Every fifth outfit of a table is held out for testing."""
TOGETHER = 32


@dataclass(frozen=True)
class Thing:
    """An item of an outfit: its kind ("" where unknown) and its picture."""

    kind: str
    picture: Path


@dataclass(frozen=True)
class OutfitData:
    """Outfits as lists of item names: a training part, and a test part.

    Args:
        asked: (names, 1 if compatible else 0); questions: (names of the outfit, names of the choices, index of the
            right one). Where both are empty, they are sampled from the outfits of `held_out`.
    """

    things: Mapping[str, Thing]
    learned: Sequence[Sequence[str]]
    held_out: Sequence[Sequence[str]]
    asked: Sequence[tuple[Sequence[str], int]] = ()
    questions: Sequence[tuple[Sequence[str], Sequence[str], int]] = ()


def read_outfit_data(data: Path, *, split: Split = "disjoint") -> OutfitData:
    """Read a folder of Polyvore Outfits, or a table; the content decides which.

    Raises:
        NotFoundError: nothing is there, or a file of it is missing.
        FeedError: a file is not what its name says.
    """
    if (data / "polyvore_item_metadata.json").is_file():
        return read_polyvore(data, split=split)
    if data.is_file() and data.suffix.lower() == ".csv":
        return read_outfit_table(data)
    raise NotFoundError(
        f"no outfits at {data}",
        cure="give a folder of Polyvore Outfits (polyvore_item_metadata.json, images/, disjoint/), or a CSV table with "
        "the columns outfit, image, kind",
    )


def read_polyvore(folder: Path, *, split: Split) -> OutfitData:
    """Polyvore Outfits (Vasileva et al. 2018), as it is published.

    Args:
        split: "disjoint": no thing of the test is in an outfit that is learned from; "nondisjoint".
    """
    if split not in ("disjoint", "nondisjoint"):
        raise UsageError(f"no split {split!r}", cure="take disjoint or nondisjoint")
    meta: dict[str, dict[str, Any]] = _json(folder / "polyvore_item_metadata.json", dict)
    fine = _categories(folder / "categories.csv")
    things = {
        name: Thing(kind, folder / "images" / f"{name}.jpg")
        for name, said in meta.items()
        if (kind := _polyvore_kind(said, fine)) is not None
    }
    test = _json(folder / split / "test.json", list)
    names = {f"{one['set_id']}_{item['index']}": str(item["item_id"]) for one in test for item in one["items"]}
    asked = []
    lines = _text(folder / split / "compatibility_test.txt").splitlines()
    for number, line in enumerate(lines, start=1):
        truth, *tokens = line.split() or ["", ""]
        if truth not in ("0", "1"):
            raise FeedError(
                f"{folder / split / 'compatibility_test.txt'}:{number}: {truth!r} for the truth",
                cure="0 or 1 is expected",
            )
        asked.append(([names[token] for token in tokens if token in names], int(truth)))
    questions = []
    for question in _json(folder / split / "fill_in_blank_test.json", list):
        there = [names[token] for token in question["question"] if token in names]
        owner = question["question"][0].rpartition("_")[0]
        right = [token.rpartition("_")[0] == owner for token in question["answers"]]
        offered = [names.get(token, "") for token in question["answers"]]
        if sum(right) == 1 and all(name in things for name in offered):
            questions.append((there, offered, right.index(True)))
    learned = [[str(item["item_id"]) for item in one["items"]] for one in _json(folder / split / "train.json", list)]
    held_out = [[str(item["item_id"]) for item in one["items"]] for one in test]
    return OutfitData(things, learned, held_out, asked, questions)


def read_outfit_table(path: Path) -> OutfitData:
    """Read a table of outfits; every fifth outfit, in the order of names, is held out."""
    things: dict[str, Thing] = {}
    outfits: dict[str, list[str]] = {}
    with path.open(newline="", encoding="utf-8-sig") as lines:
        table = csv.DictReader(lines)
        lacking = {"outfit", "image"} - set(table.fieldnames or ())
        if lacking:
            raise FeedError(f"{path} has no column {sorted(lacking)[0]!r}", cure="columns are outfit, image, kind")
        for row in table:
            kind = (row.get("kind") or "").strip().lower()
            if kind and (kind := kind if kind in KINDS else class_named(kind) or "?") == "?":
                raise FeedError(
                    f"{path}:{table.line_num}: no kind {row['kind']!r}", cure=f"take one of {', '.join(KINDS)}, or none"
                )
            things[row["image"]] = Thing(kind, path.parent / row["image"])
            outfits.setdefault(row["outfit"], []).append(row["image"])
    names = sorted(outfits)
    return OutfitData(
        things, [outfits[name] for place, name in enumerate(names) if place % HELD_OUT],
        [outfits[name] for place, name in enumerate(names) if not place % HELD_OUT],
    )  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """Embedded items: training outfits, held-out outfits, test questions, failures."""

    learned: Wardrobe
    held_out: Wardrobe
    trial: Trial
    failed: tuple[Failure, ...]


def prepare(
    data: OutfitData, *, encoder: Encoder, learn: bool, seed: int = 0, progress: Progress | None = None
) -> Prepared:
    """Embed the items of a dataset.

    Args:
        learn: whether outfits to learn from are needed, too.

    Raises:
        UsageError: no outfit of two things or more is left to measure on.
    """
    wanted = dict.fromkeys(
        name
        for group in (
            data.held_out, (names for names, _ in data.asked),
            ([*there, *offered] for there, offered, _ in data.questions),
            data.learned if learn else (),
        )
        for names in group
        for name in names
        if name in data.things
    )  # fmt: skip
    rows, kinds, vectors, colors, failed = _embedded(data, list(wanted), encoder, progress)

    def outfit(names: Sequence[str]) -> Rows:
        """Things that were read, one of each kind."""
        by_kind = {int(kinds[rows[name]]): rows[name] for name in reversed(names) if name in rows}
        return np.array(list(by_kind.values())[:MOST], np.int64)

    def whole(some: Sequence[Sequence[str]]) -> list[Rows]:
        return [found for names in some if len(found := outfit(names)) > 1]

    held_out = Wardrobe(kinds, vectors, colors, whole(data.held_out))
    learned = Wardrobe(kinds, vectors, colors, whole(data.learned) if learn else [])
    if data.asked or data.questions:
        asked = [(found, truth) for names, truth in data.asked if len(found := outfit(names)) > 1]
        questions = [
            ([outfit([name, *there]) for name in offered], right)
            for there, offered, right in data.questions
            if all(name in rows for name in offered) and any(name in rows for name in there)
        ]
        trial = Trial([found for found, _ in asked], [truth for _, truth in asked], questions)
    else:
        trial = sample_trial(held_out, seed=seed)
    if not trial.outfits and not trial.questions:
        raise UsageError("no outfit of two things is left to measure on", cure="check that its pictures can be read")
    return Prepared(learned, held_out, trial, failed)


def _embedded(
    data: OutfitData, names: Sequence[str], encoder: Encoder, progress: Progress | None
) -> tuple[dict[str, int], Rows, FloatArray, FloatArray, tuple[Failure, ...]]:
    """Row of each readable item; kinds (N,), vectors (N, 1, D), colors (N, 1, 448)."""
    rows: dict[str, int] = {}
    kinds: list[str] = []
    vectors, colors = [np.empty((0, encoder.dim), np.float32)], [np.empty((0, features.DIMS["color"]), np.float32)]
    failed: list[Failure] = []
    for start in range(0, len(names), TOGETHER):
        images = []
        for name in names[start : start + TOGETHER]:
            try:
                images.append(read_image(data.things[name].picture, target=512))
            except CatalensError as error:
                cure = "put the picture there, or leave the thing out"
                failed.append(Failure(Where(str(data.things[name].picture)), name, str(error), cure))
                continue
            rows[name] = len(kinds)
            kinds.append(data.things[name].kind)
        if images:
            vectors.append(encoder.encode_images(images))
            colors.append(np.stack([features.describe(image)["color"] for image in images]).astype(np.float32))
        if progress is not None:
            progress(min(start + TOGETHER, len(names)), len(names), "embedding things")
    all_vectors = np.concatenate(vectors)
    silent = [row for row, kind in enumerate(kinds) if not kind]
    for row, kind in zip(silent, kinds_of(all_vectors[silent], encoder), strict=True):
        kinds[row] = kind
    codes = np.array([KINDS.index(kind) for kind in kinds], np.int64)
    return rows, codes, all_vectors[:, None], np.concatenate(colors)[:, None], tuple(failed)


@dataclass(frozen=True)
class SceneProduct:
    """A product in a scene: its picture and category, the scene, its box there (xyxy, 0..1)."""

    scene: Path
    product: Path
    category: str
    box: tuple[float, float, float, float]


def read_shop_the_look(folder: Path, *, domain: str = "home") -> list[SceneProduct]:
    """Shop the Look (Kang et al., Complete the Look, 2019): `home.json` and `home-cat.json`, pictures in `images/`.

    Raises:
        NotFoundError: a file is missing; FeedError: it is not what its name says.
    """
    categories: dict[str, str] = _json(folder / f"{domain}-cat.json", dict)
    found = []
    for number, line in enumerate(_text(folder / f"{domain}.json").splitlines(), start=1):
        try:
            row = parse_json(line)
            left, top, right, bottom = (float(side) for side in row["bbox"])
            product, scene = str(row["product"]), str(row["scene"])
        except (ValueError, KeyError, TypeError) as error:
            raise FeedError(
                f"{folder / f'{domain}.json'}:{number}: {error}",
                cure='a line is {"product": "", "scene": "", "bbox": []}',
            ) from None
        images = folder / "images"
        found.append(
            SceneProduct(
                images / f"{scene}.jpg", images / f"{product}.jpg", str(categories.get(product, "")),
                (left, top, right, bottom),
            )
        )  # fmt: skip
    return found


def _polyvore_kind(said: Mapping[str, Any], fine: Mapping[str, str]) -> str | None:
    semantic = str(said.get("semantic_category", ""))
    fine_class = class_named(fine.get(str(said.get("category_id", "")), ""))
    by_fine: Mapping[str, str] = rules()["datasets"]["polyvore_by_fine"]
    known: Mapping[str, str] = rules()["datasets"]["polyvore"]
    return (fine_class or by_fine[semantic] or None) if semantic in by_fine else known.get(semantic)


def _categories(path: Path) -> dict[str, str]:
    """Id -> name of `categories.csv`: id, name, kind in each line, without a header."""
    return {row[0]: row[1] for row in csv.reader(_text(path).splitlines()) if len(row) > 1}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"no file {path}", cure="give the whole data set, unpacked") from None
    except UnicodeDecodeError:
        raise FeedError(f"{path} is no text in UTF-8", cure="give the file as it was published") from None


def _json(path: Path, kind: type) -> Any:
    try:
        found = parse_json(_text(path))
    except ValueError as error:
        raise FeedError(f"{path} is no JSON: {error}", cure="give the file as it was published") from None
    if not isinstance(found, kind):
        raise FeedError(f"{path} holds {type(found).__name__}", cure=f"{kind.__name__} is expected")
    return found
