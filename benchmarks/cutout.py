"""How good are cut-outs, beside GrabCut and a model of the border's color?

    python benchmarks/cutout.py [--sheet sheet.png]
    python benchmarks/cutout.py --confidence    # how often a doubtful outline is wrong, and another one is not

On 200 composed pictures, whose things and backgrounds were never learned from, and on street photos whose masks were
never learned from. S-measure, IoU, mean error, F of the outline, and the time for a megapixel on one core: the ratio of
each way to GrabCut counts, not the milliseconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from catalens import settings
from catalens.evaluation.intervals import Estimate, bootstrap_mean
from catalens.features.foreground import foreground_guess
from catalens.images.draw import save_image
from catalens.images.matting import composite, foreground_colors
from catalens.images.prepare import resize
from catalens.images.read import read_image
from catalens.tasks.cutout import cutter
from catalens.tasks.outline import EVIDENCE, TRUSTED, evidence
from catalens.types import FloatArray, ImageArray
from recipes.cutout import RENDERED, composed_pictures
from recipes.matting_scores import boundary_f, iou, mean_error, s_measure
from recipes.objects import goods, people
from recipes.objects import rendered as drawn
from recipes.parts import masked_photos
from recipes.scenes import backgrounds

Cut = Callable[[ImageArray], FloatArray]
MEASURES = {"S-measure": s_measure, "IoU": iou, "mean error": mean_error, "boundary F": boundary_f}
STREET, SHOWN = 100, 40
GREEN = (40, 160, 70)
RIGHT, RIDGE = 0.9, 0.3
"""IoU from which an outline is right; how strongly weights of the confidence are held small."""


def grab_cut(image: ImageArray) -> FloatArray:
    """GrabCut (Rother et al. 2004) from a frame of a twentieth of the picture, which is taken for background."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    frame = (width // 20, height // 20, width - 2 * (width // 20), height - 2 * (height // 20))
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(image[..., ::-1]), mask, frame, np.zeros((1, 65)), np.zeros((1, 65)), 3,
        cv2.GC_INIT_WITH_RECT,
    )  # fmt: skip
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def border_color(image: ImageArray) -> FloatArray:
    return foreground_guess(image).astype(np.float32)


def measured(cut: Cut, pictures: list[tuple[ImageArray, FloatArray]]) -> dict[str, Estimate]:
    found = [cut(image) for image, _ in pictures]
    return {
        name: bootstrap_mean([measure(wanted, one) for (_, wanted), one in zip(pictures, found, strict=True)])
        for name, measure in MEASURES.items()
    }


def time_of(cut: Cut) -> float:
    """Seconds for a megapixel, the median of five."""
    rng = np.random.default_rng(0)
    image = resize(rng.integers(0, 255, (40, 40, 3), np.uint8), (1000, 1000))
    cut(image)
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        cut(image)
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))


def sheet(cut: Cut, pictures: list[tuple[ImageArray, FloatArray]]) -> ImageArray:
    """Pictures and their cut-outs on green, eight to a row."""
    tiles = []
    for image, _ in pictures:
        alpha = cut(image)
        green = np.full_like(image, GREEN)
        laid = composite(foreground_colors(image, alpha), alpha, green)
        tiles.append(np.vstack([resize(image, (192, 192)), resize(laid, (192, 192))]))
    return np.vstack([np.hstack(tiles[row : row + 8]) for row in range(0, len(tiles), 8)])


def rendered_views(data: Path) -> list[tuple[dict[str, str], bool]]:
    """Of rendered and scanned goods 66 views a background, 26 of them of every fifth product, which is held out."""
    rows = [
        {**row, "folder": str(data / name)}
        for name in ("models3d", "scans3d")
        for row in csv.DictReader((data / name / "photos.csv").open())
    ]
    held_out = set(sorted({row["product_id"] for row in rows})[4::5])
    rng, chosen = random.Random(0), []
    for ground in sorted({row["background"] for row in rows}):
        for is_held_out, count in ((False, 40), (True, 26)):
            known = [
                row for row in rows if row["background"] == ground and (row["product_id"] in held_out) == is_held_out
            ]
            chosen += [(row, is_held_out) for row in rng.sample(known, count)]
    return chosen


def confidence() -> None:
    """Weights of `tasks.outline` by its evidence on known masks, and how its confidence does on held-out products."""
    ours, seen, right, held_out, told = cutter(threads=1), [], [], [], []
    for row, is_held_out in rendered_views(settings.data_folder()):
        image = read_image(Path(row["folder"]) / row["image"])
        mask = read_image(Path(row["folder"]) / row["mask"])[..., 0] / np.float32(255)
        alpha = ours.alpha(image)
        seen.append(evidence(ours._network, image, alpha))
        right.append(float(np.minimum(alpha, mask).sum() / np.maximum(alpha, mask).sum()) >= RIGHT)
        told.append(ours.confidence(image, alpha))
        held_out.append(is_held_out)
    x, y, kept, score = np.c_[seen, np.ones(len(seen))], np.array(right), np.array(held_out), np.array(told)
    weights = logistic(x[~kept], y[~kept])
    print("weights", dict(zip((*EVIDENCE, "bias"), weights.round(2).tolist(), strict=True)))
    for name, chosen in (("learned from", ~kept), ("held out", kept)):
        below, wrong = chosen & (score < TRUSTED), chosen & ~y
        print(
            f"{name}: of {below.sum()} doubtful {(below & wrong).sum()} are wrong, of {(chosen & ~below).sum()} others "
            f"{(wrong & ~below).sum()}; precision {(below & wrong).sum() / max(below.sum(), 1):.2f}, "
            f"recall {(below & wrong).sum() / max(wrong.sum(), 1):.2f}, n = {chosen.sum()}"
        )


def masked_goods(data: Path) -> list[tuple[ImageArray, FloatArray]]:
    """Held-out rendered and scanned goods with their masks: as many on white as before photos and in rooms."""
    return [
        (
            read_image(folder / row["image"]),
            np.float32(1 / 255) * read_image(folder / row["mask"])[..., 0].astype(np.float32),
        )
        for row, is_held_out in rendered_views(data)
        if is_held_out
        for folder in [Path(row["folder"])]
    ]


def logistic(x: NDArray[np.float64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Logistic regression by Newton's method; x has a column of ones last. Weights are held small, the bias is not."""
    weights, ridge = np.zeros(x.shape[1]), np.diag([RIDGE] * (x.shape[1] - 1) + [1e-6])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (p - y) + ridge @ weights
        weights = weights - np.linalg.solve((x.T * (p * (1 - p))) @ x + ridge, gradient)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sheet", type=Path, help="write 40 pictures with their cut-outs (.png)")
    parser.add_argument("--cache", type=Path, default=Path("runs/cutout/cache"), help="folder of rendered things")
    parser.add_argument("--confidence", action="store_true", help="measure the confidence in outlines instead")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.confidence:
        confidence()
        return
    data = settings.data_folder()
    unseen = masked_photos(data, held_out=True)
    things = [*goods(data), *drawn(RENDERED, seed=7, cache=given.cache)]
    kept = [*people(unseen), *(thing for thing in things if thing.is_held_out)]
    composed = composed_pictures(kept, backgrounds(data, unseen, seed=1, table="validation.csv"), seed=99)
    street = [(photo.image, (photo.labels > 0).astype(np.float32)) for photo in unseen[:STREET]]
    rendered = masked_goods(data)
    ours = cutter(threads=1)
    ways: dict[str, Cut] = {"catalens": ours.alpha, "GrabCut": grab_cut, "border color": border_color}
    result: dict[str, object] = {"benchmark": "cutout"}
    times = {name: time_of(cut) for name, cut in ways.items()}
    for name, cut in ways.items():
        rows = {"composed": measured(cut, composed), "street": measured(cut, street), "goods": measured(cut, rendered)}
        print(
            f"{name}: {times[name] / times['GrabCut']:.3f} of GrabCut's time ({1000 * times[name]:.0f} ms a megapixel)"
        )
        for kind, figures in rows.items():
            for figure, estimate in figures.items():
                print(f"  {kind:<9} {figure:<11} {estimate}")
        result[name] = {
            kind: {figure: estimate.to_dict() for figure, estimate in figures.items()} for kind, figures in rows.items()
        } | {"of GrabCut's time": times[name] / times["GrabCut"]}
    if given.sheet is not None:
        save_image(given.sheet, sheet(ours.alpha, composed[:SHOWN]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
